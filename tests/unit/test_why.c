/* SPDX-License-Identifier: BSD-2-Clause */
/* Each word of why.h is in the manual, where its guard stands, and has a case there. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "core/why.h"

#define GUARDS (WHY_GUARD_LEASE + 1)

static unsigned in_ladder[WHY_COUNT][GUARDS]; /* tlsladder(8), THE LADDER: how often */
static unsigned in_cases[WHY_COUNT][GUARDS]; /* ladder.cases, below the guard's heading */
static unsigned in_section[WHY_COUNT];       /* tlsladder(8), WHY: with a sentence */

static void
read_lines(const char *name, void (*fn)(char *line))
{
	FILE *f = fopen(suite_path(name), "re");
	char *line = NULL;
	size_t size = 0;

	if (f == NULL) {
		fprintf(stderr, "cannot read %s\n", name);
		exit(2);
	}
	while (getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		fn(line);
	}
	free(line);
	fclose(f);
}

static bool
begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* Items of the list are guards, by their number; what comes behind it is about leases. */
static void
note_ladder(char *line)
{
	static bool inside;
	static int guard;
	char *words, *save = NULL;
	enum why why;

	if (begins(line, ".Sh "))
		inside = strcmp(line, ".Sh THE LADDER") == 0;
	if (!inside)
		return;
	if (begins(line, ".It"))
		guard++;
	if (begins(line, ".El"))
		guard = WHY_GUARD_LEASE;
	words = begins(line, ".Sy ")  ? line + 4
	    : begins(line, ".Pq Sy ") ? line + 7
	                              : NULL;
	if (words == NULL || guard >= GUARDS)
		return;
	for (char *word = strtok_r(words, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save))
		if (why_parse(str_of(word), &why))
			in_ladder[why][guard]++;
}

static void
note_section(char *line)
{
	static bool inside, is_item;
	static enum why why;

	if (begins(line, ".Sh "))
		inside = strcmp(line, ".Sh WHY") == 0;
	if (inside && is_item && *line != '.' && *line != '\0')
		in_section[why]++;
	is_item = inside && begins(line, ".It Sy ") && why_parse(str_of(line + 7), &why);
}

/* Headings are "# 7. usable TLSA ..." and "# lease: ..."; the why is the seventh field.
 */
static void
note_case(char *line)
{
	static int guard;
	enum why why;

	if (begins(line, "# lease: "))
		guard = WHY_GUARD_LEASE;
	else if (begins(line, "# ") && line[2] >= '1' && line[2] <= '9')
		guard = atoi(line + 2);
	if (*line == '#' || *line == '\0' || guard >= GUARDS)
		return;
	for (int field = 1; field < 7; field++) {
		line = strstr(line, "  ");
		if (line == NULL)
			return;
		line += strspn(line, " ");
	}
	line[strcspn(line, " ")] = '\0';
	if (why_parse(str_of(line), &why))
		in_cases[why][guard]++;
}

static void
word_is_complete(void **state)
{
	enum why why = (enum why)(uintptr_t)*state, again;
	int guard = why_guard(why);

	assert_true(why_slug(why)[0] != '\0');
	assert_true(why_sentence(why)[0] != '\0');
	assert_true(why_parse(str_of(why_slug(why)), &again));
	assert_int_equal(again, why);
	assert_in_range(guard, 0, GUARDS - 1);
	if (in_section[why] != 1)
		fail_msg("tlsladder(8), WHY, has no sentence for it, or several");
	for (int g = 0; g < GUARDS; g++)
		if ((in_ladder[why][g] > 0) != (g == guard && guard != WHY_GUARD_NONE))
			fail_msg("THE LADDER of tlsladder(8) %s it at %d; why.h has %d",
			    in_ladder[why][g] > 0 ? "has" : "lacks", g, guard);
	if (guard != WHY_GUARD_NONE && in_cases[why][guard] == 0)
		fail_msg("ladder.cases has no case of it below the heading of %d", guard);
}

/* What mail that flows leads to is no trouble itself. */
static void
what_is_over_stays_over(void **state)
{
	(void)state;
	for (enum why why = WHY_NONE; why < WHY_COUNT; why++) {
		enum why once = why_once_sent(why, WHY_NOT_NEEDED);

		assert_int_equal(why_once_sent(once, WHY_NOT_NEEDED), once);
		assert_int_equal(why_alerts(once) == WHY_ALERTS_ALWAYS,
		    once == why && why_alerts(why) == WHY_ALERTS_ALWAYS);
	}
}

int
main(void)
{
	read_lines("src/tlsladder.8", note_ladder);
	read_lines("src/tlsladder.8", note_section);
	read_lines("tests/cases/ladder.cases", note_case);
	for (enum why why = WHY_NONE; why < WHY_COUNT; why++)
		suite_add(word_is_complete, (void *)(uintptr_t)why,
		    "%s: its sentence, its guard in the manual, a case", why_slug(why));
	suite_add(what_is_over_stays_over, NULL, "what is over stays over");
	return suite_run();
}
