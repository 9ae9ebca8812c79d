/* SPDX-License-Identifier: BSD-2-Clause */
/* The Postfix servers that an entry is for, asked by a command for their settings: one,
 * or all that the key nodes names. */
#ifndef CMD_NODES_H
#define CMD_NODES_H

#include "conf/config.h"
#include "measure/measure.h"
#include "postfix/postfix.h"
#include "publish/table_guard.h"

struct asked_node {
	const char *host; /* NULL: it has no name, as it is the only one */
	struct postfix postfix;
	struct postfix_settings settings;
	char **other_maps; /* of its smtp_tls_policy_maps, without our tables */
};

/* Zero it; ends with cmd_nodes_clear(). Borrows from the configuration. */
struct cmd_nodes {
	struct asked_node *items; /* those that told */
	size_t count;
	struct postfix_settings settings; /* borrowed: what all of them can do, the rest
	                                   * of the first; empty where none told */
	struct measure_node *measured;
	struct table_guard guard;
};

/*
 * Asks all at once. One that does not answer is named in a warning, and left out; so is
 * what differs from the first one that tells. False: none tells; err is of the first.
 */
bool cmd_nodes_ask(const struct config *config, struct cmd_nodes *nodes, struct err *err);
void cmd_nodes_clear(struct cmd_nodes *nodes);

/* What measuring goes by; here: the Postfix of this machine, which has the prober. Must
 * stay where it is, as nodes must. */
struct measure_settings cmd_nodes_measure(
    struct cmd_nodes *nodes, const struct config *config, const struct postfix *here);

#endif
