/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must be asked about a destination before it can be judged: DNS, and the other
 * maps of smtp_tls_policy_maps. Done in worker threads, several destinations a job.
 */
#ifndef ENGINE_ASK_H
#define ENGINE_ASK_H

#include <stdbool.h>

#include "base/answer.h"
#include "base/err.h"
#include "core/answers.h"
#include "core/nexthop.h"
#include "dns/resolver.h"
#include "postfix/postfix.h"
#include "postfix/probe.h"
#include "sys/workers.h"

#define ASK_BATCH 16

/* One destination: what to ask, and the answers. */
struct ask_item {
	int64_t id;
	struct nexthop nexthop;
	char relay[NEXTHOP_HOST_SIZE]; /* the server that mail was deferred at; "" for
	                                  none */
	enum level
	    probe_above; /* probe for stronger levels than this; LEVEL_UNKNOWN: do not */
	enum level probe_up_to; /* ... up to this */
	struct answers answers; /* out */
};

struct ask_job {
	struct job job;
	unsigned count;
	struct ask_item items[ASK_BATCH];
	/* borrowed from the engine, which outlives its workers */
	const struct postfix *postfix;
	char *const *other_maps; /* NULL-terminated; NULL: none */
	struct probe_settings prober;
	struct err err; /* why a map could not be asked; "" if all could */
};

/*
 * Is the server one of this next-hop's, by the text of its answers (a line a host)? If
 * not, mail went there by another next-hop (a relay that depends on the sender, a
 * fallback relay), and this is not the key.
 */
bool ask_relay_fits(const char *relay, const char *key, const char *text);

/* What each worker is made with. Borrowed until workers_free(). */
struct ask_settings {
	struct resolver_settings resolver;
};

/* For workers_new(): a resolver of the thread's own. */
void *ask_make(void *settings);
void ask_drop(void *context);

/* The work() of an ask_job. */
void ask_work(struct job *job, void *context);

#endif
