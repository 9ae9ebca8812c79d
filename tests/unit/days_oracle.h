/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the oracle know: days_oracle.c of mail, days_decided.c of entries,
 * days_told.c of alerts. */
#ifndef TESTS_DAYS_ORACLE_H
#define TESTS_DAYS_ORACLE_H

#include "days.h"

#define HOLD_MS DAY

/* A promise that was not kept: the day's verdict, if it is the first. */
void oracle_objects(struct day *day, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* verify and secure have one hold. */
unsigned oracle_hold_of(enum strength strength);

/* The best that was seen, as far as it counts. */
enum strength oracle_past_of(const struct day *day, int64_t now_ms);

/* NULL: it is none's. */
struct day *day_of_key(const char *key);

void oracle_forget_told(struct day *day); /* mail flowed, or none waits */

bool oracle_logs_in(const struct day *day);
bool oracle_is_waiting(const struct day *day);
void oracle_note_due(struct day *day, int64_t now_ms);
void oracle_note_probe(struct day *day, int64_t now_ms);

#endif
