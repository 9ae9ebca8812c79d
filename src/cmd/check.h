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
	bool news; /* the daemon knew it otherwise, and looks at it now */
};

/* The state, where it may be written; else NULL, and nothing is said. */
struct store *check_open_state(const struct config *config);

/* Where it is news of an entry, or of mail that waits: the daemon is to look at once. */
bool check_tell_daemon(
    struct store *store, const struct config *config, const struct check *check);

void check_print(const struct check *check, struct buf *out);
void check_print_json(const struct check *check, struct buf *out);

#endif
