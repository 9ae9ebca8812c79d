/* SPDX-License-Identifier: BSD-2-Clause */
/* Text from outside without the local parts of mail addresses, which are nobody's
 * business. */
#ifndef BASE_MASKED_H
#define BASE_MASKED_H

#include "base/buf.h"
#include "base/str.h"

/*
 * Append text; "<x@d>" becomes "<*@d>", "to=<x>" "to=<*>". Give it the text as it came,
 * not cut: what was cut off may be what tells that a local part was begun. 'user'@'host',
 * as MariaDB names who logs in, is no address. What is escaped comes after this.
 */
void buf_add_masked(struct buf *buf, struct str text);

/* The same into out[size], cut to what there is room for. */
void masked_copy(struct str text, char *out, size_t size);

/*
 * The local part of that address, where it stands in text alone, as in a query of SQL or
 * LDAP, becomes "*": between quotes and the like, for words of the message may be local
 * parts as well. An address without @ has none.
 */
void masked_hide(char *text, const char *address);

#endif
