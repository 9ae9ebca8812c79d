/* SPDX-License-Identifier: BSD-2-Clause */
/* An engine of several nodes, each reached by its host as a command. */
#ifndef TESTS_NODEKIT_H
#define TESTS_NODEKIT_H

#include "enginerig.h"

/* Into rig.config, for the next engine. Without a command it has that of postfix. */
void nodekit_add(const char *host, bool has_command);

/* An engine on the same database that has what a start does done; nothing is noted of
 * mail, retries and flushes before. */
void nodekit_reopen(void);

/* node1 and node2 on a new database; alerts are mailed. */
void nodekit_new_two(void);

/* Mail to u@DOMAIN, of that id of the node's own, was deferred there for its certificate:
 * in the fold; and saved. */
void nodekit_defer_at(const char *host, const char *id, const char *domain);
void nodekit_defer(const char *host, const char *id, const char *domain);

#endif
