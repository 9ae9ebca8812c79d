/* SPDX-License-Identifier: BSD-2-Clause */
#include "sql/pgsql_sql.h"

#define OWN   "tlsladder_policy"
#define LEASE "tlsladder_lease"
#define LEASE_PUT \
	"INSERT INTO " LEASE " AS l (name, holder, expires)" \
	" VALUES ('policy', $1, clock_timestamp() + make_interval(secs => $2::int))" \
	" ON CONFLICT (name) DO UPDATE" \
	" SET holder = excluded.holder, expires = excluded.expires"

#define COLUMNS \
	"dest, policy, parameters," \
	" to_char(modified AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), owner"

const struct pgsql_text pgsql_statements[PGSQL_COUNT] = {
    [PGSQL_SELECT] = {"s",
        "SELECT " COLUMNS " FROM " OWN " WHERE dest = ANY ($1::text[])"},
    [PGSQL_INSERT] = {"i",
        "INSERT INTO " OWN " (dest, policy, parameters, owner)"
        " VALUES ($1, $2, $3, '" ENGINE_OWNER "') ON CONFLICT (dest) DO NOTHING"},
    [PGSQL_UPDATE] = {"u",
        "UPDATE " OWN " SET policy = $1, parameters = $2, modified = clock_timestamp()"
        " WHERE dest = $3 AND policy = $4 AND parameters = $5"
        " AND owner = '" ENGINE_OWNER "'"
        " AND modified = $6::timestamp AT TIME ZONE 'UTC'"},
    [PGSQL_ERASE] = {"e",
        "DELETE FROM " OWN " WHERE dest = $1 AND policy = $2 AND parameters = $3"
        " AND owner = '" ENGINE_OWNER "'"
        " AND modified = $4::timestamp AT TIME ZONE 'UTC'"},
    [PGSQL_LEASE] = {"l",
        LEASE_PUT " WHERE l.holder = excluded.holder OR l.expires <= clock_timestamp()"},
    [PGSQL_LEASE_RENEW] = {"r", LEASE_PUT " WHERE l.holder = excluded.holder"},
    [PGSQL_LEASE_HOLDER] = {"h", "SELECT holder FROM " LEASE " WHERE name = 'policy'"},
};

const char pgsql_select_all_rows[] = "SELECT " COLUMNS " FROM " OWN;

const char pgsql_schema[] =
    "CREATE TABLE " OWN " (\n"
    "  dest text PRIMARY KEY CHECK (dest = lower(dest) AND length(dest) <= 255),\n"
    "  policy text NOT NULL CHECK (policy IN ('none', 'may', 'encrypt', 'dane',\n"
    "    'dane-only', 'fingerprint', 'verify', 'secure')),\n"
    "  parameters text NOT NULL DEFAULT '' CHECK (length(parameters) <= 255),\n"
    "  owner text NOT NULL DEFAULT 'administrator',\n"
    "  modified timestamptz NOT NULL DEFAULT clock_timestamp()\n"
    ");\n"
    "CREATE TABLE " LEASE " (\n"
    "  name text PRIMARY KEY,\n"
    "  holder text NOT NULL,\n"
    "  expires timestamptz NOT NULL\n"
    ");\n"
    "-- for the user of the login file, and for Postfix:\n"
    "-- GRANT SELECT, INSERT, UPDATE, DELETE ON " OWN " TO ...;\n"
    "-- GRANT SELECT, INSERT, UPDATE ON " LEASE " TO ...;\n"
    "-- GRANT SELECT (dest, policy, parameters) ON " OWN " TO ...;\n"
    "-- query = SELECT policy || ' ' || parameters FROM " OWN
    " WHERE dest = lower('%s')\n";

/*
 * By SQLSTATE, the first that it begins with. 55P03 is lock_timeout; 57014
 * statement_timeout and pg_cancel_backend(); 40... a deadlock; 57P.. a server that goes
 * down or begins; 53... one that has no more connections or room; 25P03 a transaction
 * that was idle for too long, whose connection is gone.
 */
static const struct {
	const char *state;
	enum fault_kind kind;
} kinds[] = {
    {"23505", FAULT_THEIRS},
    {"55P03", FAULT_BUSY},
    {"57014", FAULT_BUSY},
    {"40", FAULT_DEADLOCK},
    {"08", FAULT_OUTAGE},
    {"57P", FAULT_OUTAGE},
    {"53", FAULT_OUTAGE},
    {"25P03", FAULT_OUTAGE},
    {"25006", FAULT_READ_ONLY},
    {"28", FAULT_RIGHTS},
    {"42501", FAULT_RIGHTS},
    {"22", FAULT_VALUE},
    {"23", FAULT_VALUE},
};

enum fault_kind
pgsql_kind(const char *state)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(state, kinds[i].state, strlen(kinds[i].state)) == 0)
			return kinds[i].kind;
	return state[0] == '\0' ? FAULT_OUTAGE : FAULT_OTHER;
}
