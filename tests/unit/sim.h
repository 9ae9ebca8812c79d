/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One destination over simulated time: log lines come in, DNS answers, leases end. The
 * engine itself judges what is due, in a scripted world (enginekit.h). It retries no
 * mail, so that a test can see what it would retry.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "core/answers.h"
#include "engine/engine.h"
#include "engine/judge.h"
#include "enginekit.h"
#include "storekit.h"

#define START_MS  WORLD_START_MS
#define KEY       "d.test"
#define MIN       SPAN_MINUTE_MS
#define HOUR      SPAN_HOUR_MS
#define DAY       SPAN_DAY_MS
#define EXPORT_MS 300 /* from a decision to its map */

#define NOT_VERIFIED "Server certificate not verified"
#define NOT_OFFERED  "TLS is required, but was not offered by host mx.d.test[192.0.2.1]"
#define NO_HANDSHAKE "Cannot start TLS: handshake failure"

struct sim {
	struct engine *engine;
	struct store *store; /* by a connection of the test's own */
	struct config config;
	struct rules *rules;
	/* What the engine is to find, of it: default_level, can_dane, frozen,
	 * verified_ms. */
	struct judge judge;
	int64_t now_ms; /* wall */
	unsigned message;
	/* the answers to what is asked */
	enum dane_state dns;
	bool is_signed;
	bool elsewhere;
	const char *mx; /* the host that DNS names; "mx.d.test" */
	bool distrusted;
	uint32_t ttl_s; /* of the answers; 0: they are not used again */
	struct sts_txt sts_txt;
	const char *sts_policy; /* what its policy host serves; NULL: nothing */
	enum answer other_map;
	enum answer credentials;
	/* What the server does, mx.d.test: it meets that level, does not and meets the
	 * one below (UNSURE: is silent). LEVEL_UNKNOWN: there is no prober. */
	enum level probed;
	enum answer probe_works;
	bool all_usable;
	bool witnessed; /* there are witnesses */
	struct witnesses witnesses;
	/* what came of it */
	unsigned asked;
	unsigned told; /* alerts */
	unsigned judged;
	struct judged last;
};

/* strict: with the rules for signed domains before the ordinary ones. */
struct sim *sim_new(enum level default_level, bool strict);

/* Not strict, with a Postfix that logs each TLS session. */
struct sim *sim_with_sessions(enum level default_level);

/* With the rules of these files, the first that matches counts. */
struct sim *sim_with_rules(enum level default_level, char **files, size_t count);
void sim_free(struct sim *sim);

struct destination sim_row(struct sim *sim);

/* Judge what is news or due at this moment; the test fails where that has no end. */
void sim_settle(struct sim *sim);

/* Let time pass; whatever falls due is judged then. */
void sim_wait(struct sim *sim, int64_t ms);

/*
 * Let time pass in steps until this was decided; the test fails, with the word that never
 * came, where it is not within 100 days.
 */
void sim_await(struct sim *sim, enum why why, int64_t step_ms);

/* The administrator pins the level, with an attribute; for_ms 0: for good. */
void sim_pin(struct sim *sim, enum level level, int64_t for_ms);

/* The map is put in place, if an entry changed. */
void sim_export(struct sim *sim);

/* A line of the log, behind "postfix/", written now. */
void sim_log(struct sim *sim, const char *text);

/* Attempts that took 50 ms, each with another message; and what they lead to. */
void sim_attempt(struct sim *sim, const char *status, const char *reason);
void sim_defer(struct sim *sim, const char *reason);
void sim_deliver(struct sim *sim);

/* The same in a session of that grade: "Verified", "Trusted" ... */
void sim_deliver_in(struct sim *sim, const char *grade);

/* No server offers TLS: to cleartext, by two attempts within the time. */
void sim_fall(struct sim *sim);

/* qmgr did not try; error(8) says so. */
void sim_suspend(struct sim *sim, const char *reason);

void sim_assert(struct sim *sim, enum level entry, enum why why);

/* So much mail is retried now; it is not then. */
void sim_assert_released(struct sim *sim, size_t expected);

/* The entry's lease is as long as stated, less up to a sixteenth. */
void sim_assert_lease(struct sim *sim, int64_t lease_ms);

/* All decisions so far, a line each: "set none->encrypt not-authentic". */
void sim_assert_history(struct sim *sim, const char *expected);

#endif
