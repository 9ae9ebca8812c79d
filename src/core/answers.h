/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was measured of one destination, whichever command asked: a plain value. Each
 * fact source (measure/measure.h) has its name and its fields here, and owns them: it
 * says what is in them where it is not asked.
 */
#ifndef CORE_ANSWERS_H
#define CORE_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/answer.h"
#include "core/dane.h"
#include "core/destination.h"
#include "core/facts.h"
#include "core/host.h"
#include "core/ladder.h"
#include "core/level.h"
#include "core/measured.h"
#include "core/nexthop.h"
#include "core/sts_state.h"

/* The fact sources, in the order in which they are asked, but that those for a batch at
 * once come first. */
#define FACT_SOURCES(X) X(dns) X(policy) X(maps) X(credentials) X(hosts) X(servers)

enum fact_source {
#define FACT_NUMBER(name) FACT_##name,
	FACT_SOURCES(FACT_NUMBER)
#undef FACT_NUMBER
	    FACT_COUNT
};

/* Of one source. */
struct answers_source {
	bool asked;        /* it was asked for these answers */
	int64_t asked_ms;  /* of remembered ones: when it was; 0: never, or its answer is
	                    * not kept */
	int64_t serves_ms; /* of remembered ones: so long they may be used again; 0: not
	                    * at all */
};

#define WITNESSED_ANY INT64_MAX

/* What the witnesses of a step down say (core/ladder). */
struct witnesses {
	enum queue_says queue;
	int64_t shown_ms;  /* of SHOWS: the last attempt of a message that is there; no
	                    * attempt after it counts. WITNESSED_ANY: all do */
	int64_t served_ms; /* attempts after that came when somebody was being asked;
	                    * WITNESSED_ANY: none did */
	int64_t unread_ms; /* of UNREADABLE: since when it is known that it is */
	enum answer prober;
	struct measured measured;
	struct measured measured_gone;
	enum canary_says canary;
};

struct choice;

struct answers {
	bool remembered; /* the answers of before, not new ones */
	struct answers_source sources[FACT_COUNT];

	bool of_nodes; /* more than one Postfix was asked: which said yes, as bits */

	/* maps */
	enum answer other_map; /* another policy map answers for the key */
	uint64_t other_map_by;

	/* credentials */
	enum answer credentials; /* Postfix logs in there; UNSURE: if it offers AUTH */
	uint64_t credentials_by;

	/* dns */
	struct dane_verdict dane;
	bool relay_fits; /* the server of the deferral is one of the destination's, or
	                    none was */
	char text[2048]; /* the DNS answers, a line a host */

	/* policy: what DNS says of MTA-STS; what is made of it is the caller's to add */
	char sts_domain[NEXTHOP_HOST_SIZE]; /* the Policy Domain; "": there can be none */
	struct sts_txt sts_txt;
	uint32_t sts_ttl_s;
	enum sts_applies sts;
	const char *sts_attributes; /* borrowed; of an enforced policy, as in struct
	                             * evidence; NULL as well while DNS could not tell
	                             * whom it allows */
	bool sts_allows_none;
	bool sts_asked;
	bool sts_lost;
	int64_t sts_ends_ms;

	/* servers */
	char servers[FACT_TEXT_SIZE]; /* what they did as witnesses: measured_describe()
	                               */

	/* hosts, servers */
	bool probe_asked;  /* the servers were to be probed */
	enum level probed; /* the strongest level that works, else the weakest tried;
	                    * LEVEL_UNKNOWN: nothing was probed, or nothing can */
	enum answer probe_works;
	/* Does mail flow at a server of it, by level? Only what was tried. */
	enum answer works[LEVEL_COUNT];
	const struct witnesses *witnesses; /* borrowed; NULL: none was asked yet */
	struct host_past
	    hosts_past; /* the best of its MX hosts, for whatever destination */
	struct destination_past twins_past; /* of keys that are the same name in DNS */
	const struct choice *choice;        /* borrowed; the hosts that smtp(8) would try;
	                                     * NULL: not known */
};

/* A source that was asked at asked_ms (0: never), whose answer serves until until_ms, as
 * of now_ms: not at all where the clock was set back since. */
struct answers_source answers_source_of(
    int64_t asked_ms, int64_t until_ms, int64_t now_ms);

/*
 * A probe of the levels above the entry's, up to *up_to*, from what was measured: probed
 * and probe_works. measured NULL: nothing can be probed.
 */
void answers_note_measured(struct answers *answers, const struct measured *measured,
    enum level above, enum level up_to);

/* One server's answer, of several: mail flows if it does at one of them, and one that
 * did not answer says nothing of those that did. */
void answers_note_server(struct answers *answers, enum level level, enum answer works);

#endif
