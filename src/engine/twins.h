/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of a destination under other spellings of its name, which is the same one
 * in DNS (measure_twins()). */
#ifndef ENGINE_TWINS_H
#define ENGINE_TWINS_H

#include <stdbool.h>

#include "base/err.h"
#include "store/store.h"

/* twin is borrowed for the call. */
typedef void twin_fn(void *context, const struct destination *twin);
bool twins_each(
    struct store *store, const char *key, twin_fn *fn, void *context, struct err *err);

/* Their past, added to *out: it holds a destination as its own does. */
bool twins_past(
    struct store *store, const char *key, struct destination_past *out, struct err *err);

#endif
