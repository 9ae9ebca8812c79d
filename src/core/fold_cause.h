/* SPDX-License-Identifier: BSD-2-Clause */
/* Why TLS failed with which server, as a process said it before its status lines: for
 * fold.c. */
#ifndef CORE_FOLD_CAUSE_H
#define CORE_FOLD_CAUSE_H

#include "core/fold.h"
#include "core/processes.h"

/* What was said of servers before a status line of time_ms is kept with each. */
void fold_cause_faults(struct fold_item *item, const struct process *p, int64_t time_ms);

/* That failed with the server that the deferral is about; NONE: not known. port: as of
 * fold_host_named(). */
void fold_cause_deferred(struct fold_item *item, enum cause cause, uint16_t port,
    struct fold_deferral *deferral);

/* "QID: REASON": the server that it names failed for what it says. */
void fold_cause_named(struct processes *processes, const struct parsed *line);

#endif
