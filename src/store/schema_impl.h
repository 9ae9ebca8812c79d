/* SPDX-License-Identifier: BSD-2-Clause */
/* For schema*.c and their test alone. */
#ifndef STORE_SCHEMA_IMPL_H
#define STORE_SCHEMA_IMPL_H

#include <stdbool.h>

#include "base/err.h"

struct sqlite3;

/* Statements, and NULL behind them. */
extern const char *const schema_newest[];

/* As schema_upgrade(), step by step where the database is empty, too. */
bool schema_upgrade_by_steps(struct sqlite3 *db, struct err *err);

#endif
