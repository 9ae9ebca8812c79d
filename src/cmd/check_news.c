/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `check` found that is news to the daemon. The entry is not changed here: the
 * daemon is only made to re-check it at once, and finds the same by itself.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/check.h"
#include "cmd/daemon.h"
#include "sys/clock.h"
#include "sys/file.h"

#define BUSY_MS 1000

struct store *
check_open_state(const struct config *config)
{
	struct err ignored;

	/* A user without write permission, or without a state yet, only wants the
	 * output. */
	return access(config->state, R_OK | W_OK) == 0
	    ? store_open(config->state, BUSY_MS, &ignored)
	    : NULL;
}

static bool
is_dns_news(const struct check *check, const struct destination *d)
{
	enum dane_state state = check->item.answers.dane.state;

	return state != DANE_UNSURE && d->dns.state[0] != '\0' &&
	    strcmp(dane_state_name(state), d->dns.state) != 0;
}

/* Does a level between the entry and the default work? */
static bool
is_probe_news(const struct check *check, const struct destination *d)
{
	if (d->entry.level == LEVEL_NONE)
		return false;
	for (enum level l = d->entry.level + 1; l <= check->settings->default_level; l++)
		if (check->item.answers.works[l] == ANSWER_YES)
			return true;
	return false;
}

static bool
is_news(const struct check *check, const struct destination *d)
{
	return !d->pin.set && (d->entry.level != LEVEL_NONE || d->alarm.raised) &&
	    (is_dns_news(check, d) || is_probe_news(check, d));
}

/* The daemon judges it at once, if what was found is news. It may be another by now, so
 * that it is read in the transaction that changes it. */
static bool
ask_for_recheck(struct store *store, const struct check *check, struct err *err)
{
	struct destination d;
	bool found, done;

	done = store_get(store, check->item.nexthop.key, &d, &found, err) && found &&
	    is_news(check, &d);
	if (done) {
		destination_recheck(&d, clock_wall_ms());
		done = store_put(store, &d, err);
	}
	destination_clear(&d);
	return done;
}

bool
check_tell_daemon(
    struct store *store, const struct config *config, const struct check *check)
{
	struct destination d;
	struct err ignored;
	bool found, news;

	if (store == NULL)
		return false;
	news = store_get(store, check->item.nexthop.key, &d, &found, &ignored) && found &&
	    is_news(check, &d);
	destination_clear(&d);
	if (!news || !store_begin(store, &ignored))
		return false;
	if (!ask_for_recheck(store, check, &ignored) || !store_commit(store, &ignored)) {
		store_rollback(store);
		return false;
	}
	daemon_wake(config);
	return true;
}
