/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Evidence in, decisions out: judges what is news or due, exports the map, retries the
 * mail. `run`, `scan` and `queue` drive the same engine; scan without --apply drives it
 * on a scratch copy of the database, and nothing leaves it.
 *
 * One thread owns an engine. It never waits: DNS and Postfix's commands run in workers.
 * Whatever fails is reported once and tried again; nothing is lost by it.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/config.h"
#include "core/rules.h"
#include "engine/intake.h"
#include "engine/judge.h"
#include "store/store.h"

enum engine_mode {
	ENGINE_APPLY,   /* export and retry */
	ENGINE_IMAGINE, /* decide in a scratch copy of the state; touch nothing */
};

/* Called for each destination that was judged; judged->changed: it is another decision.
 */
typedef void engine_decided_fn(
    void *context, const struct destination *destination, const struct judged *judged);

struct engine;       /* opaque */
struct engine_world; /* engine/world.h */

/* config and rules are borrowed until engine_free(). */
struct engine *engine_new(const struct config *config, const struct rules *rules,
    enum engine_mode mode, engine_decided_fn *decided, void *context, struct err *err);
void engine_free(struct engine *engine);

/* The same in another world than the real one, for tests. world is borrowed as well. */
struct engine *engine_new_in(const struct engine_world *world,
    const struct config *config, const struct rules *rules, enum engine_mode mode,
    engine_decided_fn *decided, void *context, struct err *err);

struct store *engine_store(struct engine *engine); /* borrowed */
struct fold *engine_fold(struct engine *engine);   /* borrowed: put lines in */

/*
 * Before lines of a log go into the fold: no other process counts any until these are
 * stored, and what others counted before is known. True: had, perhaps before; false: try
 * again soon. engine_save() gives it back; a command must not be long about it. The
 * daemon gets it in the end, and a command that was too slow cannot store its lines.
 */
bool engine_claim(struct engine *engine);
void engine_unclaim(struct engine *engine);                 /* no line came */
int64_t engine_claimed_for_ms(const struct engine *engine); /* since then; 0: not had */

enum engine_saved {
	ENGINE_SAVED,
	ENGINE_SAVE_FAILED, /* reported; the fold is as it was, try again */
	ENGINE_SAVE_WAITS,  /* Postfix is being asked where some of the mail goes */
};

/* Store the fold with the places, unless some of its lines still wait for a route. */
enum engine_saved engine_save(
    struct engine *engine, const struct log_place *places, size_t place_count);

/* Have the queue read: mail that was deferred before. */
void engine_read_queue(struct engine *engine);

/* Is a worker about to bring Postfix's settings? */
bool engine_asks_settings(struct engine *engine);

/* Was it to be read, and was not when the daemon ended? */
bool engine_left_queue(struct engine *engine);

/* Do what can be done now: take results, judge, export, retry. */
void engine_turn(struct engine *engine);

#define ENGINE_FDS 4

/* Descriptors that become readable when there is something to do; -1: none. */
void engine_fds(const struct engine *engine, int fds[ENGINE_FDS]);

/* Milliseconds until engine_turn() has something to do by the clock; -1: not before
 * there is news. */
int64_t engine_wait_ms(const struct engine *engine);

/* The same, and the name of the duty that is due then; NULL with -1. */
const char *engine_next(const struct engine *engine, int64_t *wait_ms);

/* To be called before waiting: where there is little to do, memory that is not needed
 * goes back to the system. */
void engine_rest(struct engine *engine);

/* Is a worker at work? engine_free() waits for it: for a resolver that is silent, or a
 * command of Postfix that hangs; not for a policy host, which does not count here. */
bool engine_is_working(const struct engine *engine);

/* Does what it has to do fail again and again? A command that waits for it should end
 * then. It was reported already. The last that applies counts. */
enum engine_stuck {
	ENGINE_MOVES,
	ENGINE_STUCK,     /* Postfix or the database cannot be asked */
	ENGINE_STUCK_MAP, /* the map cannot be exported */
};

enum engine_stuck engine_is_stuck(const struct engine *engine);

/* Its driver ends as soon as it is idle: of what fails, the log promises no other try. */
void engine_run_once(struct engine *engine);

/* What the fold has is stored by the next engine_save(), and no line comes after it. */
void engine_end_lines(struct engine *engine);

/* Forget mail that Postfix sent back by now: it waits for nothing. After lines of old
 * logs; a failure was reported. */
bool engine_forget_outlived(struct engine *engine);

/* What failed when it was tried last, as "check waiting mail against the queue"; NULL:
 * nothing did, mail to the administrator left aside. */
const char *engine_left_undone(const struct engine *engine);

/* How the database was found to be malformed; NULL: it was not. Nothing is exported from
 * it any more, and no other engine should be made before it is set aside. */
const char *engine_malformed(const struct engine *engine);

/* Is the database so large that it is checked in the background? Else check it before an
 * engine is made (store/store_check.h). */
bool engine_is_checked_late(const struct config *config);

/* A line for the administrator: logged, and mailed where that is configured. */
void engine_alert(struct engine *engine, const char *line);

/* Everything judged, exported and retried, as far as it can be now? */
bool engine_is_idle(const struct engine *engine);

#endif
