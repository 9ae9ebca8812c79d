/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/like.h"
#include "base/span.h"
#include "base/utc.h"
#include <string.h>
#include <unictype.h>
#include <unistr.h>

struct span_row {
	const char *text;
	int64_t ms; /* -1: refused */
};

static const struct span_row spans[] = {
    {"200ms", 200},
    {"90s", 90000},
    {"10m", 600000},
    {"6h", 21600000},
    {"7d", 604800000},
    {"0", 0},
    {"0s", 0},
    {"7", -1},
    {"", -1},
    {"d", -1},
    {"7 d", -1},
    {"7d ", -1},
    {"-7d", -1},
    {"7D", -1},
    {"1.5h", -1},
    {"10001d", -1},
    {"99999999999999999999d", -1},
    {"1w", 7 * SPAN_DAY_MS},
    {"1W", -1},
};

static void
span_is(void **state)
{
	const struct span_row *row = *state;
	int64_t ms = -1;

	if (!span_parse(str_of(row->text), &ms))
		ms = -1;
	assert_int_equal(ms, row->ms);
}

static void
span_prints_largest_unit(void **state)
{
	struct buf out = {0};

	(void)state;
	buf_add_span(&out, 90000);
	buf_add_char(&out, ' ');
	buf_add_span(&out, 3600000);
	buf_add_char(&out, ' ');
	buf_add_span(&out, 250);
	buf_add_char(&out, ' ');
	buf_add_span(&out, 0);
	assert_string_equal(buf_text(&out), "90s 1h 250ms 0s");
	buf_clear(&out);
}

static void
quoted_text_is_harmless(void **state)
{
	struct buf out = {0};

	(void)state;
	buf_add_quoted(&out, STR("a\"b\\c\x1b[0m\n\xff%n"));
	assert_string_equal(buf_text(&out), "a\\\"b\\\\c\\x1b[0m\\x0a\\xff%n");
	buf_clear(&out);
}

static void
what_turns_text_is_shown(void **state)
{
	struct buf out = {0};

	(void)state;
	buf_add_visible(&out,
	    STR("b\xc3\xbc\"\\ "
	        "\x1b\x7f\xff\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f\xe2\x82\xac"));
	assert_string_equal(buf_text(&out),
	    "b\xc3\xbc\"\\ "
	    "\\x1b\\x7f\\xff\\xc2\\x9b\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\x8f"
	    "\xe2\x82\xac");
	buf_clear(&out);
}

static void
json_text_is_valid(void **state)
{
	struct buf out = {0};

	(void)state;
	buf_add_utf8(&out, STR("caf\xed\xa0\x80 \xc3\xbc\xff\xe2\x82"));
	assert_string_equal(buf_text(&out), "caf??? \xc3\xbc???");
	buf_reset(&out);
	buf_add_json(&out, STR("b\xc3\xbc\"\\\n\xff\xed\xa0\x80z"));
	assert_string_equal(buf_text(&out),
	    "\"b\xc3\xbc\\\"\\\\\\u000a\xef\xbf\xbd\xef"
	    "\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
	buf_clear(&out);
}

static void
parts_end_with_the_text(void **state)
{
	struct str rest = STR("a,,b"), part;

	(void)state;
	assert_true(str_next(&rest, ',', &part) && str_is(part, "a"));
	assert_true(str_next(&rest, ',', &part) && str_is(part, ""));
	assert_true(str_next(&rest, ',', &part) && str_is(part, "b"));
	assert_false(str_next(&rest, ',', &part));
	rest = STR("a,");
	assert_true(str_next(&rest, ',', &part) && str_is(part, "a"));
	assert_false(str_next(&rest, ',', &part));
}

static void
what_is_no_utf8_is_shown_in_place(void **state)
{
	struct buf text = {0};

	(void)state;
	buf_add_str(&text, STR("\xff"));
	buf_add_utf8(&text, STR("a\xc3\xa9\xc3z\xff"));
	assert_string_equal(buf_text(&text),
	    "\xff"
	    "a\xc3\xa9?z?");
	buf_clear(&text);
}

/* argv_split(list, CHARS_COMMA_SP) of Postfix */
static void
lists_of_postfix_are_parted(void **state)
{
	static const char zero[] = "a\0b c";
	struct str rest = STR(" ,a\tb\r\n c,,d , "), word;
	struct str nothing = {NULL, 0};

	(void)state;
	assert_true(str_next_word(&rest, STR_POSTFIX_LIST, &word) && str_is(word, "a"));
	assert_true(str_next_word(&rest, STR_POSTFIX_LIST, &word) && str_is(word, "b"));
	assert_true(str_next_word(&rest, STR_POSTFIX_LIST, &word) && str_is(word, "c"));
	assert_false(str_next_word(&nothing, STR_POSTFIX_LIST, &word));
	assert_true(str_next_word(&rest, STR_POSTFIX_LIST, &word) && str_is(word, "d"));
	assert_false(str_next_word(&rest, STR_POSTFIX_LIST, &word));
	rest = (struct str){zero, sizeof(zero) - 1};
	assert_true(str_next_word(&rest, STR_POSTFIX_LIST, &word) && word.len == 3);
	assert_true(str_next_word(&rest, STR_POSTFIX_LIST, &word) && str_is(word, "c"));
}

static void
errors_grow_on_the_way_up(void **state)
{
	struct err err;
	struct errs errs = {0};

	(void)state;
	assert_false(err_set(&err, "no space"));
	assert_false(err_wrap(&err, "cannot write %s", "map"));
	assert_string_equal(err.text, "cannot write map: no space");
	errs_add(&errs, "a.yaml", 7, 3, "unknown key %s", "x");
	errs_add(&errs, "a.yaml", 0, 0, "empty");
	assert_int_equal(errs.count, 2);
	assert_string_equal(errs.lines[0], "a.yaml:7:3: unknown key x");
	assert_string_equal(errs.lines[1], "a.yaml: empty");
	errs_clear(&errs);
}

static void
time_is_read_back(void **state)
{
	char text[UTC_SIZE];
	int64_t s;

	(void)state;
	for (int64_t at = 0; at < INT64_C(253402300800); at += 86399 * 211) {
		assert_true(utc_print(at, text));
		assert_true(utc_parse(str_of(text), &s));
		assert_int_equal(s, at);
	}
}

static void
what_is_no_time_is_refused(void **state)
{
	static const char *const wrong[] = {"", "2026-11-24T01:26:59",
	    "2026-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z",
	    "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
	    "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "1969-12-31T23:59:59Z",
	    "2026-01-01 00:00:00Z", "2026-01-01T00:00:0aZ"};
	int64_t s = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(utc_parse(str_of(wrong[i]), &s));
	assert_int_equal(s, 7);
	assert_true(utc_parse(STR("2028-02-29T00:00:00Z"), &s));
	assert_int_equal(s, 1835395200);
}

/* Unicode, table 3-7: the first and the last of each row, and what is beside them. */
static const struct {
	const char *text;
	size_t len;
} sequences[] = {{"", 0}, {"\x7f", 1}, {"\x80", 0}, {"\xc1\xbf", 0}, {"\xc2\x80", 2},
    {"\xdf\xbf", 2}, {"\xdf", 0}, {"\xdf\xc0", 0}, {"\xe0\x9f\xbf", 0},
    {"\xe0\xa0\x80", 3}, {"\xed\x9f\xbf", 3}, {"\xed\xa0\x80", 0}, {"\xee\x80\x80", 3},
    {"\xef\xbf\xbf", 3}, {"\xef\xbf", 0}, {"\xef\xbf\x7f", 0}, {"\xf0\x8f\xbf\xbf", 0},
    {"\xf0\x90\x80\x80", 4}, {"\xf4\x8f\xbf\xbf", 4}, {"\xf4\x90\x80\x80", 0},
    {"\xf5\x80\x80\x80", 0}, {"\xff", 0}};

static void
utf8_is_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		assert_int_equal(
		    str_utf8_len(str_of(sequences[i].text)), sequences[i].len);
}

static const struct {
	const char *text;
	uint64_t max;
	bool is_one;
	uint64_t number;
} numbers[] = {
    {"0", 9, true, 0},
    {"9", 9, true, 9},
    {"10", 9, false, 0},
    {"", 9, false, 0},
    {"x", 9, false, 0},
    {"1x", UINT64_MAX, false, 0},
    {"0000000000000000000000009", 9, true, 9},
    {"0000000000000000000000010", 9, false, 0},
    {"000000000000000000000000x", 9, false, 0},
    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", UINT64_MAX, false, 0},
    {"18446744073709551620", UINT64_MAX, false, 0},
    {"184467440737095516150", UINT64_MAX, false, 0},
};

static void
numbers_have_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t number = 0;

		assert_int_equal(
		    str_number(str_of(numbers[i].text), numbers[i].max, &number),
		    numbers[i].is_one);
		if (numbers[i].is_one)
			assert_int_equal(number, numbers[i].number);
	}
}

static void
hexadecimal_numbers_are_read(void **state)
{
	static const struct {
		const char *text;
		bool is_one;
		uint64_t number;
	} all[] = {{"0", true, 0}, {"00000000a80425fb", true, 2818844155},
	    {"ffffffffffffffff", true, UINT64_MAX},
	    {"00ffffffffffffffff", true, UINT64_MAX}, {"10000000000000000", false, 0},
	    {"", false, 0}, {"A", false, 0}, {"0x1", false, 0}, {" 1", false, 0},
	    {"1g", false, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint64_t number = 0;

		assert_int_equal(str_hex(str_of(all[i].text), &number), all[i].is_one);
		assert_int_equal(number, all[i].number);
	}
}

static void
what_is_alike_is_found(void **state)
{
	static const char *const known[] = {"status", "set", "unset", "scan",
	    "a-word-of-more-than-thirty-two-letters-that-none-mistypes"};
	char longer[200];

	(void)state;
	memset(longer, 's', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_string_equal(like_nearest(STR("statsu"), known, 5), "status");
	assert_string_equal(like_nearest(STR("sets"), known, 5), "set");
	assert_string_equal(like_nearest(STR("sca"), known, 5), "scan");
	assert_null(like_nearest(STR("x"), known, 5));
	assert_null(like_nearest(STR(""), known, 5));
	assert_null(like_nearest(str_of(longer), known, 5));
}

static bool
hides(ucs4_t c)
{
	return uc_is_general_category_withtable(c,
	           UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf | UC_CATEGORY_MASK_Zl |
	               UC_CATEGORY_MASK_Zp) ||
	    uc_is_property_default_ignorable_code_point(c);
}

static void
all_that_turns_text_is_shown(void **state)
{
	struct buf out = {0};

	(void)state;
	for (ucs4_t c = 1; c < 0x110000; c++) {
		char text[8] = "";
		int len = u8_uctomb((uint8_t *)text, c, sizeof(text));
		bool shown;

		if (len < 0)
			continue; /* half of a pair */
		buf_reset(&out);
		buf_add_visible(&out, (struct str){text, (size_t)len});
		shown = strncmp(buf_text(&out), "\\x", 2) == 0;
		/* What no letter is for this library may be one of a later Unicode. */
		if (hides(c) ? !shown
		             : shown && !uc_is_general_category(c, UC_UNASSIGNED))
			fail_msg("U+%04X becomes %s", (unsigned)c, buf_text(&out));
	}
	buf_reset(&out);
	buf_add_json(&out, STR("\xc3\xbc\x7f\n"));
	assert_string_equal(buf_text(&out), "\"\xc3\xbc\\u007f\\u000a\"");
	buf_clear(&out);
}

struct end_row {
	const char *text, *end;
	const char *rest; /* NULL: it ends otherwise */
	bool nocase;      /* ... and where case does not matter */
};

static const struct end_row end_rows[] = {
    {"mail.log.gz", ".gz", "mail.log", true},
    {"mail.log.GZ", ".gz", NULL, true},
    {"mx.d.test", ".D.TEST", NULL, true},
    {".gz", ".gz", "", true},
    {"gz", ".gz", NULL, false},
    {"mail.gz.1", ".gz", NULL, false},
    {"mail.log", "", "mail.log", true},
    {"", "", "", true},
    {"", ".gz", NULL, false},
};

static void
ends_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(end_rows) / sizeof(end_rows[0]); i++) {
		const struct end_row *row = &end_rows[i];
		struct str rest = str_of(row->text);

		assert_int_equal(str_eat_end(&rest, str_of(row->end)), row->rest != NULL);
		assert_true(str_is(rest, row->rest != NULL ? row->rest : row->text));
		assert_int_equal(
		    str_ends_nocase(str_of(row->text), str_of(row->end)), row->nocase);
	}
}

int
main(void)
{
	suite_add(ends_are_found, NULL, "what a text ends with is found, and eaten");
	suite_add(hexadecimal_numbers_are_read, NULL, "hexadecimal numbers are read");
	suite_add(utf8_is_well_formed, NULL, "what is UTF-8 is well-formed");
	suite_add(
	    numbers_have_bounds, NULL, "a number has a bound, however it is written");
	suite_add(what_is_alike_is_found, NULL, "the word that was meant is found");
	suite_add(all_that_turns_text_is_shown, NULL,
	    "each character that turns text is shown as bytes, and no other of its kind");
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
		suite_add(span_is, &spans[i], "span \"%s\" is %lld ms", spans[i].text,
		    (long long)spans[i].ms);
	suite_add(
	    span_prints_largest_unit, NULL, "a span prints in its largest whole unit");
	suite_add(quoted_text_is_harmless, NULL, "quoted text has no control bytes");
	suite_add(what_turns_text_is_shown, NULL,
	    "controls and what turns the order of text are shown as bytes, letters stay");
	suite_add(json_text_is_valid, NULL, "a JSON string replaces what is not UTF-8");
	suite_add(parts_end_with_the_text, NULL, "the last part ends with the text");
	suite_add(lists_of_postfix_are_parted, NULL,
	    "a list of Postfix is parted by commas and whitespace");
	suite_add(what_is_no_utf8_is_shown_in_place, NULL,
	    "what is no UTF-8 becomes a question mark, byte by byte");
	suite_add(errors_grow_on_the_way_up, NULL, "an error grows on its way up");
	suite_add(time_is_read_back, NULL, "a time is read as it was written");
	suite_add(what_is_no_time_is_refused, NULL, "what is no time is refused");
	return suite_run();
}
