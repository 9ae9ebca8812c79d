/* SPDX-License-Identifier: BSD-2-Clause */
/* The fold into the store, with the places that the logs were read up to. */
#ifndef ENGINE_INTAKE_H
#define ENGINE_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/destination.h"
#include "core/fold.h"
#include "core/place.h"
#include "engine/intake_lines.h"
#include "store/store.h"

/* A log and where its lines were read up to. name is borrowed. */
struct log_place {
	const char *name;
	struct place place;
};

/*
 * The whole fold and the places of all logs, in one transaction: either both are
 * stored, or neither, and the caller tries again with the same fold. On true the fold
 * is empty. default_level: mail that was sent without an entry met it; spans:
 * judge_spans(); counted: covered_hash() of what the database must have of counted lines,
 * or NULL if that does not matter; now_ms: what is noted as the time of reading. *news:
 * destinations that wait to be judged now.
 */
bool intake_store(struct store *store, struct fold *fold, const struct rules *rules,
    enum level default_level, const struct destination_spans *spans,
    const uint64_t *counted, const struct log_place *places, size_t place_count,
    int64_t now_ms, bool *news, struct err *err);

#endif
