/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/names.cases and certificates.cases: whom a certificate is for. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/names.h"

struct row {
	const char *fields[4];
	const char *matches;
};

static const char *const answers[] = {
    [ANSWER_UNSURE] = "?", [ANSWER_NO] = "no", [ANSWER_YES] = "yes"};

/* "-" is nothing. */
static const char *
text_of(const char *field)
{
	return strcmp(field, "-") == 0 ? "" : field;
}

static void
names_are_compared(void **state)
{
	const struct row *row = *state;
	struct str names = str_of(text_of(row->fields[0]));
	char *exact = mem_strndup(names.p, names.len); /* a step too far is seen */
	enum answer answer = names_match((struct str){exact, names.len},
	    text_of(row->fields[1]), text_of(row->fields[2]), text_of(row->fields[3]));

	free(exact);
	assert_string_equal(answers[answer], row->matches);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));

	(void)context;
	if (count != 6) {
		fprintf(stderr, "names.cases:%u: not six columns\n", line);
		exit(2);
	}
	for (size_t i = 0; i < 4; i++)
		row->fields[i] = fields[i];
	row->matches = fields[4];
	suite_add(names_are_compared, row, "row %u: %s", line, fields[5]);
}

/* --- certificates ------------------------------------------------------------------ */

struct certificate {
	char *name;
	char *names;
	struct buf pem;
};

static void
certificate_names(void **state)
{
	const struct certificate *certificate = *state;
	char list[NAMES_SIZE];
	bool whole = names_of_certificate(
	    (struct str){certificate->pem.data, certificate->pem.len}, list);

	assert_string_equal(list, text_of(certificate->names));
	assert_int_equal(whole, strstr(list, NAMES_MORE) == NULL);
}

/* Cut anywhere, and with any octet another one: in memory of just that size. */
static void
damaged_certificate(void **state)
{
	const struct certificate *certificate = *state;
	const struct buf *pem = &certificate->pem;
	char list[NAMES_SIZE];

	for (size_t len = 0; len < pem->len; len++) {
		char *exact = mem_new(len + 1, 1);

		memcpy(exact + 1, pem->data, len);
		names_of_certificate((struct str){exact + 1, len}, list);
		memcpy(exact + 1, pem->data, len);
		if (len > 0)
			exact[len] = exact[len] == '/' ? 'A' : '/';
		names_of_certificate((struct str){exact + 1, len}, list);
		free(exact);
	}
	for (size_t at = 0; at < pem->len; at++) {
		char *copy = mem_strndup(pem->data, pem->len);

		copy[at] = copy[at] == '/' ? 'B' : '/';
		names_of_certificate((struct str){copy, pem->len}, list);
		free(copy);
	}
}

static void
read_certificates(void)
{
	FILE *f = fopen(suite_path("tests/cases/certificates.cases"), "r");
	static struct certificate certificates[64]; /* until the program ends */
	struct certificate *last = NULL;
	size_t size = 0;
	char *text = NULL;
	ssize_t len;

	if (f == NULL)
		exit(2);
	while ((len = getline(&text, &size, f)) >= 0) {
		text[--len] = '\0';
		if (len == 0 || text[0] == '#')
			continue;
		if (strncmp(text, "= ", 2) == 0) {
			last = last == NULL ? certificates : last + 1;
			if (last == certificates + 64)
				exit(2);
			last->name = mem_strdup(text + 2);
			suite_add(certificate_names, last, "certificate: %s", last->name);
			suite_add(damaged_certificate, last, "damaged: %s", last->name);
		} else if (last == NULL) {
			exit(2);
		} else if (strncmp(text, "| ", 2) == 0) {
			buf_printf(&last->pem, "%s\n", text + 2);
		} else {
			last->names = mem_strdup(text);
		}
	}
	free(text);
	fclose(f);
}

/* --- lists ------------------------------------------------------------------------- */

static void
full_list(void **state)
{
	char list[NAMES_SIZE] = "";
	char name[64];
	size_t len;

	(void)state;
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "host-%d.many.example.test", i);
		names_add(list, str_of(name));
	}
	len = strlen(list);
	assert_true(len > NAMES_SIZE - 64 && len < NAMES_SIZE);
	assert_string_equal(list + len - 4, " ...");
	assert_int_equal(
	    names_match(str_of(list), "hostname", "host-9.many.example.test", ""),
	    ANSWER_YES);
	assert_int_equal(
	    names_match(str_of(list), "hostname", "host-399.many.example.test", ""),
	    ANSWER_UNSURE);
	names_add_more(list);
	assert_int_equal(strlen(list), len);
}

static void
mail_address(void **state)
{
	char list[NAMES_SIZE] = "";

	(void)state;
	names_add(list, STR("user@d.test"));
	names_add(list, STR("mx.d.test"));
	assert_string_equal(list, "mx.d.test");
}

static void
list_to_the_last_byte(void **state)
{
	(void)state;
	for (size_t last = 1; last <= 255; last++) {
		char list[NAMES_SIZE + 1] = "";
		char name[256];

		list[NAMES_SIZE] = 'x';
		for (int c = 'a'; c < 'a' + 15; c++) {
			memset(name, c, 255);
			names_add(list, (struct str){name, 255});
		}
		memset(name, 'z', last);
		names_add(list, (struct str){name, last});
		names_add(list, STR("after"));
		assert_true(strlen(list) < NAMES_SIZE);
		assert_int_equal(list[NAMES_SIZE], 'x');
		names_add_more(list);
		assert_true(strlen(list) < NAMES_SIZE);
	}
}

static void
names_that_never_match(void **state)
{
	char list[NAMES_SIZE] = "";
	char name[256];

	(void)state;
	names_add(list, STR(""));
	names_add(list, STR("a b"));
	names_add(list, STR("a\0b"));
	names_add(list, STR("a\n"));
	names_add(list, STR("b\xc3\xbc"));
	names_add(list, STR("..."));
	memset(name, 'a', sizeof(name));
	names_add(list, (struct str){name, sizeof(name)});
	assert_string_equal(list, "");
	names_add(list, (struct str){name, 255});
	assert_int_equal(strlen(list), 255);
}

static const struct {
	const char *a, *b, *common;
} lists[] = {
    {"a.test b.test", "a.test b.test", "a.test b.test"},
    {"a.test b.test", "B.test a.test", "a.test b.test"},
    {"a.test b.test", "b.test", "b.test ..."},
    {"b.test", "a.test b.test", "b.test ..."},
    {"a.test", "b.test", "..."},
    {"a.test ...", "a.test", "a.test ..."},
    {"a.test", "a.test ...", "a.test ..."},
    {"...", "...", "..."},
    {"", "", ""},
    {"", "a.test", "..."},
    {"a.test  b.test", "a.test ", "a.test ..."},
    {"a.test...", "a.test...", "a.test..."},
};

static void
names_in_both(void **state)
{
	char out[NAMES_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		names_common(str_of(lists[i].a), str_of(lists[i].b), out);
		assert_string_equal(out, lists[i].common);
	}
	strcpy(out, "a.test b.test");
	names_common(str_of(out), STR("b.test"), out);
	assert_string_equal(out, "b.test ...");
}

static const char *const askable[][2] = {
    {"mx.odd.test x.test", "mx.odd.test"},
    {"*.w.test", ".w.test"},
    {"*.w.test ...", ".w.test"},
    {"-F.test mx.test", "mx.test"},
    {"a;b.test m*.w.test [x] mx.test", "mx.test"},
    {"127.0.0.1 mx.test", "mx.test"},
    {"...", ""},
    {"mx_1.test", "mx_1.test"},
    {"a-name-of-more-than-sixty-three-octets-that-has-no-room-in-it.test mx.test",
        "mx.test"},
    {"*", ""},
    {"*.", ""},
    {"", ""},
};

static void
name_to_ask_for(void **state)
{
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(askable) / sizeof(askable[0]); i++) {
		bool found = names_any(str_of(askable[i][0]), out, sizeof(out));

		assert_string_equal(out, askable[i][1]);
		assert_int_equal(found, out[0] != '\0');
		if (found)
			assert_int_equal(
			    names_match(str_of(askable[i][0]), out, "", ""), ANSWER_YES);
	}
}

int
main(void)
{
	suite_read_table("tests/cases/names.cases", add_row, NULL);
	read_certificates();
	suite_add(mail_address, NULL, "a mail address is no name of a server");
	suite_add(full_list, NULL, "a list that is full says that there are more");
	suite_add(list_to_the_last_byte, NULL, "a list is never longer than it can be");
	suite_add(
	    names_that_never_match, NULL, "names that can never match are left out");
	suite_add(names_in_both, NULL, "the names that two certificates share");
	suite_add(name_to_ask_for, NULL, "a name that posttls-finger can be asked for");
	return suite_run();
}
