/* SPDX-License-Identifier: BSD-2-Clause */
#include "sql/pgsql_sql.h"

#include <assert.h>
#include <string.h>

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

const struct login_words pgsql_words = {
    .names = {[LOGIN_HOST] = "host",
        [LOGIN_PORT] = "port",
        [LOGIN_USER] = "user",
        [LOGIN_PASSWORD] = "password",
        [LOGIN_PASSFILE] = "passfile",
        [LOGIN_DATABASE] = "dbname",
        [LOGIN_VERIFY] = "sslmode",
        [LOGIN_CA] = "sslrootcert",
        [LOGIN_CERTIFICATE] = "sslcert",
        [LOGIN_KEY] = "sslkey"},
    .verifies = "verify-full",
};

const char pgsql_session[] =
    "SET lock_timeout = '" ENGINE_LOCK_S "s';"
    "SET statement_timeout = '" ENGINE_STATEMENT_S "s';"
    "SET idle_in_transaction_session_timeout = '" ENGINE_IDLE_S "s';"
    "SET default_transaction_isolation = 'read committed'";

const struct pgsql_text pgsql_statements[PGSQL_COUNT] = {
    [PGSQL_SELECT] = {"s",
        "SELECT " COLUMNS " FROM " OWN " WHERE dest = ANY ($1::text[])"},
    [PGSQL_INSERT] = {"i",
        "INSERT INTO " OWN " (dest, policy, parameters, owner)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT (dest) DO NOTHING"},
    [PGSQL_UPDATE] = {"u",
        "UPDATE " OWN " SET policy = $1, parameters = $2, modified = clock_timestamp()"
        " WHERE dest = $3 AND policy = $4 AND parameters = $5"
        " AND modified = $6::timestamp AT TIME ZONE 'UTC' AND owner = $7"},
    [PGSQL_ERASE] = {"e",
        "DELETE FROM " OWN " WHERE dest = $1 AND policy = $2 AND parameters = $3"
        " AND modified = $4::timestamp AT TIME ZONE 'UTC' AND owner = $5"},
    [PGSQL_LEASE] = {"l",
        LEASE_PUT " WHERE l.holder = excluded.holder OR l.expires <= clock_timestamp()"},
    [PGSQL_LEASE_RENEW] = {"r", LEASE_PUT " WHERE l.holder = excluded.holder"},
    [PGSQL_LEASE_SHORTEN] = {"c",
        "UPDATE " LEASE
        " SET expires = clock_timestamp() + make_interval(secs => $1::int)"
        " WHERE name = 'policy'"
        " AND expires > clock_timestamp() + make_interval(secs => $1::int)"},
    [PGSQL_LEASE_HOLDER] = {"h", "SELECT holder FROM " LEASE " WHERE name = 'policy'"},
};

static void
end_text(struct str text, char *out, size_t size)
{
	bool fits = str_copy(text, out, size);

	assert(fits);
	(void)fits;
}

int
pgsql_values(const struct change *change, struct pgsql_ended *ended, const char **values)
{
	const struct record *was = change->was;
	int count = 0;

	if (change->kind == CHANGE_INSERT) {
		end_text(change->key, ended->key, sizeof(ended->key));
		values[count++] = ended->key;
	}
	if (change->kind != CHANGE_ERASE) {
		end_text(change->level, ended->level, sizeof(ended->level));
		end_text(
		    change->attributes, ended->attributes, sizeof(ended->attributes));
		values[count++] = ended->level;
		values[count++] = ended->attributes;
	}
	if (change->kind == CHANGE_INSERT) {
		end_text(change->owner, ended->owner, sizeof(ended->owner));
		values[count++] = ended->owner;
		return count;
	}
	/* By which the row is found as it was. */
	values[count++] = was->dest;
	values[count++] = was->level;
	values[count++] = was->attributes;
	values[count++] = was->modified;
	values[count++] = was->owner;
	return count;
}

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

#define OWN_GRANT   "SELECT, INSERT, UPDATE, DELETE ON %" OWN
#define LEASE_GRANT "SELECT, INSERT, UPDATE ON %" LEASE

/* A right is asked for before a row is looked for. */
const struct right pgsql_rights[] = {
    {"SELECT " COLUMNS " FROM " OWN " WHERE FALSE", OWN_GRANT, false},
    {"INSERT INTO " OWN " (dest, policy, parameters, owner)"
     " SELECT '', 'may', '', '' WHERE FALSE ON CONFLICT (dest) DO NOTHING",
        OWN_GRANT, false},
    {"UPDATE " OWN " SET policy = 'may', parameters = '', modified = clock_timestamp()"
     " WHERE FALSE",
        OWN_GRANT, false},
    {"DELETE FROM " OWN " WHERE FALSE", OWN_GRANT, false},
    {"SELECT name, holder, expires FROM " LEASE " WHERE FALSE", LEASE_GRANT, false},
    {"INSERT INTO " LEASE " (name, holder, expires)"
     " SELECT '', '', clock_timestamp() WHERE FALSE",
        LEASE_GRANT, false},
    {"UPDATE " LEASE " SET holder = '', expires = clock_timestamp() WHERE FALSE",
        LEASE_GRANT, false},
    {NULL, NULL, false},
};

const char pgsql_place[] = "SELECT quote_ident(current_schema()) || '.'";
const char pgsql_account[] = "SELECT quote_ident(current_user)";

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
    {"23505", FAULT_THEIRS}, {"55P03", FAULT_BUSY}, {"57014", FAULT_BUSY},
    {"40", FAULT_DEADLOCK}, {"08", FAULT_OUTAGE}, {"57P", FAULT_OUTAGE},
    {"53", FAULT_OUTAGE}, {"25P03", FAULT_OUTAGE}, {"25006", FAULT_READ_ONLY},
    {"28", FAULT_RIGHTS}, {"42501", FAULT_RIGHTS}, /* a policy for rows as well */
    {"22", FAULT_VALUE}, {"23", FAULT_VALUE}, {"44", FAULT_VALUE}, /* of a view */
    {"P0", FAULT_VALUE}, /* RAISE, of a trigger */
};

enum fault_kind
pgsql_kind(const char *state)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(state, kinds[i].state, strlen(kinds[i].state)) == 0)
			return kinds[i].kind;
	return state[0] == '\0' ? FAULT_OUTAGE : FAULT_OTHER;
}

const char *
pgsql_message(const char *message, char state[6])
{
	const char *at = message;

	state[0] = '\0';
	while ((at = strstr(at, ":  ")) != NULL) {
		size_t len;

		at += strlen(":  ");
		len = strspn(at, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (len != 5 || at[len] != ':')
			continue;
		memcpy(state, at, 5);
		state[5] = '\0';
		at += strlen("28P01:");
		return at + strspn(at, " ");
	}
	return message;
}
