/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers that smtp(8) passed over for TLS before it came to the last one of a message.
 * The status line tells of the last one alone; of the others there is "QID: REASON"
 * before it, which names neither recipient nor, mostly, server. Lines of one process
 * belong together. Bounded: one reason a process, and of so many processes.
 */
#ifndef CORE_PASSED_H
#define CORE_PASSED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/nexthop.h"
#include "core/reason.h"
#include "core/status.h"

#define PASSED_MAX 128 /* processes; the one silent longest is forgotten first */

/* What one process said of servers since its last status line. */
struct passed {
	uint32_t pid;
	uint64_t used; /* for finding the one that has been silent longest */

	/* the server of the last line that names one, and what failed with it */
	enum tls_step step;
	char host[NEXTHOP_HOST_SIZE]; /* "": none */

	/* the reason that tells most of those of this message */
	char queue_id[64];             /* "": none */
	char reason[REASON_SIZE];      /* cut */
	char relay[NEXTHOP_HOST_SIZE]; /* the server that it is about; "": not known */
	unsigned rank;                 /* see trouble_rank() */
	int64_t time_ms;
	bool bound; /* a status line of that message was read: the reason is of ... */
	uint32_t domain; /* ... recipients of this domain, fold_items_hash() */
};

/* {0}: none yet. */
struct passed_table {
	uint64_t used;
	unsigned count;
	uint32_t pids[PASSED_MAX]; /* of the items */
	struct passed items[PASSED_MAX];
};

/* Such a line of a process was read. */
void passed_note_fault(
    struct passed_table *table, uint32_t pid, const struct fault_line *fault);

/* Reasons of a higher rank tell more. peer: the server of the last session line of the
 * process, if that is of no other message; "": none. */
void passed_note_reason(struct passed_table *table, uint32_t pid,
    const struct reason_line *reason, const char *peer, unsigned rank, int64_t time_ms);

/*
 * What was said before this status line of a process, for its recipient; NULL: nothing,
 * or its message was sent, or is not in the queue any more. It is forgotten with the next
 * message. began_ms: when the attempt began. domain: a hash of the recipient's. Valid
 * until the table changes.
 */
const struct passed *passed_take(struct passed_table *table, uint32_t pid,
    const struct status_line *status, uint32_t domain, int64_t began_ms);

/* As lines of text, and back; what does not fit the form is skipped. They stand in one
 * text with processes_save(), whose lines are of another form. */
void passed_save(const struct passed_table *table, struct buf *out);
void passed_load(struct passed_table *table, struct str saved);

#endif
