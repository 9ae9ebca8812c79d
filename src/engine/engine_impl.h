/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of an engine, for the files engine_*.c alone. */
#ifndef ENGINE_ENGINE_IMPL_H
#define ENGINE_ENGINE_IMPL_H

#include "base/buf.h"
#include "engine/ask.h"
#include "engine/chores.h"
#include "engine/engine.h"
#include "engine/routes.h"
#include "engine/trouble.h"
#include "sys/workers.h"

#define ENGINE_PROBE_SLOTS 4096

struct engine {
	const struct config *config;
	const struct rules *rules;
	enum engine_mode mode;
	engine_decided_fn *decided;
	void *context;

	struct store *store;
	struct fold *fold;
	struct judge judge;
	struct postfix postfix;
	struct ask_settings ask_settings;
	struct workers *askers;
	struct workers *chores;

	struct postfix_settings settings;
	char **other_maps;
	int64_t settings_ms; /* monotonic; 0: never read */
	struct routes *routes;
	bool plain_routes; /* every domain is its own next-hop */
	bool running[CHORE_KINDS];

	int64_t *asking; /* ids that are with the askers */
	size_t asking_count;
	size_t asking_max;
	bool look;            /* there may be something to judge */
	int64_t due_tokens;   /* looks at ended leases that may begin now */
	int64_t due_token_ms; /* monotonic: when the last one came */
	int64_t
	    probed_ms[ENGINE_PROBE_SLOTS]; /* monotonic, by hash of the first MX host */
	bool limit_told;                   /* that a pattern ran into its limit */
	bool queue_wanted;                 /* read it, until it was read */
	bool unsaved_queue;                /* what the queue said is in the fold alone */

	int64_t export_ms;   /* monotonic: when the map is due; 0: it is in place */
	int64_t map_version; /* as last read */
	int64_t map_exported;
	bool map_doubted;       /* the next one is built anew */
	int64_t map_doubted_ms; /* monotonic: when it last was, for a doubt */
	int64_t lag_ms;         /* monotonic: when to look at what targets left for later;
	                         * 0: nothing */
	int64_t data_version;
	int64_t retry_ms; /* wall: when a message is due; 0: none known */
	int64_t again_ms; /* wall: when one is retried of which there was no word */
	bool retry_look;
	int64_t flushed_ms; /* monotonic */
	int64_t thinned_day;
	int64_t clock_ms;  /* wall: of the last turn */
	bool clock_minded; /* no time in the store is further ahead than it can be */
	int64_t due_ms;    /* wall: the next destination to look at again; 0: none */

	struct trouble storing, exporting, catching_up, retrying, asking_postfix, routing,
	    notifying, queueing;
	struct buf alerts;
	size_t alert_count;
	size_t alert_why[WHY_COUNT]; /* of them, decisions by their why */
	size_t alert_lost;           /* of them, destinations whose mail was bounced */
	int64_t
	    alert_ms; /* monotonic: when the group ends and is sent; 0: there is none */
};

/* A chore of that kind, marked as running; the caller fills it in and submits it. */
struct chore *engine_chore(struct engine *engine, enum chore_kind kind);

/* engine_alerts.c: what the administrator should know, grouped into mails. */
void engine_alert(struct engine *engine, const char *line);
void engine_trouble(struct engine *engine, struct trouble *trouble, const char *what,
    const struct err *err, int64_t mono_ms);
void engine_alert_decision(
    struct engine *engine, const struct destination *d, const struct judged *judged);
/* Mail that was bounced is told once it is stored, whatever is decided: an alert a line.
 */
void engine_find_lost(const struct engine *engine, struct buf *lines);
void engine_alert_lost(struct engine *engine, const struct buf *lines);
void engine_take_notify(struct engine *engine, struct chore *chore, int64_t mono_ms);
void engine_try_notify(struct engine *engine, int64_t mono_ms);
void engine_send_last_alerts(struct engine *engine);

/* engine_map.c: the map in place. */
bool engine_start_map(struct engine *engine, struct err *err);
void engine_map_changed(struct engine *engine); /* there is something to export */
void engine_map_doubted(struct engine *engine); /* Postfix cannot read a map */
void engine_take_export(struct engine *engine, struct chore *chore, int64_t mono_ms);
void engine_try_export(struct engine *engine, int64_t mono_ms);
/* A publication may have left something for later. */
void engine_find_lag(struct engine *engine, int64_t mono_ms);
void engine_take_catch_up(struct engine *engine, struct chore *chore, int64_t mono_ms);
void engine_try_catch_up(struct engine *engine, int64_t mono_ms);

/* engine_retry.c: mail that waits. */
bool engine_give_back(struct engine *engine, int64_t not_before_ms, struct err *err);
void engine_take_retry(struct engine *engine, struct chore *chore, int64_t mono_ms);
void engine_try_retry(struct engine *engine, int64_t mono_ms);

/* engine_settings.c: Postfix's settings, and where it sends mail. */
void engine_take_settings(struct engine *engine, struct chore *chore, int64_t mono_ms);
void engine_take_routes(struct engine *engine, struct chore *chore, int64_t mono_ms);
void engine_try_settings(struct engine *engine, int64_t mono_ms);
bool engine_settings_are_fresh(const struct engine *engine, int64_t mono_ms);
enum answer engine_route(
    void *engine, struct str recipient, struct str domain, struct route *out);

/* engine_judging.c: what is news or due. */
bool engine_start_judging(struct engine *engine, struct err *err);
void engine_take_answers(struct engine *engine, int64_t mono_ms);
void engine_try_judging(struct engine *engine, int64_t mono_ms);

#endif
