/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes of an engine, and what follows for it from what each of them says. */
#ifndef ENGINE_NODES_H
#define ENGINE_NODES_H

#include "core/sts_entry.h"
#include "engine/engine_impl.h"

/* One of each that is configured, or the one without a name; told to the fold. */
void engine_make_nodes(struct engine *e);
void engine_free_nodes(struct engine *e);
/* Where other nodes are configured than those that messages are known of: what nobody
 * can be asked of is forgotten, and all queues are read. */
bool engine_mind_nodes(struct engine *e, struct err *err);

/* --- nodes_asked.c: what each of them has a say in --------------------------------- */

/* What is asked of them from now on, after engine_note_node(); and which levels their
 * services have, for the judge. */
void engine_ask_nodes(struct engine *e);
/* What all of them can be told of a policy. */
enum sts_support engine_sts_support(const struct engine *e);
/* What other maps a Postfix has, and which of our tables it asks: first, as
 * table_guard_take() has it. Does it ask our map? */
bool engine_take_maps(struct engine *e, struct known_postfix *known, size_t *first);
/* Others come in their place: they are freed when no task borrows from them. */
void engine_retire_settings(struct engine *e, struct known_postfix *known);
/* Where no task can borrow. */
void engine_free_retired(struct engine *e);
/* At the end. */
void engine_free_asked(struct engine *e);

/* --- nodes_kept.c: what they said last, for the next start ------------------------- */

/* After one told: into the database. */
void engine_keep_nodes(struct engine *e);
/* At the start: each that said something once has said that. */
bool engine_recall_nodes(struct engine *e, struct err *err);

/* --- nodes.c ----------------------------------------------------------------------- */

/* A node's settings came, or could not be had: e->known, the default level and whether
 * DANE works, of all of them together. */
void engine_note_node(struct engine *e, struct engine_node *node, bool told);
/* It said what its settings are. */
void engine_note_said(struct engine_node *node);
/* The node by whose settings it is decided. NULL: none told. */
const struct engine_node *engine_decisive(const struct engine *e);
/* Were all asked once? Until then nothing is decided. */
bool engine_know_nodes(const struct engine *e);
/* A sum of what the decisions rest on, of all nodes; postfix_settings_sum() of one. */
int64_t engine_nodes_sum(const struct engine *e);
/* STORE_NODES. */
void engine_print_nodes(const struct engine *e, struct buf *out);
/* The host of a line of the log that is no node: told once. */
void engine_mind_unfollowed(struct engine *e);
/* How long mail waits in their queues, at the least; 0: not known. */
int64_t engine_queue_lifetime_ms(const struct engine *e);

/* What measuring goes by, as the settings of all nodes are known. */
struct measure_settings engine_measure_settings(const struct engine *e);

#endif
