/* SPDX-License-Identifier: BSD-2-Clause */
/* The one guard that settled a decision. The slug is the same everywhere: explain,
 * list, the map's comments, the log, the manual, the tests. */
#ifndef CORE_WHY_H
#define CORE_WHY_H

#include <stdbool.h>

#include "base/str.h"

enum why {
	WHY_NONE, /* nothing was decided yet */
	WHY_PINNED,
	WHY_PIN_NOT_MET,
	WHY_OUR_FAULT,
	WHY_OUR_ENTRY,
	WHY_NO_RULE,
	WHY_RULE_WAITS,
	WHY_ECHO,
	WHY_OTHER_MAP,
	WHY_OTHER_MAP_UNSURE,
	WHY_DNS_UNSURE,
	WHY_NO_MAIL,
	WHY_ELSEWHERE,
	WHY_DANE,
	WHY_DANE_NOT_MET,
	WHY_DANE_IMPOSSIBLE,
	WHY_DANE_GOING,
	WHY_DANE_GONE,
	WHY_TLSA_UNUSABLE,
	WHY_INSECURE_MX,
	WHY_SIGNED,
	WHY_NOT_AUTHENTIC,
	WHY_NOT_ENCRYPTED,
	WHY_NO_DANE,
	WHY_ONE_RUNG,
	WHY_NOTHING_WEAKER,
	WHY_LOWEST,
	WHY_MAY_AFTER,
	WHY_HOLD,
	WHY_FREEZE,
	WHY_TRIAL,
	WHY_TRIAL_FAILED,
	WHY_PROBED,
	WHY_STILL_NEEDED,
	WHY_NOT_NEEDED,
	WHY_UNDONE,
	WHY_COUNT,
};

const char *why_slug(enum why why);     /* "dns-unsure" */
const char *why_sentence(enum why why); /* "DNS could not tell, so nothing weaker" */
bool why_parse(struct str slug, enum why *why);

#endif
