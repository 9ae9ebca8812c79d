/* SPDX-License-Identifier: BSD-2-Clause */
/* What the daemon logs of a decision. */
#ifndef CMD_RUN_REPORT_H
#define CMD_RUN_REPORT_H

#include "engine/engine.h"

/* An engine_decided_fn: a line where it is another decision than before. */
void run_report_decided(
    void *context, const struct destination *d, const struct judged *judged);

#endif
