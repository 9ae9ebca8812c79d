/* SPDX-License-Identifier: BSD-2-Clause */
#include "nodekit.h"

#include <stdio.h>

#include "base/mem.h"

void
nodekit_add(const char *host, bool has_command)
{
	struct nodes *nodes = &rig.config.nodes;
	struct node_setting *node;

	nodes->items = mem_array(nodes->items, nodes->count + 1, sizeof(*nodes->items));
	node = &nodes->items[nodes->count++];
	*node = (struct node_setting){.host = mem_strdup(host)};
	if (!has_command)
		return;
	node->command.items = mem_new(1, sizeof(*node->command.items));
	node->command.items[node->command.count++] = mem_strdup(host);
}

void
nodekit_reopen(void)
{
	rig_close();
	rig_open(ENGINE_APPLY);
	world_settle(rig.engine);
	buf_reset(&world.bodies);
	buf_reset(&world.retried);
	buf_reset(&world.flushed);
}

void
nodekit_new_two(void)
{
	rig_new_settled();
	rig_notify_admin();
	nodekit_add("node1", true);
	nodekit_add("node2", true);
	nodekit_reopen();
}

void
nodekit_defer_at(const char *host, const char *id, const char *domain)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "smtp[77]: %s: to=<u@%s>, relay=mx.%s[192.0.2.1]:25, delay=9, "
	    "delays=8/0/0.03/0.02, dsn=4.7.5, status=deferred (" NOT_VERIFIED ")",
	    id, domain, domain);
	world_log_at(rig.engine, host, text);
}

void
nodekit_defer(const char *host, const char *id, const char *domain)
{
	nodekit_defer_at(host, id, domain);
	rig_save();
}
