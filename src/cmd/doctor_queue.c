/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: the queue. Does Postfix run, and may we list what waits and retry it? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/doctor.h"

#define NO_SUCH_ID "0000000000" /* valid, and of no message */

/* When the last one came of the messages that are deferred; 0: none is. */
static void
note_deferred(void *context, const struct queued *queued)
{
	int64_t *newest_s = context;

	if (strcmp(queued->queue_name, "deferred") == 0 &&
	    queued->delay_reason[0] != '\0' && queued->arrival_s > *newest_s)
		*newest_s = queued->arrival_s;
}

/* "a, b" without blanks around it; static:anyone and static:all are everybody. */
static void
advise_user(struct doctor *d, const char *parameter)
{
	char *users = doctor_parameter(d, parameter);
	struct buf value = {0};

	buf_printf(&value, "%s%s%s", users, users[0] != '\0' ? ", " : "", d->user);
	doctor_advise_setting(d, parameter, buf_text(&value));
	buf_clear(&value);
	free(users);
}

/* As long as Postfix runs somebody listens there. UNSURE: that may not be seen. */
static enum answer
is_up(const struct doctor *d)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	enum answer up = ANSWER_UNSURE;
	int fd;

	if (d->postfix.command_count > 0 ||
	    snprintf(address.sun_path, sizeof(address.sun_path), "%s/public/showq",
	        d->queue_directory) >= (int)sizeof(address.sun_path))
		return ANSWER_UNSURE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ANSWER_UNSURE;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		up = ANSWER_YES;
	else if (errno == ECONNREFUSED || errno == ENOENT)
		up = ANSWER_NO;
	close(fd);
	return up;
}

/* postqueue(1) says that the mail system is down also where it may not enter public/:
 * it is set-group-id postdrop, and with NoNewPrivileges that does not count. */
static bool
is_stopped(const struct doctor *d, const char *trouble)
{
	enum answer up = is_up(d);

	if (up != ANSWER_UNSURE)
		return up == ANSWER_NO;
	return strstr(trouble, "mail system is down") != NULL &&
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
}

static void
advise_start(struct doctor *d)
{
	if (d->postfix.command_count == 0 &&
	    d->config->postfix.config_directory[0] == '\0' &&
	    access("/run/systemd/system", F_OK) == 0) {
		doctor_advise(d, "systemctl start postfix");
		return;
	}
	doctor_add_postfix(d, "postfix", &d->advice);
	buf_printf(&d->advice, " start\n");
}

static void
advise_queue(struct doctor *d, const char *parameter, const char *trouble)
{
	if (strstr(trouble, "not allowed") != NULL) {
		advise_user(d, parameter);
		return;
	}
	doctor_advise(d, "usermod -aG postdrop %s", d->user);
	doctor_advise_restart(d);
}

/* What we can do its postqueue(1) cannot: it is set-group-id, and the daemon runs without
 * that, in a group less. */
static bool
is_shut_out(const struct doctor *d, const char *public)
{
	return d->postfix.command_count == 0 && d->sees_daemon &&
	    d->service.no_new_privs &&
	    process_may(&d->service, public, X_OK) == ANSWER_NO;
}

static bool
check_daemon(struct doctor *d)
{
	struct buf public = {0};
	struct process anew;
	bool shut_out, would;

	buf_printf(&public, "%s/public", d->queue_directory);
	shut_out = is_shut_out(d, buf_text(&public));
	if (shut_out) {
		would = process_of_user(d->user, &anew) &&
		    process_may(&anew, buf_text(&public), X_OK) == ANSWER_YES;
		if (!would)
			doctor_advise(d, "usermod -aG postdrop %s", d->user);
		doctor_advise_restart(d);
		doctor_say(d, DOCTOR_FAULT, "queue",
		    "the daemon, process %ld of %s, can neither list the queue nor retry "
		    "mail: it runs with NoNewPrivileges, and not in group postdrop",
		    (long)d->service.pid, d->user);
	}
	buf_clear(&public);
	return !shut_out;
}

void
doctor_check_queue(struct doctor *d)
{
	static const char *const ids[] = {NO_SUCH_ID};
	struct queue_refused refused;
	int64_t newest_s = 0;
	struct err err = {{0}};
	bool can_list;

	if (!d->has_postfix)
		return;
	can_list =
	    postfix_read_queue(&d->postfix, note_deferred, &newest_s, &refused, &err);
	if (is_stopped(d, can_list ? "" : err.text)) {
		advise_start(d);
		doctor_say(d, DOCTOR_FAULT, "queue", "Postfix does not run");
	} else if (!can_list) {
		advise_queue(d, "authorized_mailq_users", err.text);
		doctor_say(
		    d, DOCTOR_FAULT, "queue", "cannot list the queue: %s", err.text);
	} else if (d->config->postfix.retry &&
	    !postfix_retry(&d->postfix, ids, 1, &err)) {
		advise_queue(d, "authorized_flush_users", err.text);
		doctor_say(d, DOCTOR_FAULT, "queue", "cannot retry mail: %s", err.text);
	} else if (check_daemon(d)) {
		doctor_say(d, DOCTOR_OK, "queue", "the queue can be listed%s",
		    d->config->postfix.retry ? " and retried" : "");
	}
	if (can_list)
		doctor_check_log_grows(d, newest_s);
}
