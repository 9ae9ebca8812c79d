/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of a database asked and changed, by tlsladder-mariadb or tlsladder-pgsql
 * (core/rows.h) as by any other command: a batch a run, with a deadline, so that a
 * database that hangs ends in a program that is killed. Blocks.
 */
#ifndef PUBLISH_TABLE_H
#define PUBLISH_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/publishers.h"
#include "core/rows.h"

#define TABLE_TIMEOUT_MS 10000

/* The program for that kind of database; free(). NULL: it is not installed. */
char *table_program(const struct publisher *publisher);
const char *table_program_name(const struct publisher *publisher);

/* What is to be asked (without its end) and what came of it. {0}, then
 * table_exchange_clear(). */
struct table_exchange {
	struct buf request;
	struct buf text; /* that the answer borrows from */
	struct rows_request asked;
	struct rows_answer answer;
	bool is_standby; /* the lease is answer.holder's */
};

void table_exchange_clear(struct table_exchange *exchange);

/*
 * Ask. True: the answer is whole, and answer.lines has one for each item. False: err says
 * why, and answer.end whether nothing was written (ROWS_FAILED), or whether that is not
 * known. stop_fd: of child_stopper(), or 0.
 */
bool table_ask(const struct publisher *publisher, struct table_exchange *exchange,
    int stop_fd, struct err *err);

/* Each row, in no order: row(), false: stop, err is its own. False: it was stopped, or
 * the listing is not whole. class: why; ROWS_CLASS_COUNT where row() stopped. */
typedef bool table_row_fn(void *context, const struct rows_line *row, struct err *err);
bool table_list(const struct publisher *publisher, table_row_fn *row, void *context,
    enum rows_class *class, int stop_fd, struct err *err);

/* The SQL that makes a table of our own, as the helper prints it. */
bool table_print_schema(const char *sql, struct buf *out, struct err *err);

#endif
