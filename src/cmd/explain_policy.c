/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/explain_policy.h"

#include "cmd/cmd.h"
#include "core/dane.h"
#include "measure/measure.h"
#include "store/store_sts.h"
#include "sys/clock.h"

struct walk {
	const struct sts_policy *policy;
	const struct destination *d;
	struct store *store;
	struct buf *out;
	struct err *err; /* where the state could not be read */
	bool failed;
	bool off; /* MTA-STS is switched off */
	unsigned count;
};

/* --- what it would have come to ---------------------------------------------------- */

/* Of a policy that is tested nothing is seen but that: no mail fails under it. A session
 * that verified did so for the name of its server at least. */
static enum answer
would_fail(struct walk *walk, struct str host, struct host_cause *cause)
{
	char name[NEXTHOP_HOST_SIZE];
	uint16_t port = walk->d->port;

	*cause = (struct host_cause){.cause = CAUSE_NONE};
	if (walk->policy->mode != STS_MODE_TESTING)
		return ANSWER_UNSURE;
	if (!sts_policy_allows(walk->policy, host))
		return ANSWER_YES;
	if (walk->failed || port == 0 || !str_copy(host, name, sizeof(name)))
		return ANSWER_UNSURE;
	walk->failed = !store_host_cause_get(walk->store, name, port, cause, walk->err);
	return walk->failed            ? ANSWER_UNSURE
	    : host_cause_stands(cause) ? ANSWER_YES
	    : cause->met_ms != 0       ? ANSWER_NO
	                               : ANSWER_UNSURE;
}

/* --- shown ------------------------------------------------------------------------- */

static void
add_would(struct walk *walk, struct str host)
{
	struct host_cause cause;

	switch (would_fail(walk, host, &cause)) {
	case ANSWER_YES:
		buf_printf(
		    walk->out, ", and would fail: %s", cause_sentence(cause.cause));
		break;
	case ANSWER_NO:
		buf_printf(walk->out, ", and verified at ");
		buf_add_time(walk->out, cause.met_ms);
		break;
	default:
		buf_printf(walk->out, ", and was never asked to verify");
	}
}

static void
add_host(void *context, struct str name)
{
	struct walk *walk = context;
	bool tested = walk->policy->mode == STS_MODE_TESTING;

	buf_printf(walk->out, "    ");
	buf_add_visible(walk->out, name);
	if (!sts_policy_allows(walk->policy, name))
		buf_printf(walk->out, " is not in it: %s",
		    tested ? "it would fail"
		        : destination_is_under_policy(walk->d)
		        ? "no mail would go there"
		        : "under it no mail would go there");
	else
		buf_printf(walk->out, " is in it");
	if (tested && sts_policy_allows(walk->policy, name))
		add_would(walk, name);
	buf_add_char(walk->out, '\n');
}

static void
add_host_json(void *context, struct str name)
{
	static const char *const words[] = {
	    [ANSWER_YES] = "true", [ANSWER_NO] = "false", [ANSWER_UNSURE] = "null"};
	struct walk *walk = context;
	struct host_cause ignored;

	buf_printf(walk->out, "%s{\"host\":", walk->count++ > 0 ? "," : "");
	buf_add_json(walk->out, name);
	buf_printf(walk->out, ",\"allowed\":%s,\"would_fail\":%s}",
	    sts_policy_allows(walk->policy, name) ? "true" : "false",
	    words[would_fail(walk, name, &ignored)]);
}

static void
print(struct walk *walk, int64_t ends_ms)
{
	buf_printf(walk->out, "\nMTA-STS policy\n  %s until ",
	    sts_mode_name(walk->policy->mode));
	buf_add_time(walk->out, ends_ms);
	buf_add_char(walk->out, '\n');
	if (walk->off)
		buf_printf(walk->out,
		    "    MTA-STS is switched off (mta_sts.enable): it is not enforced\n");
	if (walk->policy->mode != STS_MODE_NONE)
		dane_each_host(walk->d->dns.text, add_host, walk);
}

static void
print_json(struct walk *walk, int64_t ends_ms)
{
	buf_printf(
	    walk->out, ",\"policy\":{\"mode\":\"%s\"", sts_mode_name(walk->policy->mode));
	buf_add_time_member(walk->out, "until", ends_ms);
	buf_printf(walk->out, ",\"hosts\":[");
	dane_each_host(walk->d->dns.text, add_host_json, walk);
	buf_printf(walk->out, "]}");
}

typedef void print_fn(struct walk *walk, int64_t ends_ms);

/* Nothing is printed where none is live. */
static bool
print_live(const struct destination *d, struct store *store, bool enable,
    print_fn *print_it, struct buf *out, struct err *err)
{
	char domain[NEXTHOP_HOST_SIZE];
	struct nexthop nexthop;
	struct sts_record r;
	struct walk walk = {
	    .d = d, .store = store, .out = out, .err = err, .off = !enable};
	int64_t ends_ms;
	bool found;

	if (!nexthop_parse(str_of(d->key), &nexthop) ||
	    !measure_policy_domain(&nexthop, domain))
		return true;
	if (!store_sts_get(store, domain, &r, &found, err))
		return false;
	ends_ms = sts_ends_ms(&r.state, clock_wall_ms());
	walk.policy = &r.state.policy;
	if (ends_ms != 0)
		print_it(&walk, ends_ms);
	sts_record_clear(&r);
	return !walk.failed;
}

bool
explain_policy(const struct destination *d, struct store *store, bool enable,
    struct buf *out, struct err *err)
{
	return print_live(d, store, enable, print, out, err);
}

bool
explain_policy_json(
    const struct destination *d, struct store *store, struct buf *out, struct err *err)
{
	size_t before = out->len;

	if (!print_live(d, store, true, print_json, out, err))
		return false;
	if (out->len == before)
		buf_printf(out, ",\"policy\":null");
	return true;
}
