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
	PGSQL_LEASE_SHORTEN,
	PGSQL_LEASE_HOLDER,
	PGSQL_COUNT,
};

struct pgsql_text {
	const char *name; /* of the prepared one */
	const char *sql;
};

extern const struct pgsql_text pgsql_statements[PGSQL_COUNT];

#define PGSQL_VALUES_MAX 7

/* Copies of texts that are parts of others, each ended by a NUL. */
struct pgsql_ended {
	char key[ROWS_KEY_MAX + 1];
	char level[64];
	char attributes[ROWS_ATTRIBUTES_MAX + 1];
	char owner[ROWS_OWNER_MAX + 1];
};

/* The values of the statement for that change, parts of it and of ended; their number. */
int pgsql_values(
    const struct change *change, struct pgsql_ended *ended, const char **values);

/* Reads all rows: dest, policy, parameters, modified, owner, as PGSQL_SELECT does. */
extern const char pgsql_select_all_rows[];

extern const char pgsql_schema[];

/* The rights that are needed, and what a GRANT names. */
extern const struct right pgsql_rights[];
extern const char pgsql_place[], pgsql_account[];

/* state: five characters; "": a fault of the library, which has no connection then. */
enum fault_kind pgsql_kind(const char *state);

extern const struct login_words pgsql_words;

/* What each session begins with. */
extern const char pgsql_session[];

/*
 * Of why there is no connection: libpq keeps the SQLSTATE to itself, but prints it:
 * "FATAL:  28P01: password authentication failed for user "tlsladder"". What stands
 * behind it, and the state; else the message, and "".
 */
const char *pgsql_message(const char *message, char state[6]);

#endif
