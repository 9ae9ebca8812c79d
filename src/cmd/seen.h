/* SPDX-License-Identifier: BSD-2-Clause */
/* What logs have of each destination: the mail that was sent there, and how its servers
 * spoke TLS. In memory alone. */
#ifndef CMD_SEEN_H
#define CMD_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/scan_logs.h"
#include "conf/config.h"
#include "core/fold.h"
#include "core/forecast.h"
#include "core/nexthop.h"
#include "core/rules.h"
#include "postfix/postfix.h"

struct seen_server {
	char *name;    /* in small letters; owned */
	uint16_t port; /* 0: the next-hop's */
	struct forecast_server did;
};

struct seen {
	char *key;                       /* owned */
	char transport[ROUTE_NAME_SIZE]; /* of master.cf; "": not known */
	uint64_t sent;                   /* messages and recipients */
	struct seen_server *servers;     /* at most FOLD_HOSTS_MAX */
	size_t server_count;
};

/* In the order of their keys. */
struct seen_list {
	struct seen *items;
	size_t count;
	struct forecast_span span;
};

/*
 * Logs as scan_logs_read() has them. Mail counts for the next-hop that Postfix would look
 * up for its recipient: relayhost and transport maps are asked. An exit status; what
 * failed was reported. Ends with seen_clear() in any case.
 */
int seen_read(const struct config *config, const struct rules *rules,
    const struct postfix *postfix, const struct postfix_settings *settings,
    int64_t since_ms, char *const *paths, size_t count, struct seen_list *out);

void seen_clear(struct seen_list *list);

#endif
