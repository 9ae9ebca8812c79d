/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proof that answers without AD are unsigned: asks what core/proof wants to know, for
 * many answers side by side, and remembers the answers of zones. Part of one resolver.
 */
#ifndef DNS_RESOLVER_PROOF_H
#define DNS_RESOLVER_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/proof.h"
#include "dns/resolver_link.h"

#define PROVER_WAVE_MAX (2 * DNS_HOSTS_MAX)

/* SOA or DS of a zone, kept for the TTL, an hour at most. */
struct known {
	char name[NEXTHOP_HOST_SIZE];
	enum rr_type type;
	int64_t until_ms;
	struct proof_reply reply;
};

#define PROVER_KNOWN_MAX 128

struct prover {
	struct known known[PROVER_KNOWN_MAX];
	unsigned next_known; /* the one that gives way */
	unsigned budget;     /* questions left of this gathering */

	/* An answer was seen that a signed zone cannot have: which, and when last. */
	bool permissive;
	char seen_name[NEXTHOP_HOST_SIZE];
	enum rr_type seen_type;
	int64_t seen_ms;
	int64_t checked_ms;

	struct question wave[PROVER_WAVE_MAX];
};

/* One answer to be judged. Zero it, set question. */
struct proof_job {
	const struct question *question; /* answered without AD, or not at all */
	struct proof proof;              /* out */
	char trouble[DNS_TROUBLE_SIZE];  /* of PROOF_UNSURE and PROOF_PERMISSIVE */
	unsigned waits_for;              /* its place in the wave */
};

/* Before a gathering, on a link that is trusted: was the resolver cured meanwhile? That
 * is so once it refuses what it passed on; else it is forgotten an hour after it was
 * last seen. */
void prover_begin(struct prover *prover, struct link *link);

/* Judge them all: none is left PROOF_OPEN. Bounded by the link's deadline and by the
 * number of questions of a gathering. */
void prover_judge(
    struct prover *prover, struct link *link, struct proof_job *jobs, unsigned count);

#endif
