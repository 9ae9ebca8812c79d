/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/seen.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/logfile.h"
#include "cmd/progress.h"
#include "core/covered.h"
#include "engine/intake_lines.h"
#include "engine/route_ask.h"
#include "engine/route_cache.h"

#define ROUTES_MAX 1000 /* recipients of one question */
#define MERGE_MIN  8192 /* so many pieces are merged at the soonest */

struct reader {
	struct fold *fold;
	struct route_cache *routes;
	const struct postfix *postfix;
	const struct postfix_settings *settings;
	struct route_settings route;
	struct seen_list *list;
	size_t room;
	size_t merged;     /* how many there were when they were merged last */
	uint64_t doubtful; /* lines that are left out, as a recipient may write them */
	int status;
};

/* --- the list ---------------------------------------------------------------------- */

static void
clear_one(struct seen *seen)
{
	for (size_t i = 0; i < seen->server_count; i++)
		free(seen->servers[i].name);
	free(seen->servers);
	free(seen->key);
}

void
seen_clear(struct seen_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		clear_one(&list->items[i]);
	free(list->items);
	forecast_span_clear(&list->span);
	*list = (struct seen_list){0};
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->key, ((const struct seen *)b)->key);
}

static void
later(int64_t *at_ms, int64_t than_ms)
{
	if (than_ms > *at_ms)
		*at_ms = than_ms;
}

static void
add_server(struct seen *to, struct seen_server *server)
{
	struct seen_server *mine = NULL;

	for (size_t i = 0; i < to->server_count && mine == NULL; i++)
		if (to->servers[i].port == server->port &&
		    strcmp(to->servers[i].name, server->name) == 0)
			mine = &to->servers[i];
	if (mine == NULL && to->server_count < FOLD_HOSTS_MAX) {
		to->servers =
		    mem_array(to->servers, to->server_count + 1, sizeof(*to->servers));
		to->servers[to->server_count++] = *server;
		server->name = NULL;
		return;
	}
	if (mine == NULL)
		return;
	for (size_t g = 0; g < SESSION_COUNT; g++)
		later(&mine->did.seen_ms[g], server->did.seen_ms[g]);
	later(&mine->did.bare_ms, server->did.bare_ms);
}

/* Pieces of one destination become one. */
static void
merge(struct reader *r)
{
	struct seen_list *list = r->list;
	size_t kept = 0;

	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare);
	for (size_t i = 0; i < list->count; i++) {
		struct seen *piece = &list->items[i], *to;

		if (kept == 0 || compare(&list->items[kept - 1], piece) != 0) {
			list->items[kept++] = *piece;
			continue;
		}
		to = &list->items[kept - 1];
		to->sent += piece->sent;
		if (piece->transport[0] != '\0')
			memcpy(to->transport, piece->transport, sizeof(to->transport));
		for (size_t s = 0; s < piece->server_count; s++)
			add_server(to, &piece->servers[s]);
		clear_one(piece);
	}
	list->count = r->merged = kept;
}

/* --- out of the fold --------------------------------------------------------------- */

static void
take_item(struct reader *r, const struct fold_item *item)
{
	struct seen_list *list = r->list;
	struct seen *seen;

	if (list->count == r->room) {
		r->room = r->room > 0 ? 2 * r->room : 256;
		list->items = mem_array(list->items, r->room, sizeof(*list->items));
	}
	seen = &list->items[list->count++];
	*seen = (struct seen){.key = mem_strdup(item->key)};
	memcpy(seen->transport, item->transport, sizeof(seen->transport));
	for (size_t t = 0; t < item->tally_count; t++)
		if (item->tallies[t].what >= FOLD_SENT &&
		    item->tallies[t].what < FOLD_BOUNCED)
			seen->sent += item->tallies[t].count;
	if (item->host_count > 0)
		seen->servers = mem_new(item->host_count, sizeof(*seen->servers));
	for (size_t h = 0; h < item->host_count; h++) {
		const struct fold_host *host = &item->hosts[h];
		struct seen_server *server = &seen->servers[seen->server_count++];

		server->name = mem_strdup(host->name);
		server->port = host->port;
		memcpy(server->did.seen_ms, host->seen_ms, sizeof(server->did.seen_ms));
		server->did.bare_ms = host->bare_ms;
	}
}

static void
take_all(struct reader *r)
{
	for (const struct fold_item *i = fold_first(r->fold); i != NULL; i = i->next)
		take_item(r, i);
	r->doubtful += fold_counts(r->fold)->ambiguous;
	fold_clear(r->fold);
	if (r->list->count > 2 * r->merged + MERGE_MIN)
		merge(r);
}

/* --- where mail goes --------------------------------------------------------------- */

static enum answer
route(void *context, struct str recipient, struct str domain, struct route *out)
{
	struct reader *r = context;

	if (r->settings->transport_maps[0] == '\0')
		route_of(&r->route, domain, STR(""), out);
	else if (!route_cache_get(r->routes, recipient, out))
		return ANSWER_UNSURE;
	return out->key[0] != '\0' ? ANSWER_YES : ANSWER_NO;
}

/* Whose route is to be asked, each once. */
struct asked {
	char *recipients[ROUTES_MAX];
	size_t count;
};

static void
collect(void *context, struct str recipient)
{
	struct asked *asked = context;

	if (asked->count == ROUTES_MAX)
		return;
	for (size_t i = 0; i < asked->count; i++)
		if (str_is(recipient, asked->recipients[i]))
			return;
	asked->recipients[asked->count++] = mem_strndup(recipient.p, recipient.len);
}

/* False: a map cannot be asked, which was reported. Mail of which one cannot tell is left
 * out. */
static bool
ask_routes(struct reader *r)
{
	struct asked *asked = mem_new(1, sizeof(*asked));
	struct route *routes = mem_new(ROUTES_MAX, sizeof(*routes));
	enum route_asked *told = mem_new(ROUTES_MAX, sizeof(*told));
	struct err err;
	bool done;

	fold_each_parked(r->fold, collect, asked);
	done = route_ask(r->postfix, &r->route, r->settings->transport_maps,
	    asked->recipients, asked->count, routes, told, &err);
	if (!done)
		r->status = cmd_fail(EX_UNAVAILABLE,
		    "cannot ask transport_maps: %s; see `tlsladder doctor`", err.text);
	for (size_t i = 0; i < asked->count; i++) {
		if (done && told[i] != ROUTE_LATER)
			route_cache_put(
			    r->routes, str_of(asked->recipients[i]), &routes[i]);
		free(asked->recipients[i]);
	}
	free(asked);
	free(routes);
	free(told);
	return done;
}

/* --- reading ----------------------------------------------------------------------- */

static bool
begin(void *context)
{
	return ((struct reader *)context)->status == 0;
}

static bool
pause_reading(void *context, enum scan_pause pause)
{
	struct reader *r = context;

	if (fold_parked(r->fold) > 0 &&
	    (pause != SCAN_GOES_ON || intake_is_full(r->fold) ||
	        intake_is_early(r->fold))) {
		fold_unpark(r->fold);
		while (fold_parked(r->fold) > 0) {
			if (!ask_routes(r))
				return false;
			fold_unpark(r->fold);
		}
	}
	if (pause == SCAN_ENDS || intake_is_full(r->fold))
		take_all(r);
	return r->status == 0;
}

static bool
logs_sessions(const struct postfix_settings *settings)
{
	return settings->tls_loglevel[0] >= '1' && settings->tls_loglevel[0] <= '9';
}

/* The settings of one stand for all, as doctor has them alike. */
static void
set_nodes(struct reader *r, const struct nodes *nodes)
{
	const char *hosts[FOLD_NODES_MAX] = {FOLD_NODE_ANY};
	unsigned count = nodes->count > 0 ? (unsigned)nodes->count : 1;

	for (size_t i = 0; i < nodes->count; i++)
		hosts[i] = nodes->items[i].host;
	fold_set_nodes(r->fold, hosts, count);
	for (unsigned i = 0; i < count; i++) {
		fold_select(r->fold, i);
		fold_set_quoted(
		    r->fold, r->settings->quotes_addresses ? ANSWER_YES : ANSWER_NO);
		fold_set_names(r->fold, r->settings->log_names);
		fold_set_sessions(r->fold, logs_sessions(r->settings));
		fold_set_plain(r->fold, route_is_plain(r->settings));
	}
}

static void
set_fold(struct reader *r, const struct config *config, struct covered *covered)
{
	fold_set_covered(r->fold, covered);
	fold_set_outer(r->fold, config->log.nested);
	fold_set_router(r->fold, route, r);
	set_nodes(r, &config->nodes);
}

int
seen_read(const struct config *config, const struct rules *rules,
    const struct postfix *postfix, const struct postfix_settings *settings,
    int64_t since_ms, char *const *paths, size_t count, struct seen_list *out)
{
	struct reader r = {.fold = fold_new(rules),
	    .routes = route_cache_new(),
	    .postfix = postfix,
	    .settings = settings,
	    .route = route_settings_of(settings),
	    .list = out};
	struct scan_logs logs = {.config = config,
	    .fold = r.fold,
	    .since_ms = since_ms,
	    .begin = begin,
	    .pause = pause_reading,
	    .progress = progress_show,
	    .context = &r,
	    .span = &out->span};
	struct covered *covered = covered_new();
	const char *line, *path = count == 1 ? paths[0] : NULL;
	uint64_t strange;
	int status;

	set_fold(&r, config, covered);
	status = scan_logs_read(&logs, paths, count);
	progress_end();
	take_all(&r);
	merge(&r);
	strange = fold_strange(r.fold, &line);
	logfile_tell_strange(path, strange, str_of(line));
	logfile_tell_strangers(r.fold);
	logfile_tell_doubtful(path != NULL ? path : "the logs", r.doubtful);
	if (!logs_sessions(settings))
		cmd_warn("smtp_tls_loglevel is 0, so that the log has no TLS sessions; "
		         "`postconf -e 'smtp_tls_loglevel = 1'` has it tell of them");
	fold_free(r.fold);
	covered_free(covered);
	route_cache_free(r.routes);
	return r.status != 0 ? r.status : status;
}
