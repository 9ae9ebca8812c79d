/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlsladder-mariadb, tlsladder-pgsql: entries into a table, for tlsladder(8). Programs of
 * their own, so that the daemon has neither the password nor the library, and a database
 * that hangs ends a child. core/rows.h says what is read and written.
 *
 *	tlsladder-mariadb LOGIN_FILE mailcow|own
 *
 * Exit status: 0 where the answer ends in "done" (or is the schema), else of sysexits.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "core/rows.h"
#include "sql/batch.h"
#include "sql/confine.h"
#include "sql/engine.h"
#include "sql/login.h"
#include "sql/rights.h"
#include "sys/fd.h"

#define TIME_S    10 /* all of it */
#define PART_SIZE 65536

/* --- how it ends ---------------------------------------------------------------------
 */

static const struct {
	enum rows_class class;
	int status;
} ends[] = {
    [FAULT_THEIRS] = {ROWS_CLASS_FAULT, EX_SOFTWARE},
    [FAULT_BUSY] = {ROWS_CLASS_BUSY, EX_TEMPFAIL},
    [FAULT_DEADLOCK] = {ROWS_CLASS_BUSY, EX_TEMPFAIL},
    [FAULT_OUTAGE] = {ROWS_CLASS_OUTAGE, EX_UNAVAILABLE},
    [FAULT_READ_ONLY] = {ROWS_CLASS_READ_ONLY, EX_UNAVAILABLE},
    [FAULT_RIGHTS] = {ROWS_CLASS_RIGHTS, EX_NOPERM},
    [FAULT_VALUE] = {ROWS_CLASS_FAULT, EX_SOFTWARE},
    [FAULT_OTHER] = {ROWS_CLASS_FAULT, EX_SOFTWARE},
};

/* Text of a database may be of several lines. */
static void
print_end(
    enum rows_word word, enum rows_class class, const char *text, struct buf *answer)
{
	struct rows_line line = {.word = word, .class = class};
	struct buf plain = {0}, clean = {0};

	buf_add_str(&plain, str_trim(str_of(text)));
	for (size_t i = 0; i < plain.len; i++)
		if (plain.data[i] == '\n' || plain.data[i] == '\t')
			plain.data[i] = ' ';
	rows_add_text(&clean, (struct str){buf_text(&plain), plain.len});
	line.text = (struct str){buf_text(&clean), clean.len};
	if (!rows_line_print(&line, answer))
		buf_printf(answer, "unsure\tfault\t-\n");
	buf_clear(&plain);
	buf_clear(&clean);
}

static int
end_by_fault(enum rows_word word, const struct fault *fault, struct buf *answer)
{
	print_end(word, ends[fault->kind].class, fault->text, answer);
	return ends[fault->kind].status;
}

/* --- a listing -----------------------------------------------------------------------
 */

struct listing {
	struct buf *answer;
	struct buf key, level, attributes, owner;
	bool begun;  /* a part of it is written */
	bool failed; /* nobody reads it */
};

static struct str
cleaned(struct buf *buf, const char *text)
{
	buf_reset(buf);
	rows_add_text(buf, str_of(text));
	return (struct str){buf_text(buf), buf->len};
}

static void
flush_part(struct listing *l)
{
	if (!l->failed &&
	    !fd_write_all(
	        STDOUT_FILENO, (struct str){buf_text(l->answer), l->answer->len}))
		l->failed = true;
	l->begun = true;
	buf_reset(l->answer);
}

static void
list_record(const struct record *record, void *context)
{
	struct listing *l = context;
	struct rows_line line = {.word = ROWS_ROW, .has_row = true};

	line.key = cleaned(&l->key, record->dest);
	line.row = (struct rows_row){.id = str_of(record->id),
	    .level = cleaned(&l->level, record->level),
	    .attributes = cleaned(&l->attributes, record->attributes),
	    .modified = str_of(record->modified),
	    .owner = cleaned(&l->owner, record->owner),
	    .active = record->active};
	if (!rows_line_print(&line, l->answer))
		l->failed = true;
	if (l->answer->len >= PART_SIZE)
		flush_part(l);
}

/* What a host that takes no changes says may be old. */
static bool
is_writable(struct connection *connection, struct fault *fault)
{
	enum outcome outcome = engine.is_writable(connection, fault);

	if (outcome == OUTCOME_NONE)
		*fault = (struct fault){FAULT_READ_ONLY, "the server is read-only"};
	return outcome == OUTCOME_DONE;
}

static enum batch_end
list_all(struct connection *connection, struct buf *answer, struct fault *fault)
{
	struct listing l = {.answer = answer};
	bool done = is_writable(connection, fault) &&
	    engine.select_all(connection, list_record, &l, fault);

	if (l.failed) {
		*fault = (struct fault){FAULT_OTHER, "the listing cannot be written"};
		done = false;
	}
	if (!done)
		buf_reset(answer);
	buf_clear(&l.key);
	buf_clear(&l.level);
	buf_clear(&l.attributes);
	buf_clear(&l.owner);
	/* The rows of another host do not go behind these. */
	return done ? BATCH_DONE : l.begun ? BATCH_UNSURE : BATCH_FAILED;
}

/* --- the hosts -----------------------------------------------------------------------
 */

static enum batch_end
ask_place(const struct login *login, const struct place *place, bool own,
    const struct rows_request *request, struct buf *answer, struct fault *fault)
{
	struct connection *connection = engine.open(login, place, !own, fault);
	enum batch_end end = BATCH_FAILED;

	if (connection == NULL)
		return end;
	if (request->what == ROWS_RIGHTS)
		end = is_writable(connection, fault)
		    ? rights_check(connection, own, answer, fault)
		    : BATCH_FAILED;
	else if (request->what == ROWS_ALL)
		end = list_all(connection, answer, fault);
	else
		end = batch_run(connection, own, request, answer, fault);
	engine.close(connection);
	return end;
}

/* The next one where one is down or takes no changes. Of their faults the first is told:
 * of the one that is meant to serve. */
static enum batch_end
ask_places(const struct login *login, bool own, const struct rows_request *request,
    struct buf *answer, struct fault *first)
{
	enum batch_end end = BATCH_FAILED;
	struct fault fault;

	for (unsigned i = 0; i < login->place_count; i++) {
		end = ask_place(login, &login->places[i], own, request, answer, &fault);
		if (end == BATCH_DONE)
			return end;
		if (i == 0 || end == BATCH_UNSURE || fault.kind == FAULT_READ_ONLY)
			*first = fault;
		if (end == BATCH_UNSURE)
			return end;
		if (fault.kind != FAULT_OUTAGE && fault.kind != FAULT_READ_ONLY) {
			*first = fault;
			return end;
		}
	}
	return end;
}

static int
answer_request(
    const char *path, bool own, const struct rows_request *request, struct buf *answer)
{
	struct login login;
	struct fault fault;
	struct err err;
	int status = EX_OK;

	if (!login_read(path, engine.login, &login, &err)) {
		print_end(ROWS_FAILED, ROWS_CLASS_LOGIN, err.text, answer);
		login_clear(&login);
		return EX_CONFIG;
	}
	switch (ask_places(&login, own, request, answer, &fault)) {
	case BATCH_DONE:
		buf_add_str(answer, STR("done\n"));
		break;
	case BATCH_FAILED:
		status = end_by_fault(ROWS_FAILED, &fault, answer);
		break;
	case BATCH_UNSURE:
		status = end_by_fault(ROWS_UNSURE, &fault, answer);
		break;
	}
	login_clear(&login);
	return status;
}

/* --- all of it -----------------------------------------------------------------------
 */

static int
usage(const char *why)
{
	fprintf(stderr, "%s: %s; tlsladder(8) runs this: %s LOGIN_FILE %s\n",
	    engine.program, why, engine.program,
	    engine.has_mailcow ? "mailcow|own" : "own");
	return EX_USAGE;
}

static int
run(const char *path, bool own, const struct rows_request *request)
{
	struct buf answer = {0};
	int status = EX_OK;

	if (request->what == ROWS_SCHEMA)
		buf_add_str(&answer, str_of(engine.schema));
	else
		status = answer_request(path, own, request, &answer);
	if (!fd_write_all(STDOUT_FILENO, (struct str){buf_text(&answer), answer.len}))
		status = EX_IOERR;
	buf_clear(&answer);
	return status;
}

int
main(int argc, char **argv)
{
	struct rows_request request = {.what = ROWS_WANT};
	struct buf text = {0};
	struct err err = {""};
	bool own = argc == 3 && strcmp(argv[2], "own") == 0;
	int status;

	if (!own && !(argc == 3 && engine.has_mailcow && strcmp(argv[2], "mailcow") == 0))
		return usage("no login file, or no such table");
	if (isatty(STDIN_FILENO))
		return usage("no request on standard input");
	clearenv();
	signal(SIGPIPE, SIG_IGN);
	confine_resources();
	confine_time(TIME_S);
	confine();
	if (!fd_read_all(STDIN_FILENO, ROWS_REQUEST_MAX, &text))
		status = usage(strerror(errno));
	else if (!rows_request_parse(
	             (struct str){buf_text(&text), text.len}, &request, &err))
		status = usage(err.text);
	else if (!own && (request.holder.len > 0 || request.what == ROWS_SCHEMA))
		status = usage("mailcow's table has no lease and no schema of ours");
	else
		status = run(argv[1], own, &request);
	rows_request_clear(&request);
	buf_clear(&text);
	return status;
}
