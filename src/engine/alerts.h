/* SPDX-License-Identifier: BSD-2-Clause */
/* What the administrator is told: lines of alerts, grouped into mails. */
#ifndef ENGINE_ALERTS_H
#define ENGINE_ALERTS_H

#include "engine/alert_group.h"
#include "engine/engine_impl.h"

/* --- alert_line.c --- */

/* The line of an alert: the why of d, with what is known of it, and what to type next.
 * since_ms: since when its mail waits, 0: it need not. bounces: with when it does. */
void engine_describe_alert(struct engine *e, const struct destination *d, enum why why,
    int64_t since_ms, bool bounces, struct buf *line);

/* --- mail.c: to the administrator -------------------------------------------------- */

/* Who has it, but for the log: */
enum mail_ways {
	ENGINE_MAIL_TO = 1,      /* notify.to, through sendmail(1) */
	ENGINE_MAIL_COMMAND = 2, /* notify.command */
};

/* Those that are configured, or-ed. */
unsigned engine_mail_ways(const struct config *config);

/* In a worker, by the template: which of these ways took it. Not all: err says why. kind:
 * "alert" or "digest". subject: the destination or the cause. text: lines. */
unsigned engine_mail(const struct task *task, unsigned ways, const char *kind,
    const char *subject, const char *text, struct err *err);

struct alert_mail {
	char *subject;
	char *text;
};

/* The same of alerts, by all ways: did each take each? *taken: those that took one of
 * them. The command has those that sendmail(1) took when all are mailed: before that
 * taken_all() is called, where each was taken by one way. */
bool engine_mail_alerts(struct task *task, const struct alert_mail *mails, size_t count,
    unsigned *taken, void (*taken_all)(struct task *task));

/* --- duty_alerts.c: what the administrator should know, grouped into mails --- */

/* engine_alert() of an MTA-STS policy that cannot be renewed, with the others of a day;
 * soon: of the next hour. */
void engine_alert_policy(struct engine *engine, const char *line, bool soon);

/* Was that of d alerted while the mail that waits now waited? */
bool engine_was_alerted_waiting(
    struct engine *e, const struct destination *d, enum why why);
/* Is that to be alerted of d? Not what was while its mail waits or within a day, unless
 * mail flowed since and fails again, and not time and again; but each change of the map,
 * of those that an MTA-STS policy made three a day. */
bool engine_is_to_alert(
    struct engine *e, const struct destination *d, const struct judged *judged);
void engine_alert_decision(
    struct engine *e, const struct destination *d, const struct judged *judged);
/* Mail to d waits since since_ms: what was decided last is alerted, and when it bounces;
 * soon: because that is soon. */
void engine_alert_wait(
    struct engine *e, const struct destination *d, int64_t since_ms, bool soon);
/* The transaction in which these two were called is over. What was not stored comes up
 * again, and is not alerted again. */
void engine_alerts_stored(struct engine *e, bool stored);
/* Mail that was bounced, in what the fold holds: an alert a line, to be reported once
 * the fold is stored. */
void engine_find_lost(const struct engine *e, struct buf *lines);
void engine_alert_lost(struct engine *e, const struct buf *lines);

#endif
