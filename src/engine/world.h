/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an engine needs of the world around it: clocks, threads, the resolver, Postfix's
 * commands. engine_new() takes the real one; a test hands in a scripted one, whose clock
 * moves only as the script says.
 */
#ifndef ENGINE_WORLD_H
#define ENGINE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/config.h"
#include "core/fetch.h"
#include "core/sts_txt.h"
#include "engine/route_ask.h"
#include "postfix/finger.h"
#include "postfix/postfix.h"
#include "publish/lead.h"
#include "publish/notify.h"
#include "publish/target.h"
#include "store/store.h"
#include "sys/workers.h"

struct measure_settings;

struct engine_world {
	int64_t (*wall_ms)(void);
	int64_t (*mono_ms)(void);
	/* As sys/clock.h has them. */
	int64_t (*running_ms)(void);
	int64_t (*boot)(void);

	/* Threads, as sys/workers.h has them. */
	struct workers *(*workers_new)(unsigned count, void *(*make)(void *argument),
	    void (*drop)(void *context), void *argument, struct err *err);
	void (*workers_free)(struct workers *workers);
	void (*submit)(struct workers *workers, struct job *job);
	struct job *(*done)(struct workers *workers);
	int (*fd)(const struct workers *workers);

	/* What is done in those threads, all of it blocking. First what is asked about a
	 * destination: an asker's context, and the work of a measure_job
	 * (measure/measure.h). */
	void *(*ask_make)(void *settings);
	void (*ask_drop)(void *context);
	void (*ask)(struct job *job, void *context);
	/* MTA-STS, by an asker's context, as measure/measure.h has it; and
	 * measure/fetcher.h.
	 */
	void (*hurry)(void *asker, bool hurries);
	void (*ask_policy)(void *asker, const char *domain, struct sts_txt *out,
	    uint32_t *ttl_s, struct err *trouble);
	void (*ask_addresses)(
	    void *asker, struct fetch_request *request, struct err *trouble);
	void (*fetch)(const struct fetch_request *request, int stop_fd, struct buf *text,
	    struct fetch_answer *out);
	/* Postfix, as postfix/postfix.h and engine/route_ask.h have it. */
	bool (*read_settings)(const struct postfix *postfix,
	    struct postfix_settings *settings, struct err *err);
	/* In the engine's own thread. */
	uint64_t (*files_mark)(
	    const struct postfix *postfix, const struct postfix_settings *settings);
	bool (*read_queue)(const struct postfix *postfix,
	    void (*fn)(void *context, const struct queued *queued), void *context,
	    struct queue_refused *refused, struct err *err);
	/* As measure_ask_maps(). */
	void (*ask_maps)(const struct measure_settings *settings, const char *const *keys,
	    size_t count, enum answer *answers, struct err *trouble);
	bool (*route_ask)(const struct postfix *postfix,
	    const struct route_settings *settings, const char *transport_maps,
	    char *const *recipients, size_t count, struct route *routes,
	    enum route_asked *asked, struct err *why);
	/* An MX host's address, as postfix/finger.h has it. */
	enum finger_outcome (*finger)(const struct postfix *postfix,
	    const struct finger_settings *settings,
	    const struct finger_question *question, struct server *server,
	    struct err *why);
	bool (*retry)(const struct postfix *postfix, const char *const *queue_ids,
	    size_t count, struct err *err);
	bool (*flush)(const struct postfix *postfix, struct err *err);
	bool (*notify)(const struct postfix *postfix, const struct notify_mail *mail,
	    struct err *err);
	bool (*notify_command)(char *const *command, size_t count,
	    const struct notify_mail *mail, struct err *err);
	/* The map, as publish/target.h has it, on the database config->state. */
	bool (*publish)(const struct config *config, const struct postfix *postfix,
	    enum publish_how how, int64_t *version, size_t *entries, struct err *err);
	/* The same for another target. stop_fd: of child_stopper(), ends it early. */
	bool (*publish_other)(const struct config *config, const struct postfix *postfix,
	    struct target_instance to, enum publish_how how, int stop_fd,
	    int64_t *version, struct err *err);
	/* As publish/lead.h has it. */
	bool (*lead)(const struct config *config, int64_t now_ms, int stop_fd,
	    struct lead *out, struct err *err);
	bool (*catch_up)(
	    const struct config *config, const struct postfix *postfix, struct err *err);

	/* The database, as store/store_check.h has it. */
	enum answer (*check)(const char *path, struct err *why);

	/* In the engine's own thread: do targets lag? */
	bool (*lags)(
	    const struct config *config, struct store *store, bool *lag, struct err *err);
};

extern const struct engine_world engine_real_world;

#endif
