/* SPDX-License-Identifier: BSD-2-Clause */
/* MariaDB, by libmariadb: mailcow's table, or one of our own. */
#include <assert.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/engine.h"
#include "sql/mariadb_sql.h"

#define COLUMNS    7
#define PARAMS_MAX MARIADB_VALUES_MAX

struct connection {
	MYSQL *mysql;
	bool mailcow;
	char place[280];
	MYSQL_STMT *statements[MARIADB_COUNT]; /* NULL: not yet prepared */
	MYSQL_STMT *select;                    /* of select_count keys */
	size_t select_count;
};

/* --- errors ------------------------------------------------------------------------- */

/* Always false. */
static bool
set_fault(
    const struct connection *c, unsigned number, const char *text, struct fault *fault)
{
	fault->kind = mariadb_kind(number);
	snprintf(fault->text, sizeof(fault->text), "%s: %s (error %u)", c->place, text,
	    number);
	return false;
}

static bool
fault_of(struct connection *c, struct fault *fault)
{
	return set_fault(c, mysql_errno(c->mysql), mysql_error(c->mysql), fault);
}

static bool
fault_of_statement(struct connection *c, MYSQL_STMT *statement, struct fault *fault)
{
	return set_fault(
	    c, mysql_stmt_errno(statement), mysql_stmt_error(statement), fault);
}

/* --- the connection ----------------------------------------------------------------- */

static bool
query(struct connection *c, const char *sql, struct fault *fault)
{
	return mysql_real_query(c->mysql, sql, strlen(sql)) == 0 || fault_of(c, fault);
}

static void
set_options(struct connection *c, const struct login *login, const struct place *place)
{
	/* A password is proven, never shown, to what may have taken the port. */
	static const char proving[] =
	    "mysql_native_password,client_ed25519,caching_sha2_password";
	const unsigned wait_s = ENGINE_NETWORK_S, off = 0;
	const my_bool on = 1;

	mysql_options(c->mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(c->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &wait_s);
	mysql_options(c->mysql, MYSQL_OPT_READ_TIMEOUT, &wait_s);
	mysql_options(c->mysql, MYSQL_OPT_WRITE_TIMEOUT, &wait_s);
	/* A server could ask for any file. */
	mysql_options(c->mysql, MYSQL_OPT_LOCAL_INFILE, &off);
	if (place->is_near && place->host != NULL && place->host[0] != '/')
		mysql_options(c->mysql, MARIADB_OPT_RESTRICTED_AUTH, proving);
	if (place->is_near)
		return;
	mysql_ssl_set(c->mysql, login->values[LOGIN_KEY],
	    login->values[LOGIN_CERTIFICATE], login->values[LOGIN_CA], NULL, NULL);
	mysql_options(c->mysql, MYSQL_OPT_SSL_ENFORCE, &on);
	mysql_options(c->mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
}

static bool
connect_to(struct connection *c, const struct login *login, const struct place *place,
    struct fault *fault)
{
	bool is_path = place->host != NULL && place->host[0] == '/';

	set_options(c, login, place);
	if (mysql_real_connect(c->mysql, is_path ? NULL : place->host,
	        login->values[LOGIN_USER], login->values[LOGIN_PASSWORD],
	        login->values[LOGIN_DATABASE], place->port, is_path ? place->host : NULL,
	        /* An UPDATE that changes nothing counts the row. */
	        CLIENT_FOUND_ROWS) == NULL)
		return fault_of(c, fault);
	if (!place->is_near && mysql_get_ssl_cipher(c->mysql) == NULL)
		return set_fault(c, 2026, "the connection has no TLS", fault);
	return query(c, mariadb_session, fault) &&
	    query(c, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", fault);
}

static void
mariadb_close(struct connection *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < MARIADB_COUNT; i++)
		if (c->statements[i] != NULL)
			mysql_stmt_close(c->statements[i]);
	if (c->select != NULL)
		mysql_stmt_close(c->select);
	mysql_close(c->mysql);
	mysql_library_end();
	free(c);
}

static struct connection *
mariadb_open(const struct login *login, const struct place *place, bool mailcow,
    struct fault *fault)
{
	struct connection *c = mem_new(1, sizeof(*c));

	c->mailcow = mailcow;
	snprintf(c->place, sizeof(c->place), "%s",
	    place->host != NULL ? place->host : "localhost");
	c->mysql = mysql_init(NULL);
	if (c->mysql == NULL) {
		set_fault(c, 2008, "libmariadb does not begin", fault);
		free(c);
		return NULL;
	}
	if (connect_to(c, login, place, fault))
		return c;
	mariadb_close(c);
	return NULL;
}

/* --- statements --------------------------------------------------------------------- */

static MYSQL_STMT *
prepare(struct connection *c, const char *sql, size_t len, struct fault *fault)
{
	MYSQL_STMT *statement = mysql_stmt_init(c->mysql);

	if (statement == NULL) {
		fault_of(c, fault);
		return NULL;
	}
	if (mysql_stmt_prepare(statement, sql, (unsigned long)len) == 0)
		return statement;
	fault_of_statement(c, statement, fault);
	mysql_stmt_close(statement);
	return NULL;
}

/* A text as a parameter; none as NULL. */
static MYSQL_BIND
param(struct str text)
{
	MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_STRING};

	if (text.p == NULL)
		bind.buffer_type = MYSQL_TYPE_NULL;
	/* The library only reads it. */
	memcpy(&bind.buffer, &text.p, sizeof(text.p));
	bind.buffer_length = (unsigned long)text.len;
	return bind;
}

static bool
execute(
    struct connection *c, MYSQL_STMT *statement, MYSQL_BIND *params, struct fault *fault)
{
	return (mysql_stmt_bind_param(statement, params) == 0 &&
	           mysql_stmt_execute(statement) == 0) ||
	    fault_of_statement(c, statement, fault);
}

/* One that is prepared once. */
static MYSQL_STMT *
run(struct connection *c, enum mariadb_statement which, MYSQL_BIND *params,
    struct fault *fault)
{
	const char *sql = mariadb_statement(which, c->mailcow);

	assert(sql != NULL);
	if (c->statements[which] == NULL)
		c->statements[which] = prepare(c, sql, strlen(sql), fault);
	if (c->statements[which] == NULL ||
	    !execute(c, c->statements[which], params, fault))
		return NULL;
	return c->statements[which];
}

/* --- reading ------------------------------------------------------------------------ */

struct fetched {
	struct record record;
	char active[8];
	MYSQL_BIND binds[COLUMNS];
	unsigned long lens[COLUMNS];
	my_bool nulls[COLUMNS];
};

static void
bind_columns(struct fetched *f)
{
	struct record *r = &f->record;
	const struct {
		char *text;
		size_t size;
	} columns[COLUMNS] = {{r->id, sizeof(r->id)}, {r->dest, sizeof(r->dest)},
	    {r->level, sizeof(r->level)}, {r->attributes, sizeof(r->attributes)},
	    {f->active, sizeof(f->active)}, {r->modified, sizeof(r->modified)},
	    {r->owner, sizeof(r->owner)}};

	for (unsigned i = 0; i < COLUMNS; i++)
		f->binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
		    .buffer = columns[i].text,
		    .buffer_length = columns[i].size - 1,
		    .length = &f->lens[i],
		    .is_null = &f->nulls[i]};
}

/* Ends the texts; a NUL within one is no end of it. */
static void
finish_columns(struct fetched *f)
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		char *text = f->binds[i].buffer;
		size_t len = f->nulls[i] ? 0 : f->lens[i];

		if (len > f->binds[i].buffer_length)
			len = f->binds[i].buffer_length;
		text[len] = '\0';
		for (size_t j = 0; j < len; j++)
			if (text[j] == '\0')
				text[j] = '?';
	}
	/* Where one of its columns is NULL, Postfix gets no answer of it. */
	f->record.active = strcmp(f->active, "1") == 0 && !f->nulls[2] && !f->nulls[3];
}

static bool
fetch_all(struct connection *c, MYSQL_STMT *statement, record_fn *fn, void *context,
    struct fault *fault)
{
	struct fetched *f = mem_new(1, sizeof(*f));
	int status = 0;
	bool done;

	bind_columns(f);
	done = mysql_stmt_bind_result(statement, f->binds) == 0;
	while (done) {
		status = mysql_stmt_fetch(statement);
		if (status != 0 && status != MYSQL_DATA_TRUNCATED)
			break;
		finish_columns(f);
		fn(&f->record, context);
	}
	done = done && status == MYSQL_NO_DATA;
	if (!done)
		fault_of_statement(c, statement, fault);
	mysql_stmt_free_result(statement);
	free(f);
	return done;
}

static bool
prepare_select(struct connection *c, size_t count, struct fault *fault)
{
	struct buf sql = {0};

	if (c->select != NULL && c->select_count == count)
		return true;
	if (c->select != NULL)
		mysql_stmt_close(c->select);
	buf_printf(&sql, "%s WHERE dest IN (", mariadb_select_from(c->mailcow));
	for (size_t i = 0; i < count; i++)
		buf_add_str(&sql, i == 0 ? STR("?") : STR(",?"));
	buf_add_char(&sql, ')');
	c->select = prepare(c, buf_text(&sql), sql.len, fault);
	c->select_count = count;
	buf_clear(&sql);
	return c->select != NULL;
}

static bool
mariadb_select(struct connection *c, const struct str *keys, size_t count, record_fn *fn,
    void *context, struct fault *fault)
{
	MYSQL_BIND *params = mem_new(count, sizeof(*params));
	bool done;

	for (size_t i = 0; i < count; i++)
		params[i] = param(keys[i]);
	done = prepare_select(c, count, fault) && execute(c, c->select, params, fault) &&
	    fetch_all(c, c->select, fn, context, fault);
	free(params);
	return done;
}

static bool
mariadb_select_all(
    struct connection *c, record_fn *fn, void *context, struct fault *fault)
{
	const char *sql = mariadb_select_from(c->mailcow);
	MYSQL_STMT *statement;
	bool done;

	if (!query(c, "SET SESSION max_statement_time = " ENGINE_LISTING_S, fault))
		return false;
	statement = prepare(c, sql, strlen(sql), fault);
	if (statement == NULL)
		return false;
	done = execute(c, statement, NULL, fault) &&
	    fetch_all(c, statement, fn, context, fault);
	mysql_stmt_close(statement);
	return done;
}

/* --- transactions ------------------------------------------------------------------- */

static bool
mariadb_begin(struct connection *c, struct fault *fault)
{
	return query(c, "START TRANSACTION", fault);
}

static bool
mariadb_commit(struct connection *c, struct fault *fault)
{
	if (query(c, "COMMIT", fault))
		return true;
	/* What else stops a COMMIT may have come too late. */
	if (fault->kind != FAULT_DEADLOCK && fault->kind != FAULT_READ_ONLY)
		fault->kind = FAULT_OUTAGE;
	return false;
}

static bool
mariadb_undo(struct connection *c, struct fault *fault)
{
	return query(c, "ROLLBACK", fault);
}

static bool
mariadb_hurry(struct connection *c, struct fault *fault)
{
	return query(c, "SET SESSION innodb_lock_wait_timeout = 0", fault);
}

static bool
take_first(
    struct connection *c, const char *sql, char *out, size_t size, struct fault *fault)
{
	MYSQL_RES *result;
	MYSQL_ROW row;

	if (!query(c, sql, fault))
		return false;
	result = mysql_store_result(c->mysql);
	if (result == NULL)
		return fault_of(c, fault);
	row = mysql_fetch_row(result);
	snprintf(out, size, "%s", row != NULL && row[0] != NULL ? row[0] : "");
	mysql_free_result(result);
	return true;
}

static enum outcome
mariadb_is_writable(struct connection *c, struct fault *fault)
{
	char value[8];

	if (!take_first(c, "SELECT @@global.read_only", value, sizeof(value), fault))
		return OUTCOME_FAILED;
	return strcmp(value, "0") == 0 ? OUTCOME_DONE : OUTCOME_NONE;
}

/* --- changes ------------------------------------------------------------------------ */

static enum outcome
outcome_of(MYSQL_STMT *statement)
{
	if (statement == NULL)
		return OUTCOME_FAILED;
	return mysql_stmt_affected_rows(statement) == 1 ? OUTCOME_DONE : OUTCOME_NONE;
}

/* The parameters of the statement for it; their number. */
static unsigned
params_of(const struct connection *c, const struct change *change, MYSQL_BIND *params)
{
	struct str values[PARAMS_MAX];
	unsigned count = mariadb_values(change, c->mailcow, values);

	for (unsigned i = 0; i < count; i++)
		params[i] = param(values[i]);
	return count;
}

static const enum mariadb_statement statement_of[] = {
    [CHANGE_INSERT] = MARIADB_INSERT,
    [CHANGE_UPDATE] = MARIADB_UPDATE,
    [CHANGE_ERASE] = MARIADB_ERASE,
};

static enum outcome
mariadb_change(
    struct connection *c, const struct change *change, char *id, struct fault *fault)
{
	MYSQL_BIND params[PARAMS_MAX];
	MYSQL_STMT *statement;

	params_of(c, change, params);
	statement = run(c, statement_of[change->kind], params, fault);
	id[0] = '\0';
	if (statement != NULL && change->kind == CHANGE_INSERT && c->mailcow)
		snprintf(id, ROWS_ID_MAX + 1, "%llu",
		    (unsigned long long)mysql_stmt_insert_id(statement));
	return outcome_of(statement);
}

/* A parameter of many: the library wants arrays of it. */
struct column {
	char **texts;
	unsigned long *lens;
	char *indicators;
};

/* All of them are of one kind, which has that many parameters. */
static void
fill_columns(const struct connection *c, const struct change *changes, size_t count,
    struct column *columns, unsigned width)
{
	for (size_t i = 0; i < count; i++) {
		MYSQL_BIND params[PARAMS_MAX] = {{.buffer = NULL}};

		params_of(c, &changes[i], params);
		for (unsigned p = 0; p < width; p++) {
			columns[p].texts[i] = params[p].buffer;
			columns[p].lens[i] = params[p].buffer_length;
			columns[p].indicators[i] =
			    params[p].buffer_type == MYSQL_TYPE_NULL
			    ? STMT_INDICATOR_NULL
			    : STMT_INDICATOR_NONE;
		}
	}
}

/* One execution for all of them: the server goes through the arrays. */
static bool
execute_many(struct connection *c, MYSQL_STMT *statement, const struct change *changes,
    size_t count, struct fault *fault)
{
	const unsigned size = (unsigned)count, width = mysql_stmt_param_count(statement);
	MYSQL_BIND binds[PARAMS_MAX];
	struct column columns[PARAMS_MAX];
	bool done;

	assert(width <= PARAMS_MAX);
	for (unsigned p = 0; p < width; p++) {
		columns[p].texts = mem_new(count, sizeof(char *));
		columns[p].lens = mem_new(count, sizeof(unsigned long));
		columns[p].indicators = mem_new(count, 1);
		binds[p] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
		    .buffer = columns[p].texts,
		    .length = columns[p].lens,
		    .u.indicator = columns[p].indicators};
	}
	fill_columns(c, changes, count, columns, width);
	done = (mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &size) == 0 ||
	           fault_of_statement(c, statement, fault)) &&
	    execute(c, statement, binds, fault);
	for (unsigned p = 0; p < width; p++) {
		free(columns[p].texts);
		free(columns[p].lens);
		free(columns[p].indicators);
	}
	return done;
}

/* The server counts the rows of all of them together. */
static bool
mariadb_change_many(
    struct connection *c, struct change *changes, size_t count, struct fault *fault)
{
	const char *sql = mariadb_statement(statement_of[changes[0].kind], c->mailcow);
	MYSQL_STMT *statement = prepare(c, sql, strlen(sql), fault);
	bool done;

	if (statement == NULL)
		return false;
	done = execute_many(c, statement, changes, count, fault);
	if (done && mysql_stmt_affected_rows(statement) != count) {
		*fault = (struct fault){FAULT_THEIRS, "some rows are not as they were"};
		done = false;
	}
	mysql_stmt_close(statement);
	for (size_t i = 0; done && i < count; i++)
		changes[i].outcome = OUTCOME_DONE;
	return done;
}

/* --- the lease ---------------------------------------------------------------------- */

/* NONE: there is no such row. */
static enum outcome
read_holder(struct connection *c, char *other, struct fault *fault)
{
	MYSQL_STMT *statement = run(c, MARIADB_LEASE_HOLDER, NULL, fault);
	unsigned long len = 0;
	MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_STRING,
	    .buffer = other,
	    .buffer_length = ROWS_HOLDER_MAX,
	    .length = &len};
	int status = 1;

	if (statement == NULL)
		return OUTCOME_FAILED;
	if (mysql_stmt_bind_result(statement, &bind) == 0)
		status = mysql_stmt_fetch(statement);
	other[len < ROWS_HOLDER_MAX ? len : ROWS_HOLDER_MAX] = '\0';
	if (status == 1)
		fault_of_statement(c, statement, fault);
	mysql_stmt_free_result(statement);
	if (status == 1)
		return OUTCOME_FAILED;
	return status == MYSQL_NO_DATA ? OUTCOME_NONE : OUTCOME_DONE;
}

static enum outcome
mariadb_lease(struct connection *c, struct str holder, uint32_t seconds, bool renews,
    char *other, struct fault *fault)
{
	char number[16];
	MYSQL_BIND params[3];
	enum outcome outcome;

	snprintf(number, sizeof(number), "%u", (unsigned)seconds);
	params[0] = param(holder);
	params[1] = param(str_of(number));
	params[2] = params[0];
	outcome = outcome_of(
	    run(c, renews ? MARIADB_LEASE_RENEW : MARIADB_LEASE, params, fault));
	if (outcome != OUTCOME_NONE)
		return outcome;
	outcome = read_holder(c, other, fault);
	if (outcome != OUTCOME_NONE)
		return outcome == OUTCOME_DONE ? OUTCOME_NONE : outcome;
	/* The very first; of two at once one waits, and then is the second. */
	outcome = outcome_of(run(c, MARIADB_LEASE_NEW, params, fault));
	if (outcome != OUTCOME_FAILED || fault->kind != FAULT_THEIRS)
		return outcome;
	outcome = read_holder(c, other, fault);
	return outcome == OUTCOME_DONE ? OUTCOME_NONE : OUTCOME_FAILED;
}

static enum outcome
mariadb_shorten(struct connection *c, uint32_t seconds, struct fault *fault)
{
	char number[16];
	MYSQL_BIND params[2];

	snprintf(number, sizeof(number), "%u", (unsigned)seconds);
	params[0] = params[1] = param(str_of(number));
	return outcome_of(run(c, MARIADB_LEASE_SHORTEN, params, fault));
}

/* --- all of it ---------------------------------------------------------------------- */

const struct engine engine = {
    .program = "tlsladder-mariadb",
    .login = &mariadb_words,
    .has_mailcow = true,
    .schema = mariadb_schema,
    .open = mariadb_open,
    .close = mariadb_close,
    .begin = mariadb_begin,
    .commit = mariadb_commit,
    .undo = mariadb_undo,
    .outlives = true,
    .hurry = mariadb_hurry,
    .is_writable = mariadb_is_writable,
    .query = query,
    .first = take_first,
    .rights = mariadb_rights,
    .place_sql = mariadb_place,
    .account_sql = mariadb_account,
    .select = mariadb_select,
    .select_all = mariadb_select_all,
    .change = mariadb_change,
    .change_many = mariadb_change_many,
    .lease = mariadb_lease,
    .shorten = mariadb_shorten,
};
