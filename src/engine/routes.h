/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes of recipients, remembered while Postfix's settings are: in memory alone, as
 * they hold addresses.
 */
#ifndef ENGINE_ROUTES_H
#define ENGINE_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/answer.h"
#include "base/err.h"
#include "core/route.h"
#include "postfix/postfix.h"

struct routes; /* opaque */

struct routes *routes_new(void);
void routes_free(struct routes *routes);
void routes_clear(struct routes *routes);

/* False: not known. *out has an empty key where the recipient goes nowhere we act on. */
bool routes_get(const struct routes *routes, struct str recipient, struct route *out);
void routes_put(struct routes *routes, struct str recipient, const struct route *route);

/* How main.cf routes. Borrows from settings. */
struct route_settings routes_settings(const struct postfix_settings *settings);

/* Is every domain its own next-hop, with smtp as its transport? */
bool routes_are_plain(const struct postfix_settings *settings);

/*
 * Ask the transport maps for recipients[0..count); routes[] gets the answers. Blocks.
 * False: a map could not be asked, and nothing is known.
 */
bool routes_ask(const struct postfix *postfix, const struct route_settings *settings,
    const char *transport_maps, char *const *recipients, size_t count,
    struct route *routes, struct err *err);

#endif
