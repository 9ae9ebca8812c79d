/* SPDX-License-Identifier: BSD-2-Clause */
/* Hosts that may be asked as canaries (duty_canary.c), of different parent domains. */
#ifndef ENGINE_CANDIDATES_H
#define ENGINE_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/nexthop.h"

#define CANDIDATES 16

struct candidate {
	char name[NEXTHOP_HOST_SIZE];
	uint16_t port;
	char of[NEXTHOP_KEY_SIZE]; /* lines of the log alone tell of it, at that
	                            * destination: DNS must name it there; else "" */
	bool proven;               /* a canary */
	bool fresh;
};

struct candidates {
	struct candidate items[CANDIDATES];
	size_t count;
	int64_t proven_ms; /* wall: when a probe last found one of those that are known to
	                    * verify */
};

struct engine;

/* Those of the administrator, canaries, and who may become one, in the order in which
 * they are asked. */
void candidates_gather(struct engine *e, struct candidates *all);

/* Those that did better last, of whom a freeze is told (core/freeze.h), canaries or not.
 */
void candidates_gather_last(struct engine *e, struct candidates *all);

#endif
