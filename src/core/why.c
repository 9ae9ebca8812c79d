/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/why.h"

static const struct {
	const char *slug;
	const char *sentence;
} texts[WHY_COUNT] = {
    [WHY_NONE] = {"none", "nothing was decided yet"},
    [WHY_PINNED] = {"pinned", "the administrator set this level"},
    [WHY_PIN_NOT_MET] = {"pin-not-met",
        "mail fails at the level that the administrator set"},
    [WHY_OUR_FAULT] = {"our-fault",
        "the fault is in this Postfix, not at the destination"},
    [WHY_OUR_ENTRY] = {"our-entry", "Postfix refused our own entry, so it goes"},
    [WHY_NO_RULE] = {"no-rule", "no rule knows this reason"},
    [WHY_RULE_WAITS] = {"rule-waits", "the rule for this reason says wait"},
    [WHY_ECHO] = {"echo", "the attempt began before the present level was in force"},
    [WHY_OTHER_MAP] = {"other-map", "another map in smtp_tls_policy_maps decides here"},
    [WHY_OTHER_MAP_UNSURE] = {"other-map-unsure",
        "another map in smtp_tls_policy_maps could not be asked"},
    [WHY_DNS_UNSURE] = {"dns-unsure", "DNS could not tell, so nothing weaker"},
    [WHY_NO_MAIL] = {"no-mail", "the domain has no server that takes mail"},
    [WHY_ELSEWHERE] = {"elsewhere",
        "the server is none of this destination's: Postfix used another next-hop"},
    [WHY_DANE] = {"dane", "usable TLSA records: DANE and nothing less"},
    [WHY_DANE_NOT_MET] = {"dane-not-met",
        "the servers do not meet their TLSA records: mail waits"},
    [WHY_DANE_IMPOSSIBLE] = {"dane-impossible",
        "usable TLSA records, but this Postfix cannot do DANE: mail waits"},
    [WHY_DANE_GOING] = {"dane-going", "TLSA is gone with proof, but not for long enough"},
    [WHY_DANE_GONE] = {"dane-gone", "TLSA is gone with proof for long enough"},
    [WHY_TLSA_UNUSABLE] = {"tlsa-unusable",
        "TLSA records, none usable: TLS is mandatory, and only cleartext would help"},
    [WHY_INSECURE_MX] = {"insecure-mx",
        "TLSA behind an unsigned MX record: TLS is "
        "mandatory, and only cleartext would help"},
    [WHY_SIGNED] = {"signed", "a rule keeps signed domains from being weakened"},
    [WHY_NOT_AUTHENTIC] = {"not-authentic", "no certificate that verifies"},
    [WHY_NOT_ENCRYPTED] = {"not-encrypted", "the server does no TLS"},
    [WHY_NO_DANE] = {"no-dane", "no TLSA records, proven"},
    [WHY_ONE_RUNG] = {"one-rung", "TLS fails at this level: one rung weaker"},
    [WHY_NOTHING_WEAKER] = {"nothing-weaker", "no weaker level would help"},
    [WHY_LOWEST] = {"lowest", "weaker than ladder.lowest allows: mail waits"},
    [WHY_MAY_AFTER] = {"may-after", "too early for cleartext (ladder.may_after)"},
    [WHY_HOLD] = {"hold", "it did better lately (ladder.hold)"},
    [WHY_FREEZE] = {"freeze", "too many fail alike: our own fault is more likely"},
    [WHY_TRIAL] = {"trial", "the lease is over: lifted on trial"},
    [WHY_TRIAL_FAILED] = {"trial-failed", "the trial failed: back to what worked"},
    [WHY_PROBED] = {"probed", "a stronger level was probed and works"},
    [WHY_STILL_NEEDED] = {"still-needed",
        "a stronger level was probed and does not work"},
    [WHY_NOT_NEEDED] = {"not-needed", "the default level does the same"},
    [WHY_UNDONE] = {"undone", "the administrator took the last decision back"},
};

const char *
why_slug(enum why why)
{
	return texts[why].slug;
}

const char *
why_sentence(enum why why)
{
	return texts[why].sentence;
}

bool
why_parse(struct str slug, enum why *why)
{
	for (enum why w = WHY_NONE; w < WHY_COUNT; w++) {
		if (str_is(slug, texts[w].slug)) {
			*why = w;
			return true;
		}
	}
	return false;
}
