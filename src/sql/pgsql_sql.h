/* SPDX-License-Identifier: BSD-2-Clause */
/* PostgreSQL's dialect: the statements, and what its SQLSTATEs mean. */
#ifndef SQL_PGSQL_SQL_H
#define SQL_PGSQL_SQL_H

#include "sql/engine.h"

enum pgsql_statement {
	PGSQL_SELECT,
	PGSQL_INSERT,
	PGSQL_UPDATE,
	PGSQL_ERASE,
	PGSQL_LEASE,
	PGSQL_LEASE_RENEW,
	PGSQL_LEASE_HOLDER,
	PGSQL_COUNT,
};

struct pgsql_text {
	const char *name; /* of the prepared one */
	const char *sql;
};

extern const struct pgsql_text pgsql_statements[PGSQL_COUNT];

/* Reads all rows: dest, policy, parameters, modified, owner, as PGSQL_SELECT does. */
extern const char pgsql_select_all_rows[];

extern const char pgsql_schema[];

/* state: five characters; "": a fault of the library, which has no connection then. */
enum fault_kind pgsql_kind(const char *state);

#endif
