/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted, as Prometheus reads it (its text format, version 0.0.4). Counters are
 * rows of the state, named by a word and, behind a colon, what it was; all else is asked
 * when it is printed. A new metric is a row in metrics.c.
 */
#ifndef ENGINE_METRICS_H
#define ENGINE_METRICS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/config.h"
#include "core/rules.h"
#include "store/store.h"

/* The words of the counters that engine_count() counts. */
#define METRIC_DECISIONS "decisions" /* by why */
#define METRIC_DNS       "dns"       /* by dane_state_name() */
#define METRIC_PROBES    "probes"    /* by probe_end_name() */
#define METRIC_EXPORTS   "exports"
#define METRIC_RETRIES   "retries" /* messages */
#define METRIC_FLUSHES   "flushes"
/* And of that which the log does. */
#define METRIC_DEFERRALS "deferrals" /* by rule */

/* Add the metrics of that state to out. False: it could not be read, and out is as it was
 * or longer. */
bool metrics_print(struct store *store, const struct config *config,
    const struct rules *rules, struct buf *out, struct err *err);

#endif
