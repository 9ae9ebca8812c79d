/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: entries that the administrator set and tlsladder does not change while they are
 * pinned. For set, unset and undo, of one destination or many.
 */
#ifndef CMD_PIN_H
#define CMD_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "cmd/cmd.h"
#include "conf/config.h"
#include "core/destination.h"
#include "store/store.h"

enum pin_action { PIN_SET, PIN_UNSET, PIN_UNDO };

/* What the entry of one destination is to be, and what it was. */
struct pin {
	struct nexthop nexthop; /* its key counts */
	size_t line;            /* of the file it was read from; 0: none */
	struct demand entry; /* owned; of PIN_SET and PIN_UNDO. LEVEL_NONE: no entry, the
	                      * default level applies */
	int64_t until_ms;    /* how long it stays pinned; 0: for good */
	bool gives_back;     /* of PIN_UNDO: the pin that was there before */
	char note[sizeof(((struct destination *)0)->pin.note)]; /* of a pin */
	struct demand before; /* owned; set by pins_apply() */
};

struct pins {
	enum pin_action action;
	struct pin *items;
	size_t count;
	int64_t now_ms; /* the moment at which they are set */
};

/* A new one, zeroed, good until the next. */
struct pin *pins_add(struct pins *pins, const struct nexthop *nexthop);
void pins_clear(struct pins *pins);

/* Two of the same key; the second stands behind the first. False: there are none. */
bool pins_find_twice(
    const struct pins *pins, const struct pin **first, const struct pin **second);

/* Arguments, each a key, into pins. 0, or EX_USAGE after it was reported. */
int pins_add_arguments(
    struct pins *pins, const struct command *command, char *const *names, size_t count);

/*
 * Choose what one becomes, with the store as it is in the transaction that stores all.
 * False: that cannot be, which was reported; *status is the exit status.
 */
typedef bool pin_choose_fn(
    void *context, struct store *store, struct pin *pin, int *status);

/*
 * All of them or, where one cannot be, none, in one transaction; then the map, once. The
 * daemon sees the one and need not do the other. choose NULL: they are chosen already.
 * The exit status.
 */
int pins_apply(
    const struct config *config, struct pins *pins, pin_choose_fn *choose, void *context);

/* What was done with each, a line each, to standard output. It is done, even where that
 * cannot be written: EX_IOERR then, which was reported; else 0. */
int pins_print(const struct pins *pins);

#endif
