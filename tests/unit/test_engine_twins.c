/* SPDX-License-Identifier: BSD-2-Clause */
/* A name in DNS that Postfix looks up by several keys, as its mail is addressed: by
 * A-labels, by composed letters, by letters with their marks apart. They have one past.
 */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "core/answers.h"
#include "dns/idn.h"
#include "enginerig.h"
#include "measure/measure.h"

#define ASCII "xn--bcher-kva.test"
#define COMPOSED \
	"b\xc3\xbc" \
	"cher.test"
#define DECOMPOSED \
	"bu\xcc\x88" \
	"cher.test"

/* Two such letters, and one of each kind: no normal form, and no twin of these. */
#define ASCII_2 "xn--bch-dma6g.test"
#define COMPOSED_2 \
	"b\xc3\xbc" \
	"ch\xc3\xa9.test"
#define DECOMPOSED_2 \
	"bu\xcc\x88" \
	"che\xcc\x81.test"
#define MIXED_2 \
	"b\xc3\xbc" \
	"che\xcc\x81.test"

struct spelled {
	const char *key;
	const char *twins[MEASURE_TWINS + 1];
};

static const struct spelled spelled[] = {
    {ASCII, {COMPOSED, DECOMPOSED}},
    {COMPOSED, {ASCII, DECOMPOSED}},
    {DECOMPOSED, {ASCII, COMPOSED}},
    {"mx." COMPOSED, {"mx." ASCII, "mx." DECOMPOSED}},
    {"[" COMPOSED "]:587", {"[" ASCII "]:587", "[" DECOMPOSED "]:587"}},
    {ASCII ":24", {COMPOSED ":24", DECOMPOSED ":24"}},
    {COMPOSED_2, {ASCII_2, DECOMPOSED_2}},
    {MIXED_2, {ASCII_2, COMPOSED_2, DECOMPOSED_2}},
    {"\xe4\xbe\x8b.test", {"xn--fsq.test"}}, /* it has no marks */
    {"xn--fsq.test", {"\xe4\xbe\x8b.test"}},
    {"a.test", {NULL}},
    {"xn--a.test", {NULL}}, /* no A-label */
    {"xn--zzzzzzzzzzzz99.test", {NULL}},
    {"[192.0.2.1]", {NULL}},
    {".example.org", {NULL}},
    {"unix:private/xn--", {NULL}},
    {"", {NULL}},
};

static void
twins_are(void **state)
{
	const struct spelled *row = *state;
	char twins[MEASURE_TWINS][NEXTHOP_KEY_SIZE];
	unsigned count = measure_twins(row->key, twins);

	for (unsigned i = 0; i < count; i++) {
		assert_non_null(row->twins[i]);
		assert_string_equal(twins[i], row->twins[i]);
	}
	assert_null(row->twins[count]);
}

static bool is_forged;

static const char *
server(void)
{
	return is_forged ? "mx.evil.test" : "mx.real.test";
}

static void
answer(struct measure_item *item)
{
	world_add_host(item, server(), PROMISE_NONE);
	snprintf(item->answers.text, sizeof(item->answers.text),
	    "%s address=insecure tlsa=none", server());
}

static void
does(const struct finger_question *question, struct server *out)
{
	if (strcmp(question->host, "mx.evil.test") == 0)
		world_does_no_tls(question, out);
	else
		world_verifies(question, out);
}

struct pair {
	const char *known, *mailed;
};

static const struct pair pairs[] = {{ASCII, COMPOSED}, {ASCII, DECOMPOSED},
    {COMPOSED, ASCII}, {COMPOSED, DECOMPOSED}, {DECOMPOSED, ASCII},
    {DECOMPOSED, COMPOSED}, {ASCII, ASCII}, {ASCII_2, MIXED_2}, {COMPOSED_2, MIXED_2},
    {DECOMPOSED_2, MIXED_2}};

/* Whoever forges its MX record is held up, however the mail is addressed. */
static void
past_is_shared(void **state)
{
	const struct pair *pair = *state;

	is_forged = false;
	rig_new_with(does);
	rig_close();
	world.answer = answer;
	world.sessions_logged = true;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	for (int i = 0; i < 2; i++) {
		rig_log_session("Verified", "mx.real.test[192.0.2.1]:25");
		rig_log_status(
		    pair->known, "mx.real.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
		rig_save();
		world_wait(rig.engine, DAY);
	}
	is_forged = true;
	world_wait(rig.engine, 2 * HOUR);
	for (int i = 0; i < 4; i++) {
		rig_log_status(pair->mailed, "mx.evil.test[192.0.2.66]:25", "4.7.4",
		    "deferred (" NOT_OFFERED ")");
		rig_save();
		world_wait(rig.engine, 11 * MIN);
	}
	rig_assert_judged(pair->mailed, LEVEL_NONE, WHY_HOLD);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	for (size_t i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++)
		suite_add(
		    twins_are, &spelled[i], "other spellings of \"%s\"", spelled[i].key);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		suite_add(past_is_shared, &pairs[i], "%s holds %s", pairs[i].known,
		    pairs[i].mailed);
	return rig_end(suite_run());
}
