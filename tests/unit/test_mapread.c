/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of the map read back. */
#include "suite.h"

#include <string.h>

#include "publish/maplines.h"
#include "publish/mapread.h"

#define UNTIL_MS (INT64_C(1795483619) * 1000) /* 2026-11-24T01:26:59Z, by date(1) */

struct line_row {
	const char *name;
	const char *comment;
	const char *line;
	const char
	    *read; /* KEY LEVEL [ATTRIBUTES] WHY[ pin[ UNTIL_S]][ NOTE]; NULL: none */
};

#define SENTENCE "the administrator set this level"

static const struct line_row line_rows[] = {
    {"a decision", "# no-dane: no TLSA records, proven", "a.test\tverify",
        "a.test verify [] no-dane"},
    {"a pin with attributes and a note", "# pinned: " SENTENCE " (ticket 7)",
        "a.test\tsecure match=.a.test servername=b",
        "a.test secure [match=.a.test servername=b] pinned pin 0 ticket 7"},
    {"one that ends", "# pinned: " SENTENCE ", until 2026-11-24T01:26:59Z",
        "[mx.test]:587\tmay", "[mx.test]:587 may [] pinned pin 1795483619 "},
    {"one that ends, with a note of parentheses",
        "# pinned: " SENTENCE ", until 2026-11-24T01:26:59Z (a (b), until (c))",
        "a.test\tmay", "a.test may [] pinned pin 1795483619 a (b), until (c)"},
    {"a note that looks like an end",
        "# pinned: " SENTENCE " (x), until 2026-11-24T01:26:59Z (y)", "a.test\tmay",
        "a.test may [] pinned pin 0 x), until 2026-11-24T01:26:59Z (y"},
    {"one that ended", "# pinned: " SENTENCE ", ended (x)", "a.test\tmay",
        "a.test may [] pinned"},
    {"a sentence of another version", "# pinned: somebody wished it (x)", "a.test\tmay",
        "a.test may [] pinned pin 0 x"},
    {"an end that is none", "# pinned: " SENTENCE ", until 2026-13-24T01:26:59Z (x)",
        "a.test\tmay", "a.test may [] pinned pin 0 x"},
    {"an unknown word", "# because: I say so", "a.test\tmay", "a.test may [] none"},
    {"no comment", "", "a.test\tdane-only", "a.test dane-only [] none"},
    {"a key of letters beyond ASCII", "",
        "b\xc3\xbc"
        "cher.test\tmay",
        "b\xc3\xbc"
        "cher.test may [] none"},
    {"a parent", "", ".a.test\tmay", ".a.test may [] none"},
    {"a comment is no entry", "", "# pinned: x", NULL},
    {"an empty line", "", "", NULL},
    {"no tab", "", "a.test may", NULL},
    {"no level", "", "a.test\tstrong", NULL},
    {"none is no level of an entry", "", "a.test\tnone", NULL},
    {"no key", "", "\tmay", NULL},
    {"a key with a blank", "", "a test\tmay", NULL},
    {"a control character in the attributes", "", "a.test\tmay match=\x1b[31m", NULL},
};

static void
line_is_read(void **state)
{
	const struct line_row *row = *state;
	struct mapread found = {0};
	struct buf read = {0};
	bool is_entry = mapread_entry(str_of(row->comment), str_of(row->line), &found);

	assert_int_equal(is_entry, row->read != NULL);
	if (is_entry) {
		buf_printf(&read, "%s %s [%s] %s", found.key, level_name(found.level),
		    buf_text(&found.attributes), why_slug(found.why));
		if (found.pin.set)
			buf_printf(&read, " pin %lld %s",
			    (long long)(found.pin.until_ms / 1000), found.pin.note);
		assert_string_equal(buf_text(&read), row->read);
	}
	buf_clear(&read);
	mapread_clear(&found);
}

/* Whatever is written of an entry is read again. */
static void
what_is_written_is_read(void **state)
{
	struct buf value = {0}, why = {0}, comment = {0}, line = {0};
	struct mapread found = {0};

	(void)state;
	for (enum why w = WHY_NONE + 1; w < WHY_COUNT; w++) {
		struct entry entry = {.key = "a.test",
		    .attributes = "match=b.test",
		    .note = "(a) b, until \xe2\x80\x9e"
		            "c\xe2\x80\x9c",
		    .level = LEVEL_SECURE,
		    .why = w,
		    .pinned = w == WHY_PINNED || w == WHY_UNDONE,
		    .look_ms = UNTIL_MS};
		struct map_entry written = maplines_of(&entry, &value, &why);

		buf_reset(&comment);
		buf_reset(&line);
		buf_printf(&comment, "# %s", written.why);
		buf_printf(&line, "%s\t%s", written.key, written.value);
		assert_true(mapread_is_why(str_of(buf_text(&comment))));
		assert_true(mapread_entry(
		    str_of(buf_text(&comment)), str_of(buf_text(&line)), &found));
		assert_int_equal(found.level, LEVEL_SECURE);
		assert_string_equal(buf_text(&found.attributes), "match=b.test");
		assert_int_equal(found.why, w);
		assert_int_equal(found.pin.set, entry.pinned);
		assert_int_equal(found.pin.until_ms, entry.pinned ? UNTIL_MS : 0);
		assert_string_equal(found.pin.note, entry.pinned ? entry.note : "");
	}
	buf_clear(&value);
	buf_clear(&why);
	buf_clear(&comment);
	buf_clear(&line);
	mapread_clear(&found);
}

/* A note is whatever was typed; the comment is a line of visible text. */
static void
note_of_any_bytes_is_read(void **state)
{
	static const char *const notes[] = {"x\ny", "x\ty\x7f\x1b[31m", "x\\x0ay", "\\x",
	    "\\\\x5c\n", "\xc2\x85\xff", "a\xe2\x80\xaeg", "ends in \\",
	    "\\x00 \\xzz \\"};
	struct buf value = {0}, why = {0}, comment = {0};
	struct mapread found = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		struct entry entry = {.key = "a.test",
		    .attributes = "",
		    .note = notes[i],
		    .level = LEVEL_MAY,
		    .why = WHY_PINNED,
		    .pinned = true};
		struct map_entry written = maplines_of(&entry, &value, &why);

		buf_reset(&comment);
		buf_printf(&comment, "# %s", written.why);
		for (const char *p = buf_text(&comment); *p != '\0'; p++)
			assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
		assert_true(mapread_entry(
		    str_of(buf_text(&comment)), STR("a.test\tmay"), &found));
		assert_string_equal(found.pin.note, notes[i]);
	}
	buf_clear(&value);
	buf_clear(&why);
	buf_clear(&comment);
	mapread_clear(&found);
}

static void
long_note_is_cut_between_letters(void **state)
{
	struct buf comment = {0};
	struct mapread found = {0};

	(void)state;
	buf_printf(&comment, "# pinned: " SENTENCE " (x");
	for (int i = 0; i < 200; i++)
		buf_printf(&comment, "\xc3\xbc");
	buf_printf(&comment, ")");
	assert_true(
	    mapread_entry(str_of(buf_text(&comment)), STR("a.test\tmay"), &found));
	assert_int_equal(strlen(found.pin.note), 255);
	assert_string_equal(found.pin.note + 253, "\xc3\xbc");
	buf_reset(&comment);
	buf_clear(&comment);
	mapread_clear(&found);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(line_rows) / sizeof(line_rows[0]); i++)
		suite_add(line_is_read, &line_rows[i], "%s", line_rows[i].name);
	suite_add(what_is_written_is_read, NULL,
	    "whatever is written of an entry is read again, with every why");
	suite_add(
	    note_of_any_bytes_is_read, NULL, "a note of any bytes comes back as it was");
	suite_add(long_note_is_cut_between_letters, NULL,
	    "a note that is too long is cut between letters");
	return suite_run();
}
