/* SPDX-License-Identifier: BSD-2-Clause */
/* What an engine does about MTA-STS policies. */
#include "suite.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_impl.h"
#include "enginerig.h"

#define ENFORCE "version: STSv1\nmode: enforce\nmx: mx.d.test\nmax_age: 604800\n"
#define OTHER   "version: STSv1\nmode: enforce\nmx: mx.other.test\nmax_age: 604800\n"
#define NONE    "version: STSv1\nmode: none\nmax_age: 604800\n"
#define TESTING "version: STSv1\nmode: testing\nmx: mx.d.test\nmax_age: 604800\n"
#define ENTRY   "match=mx.d.test servername=hostname"

static const char *id;     /* that DNS has; NULL: none, "?": it could not tell */
static const char *policy; /* that is served; NULL: none */

static void
set_txt(struct sts_txt *out)
{
	*out = (struct sts_txt){.state = STS_TXT_NONE};
	if (id == NULL)
		return;
	out->state = strcmp(id, "?") == 0 ? STS_TXT_UNSURE : STS_TXT_VALID;
	if (out->state == STS_TXT_VALID)
		snprintf(out->id, sizeof(out->id), "%s", id);
}

static void
answer(struct measure_item *item)
{
	set_txt(&item->answers.sts_txt);
	snprintf(item->answers.text, sizeof(item->answers.text), "mx.%s address=insecure",
	    item->nexthop.host);
}

static void
answer_dane(struct measure_item *item)
{
	answer(item);
	item->answers.dane.state = DANE_USABLE;
}

static void
answer_signed(struct measure_item *item)
{
	answer(item);
	item->answers.dane.signed_domain = true;
}

static void
answer_other_map(struct measure_item *item)
{
	answer(item);
	item->answers.other_map = ANSWER_YES;
}

static void
announce(const char *domain, struct sts_txt *out)
{
	(void)domain;
	set_txt(out);
}

static void
serve(const char *host, struct buf *text, struct fetch_answer *out)
{
	assert_true(str_starts(str_of(host), STR("mta-sts.")));
	if (policy == NULL)
		return;
	buf_printf(text, "%s", policy);
	*out = (struct fetch_answer){
	    .cause = STS_CAUSE_OK, .status = 200, .body = {buf_text(text), text->len}};
}

static void
begin(const char *txt_id, const char *served)
{
	rig_new_settled();
	id = txt_id;
	policy = served;
	world.answer = answer;
	world.policy = announce;
	world.fetch = serve;
	world.can_dane = true;
}

static void
defer_settled(const char *domain)
{
	rig_defer(domain);
	world_settle(rig.engine);
	world_wait(rig.engine, LISTING); /* the queue shows it still */
}

/* Deferred, and sent under the entry that this brought. */
static void
defer_sent(const char *domain)
{
	defer_settled(domain);
	world_wait(rig.engine, MIN);
	rig_log_status(domain, "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_settle(rig.engine);
}

static void
assert_attributes(const char *domain, const char *attributes)
{
	struct buf sql = {0}, expected = {0};

	buf_printf(&sql, "SELECT attributes FROM destination WHERE key = '%s'", domain);
	buf_printf(&expected, "%s\n", attributes);
	kit_assert(STATE, buf_text(&sql), buf_text(&expected));
	buf_clear(&sql);
	buf_clear(&expected);
}

/* Whatever the reason says; and the mail is retried. */
static void
policy_becomes_an_entry(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	defer_settled("d.test");
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	assert_attributes("d.test", ENTRY);
	assert_int_equal(world.fetches, 1);
	world_wait(rig.engine, SECOND);
	assert_int_equal(world.retry.times, 1);
	kit_assert(STATE, "SELECT applied, txt_id, id FROM sts", "enforce|1|1\n");
	rig_close();
}

/* Case 64: the parent's is not the child's; nothing is kept of whoever has none. */
static void
without_one_nothing_changes(void **state)
{
	(void)state;
	begin(NULL, ENFORCE);
	defer_settled("sub.d.test");
	rig_assert_judged("sub.d.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	assert_int_equal(world.fetches, 0);
	kit_assert(STATE, "SELECT count(*) FROM sts", "0\n");
	rig_close();
}

/* Announced and not to be had: held, then as if there were none (RFC 8461 3.3). */
static void
unhad_policy_holds(void **state)
{
	(void)state;
	begin("1", NULL);
	defer_settled("d.test");
	world_wait(rig.engine, 2 * SECOND);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_UNSURE);
	assert_int_equal(world.fetches, 1);
	world_wait(rig.engine, 4 * MIN);
	assert_int_equal(world.fetches, 1); /* not again within five minutes */
	world_wait(rig.engine, 2 * MIN);
	assert_int_equal(world.fetches, 2);
	world_wait(rig.engine, 25 * HOUR);
	rig_assert_judged("d.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	rig_log_status("d.test", "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	/* It comes late: the entry is its. */
	policy = ENFORCE;
	world_wait(rig.engine, 25 * HOUR);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	rig_close();
}

/* Cases 19 and 20. */
static void
txt_that_cannot_be_told_holds(void **state)
{
	(void)state;
	begin("?", NULL);
	defer_settled("d.test");
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_UNSURE);
	kit_assert(STATE, "SELECT hold_level FROM destination", "encrypt\n");
	world_wait(rig.engine, 25 * HOUR);
	rig_assert_entry("d.test", LEVEL_ENCRYPT);
	rig_close();
	begin("?", NULL);
	world.answer = answer_signed;
	defer_settled("d.test");
	world_wait(rig.engine, 48 * HOUR);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_UNSURE);
	id = NULL;
	world_wait(rig.engine, 2 * HOUR);
	rig_assert_entry("d.test", LEVEL_ENCRYPT);
	rig_close();
}

/* Destinations that were sent mail are looked up, and only these. */
static void
sent_mail_is_looked_up(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	rig_log_status("d.test", "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 2 * SECOND);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	assert_int_equal(world.policies_asked, 1);
	kit_assert(STATE, "SELECT count(*) FROM sts_mail", "0\n");
	rig_close();
}

/* Postfix 3.10 does not log the level: mail with TLS-Required: no goes by an unverified
 * session, or by none, while other mail waits for servers that do not meet the policy. */
static void
tls_required_no_proves_nothing(void **state)
{
	static const char *const sessions[] = {"Untrusted", "Trusted", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		begin("1", ENFORCE);
		world.finger = world_self_signed;
		world.sessions_logged = true;
		engine_doubt_settings(rig.engine);
		world_wait(rig.engine, MIN);
		defer_sent("d.test");
		world_wait(rig.engine, 10 * MIN);
		defer_settled("d.test");
		world_wait(rig.engine, MIN);
		rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_NOT_MET);
		world.export.times = 0;
		kit_run(STATE,
		    "CREATE TABLE before AS SELECT seen_verify_ms AS ms FROM "
		    "destination");
		if (sessions[i] != NULL)
			rig_log_session(sessions[i], "mx.d.test[192.0.2.1]:25");
		rig_log_status(
		    "d.test", "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
		rig_save();
		world_wait(rig.engine, HOUR);
		rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY_NOT_MET);
		kit_assert(STATE,
		    "SELECT deferral, seen_verify_ms = ms FROM destination, before",
		    "1|1\n");
		assert_int_equal(world.export.times, 0);
		rig_close();
	}
}

/* Cases 63 and 65: a domain has several keys, and all are sent mail at once, or one later
 * than the others. */
static void
every_key_is_looked_up(void **state)
{
	static const char *const keys[] = {"xn--bcher-kva.test",
	    ("b\xc3\xbc"
	     "cher.test"),
	    "[xn--bcher-kva.test]:587"};

	(void)state;
	begin("1", ENFORCE);
	for (size_t i = 0; i < 2; i++)
		rig_log_status(
		    keys[i], "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 5 * SECOND);
	rig_log_status(keys[2], "mx.d.test[192.0.2.1]:587", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, 5 * SECOND);
	for (size_t i = 0; i < 3; i++)
		rig_assert_judged(keys[i], LEVEL_SECURE, WHY_POLICY);
	assert_int_equal(world.policies_asked, 1);
	assert_int_equal(world.fetches, 1);
	kit_assert(STATE, "SELECT count(*) FROM sts_mail", "0\n");
	rig_close();
}

/* Case 77: a restart loses nothing, and fetches nothing again. */
static void
restart_keeps_it(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	defer_sent("d.test");
	rig_close();
	rig_open(ENGINE_APPLY);
	world_wait(rig.engine, SECOND);
	world_wait(rig.engine, DAY / 3);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	assert_int_equal(world.fetches, 1);
	rig_close();
}

/* Case 78. */
static void
clock_does_not_matter(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	defer_sent("d.test");
	policy = NULL;
	world.wall_ms -= 3650 * DAY;
	world_wait(rig.engine, HOUR);
	rig_assert_entry("d.test", LEVEL_SECURE);
	world.wall_ms += 3650 * DAY;
	world_wait(rig.engine, HOUR);
	rig_assert_entry("d.test", LEVEL_SECURE);
	world_wait(rig.engine, 7 * DAY);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
	rig_close();
}

/* Case 70: mail fails under a policy, and its owner has announced another one. */
static void
trouble_brings_the_new_one(void **state)
{
	(void)state;
	begin("1", OTHER);
	defer_sent("d.test");
	assert_attributes("d.test", "match=mx.other.test servername=hostname");
	world_wait(rig.engine, 10 * MIN);
	id = "2";
	policy = ENFORCE;
	defer_settled("d.test");
	world_wait(rig.engine, SECOND);
	assert_attributes("d.test", ENTRY);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_POLICY);
	rig_close();
}

/* Cases 41, 68 and 72: nothing is enforced any more. */
static void
entry_goes_with_it(void **state)
{
	static const char *const rows[] = {NONE, TESTING};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin("1", ENFORCE);
		defer_sent("d.test");
		id = "2";
		policy = rows[i];
		world_wait(rig.engine, DAY + HOUR);
		rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
		rig_close();
	}
}

/* Cases 73 and 75: it lives from its last fetch, whatever DNS says, and is alerted of. */
static void
it_ends_by_itself_alone(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	rig_notify_admin();
	defer_sent("d.test");
	policy = NULL;
	world_wait(rig.engine, 6 * DAY + 23 * HOUR);
	rig_assert_entry("d.test", LEVEL_SECURE);
	assert_true(strstr(buf_text(&world.body), "cannot be renewed") != NULL ||
	    strstr(buf_text(&world.body), "d.test") != NULL);
	world_wait(rig.engine, 2 * HOUR);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
	rig_close();
}

/* Cases 79 and 84. */
static void
others_come_first(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	world.answer = answer_dane;
	defer_sent("d.test");
	rig_assert_judged("d.test", LEVEL_DANE_ONLY, WHY_DANE);
	assert_attributes("d.test", "");
	rig_close();
	begin("1", ENFORCE);
	world.answer = answer_other_map;
	defer_sent("d.test");
	rig_assert_judged("d.test", LEVEL_NONE, WHY_OTHER_MAP);
	rig_close();
}

/* Case 88: sixteen at a time, and nobody else waits for them. */
static void
fetches_are_few_at_a_time(void **state)
{
	unsigned most = 0;

	(void)state;
	begin("1", NULL);
	rig.config.freeze.destinations = 10000;
	rig_defer_many("a", 100);
	for (int turn = 0; turn < 400; turn++) {
		unsigned before = world.fetches;

		engine_turn(rig.engine);
		world_work();
		if (world.fetches - before > most)
			most = world.fetches - before;
	}
	assert_int_equal(world.fetches, 100);
	assert_in_range(most, 1, 16);
	rig_close();
}

static unsigned
alerts_of(const char *text)
{
	unsigned count = 0;

	for (const char *at = buf_text(&world.bodies); (at = strstr(at, text)) != NULL;
	     at += strlen(text))
		count++;
	return count;
}

/* Cases 57 and 60: the policy does not name the host, whose certificate is good. */
static void
other_names_are_no_fault_of_the_server(void **state)
{
	(void)state;
	begin("1",
	    "version: STSv1\nmode: enforce\nmax_age: 604800\n"
	    "mx: a.other.test\nmx: b.other.test\nmx: c.other.test\n"
	    "mx: d.other.test\n");
	rig_notify_admin();
	defer_settled("d.test");
	world_wait(rig.engine, MIN);
	assert_int_equal(
	    alerts_of(
	        "it allows a.other.test, b.other.test, c.other.test and 1 more; MX: "
	        "mx.d.test"),
	    1);
	world_log(rig.engine,
	    "smtp[77]: server certificate verification failed for "
	    "mx.d.test[192.0.2.1]:25: num=62:hostname mismatch");
	defer_settled("d.test");
	kit_assert(
	    STATE, "SELECT cause FROM destination WHERE key = 'd.test'", "policy\n");
	kit_assert(STATE, "SELECT count(*) FROM host WHERE cause <> ''", "0\n");
	world_log(rig.engine,
	    "smtp[77]: server certificate verification failed for "
	    "mx.d.test[192.0.2.1]:25: certificate has expired");
	defer_settled("d.test");
	kit_assert(
	    STATE, "SELECT cause FROM destination WHERE key = 'd.test'", "expired\n");
	kit_assert(STATE, "SELECT count(*) FROM host WHERE cause <> ''", "1\n");
	rig_close();
}

static unsigned crowd_before; /* fetches when the one that stands alone was */

static void
note_alone(const char *host, struct buf *text, struct fetch_answer *out)
{
	(void)text;
	*out = (struct fetch_answer){.cause = STS_CAUSE_CONNECT};
	if (strcmp(host, "mta-sts.alone.test") == 0)
		crowd_before = world.fetches - 1;
}

/* MTASTS: two at one address, so that its owner keeps nobody else waiting. */
static void
one_address_delays_no_other(void **state)
{
	unsigned most = 0;

	(void)state;
	begin("1", NULL);
	rig.config.freeze.destinations = 10000;
	world.fetch = note_alone;
	world.one_place = "mta-sts.crowd";
	crowd_before = UINT_MAX;
	rig_defer_many("crowd", 500);
	rig_defer("alone.test");
	for (int turn = 0; turn < 2000 && crowd_before == UINT_MAX; turn++) {
		unsigned before = world.fetches;

		engine_turn(rig.engine);
		world_work();
		if (world.fetches - before > most)
			most = world.fetches - before;
	}
	assert_in_range(most, 1, 3);
	assert_in_range(crowd_before, 0, 499);
	world_wait(rig.engine, 10 * MIN);
	kit_assert(STATE, "SELECT count(*) FROM sts WHERE failures = 0", "0\n");
	world.one_place = NULL;
	rig_close();
}

static void
fail_ours(const char *host, struct buf *text, struct fetch_answer *out)
{
	(void)host;
	(void)text;
	*out = (struct fetch_answer){
	    .cause = STS_CAUSE_FETCHER, .detail = "cannot read the CA file"};
}

/* Our own fault is one cause: one alert, soon, and none for each domain. */
static void
own_fault_is_one_alert(void **state)
{
	(void)state;
	begin("1", NULL);
	rig_notify_admin();
	rig.config.freeze.destinations = 10000;
	world.fetch = fail_ours;
	rig_defer_many("d", 60);
	world_wait(rig.engine, 2 * HOUR);
	assert_int_equal(
	    alerts_of("cannot fetch MTA-STS policies: cannot read the CA file"), 1);
	world_wait(rig.engine, 8 * DAY);
	assert_int_equal(alerts_of("cannot fetch MTA-STS policies"), 1);
	assert_int_equal(alerts_of("cannot be renewed"), 0);
	rig_close();
}

/* What the administrator switches off enforces nothing. */
static void
it_can_be_switched_off(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	defer_sent("d.test");
	rig_close();
	rig.config.mta_sts.enable = false;
	rig_open(ENGINE_APPLY);
	kit_run(STATE, "UPDATE destination SET look_ms = 1");
	world_wait(rig.engine, MIN);
	rig_assert_judged("d.test", LEVEL_NONE, WHY_POLICY_ENDED);
	rig_close();
}

/* Case 87: our CA file is empty, and 25 domains under a policy fail within ten minutes:
 * a canary tells; without posttls-finger the first ones are told of until it is a freeze.
 */
static void
own_fault_is_one_freeze(void **state)
{
	bool prober = *(const bool *)*state;
	char domain[32], relay[64];

	begin("1", ENFORCE);
	rig_notify_admin();
	for (unsigned round = 0; round < 2; round++) {
		bool good = round == 0;

		world.notify.times = 0;
		if (prober)
			world.finger = good ? world_verifies : world_self_signed;
		for (unsigned i = 0; i < 25; i++) {
			snprintf(domain, sizeof(domain), "c%u.test", i);
			snprintf(relay, sizeof(relay), "mx.%s[192.0.2.1]:25", domain);
			rig_log_session(good ? "Verified" : "Untrusted", relay);
			rig_log_status(domain, relay, "4.7.5",
			    good ? "sent (250 Ok)" : "deferred (" NOT_VERIFIED ")");
			rig_save();
			world_wait(rig.engine, 20 * SECOND);
		}
		world_wait(rig.engine, good ? HOUR : MIN);
	}
	rig_assert_judged("c24.test", LEVEL_SECURE, WHY_FREEZE);
	assert_in_range(world.notify.times, 1, prober ? 1 : 20);
	if (prober)
		assert_non_null(strstr(buf_text(&world.body), "freeze: "));
	rig_close();
}

#define LONG_NAME "-so-long-a-name-that-not-all-of-them-have-room.d.test"

static unsigned first_host;

/* Forty hosts, of which the text holds some: each time others. */
static void
answer_many_hosts(struct measure_item *item)
{
	char *text = item->answers.text;
	size_t size = sizeof(item->answers.text), used = 0;

	set_txt(&item->answers.sts_txt);
	for (unsigned i = 0; i < 40 && used + 1 < size; i++)
		used += (size_t)snprintf(text + used, size - used,
		    "%smx%02u%s address=insecure", i > 0 ? "\n" : "",
		    (first_host + i) % 40, LONG_NAME);
	item->answers.relay_fits = true;
}

/* Before Postfix 3.10.5 an entry has the names of the hosts that a wildcard allows. */
static void
names_beyond_the_text_stay(void **state)
{
	(void)state;
	begin("1", "version: STSv1\nmode: enforce\nmx: *.d.test\nmax_age: 604800\n");
	world.answer = answer_many_hosts;
	for (first_host = 0; first_host < 40; first_host += 20) {
		defer_settled("d.test");
		world_wait(rig.engine, 2 * HOUR);
	}
	for (unsigned i = 0; i < 40; i++) {
		char name[80];
		struct buf sql = {0};

		snprintf(name, sizeof(name), "mx%02u%s", i, LONG_NAME);
		buf_printf(
		    &sql, "SELECT instr(attributes, '%s') <> 0 FROM destination", name);
		kit_assert(STATE, buf_text(&sql), "1\n");
		buf_clear(&sql);
	}
	rig_close();
}

/* Switched off, nothing is kept to be looked up. */
static void
switched_off_keeps_nothing(void **state)
{
	(void)state;
	begin("1", ENFORCE);
	rig.config.mta_sts.enable = false;
	rig_log_status("d.test", "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, HOUR);
	kit_assert(STATE, "SELECT count(*) FROM sts_mail", "0\n");
	assert_int_equal(world.fetches, 0);
	rig_close();
}

/* --- many --------------------------------------------------------------------------- */

#define FETCHERS 16

/* quick.test has no policy. */
static void
answer_quick(struct measure_item *item)
{
	answer(item);
	if (strcmp(item->nexthop.host, "quick.test") == 0)
		item->answers.sts_txt = (struct sts_txt){.state = STS_TXT_NONE};
}

/* Case 88. */
static void
hanging_policy_hosts_delay_nobody(void **state)
{
	char domain[32];
	int64_t began_ms;

	(void)state;
	begin("1", ENFORCE);
	world.answer = answer_quick;
	world.hanging = true;
	for (unsigned i = 0; i < 500; i++) {
		snprintf(domain, sizeof(domain), "p%u.test", i);
		rig_defer_because(domain, NOT_VERIFIED);
	}
	rig_save();
	world_wait(rig.engine, 10 * SECOND);
	assert_int_equal(world_waiting(), FETCHERS);
	rig_assert_why("p499.test", WHY_POLICY_ASKED);
	began_ms = world.mono_ms;
	rig_defer("quick.test");
	world_settle(rig.engine);
	while (rig_row("quick.test").entry.level != LEVEL_ENCRYPT &&
	    world.mono_ms - began_ms < MIN)
		world_wait(rig.engine, 10);
	assert_in_range(world.mono_ms - began_ms, 0, 999);
	/* Nor does a reload wait for them. */
	assert_false(engine_is_working(rig.engine));
	world.hanging = false;
	world_wait(rig.engine, MIN);
	rig_assert_why("p499.test", WHY_POLICY);
	rig_close();
}

int
main(void)
{
	static const bool yes = true, no = false;

	if (!rig_begin())
		return 1;
	suite_add(policy_becomes_an_entry, NULL, "an enforced policy becomes an entry");
	suite_add(without_one_nothing_changes, NULL, "without a policy nothing changes");
	suite_add(unhad_policy_holds, NULL, "one that cannot be had holds a step down");
	suite_add(txt_that_cannot_be_told_holds, NULL,
	    "so does a TXT record that cannot be told, for good in a signed domain");
	suite_add(sent_mail_is_looked_up, NULL, "who was sent mail is looked up");
	suite_add(tls_required_no_proves_nothing, NULL,
	    "mail with TLS-Required: no of Postfix 3.10 proves nothing");
	suite_add(every_key_is_looked_up, NULL, "... by every key of the domain");
	suite_add(
	    restart_keeps_it, NULL, "a restart keeps it, and fetches nothing again");
	suite_add(clock_does_not_matter, NULL,
	    "a clock that is set back, and right again, does not matter");
	suite_add(trouble_brings_the_new_one, NULL,
	    "where mail fails under one the new one is fetched at once");
	suite_add(entry_goes_with_it, NULL, "its entry goes with its mode");
	suite_add(
	    it_ends_by_itself_alone, NULL, "it lives from its last fetch for max_age");
	suite_add(others_come_first, NULL, "DANE and other maps come first");
	suite_add(fetches_are_few_at_a_time, NULL, "sixteen are fetched at a time");
	suite_add(other_names_are_no_fault_of_the_server, NULL,
	    "names that the policy does not have are no fault of the server");
	suite_add(one_address_delays_no_other, NULL,
	    "500 policy hosts at one address keep no other waiting");
	suite_add(own_fault_is_one_alert, NULL,
	    "what is not fetched by our own fault is one alert");
	suite_add(it_can_be_switched_off, NULL, "it can be switched off");
	suite_add(own_fault_is_one_freeze, &yes,
	    "25 domains under a policy that fail by our fault are one alert");
	suite_add(own_fault_is_one_freeze, &no,
	    "... without posttls-finger a freeze in the end");
	suite_add(names_beyond_the_text_stay, NULL,
	    "of more hosts than an answer is kept of, those that were seen stay");
	suite_add(switched_off_keeps_nothing, NULL,
	    "... and then nobody is noted to be looked up");
	suite_add(hanging_policy_hosts_delay_nobody, NULL,
	    "500 policy hosts that hang delay no other decision by a second");
	return rig_end(suite_run());
}
