/* SPDX-License-Identifier: BSD-2-Clause */
/* One destination as `check` found it, for check.c and what prints it. */
#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "base/buf.h"
#include "conf/config.h"
#include "core/grade.h"
#include "measure/measure.h"
#include "store/store.h"

struct check {
	const struct grade_settings *settings;
	struct measure_item item;
	const struct measurement *found;
	struct grading grading;
	bool news; /* differs from what the daemon knew; it re-checks now */
};

/* The state, if it may be written; else NULL, without a report. */
struct store *check_open_state(const struct config *config);

/* If the result is news of an entry or of waiting mail, have the daemon re-check at
 * once. */
bool check_tell_daemon(
    struct store *store, const struct config *config, const struct check *check);

void check_print(const struct check *check, struct buf *out);
void check_print_json(const struct check *check, struct buf *out);

#endif
