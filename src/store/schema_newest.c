/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The newest schema, as the steps of schema.c leave an empty database, in the words that
 * SQLite has of it then: a column that is added has SQLite read all of them anew, which
 * takes longer than all else that a scan of a short log does. test_schema holds it
 * against the steps, and prints what has to stand here.
 */
#include "store/schema_impl.h"

const char *const schema_newest[] = {
    "CREATE TABLE destination (  id INTEGER PRIMARY KEY,  key TEXT NOT NULL UNIQUE,  "
    "entry TEXT NOT NULL DEFAULT 'none',  attributes TEXT NOT NULL DEFAULT '',  why "
    "TEXT NOT NULL DEFAULT 'none',  since_ms INTEGER NOT NULL DEFAULT 0,  force_ms "
    "INTEGER NOT NULL DEFAULT 0,  look_ms INTEGER NOT NULL DEFAULT 0,  lease_ms "
    "INTEGER NOT NULL DEFAULT 0,  lease_end_ms INTEGER NOT NULL DEFAULT 0,  pinned "
    "INTEGER NOT NULL DEFAULT 0,  pin_until_ms INTEGER NOT NULL DEFAULT 0,  note "
    "TEXT NOT NULL DEFAULT '',  pending INTEGER NOT NULL DEFAULT 0,  deferral "
    "INTEGER NOT NULL DEFAULT 0,  deferral_ms INTEGER NOT NULL DEFAULT 0,  rule TEXT "
    "NOT NULL DEFAULT '',  reason TEXT NOT NULL DEFAULT '',  dsn TEXT NOT NULL "
    "DEFAULT '',  service TEXT NOT NULL DEFAULT '',  lost INTEGER NOT NULL DEFAULT "
    "0,  suspended INTEGER NOT NULL DEFAULT 0,  policy_refused INTEGER NOT NULL "
    "DEFAULT 0,  attempt_level TEXT NOT NULL DEFAULT 'unknown',  relay TEXT NOT NULL "
    "DEFAULT '',  transport TEXT NOT NULL DEFAULT '',  attempt_ms INTEGER NOT NULL "
    "DEFAULT 0,  attempts INTEGER NOT NULL DEFAULT 0,  first_attempt_ms INTEGER NOT "
    "NULL DEFAULT 0,  last_attempt_ms INTEGER NOT NULL DEFAULT 0,  dns_state TEXT "
    "NOT NULL DEFAULT '',  dns_text TEXT NOT NULL DEFAULT '',  dns_ms INTEGER NOT "
    "NULL DEFAULT 0,  dns_failures INTEGER NOT NULL DEFAULT 0,  seen_encrypt_ms "
    "INTEGER NOT NULL DEFAULT 0,  seen_verify_ms INTEGER NOT NULL DEFAULT 0,  "
    "seen_dane_ms INTEGER NOT NULL DEFAULT 0,  sent_ms INTEGER NOT NULL DEFAULT 0,  "
    "hold_level TEXT NOT NULL DEFAULT 'none',  hold_since_ms INTEGER NOT NULL "
    "DEFAULT 0,  dane_absent_ms INTEGER NOT NULL DEFAULT 0,  trial TEXT NOT NULL "
    "DEFAULT 'none',  probe_level TEXT NOT NULL DEFAULT 'unknown',  probe_works "
    "INTEGER NOT NULL DEFAULT 0,  probe_clean INTEGER NOT NULL DEFAULT 0,  probe_ms "
    "INTEGER NOT NULL DEFAULT 0, dns_until_ms INTEGER NOT NULL DEFAULT 0, dns_signed "
    "INTEGER NOT NULL DEFAULT 0, entry_why TEXT NOT NULL DEFAULT 'none', map_version "
    "INTEGER NOT NULL DEFAULT 0, seen_secure_ms INTEGER NOT NULL DEFAULT 0, "
    "hold_verify_ms INTEGER NOT NULL DEFAULT 0, hold_encrypt_ms INTEGER NOT NULL "
    "DEFAULT 0, hold_may_ms INTEGER NOT NULL DEFAULT 0, plain_attempts INTEGER NOT "
    "NULL DEFAULT 0, plain_first_ms INTEGER NOT NULL DEFAULT 0, plain_last_ms "
    "INTEGER NOT NULL DEFAULT 0, contradictions INTEGER NOT NULL DEFAULT 0, "
    "contradicted_ms INTEGER NOT NULL DEFAULT 0, silent_ms INTEGER NOT NULL DEFAULT "
    "0, seen_trusted_ms INTEGER NOT NULL DEFAULT 0, dns_all_usable INTEGER NOT NULL "
    "DEFAULT 0, dns_denied_ms INTEGER NOT NULL DEFAULT 0, probe_clean_ms INTEGER NOT "
    "NULL DEFAULT 0, probe_better INTEGER NOT NULL DEFAULT 0, facts TEXT NOT NULL "
    "DEFAULT '', again_ms INTEGER NOT NULL DEFAULT 0, cause TEXT NOT NULL DEFAULT "
    "'')",
    "CREATE INDEX destination_pending ON destination(deferral_ms) WHERE pending <> 0",
    "CREATE INDEX destination_look ON destination(look_ms) WHERE look_ms <> 0",
    "CREATE INDEX destination_deferral ON destination(deferral_ms) WHERE deferral <> "
    "0",
    "CREATE INDEX destination_force ON destination(id)  WHERE force_ms = "
    "9223372036854775807",
    "CREATE INDEX destination_entry ON destination(key) WHERE entry <> 'none'",
    "CREATE TABLE tally (  destination INTEGER NOT NULL REFERENCES destination(id),  "
    "day INTEGER NOT NULL,  what TEXT NOT NULL,  count INTEGER NOT NULL,  PRIMARY "
    "KEY (destination, day, what)) WITHOUT ROWID",
    "CREATE TABLE decision (  id INTEGER PRIMARY KEY,  destination INTEGER NOT NULL "
    "REFERENCES destination(id),  time_ms INTEGER NOT NULL,  action TEXT NOT NULL,  "
    "before TEXT NOT NULL,  after TEXT NOT NULL,  why TEXT NOT NULL,  rule TEXT NOT "
    "NULL,  reason TEXT NOT NULL,  dns_state TEXT NOT NULL, before_attributes TEXT "
    "NOT NULL DEFAULT '', after_attributes TEXT NOT NULL DEFAULT '', was_pinned "
    "INTEGER NOT NULL DEFAULT 0, was_until_ms INTEGER NOT NULL DEFAULT 0, was_note "
    "TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX decision_destination ON decision(destination, id)",
    "CREATE INDEX decision_time ON decision(time_ms)",
    "CREATE TABLE waiting (  destination INTEGER NOT NULL REFERENCES "
    "destination(id),  queue_id TEXT NOT NULL,  time_ms INTEGER NOT NULL,  version "
    "INTEGER NOT NULL DEFAULT 0,  not_before_ms INTEGER NOT NULL DEFAULT 0,  tries "
    "INTEGER NOT NULL DEFAULT 0, line_ms INTEGER NOT NULL DEFAULT 0, domain TEXT NOT "
    "NULL DEFAULT '', rule TEXT NOT NULL DEFAULT '', reason_len INTEGER NOT NULL "
    "DEFAULT -1, reason_hash INTEGER NOT NULL DEFAULT 0, reason_cut INTEGER NOT NULL "
    "DEFAULT 0, absences INTEGER NOT NULL DEFAULT 0, arrival_ms INTEGER NOT NULL "
    "DEFAULT 0,  PRIMARY KEY (destination, queue_id)) WITHOUT ROWID",
    "CREATE INDEX waiting_version ON waiting(version) WHERE version <> 0",
    "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT "
    "ROWID",
    "CREATE TABLE blob (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE INDEX destination_map_version ON destination(map_version)  WHERE "
    "map_version <> 0",
    "CREATE TABLE target (  name TEXT PRIMARY KEY,  version INTEGER NOT NULL,  "
    "since_ms INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
    "CREATE TABLE log_place (  log TEXT PRIMARY KEY,  kind TEXT NOT NULL,  place "
    "TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX waiting_queue_id ON waiting(queue_id)",
    "CREATE TABLE host (  name TEXT NOT NULL,  port INTEGER NOT NULL,  parent TEXT "
    "NOT NULL,  encrypt_ms INTEGER NOT NULL,  verify_ms INTEGER NOT NULL,  dane_ms "
    "INTEGER NOT NULL,  proven_ms INTEGER NOT NULL,  failed_ms INTEGER NOT NULL, "
    "cause TEXT NOT NULL DEFAULT '', cause_ms INTEGER NOT NULL DEFAULT 0, until_ms "
    "INTEGER NOT NULL DEFAULT 0,  PRIMARY KEY (name, port)) WITHOUT ROWID",
    "CREATE INDEX host_verify ON host(verify_ms)",
    "CREATE INDEX host_authentic ON host(max(verify_ms, dane_ms))",
    "CREATE INDEX host_proven ON host(proven_ms) WHERE proven_ms <> 0",
    "CREATE INDEX host_failed ON host(failed_ms) WHERE failed_ms <> 0",
    "CREATE INDEX host_parent_failed ON host(parent, failed_ms) WHERE failed_ms <> 0",
    "CREATE TABLE entry_count (  level TEXT NOT NULL,  why TEXT NOT NULL,  count "
    "INTEGER NOT NULL,  PRIMARY KEY (level, why)) WITHOUT ROWID",
    "CREATE TRIGGER entries_insert AFTER INSERT ON destination  WHEN new.entry <> "
    "'none' BEGIN INSERT INTO entry_count(level, why, count) SELECT new.entry, "
    "new.entry_why, 1 WHERE new.entry <> 'none' ON CONFLICT(level, why) DO UPDATE "
    "SET count = count + 1; END",
    "CREATE TRIGGER entries_delete AFTER DELETE ON destination  WHEN old.entry <> "
    "'none' BEGIN UPDATE entry_count SET count = count - 1 WHERE level = old.entry "
    "AND why = old.entry_why; END",
    "CREATE TRIGGER entries_update AFTER UPDATE OF entry, entry_why ON destination  "
    "WHEN new.entry <> old.entry OR new.entry_why <> old.entry_why  BEGIN UPDATE "
    "entry_count SET count = count - 1 WHERE level = old.entry AND why = "
    "old.entry_why; INSERT INTO entry_count(level, why, count) SELECT new.entry, "
    "new.entry_why, 1 WHERE new.entry <> 'none' ON CONFLICT(level, why) DO UPDATE "
    "SET count = count + 1; END",
    "CREATE TABLE waits_count (  level TEXT NOT NULL,  entry_why TEXT NOT NULL,  why "
    "TEXT NOT NULL,  count INTEGER NOT NULL,  PRIMARY KEY (level, entry_why, why)) "
    "WITHOUT ROWID",
    "CREATE TRIGGER waits_delete AFTER DELETE ON waiting  WHEN NOT EXISTS (SELECT 1 "
    "FROM waiting WHERE destination = old.destination) BEGIN  UPDATE waits_count SET "
    "count = count - 1 WHERE (level, entry_why, why) =  (SELECT entry, entry_why, "
    "why FROM destination WHERE id = old.destination); END",
    "CREATE TRIGGER waits_new AFTER INSERT ON destination  WHEN EXISTS (SELECT 1 "
    "FROM waiting WHERE destination = new.id)  BEGIN INSERT INTO waits_count(level, "
    "entry_why, why, count) VALUES (new.entry, new.entry_why, new.why, 1) ON "
    "CONFLICT(level, entry_why, why) DO UPDATE SET count = count + 1; END",
    "CREATE TRIGGER waits_gone AFTER DELETE ON destination  WHEN EXISTS (SELECT 1 "
    "FROM waiting WHERE destination = old.id)  BEGIN UPDATE waits_count SET count = "
    "count - 1 WHERE level = old.entry AND entry_why = old.entry_why AND why = "
    "old.why; END",
    "CREATE TRIGGER waits_update AFTER UPDATE OF entry, entry_why, why ON "
    "destination  WHEN (new.entry <> old.entry OR new.entry_why <> old.entry_why    "
    "OR new.why <> old.why)    AND EXISTS (SELECT 1 FROM waiting WHERE destination = "
    "new.id)  BEGIN UPDATE waits_count SET count = count - 1 WHERE level = old.entry "
    "AND entry_why = old.entry_why AND why = old.why; INSERT INTO waits_count(level, "
    "entry_why, why, count) VALUES (new.entry, new.entry_why, new.why, 1) ON "
    "CONFLICT(level, entry_why, why) DO UPDATE SET count = count + 1; END",
    "CREATE INDEX waiting_arrival ON waiting(arrival_ms) WHERE arrival_ms <> 0",
    "CREATE TABLE tally_month (  month TEXT NOT NULL,  what TEXT NOT NULL,  count "
    "INTEGER NOT NULL,  PRIMARY KEY (month, what)) WITHOUT ROWID",
    "CREATE TABLE wait_alert (  destination INTEGER PRIMARY KEY REFERENCES "
    "destination(id),  alerted_ms INTEGER NOT NULL,  why TEXT NOT NULL,  bounce_ms "
    "INTEGER NOT NULL DEFAULT 0)",
    "CREATE TRIGGER wait_alert_over AFTER DELETE ON waiting  WHEN NOT EXISTS (SELECT "
    "1 FROM waiting WHERE destination = old.destination)  BEGIN DELETE FROM "
    "wait_alert WHERE destination = old.destination; END",
    "CREATE TABLE sts (  domain TEXT PRIMARY KEY,  mode TEXT NOT NULL,  max_age_s "
    "INTEGER NOT NULL,  mx TEXT NOT NULL,  id TEXT NOT NULL,  fetched_ms INTEGER NOT "
    "NULL,  txt TEXT NOT NULL,  txt_id TEXT NOT NULL,  txt_ms INTEGER NOT NULL,  "
    "txt_next_ms INTEGER NOT NULL,  txt_failures INTEGER NOT NULL,  txt_failing_ms "
    "INTEGER NOT NULL,  cause TEXT NOT NULL,  tried_ms INTEGER NOT NULL,  failures "
    "INTEGER NOT NULL,  failed_id TEXT NOT NULL,  failing_ms INTEGER NOT NULL,  "
    "alerted INTEGER NOT NULL,  refresh INTEGER NOT NULL,  mail_ms INTEGER NOT "
    "NULL,  next_ms INTEGER NOT NULL,  applied TEXT NOT NULL,  detail TEXT NOT NULL) "
    "WITHOUT ROWID",
    "CREATE INDEX sts_next ON sts(next_ms) WHERE next_ms <> 0",
    "CREATE TABLE sts_key (  destination INTEGER PRIMARY KEY,  domain TEXT NOT NULL)",
    "CREATE INDEX sts_key_domain ON sts_key(domain)",
    "CREATE TABLE sts_mail (destination INTEGER PRIMARY KEY)",
    NULL,
};
