/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/level.h"

static const char *const names[LEVEL_COUNT] = {
    [LEVEL_UNKNOWN] = "unknown",
    [LEVEL_NONE] = "none",
    [LEVEL_MAY] = "may",
    [LEVEL_ENCRYPT] = "encrypt",
    [LEVEL_DANE] = "dane",
    [LEVEL_FINGERPRINT] = "fingerprint",
    [LEVEL_VERIFY] = "verify",
    [LEVEL_SECURE] = "secure",
    [LEVEL_DANE_ONLY] = "dane-only",
};

const char *
level_name(enum level level)
{
	return names[level];
}

const char *
level_label(enum level level)
{
	return level == LEVEL_DANE ? "cleartext (dane)"
	    : level == LEVEL_MAY   ? "cleartext (may)"
	                           : names[level];
}

bool
level_parse(struct str text, enum level *level)
{
	for (enum level l = LEVEL_NONE; l < LEVEL_COUNT; l++) {
		if (str_equal_nocase(text, str_of(names[l]))) {
			*level = l;
			return true;
		}
	}
	return false;
}

bool
level_is_authenticated(enum level level)
{
	return level >= LEVEL_FINGERPRINT;
}

enum level
level_promise(enum level level)
{
	return level == LEVEL_DANE ? LEVEL_MAY : level;
}
