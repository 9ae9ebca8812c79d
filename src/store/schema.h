/* SPDX-License-Identifier: BSD-2-Clause */
/* The shape of the database, as steps from one version to the next. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stdbool.h>

#include "base/err.h"

struct sqlite3;

int schema_version(void); /* the newest */

/*
 * Bring the database to the newest version, each step in a transaction of its own.
 * False: a newer version than this program knows, or SQLite's own words.
 */
bool schema_upgrade(struct sqlite3 *db, struct err *err);

#endif
