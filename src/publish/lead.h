/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Of several tlsladders that write to one table (publish with `schema: own`) one leads:
 * it has the lease, a row beside that table. The others stand by: they follow and learn,
 * and neither decide nor write. Whoever takes the lease from another takes over the rows
 * that are there before anything else. All of it blocks; belongs into a worker or a
 * command.
 */
#ifndef PUBLISH_LEAD_H
#define PUBLISH_LEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/answer.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/config.h"
#include "core/rows.h"
#include "store/store.h"

#define LEAD_S        30    /* a lease, by the clock of the database */
#define LEAD_RENEW_MS 10000 /* how often it is renewed */
#define LEAD_STAND_MS 3000  /* how often it is asked for by whoever stands by */

/* Has its table a lease? */
bool lead_has_lease(const struct publisher *publisher);
/* Is there such a table? Else this tlsladder always leads. */
bool lead_is_shared(const struct config *config);

/* Who we are for the others, the same as long as the state lives: "HOST:NUMBER". */
bool lead_print_name(struct store *store, struct buf *out, struct err *err);

struct lead {
	enum answer leads;                /* YES, or NO: we stand by */
	char holder[ROWS_HOLDER_MAX + 1]; /* who leads, or led before us; "": always we */
	bool is_shortened;                /* NO: its lease lasted for longer than any */
	size_t taken_over;                /* entries that differed from the rows */
};

/*
 * Renew the leases of all such tables, or take those that ended. False: err says why, as
 * that our state cannot be written, and then none is asked for; we lead no longer than
 * the leases that we had. stop_fd: of child_stopper(), or 0.
 */
bool lead_keep(const struct config *config, int64_t now_ms, int stop_fd, struct lead *out,
    struct err *err);

/* For the other commands: what came of that last. "": we lead, else who does. */
#define LEAD_HOLDER "lead-holder"

#endif
