/* SPDX-License-Identifier: BSD-2-Clause */
/* The past of MX hosts: written from the log and from probes, and what holds a step of
 * whoever has the same host. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "core/host.h"
#include "enginerig.h"

#define HOST "mx.shared.test"

/* --- values ------------------------------------------------------------------------ */

struct parent {
	const char *name, *parent;
};

static const struct parent parents[] = {
    {"mx.a.test", "a.test"},
    {"mx1.mail.a.test", "a.test"},
    {"a.test", "a.test"},
    {"localhost", "localhost"},
    {"mx.a.co.uk", "a.co.uk"},
    {"mx.x.a.com.br", "a.com.br"},
    {"mx.a.ltd.uk", "a.ltd.uk"},
    {"mx.a.asso.fr", "a.asso.fr"},
    {"co.uk", "co.uk"},
    {"mx.co.test", "co.test"},
    {"192.0.2.1", ""},
    {"2001:db8::1", ""},
    {"", ""},
};

static void
parent_is(void **state)
{
	const struct parent *row = *state;
	char text[64];

	assert_true(str_copy(host_parent(str_of(row->name)), text, sizeof(text)));
	assert_string_equal(text, row->parent);
}

struct best {
	const char *what;
	struct host_past past; /* in days from now */
	bool dane;
	int verified; /* in days from now; 1: never */
	enum level best;
};

static const struct best bests[] = {
    {"nothing", {0}, true, 1, LEVEL_UNKNOWN},
    {"encrypted", {.encrypt_ms = -89}, true, 1, LEVEL_ENCRYPT},
    {"long ago", {.encrypt_ms = -91, .verify_ms = -91, .dane_ms = -91}, true, 1,
        LEVEL_UNKNOWN},
    {"by certificate", {.encrypt_ms = -1, .verify_ms = -89}, true, 1, LEVEL_VERIFY},
    {"by DANE", {.dane_ms = -89}, true, 1, LEVEL_DANE_ONLY},
    {"by DANE, for an unsigned destination", {.dane_ms = -89}, false, 1, LEVEL_ENCRYPT},
    {"by both, for an unsigned destination", {.verify_ms = -3, .dane_ms = -2}, false, 1,
        LEVEL_VERIFY},
    {"counted back from the last session that verified", {.verify_ms = -300}, false, -290,
        LEVEL_VERIFY},
    {"a clock behind", {.verify_ms = 300}, false, 1, LEVEL_VERIFY},
};

static int64_t
days(int64_t n)
{
	return n != 0 ? WORLD_START_MS + n * DAY : 0;
}

static void
best_is(void **state)
{
	const struct best *row = *state;
	struct host_past past = {.encrypt_ms = days(row->past.encrypt_ms),
	    .verify_ms = days(row->past.verify_ms),
	    .dane_ms = days(row->past.dane_ms)};
	enum level best = host_past_best(&past, row->dane,
	    row->verified == 1 ? 0 : days(row->verified), WORLD_START_MS);

	assert_string_equal(level_name(best), level_name(row->best));
}

/* --- the table --------------------------------------------------------------------- */

static void
later_news_count(void **state)
{
	struct store *store = kit_scratch();
	struct host_past past, news = {.encrypt_ms = 5, .verify_ms = 7, .failed_ms = 3};

	(void)state;
	assert_true(store_host_get(store, HOST, 25, &past, &kit_err));
	assert_int_equal(past.encrypt_ms, 0);
	assert_true(store_host_add(store, HOST, 25, &news, &kit_err));
	news = (struct host_past){
	    .encrypt_ms = 9, .verify_ms = 6, .dane_ms = 2, .proven_ms = 4};
	assert_true(store_host_add(store, HOST, 25, &news, &kit_err));
	assert_true(store_host_get(store, HOST, 25, &past, &kit_err));
	assert_int_equal(past.encrypt_ms, 9);
	assert_int_equal(past.verify_ms, 7);
	assert_int_equal(past.dane_ms, 2);
	assert_int_equal(past.proven_ms, 4);
	assert_int_equal(past.failed_ms, 3);
	assert_true(store_host_get(store, HOST, 587, &past, &kit_err));
	assert_int_equal(past.encrypt_ms, 0);
	store_close(store);
}

static void
what_is_old_is_forgotten(void **state)
{
	struct store *store = kit_scratch();
	struct host_past past, news = {.verify_ms = 100};
	char after[STORE_HOST_SIZE] = "";
	unsigned slices = 0;

	(void)state;
	assert_true(store_host_add(store, "canary.test", 25, &news, &kit_err));
	assert_true(store_host_add(store, "old.test", 25, &news, &kit_err));
	assert_true(store_host_add(store, "older.test", 25, &news, &kit_err));
	news.failed_ms = 200;
	assert_true(store_host_add(store, HOST, 25, &news, &kit_err));
	do
		assert_true(store_thin_hosts(
		    store, 150, " canary.test ", after, sizeof(after), 1, &kit_err));
	while (after[0] != '\0' && ++slices < 9);
	assert_in_range(slices, 1, 4);
	assert_true(store_host_get(store, "canary.test", 25, &past, &kit_err));
	assert_int_equal(past.verify_ms, 100);
	assert_true(store_host_get(store, "older.test", 25, &past, &kit_err));
	assert_int_equal(past.verify_ms, 0);
	assert_true(store_host_get(store, "old.test", 25, &past, &kit_err));
	assert_int_equal(past.verify_ms, 0);
	assert_true(store_host_get(store, HOST, 25, &past, &kit_err));
	assert_int_equal(past.verify_ms, 100);
	store_close(store);
}

/* A failure of the future would be the last one for as long; the past stays. */
static void
failure_of_the_future_is_none(void **state)
{
	struct store *store = kit_scratch();
	struct host_past past, news = {.verify_ms = 400 * DAY, .failed_ms = 400 * DAY};

	(void)state;
	assert_true(store_host_add(store, HOST, 25, &news, &kit_err));
	assert_true(store_bring_back(store, 399 * DAY, DAY, &kit_err));
	assert_true(store_host_get(store, HOST, 25, &past, &kit_err));
	assert_int_equal(past.failed_ms, 400 * DAY);
	assert_true(store_bring_back(store, 300 * DAY, DAY, &kit_err));
	assert_true(store_host_get(store, HOST, 25, &past, &kit_err));
	assert_int_equal(past.failed_ms, 0);
	assert_int_equal(past.verify_ms, 400 * DAY);
	store_close(store);
}

/* --- what the log says ------------------------------------------------------------- */

static void
log_at(const char *relay, const char *domain, const char *grade, const char *status)
{
	if (grade[0] != '\0')
		rig_log_session(grade, relay);
	rig_log_status(domain, relay, "2.0.0", status);
}

static void
verified(const char *domain)
{
	log_at(HOST "[192.0.2.1]:25", domain, "Verified", "sent (250 2.0.0 Ok)");
	rig_save();
}

/* Only that kind of past, as text: a letter each, and "f" for failed. */
static void
assert_past(const char *name, uint16_t port, const char *expected)
{
	struct host_past past;
	char text[8];

	assert_true(store_host_get(rig.store, name, port, &past, &kit_err));
	snprintf(text, sizeof(text), "%s%s%s%s", past.encrypt_ms != 0 ? "e" : "",
	    past.verify_ms != 0 ? "v" : "", past.dane_ms != 0 ? "d" : "",
	    past.failed_ms != 0 ? "f" : "");
	assert_string_equal(text, expected);
	assert_int_equal(past.proven_ms, 0); /* the log does not prove it */
}

struct line {
	const char *what;
	const char *relay, *grade, *status;
	enum level default_level;
	const char *name;
	uint16_t port;
	const char *past;
};

static const struct line lines[] = {
    {"a session that verified", "mx.a.test[192.0.2.1]:25", "Verified", "sent (250 Ok)",
        LEVEL_VERIFY, "mx.a.test", 25, "v"},
    {"capital letters", "MX.a.Test[192.0.2.1]:25", "Verified", "sent (250 Ok)",
        LEVEL_VERIFY, "mx.a.test", 25, "v"},
    {"another port", "mx.a.test[192.0.2.1]:2525", "Verified", "sent (250 Ok)",
        LEVEL_VERIFY, "mx.a.test", 2525, "v"},
    {"an address with colons", "mx.a.test[2001:db8::1]:25", "Trusted", "sent (250 Ok)",
        LEVEL_VERIFY, "mx.a.test", 25, "e"},
    {"where dane is the default it is TLSA that verifies", "mx.a.test[192.0.2.1]:25",
        "Verified", "sent (250 Ok)", LEVEL_DANE, "mx.a.test", 25, "d"},
    {"what is refused over TLS is a session, and no failure", "mx.a.test[192.0.2.1]:25",
        "Verified", "bounced (host mx.a.test[192.0.2.1] said: 550 no)", LEVEL_VERIFY,
        "mx.a.test", 25, "v"},
    {"a certificate that does not verify, of a server that DNS has not named",
        "mx.a.test[192.0.2.1]:25", "Untrusted", "deferred (" NOT_VERIFIED ")",
        LEVEL_VERIFY, "mx.a.test", 25, "e"},
    {"what waits by a rule is no failure of the host", "mx.a.test[192.0.2.1]:25", "",
        "deferred (" TLSA_ERROR ")", LEVEL_VERIFY, "mx.a.test", 25, ""},
    {"an echo is none", "mx.a.test[192.0.2.1]:25", "",
        "deferred (delivery temporarily suspended: " NOT_VERIFIED ")", LEVEL_VERIFY,
        "mx.a.test", 25, ""},
    {"no server", "none", "", "deferred (" NOT_VERIFIED ")", LEVEL_VERIFY, "none", 25,
        ""},
};

static void
line_is_past_of_a_host(void **state)
{
	const struct line *line = *state;

	rig_new(ENGINE_APPLY);
	world.sessions_logged = true;
	world.default_level = line->default_level;
	world_settle(rig.engine);
	log_at(line->relay, "a.test", line->grade, line->status);
	rig_save();
	assert_past(line->name, line->port, line->past);
	rig_close();
}

static void
server_fails_once_dns_names_it(void **state)
{
	(void)state;
	rig_new_settled();
	world.sessions_logged = true;
	log_at("mx.a.test[192.0.2.1]:25", "a.test", "Untrusted",
	    "deferred (" NOT_VERIFIED ")");
	rig_save();
	world_wait(rig.engine, 10 * SECOND);
	assert_past("mx.a.test", 25, "ef");
	rig_close();
}

/* Without session lines what was sent met what is asked for. */
static void
sent_mail_is_past_of_a_host(void **state)
{
	(void)state;
	rig_new_settled();
	log_at(HOST "[192.0.2.1]:25", "a.test", "", "sent (250 Ok)");
	rig_save();
	assert_past(HOST, 25, "v");
	rig_close();
}

/* --- what it holds ----------------------------------------------------------------- */

static bool domain_is_signed;

static void
answer_shared(struct measure_item *item)
{
	world_add_host(item, HOST, PROMISE_NONE);
	item->answers.dane.signed_domain = domain_is_signed;
	snprintf(item->answers.text, sizeof(item->answers.text), HOST " usable=0/0");
}

static void
begin(void)
{
	rig_new_settled();
	domain_is_signed = false;
	world.answer = answer_shared;
	world.finger = world_self_signed;
	world.sessions_logged = true;
}

static void
defer_at_shared(const char *domain)
{
	log_at(HOST "[192.0.2.1]:25", domain, "", "deferred (" NOT_VERIFIED ")");
	rig_save();
}

/* Four domains of one provider, one of which verified; then its certificate goes bad. */
static void
past_of_the_host_holds_all_its_names(void **state)
{
	static const char *const names[] = {
	    "hosted.test", "hostile-cn.test", "third.test", "fourth.test"};

	(void)state;
	begin();
	verified("hosted.test");
	world_wait(rig.engine, HOUR);
	for (size_t i = 0; i < 4; i++)
		defer_at_shared(names[i]);
	world_wait(rig.engine, MIN);
	for (size_t i = 0; i < 4; i++)
		rig_assert_judged(names[i], LEVEL_NONE, WHY_HOLD);
	/* A day later, with an attempt: it is what it is. */
	world_wait(rig.engine, DAY);
	for (size_t i = 0; i < 4; i++)
		defer_at_shared(names[i]);
	world_wait(rig.engine, MIN);
	for (size_t i = 0; i < 4; i++)
		rig_assert_judged(names[i], LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	rig_close();
}

static void
both_spellings_have_one_past(void **state)
{
	(void)state;
	begin();
	verified("xn--bcher-kva.test");
	defer_at_shared("xn--bcher-kva.test");
	defer_at_shared("b\xc3\xbc"
	                "cher.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("xn--bcher-kva.test", LEVEL_NONE, WHY_HOLD);
	rig_assert_judged("b\xc3\xbc"
	                  "cher.test",
	    LEVEL_NONE, WHY_HOLD);
	rig_close();
}

/* Also where nobody can be asked what servers do, and DNS is remembered. */
static void
past_holds_without_a_prober(void **state)
{
	(void)state;
	begin();
	world.finger = NULL;
	verified("hosted.test");
	defer_at_shared("other.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("other.test", LEVEL_NONE, WHY_HOLD);
	defer_at_shared("other.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("other.test", LEVEL_NONE, WHY_HOLD);
	rig_close();
}

static void
probe_is_past_after_a_restart(void **state)
{
	(void)state;
	begin();
	world.finger = world_verifies;
	defer_at_shared("hosted.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("hosted.test", LEVEL_NONE, WHY_CONTRADICTION);
	kit_assert(STATE, "SELECT name, port, parent, verify_ms = proven_ms FROM host",
	    HOST "|25|shared.test|1\n");
	rig_close();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	world.finger = world_self_signed;
	defer_at_shared("other.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("other.test", LEVEL_NONE, WHY_HOLD);
	rig_close();
}

static void
another_host_is_another(void **state)
{
	(void)state;
	begin();
	verified("hosted.test");
	world.answer = NULL;
	rig_defer("other.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("other.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	rig_close();
}

/* What DANE proved for one destination says of an unsigned one that it was encrypted. */
static void
past_by_dane_is_for_signed_destinations(void **state)
{
	static const struct host_past by_dane = {.dane_ms = WORLD_START_MS};

	(void)state;
	begin();
	assert_true(store_host_add(rig.store, HOST, 25, &by_dane, &kit_err));
	defer_at_shared("unsigned.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("unsigned.test", LEVEL_ENCRYPT, WHY_NOT_AUTHENTIC);
	domain_is_signed = true;
	defer_at_shared("signed.test");
	world_wait(rig.engine, MIN);
	rig_assert_judged("signed.test", LEVEL_NONE, WHY_HOLD);
	rig_close();
}

/* A silent host is waited for as long as its past counts, whoever asks. */
static void
is_silent(const struct finger_question *question, struct server *server)
{
	if (strcmp(question->host, HOST) == 0)
		world_is_silent(question, server);
	else
		world_self_signed(question, server);
}

static void
answer_two(struct measure_item *item)
{
	answer_shared(item);
	world_add_host(item, "mx.second.test", PROMISE_NONE);
}

static void
host_of_others_is_awaited(void **state)
{
	(void)state;
	begin();
	world.answer = answer_two;
	world.finger = is_silent;
	verified("hosted.test");
	log_at("mx.second.test[192.0.2.1]:25", "other.test", "",
	    "deferred (" NOT_VERIFIED ")");
	rig_save();
	world_wait(rig.engine, MIN);
	rig_assert_judged("other.test", LEVEL_NONE, WHY_AWAITED);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 2;
	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++)
		suite_add(parent_is, &parents[i], "the parent of \"%s\" is \"%s\"",
		    parents[i].name, parents[i].parent);
	for (size_t i = 0; i < sizeof(bests) / sizeof(bests[0]); i++)
		suite_add(best_is, &bests[i], "the best of a past: %s", bests[i].what);
	suite_add(later_news_count, NULL, "of a host what is later counts");
	suite_add(what_is_old_is_forgotten, NULL, "a host that did nothing is forgotten");
	suite_add(failure_of_the_future_is_none, NULL,
	    "a failure of the future is none once the clock is set back");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		suite_add(
		    line_is_past_of_a_host, &lines[i], "the log: %s", lines[i].what);
	suite_add(
	    server_fails_once_dns_names_it, NULL, "a server failed, once DNS names it");
	suite_add(sent_mail_is_past_of_a_host, NULL,
	    "the log without sessions: sent mail is a past");
	suite_add(past_of_the_host_holds_all_its_names, NULL,
	    "four domains of one host, one certificate that goes bad: all are held");
	suite_add(both_spellings_have_one_past, NULL,
	    "the U-label and the A-label have one past");
	suite_add(
	    past_holds_without_a_prober, NULL, "and so it is without posttls-finger");
	suite_add(probe_is_past_after_a_restart, NULL,
	    "what a probe found is a past, also after a restart");
	suite_add(another_host_is_another, NULL, "another host has another past");
	suite_add(past_by_dane_is_for_signed_destinations, NULL,
	    "a past by DANE holds signed destinations alone");
	suite_add(host_of_others_is_awaited, NULL,
	    "a silent host that verified for others is waited for");
	return rig_end(suite_run());
}
