/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine has Postfix do: read its settings, take a new map, retry mail. Chores
 * run side by side in a few threads of their own (CHORE_THREADS of engine.c), one of each
 * kind at a time.
 */
#ifndef ENGINE_CHORES_H
#define ENGINE_CHORES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/config.h"
#include "core/route.h"
#include "postfix/postfix.h"
#include "publish/notify.h"
#include "store/store.h"
#include "sys/workers.h"

enum chore_kind {
	CHORE_SETTINGS,
	CHORE_EXPORT,
	CHORE_CATCH_UP, /* targets: what they left for later */
	CHORE_RETRY,
	CHORE_QUEUE,
	CHORE_ROUTES,
	CHORE_NOTIFY,
	CHORE_KINDS,
};

/* A mail in the queue that waits, copied out of postqueue -j. */
struct queued_mail {
	char *queue_id;
	char *recipient;
	char *reason;
};

struct chore {
	struct job job;
	enum chore_kind kind;
	const struct config *config; /* borrowed; outlives the workers */
	const struct postfix *postfix;
	bool done; /* it went well; else err says what did not */
	struct err err;

	struct postfix_settings
	    settings; /* of CHORE_SETTINGS, out; the taker clears them */

	bool anew;       /* of CHORE_EXPORT: whatever is there is not trusted */
	int64_t version; /* out: what the map now holds */
	size_t entries;

	bool flush; /* of CHORE_RETRY: postqueue -f instead of the ids */
	struct waiting *waiting;
	size_t waiting_count;

	char **recipients; /* of CHORE_ROUTES */
	size_t recipient_count;
	struct route *routes;                 /* out, as many */
	struct route_settings route_settings; /* borrowed texts, see config */
	const char *transport_maps;

	struct queued_mail *queued; /* of CHORE_QUEUE, out */
	size_t queued_count;

	char *subject; /* of CHORE_NOTIFY */
	char *body;
};

struct chore *chore_new(
    enum chore_kind kind, const struct config *config, const struct postfix *postfix);
void chore_free(struct chore *chore); /* with all that it holds; NULL is accepted */
void chore_work(struct job *job, void *context);

/*
 * targets_publish() to all targets. Blocks. For the daemon's chore and for commands.
 * anew: everything is built again, whatever is there. version and entries: of the map.
 */
bool chore_export(const struct config *config, const struct postfix *postfix,
    struct store *store, bool anew, int64_t *version, size_t *entries, struct err *err);

#endif
