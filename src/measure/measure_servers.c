/* SPDX-License-Identifier: BSD-2-Clause */
/* The servers, the destination as a whole: as smtp(8) would connect to it. */
#include "measure/measure_impl.h"

/* What hosts by themselves cannot tell: the names of secure are the destination's. */
static bool
wants_secure(const struct measure_item *item)
{
	return item->probing == MEASURE_PROBE_HOSTS &&
	    item->probe_up_to == LEVEL_SECURE &&
	    item->answers.works[LEVEL_VERIFY] == ANSWER_YES;
}

/* DANE is a matter of DNS, not of a probe. */
static bool
wanted(const struct measure_settings *settings, const struct measure_item *item)
{
	enum dane_state dane = item->answers.dane.state;

	(void)settings;
	if (item->probing != MEASURE_PROBE_WHOLE)
		return wants_secure(item);
	return item->answers.other_map == ANSWER_NO && dane != DANE_UNSURE &&
	    dane != DANE_USABLE && dane != DANE_NO_MAIL;
}

static void
unasked(struct answers *answers)
{
	answers->probed = LEVEL_UNKNOWN;
	answers->probe_works = ANSWER_UNSURE;
	answers->servers[0] = '\0';
}

/* From the strongest rung down: verify is another question than secure. */
static const enum level rungs[] = {LEVEL_SECURE, LEVEL_VERIFY, LEVEL_ENCRYPT};

static void
ask(struct measurer *measurer, struct measure_item *item, struct err *trouble)
{
	struct answers *answers = &item->answers;
	enum level above =
	    item->probing == MEASURE_PROBE_HOSTS ? LEVEL_VERIFY : item->probe_above;

	(void)trouble;
	for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++) {
		enum probe_outcome outcome;

		if (rungs[i] > item->probe_up_to || rungs[i] <= above)
			continue;
		outcome = measure_probe(
		    measurer, item, item->nexthop.key, rungs[i], &measurer->found.whole);
		if (outcome == PROBE_MISSING)
			return;
		answers->probed = rungs[i];
		answers->probe_works = outcome == PROBE_YES ? ANSWER_YES
		    : outcome == PROBE_NO                   ? ANSWER_NO
		                                            : ANSWER_UNSURE;
		if (outcome != PROBE_NO)
			return;
	}
}

/* --- what they did as witnesses ---------------------------------------------------- */

static void
save(const struct answers *answers, struct buf *out)
{
	buf_printf(out, "%s", answers->servers);
}

static bool
load(struct str text, struct answers *answers)
{
	struct str rest = text, name;

	if (!str_cut(&rest, ' ', &name) || !str_starts(rest, STR("answer=")))
		return false;
	return str_copy(text, answers->servers, sizeof(answers->servers));
}

/* The next host of "...; ..."; false: there is none left. */
static bool
next_host(struct str *rest, struct str *host)
{
	if (rest->len == 0)
		return false;
	if (!str_cut(rest, ';', host)) {
		*host = *rest;
		rest->len = 0;
	}
	*host = str_trim(*host);
	return true;
}

static void
explain_text(const struct answers *answers, struct buf *out)
{
	struct str rest = str_of(answers->servers), host;

	buf_add_char(out, '\n');
	while (next_host(&rest, &host)) {
		buf_printf(out, "  ");
		buf_add_visible(out, host);
		buf_add_char(out, '\n');
	}
}

static void
explain_json(const struct answers *answers, struct buf *out)
{
	struct str rest = str_of(answers->servers), host;
	const char *comma = "";

	buf_printf(out, ",\"hosts\":[");
	while (next_host(&rest, &host)) {
		buf_printf(out, "%s", comma);
		buf_add_json(out, host);
		comma = ",";
	}
	buf_add_char(out, ']');
}

/* --- check ------------------------------------------------------------------------- */

static void
show(const struct measurement *found, struct buf *out)
{
	if (found->whole.level != LEVEL_UNKNOWN)
		measure_show_probe(&found->whole, out);
}

static void
json(const struct measurement *found, struct buf *out)
{
	buf_printf(out, ",\"secure\":");
	if (found->whole.level == LEVEL_SECURE)
		measure_json_probe(&found->whole, out);
	else
		buf_printf(out, "null");
}

const struct measure_source measure_servers = {
    .name = "servers",
    .wanted = wanted,
    .ask = ask,
    .unasked = unasked,
    .serves_ms = measure_serves_never,
    .kept = {.save = save, .load = load},
    .trouble = {.label = "", .member = "", .warning = ""}, /* it stands at the probe */
    .explain =
        {
            .title = "servers",
            .text = explain_text,
            .json = explain_json,
        },
    .check =
        {
            .before_hosts = measure_shows_nothing,
            .host = measure_shows_no_host,
            .behind_hosts = show,
            .json = json,
            .json_host = measure_shows_no_host,
        },
};
