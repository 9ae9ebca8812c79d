/* SPDX-License-Identifier: BSD-2-Clause */
/* What others must know of the policy map as a target. */
#ifndef PUBLISH_TARGET_MAP_H
#define PUBLISH_TARGET_MAP_H

#include "conf/config.h"
#include "postfix/postfix.h"
#include "store/store.h"

/* The map type to build: the configured one, or Postfix's default. Borrowed. */
const char *target_map_type(
    const struct config *config, const struct postfix_settings *settings);

/* Is the state's mark that of a map of ours at path, whatever its text says now? */
bool target_map_is_marked(struct store *store, const char *path);

/* The mark that can still be read of the malformed database at path: into store, which
 * has none, so that it proves that the map is ours. */
void target_map_salvage(struct store *store, const char *path);

#endif
