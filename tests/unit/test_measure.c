/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of fact sources: what each row says, when it is wanted, how long its answer
 * serves.
 */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake.h"
#include "measure/measure_impl.h"

static char other_map[] = "hash:/other";
static char *const other_maps[] = {other_map, NULL};

/* --- the rows ---------------------------------------------------------------------- */

static void
row_states_its_columns(void **state)
{
	const struct measure_source *row = *(const struct measure_source *const *)*state;
	struct answers answers = {.remembered = true};

	assert_true(row->name != NULL && row->name[0] != '\0');
	assert_non_null(row->wanted);
	assert_true((row->ask != NULL) != (row->ask_all != NULL));
	assert_non_null(row->unasked);
	assert_non_null(row->serves_ms);
	assert_non_null(row->kept.save);
	assert_non_null(row->kept.load);
	/* Whatever it keeps, it is not this. */
	assert_false(row->kept.load(STR("?\xff"), &answers));
	assert_non_null(row->trouble.label);
	assert_non_null(row->trouble.member);
	assert_non_null(row->trouble.warning);
	assert_int_equal(row->trouble.label[0] == '\0', row->trouble.member[0] == '\0');
	assert_non_null(row->explain.title);
	assert_non_null(row->explain.text);
	assert_non_null(row->explain.json);
	assert_non_null(row->check.before_hosts);
	assert_non_null(row->check.host);
	assert_non_null(row->check.behind_hosts);
	assert_non_null(row->check.json);
	assert_non_null(row->check.json_host);
}

/* They stand before what is kept (core/facts.h). */
static void
names_differ(void **state)
{
	(void)state;
	for (size_t i = 0; i < FACT_COUNT; i++) {
		assert_true(strlen(measure_sources[i]->name) < 32);
		assert_null(strpbrk(measure_sources[i]->name, " \n"));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(
			    measure_sources[i]->name, measure_sources[j]->name);
	}
}

/* All answers were there before, so what is unasked must not be left from them. */
static void
row_says_what_is_unasked(void **state)
{
	struct answers answers;

	(void)state;
	memset(&answers, 0xff, sizeof(answers));
	for (size_t s = 0; s < FACT_COUNT; s++)
		measure_sources[s]->unasked(&answers);
	assert_int_equal(answers.other_map, ANSWER_NO);
	assert_int_equal(answers.dane.state, DANE_UNSURE);
	assert_true(answers.relay_fits);
	assert_string_equal(answers.text, "");
	assert_int_equal(answers.probed, LEVEL_UNKNOWN);
	assert_int_equal(answers.probe_works, ANSWER_UNSURE);
	for (size_t l = 0; l < LEVEL_COUNT; l++)
		assert_int_equal(answers.works[l], ANSWER_UNSURE);
}

/* --- wanted ------------------------------------------------------------------------ */

struct wanted_row {
	const char *what;
	int source;
	bool wanted;
	bool other_maps;
	enum measure_probing probing;
	enum level up_to;
	enum dane_state dane;
	enum answer other_map;
	enum answer verify;
};

static const struct wanted_row wanted_rows[] = {
    {"always", FACT_dns, true, .dane = DANE_UNSURE},
    {"where there are other maps", FACT_maps, true, .other_maps = true},
    {"where there is none", FACT_maps, false, .other_maps = false},
    {"unless the servers are to be probed", FACT_hosts, false, .dane = DANE_NONE},
    {"host by host", FACT_hosts, true, .probing = MEASURE_PROBE_HOSTS, .dane = DANE_NONE},
    {"host by host, whatever DNS says", FACT_hosts, true, .probing = MEASURE_PROBE_HOSTS,
        .dane = DANE_UNSURE},
    {"of hosts that take no mail", FACT_hosts, false, .probing = MEASURE_PROBE_HOSTS,
        .dane = DANE_NO_MAIL},
    {"unless they are to be probed", FACT_servers, false, .dane = DANE_NONE,
        .other_map = ANSWER_NO},
    {"at secure, after hosts that verify", FACT_servers, true,
        .probing = MEASURE_PROBE_HOSTS, .up_to = LEVEL_SECURE, .dane = DANE_NONE,
        .verify = ANSWER_YES},
    {"after hosts that do not verify", FACT_servers, false,
        .probing = MEASURE_PROBE_HOSTS, .up_to = LEVEL_SECURE, .dane = DANE_NONE,
        .verify = ANSWER_NO},
    {"after hosts, under another default", FACT_servers, false,
        .probing = MEASURE_PROBE_HOSTS, .up_to = LEVEL_VERIFY, .dane = DANE_NONE,
        .verify = ANSWER_YES},
};

static void
source_is_wanted(void **state)
{
	const struct wanted_row *row = *state;
	struct measure_settings settings = {
	    .node.other_maps = row->other_maps ? other_maps : NULL};
	struct measure_item item = {
	    .probing = row->probing,
	    .probe_up_to = row->up_to,
	    .answers = {.dane = {.state = row->dane}, .other_map = row->other_map},
	};

	item.answers.works[LEVEL_VERIFY] = row->verify;
	assert_int_equal(
	    measure_sources[row->source]->wanted(&settings, &item), row->wanted);
}

/* --- serves ------------------------------------------------------------------------ */

struct serves_row {
	const char *what;
	int source;
	enum dane_state dane;
	uint32_t ttl_s;
	int64_t serves_ms;
};

static const struct serves_row serves_rows[] = {
    {"its TTL", FACT_dns, DANE_NONE, 60, 60000},
    {"no longer than five minutes", FACT_dns, DANE_USABLE, 86400, 300000},
    {"not, with a TTL of 0", FACT_dns, DANE_NONE, 0, 0},
    {"not, where it could not tell", FACT_dns, DANE_UNSURE, 60, 0},
    {"not: an administrator changes them at any time", FACT_maps, DANE_NONE, 60, 0},
    {"not yet", FACT_hosts, DANE_NONE, 60, 0},
    {"not yet", FACT_servers, DANE_NONE, 60, 0},
};

static void
answer_serves(void **state)
{
	const struct serves_row *row = *state;
	struct answers answers = {.dane = {.state = row->dane, .ttl_s = row->ttl_s}};

	assert_int_equal(
	    measure_sources[row->source]->serves_ms(&answers), row->serves_ms);
}

static void
every_wanted_source_must_serve(void **state)
{
	struct measure_settings settings = {.node.other_maps = NULL};
	struct measure_item item = {
	    .answers = {.other_map = ANSWER_NO, .dane = {.state = DANE_NONE}}};

	(void)state;
	for (size_t s = 0; s < FACT_COUNT; s++)
		if (measure_sources[s]->wanted(&settings, &item))
			item.answers.sources[s].serves_ms = 60000;
	assert_true(measure_serves(&settings, &item));
	item.answers.sources[FACT_dns].serves_ms = 0;
	assert_false(measure_serves(&settings, &item));
	item.answers.sources[FACT_dns].serves_ms = 60000;
	settings.node.other_maps = other_maps;
	assert_false(measure_serves(&settings, &item));
	settings.node.other_maps = NULL;
	item.probing = MEASURE_PROBE_HOSTS;
	assert_false(measure_serves(&settings, &item));
	/* Where no mail is taken, no server would be asked. */
	item.answers.dane.state = DANE_NO_MAIL;
	assert_true(measure_serves(&settings, &item));
}

/* Postfix logged in there, and does so no more. */
static void
what_is_wanted_no_more_is_forgotten(void **state)
{
	struct measure_settings settings = {.node.credentials = {.used = true}};
	struct measure_item item = {.answers = {.other_map = ANSWER_NO,
	                                .credentials = ANSWER_YES,
	                                .dane = {.state = DANE_NONE}}};

	(void)state;
	item.answers.sources[FACT_dns].serves_ms = 60000;
	item.answers.sources[FACT_credentials].serves_ms = 60000;
	assert_true(measure_serves(&settings, &item));
	assert_int_equal(item.answers.credentials, ANSWER_YES);
	settings.node.credentials.used = false;
	assert_true(measure_serves(&settings, &item));
	assert_int_equal(item.answers.credentials, ANSWER_NO);
}

int
main(void)
{
	int status;

	fake_begin();
	for (size_t s = 0; s < FACT_COUNT; s++)
		suite_add(row_states_its_columns, &measure_sources[s],
		    "%s states its columns", measure_sources[s]->name);
	suite_add(names_differ, NULL, "no two sources have one name, which is a word");
	suite_add(row_says_what_is_unasked, NULL,
	    "what was not asked has values of its own in the answers");
	FAKE_ROWS(source_is_wanted, wanted_rows, "%s %s: %s",
	    measure_sources[wanted_rows[i].source]->name,
	    wanted_rows[i].wanted ? "is wanted" : "is not wanted", wanted_rows[i].what);
	FAKE_ROWS(answer_serves, serves_rows, "%s serves %s",
	    measure_sources[serves_rows[i].source]->name, serves_rows[i].what);
	suite_add(what_is_wanted_no_more_is_forgotten, NULL,
	    "what other settings wanted says nothing under these");
	suite_add(every_wanted_source_must_serve, NULL,
	    "answers serve again where each source that is wanted says so");
	status = suite_run();
	fake_end();
	return status;
}
