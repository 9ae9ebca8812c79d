/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A state that published nothing yet, beside a map that may hold more than a take-over
 * would find: its text is cut or damaged, or gone while its database has entries. Nothing
 * is exported over such a map. Blocks.
 */
#ifndef PUBLISH_HELD_H
#define PUBLISH_HELD_H

#include "base/err.h"
#include "conf/config.h"
#include "postfix/postfix.h"
#include "store/store.h"

enum held {
	HELD_NOT,
	HELD_TEXT,       /* the text has not what its first line says */
	HELD_FIRST_LINE, /* the text is like ours, but its first line is damaged */
	HELD_DATABASE,   /* there is no text, and its database has other entries */
	HELD_UNKNOWN,    /* that could not be found out */
};

/* Must an export wait for the administrator? store NULL: there is no state at all. why:
 * set for all but HELD_NOT, ends in the commands to type. Nothing is changed. */
enum held held_export(struct store *store, const struct config *config,
    const struct postfix *postfix, struct err *why);

#endif
