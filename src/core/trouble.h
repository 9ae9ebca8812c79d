/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rules make of a status line of mail that was not sent: of its own reason, or
 * of that of a server that was passed over before. Pure.
 */
#ifndef CORE_TROUBLE_H
#define CORE_TROUBLE_H

#include <stdbool.h>

#include "core/passed.h"
#include "core/processes.h"
#include "core/rules.h"
#include "core/status.h"

/* Texts are borrowed from the line, or from what was passed over. */
struct trouble {
	int rule; /* -1: no rule knows it */
	struct str reason;
	struct str dsn;
	struct str server; /* its name, maybe with [ADDRESS]:PORT; empty: not known */
	bool nowhere; /* it is of a server that was passed over, and not known which */
	enum cause cause; /* what failed there, as far as the log says it */
};

/* p: what its process said of servers before; it and passed may be NULL. */
struct trouble trouble_of(const struct rules *rules, struct rules_matcher *matcher,
    const struct status_line *status, struct str service, const struct process *p,
    const struct passed *passed, unsigned *limit_hits);

/* The name of its server in small letters; "" where that is not known. */
void trouble_copy_server(const struct trouble *trouble, char *out, size_t size);

/* How much a reason that smtp(8) gives for a server that it passes over tells: of several
 * servers the one that can do most decides. 0: no rule knows it. */
unsigned trouble_rank(const struct rules *rules, struct rules_matcher *matcher,
    struct str reason, struct str service, unsigned *limit_hits);

#endif
