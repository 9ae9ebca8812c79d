/* SPDX-License-Identifier: BSD-2-Clause */
/* Which servers are a destination's own, and what was seen at those of which DNS has not
 * told: the rules alone. test_evidence_servers has the daemon by them. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "core/destination_impl.h"
#include "core/fold.h"

#define NOW (100 * SPAN_DAY_MS)

static struct destination d;

static void
begin(const char *key, const char *state, const char *text, int64_t asked_ms)
{
	destination_init(&d, key);
	strcpy(d.dns.state, state);
	strcpy(d.dns.text, text);
	d.dns.time_ms = asked_ms;
}

#define MX "mx.d.test address=insecure tlsa=none"

struct row {
	const char *key, *state, *text;
	int64_t asked_ms;
	const char *accepted; /* a name that DNS had before; NULL: none */
	const char *host;
	uint16_t port;
	int64_t flow_ms, bare_ms;
	enum answer is_own, flows;
	bool had;
};

static const struct row rows[] = {
    /* by its name */
    {"d.test", "", "", 0, NULL, "D.test", 25, NOW, 0, ANSWER_YES, ANSWER_YES, false},
    {"[d.test]", "", "", 0, NULL, "d.test", 25, NOW, 0, ANSWER_YES, ANSWER_YES, false},
    {"[d.test]:26", "", "", 0, NULL, "d.test", 25, NOW, 0, ANSWER_NO, ANSWER_NO, false},
    {"[d.test]:26", "", "", 0, NULL, "d.test", 0, NOW, 0, ANSWER_YES, ANSWER_YES, false},
    {"[d.test]:odd", "", "", 0, NULL, "d.test", 25, NOW, 0, ANSWER_YES, ANSWER_YES,
        false},
    /* nobody was asked yet */
    {"d.test", "", "", 0, NULL, "mx.d.test", 25, NOW, 0, ANSWER_UNSURE, ANSWER_YES,
        false},
    /* DNS told */
    {"d.test", "none", MX, NOW, NULL, "mx.d.test", 25, NOW, 0, ANSWER_YES, ANSWER_YES,
        false},
    {"d.test", "none", MX, NOW, NULL, "mx.e.test", 25, NOW, 0, ANSWER_NO, ANSWER_NO,
        false},
    {"d.test", "none", MX, NOW - SPAN_DAY_MS, NULL, "mx.e.test", 25, NOW, 0, ANSWER_NO,
        ANSWER_NO, false},
    {"d.test", "none", MX, NOW - SPAN_DAY_MS - 1, NULL, "mx.e.test", 25, NOW, 0,
        ANSWER_UNSURE, ANSWER_UNSURE, false},
    {"d.test", "none", MX, NOW - SPAN_DAY_MS - 1, NULL, "mx.e.test", 25, 0, NOW,
        ANSWER_UNSURE, ANSWER_UNSURE, false},
    {"d.test", "unsure", MX, NOW, NULL, "mx.e.test", 25, NOW, 0, ANSWER_UNSURE,
        ANSWER_UNSURE, false},
    {"d.test", "none", "", NOW, NULL, "mx.e.test", 25, NOW, 0, ANSWER_UNSURE,
        ANSWER_UNSURE, false},
    /* it was one of its own */
    {"d.test", "none", MX, NOW, "mx.old.test", "MX.old.test", 25, NOW, 0, ANSWER_YES,
        ANSWER_YES, true},
    {"d.test", "unsure", MX, NOW, "mx.old.test", "mx.old.test", 25, NOW, 0, ANSWER_YES,
        ANSWER_YES, false},
    {"d.test", "none", MX, NOW, "mx.d.test", "mx.d.test", 25, NOW, 0, ANSWER_YES,
        ANSWER_YES, false},
    {"d.test", "none", MX, NOW, "d.test", "d.test", 25, NOW, 0, ANSWER_YES, ANSWER_YES,
        false},
    {"d.test", "none", MX, NOW, "mx.old.test", "mx.e.test", 25, NOW, 0, ANSWER_NO,
        ANSWER_NO, false},
    /* a parent is a key, and none that mail goes to */
    {".d.test", "none", MX, NOW, NULL, "d.test", 25, NOW, 0, ANSWER_UNSURE, ANSWER_UNSURE,
        false},
    {".d.test", "none", MX, NOW, "mx.old.test", "mx.old.test", 25, NOW, 0, ANSWER_UNSURE,
        ANSWER_UNSURE, false},
};

static void
is_own(void **state)
{
	const struct row *row = *state;
	char name[64];
	struct fold_host host = {.name = name,
	    .port = row->port,
	    .flow_ms = row->flow_ms,
	    .bare_ms = row->bare_ms};

	strcpy(name, row->host);
	begin(row->key, row->state, row->text, row->asked_ms);
	if (strcmp(row->key, "[d.test]:26") == 0)
		d.port = 26;
	if (row->accepted != NULL)
		destination_accept_server(&d, row->accepted, NOW);
	assert_int_equal(destination_has_server(&d, &host), row->is_own);
	assert_int_equal(destination_flows_at(&d, &host), row->flows);
	assert_int_equal(destination_had_server(&d, &host), row->had);
	destination_clear(&d);
}

/* What DNS told is not all kept: a server that is not in it may be one of its own. */
static void
more_hosts_than_are_kept(void **state)
{
	char name[] = "mx.e.test";
	struct fold_host host = {.name = name, .flow_ms = NOW};

	(void)state;
	begin("d.test", "none", MX, NOW);
	memset(d.dns.text + strlen(d.dns.text), ' ',
	    sizeof(d.dns.text) - 1 - strlen(d.dns.text));
	d.dns.text[sizeof(d.dns.text) - 1] = '\0';
	assert_int_equal(destination_has_server(&d, &host), ANSWER_UNSURE);
	assert_int_equal(destination_flows_at(&d, &host), ANSWER_YES);
	destination_clear(&d);
}

/* The last ones are kept. */
static void
accepted_are_bounded(void **state)
{
	char name[FACT_TEXT_SIZE + 8];
	struct fold_host host = {.name = name};

	(void)state;
	begin("d.test", "none", MX, NOW);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "mx%02d.old.test", i);
		destination_accept_server(&d, name, NOW);
		destination_accept_server(&d, name, NOW); /* once is enough */
	}
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "mx%02d.old.test", i);
		assert_int_equal(destination_has_server(&d, &host),
		    i >= 40 - (FACT_TEXT_SIZE - 1) / 14 ? ANSWER_YES : ANSWER_NO);
	}
	memset(name, 'a', sizeof(name));
	name[FACT_TEXT_SIZE - 1] = '\0'; /* with its blank it has no room */
	destination_accept_server(&d, name, NOW);
	assert_int_equal(destination_has_server(&d, &host), ANSWER_NO);
	name[FACT_TEXT_SIZE - 2] = '\0';
	destination_accept_server(&d, name, NOW);
	assert_int_equal(destination_has_server(&d, &host), ANSWER_YES);
	strcpy(name, "mx39.old.test"); /* it needed all the room */
	assert_int_equal(destination_has_server(&d, &host), ANSWER_NO);
	destination_clear(&d);
}

/* --- whose servers are to be asked for -----------------------------------------------
 */

/* Only of one of which nothing is known is DNS asked for that alone. */
static void
only_new_ones_are_checked(void **state)
{
	static const enum {
		NOTHING,
		LOOKED,
		ASKED,
		FAILS,
		PINNED,
		ENTRY,
		JUDGED,
		KNOWN
	} cases[] = {NOTHING, LOOKED, ASKED, FAILS, PINNED, ENTRY, JUDGED};

	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		begin("d.test", "", "", 0);
		d.past.verify_ms = NOW;
		if (cases[i] == LOOKED)
			d.look_ms = 7;
		else if (cases[i] == ASKED)
			d.dns.time_ms = NOW;
		else if (cases[i] == FAILS)
			d.alarm.raised = true;
		else if (cases[i] == PINNED)
			d.pin.set = true;
		else if (cases[i] == ENTRY)
			d.entry.level = LEVEL_ENCRYPT;
		else if (cases[i] == JUDGED)
			d.why = WHY_ELSEWHERE;
		destination_check_servers(&d, NOW);
		assert_int_equal(d.look_ms,
		    cases[i] == NOTHING      ? NOW
		        : cases[i] == LOOKED ? 7
		                             : 0);
		assert_int_equal(destination_checks_servers(&d), cases[i] == NOTHING);
		/* It was due for that; what came since is another reason. */
		d.look_ms = NOW;
		assert_int_equal(destination_checks_servers(&d),
		    cases[i] == NOTHING || cases[i] == LOOKED || cases[i] == JUDGED);
		destination_clear(&d);
	}
}

/* --- servers of which DNS has not told -----------------------------------------------
 */

static void
seen_at(const char *name, enum level level, int64_t at_ms)
{
	destination_seen_at(&d, name, level, at_ms);
}

static void
settle(const char *state, const char *text)
{
	strcpy(d.dns.state, state);
	strcpy(d.dns.text, text);
	d.dns.time_ms = NOW;
	destination_settle_servers(&d);
}

/* It counts at once, and no more when DNS tells that it is another's. */
static void
what_anothers_did_is_forgotten(void **state)
{
	(void)state;
	begin("d.test", "", "", 0);
	destination_seen(&d, LEVEL_ENCRYPT, 5);
	seen_at("mx.d.test", LEVEL_VERIFY, 7);
	seen_at("relay.test", LEVEL_DANE_ONLY, 8);
	seen_at("relay.test", LEVEL_SECURE, 9);
	destination_seen(&d, LEVEL_ENCRYPT, 10);
	seen_at("mx.d.test", LEVEL_VERIFY, 0); /* at no time */
	seen_at("a b", LEVEL_SECURE, 11);      /* no name */
	destination_seen(&d, LEVEL_SECURE, 0);
	assert_int_equal(d.past.encrypt_ms, 10);
	assert_int_equal(d.past.verify_ms, 9);
	assert_int_equal(d.past.dane_ms, 8);
	assert_int_equal(d.past.secure_ms, 9);
	settle("unsure", ""); /* nothing is told */
	assert_int_equal(d.past.dane_ms, 8);
	settle("none", MX);
	assert_int_equal(d.past.encrypt_ms, 10);
	assert_int_equal(d.past.verify_ms, 7);
	assert_int_equal(d.past.dane_ms, 0);
	assert_int_equal(d.past.secure_ms, 0);
	settle("none", ""); /* that is over */
	assert_int_equal(d.past.verify_ms, 7);
	destination_clear(&d);
}

/* Of more than there is room for the first count, whosever they are. */
static void
of_many_the_first_count(void **state)
{
	(void)state;
	begin("d.test", "", "", 0);
	seen_at("a.test", LEVEL_ENCRYPT, 1);
	seen_at("b.test", LEVEL_ENCRYPT, 2);
	seen_at("c.test", LEVEL_ENCRYPT, 3);
	seen_at("e.test", LEVEL_ENCRYPT, 4);
	assert_int_equal(d.past.encrypt_ms, 4);
	settle("none", MX);
	assert_int_equal(d.past.encrypt_ms, 1);
	destination_clear(&d);
}

static void
of_long_names_the_first_count(void **state)
{
	char a[200], b[200];

	(void)state;
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	a[150] = b[150] = '\0';
	begin("d.test", "", "", 0);
	seen_at(a, LEVEL_VERIFY, 1);
	seen_at(b, LEVEL_VERIFY, 2);
	assert_int_equal(d.past.verify_ms, 2);
	settle("none", MX);
	assert_int_equal(d.past.verify_ms, 1);
	/* No room even for one: it counts. */
	memset(a, 'a', sizeof(a));
	a[199] = '\0';
	d.past.encrypt_ms = d.past.verify_ms = d.past.secure_ms = d.past.dane_ms =
	    INT64_C(1000000000000000);
	seen_at(a, LEVEL_VERIFY, INT64_C(1000000000000001));
	settle("none", MX);
	assert_int_equal(d.past.verify_ms, INT64_C(1000000000000001));
	destination_clear(&d);
}

/* What was stored and is none of it: nothing is known then. */
static void
damaged_is_as_nothing(void **state)
{
	static const char *const texts[] = {"", "x", "x ", "1,2,3 a.test", "1,2,3,4 ",
	    "1,2,3,4, ", "1,2,3,4, x,2,3,4,a.test ", "1,2,3,4, 1,2,3,4 "};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fact fact = {.name = STR("unproven"), .text = str_of(texts[i])};

		begin("d.test", "", "", 0);
		facts_put(d.facts, &fact);
		d.past.encrypt_ms = 7;
		settle("none", MX);
		assert_int_equal(d.past.encrypt_ms, 7);
		seen_at("relay.test", LEVEL_ENCRYPT, 9);
		assert_int_equal(d.past.encrypt_ms, 9);
		settle("none", MX);
		assert_int_equal(d.past.encrypt_ms, 7);
		destination_clear(&d);
	}
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(
		    is_own, &rows[i], "row %zu: %s at %s", i, rows[i].host, rows[i].key);
	suite_add(more_hosts_than_are_kept, NULL,
	    "what DNS told and is not all kept excludes nobody");
	suite_add(accepted_are_bounded, NULL, "of those that DNS had the last are kept");
	suite_add(only_new_ones_are_checked, NULL,
	    "DNS is asked for its servers alone where nothing is known");
	suite_add(what_anothers_did_is_forgotten, NULL,
	    "what was seen at another's is forgotten");
	suite_add(of_many_the_first_count, NULL, "of many servers the first count");
	suite_add(of_long_names_the_first_count, NULL,
	    "of names that have no room the first count");
	suite_add(damaged_is_as_nothing, NULL, "what is damaged is as nothing");
	return suite_run();
}
