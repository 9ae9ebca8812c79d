/* SPDX-License-Identifier: BSD-2-Clause */
/* What is made of posttls-finger's output: tests/cases/finger.cases. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "postfix/finger_read.h"

#define CASES_MAX 100

struct row {
	char *name;
	char *seen;
	char *found;
	char *names;
	struct buf output;
};

static void
add_word(struct buf *words, bool is, const char *word)
{
	if (is)
		buf_printf(words, " %s", word);
}

/* As the second line of a case. */
static void
show(const struct finger_seen *seen, struct buf *out)
{
	buf_printf(out, "%s", probe_end_name(seen->end));
	add_word(out, seen->verified, "verified");
	add_word(out, seen->trusted, "trusted");
	add_word(out, seen->matched_dane, "dane");
	add_word(out, seen->fallback, "fallback");
	add_word(out, seen->auth, "auth");
	add_word(out, seen->cause != CAUSE_NONE, cause_name(seen->cause));
}

/* The output in pieces of so many bytes, each in memory of just that size. */
static const struct finger_seen *
feed(struct finger_reader *reader, const struct buf *output, size_t piece, bool ended)
{
	finger_begin(reader);
	for (size_t at = 0; at < output->len; at += piece) {
		size_t len = output->len - at < piece ? output->len - at : piece;
		char *exact = mem_new(len, 1);

		memcpy(exact, output->data + at, len);
		assert_true(finger_take(reader, (struct str){exact, len}));
		free(exact);
	}
	return finger_end(reader, ended);
}

static void
output_means(void **state)
{
	static const size_t pieces[] = {FINGER_OUTPUT_MAX, 1, 7, 4096};
	const struct row *row = *state;
	struct finger_reader *reader = mem_new(1, sizeof(*reader));

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		const struct finger_seen *seen =
		    feed(reader, &row->output, pieces[i], true);
		struct buf text = {0};

		show(seen, &text);
		assert_string_equal(buf_text(&text), row->seen);
		assert_string_equal(seen->found, row->found);
		assert_string_equal(
		    seen->names[0] != '\0' ? seen->names : "-", row->names);
		buf_clear(&text);
	}
	free(reader);
}

/* Every name of a list is in the other, or the mark that there are more. */
static bool
is_part_of(const char *part, const char *whole)
{
	char common[NAMES_SIZE], own[NAMES_SIZE];

	names_common(str_of(part), str_of(whole), common);
	names_common(str_of(part), str_of(part), own);
	return strncmp(common, own, strcspn(own, ".")) == 0;
}

/* Whatever is cut off, no more is believed than of the whole. */
static void
cut_output_proves_nothing(void **state)
{
	const struct row *row = *state;
	struct finger_reader *reader = mem_new(1, sizeof(*reader));
	struct finger_seen whole = *feed(reader, &row->output, 4096, true);
	struct buf part = {.data = row->output.data};

	for (part.len = 0; part.len < row->output.len; part.len++) {
		const struct finger_seen *seen;

		/* Within a line all is as at its beginning: some of it is enough. */
		if (part.len % 5 != 0 && part.len > 0 &&
		    row->output.data[part.len - 1] != '\n')
			continue;
		seen = feed(reader, &part, 65536, false);
		assert_true(seen->end == PROBE_SILENT || seen->end == whole.end);
		assert_true(!seen->verified || whole.verified);
		assert_true(!seen->matched_dane || whole.matched_dane);
		assert_true(!seen->auth || whole.auth);
		assert_true(is_part_of(seen->names, whole.names));
		assert_true(seen->end != PROBE_TLS ||
		    strcmp(seen->names, whole.names) == 0 ||
		    strstr(seen->names, NAMES_MORE) != NULL);
	}
	free(reader);
}

/* --- what is not in a table -------------------------------------------------------- */

static const char hello[] = "posttls-finger: Connected to mx.a.test[192.0.2.1]:25\n"
                            "posttls-finger: < 220 mx.a.test ESMTP\n"
                            "posttls-finger: > EHLO mail.test\n"
                            "posttls-finger: < 250-mx.a.test\n";
static const char session[] =
    "posttls-finger: < 250 STARTTLS\n"
    "posttls-finger: > STARTTLS\n"
    "posttls-finger: < 220 go\n"
    "posttls-finger: mx.a.test[192.0.2.1]:25: matched peername: mx.a.test\n"
    "posttls-finger: Verified TLS connection established to mx.a.test[192.0.2.1]:25: "
    "TLSv1.3 with cipher X (256/256 bits)\n";

static void
begin(struct finger_reader *reader, const char *text)
{
	finger_begin(reader);
	assert_true(finger_take(reader, str_of(text)));
}

static size_t
feed_endlessly(struct finger_reader *reader, struct str line)
{
	size_t lines = 1;

	while (finger_take(reader, line))
		lines++;
	assert_true(lines <= FINGER_OUTPUT_MAX / line.len + 1);
	/* It may be given what was printed until the program ended. */
	assert_false(finger_take(reader, line));
	return lines;
}

static void
endless_ehlo(void **state)
{
	struct finger_reader *reader = mem_new(1, sizeof(*reader));

	(void)state;
	begin(reader, hello);
	feed_endlessly(reader, STR("posttls-finger: < 250-AAAAAAAAAAAAAAAAAAAAAAAAAA\n"));
	assert_int_equal(finger_end(reader, false)->end, PROBE_SILENT);
	begin(reader, hello);
	feed_endlessly(reader, STR("a line without an end "));
	assert_int_equal(finger_end(reader, false)->end, PROBE_SILENT);
	free(reader);
}

static void
endless_after_tls(void **state)
{
	struct finger_reader *reader = mem_new(1, sizeof(*reader));
	const struct finger_seen *seen;

	(void)state;
	begin(reader, hello);
	finger_take(reader, str_of(session));
	finger_take(reader, STR("posttls-finger: > EHLO mail.test\n"));
	feed_endlessly(reader, STR("posttls-finger: < 250-AAAAAAAAAAAAAAAAAAAAAAAAAA\n"));
	seen = finger_end(reader, false);
	assert_int_equal(seen->end, PROBE_TLS);
	assert_true(seen->verified);
	assert_string_equal(seen->names, "mx.a.test ...");
	free(reader);
}

static void
nothing_printed(void **state)
{
	struct finger_reader *reader = mem_new(1, sizeof(*reader));

	(void)state;
	finger_begin(reader);
	assert_int_equal(finger_end(reader, true)->end, PROBE_OURS);
	finger_begin(reader);
	assert_int_equal(finger_end(reader, false)->end, PROBE_SILENT);
	free(reader);
}

/* Without STARTTLS before it, and without one that was offered. */
static void
session_out_of_place(void **state)
{
	struct finger_reader *reader = mem_new(1, sizeof(*reader));

	(void)state;
	begin(reader, hello);
	finger_take(reader,
	    STR("posttls-finger: Verified TLS connection established to a[192.0.2.1]:25: "
	        "TLSv1.3 with cipher X (256/256 bits)\n"
	        "posttls-finger: < 250 SIZE\nposttls-finger: > QUIT\n"));
	assert_int_equal(finger_end(reader, true)->end, PROBE_PLAIN);
	free(reader);
}

/* It offers STARTTLS, and we did not try it. */
static void
offered_and_not_tried(void **state)
{
	struct finger_reader *reader = mem_new(1, sizeof(*reader));

	(void)state;
	begin(reader, hello);
	finger_take(
	    reader, STR("posttls-finger: < 250 starttls x\nposttls-finger: > QUIT\n"));
	assert_int_equal(finger_end(reader, true)->end, PROBE_SILENT);
	free(reader);
}

static void
certificate_too_large(void **state)
{
	struct finger_reader *reader = mem_new(1, sizeof(*reader));
	const struct finger_seen *seen;

	(void)state;
	begin(reader, hello);
	finger_take(reader, str_of(session));
	finger_take(
	    reader, STR("\n---\nCertificate chain\n-----BEGIN CERTIFICATE-----\n"));
	for (int i = 0; i < 800; i++)
		finger_take(
		    reader, STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"));
	finger_take(reader, STR("-----END CERTIFICATE-----\n"));
	seen = finger_end(reader, true);
	assert_true(seen->verified);
	assert_string_equal(seen->names, "mx.a.test ...");
	free(reader);
}

static void
certificate_that_is_none(void **state)
{
	struct finger_reader *reader = mem_new(1, sizeof(*reader));

	(void)state;
	begin(reader, hello);
	finger_take(reader, str_of(session));
	finger_take(reader,
	    STR("\n---\nCertificate chain\n-----BEGIN CERTIFICATE-----\nAAAA\n"
	        "-----END CERTIFICATE-----\n"));
	assert_string_equal(finger_end(reader, true)->names, "...");
	free(reader);
}

/* A fallback to secure may come before a line that says otherwise, or after it. */
static void
fallback_is_no_dane(void **state)
{
	static const char fallback[] =
	    "posttls-finger: no TLSA records found, resorting to \"secure\"\n";
	static const char matched[] = "posttls-finger: a[192.0.2.1]:25: Matched DANE EE "
	                              "certificate at depth 0: x\n";
	struct finger_reader *reader = mem_new(1, sizeof(*reader));

	(void)state;
	for (int i = 0; i < 2; i++) {
		begin(reader, hello);
		finger_take(reader, str_of(i == 0 ? fallback : matched));
		finger_take(reader, str_of(i == 0 ? matched : fallback));
		finger_take(reader, str_of(session));
		assert_false(finger_end(reader, true)->matched_dane);
	}
	begin(reader, hello);
	finger_take(reader, str_of(matched));
	assert_false(finger_end(reader, true)->matched_dane); /* no session */
	free(reader);
}

/* --- the table --------------------------------------------------------------------- */

static _Noreturn void
bad(unsigned line)
{
	printf("Bail out! tests/cases/finger.cases:%u\n", line);
	exit(1);
}

static char **
next_field(struct row *row)
{
	return row->seen == NULL ? &row->seen
	    : row->found == NULL ? &row->found
	    : row->names == NULL ? &row->names
	                         : NULL;
}

static size_t
read_cases(struct row *rows)
{
	FILE *f = fopen(suite_path("tests/cases/finger.cases"), "r");
	size_t count = 0, size = 0;
	char *text = NULL;
	ssize_t len;

	if (f == NULL)
		bad(0);
	for (unsigned line = 1; (len = getline(&text, &size, f)) >= 0; line++) {
		struct row *row = count > 0 ? &rows[count - 1] : NULL;

		if (len > 0 && text[len - 1] == '\n')
			text[--len] = '\0';
		if (len == 0 || text[0] == '#')
			continue;
		if (strncmp(text, "= ", 2) == 0 && count < CASES_MAX)
			rows[count++].name = mem_strdup(text + 2);
		else if (text[0] == '|' && row != NULL && row->names != NULL)
			buf_printf(&row->output, "%s\n", len > 2 ? text + 2 : "");
		else if (row != NULL && next_field(row) != NULL)
			*next_field(row) = mem_strdup(text);
		else
			bad(line);
	}
	free(text);
	fclose(f);
	return count;
}

int
main(void)
{
	static struct row rows[CASES_MAX];
	size_t count = read_cases(rows);
	int status;

	for (size_t i = 0; i < count; i++) {
		suite_add(output_means, &rows[i], "%s", rows[i].name);
		suite_add(
		    cut_output_proves_nothing, &rows[i], "cut short: %s", rows[i].name);
	}
	suite_add(endless_ehlo, NULL, "an answer to EHLO without an end tells nothing");
	suite_add(endless_after_tls, NULL, "... and after TLS what was seen before it");
	suite_add(nothing_printed, NULL, "nothing printed is no server's fault");
	suite_add(session_out_of_place, NULL, "a session without STARTTLS is none");
	suite_add(
	    offered_and_not_tried, NULL, "STARTTLS offered and not tried tells nothing");
	suite_add(certificate_too_large, NULL, "a certificate that is too large");
	suite_add(certificate_that_is_none, NULL, "a certificate that cannot be read");
	suite_add(fallback_is_no_dane, NULL, "a fallback to secure is no DANE");
	status = suite_run();
	for (size_t i = 0; i < count; i++) {
		free(rows[i].name);
		free(rows[i].seen);
		free(rows[i].found);
		free(rows[i].names);
		buf_clear(&rows[i].output);
	}
	return status;
}
