/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor: what is to be written in our own configuration. A command is made of the text,
 * and printed only where what it makes, read as YAML, has the new value and is otherwise
 * the same; else the line and its place are named.
 */
#include <string.h>

#include "cmd/doctor.h"
#include "conf/yaml.h"
#include "sys/child.h"

#define SED_MS 10000

/* A section as it stands there: "map:", and the lines below it that are indented. */
struct section {
	struct str rest;   /* behind the colon, trimmed, without a comment */
	struct str child;  /* the first line below it; empty: none */
	struct str member; /* the line below it that has the key; empty: none */
};

/* "  file: /x  # why" -> "/x", where the line is one of that key. */
static bool
value_of(struct str line, const char *key, struct str *value)
{
	size_t len = 0;

	line = str_trim(line);
	if (!str_eat(&line, str_of(key)) || !str_eat(&line, STR(":")))
		return false;
	line = str_trim(line);
	while (len < line.len &&
	    !(line.p[len] == '#' && (len == 0 || line.p[len - 1] == ' ')))
		len++;
	*value = str_trim((struct str){line.p, len});
	return true;
}

static bool
is_below(struct str line)
{
	return line.len > 0 && (line.p[0] == ' ' || line.p[0] == '#');
}

static bool
find_section(
    const struct doctor *d, const char *name, const char *key, struct section *section)
{
	struct str rest = {buf_text(&d->config_text), d->config_text.len}, line, ignored;
	bool found = false;

	*section = (struct section){0};
	while (rest.len > 0) {
		if (!str_cut(&rest, '\n', &line)) {
			line = rest;
			rest.len = 0;
		}
		if (!found) {
			found = line.len > 0 && line.p[0] != ' ' &&
			    value_of(line, name, &section->rest);
			continue;
		}
		if (str_trim(line).len == 0)
			continue;
		if (!is_below(line))
			break;
		if (str_trim(line).p[0] == '#')
			continue;
		if (section->child.len == 0)
			section->child = line;
		if (key != NULL && value_of(line, key, &ignored))
			section->member = line;
	}
	return found;
}

static size_t
indent_of(struct str line)
{
	size_t len = 0;

	while (len < line.len && line.p[len] == ' ')
		len++;
	return len;
}

/* Nothing that a script of sed, or YAML, takes for something else. */
static bool
is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_alnum(text.p[i]) && strchr("/_.:@+-", text.p[i]) == NULL)
			return false;
	return text.len > 0;
}

/* A script of sed that should set the value. False: none can be made. */
static bool
add_script(const struct section *section, const char *name, const char *key,
    const char *value, struct buf *out)
{
	struct buf word = {0};
	bool there;

	if (!is_plain(str_of(value)))
		return false;
	if (key == NULL) {
		buf_printf(out, "s|^%s:.*|%s: %s|", name, name, value);
	} else if (str_starts(section->rest, STR("{"))) {
		buf_printf(&word, "%s:", key);
		there = memmem(section->rest.p, section->rest.len, word.data, word.len) !=
		    NULL;
		buf_clear(&word);
		if (there)
			buf_printf(out, "s|^\\(%s:.*[{ ,]%s:\\)[^,}]*|\\1 %s|", name, key,
			    value);
		else
			buf_printf(out, "s|^%s: *{|&%s: %s, |", name, key, value);
	} else if (section->rest.len > 0 || section->child.len == 0) {
		return false;
	} else if (section->member.len == 0) {
		buf_printf(out, "/^%s:/a\\%*s%s: %s", name,
		    (int)indent_of(section->child), "", key, value);
	} else {
		buf_printf(
		    out, "/^%s:/,/^[^ #]/s|^\\( *%s:\\)[^#]*|\\1 %s |", name, key, value);
	}
	return true;
}

/* --- is it right? ------------------------------------------------------------------ */

/* What is to be set. */
struct edit {
	const char *section;
	const char *key;   /* NULL: the section is the key */
	const char *value; /* as it stands in YAML */
	struct buf text;   /* all of it in one line */
};

static bool is_same(const struct node *a, const struct node *b);

/* Are all members of a, except for one (NULL: none), the same in b? */
static bool
are_members(const struct node *a, const struct node *b, const char *except)
{
	const struct node *member = a->kind == NODE_MAP ? a->child : NULL, *other;

	for (; member != NULL; member = member->next) {
		if (except != NULL && str_is(member->key->text, except))
			continue;
		other = node_find(b, member->key->text.p);
		if (other == NULL || !is_same(member, other))
			return false;
	}
	return true;
}

static bool
differ_in(const struct node *a, const struct node *b, const char *one)
{
	return are_members(a, b, one) && are_members(b, a, one);
}

static bool
is_same(const struct node *a, const struct node *b)
{
	const struct node *x = a->child, *y = b->child;

	if (a->kind != b->kind || !str_equal(a->text, b->text))
		return false;
	if (a->kind == NODE_MAP)
		return differ_in(a, b, NULL);
	for (; x != NULL && y != NULL; x = x->next, y = y->next)
		if (!is_same(x, y))
			return false;
	return x == NULL && y == NULL;
}

/* A document without anything is a mapping without anything, and so is a section. */
static const struct node *
or_empty(const struct node *node)
{
	static const struct node empty = {.kind = NODE_MAP};

	return node != NULL ? node : &empty;
}

/* Is new what old becomes by the edit, which alone stands in wanted? */
static bool
is_edited(const struct edit *edit, const struct node *old, const struct node *new,
    const struct node *wanted)
{
	const struct node *section = node_find(new, edit->section);

	wanted = node_find(or_empty(wanted), edit->section);
	if (section == NULL || wanted == NULL || !differ_in(old, new, edit->section))
		return false;
	if (edit->key == NULL)
		return is_same(section, wanted);
	old = node_find(old, edit->section);
	new = node_find(section, edit->key);
	wanted = node_find(wanted, edit->key);
	return differ_in(or_empty(old), section, edit->key) &&
	    new != NULL &&wanted != NULL &&is_same(new, wanted);
}

/* Does that text say what the edit wants, and otherwise what ours says now? */
static bool
is_right(const struct doctor *d, const struct edit *edit, const struct buf *text)
{
	struct doc *docs[] = {
	    yaml_parse("", (struct str){buf_text(&d->config_text), d->config_text.len}),
	    yaml_parse("", (struct str){buf_text(text), text->len}),
	    yaml_parse("", (struct str){buf_text(&edit->text), edit->text.len})};
	struct errs ignored = {0};
	bool right;

	right = !doc_has_complaints(docs[1]) &&
	    is_edited(edit, or_empty(doc_root(docs[0])), or_empty(doc_root(docs[1])),
	        doc_root(docs[2]));
	for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++)
		doc_close(docs[i], &ignored);
	errs_clear(&ignored);
	return right;
}

static bool
is_script_right(const struct doctor *d, const struct edit *edit, const char *script)
{
	const char *argv[] = {"sed", script, NULL};
	struct child_request request = {
	    .argv = argv,
	    .input = {buf_text(&d->config_text), d->config_text.len},
	    .timeout_ms = SED_MS,
	    .output_max = 2 * YAML_SIZE_MAX,
	};
	struct child_result result;
	struct err ignored;
	bool right = child_run(&request, &result, &ignored) && result.status == 0 &&
	    is_right(d, edit, &result.output);

	child_result_clear(&result);
	return right;
}

static bool
is_appendix_right(const struct doctor *d, const struct edit *edit)
{
	struct buf text = {0};
	bool right;

	buf_add(&text, buf_text(&d->config_text), d->config_text.len);
	buf_printf(&text, "\n%s\n", buf_text(&edit->text));
	right = is_right(d, edit, &text);
	buf_clear(&text);
	return right;
}

/* --- what is printed --------------------------------------------------------------- */

/* The line, and where it belongs. */
static void
advise_place(struct doctor *d, const struct edit *edit)
{
	const char *file = d->options->config_file;
	struct doc *doc =
	    yaml_parse("", (struct str){buf_text(&d->config_text), d->config_text.len});
	const struct node *root = or_empty(doc_root(doc)), *member;
	const struct node *section = node_find(root, edit->section);
	struct errs ignored = {0};

	member = section != NULL && edit->key != NULL ? node_find(section, edit->key)
	                                              : section;
	if (section == NULL)
		doctor_advise(d, "# %s:%zu: write %s", file,
		    root->line > 0 ? root->line : 1, buf_text(&edit->text));
	else if (member == NULL)
		doctor_advise(d, "# %s:%zu: write %s: %s below %s:", file,
		    section->key->line, edit->key, edit->value, edit->section);
	else
		doctor_advise(d, "# %s:%zu: write %s: %s in place of %s: and its value",
		    file, member->key->line, member->key->text.p, edit->value,
		    member->key->text.p);
	doc_close(doc, &ignored);
	errs_clear(&ignored);
}

/* Was it advised already? Typed twice, a section would stand there twice. */
static bool
was_written(struct doctor *d, const char *text)
{
	struct str rest = {buf_text(&d->written), d->written.len}, line;

	while (str_cut(&rest, '\n', &line))
		if (str_is(line, text))
			return true;
	buf_printf(&d->written, "%s\n", text);
	return false;
}

/* False: no command does it for sure. */
static bool
advise_command(struct doctor *d, const struct edit *edit)
{
	const char *file = d->options->config_file;
	struct buf script = {0};
	struct section found;
	bool done;

	if (!find_section(d, edit->section, edit->key, &found)) {
		done = is_appendix_right(d, edit);
		if (done && was_written(d, edit->section)) {
			doctor_advise(
			    d, "# in %s, as above: %s", file, buf_text(&edit->text));
		} else if (done) {
			buf_printf(&d->advice, "printf '\\n%%s\\n' ");
			buf_add_shell(&d->advice, buf_text(&edit->text));
			buf_printf(&d->advice, " >>");
			buf_add_shell(&d->advice, file);
			buf_add_char(&d->advice, '\n');
		}
		return done;
	}
	done = add_script(&found, edit->section, edit->key, edit->value, &script) &&
	    is_script_right(d, edit, buf_text(&script));
	if (done) {
		buf_printf(&d->advice, "sed -i ");
		buf_add_shell(&d->advice, buf_text(&script));
		buf_add_char(&d->advice, ' ');
		buf_add_shell(&d->advice, file);
		buf_add_char(&d->advice, '\n');
	}
	buf_clear(&script);
	return done;
}

void
doctor_advise_yaml(
    struct doctor *d, const char *section, const char *key, const char *value)
{
	struct edit edit = {.section = section, .key = key, .value = value};

	if (key != NULL)
		buf_printf(&edit.text, "%s: {%s: %s}", section, key, value);
	else
		buf_printf(&edit.text, "%s: %s", section, value);
	if (!advise_command(d, &edit))
		advise_place(d, &edit);
	doctor_advise_restart(d);
	buf_clear(&edit.text);
}
