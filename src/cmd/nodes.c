/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/nodes.h"

#include <poll.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "cmd/cmd.h"
#include "sys/workers.h"

#define THREADS 16

struct node_job {
	struct job job;
	struct asked_node node;
	bool told;
	struct err err;
};

/* --- asking ------------------------------------------------------------------------ */

static void
ask(struct job *base, void *context)
{
	struct node_job *job = (struct node_job *)base;

	(void)context;
	job->told =
	    postfix_read_settings(&job->node.postfix, &job->node.settings, &job->err);
}

/* One that cannot be reached takes seconds, which must not add up. */
static void
ask_all(struct node_job *jobs, size_t count)
{
	struct err ignored;
	struct workers *workers = count > 1
	    ? workers_new(
	          count < THREADS ? (unsigned)count : THREADS, NULL, NULL, NULL, &ignored)
	    : NULL;

	for (size_t i = 0; i < count; i++) {
		jobs[i].job.work = ask;
		if (workers != NULL)
			workers_submit(workers, &jobs[i].job);
		else
			ask(&jobs[i].job, NULL);
	}
	while (workers != NULL && workers_pending(workers) > 0) {
		struct pollfd fd = {.fd = workers_fd(workers), .events = POLLIN};

		poll(&fd, 1, -1);
		while (workers_done(workers) != NULL)
			;
	}
	workers_free(workers);
}

static struct node_job *
make_jobs(const struct config *config, size_t *count)
{
	const struct nodes *nodes = &config->nodes;
	struct node_job *jobs = mem_new(nodes->count + 1, sizeof(*jobs));

	*count = nodes->count > 0 ? nodes->count : 1;
	jobs[0].node.postfix = cmd_postfix(config);
	for (size_t i = 0; i < nodes->count; i++) {
		jobs[i].node.host = nodes->items[i].host;
		jobs[i].node.postfix = cmd_node(config, i);
		if (nodes->count > 1)
			jobs[i].node.postfix.lookup_ms = POSTFIX_LOOKUP_ONE_MS;
	}
	return jobs;
}

/* --- what they said ---------------------------------------------------------------- */

static void
tell_difference(const struct asked_node *first, const struct asked_node *node)
{
	struct buf line = {0};

	postfix_print_differences(&first->settings, &node->settings, &line);
	if (line.len > 0)
		cmd_warn("%s differs from %s%s; an entry is for all of them, and made of "
		         "what each can do",
		    node->host, first->host, buf_text(&line));
	buf_clear(&line);
}

static void
take(struct cmd_nodes *nodes, const struct config *config, struct node_job *job)
{
	struct asked_node *node = &nodes->items[nodes->count];
	size_t ignored;
	bool ours;

	*node = job->node;
	node->other_maps = postfix_other_maps(
	    node->settings.policy_maps, config_map_seen(config), &ours);
	nodes->guard.named |= table_guard_take(config, node->other_maps, &ignored);
	if (nodes->count++ == 0) {
		nodes->settings = node->settings;
		return;
	}
	tell_difference(&nodes->items[0], node);
	postfix_settings_join(&nodes->settings, &node->settings);
}

bool
cmd_nodes_ask(const struct config *config, struct cmd_nodes *nodes, struct err *err)
{
	size_t count;
	struct node_job *jobs = make_jobs(config, &count);

	ask_all(jobs, count);
	nodes->items = mem_new(count, sizeof(*nodes->items));
	nodes->guard.config = config;
	for (size_t i = 0; i < count; i++) {
		if (jobs[i].told)
			take(nodes, config, &jobs[i]);
		else if (count > 1)
			cmd_warn("%s cannot be asked and is left out: %s; see `tlsladder "
			         "doctor`",
			    jobs[i].node.host, jobs[i].err.text);
	}
	*err = jobs[0].err;
	free(jobs);
	return nodes->count > 0;
}

void
cmd_nodes_clear(struct cmd_nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++) {
		postfix_maps_free(nodes->items[i].other_maps);
		postfix_settings_clear(&nodes->items[i].settings);
	}
	free(nodes->items);
	free(nodes->measured);
	*nodes = (struct cmd_nodes){.count = 0};
}

/* --- for measuring ----------------------------------------------------------------- */

struct measure_settings
cmd_nodes_measure(
    struct cmd_nodes *nodes, const struct config *config, const struct postfix *here)
{
	struct measure_settings settings =
	    measure_settings_of(here, nodes->count > 0 ? &nodes->settings : NULL, NULL);

	settings.policies = config->mta_sts.enable;
	nodes->measured = mem_new(nodes->count + 1, sizeof(*nodes->measured));
	for (size_t i = 0; i < nodes->count; i++) {
		const struct asked_node *node = &nodes->items[i];

		nodes->measured[i] = (struct measure_node){
		    .postfix = &node->postfix,
		    .other_maps = node->other_maps,
		    .credentials = measure_credentials_of(&node->settings),
		};
	}
	if (nodes->count > 0)
		settings.node = nodes->measured[0];
	if (nodes->count > 1) {
		settings.nodes = nodes->measured;
		settings.node_count = (unsigned)nodes->count;
	}
	if (nodes->guard.named != 0)
		settings.tables = (struct measure_tables){table_guard_ask, &nodes->guard};
	return settings;
}
