/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/protection.h"

#include "core/destination.h"

enum sent_by
protection_sent_by(bool session, enum session_grade grade, const struct status_line *line)
{
	enum level met = line->tls.len > 0 ? status_met_level(line) : LEVEL_UNKNOWN;

	if (session)
		return grade != SESSION_VERIFIED ? SENT_BY_SESSION
		    : met == LEVEL_DANE_ONLY     ? SENT_BY_DANE
		                                 : SENT_BY_VERIFIED;
	switch (met) {
	case LEVEL_NONE:
		return SENT_BY_CLEARTEXT;
	case LEVEL_ENCRYPT:
		return SENT_BY_SESSION;
	case LEVEL_DANE_ONLY:
		return SENT_BY_DANE;
	case LEVEL_VERIFY:
	case LEVEL_SECURE:
	case LEVEL_FINGERPRINT:
		return SENT_BY_VERIFIED;
	default:
		return SENT_BY_BARE;
	}
}

static enum protection
verified(const struct destination *d, enum level default_level, int64_t verified_ms)
{
	/* The second of the export is the entry's, too: many a log has whole seconds. */
	bool by_entry =
	    d->entry.level != LEVEL_NONE && verified_ms + 999 >= d->entry.force_ms;
	enum level level = by_entry ? d->entry.level : default_level;

	if (by_entry && destination_is_under_policy(d))
		return PROTECTION_MTA_STS;
	return level == LEVEL_DANE || level == LEVEL_DANE_ONLY ? PROTECTION_DANE
	                                                       : PROTECTION_VERIFIED;
}

enum protection
protection_of(enum sent_by sent_by, const struct destination *d, enum level default_level,
    int64_t verified_ms, bool silent)
{
	switch (sent_by) {
	case SENT_BY_DANE:
		return PROTECTION_DANE;
	case SENT_BY_VERIFIED:
		return verified(d, default_level, verified_ms);
	case SENT_BY_SESSION:
		return PROTECTION_ENCRYPTED;
	case SENT_BY_CLEARTEXT:
		return PROTECTION_CLEARTEXT;
	default:
		return silent ? PROTECTION_UNKNOWN : PROTECTION_CLEARTEXT;
	}
}

static const char *const names[PROTECTION_COUNT] = {
    [PROTECTION_DANE] = "dane",
    [PROTECTION_MTA_STS] = "mta-sts",
    [PROTECTION_VERIFIED] = "verified",
    [PROTECTION_ENCRYPTED] = "encrypted",
    [PROTECTION_CLEARTEXT] = "cleartext",
    [PROTECTION_UNKNOWN] = "unknown",
};

const char *
protection_name(enum protection protection)
{
	return names[protection];
}

bool
protection_parse(struct str name, enum protection *protection)
{
	for (int i = 0; i < PROTECTION_COUNT; i++) {
		if (str_is(name, names[i])) {
			*protection = (enum protection)i;
			return true;
		}
	}
	return false;
}
