/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines for tests of the fold, and what it holds as text. */
#ifndef TESTS_FOLDKIT_H
#define TESTS_FOLDKIT_H

#include <stdint.h>

#include "base/span.h"
#include "core/fold.h"

#define START_MS (INT64_C(20780) * SPAN_DAY_MS) /* some midnight */
#define NOW_MS   (START_MS + SPAN_HOUR_MS)

#define SESSION(pid, grade, host) \
	"smtp[" pid "]: " grade " TLS connection established to " host \
	":25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
#define STATUS(pid, id, to, relay, status, reason) \
	"smtp[" pid "]: " id ": to=<" to ">, relay=" relay ", delay=1.1, " \
	"delays=0.1/0/0.6/0.4, dsn=4.7.5, status=" status " (" reason ")"
#define MX                    "mx.a.test[192.0.2.1]"
#define SENT(pid, id, to)     STATUS(pid, id, to, MX ":25", "sent", "250 2.0.0 Ok")
#define DEFERRED(pid, id, to) STATUS(pid, id, to, MX ":25", "deferred", NOT_VERIFIED)
#define NOT_VERIFIED          "Server certificate not verified"
#define POLICY(pid, nexthop, reason) \
	"smtp[" pid "]: warning: TLS policy lookup for " nexthop "/mx.example: " reason
#define ECHO(id, to) \
	"error[9]: " id ": to=<" to \
	">, relay=none, delay=1, delays=1/0/0/0, dsn=4.7.5, " \
	"status=deferred (delivery temporarily suspended: " NOT_VERIFIED ")"

/* A few rules, whose names are in the texts below. */
extern struct rules *foldkit_rules;
void foldkit_begin(void);

/* A line, behind "postfix/", of that time. */
/* line: behind "postfix/", or the whole line of a host. */
void foldkit_feed(struct fold *fold, const char *line, int64_t time_ms);

/*
 * A line an item: "KEY[ named]: WHAT*COUNT ...; sent@SECOND; GRADE@SECOND;
 * deferred@SECOND RULE N attempts; waits ID ID", and one of counts that are not 0. To be
 * freed.
 */
char *foldkit_print(const struct fold *fold);
void foldkit_assert(const struct fold *fold, const char *expected);

#endif
