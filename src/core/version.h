/* SPDX-License-Identifier: BSD-2-Clause */
/* The release of a Postfix, by its mail_version. */
#ifndef CORE_VERSION_H
#define CORE_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/answer.h"
#include "base/str.h"

struct version {
	uint64_t major, minor, patch;
};

/* False: it is none. What is new in a release came at some day of its snapshots,
 * "3.11-20250430": they count as the release before. */
bool version_parse(struct str text, struct version *out);

/* Less than 0: a is older than b; 0: they are the same. */
int version_compare(const struct version *a, const struct version *b);

/* Is it that release, or a later one? UNSURE where the text is no version. */
enum answer version_is_from(
    struct str text, uint64_t major, uint64_t minor, uint64_t patch);

#endif
