/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guard 5 for tables that entries are published to: does a row of somebody else answer
 * there? Asked by the helper program, with our own login: the file by which Postfix asks
 * holds a password of its own. Blocks.
 */
#ifndef PUBLISH_TABLE_GUARD_H
#define PUBLISH_TABLE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/answer.h"
#include "base/err.h"
#include "conf/config.h"

/* Borrows. */
struct table_guard {
	const struct config *config;
	unsigned named; /* bits: which items of publish smtp_tls_policy_maps names */
};

/* The publishers that the list of maps (ended by NULL) names, which are taken out of it:
 * what is in there is ours, or asked for by this guard. first: the first of them in the
 * order of publish; untouched where there is none. */
unsigned table_guard_take(const struct config *config, char **maps, size_t *first);

/*
 * Of keys[0..count) as smtp(8) asks, with their parents: YES, NO, or UNSURE where a table
 * could not be asked; each answer is only made worse. False: one could not, see err.
 * context: a struct table_guard.
 */
bool table_guard_ask(const void *context, const char *const *keys, size_t count,
    enum answer *answers, struct err *err);

#endif
