/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A destination as people write it. What they paste, an address or a URL, is cut to the
 * domain in it.
 */
#ifndef CMD_OPERAND_H
#define CMD_OPERAND_H

#include "base/buf.h"
#include "base/str.h"
#include "core/nexthop.h"
#include "postfix/postfix.h"

enum operand {
	OPERAND_NONE,  /* no destination */
	OPERAND_PLAIN, /* one as it is written, but for blanks around it, capital letters
	                * and the dot of DNS at its end */
	OPERAND_CUT,   /* the one that is in it */
};

/* parents: ".example.org", the key for all that is below a domain, is one as well; of
 * *out key and host are meant then. */
enum operand operand_parse(struct str text, bool parents, struct nexthop *out);

/* Its port, as Postfix's settings (NULL: not known) and services(5) have it. 0: they do
 * not. */
void cmd_take_port(const struct postfix_settings *settings, struct nexthop *nexthop);

/* Why it is none: `is no domain, ...`. */
void operand_add_fault(struct str text, bool parents, struct buf *out);

#endif
