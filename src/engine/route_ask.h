/* SPDX-License-Identifier: BSD-2-Clause */
/* Where Postfix sends mail: by its settings, and by its transport maps. */
#ifndef ENGINE_ROUTE_ASK_H
#define ENGINE_ROUTE_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/route.h"
#include "postfix/postfix.h"

/* How main.cf routes. Borrows from settings. */
struct route_settings route_settings_of(const struct postfix_settings *settings);

/* Is every domain its own next-hop, with smtp as its transport? */
bool route_is_plain(const struct postfix_settings *settings);

/*
 * Ask the transport maps for recipients[0..count); routes[] gets the answers. Blocks.
 * False: a map could not be asked, and routes[] holds nothing.
 */
bool route_ask(const struct postfix *postfix, const struct route_settings *settings,
    const char *transport_maps, char *const *recipients, size_t count,
    struct route *routes, struct err *err);

#endif
