/* SPDX-License-Identifier: BSD-2-Clause */
/* MariaDB's dialect: the statements, and what the numbers of its errors mean. */
#ifndef SQL_MARIADB_SQL_H
#define SQL_MARIADB_SQL_H

#include "sql/engine.h"

extern const struct login_words mariadb_words;

/* What each session begins with. */
extern const char mariadb_session[];

enum mariadb_statement {
	MARIADB_INSERT,
	MARIADB_UPDATE,
	MARIADB_ERASE,
	MARIADB_LEASE,
	MARIADB_LEASE_RENEW,
	MARIADB_LEASE_NEW,
	MARIADB_LEASE_SHORTEN,
	MARIADB_LEASE_HOLDER,
	MARIADB_COUNT,
};

/* Of mailcow's table, or of our own; NULL: there is none. */
const char *mariadb_statement(enum mariadb_statement which, bool mailcow);

#define MARIADB_VALUES_MAX 8

/* The values of the statement for that change, parts of it; their number. One whose p is
 * NULL is NULL. */
unsigned mariadb_values(
    const struct change *change, bool mailcow, struct str values[MARIADB_VALUES_MAX]);

/* Reads all rows; " WHERE dest IN (...)" may follow. Its columns are id, dest, policy,
 * parameters, active, modified, owner. */
const char *mariadb_select_from(bool mailcow);

extern const char mariadb_schema[];

/* The rights that are needed, and what a GRANT names. */
extern const struct right mariadb_rights[];
extern const char mariadb_place[], mariadb_account[];

/* Of an error of the server, or (2000 to 2999) of the library. */
enum fault_kind mariadb_kind(unsigned number);

#endif
