/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/twins.h"

#include "measure/measure.h"

bool
twins_each(
    struct store *store, const char *key, twin_fn *fn, void *context, struct err *err)
{
	char keys[MEASURE_TWINS][NEXTHOP_KEY_SIZE];
	unsigned count = measure_twins(key, keys);

	for (unsigned i = 0; i < count; i++) {
		struct destination twin;
		bool found;

		if (!store_get(store, keys[i], &twin, &found, err))
			return false;
		if (found)
			fn(context, &twin);
		destination_clear(&twin);
	}
	return true;
}

static void
add_past(void *context, const struct destination *twin)
{
	destination_past_add(context, &twin->past);
}

bool
twins_past(
    struct store *store, const char *key, struct destination_past *out, struct err *err)
{
	return twins_each(store, key, add_past, out, err);
}
