/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail that was sent, as it is counted: by day and protection, of each destination and of
 * all by month; of each node the same, where there are several.
 */
#ifndef ENGINE_INTAKE_SENT_H
#define ENGINE_INTAKE_SENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/protection.h"
#include "store/store.h"

struct intake_sent {
	int64_t day;      /* since the epoch, UTC */
	const char *node; /* fold_node_host(); borrowed */
	enum protection protection;
	uint64_t count;
};

/* Of a destination. */
bool intake_sent_store(
    struct store *store, int64_t id, const struct intake_sent *sent, struct err *err);

/* Of all. {0}: none yet; ends with intake_sents_clear(). */
struct intake_sents {
	struct intake_sent *items;
	size_t count;
};
void intake_sent_note(struct intake_sents *all, const struct intake_sent *sent);
bool intake_sents_store(
    struct store *store, const struct intake_sents *all, struct err *err);
void intake_sents_clear(struct intake_sents *all);

#endif
