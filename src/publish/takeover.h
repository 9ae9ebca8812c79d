/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A state that published nothing yet, beside a map of ours with entries: the state was
 * lost, or set aside as malformed. Its entries and pins are taken over from the map's
 * text, and are never exported over. Blocks.
 */
#ifndef PUBLISH_TAKEOVER_H
#define PUBLISH_TAKEOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/config.h"
#include "store/store.h"

struct takeover {
	size_t entries; /* pins among them; 0: there was nothing to take over */
	size_t pins;
};

/* Was nothing published from the state, nor taken over into it? */
bool takeover_is_new(struct store *store, bool *new, struct err *err);

/* How many entries a take-over would find; 0: it is not called for. store NULL: there is
 * no state at all. Nothing is changed. */
bool takeover_wanted(struct store *store, const struct config *config,
    struct takeover *out, struct err *err);

/* Take over what is wanted, in a transaction of its own. Destinations that the state
 * knows already stay as they are. */
bool takeover(struct store *store, const struct config *config, int64_t now_ms,
    struct takeover *out, struct err *err);

/* When entries were taken over, and how many; 0: never. */
bool takeover_last(
    struct store *store, int64_t *at_ms, struct takeover *out, struct err *err);

/* "the state FILE was missing or empty: N entries, M of them pins, were taken over from
 * MAP ..." */
void takeover_print(
    const struct config *config, const struct takeover *takeover, struct buf *out);

/* When an entry that was taken over is re-checked: spread over the second half of a
 * lease, not all servers at once. */
int64_t takeover_look_ms(const struct config *config, const char *key, int64_t now_ms);

#endif
