/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/destination.cases: how a destination changes. */
#include "suite.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/answers.h"
#include "core/destination_impl.h"
#include "core/fold.h"
#include "fieldkit.h"

#define KEY        "d.test"
#define RECHECK_MS (7 * SPAN_DAY_MS)

static const struct destination_spans spans = {
    .attempts_ms = 8600 * SPAN_SECOND_MS,
    .alarm_ms = 5 * SPAN_DAY_MS,
    .apart_ms = SPAN_HOUR_MS,
};

/* All of a destination but its id and key, as the table names it. */
static const struct field state_fields[] = {
    FIELD("entry", LEVEL, destination, entry.level),
    FIELD("attributes", OWNED, destination, entry.attributes),
    FIELD("entry-why", WHY, destination, entry.why),
    FIELD("since", TIME, destination, entry.since_ms),
    FIELD("force", TIME, destination, entry.force_ms),
    FIELD("lease", SPAN, destination, entry.lease_ms),
    FIELD("lease-end", TIME, destination, entry.lease_end_ms),
    FIELD("trial", LEVEL, destination, entry.trial),
    FIELD("absent", TIME, destination, entry.dane_absent_ms),
    FIELD("pinned", YES, destination, pin.set),
    FIELD("until", TIME, destination, pin.until_ms),
    FIELD("note", TEXT, destination, pin.note),
    FIELD("why", WHY, destination, why),
    FIELD("look", TIME, destination, look_ms),
    FIELD("transport", TEXT, destination, transport),
    FIELD("deferral", YES, destination, alarm.raised),
    FIELD("pending", YES, destination, alarm.pending),
    FIELD("deferred", TIME, destination, alarm.time_ms),
    FIELD("rule", TEXT, destination, alarm.rule),
    FIELD("reason", TEXT, destination, alarm.reason),
    FIELD("dsn", TEXT, destination, alarm.dsn),
    FIELD("service", TEXT, destination, alarm.service),
    FIELD("lost", YES, destination, alarm.lost),
    FIELD("suspended", YES, destination, alarm.suspended),
    FIELD("refused", YES, destination, alarm.policy_refused),
    FIELD("tls", LEVEL, destination, alarm.attempt_level),
    FIELD("relay", TEXT, destination, alarm.relay),
    FIELD("cause", CAUSE, destination, alarm.cause),
    FIELD("attempt", TIME, destination, alarm.attempt_ms),
    FIELD("attempts", COUNT, destination, alarm.attempts),
    FIELD("first", TIME, destination, alarm.first_attempt_ms),
    FIELD("last", TIME, destination, alarm.last_attempt_ms),
    FIELD("plain", COUNT, destination, alarm.plain.count),
    FIELD("plain-first", TIME, destination, alarm.plain.first_ms),
    FIELD("plain-last", TIME, destination, alarm.plain.last_ms),
    FIELD("contradictions", COUNT, destination, alarm.contradictions),
    FIELD("contradicted", TIME, destination, alarm.contradicted_ms),
    FIELD("silent", TIME, destination, alarm.silent_ms),
    FIELD("sent", TIME, destination, past.sent_ms),
    FIELD("seen-encrypt", TIME, destination, past.encrypt_ms),
    FIELD("seen-trusted", TIME, destination, past.trusted_ms),
    FIELD("seen-verify", TIME, destination, past.verify_ms),
    FIELD("seen-secure", TIME, destination, past.secure_ms),
    FIELD("seen-dane", TIME, destination, past.dane_ms),
    FIELD("dns", TEXT, destination, dns.state),
    FIELD("dns-text", TEXT, destination, dns.text),
    FIELD("dns-at", TIME, destination, dns.time_ms),
    FIELD("dns-until", TIME, destination, dns.until_ms),
    FIELD("dns-failures", COUNT, destination, dns.failures),
    FIELD("signed", YES, destination, dns.signed_domain),
    FIELD("all-usable", YES, destination, dns.all_usable),
    FIELD("denied", TIME, destination, dns.denied_ms),
    FIELD("hold", LEVEL, destination, hold.level),
    FIELD("hold-verify", TIME, destination, hold.verify_ms),
    FIELD("hold-encrypt", TIME, destination, hold.encrypt_ms),
    FIELD("hold-may", TIME, destination, hold.may_ms),
    FIELD("probe", LEVEL, destination, probe.level),
    FIELD("probe-works", ANSWER, destination, probe.works),
    FIELD("clean", COUNT, destination, probe.clean),
    FIELD("probed", TIME, destination, probe.time_ms),
    FIELD("cleaned", TIME, destination, probe.clean_ms),
    FIELD("better", YES, destination, probe.better),
    FIELD("facts", TEXT, destination, facts),
    FIELD("again", TIME, destination, again_ms),
};

/* What the log reports, as fold items have it. */
struct news {
	struct fold_item item;
	struct fold_deferral deferral; /* the item's */
	bool measured;                 /* servers are asked: destination_spans */
};

static const struct field news_fields[] = {
    FIELD("sent", TIME, news, item.sent_ms),
    FIELD("sent-attempt", TIME, news, item.sent_attempt_ms),
    FIELD("bare", TIME, news, item.bare_ms),
    FIELD("bare-attempt", TIME, news, item.bare_attempt_ms),
    FIELD("since-bare", YES, news, item.deferred_since_bare),
    FIELD("proves", YES, news, item.sent_proves),
    FIELD("sent-at", LEVEL, news, item.sent_level),
    FIELD("anonymous", TIME, news, item.seen_ms[SESSION_ANONYMOUS]),
    FIELD("untrusted", TIME, news, item.seen_ms[SESSION_UNTRUSTED]),
    FIELD("trusted", TIME, news, item.seen_ms[SESSION_TRUSTED]),
    FIELD("verified", TIME, news, item.seen_ms[SESSION_VERIFIED]),
    FIELD("first", TIME, news, item.tried.first_ms),
    FIELD("last", TIME, news, item.tried.last_ms),
    FIELD("attempts", COUNT, news, item.tried.count),
    FIELD("plain", COUNT, news, item.plain.count),
    FIELD("plain-first", TIME, news, item.plain.first_ms),
    FIELD("plain-last", TIME, news, item.plain.last_ms),
    FIELD("broken", COUNT, news, item.broken.count),
    FIELD("broken-first", TIME, news, item.broken.first_ms),
    FIELD("broken-last", TIME, news, item.broken.last_ms),
    FIELD("transport", TEXT, news, item.transport),
    FIELD("deferral", YES, news, item.deferred),
    FIELD("deferred", TIME, news, deferral.time_ms),
    FIELD("attempt", TIME, news, deferral.attempt_ms),
    FIELD("suspended", YES, news, deferral.suspended),
    FIELD("lost", YES, news, deferral.lost),
    FIELD("refused", YES, news, deferral.policy_refused),
    FIELD("tls", LEVEL, news, deferral.attempt_level),
    FIELD("reason", TEXT, news, deferral.reason),
    FIELD("relay", TEXT, news, deferral.relay),
    FIELD("cause", CAUSE, news, deferral.cause),
    FIELD("measured", YES, news, measured),
};

/* What was measured. */
static const struct field answer_fields[] = {
    FIELD("signed", YES, answers, dane.signed_domain),
    FIELD("all-usable", YES, answers, dane.all_usable),
    FIELD("ttl", COUNT, answers, dane.ttl_s),
    FIELD("text", TEXT, answers, text),
    FIELD("remembered", YES, answers, remembered),
    FIELD("asked", YES, answers, probe_asked),
    FIELD("probe", LEVEL, answers, probed),
    FIELD("works", ANSWER, answers, probe_works),
};

/* What was decided, and the evidence that carrying it out needs. */
struct decided {
	struct decision decision;
	struct evidence ev;
	char rule[64];
};

static const struct field decided_fields[] = {
    FIELD("attributes", OWNED, decided, decision.entry.attributes),
    FIELD("look", TIME, decided, decision.look_again_ms),
    FIELD("lease", SPAN, decided, decision.lease_ms),
    FIELD("alert", YES, decided, decision.alert),
    FIELD("since", TIME, decided, decision.since_ms),
    FIELD("ends", YES, decided, decision.ends_alarm),
    FIELD("pin-stays", YES, decided, decision.pin_stays),
    FIELD("deferral", YES, decided, ev.deferral),
    FIELD("denies", YES, decided, ev.denies_tlsa),
    FIELD("asked", YES, decided, ev.measured.asked),
    FIELD("answered", YES, decided, ev.measured.answered),
    FIELD("verify", ANSWER, decided, ev.measured.meets[LEVEL_VERIFY]),
    FIELD("encrypt", ANSWER, decided, ev.measured.meets[LEVEL_ENCRYPT]),
    FIELD("may", ANSWER, decided, ev.measured.meets[LEVEL_MAY]),
    FIELD("best", LEVEL, decided, ev.best_seen),
    FIELD("default", LEVEL, decided, ev.default_level),
    FIELD("pinned", YES, decided, ev.pinned),
    FIELD("distrusted", YES, decided, ev.dane.distrusted),
    FIELD("rule", TEXT, decided, rule),
};

/* What the servers were measured to do. */
static const struct field measured_fields[] = {
    FIELD("answered", YES, measured, answered),
    FIELD("verify", ANSWER, measured, meets[LEVEL_VERIFY]),
    FIELD("encrypt", ANSWER, measured, meets[LEVEL_ENCRYPT]),
    FIELD("may", ANSWER, measured, meets[LEVEL_MAY]),
};

/* What the administrator wants. */
struct wish {
	char *attributes;
	int64_t until_ms;
	char note[256];
};

static const struct field wish_fields[] = {
    FIELD("attributes", OWNED, wish, attributes),
    FIELD("until", TIME, wish, until_ms),
    FIELD("note", TEXT, wish, note),
};

struct row {
	unsigned line;
	const char *before, *event, *after, *outcome;
};

static void
set_state(unsigned line, struct destination *d, const char *text)
{
	char *copy = suite_keep(mem_strdup(text)), *rest;

	for (char *word = strtok_r(copy, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest))
		if (strcmp(word, "-") != 0)
			field_set_word(
			    line, d, state_fields, COUNT_OF(state_fields), word);
}

/* --- events ------------------------------------------------------------------------ */

static void
news(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	struct news news = {
	    .deferral = {.rule_name = "a-rule", .attempt_level = LEVEL_UNKNOWN}};
	enum level default_level = field_level(line, strtok_r(NULL, " ", rest));
	struct destination_spans with = spans;

	(void)judged;
	news.item.deferral = &news.deferral;
	field_set_words(line, &news, news_fields, COUNT_OF(news_fields), rest);
	with.measured = news.measured;
	destination_take_news(d, &news.item, default_level, false, &with);
}

static void
answers(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	struct answers answers = {
	    .relay_fits = true, .other_map = ANSWER_NO, .credentials = ANSWER_NO};
	const char *state = strtok_r(NULL, " ", rest);

	(void)judged;
	if (!dane_state_parse(str_of(state), &answers.dane.state))
		field_die(line, "no DNS state", state);
	field_set_words(line, &answers, answer_fields, COUNT_OF(answer_fields), rest);
	destination_take_answers(d, &answers, &spans, NOW_MS);
}

static void
take_measured(unsigned line, struct destination *d, char **rest, enum queue_says queue)
{
	struct evidence ev = {
	    .default_level = field_level(line, strtok_r(NULL, " ", rest)),
	    .entry = destination_demand(d),
	    .queue = queue,
	    .shown_ms = WITNESSED_ANY,
	    .served_ms = WITNESSED_ANY,
	    .last_attempt_ms = d->alarm.last_attempt_ms,
	    .measured = {.asked = true, .answered = true}};

	field_set_words(
	    line, &ev.measured, measured_fields, COUNT_OF(measured_fields), rest);
	destination_take_measured(d, &ev, &spans);
	if (ev.measured.answered) {
		assert_int_equal(ev.contradictions, d->alarm.contradictions);
		assert_int_equal(ev.plain.count, d->alarm.plain.count);
	}
}

static void
measured(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	(void)judged;
	take_measured(line, d, rest, QUEUE_SHOWS);
}

static void
unwitnessed(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	(void)judged;
	take_measured(line, d, rest, QUEUE_NEWER);
}

static void
decided(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	struct decided decided = {.decision.entry = demand_of(LEVEL_NONE),
	    .ev = {.default_level = LEVEL_VERIFY,
	        .credentials = ANSWER_NO,
	        .served_ms = WITNESSED_ANY,
	        .entry = destination_demand(d)}};
	const char *action = strtok_r(NULL, " ", rest);

	while (strcmp(action_name(decided.decision.action), action) != 0)
		if (++decided.decision.action == ACTION_COUNT)
			field_die(line, "no action", action);
	if (decided.decision.action == ACTION_SET ||
	    decided.decision.action == ACTION_HOLD)
		decided.decision.entry.level =
		    field_level(line, strtok_r(NULL, " ", rest));
	decided.decision.why = field_why(line, strtok_r(NULL, " ", rest));
	field_set_words(line, &decided, decided_fields, COUNT_OF(decided_fields), rest);
	destination_decide(d, &decided.ev, &decided.decision,
	    decided.rule[0] != '\0' ? decided.rule : NULL, RECHECK_MS, NOW_MS, judged);
}

static void
pinned(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	struct demand entry = demand_of(field_level(line, strtok_r(NULL, " ", rest)));
	struct wish wish = {0};

	(void)judged;
	field_set_words(line, &wish, wish_fields, COUNT_OF(wish_fields), rest);
	entry.attributes = wish.attributes;
	destination_pin(d, entry, wish.until_ms, wish.note, NOW_MS);
}

static void
undone(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	struct demand before = demand_of(field_level(line, strtok_r(NULL, " ", rest)));
	struct wish wish = {0};

	(void)judged;
	field_set_words(line, &wish, wish_fields, COUNT_OF(wish_fields), rest);
	before.attributes = wish.attributes;
	destination_undo(d, before, wish.until_ms, NOW_MS);
}

static void
stood_by(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	(void)judged;
	destination_stood_by(d, field_level(line, strtok_r(NULL, " ", rest)));
}

static void
forecast(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	struct demand entry = demand_of(field_level(line, strtok_r(NULL, " ", rest)));
	struct wish wish = {0};

	(void)judged;
	field_set_words(line, &wish, wish_fields, COUNT_OF(wish_fields), rest);
	entry.attributes = wish.attributes;
	destination_forecast(d, entry, NOW_MS);
}

static void
unpinned(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	(void)line;
	(void)rest;
	(void)judged;
	destination_unpin(d, NOW_MS);
}

static void
postponed(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	(void)line;
	(void)judged;
	destination_postpone(d, field_time(strtok_r(NULL, " ", rest)));
}

static void
rechecked(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	(void)line;
	(void)rest;
	(void)judged;
	destination_recheck(d, NOW_MS);
}

static void
again(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	(void)line;
	(void)rest;
	(void)judged;
	destination_again(d, NOW_MS);
}

static void
caught_up(unsigned line, struct destination *d, char **rest, struct judged *judged)
{
	(void)line;
	(void)rest;
	(void)judged;
	destination_catch_up(d, &spans, NOW_MS);
}

static const struct {
	const char *name;
	void (*happen)(
	    unsigned line, struct destination *d, char **rest, struct judged *judged);
} events[] = {
    {"news", news},
    {"answers", answers},
    {"measured", measured},
    {"unwitnessed", unwitnessed},
    {"decided", decided},
    {"pinned", pinned},
    {"undone", undone},
    {"unpinned", unpinned},
    {"forecast", forecast},
    {"stood-by", stood_by},
    {"postponed", postponed},
    {"rechecked", rechecked},
    {"again", again},
    {"caught-up", caught_up},
};

static void
happen(const struct row *row, struct destination *d, struct judged *judged)
{
	char *copy = suite_keep(mem_strdup(row->event)), *rest;
	const char *name = strtok_r(copy, " ", &rest);

	for (size_t i = 0; i < COUNT_OF(events); i++) {
		if (strcmp(events[i].name, name) == 0) {
			events[i].happen(row->line, d, &rest, judged);
			return;
		}
	}
	field_die(row->line, "no such event", name);
}

/* --- what came of it --------------------------------------------------------------- */

/* Leases end apart: up to a sixteenth earlier than they are long. */
static bool
is_lease_end(const struct destination *d, int64_t expected_ms)
{
	int64_t lease_ms = d->entry.lease_ms;

	return lease_ms > 0 && expected_ms == NOW_MS + lease_ms &&
	    d->entry.lease_end_ms <= expected_ms &&
	    d->entry.lease_end_ms >= expected_ms - lease_ms / 16;
}

static bool
is_same_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool
is_same(const struct destination *got, const struct destination *expected,
    const struct field *f)
{
	const char *a = (const char *)got + f->offset;
	const char *b = (const char *)expected + f->offset;

	if (f->type == TEXT)
		return strcmp(a, b) == 0;
	if (f->type == OWNED)
		return is_same_text(
		    *(char *const *)(const void *)a, *(char *const *)(const void *)b);
	return memcmp(a, b, f->size) == 0 ||
	    (f->offset == offsetof(struct destination, entry.lease_end_ms) &&
	        is_lease_end(got, expected->entry.lease_end_ms)) ||
	    (f->offset == offsetof(struct destination, look_ms) &&
	        expected->look_ms == AT_LEASE_END &&
	        got->look_ms == got->entry.lease_end_ms);
}

static void
assert_state(const struct destination *got, const struct destination *expected)
{
	char is[80], wanted[80];

	assert_int_equal(got->id, expected->id);
	assert_string_equal(got->key, expected->key);
	for (size_t i = 0; i < COUNT_OF(state_fields); i++) {
		const struct field *f = &state_fields[i];

		if (is_same(got, expected, f))
			continue;
		field_print(got, f, is, sizeof(is));
		field_print(expected, f, wanted, sizeof(wanted));
		fail_msg("%s is %s, wanted %s", f->name, is, wanted);
	}
}

static void
destination_becomes(void **state)
{
	const struct row *row = *state;
	struct destination d, before, expected;
	struct judged judged = {.changed = false};
	char outcome[32];

	destination_init(&before, KEY);
	before.id = 7;
	set_state(row->line, &before, row->before);
	expected = before;
	set_state(row->line, &expected, row->after);
	destination_copy(&d, &before);
	happen(row, &d, &judged);
	assert_state(&d, &expected);
	snprintf(outcome, sizeof(outcome), "%s%s%s", judged.map_changed ? "map " : "",
	    judged.changed ? "changed " : "", judged.tell ? "alert " : "");
	outcome[outcome[0] != '\0' ? strlen(outcome) - 1 : 0] = '\0';
	assert_string_equal(outcome[0] != '\0' ? outcome : "-", row->outcome);
	if (strncmp(row->event, "decided", 7) == 0)
		assert_true(demand_equal(judged.before, destination_demand(&before)));
	judged_clear(&judged);
	destination_clear(&d);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));

	(void)context;
	if (count != 5)
		field_die(line, "not five columns", count > 0 ? fields[0] : "");
	*row = (struct row){.line = line,
	    .before = fields[0],
	    .event = fields[1],
	    .after = fields[2],
	    .outcome = fields[3]};
	suite_add(destination_becomes, row, "line %u: %s", line, fields[4]);
}

/* A field that the table cannot name could change unseen. */
static void
every_field_has_a_name(void **state)
{
	static const size_t unnamed[][2] = {
	    {offsetof(struct destination, id), sizeof(int64_t)},
	    {offsetof(struct destination, key), NEXTHOP_KEY_SIZE},
	};
	char *named = mem_new(sizeof(struct destination), 1);
	size_t padding = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(unnamed); i++)
		memset(named + unnamed[i][0], 1, unnamed[i][1]);
	for (size_t i = 0; i < COUNT_OF(state_fields); i++)
		memset(named + state_fields[i].offset, 1, state_fields[i].size);
	for (size_t i = 0; i <= sizeof(struct destination); i++) {
		bool hole = i < sizeof(struct destination) && named[i] == 0;

		padding = hole ? padding + 1 : 0;
		if (padding >= sizeof(int64_t))
			fail_msg("byte %zu has no name", i);
	}
	free(named);
}

static void
copy_owns_its_text(void **state)
{
	struct destination d, copy, moved;

	(void)state;
	destination_init(&d, KEY);
	destination_pin(&d,
	    (struct demand){.level = LEVEL_SECURE, .attributes = "match=a"}, 0, "",
	    NOW_MS);
	destination_copy(&copy, &d);
	/* from its own text */
	destination_undo(&d, destination_demand(&d), 0, NOW_MS);
	assert_true(demand_equal(destination_demand(&d), destination_demand(&copy)));
	destination_clear(&d);
	assert_string_equal(copy.entry.attributes, "match=a");
	destination_init(&moved, "other.test");
	destination_move(&moved, &copy);
	assert_string_equal(moved.key, KEY);
	assert_null(copy.entry.attributes);
	destination_clear(&copy);
	destination_clear(&moved);
	destination_clear(&moved);
}

/* The past was made by a clock that was ahead, and holds. Sessions that come once it is
 * right again are news all the same, where they prove more than the entry asks for. */
static const struct {
	enum level entry;
	int64_t encrypted_ms, trusted_ms, probed_ms;
	int64_t better_ms;
} ahead[] = {
    {LEVEL_MAY, 9000, 0, 0, 9000},
    {LEVEL_MAY, 9000, 8000, 0, 8000},
    {LEVEL_ENCRYPT, 9000, 0, 0, 0},
    {LEVEL_ENCRYPT, 9000, 8000, 0, 8000},
    {LEVEL_ENCRYPT, 9000, 4000, 0, 0}, /* from before the entry */
    {LEVEL_ENCRYPT, 9000, 8000, 8500, 0},
    {LEVEL_VERIFY, 9000, 8000, 0, 0},
    {LEVEL_NONE, 9000, 8000, 0, 0},
};

static void
clock_was_ahead(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
		struct destination d;

		destination_init(&d, "d.test");
		d.entry.level = ahead[i].entry;
		d.entry.force_ms = 5000;
		d.past.encrypt_ms = d.past.trusted_ms = 30 * SPAN_DAY_MS;
		d.probe.time_ms = ahead[i].probed_ms;
		destination_note_session(&d, ahead[i].encrypted_ms, ahead[i].trusted_ms);
		assert_int_equal(destination_better_ms(&d, 10000), ahead[i].better_ms);
		destination_clear(&d);
	}
}

int
main(void)
{
	field_table = "tests/cases/destination.cases";
	suite_read_table(field_table, add_row, NULL);
	suite_add(every_field_has_a_name, NULL, "every field has a name in the table");
	suite_add(copy_owns_its_text, NULL, "a copy owns its text");
	suite_add(clock_was_ahead, NULL,
	    "behind a clock that was ahead sessions are news all the same");
	return suite_run();
}
