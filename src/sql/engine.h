/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs for SQL tables differ in: the library of their database, its dialect
 * and its errors. Each program is linked with one struct engine.
 */
#ifndef SQL_ENGINE_H
#define SQL_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/rows.h"
#include "sql/login.h"

#define ENGINE_NETWORK_S 3 /* to connect, and for each answer of the server */
/*
 * So long a statement waits for a lock, and runs: less than what its answer is waited
 * for, so that the server ends it, the connection stays, and the other keys have their
 * turn. A listing answers while it runs.
 */
#define ENGINE_LOCK_S      "2"
#define ENGINE_STATEMENT_S "2.5"
#define ENGINE_LISTING_S   "8"
/* So long the server keeps the locks of one of us that hangs within a transaction. */
#define ENGINE_IDLE_S "5"

enum fault_kind {
	FAULT_THEIRS,    /* there is such a row */
	FAULT_BUSY,      /* that row is locked */
	FAULT_DEADLOCK,  /* the same, and the transaction is over */
	FAULT_OUTAGE,    /* no connection, or none any more */
	FAULT_READ_ONLY, /* this host takes no changes */
	FAULT_RIGHTS,
	FAULT_VALUE, /* the table cannot hold it: of that row alone */
	FAULT_OTHER,
};

/* Why a statement failed. Plain. */
struct fault {
	enum fault_kind kind;
	char text[512]; /* the database's words, with its number for it */
};

enum outcome {
	OUTCOME_FAILED, /* the fault says why */
	OUTCOME_NONE,   /* no row is as it must be */
	OUTCOME_DONE,
};

/* A row of the table. What has no room is cut, and then equals nothing of ours. */
struct record {
	char dest[1100];
	char id[ROWS_ID_MAX + 1];
	char level[64];
	char attributes[1100];
	char modified[ROWS_MODIFIED_MAX + 1]; /* "": never */
	char owner[128];                      /* "": the table names none */
	bool active;                          /* false too where it can answer nothing */
};

enum change_kind {
	CHANGE_INSERT,
	CHANGE_UPDATE, /* if the row is still as it was, in everything */
	CHANGE_ERASE,  /* the same */
};

struct change {
	enum change_kind kind;
	struct str key, owner;        /* of an insert */
	struct str level, attributes; /* the same, and of an update */
	const struct record *was;     /* of the others */
	enum outcome outcome;         /* of one of many */
};

typedef void record_fn(const struct record *record, void *context);

/* What a table is needed for: statements that do nothing, but need the right to do it. */
struct right {
	const char *sql;
	const char *grant; /* "SELECT, INSERT ON TABLE", with %s before the table's name;
	                    * of several of one table the same */
	bool mailcow;      /* of that table, else of our own */
};

/* A connection. Each engine has its own. */
struct connection;

/* One batch is one transaction. The texts are ASCII, as core/rows.h has them. */
struct engine {
	const char *program;
	const struct login_words *login;
	bool has_mailcow; /* is mailcow's table one of this database? */
	const char *schema;

	/* To one place of the login, and the session is set up. NULL: the fault. */
	struct connection *(*open)(const struct login *login, const struct place *place,
	    bool mailcow, struct fault *fault);
	void (*close)(
	    struct connection *connection); /* and NULL; a transaction is undone */

	bool (*begin)(struct connection *connection, struct fault *fault);
	/* False: FAULT_OUTAGE means that nobody knows whether it is committed; after all
	 * others it is not. */
	bool (*commit)(struct connection *connection, struct fault *fault);
	bool (*undo)(struct connection *connection, struct fault *fault);

	/* Does a transaction outlive a statement that failed (but for FAULT_DEADLOCK)? */
	bool outlives;

	/* From now on to the end of the transaction locks are hardly waited for. */
	bool (*hurry)(struct connection *connection, struct fault *fault);

	/* NO where this host takes no changes now. */
	enum outcome (*is_writable)(struct connection *connection, struct fault *fault);

	/* Any statement, and the first value of a query. */
	bool (*query)(
	    struct connection *connection, const char *sql, struct fault *fault);
	bool (*first)(struct connection *connection, const char *sql, char *out,
	    size_t size, struct fault *fault);
	const struct right *rights; /* grant NULL: no more */
	const char *place_sql;      /* a query for what stands before a name: "`base`." */
	const char *account_sql;    /* ... for whom is to be granted something */

	/* The rows that the table holds for any of keys, or all of them. */
	bool (*select)(struct connection *connection, const struct str *keys,
	    size_t count, record_fn *fn, void *context, struct fault *fault);
	bool (*select_all)(struct connection *connection, record_fn *fn, void *context,
	    struct fault *fault);

	/* One change. id (ROWS_ID_MAX + 1 octets): of a row that is new. */
	enum outcome (*change)(struct connection *connection, const struct change *change,
	    char *id, struct fault *fault);
	/* Many of one kind, without waiting for each; their outcomes. False: the fault,
	 * and the transaction is to be undone. FAULT_THEIRS also where some are not as
	 * they must be, and nobody says which. */
	bool (*change_many)(struct connection *connection, struct change *changes,
	    size_t count, struct fault *fault);

	/* Take or renew the lease by the clock of the database; renews: one that was
	 * another's last is not taken. NONE: it is another's, whose name is in other
	 * (ROWS_HOLDER_MAX + 1 octets) then. */
	enum outcome (*lease)(struct connection *connection, struct str holder,
	    uint32_t seconds, bool renews, char *other, struct fault *fault);
	/* One that is longer lasts for so long from now on, as after the clock was set
	 * back. NONE: it is not longer. */
	enum outcome (*shorten)(
	    struct connection *connection, uint32_t seconds, struct fault *fault);
};

extern const struct engine engine;

#endif
