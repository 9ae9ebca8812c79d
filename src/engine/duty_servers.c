/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The servers as a witness: before anything weaker is written for a destination, and
 * before an entry of it climbs, its MX hosts are connected to, each for all destinations
 * that have it (engine/hosts.h). What a host did is held against each by itself.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "engine/fair.h"
#include "engine/hosts.h"
#include "engine/metrics.h"
#include "engine/probers.h"
#include "sys/log.h"

#define BESIDE     PROBERS_MAX  /* that many are asked for beside a listing */
#define MISSING_MS SPAN_HOUR_MS /* so long posttls-finger is believed to be missing; */
#define GONE_MS    (10 * SPAN_MINUTE_MS) /* where it was there, after none was so long */
#define RUN        "run posttls-finger"
#define NO_ROOM_MS SPAN_SECOND_MS /* until a host is looked for again */

#define UNRUN_MIN_MS (10 * SPAN_MINUTE_MS)
#define UNRUN_MAX_MS (2 * SPAN_HOUR_MS)

/* While it cannot be run, now and then at least. Wall time, as decisions have it. */
struct unrun {
	int64_t first_ms, last_ms; /* 0: it never failed */
};

struct servers {
	struct duty_state base;
	struct probers probers;
	bool look;     /* something may be asked, or was answered */
	int64_t at_ms; /* monotonic: when a host may be asked; DUE_NEVER: none waits */
	int64_t
	    missing_ms;  /* monotonic: so long there is no posttls-finger; 0: there is */
	bool was_there;  /* it has answered */
	int64_t gone_ms; /* monotonic: since when it is not there; 0: it answered since */
	struct backoff running; /* that it cannot be run is told */
	struct unrun unrun;
};

static struct server_rules
rules_of(const struct engine *e)
{
	return finger_settings_of(&e->known->settings).rules;
}

static bool
open_servers(struct engine *e, struct duty_state *base, struct err *err)
{
	struct servers *s = (struct servers *)base;

	s->at_ms = DUE_NEVER;
	if (e->judge.prober == ANSWER_NO)
		return true;
	e->workers[POOL_PROBERS] =
	    e->world->workers_new(PROBERS_MAX, NULL, NULL, NULL, err);
	return e->workers[POOL_PROBERS] != NULL;
}

/* --- the task: one address of one host --------------------------------------------- */

struct servers_task {
	struct task task;
	char host[NEXTHOP_HOST_SIZE];
	char nexthop[NEXTHOP_HOST_SIZE];
	char address[INET6_ADDRSTRLEN];
	uint16_t port;
	bool dane;
	/* of the host, of the next-hop: their owners may be others */
	char domains[2][NEXTHOP_KEY_SIZE];
	int64_t begun_ms; /* monotonic */
	/* Copies: Postfix's settings may be read again meanwhile. */
	char *ca_file, *ca_path, *protocols, *ciphers, *helo, *verify_match,
	    *secure_match;
	enum finger_outcome outcome;
	struct server server;
};

static bool
work(struct task *task, void *context)
{
	struct servers_task *t = (struct servers_task *)task;
	struct finger_settings settings = {
	    .ca_file = t->ca_file,
	    .ca_path = t->ca_path,
	    .protocols = t->protocols,
	    .ciphers = t->ciphers,
	    .helo = t->helo,
	    .rules = {.verify = t->verify_match, .secure = t->secure_match},
	};
	struct finger_question question = {
	    .host = t->host,
	    .address = t->address,
	    .port = t->port,
	    .nexthop = t->nexthop,
	    .dane = t->dane,
	};

	(void)context;
	t->outcome = task->world->finger(
	    task->postfix, &settings, &question, &t->server, &task->err);
	/* A host that cannot be asked is no failure of ours: others go on. */
	return true;
}

static void
release(struct task *task)
{
	struct servers_task *t = (struct servers_task *)task;

	free(t->ca_file);
	free(t->ca_path);
	free(t->protocols);
	free(t->ciphers);
	free(t->helo);
	free(t->verify_match);
	free(t->secure_match);
}

/* Where it was, once is no sign that nobody can be asked: a shell, or a container that is
 * being made anew, says the same. */
static void
note_missing(struct engine *e, struct servers *s, int64_t mono_ms)
{
	if (s->gone_ms == 0)
		s->gone_ms = mono_ms;
	if (s->missing_ms != 0 || (s->was_there && mono_ms - s->gone_ms < GONE_MS))
		return;
	log_info("posttls-finger is not there: servers are not asked, the reason "
	         "of a deferral decides");
	s->missing_ms = mono_ms + MISSING_MS;
	e->judge.prober = ANSWER_NO;
}

static void
note_there(struct servers *s)
{
	s->was_there = true;
	s->gone_ms = 0;
	backoff_over(&s->running, RUN);
}

/* One that is later than this is another failure: destinations wait as long as it has
 * lasted, an hour at most. */
static bool
is_another(const struct unrun *unrun, int64_t wall_ms)
{
	int64_t apart_ms = 2 * (unrun->last_ms - unrun->first_ms);

	if (apart_ms < UNRUN_MIN_MS)
		apart_ms = UNRUN_MIN_MS;
	if (apart_ms > UNRUN_MAX_MS)
		apart_ms = UNRUN_MAX_MS;
	return unrun->first_ms == 0 || wall_ms < unrun->last_ms ||
	    wall_ms - unrun->last_ms > apart_ms;
}

static void
note_unrun(struct unrun *unrun, int64_t wall_ms)
{
	if (is_another(unrun, wall_ms))
		unrun->first_ms = wall_ms;
	unrun->last_ms = wall_ms;
}

/* Alerted where it lasts. */
static void
note_failed(struct engine *e, struct servers *s, const struct err *err, int64_t mono_ms)
{
	struct buf line = {0};

	if (!backoff_report(&s->running, RUN, err, true, mono_ms))
		return;
	buf_printf(&line, "cannot " RUN ": %s", err->text);
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct servers *s = (struct servers *)base;
	const struct servers_task *t = (const struct servers_task *)task;
	struct host *host = hosts_get(e->hosts, t->host, t->port);

	s->look = true;
	if (t->outcome == FINGER_MISSING)
		note_missing(e, s, now->mono_ms);
	if (t->outcome == FINGER_ASKED) {
		note_there(s);
		engine_count(e, METRIC_PROBES, probe_end_name(t->server.probe.end), 1);
	}
	if (t->outcome == FINGER_FAILED) {
		note_failed(e, s, &task->err, now->mono_ms);
		note_unrun(&s->unrun, now->wall_ms);
	}
	log_debug("asked %s[%s]:%u: %s (%s)", t->host, t->address, t->port,
	    probe_end_name(t->server.probe.end), task->err.text);
	host->asking.ours = host->asking.ours || t->outcome == FINGER_FAILED;
	if (host_answered(
	        host, t->outcome == FINGER_ASKED ? &t->server : NULL, now->mono_ms))
		engine_note_host(e, host);
	engine_tell(e, NEWS_SERVER);
}

static const struct task_kind servers_kind = {.size = sizeof(struct servers_task),
    .pool = POOL_PROBERS,
    .work = work,
    .take = take,
    .release = release};

static char *
copy(const char *text)
{
	return mem_strdup(text != NULL ? text : "");
}

static void
add_busy(struct servers *s, const struct servers_task *t)
{
	const char *const domains[] = {t->domains[0], t->domains[1]};

	probers_add(&s->probers, domains, t->begun_ms);
}

static void
ask_address(struct engine *e, struct servers *s, const struct chosen_host *host,
    uint16_t port, const char *nexthop, const struct chosen_address *address)
{
	struct servers_task *t = engine_task(e, &s->base, &servers_kind);
	struct finger_settings settings = finger_settings_of(&e->known->settings);

	str_copy(str_of(host->name), t->host, sizeof(t->host));
	str_copy(str_of(nexthop), t->nexthop, sizeof(t->nexthop));
	if (address != NULL)
		inet_ntop(address->length == 4 ? AF_INET : AF_INET6, address->octets,
		    t->address, sizeof(t->address));
	else
		str_copy(str_of(host->name), t->address, sizeof(t->address));
	t->port = port;
	fair_domain(host->name, t->domains[0]);
	fair_domain(nexthop, t->domains[1]);
	t->begun_ms = engine_now(e).mono_ms;
	add_busy(s, t);
	t->dane = host->promise == PROMISE_DANE;
	t->ca_file = copy(settings.ca_file);
	t->ca_path = copy(settings.ca_path);
	t->protocols = copy(settings.protocols);
	t->ciphers = copy(settings.ciphers);
	t->helo = copy(settings.helo);
	t->verify_match = copy(settings.rules.verify);
	t->secure_match = copy(settings.rules.secure);
	engine_submit(e, &t->task);
}

void
engine_ask_host(struct engine *e, const struct chosen_host *chosen, uint16_t port,
    const char *nexthop)
{
	struct servers *s = engine_state(e, &duty_servers);

	if (chosen->literal)
		ask_address(e, s, chosen, port, nexthop, NULL);
	for (unsigned i = 0; i < chosen->address_count; i++)
		ask_address(e, s, chosen, port, nexthop, &chosen->addresses[i]);
}

/* Who is busy, and what is known, at this moment. */
static void
count_busy(const struct engine *e, struct servers *s, int64_t now_ms)
{
	s->probers.now_ms = now_ms;
	s->probers.hosts = e->hosts;
	s->probers.table = e->witnessed;
	s->probers.busy_count = 0;
	s->probers.had_turn = false;
	s->probers.wait_ms = DUE_NEVER;
	for (const struct task *task = e->tasks; task != NULL; task = task->next)
		if (task->kind == &servers_kind)
			add_busy(s, (const struct servers_task *)task);
}

static void
ask_host(struct engine *e, const struct witnessed_servers *of,
    const struct chosen_host *chosen, struct host *host, const struct host_time *now)
{
	host_begin(host, chosen->literal ? 1 : chosen->address_count,
	    chosen->promise == PROMISE_DANE, now);
	engine_ask_host(e, chosen, of->port, of->choice.domain);
}

/* --- one destination --------------------------------------------------------------- */

/* A line of the log is enough: it only has others wait. */
static bool
has_past(const struct destination *d, const struct host_past *hosts)
{
	return d->past.sent_ms != 0 || d->past.encrypt_ms != 0 ||
	    hosts->encrypt_ms != 0 || hosts->verify_ms != 0 || hosts->dane_ms != 0;
}

bool
engine_ask_servers(struct engine *e, struct witnessed *w, const struct destination *d,
    const struct answers *answers)
{
	const struct choice *choice = answers->choice;
	struct servers *s = engine_state(e, &duty_servers);
	struct witnessed_servers *of = w->servers;
	int64_t now_ms = engine_now(e).wall_ms;

	if (d->port == 0 || (choice == NULL && of == NULL))
		return false;
	if (of == NULL) {
		of = mem_new(1, sizeof(*of));
		w->servers = of;
	}
	if (choice != NULL && choice != &of->choice)
		of->choice = *choice;
	for (unsigned i = 0; i < CHOICE_MAX; i++)
		of->heard[i] = false;
	of->port = d->port;
	of->has_past = has_past(d, &answers->hosts_past);
	of->news_ms = destination_news_ms(d);
	/* No attempt is younger than the line that tells of it: the clock of the log may
	 * be ahead. */
	of->attempt_ms = of->news_ms < now_ms ? of->news_ms : now_ms - 1;
	of->until_ms = DUE_NEVER;
	of->unrun = false;
	s->look = true;
	return true;
}

bool
engine_servers_serve(
    const struct engine *e, const struct witnessed *w, const struct destination *d)
{
	const struct witnessed_servers *of = w->servers;

	if (of == NULL || !w->says.measured.asked ||
	    engine_now(e).mono_ms >= of->until_ms)
		return false;
	/* Attempts that came while they were being asked are judged next: whoever writes
	 * lines all the time must not keep this one from being judged. */
	return d->alarm.raised ? d->again_ms <= of->news_ms
	                       : destination_news_ms(d) == of->news_ms;
}

/* The database could not tell: whatever comes of it cannot be stored either. */
static enum level
past_of(const struct engine *e, const struct witnessed_servers *of, unsigned i)
{
	const struct chosen_host *host = &of->choice.hosts[i];
	struct host_past past;
	struct err ignored;

	if (!store_host_get(e->store, host->name, of->port, &past, &ignored))
		return LEVEL_UNKNOWN;
	return host_past_best(&past, host->promise == PROMISE_DANE, e->judge.proof_ms,
	    engine_now(e).wall_ms);
}

static void
hear(const struct engine *e, struct witnessed_servers *of, unsigned i,
    const struct host *host)
{
	struct server_rules rules = rules_of(e);
	int64_t until_ms = host->known.begun.mono_ms + HOSTS_SERVES_MS;

	of->heard[i] = true;
	of->unrun = of->unrun || (host->answer == NULL && host->known.ours);
	of->pasts[i] = past_of(e, of, i);
	of->probes[i] = host->answer != NULL
	    ? server_probe(
	          host->answer, &rules, of->choice.hosts[i].name, of->choice.domain)
	    : (struct probe){.end = host->known.ours ? PROBE_OURS : PROBE_SILENT};
	if (until_ms < of->until_ms)
		of->until_ms = until_ms;
}

/* Ask those of its hosts that may be asked now. True: all have answered. */
static bool
ask_hosts(
    struct engine *e, struct servers *s, struct witnessed *w, const struct moment *now)
{
	struct witnessed_servers *of = w->servers;
	struct host_time time = {.wall_ms = now->wall_ms, .mono_ms = now->mono_ms};
	bool complete = true;

	probers_take_turn(&s->probers, w);
	for (unsigned i = 0; i < of->choice.count; i++) {
		const struct chosen_host *chosen = &of->choice.hosts[i];
		struct host_need need = {.attempt_ms = of->attempt_ms,
		    .dane = chosen->promise == PROMISE_DANE};
		struct host *host;
		int64_t at_ms = now->mono_ms + NO_ROOM_MS;
		enum host_turn turn = HOST_ASK;

		if (of->heard[i])
			continue;
		host = hosts_find(e->hosts, chosen->name, of->port);
		if (host != NULL)
			turn =
			    host_turn(&host->known, &host->asking, &need, &time, &at_ms);
		if (turn == HOST_ASK && !probers_have_room(&s->probers, w, chosen)) {
			complete = false;
			continue;
		}
		/* Not before: one that only waits to be asked must not take the room of
		 * an answer that nobody has heard yet. */
		if (turn == HOST_ASK && host == NULL)
			host = hosts_get(e->hosts, chosen->name, of->port);
		if (host == NULL)
			turn = HOST_WAITS;
		if (turn == HOST_SERVES)
			hear(e, of, i, host);
		else if (turn == HOST_ASK)
			ask_host(e, of, chosen, host, &time);
		else if (turn == HOST_WAITS && at_ms < s->at_ms)
			s->at_ms = at_ms;
		complete = complete && of->heard[i];
	}
	return complete;
}

/* Where there are so many, or they are so slow, that the first of them serves no more
 * when the last has answered, they do as long as any other witness. */
static void
tell(const struct servers *s, struct witnessed *w, int64_t mono_ms)
{
	struct witnessed_servers *of = w->servers;
	struct measured_host hosts[CHOICE_MAX];

	if (of->until_ms < mono_ms + WITNESSES_SERVES_MS)
		of->until_ms = mono_ms + WITNESSES_SERVES_MS;

	for (unsigned i = 0; i < of->choice.count; i++)
		hosts[i] = (struct measured_host){
		    .name = of->choice.hosts[i].name,
		    .promise = of->choice.hosts[i].promise,
		    .probe = of->probes[i],
		    .past = of->pasts[i],
		};
	measured_text(hosts, of->choice.count, of->text, sizeof(of->text));
	w->says.measured = measured_of(hosts, of->choice.count, false);
	w->says.measured_gone = measured_of(hosts, of->choice.count, true);
	w->says.measured.unrun_ms = of->unrun ? s->unrun.first_ms : 0;
	if (!of->choice.cut)
		return;
	w->says.measured = measured_in_part(w->says.measured);
	w->says.measured_gone = measured_in_part(w->says.measured_gone);
}

/* --- the duty ---------------------------------------------------------------------- */

static void
hear_news(
    struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	(void)e;
	(void)now;
	if (news == NEWS_SETTINGS || news == NEWS_LISTED)
		((struct servers *)base)->look = true;
}

/* It may have been installed. */
static void
notice(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct servers *s = (struct servers *)base;

	if (s->missing_ms == 0 || now->mono_ms < s->missing_ms)
		return;
	s->missing_ms = 0;
	e->judge.prober = ANSWER_UNSURE;
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct servers *s = (const struct servers *)base;
	bool waits = witnesses_waiting(e->witnessed, WANTS_SERVERS) > 0;

	return (struct due){!waits                  ? DUE_NEVER
	        : s->look && e->known->read_ms != 0 ? now->mono_ms
	                                            : s->at_ms,
	    waits};
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct servers *s = (struct servers *)base;
	/* Of a burst the queue tells first: lines cost nothing, and a message that is
	 * gone is no reason to connect to anybody. Where few wait they are asked beside
	 * it, so that nobody waits for one after the other. */
	bool beside = witnesses_waiting(e->witnessed, WANTS_QUEUE) <= BESIDE;
	size_t count, told = 0;
	int64_t *ids;

	count_busy(e, s, now->mono_ms);
	ids = probers_in_turn(&s->probers, beside, &count);
	s->look = false;
	s->at_ms = DUE_NEVER;
	for (size_t i = 0; i < count; i++) {
		struct witnessed *w = witnesses_find(e->witnessed, ids[i]);
		size_t tasks = s->base.tasks;

		if (e->judge.prober != ANSWER_NO) {
			bool complete = ask_hosts(e, s, w, now);

			if (s->base.tasks > tasks)
				probers_had_turn(&s->probers, w);
			if (!complete)
				continue;
			tell(s, w, now->mono_ms);
		}
		witnessed_told(w, WANTS_SERVERS, now->mono_ms);
		ids[told++] = w->id;
	}
	if (s->probers.wait_ms < s->at_ms)
		s->at_ms = s->probers.wait_ms;
	if (told > 0)
		engine_judge_witnessed(e, ids, told);
	free(ids);
}

const struct duty duty_servers = {
    .name = "servers",
    .needs = DUTY_LEADS,
    .state_size = sizeof(struct servers),
    .open = open_servers,
    .hear = hear_news,
    .notice = notice,
    .due = due,
    .start = start,
};
