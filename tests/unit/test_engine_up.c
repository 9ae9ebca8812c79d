/* SPDX-License-Identifier: BSD-2-Clause */
/* An entry that its servers no longer need, beside lines of mail that fails: made up, or
 * of a relay that its sender chose. None of them keeps it down. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "enginerig.h"

#define OWN   "mx.a.test[192.0.2.1]:25"
#define RELAY "relay.isp.test[192.0.2.9]:25"

static enum dane_state tlsa;
static bool no_sessions; /* are logged */

struct row {
	const char *relay;
	const char *reason;
	int64_t every_ms;
	bool queued; /* its message is in the queue, for four days each */
};

static void
answer(struct measure_item *item)
{
	bool usable = tlsa == DANE_USABLE;

	item->answers.dane.state = tlsa;
	item->answers.dane.all_usable = item->answers.dane.signed_domain = usable;
	item->answers.relay_fits =
	    item->relay[0] == '\0' || strcmp(item->relay, "mx.a.test") == 0;
	world_add_host(item, "mx.a.test", usable ? PROMISE_DANE : PROMISE_NONE);
	snprintf(item->answers.text, sizeof(item->answers.text),
	    "mx.a.test address=secure tlsa=%s", usable ? "usable" : "none");
}

static void
log_of(const char *id, const char *relay, int64_t age_ms, const char *what)
{
	char line[600];
	int age_s = (int)(age_ms / SECOND) + 9;

	snprintf(line, sizeof(line),
	    "smtp[77]: %s: to=<u@a.test>, relay=%s, delay=%d, delays=%d/0/0.03/0.02, "
	    "dsn=4.7.5, status=%s",
	    id, relay, age_s + 1, age_s, what);
	world_log(rig.engine, line);
	rig_save();
}

/* Its servers did no TLS: an entry of the lowest rung, whose mail flowed. */
static void
rig_new_weakened(void)
{
	tlsa = DANE_NONE;
	rig_new_with(world_does_no_tls);
	rig_close();
	world.sessions_logged = !no_sessions;
	world.can_dane = true;
	world.answer = answer;
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	for (int i = 0; i < 3; i++) {
		log_of("V1", OWN, i * 15 * MIN, "deferred (" NOT_OFFERED ")");
		world_wait(rig.engine, 15 * MIN);
	}
	rig_assert_entry("a.test", LEVEL_DANE);
	log_of("V1", OWN, HOUR, "sent (250 Ok)");
	world_unqueue("V1");
	world_wait(rig.engine, HOUR);
}

static void
other_mail_fails(const struct row *row, int64_t at_ms)
{
	int64_t age_ms = row->queued ? at_ms % (4 * DAY) : 0;
	char id[24], what[300];

	snprintf(id, sizeof(id), "N%d", (int)(at_ms / (4 * DAY)));
	snprintf(what, sizeof(what), "deferred (%s)", row->reason);
	log_of(id, row->relay, age_ms, what);
	if (!row->queued)
		world_unqueue(id);
}

/* Mail flows four times a day meanwhile, by sessions that are better than the entry. */
static int64_t
until_it_climbs(const struct row *row, int64_t most_ms)
{
	int64_t ms = 0;

	for (; ms < most_ms && rig_row("a.test").entry.level == LEVEL_DANE; ms += MIN) {
		if (ms % row->every_ms == 0)
			other_mail_fails(row, ms);
		if (ms % (6 * HOUR) == 3 * HOUR) {
			if (!no_sessions)
				rig_log_session("Trusted", OWN);
			rig_log_status("a.test", OWN, "2.0.0", "sent (250 Ok)");
			rig_save();
		}
		world_wait(rig.engine, MIN);
	}
	return ms;
}

static void
better_session_climbs(void **state)
{
	const struct row *row = *state;

	rig_new_weakened();
	world.finger = world_verifies;
	assert_in_range(until_it_climbs(row, 10 * DAY), 0, 4 * HOUR);
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_close();
}

/* Without a session as well, once its lease is over. */
static void
lease_ends(void **state)
{
	const struct row *row = *state;

	rig_new_weakened();
	world.finger = world_verifies;
	for (int64_t ms = 0; ms < 8 * DAY; ms += HOUR) {
		if (ms % row->every_ms == 0)
			other_mail_fails(row, ms);
		world_wait(rig.engine, HOUR);
	}
	rig_assert_entry("a.test", LEVEL_NONE);
	rig_close();
}

static void
tlsa_appears(void **state)
{
	const struct row *row = *state;

	rig_new_weakened();
	tlsa = DANE_USABLE;
	assert_in_range(until_it_climbs(row, 10 * DAY), 0, DAY + 4 * HOUR);
	rig_assert_entry("a.test", LEVEL_DANE_ONLY);
	rig_close();
}

/* Another message waits, which Postfix does not even try. */
static void
tlsa_appears_beside_suspended(void **state)
{
	const struct row *row = *state;
	unsigned asked;

	no_sessions = true;
	rig_new_weakened();
	tlsa = DANE_USABLE;
	asked = world.asked;
	assert_in_range(until_it_climbs(row, 10 * DAY), 0, DAY + 4 * HOUR);
	rig_assert_entry("a.test", LEVEL_DANE_ONLY);
	assert_in_range(world.asked - asked, 1, 2);
	rig_close();
	no_sessions = false;
}

/* What still needs it keeps it, whatever is tried beside it, and is not asked all the
 * time. */
static void
needed_entry_stays(void **state)
{
	const struct row *row = *state;
	unsigned asked, fingered;

	rig_new_weakened();
	asked = world.asked;
	fingered = world.fingered;
	for (int64_t ms = 0; ms < 20 * DAY; ms += HOUR) {
		if (ms % row->every_ms == 0)
			other_mail_fails(row, ms);
		if (ms % (6 * HOUR) == 3 * HOUR) {
			rig_log_status("a.test", OWN, "2.0.0", "sent (250 Ok)");
			rig_save();
		}
		world_wait(rig.engine, HOUR);
		rig_assert_entry("a.test", LEVEL_DANE);
	}
	assert_in_range(world.asked - asked, 1, 40 * 24);
	assert_in_range(world.fingered - fingered, 1, 20 * 24);
	rig_close();
}

/* --- the moment in which a lease ends ----------------------------------------------- */

struct moment_of_end {
	const char *what;
	enum level entry;
	/* what the servers do in that moment, and canaries with them */
	void (*does)(const struct finger_question *question, struct server *server);
	bool canary;
};

static void
needs_cleartext(const struct finger_question *question, struct server *server)
{
	if (strstr(question->host, "canary") != NULL)
		world_verifies(question, server);
	else
		world_does_no_tls(question, server);
}

static void
needs_entry(const struct finger_question *question, struct server *server)
{
	if (strstr(question->host, "canary") != NULL)
		world_verifies(question, server);
	else
		world_self_signed(question, server);
}

static void
know_canary(void)
{
	struct strings *canaries = &rig.config.probe.canaries;

	canaries->items = mem_new(1, sizeof(*canaries->items));
	canaries->items[0] = mem_strdup("mx.canary.example");
	canaries->count = 1;
}

/* An entry whose mail flows, and whose servers need it no more. */
static void
rig_new_mended(enum level entry, bool canary)
{
	tlsa = DANE_NONE;
	rig_new_with(entry == LEVEL_DANE ? needs_cleartext : needs_entry);
	rig_close();
	if (canary)
		know_canary();
	world.can_dane = true;
	world.answer = answer;
	rig_notify_admin();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	for (int i = 0; i < 3; i++) {
		log_of("V1", OWN, i * 15 * MIN,
		    entry == LEVEL_DANE ? "deferred (" NOT_OFFERED ")"
		                        : "deferred (" NOT_VERIFIED ")");
		world_wait(rig.engine, 15 * MIN);
	}
	rig_assert_entry("a.test", entry);
	log_of("V1", OWN, HOUR, "sent (250 Ok)");
	world_unqueue("V1");
	world_wait(rig.engine, MIN);
	world.finger = world_verifies;
}

static void
wait_for_end(void)
{
	world_wait(rig.engine,
	    rig_row("a.test").entry.lease_end_ms - world.wall_ms - 30 * SECOND);
}

static void
moment_keeps_no_entry(void **state)
{
	const struct moment_of_end *m = *state;
	int64_t lease_ms;

	rig_new_mended(m->entry, m->canary);
	lease_ms = rig_row("a.test").entry.lease_ms;
	wait_for_end();
	world.finger = m->does;
	world_wait(rig.engine, 3 * MIN);
	rig_assert_judged("a.test", m->entry, WHY_STILL_NEEDED);
	assert_true(rig_row("a.test").entry.lease_ms == lease_ms);
	world.finger = world_verifies;
	world_wait(rig.engine, 3 * HOUR);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_PROBED);
	rig_close();
}

static unsigned
told_of_silence(void)
{
	const char *at;
	unsigned count = 0;

	buf_add_char(&world.bodies, '\0');
	world.bodies.len--;
	for (at = world.bodies.data; (at = strstr(at, "a.test: silent")) != NULL; at++)
		count++;
	return count;
}

/* Mail flows by it meanwhile. It is told once, and asked for a few times a day. */
static void
silence_is_told_once(void **state)
{
	unsigned fingered;

	(void)state;
	rig_new_mended(LEVEL_ENCRYPT, false);
	wait_for_end();
	world.finger = world_is_silent;
	world_wait(rig.engine, 23 * HOUR);
	assert_int_equal(told_of_silence(), 0);
	fingered = world.fingered;
	for (int day = 0; day < 20; day++) {
		world_wait(rig.engine, DAY);
		rig_log_status("a.test", OWN, "2.0.0", "sent (250 Ok)");
		rig_save();
	}
	assert_int_equal(told_of_silence(), 1);
	assert_in_range(world.fingered - fingered, 20, 20 * 5);
	rig_assert_judged("a.test", LEVEL_ENCRYPT, WHY_SILENT);
	world.finger = world_verifies;
	world_wait(rig.engine, 8 * HOUR);
	rig_assert_judged("a.test", LEVEL_NONE, WHY_PROBED);
	rig_close();
}

static const struct moment_of_end moments[] = {
    {"servers are silent", LEVEL_ENCRYPT, world_is_silent, false},
    {"servers are silent, with a canary", LEVEL_ENCRYPT, world_is_silent, true},
    {"servers of an entry of cleartext are silent", LEVEL_DANE, world_is_silent, false},
    {"our CA file is broken", LEVEL_ENCRYPT, world_self_signed, true},
    {"our CA file is broken, and the entry is cleartext", LEVEL_DANE, world_does_no_tls,
        true},
};

static const struct row rows[] = {
    {RELAY, NOT_VERIFIED, DAY, false},
    {RELAY, "TLS is required, but was not offered by host relay.isp.test[192.0.2.9]",
        HOUR, true},
    {RELAY, TLSA_ERROR, DAY, false},
    {OWN, "Cannot start TLS: handshake failure", 4 * DAY, false},
    {OWN, "Cannot start TLS: handshake failure", HOUR, true},
    {OWN, "client TLS configuration problem", HOUR, false},
    {OWN, TLSA_ERROR, HOUR, true},
    {OWN, NOT_VERIFIED, HOUR, true},
};

#define SUSPENDED "delivery temporarily suspended: " NOT_VERIFIED

static const struct row suspended[] = {
    {OWN, SUSPENDED, HOUR, false},
    {OWN, SUSPENDED, HOUR, true},
    {OWN, SUSPENDED, 3 * HOUR, true},
    {OWN, SUSPENDED, DAY, true},
};

/* --- a server that did better, and is silent for good --------------------------------
 */

static bool is_plain, is_off;

static void
answer_two(struct measure_item *item)
{
	world_add_host(item, "mx.a.test", PROMISE_NONE);
	world_add_host(item, "mx2.a.test", PROMISE_NONE);
	snprintf(item->answers.text, sizeof(item->answers.text),
	    "mx.a.test address=insecure tlsa=none\n"
	    "mx2.a.test address=insecure tlsa=none");
}

static void
two_do(const struct finger_question *question, struct server *server)
{
	bool second = strcmp(question->host, "mx2.a.test") == 0;

	(second            ? is_off ? world_is_silent : world_verifies
	        : is_plain ? world_does_no_tls
	                   : world_self_signed)(question, server);
}

/* The other one did no TLS for two days, and does again, or does not. */
static void
silent_host_keeps_nobody_down(void **state)
{
	bool recovers = *(const bool *)*state;
	unsigned days = 0;

	is_plain = is_off = false;
	rig_new_with(two_do);
	rig_close();
	world.sessions_logged = world.can_dane = true;
	world.answer = answer_two;
	rig_notify_admin();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	rig_log_session("Verified", "mx2.a.test[192.0.2.2]:25");
	rig_log_status("a.test", "mx2.a.test[192.0.2.2]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_wait(rig.engine, HOUR);
	is_plain = is_off = true;
	for (int i = 0; i < 60 * 4 && rig_row("a.test").entry.level == LEVEL_NONE; i++) {
		rig_log_status("a.test", OWN, "4.7.4", "deferred (" NOT_OFFERED ")");
		rig_save();
		world_wait(rig.engine, 15 * MIN);
	}
	rig_assert_entry("a.test", LEVEL_DANE);
	is_plain = !recovers;
	for (; days < 20 && rig_row("a.test").entry.level == LEVEL_DANE; days++) {
		if (recovers)
			rig_log_session("Untrusted", OWN);
		rig_log_status("a.test", OWN, "2.0.0", "sent (250 Ok)");
		rig_save();
		world_wait(rig.engine, DAY);
	}
	rig_assert_entry("a.test", recovers ? LEVEL_ENCRYPT : LEVEL_DANE);
	assert_in_range(days, recovers ? 0 : 20, recovers ? 1 : 20);
	if (!recovers)
		assert_non_null(strstr(buf_text(&world.bodies), "a.test: silent: "));
	rig_close();
}

int
main(void)
{
	static const bool yes = true, no = false;

	if (!rig_begin())
		return 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		const char *queued = row->queued ? "in the queue" : "made up";
		int every_h = (int)(row->every_ms / HOUR);

		suite_add(better_session_climbs, row,
		    "a better session climbs, beside \"%s\" at %s each %d h, %s",
		    row->reason, row->relay, every_h, queued);
		suite_add(lease_ends, row, "... and the end of a lease does");
		suite_add(tlsa_appears, row, "... and TLSA that appears is used");
		suite_add(needed_entry_stays, row, "... and what is needed stays");
	}
	for (size_t i = 0; i < sizeof(suspended) / sizeof(suspended[0]); i++)
		suite_add(tlsa_appears_beside_suspended, &suspended[i],
		    "TLSA that appears is looked for once a day beside suspended mail");
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
		suite_add(moment_keeps_no_entry, &moments[i],
		    "a lease that ends while %s is not renewed", moments[i].what);
	suite_add(silence_is_told_once, NULL,
	    "servers that are silent from the end of a lease on are told of once");
	suite_add(silent_host_keeps_nobody_down, &yes,
	    "a host that did better and is gone keeps nobody below the other");
	suite_add(
	    silent_host_keeps_nobody_down, &no, "... and what it leaves unsure is told");
	return rig_end(suite_run());
}
