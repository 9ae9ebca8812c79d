/* SPDX-License-Identifier: BSD-2-Clause */
/* One destination as `check` found it, for check.c and what prints it. */
#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "base/buf.h"
#include "conf/config.h"
#include "core/grade.h"
#include "measure/measure.h"
#include "store/store.h"

/* The MTA-STS policy, fetched now where DNS announces one; else the one that the daemon
 * keeps. Zero it; ends with check_policy_clear(). */
struct check_policy {
	bool off; /* MTA-STS is switched off: nothing else is known */
	bool asked;
	bool had; /* else cause and detail say why not */
	enum sts_cause cause;
	char detail[FETCH_DETAIL_SIZE];
	int64_t kept_ms; /* the policy is one that is kept, and ends then; 0: it is not */
	struct sts_policy policy;
	size_t allowed;        /* MX hosts that it allows */
	struct buf text;       /* as it came */
	struct buf attributes; /* what it asks for in the map behind the level secure; "":
	                        * nothing, or no Postfix that could be told */
};

struct check {
	const struct grade_settings *settings;
	struct measure_item item;
	const struct measurement *found;
	struct grading grading;
	struct check_policy policy;
	struct host_cause causes[DNS_HOSTS_MAX]; /* what the daemon knows of its hosts */
	bool news; /* differs from what the daemon knew; it re-checks now */
};

/* The state, if it may be written; else NULL, without a report. */
struct store *check_open_state(const struct config *config);

/* If the result is news of an entry or of waiting mail, have the daemon re-check at
 * once. */
bool check_tell_daemon(
    struct store *store, const struct config *config, const struct check *check);

/* Fetch it, if there is one, and add what it asks for to the answers, whose text is
 * check's. store NULL: nothing is kept; settings NULL: Postfix could not be asked. */
void check_policy(struct check *check, const struct config *config,
    struct measurer *measurer, struct store *store,
    const struct postfix_settings *settings);
void check_policy_clear(struct check_policy *found);
void check_policy_print(const struct check *check, struct buf *out);
void check_policy_json(const struct check *check, struct buf *out);

void check_print(const struct check *check, struct buf *out);
void check_print_json(const struct check *check, struct buf *out);

#endif
