/* SPDX-License-Identifier: BSD-2-Clause */
/* What status lines say of the server in their relay field, in the item of their
 * destination. A line that names none says nothing; nor does one of a server beyond
 * FOLD_HOSTS_MAX. */
#ifndef CORE_FOLD_HOST_H
#define CORE_FOLD_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fold.h"

/* Is it another server than that of the item's deferral? No, where one of them has no
 * name. */
bool fold_host_differs(const struct fold_item *item, const struct status_line *line);

/* The server of the line, new if need be. NULL: there is none. Until the next call. */
struct fold_host *fold_host_get(struct fold_item *item, const struct status_line *line);

/* The same by name, in small letters; port 0: the next-hop's. */
struct fold_host *fold_host_named(
    struct fold_item *item, const char *name, uint16_t port);

/* "host[address]:port"; 0: it says none. */
uint16_t fold_host_port(struct str relay);

/* The name of a server is to say its port where that is not the next-hop's. Too long a
 * name is cut then: it is nobody's. */
void fold_host_mark_port(
    const struct fold_item *item, uint16_t port, char relay[NEXTHOP_HOST_SIZE]);

/* Why its TLS failed. */
void fold_host_cause(struct fold_host *host, enum cause cause, int64_t time_ms);

/* It took the mail, as the item has it (sent_ms and the rest). */
void fold_host_sent(struct fold_host *host, const struct fold_item *item);

/* It took the mail without a session, though sessions are logged (bare_ms). */
void fold_host_bare(struct fold_item *item, const struct status_line *line);

/* Mail was deferred there, which that rule recognised. */
void fold_host_failed(struct fold_item *item, const struct status_line *line,
    const struct rule_source *rule, int64_t time_ms);

#endif
