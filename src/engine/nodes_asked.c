/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each of several nodes has a say in: passwords, other policy maps, rows of others.
 * Each may send to any destination, and an entry is for all of them. Tasks borrow from
 * settings, of any node, that may be read again meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "engine/engine_impl.h"
#include "engine/nodes.h"

_Static_assert(FOLD_NODES_MAX <= MEASURE_NODES_MAX, "a bit for each node");

/* --- what was replaced ------------------------------------------------------------- */

struct retired {
	struct retired *next;
	struct postfix_settings settings;
	char **other_maps;
	struct nodes_asked *asked;
};

static void
free_asked(struct nodes_asked *asked)
{
	if (asked == NULL)
		return;
	free(asked->items);
	free(asked);
}

static struct retired *
retire(struct engine *e)
{
	struct retired *retired = mem_new(1, sizeof(*retired));

	retired->next = e->nodes.retired;
	e->nodes.retired = retired;
	return retired;
}

void
engine_retire_settings(struct engine *e, struct known_postfix *known)
{
	struct retired *retired = retire(e);

	retired->settings = known->settings;
	retired->other_maps = known->other_maps;
	known->settings = (struct postfix_settings){0};
	known->other_maps = NULL;
}

static void
free_all(struct engine *e)
{
	while (e->nodes.retired != NULL) {
		struct retired *retired = e->nodes.retired;

		e->nodes.retired = retired->next;
		postfix_settings_clear(&retired->settings);
		postfix_maps_free(retired->other_maps);
		free_asked(retired->asked);
		free(retired);
	}
}

/* Duties that need no settings, and those of a node, copy what they take of them. */
void
engine_free_retired(struct engine *e)
{
	for (size_t i = 0; i < e->states.count; i++)
		if (e->states.items[i]->node == NULL && e->states.items[i]->tasks > 0 &&
		    (e->states.items[i]->duty->needs & DUTY_SETTINGS) != 0)
			return;
	free_all(e);
}

static void
clear_services(struct engine_nodes *nodes)
{
	for (size_t i = 0; i < nodes->service_count; i++)
		free(nodes->services[i].name);
	free(nodes->services);
	nodes->services = NULL;
	nodes->service_count = 0;
}

void
engine_free_asked(struct engine *e)
{
	free_all(e);
	free_asked(e->nodes.asked);
	clear_services(&e->nodes);
}

/* --- what is asked ----------------------------------------------------------------- */

static uint64_t
bit_of(const struct engine_node *node)
{
	return node->name[0] == '\0'
	    ? 0
	    : UINT64_C(1) << sha256_of(str_of(node->id)) % MEASURE_NODES_MAX;
}

static struct nodes_asked *
gather(const struct engine *e)
{
	struct nodes_asked *asked = mem_new(1, sizeof(*asked));

	asked->items = mem_new(e->nodes.count, sizeof(*asked->items));
	asked->guard.config = e->config;
	for (unsigned i = 0; i < e->nodes.count; i++) {
		const struct engine_node *node = &e->nodes.items[i];

		if (!node->was_read)
			continue;
		asked->items[asked->count++] = (struct measure_node){
		    .postfix = &node->postfix,
		    .other_maps = node->known.other_maps,
		    .credentials = measure_credentials_of(&node->known.settings),
		    .bit = bit_of(node),
		    .is_away = node->is_away,
		};
		asked->guard.named |= node->known.guard.named;
	}
	return asked;
}

void
engine_ask_nodes(struct engine *e)
{
	if (e->nodes.asked != NULL)
		retire(e)->asked = e->nodes.asked;
	e->nodes.asked = gather(e);
}

struct measure_settings
engine_measure_settings(const struct engine *e)
{
	struct measure_settings settings =
	    measure_settings_of(&e->nodes.here, &e->known->settings, NULL);
	const struct nodes_asked *asked = e->nodes.asked;

	settings.policies = e->config->mta_sts.enable;
	if (asked == NULL || asked->count == 0)
		return settings;
	settings.node = asked->items[0];
	if (asked->count > 1) {
		settings.nodes = asked->items;
		settings.node_count = asked->count;
	}
	if (asked->guard.named != 0)
		settings.tables = (struct measure_tables){table_guard_ask, &asked->guard};
	return settings;
}
