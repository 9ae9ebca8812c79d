/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/proof.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

static const char *const verdict_names[PROOF_VERDICT_COUNT] = {
    [PROOF_OPEN] = "open",
    [PROOF_SECURE] = "secure",
    [PROOF_UNSIGNED] = "unsigned",
    [PROOF_UNSIGNED_OPT_OUT] = "unsigned-opt-out",
    [PROOF_UNSIGNED_PARENT] = "unsigned-parent",
    [PROOF_NONE] = "none",
    [PROOF_LAME] = "lame",
    [PROOF_UNSURE] = "unsure",
    [PROOF_PERMISSIVE] = "permissive",
};

const char *
proof_verdict_name(enum proof_verdict verdict)
{
	assert(verdict < PROOF_VERDICT_COUNT);
	return verdict_names[verdict];
}

bool
proof_is_insecure(enum proof_verdict verdict)
{
	return verdict == PROOF_UNSIGNED || verdict == PROOF_UNSIGNED_OPT_OUT ||
	    verdict == PROOF_UNSIGNED_PARENT || verdict == PROOF_NONE ||
	    verdict == PROOF_LAME;
}

/* --- names ------------------------------------------------------------------------- */

static bool
is_root(const char *name)
{
	return strcmp(name, ".") == 0;
}

/* The name without its first label. False: there is nothing above. */
static bool
parent_of(const char *name, char out[NEXTHOP_HOST_SIZE])
{
	const char *dot = strchr(name, '.');

	if (is_root(name) || name[0] == '\0')
		return false;
	return str_copy(dot != NULL ? str_of(dot + 1) : STR("."), out, NEXTHOP_HOST_SIZE);
}

/* Is zone above name? Equal counts unless strictly. */
static bool
is_above(const char *zone, const char *name, bool strictly)
{
	size_t zone_len = strlen(zone), len = strlen(name);

	if (zone_len == 0)
		return false;
	if (strcmp(zone, name) == 0)
		return !strictly;
	if (is_root(zone))
		return true;
	return zone_len < len && name[len - zone_len - 1] == '.' &&
	    strcmp(name + len - zone_len, zone) == 0;
}

/* --- the end, and the next question ------------------------------------------------ */

static void
ask(struct proof *proof, enum proof_ask what, const char *name)
{
	char copy[NEXTHOP_HOST_SIZE]; /* name may be proof's own */

	if (proof->steps++ == PROOF_STEPS_MAX ||
	    !str_copy(str_of(name), copy, sizeof(copy))) {
		proof->verdict = PROOF_UNSURE;
		return;
	}
	proof->ask = what;
	memcpy(proof->name, copy, sizeof(copy));
}

static void
ask_above(struct proof *proof, enum proof_ask what, const char *name)
{
	char above[NEXTHOP_HOST_SIZE];

	if (parent_of(name, above))
		ask(proof, what, above);
	else
		proof->verdict = PROOF_UNSURE;
}

/* The alias at hand is judged: go on with its target, asked for by itself. */
static void
leave_hop(struct proof *proof, enum proof_verdict verdict)
{
	if (proof->hops == 0)
		proof->first_hop = verdict;
	if (verdict != PROOF_SECURE) {
		proof->all_secure = false;
		proof->weakest = verdict;
	}
	if (++proof->hops > PROOF_HOPS_MAX) {
		proof->verdict = PROOF_UNSURE;
		return;
	}
	proof->in_hop = false;
	proof->steps = 0;
	memcpy(proof->at, proof->next, sizeof(proof->at));
	ask(proof, PROOF_ASK_SAME, proof->next);
}

/* The zone at hand is proven to be insecure in this way. */
static void
settle(struct proof *proof, enum proof_verdict verdict)
{
	bool opt_out = verdict == PROOF_UNSIGNED_OPT_OUT || verdict == PROOF_NONE;

	proof->rests_on_opt_out |= opt_out;
	if (opt_out && proof->permissive) {
		proof->verdict = PROOF_PERMISSIVE;
		return;
	}
	/* Below an unsigned zone everything is, whatever that one's proof was. */
	if (proof->climbed > (opt_out ? 1U : 0U))
		verdict = PROOF_UNSIGNED_PARENT;
	if (proof->failed)
		verdict = PROOF_LAME;
	if (proof->in_hop)
		leave_hop(proof, verdict);
	else
		proof->verdict = verdict;
}

/* --- 3. DS ------------------------------------------------------------------------- */

/* RFC 8624, and unbound's own: a key and a digest that a resolver of today validates.
 * Without one the zone counts as unsigned (RFC 4035 5.2). */
static bool
is_usable(const struct proof_ds *ds)
{
	static const uint8_t algorithms[] = {8, 10, 13, 14, 15, 16};

	if (ds->digest != 2 && ds->digest != 4)
		return false;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (ds->algorithm == algorithms[i])
			return true;
	return false;
}

static bool
has_usable_ds(const struct proof_reply *reply)
{
	unsigned held = reply->ds_count < PROOF_DS_MAX ? reply->ds_count : PROOF_DS_MAX;

	if (held == 0 || reply->ds_count > held)
		return true;
	for (unsigned i = 0; i < held; i++)
		if (is_usable(&reply->ds[i]))
			return true;
	return false;
}

/* The zone is signed, and yet something in or below it came without AD. */
static void
settle_signed(struct proof *proof, const char *zone)
{
	if (proof->pending)
		settle(proof, PROOF_UNSIGNED_OPT_OUT);
	else if (proof->failed)
		proof->verdict = PROOF_UNSURE; /* bogus, rightly withheld */
	else if (proof->climbed == 0 && strcmp(proof->opt_out, zone) == 0)
		settle(proof, PROOF_NONE);
	else
		proof->verdict = PROOF_PERMISSIVE;
}

static void
judge_zone(struct proof *proof, const char *zone)
{
	/* The root has no DS; it is the trust anchor. */
	if (is_root(zone))
		settle_signed(proof, zone);
	else
		ask(proof, PROOF_ASK_DS, zone);
}

/* No DS, and no AD: it is as the zone above, which says so, or left out by it. */
static void
climb(struct proof *proof, const struct proof_reply *reply)
{
	char zone[NEXTHOP_HOST_SIZE];

	if (!is_above(reply->zone, proof->name, true)) {
		proof->verdict = PROOF_UNSURE;
		return;
	}
	/* Opt-out proves nothing about a name that does not exist; nor does it replace
	 * the delegation of a zone that no server answers for. */
	proof->pending = reply->kind == PROOF_NODATA && !proof->walking &&
	    strcmp(reply->opt_out, reply->zone) == 0;
	proof->climbed++;
	proof->walking = false;
	memcpy(zone, reply->zone, sizeof(zone));
	judge_zone(proof, zone);
}

static void
take_ds_data(struct proof *proof, const struct proof_reply *reply)
{
	if (!reply->ad) {
		/* Signed or not, it hangs below a zone that is not. */
		proof->climbed++;
		proof->pending = false;
		proof->walking = false;
		ask_above(proof, PROOF_ASK_SOA, proof->name);
	} else if (!has_usable_ds(reply)) {
		settle(proof, PROOF_UNSIGNED);
	} else {
		settle_signed(proof, proof->name);
	}
}

/* A delegation without DS, as far as the records of the zone above say what it is. */
static bool
may_be_cut(const struct proof_reply *reply)
{
	for (unsigned i = 0; i < reply->denial_count && i < PROOF_DENIALS_MAX; i++) {
		const struct proof_denial *denial = &reply->denials[i];

		if (!denial->ns || denial->soa || denial->ds)
			return false;
	}
	return true;
}

static void
take_ds(struct proof *proof, const struct proof_reply *reply)
{
	switch (reply->kind) {
	case PROOF_DATA:
		take_ds_data(proof, reply);
		break;
	case PROOF_NODATA:
		if (!reply->ad)
			climb(proof, reply);
		else if (may_be_cut(reply) &&
		    (!proof->walking || reply->denial_count > 0))
			settle(proof, PROOF_UNSIGNED);
		else
			proof->verdict = PROOF_UNSURE; /* a name within a signed zone */
		break;
	case PROOF_NXDOMAIN:
		if (reply->ad)
			proof->verdict = PROOF_UNSURE; /* and yet it has a zone */
		else
			climb(proof, reply);
		break;
	case PROOF_ERROR:
		if (proof->walking)
			ask_above(proof, PROOF_ASK_DS, proof->name);
		else
			proof->verdict = PROOF_UNSURE;
		break;
	default:
		proof->verdict = PROOF_UNSURE;
	}
	if (proof->walking && proof->verdict == PROOF_OPEN && is_root(proof->name))
		proof->verdict = PROOF_UNSURE;
}

/* --- 2. the zone of a name --------------------------------------------------------- */

static void
take_soa(struct proof *proof, const struct proof_reply *reply)
{
	char zone[NEXTHOP_HOST_SIZE];

	if (reply->kind == PROOF_ERROR && proof->climbed == 0) {
		proof->walking = true;
		ask(proof, PROOF_ASK_DS, proof->name);
	} else if (reply->kind == PROOF_ALIAS) {
		/* No zone begins at an alias: it is in that of the name above. */
		ask_above(proof, PROOF_ASK_SOA, proof->name);
	} else if (reply->kind != PROOF_ERROR &&
	    is_above(reply->zone, proof->name, false)) {
		memcpy(zone, reply->zone, sizeof(zone));
		judge_zone(proof, zone);
	} else {
		proof->verdict = PROOF_UNSURE;
	}
}

/* --- 1. the answer and its aliases ------------------------------------------------- */

/* An answer of proof->at, without AD. */
static void
judge_answer(struct proof *proof, const struct proof_reply *reply)
{
	memcpy(proof->opt_out, reply->opt_out, sizeof(proof->opt_out));
	if (reply->kind == PROOF_ALIAS)
		ask(proof, PROOF_ASK_CNAME, proof->at);
	else if (reply->kind != PROOF_ERROR && is_above(reply->zone, proof->at, false))
		judge_zone(proof, reply->zone);
	else
		ask(proof, PROOF_ASK_SOA, proof->at);
}

static void
take_alias(struct proof *proof, const struct proof_reply *reply)
{
	if (reply->kind != PROOF_DATA || reply->next[0] == '\0') {
		proof->verdict = PROOF_UNSURE;
		return;
	}
	memcpy(proof->next, reply->next, sizeof(proof->next));
	memcpy(proof->opt_out, reply->opt_out, sizeof(proof->opt_out));
	proof->in_hop = true;
	if (reply->ad)
		leave_hop(proof, PROOF_SECURE);
	else
		ask_above(proof, PROOF_ASK_SOA, proof->at);
}

/* What the last alias leads to, asked for by itself. */
static void
take_target(struct proof *proof, const struct proof_reply *reply)
{
	proof->climbed = 0;
	proof->pending = false;
	proof->walking = false;
	if (reply->kind == PROOF_ERROR)
		proof->verdict = PROOF_UNSURE;
	else if (!reply->ad)
		judge_answer(proof, reply);
	else if (proof->all_secure) /* then so was the whole, but it had no AD */
		proof->verdict = PROOF_UNSURE;
	else
		proof->verdict = proof->weakest;
}

void
proof_start(struct proof *proof, const char *name, const struct proof_reply *reply,
    bool permissive)
{
	*proof = (struct proof){.permissive = permissive,
	    .failed = reply->kind == PROOF_ERROR,
	    .all_secure = true};
	if (!str_copy(str_of(name), proof->at, sizeof(proof->at)))
		proof->verdict = PROOF_UNSURE;
	else if (reply->kind != PROOF_ERROR && reply->ad)
		proof->verdict = PROOF_SECURE;
	else
		judge_answer(proof, reply);
}

void
proof_take(struct proof *proof, const struct proof_reply *reply)
{
	assert(proof->verdict == PROOF_OPEN);
	switch (proof->ask) {
	case PROOF_ASK_CNAME:
		take_alias(proof, reply);
		break;
	case PROOF_ASK_SAME:
		take_target(proof, reply);
		break;
	case PROOF_ASK_SOA:
		take_soa(proof, reply);
		break;
	case PROOF_ASK_DS:
		take_ds(proof, reply);
		break;
	}
}
