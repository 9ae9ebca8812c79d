/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report of a month for whoever answers for the protection of data: how mail was
 * protected, how destinations did, what was changed and why, and which exceptions stand.
 * Figures in, figures out: no store, no clock. How they are shown is report_text.c's,
 * report_html.c's and report_json.c's. Months are those of UTC. What was given is copied.
 */
#ifndef PUBLISH_REPORT_H
#define PUBLISH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "core/demand.h"
#include "core/grade.h"
#include "core/protection.h"
#include "core/why.h"
#include "store/store.h"

#define REPORT_MONTH_SIZE 8 /* "2026-11" and a NUL */
#define REPORT_NOTE_SIZE  600

struct report_month {
	char name[REPORT_MONTH_SIZE];
	uint64_t messages[PROTECTION_COUNT];
	uint64_t graded[GRADE_COUNT]; /* destinations */
};

/* A destination that was sent mail in the month. */
struct report_destination {
	char *key;
	uint64_t messages[PROTECTION_COUNT];
	enum grade grade;
};

/* An entry that came, went or was changed. */
struct report_change {
	int64_t time_ms;
	char *key;
	char action[8]; /* set, remove, pin, unpin, undo */
	struct demand before, after;
	enum why why;
};

/* As of now: an entry that is weaker than the default, or a pin. */
struct report_exception {
	char *key; /* ".example.org": of all below it */
	struct demand entry;
	enum why why;
	bool pinned;
	bool weaker;
	int64_t since_ms;
	int64_t until_ms; /* when a pin ends; 0: it does not */
	char note[REPORT_NOTE_SIZE];
};

/* How long exceptions stand. */
enum report_age {
	REPORT_AGE_WEEK, /* less than that */
	REPORT_AGE_MONTH,
	REPORT_AGE_QUARTER,
	REPORT_AGE_YEAR,
	REPORT_AGE_OLDER,
	REPORT_AGE_COUNT,
};

struct report {
	char month[REPORT_MONTH_SIZE];
	int64_t from_ms, until_ms;
	int64_t now_ms;
	const char *node;            /* that sent the mail; "": all of them. Borrowed */
	enum level default_level;    /* LEVEL_UNKNOWN: not known */
	struct report_month *months; /* the oldest first, that of the report among them */
	size_t month_count;
	struct report_destination *destinations; /* the weakest first */
	size_t destination_count;
	struct report_change *changes; /* in the order of time */
	size_t change_count;
	struct report_exception *exceptions; /* the oldest first */
	size_t exception_count;
};

/* month: as "2026-11"; empty: that of now_ms. False: it is no month, or is to come. It
 * ends with report_clear(). */
bool report_begin(struct report *report, struct str month, int64_t now_ms);
void report_clear(struct report *report);

/* What store/store_report.h and store_each_entry() give, in any order. */
void report_add_month(
    struct report *report, const char *month, const char *what, uint64_t count);
void report_add_sent(
    struct report *report, const char *key, const char *protection, uint64_t count);
void report_add_change(
    struct report *report, const char *key, const struct decision_record *record);
void report_add_entry(struct report *report, const struct entry *entry);

/* All was added. */
void report_end(struct report *report);

/* That of the report. */
const struct report_month *report_its_month(const struct report *report);
uint64_t report_sum(const uint64_t *counts, size_t count);
/* Of messages: encrypted to a server that proved who it is. */
uint64_t report_proven(const uint64_t messages[PROTECTION_COUNT]);
enum report_age report_age_of(
    const struct report *report, const struct report_exception *exception);

/* The forms. lang: of report_words.h. */
struct report_language;
void report_text(
    const struct report *report, const struct report_language *lang, struct buf *out);
void report_html(
    const struct report *report, const struct report_language *lang, struct buf *out);
void report_json(const struct report *report, struct buf *out);

#endif
