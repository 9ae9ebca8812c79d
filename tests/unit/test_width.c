/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines made to fit a terminal. */
#include "suite.h"

#include "base/width.h"

struct width_row {
	const char *text;
	size_t width;
	const char *what;
};

static const struct width_row widths[] = {
    {"", 0, "nothing"},
    {"a.test", 6, "letters"},
    {"b\xc3\xbc"
     "cher",
        6, "UTF-8 is counted in characters"},
    {"\xe6\x97\xa5\xe6\x9c\xac", 4, "wide characters take two columns"},
    {"e\xcc\x81", 1, "a mark stands on its letter"},
    {"\xff\xc3", 2, "what is no UTF-8 takes a column a byte"},
    {"\033[32mgreen\033[0m", 5, "colours take none"},
    {"\033[2J", 4, "other sequences do"},
};

static void
width_is(void **state)
{
	const struct width_row *row = *state;

	assert_int_equal(width_of(str_of(row->text)), row->width);
}

struct line_row {
	const char *line;
	size_t columns;
	const char *expected;
	const char *what;
};

static const struct line_row cuts[] = {
    {"a.test  encrypt", 0, "a.test  encrypt\n", "no terminal: as it is"},
    {"a.test\tencrypt", 0, "a.test\tencrypt\n", "tabs too"},
    {"a.test  encrypt  needed since then", 34, "a.test  encrypt  needed since then\n",
        "what fits"},
    {"a.test  encrypt  needed since then!", 34,
        "a.test  encrypt  needed since the\xe2\x80\xa6\n",
        "what is a character too long"},
    {"a.test  b\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
     "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
     "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc",
        31,
        "a.test  "
        "b\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
        "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
        "\xc3\xbc\xc3\xbc\xe2\x80\xa6\n",
        "no character is divided"},
    {"a-rather-long-name.example.test  encrypt  one-rung", 40,
        "a-rather-long-name.example.test\n    encrypt  one-rung\n",
        "a long name is whole, and the rest stands below"},
    {"a-name-that-is-longer-than-the-terminal.example.test  encrypt", 30,
        "a-name-that-is-longer-than-the-terminal.example.test\n    encrypt\n",
        "however long"},
    {"a-name-that-is-longer-than-the-terminal.example.test", 30,
        "a-name-that-is-longer-than-the-terminal.example.test\n", "alone, too"},
    {"    match=one.example.test:two.example.test", 30,
        "    match=one.example.test:tw\xe2\x80\xa6\n", "an indented word is no name"},
    {"  a-rather-long-name.example.test\tsecure match=one.example.test", 30,
        "  a-rather-long-name.example.test\n    secure match=one.example.\xe2\x80\xa6\n",
        "but the key of a line of the map is"},
    {"a.test  \033[31mcleartext and so on, and so on\033[0m", 32,
        "a.test  \033[31mcleartext and so on, an\xe2\x80\xa6\033[0m\n",
        "a colour that is cut ends"},
};

static void
cut_is(void **state)
{
	const struct line_row *row = *state;
	struct buf out = {0};

	width_cut(str_of(row->line), row->columns, &out);
	assert_string_equal(buf_text(&out), row->expected);
	buf_clear(&out);
}

static const struct line_row wraps[] = {
    {"one two three", 0, "one two three\n", "no terminal: as it is"},
    {"one two three", 13, "one two three\n", "what fits"},
    {"one two three four five six seven eight", 26,
        "one two three four five \\\n  six seven eight\n", "at a blank"},
    {"sed -i 's/one two three four/five six/' file", 26,
        "sed -i \\\n  's/one two three four/five six/' \\\n  file\n",
        "not within quotes"},
    {"averylongwordthatdoesnotfitatall and more", 26,
        "averylongwordthatdoesnotfitatall \\\n  and more\n", "a long word is whole"},
};

static void
wrap_is(void **state)
{
	const struct line_row *row = *state;
	struct buf out = {0};

	width_wrap(str_of(row->line), row->columns, "  ", " \\", &out);
	assert_string_equal(buf_text(&out), row->expected);
	buf_clear(&out);
}

#define DOMAIN "a-name-that-is-longer-than-the-terminal.example.test"

static const struct line_row messages[] = {
    {"tlsladder: error: one two three four", 0, "tlsladder: error: one two three four\n",
        "no terminal: as it is"},
    {"tlsladder: error: one two", 25, "tlsladder: error: one two\n", "what fits"},
    {"tlsladder: error: one two three", 28, "tlsladder: error: one two\n    three\n",
        "at a blank"},
    {"tlsladder: error: " DOMAIN " has no entry", 30,
        "tlsladder: error:\n    " DOMAIN "\n    has no entry\n",
        "a domain is whole, however long"},
    {"/etc/my own/ladder.yaml:12:3: unknown key", 24,
        "/etc/my own/ladder.yaml:12:3:\n    unknown key\n", "so is a place"},
    {"tlsladder: error: type `tlsladder run` now", 30,
        "tlsladder: error: type\n    `tlsladder run` now\n", "so is a command"},
    {"tlsladder: error: no policy yet: `tlsladder policy --refresh a.test` asks", 60,
        "tlsladder: error: no policy yet:\n    tlsladder policy --refresh a.test\n"
        "    asks\n",
        "one that is long has a line of its own, and no quotes to be copied"},
    {"tlsladder: error: it is `tlsladder policy --refresh --drop " DOMAIN "`", 60,
        "tlsladder: error: it is\n    tlsladder policy --refresh --drop " DOMAIN "\n",
        "wider than the terminal, too"},
    {"tlsladder: error: write \"2026-11-24 07:30\" here", 36,
        "tlsladder: error: write\n    \"2026-11-24 07:30\" here\n",
        "what is in quotes is whole"},
    {"x \"one two three four five six seven eight nine\"", 24,
        "x \"one two three four\n    five six seven eight\n    nine\"\n",
        "unless there is no room for it"},
    {"tlsladder: error: a ` that stands alone is none", 30,
        "tlsladder: error: a ` that\n    stands alone is none\n", "one backquote"},
    {"x b\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc y", 8,
        "x b\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\n    y\n", "columns are counted"},
};

static void
message_is(void **state)
{
	const struct line_row *row = *state;
	struct buf out = {0};

	width_wrap_message(str_of(row->line), row->columns, &out);
	assert_string_equal(buf_text(&out), row->expected);
	buf_clear(&out);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		suite_add(width_is, &widths[i], "width: %s", widths[i].what);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		suite_add(cut_is, &cuts[i], "cut: %s", cuts[i].what);
	for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++)
		suite_add(wrap_is, &wraps[i], "wrapped: %s", wraps[i].what);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		suite_add(message_is, &messages[i], "message: %s", messages[i].what);
	return suite_run();
}
