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

/* --- what each can do, and demands ------------------------------------------------- */

enum sts_support
engine_sts_support(const struct engine *e)
{
	enum sts_support support = STS_SUPPORT_EXACT;
	bool told = false;

	for (unsigned i = 0; i < e->nodes.count; i++) {
		const struct postfix_settings *s = &e->nodes.items[i].known.settings;
		enum sts_support own;

		if (!e->nodes.items[i].was_read)
			continue;
		own = sts_support_of(str_of(s->version), s->sts_patterns);
		support = own < support ? own : support;
		told = true;
	}
	return told ? support : STS_SUPPORT_NONE;
}

static enum level
strongest_of(const struct engine *e, const char *service)
{
	enum level level = LEVEL_NONE;

	for (unsigned i = 0; i < e->nodes.count; i++) {
		const struct engine_node *node = &e->nodes.items[i];

		if (node->was_read)
			level = postfix_stronger_level(
			    level, postfix_service_level(&node->known.settings, service));
	}
	return level;
}

static void
add_service(struct engine *e, const char *name)
{
	struct engine_nodes *nodes = &e->nodes;

	for (size_t i = 0; i < nodes->service_count; i++)
		if (strcmp(nodes->services[i].name, name) == 0)
			return;
	nodes->services = mem_array(
	    nodes->services, nodes->service_count + 1, sizeof(*nodes->services));
	nodes->services[nodes->service_count++] = (struct service_level){
	    .name = mem_strdup(name), .level = strongest_of(e, name)};
}

/* A node without a CA verifies nothing, whatever is written: that takes no policy away
 * from those that have one. */
static void
set_judge(struct engine *e)
{
	bool told = false, has = false;

	clear_services(&e->nodes);
	for (unsigned i = 0; i < e->nodes.count; i++) {
		const struct engine_node *node = &e->nodes.items[i];
		const struct postfix_settings *s = &node->known.settings;

		for (size_t k = 0; node->was_read && k < s->service_count; k++)
			add_service(e, s->services[k].name);
		told = told || node->was_read;
		has = has || (node->was_read && postfix_has_authorities(s));
	}
	e->judge.services = e->nodes.services;
	e->judge.service_count = e->nodes.service_count;
	e->judge.no_authorities = e->judge.settings != NULL && told && !has;
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
		    .is_away = node->is_away || !node->was_asked,
		};
		asked->guard.named |= node->known.guard.named;
	}
	return asked;
}

bool
engine_take_maps(struct engine *e, struct known_postfix *known, size_t *first)
{
	bool ours;

	known->other_maps = postfix_other_maps(
	    known->settings.policy_maps, config_map_seen(e->config), &ours);
	known->guard = (struct table_guard){.config = e->config};
	known->guard.named = table_guard_take(e->config, known->other_maps, first);
	return ours;
}

void
engine_ask_nodes(struct engine *e)
{
	if (e->nodes.asked != NULL)
		retire(e)->asked = e->nodes.asked;
	e->nodes.asked = gather(e);
	set_judge(e);
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
