/* SPDX-License-Identifier: BSD-2-Clause */
/* The MX hosts of a forecast, each connected to once for all destinations that have it.
 */
#ifndef CMD_FORECAST_HOSTS_H
#define CMD_FORECAST_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/choice.h"
#include "core/server.h"
#include "postfix/postfix.h"

struct forecast_hosts; /* opaque */

struct forecast_hosts *forecast_hosts_new(void);
void forecast_hosts_free(struct forecast_hosts *hosts); /* NULL is accepted */

/* It is to be asked; nexthop: of one of its destinations, in A-labels. Copied. */
void forecast_hosts_want(struct forecast_hosts *hosts, const struct chosen_host *chosen,
    uint16_t port, const char *nexthop);

/* All that are wanted, with posttls-finger(1). An exit status; what failed was reported.
 */
int forecast_hosts_ask(struct forecast_hosts *hosts, const struct postfix *postfix,
    const struct postfix_settings *settings);

/* What it did; NULL: it could not be asked. */
const struct server *forecast_hosts_get(
    const struct forecast_hosts *hosts, const char *name, uint16_t port);

#endif
