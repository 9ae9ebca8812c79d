/* SPDX-License-Identifier: BSD-2-Clause */
/* The template of a mail to the administrator: what is none, and what one becomes. */
#include "suite.h"

#include <string.h>

#include "core/template.h"

struct refused_row {
	const char *name;
	const char *text;
	const char *complaints; /* a line each */
};

static const struct refused_row refused_rows[] = {
    {"an empty file", "",
        "t:1:1: an empty file; leave notify.template empty for the built-in text\n"},
    {"no subject", "{text}\n",
        "t:1:1: no subject; begin with a line like \"Subject: tlsladder: {subject}\"\n"
        "t:1:1: {text} is many lines; write {subject} here\n"},
    {"another header", "Subject: x\nBcc: all@example.org\n\n{text}\n",
        "t:2:1: no header but Subject can stand here; put an empty line before the "
        "text\n"},
    {"a place that was meant", "Subject: x\n\n{txet}\n{text}\n",
        "t:3:1: unknown place \"{txet}\"; did you mean \"{text}\"?\n"},
    {"a place that nobody knows", "Subject: x\n\n\xc3\xbc {destination} {text}\n",
        "t:3:3: unknown place \"{destination}\"; known here: {host}, {kind}, {subject}, "
        "{text}, {time}; for a brace write {{\n"},
    {"an escape in a place", "Subject: x\n\n{\x1b[31mabcdef}\n{text}",
        "t:3:1: unknown place \"{\\x1b[31mabcdef}\"; known here: {host}, {kind}, "
        "{subject}, {text}, {time}; for a brace write {{\n"},
    {"a brace without its end", "Subject: {subject\n\n{text}\n",
        "t:1:10: a { without its }; write {text}, or {{ for a brace\n"},
    {"many lines for a subject", "Subject: {text}\n\n{text}\n",
        "t:1:10: {text} is many lines; write {subject} here\n"},
    {"nothing that is told", "Subject: {subject}\n\nLook there!\n",
        "t:4:1: {text} is missing, and nothing would be told; add it\n"},
    {"bytes of another encoding", "Subject: x\n\nf\xfcr {text}\n",
        "t:3:2: a byte that is no UTF-8; save the file as UTF-8\n"},
    {"a control character", "Subject: x\n\na\x1b[31m\n{text}\n",
        "t:3:2: a control character; take it out\n"},
    {"two faults", "Subject: {a}\n\n{text} {bb}{cc}\n",
        "t:1:10: unknown place \"{a}\"; known here: {host}, {kind}, {subject}, {text}, "
        "{time}; for a brace write {{\n"
        "t:3:8: unknown place \"{bb}\"; known here: {host}, {kind}, {subject}, {text}, "
        "{time}; for a brace write {{\n"
        "t:3:12: unknown place \"{cc}\"; known here: {host}, {kind}, {subject}, {text}, "
        "{time}; for a brace write {{\n"},
};

static void
is_refused(void **state)
{
	const struct refused_row *row = *state;
	struct errs errs = {0};
	struct buf all = {0};

	assert_false(template_check("t", str_of(row->text), &errs));
	for (size_t i = 0; i < errs.count; i++)
		buf_printf(&all, "%s\n", errs.lines[i]);
	assert_string_equal(buf_text(&all), row->complaints);
	buf_clear(&all);
	errs_clear(&errs);
}

struct filled_row {
	const char *name;
	const char *text;
	const char *subject;
	const char *body;
};

static const struct filled_row filled_rows[] = {
    {"the built-in one", template_built_in, "tlsladder: a.test: hold", "one\ntwo\n"},
    {"every place", "Subject: [{host}] {kind}\n\n{time} {subject}:\n{text}",
        "[mail.test] alert", "2026-11-24T07:12:01Z a.test: hold:\none\ntwo\n"},
    {"text before and after", "Subject: x\n\nHello,\n\n{text}\n--\nus\n", "x",
        "Hello,\n\none\ntwo\n--\nus\n"},
    {"lines of Windows", "Subject: {kind} \r\n\r\n{text}a\r\nb\r\n", "alert",
        "one\ntwoa\nb\n"},
    {"braces", "Subject: {{subject}\n\n{{{text}}", "{subject}", "{one\ntwo}\n"},
    {"tabs", "Subject: x\ty\n\n\t{text}", "x\ty", "\tone\ntwo\n"},
};

static void
is_filled(void **state)
{
	static const char *const texts[TEMPLATE_PLACE_COUNT] = {
	    [TEMPLATE_HOST] = "mail.test",
	    [TEMPLATE_KIND] = "alert",
	    [TEMPLATE_SUBJECT] = "a.test: hold",
	    [TEMPLATE_TEXT] = "one\ntwo\n",
	    [TEMPLATE_TIME] = "2026-11-24T07:12:01Z",
	};
	const struct filled_row *row = *state;
	struct errs errs = {0};
	struct buf subject = {0}, body = {0};

	if (!template_check("t", str_of(row->text), &errs))
		fail_msg("%s", errs.lines[0]);
	template_fill(row->text, texts, &subject, &body);
	assert_string_equal(buf_text(&subject), row->subject);
	assert_string_equal(buf_text(&body), row->body);
	buf_clear(&subject);
	buf_clear(&body);
}

/* What is told may look like a place. */
static void
texts_are_no_templates(void **state)
{
	const char *texts[TEMPLATE_PLACE_COUNT] = {
	    "{text}", "{kind}", "{subject}", "{text} {host}\n", "{time}"};
	struct buf subject = {0}, body = {0};

	(void)state;
	template_fill(template_built_in, texts, &subject, &body);
	assert_string_equal(buf_text(&subject), "tlsladder: {subject}");
	assert_string_equal(buf_text(&body), "{text} {host}\n");
	buf_clear(&subject);
	buf_clear(&body);
}

static void
complaints_are_bounded(void **state)
{
	struct buf text = {0};
	struct errs errs = {0};

	(void)state;
	buf_printf(&text, "Subject: x\n\n");
	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&text, "{\n");
	assert_false(template_check("t", str_of(buf_text(&text)), &errs));
	assert_int_equal(errs.count, 20);
	errs_clear(&errs);
	buf_clear(&text);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(refused_rows) / sizeof(*refused_rows); i++)
		suite_add(
		    is_refused, &refused_rows[i], "refused: %s", refused_rows[i].name);
	for (size_t i = 0; i < sizeof(filled_rows) / sizeof(*filled_rows); i++)
		suite_add(
		    is_filled, &filled_rows[i], "filled in: %s", filled_rows[i].name);
	suite_add(texts_are_no_templates, NULL, "what is filled in is no template");
	suite_add(complaints_are_bounded, NULL, "of one file twenty complaints or so");
	return suite_run();
}
