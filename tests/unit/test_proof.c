/* SPDX-License-Identifier: BSD-2-Clause */
/* What proves an answer to be unsigned: tests/cases/unsigned.cases. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/proof.h"

#define ROWS_MAX    200
#define REPLIES_MAX 12
#define ANSWER_NAME "mx.d.test"

enum column { NUMBER, ANSWER, REPLIES, VERDICT, WHAT, COLUMNS };

struct scripted {
	char question[NEXTHOP_HOST_SIZE + 8]; /* "DS d.test" */
	struct proof_reply reply;
	unsigned asked;
};

static bool
next_word(struct str *rest, char separator, struct str *word)
{
	if (rest->len == 0)
		return false;
	if (!str_cut(rest, separator, word)) {
		*word = *rest;
		rest->len = 0;
	}
	*word = str_trim(*word);
	return true;
}

static void
parse_ds(struct str text, struct proof_reply *reply)
{
	struct str word, algorithm;

	if (str_is(text, "many")) {
		/* None of those that are held can be used. */
		reply->ds_count = PROOF_DS_MAX + 1;
		return;
	}
	while (next_word(&text, ',', &word)) {
		struct proof_ds *ds = &reply->ds[reply->ds_count++];
		uint64_t number;

		assert_true(next_word(&word, '/', &algorithm));
		assert_true(str_number(algorithm, 255, &number));
		ds->algorithm = (uint8_t)number;
		assert_true(str_number(word, 255, &number));
		ds->digest = (uint8_t)number;
	}
}

static void
parse_nsec(struct str text, struct proof_reply *reply)
{
	struct proof_denial *denial = &reply->denials[reply->denial_count++];

	for (size_t i = 0; i < text.len; i++) {
		denial->ns |= text.p[i] == 'n';
		denial->soa |= text.p[i] == 's';
		denial->ds |= text.p[i] == 'd';
	}
}

static bool
parse_kind(struct str word, enum proof_kind *kind)
{
	static const char *const names[] = {
	    [PROOF_ERROR] = "error",
	    [PROOF_DATA] = "data",
	    [PROOF_NODATA] = "nodata",
	    [PROOF_NXDOMAIN] = "nxdomain",
	    [PROOF_ALIAS] = "alias",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_is(word, names[i])) {
			*kind = (enum proof_kind)i;
			return true;
		}
	}
	return false;
}

static void
parse_reply(struct str text, struct proof_reply *reply, bool *permissive)
{
	struct str word;

	while (next_word(&text, ' ', &word)) {
		if (str_is(word, "ad"))
			reply->ad = true;
		else if (str_is(word, "permissive"))
			*permissive = true;
		else if (str_is(word, "cut"))
			parse_nsec(STR("n"), reply);
		else if (str_eat(&word, STR("nsec=")))
			parse_nsec(word, reply);
		else if (str_eat(&word, STR("soa=")))
			assert_true(str_copy(word, reply->zone, sizeof(reply->zone)));
		else if (str_eat(&word, STR("opt-out=")))
			assert_true(
			    str_copy(word, reply->opt_out, sizeof(reply->opt_out)));
		else if (str_eat(&word, STR("to=")))
			assert_true(str_copy(word, reply->next, sizeof(reply->next)));
		else if (str_eat(&word, STR("ds=")))
			parse_ds(word, reply);
		else if (!parse_kind(word, &reply->kind))
			fail_msg("no word of a reply: %.*s", STR_ARG(word));
	}
}

static unsigned
parse_replies(const char *text, struct scripted *scripted)
{
	struct str rest = str_of(text), part, type, name;
	unsigned count = 0;
	bool ignored = false;

	if (str_is(rest, "-"))
		return 0;
	while (next_word(&rest, '|', &part)) {
		assert_true(count < REPLIES_MAX);
		assert_true(next_word(&part, ' ', &type));
		assert_true(next_word(&part, ' ', &name));
		snprintf(scripted[count].question, sizeof(scripted[count].question),
		    "%.*s %.*s", STR_ARG(type), STR_ARG(name));
		parse_reply(part, &scripted[count++].reply, &ignored);
	}
	return count;
}

static const struct proof_reply *
find_reply(const struct proof *proof, struct scripted *scripted, unsigned count)
{
	static const char *const types[] = {
	    [PROOF_ASK_CNAME] = "CNAME",
	    [PROOF_ASK_SAME] = "SAME",
	    [PROOF_ASK_SOA] = "SOA",
	    [PROOF_ASK_DS] = "DS",
	};
	char question[NEXTHOP_HOST_SIZE + 8];

	snprintf(question, sizeof(question), "%s %s", types[proof->ask], proof->name);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(scripted[i].question, question) == 0) {
			scripted[i].asked++;
			return &scripted[i].reply;
		}
	}
	fail_msg("it asks %s", question);
	return NULL;
}

static void
verdict_is(void **state)
{
	char *const *row = *state;
	struct scripted scripted[REPLIES_MAX] = {0};
	unsigned count = parse_replies(row[REPLIES], scripted), questions = 0;
	struct proof_reply answer = {.kind = PROOF_ERROR};
	struct proof proof;
	bool permissive = false;
	char verdict[80];

	parse_reply(str_of(row[ANSWER]), &answer, &permissive);
	proof_start(&proof, ANSWER_NAME, &answer, permissive);
	while (proof.verdict == PROOF_OPEN) {
		assert_true(++questions <= PROOF_STEPS_MAX * (PROOF_HOPS_MAX + 1));
		proof_take(&proof, find_reply(&proof, scripted, count));
	}
	for (unsigned i = 0; i < count; i++)
		if (scripted[i].asked == 0)
			fail_msg("it does not ask %s", scripted[i].question);
	if (proof.first_hop == PROOF_OPEN)
		snprintf(
		    verdict, sizeof(verdict), "%s", proof_verdict_name(proof.verdict));
	else
		snprintf(verdict, sizeof(verdict), "%s first=%s",
		    proof_verdict_name(proof.verdict),
		    proof_verdict_name(proof.first_hop));
	assert_string_equal(verdict, row[VERDICT]);
}

/* A zone below a zone without end, each as its parent: it ends after so many steps. */
static void
steps_have_an_end(void **state)
{
	struct proof_reply reply = {.kind = PROOF_NODATA};
	unsigned asked = 0;
	struct proof proof;

	(void)state;
	strcpy(reply.zone, "a.b.c.d.e.f.g.h.i.j.k.l.test");
	proof_start(&proof, "a.b.c.d.e.f.g.h.i.j.k.l.test", &reply, false);
	while (proof.verdict == PROOF_OPEN) {
		assert_int_equal(proof.ask, PROOF_ASK_DS);
		strcpy(reply.zone, strchr(proof.name, '.') + 1);
		proof_take(&proof, &reply);
		asked++;
	}
	assert_int_equal(proof.verdict, PROOF_UNSURE);
	assert_int_equal(asked, PROOF_STEPS_MAX);
}

static char *table[ROWS_MAX][COLUMNS];
static size_t row_count;

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	char **row;

	(void)context;
	if (count != COLUMNS || row_count == ROWS_MAX) {
		fprintf(stderr, "unsigned.cases:%u: %zu columns\n", line, count);
		exit(2);
	}
	row = table[row_count++];
	memcpy(row, fields, COLUMNS * sizeof(*row));
	suite_add(verdict_is, row, "%s: %s", row[NUMBER], row[WHAT]);
}

int
main(void)
{
	suite_read_table("tests/cases/unsigned.cases", add_row, NULL);
	suite_add(steps_have_an_end, NULL, "zones below zones without end are given up");
	return suite_run();
}
