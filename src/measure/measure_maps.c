/* SPDX-License-Identifier: BSD-2-Clause */
/* The other maps of smtp_tls_policy_maps, and rows of others in tables of ours: does one
 * of them answer for the key? */
#include "measure/measure_impl.h"

static bool
wanted(const struct measure_settings *settings, const struct measure_item *item)
{
	(void)item;
	return settings->tables.ask != NULL ||
	    (settings->other_maps != NULL && settings->other_maps[0] != NULL);
}

static void
unasked(struct answers *answers)
{
	answers->other_map = ANSWER_NO;
}

static void
ask_all(struct measurer *measurer, struct measure_item *const *items, unsigned count,
    struct err *trouble)
{
	const struct measure_settings *settings = measurer->settings;
	const char *keys[MEASURE_BATCH] = {NULL};
	enum answer answers[MEASURE_BATCH];

	for (unsigned i = 0; i < count; i++) {
		keys[i] = items[i]->nexthop.key;
		answers[i] = ANSWER_UNSURE;
	}
	if (settings->other_maps != NULL)
		postfix_maps_answer(settings->postfix, settings->other_maps, keys, count,
		    answers, trouble);
	else
		for (unsigned i = 0; i < count; i++)
			answers[i] = ANSWER_NO;
	if (settings->tables.ask != NULL)
		settings->tables.ask(
		    settings->tables.context, keys, count, answers, trouble);
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
