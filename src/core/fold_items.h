/* SPDX-License-Identifier: BSD-2-Clause */
/* The items of a fold by their keys, and what is counted in each. */
#ifndef CORE_FOLD_ITEMS_H
#define CORE_FOLD_ITEMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "core/fold.h"

struct slot; /* opaque */

struct fold_items {
	struct slot *slots; /* open addressing, a power of two */
	size_t slot_count;
	size_t size;
	struct fold_item *first;
	struct fold_item **last;
	struct fold_ended *ended;
	size_t ended_count;
};

void fold_items_init(struct fold_items *all);
void fold_items_empty(struct fold_items *all); /* ready for the next ones */
void fold_items_clear(struct fold_items *all); /* over */

/* Small and capital letters alike. The same for every fold: a parser may know it before.
 */
uint32_t fold_items_hash(struct str key);

/* NULL: there is none of that key, in whatever case it is spelled. hash: of the key. */
struct fold_item *fold_items_find(
    const struct fold_items *all, struct str key, uint32_t hash);

/* A key of that hash is looked for soon: first the place in the table is brought near,
 * some lines later the item (which it returns; NULL: none), then its first server and the
 * name of that. They change nothing. */
void fold_items_expect_slot(const struct fold_items *all, uint32_t hash);
const struct fold_item *fold_items_expect(const struct fold_items *all, uint32_t hash);
void fold_item_expect_host(const struct fold_item *item);
void fold_item_expect_name(const struct fold_item *item);

/* The same by a whole key, new if need be. */
struct fold_item *fold_items_get(struct fold_items *all, const char *key);

/* That message waits no more for recipients of that domain (empty: for nobody). begun_ms:
 * the attempt that sent it; 0: it was not sent. */
void fold_items_end(
    struct fold_items *all, struct str queue_id, struct str domain, int64_t begun_ms);

/* One more of what (enum fold_what) on the day of time_ms. */
void fold_item_tally(
    struct fold_item *item, int64_t time_ms, unsigned what, unsigned node);

/* A message was bounced: it stays counted whatever follows in the log, as it is lost. */
void fold_item_lost(struct fold_item *item, struct str reason, int64_t time_ms);

/* An attempt that failed for what that rule says, which matters before cleartext is
 * allowed; NULL: that says nothing of TLS there. */
void fold_item_tried(struct fold_item *item, const struct rule_source *rule,
    int64_t attempt_ms, int64_t time_ms);

/* The message of that line, which a rule recognised, waits: once, as its last line has
 * it, and only as many as are worth keeping. reason: of what it waits for. */
void fold_item_waits(struct fold_item *item, struct str id,
    const struct status_line *line, unsigned rule, struct reason_mark reason,
    int64_t time_ms);

#endif
