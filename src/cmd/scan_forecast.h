/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder scan --as LEVEL: the forecast of a switch of Postfix's default level. */
#ifndef CMD_SCAN_FORECAST_H
#define CMD_SCAN_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/cmd.h"
#include "cmd/nodes.h"
#include "cmd/seen.h"
#include "conf/config.h"
#include "core/forecast.h"
#include "core/nexthop.h"
#include "measure/measure.h"
#include "postfix/postfix.h"
#include "store/store.h"

/* The command line. */
struct forecast_order {
	enum level level;
	bool probe;
	bool apply;
	bool json;
	int64_t since_ms; /* of the lines that count; 0: all */
};

/* Of one destination. */
struct foretold {
	const struct seen *seen; /* borrowed */
	struct nexthop nexthop;
	enum level present; /* in force while the log was written */
	enum level best;    /* its past, by the state */
	bool pinned;        /* ... or its parent is */
	struct demand pin;  /* owned; LEVEL_NONE: to the default level. Where it is */
	size_t pin_length;  /* of the parent's name; 0: it is its own */
	bool busy;          /* mail waits there now: the daemon decides */
	bool entered;       /* it has an entry that no forecast made */
	uint64_t messages;  /* a month */
	bool probed;
	struct forecast forecast;
	bool waits;          /* ... as far as one may say */
	struct demand entry; /* owned: the forecast's */
	bool applied;        /* it is in force */
	bool stayed;         /* ... since an earlier forecast */
};

/* What is the same for all. */
struct forecaster {
	const struct forecast_order *order;
	const struct config *config;
	struct postfix postfix;
	struct cmd_nodes nodes;
	struct postfix_settings settings; /* what all of these can do; borrowed */
	struct measure_settings measure;
	struct store *store; /* NULL: there is none */
	int64_t now_ms;
	struct foretold *items;
	size_t count;
};

/* The state's word on each: past, pins, entries. An exit status. */
int forecast_recall(struct forecaster *f);

/* Ask DNS and the servers of each, and judge. An exit status. */
int forecast_ask(struct forecaster *f);

/* Entries that help are stored and the map is exported; those are noted as applied that
 * are in force then. An exit status. */
int forecast_apply(struct forecaster *f);

/* Is its entry one that --apply makes? */
bool forecast_is_applicable(const struct forecaster *f, const struct foretold *item);

/* Its default level of now, and after the switch: a service of master.cf may have one of
 * its own, which stays. */
enum level forecast_level_now(const struct forecaster *f, const struct seen *seen);
enum level forecast_level_then(const struct forecaster *f, const struct seen *seen);

/* The command, its line read: see scan.c. */
int scan_forecast(const struct options *options, const struct forecast_order *order,
    char *const *paths, size_t count);

#endif
