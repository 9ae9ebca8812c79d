/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of the store, for the files store*.c alone: the only users of SQLite. */
#ifndef STORE_STORE_IMPL_H
#define STORE_STORE_IMPL_H

#include <sqlite3.h>

#include "store/store.h"
#include "store/store_freeze.h"
#include "store/store_node.h"
#include "store/store_trouble.h"

/* Statements that do not depend on the columns of a destination. */
enum sql {
	SQL_BEGIN,
	SQL_BEGIN_READ,
	SQL_COMMIT,
	SQL_DATA_VERSION,
	SQL_PENDING,
	SQL_PENDING_NEWEST,
	SQL_DUE_WAITING,
	SQL_DUE,
	SQL_NEXT_DUE,
	SQL_LOOK_AT_ALL,
	SQL_LOOK_AT_POLICIES,
	SQL_LOOK_BRING_BACK,
	SQL_SHIFT,
	SQL_SHIFT_ALERTS,
	SQL_SHIFT_TERMS,
	SQL_SHIFT_PAST,
	SQL_SHIFT_HOSTS,
	SQL_LENGTHEN_HOLDS,
	SQL_TALLY_ADD,
	SQL_MONTH_ADD,
	SQL_MONTHS,
	SQL_MONTH_SENT,
	SQL_CHANGES_BETWEEN,
	SQL_NET_CHANGES,
	SQL_STANDING_WAITS,
	SQL_CLEARTEXT_SENT,
	SQL_TALLIES,
	SQL_DECISION_ADD,
	SQL_DECISION_FORGET,
	SQL_DECISION_LONG,
	SQL_DECISION_SHORTEN,
	SQL_DECISIONS,
	SQL_WAITING_COUNT,
	SQL_WAITING_IS_KEPT,
	SQL_WAITING_BEGINS,
	SQL_WAITING_UNKEPT,
	SQL_WAITING_OLDEST,
	SQL_WAITING_DROP,
	SQL_WAITING_ADD,
	SQL_WAITING_EACH,
	SQL_WAITING_FIRST,
	SQL_WAITING_NODES,
	SQL_WAITING_FORGET,
	SQL_WAITING_HAS_OTHERS,
	SQL_WAITING_NEWEST,
	SQL_WAITING_ABSENT,
	SQL_WAITING_GONE,
	SQL_WAITING_LAST,
	SQL_UPDATE_COUNTED,
	SQL_WAITING_HAS,
	SQL_WAITING_HAS_ANY,
	SQL_WAITING_END,
	SQL_WAITING_END_SENT,
	SQL_WAITING_LEFT,
	SQL_WAITING_LEFT_SENT,
	SQL_WAITING_RELEASE,
	SQL_WAITING_DUE,
	SQL_WAITING_DUE_FEW,
	SQL_WAITING_NEXT,
	SQL_WAITING_TAKE,
	SQL_WAITING_TAKE_ALL,
	SQL_WAITING_DONE,
	SQL_WAITING_DONE_ALL,
	SQL_WAITING_GIVE_UP,
	SQL_WAITING_GIVEN_UP,
	SQL_WAITING_SENT,
	SQL_WAITING_SENT_OTHERS,
	SQL_WAITING_GIVE_BACK,
	SQL_WAITING_AGAIN,
	SQL_WAITING_BRING_BACK,
	SQL_FORCE,
	SQL_ENTRY_VERSION,
	SQL_ENTRIES,
	SQL_ENTRIES_AFTER,
	SQL_PARENTS,
	SQL_CHANGES,
	SQL_ENTRY_COUNT,
	SQL_ENTRY_COUNTS,
	SQL_WAITING_COUNTS,
	SQL_WAITING_NEXT_ARRIVAL,
	SQL_VIEW,
	SQL_VIEWS,
	SQL_VIEWS_WAITING,
	SQL_AGAIN_ALL,
	SQL_TARGET_GET,
	SQL_TARGET_PUT,
	SQL_TARGET_FORGET,
	SQL_TARGETS,
	SQL_PUBLISHED_GET,
	SQL_PUBLISHED_INTENTS,
	SQL_PUBLISHED_PUT,
	SQL_PUBLISHED_DELETE,
	SQL_INTENT_PUT,
	SQL_INTENTS_DELETE,
	SQL_PUBLISHED_FORGET,
	SQL_INTENTS_FORGET,
	SQL_PUBLISHED_EACH,
	SQL_PUBLISHED_UNLISTED,
	SQL_PUBLISHED_OF,
	SQL_PUBLISHERS,
	SQL_LOOK_AT,
	SQL_PLACE_GET,
	SQL_PLACE_PUT,
	SQL_COUNTER_ADD,
	SQL_COUNTER_SET,
	SQL_COUNTER_GET,
	SQL_COUNTERS,
	SQL_POLICY_COUNTS,
	SQL_BLOB_PUT,
	SQL_BLOB_GET,
	SQL_WAITS,
	SQL_WAIT_ALERTED,
	SQL_THIN_WAITING,
	SQL_WAITING_OUTLIVED,
	SQL_THIN_GRADES,
	SQL_THIN_TALLY,
	SQL_THIN_DECISION,
	SQL_THIN_MONTH,
	SQL_THIN_LAST,
	SQL_IDLE,
	SQL_IDLE_MONTHS,
	SQL_IDLE_GRADES,
	SQL_IDLE_TALLIES,
	SQL_IDLE_DECISIONS,
	SQL_IDLE_DELETE,
	SQL_HOST_ADD,
	SQL_HOST_GET,
	SQL_HOST_TOLD_BY,
	SQL_OUTBOX_ADD,
	SQL_OUTBOX_SENT,
	SQL_OUTBOX,
	SQL_OUTBOX_TAKE,
	SQL_HOST_CAUSE,
	SQL_HOST_CAUSE_GET,
	SQL_HOST_CAUSES,
	SQL_HOST_BRING_BACK,
	SQL_HOST_PROVEN,
	SQL_HOST_VERIFIED,
	SQL_THIN_HOST_LAST,
	SQL_PARENT_PROVEN,
	SQL_PARENT_VERIFIED,
	SQL_THIN_HOST,
	SQL_HOST_HELD,
	SQL_HOST_SEVERAL,
	SQL_HOST_FAILED,
	SQL_HOST_LAST,
	SQL_HOST_LAST_DANE,
	SQL_HOST_PARENT_FAILED,
	SQL_STS_GET,
	SQL_STS_PUT,
	SQL_STS_REFRESH_ALL,
	SQL_STS_EACH,
	SQL_STS_DUE,
	SQL_STS_NEXT,
	SQL_STS_PUT_OFF,
	SQL_STS_THIN,
	SQL_STS_THIN_KEY,
	SQL_STS_THIN_MAIL,
	SQL_STS_KEY,
	SQL_STS_OCTETS,
	SQL_STS_MX_OCTETS,
	SQL_STS_SERVERS,
	SQL_STS_KEY_NEWS,
	SQL_STS_IS_ENFORCED,
	SQL_STS_BRING_BACK,
	SQL_SHIFT_STS,
	SQL_LOOK_BELOW,
	SQL_SHIFT_STS_OFF,
	SQL_STS_KEEP_LOOK,
	SQL_STS_LOOK_ALL,
	SQL_STS_NEWS,
	SQL_STS_MAIL_ADD,
	SQL_STS_MAIL_NEXT,
	SQL_STS_MAIL_DONE,
	/* built from the table of columns */
	SQL_GET,
	SQL_GET_ID,
	SQL_INSERT,
	SQL_UPDATE,
	SQL_TOUCHED,
	/* of tables that a database does not have, but a connection */
	SQL_OF_DATABASE,
	SQL_LISTING_DELETE = SQL_OF_DATABASE,
	SQL_LISTING_ADD,
	SQL_LISTING_GET,
	SQL_LISTING_EACH,
	SQL_COUNT,
};

/* Their texts, for store_prepare(). */
extern const char *const store_sql[SQL_COUNT]; /* NULL: it is in the other */
extern const char *const store_sql_sts[SQL_COUNT];

/* By ?1, if it is no later than ?2. */
#define SHIFTED(column) \
#column " = " #column " + ?1 * (" #column " <> 0 AND " #column " <= ?2)"

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_COUNT];
	const struct ports *ports; /* NULL: those by default */
	bool met_damage;
	uint64_t host_changes; /* by this connection */
	/* What was counted for a freeze last. */
	struct {
		uint64_t host_changes; /* when it was */
		struct freeze_span span;
		struct freeze_facts facts;
	} counted;
};

/* SQLite's own words. Always false. */
bool store_fail(struct store *store, struct err *err);

/* A statement, compiled once. NULL: err says why. */
sqlite3_stmt *store_prepare(struct store *store, enum sql which, struct err *err);

/*
 * Prepare and bind: format has a letter an argument, i (int64_t) or s (const char *,
 * which must live until the statement is done). NULL: err says why.
 */
sqlite3_stmt *store_bind(
    struct store *store, enum sql which, struct err *err, const char *format, ...);

/* One step of a statement that gives rows: false and *failed at their end. */
bool store_step_row(
    struct store *store, sqlite3_stmt *stmt, bool *failed, struct err *err);

/* Of each row of two columns. A NULL statement has failed already. */
bool store_each_text(struct store *store, sqlite3_stmt *stmt, store_text_fn *fn,
    void *context, struct err *err);

/* The same of one column. */
bool store_each_name(struct store *store, sqlite3_stmt *stmt, target_fn *fn,
    void *context, struct err *err);

/* Run a statement that gives no rows. A NULL statement has failed already. */
bool store_finish(struct store *store, sqlite3_stmt *stmt, struct err *err);

/* One integer from a statement that gives one row; missing: left as it is. */
bool store_finish_int(
    struct store *store, sqlite3_stmt *stmt, int64_t *out, struct err *err);

/* The first column of each row into ids, which has room for them, and *count (0 where it
 * fails). A NULL statement has failed already. */
bool store_finish_ids(struct store *store, sqlite3_stmt *stmt, int64_t *ids,
    size_t *count, struct err *err);

/* A level and its attributes, as a decision has them; LEVEL_UNKNOWN where the word is no
 * level. Borrowed until the next step. */
struct demand store_read_demand(sqlite3_stmt *stmt, int level, int attributes);

/* A column's text, borrowed until the next step. */
struct str store_column(sqlite3_stmt *stmt, int at);

/* store_entries.c: the first columns of a statement that has those of an entry. */
void store_read_entry(sqlite3_stmt *stmt, struct entry *out);

/* store_destination.c: the text of a statement that names all columns. */
void store_build_sql(enum sql which, struct buf *sql);

/* SQLite's words for its last failure, with those of the system where it knows them.
 * False. */
bool store_set_words(sqlite3 *db, struct err *err);

/* What that failure is, of the database at path. */
enum store_trouble store_trouble_of(sqlite3 *db, const char *path);
/* The same where there is only its disk to look at. */
enum store_trouble store_trouble_of_disk(const char *path);

/* store_open(), which says what it is that fails. */
struct store *store_open_or(
    const char *path, int64_t busy_ms, enum store_trouble *trouble, struct err *err);

#endif
