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

/* Do two Postfix servers route mail by the same words? Files of the same name may differ.
 */
bool route_is_alike(const struct postfix_settings *a, const struct postfix_settings *b);

/*
 * Ask the transport maps for recipients[0..count). Of each, asked says what came of it,
 * and routes[] gets those that are told. A map that answers others and fails for a key of
 * theirs (socketmap: TEMP) leaves those untold, and why says how it failed; such keys are
 * looked for in a number of calls, and what is left is later, after at least one that is
 * not. Blocks. False: a map could not be asked at all; routes[] and asked[] hold nothing.
 */
enum route_asked { ROUTE_LATER, ROUTE_TOLD, ROUTE_UNTOLD };
bool route_ask(const struct postfix *postfix, const struct route_settings *settings,
    const char *transport_maps, char *const *recipients, size_t count,
    struct route *routes, enum route_asked *asked, struct err *why);

#endif
