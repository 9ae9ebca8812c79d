/* SPDX-License-Identifier: BSD-2-Clause */
/* May the user of the login file do all that is needed? */
#ifndef SQL_RIGHTS_H
#define SQL_RIGHTS_H

#include "sql/batch.h"

/* The SQL that gives what is missing goes into answer; FAILED, with the fault of the
 * first statement that was refused, or with any other. Nothing is changed. */
enum batch_end rights_check(
    struct connection *connection, bool own, struct buf *answer, struct fault *fault);

#endif
