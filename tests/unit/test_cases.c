/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cases of tests/cases/dane.cases, from the verdict on: shipped rule, ladder, action.
 * (test_dane checks them up to the verdict.)
 */
#include "suite.h"

#include <stdlib.h>

#include "base/span.h"
#include "conf/rulefile.h"
#include "core/ladder.h"

#define NOW_MS (INT64_C(1800000000) * 1000)
#define CASES  72

struct row {
	int number;
	char *mx, *state, *default_level, *reason, *action;
};

static struct rules *rules;
static bool is_there[CASES + 1];

static const struct ladder_policy policy = {
    .lowest = LEVEL_MAY,
    .may_after_attempts = 1,
    .hold_verify_ms = SPAN_DAY_MS,
    .hold_encrypt_ms = SPAN_DAY_MS,
    .hold_may_ms = SPAN_DAY_MS,
    .recheck_ms = 7 * SPAN_DAY_MS,
    .dane_withdrawn_ms = 3 * SPAN_DAY_MS,
};

static enum level
level_of(const char *text)
{
	enum level level = LEVEL_UNKNOWN;

	if (!level_parse(str_of(text), &level))
		fail_msg("no level: %s", text);
	return level;
}

static void
set_rule(struct evidence *ev, const char *name)
{
	int index = rules_find(rules, name);
	const struct rule_source *rule;

	ev->has_rule = index >= 0;
	if (index < 0) {
		assert_string_equal(name, "-");
		return;
	}
	rule = rules_get(rules, (size_t)index);
	ev->fault_ours = rule->fault_ours;
	ev->policy_refused = strcmp(name, "client-tls-configuration") == 0;
	ev->fallback = rule->fallback;
	ev->fallback_level = rule->level;
}

/* "certificate-not-verified tls=verify": the rule, and what else is known. */
static void
set_reason(struct evidence *ev, char *reason, bool *lost)
{
	char *save = NULL, *word = strtok_r(reason, " ", &save);

	set_rule(ev, word);
	while ((word = strtok_r(NULL, " ", &save)) != NULL) {
		if (strcmp(word, "bounced") == 0)
			*lost = true;
		else if (strcmp(word, "suspended") == 0)
			ev->suspended = true;
		else if (strcmp(word, "other-map") == 0)
			ev->other_map = ANSWER_YES;
		else if (strcmp(word, "no-dnssec") == 0)
			ev->can_dane = ANSWER_NO;
		else if (strcmp(word, "wrapper") == 0)
			ev->wrapper = true;
		else if (strncmp(word, "tls=", 4) == 0)
			ev->attempt_level = level_of(word + 4);
		else if (strncmp(word, "entry=", 6) == 0)
			ev->entry.level = level_of(word + 6);
		else
			fail_msg("no such word: %s", word);
	}
}

static enum dane_state
state_of(const char *name)
{
	enum dane_state state = DANE_UNSURE;

	assert_true(dane_state_parse(str_of(name), &state));
	return state;
}

/* Nothing weaker, and what is there stays. */
static void
assert_waits(const struct decision *d)
{
	assert_true(d->action == ACTION_KEEP || d->action == ACTION_HOLD);
}

static void
assert_sets(struct evidence *ev, const char *text)
{
	struct decision d = ladder_decide(&policy, ev, NOW_MS);
	const char *level =
	    strcmp(text, "may") == 0 ? level_name(ladder_lowest_rung(ev)) : text;

	assert_string_equal(action_name(d.action), "set");
	assert_string_equal(level_name(d.entry.level), level);
	ev->entry = d.entry;
}

static void
case_ends_in(void **state)
{
	const struct row *row = *state;
	char *reason = strdup(row->reason), *action = strdup(row->action);
	struct evidence ev = {
	    .default_level = level_of(row->default_level),
	    .entry = demand_of(LEVEL_NONE),
	    .trial = LEVEL_NONE,
	    .asked = true,
	    .other_map = ANSWER_NO,
	    .credentials = ANSWER_NO,
	    .queue = QUEUE_SHOWS,
	    .prober = ANSWER_NO,
	    .canary = CANARY_NONE,
	    .plain = {1, NOW_MS, NOW_MS},
	    .can_dane = ANSWER_YES,
	    .attempt_ms = NOW_MS,
	    .attempts = 1,
	    .first_attempt_ms = NOW_MS,
	    .last_attempt_ms = NOW_MS,
	    .dns_failures = 1,
	    .lease_end_ms = NOW_MS + SPAN_DAY_MS,
	};
	size_t len = strlen(action);
	bool told = action[len - 1] == '!', lost = false;
	struct decision d;
	char *next;

	ev.dane = (struct dane_verdict){.state = state_of(row->state),
	    .distrusted = strstr(row->mx, "untrusted") != NULL};
	set_reason(&ev, reason, &lost);
	/* Without a rule there is a deferral all the same, or an old entry is re-checked.
	 */
	ev.deferral = ev.entry.level == LEVEL_NONE || ev.has_rule;
	if (told)
		action[len - 1] = '\0';
	d = ladder_decide(&policy, &ev, NOW_MS);
	/* An unrelated reason is no news for the ladder: the alarm is doctor's (case 56).
	 * Lost mail is alerted as it is read, whatever is decided (test_fold.c). */
	if (told && ev.has_rule && !lost)
		assert_true(d.alert);
	next = strchr(action, ',');
	if (next != NULL)
		*next++ = '\0';
	if (strcmp(action, "wait") == 0 || strcmp(action, "none") == 0) {
		assert_waits(&d);
	} else if (strcmp(action, "remove") == 0) {
		assert_string_equal(action_name(d.action), "remove");
	} else {
		assert_sets(&ev, action);
	}
	while (next != NULL) {
		const char *level = next;

		/* Under verify it is the certificate that fails, whatever was given
		 * before. */
		if (ev.fallback == FALLBACK_LEVEL && ev.fallback_level == LEVEL_VERIFY)
			set_rule(&ev, "certificate-not-verified");
		next = strchr(next, ',');
		if (next != NULL)
			*next++ = '\0';
		assert_sets(&ev, level);
	}
	free(reason);
	free(action);
}

/* A case that is taken out must be missed. */
static void
each_case_is_there(void **state)
{
	(void)state;
	for (int number = 1; number <= CASES; number++)
		if (!is_there[number])
			fail_msg("case %d is not there", number);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(calloc(1, sizeof(*row)));

	(void)line;
	(void)context;
	if (row == NULL || count < 7)
		exit(2);
	row->number = atoi(fields[0]);
	row->mx = fields[1];
	row->state = fields[3];
	row->default_level = fields[4];
	row->reason = fields[5];
	row->action = fields[6];
	if (row->number >= 1 && row->number <= CASES)
		is_there[row->number] = true;
	if (row->number <= 100)
		suite_add(case_ends_in, row, "case %d: %s, %s, TLSA %s: %s", row->number,
		    row->default_level, row->reason, row->state, row->action);
}

int
main(void)
{
	char *file = (char *)(uintptr_t)suite_path("rules/postfix.yaml");
	struct errs errs = {0};
	int status;

	rules = rulefile_load(&file, 1, RULEFILE_COMPILE, &errs);
	if (rules == NULL) {
		fprintf(stderr, "%s\n", errs.lines[0]);
		return 2;
	}
	suite_read_table("tests/cases/dane.cases", add_row, NULL);
	suite_add(each_case_is_there, NULL, "each of the cases 1 to %d is there", CASES);
	status = suite_run();
	rules_free(rules);
	return status;
}
