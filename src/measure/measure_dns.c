/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS: MX, addresses, TLSA, and what DANE makes of them. */
#include <stdio.h>
#include <string.h>

#include "dns/idn.h"
#include "measure/measure_impl.h"

static bool
wanted(const struct measure_settings *settings, const struct measure_item *item)
{
	(void)settings;
	(void)item;
	return true;
}

static void
unasked(struct answers *answers)
{
	answers->dane = (struct dane_verdict){.state = DANE_UNSURE};
	answers->relay_fits = true;
	answers->text[0] = '\0';
	answers->choice = NULL;
}

bool
measure_relay_fits(const char *relay, const char *key, const char *text)
{
	struct nexthop nexthop;

	return relay[0] == '\0' ||
	    (nexthop_parse(str_of(key), &nexthop) &&
	        str_equal_nocase(str_of(relay), str_of(nexthop.host))) ||
	    dane_describes(text, str_of(relay));
}

_Static_assert(MEASURE_TWINS == IDN_TWINS, "a key for each spelling");

unsigned
measure_twins(const char *key, char out[MEASURE_TWINS][NEXTHOP_KEY_SIZE])
{
	char hosts[IDN_TWINS][NEXTHOP_HOST_SIZE];
	struct nexthop nexthop, twin;
	unsigned count, found = 0;
	const char *behind;

	if (!nexthop_parse(str_of(key), &nexthop) || nexthop.literal)
		return 0;
	count = idn_twins(nexthop.host, hosts);
	behind = nexthop.key + strlen(nexthop.host) + (nexthop.bracketed ? 1 : 0);
	for (unsigned i = 0; i < count; i++)
		if (snprintf(out[found], NEXTHOP_KEY_SIZE, "%s%s%s",
		        nexthop.bracketed ? "[" : "", hosts[i],
		        behind) < NEXTHOP_KEY_SIZE &&
		    nexthop_parse(str_of(out[found]), &twin))
			found++;
	return found;
}

static bool
relay_fits(const struct measure_item *item, const struct dns_records *records)
{
	struct str relay = str_of(item->relay);

	if (relay.len == 0 || str_equal_nocase(relay, str_of(item->nexthop.host)))
		return true;
	/* smtp_cname_overrides_servername has it logged by where an alias leads. */
	for (unsigned i = 0; i < records->host_count; i++)
		if (str_equal_nocase(relay, str_of(records->hosts[i].name)) ||
		    str_equal_nocase(relay, str_of(records->hosts[i].target)))
			return true;
	return false;
}

static void
ask(struct measurer *measurer, struct measure_item *item, struct err *trouble)
{
	struct answers *answers = &item->answers;
	struct dns_records *records = &measurer->found.dns;
	struct buf text = {0};

	if (measurer->resolver == NULL) {
		*trouble = measurer->err;
		buf_printf(&text, "%s", measurer->err.text);
	} else if (item->nexthop.port == 0) {
		err_set(trouble, "services(5) has no port of that name");
		buf_printf(&text, "%s", trouble->text);
	} else {
		resolver_gather(measurer->resolver, &item->nexthop, records);
		err_set(trouble, "%s", records->trouble);
		answers->dane = dane_judge(records);
		answers->relay_fits = relay_fits(item, records);
		choice_of(records, &measurer->settings->limits, &item->choice);
		answers->choice = &item->choice;
		if (answers->dane.state == DANE_UNSURE && records->trouble[0] != '\0') {
			buf_add_visible(&text, str_of(records->trouble));
			buf_add_char(&text, '\n');
		}
		dane_describe(records, &text);
	}
	if (!str_copy((struct str){buf_text(&text), text.len}, answers->text,
	        sizeof(answers->text))) {
		/* Long lists are cut: they are for reading, the verdict has seen all. */
		memcpy(answers->text, text.data, sizeof(answers->text) - 1);
		answers->text[sizeof(answers->text) - 1] = '\0';
	}
	buf_clear(&text);
}

static int64_t
serves_ms(const struct answers *answers)
{
	return dane_serves_ms(&answers->dane);
}

/* --- explain ----------------------------------------------------------------------- */

static void
explain_text(const struct answers *answers, struct buf *out)
{
	struct str rest = str_of(answers->text), line;

	buf_printf(out, ": TLSA %s\n", dane_state_name(answers->dane.state));
	while (rest.len > 0) {
		if (!str_cut(&rest, '\n', &line)) {
			line = rest;
			rest.len = 0;
		}
		buf_printf(out, "  ");
		buf_add_visible(out, line);
		buf_add_char(out, '\n');
	}
}

static void
explain_json(const struct answers *answers, struct buf *out)
{
	struct str rest = str_of(answers->text), line;
	const char *comma = "";

	buf_add_member(out, "tlsa",
	    answers->sources[FACT_dns].asked_ms != 0
	        ? dane_state_name(answers->dane.state)
	        : "");
	buf_printf(out, ",\"hosts\":[");
	while (rest.len > 0) {
		if (!str_cut(&rest, '\n', &line)) {
			line = rest;
			rest.len = 0;
		}
		buf_printf(out, "%s", comma);
		buf_add_json(out, line);
		comma = ",";
	}
	buf_add_char(out, ']');
}

/* --- check ------------------------------------------------------------------------- */

static void
show_mx(const struct measurement *found, struct buf *out)
{
	if (found->dns.mx == DNS_NOT_ASKED)
		return;
	buf_printf(out, "  MX %s%s\n", dns_answer_name(found->dns.mx),
	    found->dns.null_mx           ? ", takes no mail (RFC 7505)"
	        : found->dns.implicit_mx ? ", the domain itself is the host"
	                                 : "");
}

static bool
has_preference(const struct measurement *found)
{
	return found->dns.mx != DNS_NOT_ASKED && !found->dns.implicit_mx;
}

static void
show_host(const struct measurement *found, unsigned i, struct buf *out)
{
	const struct dns_host *host = &found->dns.hosts[i];

	buf_printf(out, "  ");
	if (has_preference(found))
		buf_printf(out, "%u ", host->preference);
	buf_add_quoted(out, str_of(host->name));
	if (host->literal) {
		buf_printf(out, "  an address, no DANE\n");
		return;
	}
	buf_printf(out, "  address %s", dns_answer_name(host->address));
	if (host->alias)
		buf_printf(out, " (alias)");
	buf_printf(out, ", TLSA %s", dns_answer_name(host->tlsa));
	if (host->tlsa_count > 0)
		buf_printf(
		    out, ", usable %u of %u", dane_host_usable(host), host->tlsa_count);
	buf_add_char(out, '\n');
}

static void
json(const struct measurement *found, struct buf *out)
{
	buf_add_member(out, "dane", dane_state_name(found->item->answers.dane.state));
	buf_add_member(out, "mx", dns_answer_name(found->dns.mx));
}

static void
json_host(const struct measurement *found, unsigned i, struct buf *out)
{
	const struct dns_host *host = &found->dns.hosts[i];

	if (has_preference(found))
		buf_printf(out, ",\"preference\":%u", host->preference);
	else
		buf_printf(out, ",\"preference\":null");
	buf_add_member(out, "address", dns_answer_name(host->address));
	buf_add_member(out, "tlsa", dns_answer_name(host->tlsa));
	buf_printf(out, ",\"usable\":%u,\"records\":%u", dane_host_usable(host),
	    host->tlsa_count);
}

const struct measure_source measure_dns = {
    .name = "dns",
    .wanted = wanted,
    .ask = ask,
    .unasked = unasked,
    .serves_ms = serves_ms,
    /* A destination has fields of its own for it, which decisions read. */
    .kept = {.save = measure_saves_nothing, .load = measure_loads_nothing},
    .trouble = {.label = "DNS", .member = "trouble", .warning = ""},
    .explain = {.title = "DNS",
        .member = "dns",
        .text = explain_text,
        .json = explain_json},
    .check =
        {
            .before_hosts = show_mx,
            .host = show_host,
            .behind_hosts = measure_shows_nothing,
            .json = json,
            .json_host = json_host,
        },
};
