/* SPDX-License-Identifier: BSD-2-Clause */
/* The search for wanted lines: by hand, and every way of searching against a slow one. */
#include "suite.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/prefilter.h"

static const char *const how_names[PREFILTER_HOW_COUNT] = {
    [PREFILTER_PLAIN] = "eight bytes at a time",
    [PREFILTER_SSE2] = "SSE2",
    [PREFILTER_AVX2] = "AVX2",
};

/* --- what is wanted ---------------------------------------------------------------- */

struct row {
	const char *name;
	const char *line;
	unsigned wanted_by; /* every enum prefilter_want that asks for it */
};

static const struct row rows[] = {
    {"mail that was sent", "4F: to=<u@a.test>, relay=n, delay=0, status=sent (ok)",
        PREFILTER_SENT},
    {"a deferral", "4F: to=<u@a.test>, relay=n, delay=0, status=deferred (x)",
        PREFILTER_TROUBLE},
    {"a bounce", "4F: to=<u@a.test>, relay=n, delay=0, status=bounced (x)",
        PREFILTER_TROUBLE},
    {"a soft bounce", "4F: to=<u@a.test>, relay=n, delay=0, status=SOFTBOUNCE (x)",
        PREFILTER_TROUBLE},
    {"an address probe", "4F: to=<u@a.test>, relay=n, status=undeliverable (x)",
        PREFILTER_TROUBLE},
    {"a status line behind one in quotes",
        "4F: to=<\", status=sent (\"@a.test>, relay=n, status=deferred (x)",
        PREFILTER_SENT | PREFILTER_TROUBLE},
    {"a session", "Verified TLS connection established to m[1]:25: TLSv1.3",
        PREFILTER_TLS},
    {"a session that is used again", "Trusted TLS connection reused to m[1]:25: TLSv1.3",
        PREFILTER_TLS},
    {"a policy look-up", "warning: TLS policy lookup for a.test/m: x", PREFILTER_TLS},
    {"a policy look-up that failed", "warning: TLS policy lookup error for a.test/m: x",
        PREFILTER_TLS},
    {"a certificate that was refused", ": certificate verification failed for m[1]:25: x",
        PREFILTER_TLS},
    {"one that was found wrong later",
        ": server certificate verification failed for m[1]:25: num=62:x", PREFILTER_TLS},
    {"a handshake that failed", ": SSL_connect error to m[1]:25: -1", PREFILTER_TLS},
    {"a server that is passed over for its certificate",
        "4F: Server certificate not verified", PREFILTER_TLS},
    {"... for its handshake", "4F: Cannot start TLS: handshake failure", PREFILTER_TLS},
    {"... as it has no TLS", "4F: TLS is required, but was not offered by host m[1]",
        PREFILTER_TLS},
    {"a failure, as Postfix 3.10 reports it",
        "TLSRPT: status=failure, domain=a.test, receiving_mx=m", PREFILTER_TLS},
    {"a success, as it reports it", "TLSRPT: status=success, domain=a.test", 0},
    {"a failure of something else", "RPT: status=failure, domain=a.test", 0},
    {"another word than failure", "TLSRPT: status=failures", 0},
    {"a status to the end of the line", "TLSRPT: status=", 0},
    {"the end of a word at the beginning of a line, 1", "us=sent (ok)", 0},
    {"the end of a word at the beginning of a line, 2", "tatus=failure, x", 0},
    {"the end of a word at the beginning of a line, 3", "ficate not verified", 0},
    {"the end of a word at the beginning of a line, 4", "LS connection reused to m", 0},
    {"the end of a word at the beginning of a line, 5", "hake failure", 0},
    {"the end of a word at the beginning of a line, 6", "- version 3.7", 0},
    {"the end of a word at the beginning of a line, 7", "SL_connect error to m", 0},
    {"a certificate without its beginning", "tificate not verified", 0},
    {"a certificate of something else", "4F: Client certificate not verified", 0},
    {"a certificate that is something else", "4F: Server certificate now", 0},
    {"Postfix that started", "m[1]: daemon started -- version 3.7", PREFILTER_TLS},
    {"Postfix that reloaded", "m[1]: reload -- version 3.7.11, x", PREFILTER_TLS},
    {"a session and a status in one line",
        "status=deferred (x) TLS connection established to , status=sent",
        PREFILTER_TLS | PREFILTER_SENT},
    {"a deferral that is about TLS",
        "4F: to=<u@a.test>, relay=n, status=deferred (TLS connection reused to x)",
        PREFILTER_TLS | PREFILTER_TROUBLE},
    {"a session of a client", "Anonymous TLS connection established from m[1]: TLSv1.3",
        0},
    {"a status that does not stand behind a comma", "4F: status=deferred (x)", 0},
    {"a status without its word", "4F: to=<u@a.test>, status=", 0},
    {"bytes at the right places",
        "tatus=d xtatusxd TxS T..S  TLS TLS connection TLS:x t.f.c tificate not "
        "certificate not ..S._  SSL_connect  -- version  --  v",
        0},
    {"nothing", "", 0},
};

/* In front of the row stand so many bytes, so that it crosses every border of a block. */
static bool
is_found(const struct row *row, enum prefilter_how how, unsigned want, size_t before)
{
	size_t len = strlen(row->line);
	char *text = mem_new(before + len + 1, 1);
	struct str line = {NULL, 0};
	struct prefilter prefilter;
	bool found;

	memset(text, 'x', before);
	if (before > 0)
		text[before - 1] = '\n';
	memcpy(text + before, row->line, len);
	prefilter_start(&prefilter, (struct str){text, before + len}, want);
	prefilter.how = how;
	found = prefilter_next(&prefilter, &line);
	if (found) {
		assert_true(str_is(line, row->line));
		assert_int_equal(prefilter.line, before > 0 ? 1 : 0);
		assert_false(prefilter_next(&prefilter, &line));
	}
	assert_int_equal(prefilter.line, before > 0 ? 1 : 0);
	free(text);
	prefilter_start(
	    &prefilter, (struct str){row->line, len}, want | PREFILTER_UNCOUNTED);
	prefilter.how = how;
	assert_int_equal(prefilter_next(&prefilter, &line), found);
	return found;
}

static void
line_is_found(void **state)
{
	const struct row *row = *state;

	for (enum prefilter_how how = PREFILTER_PLAIN; how < PREFILTER_HOW_COUNT; how++) {
		if (!prefilter_can(how))
			continue;
		for (unsigned want = 1;
		     want <= (PREFILTER_TROUBLE | PREFILTER_SENT | PREFILTER_TLS); want++)
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
	    "connection reused to ", "policy lookup ", "is required, but ",
	    "TLS: ", "handshake failure", "Server cer", "cer", "tificate not ",
	    "tificate verification failed for ", " SSL_", "connect error to ", "reload",
	    "daemon started", " -- version ", "\n", "\r\n", "\n\n", "t....=", "T.S ",
	    "xxxxxxxxxxxxxxxxxxxxxxxx", "\xff\x80\xf4\xbd"};
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
		    (want &
		        (line.p[i + 9] == 's' ? PREFILTER_SENT : PREFILTER_TROUBLE)) != 0)
			return true;
	return false;
}

static bool
is_wanted(struct str line, unsigned want)
{
	return holds_status(line, want) ||
	    ((want & PREFILTER_TLS) != 0 &&
	        (holds(line, "TLS connection established to ") ||
	            holds(line, "TLS connection reused to ") ||
	            holds(line, "TLS policy lookup ") ||
	            holds(line, "TLS is required, but ") ||
	            holds(line, "TLS: handshake failure") ||
	            holds(line, "Server certificate not ") ||
	            holds(line, "certificate verification failed for ") ||
	            holds(line, " SSL_connect error to ") ||
	            holds(line, "daemon started -- version ") ||
	            holds(line, "reload -- version ")));
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
scan_agrees(enum prefilter_how how, struct str text, unsigned want)
{
	struct str rest = text, line, wanted, again;
	uint64_t number = 0, all = 0;
	bool first = true;
	struct prefilter prefilter, uncounted;

	prefilter_start(&prefilter, text, want);
	prefilter_start(&uncounted, text, want | PREFILTER_UNCOUNTED);
	prefilter.how = uncounted.how = how;
	while (next_slowly(&rest, want, &number, &first, &wanted)) {
		assert_true(prefilter_next(&prefilter, &line));
		assert_ptr_equal(line.p, wanted.p);
		assert_int_equal(line.len, wanted.len);
		assert_int_equal(prefilter.line, number);
		assert_true(prefilter_next(&uncounted, &again));
		assert_ptr_equal(again.p, line.p);
		assert_int_equal(again.len, line.len);
	}
	assert_false(prefilter_next(&prefilter, &line));
	assert_false(prefilter_next(&uncounted, &again));
	for (size_t i = 0; i < text.len; i++)
		all += text.p[i] == '\n';
	assert_int_equal(prefilter.line, all);
}

/* In memory of its exact size, so that a read behind the end is detected (ASan,
 * valgrind). */
static void
random_texts_agree(void **state)
{
	enum prefilter_how how = *(const enum prefilter_how *)*state;
	char made[700];
	uint32_t seed = 7;

	if (!prefilter_can(how))
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
	enum prefilter_how how = *(const enum prefilter_how *)*state;
	uint32_t seed = 11;
	char text[300];

	if (!prefilter_can(how))
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
	struct prefilter prefilter;
	struct str line;

	(void)state;
	for (size_t from = 1; from < sizeof(text); from++) {
		prefilter_start(&prefilter,
		    (struct str){text + from, sizeof(text) - 1 - from},
		    PREFILTER_TROUBLE);
		assert_false(prefilter_next(&prefilter, &line));
	}
}

int
main(void)
{
	static const enum prefilter_how hows[PREFILTER_HOW_COUNT] = {
	    PREFILTER_PLAIN, PREFILTER_SSE2, PREFILTER_AVX2};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(line_is_found, &rows[i],
		    "%s: found by whom it concerns, and by no one else", rows[i].name);
	for (size_t i = 0; i < PREFILTER_HOW_COUNT; i++) {
		suite_add(
		    random_texts_agree, &hows[i], "random pieces, %s", how_names[i]);
		suite_add(random_bytes_agree, &hows[i], "random bytes, %s", how_names[i]);
	}
	suite_add(text_before_the_buffer_is_not_seen, NULL,
	    "what stands before the buffer is not seen");
	return suite_run();
}
