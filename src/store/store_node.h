/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of several nodes, each a Postfix with queue ids of its own. */
#ifndef STORE_STORE_NODE_H
#define STORE_STORE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store;

/*
 * Where there are several nodes a message's queue id is "NODE/ID", as each has ids of its
 * own, and "NODE/@DOMAIN" stands for others there. A node is given as "NODE/", the one
 * without a name as "". Names have neither "/" nor "@".
 */
#define STORE_NODE_SIZE 66
#define STORE_NODES_MAX 256
void store_node_of(const char *queue_id, char node[STORE_NODE_SIZE]);
const char *store_id_at_node(const char *queue_id); /* borrows from it */

/* Messages of other nodes than these wait no more. */
bool store_waiting_forget(
    struct store *store, const char *const *nodes, size_t count, struct err *err);
/* Does mail wait for it; and at that node some that has no row? */
bool store_waiting_any(struct store *store, int64_t id, bool *any, struct err *err);
bool store_waiting_has_others(
    struct store *store, const char *node, int64_t id, bool *has, struct err *err);

#endif
