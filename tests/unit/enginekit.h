/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An engine in a scripted world: clocks that stand still until they are moved, threads
 * that work when they are told to, a resolver and a Postfix that answer what the test
 * says. One engine at a time. storekit.h's kit_begin() comes first.
 */
#ifndef TESTS_ENGINEKIT_H
#define TESTS_ENGINEKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/rules.h"
#include "engine/engine.h"
#include "engine/world.h"
#include "measure/measure.h"

/* 2026-11-24T01:26:59Z, by date(1) */
#define WORLD_START_MS (INT64_C(1795483619) * 1000)

/* Something that is done in a worker. */
struct world_work {
	bool fails;
	unsigned times; /* it was done, or failed */
};

struct world {
	int64_t wall_ms;
	int64_t mono_ms;
	int64_t booted_ms; /* by mono_ms: when the machine was started ... */
	int64_t boot;      /* ... for which time; 0: cannot be told */

	const char *version; /* of Postfix; NULL: 3.7.11 */
	enum level default_level;
	bool can_dane;
	bool no_authorities; /* no smtp_tls_CAfile, no smtp_tls_CApath */
	const char *policy_maps;
	bool sessions_logged; /* smtp_tls_loglevel = 1 */
	bool logs_in;         /* smtp_sasl_auth_enable */
	const char *transport_maps;
	struct world_work settings;
	uint64_t files_mark; /* of main.cf and master.cf */

	/* Of several nodes, each reached by its host as a command: the one whose commands
	 * fail, and how long each takes to; and one that has another default level. NULL:
	 * none. */
	const char *away;
	int64_t away_ms;
	const char *other;
	enum level other_level;
	/* What else is a node's own, before its settings are handed out; NULL: nothing.
	 */
	void (*adjust)(const char *host, struct postfix_settings *settings);

	/* Postfix's transport map: a recipient's domain is its next-hop. */
	struct world_work routes;
	const char *untold; /* a domain that it cannot tell of; NULL: none */

	/* postqueue -j: "id recipient reason" each, up to a NULL; and what world_log()
	 * has deferred and not sent or bounced since. */
	const char *const *queued;
	struct world_mail *mails;
	size_t mail_count;
	struct world_work queue;
	int64_t queue_ms;       /* how long a listing takes */
	const char *queue_name; /* of world_queue()'s; NULL: deferred */
	int64_t arrival_s;      /* of these */
	size_t queue_refused;   /* lines of it that are no messages */

	struct world_work retry;
	struct buf retried; /* ids, each with a blank behind it; of a node "NODE:ID" */
	struct buf flushed; /* the same of nodes */
	struct world_work flush;

	struct world_work notify;
	struct world_work command; /* notify.command */
	void (*commanded)(void);   /* while it runs; NULL: nothing */
	struct buf subject;        /* of the last mail */
	struct buf body;
	struct buf bodies;   /* of all mails */
	struct buf subjects; /* the same, a line each */
	struct buf letters;  /* both, each from "Subject: " to "--" */

	/* Notes the version in the database and takes export_ms by the wall clock, where
	 * there is a new one; through a connection of its own, as a worker does. */
	struct world_work export;
	int64_t export_ms;
	bool anew;            /* of the last one */
	enum publish_how how; /* the same */

	enum answer whole; /* is the database? */
	unsigned checks;
	void (*during_check)(void); /* what the engine does meanwhile; NULL: nothing */

	bool lag;                /* targets left something for later */
	struct world_work table; /* of publish: notes the version as the map does */
	enum publish_how table_how;
	struct world_work leading; /* the lease of a table that several write to */
	struct lead lead;          /* what comes of it */
	struct world_work catch_up;

	/* What an MX host does; NULL: there is no posttls-finger. */
	void (*finger)(const struct finger_question *question, struct server *server);
	unsigned fingered;         /* addresses that were connected to */
	struct buf fingered_hosts; /* each with a blank behind it */

	/* What DNS says of a Policy Domain in the background, and its policy host; NULL:
	 * it has none. A body goes into text, and is borrowed from it. */
	void (*policy)(const char *domain, struct sts_txt *out);
	void (*fetch)(const char *host, struct buf *text, struct fetch_answer *out);
	int64_t takes_ms; /* set by what a worker does: it has done it so much later */
	bool hanging;     /* the pools that are made while it is set do nothing then */
	unsigned turns;   /* of one moment, at most; 0: so many as are enough mostly */
	unsigned policies_asked;
	bool hurries; /* whoever is asked now is asked once */
	unsigned fetches;
	const char *one_place; /* hosts that begin so have one address; NULL: none */

	/* What is answered about a destination; where it adds no host, it has one:
	 * mx.DOMAIN; [HOST] is that itself. */
	void (*answer)(struct measure_item *item);
	const struct measure_settings *measured; /* for answer: by what is asked */
	unsigned asked;                          /* destinations */
	unsigned maps_asked;   /* how often the other maps were, for all entries */
	struct buf asked_keys; /* each with a blank behind it */
};

struct world_mail {
	char host[16]; /* of the node that has it; "": the only one */
	char id[32];
	char recipient[64];
	char reason[256];
};

extern struct world world;
extern const struct engine_world scripted_world;

/* As it was at the beginning; also before the first test. */
void world_reset(void);

/* For world.answer: a host of the destination, with an address. */
void world_add_host(struct measure_item *item, const char *name, enum promise promise);

/* For world.finger: a server whose certificate verifies and has its own name; one whose
 * certificate is self-signed; one that says nothing. */
void world_verifies(const struct finger_question *question, struct server *server);
void world_self_signed(const struct finger_question *question, struct server *server);
void world_is_silent(const struct finger_question *question, struct server *server);
void world_does_no_tls(const struct finger_question *question, struct server *server);

/* All that waits for workers is done now. False: nothing does. */
bool world_work(void);

/* How many jobs wait for workers. */
size_t world_waiting(void);

/* Both clocks. */
void world_pass(int64_t ms);

/* That message in the queue, new perhaps, with that reason; "" while it is retried. */
void world_queue(const char *id, const char *recipient, const char *reason);
void world_unqueue(const char *id);

/* A line of the log, behind "mail postfix/", written now, into the engine's fold. */
void world_log(struct engine *engine, const char *text);

/* The same of a node: its host stands in the place of "mail". */
void world_log_at(struct engine *engine, const char *host, const char *text);

/* The same of another instance of Postfix, whose queue is its own. */
void world_log_of(struct engine *engine, const char *name, const char *text);

/*
 * Turns and work until the engine has nothing to do at this moment. The test fails where
 * that has no end, or where something is left for which nothing will wake it.
 */
void world_settle(struct engine *engine);

/* Let time pass: from one time that the engine waits for to the next. It settles at each.
 */
void world_wait(struct engine *engine, int64_t ms);

#endif
