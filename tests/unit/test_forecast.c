/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/forecast.cases: what a switch of the default level would do. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/forecast.h"

struct row {
	struct forecast_settings settings;
	struct ladder_policy policy;
	struct answers answers;
	bool pinned;
	struct demand pin;
	bool probed;
	struct measured measured;
	enum level best_seen;
	enum level guess;
	enum answer waits;
	bool likely;
	const char *entry;
	enum why why;
};

static void
die(unsigned line, const char *what, const char *text)
{
	fprintf(stderr, "forecast.cases:%u: %s: %s\n", line, what, text);
	exit(2);
}

static enum level
level_of(unsigned line, struct str text)
{
	enum level level = LEVEL_UNKNOWN;

	if (!level_parse(text, &level))
		die(line, "no level", text.p);
	return level;
}

static enum answer
answer_of(unsigned line, struct str text)
{
	if (!str_is(text, "yes") && !str_is(text, "no") && !str_is(text, "unsure") &&
	    !str_is(text, "?"))
		die(line, "no answer", text.p);
	return str_is(text, "yes") ? ANSWER_YES
	    : str_is(text, "no")   ? ANSWER_NO
	                           : ANSWER_UNSURE;
}

/* The next one of a list. False: there is none left. */
static bool
next_of(struct str *rest, char part, struct str *item)
{
	if (rest->len == 0)
		return false;
	if (!str_cut(rest, part, item)) {
		*item = *rest;
		rest->len = 0;
	}
	return true;
}

static void
note_session(
    struct forecast_server *server, unsigned line, struct str word, int64_t at_ms)
{
	static const struct {
		const char *name;
		enum session_grade grade;
	} grades[] = {{"anonymous", SESSION_ANONYMOUS}, {"untrusted", SESSION_UNTRUSTED},
	    {"trusted", SESSION_TRUSTED}, {"verified", SESSION_VERIFIED}};

	for (size_t i = 0; i < sizeof(grades) / sizeof(grades[0]); i++) {
		if (str_is(word, grades[i].name)) {
			server->seen_ms[grades[i].grade] = at_ms;
			return;
		}
	}
	if (!str_is(word, "plain"))
		die(line, "no session", word.p);
	server->bare_ms = at_ms;
}

static void
read_log(struct row *row, unsigned line, const char *text)
{
	struct str rest = str_of(text), item, word;

	while (!str_is(str_of(text), "-") && next_of(&rest, ',', &item)) {
		struct forecast_server server = {{0}, 0};
		enum level present = LEVEL_MAY, best;
		struct str words;
		int64_t at_ms = 1;

		if (str_cut(&item, '@', &words))
			present = level_of(line, item);
		else
			words = item;
		while (next_of(&words, '>', &word))
			note_session(&server, line, word, at_ms++);
		forecast_note_server(&row->answers, &server, present);
		best = forecast_best(&server, present);
		if (best > row->best_seen)
			row->best_seen = best;
		best = forecast_guess(&server, present);
		if (best > row->guess)
			row->guess = best;
	}
}

/* As core/measured has it. What is not named was seen not to work. */
static struct measured
measured_as(const enum answer *works, enum dane_state state)
{
	struct measured m = {.asked = true, .auth = ANSWER_NO};
	bool promised = state == DANE_UNUSABLE || state == DANE_INSECURE_MX;

	for (enum level l = LEVEL_ENCRYPT; l < LEVEL_COUNT; l++) {
		m.meets[l] = works[l];
		m.answered = m.answered || works[l] != ANSWER_UNSURE;
	}
	m.meets[LEVEL_MAY] = promised ? ANSWER_NO : ANSWER_YES;
	m.meets[LEVEL_DANE] = m.meets[LEVEL_MAY];
	m.promised = promised && m.answered;
	return m;
}

static void
read_probes(struct row *row, unsigned line, const char *text)
{
	struct str rest = str_of(text), probe, level;
	bool ours = str_is(rest, "ours"), awaited = str_is(rest, "awaited");
	bool untold = ours || awaited || str_is(rest, "silent");
	enum answer works[LEVEL_COUNT];

	if (str_is(rest, "-"))
		return;
	for (size_t l = 0; l < LEVEL_COUNT; l++)
		works[l] = untold ? ANSWER_UNSURE : ANSWER_NO;
	while (!untold && next_of(&rest, ',', &probe)) {
		if (!str_cut(&probe, '=', &level))
			die(line, "no probe", text);
		works[level_of(line, level)] = answer_of(line, probe);
	}
	row->probed = true;
	row->measured = measured_as(works, row->answers.dane.state);
	row->measured.ours = ours;
	row->measured.awaited = awaited;
	row->measured.answered = row->measured.answered || awaited;
}

static void
read_else(struct row *row, unsigned line, const char *text)
{
	struct str word = str_of(text);

	row->settings.can_dane = ANSWER_YES;
	row->answers.other_map = ANSWER_NO;
	row->answers.credentials = ANSWER_NO;
	row->policy = (struct ladder_policy){.lowest = LEVEL_MAY,
	    .may_after_attempts = 2,
	    .may_after_ms = SPAN_HOUR_MS,
	    .hold_verify_ms = SPAN_DAY_MS,
	    .hold_encrypt_ms = SPAN_DAY_MS,
	    .hold_may_ms = SPAN_DAY_MS,
	    .recheck_ms = SPAN_DAY_MS};
	if (str_eat(&word, STR("lowest=")))
		row->policy.lowest = level_of(line, word);
	else if (str_eat(&word, STR("past=")))
		row->best_seen = level_of(line, word);
	else if (str_eat(&word, STR("pin=")) || str_eat(&word, STR("pin+match="))) {
		row->pinned = true;
		row->pin = demand_of(level_of(line, word));
		if (strchr(text, '+') != NULL)
			row->pin.attributes = "match=own.test";
	} else if (str_is(word, "no-dnssec"))
		row->settings.can_dane = ANSWER_NO;
	else if (str_is(word, "other-map"))
		row->answers.other_map = ANSWER_YES;
	else if (str_is(word, "other-map?"))
		row->answers.other_map = ANSWER_UNSURE;
	else if (str_is(word, "password"))
		row->answers.credentials = ANSWER_YES;
	else if (str_is(word, "password?"))
		row->answers.credentials = ANSWER_UNSURE;
	else if (str_is(word, "announced"))
		row->answers.sts = STS_APPLIES_UNHAD;
	else if (str_is(word, "txt?"))
		row->answers.sts = STS_APPLIES_UNSURE;
	else if (str_is(word, "enforce") || str_is(word, "allows-none")) {
		row->answers.sts_allows_none = str_is(word, "allows-none");
		row->answers.sts = STS_APPLIES_ENFORCE;
		row->answers.sts_attributes = "match=mx.test";
	} else if (!str_is(word, "-"))
		die(line, "unknown word", text);
}

static void
destination_is(void **state)
{
	const struct row *row = *state;
	struct forecast_settings settings = row->settings;
	struct buf entry = {0};
	struct forecast got;

	settings.policy = &row->policy;
	got = row->pinned ? forecast_pinned(&settings, &row->answers,
	                        row->probed ? &row->measured : NULL, row->pin)
	                  : forecast_judge(&settings, "a.test", &row->answers,
	                        row->probed ? &row->measured : NULL, row->best_seen);
	if (row->pinned && row->pin.level != LEVEL_NONE)
		settings.level = row->pin.level;
	demand_print(got.entry, &entry);
	assert_string_equal(why_slug(got.why), why_slug(row->why));
	assert_string_equal(buf_text(&entry), row->entry);
	assert_int_equal(got.waits, row->waits);
	assert_int_equal(
	    forecast_waits(&got, settings.level, row->answers.dane.state, row->guess),
	    row->likely);
	buf_clear(&entry);
}

/* yes, no, or ? and what is likely. */
static void
read_waits(struct row *row, unsigned line, struct str word)
{
	bool told = !str_eat(&word, STR("?"));

	row->likely = answer_of(line, word) == ANSWER_YES;
	row->waits = told ? answer_of(line, word) : ANSWER_UNSURE;
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));

	(void)context;
	if (count != 9)
		die(line, "not nine columns", fields[0]);
	row->settings.level = level_of(line, str_of(fields[0]));
	if (!dane_state_parse(str_of(fields[1]), &row->answers.dane.state))
		die(line, "no verdict", fields[1]);
	read_log(row, line, fields[2]);
	read_probes(row, line, fields[3]);
	read_else(row, line, fields[4]);
	read_waits(row, line, str_of(fields[5]));
	row->entry = fields[6];
	if (!why_parse(str_of(fields[7]), &row->why))
		die(line, "no why", fields[7]);
	suite_add(destination_is, row, "row %u: %s", line, fields[8]);
}

/* --- whatever is known -------------------------------------------------------------- */

static const struct ladder_policy policy = {
    .lowest = LEVEL_MAY, .may_after_attempts = 2, .recheck_ms = SPAN_DAY_MS};

static const enum level levels[] = {
    LEVEL_ENCRYPT, LEVEL_DANE, LEVEL_VERIFY, LEVEL_SECURE, LEVEL_DANE_ONLY};

typedef void each_fn(const struct answers *answers, enum level level, struct forecast f);

/* What works at a level works at those below. */
static bool
is_contradictory(const enum answer *works)
{
	return (works[LEVEL_SECURE] == ANSWER_YES && works[LEVEL_VERIFY] == ANSWER_NO) ||
	    (works[LEVEL_ENCRYPT] == ANSWER_NO &&
	        (works[LEVEL_SECURE] == ANSWER_YES || works[LEVEL_VERIFY] == ANSWER_YES ||
	            works[LEVEL_DANE_ONLY] == ANSWER_YES));
}

/* Every verdict over DNS with every outcome of a probe, at every level. */
static void
for_each(each_fn *fn)
{
	for (unsigned n = 0; n < 3 * 3 * 3 * 3 * DANE_STATE_COUNT; n++) {
		struct answers answers = {.other_map = ANSWER_NO,
		    .credentials = ANSWER_NO,
		    .works = {[LEVEL_ENCRYPT] = (enum answer)(n % 3),
		        [LEVEL_VERIFY] = (enum answer)(n / 3 % 3),
		        [LEVEL_SECURE] = (enum answer)(n / 9 % 3),
		        [LEVEL_DANE_ONLY] = (enum answer)(n / 27 % 3)},
		    .dane = {.state = (enum dane_state)(n / 81)}};

		if (is_contradictory(answers.works))
			continue;
		for (size_t l = 0; l < sizeof(levels) / sizeof(levels[0]); l++) {
			struct forecast_settings settings = {
			    levels[l], ANSWER_YES, &policy};
			struct measured m =
			    measured_as(answers.works, answers.dane.state);

			fn(&answers, levels[l],
			    forecast_judge(
			        &settings, "a.test", &answers, &m, LEVEL_UNKNOWN));
		}
	}
}

static void
needs_dns(const struct answers *answers, enum level level, struct forecast f)
{
	(void)level;
	if (answers->dane.state != DANE_UNSURE)
		return;
	assert_int_equal(f.waits, ANSWER_UNSURE);
	assert_int_equal(f.entry.level, LEVEL_NONE);
}

static void
dns_could_not_tell(void **state)
{
	(void)state;
	for_each(needs_dns);
}

static void
keeps_floor(const struct answers *answers, enum level level, struct forecast f)
{
	(void)level;
	if (answers->dane.state == DANE_USABLE && f.entry.level != LEVEL_NONE)
		assert_int_equal(f.entry.level, LEVEL_DANE_ONLY);
	if (answers->dane.state == DANE_UNUSABLE ||
	    answers->dane.state == DANE_INSECURE_MX)
		assert_true(f.entry.level == LEVEL_NONE ||
		    level_promise(f.entry.level) >= LEVEL_ENCRYPT);
}

static void
no_entry_is_below_the_floor(void **state)
{
	(void)state;
	for_each(keeps_floor);
}

/* dane-only by records alone: whether that is met as well may not be known. */
static void
helps(const struct answers *answers, enum level level, struct forecast f)
{
	(void)level;
	if (f.entry.level == LEVEL_NONE)
		return;
	assert_int_not_equal(f.waits, ANSWER_NO);
	if (f.entry.level != LEVEL_DANE_ONLY)
		assert_int_equal(f.waits, ANSWER_YES);
	if (level_promise(f.entry.level) > LEVEL_MAY)
		assert_int_not_equal(answers->works[f.entry.level], ANSWER_NO);
}

static void
an_entry_is_for_mail_that_waits(void **state)
{
	(void)state;
	for_each(helps);
}

static void
months(void **state)
{
	(void)state;
	assert_int_equal(forecast_a_month(0, SPAN_DAY_MS), 0);
	assert_int_equal(forecast_a_month(31, 31 * SPAN_DAY_MS), 30);
	assert_int_equal(forecast_a_month(7, 7 * SPAN_DAY_MS), 30);
	assert_int_equal(forecast_a_month(1, 365 * SPAN_DAY_MS), 1);
	assert_int_equal(forecast_a_month(2, SPAN_HOUR_MS), 60);
	assert_int_equal(forecast_a_month(2, 0), 60);
	assert_int_equal(forecast_a_month(2, -SPAN_DAY_MS), 60);
	assert_int_equal(forecast_a_month(1000000, SPAN_DAY_MS), 30000000);
}

/* day: of the line; lines of it. The parts that are left. */
struct span_row {
	const char *title;
	struct {
		int day;
		unsigned lines;
	} notes[6];
	int first, last;
	unsigned lines, left_out;
	int left_first;
};

static const struct span_row span_rows[] = {
    {"no line", {{0, 0}}, 0, 0, 0, 0, 0},
    {"one line", {{7, 1}}, 7, 7, 1, 0, 0},
    {"lines in any order", {{9, 5}, {7, 5}, {8, 5}}, 7, 9, 15, 0, 0},
    {"a line of long before", {{-3600, 1}, {7, 50}, {8, 49}}, 7, 8, 99, 1, -3600},
    {"a line of long after", {{7, 50}, {30000, 1}, {8, 49}}, 7, 8, 99, 1, 30000},
    {"lines of 1970 and of 2099", {{-17000, 2}, {26000, 3}, {7, 50}, {8, 40}}, 7, 8, 90,
        5, -17000},
    {"a month between is of the log", {{1, 1}, {31, 99}}, 1, 31, 100, 0, 0},
    {"what lies between joins them", {{1, 1}, {61, 98}, {31, 1}}, 1, 61, 100, 0, 0},
    {"... from either side", {{61, 98}, {1, 1}, {31, 1}}, 1, 61, 100, 0, 0},
    {"a tenth is no wrong clock", {{1, 2}, {61, 17}}, 1, 61, 19, 0, 0},
    {"few lines, months between", {{1, 1}, {41, 1}, {81, 1}, {121, 1}}, 1, 121, 4, 0, 0},
    {"a hole between logs", {{1, 50}, {61, 1}, {121, 50}}, 1, 121, 101, 0, 0},
};

static void
span_is(void **state)
{
	const struct span_row *row = *state;
	struct forecast_span span = {0};
	struct forecast_part got, left_out;

	for (size_t i = 0; i < 6; i++)
		for (unsigned n = 0; n < row->notes[i].lines; n++)
			forecast_span_note(&span, row->notes[i].day * SPAN_DAY_MS);
	got = forecast_span_of(&span, &left_out);
	assert_int_equal(got.first_ms, row->first * SPAN_DAY_MS);
	assert_int_equal(got.last_ms, row->last * SPAN_DAY_MS);
	assert_int_equal(got.lines, row->lines);
	assert_int_equal(left_out.lines, row->left_out);
	assert_int_equal(left_out.first_ms, row->left_first * SPAN_DAY_MS);
	forecast_span_clear(&span);
}

int
main(void)
{
	suite_read_table("tests/cases/forecast.cases", add_row, NULL);
	suite_add(dns_could_not_tell, NULL, "without an answer of DNS nothing is told");
	suite_add(no_entry_is_below_the_floor, NULL,
	    "no entry is below what TLSA records promise");
	suite_add(an_entry_is_for_mail_that_waits, NULL,
	    "an entry is for mail that waits, or may");
	suite_add(months, NULL, "messages a month, from the span of the logs");
	for (size_t i = 0; i < sizeof(span_rows) / sizeof(span_rows[0]); i++)
		suite_add(span_is, (void *)&span_rows[i], "the span of a log: %s",
		    span_rows[i].title);
	return suite_run();
}
