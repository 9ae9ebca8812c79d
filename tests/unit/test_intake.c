/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines into the store: nothing twice, nothing lost, and what they prove. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "conf/rulefile.h"
#include "engine/intake.h"
#include "storekit.h"
#include "sys/file.h"

#define START_MS (INT64_C(1795483619) * 1000) /* 2026-11-24T01:26:59Z, by date(1) */

static struct rules *rules;

static void
load_rules(void)
{
	char *file = (char *)(uintptr_t)suite_path("rules/postfix.yaml");
	struct errs errs = {0};

	rules = rulefile_load(&file, 1, RULEFILE_COMPILE, &errs);
	if (rules == NULL) {
		fprintf(stderr, "%s\n", errs.lines[0]);
		exit(2);
	}
}

static const struct destination_spans spans = {.attempts_ms = 8600000};

static bool
try_store(struct store *store, struct fold *fold, enum level default_level, bool *news)
{
	return intake_store(
	    store, fold, rules, default_level, &spans, NULL, 0, 1, news, &kit_err);
}

static void
must_store(struct store *store, struct fold *fold)
{
	bool news;

	if (!try_store(store, fold, LEVEL_VERIFY, &news))
		fail_msg("%s", kit_err.text);
}

/* --- a genuine log, cut where one likes -------------------------------------------- */

/* All that is stored, but for when a message began to wait. */
static const char everything[] =
    "SELECT * FROM destination ORDER BY id; SELECT * FROM tally ORDER BY 1, 2, 3;"
    "SELECT destination, queue_id, version, not_before_ms, tries FROM waiting ORDER BY "
    "1, 2;"
    "SELECT name, value FROM counter ORDER BY 1; SELECT name, hex(value) FROM blob;"
    "SELECT * FROM log_place";

static void
remove_database(const char *name)
{
	char wal[64], shm[64];

	snprintf(wal, sizeof(wal), "%s-wal", name);
	snprintf(shm, sizeof(shm), "%s-shm", name);
	unlink(kit_path(name));
	unlink(kit_path(wal));
	unlink(kit_path(shm));
}

/* The end of the line that holds at, or of the text. */
static size_t
line_end(const struct buf *log, size_t at)
{
	const char *newline = memchr(log->data + at, '\n', log->len - at);

	return newline != NULL ? (size_t)(newline + 1 - log->data) : log->len;
}

/* Read the log in pieces of at least so many bytes, each stored with its position; after
 * each the process ends and another goes on. What is in the store then; to be freed. */
static char *
read_in_pieces(const struct buf *log, size_t first, size_t then)
{
	size_t at = 0, size = first;
	struct buf processes = {0};

	remove_database("pieces.db");
	while (at < log->len) {
		size_t end =
		    line_end(log, at + size < log->len ? at + size - 1 : log->len - 1);
		struct log_place place = {
		    .name = "/var/log/mail.log", .place = {.kind = "file"}};
		struct store *store = kit_open("pieces.db");
		struct fold *fold = fold_new(rules);
		bool news;

		snprintf(place.place.text, sizeof(place.place.text), "%zu 7", end);
		buf_reset(&processes);
		assert_true(store_blob_get(store, "processes", &processes, &kit_err));
		fold_load_processes(
		    fold, (struct str){buf_text(&processes), processes.len});
		intake_lines(fold, (struct str){log->data + at, end - at}, START_MS);
		assert_true(intake_store(store, fold, rules, LEVEL_VERIFY, &spans, &place,
		    1, 1, &news, &kit_err));
		fold_free(fold);
		store_close(store);
		at = end;
		size = then;
	}
	buf_clear(&processes);
	return kit_ask("pieces.db", everything);
}

static void
pieces_equal_the_whole(void **state)
{
	const char *name = *state, *path = suite_path(name);
	struct buf log = {0};
	char *whole, *pieces;

	assert_true(file_read(path, 10000000, &log, &kit_err));
	whole = read_in_pieces(&log, log.len, 1);
	assert_non_null(strstr(whole, "selfsigned.test"));
	assert_non_null(strstr(whole, "session:verified"));
	for (int i = 1; i < 20; i++) {
		pieces = read_in_pieces(&log, log.len * (size_t)i / 20, log.len);
		assert_string_equal(pieces, whole);
		free(pieces);
	}
	pieces = read_in_pieces(&log, 2000, 2000);
	assert_string_equal(pieces, whole);
	free(pieces);
	free(whole);
	buf_clear(&log);
}

/* --- lines of our own -------------------------------------------------------------- */

#define STATUS(id, delays, tls, status, reason) \
	"mail postfix/smtp[1]: " id ": to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, " \
	"delay=9, delays=" delays tls ", dsn=4.7.5, status=" status " (" reason ")\n"
#define NOT_VERIFIED "Server certificate not verified"
#define DEFERRED(id) STATUS(id, "0/0/0/0", "", "deferred", NOT_VERIFIED)
#define SENT(id)     STATUS(id, "0/0/0/0", "", "sent", "250 Ok")
#define ECHO(id) \
	"mail postfix/error[2]: " id ": to=<u@a.test>, relay=none, delay=9, " \
	"delays=9/0/0/0, dsn=4.7.5, status=deferred (delivery temporarily " \
	"suspended: " NOT_VERIFIED ")\n"
#define SESSION(grade) \
	"mail postfix/smtp[1]: " grade " TLS connection established to " \
	"mx.a.test[192.0.2.1]:25: TLSv1.3 with cipher X (256/256 bits)\n"

/* Seconds after the start. */
static void
read_line(struct fold *fold, int at_s, const char *text)
{
	struct buf line = {0};

	buf_printf(&line, "2026-11-24T01:%02d:%02d+00:00 %s", 27 + (at_s - 1) / 60,
	    (at_s - 1) % 60, text);
	intake_lines(fold, (struct str){buf_text(&line), line.len}, START_MS + 1);
	buf_clear(&line);
}

static int64_t
ms(int at_s)
{
	return START_MS + at_s * 1000;
}

static void
failed_store_keeps_the_fold(void **state)
{
	struct log_place place = {
	    .name = "/log", .place = {.kind = "file", .text = "99 1"}};
	struct store *store, *other;
	struct fold *fold = fold_new(rules);
	bool news = true, found;
	struct place at;
	int64_t lines;

	(void)state;
	store = kit_open("kept.db");
	other = kit_open("kept.db");
	read_line(fold, 1, SESSION("Verified"));
	read_line(fold, 2, DEFERRED("QA"));
	kit_begin_transaction(other);
	assert_false(intake_store(
	    store, fold, rules, LEVEL_VERIFY, &spans, &place, 1, 1, &news, &kit_err));
	assert_non_null(strstr(kit_err.text, "locked"));
	assert_false(news);
	assert_int_equal(fold_size(fold), 1);
	store_rollback(other);
	assert_true(store_place_get(other, "/log", &at, &found, &kit_err));
	assert_false(found);
	read_line(fold, 3, DEFERRED("QB")); /* reading goes on meanwhile */
	assert_true(intake_store(
	    store, fold, rules, LEVEL_VERIFY, &spans, &place, 1, 1, &news, &kit_err));
	assert_true(news);
	assert_int_equal(fold_size(fold), 0);
	assert_true(intake_store(
	    store, fold, rules, LEVEL_VERIFY, &spans, &place, 1, 1, &news, &kit_err));
	assert_false(news);
	assert_int_equal(kit_get(store, "a.test").alarm.attempts, 2);
	assert_true(store_counter_get(store, "status-lines", &lines, &kit_err));
	assert_int_equal(lines, 2);
	assert_true(store_place_get(store, "/log", &at, &found, &kit_err));
	assert_true(found);
	assert_string_equal(at.kind, "file");
	assert_string_equal(at.text, "99 1");
	fold_free(fold);
	store_close(store);
	store_close(other);
	kit_assert("kept.db", "SELECT what, count FROM tally ORDER BY 1",
	    "deferred:certificate-not-verified|2\nsession:verified|1\n");
	kit_assert("kept.db", "SELECT queue_id FROM waiting ORDER BY 1", "QA\nQB\n");
}

/* --- what sent mail and sessions prove --------------------------------------------- */

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
	struct fold *fold = fold_new(rules);
	struct buf got = {0};
	struct destination d;
	char session[256], status[512];
	bool news;

	destination_init(&d, "a.test");
	d.entry.level = proof->entry;
	d.entry.force_ms = proof->force_s < 0 ? LADDER_NOT_YET
	    : proof->force_s > 0              ? ms(proof->force_s)
	                                      : 0;
	d.alarm.raised = d.alarm.pending = true;
	d.alarm.attempts = 3;
	d.hold.may_ms = 1;
	d.dns.time_ms = ms(0);
	d.hold.level = LEVEL_MAY;
	kit_put(store, &d);
	if (proof->session != NULL && proof->session[0] != ',') {
		snprintf(session, sizeof(session), SESSION("%s"), proof->session);
		read_line(fold, 9, session);
	}
	snprintf(status, sizeof(status), STATUS("QA", "0/0/1/2", "%s", "%s", "%s"),
	    proof->session != NULL && proof->session[0] == ',' ? proof->session : "",
	    proof->sent ? "sent" : "bounced",
	    proof->sent ? "250 Ok" : "host said: 550 no");
	read_line(fold, 12, status);
	assert_true(try_store(store, fold, proof->default_level, &news));
	d = kit_get(store, "a.test");
	buf_printf(&got, "%s%s%s%s", d.past.encrypt_ms == ms(12) ? "encrypt" : "",
	    d.past.verify_ms == ms(12) ? "verify" : "",
	    d.past.secure_ms == ms(12) ? " secure" : "",
	    d.past.dane_ms == ms(12) ? "dane" : "");
	assert_string_equal(buf_text(&got), proof->expected);
	assert_int_equal(d.past.sent_ms, proof->sent ? ms(12) : 0);
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
	struct fold *fold = fold_new(rules);
	int64_t verified_ms;

	(void)state;
	name_servers(store, LEVEL_NONE);
	read_line(fold, 5, DEFERRED("QA"));
	must_store(store, fold);
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, 0);
	read_line(fold, 6, SENT("QB"));
	must_store(store, fold);
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, ms(6));
	read_line(fold, 3, SENT("QC")); /* an older log */
	must_store(store, fold);
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, ms(6));
	assert_int_equal(kit_get(store, "a.test").past.sent_ms, ms(6));
	fold_free(fold);
	store_close(store);
}

/* Anybody can make up a name, and a line. */
static void
strangers_prove_nothing(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(rules);
	int64_t verified_ms;

	(void)state;
	read_line(fold, 5, SENT("QA")); /* whose server that is was never asked */
	must_store(store, fold);
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
	struct fold *fold = fold_new(rules);
	int64_t verified_ms;
	bool news;

	(void)state;
	name_servers(store, LEVEL_DANE_ONLY);
	read_line(fold, 5, SENT("QA"));
	must_store(store, fold);
	assert_int_equal(kit_get(store, "a.test").past.dane_ms, ms(5));
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, 0);
	read_line(fold, 6, SENT("QB"));
	assert_true(try_store(store, fold, LEVEL_DANE_ONLY, &news));
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, ms(6));
	fold_free(fold);
	store_close(store);
}

/* Where encryption is all that is asked for, its sessions end a freeze, and prevent one.
 */
static void
encryption_is_proof_where_it_is_asked_for(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(rules);
	int64_t verified_ms;
	bool news;

	(void)state;
	name_servers(store, LEVEL_NONE);
	fold_set_sessions(fold, true);
	read_line(fold, 5, SESSION("Untrusted"));
	read_line(fold, 6, SENT("QA"));
	must_store(store, fold); /* verify is the default */
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, 0);
	read_line(fold, 7, SESSION("Untrusted"));
	read_line(fold, 8, SENT("QB"));
	assert_true(try_store(store, fold, LEVEL_ENCRYPT, &news));
	assert_true(store_counter_get(store, "verified-ms", &verified_ms, &kit_err));
	assert_int_equal(verified_ms, ms(8));
	fold_free(fold);
	store_close(store);
}

/* A content filter on another host, say, took it. */
static void
sent_proves_nothing_beside_sessions(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(rules);

	(void)state;
	fold_set_sessions(fold, true);
	read_line(fold, 5, SENT("QA"));
	must_store(store, fold);
	assert_int_equal(kit_get(store, "a.test").past.sent_ms, ms(5));
	assert_int_equal(kit_get(store, "a.test").past.verify_ms, 0);
	read_line(fold, 6, SESSION("Verified"));
	read_line(fold, 7, SENT("QB"));
	must_store(store, fold);
	assert_int_equal(kit_get(store, "a.test").past.verify_ms, ms(7));
	fold_free(fold);
	store_close(store);
}

/* --- deferrals --------------------------------------------------------------------- */

struct deferral_row {
	const char *name;
	int force_s;          /* since when the present level is in force; -1: not yet */
	const char *lines[4]; /* at 10, 20, 30 s, each stored by itself */
	const char *expected; /* "real@10 2 attempts, news" */
};

static const struct deferral_row deferral_rows[] = {
    {"a first one", 0, {DEFERRED("QA")}, "real@10 1 attempts, news"},
    {"an echo first", 0, {ECHO("QA")}, "echo@10 0 attempts, news"},
    {"an attempt after an echo", 0, {ECHO("QA"), DEFERRED("QB")},
        "real@20 1 attempts, news"},
    {"an echo of an attempt under the present level is no news", 5,
        {DEFERRED("QA"), ECHO("QB")}, "real@10 1 attempts"},
    {"an echo of an attempt from before it is: its mail is retried", 15,
        {DEFERRED("QA"), ECHO("QB")}, "real@10 0 attempts, news"},
    {"an echo while the map is not in place yet", -1, {DEFERRED("QA"), ECHO("QB")},
        "real@10 0 attempts, news"},
    {"an attempt under the present level after one from before it", 15,
        {DEFERRED("QA"), DEFERRED("QB")}, "real@20 1 attempts, news"},
    {"one that took long and began before the present level is no news", 5,
        {DEFERRED("QA"), STATUS("QB", "0/0/18/0", "", "deferred", NOT_VERIFIED)},
        "real@10 1 attempts"},
    {"one that whole seconds leave open is", 5,
        {DEFERRED("QA"), STATUS("QB", "0/0/10/0.3", "", "deferred", NOT_VERIFIED)},
        "real@20 2 attempts, news"},
    {"a second one under the present level is", 5, {DEFERRED("QA"), DEFERRED("QB")},
        "real@20 2 attempts, news"},
    {"what is deferred after mail flowed begins anew", 5,
        {DEFERRED("QA"), SENT("QA"), DEFERRED("QB")}, "real@30 1 attempts, news"},
    {"sent mail is the end of it", 5, {DEFERRED("QA"), SENT("QA")}, "none 0 attempts"},
    {"lost mail", 0, {STATUS("QA", "0/0/0/0", "", "bounced", NOT_VERIFIED)},
        "lost@10 1 attempts, news"},
};

static void
deferral_is_noted(void **state)
{
	const struct deferral_row *row = *state;
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(rules);
	struct buf got = {0};
	struct destination d;
	bool news = false;

	destination_init(&d, "a.test");
	d.entry.level = row->force_s != 0 ? LEVEL_ENCRYPT : LEVEL_NONE;
	d.entry.force_ms = row->force_s < 0 ? LADDER_NOT_YET
	    : row->force_s > 0              ? ms(row->force_s)
	                                    : 0;
	d.dns.time_ms = ms(0);
	kit_put(store, &d);
	for (int i = 0; i < 4 && row->lines[i] != NULL; i++) {
		/* what came before was judged */
		d = kit_get(store, "a.test");
		d.alarm.pending = false;
		kit_put(store, &d);
		read_line(fold, 10 * (i + 1), row->lines[i]);
		assert_true(try_store(store, fold, LEVEL_VERIFY, &news));
	}
	d = kit_get(store, "a.test");
	if (d.alarm.raised)
		buf_printf(&got, "%s@%d ",
		    d.alarm.lost            ? "lost"
		        : d.alarm.suspended ? "echo"
		                            : "real",
		    (int)((d.alarm.time_ms - START_MS) / 1000));
	else
		buf_printf(&got, "none ");
	buf_printf(
	    &got, "%u attempts%s", d.alarm.attempts, d.alarm.pending ? ", news" : "");
	assert_string_equal(buf_text(&got), row->expected);
	assert_int_equal(news, d.alarm.pending);
	buf_clear(&got);
	fold_free(fold);
	store_close(store);
}

static void
deferral_is_kept_whole(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(rules);
	struct destination d;

	(void)state;
	read_line(
	    fold, 10, STATUS("QA", "0/0/1/2", ", tls=!verify", "deferred", NOT_VERIFIED));
	must_store(store, fold);
	d = kit_get(store, "a.test");
	assert_string_equal(d.alarm.rule, "certificate-not-verified");
	assert_string_equal(d.alarm.reason, NOT_VERIFIED);
	assert_string_equal(d.alarm.dsn, "4.7.5");
	assert_string_equal(d.alarm.service, "smtp");
	assert_string_equal(d.alarm.relay, "mx.a.test");
	assert_int_equal(d.alarm.attempt_level, LEVEL_VERIFY);
	assert_in_range(d.alarm.attempt_ms, ms(7) - 20, ms(7));
	assert_int_equal(d.alarm.first_attempt_ms, d.alarm.attempt_ms);
	read_line(fold, 20,
	    STATUS("QB", "0/0/0/0", "", "deferred", "client TLS configuration problem"));
	must_store(store, fold);
	d = kit_get(store, "a.test");
	assert_true(d.alarm.policy_refused);
	assert_int_equal(d.alarm.attempt_level, LEVEL_UNKNOWN);
	assert_in_range(d.alarm.first_attempt_ms, ms(7) - 20, ms(7));
	assert_in_range(d.alarm.last_attempt_ms, ms(20) - 20, ms(20));
	fold_free(fold);
	store_close(store);
}

static enum answer
route_to_relay(
    void *context, struct str recipient, struct str domain, struct route *route)
{
	(void)recipient;
	assert_true(str_copy(domain, route->key, sizeof(route->key)));
	snprintf(
	    route->transport, sizeof(route->transport), "%s", *(const char **)context);
	return ANSWER_YES;
}

/* A policy look-up names the next-hop, and not the service: that stays as it was. */
static void
service_stays_known(void **state)
{
	const char *transport = "relay";
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(rules);

	(void)state;
	fold_set_router(fold, route_to_relay, &transport);
	read_line(fold, 10, DEFERRED("QA"));
	must_store(store, fold);
	assert_string_equal(kit_get(store, "a.test").transport, "relay");
	transport = "";
	read_line(fold, 20, DEFERRED("QB"));
	must_store(store, fold);
	assert_string_equal(kit_get(store, "a.test").transport, "relay");
	transport = "slow";
	read_line(fold, 30, DEFERRED("QC"));
	transport = "";
	read_line(fold, 40, DEFERRED("QD"));
	must_store(store, fold);
	assert_string_equal(kit_get(store, "a.test").transport, "slow");
	fold_free(fold);
	store_close(store);
}

static void
lines_that_are_none_are_skipped(void **state)
{
	static const char text[] =
	    "\n\r\n\0\0\0\nstatus=deferred\nTLS connection established to\n"
	    "Nov 24 01:27:00 mail postfix/smtp[1]: status=deferred ()\n"
	    "Nov 24 01:27:00 mail postfix/smtp[1]: QA: to=<u@a.test>, relay=none, "
	    "delay=0, "
	    "delays=0/0/0/0, dsn=4.7.5, status=deferred (" NOT_VERIFIED "\n"
	    "Nov 24 01:27:00 mail postfix/smtp[1]: QA: to=<u@a.test>, relay=none, "
	    "delay=0, "
	    "delays=0/0/0/0, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")";
	struct fold *fold = fold_new(rules);

	(void)state;
	intake_lines(fold, (struct str){text, sizeof(text) - 1}, START_MS);
	assert_int_equal(fold_size(fold), 1); /* of the last, whose newline is to come */
	assert_int_equal(fold_first(fold)->tried.count, 1);
	fold_free(fold);
}

/* The times are those of date(1). */
static const struct {
	const char *stamp; /* "": none; lines without one are of now */
	int64_t time_ms;
} stamps[] = {
    {"2026-11-24T01:26:59.250Z m ", INT64_C(1795483619250)},
    {"2026-11-24T01:27:00Z m ", INT64_C(1795483620000)},
    {"2026-11-24T01:27:59.999999Z m ", INT64_C(1795483679999)},
    {"2026-11-24T01:27:59+01:00 m ", INT64_C(1795480079000)},
    {"", START_MS + 5},
    {"2026-11-24T01:27:59+01:00 m ", INT64_C(1795480079000)},
    {"2026-11-24T02:27:59+01:00 m ", INT64_C(1795483679000)},
    {"2026-11-23T02:27:59+01:00 m ", INT64_C(1795397279000)},
    {"2026-10-23T02:27:59+01:00 m ", INT64_C(1792718879000)},
    {"2025-10-23T02:27:60+01:00 m ", INT64_C(1761182880000)},
    {"2026-02-30T01:00:00Z m ", START_MS + 5}, /* no such day */
    {"2026-02-30T01:00:01Z m ", START_MS + 5},
};

static void
each_line_has_its_own_time(void **state)
{
	struct fold *fold = fold_new(rules);
	struct fold_item *item;
	struct buf text = {0};
	size_t count = sizeof(stamps) / sizeof(stamps[0]);

	(void)state;
	for (size_t i = 0; i < count; i++)
		buf_printf(&text,
		    "%spostfix/smtp[1]: QA: to=<u@d%zu.test>, relay=none, delay=0, "
		    "delays=0/0/0/0, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")\n",
		    stamps[i].stamp, i);
	intake_lines(fold, (struct str){buf_text(&text), text.len}, START_MS + 5);
	item = fold_first(fold);
	for (size_t i = 0; i < count; i++, item = item->next) {
		assert_non_null(item);
		assert_int_equal(item->deferral->time_ms, stamps[i].time_ms);
	}
	assert_null(item);
	buf_clear(&text);
	fold_free(fold);
}

static void
is_full_until_it_is_stored(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(rules);
	struct buf text = {0};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		assert_false(intake_is_full(fold));
		buf_reset(&text);
		buf_printf(&text,
		    "postfix/smtp[1]: QA: to=<u@d%d.test>, relay=h.test[192.0.2.1]:25, "
		    "delay=0, "
		    "delays=0/0/0/0, dsn=2.0.0, status=sent (250 Ok)\n",
		    i);
		intake_lines(fold, (struct str){buf_text(&text), text.len}, START_MS);
	}
	assert_true(intake_is_full(fold));
	must_store(store, fold);
	assert_false(intake_is_full(fold));
	buf_clear(&text);
	fold_free(fold);
	store_close(store);
}

int
main(void)
{
	static const char *const logs[] = {"tests/logs/corpus/verify-maillog.log",
	    "tests/logs/corpus/verify-syslog.log",
	    "tests/logs/corpus/dane-only-rfc3339.log"};
	int status;

	kit_begin();
	load_rules();
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
		suite_add(pieces_equal_the_whole, logs[i],
		    "read in pieces, with restarts, it is as read at once: %s", logs[i]);
	suite_add(failed_store_keeps_the_fold, NULL,
	    "what could not be stored is kept, and stored once");
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
	for (size_t i = 0; i < sizeof(deferral_rows) / sizeof(deferral_rows[0]); i++)
		suite_add(deferral_is_noted, &deferral_rows[i], "deferral: %s",
		    deferral_rows[i].name);
	suite_add(deferral_is_kept_whole, NULL, "all that a deferral says is kept");
	suite_add(service_stays_known, NULL, "the service of a destination stays known");
	suite_add(
	    lines_that_are_none_are_skipped, NULL, "lines that are none are skipped");
	suite_add(each_line_has_its_own_time, NULL, "each line has its own time");
	suite_add(is_full_until_it_is_stored, NULL,
	    "20,000 destinations are enough, until they are stored");
	status = suite_run();
	rules_free(rules);
	return kit_end(status);
}
