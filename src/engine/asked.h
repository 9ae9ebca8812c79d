/* SPDX-License-Identifier: BSD-2-Clause */
/* A bounded set of ids: whom somebody is asked about. */
#ifndef ENGINE_ASKED_H
#define ENGINE_ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct asked {
	int64_t *ids;
	size_t count, max;
};

/* Ends with asked_clear(). */
void asked_init(struct asked *asked, size_t max);
void asked_clear(struct asked *asked);

/* There is room: count is below max. */
void asked_add(struct asked *asked, int64_t id);
bool asked_has(const struct asked *asked, int64_t id);
void asked_forget(struct asked *asked, int64_t id);

#endif
