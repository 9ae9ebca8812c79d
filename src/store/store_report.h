/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a report of a month is made of. Months are those of UTC, as "2026-11". What of all
 * destinations is counted by month stays when days are thinned and destinations deleted.
 */
#ifndef STORE_STORE_REPORT_H
#define STORE_STORE_REPORT_H

#include "store/store.h"

/* Begin the names of tallies: of mail by how it was protected (protection_name()), and of
 * destinations that are deleted, or whose days are thinned, by grade_name(). */
#define STORE_SENT  "sent:"
#define STORE_GRADE "grade:"

/*
 * What one node sent is counted as well, "node:HOST sent:dane" beside "sent:dane". A node
 * is given by its host; "": all that was sent, by whichever.
 */
#define STORE_OF_NODE   "node:"
#define STORE_WHAT_SIZE 112
void store_sent_what(const char *node, const char *protection, char out[STORE_WHAT_SIZE]);

/* So much was sent on that day, to whomever, protected so. */
bool store_month_add(struct store *store, int64_t day, const char *node,
    const char *protection, uint64_t count, struct err *err);

/* Both of all months, the oldest first. Texts are valid for the call. */
typedef void month_fn(void *context, const char *month, const char *what, uint64_t count);
bool store_each_month(
    struct store *store, const char *node, month_fn *fn, void *context, struct err *err);

/* What was sent to each destination from the day first until the day before end, those of
 * one destination together. */
typedef void sent_fn(
    void *context, const char *key, const char *protection, uint64_t count);
bool store_each_sent(struct store *store, const char *node, int64_t first, int64_t end,
    sent_fn *fn, void *context, struct err *err);

/* Decisions that changed an entry, and the administrator's, in the order of time; of the
 * record time, action, both demands and why. */
typedef void change_fn(
    void *context, const char *key, const struct decision_record *record);
bool store_each_change_between(struct store *store, int64_t from_ms, int64_t until_ms,
    change_fn *fn, void *context, struct err *err);

/* The same of each destination, in order of keys: what it had before its first change
 * then and after its last, and why that was. What changed no entry is left out. */
typedef void net_change_fn(void *context, const char *key, struct demand before,
    struct demand after, enum why why);
bool store_each_net_change(struct store *store, int64_t from_ms, int64_t until_ms,
    net_change_fn *fn, void *context, struct err *err);

/* Destinations whose mail waits, in order of keys. why: decided last. arrival_ms: when
 * the first message came into the queue; failed_ms: when mail first failed since it last
 * flowed; 0: not known. */
typedef void standing_wait_fn(
    void *context, const char *key, enum why why, int64_t arrival_ms, int64_t failed_ms);
bool store_each_standing_wait(
    struct store *store, standing_wait_fn *fn, void *context, struct err *err);

/* What was sent in cleartext to each destination from the day first until the day before
 * end. is_new: nothing was from the day before_first on. */
typedef void cleartext_fn(void *context, const char *key, uint64_t count, bool is_new);
bool store_each_cleartext(struct store *store, int64_t first, int64_t end,
    int64_t before_first, cleartext_fn *fn, void *context, struct err *err);

#endif
