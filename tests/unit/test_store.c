/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/span.h"
#include "storekit.h"
#include "sys/file.h"

#define NOW_MS (INT64_C(1795483619) * 1000)

/* --- opening ----------------------------------------------------------------------- */

static void
creates_and_reopens(void **state)
{
	struct store *store = kit_open("new.db");
	struct stat st;

	(void)state;
	kit_add(store, "example.org");
	store_close(store);
	assert_int_equal(stat(kit_path("new.db"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	store = kit_open("new.db");
	kit_get(store, "example.org");
	store_close(store);
	kit_assert("new.db", "PRAGMA user_version; PRAGMA journal_mode", "22\nwal\n");
}

static void
leaves_the_umask(void **state)
{
	mode_t mask = umask(0022);

	(void)state;
	store_close(kit_open("mask.db"));
	assert_int_equal(umask(mask), 0022);
}

static void
zero_bytes_are_a_new_one(void **state)
{
	struct store *store;

	(void)state;
	kit_write("zero.db", "", 0);
	store = kit_open("zero.db");
	kit_add(store, "example.org");
	store_close(store);
}

static void
refuses_a_newer_one_by_name(void **state)
{
	(void)state;
	store_close(kit_open("newer.db"));
	kit_run("newer.db", "PRAGMA user_version = 99");
	assert_null(store_open(kit_path("newer.db"), 0, &kit_err));
	assert_non_null(strstr(kit_err.text, kit_path("newer.db")));
	assert_non_null(strstr(kit_err.text, "newer tlsladder"));
	assert_non_null(strstr(kit_err.text, "99"));
	kit_assert("newer.db", "PRAGMA user_version", "99\n");
}

/* A number that no step leads to must not be taken for an index of one. */
static void
refuses_a_negative_version(void **state)
{
	(void)state;
	kit_run("negative.db", "PRAGMA user_version = -3");
	assert_null(store_open(kit_path("negative.db"), 0, &kit_err));
	assert_non_null(strstr(kit_err.text, kit_path("negative.db")));
}

static void
refuses_the_database_of_another_program(void **state)
{
	(void)state;
	kit_run("foreign.db", "CREATE TABLE mailbox(id INTEGER)");
	assert_null(store_open(kit_path("foreign.db"), 0, &kit_err));
	assert_non_null(strstr(kit_err.text, "another program"));
	kit_assert("foreign.db", "SELECT name FROM sqlite_master", "mailbox\n");
}

struct garbage {
	const char *name;
	size_t len;
	const char *start;
};

static const struct garbage garbage[] = {
    {"two bytes", 2, "no"},
    {"ten bytes", 10, "not a base"},
    {"a page of text", 4096, "Nov 24 01:26:49 mail postfix/smtp[1]: "},
    {"the first 16 bytes of a database", 16, "SQLite format 3"},
    {"a header with nonsense behind it", 8192, "SQLite format 3"},
};

static void
refuses_garbage_untouched(void **state)
{
	const struct garbage *g = *state;
	const char *path = kit_path("garbage.db");
	struct buf before = {0}, after = {0};

	for (size_t i = 0; i < g->len; i++)
		buf_add_char(&before, i < strlen(g->start) ? g->start[i] : 'x');
	if (g->len >= 16 && strcmp(g->start, "SQLite format 3") == 0)
		before.data[15] = '\0';
	kit_write("garbage.db", before.data, before.len);
	assert_null(store_open(path, 0, &kit_err));
	assert_non_null(strstr(kit_err.text, path));
	assert_true(file_read(path, 1000000, &after, &kit_err));
	assert_int_equal(after.len, before.len);
	assert_memory_equal(after.data, before.data, before.len);
	assert_int_not_equal(access(kit_path("garbage.db-wal"), F_OK), 0);
	buf_clear(&before);
	buf_clear(&after);
}

static void
refuses_a_directory(void **state)
{
	(void)state;
	assert_null(store_open(kit_path(""), 0, &kit_err));
	assert_non_null(strstr(kit_err.text, "cannot open"));
	assert_non_null(strstr(kit_err.text, "Is a directory"));
}

/* --- the frozen version 1 ---------------------------------------------------------- */

static void
make_old(const char *name, const char *path)
{
	struct buf sql = {0};

	assert_true(file_read(suite_path(path), 1000000, &sql, &kit_err));
	kit_run(name, buf_text(&sql));
	buf_clear(&sql);
}

static void
upgrades_version_1(void **state)
{
	const char *name = "v1.db";
	struct place at;
	struct buf blob = {0};
	struct destination d;
	struct store *store;
	int64_t value, version, exported;
	bool found;

	(void)state;
	make_old(name, "tests/store/v1.sql");
	store = kit_open(name);
	d = kit_get(store, "selfsigned.test");
	assert_int_equal(d.entry.level, LEVEL_ENCRYPT);
	assert_int_equal(d.why, WHY_NOT_AUTHENTIC);
	assert_int_equal(d.entry.force_ms, INT64_C(1795483620250));
	assert_int_equal(d.entry.lease_ms, 7 * SPAN_DAY_MS);
	assert_string_equal(d.alarm.reason, "Server certificate not verified");
	assert_string_equal(d.dns.text, "mx.selfsigned.test address=secure tlsa=none");
	assert_int_equal(d.alarm.attempts, 3);
	d = kit_get(store, "[mx.example]:2525");
	assert_true(d.pin.set);
	assert_int_equal(d.entry.level, LEVEL_SECURE);
	assert_string_equal(d.entry.attributes, "match=mx.example");
	assert_string_equal(d.pin.note, "asked for by \"Zoë\", it's fine");
	d = kit_get(store,
	    "b\xc3\xbc"
	    "cher.test");
	assert_int_equal(d.entry.level, LEVEL_NONE);
	assert_int_equal(d.entry.force_ms, LADDER_NOT_YET);
	assert_int_equal(d.entry.trial, LEVEL_MAY);
	assert_true(store_place_get(store, "/var/log/mail.log", &at, &found, &kit_err));
	assert_true(found);
	assert_string_equal(at.kind, "file");
	assert_string_equal(at.text,
	    "52341 18446744073709551615 2049 1795400000123456789 1024 "
	    "9223372036854775808 64 81985529216486895");
	assert_true(store_map_versions(store, &version, &exported, &kit_err));
	assert_int_equal(version, 4);
	assert_int_equal(exported, 3);
	assert_true(store_counter_get(store, "status-lines", &value, &kit_err));
	assert_int_equal(value, INT64_C(123456789012));
	assert_true(store_blob_get(store, "processes", &blob, &kit_err));
	assert_true(blob.len > 0);
	buf_clear(&blob);
	store_close(store);
	kit_assert(name,
	    "SELECT count(*) FROM tally; SELECT count(*) FROM decision;"
	    " SELECT count(*) FROM waiting",
	    "3\n2\n2\n");
	/* What was exported is what the map has, and its text; and counted are the
	 * entries. */
	kit_assert(name,
	    "SELECT name, version, since_ms FROM target ORDER BY name;"
	    " SELECT name, value FROM counter WHERE name IN ('map-exported', "
	    "'map-version',"
	    " 'entries') ORDER BY name;"
	    " SELECT 'entries', sum(count) FROM entry_count",
	    "map|3|0\nmap-text|3|0\nmap-version|4\nentries|2\n");
}

/* Places were columns, signed as SQLite has them; each is the same place as a text. */
static void
upgrades_places_of_version_5(void **state)
{
	static const struct {
		const char *log, *text;
	} places[] = {
	    {"/var/log/mail.log",
	        "52341 18446744073709551615 2049 1795400000123456789 1024 "
	        "9223372036854775808 64 81985529216486895"},
	    {"/largest",
	        "18446744073709551615 18446744073709551615 18446744073709551615 "
	        "9223372036854775807 4294967295 18446744073709551615 4294967295 "
	        "18446744073709551615"},
	    {"/smallest",
	        "0 9223372036854775808 1 -9223372036854775808 0 9223372036854775808 0 "
	        "9223372036854775807"},
	    {"/missing", "0 0 0 0 0 0 0 0"},
	    {"-", "1 0 0 0 0 0 0 0"},
	};
	struct store *store;
	struct place place;
	bool found;

	(void)state;
	make_old("v5.db", "tests/store/v5.sql");
	store = kit_open("v5.db");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_true(
		    store_place_get(store, places[i].log, &place, &found, &kit_err));
		assert_true(found);
		assert_string_equal(place.kind, "file");
		assert_string_equal(place.text, places[i].text);
	}
	store_close(store);
	kit_assert("v5.db", "SELECT count(*) FROM log_place", "5\n");
}

/* However many steps led there, the tables are those of a database made today. */
static void
upgraded_has_the_shape_of_a_new_one(void **state)
{
	static const char shape[] =
	    "SELECT m.name, c.cid, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk"
	    " FROM sqlite_master m, pragma_table_info(m.name) c ORDER BY 1, 2;"
	    " SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY 1";
	char *old, *new;

	(void)state;
	make_old("old.db", "tests/store/v1.sql");
	store_close(kit_open("old.db"));
	store_close(kit_open("today.db"));
	old = kit_ask("old.db", shape);
	new = kit_ask("today.db", shape);
	assert_true(strlen(new) > 1000);
	assert_string_equal(old, new);
	free(old);
	free(new);
}

/* --- every column ------------------------------------------------------------------ */

enum field_type { NUMBER, COUNT, BOOL, TEXT, OWNED, LEVEL, WHY, CAUSE, ANSWER };

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	size_t size;
};

#define FIELD(name, field, type) \
	{ \
#name, type, offsetof(struct destination, field), \
		    sizeof(((struct destination *)0)->field) \
	}

static const struct field fields[] = {
    FIELD(key, key, TEXT),
    FIELD(entry, entry.level, LEVEL),
    FIELD(attributes, entry.attributes, OWNED),
    FIELD(why, why, WHY),
    FIELD(since_ms, entry.since_ms, NUMBER),
    FIELD(force_ms, entry.force_ms, NUMBER),
    FIELD(look_ms, look_ms, NUMBER),
    FIELD(lease_ms, entry.lease_ms, NUMBER),
    FIELD(lease_end_ms, entry.lease_end_ms, NUMBER),
    FIELD(pinned, pin.set, BOOL),
    FIELD(pin_until_ms, pin.until_ms, NUMBER),
    FIELD(note, pin.note, TEXT),
    FIELD(pending, alarm.pending, BOOL),
    FIELD(deferral, alarm.raised, BOOL),
    FIELD(deferral_ms, alarm.time_ms, NUMBER),
    FIELD(rule, alarm.rule, TEXT),
    FIELD(reason, alarm.reason, TEXT),
    FIELD(dsn, alarm.dsn, TEXT),
    FIELD(service, alarm.service, TEXT),
    FIELD(lost, alarm.lost, BOOL),
    FIELD(suspended, alarm.suspended, BOOL),
    FIELD(policy_refused, alarm.policy_refused, BOOL),
    FIELD(attempt_level, alarm.attempt_level, LEVEL),
    FIELD(relay, alarm.relay, TEXT),
    FIELD(cause, alarm.cause, CAUSE),
    FIELD(transport, transport, TEXT),
    FIELD(attempt_ms, alarm.attempt_ms, NUMBER),
    FIELD(attempts, alarm.attempts, COUNT),
    FIELD(first_attempt_ms, alarm.first_attempt_ms, NUMBER),
    FIELD(last_attempt_ms, alarm.last_attempt_ms, NUMBER),
    FIELD(dns_state, dns.state, TEXT),
    FIELD(dns_text, dns.text, TEXT),
    FIELD(dns_ms, dns.time_ms, NUMBER),
    FIELD(dns_failures, dns.failures, COUNT),
    FIELD(dns_until_ms, dns.until_ms, NUMBER),
    FIELD(dns_signed, dns.signed_domain, BOOL),
    FIELD(entry_why, entry.why, WHY),
    FIELD(seen_encrypt_ms, past.encrypt_ms, NUMBER),
    FIELD(seen_verify_ms, past.verify_ms, NUMBER),
    FIELD(seen_secure_ms, past.secure_ms, NUMBER),
    FIELD(seen_dane_ms, past.dane_ms, NUMBER),
    FIELD(sent_ms, past.sent_ms, NUMBER),
    FIELD(hold_level, hold.level, LEVEL),
    FIELD(hold_verify_ms, hold.verify_ms, NUMBER),
    FIELD(hold_encrypt_ms, hold.encrypt_ms, NUMBER),
    FIELD(hold_may_ms, hold.may_ms, NUMBER),
    FIELD(plain_attempts, alarm.plain.count, COUNT),
    FIELD(plain_first_ms, alarm.plain.first_ms, NUMBER),
    FIELD(plain_last_ms, alarm.plain.last_ms, NUMBER),
    FIELD(contradictions, alarm.contradictions, COUNT),
    FIELD(contradicted_ms, alarm.contradicted_ms, NUMBER),
    FIELD(silent_ms, alarm.silent_ms, NUMBER),
    FIELD(seen_trusted_ms, past.trusted_ms, NUMBER),
    FIELD(dns_all_usable, dns.all_usable, BOOL),
    FIELD(dns_denied_ms, dns.denied_ms, NUMBER),
    FIELD(probe_clean_ms, probe.clean_ms, NUMBER),
    FIELD(probe_better, probe.better, BOOL),
    FIELD(facts, facts, TEXT),
    FIELD(again_ms, again_ms, NUMBER),
    FIELD(dane_absent_ms, entry.dane_absent_ms, NUMBER),
    FIELD(trial, entry.trial, LEVEL),
    FIELD(probe_level, probe.level, LEVEL),
    FIELD(probe_works, probe.works, ANSWER),
    FIELD(probe_clean, probe.clean, COUNT),
    FIELD(probe_ms, probe.time_ms, NUMBER),
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static void *
field_of(struct destination *d, const struct field *f)
{
	return (char *)d + f->offset;
}

/* The n-th value of a field; false: it has no so many. */
static bool
set_field(struct destination *d, const struct field *f, size_t n)
{
	static const int64_t numbers[] = {1, INT64_MAX, INT64_MIN, -1, NOW_MS};
	static const unsigned counts[] = {1, UINT_MAX, INT_MAX};
	void *p = field_of(d, f);
	char *text = p;

	switch (f->type) {
	case NUMBER:
		if (n < sizeof(numbers) / sizeof(numbers[0]))
			memcpy(p, &numbers[n], sizeof(numbers[n]));
		return n < sizeof(numbers) / sizeof(numbers[0]);
	case COUNT:
		if (n < sizeof(counts) / sizeof(counts[0]))
			memcpy(p, &counts[n], sizeof(counts[n]));
		return n < sizeof(counts) / sizeof(counts[0]);
	case BOOL:
		*(bool *)p = true;
		return n == 0;
	case TEXT: /* as long as it may be; quotes; bytes that are not UTF-8 */
		memset(text, 'x', f->size - 1);
		text[f->size - 1] = '\0';
		if (n == 1)
			str_copy(STR("';--\"\n\t"), text, f->size);
		if (n == 2)
			str_copy(STR("\xff\xfe\xc3"), text, f->size);
		return n < 3;
	case OWNED: /* none; more than a page of SQLite's; hostile bytes */
		*(char **)p = n == 0 ? NULL : suite_keep(calloc(1, 80000));
		if (n == 1)
			memset(*(char **)p, 'x', 79999);
		if (n == 2)
			strcpy(*(char **)p, "';--\"\n\t\xff\xfe\xc3");
		return n < 3;
	case LEVEL:
		if (n < LEVEL_COUNT)
			*(enum level *)p = (enum level)n;
		return n < LEVEL_COUNT;
	case WHY:
		if (n < WHY_COUNT)
			*(enum why *)p = (enum why)n;
		return n < WHY_COUNT;
	case CAUSE:
		if (n < CAUSE_COUNT)
			*(enum cause *)p = (enum cause)n;
		return n < CAUSE_COUNT;
	case ANSWER:
		if (n <= ANSWER_YES)
			*(enum answer *)p = (enum answer)n;
		return n <= ANSWER_YES;
	}
	return false;
}

static bool
same_text(char *const *a, char *const *b)
{
	return *a == NULL || *b == NULL ? *a == *b : strcmp(*a, *b) == 0;
}

static void
assert_same(struct destination *a, struct destination *b)
{
	assert_int_equal(a->id, b->id);
	for (size_t i = 0; i < FIELDS; i++) {
		bool same = fields[i].type == TEXT
		    ? strcmp(field_of(a, &fields[i]), field_of(b, &fields[i])) == 0
		    : fields[i].type == OWNED
		    ? same_text(field_of(a, &fields[i]), field_of(b, &fields[i]))
		    : memcmp(field_of(a, &fields[i]), field_of(b, &fields[i]),
		          fields[i].size) == 0;

		if (!same)
			fail_msg("%s is another", fields[i].name);
	}
}

static void
round_trip(struct store *store, struct destination *d)
{
	struct destination got;
	bool found;

	assert_true(store_put(store, d, &kit_err));
	assert_true(store_get_id(store, d->id, &got, &found, &kit_err));
	assert_true(found);
	assert_same(d, &got);
	destination_clear(&got);
	assert_true(store_get(store, d->key, &got, &found, &kit_err));
	assert_true(found);
	assert_same(d, &got);
	destination_clear(&got);
}

/* Each value of each column alone: inserted, and as an update of what was there. */
static void
column_comes_back(void **state)
{
	const struct field *f = *state;
	struct store *store = kit_scratch();
	struct destination d, again;

	destination_init(&d, "again.test");
	round_trip(store, &d);
	again = d;
	destination_init(&d, "");
	for (size_t n = 0; set_field(&d, f, n); n++) {
		if (f->type != TEXT || f->offset != offsetof(struct destination, key))
			snprintf(d.key, sizeof(d.key), "row%zu.test", n);
		d.id = 0;
		round_trip(store, &d);
		if (f->offset == offsetof(struct destination, key))
			continue;
		assert_true(set_field(&again, f, n));
		round_trip(store, &again);
	}
	store_close(store);
}

static void
every_column_is_tested(void **state)
{
	char expected[32];

	(void)state;
	store_close(kit_open("columns.db"));
	/* and id, and map_version, which the store keeps to itself; and hold_since_ms,
	 * which nobody reads any more */
	snprintf(expected, sizeof(expected), "%zu\n", FIELDS + 3);
	kit_assert("columns.db", "SELECT count(*) FROM pragma_table_info('destination')",
	    expected);
}

static void
missing_is_not_found(void **state)
{
	struct store *store = kit_scratch();
	struct destination d;
	bool found = true;

	(void)state;
	kit_add(store, "example.org");
	assert_true(store_get(store, "example.or", &d, &found, &kit_err));
	assert_false(found);
	found = true;
	assert_true(store_get_id(store, 4711, &d, &found, &kit_err));
	assert_false(found);
	store_close(store);
}

/* Keys are Postfix's spellings: two that differ are two. */
static void
keys_are_bytes(void **state)
{
	struct store *store = kit_scratch();
	int64_t a = kit_add(store,
	            "b\xc3\xbc"
	            "cher.test"),
	        b = kit_add(store, "xn--bcher-kva.test");
	struct destination d;

	(void)state;
	assert_int_not_equal(a, b);
	destination_init(&d, "xn--bcher-kva.test");
	assert_false(store_put(store, &d, &kit_err)); /* it is there already */
	assert_non_null(strstr(kit_err.text, "UNIQUE"));
	store_close(store);
}

int
main(void)
{
	kit_begin();
	suite_add(creates_and_reopens, NULL, "a new database is made, and opened again");
	suite_add(leaves_the_umask, NULL, "the umask of the process is not touched");
	suite_add(zero_bytes_are_a_new_one, NULL, "a file of no bytes is a new database");
	suite_add(refuses_a_newer_one_by_name, NULL, "a newer one is refused by name");
	suite_add(refuses_a_negative_version, NULL, "a negative version is refused");
	suite_add(refuses_the_database_of_another_program, NULL,
	    "the database of another program is refused and left as it is");
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
		suite_add(refuses_garbage_untouched, &garbage[i],
		    "garbage is refused and left as it is: %s", garbage[i].name);
	suite_add(refuses_a_directory, NULL, "a directory is refused");
	suite_add(upgrades_version_1, NULL, "a database of version 1 is upgraded");
	suite_add(upgrades_places_of_version_5, NULL,
	    "places in logs, of columns before version 7, stay what they are");
	suite_add(upgraded_has_the_shape_of_a_new_one, NULL,
	    "an upgraded database has the tables and indexes of a new one");
	for (size_t i = 0; i < FIELDS; i++)
		suite_add(column_comes_back, &fields[i], "what is put is got: %s",
		    fields[i].name);
	suite_add(every_column_is_tested, NULL, "no column is missing in this test");
	suite_add(missing_is_not_found, NULL, "what is not there is not found");
	suite_add(keys_are_bytes, NULL, "keys that differ in their spelling are two");
	return kit_end(suite_run());
}
