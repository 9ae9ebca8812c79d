/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/destination.h"

void
destination_init(struct destination *d, const char *key)
{
	*d = (struct destination){.entry = {.level = LEVEL_NONE, .trial = LEVEL_NONE},
	    .hold = {.level = LEVEL_NONE}};
	str_copy(str_of(key), d->key, sizeof(d->key));
}

static void
later(int64_t *at_ms, int64_t than_ms)
{
	if (than_ms > *at_ms)
		*at_ms = than_ms;
}

void
destination_seen(struct destination *d, enum level level, int64_t at_ms)
{
	if (level == LEVEL_DANE_ONLY)
		later(&d->past.dane_ms, at_ms);
	else if (level_is_authenticated(level))
		later(&d->past.verify_ms, at_ms);
	else if (level == LEVEL_ENCRYPT)
		later(&d->past.encrypt_ms, at_ms);
	if (level == LEVEL_SECURE)
		later(&d->past.secure_ms, at_ms);
}
