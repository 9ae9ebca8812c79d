/* SPDX-License-Identifier: BSD-2-Clause */
/* What commands say of tables of databases, and do to them. */
#ifndef CMD_TABLES_H
#define CMD_TABLES_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/config.h"
#include "store/store.h"

/* Where an entry is in no row of a table, or is not yet: each table and why, as
 * "not in the table of /etc/tlsladder/mariadb.cnf: somebody else has a row there", each
 * behind between. Nothing where all tables have it. False: err. */
bool tables_add_missing(const struct config *config, struct store *store,
    const struct entry *entry, const char *between, struct buf *out, struct err *err);

/* The same as members of a list of JSON objects, with their words. */
bool tables_add_json(const struct config *config, struct store *store,
    const struct entry *entry, struct buf *out, struct err *err);

/* Nobody publishes to that item of publish meanwhile. The lock for file_unlock();
 * negative: err. */
int tables_lock(const struct config *config, size_t which, struct err *err);

#endif
