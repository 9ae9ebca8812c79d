/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder again: the daemon decides anew, now. Nothing is decided here. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/daemon.h"
#include "cmd/page.h"
#include "measure/measure.h"
#include "store/store_sts.h"
#include "sys/clock.h"

struct again {
	bool all;
	struct nexthop *names;
	size_t count;
	bool *pinned; /* of these */
};

/* Its MTA-STS policy, too, whatever time there has to be between two fetches. */
static bool
ask_policy(struct store *store, const struct nexthop *name, struct err *err)
{
	char domain[NEXTHOP_HOST_SIZE];
	bool found;

	return !measure_policy_domain(name, domain) ||
	    store_sts_refresh(store, domain, &found, err);
}

/* One, in the caller's transaction. */
static int
decide_one(struct again *a, struct store *store, size_t at, int64_t now_ms)
{
	struct destination d;
	struct err err;
	bool found, done = store_get(store, a->names[at].key, &d, &found, &err);
	int status = 0;

	if (done && found) {
		a->pinned[at] = d.pin.set;
		destination_again(&d, now_ms);
		done =
		    store_put(store, &d, &err) && ask_policy(store, &a->names[at], &err);
	} else if (done) {
		status = cmd_unknown(a->names[at].key);
	}
	destination_clear(&d);
	return done ? status : cmd_fail(EX_IOERR, "%s", err.text);
}

/* All or none: a name that is unknown changes nothing. */
static int
decide(struct again *a, struct store *store)
{
	int64_t now_ms = clock_wall_ms();
	struct err err;
	int status = 0, one;
	bool done = store_begin(store, &err);

	for (size_t i = 0; done && i < a->count; i++) {
		one = decide_one(a, store, i, now_ms);
		status = one != 0 ? one : status;
	}
	done = done &&
	    (!a->all ||
	        (store_again_all(store, now_ms, &err) &&
	            store_sts_refresh_all(store, &err))) &&
	    store_counter_set(store, STORE_AGAIN, now_ms, &err);
	if (done && status == 0 && store_commit(store, &err))
		return 0;
	store_rollback(store);
	return status != 0 ? status : cmd_fail(EX_IOERR, "%s", err.text);
}

static int
report(const struct again *a, const struct config *config)
{
	enum answer runs = daemon_runs(config);
	const char *when = runs == ANSWER_YES ? "is decided anew now"
	    : runs == ANSWER_NO               ? "is decided anew once the daemon runs"
	                                      : "is decided anew by the daemon";
	struct buf out = {0};

	if (a->all)
		buf_printf(&out, "all that is not pinned %s\n", when);
	for (size_t i = 0; i < a->count; i++) {
		buf_add_visible(&out, str_of(a->names[i].key));
		buf_printf(&out, " %s\n",
		    a->pinned[i] ? "is pinned, and stays so (unset ends that)" : when);
	}
	page_print_whole(&out);
	buf_clear(&out);
	return cmd_flush();
}

static int
again(struct again *a, const struct config *config)
{
	struct store *store;
	int status = 0;

	store = cmd_store(config, false, &status);
	if (store == NULL)
		return status;
	status = decide(a, store);
	store_close(store);
	if (status != 0)
		return status;
	daemon_wake(config);
	return report(a, config);
}

static int
run_again(const struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"all", no_argument, NULL, 'a'}, {NULL, 0, NULL, 0}};
	struct again a = {0};
	struct config config;
	int option, status = 0;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option != 'a')
			return cmd_wrong_option(&cmd_again, option, argv);
		a.all = true;
	}
	a.count = (size_t)(argc - optind);
	if (a.all != (a.count == 0))
		return cmd_usage(&cmd_again, "either domains or --all is needed");
	a.names = mem_new(a.count + 1, sizeof(*a.names));
	a.pinned = mem_new(a.count + 1, sizeof(*a.pinned));
	for (size_t i = 0; i < a.count && status == 0; i++)
		if (!cmd_nexthop(&cmd_again, argv[(size_t)optind + i], &a.names[i]))
			status = EX_USAGE;
	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status == 0) {
		status = again(&a, &config);
		config_clear(&config);
	}
	free(a.names);
	free(a.pinned);
	return status;
}

const struct command cmd_again = {
    .name = "again",
    .usage = "DOMAIN... | --all",
    .summary = "Have destinations decided anew, now",
    .help = "Where mail goes, DNS, policy hosts and the servers are asked again, "
            "whatever\n"
            "is remembered of them, and the ladder decides as ever: nothing is "
            "weakened for\n"
            "being asked for.\n"
            "--all  every destination with an entry or a deferral; 20 of them a "
            "second\n",
    .run = run_again,
};
