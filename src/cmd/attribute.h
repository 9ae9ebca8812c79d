/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attributes of an entry, as smtp(8) reads them (postconf(5), smtp_tls_policy_maps).
 * A wrong one stops mail that flowed, so that none gets into the map.
 */
#ifndef CMD_ATTRIBUTE_H
#define CMD_ATTRIBUTE_H

#include <stdbool.h>

#include "base/buf.h"
#include "core/level.h"

/*
 * Is texts[count - 1] an ATTR=VALUE that may stand behind the others? Else false, and why
 * it is not, for a sentence that begins with it. version: mail_version of Postfix, NULL:
 * unknown.
 */
bool attribute_check(char *const *texts, int count, enum level level, const char *version,
    struct buf *why);

/* Does Postfix of that version know each name in the attributes of an entry that once
 * stood in the map? Else all mail under it would wait; why: the first one that it does
 * not, quoted. */
bool attribute_all_known(const char *attributes, const char *version, struct buf *why);

#endif
