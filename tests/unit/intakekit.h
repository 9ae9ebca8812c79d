/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of a log, of mail to a.test, into a store, for tests of the intake. */
#ifndef TESTS_INTAKEKIT_H
#define TESTS_INTAKEKIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fold.h"
#include "engine/intake.h"
#include "storekit.h"

#define START_MS (INT64_C(1795483619) * 1000) /* 2026-11-24T01:26:59Z, by date(1) */

#define STATUS(id, delays, tls, status, reason) \
	"mail postfix/smtp[1]: " id ": to=<u@a.test>, relay=mx.a.test[192.0.2.1]:25, " \
	"delay=9, delays=" delays tls ", dsn=4.7.5, status=" status " (" reason ")\n"
#define NOT_VERIFIED "Server certificate not verified"
#define DEFERRED(id) STATUS(id, "0/0/0/0", "", "deferred", NOT_VERIFIED)
#define SENT(id)     STATUS(id, "0/0/0/0", "", "sent", "250 Ok")
#define ECHO(id) \
	"mail postfix/error[2]: " id ": to=<u@a.test>, relay=none, delay=9, " \
	"delays=9/0/0/0, dsn=4.7.5, status=deferred (delivery temporarily " \
	"suspended: " NOT_VERIFIED ")\n"
#define SESSION(grade) \
	"mail postfix/smtp[1]: " grade " TLS connection established to " \
	"mx.a.test[192.0.2.1]:25: TLSv1.3 with cipher X (256/256 bits)\n"

extern struct rules *intakekit_rules; /* those that are installed */

void intakekit_begin(void);    /* for main(), before the first test; with kit_begin() */
int intakekit_end(int status); /* after the last; returns status */

/* So many seconds after the start. */
int64_t intakekit_ms(int at_s);
/* A line behind its stamp, of that time, with its newline. */
void intakekit_read(struct fold *fold, int at_s, const char *text);

/* To be kept. */
struct intake_how intakekit_how(enum level default_level);

/* What was read, under that default. *news: something is to be judged. False: it failed,
 * and kit_err says why. */
bool intakekit_try(
    struct store *store, struct fold *fold, enum level default_level, bool *news);
/* The same under verify; the test fails where that does. */
void intakekit_store(struct store *store, struct fold *fold);

#endif
