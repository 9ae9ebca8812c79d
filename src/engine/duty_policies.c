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
#include "engine/engine_impl.h"
#include "engine/fetches.h"
#include "measure/fetcher.h"
#include "sys/child.h"
#include "sys/log.h"

#define ROWS_MAX 512
#define STORING  "store an MTA-STS policy"
#define MAIL_EVERY_MS \
	250 /* a destination that was sent mail is looked up each so often */

struct policies {
	struct duty_state base;
	bool look;
	bool is_begun;   /* what was left without a look has one */
	int64_t next_ms; /* wall: when something is to be asked; 0: never */
	int64_t mail_ms; /* monotonic: when the next that was sent mail is; 0: none was */
	struct fetches all;
	struct backoff fetching; /* from what fails by our own fault */
	int64_t told_ms;         /* monotonic: when that was alerted; 0: it was not */
	struct backoff storing;  /* from policies that cannot be stored */
	int64_t again_ms; /* monotonic: when what waits for that may be asked; 0: nothing
	                     does */
	bool wrote;       /* something, in this turn */
	int stop_fd;      /* ends the fetchers; 0: there were none yet */
};

/* --- what comes of it -------------------------------------------------------------- */

/* One question, for DNS or a policy host. */
struct policies_task {
	struct task task;
	char domain[NEXTHOP_HOST_SIZE];
	int64_t destination; /* that was sent mail; 0: the domain is known already */
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
	return !kept ||
	    ((t->destination == 0 ||
	         store_sts_key(e->store, t->destination, r->domain, err)) &&
	        engine_settle_policy(e, r, false, now_ms, err));
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

	fetches_end(&p->all, t->domain, t->txt ? STS_ASK_TXT : STS_ASK_POLICY);
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
	if (p->all.fetches > 0)
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

	if (t->txt)
		task->world->ask_policy(
		    context, t->domain, &t->answer, &t->ttl_s, &t->trouble);
	else
		task->world->ask_addresses(context, &t->request, &t->trouble);
	return true;
}

/* Others are fetched from the same address. */
static void
put_off(struct engine *e, struct policies *p, const char *domain, int64_t at_ms)
{
	struct err err;

	fetches_end(&p->all, domain, STS_ASK_POLICY);
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

	fetches_asked(&p->all);
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

/* Without those that cannot be read: the configuration refuses them. */
static void
add_networks(const struct config *config, struct fetch_request *request)
{
	const struct strings *networks = &config->mta_sts.networks;

	for (size_t i = 0; i < networks->count; i++)
		if (request->network_count < FETCH_NETWORKS_MAX &&
		    network_parse(str_of(networks->items[i]),
		        &request->networks[request->network_count]))
			request->network_count++;
}

static bool
set_request(const struct engine *e, struct policies_task *t)
{
	const char *ca_file = e->config->mta_sts.ca_file;
	char host[NEXTHOP_HOST_SIZE + 16];

	snprintf(host, sizeof(host), "mta-sts.%s", t->domain);
	if (!fetch_request_init(
	        &t->request, host, ca_file[0] != '\0' ? ca_file : FETCHER_CA_FILE))
		return false;
	add_networks(e->config, &t->request);
	return true;
}

static void
begin(struct engine *e, struct policies *p, const char *domain, int64_t destination,
    enum sts_ask ask, const struct sts_asked *asked, const struct moment *now)
{
	struct policies_task *t = engine_task(e, &p->base, &ask_kind);

	str_copy(str_of(domain), t->domain, sizeof(t->domain));
	t->destination = destination;
	t->txt = ask == STS_ASK_TXT;
	t->asked = *asked;
	fetches_begin(&p->all, domain, ask, now->mono_ms);
	if (t->txt || set_request(e, t)) {
		engine_submit(e, &t->task);
		return;
	}
	fetches_asked(&p->all);
	fail(
	    t, STS_CAUSE_FETCHER, "it cannot be asked for that host, or mta_sts.ca_file");
	take_answer(e, p, t, false, now);
	engine_drop(&t->task);
}

/* --- what is due ------------------------------------------------------------------- */

struct due_domain {
	char domain[NEXTHOP_HOST_SIZE];
	enum sts_ask ask; /* NOTHING: it is only to be settled */
	struct sts_asked asked;
};

struct due_domains {
	struct engine *e;
	const struct moment *now;
	const struct policies *p;
	struct due_domain *items;
	size_t count;
	int64_t again_ms;
};

/* Monotonic: until when it is not asked, as what came could not be stored; 0: it is. */
static int64_t
unstored_ms(const struct policies *p, const char *domain, enum sts_ask ask,
    const struct moment *now)
{
	int64_t until_ms = fetches_barred_ms(&p->all, domain, now->mono_ms);

	if (ask == STS_ASK_POLICY && backoff_waits(&p->storing, now->mono_ms) &&
	    p->storing.again_ms > until_ms)
		until_ms = p->storing.again_ms;
	return ask != STS_ASK_NOTHING ? until_ms : 0;
}

static bool
collect(void *context, const struct sts_record *r)
{
	struct due_domains *due = context;
	struct sts_next next = sts_next(&r->state, r->mail_ms, due->now->wall_ms);
	struct due_domain *item = &due->items[due->count];
	int64_t until_ms;

	if (next.ask != STS_ASK_NOTHING && next.at_ms > due->now->wall_ms)
		next.ask = STS_ASK_NOTHING;
	if (fetches_is_busy(&due->p->all, r->domain) ||
	    !fetches_have_room(&due->p->all, next.ask, due->now->mono_ms))
		return true;
	until_ms = unstored_ms(due->p, r->domain, next.ask, due->now);
	if (until_ms != 0) {
		if (due->again_ms == 0 || until_ms < due->again_ms)
			due->again_ms = until_ms;
		return true;
	}
	memcpy(item->domain, r->domain, sizeof(item->domain));
	item->ask = next.ask;
	item->asked = sts_asked(&r->state);
	due->count++;
	return true;
}

static bool
settle(struct engine *e, const char *domain, int64_t now_ms, struct err *err)
{
	struct sts_record r;
	bool found, done;

	done = store_begin(e->store, err) &&
	    store_sts_get(e->store, domain, &r, &found, err);
	if (!done)
		return false;
	done = engine_settle_policy(e, &r, false, now_ms, err) &&
	    store_commit(e->store, err);
	sts_record_clear(&r);
	return done;
}

static bool
begin_due(struct engine *e, struct policies *p, const struct moment *now, struct err *err)
{
	struct due_domains due = {
	    .e = e, .now = now, .p = p, .items = mem_new(ROWS_MAX, sizeof(*due.items))};
	bool done =
	    store_each_sts_due(e->store, now->wall_ms, ROWS_MAX, collect, &due, err);

	for (size_t i = 0; done && i < due.count; i++) {
		const struct due_domain *item = &due.items[i];

		if (item->ask == STS_ASK_NOTHING) {
			done = settle(e, item->domain, now->wall_ms, err);
			p->wrote = true;
		} else if (fetches_have_room(&p->all, item->ask, now->mono_ms)) {
			begin(e, p, item->domain, 0, item->ask, &item->asked, now);
		}
	}
	free(due.items);
	p->again_ms = due.again_ms;
	return done && store_sts_next(e->store, now->wall_ms, &p->next_ms, err);
}

/* --- who was sent mail ------------------------------------------------------------- */

/* done false: DNS is being asked what its domain announces, for another key of the same;
 * it is looked at again when that is known. */
static bool
note_mail(struct engine *e, struct policies *p, int64_t id, const char *domain,
    const struct moment *now, bool *done, struct err *err)
{
	bool found;

	if (!engine_note_policy_mail(e, id, domain, now->wall_ms, &found, err))
		return false;
	*done = found || !fetches_is_busy(&p->all, domain);
	if (!found && *done)
		begin(e, p, domain, id, STS_ASK_TXT, &(struct sts_asked){.refresh = 0},
		    now);
	p->look = true;
	return true;
}

static bool
look_at_mail(
    struct engine *e, struct policies *p, const struct moment *now, struct err *err)
{
	char domain[NEXTHOP_HOST_SIZE];
	bool done = true;
	int64_t id;

	if (!store_begin(e->store, err) || !store_sts_mail_first(e->store, &id, err))
		return false;
	p->wrote = p->wrote || id != 0;
	p->mail_ms = id != 0 ? now->mono_ms + MAIL_EVERY_MS : 0;
	return (id == 0 ||
	           (engine_policy_domain(e, id, domain, err) &&
	               (domain[0] == '\0' ||
	                   note_mail(e, p, id, domain, now, &done, err)) &&
	               (!done || store_sts_mail_done(e->store, id, err)))) &&
	    store_commit(e->store, err);
}

void
engine_mind_policies(struct engine *e)
{
	((struct policies *)engine_state(e, &duty_policies))->look = true;
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
	    store_sts_mail_first(e->store, &id, &ignored) && id != 0)
		p->mail_ms = now->mono_ms + MAIL_EVERY_MS;
}

static bool
open_policies(struct engine *e, struct duty_state *base, struct err *err)
{
	struct policies *p = (struct policies *)base;

	(void)err;
	p->look = true;
	p->mail_ms = e->driver.mode == ENGINE_APPLY ? 1 : 0;
	e->draw = (uint32_t)engine_now(e).wall_ms;
	return true;
}

static bool
is_mail_due(const struct engine *e, const struct policies *p, const struct moment *now)
{
	return p->mail_ms != 0 && p->mail_ms <= now->mono_ms && !e->driver.once &&
	    fetches_have_room(&p->all, STS_ASK_TXT, now->mono_ms);
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
	if (p->mail_ms != 0 && !e->driver.once &&
	    fetches_have_room(&p->all, STS_ASK_TXT, now->mono_ms) &&
	    p->mail_ms < due.at_ms)
		due.at_ms = p->mail_ms;
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
	if (p->is_begun && begin_due(e, p, now, &err) &&
	    (!is_mail_due(e, p, now) || look_at_mail(e, p, now, &err))) {
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
