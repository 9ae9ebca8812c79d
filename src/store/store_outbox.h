/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts that are to be mailed, a line each. writer: the process that does it, a number
 * of its own. Those up to *id are sent; those of others become a process's own, fn() gets
 * them in their order. Outside of a transaction; false: they are others' as before,
 * whatever fn() got.
 */
#ifndef STORE_STORE_OUTBOX_H
#define STORE_STORE_OUTBOX_H

#include "store/store.h"

bool store_outbox_add(
    struct store *store, int64_t writer, const char *line, int64_t *id, struct err *err);
bool store_outbox_sent(struct store *store, int64_t writer, int64_t id, struct err *err);
typedef void outbox_fn(void *context, int64_t id, const char *line);
bool store_outbox_take(
    struct store *store, int64_t writer, outbox_fn *fn, void *context, struct err *err);

#endif
