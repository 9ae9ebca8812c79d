/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/notice_send.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/span.h"
#include "base/utc.h"
#include "cmd/cmd.h"
#include "core/nexthop.h"
#include "dns/idn.h"
#include "publish/notify.h"
#include "sys/clock.h"

#define APART_MS (30 * SPAN_DAY_MS)
#define AHEAD_MS SPAN_DAY_MS /* so far a clock set back forgets no letter */

/* A domain has several spellings, and one name there. */
static void
name_in_dns(const char *domain, char out[NEXTHOP_HOST_SIZE])
{
	if (!idn_to_ascii(domain, out))
		str_copy(str_of(domain), out, NEXTHOP_HOST_SIZE);
}

/* item: a domain, or, with a dot before it, all that are below. */
static bool
denies(const char *item, const char *domain)
{
	struct str text = str_of(item);
	bool below = str_eat(&text, STR("."));
	char name[1 + NEXTHOP_HOST_SIZE] = ".";
	struct nexthop named;

	if (!nexthop_parse(text, &named))
		return false;
	name_in_dns(named.host, name + 1);
	return below ? nexthop_is_below(domain, name) : strcmp(domain, name + 1) == 0;
}

bool
notice_is_denied(const struct config *config, const char *domain)
{
	char name[NEXTHOP_HOST_SIZE];
	bool denied = false;

	name_in_dns(domain, name);
	for (size_t i = 0; i < config->notify.deny.count && !denied; i++)
		denied = denies(config->notify.deny.items[i], name);
	return denied;
}

/* One of a time to come was sent while the clock was ahead, nobody knows when. */
static bool
is_early(int64_t before_ms, int64_t now_ms)
{
	return before_ms != 0 && now_ms - before_ms < APART_MS &&
	    before_ms - now_ms <= AHEAD_MS;
}

/* What the state has of letters there, ms since the epoch; 0: never. */
struct note {
	struct buf went_name, begun_name; /* of counters */
	int64_t went_ms;                  /* the last one that may have gone */
	int64_t begun_ms; /* the last one of which was not noted how it ended */
};

static bool
put(struct store *store, const struct note *note, int64_t went_ms, int64_t begun_ms,
    struct err *err)
{
	return store_counter_set(store, buf_text(&note->went_name), went_ms, err) &&
	    store_counter_set(store, buf_text(&note->begun_name), begun_ms, err);
}

static int
refuse_early(const struct note *note)
{
	char begun[UTC_SIZE], next[UTC_SIZE];

	utc_print(note->went_ms / SPAN_SECOND_MS, begun);
	utc_print((note->went_ms + APART_MS) / SPAN_SECOND_MS, next);
	if (note->begun_ms == note->went_ms)
		return cmd_fail(EX_TEMPFAIL,
		    "one that was begun %s may have gone: how it ended is not known; the "
		    "next one may go after %s",
		    begun, next);
	return cmd_fail(EX_TEMPFAIL,
	    "a letter went there less than 30 days ago; the next one may go after %s",
	    next);
}

/* Who sends at the same time finds this noted, and so does who comes after an end that
 * notes nothing. */
static int
note_begun(struct store *store, struct note *note, int64_t now_ms)
{
	struct err err;

	if (!store_begin(store, &err) ||
	    !store_counter_get(store, buf_text(&note->went_name), &note->went_ms, &err) ||
	    !store_counter_get(
	        store, buf_text(&note->begun_name), &note->begun_ms, &err)) {
		store_rollback(store);
		return cmd_fail(EX_IOERR, "%s", err.text);
	}
	if (is_early(note->went_ms, now_ms)) {
		store_rollback(store);
		return refuse_early(note);
	}
	if (!put(store, note, now_ms, now_ms, &err) || !store_commit(store, &err)) {
		store_rollback(store);
		return cmd_fail(EX_IOERR, "%s", err.text);
	}
	return 0;
}

/* False: what was noted at its begin stands. */
static bool
note_end(struct store *store, const struct note *note, int64_t went_ms, int64_t begun_ms)
{
	struct err ignored;

	if (store_begin(store, &ignored) &&
	    put(store, note, went_ms, begun_ms, &ignored) &&
	    store_commit(store, &ignored))
		return true;
	store_rollback(store);
	return false;
}

static int
hand_over(const struct notice_letter *l, const struct notify_mail *mail,
    struct store *store, const struct note *note, int64_t now_ms, int stop_fd)
{
	struct err err;
	enum answer taken = notify_hand_over(l->postfix, mail, stop_fd, &err);

	if (taken == ANSWER_YES) {
		note_end(store, note, now_ms, 0);
		cmd_note("sent to %s", mail->to);
		return 0;
	}
	if (taken == ANSWER_UNSURE)
		return cmd_fail(EX_UNAVAILABLE,
		    "%s; the letter may have been handed over, and counts as sent",
		    err.text);
	if (!note_end(store, note, note->went_ms, note->begun_ms))
		return cmd_fail(EX_UNAVAILABLE,
		    "not sent: %s; it counts as sent all the same, as the state cannot "
		    "be written",
		    err.text);
	return cmd_fail(
	    EX_UNAVAILABLE, "not sent: %s; mend that, and send it again", err.text);
}

static int
send_noted(const struct notice_letter *l, const struct notify_mail *mail,
    struct store *store, int stop_fd)
{
	char domain[NEXTHOP_HOST_SIZE];
	int64_t now_ms = clock_wall_ms();
	struct note note = {0};
	int status;

	name_in_dns(l->domain, domain);
	buf_printf(&note.went_name, "notice:%s", domain);
	buf_printf(&note.begun_name, "notice-begun:%s", domain);
	status = note_begun(store, &note, now_ms);
	if (status == 0)
		status = hand_over(l, mail, store, &note, now_ms, stop_fd);
	buf_clear(&note.went_name);
	buf_clear(&note.begun_name);
	return status;
}

/*
 * Those that would end us now wait, and make the descriptor readable; what is ignored,
 * as by nohup(1), is not waited for.
 */
static int
hold_signals(sigset_t *before, struct err *err)
{
	static const int ends[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction now;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, before);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		err_set_errno(err, errno, "signalfd");
	return fd;
}

int
notice_send(const struct notice_letter *l, struct store *store)
{
	struct buf to = {0}, subject = {0};
	struct notify_mail mail = {.from = l->config->notify.from};
	sigset_t before;
	struct err err;
	int fd = hold_signals(&before, &err);
	int status;

	buf_printf(&to, "postmaster@%s", l->domain);
	notice_subject(l->language, l->domain, &subject);
	mail.to = buf_text(&to);
	mail.subject = buf_text(&subject);
	mail.body = buf_text(l->text);
	status =
	    fd < 0 ? cmd_fail(EX_OSERR, "%s", err.text) : send_noted(l, &mail, store, fd);
	buf_clear(&to);
	buf_clear(&subject);
	store_close(store);
	if (fd >= 0)
		close(fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}
