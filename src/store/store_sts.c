/* SPDX-License-Identifier: BSD-2-Clause */
/* The MTA-STS policies that are kept, whose destinations they are, and who was sent mail.
 */
#include "store/store_sts.h"
#include "base/span.h"
#include "store/store_impl.h"

/* As in SQL_STS_PUT, behind the domain. */
enum column {
	COLUMN_DOMAIN,
	COLUMN_MODE,
	COLUMN_MAX_AGE,
	COLUMN_MX,
	COLUMN_ID,
	COLUMN_FETCHED,
	COLUMN_TXT,
	COLUMN_TXT_ID,
	COLUMN_TXT_MS,
	COLUMN_TXT_NEXT,
	COLUMN_TXT_FAILURES,
	COLUMN_TXT_FAILING,
	COLUMN_CAUSE,
	COLUMN_TRIED,
	COLUMN_FAILURES,
	COLUMN_FAILED_ID,
	COLUMN_FAILING,
	COLUMN_ALERTED,
	COLUMN_REFRESH,
	COLUMN_MAIL,
	COLUMN_NEXT,
	COLUMN_APPLIED,
	COLUMN_DETAIL,
	COLUMN_OWED,
	COLUMN_CUT,
	COLUMN_WAITED, /* of those that are read */
};

void
sts_record_clear(struct sts_record *record)
{
	sts_state_clear(&record->state);
}

/* A policy of a mode that is not known is none: it is fetched anew. */
static void
read_policy(sqlite3_stmt *stmt, struct sts_state *state)
{
	enum sts_mode mode;

	if (!sts_mode_parse(store_column(stmt, COLUMN_MODE), &mode))
		return;
	state->policy =
	    sts_policy_of(mode, (uint32_t)sqlite3_column_int64(stmt, COLUMN_MAX_AGE),
	        store_column(stmt, COLUMN_MX));
	state->fetched_ms = sqlite3_column_int64(stmt, COLUMN_FETCHED);
	state->policy.cut = sqlite3_column_int64(stmt, COLUMN_CUT) != 0;
	state->owed_ms = sqlite3_column_int64(stmt, COLUMN_OWED);
}

static void
read_record(sqlite3_stmt *stmt, struct sts_record *out)
{
	struct sts_state *state = &out->state;

	*out = (struct sts_record){.mail_ms = sqlite3_column_int64(stmt, COLUMN_MAIL),
	    .next_ms = sqlite3_column_int64(stmt, COLUMN_NEXT)};
	str_copy(store_column(stmt, COLUMN_DOMAIN), out->domain, sizeof(out->domain));
	str_copy(store_column(stmt, COLUMN_APPLIED), out->applied, sizeof(out->applied));
	str_copy(store_column(stmt, COLUMN_DETAIL), out->detail, sizeof(out->detail));
	out->waited = sqlite3_column_int64(stmt, COLUMN_WAITED) != 0;
	read_policy(stmt, state);
	str_copy(store_column(stmt, COLUMN_ID), state->id, sizeof(state->id));
	sts_txt_parse(store_column(stmt, COLUMN_TXT), &state->txt.state);
	str_copy(store_column(stmt, COLUMN_TXT_ID), state->txt.id, sizeof(state->txt.id));
	state->txt_ms = sqlite3_column_int64(stmt, COLUMN_TXT_MS);
	state->txt_next_ms = sqlite3_column_int64(stmt, COLUMN_TXT_NEXT);
	state->txt_failures = (unsigned)sqlite3_column_int64(stmt, COLUMN_TXT_FAILURES);
	state->txt_failing_ms = sqlite3_column_int64(stmt, COLUMN_TXT_FAILING);
	sts_cause_parse(store_column(stmt, COLUMN_CAUSE), &state->cause);
	state->tried_ms = sqlite3_column_int64(stmt, COLUMN_TRIED);
	state->failures = (unsigned)sqlite3_column_int64(stmt, COLUMN_FAILURES);
	str_copy(store_column(stmt, COLUMN_FAILED_ID), state->failed_id,
	    sizeof(state->failed_id));
	state->failing_ms = sqlite3_column_int64(stmt, COLUMN_FAILING);
	state->alerted = (enum sts_alert)sqlite3_column_int64(stmt, COLUMN_ALERTED);
	state->refresh = (unsigned)sqlite3_column_int64(stmt, COLUMN_REFRESH);
}

bool
store_sts_get(struct store *store, const char *domain, struct sts_record *out,
    bool *found, struct err *err)
{
	sqlite3_stmt *stmt = store_bind(store, SQL_STS_GET, err, "s", domain);
	bool failed = false;

	*out = (struct sts_record){.next_ms = 0};
	str_copy(str_of(domain), out->domain, sizeof(out->domain));
	*found = false;
	if (stmt == NULL)
		return false;
	if (!store_step_row(store, stmt, &failed, err))
		return !failed;
	read_record(stmt, out);
	*found = true;
	sqlite3_reset(stmt);
	return true;
}

bool
store_sts_put(struct store *store, const struct sts_record *record, struct err *err)
{
	const struct sts_state *s = &record->state;

	return store_finish(store,
	    store_bind(store, SQL_STS_PUT, err, "ssississiiiisiisiiiiissii",
	        record->domain, s->fetched_ms != 0 ? sts_mode_name(s->policy.mode) : "",
	        (int64_t)s->policy.max_age_s, s->policy.mx != NULL ? s->policy.mx : "",
	        s->id, s->fetched_ms, sts_txt_name(s->txt.state), s->txt.id, s->txt_ms,
	        s->txt_next_ms, (int64_t)s->txt_failures, s->txt_failing_ms,
	        sts_cause_name(s->cause), s->tried_ms, (int64_t)s->failures, s->failed_id,
	        s->failing_ms, (int64_t)s->alerted, (int64_t)s->refresh, record->mail_ms,
	        record->next_ms, record->applied, record->detail, s->owed_ms,
	        (int64_t)s->policy.cut),
	    err);
}

bool
store_sts_refresh(struct store *store, const char *domain, bool *found, struct err *err)
{
	struct sts_record record;
	bool done;

	if (!store_sts_get(store, domain, &record, found, err))
		return false;
	sts_take_refresh(&record.state);
	record.next_ms = 1;
	done = !*found || store_sts_put(store, &record, err);
	sts_record_clear(&record);
	return done;
}

bool
store_sts_refresh_all(struct store *store, struct err *err)
{
	return store_finish(store, store_prepare(store, SQL_STS_REFRESH_ALL, err), err);
}

static bool
each(struct store *store, sqlite3_stmt *stmt, sts_fn *fn, void *context, struct err *err)
{
	bool failed = false, more = true;

	if (stmt == NULL)
		return false;
	while (more && store_step_row(store, stmt, &failed, err)) {
		struct sts_record record;

		read_record(stmt, &record);
		more = fn(context, &record);
		sts_record_clear(&record);
	}
	sqlite3_reset(stmt);
	return !failed;
}

bool
store_each_sts(struct store *store, sts_fn *fn, void *context, struct err *err)
{
	return each(store, store_prepare(store, SQL_STS_EACH, err), fn, context, err);
}

bool
store_each_sts_due(struct store *store, int64_t now_ms, int64_t skip, int64_t most,
    sts_fn *fn, void *context, struct err *err)
{
	return each(store, store_bind(store, SQL_STS_DUE, err, "iii", now_ms, most, skip),
	    fn, context, err);
}

bool
store_sts_next(struct store *store, int64_t now_ms, int64_t *next_ms, struct err *err)
{
	*next_ms = 0;
	return store_finish_int(
	    store, store_bind(store, SQL_STS_NEXT, err, "i", now_ms), next_ms, err);
}

bool
store_sts_put_off(struct store *store, const char *domain, int64_t at_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_STS_PUT_OFF, err, "si", domain, at_ms), err);
}

bool
store_sts_thin(struct store *store, int64_t before_ms, int64_t idle_ms, struct err *err)
{
	return store_finish(store,
	           store_bind(store, SQL_STS_THIN, err, "ii", before_ms, idle_ms), err) &&
	    store_finish(store, store_prepare(store, SQL_STS_THIN_KEY, err), err) &&
	    store_finish(store, store_prepare(store, SQL_STS_THIN_MAIL, err), err);
}

bool
store_sts_shift(
    struct store *store, int64_t by_ms, int64_t before_ms, bool was_off, struct err *err)
{
	return store_finish(store,
	    store_bind(store, was_off ? SQL_SHIFT_STS_OFF : SQL_SHIFT_STS, err, "ii",
	        by_ms, before_ms + SPAN_MINUTE_MS),
	    err);
}

bool
store_sts_octets(struct store *store, int64_t longer, int64_t *octets, struct err *err)
{
	*octets = 0;
	return store_finish_int(
	    store, store_bind(store, SQL_STS_OCTETS, err, "i", longer), octets, err);
}

bool
store_sts_mx_octets(struct store *store, int64_t longer, int64_t *octets, struct err *err)
{
	*octets = 0;
	return store_finish_int(
	    store, store_bind(store, SQL_STS_MX_OCTETS, err, "i", longer), octets, err);
}

bool
store_sts_servers(struct store *store, const char *domain, int64_t most,
    store_text_fn *fn, void *context, struct err *err)
{
	return store_each_text(store,
	    store_bind(store, SQL_STS_SERVERS, err, "si", domain, most), fn, context,
	    err);
}

/* --- whose they are ---------------------------------------------------------------- */

bool
store_sts_key(struct store *store, int64_t id, const char *domain, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_STS_KEY, err, "is", id, domain), err);
}

bool
store_sts_key_news(
    struct store *store, int64_t id, const char *domain, int64_t now_ms, struct err *err)
{
	return store_finish(store,
	    store_bind(store, SQL_STS_KEY_NEWS, err, "iis", now_ms, id, domain), err);
}

bool
store_sts_is_enforced(struct store *store, int64_t id, bool *enforced, struct err *err)
{
	int64_t is = 0;
	bool done = store_finish_int(
	    store, store_bind(store, SQL_STS_IS_ENFORCED, err, "i", id), &is, err);

	*enforced = is != 0;
	return done;
}

bool
store_sts_keep_look(struct store *store, int64_t id, int64_t at_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_STS_KEEP_LOOK, err, "ii", id, at_ms), err);
}

bool
store_sts_look_all(struct store *store, int64_t at_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_STS_LOOK_ALL, err, "i", at_ms), err);
}

bool
store_look_below(struct store *store, const char *parent, int64_t at_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_LOOK_BELOW, err, "si", parent, at_ms), err);
}

bool
store_sts_news(struct store *store, const char *domain, int64_t now_ms, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_STS_NEWS, err, "is", now_ms, domain), err);
}

/* --- who was sent mail ------------------------------------------------------------- */

bool
store_sts_mail(struct store *store, int64_t id, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_STS_MAIL_ADD, err, "i", id), err);
}

bool
store_sts_mail_next(struct store *store, int64_t after, int64_t *id, struct err *err)
{
	*id = 0;
	return store_finish_int(
	    store, store_bind(store, SQL_STS_MAIL_NEXT, err, "i", after), id, err);
}

bool
store_sts_mail_done(struct store *store, int64_t id, struct err *err)
{
	return store_finish(
	    store, store_bind(store, SQL_STS_MAIL_DONE, err, "i", id), err);
}
