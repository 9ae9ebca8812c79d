/* SPDX-License-Identifier: BSD-2-Clause */
#include "sql/mariadb_sql.h"

#define MAILCOW "tls_policy_override"
#define OWN     "tlsladder_policy"
#define LEASE   "tlsladder_lease"

/* "=" alone would take letters of another case for the same, and blanks at the end. */
#define IS_DEST       "BINARY dest = BINARY ?"
#define IS_PARAMETERS "BINARY parameters = BINARY ?"
#define IS_HOLDER     "BINARY holder = BINARY ?"

/* A row as it was. */
#define OWN_ROW \
	"dest = ? AND policy = ? AND " IS_PARAMETERS " AND modified <=> ?" \
	" AND owner = ?"
#define MAILCOW_ROW \
	"id = CAST(? AS UNSIGNED) AND " IS_DEST " AND policy = ? AND " IS_PARAMETERS \
	" AND modified <=> ? AND active = 1"

#define EXPIRES "UTC_TIMESTAMP(6) + INTERVAL ? SECOND"

const struct login_words mariadb_words = {
    .names = {[LOGIN_HOST] = "host",
        [LOGIN_PORT] = "port",
        [LOGIN_SOCKET] = "socket",
        [LOGIN_USER] = "user",
        [LOGIN_PASSWORD] = "password",
        [LOGIN_DATABASE] = "database",
        [LOGIN_VERIFY] = "ssl-verify-server-cert",
        [LOGIN_CA] = "ssl-ca",
        [LOGIN_CERTIFICATE] = "ssl-cert",
        [LOGIN_KEY] = "ssl-key"},
};

const char mariadb_session[] =
    "SET SESSION sql_mode = 'TRADITIONAL', autocommit = 1,"
    " innodb_lock_wait_timeout = " ENGINE_LOCK_S ", lock_wait_timeout = " ENGINE_LOCK_S
    ", max_statement_time = " ENGINE_STATEMENT_S
    ", idle_transaction_timeout = " ENGINE_IDLE_S;

static const char *const own_texts[MARIADB_COUNT] = {
    [MARIADB_INSERT] = "INSERT INTO " OWN " (dest, policy, parameters, owner)"
                       " VALUES (?, ?, ?, ?)",
    [MARIADB_UPDATE] = "UPDATE " OWN " SET policy = ?, parameters = ? WHERE " OWN_ROW,
    [MARIADB_ERASE] = "DELETE FROM " OWN " WHERE " OWN_ROW,
    [MARIADB_LEASE] =
        "UPDATE " LEASE " SET holder = ?, expires = " EXPIRES " WHERE name = 'policy'"
        " AND (" IS_HOLDER " OR expires <= UTC_TIMESTAMP(6))",
    [MARIADB_LEASE_RENEW] =
        "UPDATE " LEASE " SET holder = ?, expires = " EXPIRES " WHERE name = 'policy'"
        " AND " IS_HOLDER,
    [MARIADB_LEASE_NEW] = "INSERT INTO " LEASE " (holder, expires, name)"
                          " VALUES (?, " EXPIRES ", 'policy')",
    [MARIADB_LEASE_SHORTEN] = "UPDATE " LEASE " SET expires = " EXPIRES
                              " WHERE name = 'policy' AND expires > " EXPIRES,
    [MARIADB_LEASE_HOLDER] = "SELECT holder FROM " LEASE " WHERE name = 'policy'",
};

static const char *const mailcow_texts[MARIADB_COUNT] = {
    [MARIADB_INSERT] = "INSERT INTO " MAILCOW " (dest, policy, parameters, active)"
                       " VALUES (?, ?, ?, 1)",
    [MARIADB_UPDATE] =
        "UPDATE " MAILCOW " SET policy = ?, parameters = ? WHERE " MAILCOW_ROW,
    [MARIADB_ERASE] = "DELETE FROM " MAILCOW " WHERE " MAILCOW_ROW,
};

const char *
mariadb_statement(enum mariadb_statement which, bool mailcow)
{
	return mailcow ? mailcow_texts[which] : own_texts[which];
}

unsigned
mariadb_values(
    const struct change *change, bool mailcow, struct str values[MARIADB_VALUES_MAX])
{
	const struct record *was = change->was;
	unsigned count = 0;

	if (change->kind == CHANGE_INSERT)
		values[count++] = change->key;
	if (change->kind != CHANGE_ERASE) {
		values[count++] = change->level;
		values[count++] = change->attributes;
	}
	if (change->kind == CHANGE_INSERT) {
		if (!mailcow)
			values[count++] = change->owner;
		return count;
	}
	/* By which the row is found as it was. */
	if (mailcow)
		values[count++] = str_of(was->id);
	values[count++] = str_of(was->dest);
	values[count++] = str_of(was->level);
	values[count++] = str_of(was->attributes);
	values[count++] =
	    was->modified[0] == '\0' ? (struct str){NULL, 0} : str_of(was->modified);
	if (!mailcow)
		values[count++] = str_of(was->owner);
	return count;
}

const char *
mariadb_select_from(bool mailcow)
{
	if (mailcow)
		return "SELECT CAST(id AS CHAR), dest, policy, parameters,"
		       " CAST(active AS CHAR), CAST(modified AS CHAR), '' FROM " MAILCOW;
	return "SELECT '', dest, policy, parameters, '1', CAST(modified AS CHAR), owner"
	       " FROM " OWN;
}

/*
 * dest is of a character set that has every letter: a question for one that the set has
 * not would be an error, and an error defers the mail. Its collation is exact: no letter
 * stands for another one, and a blank at the end counts.
 */
const char mariadb_schema[] =
    "CREATE TABLE " OWN " (\n"
    "  dest VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL\n"
    "    PRIMARY KEY\n"
    "    CHECK (dest = LOWER(dest)),\n"
    "  policy ENUM('none', 'may', 'encrypt', 'dane', 'dane-only', 'fingerprint',\n"
    "    'verify', 'secure') CHARACTER SET ascii NOT NULL,\n"
    "  parameters VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL\n"
    "    DEFAULT '',\n"
    "  owner VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL\n"
    "    DEFAULT 'administrator',\n"
    "  modified DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)\n"
    "    ON UPDATE CURRENT_TIMESTAMP(6)\n"
    ") ENGINE = InnoDB;\n"
    "CREATE TABLE " LEASE " (\n"
    "  name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,\n"
    "  holder VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,\n"
    "  expires DATETIME(6) NOT NULL\n"
    ") ENGINE = InnoDB;\n"
    "-- for the user of the login file, and for Postfix:\n"
    "-- GRANT SELECT, INSERT, DELETE, UPDATE (policy, parameters) ON " OWN " TO ...;\n"
    "-- GRANT SELECT, INSERT, UPDATE ON " LEASE " TO ...;\n"
    "-- GRANT SELECT (dest, policy, parameters) ON " OWN " TO ...;\n"
    "-- query = SELECT CONCAT(policy, ' ', parameters) FROM " OWN
    " WHERE dest = LOWER('%s')\n";

#define MAILCOW_GRANT \
	"SELECT, INSERT, DELETE, UPDATE (policy, parameters, active) ON %" MAILCOW
#define OWN_GRANT   "SELECT, INSERT, DELETE, UPDATE (policy, parameters) ON %" OWN
#define LEASE_GRANT "SELECT, INSERT, UPDATE ON %" LEASE

/* A right is asked for before a row is looked for. */
const struct right mariadb_rights[] = {
    {"DO EXISTS (SELECT id, dest, policy, parameters, active, modified FROM " MAILCOW
     " WHERE FALSE)",
        MAILCOW_GRANT, true},
    {"INSERT INTO " MAILCOW " (dest, policy, parameters, active)"
     " SELECT '', 'may', '', 1 FROM DUAL WHERE FALSE",
        MAILCOW_GRANT, true},
    {"UPDATE " MAILCOW " SET policy = 'may', parameters = '' WHERE FALSE", MAILCOW_GRANT,
        true},
    {"DELETE FROM " MAILCOW " WHERE FALSE", MAILCOW_GRANT, true},
    {"DO EXISTS (SELECT dest, policy, parameters, modified, owner FROM " OWN
     " WHERE FALSE)",
        OWN_GRANT, false},
    {"INSERT INTO " OWN " (dest, policy, parameters, owner)"
     " SELECT '', 'may', '', '' FROM DUAL WHERE FALSE",
        OWN_GRANT, false},
    {"UPDATE " OWN " SET policy = 'may', parameters = '' WHERE FALSE", OWN_GRANT, false},
    {"DELETE FROM " OWN " WHERE FALSE", OWN_GRANT, false},
    {"DO EXISTS (SELECT name, holder, expires FROM " LEASE " WHERE FALSE)", LEASE_GRANT,
        false},
    {"INSERT INTO " LEASE " (holder, expires, name)"
     " SELECT '', UTC_TIMESTAMP(6), '' FROM DUAL WHERE FALSE",
        LEASE_GRANT, false},
    {"UPDATE " LEASE " SET holder = '', expires = UTC_TIMESTAMP(6) WHERE FALSE",
        LEASE_GRANT, false},
    {NULL, NULL, false},
};

const char mariadb_place[] = "SELECT CONCAT('`', REPLACE(DATABASE(), '`', '``'), '`.')";

/* The name may have an @, the host has none. */
const char mariadb_account[] =
    "SELECT CONCAT(QUOTE(LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - 1"
    " - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))), '@',"
    " QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))";

/* By the numbers of MariaDB's errors; those from 2000 to 2999 are the library's. */
static const struct {
	unsigned number;
	enum fault_kind kind;
} kinds[] = {
    {1062, FAULT_THEIRS}, {1205, FAULT_BUSY},     /* lock wait timeout */
    {1969, FAULT_BUSY},                           /* max_statement_time */
    {1317, FAULT_BUSY},                           /* KILL QUERY */
    {1213, FAULT_DEADLOCK}, {1927, FAULT_OUTAGE}, /* KILL; the connection is gone */
    {1040, FAULT_OUTAGE},                         /* too many connections */
    {1203, FAULT_OUTAGE},                         /* the same, of this user */
    {1226, FAULT_OUTAGE},                         /* the same, within an hour */
    {1047, FAULT_OUTAGE},                         /* a node of Galera that is not ready */
    {1053, FAULT_OUTAGE},                         /* it goes down */
    {1021, FAULT_OUTAGE},                         /* no room */
    {1114, FAULT_OUTAGE},                         /* the same */
    {1129, FAULT_OUTAGE}, /* too many connections of this host failed */
    {1290, FAULT_READ_ONLY}, {1792, FAULT_READ_ONLY}, {1836, FAULT_READ_ONLY},
    {1044, FAULT_RIGHTS}, {1045, FAULT_RIGHTS}, {1130, FAULT_RIGHTS},
    {1142, FAULT_RIGHTS}, {1143, FAULT_RIGHTS}, {1227, FAULT_RIGHTS},
    {1370, FAULT_RIGHTS}, {1698, FAULT_RIGHTS}, {1048, FAULT_VALUE}, {1264, FAULT_VALUE},
    {1265, FAULT_VALUE}, {1292, FAULT_VALUE}, {1366, FAULT_VALUE}, {1406, FAULT_VALUE},
    {3819, FAULT_VALUE}, {4025, FAULT_VALUE},
    {1644, FAULT_VALUE}, /* SIGNAL, of a trigger */
};

enum fault_kind
mariadb_kind(unsigned number)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].number == number)
			return kinds[i].kind;
	return number >= 2000 && number < 3000 ? FAULT_OUTAGE : FAULT_OTHER;
}
