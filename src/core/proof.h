/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is an answer without AD unsigned, or was its signature lost on the way? The first needs
 * proof: a zone above, up to a signed one, that has no DS for it. This is the machine
 * that asks for the proof, as values: it names the next question, takes the reply, and
 * ends in a verdict. dns/resolver_proof asks.
 *
 * 1. An answer with aliases is judged hop by hop: CNAME of each alias, then its target.
 * 2. The zone of a name is the owner of the SOA record in the authority section, else
 *    SOA is asked for.
 * 3. DS of that zone, and where it proves nothing by itself, of the zones above.
 *
 * Where not even SOA is answered, the lowest name whose DS question is answered counts as
 * a zone without servers only if the zone above proves a delegation without DS there.
 * Without that rule, an attacker could make a host in a signed zone unsigned by dropping
 * all questions but the one for its DS.
 */
#ifndef CORE_PROOF_H
#define CORE_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/nexthop.h"

#define PROOF_STEPS_MAX   10 /* questions about one hop */
#define PROOF_HOPS_MAX    10 /* aliases; smtp(8) follows as many */
#define PROOF_DENIALS_MAX 8  /* NSEC and NSEC3 records held of a reply */
#define PROOF_DS_MAX      16 /* DS records held; more count as usable ones */

enum proof_verdict {
	PROOF_OPEN,             /* there is a question to ask */
	PROOF_SECURE,           /* validated after all */
	PROOF_UNSIGNED,         /* its zone has no DS, or none that can be used: proven */
	PROOF_UNSIGNED_OPT_OUT, /* the zone above leaves unsigned ones out (RFC 5155 6) */
	PROOF_UNSIGNED_PARENT,  /* so is the zone above */
	PROOF_NONE, /* a missing name or a wildcard in an opt-out zone: no signed data */
	PROOF_LAME, /* no answer, and none can be expected: an unsigned zone without
	               servers */
	PROOF_UNSURE, /* an error on the way, or a contradiction */
	/* A signed zone cannot have this answer: the resolver is in permissive mode, or
	 * has a negative trust anchor. */
	PROOF_PERMISSIVE,
	PROOF_VERDICT_COUNT,
};

enum proof_kind {
	PROOF_ERROR, /* no answer: timeout, SERVFAIL, malformed */
	PROOF_DATA,  /* records of the asked type at the asked name */
	PROOF_NODATA,
	PROOF_NXDOMAIN,
	PROOF_ALIAS, /* the name is an alias; what its target has does not matter here */
};

/* An NSEC record of the asked name itself, or the NSEC3 record with its hash. */
struct proof_denial {
	bool ns;
	bool soa;
	bool ds;
};

/* DS: the algorithm of the key and that of the digest. */
struct proof_ds {
	uint8_t algorithm;
	uint8_t digest;
};

/* What a reply says that matters here. Names are A-labels in lower case, the root ".". */
struct proof_reply {
	enum proof_kind kind;
	bool ad;
	char zone[NEXTHOP_HOST_SIZE];    /* owner of the SOA record; "" without one */
	char next[NEXTHOP_HOST_SIZE];    /* of CNAME with data: where the alias leads */
	char opt_out[NEXTHOP_HOST_SIZE]; /* the zone of NSEC3 records with opt-out; "" */
	unsigned denial_count;           /* those of the asked name only */
	struct proof_denial denials[PROOF_DENIALS_MAX];
	unsigned ds_count;
	struct proof_ds ds[PROOF_DS_MAX];
};

enum proof_ask {
	PROOF_ASK_CNAME,
	PROOF_ASK_SAME, /* the type that the answer at hand is of */
	PROOF_ASK_SOA,
	PROOF_ASK_DS,
};

/* Opaque but for verdict, rests_on_opt_out, first_hop, ask and name. */
struct proof {
	enum proof_verdict verdict;
	bool rests_on_opt_out; /* somewhere on the way */
	/* Of an answer with aliases: what the first alias is, PROOF_OPEN if not known. */
	enum proof_verdict first_hop;

	/* PROOF_OPEN: the next question */
	enum proof_ask ask;
	char name[NEXTHOP_HOST_SIZE];

	bool permissive;  /* opt-out proves nothing */
	bool failed;      /* there was no answer: a lame zone is looked for */
	bool walking;     /* towards the lowest name whose DS is answered */
	unsigned climbed; /* so many zones above the answer's */
	bool pending;     /* the zone at hand left out the one below, if it is signed */
	bool in_hop;      /* it is an alias that is judged */
	bool all_secure;  /* so were all aliases before */
	unsigned steps;   /* of this hop */
	unsigned hops;    /* aliases behind us */
	enum proof_verdict weakest;      /* of the aliases behind us */
	char at[NEXTHOP_HOST_SIZE];      /* the name that is judged */
	char next[NEXTHOP_HOST_SIZE];    /* where its alias leads */
	char opt_out[NEXTHOP_HOST_SIZE]; /* of its answer, as in the reply */
};

const char *proof_verdict_name(enum proof_verdict verdict); /* "unsigned", "none" ... */

/*
 * Begin with an answer to name, or with its failure (PROOF_ERROR). permissive: this
 * resolver was seen to pass on what a signed zone cannot have, so that opt-out, whose
 * proofs bear no AD, proves nothing.
 */
void proof_start(struct proof *proof, const char *name, const struct proof_reply *reply,
    bool permissive);

/* Take the reply to proof->ask of proof->name. Only while the verdict is PROOF_OPEN. */
void proof_take(struct proof *proof, const struct proof_reply *reply);

/* Is it proven that no signed data is behind this? Unsigned in one way or another, none,
 * or lame. */
bool proof_is_insecure(enum proof_verdict verdict);

#endif
