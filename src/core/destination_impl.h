/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a destination, for the files destination*.c alone. */
#ifndef CORE_DESTINATION_IMPL_H
#define CORE_DESTINATION_IMPL_H

#include "core/destination.h"

/* *at_ms, or than_ms if that is later. */
void destination_later(int64_t *at_ms, int64_t than_ms);

/* Attempts are counted anew. */
void destination_forget_attempts(struct destination *destination);

/* No step is due. */
void destination_forget_hold(struct destination *destination);

/*
 * Another entry, or none: what was learnt under the one before, or waited for, is not
 * about it. Its lease is the caller's to set. entry may be borrowed from the destination.
 */
void destination_reset_entry(
    struct destination *destination, struct demand entry, enum why why, int64_t now_ms);

#endif
