/* SPDX-License-Identifier: BSD-2-Clause */
/* What store_sts.c says to SQLite. */
#include "store/store_impl.h"

#define STS_SHIFTED \
	SHIFTED(fetched_ms) \
	", " SHIFTED(txt_failing_ms) ", " SHIFTED(tried_ms) ", " SHIFTED( \
	    failing_ms) ", " SHIFTED(mail_ms)

/* What store_sts.c reads and writes, in its order. */
#define STS_COLUMNS STS_COLUMNS_WITH("mx")
#define STS_COLUMNS_WITH(mx) \
	"domain, mode, max_age_s, " mx \
	", id, fetched_ms, txt, txt_id, txt_ms, txt_next_ms," \
	" txt_failures, txt_failing_ms, cause, tried_ms, failures, failed_id," \
	" failing_ms, alerted, refresh, mail_ms, next_ms, applied, detail, owed_ms," \
	" cut"
/* Behind them: does mail of a destination of it wait? */
#define STS_WAITED \
	", EXISTS (SELECT 1 FROM sts_key k JOIN waiting w ON w.destination =" \
	" k.destination WHERE k.domain = sts.domain) AS waited"

const char *const store_sql_sts[SQL_COUNT] = {
    /* clang-format off */
    /* What time a machine was off that its clock did not show cannot be told from a clock
     * that is right again. */
    [SQL_SHIFT_STS] = "UPDATE sts SET owed_ms = CASE WHEN fetched_ms > ?2 THEN owed_ms"
        " WHEN owed_ms > 0 AND ?1 < 0 THEN max(owed_ms + ?1, 0)"
        " WHEN owed_ms < 0 AND ?1 > 0 THEN min(owed_ms + ?1, 0) ELSE owed_ms END, "
        STS_SHIFTED ", " SHIFTED(txt_ms) ","
        " txt_next_ms = txt_next_ms + ?1 * (txt_ms <> 0 AND txt_ms <= ?2),"
        " next_ms = CASE WHEN next_ms > 1 THEN max(next_ms + ?1, 1) ELSE next_ms END",
    /* What is due by the clock is asked, and for a policy that is over by it. */
    [SQL_SHIFT_STS_OFF] = "UPDATE sts SET"
        " owed_ms = owed_ms + ?1 * (fetched_ms <> 0 AND fetched_ms <= ?2), "
        STS_SHIFTED ","
        " next_ms = CASE WHEN next_ms > 1 AND (?1 < 0 OR fetched_ms + max_age_s * 1000"
        " <= ?1 + ?2) THEN 1 ELSE next_ms END",
    /* clang-format on */
    /* What was settled while the clock was ahead: times that are ahead still, or, where
     * there was mail lately, none or one that is more than a day away. */
    [SQL_STS_BRING_BACK] =
        ("UPDATE sts SET next_ms = 1 WHERE max(fetched_ms, txt_ms, tried_ms) > ?1 + 60000"
         " OR (mail_ms > ?1 - 2592000000"
         "  AND (fetched_ms <> 0 OR txt IN ('valid', 'unsure'))"
         "  AND (next_ms = 0 OR next_ms > ?1 + 90000000))"),
    [SQL_STS_GET] = "SELECT " STS_COLUMNS STS_WAITED " FROM sts WHERE domain = ?",
    [SQL_STS_PUT] = "INSERT OR REPLACE INTO sts(" STS_COLUMNS ") VALUES (?, ?, ?, ?, ?,"
                    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    /* As sts_take_refresh(). */
    [SQL_STS_REFRESH_ALL] =
        "UPDATE sts SET refresh = refresh + 1, txt_ms = 0, next_ms = 1",
    [SQL_STS_EACH] = "SELECT " STS_COLUMNS STS_WAITED " FROM sts ORDER BY domain",
    [SQL_STS_DUE] = "SELECT " STS_COLUMNS_WITH("''") STS_WAITED
    " FROM sts WHERE next_ms <> 0"
    " AND next_ms <= ? ORDER BY applied <> 'enforce' AND NOT waited,"
    " txt_failures + failures > 0, next_ms, domain LIMIT ? OFFSET ?",
    [SQL_STS_NEXT] = ("SELECT next_ms FROM sts WHERE next_ms <> 0 AND next_ms > ?"
                      " ORDER BY next_ms LIMIT 1"),
    [SQL_STS_PUT_OFF] = "UPDATE sts SET next_ms = ?2 WHERE domain = ?1 AND next_ms <> 0",
    /* Nothing is kept there that could be lost: no policy, nothing to ask, long ago; or
     * one that ended long ago, of a domain that no mail was sent to since. */
    [SQL_STS_THIN] = ("DELETE FROM sts WHERE (fetched_ms = 0 AND next_ms = 0"
                      " AND txt <> 'valid' AND txt_ms < ?1 AND tried_ms < ?1)"
                      " OR (mail_ms < ?2 AND txt_ms < ?2 AND tried_ms < ?2"
                      " AND fetched_ms + max_age_s * 1000 < ?2)"),
    [SQL_STS_THIN_KEY] =
        ("DELETE FROM sts_key WHERE domain NOT IN (SELECT domain FROM sts)"
         " OR destination NOT IN (SELECT id FROM destination)"),
    [SQL_STS_THIN_MAIL] =
        "DELETE FROM sts_mail WHERE destination NOT IN (SELECT id FROM destination)",
    [SQL_STS_OCTETS] = ("SELECT coalesce(sum(length(attributes)), 0) FROM destination"
                        " WHERE entry <> 'none' AND entry_why = 'policy'"
                        " AND length(attributes) > ?"),
    [SQL_STS_MX_OCTETS] =
        "SELECT coalesce(sum(length(mx)), 0) FROM sts WHERE length(mx) > ?",
    [SQL_STS_SERVERS] = ("SELECT d.id, dns_text FROM sts_key k JOIN destination d ON d.id"
                         " = k.destination WHERE k.domain = ? LIMIT ?"),
    [SQL_STS_KEY] = ("INSERT INTO sts_key(destination, domain) VALUES (?, ?)"
                     " ON CONFLICT(destination) DO UPDATE SET domain = excluded.domain"
                     " WHERE domain <> excluded.domain"),
    [SQL_STS_KEY_NEWS] =
        ("UPDATE destination SET look_ms = ?1 WHERE id = ?2 AND pinned = 0 AND NOT EXISTS"
         " (SELECT 1 FROM sts_key WHERE destination = ?2 AND domain = ?3)"),
    [SQL_LOOK_BELOW] = "UPDATE destination SET look_ms = ?2 WHERE pinned = 0"
                       " AND substr(key, -length(?1)) = ?1"
                       " AND (entry <> 'none' OR id IN (SELECT k.destination"
                       "  FROM sts_key k JOIN sts ON sts.domain = k.domain"
                       "  WHERE applied = 'enforce'))",
    [SQL_STS_IS_ENFORCED] =
        ("SELECT EXISTS(SELECT 1 FROM sts_key k JOIN sts ON sts.domain = k.domain"
         " WHERE k.destination = ? AND applied = 'enforce')"),
    [SQL_STS_KEEP_LOOK] =
        ("UPDATE destination SET look_ms = ?2 WHERE id = ?1 AND look_ms = 0 AND pinned = "
         "0"
         " AND EXISTS (SELECT 1 FROM sts_key k JOIN sts ON sts.domain = k.domain"
         " WHERE k.destination = ?1 AND applied = 'enforce')"),
    [SQL_STS_LOOK_ALL] =
        ("UPDATE destination SET look_ms = ? WHERE look_ms = 0 AND pinned = 0 AND id IN"
         " (SELECT k.destination FROM sts_key k JOIN sts ON sts.domain = k.domain"
         " WHERE applied = 'enforce')"),
    [SQL_STS_NEWS] = ("UPDATE destination SET look_ms = ? WHERE pinned = 0 AND id IN"
                      " (SELECT destination FROM sts_key WHERE domain = ?)"),
    [SQL_STS_MAIL_ADD] = "INSERT OR IGNORE INTO sts_mail(destination) VALUES (?)",
    [SQL_STS_MAIL_NEXT] = ("SELECT destination FROM sts_mail WHERE destination > ?"
                           " ORDER BY destination LIMIT 1"),
    [SQL_STS_MAIL_DONE] = "DELETE FROM sts_mail WHERE destination = ?",

};
