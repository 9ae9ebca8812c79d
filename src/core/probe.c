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

/* What it did at a level as an answer, whatever its end. */
static void
spell_out(struct probe *probe)
{
	switch (probe->end) {
	case PROBE_PLAIN:
	case PROBE_REFUSED:
		probe->encrypt = ANSWER_NO;
		/* fall through */
	case PROBE_BROKEN:
		probe->verify = ANSWER_NO;
		probe->secure = ANSWER_NO;
		probe->dane = ANSWER_NO;
		break;
	default:
		break;
	}
}

static enum answer
agreed(enum answer a, enum answer b)
{
	return a == b ? a : ANSWER_UNSURE;
}

/* The one of both that got further. */
static enum probe_end
further(enum probe_end a, enum probe_end b)
{
	static const int rank[PROBE_END_COUNT] = {
	    [PROBE_PLAIN] = 1, [PROBE_REFUSED] = 2, [PROBE_BROKEN] = 3, [PROBE_TLS] = 4};

	return rank[a] >= rank[b] ? a : b;
}

static int64_t
earlier(int64_t a_ms, int64_t b_ms)
{
	if (a_ms == 0 || b_ms == 0)
		return a_ms + b_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

struct probe
probe_merge(const struct probe *a, const struct probe *b)
{
	struct probe one = *a, other = *b;
	struct probe both;

	spell_out(&one);
	spell_out(&other);
	if (one.end == PROBE_OURS || other.end == PROBE_SILENT)
		both = one;
	else if (other.end == PROBE_OURS || one.end == PROBE_SILENT)
		both = other;
	else
		both = (struct probe){
		    .end = further(one.end, other.end),
		    .encrypt = agreed(one.encrypt, other.encrypt),
		    .verify = agreed(one.verify, other.verify),
		    .secure = agreed(one.secure, other.secure),
		    .dane = agreed(one.dane, other.dane),
		    .cause = one.cause != CAUSE_NONE ? one.cause : other.cause,
		};
	both.auth = one.auth || other.auth;
	both.begun_ms = earlier(one.begun_ms, other.begun_ms);
	return both;
}
