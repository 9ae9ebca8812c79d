/* SPDX-License-Identifier: BSD-2-Clause */
/* What `check` finds out about the MTA-STS policy of a destination: it fetches it now. */
#include <stdio.h>
#include <string.h>

#include "cmd/check.h"
#include "cmd/cmd.h"
#include "core/sts_entry.h"
#include "measure/fetcher.h"

void
check_policy_clear(struct check_policy *found)
{
	sts_policy_clear(&found->policy);
	buf_clear(&found->text);
	buf_clear(&found->entry);
}

static void
fail(struct check_policy *found, enum sts_cause cause, const char *detail)
{
	found->cause = cause;
	snprintf(found->detail, sizeof(found->detail), "%.*s",
	    (int)sizeof(found->detail) - 1, detail);
}

static void
fetch(struct check_policy *found, const struct config *config, struct measurer *measurer,
    const char *domain)
{
	struct fetch_request request;
	struct fetch_answer answer;
	struct err err = {""};

	if (!fetcher_request(
	        domain, config->mta_sts.ca_file, &config->mta_sts.networks, &request)) {
		fail(found, STS_CAUSE_FETCHER, "no such request can be made");
		return;
	}
	measure_ask_addresses(measurer, &request, &err);
	if (request.address_count == 0) {
		fail(found, STS_CAUSE_NO_ADDRESS, err.text);
		return;
	}
	fetcher_run(&request, 0, &found->text, &answer);
	if (answer.cause != STS_CAUSE_OK)
		fail(found, answer.cause, answer.detail);
	else if (!sts_policy_parse(answer.body, &found->policy, NULL, &err))
		fail(found, STS_CAUSE_SYNTAX, err.text);
	else
		found->had = true;
}

/* What the daemon would write. */
static void
make_entry(struct check_policy *found, const struct measurement *measured,
    const struct postfix_settings *settings, const char *domain)
{
	enum sts_support support = STS_SUPPORT_NONE;
	struct str hosts[DNS_HOSTS_MAX];
	unsigned count = measured->dns.host_count;

	for (unsigned i = 0; i < count; i++)
		hosts[i] = str_of(measured->dns.hosts[i].name);
	found->allowed = sts_hosts_allowed(&found->policy, hosts, count);
	if (settings != NULL)
		support =
		    sts_support_of(str_of(settings->version), settings->sts_patterns);
	if (support == STS_SUPPORT_NONE || !postfix_has_authorities(settings))
		return;
	buf_printf(&found->entry, "secure ");
	if (!sts_entry_bounded(&found->policy, str_of(domain), support, hosts, count,
	        true, &found->entry))
		buf_reset(&found->entry);
}

void
check_policy(struct check *check, const struct config *config, struct measurer *measurer,
    const struct postfix_settings *settings)
{
	const struct answers *answers = &check->item.answers;
	struct check_policy *found = &check->policy;

	if (!answers->sources[FACT_policy].asked ||
	    answers->sts_txt.state != STS_TXT_VALID)
		return;
	found->asked = true;
	fetch(found, config, measurer, answers->sts_domain);
	if (!found->had || found->policy.mode != STS_MODE_ENFORCE ||
	    found->policy.max_age_s == 0)
		return;
	make_entry(found, check->found, settings, answers->sts_domain);
	/* DANE is stronger, and another map is the administrator's (guards 5 and 7). */
	if (found->entry.len == 0 || answers->dane.state == DANE_USABLE ||
	    answers->dane.state == DANE_UNSURE || answers->dane.state == DANE_NO_MAIL ||
	    answers->other_map == ANSWER_YES)
		return;
	check->grading.level = LEVEL_SECURE;
	check->grading.why = WHY_POLICY;
	check->grading.waits = found->allowed == 0;
}

/* --- shown ------------------------------------------------------------------------- */

void
check_policy_print(const struct check *check, struct buf *out)
{
	const struct check_policy *found = &check->policy;
	const struct measurement *measured = check->found;

	if (!found->asked)
		return;
	if (!found->had) {
		buf_printf(out, "  MTA-STS policy not had: %s",
		    sts_cause_sentence(found->cause));
		if (found->detail[0] != '\0') {
			buf_printf(out, ": ");
			buf_add_visible(out, str_of(found->detail));
		}
		buf_add_char(out, '\n');
		return;
	}
	buf_printf(out, "  MTA-STS policy %s, for %u s: %s\n",
	    sts_mode_name(found->policy.mode), found->policy.max_age_s,
	    found->policy.mx != NULL && found->policy.mx[0] != '\0' ? found->policy.mx
	                                                            : "no mx");
	for (unsigned i = 0; i < measured->dns.host_count; i++) {
		buf_printf(out, "    ");
		buf_add_quoted(out, str_of(measured->dns.hosts[i].name));
		buf_printf(out, "  %s\n",
		    sts_policy_allows(&found->policy, str_of(measured->dns.hosts[i].name))
		        ? "is allowed"
		        : "is not in the policy");
	}
	if (found->entry.len > 0)
		buf_printf(out, "    entry %s\n", buf_text(&found->entry));
}

void
check_policy_json(const struct check *check, struct buf *out)
{
	const struct check_policy *found = &check->policy;

	if (!found->asked) {
		buf_printf(out, ",\"policy\":null");
		return;
	}
	buf_printf(out, ",\"policy\":{\"failure\":");
	buf_add_json(out, str_of(found->had ? "" : sts_cause_name(found->cause)));
	buf_add_member(out, "detail", found->detail);
	buf_add_member(out, "mode", found->had ? sts_mode_name(found->policy.mode) : "");
	buf_add_member(out, "mx", found->policy.mx != NULL ? found->policy.mx : "");
	buf_printf(out, ",\"max_age\":%u,\"allowed\":%zu", found->policy.max_age_s,
	    found->allowed);
	buf_add_member(out, "entry", buf_text(&found->entry));
	buf_add_char(out, '}');
}
