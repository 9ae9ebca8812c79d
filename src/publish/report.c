/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/masked.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/utc.h"
#include "store/store_report.h"

/* --- the month --------------------------------------------------------------------- */

/* The first moment of "2026-11". False: no such month. */
static bool
month_ms(struct str month, int64_t *ms)
{
	char text[UTC_SIZE] = "2026-11-01T00:00:00Z";
	int64_t s;

	if (month.len != REPORT_MONTH_SIZE - 1)
		return false;
	memcpy(text, month.p, month.len);
	if (!utc_parse(str_of(text), &s))
		return false;
	*ms = s * SPAN_SECOND_MS;
	return true;
}

static void
month_of(int64_t ms, char out[REPORT_MONTH_SIZE])
{
	char text[UTC_SIZE];

	(void)utc_print(ms / SPAN_SECOND_MS, text);
	str_copy((struct str){text, REPORT_MONTH_SIZE - 1}, out, REPORT_MONTH_SIZE);
}

static struct report_month *
get_month(struct report *r, const char *name)
{
	for (size_t i = r->month_count; i > 0; i--)
		if (strcmp(r->months[i - 1].name, name) == 0)
			return &r->months[i - 1];
	r->months = mem_array(r->months, r->month_count + 1, sizeof(*r->months));
	r->months[r->month_count] = (struct report_month){.name = ""};
	str_copy(str_of(name), r->months[r->month_count].name, REPORT_MONTH_SIZE);
	return &r->months[r->month_count++];
}

bool
report_begin(struct report *r, struct str month, int64_t now_ms)
{
	int64_t from_ms;
	char next[REPORT_MONTH_SIZE], name[REPORT_MONTH_SIZE];

	*r = (struct report){.now_ms = now_ms, .node = ""};
	month_of(now_ms, name);
	if (month.len == 0)
		month = str_of(name);
	if (!month_ms(month, &from_ms) || from_ms > now_ms)
		return false;
	r->from_ms = from_ms;
	str_copy(month, r->month, sizeof(r->month));
	month_of(from_ms + 32 * SPAN_DAY_MS, next);
	(void)month_ms(str_of(next), &r->until_ms);
	get_month(r, r->month);
	return true;
}

void
report_clear(struct report *r)
{
	for (size_t i = 0; i < r->destination_count; i++)
		free(r->destinations[i].key);
	for (size_t i = 0; i < r->change_count; i++) {
		free(r->changes[i].key);
		demand_clear(&r->changes[i].before);
		demand_clear(&r->changes[i].after);
	}
	for (size_t i = 0; i < r->exception_count; i++) {
		free(r->exceptions[i].key);
		demand_clear(&r->exceptions[i].entry);
	}
	free(r->months);
	free(r->destinations);
	free(r->changes);
	free(r->exceptions);
	*r = (struct report){.month = "", .node = ""};
}

/* --- what is added ----------------------------------------------------------------- */

void
report_add_month(struct report *r, const char *month, const char *what, uint64_t count)
{
	struct str name = str_of(what);
	enum protection protection;
	int64_t ms;

	if (!month_ms(str_of(month), &ms) || ms > r->from_ms)
		return;
	if (str_eat(&name, STR(STORE_SENT))) {
		if (protection_parse(name, &protection))
			get_month(r, month)->messages[protection] += count;
	} else if (str_eat(&name, STR(STORE_GRADE))) {
		for (int grade = 0; grade < GRADE_COUNT; grade++)
			if (str_is(name, grade_name((enum grade)grade)))
				get_month(r, month)->graded[grade] += count;
	}
}

void
report_add_sent(struct report *r, const char *key, const char *protection, uint64_t count)
{
	struct report_destination *d =
	    r->destination_count > 0 ? &r->destinations[r->destination_count - 1] : NULL;
	enum protection p;

	if (!protection_parse(str_of(protection), &p))
		return;
	if (d == NULL || strcmp(d->key, key) != 0) {
		r->destinations = mem_array(
		    r->destinations, r->destination_count + 1, sizeof(*r->destinations));
		d = &r->destinations[r->destination_count++];
		*d = (struct report_destination){.key = mem_strdup(key)};
	}
	d->messages[p] += count;
}

void
report_add_change(struct report *r, const char *key, const struct decision_record *record)
{
	struct report_change *c;

	r->changes = mem_array(r->changes, r->change_count + 1, sizeof(*r->changes));
	c = &r->changes[r->change_count++];
	*c = (struct report_change){
	    .time_ms = record->time_ms,
	    .key = mem_strdup(key),
	    .before = demand_copy(record->before),
	    .after = demand_copy(record->after),
	};
	str_copy(str_of(record->action), c->action, sizeof(c->action));
	if (!why_parse(str_of(record->why), &c->why))
		c->why = WHY_NONE;
}

/* Where the default is not known: weaker than a certificate that verifies. */
static bool
is_weaker(const struct report *r, enum level level)
{
	enum level than =
	    r->default_level != LEVEL_UNKNOWN ? r->default_level : LEVEL_VERIFY;

	return level != LEVEL_NONE && level_promise(level) < level_promise(than);
}

void
report_add_entry(struct report *r, const struct entry *entry)
{
	bool weaker = is_weaker(r, entry->level);
	struct report_exception *e;

	if (!weaker && !entry->pinned)
		return;
	r->exceptions =
	    mem_array(r->exceptions, r->exception_count + 1, sizeof(*r->exceptions));
	e = &r->exceptions[r->exception_count++];
	*e = (struct report_exception){
	    .key = mem_strdup(entry->key),
	    .entry = demand_copy(
	        (struct demand){.level = entry->level, .attributes = entry->attributes}),
	    .why = entry->why,
	    .pinned = entry->pinned,
	    .weaker = weaker,
	    .since_ms = entry->since_ms,
	    .until_ms = entry->pinned ? entry->look_ms : 0,
	};
	masked_copy(str_of(entry->note), e->note, sizeof(e->note));
}

/* --- all of it --------------------------------------------------------------------- */

/* Its weakest mail; what could not be told is none of it. As the store has it where it
 * forgets the destination. */
static enum grade
grade_of(const uint64_t messages[PROTECTION_COUNT])
{
	if (messages[PROTECTION_CLEARTEXT] > 0)
		return GRADE_RED;
	if (messages[PROTECTION_ENCRYPTED] > 0)
		return GRADE_YELLOW;
	return report_proven(messages) > 0 ? GRADE_GREEN : GRADE_UNSURE;
}

static int
by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_month(const void *a, const void *b)
{
	return strcmp(((const struct report_month *)a)->name,
	    ((const struct report_month *)b)->name);
}

/* Red, yellow, could not tell, green; then those with most of such mail. */
static int
by_weakness(const void *va, const void *vb)
{
	static const int rank[GRADE_COUNT] = {
	    [GRADE_RED] = 0, [GRADE_YELLOW] = 1, [GRADE_UNSURE] = 2, [GRADE_GREEN] = 3};
	const struct report_destination *a = va, *b = vb;

	if (a->grade != b->grade)
		return rank[a->grade] - rank[b->grade];
	for (int p = PROTECTION_CLEARTEXT; p >= 0; p--)
		if (a->messages[p] != b->messages[p])
			return by_number(b->messages[p], a->messages[p]);
	return strcmp(a->key, b->key);
}

static int
by_age(const void *va, const void *vb)
{
	const struct report_exception *a = va, *b = vb;

	return a->since_ms != b->since_ms ? (a->since_ms < b->since_ms ? -1 : 1)
	                                  : strcmp(a->key, b->key);
}

static void
sort(void *base, size_t count, size_t size, int (*by)(const void *, const void *))
{
	if (count > 1)
		qsort(base, count, size, by);
}

void
report_end(struct report *r)
{
	struct report_month *month = get_month(r, r->month);

	for (size_t i = 0; i < r->destination_count; i++) {
		struct report_destination *d = &r->destinations[i];

		d->grade = grade_of(d->messages);
		month->graded[d->grade]++;
	}
	sort(r->months, r->month_count, sizeof(*r->months), by_month);
	sort(
	    r->destinations, r->destination_count, sizeof(*r->destinations), by_weakness);
	sort(r->exceptions, r->exception_count, sizeof(*r->exceptions), by_age);
}

const struct report_month *
report_its_month(const struct report *r)
{
	size_t i = 0;

	while (strcmp(r->months[i].name, r->month) != 0)
		i++;
	return &r->months[i];
}

uint64_t
report_sum(const uint64_t *counts, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += counts[i];
	return sum;
}

uint64_t
report_proven(const uint64_t messages[PROTECTION_COUNT])
{
	return report_sum(messages, PROTECTION_ENCRYPTED);
}

enum report_age
report_age_of(const struct report *r, const struct report_exception *e)
{
	static const int64_t days[REPORT_AGE_OLDER] = {7, 30, 90, 365};
	enum report_age age = REPORT_AGE_WEEK;

	while (
	    age < REPORT_AGE_OLDER && r->now_ms - e->since_ms >= days[age] * SPAN_DAY_MS)
		age++;
	return age;
}
