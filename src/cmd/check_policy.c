/* SPDX-License-Identifier: BSD-2-Clause */
/* What `check` finds out about the MTA-STS policy of a destination: it fetches it now. */
#include <stdio.h>
#include <string.h>

#include "cmd/check.h"
#include "cmd/cmd.h"
#include "cmd/page.h"
#include "core/sts_entry.h"
#include "measure/fetcher.h"
#include "store/store_sts.h"
#include "sys/clock.h"

void
check_policy_clear(struct check_policy *found)
{
	sts_policy_clear(&found->policy);
	buf_clear(&found->text);
	buf_clear(&found->attributes);
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

/* A policy is in force until it ends, whatever became of its record and its server. */
static void
read_kept(struct check_policy *found, struct store *store, const char *domain)
{
	int64_t now_ms = clock_wall_ms();
	struct sts_record kept;
	struct err ignored;
	bool is_kept;

	if (!store_sts_get(store, domain, &kept, &is_kept, &ignored))
		return;
	found->kept_ms = is_kept ? sts_ends_ms(&kept.state, now_ms) : 0;
	if (found->kept_ms != 0) {
		sts_policy_clear(&found->policy);
		found->policy = kept.state.policy;
		kept.state.policy = (struct sts_policy){.mx = NULL};
	}
	sts_record_clear(&kept);
}

/* What the daemon would write, for any Postfix where none could be asked. */
static void
add_entry(struct check *check, const struct postfix_settings *settings)
{
	struct check_policy *found = &check->policy;
	struct answers *answers = &check->item.answers;
	enum sts_support support = settings == NULL
	    ? STS_SUPPORT_NAMES
	    : sts_support_of(str_of(settings->version), settings->sts_patterns);
	unsigned count = check->found->dns.host_count;
	struct str hosts[DNS_HOSTS_MAX] = {{NULL, 0}};

	for (unsigned i = 0; i < count; i++)
		hosts[i] = str_of(check->found->dns.hosts[i].name);
	found->allowed = sts_hosts_allowed(&found->policy, hosts, count);
	if (support != STS_SUPPORT_NONE)
		sts_entry_bounded(&found->policy, str_of(answers->sts_domain), support,
		    hosts, count, true, &found->attributes);
	answers->sts_attributes =
	    found->attributes.len > 0 ? buf_text(&found->attributes) : NULL;
	answers->sts_allows_none = count > 0 && found->allowed == 0;
}

/* As in core/sts_state, of what is announced and fetched now. */
static enum sts_applies
applies(const struct answers *answers, const struct check_policy *found)
{
	if (!found->had && found->kept_ms == 0)
		return answers->sts_txt.state == STS_TXT_VALID ? STS_APPLIES_UNHAD
		    : answers->sts_txt.state == STS_TXT_UNSURE ? STS_APPLIES_UNSURE
		                                               : STS_APPLIES_NOTHING;
	return found->policy.max_age_s == 0          ? STS_APPLIES_NOTHING
	    : found->policy.mode == STS_MODE_ENFORCE ? STS_APPLIES_ENFORCE
	    : found->policy.mode == STS_MODE_TESTING ? STS_APPLIES_TESTING
	                                             : STS_APPLIES_NONE;
}

void
check_policy(struct check *check, const struct config *config, struct measurer *measurer,
    struct store *store, const struct postfix_settings *settings)
{
	struct answers *answers = &check->item.answers;
	struct check_policy *found = &check->policy;

	found->off = !config->mta_sts.enable;
	if (!answers->sources[FACT_policy].asked)
		return;
	found->asked = answers->sts_txt.state == STS_TXT_VALID;
	if (found->asked)
		fetch(found, config, measurer, answers->sts_domain);
	if (!found->had && store != NULL)
		read_kept(found, store, answers->sts_domain);
	answers->sts = applies(answers, found);
	if (answers->sts == STS_APPLIES_ENFORCE)
		add_entry(check, settings);
}

/* --- shown ------------------------------------------------------------------------- */

static void
print_failure(const struct check_policy *found, struct buf *out)
{
	buf_printf(out, "  MTA-STS policy not had: %s", sts_cause_sentence(found->cause));
	if (found->detail[0] != '\0') {
		buf_printf(out, ": ");
		buf_add_visible(out, str_of(found->detail));
	}
	buf_add_char(out, '\n');
}

static void
print_policy(const struct check *check, struct buf *out)
{
	const struct sts_policy *policy = &check->policy.policy;
	const struct measurement *measured = check->found;

	buf_printf(out, "  MTA-STS policy %s, ", sts_mode_name(policy->mode));
	if (check->policy.kept_ms != 0) {
		buf_printf(out, "kept until ");
		page_add_moment(out, check->policy.kept_ms);
	} else {
		buf_printf(out, "for %u s", policy->max_age_s);
	}
	buf_printf(out, ": %s\n",
	    policy->mx != NULL && policy->mx[0] != '\0' ? policy->mx : "no mx");
	for (unsigned i = 0; i < measured->dns.host_count; i++) {
		struct str host = str_of(measured->dns.hosts[i].name);

		buf_printf(out, "    ");
		buf_add_quoted(out, host);
		buf_printf(out, "  %s\n",
		    sts_policy_allows(policy, host) ? "is allowed"
		                                    : "is not in the policy");
	}
	if (check->policy.attributes.len > 0)
		buf_printf(
		    out, "    entry secure %s\n", buf_text(&check->policy.attributes));
}

void
check_policy_print(const struct check *check, struct buf *out)
{
	const struct check_policy *found = &check->policy;

	if (found->off)
		buf_printf(out, "  MTA-STS is switched off (mta_sts.enable)\n");
	if (found->asked && !found->had)
		print_failure(found, out);
	if (found->had || found->kept_ms != 0)
		print_policy(check, out);
}

void
check_policy_json(const struct check *check, struct buf *out)
{
	const struct check_policy *found = &check->policy;
	bool known = found->had || found->kept_ms != 0;
	struct buf entry = {0};

	if (!found->asked && !known) {
		buf_printf(out, ",\"policy\":null");
		return;
	}
	buf_printf(out, ",\"policy\":{\"failure\":");
	buf_add_json(
	    out, str_of(found->had || !found->asked ? "" : sts_cause_name(found->cause)));
	buf_add_member(out, "detail", found->detail);
	buf_add_member(out, "mode", known ? sts_mode_name(found->policy.mode) : "");
	buf_add_member(out, "mx", found->policy.mx != NULL ? found->policy.mx : "");
	buf_printf(out, ",\"max_age\":%u,\"allowed\":%zu", found->policy.max_age_s,
	    found->allowed);
	buf_add_time_member(out, "kept_until", found->kept_ms);
	if (found->attributes.len > 0)
		buf_printf(&entry, "secure %s", buf_text(&found->attributes));
	buf_add_member(out, "entry", buf_text(&entry));
	buf_add_char(out, '}');
	buf_clear(&entry);
}
