/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts of a moment by their causes: one cause is one mail, whatever its destinations.
 * The cause is read from the line: "a.test: hold: ..." has that of the word hold. Pure.
 */
#ifndef ENGINE_ALERT_GROUP_H
#define ENGINE_ALERT_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/why.h"

#define ALERT_SAME_MAX   20 /* of one cause the lines; of more the names alone, or none */
#define ALERT_BODY_MAX   100000
#define ALERT_NAMES_MAX  1000000 /* of a mail, with names that always stand there */
#define ALERT_MAILS_MAX  3  /* causes with a mail each; of more there is one for all */
#define ALERT_CAUSES_MAX 64 /* what comes with more counts with the last */

/* Of a destination, behind its key and ": ", though it is no word of a decision. One that
 * cannot be renewed lasts, and has a mail a day: see alert_group_is_daily(). */
#define ALERT_UNRENEWED "its MTA-STS policy cannot be renewed"

struct alert_cause {
	char *name;     /* "hold", "mail was bounced", "freeze: many fail" */
	enum why why;   /* WHY_NONE: it is no word of a decision */
	char *subject;  /* of its first alert, with the destination where it has one */
	size_t count;   /* alerts */
	size_t hidden;  /* of them, those that are only counted */
	size_t cut;     /* of them, those that had no room */
	bool waits;     /* mail waits for one of them */
	int64_t due_ms; /* when its mail is due; the caller's, as first_id */
	int64_t first_id;
	struct buf lines;
	struct buf keys; /* of its first three destinations, each with a blank before */
	size_t key_count;
};

/* {0} is an empty one. */
struct alert_group {
	struct alert_cause causes[ALERT_CAUSES_MAX];
	size_t count;
};

/*
 * One more, of the cause that is returned, which is new where its count is 1, until the
 * next call. always: it is named however many there are. What is to be mailed of it is
 * appended to kept, a line without its newline; nothing: it is only counted.
 */
struct alert_cause *alert_group_add(
    struct alert_group *group, const char *line, bool always, struct buf *kept);

/* Does the cause of that name come to one destination after another, in no hurry? */
bool alert_group_is_daily(const char *name);

/* When the first of its mails is due; INT64_MAX: there is none. */
int64_t alert_group_due(const struct alert_group *group);

/* A mail; the texts are valid for the call. subject: the destination or the cause. text:
 * lines that end with the command to type next. */
typedef void alert_mail_fn(void *context, const char *subject, const char *text);

/* The mails that are due at now_ms; what they tell is no more in the group. waiting:
 * destinations whose mail waits now. */
void alert_group_end(struct alert_group *group, int64_t now_ms, int64_t waiting,
    alert_mail_fn *fn, void *context);

void alert_group_clear(struct alert_group *group);

#endif
