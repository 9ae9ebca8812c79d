/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of a shared table become the entries of whoever leads from now on. */
#ifndef PUBLISH_LEAD_ROWS_H
#define PUBLISH_LEAD_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/config.h"
#include "store/store.h"

/*
 * Each row of a tlsladder becomes the entry of its destination, in force already, and
 * what has no row has no entry, as another decided that later than we did. Pins are ours,
 * and stay. *changed: how many entries are others now, added.
 */
bool lead_rows_take(const struct config *config, const struct publisher *publisher,
    struct store *store, int64_t now_ms, int stop_fd, size_t *changed, struct err *err);

#endif
