/* SPDX-License-Identifier: BSD-2-Clause */
/* One destination as `check` found it, for check.c and what prints it. */
#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "base/buf.h"
#include "conf/config.h"
#include "core/dane.h"
#include "core/grade.h"
#include "core/nexthop.h"
#include "postfix/probe.h"
#include "store/store.h"

#define CHECK_PROBES_MAX 3 /* dane-only, verify, encrypt */

struct check_probe {
	enum level level;
	enum probe_outcome outcome;
	char found[256];
};

/* What a server did, beside what DNS says of it. */
struct check_host {
	struct check_probe probes[CHECK_PROBES_MAX];
	unsigned count;
};

struct check {
	struct nexthop nexthop;
	struct dns_records dns;
	struct dane_verdict verdict;
	struct grade_facts facts;
	struct grading grading;
	struct check_host hosts[DNS_HOSTS_MAX]; /* as in dns; of an address, the first */
	struct check_probe
	    secure; /* of the destination, where that is the default level */
	bool news;  /* the daemon knew it otherwise, and looks at it now */
	char other_map_trouble[256]; /* why another map could not be asked; "" if none */
};

/* Can Postfix use this host's TLSA records, and how many are they? */
unsigned check_usable(const struct dns_host *host);

/* The state, where it may be written; else NULL, and nothing is said. */
struct store *check_open_state(const struct config *config);

/* Where it is news of an entry, or of mail that waits: the daemon is to look at once. */
bool check_tell_daemon(
    struct store *store, const struct config *config, const struct check *check);

void check_print(const struct check *check, struct buf *out);
void check_print_json(const struct check *check, struct buf *out);

#endif
