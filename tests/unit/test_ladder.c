/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/ladder.cases: what the ladder decides. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "core/ladder.h"
#include "ladderdefaults.h"

#define NOW_MS (INT64_C(1800000000) * 1000)

struct row {
	unsigned line;
	struct evidence ev;
	struct ladder_policy policy;
	enum action action;
	enum level level;
	enum why why;
	unsigned wants;
	enum level rung; /* of a probe; LEVEL_UNKNOWN: there was none */
	enum answer works;
	const char *answered; /* beside a probe; NULL: as it tells */
	int64_t look_s;       /* -1: only on news */
	const char *then;
};

static void
die(unsigned line, const char *what, const char *text)
{
	fprintf(stderr, "ladder.cases:%u: %s: %s\n", line, what, text);
	exit(2);
}

static enum level
level_of(unsigned line, const char *text)
{
	enum level level;

	if (strcmp(text, "-") == 0)
		return LEVEL_NONE;
	if (strcmp(text, "unknown") == 0)
		return LEVEL_UNKNOWN;
	if (!level_parse(str_of(text), &level))
		die(line, "no level", text);
	return level;
}

static enum answer
answer_of(const char *text)
{
	return strcmp(text, "yes") == 0 ? ANSWER_YES
	    : strcmp(text, "no") == 0   ? ANSWER_NO
	                                : ANSWER_UNSURE;
}

static enum queue_says
queue_of(unsigned line, const char *text)
{
	static const char *const names[] = {
	    "not-asked", "shows", "newer", "gone", "unreadable", "none"};

	for (enum queue_says q = QUEUE_NOT_ASKED; q <= QUEUE_NONE; q++)
		if (strcmp(text, names[q]) == 0)
			return q;
	die(line, "the queue does not say", text);
	return QUEUE_NONE;
}

static enum canary_says
canary_of(unsigned line, const char *text)
{
	static const char *const names[] = {"not-asked", "none", "verifies", "fails"};

	for (enum canary_says c = CANARY_NOT_ASKED; c <= CANARY_FAILS; c++)
		if (strcmp(text, names[c]) == 0)
			return c;
	die(line, "a canary does not say", text);
	return CANARY_NONE;
}

#define STS_ATTRIBUTES "match=mx.d.test servername=hostname"

static enum sts_applies
sts_of(unsigned line, const char *text)
{
	for (enum sts_applies a = STS_APPLIES_NOTHING; a < STS_APPLIES_COUNT; a++)
		if (strcmp(text, sts_applies_name(a)) == 0)
			return a;
	die(line, "nothing that MTA-STS can come to", text);
	return STS_APPLIES_NOTHING;
}

/* Servers that answered and meet nothing yet. */
static void
set_asked(struct evidence *ev, struct measured *m)
{
	ev->prober = ANSWER_YES;
	if (m->asked)
		return;
	*m = (struct measured){.asked = true, .answered = true};
	for (size_t l = 0; l < LEVEL_COUNT; l++)
		m->meets[l] = ANSWER_NO;
}

/* "encrypt/may" are met, or could not be told. */
static void
set_meets(
    unsigned line, struct evidence *ev, struct measured *m, char *levels, enum answer as)
{
	char *save = NULL;

	set_asked(ev, m);
	for (char *name = strtok_r(levels, "/", &save); name != NULL;
	     name = strtok_r(NULL, "/", &save))
		if (strcmp(name, "-") != 0)
			m->meets[level_of(line, name)] = as;
}

/* From the strongest level down to one that works or could not be told: what is weaker
 * works too, or could not be told either. */
static void
set_probe(struct row *row)
{
	struct measured *m = &row->ev.measured;

	set_asked(&row->ev, m);
	m->answered = row->answered != NULL ? strcmp(row->answered, "no") != 0
	                                    : row->works != ANSWER_UNSURE;
	for (enum level l = LEVEL_MAY; l < LEVEL_COUNT; l++)
		m->meets[l] = l > row->rung                    ? ANSWER_NO
		    : l < row->rung && row->works == ANSWER_NO ? ANSWER_UNSURE
		                                               : row->works;
	m->meets[LEVEL_MAY] = ANSWER_YES;
}

static unsigned
wants_of(unsigned line, char *text)
{
	static const char *const names[] = {"dns", "queue", "servers", "canary"};
	unsigned wants = 0;
	char *save = NULL;

	for (char *name = strtok_r(text, "+", &save); name != NULL;
	     name = strtok_r(NULL, "+", &save)) {
		unsigned before = wants;

		for (unsigned i = 0; i < 4; i++)
			if (strcmp(name, names[i]) == 0)
				wants |= 1u << i;
		if (wants == before)
			die(line, "nothing to be asked", name);
	}
	return wants;
}

static void
set_reason(struct row *row, const char *reason)
{
	struct evidence *ev = &row->ev;

	ev->deferral = strcmp(reason, "-") != 0;
	ev->has_rule = ev->deferral && strcmp(reason, "none") != 0;
	ev->fallback = FALLBACK_LEVEL;
	if (strcmp(reason, "ours") == 0 || strcmp(reason, "policy") == 0) {
		ev->fault_ours = true;
		ev->policy_refused = strcmp(reason, "policy") == 0;
		ev->fallback = FALLBACK_WAIT;
	} else if (strcmp(reason, "wait") == 0) {
		ev->fallback = FALLBACK_WAIT;
	} else if (strcmp(reason, "next") == 0) {
		ev->fallback = FALLBACK_NEXT;
	} else if (ev->has_rule) {
		ev->fallback_level = level_of(row->line, reason);
	}
}

static void
set_dns(struct row *row, const char *dns)
{
	struct dane_verdict *dane = &row->ev.dane;

	for (enum dane_state s = 0; s < DANE_STATE_COUNT; s++) {
		if (strcmp(dns, dane_state_name(s)) == 0) {
			dane->state = s;
			return;
		}
	}
	die(row->line, "no DNS state", dns);
}

static int64_t
time_of(const char *text)
{
	return NOW_MS + strtoll(text, NULL, 10) * 1000;
}

static void
set_more(struct row *row, char *more)
{
	struct evidence *ev = &row->ev;
	char *save = NULL;

	if (strcmp(more, "-") == 0)
		return;
	for (char *name = strtok_r(more, ",", &save); name != NULL;
	     name = strtok_r(NULL, ",", &save)) {
		char *value = strchr(name, '=');

		if (value == NULL)
			die(row->line, "no value", name);
		*value++ = '\0';
		if (strcmp(name, "pinned") == 0)
			ev->pinned = true;
		else if (strcmp(name, "parent-pinned") == 0)
			ev->parent_pinned = true;
		else if (strcmp(name, "attempt") == 0)
			ev->attempt_ms = time_of(value);
		else if (strcmp(name, "force") == 0)
			ev->force_ms =
			    strcmp(value, "never") == 0 ? LADDER_NOT_YET : time_of(value);
		else if (strcmp(name, "suspended") == 0)
			ev->suspended = true;
		else if (strcmp(name, "tls") == 0)
			ev->attempt_level = level_of(row->line, value);
		else if (strcmp(name, "map") == 0)
			ev->other_map = answer_of(value);
		else if (strcmp(name, "failures") == 0)
			ev->dns_failures = (unsigned)atoi(value);
		else if (strcmp(name, "dane") == 0)
			ev->can_dane = answer_of(value);
		else if (strcmp(name, "wrapper") == 0)
			ev->wrapper = true;
		else if (strcmp(name, "distrusted") == 0)
			ev->dane.distrusted = true;
		else if (strcmp(name, "cause") == 0)
			ev->rule_cause = true;
		else if (strcmp(name, "elsewhere") == 0)
			ev->elsewhere = true;
		else if (strcmp(name, "frozen") == 0)
			ev->frozen = true;
		else if (strcmp(name, "attributes") == 0)
			ev->entry.attributes = "match=.example";
		else if (strcmp(name, "thawed") == 0)
			ev->thawed_ms = time_of(value);
		else if (strcmp(name, "mail") == 0)
			ev->mail_ms = time_of(value);
		else if (strcmp(name, "worked") == 0)
			ev->worked_ms = time_of(value);
		else if (strcmp(name, "alert") == 0)
			ev->rule_alert = true;
		else if (strcmp(name, "signed-rule") == 0)
			ev->rule_dnssec = RULE_DNSSEC_SECURE;
		else if (strcmp(name, "attempts") == 0)
			ev->attempts = ev->plain.count = (unsigned)atoi(value);
		else if (strcmp(name, "first") == 0)
			ev->first_attempt_ms = ev->plain.first_ms = time_of(value);
		else if (strcmp(name, "last") == 0)
			ev->last_attempt_ms = ev->plain.last_ms = time_of(value);
		else if (strcmp(name, "plain") == 0)
			ev->plain.count = (unsigned)atoi(value);
		else if (strcmp(name, "not-asked") == 0)
			ev->asked = false;
		else if (strcmp(name, "unplaced") == 0)
			ev->unplaced = true;
		else if (strcmp(name, "denies") == 0)
			ev->denies_tlsa = true;
		else if (strcmp(name, "denied") == 0)
			ev->denied_ms = time_of(value);
		else if (strcmp(name, "again") == 0)
			ev->denied_again = true;
		else if (strcmp(name, "all-usable") == 0)
			ev->dane.all_usable = true;
		else if (strcmp(name, "socket") == 0)
			ev->no_dane_rung = true;
		else if (strcmp(name, "credentials") == 0)
			ev->credentials = answer_of(value);
		else if (strcmp(name, "queue") == 0)
			ev->queue = queue_of(row->line, value);
		else if (strcmp(name, "prober") == 0)
			ev->prober = answer_of(value);
		else if (strcmp(name, "meets") == 0)
			set_meets(row->line, ev, &ev->measured, value, ANSWER_YES);
		else if (strcmp(name, "maybe") == 0)
			set_meets(row->line, ev, &ev->measured, value, ANSWER_UNSURE);
		else if (strcmp(name, "gone-meets") == 0)
			set_meets(row->line, ev, &ev->measured_gone, value, ANSWER_YES);
		else if (strcmp(name, "gone-maybe") == 0)
			set_meets(
			    row->line, ev, &ev->measured_gone, value, ANSWER_UNSURE);
		else if (strcmp(name, "answered") == 0)
			ev->measured.answered = strcmp(row->answered = value, "no") != 0;
		else if (strcmp(name, "gone-answered") == 0)
			ev->measured_gone.answered = strcmp(value, "no") != 0;
		else if (strcmp(name, "awaited") == 0)
			ev->measured.awaited = true;
		else if (strcmp(name, "promised") == 0)
			ev->measured.promised = true;
		else if (strcmp(name, "ours") == 0)
			ev->measured.ours = true;
		else if (strcmp(name, "unread") == 0)
			ev->unread_ms = time_of(value);
		else if (strcmp(name, "unrun") == 0)
			ev->measured.unrun_ms = time_of(value);
		else if (strcmp(name, "auth") == 0)
			ev->measured.auth = answer_of(value);
		else if (strcmp(name, "gone-auth") == 0)
			ev->measured_gone.auth = answer_of(value);
		else if (strcmp(name, "silent") == 0)
			ev->silent_since_ms = time_of(value);
		else if (strcmp(name, "contradictions") == 0)
			ev->contradictions = (unsigned)atoi(value);
		else if (strcmp(name, "canary") == 0)
			ev->canary = canary_of(row->line, value);
		else if (strcmp(name, "climbed") == 0)
			ev->seen_since_climb = level_of(row->line, value);
		else if (strcmp(name, "better") == 0)
			ev->better_session = true;
		else if (strcmp(name, "seen") == 0)
			ev->best_seen = level_of(row->line, value);
		else if (strcmp(name, "met") == 0)
			ev->met_ms = time_of(value);
		else if (strncmp(name, "hold-", 5) == 0)
			ev->hold_since_ms[level_of(row->line, name + 5)] = time_of(value);
		else if (strcmp(name, "absent") == 0)
			ev->dane_absent_ms = time_of(value);
		else if (strcmp(name, "lease") == 0)
			ev->lease_end_ms = time_of(value);
		else if (strcmp(name, "pin-over") == 0)
			ev->pin_over = true;
		else if (strcmp(name, "length") == 0)
			ev->lease_ms = atoll(value) * 1000;
		else if (strcmp(name, "forecast") == 0)
			ev->forecast_ms = time_of(value);
		else if (strcmp(name, "taken-over") == 0)
			ev->taken_over = true;
		else if (strcmp(name, "trial") == 0)
			ev->trial = level_of(row->line, value);
		else if (strcmp(name, "clean") == 0)
			ev->clean = (unsigned)atoi(value);
		else if (strcmp(name, "sts") == 0)
			ev->sts = sts_of(row->line, value);
		else if (strcmp(name, "sts-told") == 0)
			ev->sts_attributes =
			    strcmp(value, "no") == 0 ? NULL : STS_ATTRIBUTES;
		else if (strcmp(name, "sts-allows") == 0)
			ev->sts_allows_none = strcmp(value, "none") == 0;
		else if (strcmp(name, "sts-asked") == 0)
			ev->sts_asked = true;
		else if (strcmp(name, "sts-since") == 0)
			ev->sts_unsure_ms = time_of(value);
		else if (strcmp(name, "sts-lost") == 0)
			ev->sts_lost = true;
		else if (strcmp(name, "no-ca") == 0)
			ev->no_authorities = true;
		else if (strcmp(name, "sts-ends") == 0)
			ev->sts_ends_ms = time_of(value);
		else if (strcmp(name, "sts-entry") == 0) {
			ev->sts_entry = true;
			ev->entry.attributes =
			    strcmp(value, "other") == 0 ? "match=old" : STS_ATTRIBUTES;
		} else if (strcmp(name, "signed") == 0)
			ev->dane.signed_domain = true;
		else if (strcmp(name, "rung") == 0)
			row->rung = level_of(row->line, value);
		else if (strcmp(name, "lowest") == 0)
			row->policy.lowest = level_of(row->line, value);
		else if (strcmp(name, "after") == 0)
			row->policy.may_after_attempts = (unsigned)atoi(value);
		else if (strcmp(name, "probe") == 0) {
			row->works = answer_of(value);
			row->rung = LEVEL_VERIFY;
		} else
			die(row->line, "no such evidence", name);
	}
	if (row->rung != LEVEL_UNKNOWN)
		set_probe(row);
}

static void
ladder_decides(void **state)
{
	const struct row *row = *state;
	struct decision d = ladder_decide(&row->policy, &row->ev, NOW_MS);
	char then[32];

	assert_int_equal(d.wants, row->wants);
	if (row->wants != 0)
		return;
	assert_string_equal(why_slug(d.why), why_slug(row->why));
	assert_string_equal(action_name(d.action), action_name(row->action));
	if (row->action == ACTION_SET || row->action == ACTION_HOLD)
		assert_string_equal(level_name(d.entry.level), level_name(row->level));
	if (row->look_s < 0)
		assert_int_equal(d.look_again_ms, 0);
	else
		assert_int_equal((d.look_again_ms - NOW_MS) / 1000, row->look_s);
	if (row->why == WHY_POLICY && row->action == ACTION_SET)
		assert_string_equal(demand_attributes(d.entry), STS_ATTRIBUTES);
	/* Whatever else: nothing weaker than a usable TLSA, an error, or the floor. */
	if (row->ev.dane.state == DANE_USABLE && d.action == ACTION_SET)
		assert_int_equal(d.entry.level,
		    row->why == WHY_POLICY ? LEVEL_SECURE : LEVEL_DANE_ONLY);
	if (row->ev.dane.state == DANE_UNSURE)
		assert_true(d.action == ACTION_KEEP || row->ev.policy_refused ||
		    row->why == WHY_POLICY ||
		    (row->ev.sts_entry && d.action == ACTION_REMOVE) ||
		    (d.action == ACTION_REMOVE &&
		        level_promise(row->ev.default_level) >
		            level_promise(row->ev.entry.level)) ||
		    (d.action == ACTION_SET &&
		        level_promise(d.entry.level) >
		            level_promise(row->ev.entry.level)));
	if (row->ev.dane.distrusted)
		assert_true(d.alert);
	snprintf(then, sizeof(then), "%s%s%s", d.alert ? " tell" : "",
	    d.retry ? " retry" : "", d.ends_alarm ? " over" : "");
	assert_string_equal(then[0] != '\0' ? then + 1 : "-", row->then);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = calloc(1, sizeof(*row));
	char *level;

	(void)context;
	if (row == NULL || count != 9)
		die(line, "not nine fields", count > 0 ? fields[0] : "");
	row->line = line;
	row->policy = ladder_defaults;
	row->ev = (struct evidence){
	    .default_level = level_of(line, fields[0]),
	    .entry = demand_of(level_of(line, fields[1])),
	    .asked = true,
	    .other_map = ANSWER_NO,
	    .credentials = ANSWER_NO,
	    .can_dane = ANSWER_YES,
	    .queue = QUEUE_SHOWS,
	    .prober = ANSWER_NO,
	    .canary = CANARY_NONE,
	    .attempt_ms = NOW_MS,
	    .attempts = 5,
	    .first_attempt_ms = NOW_MS - SPAN_HOUR_MS,
	    .last_attempt_ms = NOW_MS,
	    .plain = {5, NOW_MS - SPAN_HOUR_MS, NOW_MS},
	    .sts_attributes = STS_ATTRIBUTES,
	    .trial = LEVEL_NONE,
	    .lease_ms = 7 * SPAN_DAY_MS,
	};
	set_reason(row, fields[2]);
	set_dns(row, fields[3]);
	suite_add(ladder_decides, row, "line %u: %s/%s, %s, DNS %s, %s: %s (%s)", line,
	    fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6]);
	set_more(row, fields[4]);
	level = strchr(fields[5], ' ');
	if (level != NULL && strncmp(fields[5], "wants ", 6) == 0) {
		row->wants = wants_of(line, level + 1);
		return;
	}
	if (level != NULL) {
		*level++ = '\0';
		row->level = level_of(line, level);
	}
	while (row->action < ACTION_COUNT &&
	    strcmp(action_name(row->action), fields[5]) != 0)
		row->action++;
	if (row->action == ACTION_COUNT)
		die(line, "no action", fields[5]);
	if (!why_parse(str_of(fields[6]), &row->why))
		die(line, "no such why", fields[6]);
	row->look_s = strcmp(fields[7], "-") == 0 ? -1 : atoll(fields[7]);
	row->then = fields[8];
}

int
main(void)
{
	suite_read_table("tests/cases/ladder.cases", add_row, NULL);
	return suite_run();
}
