/* SPDX-License-Identifier: BSD-2-Clause */
/* The search for wanted lines: by hand, and every way of searching against a slow one. */
#include "suite.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/scan.h"

static const char *const how_names[SCAN_HOW_COUNT] = {
    [SCAN_PLAIN] = "eight bytes at a time",
    [SCAN_SSE2] = "SSE2",
    [SCAN_AVX2] = "AVX2",
};

/* --- what is wanted ---------------------------------------------------------------- */

struct row {
	const char *name;
	const char *line;
	unsigned wanted_by; /* every enum scan_want that asks for it */
};

static const struct row rows[] = {
    {"mail that was sent", "4F: to=<u@a.test>, relay=n, delay=0, status=sent (ok)",
        SCAN_SENT},
    {"a deferral", "4F: to=<u@a.test>, relay=n, delay=0, status=deferred (x)",
        SCAN_TROUBLE},
    {"a bounce", "4F: to=<u@a.test>, relay=n, delay=0, status=bounced (x)", SCAN_TROUBLE},
    {"a soft bounce", "4F: to=<u@a.test>, relay=n, delay=0, status=SOFTBOUNCE (x)",
        SCAN_TROUBLE},
    {"an address probe", "4F: to=<u@a.test>, relay=n, status=undeliverable (x)",
        SCAN_TROUBLE},
    {"a status line behind one in quotes",
        "4F: to=<\", status=sent (\"@a.test>, relay=n, status=deferred (x)",
        SCAN_SENT | SCAN_TROUBLE},
    {"a session", "Verified TLS connection established to m[1]:25: TLSv1.3", SCAN_TLS},
    {"a session that is used again", "Trusted TLS connection reused to m[1]:25: TLSv1.3",
        SCAN_TLS},
    {"a policy look-up", "warning: TLS policy lookup for a.test/m: x", SCAN_TLS},
    {"a policy look-up that failed", "warning: TLS policy lookup error for a.test/m: x",
        SCAN_TLS},
    {"a session and a status in one line",
        "status=deferred (x) TLS connection established to , status=sent",
        SCAN_TLS | SCAN_SENT},
    {"a deferral that is about TLS",
        "4F: to=<u@a.test>, relay=n, status=deferred (TLS connection reused to x)",
        SCAN_TLS | SCAN_TROUBLE},
    {"a session of a client", "Anonymous TLS connection established from m[1]: TLSv1.3",
        0},
    {"a status that does not stand behind a comma", "4F: status=deferred (x)", 0},
    {"a status without its word", "4F: to=<u@a.test>, status=", 0},
    {"bytes at the right places", "tatus=d xtatusxd TxS T..S  TLS TLS connection", 0},
    {"nothing", "", 0},
};

/* In front of the row stand so many bytes, so that it crosses every border of a block. */
static bool
is_found(const struct row *row, enum scan_how how, unsigned want, size_t before)
{
	size_t len = strlen(row->line);
	char *text = mem_new(before + len + 1, 1);
	struct str line = {NULL, 0};
	struct scan scan;
	bool found;

	memset(text, 'x', before);
	if (before > 0)
		text[before - 1] = '\n';
	memcpy(text + before, row->line, len);
	scan_start(&scan, (struct str){text, before + len}, want);
	scan.how = how;
	found = scan_next(&scan, &line);
	if (found) {
		assert_true(str_is(line, row->line));
		assert_int_equal(scan.line, before > 0 ? 1 : 0);
		assert_false(scan_next(&scan, &line));
	}
	assert_int_equal(scan.line, before > 0 ? 1 : 0);
	free(text);
	return found;
}

static void
line_is_found(void **state)
{
	const struct row *row = *state;

	for (enum scan_how how = SCAN_PLAIN; how < SCAN_HOW_COUNT; how++) {
		if (!scan_can(how))
			continue;
		for (unsigned want = 1; want <= (SCAN_TROUBLE | SCAN_SENT | SCAN_TLS);
		     want++)
			for (size_t before = 0; before < 140; before++)
				assert_int_equal(is_found(row, how, want, before),
				    (row->wanted_by & want) != 0);
	}
}

/* --- every way finds the same ------------------------------------------------------ */

static uint32_t
roll(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)*seed * below) >> 32);
}

/* Pieces of what is searched for, whole and in part, in any order. */
static size_t
make_text(uint32_t *seed, char *out, size_t size)
{
	static const char *const pieces[] = {", status=", "tatus=", "status=s", "t", "=",
	    "s", "d", "sent (", "TLS ", "T", "S ", "connection established to ",
	    "connection reused to ", "policy lookup ", "\n", "\r\n", "\n\n",
	    "t....=", "T.S ", "xxxxxxxxxxxxxxxxxxxxxxxx", "\xff\x80\xf4\xbd"};
	size_t len = 0, want = roll(seed, (uint32_t)size);

	while (len < want) {
		const char *piece =
		    pieces[roll(seed, sizeof(pieces) / sizeof(pieces[0]))];
		size_t n = strlen(piece);

		if (len + n > want)
			break;
		memcpy(out + len, piece, n);
		len += n;
	}
	return len;
}

static bool
holds(struct str line, const char *literal)
{
	return line.len > 0 && memmem(line.p, line.len, literal, strlen(literal)) != NULL;
}

/* A status of the wanted kind somewhere in the line, the long way round. */
static bool
holds_status(struct str line, unsigned want)
{
	for (size_t i = 0; i + 9 < line.len; i++)
		if (memcmp(line.p + i, ", status=", 9) == 0 &&
		    (want & (line.p[i + 9] == 's' ? SCAN_SENT : SCAN_TROUBLE)) != 0)
			return true;
	return false;
}

static bool
is_wanted(struct str line, unsigned want)
{
	return holds_status(line, want) ||
	       ((want & SCAN_TLS) != 0 &&
	           (holds(line, "TLS connection established to ") ||
	               holds(line, "TLS connection reused to ") ||
	               holds(line, "TLS policy lookup ")));
}

/* The next wanted line by cutting all of them; *number: newlines before it. */
static bool
next_slowly(
    struct str *rest, unsigned want, uint64_t *number, bool *first, struct str *line)
{
	while (rest->len > 0) {
		*number += *first ? 0 : 1;
		*first = false;
		if (!str_cut(rest, '\n', line)) {
			*line = *rest;
			rest->len = 0;
		}
		if (is_wanted(*line, want)) {
			if (line->p[line->len - 1] == '\r')
				line->len--;
			return true;
		}
	}
	return false;
}

static void
scan_agrees(enum scan_how how, struct str text, unsigned want)
{
	struct str rest = text, line, wanted;
	uint64_t number = 0, all = 0;
	bool first = true;
	struct scan scan;

	scan_start(&scan, text, want);
	scan.how = how;
	while (next_slowly(&rest, want, &number, &first, &wanted)) {
		assert_true(scan_next(&scan, &line));
		assert_ptr_equal(line.p, wanted.p);
		assert_int_equal(line.len, wanted.len);
		assert_int_equal(scan.line, number);
	}
	assert_false(scan_next(&scan, &line));
	for (size_t i = 0; i < text.len; i++)
		all += text.p[i] == '\n';
	assert_int_equal(scan.line, all);
}

/* In memory of its exact size, so that a look behind the end is seen (ASan, valgrind). */
static void
random_texts_agree(void **state)
{
	enum scan_how how = *(const enum scan_how *)*state;
	char made[700];
	uint32_t seed = 7;

	if (!scan_can(how))
		skip();
	for (int round = 0; round < 3000; round++) {
		size_t len = make_text(&seed, made, sizeof(made));
		char *text = mem_new(len > 0 ? len : 1, 1);

		memcpy(text, made, len);
		scan_agrees(how, (struct str){text, len}, 1 + roll(&seed, 7));
		free(text);
	}
}

static void
random_bytes_agree(void **state)
{
	enum scan_how how = *(const enum scan_how *)*state;
	uint32_t seed = 11;
	char text[300];

	if (!scan_can(how))
		skip();
	for (int round = 0; round < 2000; round++) {
		size_t len = roll(&seed, sizeof(text));

		for (size_t i = 0; i < len; i++)
			text[i] = (char)roll(&seed, 256);
		scan_agrees(how, (struct str){text, len}, 1 + roll(&seed, 7));
	}
}

static void
text_before_the_buffer_is_not_seen(void **state)
{
	static const char text[] = ", status=deferred (x)\n";
	struct scan scan;
	struct str line;

	(void)state;
	for (size_t from = 1; from < sizeof(text); from++) {
		scan_start(&scan, (struct str){text + from, sizeof(text) - 1 - from},
		    SCAN_TROUBLE);
		assert_false(scan_next(&scan, &line));
	}
}

int
main(void)
{
	static const enum scan_how hows[SCAN_HOW_COUNT] = {
	    SCAN_PLAIN, SCAN_SSE2, SCAN_AVX2};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(line_is_found, &rows[i],
		    "%s: found by whom it concerns, and by no one else", rows[i].name);
	for (size_t i = 0; i < SCAN_HOW_COUNT; i++) {
		suite_add(
		    random_texts_agree, &hows[i], "random pieces, %s", how_names[i]);
		suite_add(random_bytes_agree, &hows[i], "random bytes, %s", how_names[i]);
	}
	suite_add(text_before_the_buffer_is_not_seen, NULL,
	    "what stands before the buffer is not seen");
	return suite_run();
}
