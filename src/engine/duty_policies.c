/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MTA-STS in the background: TXT records are asked again, policies fetched and renewed,
 * and destinations that were sent mail looked up, one after the other. What a deferral
 * needs to know DNS is asked when it is judged; then only the fetch is left to do here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/sts_entry.h"
#include "engine/policies_impl.h"
#include "measure/fetcher.h"
#include "store/store_sts.h"
#include "sys/child.h"
#include "sys/log.h"

#define LARGE_SERVES_MS (10 * SPAN_MINUTE_MS)
#define STORING         "store an MTA-STS policy"

/* --- what comes of it -------------------------------------------------------------- */

/* One question, for DNS or a policy host. */
struct policies_task {
	struct task task;
	char domain[NEXTHOP_HOST_SIZE];
	int64_t destination; /* that was sent mail; 0: the domain is known already */
	bool hurries;        /* nobody waits for it */
	bool txt;            /* TXT is asked; else addresses, and then the policy */
	struct sts_asked asked;
	struct sts_txt answer;
	uint32_t ttl_s;
	struct err trouble;
	struct fetch_request request;
	int stop_fd;
	struct buf text;
	struct fetch_answer fetched;
};

static void
release(struct task *task)
{
	buf_clear(&((struct policies_task *)task)->text);
}

static bool
put_txt(struct engine *e, const struct policies_task *t, struct sts_record *r, bool found,
    int64_t now_ms, struct err *err)
{
	bool kept = found || t->answer.state == STS_TXT_VALID ||
	    t->answer.state == STS_TXT_UNSURE;

	sts_take_txt(&r->state, &t->answer, &t->asked, t->ttl_s, e->draw++, now_ms);
	if (t->destination != 0)
		r->mail_ms = now_ms;
	if (t->destination != 0 &&
	    (!store_sts_mail_done(e->store, t->destination, err) ||
	        (kept && !store_sts_key(e->store, t->destination, r->domain, err))))
		return false;
	return !kept || engine_settle_policy(e, r, false, now_ms, err);
}

/* What fails by our own fault is one cause, whosever policies it is that are not had. A
 * crash is told at once, and where: others' successes would keep it from being told. */
static void
note_fetch(struct engine *e, struct policies *p, const struct policies_task *t,
    const struct moment *now)
{
	static const char what[] = "fetch MTA-STS policies";
	struct buf line = {0};
	struct err err;
	bool lasts;

	/* Another's fault proves nothing: one without an address was not even tried. */
	if (t->fetched.cause == STS_CAUSE_OK)
		backoff_over(&p->fetching, what);
	if (t->fetched.cause != STS_CAUSE_FETCHER)
		return;
	if (t->fetched.crashed)
		err_set(&err, "%s: %s", t->request.host, t->fetched.detail);
	else
		err_set(&err, "%s", t->fetched.detail);
	lasts = backoff_report(&p->fetching, what, &err, true, now->mono_ms);
	if (!(lasts || t->fetched.crashed) ||
	    (p->told_ms != 0 && now->mono_ms - p->told_ms < SPAN_DAY_MS))
		return;
	p->told_ms = now->mono_ms;
	buf_printf(&line, "cannot %s: %s", what, err.text);
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

/* Others may have room for less: whoever stores small things well does not tell that a
 * policy can be stored. */
static void
note_unstored(struct engine *e, struct policies *p, const struct policies_task *t,
    const struct err *err, const struct moment *now)
{
	struct buf line = {0};

	fetches_bar(&p->all, t->domain, now->mono_ms);
	if (t->txt) {
		engine_not_stored(e, STORING, err);
		return;
	}
	store_rollback(e->store);
	if (backoff_report(&p->storing, STORING, err, true, now->mono_ms) &&
	    !backoff_lasts(&e->storing)) {
		buf_printf(&line, "cannot %s: %s", STORING, err->text);
		engine_alert(e, buf_text(&line));
		buf_clear(&line);
	}
	engine_tell(e, NEWS_FAILED);
}

/* Into the record as it is now: others may have written it meanwhile. */
static void
take_answer(struct engine *e, struct policies *p, const struct policies_task *t,
    bool is_txt, const struct moment *now)
{
	struct sts_record r = {.next_ms = 0};
	struct err err;
	bool found, done;

	fetches_end(&p->all, t->domain);
	p->look = true;
	if (!is_txt)
		note_fetch(e, p, t, now);
	done = store_begin(e->store, &err) &&
	    store_sts_get(e->store, t->domain, &r, &found, &err) &&
	    (is_txt ? put_txt(e, t, &r, found, now->wall_ms, &err)
	            : engine_put_policy(
	                  e, &r, &t->fetched, &t->asked, now->wall_ms, &err)) &&
	    store_commit(e->store, &err);
	sts_record_clear(&r);
	if (!done) {
		note_unstored(e, p, t, &err, now);
		return;
	}
	engine_stored(e, STORING);
	if (!is_txt)
		backoff_over(&p->storing, STORING);
}

/* --- fetching ---------------------------------------------------------------------- */

static bool
work_fetch(struct task *task, void *context)
{
	struct policies_task *t = (struct policies_task *)task;

	(void)context;
	task->world->fetch(&t->request, t->stop_fd, &t->text, &t->fetched);
	return true;
}

static void
take_fetch(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	take_answer(
	    e, (struct policies *)base, (const struct policies_task *)task, false, now);
}

static const struct task_kind fetch_kind = {.size = sizeof(struct policies_task),
    .pool = POOL_FETCHERS,
    .work = work_fetch,
    .take = take_fetch,
    .release = release};

/* Threads that wait, of which there are none where no domain has a policy. */
static bool
has_fetchers(struct engine *e, struct policies *p, struct err *err)
{
	struct workers **workers = &e->workers[POOL_FETCHERS];

	if (p->stop_fd == 0) {
		int fd = child_stopper(err);

		if (fd < 0)
			return false;
		p->stop_fd = fd;
	}
	if (*workers == NULL)
		*workers = e->world->workers_new(FETCHES_MAX, NULL, NULL, NULL, err);
	return *workers != NULL;
}

/* A daemon at rest has none. */
static void
end_fetchers(struct engine *e, const struct policies *p)
{
	if (fetches_are_any(&p->all))
		return;
	e->world->workers_free(e->workers[POOL_FETCHERS]);
	e->workers[POOL_FETCHERS] = NULL;
}

static void
fail(struct policies_task *t, enum sts_cause cause, const char *detail)
{
	t->fetched = (struct fetch_answer){.cause = cause};
	snprintf(t->fetched.detail, sizeof(t->fetched.detail), "%.*s",
	    (int)sizeof(t->fetched.detail) - 1, detail);
}

/* --- asking DNS -------------------------------------------------------------------- */

static bool
work_ask(struct task *task, void *context)
{
	struct policies_task *t = (struct policies_task *)task;

	task->world->hurry(context, t->hurries);
	if (t->txt)
		task->world->ask_policy(
		    context, t->domain, &t->answer, &t->ttl_s, &t->trouble);
	else
		task->world->ask_addresses(context, &t->request, &t->trouble);
	task->world->hurry(context, false);
	return true;
}

/* Others are fetched from the same address. */
static void
put_off(struct engine *e, struct policies *p, const char *domain, int64_t at_ms)
{
	struct err err;

	fetches_end(&p->all, domain);
	p->look = true;
	if (!store_sts_put_off(e->store, domain, at_ms, &err))
		engine_not_stored(e, "store when to ask for a policy", &err);
}

static void
take_ask(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct policies *p = (struct policies *)base;
	struct policies_task *t = (struct policies_task *)task, *fetch;
	int64_t wait_ms;
	struct err err;

	fetches_asked(&p->all, t->domain);
	if (t->txt) {
		take_answer(e, p, t, true, now);
		return;
	}
	wait_ms = fetches_wait_ms(&p->all, t->domain, &t->request, now->mono_ms);
	if (wait_ms > 0) {
		put_off(e, p, t->domain, now->wall_ms + wait_ms);
		return;
	}
	if (t->request.address_count > 0 && has_fetchers(e, p, &err)) {
		fetch = engine_task(e, base, &fetch_kind);
		memcpy(fetch->domain, t->domain, sizeof(fetch->domain));
		fetch->asked = t->asked;
		fetch->request = t->request;
		fetch->stop_fd = p->stop_fd;
		engine_submit(e, &fetch->task);
		p->look = true;
		return;
	}
	if (t->request.address_count > 0)
		fail(t, STS_CAUSE_FETCHER, err.text);
	else
		fail(t, STS_CAUSE_NO_ADDRESS, t->trouble.text);
	take_answer(e, p, t, false, now);
}

static const struct task_kind ask_kind = {.size = sizeof(struct policies_task),
    .pool = POOL_ASKERS,
    .work = work_ask,
    .take = take_ask,
    .release = release};

void
policies_begin(struct engine *e, struct policies *p, const struct fetches_ask *ask,
    int64_t destination, const struct sts_asked *asked, const struct moment *now)
{
	const struct config *config = e->config;
	struct policies_task *t = engine_task(e, &p->base, &ask_kind);

	str_copy(str_of(ask->domain), t->domain, sizeof(t->domain));
	t->destination = destination;
	t->txt = ask->ask == STS_ASK_TXT;
	t->hurries = ask->rank == FETCHES_REST;
	t->asked = *asked;
	fetches_begin(&p->all, ask, now->mono_ms);
	if (t->txt ||
	    fetcher_request(t->domain, config->mta_sts.ca_file, &config->mta_sts.networks,
	        &t->request)) {
		engine_submit(e, &t->task);
		return;
	}
	fetches_asked(&p->all, t->domain);
	fail(
	    t, STS_CAUSE_FETCHER, "it cannot be asked for that host, or mta_sts.ca_file");
	take_answer(e, p, t, false, now);
	engine_drop(&t->task);
}

void
engine_mind_policies(struct engine *e)
{
	((struct policies *)engine_state(e, &duty_policies))->look = true;
}

/* Counted seldom, as that walks through all entries: what goes meanwhile counts still. */
bool
engine_has_policy_room(struct engine *e, size_t octets)
{
	struct policies *p = engine_state(e, &duty_policies);
	int64_t now_ms = engine_now(e).mono_ms;
	struct err err;

	if (p->large_ms == 0 || now_ms - p->large_ms >= LARGE_SERVES_MS) {
		if (!store_sts_octets(e->store, STS_ENTRY_SMALL, &p->large_octets, &err))
			return false;
		p->large_ms = now_ms;
	}
	if (p->large_octets + (int64_t)octets > STS_ENTRIES_MAX)
		return false;
	p->large_octets += (int64_t)octets;
	return true;
}

bool
engine_has_names_room(struct engine *e, size_t octets)
{
	struct policies *p = engine_state(e, &duty_policies);
	int64_t now_ms = engine_now(e).mono_ms;
	struct err err;

	if (p->mx_ms == 0 || now_ms - p->mx_ms >= LARGE_SERVES_MS) {
		if (!store_sts_mx_octets(e->store, STS_MX_SMALL, &p->mx_octets, &err))
			return false;
		p->mx_ms = now_ms;
	}
	if (p->mx_octets + (int64_t)octets > STS_MX_ALL_MAX)
		return false;
	p->mx_octets += (int64_t)octets;
	return true;
}

void
engine_tell_no_names_room(struct engine *e, const char *domain)
{
	struct policies *p = engine_state(e, &duty_policies);
	int64_t now_ms = engine_now(e).mono_ms;
	struct buf line = {0};

	log_warning("domain=%s MTA-STS policy: there is no room for all of its names, "
	            "those of its MX hosts are kept",
	    domain);
	if (e->driver.mode != ENGINE_APPLY ||
	    (p->full_ms != 0 && now_ms - p->full_ms < SPAN_DAY_MS))
		return;
	p->full_ms = now_ms;
	buf_printf(&line,
	    "MTA-STS policies have more names than are kept: of %s and others those of "
	    "their MX hosts are; next: tlsladder policy",
	    domain);
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

bool
engine_may_hasten_policy(struct engine *e, const char *domain)
{
	const struct policies *p = engine_state(e, &duty_policies);

	return fetches_may_hasten(&p->all, domain, engine_now(e).mono_ms);
}

/* --- the duty ---------------------------------------------------------------------- */

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	struct policies *p = (struct policies *)base;
	struct err ignored;
	int64_t id;

	if (news == NEWS_EVIDENCE)
		p->look = true;
	if (news == NEWS_LOG && p->mail_ms == 0 && e->driver.mode == ENGINE_APPLY &&
	    store_sts_mail_next(e->store, 0, &id, &ignored) && id != 0)
		p->mail_ms = now->mono_ms + POLICIES_MAIL_EVERY_MS;
}

static bool
open_policies(struct engine *e, struct duty_state *base, struct err *err)
{
	struct policies *p = (struct policies *)base;

	(void)err;
	p->all.askers = (unsigned)e->config->dns.workers;
	p->look = true;
	p->mail_ms = e->driver.mode == ENGINE_APPLY ? 1 : 0;
	e->draw = (uint32_t)engine_now(e).wall_ms;
	return true;
}

static bool
is_mail_due(const struct engine *e, const struct policies *p, const struct moment *now)
{
	return p->mail_ms != 0 && p->mail_ms <= now->mono_ms && !e->driver.once &&
	    policies_have_mail_room(p, now);
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct policies *p = (const struct policies *)base;
	int64_t room_ms = fetches_room_ms(&p->all, now->mono_ms);
	struct due due = {DUE_NEVER, false};

	if (!e->config->mta_sts.enable)
		return due;
	if (p->look)
		return (struct due){now->mono_ms, true};
	if (p->next_ms != 0)
		due.at_ms = engine_at_wall(now, p->next_ms);
	if (p->mail_ms != 0 && !e->driver.once && policies_have_mail_room(p, now) &&
	    p->mail_ms < due.at_ms)
		due.at_ms = p->mail_ms;
	if (p->turns != NULL && turns_are_more(p->turns) && p->turns_ms < due.at_ms)
		due.at_ms = p->turns_ms;
	if (room_ms != 0 && room_ms < due.at_ms)
		due.at_ms = room_ms;
	if (p->again_ms != 0 && p->again_ms < due.at_ms)
		due.at_ms = p->again_ms;
	return due;
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct policies *p = (struct policies *)base;
	struct err err;

	p->look = p->wrote = false;
	end_fetchers(e, p);
	/* By an older version. */
	p->is_begun = p->is_begun || e->driver.mode != ENGINE_APPLY ||
	    store_sts_look_all(e->store, now->wall_ms, &err);
	if (p->is_begun && policies_begin_due(e, p, now, &err) &&
	    (!is_mail_due(e, p, now) || policies_look_at_mail(e, p, now, &err))) {
		/* To have read proves nothing. */
		if (p->wrote)
			engine_stored(e, "ask for MTA-STS policies");
		return;
	}
	engine_not_stored(e, "ask for MTA-STS policies", &err);
	p->look = true;
}

/* A policy host may keep a fetcher for a minute, and a reload, or the end, waits for
 * none: nothing is known of what was not fetched, and it is fetched later. */
static void
finish(struct engine *e, struct duty_state *base)
{
	struct policies *p = (struct policies *)base;

	(void)e;
	if (p->stop_fd != 0)
		child_stop(p->stop_fd);
}

static void
close_policies(struct duty_state *base)
{
	struct policies *p = (struct policies *)base;

	turns_free(p->turns);
	if (p->stop_fd != 0)
		close(p->stop_fd);
}

const struct duty duty_policies = {
    .name = "policies",
    .needs = DUTY_STORES | DUTY_LEADS,
    .is_cut_short = true,
    .state_size = sizeof(struct policies),
    .open = open_policies,
    .hear = hear,
    .due = due,
    .start = start,
    .finish = finish,
    .close = close_policies,
};
