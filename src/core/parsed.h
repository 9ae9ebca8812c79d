/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A log line that the fold wants, parsed: what it takes from the text of a line is all
 * here, so that lines can be parsed in one thread and folded in another.
 */
#ifndef CORE_PARSED_H
#define CORE_PARSED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/logline.h"
#include "core/status.h"

enum parsed_kind {
	PARSED_STATUS,
	PARSED_SESSION,
	PARSED_POLICY,
	PARSED_EXPIRY,
	PARSED_FAULT,
	PARSED_REASON,
	PARSED_START,   /* Postfix started, or read its settings again */
	PARSED_STRANGE, /* like a status line, in a form that is not known */
};

/* Slices borrow from the line that it was made of. */
struct parsed {
	enum parsed_kind kind;
	uint32_t process; /* the smtp(8) process of a host: of its name and process id */
	uint32_t hash;    /* of a status line's domain, fold_items_hash() */
	int64_t time_ms;
	/* Of a status line, for core/covered.h; writer 0: its time is not written. */
	uint64_t writer;
	uint64_t print;
	int64_t second;
	bool is_ahead;     /* stamped later than it was read */
	uint64_t instance; /* parsed_instance(), of START and of a status line that is
	                    * ambiguous; else 0 */
	union {
		struct status_line status;
		struct session_line session;
		struct policy_line policy;
		struct str expired; /* the queue id */
		struct fault_line fault;
		struct reason_line reason;
		bool start_quotes; /* the version that started quotes addresses */
	};
	struct str host; /* of the line; "" */
	struct str tag;  /* the instance of Postfix that wrote it; "" */
	struct str service;
	struct str
	    text; /* of a status line: parsed again, it gives the same; or STRANGE */
};

/* False: a line of another program, or of another kind, and *out is of no use. time_ms is
 * left to the caller. */
bool parsed_from(const struct logline *line, struct parsed *out);

/* Which Postfix wrote it, of those of a log: its host, and what its syslog name begins
 * with, as services may have names of their own behind that. Never 0. */
uint64_t parsed_instance(const struct logline *line);

/* The line that stood at from is at to now: its slices are of that one. */
void parsed_move(struct parsed *parsed, const char *from, const char *to);

/* Of a line that was split (NULL: could not be) and is nothing of the above: is it
 * PARSED_STRANGE? */
bool parsed_from_strange(
    struct str line, const struct logline *split, struct parsed *out);

/* The same of the text of a status line, without a process. */
bool parsed_from_status(struct str text, struct str service, struct parsed *out);

#endif
