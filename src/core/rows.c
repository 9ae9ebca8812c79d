/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/rows.h"

#include <stdio.h>

#include "base/span.h"
#include "base/utc.h"
#include "core/level.h"

#define EMPTY STR("-")

/* --- fields ------------------------------------------------------------------------- */

enum form {
	FORM_NONE,
	FORM_KEY,
	FORM_LEVEL,
	FORM_ATTRIBUTES,
	FORM_ID,
	FORM_MODIFIED,
	FORM_HOLDER,
	FORM_OWNER,
	FORM_TEXT, /* others wrote it */
	FORM_ACTIVE,
	FORM_SECONDS,
	FORM_CLASS,
};

struct field {
	enum form form;
	size_t offset; /* in struct rows_line, of a struct str but for the last three */
};

#define FIELD(form, member) \
	{ \
		form, offsetof(struct rows_line, member) \
	}
#define KEY    FIELD(FORM_KEY, key)
#define WANTED FIELD(FORM_LEVEL, level), FIELD(FORM_ATTRIBUTES, attributes)
#define OUR_ROW \
	FIELD(FORM_ID, row.id), FIELD(FORM_LEVEL, row.level), \
	    FIELD(FORM_ATTRIBUTES, row.attributes), FIELD(FORM_MODIFIED, row.modified)
#define THEIR_ROW \
	FIELD(FORM_ID, row.id), FIELD(FORM_TEXT, row.level), \
	    FIELD(FORM_TEXT, row.attributes), FIELD(FORM_ACTIVE, row.active)

#define FIELDS_MAX 8

static const struct word {
	struct str name;
	unsigned needed; /* so many fields; all, or these alone */
	unsigned all;
	bool has_row; /* in these alone; else all but the needed are of the row */
	struct field fields[FIELDS_MAX];
} words[ROWS_WORD_COUNT] = {
    [ROWS_LEASE] = {{"lease", 5}, 2, 2, false,
        {FIELD(FORM_HOLDER, holder), FIELD(FORM_SECONDS, seconds)}},
    [ROWS_RENEW] = {{"renew", 5}, 2, 2, false,
        {FIELD(FORM_HOLDER, holder), FIELD(FORM_SECONDS, seconds)}},
    [ROWS_INTENT] = {{"intent", 6}, 3, 3, false, {KEY, WANTED}},
    [ROWS_OWNER_IS] = {{"owner", 5}, 2, 2, false, {KEY, FIELD(FORM_OWNER, owner)}},
    [ROWS_WANT] = {{"want", 4}, 3, 7, false, {KEY, WANTED, OUR_ROW}},
    [ROWS_DROP] = {{"drop", 4}, 1, 5, false, {KEY, OUR_ROW}},
    [ROWS_LOOK] = {{"look", 4}, 1, 1, false, {KEY}},
    [ROWS_ALL] = {{"all", 3}, 0, 0, false, {{0}}},
    [ROWS_RIGHTS] = {{"rights", 6}, 0, 0, false, {{0}}},
    [ROWS_SCHEMA] = {{"schema", 6}, 0, 0, false, {{0}}},
    [ROWS_END] = {{"end", 3}, 0, 0, false, {{0}}},
    [ROWS_OURS] = {{"ours", 4}, 5, 5, true, {KEY, OUR_ROW}},
    [ROWS_THEIRS] = {{"theirs", 6}, 5, 5, true, {KEY, THEIR_ROW}},
    [ROWS_GONE] = {{"gone", 4}, 1, 1, false, {KEY}},
    [ROWS_BUSY] = {{"busy", 4}, 1, 1, false, {KEY}},
    [ROWS_REFUSED] = {{"refused", 7}, 2, 2, false, {KEY, FIELD(FORM_TEXT, text)}},
    [ROWS_ROW] = {{"row", 3}, 7, 7, true,
        {FIELD(FORM_TEXT, key), THEIR_ROW, FIELD(FORM_MODIFIED, row.modified),
            FIELD(FORM_TEXT, row.owner)}},
    [ROWS_STANDBY] = {{"standby", 7}, 1, 2, false,
        {FIELD(FORM_HOLDER, holder), FIELD(FORM_SECONDS, seconds)}},
    [ROWS_GRANT] = {{"grant", 5}, 1, 1, false, {FIELD(FORM_TEXT, text)}},
    [ROWS_FAILED] = {{"failed", 6}, 2, 2, false,
        {FIELD(FORM_CLASS, class), FIELD(FORM_TEXT, text)}},
    [ROWS_UNSURE] = {{"unsure", 6}, 2, 2, false,
        {FIELD(FORM_CLASS, class), FIELD(FORM_TEXT, text)}},
    [ROWS_DONE] = {{"done", 4}, 0, 0, false, {{0}}},
};

static const char *const class_names[ROWS_CLASS_COUNT] = {
    [ROWS_CLASS_BUSY] = "busy",
    [ROWS_CLASS_OUTAGE] = "outage",
    [ROWS_CLASS_READ_ONLY] = "read-only",
    [ROWS_CLASS_RIGHTS] = "rights",
    [ROWS_CLASS_LOGIN] = "login",
    [ROWS_CLASS_FAULT] = "fault",
};

const char *
rows_word_name(enum rows_word word)
{
	return words[word].name.p;
}

const char *rows_class_name(enum rows_class class)
{
	return class_names[class];
}

static bool
is_printable(struct str text, size_t max)
{
	if (text.len > max)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return false;
	return true;
}

bool
rows_is_key(struct str key)
{
	if (key.len == 0 || key.len > ROWS_KEY_MAX || str_equal(key, EMPTY))
		return false;
	for (size_t i = 0; i < key.len; i++) {
		char c = key.p[i];

		if (!ascii_is_digit(c) && (c < 'a' || c > 'z') &&
		    (c == '\0' || strchr("._:[]-", c) == NULL))
			return false;
	}
	return true;
}

#define PINNED ROWS_OWNER " pinned"
#define UNTIL  PINNED " until "

struct rows_owner
rows_owner_parse(struct str text)
{
	const struct str ours = STR(ROWS_OWNER), until = STR(UNTIL);
	struct rows_owner owner = {.is_pinned = str_is(text, PINNED)};
	int64_t s;

	owner.is_ours =
	    str_equal(text, ours) || (str_starts(text, ours) && text.p[ours.len] == ' ');
	if (str_starts(text, until) && utc_parse(str_skip(text, until.len), &s)) {
		owner.is_pinned = true;
		owner.until_ms = s * SPAN_SECOND_MS;
	}
	return owner;
}

/* An end is one of whole seconds, and none comes too early. */
void
rows_owner_print(bool is_pinned, int64_t until_ms, char *out)
{
	char until[UTC_SIZE];

	if (is_pinned && until_ms != 0 &&
	    utc_print((until_ms + SPAN_SECOND_MS - 1) / SPAN_SECOND_MS, until))
		snprintf(out, ROWS_OWNER_MAX + 1, UNTIL "%s", until);
	else
		snprintf(out, ROWS_OWNER_MAX + 1, "%s", is_pinned ? PINNED : ROWS_OWNER);
}

static bool
is_id(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_digit(text.p[i]))
			return false;
	return text.len <= ROWS_ID_MAX;
}

static bool
is_text(struct str text)
{
	size_t len;

	if (text.len > ROWS_TEXT_MAX)
		return false;
	for (size_t i = 0; i < text.len; i += len) {
		len = str_utf8_len(str_skip(text, i));
		if (len == 0 || (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return false;
	}
	return true;
}

/* text: without the "-" of an empty one. */
static bool
is_of_form(enum form form, struct str text)
{
	enum level level;

	switch (form) {
	case FORM_KEY:
		return rows_is_key(text);
	case FORM_LEVEL:
		return level_parse(text, &level) && str_is(text, level_name(level));
	case FORM_ATTRIBUTES:
		return is_printable(text, ROWS_ATTRIBUTES_MAX);
	case FORM_ID:
		return is_id(text);
	case FORM_MODIFIED:
		return is_printable(text, ROWS_MODIFIED_MAX);
	case FORM_HOLDER:
		return text.len > 0 && is_printable(text, ROWS_HOLDER_MAX);
	case FORM_OWNER:
		return text.len <= ROWS_OWNER_MAX && rows_owner_parse(text).is_ours &&
		    is_printable(text, ROWS_OWNER_MAX);
	case FORM_TEXT:
		return is_text(text);
	default:
		return false;
	}
}

static bool
print_number(uint64_t number, struct buf *out)
{
	buf_printf(out, "\t%llu", (unsigned long long)number);
	return true;
}

static bool
print_field(const struct rows_line *line, const struct field *field, struct buf *out)
{
	const void *member = (const char *)line + field->offset;
	struct str text;

	switch (field->form) {
	case FORM_ACTIVE:
		return print_number(*(const bool *)member ? 1 : 0, out);
	case FORM_SECONDS:
		return line->seconds > 0 && line->seconds <= ROWS_LEASE_MAX_S &&
		    print_number(line->seconds, out);
	case FORM_CLASS:
		buf_printf(out, "\t%s", rows_class_name(line->class));
		return true;
	default:
		text = *(const struct str *)member;
		if (!is_of_form(field->form, text) || str_equal(text, EMPTY))
			return false;
		buf_add_char(out, '\t');
		buf_add_str(out, text.len > 0 ? text : EMPTY);
		return true;
	}
}

static bool
parse_class(struct str text, enum rows_class *out)
{
	for (unsigned i = 0; i < ROWS_CLASS_COUNT; i++)
		if (str_is(text, class_names[i])) {
			*out = (enum rows_class)i;
			return true;
		}
	return false;
}

static bool
parse_field(struct str text, const struct field *field, struct rows_line *line)
{
	void *member = (char *)line + field->offset;
	uint64_t number;

	switch (field->form) {
	case FORM_ACTIVE:
		*(bool *)member = str_is(text, "1");
		return str_is(text, "1") || str_is(text, "0");
	case FORM_SECONDS:
		/* As it is printed, without zeros in front. */
		if (!str_number(text, ROWS_LEASE_MAX_S, &number) || number == 0 ||
		    text.p[0] == '0')
			return false;
		line->seconds = (uint32_t)number;
		return true;
	case FORM_CLASS:
		return parse_class(text, &line->class);
	default:
		if (text.len == 0)
			return false;
		if (str_equal(text, EMPTY))
			text = STR("");
		*(struct str *)member = text;
		return is_of_form(field->form, text);
	}
}

/* --- lines -------------------------------------------------------------------------- */

bool
rows_line_print(const struct rows_line *line, struct buf *out)
{
	const struct word *word = &words[line->word];
	unsigned count = line->has_row ? word->all : word->needed;
	size_t begin = out->len;

	buf_add_str(out, word->name);
	for (unsigned i = 0; i < count; i++)
		if (!print_field(line, &word->fields[i], out)) {
			out->len = begin;
			out->data[begin] = '\0';
			return false;
		}
	buf_add_char(out, '\n');
	return true;
}

static const struct word *
find_word(struct str name)
{
	for (unsigned i = 0; i < ROWS_WORD_COUNT; i++)
		if (str_equal(name, words[i].name))
			return &words[i];
	return NULL;
}

bool
rows_line_parse(struct str line, struct rows_line *out, struct err *err)
{
	const struct word *word;
	struct str part = {NULL, 0};
	unsigned count = 0;
	bool more;

	*out = (struct rows_line){.word = ROWS_WORD_COUNT};
	if (line.len > ROWS_LINE_MAX)
		return err_set(err, "a line of over %d octets", ROWS_LINE_MAX);
	more = str_cut(&line, '\t', &part);
	word = find_word(more ? part : line);
	if (word == NULL)
		return err_set(err, "a line that begins with no known word");
	while (more) {
		more = str_cut(&line, '\t', &part);
		if (count == word->all ||
		    !parse_field(more ? part : line, &word->fields[count], out))
			return err_set(err,
			    "%s: field %u has another form, or is one too many",
			    word->name.p, count + 1);
		count++;
	}
	if (count != word->needed && count != word->all)
		return err_set(err, "%s: too few fields", word->name.p);
	out->word = (enum rows_word)(word - words);
	out->has_row = word->has_row || count > word->needed;
	return true;
}

void
rows_add_text(struct buf *out, struct str text)
{
	static const struct str cut = {"...", 3};
	size_t begin = out->len, len = 0, step;

	if (str_equal(text, EMPTY)) {
		buf_add_str(out, STR("\\x2d"));
		return;
	}
	buf_add_visible(out, text);
	if (out->len - begin <= ROWS_TEXT_MAX)
		return;
	for (;;) {
		step = str_utf8_len((struct str){out->data + begin + len, 4});
		if (len + step > ROWS_TEXT_MAX - cut.len)
			break;
		len += step;
	}
	out->len = begin + len;
	buf_add_str(out, cut);
}

bool
rows_next_parent(struct str *key)
{
	struct str rest;
	const char *dot;

	if (key->len == 0 || memchr(key->p, ':', key->len) != NULL || key->p[0] == '[')
		return false;
	rest = str_skip(*key, 1);
	dot = rest.len > 0 ? memchr(rest.p, '.', rest.len) : NULL;
	if (dot == NULL || dot + 1 == rest.p + rest.len)
		return false;
	*key = (struct str){dot, (size_t)(rest.p + rest.len - dot)};
	return true;
}
