/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of a published table, and what is wanted there. */
#ifndef TESTS_ROWKIT_H
#define TESTS_ROWKIT_H

#include "core/published.h"

#define NOW 1000000

/* An entry since ten milliseconds before NOW, leased until a second behind it. */
struct published_want rowkit_want(const char *level, const char *attributes);

/* An active one. Borrows all texts. */
struct rows_row rowkit_row(
    const char *id, const char *level, const char *attributes, const char *modified);

#endif
