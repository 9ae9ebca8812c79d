/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One batch: whose the rows are, what is changed in one transaction, and what was read
 * back of it in another. What is not ours is never changed: a row is ours if it is in
 * everything as we read it back last, or equals what we began to write, or, in a table of
 * our own, if its owner says so.
 */
#ifndef SQL_BATCH_H
#define SQL_BATCH_H

#include <stdbool.h>

#include "base/buf.h"
#include "core/rows.h"
#include "sql/engine.h"

enum batch_end {
	BATCH_DONE,   /* its answer is appended, without the last line */
	BATCH_FAILED, /* nothing of it stands */
	BATCH_UNSURE, /* whether it stands is not known */
};

/* Does it, over that connection. own: the table is one of our own. fault: of the last
 * two.
 */
enum batch_end batch_run(struct connection *connection, bool own,
    const struct rows_request *request, struct buf *answer, struct fault *fault);

#endif
