/* SPDX-License-Identifier: BSD-2-Clause */
#include "freezekit.h"

#include "suite.h"

void
freezekit_assert_frozen(bool frozen)
{
	kit_assert(STATE,
	    "SELECT count(*) FROM counter WHERE name = 'frozen-ms' AND value <> 0",
	    frozen ? "1\n" : "0\n");
}

void
freezekit_know(unsigned domains)
{
	char domain[32], relay[64];

	for (unsigned i = 0; i < domains; i++) {
		snprintf(domain, sizeof(domain), "d%u.test", i);
		snprintf(relay, sizeof(relay), "mx.d%u.test[192.0.2.1]:25", i);
		rig_log_session("Verified", relay);
		rig_log_status(domain, relay, "2.0.0", "sent (250 Ok)");
		rig_save();
		world_wait(rig.engine, MIN);
	}
}

void
freezekit_log_failures(unsigned domains)
{
	char line[400];

	for (unsigned i = 0; i < domains; i++) {
		snprintf(line, sizeof(line),
		    "smtp[%u]: M%u: to=<u@d%u.test>, relay=mx.d%u.test[192.0.2.1]:25, "
		    "delay=10, delays=9/0/0.03/0.02, dsn=4.7.5, status=deferred "
		    "(" NOT_VERIFIED ")",
		    900 + i, i, i, i);
		world_log(rig.engine, line);
	}
}
