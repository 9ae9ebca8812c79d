/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A malformed database of the daemon is set aside, under the daemon's lock; the engine on
 * a new one takes the entries over from the map. No retry would mend it.
 */
#ifndef CMD_RUN_HEAL_H
#define CMD_RUN_HEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/config.h"
#include "core/rules.h"
#include "engine/engine.h"

/* {0} at first. */
struct heal {
	bool healed;     /* the database was set aside by this process */
	int64_t last_ms; /* wall clock: when it last was; 0: never */
	struct err why;  /* how it is malformed */
	struct err line; /* what the administrator has to know; "": nothing */
};

/* It was found to be malformed like that. */
void heal_note(struct heal *heal, const char *why);

/* Set it aside, as was noted. False: it cannot be renamed, or the one before was set
 * aside within the last hour: that is the disk. */
bool heal_set_aside(
    struct heal *heal, const struct config *config, int64_t now_ms, struct err *err);

/* Before the first engine: checked, unless it is too large, and set aside where it is
 * malformed. */
bool heal_check(
    struct heal *heal, const struct config *config, int64_t now_ms, struct err *err);

/* The engine, or NULL; one that is too large to be checked before and cannot be opened is
 * set aside as well. It has alerted what there was to say. */
struct engine *heal_engine(struct heal *heal, const struct config *config,
    const struct rules *rules, engine_decided_fn *decided, int64_t now_ms,
    struct err *err);

#endif
