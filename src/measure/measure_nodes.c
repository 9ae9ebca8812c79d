/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several Postfix servers that send the same mail. An entry is one for all of them, so
 * what one has for a destination, a password or a policy of its own, counts for all; and
 * that it cannot be asked now does not take it away.
 */
#include "base/span.h"
#include "measure/measure_impl.h"
#include "sys/clock.h"

#define HUNG_MS (2 * SPAN_SECOND_MS) /* so long no answer takes that comes */
#define REST_MS SPAN_MINUTE_MS

const struct measure_node *
measure_nodes(const struct measure_settings *settings, unsigned *count)
{
	*count = settings->nodes != NULL ? settings->node_count : 1;
	return settings->nodes != NULL ? settings->nodes : &settings->node;
}

void
measure_tally_add(struct measure_tally *tally, unsigned at, enum answer answer)
{
	uint64_t bit = UINT64_C(1) << at;

	tally->told |= bit;
	tally->yes |= answer == ANSWER_YES ? bit : 0;
	tally->unsure |= answer == ANSWER_UNSURE ? bit : 0;
}

static bool
is_stood_in(const struct measure_node *nodes, unsigned count, unsigned at, uint64_t told,
    bool (*is_alike)(const struct measure_node *a, const struct measure_node *b))
{
	for (unsigned i = 0; i < count; i++)
		if ((told & UINT64_C(1) << i) != 0 && is_alike(&nodes[i], &nodes[at]))
			return true;
	return false;
}

enum answer
measure_tally_sum(const struct measure_settings *settings,
    const struct measure_tally *tally, const struct measure_said *last,
    bool (*is_alike)(const struct measure_node *a, const struct measure_node *b),
    uint64_t *by)
{
	bool yes = tally->yes != 0, unsure = tally->unsure != 0 || tally->told == 0;
	unsigned count;
	const struct measure_node *nodes = measure_nodes(settings, &count);

	*by = 0;
	for (unsigned i = 0; i < count; i++) {
		uint64_t bit = UINT64_C(1) << i;

		if ((tally->yes & bit) != 0)
			*by |= nodes[i].bit;
		if ((tally->told & bit) != 0)
			continue;
		if (last->answer == ANSWER_YES && (last->by & nodes[i].bit) != 0) {
			*by |= nodes[i].bit;
			yes = true;
		} else if (last->answer != ANSWER_NO &&
		    !is_stood_in(nodes, count, i, tally->told, is_alike)) {
			unsure = true;
		}
	}
	return yes ? ANSWER_YES : unsure ? ANSWER_UNSURE : ANSWER_NO;
}

bool
measure_node_waits(
    const struct measure_settings *settings, unsigned at, const int64_t *hung_ms)
{
	if (settings->nodes == NULL)
		return false;
	return settings->nodes[at].is_away ||
	    (hung_ms != NULL && hung_ms[at] != 0 &&
	        clock_monotonic_ms() - hung_ms[at] < REST_MS);
}

void
measure_node_failed(const struct measure_settings *settings, unsigned at,
    int64_t begun_ms, int64_t *hung_ms)
{
	int64_t now_ms = clock_monotonic_ms();

	if (settings->nodes != NULL && hung_ms != NULL && now_ms - begun_ms >= HUNG_MS)
		hung_ms[at] = now_ms;
}

/* --- what was said last ------------------------------------------------------------ */

void
measure_said_print(enum answer answer, uint64_t by, bool of_nodes, struct buf *out)
{
	if (answer == ANSWER_UNSURE)
		return;
	buf_printf(out, answer == ANSWER_YES ? "yes" : "no");
	if (answer == ANSWER_YES && of_nodes)
		buf_printf(out, " %016llx", (unsigned long long)by);
}

/* Without bits it may have been any of them. */
bool
measure_said_parse(struct str text, struct measure_said *out)
{
	struct str word;

	*out = (struct measure_said){.answer = ANSWER_UNSURE};
	if (!str_next(&text, ' ', &word) || (!str_is(word, "yes") && !str_is(word, "no")))
		return false;
	out->answer = str_is(word, "yes") ? ANSWER_YES : ANSWER_NO;
	if (text.len == 0) {
		out->by = out->answer == ANSWER_YES ? UINT64_MAX : 0;
		return true;
	}
	if (str_hex(text, &out->by))
		return true;
	*out = (struct measure_said){.answer = ANSWER_UNSURE};
	return false;
}

static void
remind_of(const struct destination *d, const struct measure_source *source,
    struct measure_said *said)
{
	struct fact fact;

	*said = (struct measure_said){.answer = ANSWER_UNSURE};
	if (facts_find(d->facts, source->name, &fact))
		measure_said_parse(fact.text, said);
}

void
measure_remind(const struct measure_settings *settings, const struct destination *d,
    struct measure_item *item)
{
	if (settings->nodes == NULL)
		return;
	remind_of(d, &measure_maps, &item->said_map);
	remind_of(d, &measure_credentials, &item->said_credentials);
}
