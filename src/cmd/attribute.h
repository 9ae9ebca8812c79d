/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attributes of an entry, as smtp(8) reads them (postconf(5), smtp_tls_policy_maps).
 * A wrong one stops mail that flowed, so that none gets into the map.
 */
#ifndef CMD_ATTRIBUTE_H
#define CMD_ATTRIBUTE_H

#include "core/level.h"

/*
 * What is wrong with texts[count - 1], an ATTR=VALUE behind the others, for a sentence
 * that begins with it; NULL: nothing. version: mail_version of Postfix, NULL: unknown.
 */
const char *attribute_fault(
    char *const *texts, int count, enum level level, const char *version);

#endif
