/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/attempts.h"

#include <string.h>

#include "base/span.h"
#include "core/fold_items.h"

#define LATE_MS (10 * SPAN_MINUTE_MS) /* so late a line of an attempt may be written */
#define WORD    "attempt\t"

static int64_t
arrived(const struct status_line *line, int64_t time_ms)
{
	return time_ms - line->delay_us / 1000;
}

static bool
is_of(const struct attempt *a, const struct status_line *line, uint32_t hash,
    int64_t arrival_ms)
{
	return a->hash == hash && a->before_us == line->before_us &&
	    arrival_ms >= a->arrival_ms && arrival_ms - a->arrival_ms <= LATE_MS;
}

void
attempts_note(struct attempts *attempts, const struct status_line *line, int64_t time_ms)
{
	uint32_t hash = fold_items_hash(line->queue_id);
	struct attempt *a = &attempts->items[hash % ATTEMPTS_MAX];

	/* An old Postfix does not tell. */
	if (line->before_us == 0 && line->attempt_us == 0)
		return;
	if (!is_of(a, line, hash, arrived(line, time_ms)))
		*a = (struct attempt){hash, line->before_us, arrived(line, time_ms)};
}

/* Rounded down: Postfix shows two digits of each delay at the least. */
int64_t
attempts_began(
    const struct attempts *attempts, const struct status_line *line, int64_t time_ms)
{
	uint32_t hash = fold_items_hash(line->queue_id);
	const struct attempt *a = &attempts->items[hash % ATTEMPTS_MAX];
	int64_t arrival_ms = arrived(line, time_ms);

	if (is_of(a, line, hash, arrival_ms))
		time_ms -= arrival_ms - a->arrival_ms;
	return time_ms - (line->attempt_us + 10000) / 1000;
}

void
attempts_save(const struct attempts *attempts, struct buf *out)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		const struct attempt *a = &attempts->items[i];

		if (a->hash != 0)
			buf_printf(out, WORD "%lu\t%lld\t%lld\n", (unsigned long)a->hash,
			    (long long)a->before_us, (long long)a->arrival_ms);
	}
}

void
attempts_load(struct attempts *attempts, struct str saved)
{
	struct str line, field[2];

	memset(attempts, 0, sizeof(*attempts));
	while (str_cut(&saved, '\n', &line)) {
		uint64_t hash, before_us, arrival_ms;

		if (!str_eat(&line, STR(WORD)) || !str_cut(&line, '\t', &field[0]) ||
		    !str_cut(&line, '\t', &field[1]) ||
		    !str_number(field[0], UINT32_MAX, &hash) ||
		    !str_number(field[1], INT64_MAX, &before_us) ||
		    !str_number(line, INT64_MAX, &arrival_ms))
			continue;
		attempts->items[hash % ATTEMPTS_MAX] = (struct attempt){
		    (uint32_t)hash, (int64_t)before_us, (int64_t)arrival_ms};
	}
}
