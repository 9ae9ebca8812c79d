/* SPDX-License-Identifier: BSD-2-Clause */
/* Which resolver to ask, and how: handed out by conf/, used by dns/. A plain value. */
#ifndef CORE_RESOLVER_SETTINGS_H
#define CORE_RESOLVER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct resolver_settings {
	char *const *servers; /* ADDRESS or ADDRESS@PORT; none: from resolv_conf */
	unsigned server_count;
	const char *resolv_conf; /* normally "/etc/resolv.conf" */
	bool trust_ad;      /* believe AD of the named servers though not on loopback */
	int64_t timeout_ms; /* per question */
	unsigned tries;
};

#endif
