/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: entries that the administrator set and tlsladder does not change while they are
 * pinned. For set, unset and undo.
 */
#ifndef CMD_PIN_H
#define CMD_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/config.h"
#include "core/demand.h"
#include "store/store.h"

enum pin_action { PIN_SET, PIN_UNSET, PIN_UNDO };

/* What the entry is to be. Texts are borrowed. */
struct pin {
	enum pin_action action;
	const char *key;
	struct demand entry; /* of PIN_SET and PIN_UNDO; LEVEL_NONE: no entry, the default
	                      * level applies */
	int64_t for_ms;      /* how long it stays pinned; 0: for good */
	const char *note;    /* of PIN_SET */
};

/*
 * Choose what to pin, with the store as it is in the transaction that stores it. False:
 * nothing is to be done, which was reported; *status is the exit status.
 */
typedef bool pin_choose_fn(
    void *context, struct store *store, struct pin *pin, int *status);

/*
 * The whole of it: the database first, then the map; the daemon sees the one and need
 * not do the other. choose NULL: the pin stands already. The exit status.
 */
int pin_apply(
    const struct config *config, struct pin *pin, pin_choose_fn *choose, void *context);

#endif
