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

enum intake_purpose {
	INTAKE_KEEP,
	/* A scratch copy, that is judged by and then thrown away: what nobody can ask it
	 * for is left out, the counts by days and the mail whose policy is looked up. */
	INTAKE_IMAGINE,
	/* No more lines will come, either: a destination that is new, well, and needs no
	 * look is not judged. Only what its servers did counts. Of the messages that wait
	 * for one that is new there are the first, and those that wait no more. */
	INTAKE_IMAGINE_LAST,
};

/* Pointers are borrowed. */
struct intake_how {
	const struct rules *rules;
	enum level default_level; /* mail that was sent without an entry met it */
	bool leads;               /* no other tlsladder may have entries of its own */
	const struct destination_spans *spans; /* judge_spans() */
	/* covered_hash() of what the database must have of counted lines; NULL: that does
	 * not matter */
	const uint64_t *counted;
	int64_t now_ms; /* what is noted as the time of reading */
	/* The lines are of the log that is followed: what its processes said last is kept
	 * for the lines to come. */
	bool is_followed;
	enum intake_purpose purpose;
};

/*
 * The whole fold and the places of all logs, in one transaction: either both are
 * stored, or neither, and the caller tries again with the same fold. On true the fold
 * is empty. *news: destinations that wait to be judged now.
 */
bool intake_store(struct store *store, struct fold *fold, const struct intake_how *how,
    const struct log_place *places, size_t place_count, bool *news, struct err *err);

/* What the processes of each node said last, as it was stored. */
bool intake_load_processes(struct store *store, struct fold *fold, struct err *err);

#endif
