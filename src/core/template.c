/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/template.h"

#include "base/like.h"

#define NAME_MAX_SHOWN 40
#define FAULTS_MAX     20

const char template_built_in[] = "Subject: tlsladder: {subject}\n\n{text}";

#define TEMPLATE_WORD(name, word) word,
static const char *const places[] = {TEMPLATE_PLACES(TEMPLATE_WORD)};
#undef TEMPLATE_WORD

static const struct str head = {"Subject: ", 9};

/* Of a file with lines of Windows. */
static struct str
without_return(struct str line)
{
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* --- what is wrong with one -------------------------------------------------------- */

struct check {
	const char *name;
	struct errs *errs;
	size_t line, column;
	bool has_text;
	bool is_good;
};

static void
complain(struct check *c, const char *what)
{
	errs_add(c->errs, c->name, c->line, c->column, "%s", what);
	c->is_good = false;
}

static bool
find_place(struct str name, enum template_place *place)
{
	for (size_t i = 0; i < TEMPLATE_PLACE_COUNT; i++) {
		if (str_is(name, places[i])) {
			*place = (enum template_place)i;
			return true;
		}
	}
	return false;
}

static void
complain_of_place(struct check *c, struct str name)
{
	const char *like = like_nearest(name, places, TEMPLATE_PLACE_COUNT);
	struct buf what = {0};

	if (name.len > NAME_MAX_SHOWN)
		name.len = NAME_MAX_SHOWN;
	buf_printf(&what, "unknown place \"{");
	buf_add_visible(&what, name);
	buf_printf(&what, "}\"; ");
	if (like != NULL)
		buf_printf(&what, "did you mean \"{%s}\"?", like);
	else
		buf_printf(&what, "known here:");
	for (size_t i = 0; like == NULL && i < TEMPLATE_PLACE_COUNT; i++)
		buf_printf(&what, "%s {%s}", i > 0 ? "," : "", places[i]);
	if (like == NULL)
		buf_printf(&what, "; for a brace write {{");
	complain(c, buf_text(&what));
	buf_clear(&what);
}

/* Behind a brace, in the same line. How many octets it takes, with its end. */
static size_t
check_place(struct check *c, struct str rest)
{
	enum template_place place;
	struct str name;

	if (!str_cut(&rest, '}', &name)) {
		complain(c, "a { without its }; write {text}, or {{ for a brace");
		return 0;
	}
	if (!find_place(name, &place))
		complain_of_place(c, name);
	else if (place == TEMPLATE_TEXT && c->line == 1)
		complain(c, "{text} is many lines; write {subject} here");
	else
		c->has_text = c->has_text || place == TEMPLATE_TEXT;
	return name.len + 1;
}

static void
check_line(struct check *c, struct str line)
{
	size_t used;

	for (; line.len > 0; line = str_skip(line, used), c->column++) {
		used = str_utf8_len(line);
		if (used == 0) {
			complain(c, "a byte that is no UTF-8; save the file as UTF-8");
			return;
		}
		if ((unsigned char)*line.p < ' ' && *line.p != '\t') {
			complain(c, "a control character; take it out");
			return;
		}
		if (*line.p != '{')
			continue;
		if (line.len > 1 && line.p[1] == '{')
			used++;
		else
			used += check_place(c, str_skip(line, 1));
		c->column += used - 1; /* names of places are ASCII */
	}
}

static void
check_head(struct check *c, struct str line)
{
	c->column = 1;
	if (c->line == 1 && !str_starts(line, head))
		complain(c,
		    "no subject; begin with a line like \"Subject: tlsladder: "
		    "{subject}\"");
	if (c->line == 2 && str_trim(line).len > 0)
		complain(c,
		    "no header but Subject can stand here; put an empty line before the "
		    "text");
}

bool
template_check(const char *name, struct str text, struct errs *errs)
{
	struct check c = {.name = name, .errs = errs, .is_good = true};
	size_t before = errs->count;
	struct str line;

	while (str_next(&text, '\n', &line)) {
		line = without_return(line);
		c.line++;
		check_head(&c, line);
		check_line(&c, line);
		if (errs->count - before >= FAULTS_MAX)
			return false;
	}
	if (c.is_good && !c.has_text) {
		c.line++;
		c.column = 1;
		complain(&c,
		    c.line == 1 ? "an empty file; leave notify.template empty for the "
		                  "built-in text"
		                : "{text} is missing, and nothing would be told; add it");
	}
	return c.is_good;
}

/* --- filled in --------------------------------------------------------------------- */

static struct str
without_newline(const char *text)
{
	struct str s = str_of(text);

	if (s.len > 0 && s.p[s.len - 1] == '\n')
		s.len--;
	return s;
}

static void
fill(struct str text, const char *const texts[TEMPLATE_PLACE_COUNT], struct buf *out)
{
	struct str before, name;
	enum template_place place;

	while (str_cut(&text, '{', &before)) {
		buf_add_str(out, before);
		if (str_eat(&text, STR("{")))
			buf_add_char(out, '{');
		else if (str_cut(&text, '}', &name) && find_place(name, &place))
			buf_add_str(out, without_newline(texts[place]));
	}
	buf_add_str(out, text);
}

void
template_fill(const char *template, const char *const texts[TEMPLATE_PLACE_COUNT],
    struct buf *subject, struct buf *body)
{
	struct str rest = str_of(template), line;

	str_eat(&rest, head);
	if (str_cut(&rest, '\n', &line))
		fill(str_trim(without_return(line)), texts, subject);
	str_cut(&rest, '\n', &line);
	while (str_next(&rest, '\n', &line)) {
		fill(without_return(line), texts, body);
		buf_add_char(body, '\n');
	}
}
