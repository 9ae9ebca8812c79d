/* SPDX-License-Identifier: BSD-2-Clause */
/* The other maps of smtp_tls_policy_maps, and rows of others in tables of ours: does one
 * of them answer for the key? */
#include "measure/measure_impl.h"

bool
measure_has_maps(const struct measure_settings *settings)
{
	return settings->tables.ask != NULL ||
	    (settings->other_maps != NULL && settings->other_maps[0] != NULL);
}

static bool
wanted(const struct measure_settings *settings, const struct measure_item *item)
{
	(void)item;
	return measure_has_maps(settings);
}

static void
unasked(struct answers *answers)
{
	answers->other_map = ANSWER_NO;
}

void
measure_ask_maps(const struct measure_settings *settings, const char *const *keys,
    size_t count, enum answer *answers, struct err *trouble)
{
	for (size_t i = 0; i < count; i++)
		answers[i] = settings->other_maps != NULL ? ANSWER_UNSURE : ANSWER_NO;
	if (settings->other_maps != NULL)
		postfix_maps_answer(
		    settings->node, settings->other_maps, keys, count, answers, trouble);
	if (settings->tables.ask != NULL)
		settings->tables.ask(
		    settings->tables.context, keys, count, answers, trouble);
}

static void
ask_all(struct measurer *measurer, struct measure_item *const *items, unsigned count,
    struct err *trouble)
{
	const char *keys[MEASURE_BATCH] = {NULL};
	enum answer answers[MEASURE_BATCH];

	for (unsigned i = 0; i < count; i++)
		keys[i] = items[i]->nexthop.key;
	measure_ask_maps(measurer->settings, keys, count, answers, trouble);
	for (unsigned i = 0; i < count; i++)
		items[i]->answers.other_map = answers[i];
}

const struct measure_source measure_maps = {
    .name = "maps",
    .wanted = wanted,
    .ask_all = ask_all,
    .unasked = unasked,
    .serves_ms = measure_serves_never, /* an administrator's file changes at any time */
    .kept = {.save = measure_saves_nothing, .load = measure_loads_nothing},
    .trouble =
        {
            .label = "another map",
            .member = "other_map_trouble",
            .warning = "cannot ask another policy map",
        },
    .explain =
        {
            .title = "",
            .text = measure_explains_nothing,
            .json = measure_explains_nothing,
        },
    .check =
        {
            .before_hosts = measure_shows_nothing,
            .host = measure_shows_no_host,
            .behind_hosts = measure_shows_nothing,
            .json = measure_shows_nothing,
            .json_host = measure_shows_no_host,
        },
};
