/* SPDX-License-Identifier: BSD-2-Clause */
/* Each destination of a forecast: DNS and the servers asked by workers, and judged. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/check.h"
#include "cmd/forecast_hosts.h"
#include "cmd/progress.h"
#include "cmd/scan_forecast.h"
#include "core/host.h"
#include "core/measured.h"
#include "postfix/finger.h"
#include "sys/workers.h"

#define SMTPS_PORT 465
#define JOBS_MAX   64 /* under way at once */
#define LOOK_MS    200

struct ask_job {
	struct job job;
	const struct forecaster *f;
	struct foretold *item;
	struct check check;
};

/* What all of them share. */
struct asking {
	struct forecaster *f;
	struct workers *workers;
	struct forecast_hosts *hosts; /* to be asked; NULL: none is */
	struct ask_job **jobs;        /* of those whose servers are asked when DNS was */
	size_t job_count;
};

/* --- in a worker ------------------------------------------------------------------- */

static void
work(struct job *base, void *context)
{
	struct ask_job *job = (struct ask_job *)base;
	struct check *check = &job->check;
	const struct forecaster *f = job->f;

	check->item.nexthop = job->item->nexthop;
	check->found = measure_one(context, &f->measure, &check->item);
	/* The state is the first thread's. */
	check_policy(check, f->config, context, NULL, &f->settings);
	check->found = NULL; /* the worker's own, and soon another's */
}

/* --- in the first thread ----------------------------------------------------------- */

/* Is it one of its own? */
static bool
has_server(const struct ask_job *job, const struct seen_server *server)
{
	const struct answers *answers = &job->check.item.answers;
	const struct nexthop *nexthop = &job->item->nexthop;

	return answers->dane.state != DANE_UNSURE &&
	    (server->port == 0 || server->port == nexthop->port) &&
	    measure_relay_fits(server->name, nexthop->key, answers->text);
}

static void
raise_level(enum level *level, enum level to)
{
	if (to > *level)
		*level = to;
}

/* Sessions at its own servers. */
static void
note_sessions(struct ask_job *job, enum level *best)
{
	struct foretold *item = job->item;

	for (size_t i = 0; i < item->seen->server_count; i++) {
		const struct seen_server *server = &item->seen->servers[i];

		if (!has_server(job, server))
			continue;
		raise_level(best, forecast_best(&server->did, item->present));
		if (!item->probed)
			forecast_note_server(
			    &job->check.item.answers, &server->did, item->present);
	}
}

/* At which level mail likely flows by what the log has of its servers; which are its own
 * is DNS's word, where it has one. */
static enum level
guess(const struct ask_job *job)
{
	const struct foretold *item = job->item;
	bool unsure = job->check.item.answers.dane.state == DANE_UNSURE;
	enum level level = LEVEL_UNKNOWN;

	for (size_t i = 0; i < item->seen->server_count; i++) {
		const struct seen_server *server = &item->seen->servers[i];

		if (unsure || has_server(job, server))
			raise_level(&level, forecast_guess(&server->did, item->present));
	}
	return level;
}

/* What a host did for whichever destination by the state, and for this one by the log. */
static enum level
past_of(
    const struct forecaster *f, const struct ask_job *job, const struct chosen_host *host)
{
	const struct foretold *item = job->item;
	enum level level = LEVEL_UNKNOWN;
	struct host_past past = {0};
	struct err ignored;

	if (f->store != NULL &&
	    store_host_get(f->store, host->name, item->nexthop.port, &past, &ignored))
		level = host_past_best(
		    &past, job->check.item.answers.dane.signed_domain, 0, f->now_ms);
	for (size_t i = 0; i < item->seen->server_count; i++) {
		const struct seen_server *server = &item->seen->servers[i];

		if (has_server(job, server) && strcmp(server->name, host->name) == 0)
			raise_level(&level, forecast_best(&server->did, item->present));
	}
	return level;
}

/* What the servers did that were asked. */
static struct measured
measure(const struct asking *a, const struct ask_job *job)
{
	struct server_rules rules = finger_settings_of(&a->f->settings).rules;
	const struct choice *choice = &job->check.item.choice;
	struct measured_host hosts[CHOICE_MAX];
	struct measured m;

	for (unsigned i = 0; i < choice->count; i++) {
		const struct chosen_host *chosen = &choice->hosts[i];
		const struct server *server =
		    forecast_hosts_get(a->hosts, chosen->name, job->item->nexthop.port);

		hosts[i] = (struct measured_host){
		    .name = chosen->name,
		    .promise = chosen->promise,
		    .probe = server != NULL
		        ? server_probe(server, &rules, chosen->name, choice->domain)
		        : (struct probe){.end = PROBE_SILENT},
		    .past = past_of(a->f, job, chosen),
		};
	}
	m = measured_of(hosts, choice->count, false);
	m.answered = m.answered && !choice->cut; /* what the others do is not known */
	return m;
}

static void
judge(const struct asking *a, struct ask_job *job)
{
	const struct forecaster *f = a->f;
	struct foretold *item = job->item;
	const struct choice *choice = &job->check.item.choice;
	struct forecast_settings settings = {
	    .level = forecast_level_then(f, item->seen),
	    .can_dane = f->settings.can_dane ? ANSWER_YES : ANSWER_NO,
	    .policy = &f->config->ladder,
	};
	enum level best = item->best;
	struct measured measured;

	note_sessions(job, &best);
	for (unsigned i = 0; i < choice->count; i++)
		raise_level(&best, past_of(f, job, &choice->hosts[i]));
	if (item->probed)
		measured = measure(a, job);
	if (item->pinned && job->check.item.answers.other_map == ANSWER_NO)
		item->forecast = forecast_pinned(&settings, &job->check.item.answers,
		    item->probed ? &measured : NULL, item->pin);
	else
		item->forecast = forecast_judge(&settings, job->check.item.nexthop.key,
		    &job->check.item.answers, item->probed ? &measured : NULL, best);
	if (item->pinned && item->pin.level != LEVEL_NONE)
		settings.level = item->pin.level;
	item->waits = forecast_waits(&item->forecast, settings.level,
	    job->check.item.answers.dane.state, guess(job));
	item->entry = demand_copy(item->forecast.entry);
	item->forecast.entry = item->entry;
}

static void
end_job(struct ask_job *job)
{
	check_policy_clear(&job->check.policy);
	free(job);
}

/* DNS was asked. Its servers are, when all are known of whom somebody wants that. */
static void
take_done(struct asking *a, struct ask_job *job)
{
	const struct choice *choice = &job->check.item.choice;

	if (!job->item->probed) {
		judge(a, job);
		end_job(job);
		return;
	}
	for (unsigned i = 0; i < choice->count; i++)
		forecast_hosts_want(
		    a->hosts, &choice->hosts[i], job->item->nexthop.port, choice->domain);
	a->jobs[a->job_count++] = job;
}

static void
submit(struct asking *a, struct foretold *item)
{
	struct ask_job *job = mem_new(1, sizeof(*job));

	job->job.work = work;
	job->f = a->f;
	job->item = item;
	/* TLS from the first byte is not what is probed. */
	item->probed = a->f->order->probe && item->nexthop.port != SMTPS_PORT;
	workers_submit(a->workers, &job->job);
}

static void
ask_dns(struct asking *a)
{
	struct forecaster *f = a->f;
	size_t asked = 0, done = 0;

	while (done < f->count) {
		struct pollfd fd = {.fd = workers_fd(a->workers), .events = POLLIN};
		struct job *job;

		while (asked < f->count && asked - done < JOBS_MAX)
			submit(a, &f->items[asked++]);
		progress_show("asking", done, f->count);
		poll(&fd, 1, LOOK_MS);
		for (; (job = workers_done(a->workers)) != NULL; done++)
			take_done(a, (struct ask_job *)job);
	}
	progress_end();
}

int
forecast_ask(struct forecaster *f)
{
	struct resolver_settings resolver = config_resolver(f->config);
	struct asking a = {.f = f, .hosts = forecast_hosts_new()};
	struct err err;
	int status = 0;

	a.workers = workers_new(
	    f->config->dns.workers, measure_make, measure_drop, &resolver, &err);
	if (a.workers == NULL) {
		forecast_hosts_free(a.hosts);
		return cmd_fail(EX_OSERR, "%s", err.text);
	}
	a.jobs = mem_new(f->count + 1, sizeof(struct ask_job *));
	ask_dns(&a);
	workers_free(a.workers);
	if (a.job_count > 0)
		status = forecast_hosts_ask(a.hosts, &f->postfix, &f->settings);
	for (size_t i = 0; i < a.job_count; i++) {
		judge(&a, a.jobs[i]);
		end_job(a.jobs[i]);
	}
	free(a.jobs);
	forecast_hosts_free(a.hosts);
	return status;
}
