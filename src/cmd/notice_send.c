/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/notice_send.h"

#include <string.h>
#include <sysexits.h>

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

/* Who sends at the same time finds this noted. */
static int
note_sent(struct store *store, const char *name, int64_t now_ms, int64_t *before_ms)
{
	char time[UTC_SIZE];
	struct err err;

	if (!store_begin(store, &err) ||
	    !store_counter_get(store, name, before_ms, &err)) {
		store_rollback(store);
		return cmd_fail(EX_IOERR, "%s", err.text);
	}
	if (is_early(*before_ms, now_ms)) {
		store_rollback(store);
		utc_print((*before_ms + APART_MS) / SPAN_SECOND_MS, time);
		return cmd_fail(EX_TEMPFAIL,
		    "a letter went there less than 30 days ago; the next one may go "
		    "after %s",
		    time);
	}
	if (!store_counter_set(store, name, now_ms, &err) || !store_commit(store, &err)) {
		store_rollback(store);
		return cmd_fail(EX_IOERR, "%s", err.text);
	}
	return 0;
}

int
notice_send(const struct notice_letter *l, struct store *store)
{
	struct buf to = {0}, subject = {0}, name = {0};
	char domain[NEXTHOP_HOST_SIZE];
	struct notify_mail mail = {.from = l->config->notify.from};
	int64_t before_ms = 0;
	struct err err, ignored;
	int status;

	name_in_dns(l->domain, domain);
	buf_printf(&name, "notice:%s", domain);
	buf_printf(&to, "postmaster@%s", l->domain);
	notice_subject(l->language, l->domain, &subject);
	mail.to = buf_text(&to);
	mail.subject = buf_text(&subject);
	mail.body = buf_text(l->text);
	status = note_sent(store, buf_text(&name), clock_wall_ms(), &before_ms);
	if (status == 0 && !notify_send(l->postfix, &mail, &err)) {
		store_counter_set(store, buf_text(&name), before_ms, &ignored);
		status = cmd_fail(EX_UNAVAILABLE, "%s", err.text);
	}
	if (status == 0)
		cmd_note("sent to %s", mail.to);
	buf_clear(&to);
	buf_clear(&subject);
	buf_clear(&name);
	return status;
}
