/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sys/child.h"
#include "sys/program.h"

#define LISTING_MS  30000 /* of a million rows */
#define LISTING_MAX ((size_t)1 << 32)
#define SCHEMA_MAX  65536

static const char *
program_name(const char *sql)
{
	return strcmp(sql, "mariadb") == 0 ? "tlsladder-mariadb" : "tlsladder-pgsql";
}

const char *
table_program_name(const struct publisher *p)
{
	return program_name(p->sql);
}

char *
table_program(const struct publisher *p)
{
	return program_find(program_name(p->sql));
}

/* What the database said, behind what it means. */
static bool
fail(enum rows_class class, struct str text, struct err *err)
{
	static const char *const means[ROWS_CLASS_COUNT] = {
	    [ROWS_CLASS_BUSY] = "the table is locked by others",
	    [ROWS_CLASS_OUTAGE] = "the database cannot be reached",
	    [ROWS_CLASS_READ_ONLY] = "the database takes no changes",
	    [ROWS_CLASS_RIGHTS] = "the database refuses the user",
	    [ROWS_CLASS_LOGIN] = "the login file is refused",
	    [ROWS_CLASS_FAULT] = "the database failed",
	};
	struct buf shown = {0};

	buf_add_visible(&shown, text);
	err_set(err, "%s: %s", means[class], buf_text(&shown));
	buf_clear(&shown);
	return false;
}

static bool
run(const char *sql, const char *login, const char *schema, struct child_request *request,
    struct child_result *result, struct err *err)
{
	char *path = program_find(program_name(sql));
	const char *argv[] = {path, login, schema, NULL};
	bool done;

	*result = (struct child_result){.status = -1};
	if (path == NULL)
		return err_set(err, "%s is not installed", program_name(sql));
	request->argv = argv;
	done = child_run(request, result, err);
	free(path);
	return done;
}

/* What a program says that did not get as far as an answer. */
static bool
fail_program(const struct child_result *result, const struct err *why, struct err *err)
{
	struct buf said = {0};

	if (result->status == 0)
		return err_set(err, "%s", why->text);
	child_describe(result, &said);
	err_set(err, "%s", buf_text(&said));
	buf_clear(&said);
	return false;
}

void
table_exchange_clear(struct table_exchange *x)
{
	rows_answer_clear(&x->answer);
	rows_request_clear(&x->asked);
	buf_clear(&x->request);
	buf_clear(&x->text);
}

static bool
take(struct table_exchange *x, const struct child_result *result, struct err *err)
{
	struct err why = {{0}};

	buf_add(&x->text, result->output.data, result->output.len);
	if (!rows_answer_parse((struct str){buf_text(&x->text), x->text.len}, &x->asked,
	        &x->answer, &why))
		return fail_program(result, &why, err);
	if (x->answer.end != ROWS_DONE)
		return fail(x->answer.class, x->answer.text, err);
	if (x->answer.holder.len > 0) {
		x->answer.end = ROWS_FAILED;
		x->is_standby = true;
		return err_set(err, "%.*s leads, and writes to this table",
		    STR_ARG(x->answer.holder));
	}
	return true;
}

bool
table_ask(
    const struct publisher *p, struct table_exchange *x, int stop_fd, struct err *err)
{
	struct child_request request = {.timeout_ms = TABLE_TIMEOUT_MS,
	    .output_max = ROWS_ANSWER_MAX,
	    .stop_fd = stop_fd};
	const struct rows_line end = {.word = ROWS_END};
	struct child_result result;
	bool done;

	x->answer = (struct rows_answer){.end = ROWS_FAILED};
	rows_line_print(&end, &x->request);
	request.input = (struct str){buf_text(&x->request), x->request.len};
	if (!rows_request_parse(request.input, &x->asked, err))
		return false;
	done = run(p->sql, p->login, p->schema, &request, &result, err);
	if (result.status != -1 || result.timed_out)
		x->answer.end = ROWS_UNSURE;
	done = done && take(x, &result, err);
	child_result_clear(&result);
	return done;
}

/* --- a listing --------------------------------------------------------------------- */

struct listing {
	table_row_fn *row;
	void *context;
	struct buf begun; /* a line whose end has not come yet */
	bool is_done;
	bool is_failed;
	bool is_stopped;
	enum rows_class class;
	struct err err;
};

static bool
take_line(struct listing *l, struct str text)
{
	struct rows_line line;

	if (l->is_done || l->is_failed || !rows_line_parse(text, &line, &l->err))
		return false;
	if (line.word == ROWS_DONE) {
		l->is_done = true;
	} else if (line.word == ROWS_FAILED || line.word == ROWS_UNSURE) {
		l->is_failed = true;
		l->class = line.class;
		fail(line.class, line.text, &l->err);
	} else if (line.word != ROWS_ROW) {
		return err_set(&l->err, "a row was expected");
	} else if (!l->row(l->context, &line, &l->err)) {
		l->is_stopped = true;
		return false;
	}
	return true;
}

static bool
take_piece(void *context, struct str piece)
{
	struct listing *l = context;
	struct str line;

	while (str_cut(&piece, '\n', &line)) {
		bool good;

		buf_add_str(&l->begun, line);
		good = take_line(l, (struct str){buf_text(&l->begun), l->begun.len});
		buf_reset(&l->begun);
		if (!good)
			return false;
	}
	if (l->begun.len + piece.len > ROWS_LINE_MAX)
		return err_set(&l->err, "a line without end");
	buf_add_str(&l->begun, piece);
	return true;
}

bool
table_list(const struct publisher *p, table_row_fn *row, void *context,
    enum rows_class *class, int stop_fd, struct err *err)
{
	struct listing l = {.row = row, .context = context, .class = ROWS_CLASS_OUTAGE};
	struct child_request request = {
	    .input = STR("all\nend\n"),
	    .timeout_ms = LISTING_MS,
	    .output_max = LISTING_MAX,
	    .stop_fd = stop_fd,
	    .consume = take_piece,
	    .context = &l,
	};
	struct child_result result;
	bool done = run(p->sql, p->login, p->schema, &request, &result, err);

	if (l.err.text[0] != '\0')
		*err = l.err;
	else if (done && !l.is_done)
		fail_program(&result, &(struct err){"the listing is not whole"}, err);
	*class = l.is_stopped ? ROWS_CLASS_COUNT : l.class;
	child_result_clear(&result);
	buf_clear(&l.begun);
	return done && l.is_done;
}

/* --- the schema -------------------------------------------------------------------- */

bool
table_print_schema(const char *sql, struct buf *out, struct err *err)
{
	struct child_request request = {
	    .input = STR("schema\nend\n"),
	    .timeout_ms = TABLE_TIMEOUT_MS,
	    .output_max = SCHEMA_MAX,
	};
	struct child_result result;
	bool done = run(sql, "-", "own", &request, &result, err);

	if (done && result.status != 0)
		done = fail_program(&result, &(struct err){""}, err);
	if (done)
		buf_add(out, result.output.data, result.output.len);
	child_result_clear(&result);
	return done;
}
