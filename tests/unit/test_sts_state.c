/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/sts-state.cases: what is kept of a policy, and what is asked next. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/sts_state.h"
#include "store/store_sts.h"
#include "stskit.h"

#define T0_MS (INT64_C(1790000000) * 1000)

struct row {
	char **fields; /* from events on */
};

static int64_t
parse_time(struct str text)
{
	bool before = str_eat(&text, STR("-"));
	int64_t ms = -1;

	if (!span_parse(text, &ms))
		fail_msg("no time: %.*s", STR_ARG(text));
	return before ? -ms : ms;
}

static void
print_time(int64_t ms, struct buf *out)
{
	if (ms - T0_MS < 0)
		buf_add_char(out, '-');
	buf_add_span(out, ms < T0_MS ? T0_MS - ms : ms - T0_MS);
}

/* --- events ------------------------------------------------------------------------- */

struct play {
	struct sts_state state;
	int64_t now_ms, mail_ms;
	struct sts_asked asked; /* of the question that is on its way */
	bool is_asked;
	bool waits; /* mail does, and another policy may be had at once for it */
};

static void
ask(struct play *play)
{
	play->asked = sts_asked(&play->state);
	play->is_asked = true;
}

/* What is asked when its answer comes, unless it was before. */
static const struct sts_asked *
asked(struct play *play)
{
	if (!play->is_asked)
		play->asked = sts_asked(&play->state);
	play->is_asked = false;
	return &play->asked;
}

static void
take_txt_of(struct play *play, struct str word, const struct sts_asked *asked)
{
	struct sts_txt txt = {.state = STS_TXT_VALID};
	struct str says = word, ttl;
	int64_t ttl_ms = SPAN_HOUR_MS;

	if (str_cut(&word, '/', &says)) {
		ttl = word;
		ttl_ms = parse_time(ttl);
	}
	if (!sts_txt_parse(says, &txt.state))
		assert_true(str_copy(says, txt.id, sizeof(txt.id)));
	sts_take_txt(
	    &play->state, &txt, asked, (uint32_t)(ttl_ms / 1000), 0, play->now_ms);
}

static void
take_txt(struct play *play, struct str word)
{
	take_txt_of(play, word, asked(play));
}

/* By a decision, which does not know when it was asked. */
static void
take_judged(struct play *play, struct str word)
{
	take_txt_of(play, word, &(struct sts_asked){.refresh = 0});
}

static void
take_had(struct play *play, struct str word)
{
	struct str mode, max_age, mx = STR("mx.d.test");
	struct sts_policy policy;
	enum sts_mode of;
	bool news, live;

	assert_true(str_cut(&word, '/', &mode));
	assert_true(sts_mode_parse(mode, &of));
	if (str_cut(&word, '/', &max_age))
		mx = word;
	else
		max_age = word;
	policy = sts_policy_of(of, (uint32_t)(parse_time(max_age) / 1000), mx);
	live = sts_ends_ms(&play->state, play->now_ms) != 0 &&
	    sts_policy_equal(&play->state.policy, &policy);
	news = sts_take_policy(&play->state, &policy, asked(play), play->now_ms);
	assert_int_equal(news, !live);
	assert_null(policy.mx);
}

static void
take_failed(struct play *play, struct str word)
{
	enum sts_cause cause;

	assert_true(sts_cause_parse(word, &cause));
	sts_take_failure(&play->state, cause, asked(play), play->now_ms);
}

/* As store_sts_shift() does at a start. */
static void
be_off(struct play *play, int64_t ms)
{
	play->now_ms += ms;
	play->state.fetched_ms += ms;
	play->state.owed_ms += ms;
}

static void
take_event(struct play *play, struct str word)
{
	if (str_eat(&word, STR("@")))
		play->now_ms = T0_MS + parse_time(word);
	else if (str_eat(&word, STR("txt:")))
		take_txt(play, word);
	else if (str_eat(&word, STR("had:")))
		take_had(play, word);
	else if (str_eat(&word, STR("failed:")))
		take_failed(play, word);
	else if (str_is(word, "asked"))
		ask(play);
	else if (str_eat(&word, STR("judged:")))
		take_judged(play, word);
	else if (str_is(word, "mail"))
		play->mail_ms = play->now_ms;
	else if (str_is(word, "trouble"))
		sts_take_trouble(&play->state, play->now_ms);
	else if (str_is(word, "waits"))
		play->waits = true;
	else if (str_is(word, "refresh"))
		sts_take_refresh(&play->state);
	else if (str_eat(&word, STR("off:")))
		be_off(play, parse_time(word));
	else if (str_is(word, "drop"))
		sts_take_drop(&play->state);
	else if (str_is(word, "alerted"))
		sts_take_alert(&play->state, STS_ALERT_DAY);
	else
		fail_msg("no event: %.*s", STR_ARG(word));
}

/* --- what follows ------------------------------------------------------------------- */

static const char *const weaker[] = {
    [ANSWER_UNSURE] = "hold", [ANSWER_NO] = "no", [ANSWER_YES] = "yes"};
static const char *const alerts[] = {
    [STS_ALERT_NONE] = "-", [STS_ALERT_DAY] = "day", [STS_ALERT_ENDING] = "ending"};

static void
print_next(const struct play *play, struct buf *out)
{
	static const char *const asks[] = {[STS_ASK_NOTHING] = "-",
	    [STS_ASK_TXT] = "txt@",
	    [STS_ASK_POLICY] = "policy@"};
	struct sts_next next = sts_next(&play->state, play->mail_ms, play->now_ms);

	if (play->waits && next.ask == STS_ASK_POLICY &&
	    sts_may_hasten(&play->state, play->now_ms))
		next.at_ms = play->now_ms;
	buf_printf(out, "%s", asks[next.ask]);
	if (next.ask == STS_ASK_NOTHING)
		assert_int_equal(next.at_ms, 0);
	else if (next.at_ms <= play->now_ms)
		buf_printf(out, "now");
	else
		print_time(next.at_ms, out);
}

/* A table may say 90m where we say 5400s, but means the same. */
static void
assert_same(const char *is, const char *want)
{
	const char *at = strchr(want, '@');
	struct buf text = {0};
	struct str time;

	at = at != NULL ? at + 1 : want;
	time = str_of(at);
	buf_add(&text, want, (size_t)(at - want));
	if (ascii_is_digit(at[at[0] == '-']))
		print_time(T0_MS + parse_time(time), &text);
	else
		buf_add_str(&text, time);
	assert_string_equal(is, buf_text(&text));
	buf_clear(&text);
}

static void
states_are_judged(void **context)
{
	char *const *fields = ((const struct row *)*context)->fields;
	struct play play = {.now_ms = T0_MS, .mail_ms = T0_MS};
	struct str events = str_of(sts_field(fields[0])), word;
	struct buf next = {0}, ends = {0};
	enum sts_applies applies;
	int64_t ends_ms;

	while (str_next(&events, ' ', &word))
		if (word.len > 0)
			take_event(&play, word);
	play.now_ms = T0_MS + parse_time(str_of(fields[1]));
	applies = sts_applies(&play.state, play.now_ms);
	assert_string_equal(sts_applies_name(applies), fields[2]);
	assert_string_equal(weaker[sts_may_weaken(applies)], fields[3]);
	print_next(&play, &next);
	assert_same(buf_text(&next), fields[4]);
	ends_ms = sts_ends_ms(&play.state, play.now_ms);
	if (ends_ms == 0)
		buf_add_char(&ends, '-');
	else
		print_time(ends_ms, &ends);
	assert_same(buf_text(&ends), fields[5]);
	assert_string_equal(alerts[sts_alert_due(&play.state, play.now_ms)], fields[6]);
	sts_state_clear(&play.state);
	buf_clear(&next);
	buf_clear(&ends);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));

	(void)context;
	if (count != 9) {
		fprintf(stderr, "sts-state.cases:%u: %zu columns, not 9\n", line, count);
		exit(2);
	}
	row->fields = suite_keep(mem_new(count, sizeof(*fields)));
	memcpy(row->fields, fields + 1, (count - 1) * sizeof(*fields));
	suite_add(states_are_judged, row, "row %u: %s", line, fields[8]);
}

/* --- spread ------------------------------------------------------------------------- */

static void
looks_are_spread(void **context)
{
	const struct sts_txt txt = {STS_TXT_VALID, "1"};
	const struct sts_asked none = {.refresh = 0};
	unsigned hours[24] = {0};
	uint32_t draw = 1;

	(void)context;
	for (unsigned i = 0; i < 10000; i++) {
		struct sts_state state = {0};
		int64_t wait_ms;

		draw = draw * 1664525 + 1013904223;
		sts_take_txt(&state, &txt, &none, 0, draw, T0_MS);
		wait_ms = state.txt_next_ms - T0_MS;
		assert_true(wait_ms >= SPAN_DAY_MS / 2 && wait_ms < SPAN_DAY_MS);
		hours[wait_ms / SPAN_HOUR_MS]++;
	}
	for (unsigned hour = 12; hour < 24; hour++)
		assert_in_range(hours[hour], 700, 970);
}

/* It is tried once a day in the end, and no number overflows. */
static void
failures_for_ever(void **context)
{
	const struct sts_txt valid = {STS_TXT_VALID, "1"},
	                     unsure = {.state = STS_TXT_UNSURE};
	const struct sts_asked asked = {.id = "1"};
	struct sts_state state = {0};
	struct sts_next next;

	(void)context;
	sts_take_txt(&state, &valid, &asked, 0, 0, T0_MS);
	for (unsigned i = 0; i < 200000; i++)
		sts_take_failure(&state, STS_CAUSE_TIMEOUT, &asked, T0_MS);
	state.txt_next_ms = T0_MS + 90 * SPAN_DAY_MS;
	next = sts_next(&state, T0_MS, T0_MS);
	assert_int_equal(next.ask, STS_ASK_POLICY);
	assert_int_equal(next.at_ms, T0_MS + SPAN_DAY_MS);
	for (unsigned i = 0; i < 200000; i++)
		sts_take_txt(&state, &unsure, &asked, 0, 0, T0_MS);
	assert_int_equal(state.txt_next_ms, T0_MS + SPAN_DAY_MS);
	sts_state_clear(&state);
}

int
main(void)
{
	suite_read_table("tests/cases/sts-state.cases", add_row, NULL);
	suite_add(
	    looks_are_spread, NULL, "the looks of 10,000 domains are spread evenly");
	suite_add(failures_for_ever, NULL, "what fails for ever is tried once a day");
	return suite_run();
}
