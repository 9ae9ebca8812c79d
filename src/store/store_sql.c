/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked of the database and written to it. */
#include "store/store_impl.h"
#include "store/store_tally_sql.h"

/* What store_entries.c reads, in its order. */
#define ENTRY_COLUMNS \
	"key, entry, attributes, entry_why, note, pinned, pin_until_ms, since_ms, " \
	"look_ms"

/* What store_views.c reads behind these. */
#define VIEW_COLUMNS \
	ENTRY_COLUMNS ", why, EXISTS(SELECT 1 FROM waiting WHERE destination = id)," \
	              " (SELECT coalesce(min(arrival_ms), 0) FROM waiting" \
	              "  WHERE destination = id AND arrival_ms <> 0)"

/*
 * What waiting.version says of a message, where it is not the version of the map with
 * which it is to be retried. Whether one that is not retried any more is there, a listing
 * of the queue tells.
 */
#define UNDECIDED "0"  /* nothing was decided for it since it was last deferred */
#define RETRYING  "-1" /* it is being retried */
#define RETRIED   "-2" /* it was; again at not_before_ms, unless the log mentions it */
#define GIVEN_UP  "-3" /* it was for the last time, and the log did not mention it */
#define FLOWED    "-4" /* it was, and mail to the destination flowed, perhaps it as well */
#define LEFT      "-5" /* it was sent, or came to its end, as the log has it */
#define LEFT_DUE  "-6" /* the same, before it was retried */
#define SET_LEFT  "CASE WHEN version > 0 OR version = -6 THEN -6 ELSE -5 END"

/* In these words, for the partial index to serve. ?1: version in force, ?2: now. */
#define WAS_DECIDED "version <> " UNDECIDED
#define IS_DUE \
	WAS_DECIDED " AND version NOT IN (" RETRYING ", " GIVEN_UP ", " FLOWED ", " LEFT \
	            ", " LEFT_DUE ")" \
	            " AND version <= ?1 AND not_before_ms <= ?2"

/* ?1: now. It is retried once more: 10 s after the first time, a minute after others. */
#define SET_RETRIED \
	"version = " RETRIED ", tries = tries + 1," \
	" not_before_ms = ?1 + CASE tries WHEN 0 THEN 10000 ELSE 60000 END"

/* The rows that stand for messages without one of their own: "@DOMAIN", "NODE/@DOMAIN".
 * No queue id and no node's name has an "@". */
#define IS_OTHERS "instr(queue_id, '@') > 0"

/* "NODE/" of a message, "" of one without; a domain may have a slash. */
#define NODE_OF \
	"CASE WHEN queue_id >= '@' AND queue_id < 'A' THEN ''" \
	" ELSE substr(queue_id, 1, instr(queue_id, '/')) END"

/* A cause that is later than the one that is kept, or that one is of a clock that was set
 * back since. */
#define CAUSE_IS_NEWS \
	"excluded.cause_ms <> 0 AND (excluded.cause_ms >= cause_ms" \
	" OR cause_ms - excluded.cause_ms > 86400000)"

/* Where nothing was decided yet the why of the entry stands. */
#define WAITS_WHY "CASE why WHEN 'none' THEN entry_why ELSE why END"

/* By ?1 later, but not after ?2. */
#define LENGTHENED(column) \
#column " = CASE WHEN " #column " BETWEEN 1 AND ?2" \
	        " THEN min(" #column " + ?1, ?2) ELSE " #column " END"

/* DNS told of it before, or it is pinned. */
#define IS_KNOWN "((dns_ms <> 0 AND dns_state <> 'unsure') OR pinned <> 0)"

/* What store_published.c reads, in its order. */
#define PUBLISHED_COLUMNS \
	"publisher, dest, state, since_ms, until_ms, id, policy, parameters, modified, " \
	"text"

const char *const store_sql[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_COMMIT] = "COMMIT",
    [SQL_DATA_VERSION] = "PRAGMA data_version",
    [SQL_PENDING] = "SELECT id, key, deferral_ms FROM destination WHERE pending <> 0"
                    " AND " IS_KNOWN " = ? AND (deferral_ms, id) > (?, ?)"
                    " ORDER BY deferral_ms, id LIMIT ?",
    [SQL_PENDING_NEWEST] = "SELECT id, key FROM destination WHERE pending <> 0"
                           " AND NOT " IS_KNOWN ""
                           " ORDER BY deferral_ms DESC, id DESC LIMIT ?",
    [SQL_DUE_WAITING] = "SELECT id, key, look_ms, " IS_KNOWN " FROM destination"
                        " WHERE look_ms <> 0 AND deferral <> 0 AND look_ms <= ?"
                        " AND (look_ms, id) > (?, ?) ORDER BY look_ms, id LIMIT ?",
    [SQL_DUE] = "SELECT id, key, look_ms, " IS_KNOWN " FROM destination"
                " WHERE look_ms <> 0 AND deferral = 0 AND look_ms <= ?"
                " AND (look_ms, id) > (?, ?) ORDER BY look_ms, id LIMIT ?",
    [SQL_NEXT_DUE] = "SELECT coalesce(min(look_ms), 0) FROM destination"
                     " WHERE look_ms <> 0 AND look_ms > ?",
    [SQL_LOOK_AT_ALL] = "UPDATE destination SET look_ms = ?"
                        " WHERE pinned = 0 AND (entry <> 'none' OR deferral <> 0"
                        "  OR look_ms <> 0)",
    [SQL_LOOK_AT_POLICIES] = "UPDATE destination SET look_ms = ?"
                             " WHERE pinned = 0 AND entry_why = 'policy'",
    /* Too far ahead, or of what was judged by a clock that was ahead. */
    [SQL_LOOK_BRING_BACK] = "UPDATE destination SET look_ms = ?1"
                            " WHERE look_ms <> 0 AND look_ms > ?1 AND pinned = 0"
                            " AND (look_ms > ?2 OR max(dns_ms, probe_ms, since_ms)"
                            "  > ?1 + 60000)",
    /* clang-format off */
    [SQL_SHIFT] = "UPDATE destination SET "
        SHIFTED(hold_verify_ms) ", " SHIFTED(hold_encrypt_ms) ", "
        SHIFTED(hold_may_ms) ", " SHIFTED(silent_ms) ", "
        SHIFTED(dane_absent_ms) ", " SHIFTED(deferral_ms) ", "
        SHIFTED(attempt_ms) ", " SHIFTED(first_attempt_ms) ", "
        SHIFTED(last_attempt_ms) ", " SHIFTED(plain_first_ms) ", "
        SHIFTED(plain_last_ms) ", " SHIFTED(contradicted_ms)
        " WHERE deferral <> 0 OR dane_absent_ms <> 0",
    [SQL_SHIFT_ALERTS] = "UPDATE wait_alert SET "
        SHIFTED(alerted_ms) ", " SHIFTED(bounce_ms),
    /* Those put since ?3, by the clock that is set, are of that. */
    [SQL_SHIFT_TERMS] = "UPDATE destination SET"
        " look_ms = look_ms + ?1 * (look_ms <> 0 AND look_ms = lease_end_ms),"
        " lease_end_ms = lease_end_ms + ?1 * (lease_end_ms <> 0),"
        " pin_until_ms = pin_until_ms + ?1 * (pinned <> 0),"
        " since_ms = since_ms + ?1 * (pinned = 0)"
        " WHERE (CASE pinned WHEN 0 THEN entry <> 'none' AND entry_why = 'forecast'"
        "  ELSE pin_until_ms <> 0 END)"
        " AND (since_ms < ?3 OR since_ms > ?2 + ?1 OR (?1 > 0 AND since_ms <= ?2))",
    [SQL_SHIFT_PAST] = "UPDATE destination SET "
        SHIFTED(seen_encrypt_ms) ", " SHIFTED(seen_trusted_ms) ", "
        SHIFTED(seen_verify_ms) ", " SHIFTED(seen_secure_ms) ", "
        SHIFTED(seen_dane_ms) ", " SHIFTED(force_ms) ", " SHIFTED(probe_ms),
    [SQL_SHIFT_HOSTS] = "UPDATE host SET "
        SHIFTED(encrypt_ms) ", " SHIFTED(verify_ms) ", " SHIFTED(dane_ms) ", "
        SHIFTED(proven_ms) ", " SHIFTED(failed_ms),
    [SQL_LENGTHEN_HOLDS] = "UPDATE destination SET "
        LENGTHENED(hold_verify_ms) ", " LENGTHENED(hold_encrypt_ms) ", "
        LENGTHENED(hold_may_ms)
        " WHERE max(hold_verify_ms, hold_encrypt_ms, hold_may_ms) <> 0",
    /* clang-format on */
    [SQL_TALLY_ADD] =
        "INSERT INTO tally(destination, day, what, count) VALUES (?, ?, ?, ?)"
        " ON CONFLICT(destination, day, what)"
        " DO UPDATE SET count = count + excluded.count",
    [SQL_TALLIES] = "SELECT day, what, count FROM tally WHERE destination = ?"
                    " AND what NOT GLOB 'node:*' ORDER BY day, what",
    [SQL_MONTH_ADD] =
        "INSERT INTO tally_month(month, what, count)"
        " VALUES (strftime('%Y-%m', ? * 86400, 'unixepoch'), ?, ?)"
        " ON CONFLICT(month, what) DO UPDATE SET count = count + excluded.count",
    [SQL_MONTHS] = "SELECT month, substr(what, length(?1) + 1), count FROM tally_month"
                   " WHERE instr(what, ?1 || 'sent:') = 1"
                   " OR instr(what, ?1 || 'grade:') = 1 ORDER BY month",
    /* Each destination's own days are found by its key: the days of all are many. */
    [SQL_MONTH_SENT] = "SELECT d.key, substr(t.what, length(?3) + 1), sum(t.count)"
                       " FROM destination d CROSS JOIN tally t ON t.destination = d.id"
                       " AND t.day >= ?1 AND t.day < ?2 AND instr(t.what, ?3) = 1"
                       " GROUP BY d.id, t.what ORDER BY d.id",
    [SQL_CHANGES_BETWEEN] =
        "SELECT d.key, time_ms, action, before, after, c.why, before_attributes,"
        " after_attributes FROM decision c JOIN destination d ON d.id = c.destination"
        " WHERE time_ms >= ? AND time_ms < ? AND action NOT IN ('keep', 'hold')"
        " ORDER BY time_ms, c.id",
    [SQL_NET_CHANGES] =
        "SELECT d.key, before, after, c.why, before_attributes, after_attributes"
        " FROM decision c JOIN destination d ON d.id = c.destination"
        " WHERE time_ms >= ? AND time_ms < ? AND action NOT IN ('keep', 'hold')"
        " ORDER BY d.key, c.id",
    [SQL_STANDING_WAITS] =
        "SELECT d.key, d.why, d.entry_why, coalesce(min(nullif(w.arrival_ms, 0)), 0),"
        " d.first_attempt_ms FROM waiting w CROSS JOIN destination d"
        " ON d.id = w.destination GROUP BY d.id ORDER BY d.key",
    [SQL_CLEARTEXT_SENT] =
        "SELECT d.key, sum(t.count), NOT EXISTS (SELECT 1 FROM tally b"
        " WHERE b.destination = d.id AND b.day >= ?1 AND b.day < ?2"
        " AND b.what = 'sent:cleartext') FROM destination d CROSS JOIN tally t"
        " ON t.destination = d.id AND t.day >= ?2 AND t.day < ?3"
        " AND t.what = 'sent:cleartext' GROUP BY d.id ORDER BY d.id",
    [SQL_DECISION_ADD] =
        "INSERT INTO decision(destination, time_ms, action, before, after, why,"
        " rule, reason, dns_state, before_attributes, after_attributes,"
        " was_pinned, was_until_ms, was_note)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_DECISION_FORGET] =
        "DELETE FROM decision WHERE destination = ?1"
        " AND action IN ('keep', 'hold') AND id <= (SELECT id FROM decision"
        " WHERE destination = ?1 AND action IN ('keep', 'hold')"
        " ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    [SQL_DECISION_LONG] =
        "SELECT id, before_attributes, after_attributes FROM decision"
        " WHERE destination = ?1 AND id < (SELECT max(id) FROM decision"
        " WHERE destination = ?1)"
        " AND (length(before_attributes) > ?2 OR length(after_attributes) > ?2) LIMIT 1",
    [SQL_DECISION_SHORTEN] =
        "UPDATE decision SET before_attributes = ?2, after_attributes = ?3 WHERE id = ?1",
    [SQL_DECISIONS] =
        "SELECT time_ms, action, before, after, why, rule, reason, dns_state,"
        " before_attributes, after_attributes, was_pinned, was_until_ms, was_note"
        " FROM decision WHERE destination = ? ORDER BY id",
    [SQL_WAITING_COUNT] = "SELECT count(*) FROM waiting WHERE destination = ?"
                          " AND NOT " IS_OTHERS,
    [SQL_WAITING_IS_KEPT] = "SELECT EXISTS(SELECT 1 FROM waiting"
                            " WHERE destination = ? AND queue_id = ?)",
    [SQL_WAITING_BEGINS] =
        "INSERT INTO waits_count(level, entry_why, why, count)"
        " SELECT entry, entry_why, why, 1 FROM destination WHERE id = ?1"
        " AND NOT EXISTS (SELECT 1 FROM waiting WHERE destination = ?1)"
        " ON CONFLICT(level, entry_why, why) DO UPDATE SET count = count + 1",
    [SQL_WAITING_UNKEPT] =
        "INSERT INTO waiting(destination, queue_id, time_ms, line_ms, domain, rule,"
        " reason_len, reason_hash, reason_cut, arrival_ms)"
        " VALUES (?1, CASE WHEN (SELECT count(*) FROM waiting WHERE destination = ?1"
        "  AND " IS_OTHERS " AND queue_id <> ?9 || '@' || ?3) < 8"
        "  THEN ?9 || '@' || ?3 ELSE ?9 || '@' END, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        " ON CONFLICT DO UPDATE SET line_ms = excluded.line_ms, rule = excluded.rule,"
        " domain = excluded.domain, reason_len = excluded.reason_len,"
        " reason_hash = excluded.reason_hash, reason_cut = excluded.reason_cut,"
        " absences = 0",
    [SQL_WAITING_OLDEST] =
        "SELECT queue_id, domain, rule, reason_len, reason_hash, reason_cut, line_ms,"
        " absences, arrival_ms FROM waiting WHERE destination = ?1 AND absences >= 0"
        " AND NOT " IS_OTHERS " ORDER BY absences > 0 DESC, line_ms",
    [SQL_WAITING_DROP] =
        "DELETE FROM waiting WHERE destination = ? AND queue_id = ? AND line_ms = ?",
    [SQL_WAITING_ADD] =
        "INSERT INTO waiting(destination, queue_id, time_ms, line_ms, domain, rule,"
        " reason_len, reason_hash, reason_cut, arrival_ms)"
        " VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        " ON CONFLICT DO UPDATE SET line_ms = ?3, domain = ?4, rule = ?5,"
        " reason_len = ?6, reason_hash = ?7, reason_cut = ?8,"
        " absences = min(absences, 0), arrival_ms = CASE arrival_ms WHEN 0 THEN ?9 ELSE "
        "arrival_ms END,"
        " version = max(version, " UNDECIDED "),"
        " tries = CASE WHEN version < 0 THEN 0 ELSE tries END",
    [SQL_WAITING_EACH] = "SELECT queue_id, domain, rule, reason_len, reason_hash,"
                         " reason_cut, line_ms, absences, arrival_ms FROM waiting"
                         " WHERE destination = ?",
    [SQL_WAITING_NEWEST] = "SELECT coalesce(max(arrival_ms), 0) FROM waiting"
                           " WHERE arrival_ms <> 0",
    [SQL_WAITING_FIRST] = "SELECT coalesce(min(arrival_ms), 0) FROM waiting"
                          " WHERE destination = ? AND arrival_ms <> 0",
    [SQL_WAITING_ABSENT] =
        "UPDATE waiting SET absences = ?1, version = CASE"
        "  WHEN version = " LEFT " AND ?1 < 0 THEN " UNDECIDED
        "  WHEN version = " LEFT_DUE " AND ?1 < 0 THEN 1"
        "  WHEN version = " FLOWED " AND ?1 < 0 AND tries < 3 THEN 1 ELSE version END"
        " WHERE destination = ?2 AND queue_id = ?3 AND line_ms = ?4",
    [SQL_WAITING_GONE] = "DELETE FROM waiting WHERE destination = ? AND queue_id = ?"
                         " AND line_ms = ?",
    [SQL_WAITING_LAST] = "SELECT destination FROM waiting AS w WHERE queue_id = ?1"
                         " AND (?2 = '' OR domain = ?2) AND NOT EXISTS"
                         " (SELECT 1 FROM waiting WHERE destination = w.destination"
                         "  AND queue_id <> ?1) LIMIT ?3",
    /* as store_destination.c has its columns; where they are the same nothing is done */
    [SQL_UPDATE_COUNTED] = "UPDATE destination SET entry = ?1, why = ?2, entry_why = ?3"
                           " WHERE id = ?4"
                           " AND (entry <> ?1 OR why <> ?2 OR entry_why <> ?3)",
    [SQL_WAITING_HAS_ANY] = "SELECT EXISTS(SELECT 1 FROM waiting WHERE destination = ?)",
    [SQL_WAITING_HAS] = "SELECT EXISTS(SELECT 1 FROM waiting WHERE queue_id = ?)",
    [SQL_WAITING_END] = "DELETE FROM waiting WHERE queue_id = ?1"
                        " AND (?2 = '' OR domain = ?2)",
    [SQL_WAITING_END_SENT] =
        "DELETE FROM waiting WHERE queue_id = ?1 AND domain = ?2 AND (version < 0 OR"
        " line_ms + CASE line_ms % 1000 WHEN 0 THEN 1000 ELSE 0 END <= ?3)",
    [SQL_WAITING_LEFT] = "UPDATE waiting SET version = " SET_LEFT " WHERE queue_id = ?1"
                         " AND (?2 = '' OR domain = ?2)",
    [SQL_WAITING_LEFT_SENT] =
        "UPDATE waiting SET version = " SET_LEFT
        " WHERE queue_id = ?1 AND domain = ?2 AND (version < 0 OR"
        " line_ms + CASE line_ms % 1000 WHEN 0 THEN 1000 ELSE 0 END <= ?3)",
    [SQL_WAITING_RELEASE] = "UPDATE waiting SET version = ?, not_before_ms = ?, tries = 0"
                            " WHERE destination = ? AND (version = " UNDECIDED
                            "  OR (? AND version <> " FLOWED "))"
                            " AND NOT " IS_OTHERS,
    [SQL_WAITING_DUE] = "SELECT destination, queue_id FROM waiting WHERE " IS_DUE
                        " AND " NODE_OF " = ?3 ORDER BY destination LIMIT ?4",
    [SQL_WAITING_DUE_FEW] = "WITH due AS (SELECT destination, queue_id FROM waiting"
                            "  WHERE " IS_DUE " AND " NODE_OF " = ?3)"
                            " SELECT destination, queue_id FROM due WHERE destination IN"
                            " (SELECT destination FROM due GROUP BY destination"
                            "  HAVING count(*) <= ?5)"
                            " ORDER BY destination LIMIT ?4",
    [SQL_WAITING_AGAIN] =
        "SELECT coalesce(min(not_before_ms), 0) FROM waiting"
        " WHERE " WAS_DECIDED " AND version = " RETRIED " AND " NODE_OF " = ?",
    [SQL_WAITING_NEXT] = "SELECT coalesce(min(not_before_ms), 0) FROM waiting"
                         " WHERE " WAS_DECIDED " AND version > 0 AND version <= ?"
                         " AND not_before_ms > ? AND " NODE_OF " = ?",
    [SQL_WAITING_TAKE] = "UPDATE waiting SET version = " RETRYING
                         " WHERE destination = ? AND queue_id = ?",
    [SQL_WAITING_TAKE_ALL] =
        "UPDATE waiting SET version = " RETRYING " WHERE " IS_DUE " AND " NODE_OF " = ?3",
    [SQL_WAITING_DONE_ALL] = "UPDATE waiting SET " SET_RETRIED " WHERE " WAS_DECIDED
                             " AND version = " RETRYING " AND " NODE_OF " = ?2",
    [SQL_WAITING_DONE] =
        "UPDATE waiting SET " SET_RETRIED " WHERE destination = ?2 AND queue_id = ?3"
        " AND version = " RETRYING,
    [SQL_WAITING_GIVE_UP] =
        "UPDATE waiting SET version = " GIVEN_UP ", absences = max(absences, 0)"
        " WHERE " WAS_DECIDED " AND version = " RETRIED " AND tries >= 3",
    [SQL_WAITING_GIVEN_UP] =
        "SELECT DISTINCT destination FROM waiting WHERE " WAS_DECIDED
        " AND (version IN (" LEFT ", " LEFT_DUE ")  OR (version IN (" GIVEN_UP ", " FLOWED
        ") AND absences >= 0))"
        " AND destination > ? AND " NODE_OF " = ? ORDER BY destination LIMIT ?",
    [SQL_WAITING_SENT] =
        "UPDATE waiting SET version = " FLOWED ", absences = max(absences, 0)"
        " WHERE destination = ? AND version < 0"
        " AND version NOT IN (" FLOWED ", " LEFT ", " LEFT_DUE ")",
    [SQL_WAITING_SENT_OTHERS] =
        "DELETE FROM waiting WHERE destination = ?1 AND " IS_OTHERS
        " AND (?2 = 0 OR queue_id = '@' OR queue_id GLOB '*/@')",
    [SQL_WAITING_GIVE_BACK] =
        "UPDATE waiting SET version = 1, not_before_ms = ?"
        " WHERE " WAS_DECIDED " AND version = " RETRYING " AND " NODE_OF " = ?",
    [SQL_WAITING_NODES] = "SELECT DISTINCT " NODE_OF " FROM waiting",
    [SQL_WAITING_FORGET] = "DELETE FROM waiting WHERE " NODE_OF " = ?",
    [SQL_WAITING_HAS_OTHERS] =
        "SELECT EXISTS(SELECT 1 FROM waiting WHERE destination = ? AND " IS_OTHERS
        " AND " NODE_OF " = ?)",
    [SQL_WAITING_BRING_BACK] = "UPDATE waiting SET not_before_ms = ?1"
                               " WHERE not_before_ms > ?1 + 3600000",
    /* LADDER_NOT_YET, written out so that the partial index serves */
    [SQL_FORCE] = "UPDATE destination SET force_ms = ?1"
                  " WHERE force_ms = 9223372036854775807 AND map_version <= ?2",
    [SQL_ENTRIES] = "SELECT " ENTRY_COLUMNS " FROM destination"
                    " WHERE entry <> 'none' ORDER BY key",
    [SQL_ENTRIES_AFTER] = "SELECT " ENTRY_COLUMNS " FROM destination"
                          " WHERE entry <> 'none' AND key > ? ORDER BY key",
    /* '/' is the byte behind '.' */
    [SQL_PARENTS] = "SELECT " ENTRY_COLUMNS " FROM destination"
                    " WHERE key >= '.' AND key < '/' AND pinned <> 0 ORDER BY key",
    [SQL_CHANGES] = "SELECT " ENTRY_COLUMNS " FROM destination"
                    " WHERE map_version <> 0 AND map_version > ?",
    [SQL_ENTRY_COUNT] = "SELECT coalesce(sum(count), 0) FROM entry_count",
    [SQL_ENTRY_COUNTS] = "SELECT level, why, count FROM entry_count WHERE count > 0",
    [SQL_WAITING_COUNTS] = "SELECT level, " WAITS_WHY ", sum(count) FROM waits_count"
                           " GROUP BY 1, 2 HAVING sum(count) > 0",
    [SQL_WAITING_NEXT_ARRIVAL] =
        "SELECT d.key FROM waiting AS w JOIN destination AS d ON d.id = w.destination"
        " WHERE w.arrival_ms <> 0 ORDER BY w.arrival_ms LIMIT 1",
    [SQL_VIEW] = "SELECT " VIEW_COLUMNS " FROM destination WHERE key = ?",
    [SQL_VIEWS] = "SELECT " VIEW_COLUMNS " FROM destination WHERE entry <> 'none'"
                  " ORDER BY key",
    [SQL_VIEWS_WAITING] = "SELECT " VIEW_COLUMNS " FROM destination WHERE id IN"
                          " (SELECT destination FROM waiting) ORDER BY key",
    [SQL_AGAIN_ALL] = "UPDATE destination SET look_ms = ?1, dns_until_ms = 0,"
                      " lease_end_ms = min(lease_end_ms, ?1), again_ms = ?1"
                      " WHERE pinned = 0 AND (entry <> 'none' OR deferral <> 0)",
    [SQL_TARGET_GET] = "SELECT version, since_ms FROM target WHERE name = ?",
    [SQL_TARGET_PUT] = "INSERT INTO target(name, version, since_ms) VALUES (?, ?, ?)"
                       " ON CONFLICT(name) DO UPDATE SET version = excluded.version,"
                       " since_ms = CASE version WHEN excluded.version THEN since_ms"
                       "  ELSE excluded.since_ms END",
    [SQL_TARGET_FORGET] = "DELETE FROM target WHERE name = ?",
    [SQL_TARGETS] = "SELECT name FROM target WHERE name LIKE ? || '%'",
    [SQL_PUBLISHED_GET] = "SELECT " PUBLISHED_COLUMNS " FROM published"
                          " WHERE publisher = ? AND dest = ?",
    [SQL_PUBLISHED_INTENTS] = "SELECT policy, parameters FROM published_intent"
                              " WHERE publisher = ? AND dest = ?",
    [SQL_PUBLISHED_PUT] =
        "INSERT OR REPLACE INTO published(publisher, dest, state, since_ms, until_ms,"
        " id, policy, parameters, modified, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_PUBLISHED_DELETE] = "DELETE FROM published WHERE publisher = ? AND dest = ?",
    [SQL_INTENT_PUT] = "INSERT OR REPLACE INTO published_intent"
                       " (publisher, dest, policy, parameters) VALUES (?, ?, ?, ?)",
    [SQL_INTENTS_DELETE] =
        "DELETE FROM published_intent WHERE publisher = ? AND dest = ?",
    [SQL_PUBLISHED_FORGET] = "DELETE FROM published WHERE publisher = ?",
    [SQL_INTENTS_FORGET] = "DELETE FROM published_intent WHERE publisher = ?",
    [SQL_PUBLISHED_EACH] = "SELECT " PUBLISHED_COLUMNS " FROM published"
                           " WHERE publisher = ? AND dest > ? ORDER BY dest LIMIT ?",
    [SQL_PUBLISHED_UNLISTED] =
        "SELECT " PUBLISHED_COLUMNS " FROM published WHERE publisher = ? AND dest > ?"
        " AND NOT EXISTS (SELECT 1 FROM destination WHERE key = dest"
        "  AND entry <> 'none') ORDER BY dest LIMIT ?",
    [SQL_PUBLISHED_OF] = "SELECT " PUBLISHED_COLUMNS " FROM published WHERE dest = ?",
    [SQL_PUBLISHERS] = "SELECT DISTINCT publisher FROM published WHERE policy <> ''"
                       " UNION SELECT DISTINCT publisher FROM published_intent",
    [SQL_LOOK_AT] = "UPDATE destination SET look_ms = ? WHERE key = ? AND pinned = 0",
    [SQL_LISTING_DELETE] = "DELETE FROM temp.listing",
    [SQL_LISTING_ADD] = "INSERT OR REPLACE INTO temp.listing"
                        " VALUES (?, ?, ?, ?, ?, ?, ?)",
    [SQL_LISTING_GET] = "SELECT id, policy, parameters, active, modified, owner"
                        " FROM temp.listing WHERE dest = ?",
    [SQL_LISTING_EACH] = "SELECT id, policy, parameters, active, modified, owner, dest"
                         " FROM temp.listing ORDER BY dest",
    [SQL_ENTRY_VERSION] = "UPDATE destination SET map_version = ? WHERE id = ?",
    [SQL_PLACE_GET] = "SELECT kind, place FROM log_place WHERE log = ?",
    [SQL_PLACE_PUT] =
        "INSERT OR REPLACE INTO log_place(log, kind, place) VALUES (?, ?, ?)",
    [SQL_COUNTER_ADD] = "INSERT INTO counter(name, value) VALUES (?, ?)"
                        " ON CONFLICT(name) DO UPDATE SET value = value + excluded.value",
    [SQL_COUNTER_SET] = "INSERT OR REPLACE INTO counter(name, value) VALUES (?, ?)",
    [SQL_COUNTER_GET] = "SELECT value FROM counter WHERE name = ?",
    [SQL_COUNTERS] = "SELECT value, substr(name, length(?1) + 1) FROM counter"
                     " WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1"
                     " ORDER BY name",
    [SQL_POLICY_COUNTS] = "SELECT count(*), mode FROM sts WHERE id <> ''"
                          " GROUP BY mode ORDER BY mode",
    [SQL_OUTBOX_ADD] = "INSERT INTO outbox(writer, line) VALUES (?, ?)",
    [SQL_OUTBOX_SENT] = "DELETE FROM outbox WHERE writer = ? AND id <= ?",
    [SQL_OUTBOX] = "SELECT id, line FROM outbox WHERE writer <> ? ORDER BY id",
    [SQL_OUTBOX_TAKE] = "UPDATE outbox SET writer = ?",
    [SQL_BLOB_PUT] = "INSERT OR REPLACE INTO blob(name, value) VALUES (?, ?)",
    [SQL_BLOB_GET] = "SELECT value FROM blob WHERE name = ?",
    [SQL_WAITS] =
        "SELECT w.destination,"
        " min(CASE w.arrival_ms WHEN 0 THEN w.time_ms ELSE w.arrival_ms END),"
        " coalesce(min(nullif(w.arrival_ms, 0)), 0), d.first_attempt_ms,"
        " (SELECT coalesce(max(time_ms), 0) FROM decision WHERE destination = d.id),"
        " coalesce(a.alerted_ms, 0), coalesce(a.bounce_ms, 0), d.deferral,"
        " coalesce(a.why, '') = d.why, d.why = 'freeze'"
        " FROM waiting AS w CROSS JOIN destination AS d ON d.id = w.destination"
        " LEFT JOIN wait_alert AS a ON a.destination = w.destination"
        " WHERE w.destination > ? GROUP BY w.destination ORDER BY w.destination LIMIT ?",
    [SQL_WAIT_ALERTED] =
        "INSERT INTO wait_alert(destination, alerted_ms, why, bounce_ms)"
        " SELECT ?1, ?2, ?3, ?4 WHERE EXISTS"
        " (SELECT 1 FROM waiting WHERE destination = ?1)"
        " ON CONFLICT DO UPDATE SET alerted_ms = excluded.alerted_ms,"
        " why = excluded.why, bounce_ms = max(bounce_ms, excluded.bounce_ms)",
    [SQL_WAITING_OUTLIVED] = "DELETE FROM waiting"
                             " WHERE coalesce(nullif(arrival_ms, 0), time_ms) < ?",
    [SQL_THIN_WAITING] = "DELETE FROM waiting WHERE time_ms < ?",
    [SQL_THIN_GRADES] = ADD_GRADES("destination > ?1 AND destination <= ?2"
                                   " AND day < " FIRST_OF_MONTH),
    [SQL_THIN_TALLY] = "DELETE FROM tally WHERE destination > ?1 AND destination <= ?2"
                       " AND day < iif(" IS_SENT ", " FIRST_OF_MONTH ", ?3)",
    [SQL_THIN_DECISION] = "DELETE FROM decision WHERE time_ms < ?",
    [SQL_THIN_MONTH] = "DELETE FROM tally_month"
                       " WHERE month < strftime('%Y-%m', ? * 86400, 'unixepoch')"
                       " AND NOT " IS_SENT " AND " REST_OF_WHAT " NOT GLOB 'grade:*'",
    [SQL_THIN_LAST] = "SELECT id FROM destination WHERE id > ? ORDER BY id"
                      " LIMIT 1 OFFSET ?",
    [SQL_IDLE] =
        "SELECT id FROM destination AS d WHERE id > ?1 AND id <= ?2 AND entry = 'none'"
        " AND pinned = 0 AND pending = 0 AND look_ms = 0"
        " AND max(sent_ms, deferral_ms, last_attempt_ms, since_ms, again_ms) < ?3"
        " AND max(seen_encrypt_ms, seen_trusted_ms, seen_verify_ms, seen_secure_ms,"
        "  seen_dane_ms) < ?4"
        " AND (map_version = 0 OR map_version <="
        "  (SELECT coalesce(min(version), 0) FROM target))"
        " AND NOT EXISTS (SELECT 1 FROM waiting WHERE destination = d.id)"
        " AND NOT EXISTS (SELECT 1 FROM tally WHERE destination = d.id AND day >= ?5)"
        " AND NOT EXISTS (SELECT 1 FROM decision WHERE destination = d.id"
        "  AND time_ms >= ?3)"
        " ORDER BY id LIMIT ?6",
    [SQL_IDLE_MONTHS] =
        "INSERT INTO tally_month(month, what, count)"
        " SELECT strftime('%Y-%m', day * 86400, 'unixepoch'), what, sum(count)"
        " FROM tally WHERE destination = ? AND NOT " IS_SENT " GROUP BY 1, 2"
        " ON CONFLICT(month, what) DO UPDATE SET count = count + excluded.count",
    [SQL_IDLE_GRADES] = ADD_GRADES("destination = ?"),
    [SQL_IDLE_TALLIES] = "DELETE FROM tally WHERE destination = ?",
    [SQL_IDLE_DECISIONS] = "DELETE FROM decision WHERE destination = ?",
    [SQL_IDLE_DELETE] = "DELETE FROM destination WHERE id = ?",
    [SQL_HOST_ADD] =
        "INSERT INTO host(name, port, parent, encrypt_ms, verify_ms, dane_ms,"
        " proven_ms, failed_ms, told_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(name, port) DO UPDATE SET"
        " told_by = CASE WHEN told_by = 0 THEN 0 ELSE excluded.told_by END,"
        " encrypt_ms = max(encrypt_ms, excluded.encrypt_ms),"
        " verify_ms = max(verify_ms, excluded.verify_ms),"
        " dane_ms = max(dane_ms, excluded.dane_ms),"
        " proven_ms = max(proven_ms, excluded.proven_ms),"
        " failed_ms = max(failed_ms, excluded.failed_ms)",
    [SQL_HOST_GET] = "SELECT encrypt_ms, verify_ms, dane_ms, proven_ms, failed_ms"
                     " FROM host WHERE name = ? AND port = ?",
    [SQL_HOST_TOLD_BY] = "SELECT host.told_by, coalesce(key, '') FROM host"
                         " LEFT JOIN destination ON id = told_by"
                         " WHERE name = ? AND port = ?",
    [SQL_HOST_CAUSE] =
        "INSERT INTO host(name, port, parent, encrypt_ms, verify_ms, dane_ms,"
        " proven_ms, failed_ms, cause, cause_ms, until_ms)"
        " VALUES (?1, ?2, ?3, 0, 0, 0, 0, 0, ?4, ?5, ?6)"
        " ON CONFLICT(name, port) DO UPDATE SET"
        " cause = CASE WHEN " CAUSE_IS_NEWS " THEN excluded.cause ELSE cause END,"
        " cause_ms = CASE WHEN " CAUSE_IS_NEWS
        " THEN excluded.cause_ms ELSE cause_ms END,"
        " until_ms = CASE excluded.until_ms WHEN 0 THEN until_ms"
        "  ELSE excluded.until_ms END",
    [SQL_HOST_CAUSE_GET] = "SELECT cause, cause_ms, until_ms,"
                           " max(verify_ms, dane_ms),"
                           " max(encrypt_ms, verify_ms, dane_ms) FROM host"
                           " WHERE name = ? AND port = ?",
    [SQL_HOST_CAUSES] = "SELECT cause, count(DISTINCT parent) FROM host"
                        " WHERE failed_ms <> 0 AND failed_ms >= ?1 AND failed_ms <= ?2"
                        " AND parent <> '' AND cause_ms >= ?1 GROUP BY cause",
    [SQL_HOST_BRING_BACK] = "UPDATE host SET failed_ms = 0 WHERE failed_ms > ?",
    [SQL_HOST_PROVEN] = "SELECT name, port FROM host WHERE proven_ms <> 0"
                        " AND proven_ms >= ? ORDER BY proven_ms DESC LIMIT ?",
    [SQL_HOST_VERIFIED] = "SELECT name, port FROM host WHERE verify_ms <> 0"
                          " AND verify_ms >= ? ORDER BY verify_ms DESC LIMIT ?",
    /* Of a row of that maximum, as SQLite has it. */
    [SQL_PARENT_PROVEN] = "SELECT name, port, max(proven_ms) FROM host"
                          " WHERE proven_ms <> 0 AND proven_ms >= ?"
                          " GROUP BY parent ORDER BY 3 DESC LIMIT ?",
    [SQL_PARENT_VERIFIED] = "SELECT name, port, max(verify_ms) FROM host"
                            " WHERE verify_ms <> 0 AND verify_ms >= ?"
                            " GROUP BY parent ORDER BY 3 DESC LIMIT ?",
    [SQL_THIN_HOST_LAST] = "SELECT name FROM host WHERE name > ? ORDER BY name"
                           " LIMIT 1 OFFSET ?",
    [SQL_THIN_HOST] = "DELETE FROM host WHERE name > ?1 AND (?2 = '' OR name <= ?2)"
                      " AND max(encrypt_ms, verify_ms, dane_ms, failed_ms, cause_ms) < ?3"
                      " AND instr(?4, ' ' || name || ' ') = 0",
    [SQL_HOST_HELD] = "SELECT count(*) FROM (SELECT DISTINCT parent FROM host"
                      " WHERE failed_ms <> 0 AND failed_ms >= ?1 AND failed_ms <= ?2"
                      " AND failed_ms > ?3 AND parent <> ''"
                      " AND max(verify_ms, dane_ms * ?4, encrypt_ms * ?5) <> 0 LIMIT ?6)",
    [SQL_HOST_SEVERAL] =
        "SELECT coalesce(min(at_ms), 0) FROM (SELECT"
        " max(max(verify_ms, dane_ms * ?2, encrypt_ms * ?3)) AS at_ms FROM host"
        " WHERE parent <> '' AND max(verify_ms, dane_ms * ?2, encrypt_ms * ?3) <> 0"
        " AND max(verify_ms, dane_ms * ?2, encrypt_ms * ?3) <= ?1"
        " AND max(verify_ms, dane_ms * ?2, encrypt_ms * ?3) > failed_ms"
        " GROUP BY parent ORDER BY 1 DESC LIMIT ?4) HAVING count(*) = ?4",
    [SQL_HOST_FAILED] = "SELECT count(*) FROM (SELECT DISTINCT parent FROM host"
                        " WHERE failed_ms <> 0 AND failed_ms >= ? AND failed_ms <= ?"
                        " AND parent <> '' LIMIT ?)",
    [SQL_HOST_LAST] =
        "SELECT name, port FROM host WHERE verify_ms <> 0 AND verify_ms <= ?"
        " ORDER BY verify_ms DESC LIMIT ?",
    [SQL_HOST_LAST_DANE] =
        "SELECT name, port FROM host WHERE max(verify_ms, dane_ms) <> 0"
        " AND max(verify_ms, dane_ms) <= ?"
        " ORDER BY max(verify_ms, dane_ms) DESC LIMIT ?",
    [SQL_HOST_PARENT_FAILED] = "SELECT EXISTS(SELECT 1 FROM host WHERE failed_ms <> 0"
                               " AND failed_ms >= ?1 AND failed_ms <= ?2"
                               " AND failed_ms > ?3 AND parent = ?4)",
};
