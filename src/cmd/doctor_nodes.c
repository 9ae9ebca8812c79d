/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: several Postfix servers behind one log. Does each answer, are they alike? */
#include <string.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "store/store.h"

#define NO_SUCH_ID "0000000000" /* valid, and of no message */
#define BUSY_MS    5000

/* --- each by itself ---------------------------------------------------------------- */

static void
ignore(void *context, const struct queued *queued)
{
	(void)context;
	(void)queued;
}

static bool
check_queue(struct doctor *d, const char *name, const struct postfix *postfix)
{
	static const char *const ids[] = {NO_SUCH_ID};
	struct queue_refused refused;
	struct err err;

	if (postfix_read_queue(postfix, ignore, NULL, &refused, &err) &&
	    (!d->config->postfix.retry || postfix_retry(postfix, ids, 1, &err)))
		return true;
	doctor_advise(d,
	    "# on %s: authorized_mailq_users and authorized_flush_users must have the "
	    "user that its command makes one of",
	    name);
	doctor_say(d, DOCTOR_FAULT, "nodes",
	    "%s: the queue cannot be listed and retried: %s", name, err.text);
	return false;
}

/* Another level or map is one that entries are not made for; the rest is told alike. */
static bool
check_alike(struct doctor *d, const char *name, const struct postfix_settings *settings)
{
	struct buf line = {0};
	bool alike;

	if (!d->has_postfix)
		return true;
	postfix_print_differences(&d->settings, settings, &line);
	alike = line.len == 0;
	if (!alike) {
		doctor_advise(
		    d, "# on %s: the same settings of Postfix as on the others", name);
		doctor_say(d,
		    d->settings.level != settings->level ||
		            d->settings.can_dane != settings->can_dane ||
		            strcmp(d->settings.policy_maps, settings->policy_maps) != 0
		        ? DOCTOR_FAULT
		        : DOCTOR_WARNING,
		    "nodes", "%s differs%s", name, buf_text(&line));
	}
	buf_clear(&line);
	return alike;
}

static bool
check_node(struct doctor *d, size_t at)
{
	struct postfix postfix = cmd_node(d->config, at);
	const char *name = d->config->nodes.items[at].host;
	struct postfix_settings settings;
	struct err err;
	bool good;

	if (!postfix_read_settings(&postfix, &settings, &err)) {
		doctor_advise(d, "# nodes: %s in %s says how to reach it", name,
		    d->options->config_file);
		doctor_say(
		    d, DOCTOR_FAULT, "nodes", "%s cannot be asked: %s", name, err.text);
		return false;
	}
	good = check_alike(d, name, &settings);
	good = check_queue(d, name, &postfix) && good;
	postfix_settings_clear(&settings);
	return good;
}

/* --- the log ----------------------------------------------------------------------- */

static void
check_unfollowed(struct doctor *d)
{
	struct store *store = NULL;
	struct buf hosts = {0};
	struct str rest, host;
	int64_t count = 0;
	struct err err;

	if (d->can_open && access(d->config->state, F_OK) == 0)
		store = store_open(d->config->state, BUSY_MS, &err);
	if (store != NULL && store_counter_get(store, STORE_UNFOLLOWED, &count, &err) &&
	    store_blob_get(store, STORE_UNFOLLOWED, &hosts, &err) && count > 0) {
		rest = (struct str){buf_text(&hosts), hosts.len};
		while (str_cut(&rest, '\n', &host))
			doctor_advise(d,
			    "# nodes: %.*s: {command: [...]}, if it is yours",
			    STR_ARG(host));
		doctor_say(d, DOCTOR_WARNING, "nodes",
		    "%lld lines of hosts that are no node were not followed",
		    (long long)count);
	}
	buf_clear(&hosts);
	store_close(store);
}

void
doctor_check_nodes(struct doctor *d)
{
	size_t good = 0, count = d->config->nodes.count;

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		good += check_node(d, i);
	if (good == count)
		doctor_say(d, DOCTOR_OK, "nodes",
		    "%zu answer, with the same level, maps and settings of DANE", count);
	check_unfollowed(d);
}
