/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <stdlib.h>

#include "base/span.h"
#include "core/ladder.h"

#define NOW_MS (INT64_C(1800000000) * 1000)

struct row {
	unsigned line;
	struct evidence ev;
	struct ladder_policy policy;
	enum action action;
	enum level level;
	enum why why;
	int64_t look_s; /* -1: only on news */
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
		else if (strcmp(name, "elsewhere") == 0)
			ev->elsewhere = true;
		else if (strcmp(name, "frozen") == 0)
			ev->frozen = true;
		else if (strcmp(name, "attributes") == 0)
			ev->attributes = true;
		else if (strcmp(name, "thawed") == 0)
			ev->thawed_ms = time_of(value);
		else if (strcmp(name, "alert") == 0)
			ev->rule_alert = true;
		else if (strcmp(name, "signed-rule") == 0)
			ev->rule_dnssec = RULE_DNSSEC_SECURE;
		else if (strcmp(name, "attempts") == 0)
			ev->attempts = (unsigned)atoi(value);
		else if (strcmp(name, "first") == 0)
			ev->first_attempt_ms = time_of(value);
		else if (strcmp(name, "last") == 0)
			ev->last_attempt_ms = time_of(value);
		else if (strcmp(name, "seen") == 0)
			ev->best_seen = level_of(row->line, value);
		else if (strcmp(name, "hold") == 0)
			ev->hold_since_ms = time_of(value);
		else if (strcmp(name, "absent") == 0)
			ev->dane_absent_ms = time_of(value);
		else if (strcmp(name, "lease") == 0)
			ev->lease_end_ms = time_of(value);
		else if (strcmp(name, "length") == 0)
			ev->lease_ms = atoll(value) * 1000;
		else if (strcmp(name, "trial") == 0)
			ev->trial = level_of(row->line, value);
		else if (strcmp(name, "clean") == 0)
			ev->probe.clean = (unsigned)atoi(value);
		else if (strcmp(name, "rung") == 0)
			ev->probe.level = level_of(row->line, value);
		else if (strcmp(name, "lowest") == 0)
			row->policy.lowest = level_of(row->line, value);
		else if (strcmp(name, "after") == 0)
			row->policy.may_after_attempts = (unsigned)atoi(value);
		else if (strcmp(name, "probe") == 0) {
			ev->probe.works = answer_of(value);
			ev->probe.level = LEVEL_VERIFY;
		} else
			die(row->line, "no such evidence", name);
	}
}

static void
ladder_decides(void **state)
{
	const struct row *row = *state;
	struct decision d = ladder_decide(&row->policy, &row->ev, NOW_MS);
	char then[16];

	assert_string_equal(why_slug(d.why), why_slug(row->why));
	assert_string_equal(action_name(d.action), action_name(row->action));
	if (row->action == ACTION_SET || row->action == ACTION_HOLD)
		assert_string_equal(level_name(d.level), level_name(row->level));
	if (row->look_s < 0)
		assert_int_equal(d.look_again_ms, 0);
	else
		assert_int_equal((d.look_again_ms - NOW_MS) / 1000, row->look_s);
	/* Whatever else: nothing weaker than a usable TLSA, an error, or the floor. */
	if (row->ev.dane.state == DANE_USABLE && d.action == ACTION_SET)
		assert_int_equal(d.level, LEVEL_DANE_ONLY);
	if (row->ev.dane.state == DANE_UNSURE)
		assert_true(d.action == ACTION_KEEP || row->ev.policy_refused ||
		    (d.action == ACTION_SET && d.level > row->ev.entry));
	if (row->ev.dane.distrusted)
		assert_true(d.alert);
	snprintf(then, sizeof(then), "%s%s%s", d.alert ? "tell" : "",
	    d.alert && d.retry ? " " : "", d.retry ? "retry" : "");
	assert_string_equal(then[0] != '\0' ? then : "-", row->then);
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
	row->policy = (struct ladder_policy){
	    .lowest = LEVEL_MAY,
	    .may_after_attempts = 2,
	    .may_after_ms = 10 * SPAN_MINUTE_MS,
	    .hold_encrypt_ms = SPAN_HOUR_MS,
	    .hold_may_ms = SPAN_DAY_MS,
	    .recheck_ms = 7 * SPAN_DAY_MS,
	    .recheck_max_ms = 90 * SPAN_DAY_MS,
	    .dane_withdrawn_ms = 3 * SPAN_DAY_MS,
	};
	row->ev = (struct evidence){
	    .default_level = level_of(line, fields[0]),
	    .entry = level_of(line, fields[1]),
	    .other_map = ANSWER_NO,
	    .can_dane = ANSWER_YES,
	    .attempt_ms = NOW_MS,
	    .attempts = 5,
	    .first_attempt_ms = NOW_MS - SPAN_HOUR_MS,
	    .last_attempt_ms = NOW_MS,
	    .trial = LEVEL_NONE,
	    .lease_ms = 7 * SPAN_DAY_MS,
	};
	set_reason(row, fields[2]);
	set_dns(row, fields[3]);
	suite_add(ladder_decides, row, "line %u: %s/%s, %s, DNS %s, %s: %s (%s)", line,
	    fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6]);
	set_more(row, fields[4]);
	level = strchr(fields[5], ' ');
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
