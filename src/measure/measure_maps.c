/* SPDX-License-Identifier: BSD-2-Clause */
/* The other maps of smtp_tls_policy_maps, and rows of others in tables of ours: does one
 * of them answer for the key? */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "measure/measure_impl.h"
#include "sys/clock.h"

static bool
has_maps(const struct measure_node *node)
{
	return node->other_maps != NULL && node->other_maps[0] != NULL;
}

bool
measure_has_maps(const struct measure_settings *settings)
{
	unsigned count;
	const struct measure_node *nodes = measure_nodes(settings, &count);
	bool has = settings->tables.ask != NULL;

	for (unsigned i = 0; i < count && !has; i++)
		has = has_maps(&nodes[i]);
	return has;
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

/* Files of the same name are believed to be alike. */
static bool
is_alike(const struct measure_node *a, const struct measure_node *b)
{
	size_t i = 0;

	if (!has_maps(a) || !has_maps(b))
		return has_maps(a) == has_maps(b);
	while (a->other_maps[i] != NULL && b->other_maps[i] != NULL &&
	    strcmp(a->other_maps[i], b->other_maps[i]) == 0)
		i++;
	return a->other_maps[i] == NULL && b->other_maps[i] == NULL;
}

/* False: a map failed, and some of answers are UNSURE. */
static bool
ask_node(const struct measure_settings *settings, unsigned at, const char *const *keys,
    size_t count, enum answer *answers, int64_t *hung_ms, struct err *trouble)
{
	int64_t begun_ms = clock_monotonic_ms();
	const struct measure_node *node;
	struct err now;
	unsigned all;

	node = &measure_nodes(settings, &all)[at];
	for (size_t i = 0; i < count; i++)
		answers[i] = node->other_maps != NULL ? ANSWER_UNSURE : ANSWER_NO;
	if (node->other_maps == NULL)
		return true;
	if (measure_node_waits(settings, at, hung_ms) && has_maps(node))
		return false;
	if (postfix_maps_answer(
	        node->postfix, node->other_maps, keys, count, answers, &now))
		return true;
	if (trouble->text[0] == '\0')
		*trouble = now;
	measure_node_failed(settings, at, begun_ms, hung_ms);
	return false;
}

/* Of one node that failed, what it could not tell was not told. */
static void
ask_nodes(const struct measure_settings *settings, const char *const *keys, size_t count,
    struct measure_tally *tallies, int64_t *hung_ms, struct err *trouble)
{
	enum answer *answers = mem_new(count, sizeof(*answers));
	unsigned nodes;

	measure_nodes(settings, &nodes);
	for (unsigned n = 0; n < nodes; n++) {
		bool told = ask_node(settings, n, keys, count, answers, hung_ms, trouble);

		for (size_t i = 0; i < count; i++)
			if (told || answers[i] != ANSWER_UNSURE)
				measure_tally_add(&tallies[i], n, answers[i]);
	}
	free(answers);
}

void
measure_ask_maps(const struct measure_settings *settings, const char *const *keys,
    size_t count, enum answer *answers, struct err *trouble)
{
	const struct measure_said nothing = {.answer = ANSWER_UNSURE};
	struct measure_tally *tallies = mem_new(count, sizeof(*tallies));
	uint64_t by;

	ask_nodes(settings, keys, count, tallies, NULL, trouble);
	for (size_t i = 0; i < count; i++)
		answers[i] =
		    measure_tally_sum(settings, &tallies[i], &nothing, is_alike, &by);
	if (settings->tables.ask != NULL)
		settings->tables.ask(
		    settings->tables.context, keys, count, answers, trouble);
	free(tallies);
}

static void
ask_all(struct measurer *measurer, struct measure_item *const *items, unsigned count,
    struct err *trouble)
{
	const struct measure_settings *settings = measurer->settings;
	struct measure_tally tallies[MEASURE_BATCH] = {{0}};
	const char *keys[MEASURE_BATCH] = {NULL};
	enum answer answers[MEASURE_BATCH];

	for (unsigned i = 0; i < count; i++)
		keys[i] = items[i]->nexthop.key;
	ask_nodes(settings, keys, count, tallies, measurer->hung_ms, trouble);
	for (unsigned i = 0; i < count; i++)
		answers[i] = measure_tally_sum(settings, &tallies[i], &items[i]->said_map,
		    is_alike, &items[i]->answers.other_map_by);
	if (settings->tables.ask != NULL)
		settings->tables.ask(
		    settings->tables.context, keys, count, answers, trouble);
	for (unsigned i = 0; i < count; i++)
		items[i]->answers.other_map = answers[i];
}

/* Of several nodes, for those that cannot be asked later; it never serves. */
static void
save(const struct answers *answers, struct buf *out)
{
	if (answers->of_nodes)
		measure_said_print(answers->other_map, answers->other_map_by, true, out);
}

const struct measure_source measure_maps = {
    .name = "maps",
    .wanted = wanted,
    .ask_all = ask_all,
    .unasked = unasked,
    .serves_ms = measure_serves_never, /* an administrator's file changes at any time */
    .kept = {.save = save, .load = measure_loads_nothing},
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
