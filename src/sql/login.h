/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The login file: how a database is reached, with its password. Of the form of option
 * files of MariaDB and service files of PostgreSQL: KEY = VALUE below [tlsladder]; other
 * groups are skipped. Who can read it could change the table, and who can change the
 * table can take TLS from any destination: so it is refused if others could read it, or
 * if the password would cross a network to a server that does not prove who it is.
 */
#ifndef SQL_LOGIN_H
#define SQL_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define LOGIN_FILE_MAX   65536
#define LOGIN_PLACES_MAX 8

enum login_key {
	LOGIN_HOST, /* a list, parted by commas: the next one is asked where one is down
	             * or read-only. A path, or none: a unix socket */
	LOGIN_PORT, /* one, or one for each host */
	LOGIN_SOCKET,
	LOGIN_USER,
	LOGIN_PASSWORD,
	LOGIN_PASSFILE,
	LOGIN_DATABASE,
	LOGIN_VERIFY, /* the setting that makes a server prove who it is */
	LOGIN_CA,
	LOGIN_CERTIFICATE,
	LOGIN_KEY,
	LOGIN_KEY_COUNT,
};

/* What an engine calls them. */
struct login_words {
	const char *names[LOGIN_KEY_COUNT]; /* NULL: it has none; "_" and "-" are one */
	const char *verifies; /* the value of LOGIN_VERIFY that does; NULL: on, true, 1 or
	                       * none */
};

/* Where one server is. */
struct place {
	const char *host; /* a name, an address or the path of a socket; NULL: the
	                   * library's own socket */
	uint16_t port;    /* 0: the usual one */
	bool is_near;     /* a socket or a loopback address: nobody is between */
};

struct login {
	char *values[LOGIN_KEY_COUNT]; /* NULL: not set */
	struct place places[LOGIN_PLACES_MAX];
	unsigned place_count; /* at least 1 */
	char *hosts;          /* the list, cut into places */
};

/* Reads and checks it. False: refused, and err says why without anything that is in it
 * but names. *out is to be cleared in any case. */
bool login_read(const char *path, const struct login_words *words, struct login *out,
    struct err *err);

/* The same of a text, for tests: what is in it, not whose the file is. */
bool login_parse(
    struct str text, const struct login_words *words, struct login *out, struct err *err);

/* Overwrites the secrets as well. */
void login_clear(struct login *login);

#endif
