/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: what is to be typed, as lines for a root shell. */
#include <string.h>

#include "cmd/doctor.h"

#define STANDARD_FILE SYSCONFDIR "/tlsladder/tlsladder.yaml"

void
buf_add_shell(struct buf *buf, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "0123456789_@%+=:,./-";

	if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
		buf_printf(buf, "%s", word);
		return;
	}
	buf_add_char(buf, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_printf(buf, "'\\''");
		else
			buf_add_char(buf, *word);
	}
	buf_add_char(buf, '\'');
}

void
doctor_add_postfix(const struct doctor *d, const char *program, struct buf *buf)
{
	for (size_t i = 0; i < d->postfix.command_count; i++) {
		buf_add_shell(buf, d->postfix.command[i]);
		buf_add_char(buf, ' ');
	}
	buf_printf(buf, "%s", program);
	if (d->config->postfix.config_directory[0] != '\0') {
		buf_printf(buf, " -c ");
		buf_add_shell(buf, d->config->postfix.config_directory);
	}
}

void
doctor_add_self(const struct doctor *d, struct buf *buf)
{
	buf_printf(buf, "tlsladder");
	if (strcmp(d->options->config_file, STANDARD_FILE) != 0) {
		buf_printf(buf, " -c ");
		buf_add_shell(buf, d->options->config_file);
	}
}

void
doctor_advise_setting(struct doctor *d, const char *name, const char *value)
{
	struct buf setting = {0};

	buf_printf(&setting, "%s = %s", name, value);
	doctor_add_postfix(d, "postconf", &d->advice);
	buf_printf(&d->advice, " -e ");
	buf_add_shell(&d->advice, buf_text(&setting));
	buf_add_char(&d->advice, '\n');
	doctor_add_postfix(d, "postfix", &d->advice);
	buf_printf(&d->advice, " reload\n");
	buf_clear(&setting);
}

/* --- our own configuration ---------------------------------------------------------- */

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

static bool
has(struct str text, char c)
{
	return memchr(text.p, c, text.len) != NULL;
}

/* The script of sed that sets the value. False: none can be made that is sure to. */
static bool
add_script(const struct section *section, const char *name, const char *key,
    const char *value, struct buf *out)
{
	struct str old, rest = section->rest;
	size_t indent = indent_of(section->child);

	if (!is_plain(str_of(value)))
		return false;
	if (key == NULL) {
		buf_printf(out, "s|^%s:.*|%s: %s|", name, name, value);
		return is_plain(rest);
	}
	if (rest.len >= 2 && rest.p[0] == '{' && rest.p[rest.len - 1] == '}') {
		struct buf word = {0};
		bool there;

		buf_printf(&word, "%s:", key);
		there = memmem(rest.p, rest.len, word.data, word.len) != NULL;
		buf_clear(&word);
		if (there && (has(rest, '[') || has(rest, '"') || has(rest, '\'')))
			return false;
		if (there)
			buf_printf(out, "s|^\\(%s:.*[{ ,]%s:\\)[^,}]*|\\1 %s|", name, key,
			    value);
		else
			buf_printf(out, "s|^%s: *{|&%s: %s, |", name, key, value);
		return memchr(rest.p + 1, '{', rest.len - 1) == NULL;
	}
	if (rest.len > 0 || section->child.len == 0)
		return false;
	if (section->member.len == 0) {
		buf_printf(out, "/^%s:/a\\%*s%s: %s", name, (int)indent, "", key, value);
		return true;
	}
	if (indent_of(section->member) != indent ||
	    !value_of(section->member, key, &old) || (old.len > 0 && !is_plain(old)))
		return false;
	buf_printf(out, "/^%s:/,/^[^ #]/s|^\\( *%s:\\)[^#]*|\\1 %s |", name, key, value);
	/* A list below the key would stay there. */
	return old.len > 0 || strcmp(value, "") != 0;
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

void
doctor_advise_restart(struct doctor *d)
{
	doctor_advise(d, "systemctl restart tlsladder");
}

void
doctor_advise_yaml(
    struct doctor *d, const char *section, const char *key, const char *value)
{
	const char *file = d->options->config_file;
	struct buf script = {0}, text = {0};
	struct section found;

	if (key != NULL)
		buf_printf(&text, "%s: {%s: %s}", section, key, value);
	else
		buf_printf(&text, "%s: %s", section, value);
	if (find_section(d, section, key, &found)) {
		if (add_script(&found, section, key, value, &script)) {
			buf_printf(&d->advice, "sed -i ");
			buf_add_shell(&d->advice, buf_text(&script));
			buf_add_char(&d->advice, ' ');
			buf_add_shell(&d->advice, file);
			buf_add_char(&d->advice, '\n');
		} else {
			doctor_advise(d, "# in %s: %s", file, buf_text(&text));
		}
	} else if (was_written(d, section)) {
		doctor_advise(d, "# in %s, as above: %s", file, buf_text(&text));
	} else {
		buf_printf(&d->advice, "printf '\\n%%s\\n' ");
		buf_add_shell(&d->advice, buf_text(&text));
		buf_printf(&d->advice, " >>");
		buf_add_shell(&d->advice, file);
		buf_add_char(&d->advice, '\n');
	}
	doctor_advise_restart(d);
	buf_clear(&script);
	buf_clear(&text);
}
