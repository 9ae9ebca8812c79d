/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/width.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ELLIPSIS    "\xe2\x80\xa6"
#define COLOURS_OFF "\033[0m"
#define ROOM_MIN    24 /* columns behind a first word; with fewer the rest gets a line */
#define INDENT      4  /* of that line */

struct range {
	uint32_t from, to;
};

/* Marks that stand on the character before, and what shows nothing. */
static const struct range none[] = {
    {0x0300, 0x036F},
    {0x0483, 0x0489},
    {0x0591, 0x05BD},
    {0x05BF, 0x05C7},
    {0x0610, 0x061A},
    {0x064B, 0x065F},
    {0x06D6, 0x06DC},
    {0x06DF, 0x06E4},
    {0x0900, 0x0902},
    {0x093C, 0x093C},
    {0x0941, 0x0948},
    {0x094D, 0x094D},
    {0x0E31, 0x0E31},
    {0x0E34, 0x0E3A},
    {0x0E47, 0x0E4E},
    {0x1AB0, 0x1AFF},
    {0x1DC0, 0x1DFF},
    {0x200B, 0x200F},
    {0x2060, 0x2064},
    {0x20D0, 0x20F0},
    {0x302A, 0x302D},
    {0x3099, 0x309A},
    {0xFE00, 0xFE0F},
    {0xFE20, 0xFE2F},
    {0xFEFF, 0xFEFF},
};

/* East Asian Wide and Fullwidth, and pictures. */
static const struct range wide[] = {
    {0x1100, 0x115F},
    {0x2E80, 0x303E},
    {0x3041, 0x33FF},
    {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},
    {0xA000, 0xA4CF},
    {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF},
    {0x1F900, 0x1FAFF},
    {0x20000, 0x3FFFD},
};

static bool
is_in(uint32_t c, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

static size_t
columns_of(uint32_t c)
{
	if (c < 0x300)
		return 1;
	if (is_in(c, none, sizeof(none) / sizeof(none[0])))
		return 0;
	return is_in(c, wide, sizeof(wide) / sizeof(wide[0])) ? 2 : 1;
}

/* Bytes of the colour sequence that text begins with; 0: it does with none. */
static size_t
colour_at(struct str text)
{
	size_t i = 2;

	if (text.len < 3 || text.p[0] != '\033' || text.p[1] != '[')
		return 0;
	while (i < text.len && strchr("0123456789;", text.p[i]) != NULL)
		i++;
	return i < text.len && text.p[i] == 'm' ? i + 1 : 0;
}

/* The next character of text, which is not empty: its bytes, and the columns it takes. */
static size_t
next(struct str text, size_t *columns)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2, colour = colour_at(text);
	uint32_t c = p[0] & (0x7Fu >> len);

	*columns = 0;
	if (colour > 0)
		return colour;
	*columns = 1;
	if (p[0] < 0xC2 || p[0] > 0xF4 || len > text.len)
		return 1;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 1;
		c = c << 6 | (p[i] & 0x3F);
	}
	*columns = columns_of(c);
	return len;
}

static struct str
behind(struct str text, size_t at)
{
	return (struct str){text.p + at, text.len - at};
}

size_t
width_of(struct str text)
{
	size_t width = 0, columns;

	for (size_t at = 0; at < text.len;) {
		at += next(behind(text, at), &columns);
		width += columns;
	}
	return width;
}

size_t
width_fit(struct str text, size_t columns)
{
	size_t at = 0, used = 0, more, len;

	while (at < text.len) {
		len = next(behind(text, at), &more);
		if (used + more > columns)
			break;
		at += len;
		used += more;
	}
	return at;
}

static size_t
count_blanks(struct str text)
{
	size_t at = 0;

	while (at < text.len && (text.p[at] == ' ' || text.p[at] == '\t'))
		at++;
	return at;
}

/* None where the line is indented, but for the key of a line of the map, which a tab
 * ends. */
static size_t
first_word(struct str line)
{
	size_t indent = count_blanks(line), at = indent;

	while (at < line.len && line.p[at] != ' ' && line.p[at] != '\t')
		at++;
	return indent == 0 || (at < line.len && line.p[at] == '\t') ? at : 0;
}

static void
cut_rest(struct str text, size_t columns, struct buf *out)
{
	if (width_of(text) <= columns) {
		buf_add_str(out, text);
		return;
	}
	text.len = width_fit(text, columns > 0 ? columns - 1 : 0);
	while (text.len > 0 && text.p[text.len - 1] == ' ')
		text.len--;
	buf_add_str(out, text);
	buf_printf(out, "%s", ELLIPSIS);
	if (memchr(text.p, '\033', text.len) != NULL)
		buf_printf(out, "%s", COLOURS_OFF);
}

/* A tab is a blank: where it ends depends on where it stands. */
static void
add_plain(struct str line, struct buf *out)
{
	for (size_t i = 0; i < line.len; i++)
		buf_add_char(out, line.p[i] == '\t' ? ' ' : line.p[i]);
}

static void
cut(struct str line, size_t word, size_t columns, struct buf *out)
{
	struct str first = {line.p, word}, rest = behind(line, word);
	size_t used = width_of(first);

	if (used + ROOM_MIN <= columns || width_of(line) <= columns) {
		buf_add_str(out, first);
		cut_rest(rest, columns - used, out);
	} else {
		buf_add_str(out, first);
		rest = behind(rest, count_blanks(rest));
		if (rest.len > 0) {
			buf_printf(out, "\n%*s", INDENT, "");
			cut_rest(rest, columns - INDENT, out);
		}
	}
	buf_add_char(out, '\n');
}

void
width_cut(struct str line, size_t columns, struct buf *out)
{
	struct buf plain = {0};

	if (columns == 0) {
		buf_add_str(out, line);
		buf_add_char(out, '\n');
		return;
	}
	add_plain(line, &plain);
	cut((struct str){buf_text(&plain), plain.len}, first_word(line),
	    columns > 2 * INDENT ? columns : 2 * INDENT, out);
	buf_clear(&plain);
}

/* Where text is best broken to fit: at a blank outside of quotes. Its length: it fits, or
 * there is none. */
static size_t
find_break(struct str text, size_t columns, size_t more)
{
	size_t fits = width_fit(text, columns), best = 0, start = count_blanks(text);
	char quote = '\0';

	if (fits == text.len)
		return fits;
	for (size_t i = start; i < text.len; i++) {
		char c = text.p[i];

		if (quote != '\0' ? c == quote : more > 0 && (c == '\'' || c == '"'))
			quote = quote != '\0' ? '\0' : c;
		if (c != ' ' || quote != '\0')
			continue;
		if (best > 0 && width_of((struct str){text.p, i}) + more > columns)
			break;
		best = i;
		if (width_of((struct str){text.p, i}) + more > columns)
			break;
	}
	return best > 0 ? best : text.len;
}

void
width_wrap(struct str line, size_t columns, const char *indent, const char *more,
    struct buf *out)
{
	size_t room = columns, at, inner = width_of(str_of(indent));

	if (columns == 0) {
		buf_add_str(out, line);
		buf_add_char(out, '\n');
		return;
	}
	while ((at = find_break(line, room, strlen(more))) < line.len) {
		buf_add_str(out, (struct str){line.p, at});
		buf_printf(out, "%s\n%s", more, indent);
		line = behind(line, at);
		line = behind(line, count_blanks(line));
		room = columns > inner + ROOM_MIN ? columns - inner : ROOM_MIN;
	}
	buf_add_str(out, line);
	buf_add_char(out, '\n');
}

/* --- what complains ---------------------------------------------------------------- */

/* Bytes of what is in quotes at the beginning of text, with them; 0: it is not. */
static size_t
quoted(struct str text)
{
	const char *end = memchr(text.p + 1, text.p[0], text.len - 1);

	return (text.p[0] == '`' || text.p[0] == '"') && end != NULL
	    ? (size_t)(end - text.p) + 1
	    : 0;
}

/* Bytes of text up to a blank at which it may be broken. room: of a line that goes on. */
static size_t
unbroken(struct str text, size_t room)
{
	size_t at = 0, inside;

	while (at < text.len && text.p[at] != ' ') {
		struct str rest = behind(text, at);

		inside = quoted(rest);
		if (text.p[at] == '"' && width_of((struct str){rest.p, inside}) > room)
			inside = 0;
		at += inside > 0 ? inside : 1;
	}
	return at;
}

/* Bytes of the place that a complaint begins with. */
static size_t
place(struct str line)
{
	const char *end = memmem(line.p, line.len, ": ", 2);

	return end != NULL ? (size_t)(end - line.p) + 1 : 0;
}

static bool
is_long_command(struct str piece)
{
	return piece.len > 2 && piece.p[0] == '`' && quoted(piece) == piece.len &&
	    width_of(piece) >= ROOM_MIN;
}

void
width_wrap_message(struct str line, size_t columns, struct buf *out)
{
	size_t room = columns > 2 * INDENT ? columns - INDENT : INDENT;
	size_t used = 0, blanks, len = place(line);
	bool alone = false; /* is it what stands in this line? */

	if (columns == 0 || width_of(line) <= columns) {
		buf_add_str(out, line);
		buf_add_char(out, '\n');
		return;
	}
	for (bool first = true; line.len > 0; first = false) {
		struct str piece;
		bool command;

		blanks = count_blanks(line);
		piece = behind(line, blanks);
		piece.len = first && len > blanks ? len - blanks : unbroken(piece, room);
		line = behind(line, blanks + piece.len);
		command = is_long_command(piece);
		if (used > 0 &&
		    (command || alone || used + blanks + width_of(piece) > columns)) {
			buf_printf(out, "\n%*s", INDENT, "");
			used = INDENT;
			blanks = 0;
		}
		if (command)
			piece = (struct str){piece.p + 1, piece.len - 2};
		buf_printf(out, "%*s", (int)blanks, "");
		buf_add_str(out, piece);
		used += blanks + width_of(piece);
		alone = command;
	}
	buf_add_char(out, '\n');
}
