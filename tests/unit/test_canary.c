/* SPDX-License-Identifier: BSD-2-Clause */
/* Canaries: hosts of others that are known to verify say whether a fault is ours. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "enginerig.h"

/* --- the servers ------------------------------------------------------------------- */

static const char *good;   /* hosts that verify, with a blank around each */
static const char *silent; /* ... that say nothing */

static bool
is_among(const char *names, const char *host)
{
	char word[NEXTHOP_HOST_SIZE + 2];

	snprintf(word, sizeof(word), " %s ", host);
	return strstr(names, word) != NULL;
}

static void
answer(const struct finger_question *question, struct server *server)
{
	if (is_among(silent, question->host))
		world_is_silent(question, server);
	else if (is_among(good, question->host))
		world_verifies(question, server);
	else
		world_self_signed(question, server);
}

/* All but one that is asked for itself. */
static void
answer_slowly(const struct finger_question *question, struct server *server)
{
	answer(question, server);
	if (strcmp(question->host, "mx.x.test") == 0)
		return;
	world_pass(30 * SECOND / 4); /* four at once take as long as one */
	world_is_silent(question, server);
}

static void
begin(void)
{
	rig_new_settled();
	world.finger = answer;
	good = silent = "";
}

/* A probe found it to verify so long ago. */
static void
prove(const char *name, int64_t ago_ms)
{
	struct host_past past = {
	    .verify_ms = world.wall_ms - ago_ms, .proven_ms = world.wall_ms - ago_ms};

	assert_true(store_host_add(rig.store, name, 25, &past, &kit_err));
}

/* The log called it verified. */
static void
verify(const char *name, int64_t ago_ms)
{
	struct host_past past = {.verify_ms = world.wall_ms - ago_ms};

	assert_true(store_host_add(rig.store, name, 25, &past, &kit_err));
}

static void
configure(const char *name)
{
	struct strings *names = &rig.config.probe.canaries;

	names->items = mem_array(names->items, names->count + 1, sizeof(*names->items));
	names->items[names->count++] = mem_strdup(name);
}

static void
deferred(const char *domain)
{
	rig_defer(domain);
	world_wait(rig.engine, 2 * MIN);
}

static void
assert_asked(const char *hosts)
{
	assert_string_equal(buf_text(&world.fingered_hosts), hosts);
	buf_reset(&world.fingered_hosts);
}

#define STEPS(domain)   rig_assert_judged(domain, LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC)
#define FREEZES(domain) rig_assert_judged(domain, LEVEL_NONE, WHY_FREEZE)

/* --- what they say ----------------------------------------------------------------- */

struct outcome {
	const char *what;
	const char *proven, *older, *logged, *configured; /* one each; NULL: none */
	const char *good, *silent;
	bool freezes;
	const char *asked; /* candidates that are no canaries beforehand */
};

static const struct outcome outcomes[] = {
    {.what = "no canary: as without", .good = "", .asked = "mx.a.test "},
    {.what = "it verifies",
        .proven = "mx.b.test",
        .good = " mx.b.test ",
        .asked = "mx.a.test mx.b.test "},
    {.what = "it fails",
        .proven = "mx.b.test",
        .good = "",
        .freezes = true,
        .asked = "mx.a.test mx.b.test "},
    {.what = "one fails, the next one verifies",
        .proven = "mx.b.test",
        .older = "mx.c.test",
        .good = " mx.c.test ",
        .asked = "mx.a.test mx.b.test mx.c.test "},
    {.what = "one fails, one is silent",
        .proven = "mx.b.test",
        .older = "mx.c.test",
        .good = "",
        .silent = " mx.c.test ",
        .freezes = true,
        .asked = "mx.a.test mx.b.test mx.c.test "},
    {.what = "it is silent",
        .proven = "mx.b.test",
        .good = "",
        .silent = " mx.b.test ",
        .asked = "mx.a.test mx.b.test "},
    {.what = "of the same parent domain it is none",
        .proven = "other.a.test",
        .good = "",
        .asked = "mx.a.test "},
    {.what = "two of one parent domain are one",
        .proven = "mx1.b.test",
        .older = "mx2.b.test",
        .good = "",
        .freezes = true,
        .asked = "mx.a.test mx1.b.test "},
    {.what = "one that the log calls verified is not known to be",
        .logged = "mx.d.test",
        .good = "",
        .asked = "mx.d.test mx.a.test "},
    {.what = "it speaks for us, once it verifies",
        .proven = "mx.b.test",
        .logged = "mx.d.test",
        .good = " mx.d.test ",
        .asked = "mx.d.test mx.a.test mx.b.test "},
    {.what = "nor is one of the configuration",
        .configured = "mx.e.test",
        .good = "",
        .asked = "mx.e.test mx.a.test "},
    {.what = "which comes first where it is proven, too",
        .proven = "mx.b.test",
        .older = "mx.e.test",
        .configured = "mx.e.test",
        .good = " mx.e.test ",
        .asked = "mx.a.test mx.e.test "},
};

static void
canary_says(void **state)
{
	const struct outcome *row = *state;

	begin();
	good = row->good;
	silent = row->silent != NULL ? row->silent : "";
	if (row->proven != NULL)
		prove(row->proven, DAY);
	if (row->older != NULL)
		prove(row->older, 2 * DAY);
	if (row->logged != NULL)
		verify(row->logged, HOUR);
	if (row->configured != NULL)
		configure(row->configured);
	rig_defer_because("a.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 2 * MIN);
	assert_asked(row->asked);
	rig_assert_judged("a.test", row->freezes ? LEVEL_NONE : LEVEL_ENCRYPT,
	    row->freezes ? WHY_FREEZE : WHY_NOT_AUTHENTIC);
	rig_close();
}

/* --- when they are asked ------------------------------------------------------------ */

/* Enough are proven, so that none is asked but for an alarm. */
static void
begin_with_three(void)
{
	begin();
	good = " mx.b.test mx.c.test mx.d.test ";
	prove("mx.b.test", HOUR);
	prove("mx.c.test", 2 * HOUR);
	prove("mx.d.test", 3 * HOUR);
}

static void
its_answer_serves_older_alarms(void **state)
{
	(void)state;
	begin_with_three();
	rig_defer_because("x.test", NOT_VERIFIED);
	rig_defer_because("y.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, MIN);
	STEPS("x.test");
	STEPS("y.test");
	assert_int_equal(world.fingered, 3);
	/* A younger one needs a younger answer. */
	world_wait(rig.engine, MIN);
	deferred("z.test");
	STEPS("z.test");
	assert_int_equal(world.fingered, 5);
	rig_close();
}

/* In a burst one alarm follows the other, and each needs an answer that is younger. */
static void
another_is_asked_while_one_rests(void **state)
{
	(void)state;
	begin_with_three();
	for (const char *c = "xyz"; *c != '\0'; c++) {
		char domain[] = "?.test";

		domain[0] = *c;
		rig_defer_because(domain, NOT_VERIFIED);
		rig_save();
		world_wait(rig.engine, 6 * SPAN_SECOND_MS);
		STEPS(domain);
	}
	assert_int_equal(world.fingered, 6);
	/* With all of them at rest the first that may be asked is waited for. */
	rig_defer_because("w.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 6 * SPAN_SECOND_MS);
	rig_assert_entry("w.test", LEVEL_NONE);
	world_wait(rig.engine, 15 * SPAN_SECOND_MS);
	STEPS("w.test");
	assert_int_equal(world.fingered, 8);
	rig_close();
}

/* That one verifies, and one that rests cannot say so, is no freeze. */
static void
one_that_rests_is_waited_for(void **state)
{
	(void)state;
	begin_with_three();
	good = " mx.b.test ";
	rig_defer_because("x.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 6 * SPAN_SECOND_MS);
	STEPS("x.test");
	rig_defer_because("y.test", NOT_VERIFIED);
	rig_save();
	world_wait(rig.engine, 6 * SPAN_SECOND_MS);
	rig_assert_entry("y.test", LEVEL_NONE);
	world_wait(rig.engine, 30 * SPAN_SECOND_MS);
	STEPS("y.test");
	rig_close();
}

/* A held destination: its first attempt is old, each of its later ones may be served for
 * ten minutes. */
static void
its_answer_serves_ten_minutes(void **state)
{
	unsigned before;

	(void)state;
	begin_with_three();
	verify("mx.x.test", 30 * DAY);
	deferred("x.test");
	rig_assert_judged("x.test", LEVEL_NONE, WHY_HOLD);
	world_wait(rig.engine, 5 * MIN);
	before = world.fingered;
	deferred("x.test"); /* its server is asked anew, the canary is not */
	assert_int_equal(world.fingered, before + 1);
	world_wait(rig.engine, 10 * MIN);
	before = world.fingered;
	deferred("x.test");
	assert_int_equal(world.fingered, before + 2);
	rig_close();
}

static void
freeze_thaws_when_it_verifies(void **state)
{
	(void)state;
	begin_with_three();
	good = "";
	deferred("x.test");
	FREEZES("x.test");
	world_wait(rig.engine, HOUR);
	FREEZES("x.test");
	good = " mx.b.test ";
	world_wait(rig.engine, 15 * MIN);
	kit_assert(STATE, "SELECT value FROM counter WHERE name = 'frozen-ms'", "0\n");
	FREEZES("x.test"); /* what failed meanwhile must fail once more */
	rig_defer("x.test");
	world_wait(rig.engine, 15 * MIN);
	STEPS("x.test");
	rig_close();
}

/* Nothing fails any more, so that nothing is judged: mail that flows has a canary asked,
 * once a minute. */
static void
freeze_thaws_while_mail_flows(void **state)
{
	char id[64];

	(void)state;
	begin();
	prove("mx.good.test", HOUR);
	deferred("b.test");
	FREEZES("b.test");
	snprintf(id, sizeof(id), "%s", rig_last_id());
	buf_reset(&world.fingered_hosts);
	for (int i = 0; i < 30; i++) {
		rig_log_status(
		    "c.test", "mx.c.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
		rig_save();
		world_wait(rig.engine, SECOND);
	}
	assert_asked("mx.c.test mx.good.test "); /* the first may become one */
	kit_assert(
	    STATE, "SELECT value <> 0 FROM counter WHERE name = 'frozen-ms'", "1\n");
	good = " mx.good.test ";
	world_unqueue(id);
	world_wait(rig.engine, MIN);
	rig_log_status("c.test", "mx.c.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 5 * SECOND);
	kit_assert(STATE, "SELECT value FROM counter WHERE name = 'frozen-ms'", "0\n");
	rig_close();
}

/* --- canaries of a stranger --------------------------------------------------------- */

#define STRANGERS 20

static void
prove_many(const char *prefix, unsigned count, int64_t ago_ms)
{
	char name[NEXTHOP_HOST_SIZE];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "mx.%s%u.test", prefix, i);
		prove(name, ago_ms + i * MIN);
	}
}

static unsigned
count_asked(void)
{
	unsigned count = 0;

	for (const char *p = buf_text(&world.fingered_hosts); *p != '\0'; p++)
		count += *p == ' ';
	return count;
}

/* So many strangers were proven last, and fail now; three others verify, as they did a
 * day ago. */
static void
begin_with_strangers(unsigned strangers)
{
	begin();
	good = " mx.g0.test mx.g1.test mx.g2.test ";
	prove_many("evil", strangers, HOUR);
	prove_many("g", 3, DAY);
}

/* One of the few others is asked all the same. */
static void
strangers_that_were_proven_last_do_not_freeze(void **state)
{
	(void)state;
	begin_with_strangers(STRANGERS);
	verify("mx.g1.test", MIN); /* mail of others goes there */
	deferred("x.test");
	STEPS("x.test");
	assert_true(count_asked() <= 7);
	/* Nor where no mail went to them for a day. */
	begin_with_strangers(6);
	deferred("x.test");
	STEPS("x.test");
	rig_close();
}

static void
configured_one_is_asked_before_strangers(void **state)
{
	(void)state;
	begin();
	good = " mx.mine.test ";
	prove_many("evil", STRANGERS, HOUR);
	configure("mx.mine.test");
	deferred("x.test");
	assert_asked("mx.x.test mx.mine.test ");
	STEPS("x.test");
	rig_close();
}

/* A known server verified since the freeze began, as a probe found; what the log says
 * anybody may have written. */
static void
probes_speak_against_canaries(void **state)
{
	(void)state;
	begin_with_three();
	good = "";
	deferred("x.test");
	FREEZES("x.test");
	world_wait(rig.engine, HOUR);
	deferred("x.test");
	FREEZES("x.test");
	verify("mx.c.test", 0);
	kit_run(STATE,
	    "INSERT OR REPLACE INTO counter SELECT 'verified-ms', max(verify_ms) "
	    "FROM host");
	world_pass(MIN);
	deferred("x.test");
	FREEZES("x.test");
	prove("mx.c.test", 0);
	world_pass(MIN);
	deferred("x.test");
	STEPS("x.test");
	/* Long ago it does not: the fault may be a new one. */
	world_wait(rig.engine, 3 * HOUR);
	deferred("y.test");
	FREEZES("y.test");
	rig_close();
}

/* All of them fail: a fault of ours. */
static void
all_that_are_asked_fail(void **state)
{
	(void)state;
	begin();
	prove_many("g", STRANGERS, HOUR);
	deferred("x.test");
	FREEZES("x.test");
	assert_int_equal(count_asked(), 1 + 12);
	world_wait(rig.engine, 2 * MIN);
	assert_int_equal(count_asked(), 1 + 12);
	rig_close();
}

/* Half a minute each, so that the first one's silence is old when the last one's comes.
 */
static void
all_that_are_asked_are_silent(void **state)
{
	(void)state;
	begin();
	world.finger = answer_slowly;
	prove_many("g", STRANGERS, HOUR);
	deferred("x.test");
	world_wait(rig.engine, 10 * MIN);
	STEPS("x.test");
	assert_int_equal(count_asked(), 1 + 12);
	rig_close();
}

/* A clock a year ahead: nothing verifies, and whoever did before it is still known. */
static void
clock_ahead_forgets_none(void **state)
{
	(void)state;
	begin_with_three();
	good = "";
	kit_run(STATE,
	    "INSERT OR REPLACE INTO counter SELECT 'verified-ms', max(proven_ms) "
	    "FROM host");
	world.wall_ms += 365 * DAY;
	deferred("x.test");
	FREEZES("x.test");
	rig_close();
}

static void
log_ahead_is_one_of_now(void **state)
{
	int64_t now_ms;

	(void)state;
	begin_with_three();
	now_ms = world.wall_ms;
	world.wall_ms += 2 * HOUR;
	rig_defer_because("x.test", NOT_VERIFIED);
	world.wall_ms = now_ms;
	rig_save();
	world_wait(rig.engine, 2 * MIN);
	STEPS("x.test");
	rig_close();
}

/* Below verify there is nothing that a certificate could say. */
static void
none_is_asked_below_verify(void **state)
{
	(void)state;
	begin_with_three();
	world.default_level = LEVEL_ENCRYPT;
	world_pass(2 * MIN);
	rig_defer_because("x.test",
	    "TLS is required, but was not offered by host mx.x.test[192.0.2.1]");
	rig_save();
	world_wait(rig.engine, 2 * MIN);
	assert_asked("mx.x.test ");
	rig_close();
}

/* --- those that are kept ------------------------------------------------------------ */

static void
some_are_proven_beforehand(void **state)
{
	(void)state;
	begin();
	good = " mx.b.test mx.c.test ";
	verify("mx.b.test", HOUR);
	verify("mx.c.test", 2 * HOUR);
	verify("mx.d.test", 3 * HOUR);
	verify("mx.e.test", 4 * HOUR);
	verify("mx.old.test", 8 * DAY);
	world_log(rig.engine,
	    "smtp[77]: QA: to=<u@f.test>, relay=mx.f.test[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0/0, dsn=2.0.0, status=sent (250 Ok)");
	rig_save();
	world_settle(rig.engine);
	assert_asked("mx.f.test mx.b.test mx.c.test ");
	kit_assert(STATE, "SELECT name FROM host WHERE proven_ms > 0 ORDER BY name",
	    "mx.b.test\nmx.c.test\n");
	/* One is missing, which the next hour's candidates may be. */
	world_wait(rig.engine, HOUR);
	rig_defer_because("g.test", TLSA_ERROR);
	rig_save();
	world_settle(rig.engine);
	assert_asked("mx.d.test ");
	world_wait(rig.engine, HOUR);
	rig_defer_because("g.test", TLSA_ERROR);
	rig_save();
	world_settle(rig.engine);
	assert_asked("mx.e.test ");
	/* Each once a day; and what was long ago is none. */
	world_wait(rig.engine, HOUR);
	rig_defer_because("g.test", TLSA_ERROR);
	rig_save();
	world_settle(rig.engine);
	assert_asked("");
	rig_close();
}

static void
none_is_asked_without_leave(void **state)
{
	(void)state;
	rig_new_settled();
	rig_close();
	rig.config.probe.off = true;
	rig_open(ENGINE_APPLY);
	world.finger = answer;
	good = silent = "";
	prove("mx.b.test", HOUR);
	deferred("x.test");
	assert_int_equal(world.fingered, 0);
	STEPS("x.test");
	rig_close();
}

/* Mail to a domain was sent, verified, at that server. */
static void
flowed(const char *domain, const char *relay)
{
	rig_log_session("Verified", relay);
	rig_log_status(domain, relay, "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 10 * SECOND);
}

/* Of a line that anybody can write: a name of theirs, and a server of their choice. */
static void
none_is_asked_by_lines_alone(void **state)
{
	char domain[64], relay[128];

	(void)state;
	begin();
	rig_close();
	world.sessions_logged = true;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	for (int i = 0; i < 20; i++) {
		snprintf(domain, sizeof(domain), "x%d.test", i);
		snprintf(relay, sizeof(relay), "db%d.inside%d.test[10.0.0.5]:6379", i, i);
		flowed(domain, relay);
		snprintf(domain, sizeof(domain), "y%d.test", i);
		snprintf(relay, sizeof(relay), "db%d.other%d.test[10.0.0.5]:25", i, i);
		flowed(domain, relay);
	}
	world_wait(rig.engine, HOUR);
	assert_asked("");
	/* One that DNS names is. */
	flowed("d.test", "mx.d.test[192.0.2.1]:25");
	world_wait(rig.engine, MIN);
	assert_asked("mx.d.test ");
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		suite_add(canary_says, &outcomes[i], "a canary: %s", outcomes[i].what);
	suite_add(its_answer_serves_older_alarms, NULL,
	    "its answer serves the alarms that were before it");
	suite_add(another_is_asked_while_one_rests, NULL,
	    "another one is asked while the first may not be");
	suite_add(one_that_rests_is_waited_for, NULL,
	    "one that may not be asked yet is waited for before a freeze");
	suite_add(its_answer_serves_ten_minutes, NULL, "its answer serves ten minutes");
	suite_add(
	    freeze_thaws_when_it_verifies, NULL, "a freeze thaws when a canary verifies");
	suite_add(freeze_thaws_while_mail_flows, NULL,
	    "which is asked again while mail flows, though none fails");
	suite_add(strangers_that_were_proven_last_do_not_freeze, NULL,
	    "a stranger's canaries do not keep others from being asked");
	suite_add(configured_one_is_asked_before_strangers, NULL,
	    "those of the configuration are asked first");
	suite_add(probes_speak_against_canaries, NULL,
	    "who verifies since a freeze began speaks against its canaries");
	suite_add(all_that_are_asked_fail, NULL, "twelve are asked before a freeze");
	suite_add(all_that_are_asked_are_silent, NULL,
	    "those that are silent are asked once, each as long as it may take");
	suite_add(clock_ahead_forgets_none, NULL, "a clock a year ahead forgets none");
	suite_add(log_ahead_is_one_of_now, NULL,
	    "the clock of the log is ahead: it is not waited for");
	suite_add(none_is_asked_below_verify, NULL,
	    "at encrypt there is nothing to ask a canary");
	suite_add(some_are_proven_beforehand, NULL,
	    "some that the log calls verified are proven beforehand");
	suite_add(none_is_asked_without_leave, NULL,
	    "probe.servers: no: there are no canaries");
	suite_add(none_is_asked_by_lines_alone, NULL,
	    "a server that lines of the log alone name is connected to once DNS does");
	return rig_end(suite_run());
}
