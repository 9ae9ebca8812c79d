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

/* Takes the result. */
static bool
fault_of(struct connection *c, PGresult *result, struct fault *fault)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE),
	           *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (state != NULL && text != NULL)
		set_fault(c, state, text, fault);
	else
		set_fault(c, "", PQerrorMessage(c->pg), fault);
	PQclear(result);
	return false;
}

/* --- the connection ------------------------------------------------------------------
 */

static const struct login_words words = {
    .names = {[LOGIN_HOST] = "host",
        [LOGIN_PORT] = "port",
        [LOGIN_USER] = "user",
        [LOGIN_PASSWORD] = "password",
        [LOGIN_PASSFILE] = "passfile",
        [LOGIN_DATABASE] = "dbname",
        [LOGIN_VERIFY] = "sslmode",
        [LOGIN_CA] = "sslrootcert",
        [LOGIN_CERTIFICATE] = "sslcert",
        [LOGIN_KEY] = "sslkey"},
    .verifies = "verify-full",
};

static const char session[] =
    "SET lock_timeout = '" ENGINE_LOCK_S "s';"
    "SET statement_timeout = '" ENGINE_STATEMENT_S "s';"
    "SET idle_in_transaction_session_timeout = '" ENGINE_IDLE_S "s';"
    "SET default_transaction_isolation = 'read committed'";

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

/*
 * Why there is no connection. libpq keeps the SQLSTATE to itself, but prints it: "FATAL:
 * 28P01: password authentication failed for user "tlsladder"".
 */
static bool
fault_of_connecting(struct connection *c, struct fault *fault)
{
	const char *message = PQerrorMessage(c->pg), *at = message;
	char state[6] = "";

	while (state[0] == '\0' && (at = strstr(at, ":  ")) != NULL) {
		size_t len;

		at += strlen(":  ");
		len = strspn(at, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (len == 5 && at[len] == ':')
			memcpy(state, at, 5);
	}
	if (state[0] != '\0') {
		at += strlen("28P01:");
		return set_fault(c, state, at + strspn(at, " "), fault);
	}
	return set_fault(c, "", message, fault);
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
			return set_fault(c, "", PQerrorMessage(c->pg), fault);
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
	return left == 0 || set_fault(c, "", PQerrorMessage(c->pg), fault);
}

/* What the statement that was sent comes to: its last result, to be cleared, or NULL and
 * the fault. */
static PGresult *
result_of(struct connection *c, int sent, struct fault *fault)
{
	PGresult *last = NULL, *result;
	ExecStatusType status;

	if (!sent) {
		set_fault(c, "", PQerrorMessage(c->pg), fault);
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

static PGresult *
run(struct connection *c, enum pgsql_statement which, int count,
    const char *const *values, struct fault *fault)
{
	PGresult *result;

	if (!c->prepared[which]) {
		result = result_of(c,
		    PQsendPrepare(c->pg, pgsql_statements[which].name,
		        pgsql_statements[which].sql, count, NULL),
		    fault);
		if (result == NULL)
			return NULL;
		PQclear(result);
		c->prepared[which] = true;
	}
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
	    query(c, session, fault))
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
		return set_fault(c, "", PQerrorMessage(c->pg), fault);
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

static bool
pgsql_mark(struct connection *c, struct fault *fault)
{
	return query(c, "SAVEPOINT a", fault);
}

static bool
pgsql_unmark(struct connection *c, struct fault *fault)
{
	return query(c, "ROLLBACK TO a", fault);
}

/* 0 would be for ever. */
static bool
pgsql_hurry(struct connection *c, struct fault *fault)
{
	return query(c, "SET LOCAL lock_timeout = '5ms'", fault);
}

static enum outcome
pgsql_is_writable(struct connection *c, struct fault *fault)
{
	PGresult *result = result_of(c,
	    PQsendQuery(c->pg,
	        "SELECT pg_is_in_recovery() OR "
	        "current_setting('transaction_read_only') = 'on'"),
	    fault);
	enum outcome outcome = OUTCOME_NONE;

	if (result == NULL)
		return OUTCOME_FAILED;
	if (PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), "f") == 0)
		outcome = OUTCOME_DONE;
	PQclear(result);
	return outcome;
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

/* Copies of texts that are parts of others, each ended by a NUL. */
struct ended {
	char key[ROWS_KEY_MAX + 1];
	char level[64];
	char attributes[ROWS_ATTRIBUTES_MAX + 1];
};

static void
end_text(struct str text, char *out, size_t size)
{
	bool fits = str_copy(text, out, size);

	assert(fits);
	(void)fits;
}

static enum outcome
pgsql_insert(struct connection *c, struct str key, struct str level,
    struct str attributes, char *id, struct fault *fault)
{
	struct ended ended;
	const char *values[] = {ended.key, ended.level, ended.attributes};

	id[0] = '\0';
	end_text(key, ended.key, sizeof(ended.key));
	end_text(level, ended.level, sizeof(ended.level));
	end_text(attributes, ended.attributes, sizeof(ended.attributes));
	return outcome_of(run(c, PGSQL_INSERT, 3, values, fault));
}

static enum outcome
pgsql_update(struct connection *c, const struct record *was, struct str level,
    struct str attributes, struct fault *fault)
{
	struct ended ended;
	const char *values[] = {ended.level, ended.attributes, was->dest, was->level,
	    was->attributes, was->modified};

	end_text(level, ended.level, sizeof(ended.level));
	end_text(attributes, ended.attributes, sizeof(ended.attributes));
	return outcome_of(run(c, PGSQL_UPDATE, 6, values, fault));
}

static enum outcome
pgsql_erase(struct connection *c, const struct record *was, struct fault *fault)
{
	const char *values[] = {was->dest, was->level, was->attributes, was->modified};

	return outcome_of(run(c, PGSQL_ERASE, 4, values, fault));
}

static enum outcome
pgsql_lease(struct connection *c, struct str holder, uint32_t seconds, bool renews,
    char *other, struct fault *fault)
{
	char name[ROWS_HOLDER_MAX + 1], number[16];
	const char *values[] = {name, number};
	enum outcome outcome;
	PGresult *result;

	end_text(holder, name, sizeof(name));
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

/* --- all of it -----------------------------------------------------------------------
 */

const struct engine engine = {
    .program = "tlsladder-pgsql",
    .login = &words,
    .schema = pgsql_schema,
    .open = pgsql_open,
    .close = pgsql_close,
    .begin = pgsql_begin,
    .commit = pgsql_commit,
    .undo = pgsql_undo,
    .mark = pgsql_mark,
    .unmark = pgsql_unmark,
    .hurry = pgsql_hurry,
    .is_writable = pgsql_is_writable,
    .select = pgsql_select,
    .select_all = pgsql_select_all,
    .insert = pgsql_insert,
    .update = pgsql_update,
    .erase = pgsql_erase,
    .lease = pgsql_lease,
};
