/* SPDX-License-Identifier: BSD-2-Clause */
/* PostgreSQL, by libpq: a table of our own. */
#include <assert.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/engine.h"
#include "sql/pgsql_sql.h"

struct connection {
	PGconn *pg;
	char place[280];
	bool prepared[PGSQL_COUNT];
};

/* --- errors --------------------------------------------------------------------------
 */

/* Always false. state: "": the library's own fault. */
static bool
set_fault(
    const struct connection *c, const char *state, const char *text, struct fault *fault)
{
	int len = (int)strcspn(text, "\n");

	fault->kind = pgsql_kind(state);
	snprintf(fault->text, sizeof(fault->text), "%s: %.*s%s%s%s", c->place, len, text,
	    state[0] != '\0' ? " (SQLSTATE " : "", state, state[0] != '\0' ? ")" : "");
	return false;
}

/* Of the library, or of the connection. */
static bool
fault_here(const struct connection *c, struct fault *fault)
{
	return set_fault(c, "", PQerrorMessage(c->pg), fault);
}

/* Takes the result. */
static bool
fault_of(struct connection *c, PGresult *result, struct fault *fault)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE),
	           *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (state != NULL && text != NULL)
		set_fault(c, state, text, fault);
	else
		fault_here(c, fault);
	PQclear(result);
	return false;
}

/* --- the connection ------------------------------------------------------------------
 */

static bool
wait_for(struct connection *c, short events, struct fault *fault)
{
	struct pollfd fd = {.fd = PQsocket(c->pg), .events = events};
	int ready;

	do
		ready = fd.fd < 0 ? 0 : poll(&fd, 1, ENGINE_NETWORK_S * 1000);
	while (ready < 0 && errno == EINTR);
	return ready > 0 || set_fault(c, "", "it does not answer", fault);
}

static bool
fault_of_connecting(struct connection *c, struct fault *fault)
{
	char state[6];
	const char *message = pgsql_message(PQerrorMessage(c->pg), state);

	return set_fault(c, state, message, fault);
}

static bool
connect_to(struct connection *c, struct fault *fault)
{
	PQsetErrorVerbosity(c->pg, PQERRORS_VERBOSE);
	for (PostgresPollingStatusType next = PGRES_POLLING_WRITING;
	     next != PGRES_POLLING_OK; next = PQconnectPoll(c->pg)) {
		if (next == PGRES_POLLING_FAILED || PQstatus(c->pg) == CONNECTION_BAD)
			return fault_of_connecting(c, fault);
		if (!wait_for(c, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, fault))
			return false;
	}
	return true;
}

/* --- statements ----------------------------------------------------------------------
 */

/* The next result, of which the caller waits; NULL: there is none more, or the fault. */
static bool
next_result(struct connection *c, PGresult **out, struct fault *fault)
{
	while (PQisBusy(c->pg)) {
		if (!wait_for(c, POLLIN, fault))
			return false;
		if (!PQconsumeInput(c->pg))
			return fault_here(c, fault);
	}
	*out = PQgetResult(c->pg);
	return true;
}

static bool
flush(struct connection *c, struct fault *fault)
{
	int left;

	while ((left = PQflush(c->pg)) > 0) {
		if (!wait_for(c, POLLIN | POLLOUT, fault))
			return false;
		if (!PQconsumeInput(c->pg))
			break;
	}
	return left == 0 || fault_here(c, fault);
}

/* What the statement that was sent comes to: its last result, to be cleared, or NULL and
 * the fault. */
static PGresult *
result_of(struct connection *c, int sent, struct fault *fault)
{
	PGresult *last = NULL, *result;
	ExecStatusType status;

	if (!sent) {
		fault_here(c, fault);
		return NULL;
	}
	if (!flush(c, fault))
		return NULL;
	for (;;) {
		if (!next_result(c, &result, fault)) {
			PQclear(last);
			return NULL;
		}
		if (result == NULL)
			break;
		/* The first that failed says why. */
		status = last != NULL ? PQresultStatus(last) : PGRES_COMMAND_OK;
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
			PQclear(result);
			continue;
		}
		PQclear(last);
		last = result;
	}
	if (last == NULL) {
		set_fault(c, "", "it says nothing", fault);
		return NULL;
	}
	status = PQresultStatus(last);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return last;
	fault_of(c, last, fault);
	return NULL;
}

static bool
query(struct connection *c, const char *sql, struct fault *fault)
{
	PGresult *result = result_of(c, PQsendQuery(c->pg, sql), fault);

	PQclear(result);
	return result != NULL;
}

static bool
prepare(struct connection *c, enum pgsql_statement which, struct fault *fault)
{
	PGresult *result;

	if (c->prepared[which])
		return true;
	result = result_of(c,
	    PQsendPrepare(c->pg, pgsql_statements[which].name,
	        pgsql_statements[which].sql, 0, NULL),
	    fault);
	c->prepared[which] = result != NULL;
	PQclear(result);
	return c->prepared[which];
}

static PGresult *
run(struct connection *c, enum pgsql_statement which, int count,
    const char *const *values, struct fault *fault)
{
	if (!prepare(c, which, fault))
		return NULL;
	return result_of(c,
	    PQsendQueryPrepared(
	        c->pg, pgsql_statements[which].name, count, values, NULL, NULL, 0),
	    fault);
}

static void
pgsql_close(struct connection *c)
{
	if (c == NULL)
		return;
	PQfinish(c->pg);
	free(c);
}

static struct connection *
pgsql_open(const struct login *login, const struct place *place, bool mailcow,
    struct fault *fault)
{
	struct connection *c = mem_new(1, sizeof(*c));
	char port[8] = "";
	const char *verify = place->is_near && login->values[LOGIN_VERIFY] == NULL
	    ? "disable"
	    : login->values[LOGIN_VERIFY];
	/* A password is proven, never shown, to what may have taken the port; libpq can
	 * refuse that since 16. */
	bool can_refuse = PQlibVersion() >= 160000 && place->is_near &&
	    place->host != NULL && place->host[0] != '/';
	const char *const names[] = {"host", "port", "user", "password", "passfile",
	    "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey", "gssencmode",
	    "application_name", "client_encoding", can_refuse ? "require_auth" : NULL,
	    NULL};
	const char *const values[] = {place->host, port, login->values[LOGIN_USER],
	    login->values[LOGIN_PASSWORD], login->values[LOGIN_PASSFILE],
	    login->values[LOGIN_DATABASE], verify, login->values[LOGIN_CA],
	    login->values[LOGIN_CERTIFICATE], login->values[LOGIN_KEY], "disable",
	    "tlsladder", "UTF8", "!password", NULL};

	assert(!mailcow);
	if (place->port != 0)
		snprintf(port, sizeof(port), "%u", (unsigned)place->port);
	snprintf(c->place, sizeof(c->place), "%s",
	    place->host != NULL ? place->host : "the local socket");
	c->pg = PQconnectStartParams(names, values, 0);
	if (c->pg == NULL)
		set_fault(c, "", "libpq does not begin", fault);
	else if (connect_to(c, fault) && PQsetnonblocking(c->pg, 1) == 0 &&
	    query(c, pgsql_session, fault))
		return c;
	pgsql_close(c);
	return NULL;
}

/* --- reading -------------------------------------------------------------------------
 */

static bool
take_text(PGresult *result, int row, int column, char *out, size_t size)
{
	snprintf(out, size, "%s", PQgetvalue(result, row, column));
	return !PQgetisnull(result, row, column);
}

static void
take_rows(PGresult *result, record_fn *fn, void *context)
{
	struct record *record = mem_new(1, sizeof(*record));

	for (int i = 0; i < PQntuples(result); i++) {
		take_text(result, i, 0, record->dest, sizeof(record->dest));
		/* Where one of these is NULL, Postfix gets no answer of it. */
		record->active =
		    take_text(result, i, 1, record->level, sizeof(record->level));
		if (!take_text(
		        result, i, 2, record->attributes, sizeof(record->attributes)))
			record->active = false;
		take_text(result, i, 3, record->modified, sizeof(record->modified));
		take_text(result, i, 4, record->owner, sizeof(record->owner));
		fn(record, context);
	}
	free(record);
}

/* Keys have no character that means something in an array. */
static bool
pgsql_select(struct connection *c, const struct str *keys, size_t count, record_fn *fn,
    void *context, struct fault *fault)
{
	struct buf array = {0};
	const char *values[1];
	PGresult *result;

	buf_add_char(&array, '{');
	for (size_t i = 0; i < count; i++) {
		assert(rows_is_key(keys[i]));
		buf_printf(&array, "%s\"%.*s\"", i > 0 ? "," : "", STR_ARG(keys[i]));
	}
	buf_add_char(&array, '}');
	values[0] = buf_text(&array);
	result = run(c, PGSQL_SELECT, 1, values, fault);
	if (result != NULL)
		take_rows(result, fn, context);
	PQclear(result);
	buf_clear(&array);
	return result != NULL;
}

/* Row by row: the table may be large. */
static bool
pgsql_select_all(struct connection *c, record_fn *fn, void *context, struct fault *fault)
{
	PGresult *result;
	bool done = true;

	if (!query(c, "SET statement_timeout = '" ENGINE_LISTING_S "s'", fault))
		return false;
	if (!PQsendQuery(c->pg, pgsql_select_all_rows) || !PQsetSingleRowMode(c->pg))
		return fault_here(c, fault);
	if (!flush(c, fault))
		return false;
	for (;;) {
		if (!next_result(c, &result, fault))
			return false;
		if (result == NULL)
			return done;
		switch (PQresultStatus(result)) {
		case PGRES_SINGLE_TUPLE:
			take_rows(result, fn, context);
			break;
		case PGRES_TUPLES_OK:
			break;
		default:
			done = fault_of(c, result, fault);
			continue;
		}
		PQclear(result);
	}
}

/* --- transactions --------------------------------------------------------------------
 */

static bool
pgsql_begin(struct connection *c, struct fault *fault)
{
	return query(c, "BEGIN", fault);
}

static bool
pgsql_commit(struct connection *c, struct fault *fault)
{
	PGresult *result = result_of(c, PQsendQuery(c->pg, "COMMIT"), fault);
	bool done;

	if (result == NULL) {
		/* What else stops a COMMIT may have come too late. */
		if (fault->kind != FAULT_DEADLOCK && fault->kind != FAULT_READ_ONLY)
			fault->kind = FAULT_OUTAGE;
		return false;
	}
	done = strcmp(PQcmdStatus(result), "COMMIT") == 0;
	PQclear(result);
	if (!done)
		*fault = (struct fault){FAULT_OTHER, "it undid what was to be committed"};
	return done;
}

static bool
pgsql_undo(struct connection *c, struct fault *fault)
{
	return query(c, "ROLLBACK", fault);
}

/* 0 would be for ever. */
static bool
pgsql_hurry(struct connection *c, struct fault *fault)
{
	return query(c, "SET LOCAL lock_timeout = '5ms'", fault);
}

static bool
take_first(
    struct connection *c, const char *sql, char *out, size_t size, struct fault *fault)
{
	PGresult *result = result_of(c, PQsendQuery(c->pg, sql), fault);

	if (result != NULL)
		snprintf(out, size, "%s",
		    PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return result != NULL;
}

static enum outcome
pgsql_is_writable(struct connection *c, struct fault *fault)
{
	static const char sql[] = "SELECT pg_is_in_recovery() OR"
	                          " current_setting('transaction_read_only') = 'on'";
	char value[8];

	if (!take_first(c, sql, value, sizeof(value), fault))
		return OUTCOME_FAILED;
	return strcmp(value, "f") == 0 ? OUTCOME_DONE : OUTCOME_NONE;
}

/* --- changes -------------------------------------------------------------------------
 */

/* Takes the result. */
static enum outcome
outcome_of(PGresult *result)
{
	enum outcome outcome = OUTCOME_FAILED;

	if (result != NULL)
		outcome =
		    strcmp(PQcmdTuples(result), "1") == 0 ? OUTCOME_DONE : OUTCOME_NONE;
	PQclear(result);
	return outcome;
}

static const enum pgsql_statement statement_of[] = {
    [CHANGE_INSERT] = PGSQL_INSERT,
    [CHANGE_UPDATE] = PGSQL_UPDATE,
    [CHANGE_ERASE] = PGSQL_ERASE,
};

static enum outcome
pgsql_change(
    struct connection *c, const struct change *change, char *id, struct fault *fault)
{
	struct pgsql_ended ended;
	const char *values[PGSQL_VALUES_MAX];
	int count = pgsql_values(change, &ended, values);

	id[0] = '\0';
	return outcome_of(run(c, statement_of[change->kind], count, values, fault));
}

/* Of a pipeline: the results of one statement are followed by NULL. */
static bool
take_piped(struct connection *c, struct change *change, struct fault *fault)
{
	PGresult *result, *end;
	ExecStatusType status;

	if (!next_result(c, &result, fault))
		return false;
	status = PQresultStatus(result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		return fault_of(c, result, fault);
	change->outcome = outcome_of(result);
	if (!next_result(c, &end, fault))
		return false;
	PQclear(end);
	return end == NULL || set_fault(c, "", "it says too much", fault);
}

static bool
send_piped(struct connection *c, const struct change *change, struct fault *fault)
{
	struct pgsql_ended ended;
	const char *values[PGSQL_VALUES_MAX];
	int count = pgsql_values(change, &ended, values);

	return PQsendQueryPrepared(c->pg,
	           pgsql_statements[statement_of[change->kind]].name, count, values, NULL,
	           NULL, 0) ||
	    fault_here(c, fault);
}

/* All that is left of a pipeline, up to its end. */
static bool
end_pipe(struct connection *c, struct fault *fault)
{
	ExecStatusType status = PGRES_EMPTY_QUERY;
	PGresult *result;

	while (status != PGRES_PIPELINE_SYNC) {
		if (!next_result(c, &result, fault))
			return false;
		status = PQresultStatus(result); /* NULL is PGRES_FATAL_ERROR */
		PQclear(result);
		if (result == NULL && PQstatus(c->pg) == CONNECTION_BAD)
			return fault_here(c, fault);
	}
	return PQexitPipelineMode(c->pg) || fault_here(c, fault);
}

/* So many may each wait for a lock before an answer comes. */
#define PIPE_PART 20

/* Each statement is the one that is sent alone otherwise; none is waited for. */
static bool
pgsql_change_many(
    struct connection *c, struct change *changes, size_t count, struct fault *fault)
{
	bool done = prepare(c, statement_of[changes[0].kind], fault) &&
	    (PQenterPipelineMode(c->pg) || fault_here(c, fault));
	struct fault late;

	if (!done)
		return false;
	for (size_t i = 0; done && i < count; i++) {
		done = send_piped(c, &changes[i], fault);
		if (done && i % PIPE_PART == 0)
			done = PQsendFlushRequest(c->pg) || fault_here(c, fault);
	}
	if (!done || !PQpipelineSync(c->pg))
		return fault_here(c, fault);
	if (!flush(c, fault))
		return false;
	for (size_t i = 0; done && i < count; i++)
		done = take_piped(c, &changes[i], fault);
	return end_pipe(c, done ? fault : &late) && done;
}

static enum outcome
pgsql_lease(struct connection *c, struct str holder, uint32_t seconds, bool renews,
    char *other, struct fault *fault)
{
	char name[ROWS_HOLDER_MAX + 1], number[16];
	const char *values[] = {name, number};
	enum outcome outcome;
	PGresult *result;

	str_copy(holder, name, sizeof(name));
	snprintf(number, sizeof(number), "%u", (unsigned)seconds);
	outcome = outcome_of(
	    run(c, renews ? PGSQL_LEASE_RENEW : PGSQL_LEASE, 2, values, fault));
	if (outcome != OUTCOME_NONE)
		return outcome;
	result = run(c, PGSQL_LEASE_HOLDER, 0, NULL, fault);
	if (result == NULL)
		return OUTCOME_FAILED;
	snprintf(other, ROWS_HOLDER_MAX + 1, "%s",
	    PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return OUTCOME_NONE;
}

static enum outcome
pgsql_shorten(struct connection *c, uint32_t seconds, struct fault *fault)
{
	char number[16];
	const char *values[] = {number};

	snprintf(number, sizeof(number), "%u", (unsigned)seconds);
	return outcome_of(run(c, PGSQL_LEASE_SHORTEN, 1, values, fault));
}

/* --- all of it -----------------------------------------------------------------------
 */

const struct engine engine = {
    .program = "tlsladder-pgsql",
    .login = &pgsql_words,
    .schema = pgsql_schema,
    .open = pgsql_open,
    .close = pgsql_close,
    .begin = pgsql_begin,
    .commit = pgsql_commit,
    .undo = pgsql_undo,
    .hurry = pgsql_hurry,
    .is_writable = pgsql_is_writable,
    .query = query,
    .first = take_first,
    .rights = pgsql_rights,
    .place_sql = pgsql_place,
    .account_sql = pgsql_account,
    .select = pgsql_select,
    .select_all = pgsql_select_all,
    .change = pgsql_change,
    .change_many = pgsql_change_many,
    .lease = pgsql_lease,
    .shorten = pgsql_shorten,
};
