/* SPDX-License-Identifier: BSD-2-Clause */
/* One engine with a database of its own, for tests of what it does by itself. */
#ifndef TESTS_ENGINERIG_H
#define TESTS_ENGINERIG_H

#include "base/span.h"
#include "conf/config.h"
#include "enginekit.h"
#include "storekit.h"

#define STATE   "engine.db"
#define SECOND  SPAN_SECOND_MS
#define MIN     SPAN_MINUTE_MS
#define HOUR    SPAN_HOUR_MS
#define DAY     SPAN_DAY_MS
#define SETTLE  200  /* map.settle */
#define LISTING 2000 /* listings of the queue begin so far apart */

#define NOT_VERIFIED "Server certificate not verified"
#define NOT_OFFERED  "TLS is required, but was not offered by host mx.a.test[192.0.2.1]"
#define REFUSED      "client TLS configuration problem"
#define TLSA_ERROR   "TLSA lookup error for mx.d.test:25" /* waits, and alerts */

struct rig {
	struct rules *rules;
	struct config config;
	struct engine *engine;
	struct store *store; /* as another command has it */
	unsigned judged;
	unsigned decided; /* of them, decisions that changed something */
	unsigned message;
};

extern struct rig rig;

bool rig_begin(void);    /* for main(), before the first test; false: it cannot run */
int rig_end(int status); /* after the last; returns status */

/* A new database and an engine on it; nothing of the tests before. Settled: and what a
 * start does is done. */
void rig_new(enum engine_mode mode);
void rig_new_settled(void);
/* Settled, with servers that do that; NULL: there is no posttls-finger. */
void rig_new_with(
    void (*does)(const struct finger_question *question, struct server *server));

/* An engine on the same database. */
void rig_open(enum engine_mode mode);
void rig_close(void);

/* Postfix has what the script says from now on, and a minute has passed. */
void rig_settings_changed(void);

void rig_notify_admin(void); /* alerts are mailed, but no digest */

/* Lines of the log, in the fold: a session of that grade at a server,
 * "HOST[ADDRESS]:PORT"; and what became of another message to u@DOMAIN there, "sent (250
 * Ok)". */
void rig_log_session(const char *grade, const char *relay);
void rig_log_status(
    const char *domain, const char *relay, const char *dsn, const char *status);

/* Mail to u@DOMAIN was deferred; it is in the fold. */
void rig_defer_because(const char *domain, const char *reason);
void rig_save(void); /* the fold, once it can be */
/* Both, for the certificate; and for PREFIX0.test, PREFIX1.test ... */
void rig_defer(const char *domain);
void rig_defer_many(const char *prefix, unsigned count);

/* The queue id of what was deferred last; good until the next call. */
const char *rig_last_id(void);

/* What is stored of it, without its attributes. */
struct destination rig_row(const char *domain);

void rig_assert_entry(const char *domain, enum level level);
/* The word of its last decision; and both. */
void rig_assert_why(const char *domain, enum why why);
void rig_assert_judged(const char *domain, enum level entry, enum why why);
/* The duty that is due next. */
void rig_assert_next(const char *name, int64_t wait_ms);

/* How often the text is in the mails to the administrator, since world.bodies was reset.
 */
unsigned rig_count_mailed(const char *text);

/* For rig_new_with(): servers of "drop1.test" and so on keep a connection for rig_slow_ms
 * or up to half as long again; all others are self-signed. */
extern int64_t rig_slow_ms;
extern unsigned rig_slow_asked; /* how often */
void rig_some_are_slow(const struct finger_question *question, struct server *server);

#endif
