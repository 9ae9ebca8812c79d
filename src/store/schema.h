/* SPDX-License-Identifier: BSD-2-Clause */
/* The shape of the database, as steps from one version to the next. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stdbool.h>

#include "base/err.h"
#include "store/store_trouble.h"

struct sqlite3;

int schema_version(void); /* the newest */

/* Why schema_upgrade() refuses the database: STORE_NEWER, STORE_FOREIGN; STORE_FINE: it
 * does not, or it cannot be told. */
enum store_trouble schema_trouble(struct sqlite3 *db);

/*
 * Bring the database to the newest version, each step in a transaction of its own.
 * False: a newer version than this program knows, or SQLite's own words.
 */
bool schema_upgrade(struct sqlite3 *db, struct err *err);

#endif
