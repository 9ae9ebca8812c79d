/* SPDX-License-Identifier: BSD-2-Clause */
/* What others must know of the policy map as a target. */
#ifndef PUBLISH_TARGET_MAP_H
#define PUBLISH_TARGET_MAP_H

#include "conf/config.h"
#include "postfix/postfix.h"

/* The map type to build: the configured one, or Postfix's default. Borrowed. */
const char *target_map_type(
    const struct config *config, const struct postfix_settings *settings);

#endif
