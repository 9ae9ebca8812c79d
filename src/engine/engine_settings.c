/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "sys/clock.h"

#define FRESH_MS   SPAN_MINUTE_MS /* how long Postfix's settings are believed */
#define ROUTES_MAX 1000           /* recipients of one question */

void
engine_take_settings(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	bool ours;

	postfix_settings_clear(&e->settings);
	postfix_maps_free(e->other_maps);
	e->other_maps = NULL;
	e->settings = chore->settings;
	chore->settings = (struct postfix_settings){0};
	e->settings_ms = mono_ms;
	e->judge.settings = NULL;
	if (!chore->done) {
		engine_trouble(
		    e, &e->asking_postfix, "ask postconf", &chore->err, mono_ms);
		e->judge.default_level = LEVEL_UNKNOWN;
		e->judge.can_dane = ANSWER_UNSURE;
		/* Nothing is decided without an answer; scan shows as much. */
		if (e->mode == ENGINE_APPLY)
			e->settings_ms = 0;
		fold_set_plain(e->fold, e->settings_ms != 0);
		if (e->settings_ms != 0)
			fold_unpark(e->fold);
		return;
	}
	trouble_over(&e->asking_postfix, "ask postconf");
	e->judge.settings = &e->settings;
	e->judge.default_level = e->config->postfix.default_level != LEVEL_UNKNOWN
	    ? e->config->postfix.default_level
	    : e->settings.level;
	e->judge.can_dane = e->settings.can_dane ? ANSWER_YES : ANSWER_NO;
	e->other_maps =
	    postfix_other_maps(e->settings.policy_maps, e->config->map.file, &ours);
	fold_set_quoted(e->fold, e->settings.quotes_addresses);
	fold_set_sessions(e->fold,
	    e->settings.tls_loglevel[0] >= '1' && e->settings.tls_loglevel[0] <= '9');
	routes_clear(e->routes);
	e->plain_routes = routes_are_plain(&e->settings);
	fold_set_plain(e->fold, e->plain_routes);
	fold_unpark(e->fold);
}

bool
engine_settings_are_fresh(const struct engine *e, int64_t mono_ms)
{
	return e->settings_ms != 0 && mono_ms - e->settings_ms <= FRESH_MS;
}

/* --- routes ------------------------------------------------------------------------ */

/* The fold's router. Unknown until Postfix's settings are known. */
enum answer
engine_route(void *context, struct str recipient, struct str domain, struct route *out)
{
	struct engine *e = context;
	struct route_settings settings;

	if (e->settings_ms == 0)
		return ANSWER_UNSURE;
	if (e->judge.settings == NULL || e->plain_routes) {
		settings = (struct route_settings){"", "smtp", "", false};
		route_of(&settings, domain, STR(""), out);
	} else if (e->settings.transport_maps[0] == '\0') {
		settings = routes_settings(&e->settings);
		route_of(&settings, domain, STR(""), out);
	} else if (!routes_get(e->routes, recipient, out)) {
		return ANSWER_UNSURE;
	}
	return out->key[0] != '\0' ? ANSWER_YES : ANSWER_NO;
}

static void
collect(void *context, struct str recipient)
{
	struct chore *chore = context;

	if (chore->recipient_count == ROUTES_MAX)
		return;
	for (size_t i = 0; i < chore->recipient_count; i++)
		if (str_is(recipient, chore->recipients[i]))
			return;
	chore->recipients[chore->recipient_count++] =
	    mem_strndup(recipient.p, recipient.len);
}

void
engine_take_routes(struct engine *e, struct chore *chore, int64_t mono_ms)
{
	if (!chore->done) {
		engine_trouble(
		    e, &e->routing, "ask the transport maps", &chore->err, mono_ms);
		return;
	}
	trouble_over(&e->routing, "ask the transport maps");
	for (size_t i = 0; i < chore->recipient_count; i++)
		routes_put(e->routes, str_of(chore->recipients[i]), &chore->routes[i]);
	fold_unpark(e->fold);
}

static void
ask_routes(struct engine *e)
{
	struct chore *chore = engine_chore(e, CHORE_ROUTES);

	chore->recipients = mem_new(ROUTES_MAX, sizeof(*chore->recipients));
	fold_each_parked(e->fold, collect, chore);
	chore->route_settings = routes_settings(&e->settings);
	chore->transport_maps = e->settings.transport_maps;
	workers_submit(e->chores, &chore->job);
}

/*
 * Have asked what is needed and not known. The askers and the routes borrow from the
 * settings: no new ones while they are at work.
 */
void
engine_try_settings(struct engine *e, int64_t mono_ms)
{
	bool needed = e->look || fold_parked(e->fold) > 0;
	bool borrowed = e->asking_count > 0 || e->running[CHORE_ROUTES];

	if (!needed || e->running[CHORE_SETTINGS])
		return;
	if (!engine_settings_are_fresh(e, mono_ms)) {
		if (!borrowed && !trouble_waits(&e->asking_postfix, mono_ms))
			workers_submit(e->chores, &engine_chore(e, CHORE_SETTINGS)->job);
	} else if (fold_parked(e->fold) > 0 && !e->running[CHORE_ROUTES] &&
	    !trouble_waits(&e->routing, mono_ms)) {
		fold_unpark(e->fold);
		if (fold_parked(e->fold) > 0)
			ask_routes(e);
	}
}
