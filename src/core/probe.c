/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/probe.h"

static const char *const end_names[PROBE_END_COUNT] = {
    [PROBE_SILENT] = "silent",
    [PROBE_PLAIN] = "plain",
    [PROBE_REFUSED] = "refused",
    [PROBE_BROKEN] = "broken",
    [PROBE_TLS] = "tls",
    [PROBE_OURS] = "ours",
};

static const char *const cause_names[CAUSE_COUNT] = {
    [CAUSE_NONE] = "",
    [CAUSE_SELF_SIGNED] = "self-signed",
    [CAUSE_EXPIRED] = "expired",
    [CAUSE_NOT_YET_VALID] = "not-yet-valid",
    [CAUSE_NAME] = "name",
    [CAUSE_ISSUER] = "issuer",
    [CAUSE_TLSA] = "tlsa",
    [CAUSE_HANDSHAKE] = "handshake",
    [CAUSE_NOT_OFFERED] = "not-offered",
    [CAUSE_REFUSED] = "refused",
    [CAUSE_OTHER] = "other",
};

const char *
probe_end_name(enum probe_end end)
{
	return end_names[end];
}

bool
probe_end_parse(struct str name, enum probe_end *end)
{
	for (enum probe_end e = 0; e < PROBE_END_COUNT; e++) {
		if (str_is(name, end_names[e])) {
			*end = e;
			return true;
		}
	}
	return false;
}

const char *
cause_name(enum cause cause)
{
	return cause_names[cause];
}

bool
cause_parse(struct str name, enum cause *cause)
{
	for (enum cause c = CAUSE_NONE; c < CAUSE_COUNT; c++) {
		if (str_is(name, cause_names[c])) {
			*cause = c;
			return true;
		}
	}
	return false;
}
