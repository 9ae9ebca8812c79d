/* SPDX-License-Identifier: BSD-2-Clause */
/* Each destination of a forecast: DNS and the servers asked by workers, and judged. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/check.h"
#include "cmd/progress.h"
#include "cmd/scan_forecast.h"
#include "core/host.h"
#include "sys/workers.h"

#define SMTPS_PORT 465
#define JOBS_MAX   64 /* under way at once */
#define LOOK_MS    200

struct ask_job {
	struct job job;
	const struct forecaster *f;
	struct foretold *item;
	struct check check;
	struct dns_records dns; /* the names of its hosts, for the state */
};

/* --- in a worker ---------------------------------------------------------------------
 */

static enum sts_applies
applies(const struct check *check)
{
	const struct answers *answers = &check->item.answers;

	if (!answers->sources[FACT_policy].asked)
		return STS_APPLIES_NOTHING;
	if (answers->sts_txt.state == STS_TXT_UNSURE)
		return STS_APPLIES_UNSURE;
	if (answers->sts_txt.state != STS_TXT_VALID)
		return STS_APPLIES_NOTHING;
	if (!check->policy.had)
		return STS_APPLIES_UNHAD;
	return check->policy.policy.max_age_s == 0          ? STS_APPLIES_NOTHING
	    : check->policy.policy.mode == STS_MODE_ENFORCE ? STS_APPLIES_ENFORCE
	    : check->policy.policy.mode == STS_MODE_TESTING ? STS_APPLIES_TESTING
	                                                    : STS_APPLIES_NONE;
}

/* What stands behind the level; NULL: this Postfix cannot be told. */
static const char *
attributes_of(const struct check *check)
{
	struct str entry = str_of(buf_text(&check->policy.entry));

	return str_eat(&entry, STR("secure ")) ? entry.p : NULL;
}

static void
work(struct job *base, void *context)
{
	struct ask_job *job = (struct ask_job *)base;
	struct check *check = &job->check;
	const struct forecaster *f = job->f;

	check->item.nexthop = job->item->nexthop;
	if (job->item->probed) {
		check->item.probing = MEASURE_PROBE_HOSTS;
		check->item.probe_up_to = LEVEL_SECURE;
		check->item.answers.probe_asked = true;
	}
	check->found = measure_one(context, &f->measure, &check->item);
	check_policy(check, f->config, context, &f->settings);
	check->item.answers.sts = applies(check);
	check->item.answers.sts_attributes = attributes_of(check);
	check->item.answers.sts_allows_none =
	    check->policy.had && check->policy.allowed == 0;
	job->dns = check->found->dns;
	check->found = NULL; /* the worker's own, and soon another's */
}

/* --- in the first thread -------------------------------------------------------------
 */

/* Sessions at its own servers. */
static void
note_sessions(struct ask_job *job, enum level *best)
{
	struct foretold *item = job->item;
	struct answers *answers = &job->check.item.answers;

	for (size_t i = 0; i < item->seen->server_count; i++) {
		const struct seen_server *server = &item->seen->servers[i];
		enum level seen = forecast_best(&server->did, item->present);

		if (answers->dane.state == DANE_UNSURE ||
		    (server->port != 0 && server->port != item->nexthop.port) ||
		    !measure_relay_fits(server->name, item->nexthop.key, answers->text))
			continue;
		if (seen > *best)
			*best = seen;
		if (!item->probed)
			forecast_note_server(answers, &server->did, item->present);
	}
}

/* What its servers did for whichever destination, by the state. */
static void
note_hosts(const struct forecaster *f, const struct ask_job *job, enum level *best)
{
	bool dane = job->check.item.answers.dane.signed_domain;

	for (unsigned i = 0; f->store != NULL && i < job->dns.host_count; i++) {
		struct host_past past = {0};
		struct err ignored;
		enum level level;

		if (!store_host_get(f->store, job->dns.hosts[i].name,
		        job->item->nexthop.port, &past, &ignored))
			return;
		level = host_past_best(&past, dane, 0, f->now_ms);
		if (level > *best)
			*best = level;
	}
}

static void
judge(const struct forecaster *f, struct ask_job *job)
{
	struct foretold *item = job->item;
	struct forecast_settings settings = {
	    .level = forecast_level_then(f, item->seen),
	    .can_dane = f->settings.can_dane ? ANSWER_YES : ANSWER_NO,
	    .policy = &f->config->ladder,
	};
	enum level best = item->best;

	note_sessions(job, &best);
	note_hosts(f, job, &best);
	item->forecast = forecast_judge(&settings, &job->check.item.answers, best);
	item->entry = demand_copy(item->forecast.entry);
	item->forecast.entry = item->entry;
	if (item->pinned && item->forecast.waits != ANSWER_NO)
		item->forecast.why = WHY_PINNED;
}

static void
end_job(struct ask_job *job)
{
	check_policy_clear(&job->check.policy);
	free(job);
}

/* Jobs that are done. */
static size_t
take_done(const struct forecaster *f, struct workers *workers)
{
	struct job *base;
	size_t count = 0;

	while ((base = workers_done(workers)) != NULL) {
		struct ask_job *job = (struct ask_job *)base;

		judge(f, job);
		end_job(job);
		count++;
	}
	return count;
}

static void
submit(const struct forecaster *f, struct foretold *item, struct workers *workers)
{
	struct ask_job *job = mem_new(1, sizeof(*job));

	job->job.work = work;
	job->f = f;
	job->item = item;
	/* TLS from the first byte is not what is probed. */
	item->probed = f->order->probe && item->nexthop.port != SMTPS_PORT;
	workers_submit(workers, &job->job);
}

int
forecast_ask(struct forecaster *f)
{
	struct resolver_settings resolver = config_resolver(f->config);
	struct workers *workers;
	size_t asked = 0, done = 0;
	struct err err;

	workers = workers_new(
	    f->config->dns.workers, measure_make, measure_drop, &resolver, &err);
	if (workers == NULL)
		return cmd_fail(EX_OSERR, "%s", err.text);
	while (done < f->count) {
		struct pollfd fd = {.fd = workers_fd(workers), .events = POLLIN};

		while (asked < f->count && asked - done < JOBS_MAX)
			submit(f, &f->items[asked++], workers);
		progress_show("asking", done, f->count);
		poll(&fd, 1, LOOK_MS);
		done += take_done(f, workers);
	}
	progress_end();
	workers_free(workers);
	return 0;
}
