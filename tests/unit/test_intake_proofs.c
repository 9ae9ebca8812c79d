/* SPDX-License-Identifier: BSD-2-Clause */
/* What mail that was sent and sessions prove, once they are stored. */
#include "suite.h"

#include "intakekit.h"

struct proof {
	const char *name;
	enum level default_level;
	enum level entry;
	const char
	    *session; /* before it, or its own ", tls=" (Postfix 3.11); NULL: none */
	bool sent;
	int force_s;          /* since when the level is in force; -1: not yet */
	const char *expected; /* "encrypt verify dane": what it was seen to do */
};

static const struct proof proofs[] = {
    {"sent at verify", LEVEL_VERIFY, LEVEL_NONE, NULL, true, 0, "verify"},
    {"sent at secure", LEVEL_SECURE, LEVEL_NONE, NULL, true, 0, "verify secure"},
    {"sent at fingerprint", LEVEL_FINGERPRINT, LEVEL_NONE, NULL, true, 0, "verify"},
    {"sent at dane-only", LEVEL_DANE_ONLY, LEVEL_NONE, NULL, true, 0, "dane"},
    {"sent at encrypt", LEVEL_ENCRYPT, LEVEL_NONE, NULL, true, 0, "encrypt"},
    {"sent at may proves nothing", LEVEL_MAY, LEVEL_NONE, NULL, true, 0, ""},
    {"sent at dane proves nothing: it may have been cleartext", LEVEL_DANE, LEVEL_NONE,
        NULL, true, 0, ""},
    {"sent at none proves nothing", LEVEL_NONE, LEVEL_NONE, NULL, true, 0, ""},
    {"sent at a default that is not known proves nothing", LEVEL_UNKNOWN, LEVEL_NONE,
        NULL, true, 0, ""},
    {"the entry stands before the default", LEVEL_VERIFY, LEVEL_ENCRYPT, NULL, true, 1,
        "encrypt"},
    {"a may entry proves nothing", LEVEL_VERIFY, LEVEL_MAY, NULL, true, 1, ""},
    {"a dane-only entry", LEVEL_VERIFY, LEVEL_DANE_ONLY, NULL, true, 1, "dane"},
    {"a stronger entry that is not in force yet", LEVEL_MAY, LEVEL_VERIFY, NULL, true, -1,
        ""},
    {"one in force since after the attempt began", LEVEL_MAY, LEVEL_VERIFY, NULL, true,
        10, ""},
    {"an anonymous session", LEVEL_MAY, LEVEL_NONE, "Anonymous", true, 0, "encrypt"},
    {"an untrusted session", LEVEL_MAY, LEVEL_NONE, "Untrusted", true, 0, "encrypt"},
    {"a trusted session", LEVEL_MAY, LEVEL_NONE, "Trusted", true, 0, "encrypt"},
    {"a verified session", LEVEL_DANE, LEVEL_NONE, "Verified", true, 0, "verify"},
    {"a verified session of mail that was then refused", LEVEL_DANE, LEVEL_NONE,
        "Verified", false, 0, "verify"},
    {"a verified session at dane-only", LEVEL_VERIFY, LEVEL_DANE_ONLY, "Verified", false,
        1, "dane"},
    {"a verified session before dane-only was in force", LEVEL_VERIFY, LEVEL_DANE_ONLY,
        "Verified", false, -1, "verify"},
    {"a verified session, dane-only being the default", LEVEL_DANE_ONLY, LEVEL_NONE,
        "Verified", false, 0, "dane"},
    {"a verified session, secure being the default", LEVEL_SECURE, LEVEL_NONE, "Verified",
        false, 0, "verify secure"},
    {"a verified session under a verify entry", LEVEL_SECURE, LEVEL_VERIFY, "Verified",
        false, 1, "verify"},
    {"a verified session before secure was in force", LEVEL_VERIFY, LEVEL_SECURE,
        "Verified", false, -1, "verify"},
    {"tls= names the level", LEVEL_MAY, LEVEL_NONE, ", tls=verify", true, 0, "verify"},
    {"tls= stands before what should apply", LEVEL_VERIFY, LEVEL_NONE, ", tls=encrypt",
        true, 0, "encrypt"},
    {"also before the entry is in force", LEVEL_MAY, LEVEL_VERIFY, ", tls=secure", true,
        -1, "verify secure"},
    {"tls=dane is a proof of TLSA", LEVEL_DANE, LEVEL_NONE, ", tls=dane", true, 0,
        "dane"},
    {"tls=dane:encrypt is encryption", LEVEL_DANE, LEVEL_NONE, ", tls=dane:encrypt", true,
        0, "encrypt"},
    {"tls=may:none is cleartext", LEVEL_MAY, LEVEL_NONE, ", tls=may:none", true, 0, ""},
    {"what is undecided proves nothing", LEVEL_VERIFY, LEVEL_NONE, ", tls=verify?", true,
        0, ""},
    {"nor what was violated", LEVEL_VERIFY, LEVEL_NONE, ", tls=!verify", true, 0, ""},
    {"requiretls is another matter", LEVEL_DANE, LEVEL_NONE,
        ", tls=dane/!requiretls:nostarttls", true, 0, "dane"},
    {"a session at may counts for what it was", LEVEL_VERIFY, LEVEL_MAY, "Untrusted",
        true, 1, "encrypt"},
};

static void
mail_proves(void **state)
{
	const struct proof *proof = *state;
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(intakekit_rules);
	struct buf got = {0};
	struct destination d;
	char session[256], status[512];
	bool news;

	destination_init(&d, "a.test");
	d.entry.level = proof->entry;
	d.entry.force_ms = proof->force_s < 0 ? LADDER_NOT_YET
	    : proof->force_s > 0              ? intakekit_ms(proof->force_s)
	                                      : 0;
	d.alarm.raised = d.alarm.pending = true;
	d.alarm.attempts = 3;
	d.hold.may_ms = 1;
	d.dns.time_ms = intakekit_ms(0);
	snprintf(d.alarm.relay, sizeof(d.alarm.relay), "mx.a.test");
	d.hold.level = LEVEL_MAY;
	kit_put(store, &d);
	if (proof->session != NULL && proof->session[0] != ',') {
		snprintf(session, sizeof(session), SESSION("%s"), proof->session);
		intakekit_read(fold, 9, session);
	}
	snprintf(status, sizeof(status), STATUS("QA", "0/0/1/2", "%s", "%s", "%s"),
	    proof->session != NULL && proof->session[0] == ',' ? proof->session : "",
	    proof->sent ? "sent" : "bounced",
	    proof->sent ? "250 Ok" : "host said: 550 no");
	intakekit_read(fold, 12, status);
	assert_true(intakekit_try(store, fold, proof->default_level, &news));
	d = kit_get(store, "a.test");
	buf_printf(&got, "%s%s%s%s",
	    d.past.encrypt_ms == intakekit_ms(12) ? "encrypt" : "",
	    d.past.verify_ms == intakekit_ms(12) ? "verify" : "",
	    d.past.secure_ms == intakekit_ms(12) ? " secure" : "",
	    d.past.dane_ms == intakekit_ms(12) ? "dane" : "");
	assert_string_equal(buf_text(&got), proof->expected);
	assert_int_equal(d.past.sent_ms, proof->sent ? intakekit_ms(12) : 0);
	/* Mail that flows ends the trouble, at whatever level. */
	assert_int_equal(d.alarm.pending, !proof->sent);
	assert_int_equal(d.alarm.raised, !proof->sent);
	assert_int_equal(d.alarm.attempts, proof->sent ? 0 : 3);
	assert_int_equal(d.hold.may_ms, proof->sent ? 0 : 1);
	assert_int_equal(d.hold.level, proof->sent ? LEVEL_NONE : LEVEL_MAY);
	/* A session that is better than the entry leads to a re-check. */
	assert_int_equal(news, !proof->sent || d.look_ms != 0);
	assert_int_equal(d.look_ms != 0,
	    proof->entry == LEVEL_MAY && proof->sent && proof->session != NULL &&
	        proof->session[0] != ',');
	buf_clear(&got);
	fold_free(fold);
	store_close(store);
}

/* Its servers are known: nobody else's prove anything of us. */
static void
name_servers(struct store *store, enum level entry)
{
	struct destination d;

	destination_init(&d, "a.test");
	d.entry.level = entry;
	d.dns.time_ms = 1;
	snprintf(d.dns.state, sizeof(d.dns.state), "none");
	snprintf(d.dns.text, sizeof(d.dns.text), "mx.a.test tlsa=none");
	kit_put(store, &d);
	destination_clear(&d);
}

/* The counter by which a freeze knows that verification works here. */
static void
proof_of_verification_is_counted(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(intakekit_rules);
	int64_t verified_ms;

	(void)state;
	name_servers(store, LEVEL_NONE);
	intakekit_read(fold, 5, DEFERRED("QA"));
	intakekit_store(store, fold);
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, 0);
	intakekit_read(fold, 6, SENT("QB"));
	intakekit_store(store, fold);
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, intakekit_ms(6));
	intakekit_read(fold, 3, SENT("QC")); /* an older log */
	intakekit_store(store, fold);
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, intakekit_ms(6));
	assert_int_equal(kit_get(store, "a.test").past.sent_ms, intakekit_ms(6));
	fold_free(fold);
	store_close(store);
}

/* Anybody can make up a name, and a line. */
static void
strangers_prove_nothing(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(intakekit_rules);
	int64_t verified_ms;

	(void)state;
	intakekit_read(fold, 5, SENT("QA")); /* whose server that is was never asked */
	intakekit_store(store, fold);
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, 0);
	fold_free(fold);
	store_close(store);
}

/* A certificate that verified, not DANE, which asks neither CA file nor clock. */
static void
dane_is_no_proof_of_the_ca_file(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(intakekit_rules);
	int64_t verified_ms;
	bool news;

	(void)state;
	name_servers(store, LEVEL_DANE_ONLY);
	intakekit_read(fold, 5, SENT("QA"));
	intakekit_store(store, fold);
	assert_int_equal(kit_get(store, "a.test").past.dane_ms, intakekit_ms(5));
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, 0);
	intakekit_read(fold, 6, SENT("QB"));
	assert_true(intakekit_try(store, fold, LEVEL_DANE_ONLY, &news));
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, intakekit_ms(6));
	fold_free(fold);
	store_close(store);
}

/* Where encryption is all that is asked for, its sessions end a freeze, and prevent one.
 */
static void
encryption_is_proof_where_it_is_asked_for(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(intakekit_rules);
	int64_t verified_ms;
	bool news;

	(void)state;
	name_servers(store, LEVEL_NONE);
	fold_set_sessions(fold, true);
	intakekit_read(fold, 5, SESSION("Untrusted"));
	intakekit_read(fold, 6, SENT("QA"));
	intakekit_store(store, fold); /* verify is the default */
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, 0);
	intakekit_read(fold, 7, SESSION("Untrusted"));
	intakekit_read(fold, 8, SENT("QB"));
	assert_true(intakekit_try(store, fold, LEVEL_ENCRYPT, &news));
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, intakekit_ms(8));
	fold_free(fold);
	store_close(store);
}

/* A content filter on another host, say, took it. */
static void
sent_proves_nothing_beside_sessions(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(intakekit_rules);

	(void)state;
	fold_set_sessions(fold, true);
	intakekit_read(fold, 5, SENT("QA"));
	intakekit_store(store, fold);
	assert_int_equal(kit_get(store, "a.test").past.sent_ms, intakekit_ms(5));
	assert_int_equal(kit_get(store, "a.test").past.verify_ms, 0);
	intakekit_read(fold, 6, SESSION("Verified"));
	intakekit_read(fold, 7, SENT("QB"));
	intakekit_store(store, fold);
	assert_int_equal(kit_get(store, "a.test").past.verify_ms, intakekit_ms(7));
	fold_free(fold);
	store_close(store);
}

/* --- how mail was protected --------------------------------------------------------- */

#define COUNTED \
	"SELECT what, count FROM tally WHERE what GLOB 'sent*' ORDER BY 1;" \
	"SELECT month, what, count FROM tally_month ORDER BY 1, 2"

static void
sent_mail_is_counted_by_protection(void **state)
{
	struct store *store;
	struct fold *fold = fold_new(intakekit_rules);
	bool news;

	(void)state;
	kit_remove("sent.db");
	store = kit_open("sent.db");
	intakekit_read(fold, 1, SESSION("Verified"));
	intakekit_read(fold, 2, SENT("QA"));
	intakekit_read(fold, 3, SENT("QA")); /* another recipient */
	intakekit_read(fold, 4, SENT("QB")); /* no session */
	intakekit_read(fold, 5, SESSION("Untrusted"));
	intakekit_read(fold, 6, SENT("QC"));
	intakekit_read(fold, 7, SESSION("Verified"));
	intakekit_read(fold, 8, DEFERRED("QD"));
	assert_true(intakekit_try(store, fold, LEVEL_DANE, &news));
	kit_assert("sent.db", COUNTED,
	    "sent|4\nsent:cleartext|1\nsent:dane|2\nsent:encrypted|1\n"
	    "2026-11|sent:cleartext|1\n2026-11|sent:dane|2\n2026-11|sent:encrypted|1\n");
	intakekit_read(fold, 9, SESSION("Verified"));
	intakekit_read(fold, 10, SENT("QE"));
	fold_set_silent(fold, true);
	intakekit_read(fold, 11, SENT("QF"));
	assert_true(intakekit_try(store, fold, LEVEL_SECURE, &news));
	kit_assert("sent.db", COUNTED,
	    "sent|6\nsent:cleartext|1\nsent:dane|2\nsent:encrypted|1\n"
	    "sent:unknown|1\nsent:verified|1\n"
	    "2026-11|sent:cleartext|1\n2026-11|sent:dane|2\n2026-11|sent:encrypted|1\n"
	    "2026-11|sent:unknown|1\n2026-11|sent:verified|1\n");
	fold_free(fold);
	store_close(store);
}

#define SENT_BY_OTHER(id) \
	"other postfix/smtp[1]: " id ": to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, " \
	"delay=9, delays=0/0/0/0, dsn=2.0.0, status=sent (250 Ok)\n"

/* Whichever of them has the last line. */
static void
nodes_differ_in_what_is_logged(void **state)
{
	static const char *const hosts[] = {"mail", "other"};

	(void)state;
	for (int order = 0; order < 2; order++) {
		struct fold *fold = fold_new(intakekit_rules);
		struct store *store;
		bool news;

		fold_set_nodes(fold, hosts, 2);
		fold_select(fold, 1);
		fold_set_silent(fold, true);
		kit_remove("nodes.db");
		store = kit_open("nodes.db");
		intakekit_read(fold, 1, order == 0 ? SENT("QA") : SENT_BY_OTHER("QA"));
		intakekit_read(fold, 2, order != 0 ? SENT("QB") : SENT_BY_OTHER("QB"));
		assert_true(intakekit_try(store, fold, LEVEL_MAY, &news));
		kit_assert("nodes.db",
		    "SELECT what, sum(count) FROM tally WHERE what LIKE 'sent:%' "
		    "GROUP BY what",
		    "sent:cleartext|1\nsent:unknown|1\n");
		fold_free(fold);
		store_close(store);
	}
}

int
main(void)
{
	intakekit_begin();
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++)
		suite_add(mail_proves, &proofs[i], "proof: %s", proofs[i].name);
	suite_add(encryption_is_proof_where_it_is_asked_for, NULL,
	    "encryption is a proof where no more is asked for");
	suite_add(dane_is_no_proof_of_the_ca_file, NULL,
	    "DANE is no proof that certificates verify here");
	suite_add(sent_proves_nothing_beside_sessions, NULL,
	    "where sessions are logged, mail that was sent proves no level");
	suite_add(strangers_prove_nothing, NULL,
	    "a session at a server that DNS did not name is no proof of us");
	suite_add(proof_of_verification_is_counted, NULL,
	    "the last proof that verification works is noted, and never an older one");
	suite_add(sent_mail_is_counted_by_protection, NULL,
	    "mail that was sent is counted by how it was protected, by day and month");
	suite_add(nodes_differ_in_what_is_logged, NULL,
	    "mail of a node that logs no session is of unknown protection, and of "
	    "another "
	    "it is in cleartext");
	return intakekit_end(suite_run());
}
