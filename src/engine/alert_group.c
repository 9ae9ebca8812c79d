/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/alert_group.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define KEYS_MAX  3 /* in a command */
#define SHOWN_MAX 3 /* causes in a subject */

/* Causes of a destination that are no word of a decision, and what to type next. */
static const struct words {
	const char *text;
	const char *next;
} words[] = {
    {"mail was bounced", "explain"},
    {ALERT_UNRENEWED, "policy"},
};

/* What a line is about. Borrowed from it. */
struct about {
	struct str key; /* the destination; empty: none */
	struct str cause;
	enum why why;
};

/* Up to its next colon or semicolon. */
static struct str
up_to_end(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == ':' || text.p[i] == ';')
			return (struct str){text.p, i};
	return text;
}

/* "freeze: many failed", up to a semicolon or a second colon. */
static struct str
cut_cause(struct str line)
{
	struct str first = up_to_end(line), second;

	if (first.len == line.len || line.p[first.len] == ';')
		return first;
	second = up_to_end(str_skip(line, first.len + 1));
	return (struct str){line.p, first.len + 1 + second.len};
}

/* A key may have colons, and then no blank behind them. */
static struct about
read_line(struct str line)
{
	struct about about = {.cause = cut_cause(line)};
	const char *colon = line.len > 0 ? memmem(line.p, line.len, ": ", 2) : NULL;
	struct str key, rest;

	if (colon == NULL)
		return about;
	key = (struct str){line.p, (size_t)(colon - line.p)};
	rest = str_skip(line, key.len + 2);
	if (why_parse(up_to_end(rest), &about.why)) {
		about.key = key;
		about.cause = up_to_end(rest);
		return about;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_starts(rest, str_of(words[i].text))) {
			about.key = key;
			about.cause = str_of(words[i].text);
		}
	return about;
}

static struct alert_cause *
cause_of(struct alert_group *group, const struct about *about)
{
	struct alert_cause *cause;
	struct buf subject = {0};

	for (size_t i = 0; i < group->count; i++)
		if (str_is(about->cause, group->causes[i].name))
			return &group->causes[i];
	if (group->count == ALERT_CAUSES_MAX)
		return &group->causes[ALERT_CAUSES_MAX - 1];
	if (about->key.len > 0) {
		buf_add_str(&subject, about->key);
		buf_add_str(&subject, STR(": "));
	}
	buf_add_str(&subject, about->cause);
	cause = &group->causes[group->count++];
	*cause = (struct alert_cause){
	    .name = mem_strndup(about->cause.p, about->cause.len),
	    .why = about->why,
	    .subject = buf_take(&subject),
	};
	return cause;
}

static void
note_key(struct alert_cause *cause, struct str key)
{
	if (key.len == 0 || cause->key_count >= KEYS_MAX)
		return;
	cause->key_count++;
	buf_add_char(&cause->keys, ' ');
	if (memchr(key.p, '[', key.len) != NULL) /* for a shell */
		buf_printf(&cause->keys, "'%.*s'", STR_ARG(key));
	else
		buf_add_str(&cause->keys, key);
}

/* The name of the destination and the cause, which is all that there is room for. */
static void
keep_name(struct alert_cause *cause, const struct about *about, struct buf *kept)
{
	if (cause->lines.len >= ALERT_NAMES_MAX) {
		cause->cut++;
		return;
	}
	if (about->key.len > 0) {
		buf_add_str(kept, about->key);
		buf_add_str(kept, STR(": "));
	}
	buf_add_str(kept, about->cause);
}

struct alert_cause *
alert_group_add(
    struct alert_group *group, const char *line, bool always, struct buf *kept)
{
	struct about about = read_line(str_of(line));
	struct alert_cause *cause = cause_of(group, &about);
	bool many = ++cause->count > ALERT_SAME_MAX;
	size_t before = kept->len;

	note_key(cause, about.key);
	cause->waits = cause->waits || strstr(line, "; mail waits since ") != NULL ||
	    strstr(line, "; the first message bounces at ") != NULL;
	if (!many && cause->lines.len < ALERT_BODY_MAX)
		buf_add_str(kept, str_of(line));
	else if (always)
		keep_name(cause, &about, kept);
	else if (many)
		cause->hidden++;
	else
		cause->cut++;
	if (kept->len > before) {
		buf_add(&cause->lines, kept->data + before, kept->len - before);
		buf_add_char(&cause->lines, '\n');
	}
	return cause;
}

bool
alert_group_is_daily(const char *name)
{
	return strcmp(name, ALERT_UNRENEWED) == 0;
}

int64_t
alert_group_due(const struct alert_group *group)
{
	int64_t at_ms = INT64_MAX;

	for (size_t i = 0; i < group->count; i++)
		if (group->causes[i].due_ms < at_ms)
			at_ms = group->causes[i].due_ms;
	return at_ms;
}

/* --- the mails --------------------------------------------------------------------- */

static const char *
next_of_key(const char *cause)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].text, cause) == 0)
			return words[i].next;
	return "explain";
}

/* What its lines do not end in. */
static void
print_next(const struct alert_cause *cause, struct buf *out)
{
	bool of_one = false;
	const char *next = cause->why != WHY_NONE ? why_next(cause->why, &of_one) : "";

	if (cause->count == 1 && cause->why != WHY_NONE)
		return; /* its line does */
	if (cause->why != WHY_NONE && !of_one)
		buf_printf(out, "next: tlsladder %s\n", next);
	else if (cause->why != WHY_NONE)
		buf_printf(out, "next: tlsladder list%s --why %s\n",
		    cause->waits ? " --waiting" : "", why_slug(cause->why));
	else if (cause->key_count > 0)
		buf_printf(out, "next: tlsladder %s%s\n", next_of_key(cause->name),
		    buf_text(&cause->keys));
	else
		buf_printf(out, "next: tlsladder %s\n",
		    strncmp(cause->name, "freeze", 6) == 0 ? "status" : "doctor");
}

static void
print_cause(const struct alert_cause *cause, int64_t waiting, struct buf *out)
{
	buf_add_str(out, (struct str){buf_text(&cause->lines), cause->lines.len});
	if (cause->hidden > 0)
		buf_printf(out, "%s: %zu more: %s\n", cause->name, cause->hidden,
		    cause->why != WHY_NONE ? why_sentence(cause->why)
		                           : "they are in the log");
	if (cause->cut > 0)
		buf_printf(out, "%zu alerts had no room here: they are in the log\n",
		    cause->cut);
	if (cause->waits && cause->count > 1 && waiting > 0)
		buf_printf(out, "mail to %lld destination%s waits now\n",
		    (long long)waiting, waiting == 1 ? "" : "s");
	print_next(cause, out);
}

static void
print_subject(const struct alert_cause *cause, struct buf *out)
{
	if (cause->count > 1 && cause->key_count > 0)
		buf_printf(out, "%s: %zu destinations", cause->name, cause->count);
	else
		buf_printf(out, "%s", cause->subject);
}

static void
print_subject_of_all(const struct alert_group *group, struct buf *out)
{
	buf_printf(out, "%zu causes: ", group->count);
	for (size_t i = 0; i < group->count && i < SHOWN_MAX; i++) {
		const struct alert_cause *cause = &group->causes[i];

		buf_printf(out, "%s%s", i > 0 ? ", " : "", cause->name);
		if (cause->count > 1)
			buf_printf(out, " (%zu)", cause->count);
	}
	buf_printf(out, ", ...");
}

static void
mail_each(const struct alert_group *group, int64_t waiting, alert_mail_fn *fn,
    void *context, struct buf *subject, struct buf *text)
{
	for (size_t i = 0; i < group->count; i++) {
		buf_reset(subject);
		buf_reset(text);
		print_subject(&group->causes[i], subject);
		print_cause(&group->causes[i], waiting, text);
		fn(context, buf_text(subject), buf_text(text));
	}
}

static void
mail_all(const struct alert_group *group, alert_mail_fn *fn, void *context,
    struct buf *subject, struct buf *text)
{
	print_subject_of_all(group, subject);
	for (size_t i = 0; i < group->count; i++) {
		print_cause(&group->causes[i], 0, text);
		buf_add_char(text, '\n');
	}
	buf_printf(text, "next: tlsladder status\n");
	fn(context, buf_text(subject), buf_text(text));
}

/* What is due goes from the one into the other, which is empty. */
static void
move_due(struct alert_group *from, int64_t now_ms, struct alert_group *to)
{
	size_t left = 0;

	for (size_t i = 0; i < from->count; i++)
		if (from->causes[i].due_ms <= now_ms)
			to->causes[to->count++] = from->causes[i];
		else
			from->causes[left++] = from->causes[i];
	from->count = left;
}

void
alert_group_end(struct alert_group *group, int64_t now_ms, int64_t waiting,
    alert_mail_fn *fn, void *context)
{
	struct alert_group *due = mem_new(1, sizeof(*due));
	struct buf subject = {0}, text = {0};

	move_due(group, now_ms, due);
	if (due->count <= ALERT_MAILS_MAX)
		mail_each(due, waiting, fn, context, &subject, &text);
	else
		mail_all(due, fn, context, &subject, &text);
	buf_clear(&subject);
	buf_clear(&text);
	alert_group_clear(due);
	free(due);
}

void
alert_group_clear(struct alert_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		free(group->causes[i].name);
		free(group->causes[i].subject);
		buf_clear(&group->causes[i].lines);
		buf_clear(&group->causes[i].keys);
	}
	group->count = 0;
}
