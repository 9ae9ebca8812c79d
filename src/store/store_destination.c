/* SPDX-License-Identifier: BSD-2-Clause */
/* Destinations: a table of columns, and the statements that are made of it. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "store/store_impl.h"

enum column_type {
	COLUMN_INT,   /* int64_t */
	COLUMN_COUNT, /* unsigned, and enums that are stored as numbers */
	COLUMN_BOOL,
	COLUMN_TEXT,  /* char[size] */
	COLUMN_OWNED, /* char *, of any length; NULL for "" */
	COLUMN_LEVEL, /* enum level, by its name */
	COLUMN_WHY,   /* enum why, by its slug */
	COLUMN_CAUSE, /* enum cause, by its name */
};

struct column {
	const char *name;
	enum column_type type;
	size_t offset;
	size_t size;
};

#define COLUMN(name, field, type) \
	{ \
#name, type, offsetof(struct destination, field), \
		    sizeof(((struct destination *)0)->field) \
	}

static const struct column columns[] = {
    COLUMN(id, id, COLUMN_INT),
    COLUMN(key, key, COLUMN_TEXT),
    COLUMN(entry, entry.level, COLUMN_LEVEL),
    COLUMN(why, why, COLUMN_WHY),
    COLUMN(entry_why, entry.why, COLUMN_WHY),
    COLUMN(attributes, entry.attributes, COLUMN_OWNED),
    COLUMN(since_ms, entry.since_ms, COLUMN_INT),
    COLUMN(force_ms, entry.force_ms, COLUMN_INT),
    COLUMN(look_ms, look_ms, COLUMN_INT),
    COLUMN(lease_ms, entry.lease_ms, COLUMN_INT),
    COLUMN(lease_end_ms, entry.lease_end_ms, COLUMN_INT),
    COLUMN(pinned, pin.set, COLUMN_BOOL),
    COLUMN(pin_until_ms, pin.until_ms, COLUMN_INT),
    COLUMN(note, pin.note, COLUMN_TEXT),
    COLUMN(pending, alarm.pending, COLUMN_BOOL),
    COLUMN(deferral, alarm.raised, COLUMN_BOOL),
    COLUMN(deferral_ms, alarm.time_ms, COLUMN_INT),
    COLUMN(rule, alarm.rule, COLUMN_TEXT),
    COLUMN(reason, alarm.reason, COLUMN_TEXT),
    COLUMN(dsn, alarm.dsn, COLUMN_TEXT),
    COLUMN(service, alarm.service, COLUMN_TEXT),
    COLUMN(lost, alarm.lost, COLUMN_BOOL),
    COLUMN(suspended, alarm.suspended, COLUMN_BOOL),
    COLUMN(policy_refused, alarm.policy_refused, COLUMN_BOOL),
    COLUMN(attempt_level, alarm.attempt_level, COLUMN_LEVEL),
    COLUMN(relay, alarm.relay, COLUMN_TEXT),
    COLUMN(cause, alarm.cause, COLUMN_CAUSE),
    COLUMN(transport, transport, COLUMN_TEXT),
    COLUMN(attempt_ms, alarm.attempt_ms, COLUMN_INT),
    COLUMN(attempts, alarm.attempts, COLUMN_COUNT),
    COLUMN(first_attempt_ms, alarm.first_attempt_ms, COLUMN_INT),
    COLUMN(last_attempt_ms, alarm.last_attempt_ms, COLUMN_INT),
    COLUMN(plain_attempts, alarm.plain.count, COLUMN_COUNT),
    COLUMN(plain_first_ms, alarm.plain.first_ms, COLUMN_INT),
    COLUMN(plain_last_ms, alarm.plain.last_ms, COLUMN_INT),
    COLUMN(contradictions, alarm.contradictions, COLUMN_COUNT),
    COLUMN(contradicted_ms, alarm.contradicted_ms, COLUMN_INT),
    COLUMN(silent_ms, alarm.silent_ms, COLUMN_INT),
    COLUMN(dns_state, dns.state, COLUMN_TEXT),
    COLUMN(dns_text, dns.text, COLUMN_TEXT),
    COLUMN(dns_ms, dns.time_ms, COLUMN_INT),
    COLUMN(dns_failures, dns.failures, COLUMN_COUNT),
    COLUMN(dns_until_ms, dns.until_ms, COLUMN_INT),
    COLUMN(dns_signed, dns.signed_domain, COLUMN_BOOL),
    COLUMN(dns_all_usable, dns.all_usable, COLUMN_BOOL),
    COLUMN(dns_denied_ms, dns.denied_ms, COLUMN_INT),
    COLUMN(seen_encrypt_ms, past.encrypt_ms, COLUMN_INT),
    COLUMN(seen_trusted_ms, past.trusted_ms, COLUMN_INT),
    COLUMN(seen_verify_ms, past.verify_ms, COLUMN_INT),
    COLUMN(seen_secure_ms, past.secure_ms, COLUMN_INT),
    COLUMN(seen_dane_ms, past.dane_ms, COLUMN_INT),
    COLUMN(sent_ms, past.sent_ms, COLUMN_INT),
    COLUMN(hold_level, hold.level, COLUMN_LEVEL),
    COLUMN(hold_verify_ms, hold.verify_ms, COLUMN_INT),
    COLUMN(hold_encrypt_ms, hold.encrypt_ms, COLUMN_INT),
    COLUMN(hold_may_ms, hold.may_ms, COLUMN_INT),
    COLUMN(dane_absent_ms, entry.dane_absent_ms, COLUMN_INT),
    COLUMN(trial, entry.trial, COLUMN_LEVEL),
    COLUMN(probe_level, probe.level, COLUMN_LEVEL),
    COLUMN(probe_works, probe.works, COLUMN_COUNT),
    COLUMN(probe_clean, probe.clean, COLUMN_COUNT),
    COLUMN(probe_ms, probe.time_ms, COLUMN_INT),
    COLUMN(probe_clean_ms, probe.clean_ms, COLUMN_INT),
    COLUMN(probe_better, probe.better, COLUMN_BOOL),
    COLUMN(facts, facts, COLUMN_TEXT),
    COLUMN(again_ms, again_ms, COLUMN_INT),
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

#define FIRST_INSERTED 1 /* behind the id */
#define FIRST_COUNTED  2 /* behind the key: by these destinations are counted */
#define FIRST_UPDATED  5

static void
bind_owned(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text != NULL ? text : "", -1, SQLITE_STATIC);
}

static void
read_owned(sqlite3_stmt *stmt, int at, char **text)
{
	struct str column = store_column(stmt, at);

	*text = column.len > 0 ? mem_strndup(column.p, column.len) : NULL;
}

static void
bind_column(
    sqlite3_stmt *stmt, int at, const struct column *c, const struct destination *d)
{
	const char *field = (const char *)d + c->offset;

	switch (c->type) {
	case COLUMN_INT:
		sqlite3_bind_int64(stmt, at, *(const int64_t *)(const void *)field);
		break;
	case COLUMN_COUNT:
		sqlite3_bind_int64(stmt, at, *(const unsigned *)(const void *)field);
		break;
	case COLUMN_BOOL:
		sqlite3_bind_int(stmt, at, *(const bool *)(const void *)field);
		break;
	case COLUMN_TEXT:
		sqlite3_bind_text(stmt, at, field, -1, SQLITE_STATIC);
		break;
	case COLUMN_OWNED:
		bind_owned(stmt, at, *(char *const *)(const void *)field);
		break;
	case COLUMN_LEVEL:
		sqlite3_bind_text(stmt, at,
		    level_name(*(const enum level *)(const void *)field), -1,
		    SQLITE_STATIC);
		break;
	case COLUMN_WHY:
		sqlite3_bind_text(stmt, at,
		    why_slug(*(const enum why *)(const void *)field), -1, SQLITE_STATIC);
		break;
	case COLUMN_CAUSE:
		sqlite3_bind_text(stmt, at,
		    cause_name(*(const enum cause *)(const void *)field), -1,
		    SQLITE_STATIC);
		break;
	}
}

static void
read_column(sqlite3_stmt *stmt, int at, const struct column *c, struct destination *d)
{
	char *field = (char *)d + c->offset;

	switch (c->type) {
	case COLUMN_INT:
		*(int64_t *)(void *)field = sqlite3_column_int64(stmt, at);
		break;
	case COLUMN_COUNT:
		*(unsigned *)(void *)field = (unsigned)sqlite3_column_int64(stmt, at);
		break;
	case COLUMN_BOOL:
		*(bool *)(void *)field = sqlite3_column_int(stmt, at) != 0;
		break;
	case COLUMN_TEXT:
		str_copy(store_column(stmt, at), field, c->size);
		break;
	case COLUMN_OWNED:
		read_owned(stmt, at, (char **)(void *)field);
		break;
	case COLUMN_LEVEL:
		if (!level_parse(store_column(stmt, at), (enum level *)(void *)field))
			*(enum level *)(void *)field = LEVEL_UNKNOWN;
		break;
	case COLUMN_WHY:
		if (!why_parse(store_column(stmt, at), (enum why *)(void *)field))
			*(enum why *)(void *)field = WHY_NONE;
		break;
	case COLUMN_CAUSE:
		if (!cause_parse(store_column(stmt, at), (enum cause *)(void *)field))
			*(enum cause *)(void *)field = CAUSE_OTHER;
		break;
	}
}

void
store_set_ports(struct store *store, const struct ports *ports)
{
	store->ports = ports;
}

static void
read_destination(const struct store *store, sqlite3_stmt *stmt, struct destination *d)
{
	destination_init(d, "");
	for (size_t i = 0; i < COLUMNS; i++)
		read_column(stmt, (int)i, &columns[i], d);
	destination_take_ports(d, store->ports);
}

static void
add_names(struct buf *sql, size_t from, const char *suffix)
{
	for (size_t i = from; i < COLUMNS; i++)
		buf_printf(sql, "%s%s%s", i > from ? ", " : "", columns[i].name, suffix);
}

void
store_build_sql(enum sql which, struct buf *sql)
{
	if (which == SQL_INSERT) {
		buf_printf(sql, "INSERT INTO destination(");
		add_names(sql, FIRST_INSERTED, "");
		buf_printf(sql, ") VALUES (?");
		for (size_t i = FIRST_INSERTED + 1; i < COLUMNS; i++)
			buf_printf(sql, ", ?");
		buf_printf(sql, ")");
		return;
	}
	if (which == SQL_UPDATE) {
		/* A key never changes; to set it would be to write its index anew. What
		 * is counted is set apart: triggers count it. */
		buf_printf(sql, "UPDATE destination SET ");
		add_names(sql, FIRST_UPDATED, " = ?");
		buf_printf(sql, " WHERE id = ?");
		return;
	}
	buf_printf(sql, "SELECT ");
	add_names(sql, 0, "");
	buf_printf(sql, " FROM destination ");
	buf_printf(sql, "%s",
	    which == SQL_GET ? "WHERE key = ?"
	        : which == SQL_GET_ID
	        ? "WHERE id = ?"
	        : "WHERE since_ms >= ?1 OR deferral_ms >= ?1 ORDER BY key");
}

/* --- reading and writing ----------------------------------------------------------- */

static bool
get(struct store *store, sqlite3_stmt *stmt, const char *key, struct destination *out,
    bool *found, struct err *err)
{
	bool failed = false;

	*found = false;
	destination_init(out, key);
	destination_take_ports(out, store->ports);
	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	read_destination(store, stmt, out);
	*found = true;
	sqlite3_reset(stmt);
	return true;
}

bool
store_get(struct store *store, const char *key, struct destination *out, bool *found,
    struct err *err)
{
	return get(
	    store, store_bind(store, SQL_GET, err, "s", key), key, out, found, err);
}

bool
store_get_id(struct store *store, int64_t id, struct destination *out, bool *found,
    struct err *err)
{
	return get(
	    store, store_bind(store, SQL_GET_ID, err, "i", id), "", out, found, err);
}

/* Columns from first up to end, and the id behind them if there is one yet. */
static bool
put(struct store *store, enum sql sql, const struct destination *d, size_t first,
    size_t end, struct err *err)
{
	sqlite3_stmt *stmt = store_prepare(store, sql, err);

	if (stmt == NULL)
		return false;
	for (size_t i = first; i < end; i++)
		bind_column(stmt, (int)(i - first) + 1, &columns[i], d);
	if (d->id != 0)
		sqlite3_bind_int64(stmt, (int)(end - first) + 1, d->id);
	return store_finish(store, stmt, err);
}

bool
store_put(struct store *store, struct destination *d, struct err *err)
{
	if (d->id != 0)
		return put(store, SQL_UPDATE_COUNTED, d, FIRST_COUNTED, FIRST_UPDATED,
		           err) &&
		    put(store, SQL_UPDATE, d, FIRST_UPDATED, COLUMNS, err);
	if (!put(store, SQL_INSERT, d, FIRST_INSERTED, COLUMNS, err))
		return false;
	d->id = sqlite3_last_insert_rowid(store->db);
	return true;
}

/* A row behind *after, which becomes its place. */
static bool
step_place(struct store *store, sqlite3_stmt *stmt, struct store_place *after,
    size_t *count, bool *failed, struct err *err)
{
	if (!store_step_row(store, stmt, failed, err))
		return false;
	*after = (struct store_place){
	    sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 0)};
	++*count;
	return true;
}

bool
store_each_pending(struct store *store, bool known, struct store_place *after,
    size_t most, pending_fn *fn, void *context, size_t *count, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_PENDING, err, "iiii", (int64_t)known,
	    after->time_ms, after->id, (int64_t)most);
	bool failed = false;

	*count = 0;
	if (stmt == NULL)
		return false;
	while (step_place(store, stmt, after, count, &failed, err))
		fn(context, after->id, store_column(stmt, 1).p);
	return !failed;
}

bool
store_each_pending_newest(
    struct store *store, size_t most, pending_fn *fn, void *context, struct err *err)
{
	return store_each_text(store,
	    store_bind(store, SQL_PENDING_NEWEST, err, "i", (int64_t)most), fn, context,
	    err);
}

bool
store_each_due(struct store *store, bool waits, int64_t now_ms, struct store_place *after,
    size_t most, due_fn *fn, void *context, size_t *count, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, waits ? SQL_DUE_WAITING : SQL_DUE, err,
	    "iiii", now_ms, after->time_ms, after->id, (int64_t)most);
	bool failed = false;

	*count = 0;
	if (stmt == NULL)
		return false;
	while (step_place(store, stmt, after, count, &failed, err))
		fn(context, after->id, store_column(stmt, 1).p,
		    sqlite3_column_int(stmt, 3) != 0);
	return !failed;
}

bool
store_next_due(struct store *store, int64_t after_ms, int64_t *at_ms, struct err *err)
{
	return store_finish_int(
	    store, store_bind(store, SQL_NEXT_DUE, err, "i", after_ms), at_ms, err);
}

bool
store_look_at_all(struct store *store, int64_t at_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_LOOK_AT_ALL, err, "i", at_ms), err);
}

bool
store_look_at_policies(struct store *store, int64_t at_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_LOOK_AT_POLICIES, err, "i", at_ms), err);
}

bool
store_again_all(struct store *store, int64_t now_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_AGAIN_ALL, err, "i", now_ms), err);
}

bool
store_shift(struct store *store, int64_t by_ms, int64_t seen_ms, int64_t before_ms,
    struct err *err)
{
	before_ms += SPAN_MINUTE_MS;
	return store_finish(store,
	           store_bind(store, SQL_SHIFT, err, "ii", by_ms, before_ms), err) &&
	    store_finish(store,
	        store_bind(store, SQL_SHIFT_TERMS, err, "iii", by_ms, before_ms,
	            seen_ms + by_ms),
	        err) &&
	    store_finish(store,
	        store_bind(store, SQL_SHIFT_ALERTS, err, "ii", by_ms, before_ms), err);
}

bool
store_shift_past(struct store *store, int64_t by_ms, int64_t before_ms, struct err *err)
{
	before_ms += SPAN_MINUTE_MS;
	return store_finish(store,
	           store_bind(store, SQL_SHIFT_PAST, err, "ii", by_ms, before_ms), err) &&
	    store_finish(store,
	        store_bind(store, SQL_SHIFT_HOSTS, err, "ii", by_ms, before_ms), err);
}

bool
store_lengthen_holds(
    struct store *store, int64_t by_ms, int64_t until_ms, struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_LENGTHEN_HOLDS, err, "ii", by_ms, until_ms), err);
}

bool
store_bring_back(
    struct store *store, int64_t now_ms, int64_t farthest_ms, struct err *err)
{
	return store_finish(store,
	           store_bind(store, SQL_LOOK_BRING_BACK, err, "ii", now_ms,
	               now_ms + farthest_ms),
	           err) &&
	    store_finish(store,
	        store_bind(store, SQL_WAITING_BRING_BACK, err, "i", now_ms), err) &&
	    store_finish(
	        store, store_bind(store, SQL_STS_BRING_BACK, err, "i", now_ms), err) &&
	    store_finish(store,
	        store_bind(store, SQL_HOST_BRING_BACK, err, "i", now_ms + SPAN_DAY_MS),
	        err);
}

static bool
each(struct store *store, sqlite3_stmt *stmt, destination_fn *fn, void *context,
    struct err *err)
{
	struct destination d;
	bool failed = false, more;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		read_destination(store, stmt, &d);
		more = fn(context, &d);
		destination_clear(&d);
		if (!more) {
			sqlite3_reset(stmt);
			break;
		}
	}
	return !failed;
}

bool
store_each_touched(struct store *store, int64_t since_ms, destination_fn *fn,
    void *context, struct err *err)
{
	return each(
	    store, store_bind(store, SQL_TOUCHED, err, "i", since_ms), fn, context, err);
}
