/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/cases/witness.cases: what the queue says of an alarm. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "core/witness.h"

#define CUT 20
#define MAX 8

struct row {
	struct witness_message messages[MAX];
	size_t count;
	const char *listings[2];
	char *says[2];
};

static const struct {
	const char *name;
	const char *text;
} reasons[] = {
    {"-", ""},
    {"V", "Server certificate not verified"},
    {"sV", "delivery temporarily suspended: Server certificate not verified"},
    {"N", "TLS is required, but was not offered by host mx.d.test[192.0.2.1]"},
    {"X", "host mx.d.test said: 450 4.2.0 caf\xed\xa0\x80 l\xc3\xa4ter"},
    {"X?", "host mx.d.test said: 450 4.2.0 caf??? l\xc3\xa4ter"},
    {"X!", "host mx.d.test said: 450 4.2.0 caf?? l\xc3\xa4ter"},
    {"R", "connect to mx2.d.test[192.0.2.2]:25: Connection refused"},
};

static const char *const says_names[] = {
    [QUEUE_NOT_ASKED] = "another",
    [QUEUE_SHOWS] = "shows",
    [QUEUE_NEWER] = "newer",
    [QUEUE_GONE] = "gone",
    [QUEUE_UNREADABLE] = "unreadable",
};

static void
die(unsigned line, const char *what, const char *text)
{
	fprintf(stderr, "witness.cases:%u: %s: %s\n", line, what, text);
	exit(2);
}

static struct str
reason_of(const char *name)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reasons[i].name, name) == 0)
			return str_of(reasons[i].text);
	fprintf(stderr, "witness.cases: no reason: %s\n", name);
	exit(2);
}

static void
list(struct row *row, const char *listing)
{
	char *text = mem_strdup(listing), *save = NULL;

	for (char *item = strtok_r(text, "|", &save); item != NULL;
	     item = strtok_r(NULL, "|", &save)) {
		char id[32], address[64], reason[8];

		if (sscanf(item, "%31s %63s %7s", id, address, reason) != 3)
			continue; /* nothing */
		for (size_t i = 0; i < row->count; i++)
			if (strcmp(row->messages[i].queue_id, id) == 0)
				witness_listed(&row->messages[i], str_of(address),
				    reason_of(reason));
	}
	free(text);
}

static void
queue_says(void **state)
{
	struct row row = *(const struct row *)*state;

	for (size_t n = 0; n < 2; n++) {
		bool whole = strstr(row.listings[n], "refused") == NULL;

		for (size_t i = 0; i < row.count; i++)
			row.messages[i].there = row.messages[i].fits = false;
		list(&row, row.listings[n]);
		for (size_t i = 0; i < row.count; i++)
			witness_ended(&row.messages[i], whole);
		assert_string_equal(
		    says_names[witness_says(row.messages, row.count, whole)],
		    row.says[n]);
	}
}

/* FIPS 180-4's own examples, by sha256sum(1). */
static void
hash_is_sha256(void **state)
{
	char a[200];

	(void)state;
	memset(a, 'a', sizeof(a));
	assert_true(sha256_of(STR("")) == UINT64_C(0xe3b0c44298fc1c14));
	assert_true(sha256_of(STR("abc")) == UINT64_C(0xba7816bf8f01cfea));
	assert_true(
	    sha256_of(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
	    UINT64_C(0x248d6a61d20638b8));
	assert_true(sha256_of((struct str){a, 55}) == UINT64_C(0x9f4390f8d30c2dd9));
	assert_true(sha256_of((struct str){a, 56}) == UINT64_C(0xb35439a4ac6f0948));
	assert_true(sha256_of((struct str){a, 63}) == UINT64_C(0x7d3e74a05d7db15b));
	assert_true(sha256_of((struct str){a, 64}) == UINT64_C(0xffe054fe7ae0cb6d));
	assert_true(sha256_of((struct str){a, 200}) == UINT64_C(0xc2a908d98f5df987));
}

static void
take_message(struct row *row, unsigned line, char *text)
{
	struct witness_message *m = &row->messages[row->count++];
	char *save = NULL, *id = strtok_r(text, " ", &save),
	     *domain = strtok_r(NULL, " ", &save), *reason = strtok_r(NULL, " ", &save),
	     *word;
	struct str own;

	if (reason == NULL || row->count == MAX)
		die(line, "no message", text);
	own = reason_of(reason);
	str_eat(&own, STR("delivery temporarily suspended: "));
	*m = (struct witness_message){.queue_id = id,
	    .domain = domain,
	    .reason = reason_mark_of(own, false),
	    .of_alarm = true};
	while ((word = strtok_r(NULL, " ", &save)) != NULL) {
		if (strcmp(word, "other") == 0)
			m->of_alarm = false;
		else if (strcmp(word, "cut") == 0)
			m->reason = reason_mark_of((struct str){own.p, CUT}, true);
		else if (strcmp(word, "unknown") == 0)
			m->reason = (struct reason_mark){.len = -1};
		else
			die(line, "no word", word);
	}
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));
	char *save = NULL, *item;

	(void)context;
	if (count != 5)
		die(line, "not five fields", fields[0]);
	row->listings[0] = fields[1];
	row->listings[1] = fields[2];
	row->says[0] = strtok_r(fields[3], " ", &save);
	row->says[1] = strtok_r(NULL, " ", &save);
	if (row->says[1] == NULL)
		die(line, "not two answers", fields[3]);
	save = NULL;
	for (item = strtok_r(fields[0], "|", &save); item != NULL && item[0] != '-';
	     item = strtok_r(NULL, "|", &save))
		take_message(row, line, item);
	suite_add(queue_says, row, "line %u: %s", line, fields[4]);
}

int
main(void)
{
	suite_add(hash_is_sha256, NULL, "reasons are compared by SHA-256");
	suite_read_table("tests/cases/witness.cases", add_row, NULL);
	return suite_run();
}
