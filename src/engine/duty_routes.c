/* SPDX-License-Identifier: BSD-2-Clause */
/* Where Postfix sends mail: the fold's router, and the transport maps asked for it. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "engine/nodes.h"
#include "engine/route_ask.h"
#include "engine/route_cache.h"
#include "sys/log.h"

#define ROUTES_MAX      1000        /* recipients of one question */
#define UNTOLD_EVERY_MS SPAN_DAY_MS /* it is told so often that some cannot be told */
#define AWAY_MS         SPAN_MINUTE_MS
#define UNTOLD_MS       SPAN_MINUTE_MS /* so long these are not asked again */

struct routes {
	struct duty_state base;
	struct route_cache *cache;
	/* The settings that all this goes by: whose, and which time they were read. */
	const struct engine_node *of;
	unsigned reads;
	int64_t
	    away_ms; /* monotonic: it could not be asked; 0: it could, the last time */
	bool plain;  /* every domain is its own next-hop */
	int64_t untold_ms; /* monotonic: it was told that a map cannot tell; 0: never */
	int64_t again_ms; /* monotonic: what none could tell is asked again; 0: nothing */
};

static void
forget(struct routes *r)
{
	route_cache_clear(r->cache);
	r->again_ms = 0;
}

/* By whose settings mail of that node is routed: of one that cannot be asked, what it
 * said last; of one that never told, the one by which it is decided. NULL: nobody tells,
 * or it was not asked yet, and may have other routes than those that were. */
static const struct engine_node *
told_by(const struct engine *e, const struct engine_node *node)
{
	if (e->known->read_ms == 0 || (!node->was_asked && e->nodes.count > 1))
		return NULL;
	if (node->was_read || e->judge.settings == NULL)
		return node;
	return engine_decisive(e);
}

/* The fold's router. Unknown until Postfix's settings are known. */
static enum answer
route(void *context, struct str recipient, struct str domain, struct route *out)
{
	struct engine *e = context;
	struct engine_node *node = &e->nodes.items[fold_selected(e->fold)];
	struct routes *r = engine_state_of(e, &duty_routes, node);
	const struct engine_node *of = told_by(e, node);
	struct route_settings settings;

	if (of == NULL)
		return ANSWER_UNSURE;
	if (e->judge.settings == NULL || r->plain) {
		settings = (struct route_settings){.relayhost = "",
		    .default_transport = "smtp",
		    .recipient_delimiter = ""};
		route_of(&settings, domain, STR(""), out);
	} else if (of->known.settings.transport_maps[0] == '\0') {
		settings = route_settings_of(&of->known.settings);
		route_of(&settings, domain, STR(""), out);
	} else {
		if (r->again_ms != 0 && engine_now(e).mono_ms >= r->again_ms)
			forget(r);
		if (!route_cache_get(r->cache, recipient, out))
			return ANSWER_UNSURE;
	}
	return out->key[0] != '\0' ? ANSWER_YES : ANSWER_NO;
}

static bool
open_routes(struct engine *e, struct duty_state *base, struct err *err)
{
	(void)err;
	((struct routes *)base)->cache = route_cache_new();
	fold_set_router(e->fold, route, e);
	return true;
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	struct routes *r = (struct routes *)base;
	const struct engine_node *of = told_by(e, base->node);

	(void)now;
	if (news != NEWS_SETTINGS)
		return;
	fold_select(e->fold, base->node->at);
	if (e->judge.settings == NULL) {
		r->reads = 0; /* whatever comes next is news */
		fold_set_plain(e->fold, e->known->read_ms != 0);
	} else if (of != NULL && (of != r->of || of->known.reads != r->reads)) {
		r->of = of;
		r->reads = of->known.reads;
		forget(r);
		r->plain = route_is_plain(&of->known.settings);
		fold_set_plain(e->fold, r->plain);
	}
	if (e->known->read_ms != 0 && base->node->at == e->nodes.count - 1)
		fold_unpark(e->fold);
}

struct routes_task {
	struct task task;
	const struct fold *fold; /* while it is filled in */
	char **recipients;
	size_t count;
	struct route *routes;    /* out, as many */
	enum route_asked *asked; /* out, as many */
	/* Those of another node may be read anew meanwhile: copies. */
	struct route_settings settings;
	char *texts[5]; /* of it */
	char *transport_maps;
};

static bool
work(struct task *task, void *context)
{
	struct routes_task *t = (struct routes_task *)task;

	(void)context;
	t->routes = mem_new(t->count, sizeof(*t->routes));
	t->asked = mem_new(t->count, sizeof(*t->asked));
	return task->world->route_ask(task->postfix, &t->settings, t->transport_maps,
	    t->recipients, t->count, t->routes, t->asked, &task->err);
}

static void
say_untold(struct engine *e, struct routes *r, const struct err *why, int64_t mono_ms)
{
	r->again_ms = mono_ms + UNTOLD_MS;
	if (r->untold_ms != 0 && mono_ms - r->untold_ms < UNTOLD_EVERY_MS)
		return;
	r->untold_ms = mono_ms;
	log_warning("the transport maps cannot tell of every recipient: %s", why->text);
	engine_alert(e,
	    "the transport maps cannot tell where some mail goes: its lines are "
	    "not taken, and it waits where its TLS fails; see the log");
}

/* Of whom a map cannot tell, nothing is taken for a while; others need not wait for that.
 */
static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct routes *r = (struct routes *)base;
	const struct routes_task *t = (const struct routes_task *)task;

	r->away_ms = task->done ? 0 : now->mono_ms;
	if (!task->done)
		return;
	for (size_t i = 0; i < t->count; i++) {
		if (t->asked[i] == ROUTE_UNTOLD)
			say_untold(e, r, &task->err, now->mono_ms);
		if (t->asked[i] != ROUTE_LATER)
			route_cache_put(
			    r->cache, str_of(t->recipients[i]), &t->routes[i]);
	}
	fold_unpark(e->fold);
}

static void
release(struct task *task)
{
	struct routes_task *t = (struct routes_task *)task;

	for (size_t i = 0; i < t->count; i++)
		free(t->recipients[i]);
	for (size_t i = 0; i < sizeof(t->texts) / sizeof(t->texts[0]); i++)
		free(t->texts[i]);
	free(t->transport_maps);
	free(t->recipients);
	free(t->routes);
	free(t->asked);
}

static const struct task_kind routes_kind = {
    .size = sizeof(struct routes_task), .work = work, .take = take, .release = release};

static void
collect(void *context, struct str recipient)
{
	struct routes_task *t = context;

	if (t->count == ROUTES_MAX || fold_selected(t->fold) != t->task.base->node->at)
		return;
	for (size_t i = 0; i < t->count; i++)
		if (str_is(recipient, t->recipients[i]))
			return;
	t->recipients[t->count++] = mem_strndup(recipient.p, recipient.len);
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	bool owed = fold_parked_of(e->fold, base->node->at) > 0;

	return (struct due){owed && base->tasks == 0 ? now->mono_ms : DUE_NEVER, owed};
}

static void
copy_settings(struct routes_task *t, const struct postfix_settings *settings)
{
	t->settings = route_settings_of(settings);
	t->settings.relayhost = t->texts[0] = mem_strdup(t->settings.relayhost);
	t->settings.default_transport = t->texts[1] =
	    mem_strdup(t->settings.default_transport);
	t->settings.recipient_delimiter = t->texts[2] =
	    mem_strdup(t->settings.recipient_delimiter);
	t->settings.relay_domains = t->texts[3] = mem_strdup(t->settings.relay_domains);
	t->settings.relay_transport = t->texts[4] =
	    mem_strdup(t->settings.relay_transport);
	t->transport_maps = mem_strdup(settings->transport_maps);
}

static bool
is_away(const struct engine *e, const struct engine_node *node, int64_t mono_ms)
{
	const struct routes *r = engine_state_of(e, &duty_routes, node);

	return node->is_away || node->known.read_ms == 0 ||
	    (r->away_ms != 0 && mono_ms - r->away_ms < AWAY_MS);
}

/* Who tells where mail of that node goes. Others must not wait for one that hangs, so for
 * a while one that routes mail alike is asked in its place. NULL: there is none. */
static const struct engine_node *
asked(const struct engine *e, const struct routes *r, int64_t mono_ms)
{
	const struct engine_node *of = told_by(e, r->base.node);

	if (e->nodes.count == 1 || !is_away(e, of, mono_ms))
		return of;
	for (unsigned i = 0; i < e->nodes.count; i++)
		if (!is_away(e, &e->nodes.items[i], mono_ms) &&
		    route_is_alike(
		        &of->known.settings, &e->nodes.items[i].known.settings))
			return &e->nodes.items[i];
	return NULL;
}

/* Another node's routes would have its mail be that of another next-hop. */
static void
take_untold(struct engine *e, struct routes *r, const struct routes_task *t,
    const struct moment *now)
{
	const struct route none = {.transport = ""};
	struct err why;

	err_set(&why, "%s cannot be asked, and no other node routes mail as it does",
	    r->base.node->name);
	for (size_t i = 0; i < t->count; i++)
		route_cache_put(r->cache, str_of(t->recipients[i]), &none);
	say_untold(e, r, &why, now->mono_ms);
	fold_unpark(e->fold);
}

/* What is known meanwhile need not be asked. */
static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	const struct engine_node *of;
	struct routes_task *t;

	fold_unpark(e->fold);
	if (fold_parked_of(e->fold, base->node->at) == 0)
		return;
	t = engine_task(e, base, &routes_kind);
	t->recipients = mem_new(ROUTES_MAX, sizeof(*t->recipients));
	t->fold = e->fold;
	fold_each_parked(e->fold, collect, t);
	of = asked(e, (const struct routes *)base, now->mono_ms);
	if (of == NULL) {
		take_untold(e, (struct routes *)base, t, now);
		engine_drop(&t->task);
		return;
	}
	t->task.postfix = &of->postfix;
	copy_settings(t, &of->known.settings);
	engine_submit(e, &t->task);
}

static void
close_routes(struct duty_state *base)
{
	route_cache_free(((struct routes *)base)->cache);
}

const struct duty duty_routes = {
    .name = "routes",
    .what = "ask the transport maps",
    .is_of_node = true,
    .needs = DUTY_SETTINGS,
    .stuck = ENGINE_STUCK,
    .state_size = sizeof(struct routes),
    .open = open_routes,
    .hear = hear,
    .due = due,
    .start = start,
    .close = close_routes,
};
