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
    .kept = {.save = measure_saves_nothing, .load = measure_loads_nothing},
    .trouble = {.label = "", .member = "", .warning = ""}, /* it stands at the probe */
    .explain =
        {
            .title = "", /* what a probe leads to is the destination's own state */
            .text = measure_explains_nothing,
            .json = measure_explains_nothing,
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
