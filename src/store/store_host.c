/* SPDX-License-Identifier: BSD-2-Clause */
/* MX hosts: what they did, whichever destinations have them. */
#include "store/store_impl.h"

#define PARENT_SIZE 256

static bool
add(struct store *store, const char *name, uint16_t port, const struct host_past *news,
    int64_t told_by, struct err *err)
{
	char parent[PARENT_SIZE] = "";

	store->host_changes++;
	str_copy(host_parent(str_of(name)), parent, sizeof(parent));
	return store_finish(store,
	    store_bind(store, SQL_HOST_ADD, err, "sisiiiiii", name, (int64_t)port, parent,
	        news->encrypt_ms, news->verify_ms, news->dane_ms, news->proven_ms,
	        news->failed_ms, told_by),
	    err);
}

bool
store_host_add(struct store *store, const char *name, uint16_t port,
    const struct host_past *news, struct err *err)
{
	return add(store, name, port, news, 0, err);
}

bool
store_host_told(struct store *store, const char *name, uint16_t port,
    const struct host_past *news, int64_t id, struct err *err)
{
	return add(store, name, port, news, id != 0 ? id : -1, err);
}

bool
store_host_told_by(struct store *store, const char *name, uint16_t port, bool *told,
    char key[NEXTHOP_KEY_SIZE], struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_HOST_TOLD_BY, err, "si", name, (int64_t)port);
	bool failed = false;

	*told = false;
	key[0] = '\0';
	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	*told = sqlite3_column_int64(stmt, 0) != 0;
	str_copy(store_column(stmt, 1), key, NEXTHOP_KEY_SIZE);
	sqlite3_reset(stmt);
	return true;
}

bool
store_host_get(struct store *store, const char *name, uint16_t port,
    struct host_past *out, struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_HOST_GET, err, "si", name, (int64_t)port);
	bool failed = false;

	*out = (struct host_past){0};
	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	*out = (struct host_past){
	    .encrypt_ms = sqlite3_column_int64(stmt, 0),
	    .verify_ms = sqlite3_column_int64(stmt, 1),
	    .dane_ms = sqlite3_column_int64(stmt, 2),
	    .proven_ms = sqlite3_column_int64(stmt, 3),
	    .failed_ms = sqlite3_column_int64(stmt, 4),
	};
	sqlite3_reset(stmt);
	return true;
}

bool
store_host_cause_add(struct store *store, const char *name, uint16_t port,
    const struct host_cause *news, struct err *err)
{
	char parent[PARENT_SIZE] = "";

	str_copy(host_parent(str_of(name)), parent, sizeof(parent));
	return store_finish(store,
	    store_bind(store, SQL_HOST_CAUSE, err, "sissii", name, (int64_t)port, parent,
	        cause_name(news->cause), news->cause != CAUSE_NONE ? news->at_ms : 0,
	        news->until_ms),
	    err);
}

static enum cause
read_cause(sqlite3_stmt *stmt)
{
	enum cause cause;

	return cause_parse(store_column(stmt, 0), &cause) ? cause : CAUSE_OTHER;
}

bool
store_host_cause_get(struct store *store, const char *name, uint16_t port,
    struct host_cause *out, struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_HOST_CAUSE_GET, err, "si", name, (int64_t)port);
	bool failed = false;

	*out = (struct host_cause){.cause = CAUSE_NONE};
	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	*out = (struct host_cause){
	    .cause = read_cause(stmt),
	    .at_ms = sqlite3_column_int64(stmt, 1),
	    .until_ms = sqlite3_column_int64(stmt, 2),
	    .met_ms = sqlite3_column_int64(stmt, 3),
	    .tls_ms = sqlite3_column_int64(stmt, 4),
	};
	sqlite3_reset(stmt);
	return true;
}

bool
store_host_causes(struct store *store, int64_t since_ms, int64_t soon_ms,
    unsigned counts[CAUSE_COUNT], struct err *err)
{
	sqlite3_stmt *stmt =
	    store_bind(store, SQL_HOST_CAUSES, err, "ii", since_ms, soon_ms);
	bool failed = false;

	memset(counts, 0, CAUSE_COUNT * sizeof(*counts));
	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err))
		counts[read_cause(stmt)] += (unsigned)sqlite3_column_int64(stmt, 1);
	return !failed;
}

static bool
each(struct store *store, sqlite3_stmt *stmt, host_fn *fn, void *context, struct err *err)
{
	bool failed = false;

	if (stmt == NULL)
		return false;
	while (store_step_row(store, stmt, &failed, err)) {
		if (!fn(context, (const char *)sqlite3_column_text(stmt, 0),
		        (uint16_t)sqlite3_column_int64(stmt, 1))) {
			sqlite3_reset(stmt);
			break;
		}
	}
	return !failed;
}

bool
store_each_verified(struct store *store, bool proven, int64_t since_ms, int64_t most,
    host_fn *fn, void *context, struct err *err)
{
	enum sql which = proven ? SQL_HOST_PROVEN : SQL_HOST_VERIFIED;

	return each(
	    store, store_bind(store, which, err, "ii", since_ms, most), fn, context, err);
}

bool
store_each_verified_parent(struct store *store, bool proven, int64_t since_ms,
    int64_t most, host_fn *fn, void *context, struct err *err)
{
	enum sql which = proven ? SQL_PARENT_PROVEN : SQL_PARENT_VERIFIED;

	return each(
	    store, store_bind(store, which, err, "ii", since_ms, most), fn, context, err);
}

/* --- guard 15 ---------------------------------------------------------------------- */

#define LAST_OF 256 /* hosts that are looked through for those that did better last */

static bool
parent_failed(struct store *store, const struct freeze_span *span, const char *parent,
    bool *failed, struct err *err)
{
	int64_t found = 0;
	bool done = store_finish_int(store,
	    store_bind(store, SQL_HOST_PARENT_FAILED, err, "iiis", span->last_since_ms,
	        span->soon_ms, span->verified_ms, parent),
	    &found, err);

	*failed = found != 0;
	return done;
}

static bool
is_listed(char parents[][PARENT_SIZE], unsigned count, struct str parent)
{
	for (unsigned i = 0; i < count; i++)
		if (str_is(parent, parents[i]))
			return true;
	return false;
}

/* The parent domains of those that did better last. */
struct last {
	char parents[FREEZE_LAST][PARENT_SIZE];
	unsigned count;
	host_fn *fn; /* is told of the last host of each; NULL: nobody is */
	void *context;
};

static bool
add_last(void *context, const char *name, uint16_t port)
{
	struct last *last = context;
	struct str parent = host_parent(str_of(name));

	if (parent.len == 0 || is_listed(last->parents, last->count, parent) ||
	    !str_copy(parent, last->parents[last->count], PARENT_SIZE))
		return true;
	last->count++;
	return (last->fn == NULL || last->fn(last->context, name, port)) &&
	    last->count < FREEZE_LAST;
}

static bool
each_last(struct store *store, enum level level, int64_t soon_ms, struct last *last,
    struct err *err)
{
	enum sql which = level == LEVEL_DANE || level == LEVEL_DANE_ONLY
	    ? SQL_HOST_LAST_DANE
	    : SQL_HOST_LAST;

	return each(store, store_bind(store, which, err, "ii", soon_ms, (int64_t)LAST_OF),
	    add_last, last, err);
}

bool
store_each_last(struct store *store, enum level level, int64_t soon_ms, host_fn *fn,
    void *context, struct err *err)
{
	struct last last = {.fn = fn, .context = context};

	return each_last(store, level, soon_ms, &last, err);
}

/* Those that did better last, and whether they fail. */
static bool
count_last(struct store *store, const struct freeze_span *span,
    struct freeze_facts *facts, struct err *err)
{
	struct last last = {.count = 0};
	bool failed;

	facts->last = facts->last_failed = 0;
	if (!each_last(store, span->level, span->soon_ms, &last, err))
		return false;
	facts->last = last.count;
	for (unsigned i = 0; i < facts->last; i++) {
		if (!parent_failed(store, span, last.parents[i], &failed, err))
			return false;
		facts->last_failed += failed;
	}
	return true;
}

static bool
is_by_certificate(enum level level)
{
	return level == LEVEL_VERIFY || level == LEVEL_SECURE ||
	    level == LEVEL_FINGERPRINT;
}

static bool
is_authentic(enum level level)
{
	return level_is_authenticated(level) || level == LEVEL_DANE;
}

bool
store_proven_by(struct store *store, unsigned parents, enum level level, int64_t soon_ms,
    int64_t *at_ms, struct err *err)
{
	*at_ms = 0;
	return store_finish_int(store,
	    store_bind(store, SQL_HOST_SEVERAL, err, "iiii", soon_ms,
	        (int64_t)!is_by_certificate(level), (int64_t)!is_authentic(level),
	        (int64_t)parents),
	    at_ms, err);
}

static bool
count_freeze(struct store *store, const struct freeze_span *span,
    struct freeze_facts *facts, struct err *err)
{
	bool certificates = is_by_certificate(span->level);
	bool authentic = is_authentic(span->level);

	return store_finish_int(store,
	           store_bind(store, SQL_HOST_HELD, err, "iiiiii", span->since_ms,
	               span->soon_ms, span->verified_ms, (int64_t)!certificates,
	               (int64_t)!authentic, span->most),
	           &facts->held, err) &&
	    store_finish_int(store,
	        store_bind(store, SQL_HOST_FAILED, err, "iii", span->since_ms,
	            span->soon_ms, span->most),
	        &facts->failed, err) &&
	    (!authentic || count_last(store, span, facts, err));
}

/* Thousands of decisions may come of what one host did: it is counted once a second, and
 * where a host did something. */
static bool
is_counted(const struct store *store, const struct freeze_span *span)
{
	const struct freeze_span *last = &store->counted.span;
	int64_t later_ms = span->since_ms - last->since_ms;

	return store->counted.host_changes == store->host_changes + 1 && later_ms >= 0 &&
	    later_ms < 1000 && span->last_since_ms - last->last_since_ms == later_ms &&
	    span->soon_ms - last->soon_ms == later_ms &&
	    span->verified_ms == last->verified_ms && span->most == last->most &&
	    span->level == last->level;
}

bool
store_freeze_counts(struct store *store, const struct freeze_span *span,
    struct freeze_facts *facts, struct err *err)
{
	const struct freeze_facts *counted = &store->counted.facts;

	if (!is_counted(store, span)) {
		if (!count_freeze(store, span, facts, err))
			return false;
		store->counted.host_changes = store->host_changes + 1;
		store->counted.span = *span;
		store->counted.facts = *facts;
	}
	facts->held = counted->held;
	facts->failed = counted->failed;
	facts->last = counted->last;
	facts->last_failed = counted->last_failed;
	return true;
}
