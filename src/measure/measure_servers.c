/* SPDX-License-Identifier: BSD-2-Clause */
/* The servers: the destination as a whole, as smtp(8) would connect to it; and, of what
 * is kept, what they did as witnesses. */
#include "measure/measure_impl.h"

/* What hosts by themselves cannot tell: the names of secure are the destination's. */
static bool
wanted(const struct measure_settings *settings, const struct measure_item *item)
{
	(void)settings;
	return item->probing == MEASURE_PROBE_HOSTS &&
	    item->probe_up_to == LEVEL_SECURE &&
	    item->answers.works[LEVEL_VERIFY] == ANSWER_YES;
}

static void
unasked(struct answers *answers)
{
	answers->probed = LEVEL_UNKNOWN;
	answers->probe_works = ANSWER_UNSURE;
	answers->servers[0] = '\0';
}

static void
ask(struct measurer *measurer, struct measure_item *item, struct err *trouble)
{
	(void)trouble;
	measure_begin_probes(measurer);
	measure_probe(
	    measurer, item, item->nexthop.key, LEVEL_SECURE, &measurer->found.whole);
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
            .member = "servers",
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
