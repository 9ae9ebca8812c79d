/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/schema.h"

#include <sqlite3.h>
#include <stdio.h>

#include "core/nexthop.h"
#include "store/store_impl.h"

/* What the triggers of step 12 do for the row of an entry, or of one whose mail waits. */
#define ENTRY_FEWER \
	" UPDATE entry_count SET count = count - 1" \
	" WHERE level = old.entry AND why = old.entry_why;"
#define ENTRY_MORE \
	" INSERT INTO entry_count(level, why, count)" \
	" SELECT new.entry, new.entry_why, 1 WHERE new.entry <> 'none'" \
	" ON CONFLICT(level, why) DO UPDATE SET count = count + 1;"
#define WAITS_FEWER \
	" UPDATE waits_count SET count = count - 1 WHERE level = old.entry" \
	" AND entry_why = old.entry_why AND why = old.why;"
#define WAITS_MORE \
	" INSERT INTO waits_count(level, entry_why, why, count)" \
	" VALUES (new.entry, new.entry_why, new.why, 1)" \
	" ON CONFLICT(level, entry_why, why) DO UPDATE SET count = count + 1;"

/* Oldest first; append only. A step never changes once it was released. */
static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE destination ("
    "  id INTEGER PRIMARY KEY,"
    "  key TEXT NOT NULL UNIQUE,"
    "  entry TEXT NOT NULL DEFAULT 'none',"
    "  attributes TEXT NOT NULL DEFAULT '',"
    "  why TEXT NOT NULL DEFAULT 'none',"
    "  since_ms INTEGER NOT NULL DEFAULT 0,"
    "  force_ms INTEGER NOT NULL DEFAULT 0,"
    "  look_ms INTEGER NOT NULL DEFAULT 0,"
    "  lease_ms INTEGER NOT NULL DEFAULT 0,"
    "  lease_end_ms INTEGER NOT NULL DEFAULT 0,"
    "  pinned INTEGER NOT NULL DEFAULT 0,"
    "  pin_until_ms INTEGER NOT NULL DEFAULT 0,"
    "  note TEXT NOT NULL DEFAULT '',"
    "  pending INTEGER NOT NULL DEFAULT 0,"
    "  deferral INTEGER NOT NULL DEFAULT 0,"
    "  deferral_ms INTEGER NOT NULL DEFAULT 0,"
    "  rule TEXT NOT NULL DEFAULT '',"
    "  reason TEXT NOT NULL DEFAULT '',"
    "  dsn TEXT NOT NULL DEFAULT '',"
    "  service TEXT NOT NULL DEFAULT '',"
    "  lost INTEGER NOT NULL DEFAULT 0,"
    "  suspended INTEGER NOT NULL DEFAULT 0,"
    "  policy_refused INTEGER NOT NULL DEFAULT 0,"
    "  attempt_level TEXT NOT NULL DEFAULT 'unknown',"
    "  relay TEXT NOT NULL DEFAULT '',"
    "  transport TEXT NOT NULL DEFAULT '',"
    "  attempt_ms INTEGER NOT NULL DEFAULT 0,"
    "  attempts INTEGER NOT NULL DEFAULT 0,"
    "  first_attempt_ms INTEGER NOT NULL DEFAULT 0,"
    "  last_attempt_ms INTEGER NOT NULL DEFAULT 0,"
    "  dns_state TEXT NOT NULL DEFAULT '',"
    "  dns_text TEXT NOT NULL DEFAULT '',"
    "  dns_ms INTEGER NOT NULL DEFAULT 0,"
    "  dns_failures INTEGER NOT NULL DEFAULT 0,"
    "  seen_encrypt_ms INTEGER NOT NULL DEFAULT 0,"
    "  seen_verify_ms INTEGER NOT NULL DEFAULT 0,"
    "  seen_dane_ms INTEGER NOT NULL DEFAULT 0,"
    "  sent_ms INTEGER NOT NULL DEFAULT 0,"
    "  hold_level TEXT NOT NULL DEFAULT 'none',"
    "  hold_since_ms INTEGER NOT NULL DEFAULT 0,"
    "  dane_absent_ms INTEGER NOT NULL DEFAULT 0,"
    "  trial TEXT NOT NULL DEFAULT 'none',"
    "  probe_level TEXT NOT NULL DEFAULT 'unknown',"
    "  probe_works INTEGER NOT NULL DEFAULT 0,"
    "  probe_clean INTEGER NOT NULL DEFAULT 0,"
    "  probe_ms INTEGER NOT NULL DEFAULT 0"
    ");"
    "CREATE INDEX destination_pending ON destination(deferral_ms) WHERE pending <> 0;"
    "CREATE INDEX destination_look ON destination(look_ms) WHERE look_ms <> 0;"
    "CREATE INDEX destination_deferral ON destination(deferral_ms) WHERE deferral <> 0;"
    "CREATE INDEX destination_hold ON destination(hold_since_ms) WHERE hold_since_ms <> "
    "0;"
    "CREATE INDEX destination_force ON destination(id)"
    "  WHERE force_ms = 9223372036854775807;"
    "CREATE INDEX destination_entry ON destination(key) WHERE entry <> 'none';"
    /* how often something happened on a day (days since the epoch, UTC) */
    "CREATE TABLE tally ("
    "  destination INTEGER NOT NULL REFERENCES destination(id),"
    "  day INTEGER NOT NULL,"
    "  what TEXT NOT NULL,"
    "  count INTEGER NOT NULL,"
    "  PRIMARY KEY (destination, day, what)"
    ") WITHOUT ROWID;"
    "CREATE TABLE decision ("
    "  id INTEGER PRIMARY KEY,"
    "  destination INTEGER NOT NULL REFERENCES destination(id),"
    "  time_ms INTEGER NOT NULL,"
    "  action TEXT NOT NULL,"
    "  before TEXT NOT NULL,"
    "  after TEXT NOT NULL,"
    "  why TEXT NOT NULL,"
    "  rule TEXT NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  dns_state TEXT NOT NULL"
    ");"
    "CREATE INDEX decision_destination ON decision(destination, id);"
    "CREATE INDEX decision_time ON decision(time_ms);"
    /* messages to retry; version: with which version of the map; 0 and below: as
     * store_sql.c names them */
    "CREATE TABLE waiting ("
    "  destination INTEGER NOT NULL REFERENCES destination(id),"
    "  queue_id TEXT NOT NULL,"
    "  time_ms INTEGER NOT NULL,"
    "  version INTEGER NOT NULL DEFAULT 0,"
    "  not_before_ms INTEGER NOT NULL DEFAULT 0,"
    "  tries INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (destination, queue_id)"
    ") WITHOUT ROWID;"
    "CREATE INDEX waiting_version ON waiting(version) WHERE version <> 0;"
    "CREATE TABLE log_position ("
    "  path TEXT PRIMARY KEY,"
    "  device INTEGER NOT NULL,"
    "  inode INTEGER NOT NULL,"
    "  birth_ns INTEGER NOT NULL,"
    "  offset INTEGER NOT NULL,"
    "  head_len INTEGER NOT NULL,"
    "  head_hash INTEGER NOT NULL,"
    "  mark_len INTEGER NOT NULL,"
    "  mark_hash INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE blob (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
    /* 2: how long an answer of DNS may be used again, and the rest of that answer */
    "ALTER TABLE destination ADD COLUMN dns_until_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN dns_signed INTEGER NOT NULL DEFAULT 0;"
    /* why the entry is what it is; why: what was decided last */
    "ALTER TABLE destination ADD COLUMN entry_why TEXT NOT NULL DEFAULT 'none';"
    "UPDATE destination SET entry_why = why WHERE entry <> 'none';"
    /* the version of the map that the present entry came with */
    "ALTER TABLE destination ADD COLUMN map_version INTEGER NOT NULL DEFAULT 0;",
    /* 3: when a certificate last bore the destination's own name */
    "ALTER TABLE destination ADD COLUMN seen_secure_ms INTEGER NOT NULL DEFAULT 0;",
    /* 4: what undo brings back */
    "ALTER TABLE decision ADD COLUMN before_attributes TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE decision ADD COLUMN after_attributes TEXT NOT NULL DEFAULT '';",
    /* 5: what changed since the map was written */
    "CREATE INDEX destination_map_version ON destination(map_version)"
    "  WHERE map_version <> 0;",
    /* 6: what is published where, and since when; 0: not known. Until now there was one
     * target, whose text was never behind it. */
    "CREATE TABLE target ("
    "  name TEXT PRIMARY KEY,"
    "  version INTEGER NOT NULL,"
    "  since_ms INTEGER NOT NULL DEFAULT 0"
    ") WITHOUT ROWID;"
    "INSERT INTO target(name, version)"
    "  SELECT 'map', value FROM counter WHERE name = 'map-exported';"
    "INSERT INTO target(name, version)"
    "  SELECT 'map-text', value FROM counter WHERE name = 'map-exported';"
    "DELETE FROM counter WHERE name = 'map-exported';"
    /* how many entries there are */
    "INSERT INTO counter(name, value)"
    "  SELECT 'entries', n FROM"
    "  (SELECT count(*) AS n FROM destination WHERE entry <> 'none') WHERE n > 0;"
    "CREATE TRIGGER entries_insert AFTER INSERT ON destination"
    "  WHEN new.entry <> 'none' BEGIN"
    "  INSERT INTO counter(name, value) VALUES ('entries', 1)"
    "  ON CONFLICT(name) DO UPDATE SET value = value + 1; END;"
    "CREATE TRIGGER entries_delete AFTER DELETE ON destination"
    "  WHEN old.entry <> 'none' BEGIN"
    "  UPDATE counter SET value = value - 1 WHERE name = 'entries'; END;"
    "CREATE TRIGGER entries_update AFTER UPDATE OF entry ON destination"
    "  WHEN (new.entry <> 'none') <> (old.entry <> 'none') BEGIN"
    "  INSERT INTO counter(name, value)"
    "  VALUES ('entries', (new.entry <> 'none') - (old.entry <> 'none'))"
    "  ON CONFLICT(name) DO UPDATE SET value = value + excluded.value; END;",
    /* 7: where a log was read up to is a kind of source and a text of its own; that of a
     * file is printed as in logs/source_file.c */
    "CREATE TABLE log_place ("
    "  log TEXT PRIMARY KEY,"
    "  kind TEXT NOT NULL,"
    "  place TEXT NOT NULL"
    ") WITHOUT ROWID;"
    "INSERT INTO log_place(log, kind, place)"
    "  SELECT path, 'file', printf('%u %u %u %d %u %u %u %u', offset, inode, device,"
    "    birth_ns, head_len, head_hash, mark_len, mark_hash) FROM log_position;"
    "DROP TABLE log_position;",
    /* 8: each step that is held has its own time; what counts of attempts and sessions */
    "ALTER TABLE destination ADD COLUMN hold_verify_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN hold_encrypt_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN hold_may_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE destination SET hold_verify_ms = hold_since_ms"
    "  WHERE hold_level IN ('verify', 'secure');"
    "UPDATE destination SET hold_encrypt_ms = hold_since_ms WHERE hold_level = 'encrypt';"
    "UPDATE destination SET hold_may_ms = hold_since_ms WHERE hold_level = 'may';"
    "DROP INDEX destination_hold;"
    "CREATE INDEX destination_hold"
    "  ON destination(max(hold_verify_ms, hold_encrypt_ms, hold_may_ms))"
    "  WHERE max(hold_verify_ms, hold_encrypt_ms, hold_may_ms) <> 0;"
    "ALTER TABLE destination ADD COLUMN plain_attempts INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN plain_first_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN plain_last_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN contradictions INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN contradicted_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN silent_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN seen_trusted_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN dns_all_usable INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN dns_denied_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN probe_clean_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE destination ADD COLUMN probe_better INTEGER NOT NULL DEFAULT 0;",
    /* 9: what fact sources answered last, a line each (core/facts.h) */
    "ALTER TABLE destination ADD COLUMN facts TEXT NOT NULL DEFAULT '';",
    /* 10: what the queue must show of a message that waits: its last status line
     * (core/witness.h), and how many listings in a row it was not in */
    "ALTER TABLE waiting ADD COLUMN line_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE waiting ADD COLUMN domain TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE waiting ADD COLUMN rule TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE waiting ADD COLUMN reason_len INTEGER NOT NULL DEFAULT -1;"
    "ALTER TABLE waiting ADD COLUMN reason_hash INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE waiting ADD COLUMN reason_cut INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE waiting ADD COLUMN absences INTEGER NOT NULL DEFAULT 0;"
    /* when it came into the queue; 0: not known */
    "ALTER TABLE waiting ADD COLUMN arrival_ms INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX waiting_queue_id ON waiting(queue_id);",
    /* 11: what MX hosts did, whichever destinations have them (core/host.h) */
    "CREATE TABLE host ("
    "  name TEXT NOT NULL,"
    "  port INTEGER NOT NULL,"
    "  parent TEXT NOT NULL,"
    "  encrypt_ms INTEGER NOT NULL,"
    "  verify_ms INTEGER NOT NULL,"
    "  dane_ms INTEGER NOT NULL,"
    "  proven_ms INTEGER NOT NULL,"
    "  failed_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (name, port)"
    ") WITHOUT ROWID;"
    "CREATE INDEX host_verify ON host(verify_ms);"
    "CREATE INDEX host_authentic ON host(max(verify_ms, dane_ms));"
    "CREATE INDEX host_proven ON host(proven_ms) WHERE proven_ms <> 0;"
    "CREATE INDEX host_failed ON host(failed_ms) WHERE failed_ms <> 0;"
    "CREATE INDEX host_parent_failed ON host(parent, failed_ms) WHERE failed_ms <> 0;"
    /* a freeze is counted in hosts */
    "DROP INDEX destination_hold;",
    /* 12: entries by level and why, and destinations whose mail waits by these and by
     * what was decided last: kept by triggers, since counting a million takes long */
    "CREATE TABLE entry_count ("
    "  level TEXT NOT NULL,"
    "  why TEXT NOT NULL,"
    "  count INTEGER NOT NULL,"
    "  PRIMARY KEY (level, why)"
    ") WITHOUT ROWID;"
    "INSERT INTO entry_count(level, why, count)"
    "  SELECT entry, entry_why, count(*) FROM destination WHERE entry <> 'none'"
    "  GROUP BY entry, entry_why;"
    "DROP TRIGGER entries_insert;"
    "DROP TRIGGER entries_delete;"
    "DROP TRIGGER entries_update;"
    "DELETE FROM counter WHERE name = 'entries';"
    "CREATE TRIGGER entries_insert AFTER INSERT ON destination"
    "  WHEN new.entry <> 'none' BEGIN" ENTRY_MORE " END;"
    "CREATE TRIGGER entries_delete AFTER DELETE ON destination"
    "  WHEN old.entry <> 'none' BEGIN" ENTRY_FEWER " END;"
    "CREATE TRIGGER entries_update AFTER UPDATE OF entry, entry_why ON destination"
    "  WHEN new.entry <> old.entry OR new.entry_why <> old.entry_why"
    "  BEGIN" ENTRY_FEWER ENTRY_MORE " END;"
    "CREATE TABLE waits_count ("
    "  level TEXT NOT NULL,"
    "  entry_why TEXT NOT NULL,"
    "  why TEXT NOT NULL,"
    "  count INTEGER NOT NULL,"
    "  PRIMARY KEY (level, entry_why, why)"
    ") WITHOUT ROWID;"
    "INSERT INTO waits_count(level, entry_why, why, count)"
    "  SELECT entry, entry_why, why, count(*) FROM destination"
    "  WHERE id IN (SELECT destination FROM waiting) GROUP BY entry, entry_why, why;"
    "CREATE TRIGGER waits_insert AFTER INSERT ON waiting"
    "  WHEN NOT EXISTS (SELECT 1 FROM waiting WHERE destination = new.destination"
    "    AND queue_id <> new.queue_id) BEGIN"
    "  INSERT INTO waits_count(level, entry_why, why, count)"
    "  SELECT entry, entry_why, why, 1 FROM destination WHERE id = new.destination"
    "  ON CONFLICT(level, entry_why, why) DO UPDATE SET count = count + 1; END;"
    "CREATE TRIGGER waits_delete AFTER DELETE ON waiting"
    "  WHEN NOT EXISTS (SELECT 1 FROM waiting WHERE destination = old.destination) BEGIN"
    "  UPDATE waits_count SET count = count - 1 WHERE (level, entry_why, why) ="
    "  (SELECT entry, entry_why, why FROM destination WHERE id = old.destination); END;"
    "CREATE TRIGGER waits_new AFTER INSERT ON destination"
    "  WHEN EXISTS (SELECT 1 FROM waiting WHERE destination = new.id)"
    "  BEGIN" WAITS_MORE " END;"
    "CREATE TRIGGER waits_gone AFTER DELETE ON destination"
    "  WHEN EXISTS (SELECT 1 FROM waiting WHERE destination = old.id)"
    "  BEGIN" WAITS_FEWER " END;"
    "CREATE TRIGGER waits_update AFTER UPDATE OF entry, entry_why, why ON destination"
    "  WHEN (new.entry <> old.entry OR new.entry_why <> old.entry_why"
    "    OR new.why <> old.why)"
    "    AND EXISTS (SELECT 1 FROM waiting WHERE destination = new.id)"
    "  BEGIN" WAITS_FEWER WAITS_MORE " END;"
    /* which message bounces first */
    "CREATE INDEX waiting_arrival ON waiting(arrival_ms) WHERE arrival_ms <> 0;"
    /* when the administrator had it decided anew */
    "ALTER TABLE destination ADD COLUMN again_ms INTEGER NOT NULL DEFAULT 0;",
    /* 13: the pin that a decision took the place of, for undo */
    "ALTER TABLE decision ADD COLUMN was_pinned INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE decision ADD COLUMN was_until_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE decision ADD COLUMN was_note TEXT NOT NULL DEFAULT '';",
    /* 14: what destinations had that are deleted since, by month ("2026-11") */
    "CREATE TABLE tally_month ("
    "  month TEXT NOT NULL,"
    "  what TEXT NOT NULL,"
    "  count INTEGER NOT NULL,"
    "  PRIMARY KEY (month, what)"
    ") WITHOUT ROWID;"
    /* since when the administrator knows that mail waits there, with which why, and that
     * it will soon bounce; 0: not. It ends with the last message that waits. */
    "CREATE TABLE wait_alert ("
    "  destination INTEGER PRIMARY KEY REFERENCES destination(id),"
    "  alerted_ms INTEGER NOT NULL,"
    "  why TEXT NOT NULL,"
    "  bounce_ms INTEGER NOT NULL DEFAULT 0"
    ");"
    "CREATE TRIGGER wait_alert_over AFTER DELETE ON waiting"
    "  WHEN NOT EXISTS (SELECT 1 FROM waiting WHERE destination = old.destination)"
    "  BEGIN DELETE FROM wait_alert WHERE destination = old.destination; END;",
    /* 15: keys are folded as Postfix folds them, beyond ASCII too. Of several that become
     * one, a pin stays, else the one that had that key; it has what is known of all. */
    "CREATE TEMP TABLE spelt AS SELECT id, folded(key) AS key FROM destination"
    "  WHERE key <> folded(key);"
    "INSERT INTO spelt SELECT id, key FROM destination"
    "  WHERE key IN (SELECT key FROM spelt);"
    "CREATE TEMP TABLE merged AS SELECT s.id, s.key, first_value(s.id) OVER"
    "  (PARTITION BY s.key ORDER BY d.pinned DESC, d.key = s.key DESC, s.id) AS into_id"
    "  FROM spelt s JOIN destination d ON d.id = s.id;"
    "CREATE TEMP TABLE proven AS SELECT m.into_id AS id,"
    "  max(d.seen_encrypt_ms) AS encrypt, max(d.seen_verify_ms) AS verify,"
    "  max(d.seen_secure_ms) AS secure, max(d.seen_dane_ms) AS dane,"
    "  max(d.seen_trusted_ms) AS trusted, max(d.sent_ms) AS sent"
    "  FROM merged m JOIN destination d ON d.id = m.id GROUP BY m.into_id;"
    "UPDATE destination SET seen_encrypt_ms = p.encrypt, seen_verify_ms = p.verify,"
    "  seen_secure_ms = p.secure, seen_dane_ms = p.dane, seen_trusted_ms = p.trusted,"
    "  sent_ms = p.sent FROM proven p WHERE p.id = destination.id;"
    "INSERT INTO tally(destination, day, what, count)"
    "  SELECT m.into_id, t.day, t.what, t.count FROM tally t JOIN merged m"
    "  ON m.id = t.destination WHERE m.id <> m.into_id"
    "  ON CONFLICT DO UPDATE SET count = count + excluded.count;"
    "DELETE FROM merged WHERE id = into_id AND key ="
    "  (SELECT d.key FROM destination d WHERE d.id = merged.id);"
    "DELETE FROM tally WHERE destination IN"
    "  (SELECT id FROM merged WHERE id <> into_id);"
    "UPDATE decision SET destination = m.into_id FROM merged m"
    "  WHERE m.id = decision.destination AND m.id <> m.into_id;"
    "UPDATE OR IGNORE waiting SET destination = m.into_id FROM merged m"
    "  WHERE m.id = waiting.destination AND m.id <> m.into_id;"
    "DELETE FROM waiting WHERE destination IN"
    "  (SELECT id FROM merged WHERE id <> into_id);"
    "DELETE FROM wait_alert WHERE destination IN"
    "  (SELECT id FROM merged WHERE id <> into_id);"
    "DELETE FROM destination WHERE id IN"
    "  (SELECT id FROM merged WHERE id <> into_id);"
    "UPDATE destination SET key = m.key FROM merged m"
    "  WHERE m.into_id = destination.id;"
    /* UPDATE of waiting runs no trigger */
    "DELETE FROM waits_count WHERE EXISTS (SELECT 1 FROM merged);"
    "INSERT INTO waits_count(level, entry_why, why, count)"
    "  SELECT entry, entry_why, why, count(*) FROM destination"
    "  WHERE id IN (SELECT destination FROM waiting)"
    "  AND EXISTS (SELECT 1 FROM merged) GROUP BY entry, entry_why, why;"
    /* the map is written anew */
    "UPDATE counter SET value = value + 1 WHERE name = 'map-version'"
    "  AND EXISTS (SELECT 1 FROM merged);"
    "UPDATE destination SET map_version ="
    "  (SELECT value FROM counter WHERE name = 'map-version')"
    "  WHERE id IN (SELECT into_id FROM merged)"
    "  AND EXISTS (SELECT 1 FROM counter WHERE name = 'map-version');"
    "DROP TABLE spelt; DROP TABLE merged; DROP TABLE proven;",
    /* 16: a destination whose first message waits is counted by the statement that says
     * so (SQL_WAITING_BEGINS): a trigger for each message took as long as all the rest */
    "DROP TRIGGER waits_insert;",
    /* 17: MTA-STS: the policies (core/sts_state.h), whose they are, and destinations that
     * were sent mail, to be asked about in the background */
    "CREATE TABLE sts ("
    "  domain TEXT PRIMARY KEY,"
    "  mode TEXT NOT NULL,"
    "  max_age_s INTEGER NOT NULL,"
    "  mx TEXT NOT NULL,"
    "  id TEXT NOT NULL,"
    "  fetched_ms INTEGER NOT NULL,"
    "  txt TEXT NOT NULL,"
    "  txt_id TEXT NOT NULL,"
    "  txt_ms INTEGER NOT NULL,"
    "  txt_next_ms INTEGER NOT NULL,"
    "  txt_failures INTEGER NOT NULL,"
    "  txt_failing_ms INTEGER NOT NULL,"
    "  cause TEXT NOT NULL,"
    "  tried_ms INTEGER NOT NULL,"
    "  failures INTEGER NOT NULL,"
    "  failed_id TEXT NOT NULL,"
    "  failing_ms INTEGER NOT NULL,"
    "  alerted INTEGER NOT NULL,"
    "  refresh INTEGER NOT NULL,"
    "  mail_ms INTEGER NOT NULL,"
    "  next_ms INTEGER NOT NULL,"
    "  applied TEXT NOT NULL,"
    "  detail TEXT NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE INDEX sts_next ON sts(next_ms) WHERE next_ms <> 0;"
    "CREATE TABLE sts_key ("
    "  destination INTEGER PRIMARY KEY,"
    "  domain TEXT NOT NULL"
    ");"
    "CREATE INDEX sts_key_domain ON sts_key(domain);"
    "CREATE TABLE sts_mail (destination INTEGER PRIMARY KEY);",
    /* 18: why TLS failed: of the last deferral, and at each MX host with the end of the
     * certificate that was seen there (core/cause.h) */
    "ALTER TABLE destination ADD COLUMN cause TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE host ADD COLUMN cause TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE host ADD COLUMN cause_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE host ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 0;",
    /* 19: the destination at which a line of the log had it, while nothing but lines of
     * the log tells of it; 0: DNS named it, or it was asked */
    "ALTER TABLE host ADD COLUMN told_by INTEGER NOT NULL DEFAULT 0;"
    "UPDATE host SET told_by = -1 WHERE proven_ms = 0;"
    /* alerts that are to be mailed, and by which process */
    "CREATE TABLE outbox ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  writer INTEGER NOT NULL,"
    "  line TEXT NOT NULL"
    ");",
    /* 20: tables of databases: which of their rows are ours (core/published.h), and what
     * we began to write there */
    "CREATE TABLE published ("
    "  publisher TEXT NOT NULL,"
    "  dest TEXT NOT NULL,"
    "  state TEXT NOT NULL,"
    "  since_ms INTEGER NOT NULL,"
    "  until_ms INTEGER NOT NULL,"
    "  id TEXT NOT NULL,"
    "  policy TEXT NOT NULL,"
    "  parameters TEXT NOT NULL,"
    "  modified TEXT NOT NULL,"
    "  text TEXT NOT NULL,"
    "  PRIMARY KEY (publisher, dest)"
    ") WITHOUT ROWID;"
    "CREATE INDEX published_dest ON published(dest);"
    "CREATE TABLE published_intent ("
    "  publisher TEXT NOT NULL,"
    "  dest TEXT NOT NULL,"
    "  policy TEXT NOT NULL,"
    "  parameters TEXT NOT NULL,"
    "  PRIMARY KEY (publisher, dest, policy, parameters)"
    ") WITHOUT ROWID;",
    /* 21: mail that waits is looked at before what is checked again */
    "CREATE INDEX destination_look_waits ON destination(look_ms)"
    "  WHERE look_ms <> 0 AND deferral <> 0;",
    /* 22: a policy lives as long as time passes, whatever the clock says; and not all of
     * its names are kept where all have too many */
    "ALTER TABLE sts ADD COLUMN owed_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sts ADD COLUMN cut INTEGER NOT NULL DEFAULT 0;",
};

#define SCHEMA_VERSION (int)(sizeof(steps) / sizeof(steps[0]))

static bool
run(sqlite3 *db, const char *sql, struct err *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	return store_set_words(db, err);
}

static bool
read_int(sqlite3 *db, const char *sql, int *out, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool done = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW;

	if (done)
		*out = sqlite3_column_int(stmt, 0);
	else
		store_set_words(db, err);
	sqlite3_finalize(stmt);
	return done;
}

/* Version 0 means an empty database, or one of another program. */
static bool
is_foreign(int version, int tables)
{
	return version < 0 || (version == 0 && tables > 0);
}

static bool
check_version(sqlite3 *db, int *version, struct err *err)
{
	int tables = 0;

	if (!read_int(db, "PRAGMA user_version", version, err) ||
	    !read_int(db, "SELECT count(*) FROM sqlite_master", &tables, err))
		return false;
	if (is_foreign(*version, tables))
		return err_set(err, "it is the database of another program");
	if (*version > SCHEMA_VERSION)
		return err_set(err,
		    "it is of a newer tlsladder (version %d, this one knows %d)",
		    *version, SCHEMA_VERSION);
	return true;
}

/* folded(key): as Postfix looks it up; as it is where that is another domain's. */
static void
fold_key(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);
	struct nexthop key;

	(void)count;
	if (text != NULL && nexthop_parse(str_of(text), &key))
		sqlite3_result_text(context, key.key, -1, SQLITE_TRANSIENT);
	else
		sqlite3_result_value(context, values[0]);
}

/* The steps that are missing, within a transaction. */
static bool
take_steps(sqlite3 *db, int version, struct err *err)
{
	char pragma[64];

	if (sqlite3_create_function(db, "folded", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
	        NULL, fold_key, NULL, NULL) != SQLITE_OK)
		return store_set_words(db, err);
	for (; version < SCHEMA_VERSION; version++)
		if (!run(db, steps[version], err))
			return false;
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", SCHEMA_VERSION);
	return run(db, pragma, err);
}

int
schema_version(void)
{
	return SCHEMA_VERSION;
}

enum store_trouble
schema_trouble(sqlite3 *db)
{
	int version = 0, tables = 0;
	struct err ignored;

	if (!read_int(db, "PRAGMA user_version", &version, &ignored) ||
	    !read_int(db, "SELECT count(*) FROM sqlite_master", &tables, &ignored))
		return STORE_FINE;
	if (version > SCHEMA_VERSION)
		return STORE_NEWER;
	return is_foreign(version, tables) ? STORE_FOREIGN : STORE_FINE;
}

bool
schema_upgrade(sqlite3 *db, struct err *err)
{
	int version;

	/* Usually there is nothing to do; then the check does not wait for a writer. */
	if (!check_version(db, &version, err))
		return false;
	if (version == SCHEMA_VERSION)
		return true;
	/* Re-check inside the transaction: another process may have been faster. */
	if (run(db, "BEGIN IMMEDIATE", err) && check_version(db, &version, err) &&
	    take_steps(db, version, err) && run(db, "COMMIT", err))
		return true;
	if (sqlite3_get_autocommit(db) ==
	    0) /* else what failed is still its last error */
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}
