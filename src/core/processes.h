/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each smtp(8) process said last: its session and policy look-up lines tell what its
 * next status lines are about. Bounded; the one silent longest is forgotten first.
 */
#ifndef CORE_PROCESSES_H
#define CORE_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/cause.h"
#include "core/nexthop.h"
#include "core/status.h"

#define PROCESSES      256 /* of one Postfix; default_process_limit is 100 */
#define PROCESS_FAULTS 3   /* servers of a message: smtp_mx_session_limit is 2 */

/* What failed with a server. */
struct process_fault {
	enum cause cause;
	uint16_t port; /* 0: not told */
	char host[NEXTHOP_HOST_SIZE];
};

/* The last lines of a process. */
struct process {
	uint32_t pid;
	uint16_t
	    next; /* one with the same remainder of its pid, counted from 1; 0: none */
	bool has_session;
	enum session_grade grade;
	unsigned fault_count; /* of faults: what it said of servers since the last
	                       * message, or of that one */
	uint64_t used;        /* for finding the one that has been silent longest */
	char queue_id[64];    /* the message the session was for; "": the next */
	uint16_t peer_len;
	char peer[NEXTHOP_HOST_SIZE + 64]; /* "host[address]" of the session */
	char nexthop[NEXTHOP_KEY_SIZE];    /* of its last policy look-up; "": none */
	char reason[128];                  /* and the reason that it gives */
	char fault_id[88]; /* the message, domain and server they are of; "": the next */
	struct process_fault faults[PROCESS_FAULTS];
};

/* {0}: none yet. */
struct processes {
	struct process items[PROCESSES];
	uint16_t by_pid[PROCESSES]; /* the first with that remainder, counted from 1 */
	uint64_t used;
};

/* NULL: not known, or forgotten. */
struct process *processes_find(struct processes *all, uint32_t pid);

/* The same, new if need be; it is now the one that spoke last. */
struct process *processes_get(struct processes *all, uint32_t pid);

/* Its session line, or its policy look-up line, was read. */
void process_note_session(struct process *p, const struct session_line *s);
void process_note_policy(struct process *p, const struct policy_line *policy);

/* TLS failed with a server. The first cause that has a name counts. */
void process_note_fault(struct process *p, const struct fault_line *fault);

/* What failed with a server for the message that was bound last; NONE: not known. host:
 * in small letters. */
enum cause process_cause(const struct process *p, const char *host);

/*
 * A session line is about the next message of its process, and all its recipients. What
 * comes after that without one was sent without TLS: a connection that is used again is
 * logged again ("reused"). What failed is about a message's status lines of one domain or
 * one server.
 */
void process_bind(struct process *p, const struct status_line *s);

/*
 * Did Postfix name the next-hop of this attempt? A look-up that fails for the last MX
 * host is the reason of the status line, word for word, and no server was reached. A
 * process that goes on to another destination of the same message would look up, and
 * name, that one before it could fail alike. p may be NULL.
 */
bool process_named(const struct process *p, const struct status_line *s);

/* As lines of text, and back into {0}; what does not fit the form is skipped. */
void processes_save(const struct processes *all, struct buf *out);
void processes_load(struct processes *all, struct str saved);

#endif
