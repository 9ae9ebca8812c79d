/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `check` found that is news to the daemon. Its entry stays as it is: that the
 * daemon looks at it at once, and finds the same, is all that is asked for.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/check.h"
#include "sys/clock.h"
#include "sys/file.h"

#define BUSY_MS 1000

struct store *
check_open_state(const struct config *config)
{
	struct err ignored;

	/* Whoever may not write there, or has no state yet, has only come to see. */
	return access(config->state, R_OK | W_OK) == 0
	    ? store_open(config->state, BUSY_MS, &ignored)
	    : NULL;
}

static bool
is_dns_news(const struct check *check, const struct destination *d)
{
	return check->verdict.state != DANE_UNSURE && d->dns.state[0] != '\0' &&
	    strcmp(dane_state_name(check->verdict.state), d->dns.state) != 0;
}

/* Does a rung between the entry and the default work? */
static bool
is_probe_news(const struct check *check, const struct destination *d)
{
	if (d->entry.level == LEVEL_NONE)
		return false;
	for (enum level l = d->entry.level + 1; l <= check->facts.default_level; l++)
		if (check->facts.works[l] == ANSWER_YES)
			return true;
	return false;
}

static bool
is_news(const struct check *check, const struct destination *d)
{
	return !d->pin.set && (d->entry.level != LEVEL_NONE || d->alarm.raised) &&
	    (is_dns_news(check, d) || is_probe_news(check, d));
}

static bool
look_now(struct store *store, struct destination *d, struct err *err)
{
	d->look_ms = clock_wall_ms();
	d->dns.until_ms = 0; /* what DNS said before */
	if (d->entry.lease_end_ms > d->look_ms)
		d->entry.lease_end_ms = d->look_ms;
	return store_put(store, d, err);
}

/* A name that comes and goes beside the map; without it the daemon looks within a minute.
 */
static void
wake_daemon(const struct config *config)
{
	struct buf path = {0};
	struct err ignored;

	buf_printf(&path, "%s.news", config->map.file);
	if (file_make(buf_text(&path), 0644, &ignored))
		unlink(buf_text(&path));
	buf_clear(&path);
}

bool
check_tell_daemon(
    struct store *store, const struct config *config, const struct check *check)
{
	struct destination d;
	struct err ignored;
	bool found;

	if (store == NULL ||
	    !store_get(store, check->nexthop.key, &d, &found, &ignored) || !found ||
	    !is_news(check, &d) || !store_begin(store, &ignored))
		return false;
	/* Read again: it may be another by now. */
	if (!store_get(store, check->nexthop.key, &d, &found, &ignored) || !found ||
	    !is_news(check, &d) || !look_now(store, &d, &ignored) ||
	    !store_commit(store, &ignored)) {
		store_rollback(store);
		return false;
	}
	wake_daemon(config);
	return true;
}
