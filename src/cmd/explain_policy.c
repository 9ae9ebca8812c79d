/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/explain_policy.h"

#include "cmd/cmd.h"
#include "core/dane.h"
#include "measure/measure.h"
#include "sys/clock.h"

struct walk {
	const struct sts_policy *policy;
	struct buf *out;
	unsigned count;
};

/* found: there is a record, which is the caller's; ends_ms 0: no policy of it is live. */
static bool
get_record(const struct destination *d, struct store *store, struct sts_record *r,
    int64_t *ends_ms, struct err *err)
{
	char domain[NEXTHOP_HOST_SIZE];
	struct nexthop nexthop;
	bool found;

	*r = (struct sts_record){.next_ms = 0};
	*ends_ms = 0;
	if (!nexthop_parse(str_of(d->key), &nexthop) ||
	    !measure_policy_domain(&nexthop, domain))
		return true;
	if (!store_sts_get(store, domain, r, &found, err))
		return false;
	*ends_ms = found ? sts_ends_ms(&r->state, clock_wall_ms()) : 0;
	return true;
}

static void
add_host(void *context, struct str name)
{
	struct walk *walk = context;

	buf_printf(walk->out, "    ");
	buf_add_visible(walk->out, name);
	buf_printf(walk->out, " %s\n",
	    sts_policy_allows(walk->policy, name)
	        ? "is in it"
	        : "is not in it: no mail would go there");
}

static void
add_host_json(void *context, struct str name)
{
	struct walk *walk = context;

	buf_printf(walk->out, "%s{\"host\":", walk->count++ > 0 ? "," : "");
	buf_add_json(walk->out, name);
	buf_printf(walk->out, ",\"allowed\":%s}",
	    sts_policy_allows(walk->policy, name) ? "true" : "false");
}

bool
explain_policy(
    const struct destination *d, struct store *store, struct buf *out, struct err *err)
{
	struct sts_record r;
	struct walk walk = {.policy = &r.state.policy, .out = out};
	int64_t ends_ms;

	if (!get_record(d, store, &r, &ends_ms, err))
		return false;
	if (ends_ms != 0) {
		buf_printf(out, "\nMTA-STS policy\n  %s until ",
		    sts_mode_name(r.state.policy.mode));
		buf_add_time(out, ends_ms);
		buf_add_char(out, '\n');
		if (r.state.policy.mode != STS_MODE_NONE)
			dane_each_host(d->dns.text, add_host, &walk);
	}
	sts_record_clear(&r);
	return true;
}

bool
explain_policy_json(
    const struct destination *d, struct store *store, struct buf *out, struct err *err)
{
	struct sts_record r;
	struct walk walk = {.policy = &r.state.policy, .out = out};
	int64_t ends_ms;

	if (!get_record(d, store, &r, &ends_ms, err))
		return false;
	if (ends_ms == 0) {
		buf_printf(out, ",\"policy\":null");
	} else {
		buf_printf(out, ",\"policy\":{\"mode\":\"%s\"",
		    sts_mode_name(r.state.policy.mode));
		buf_add_time_member(out, "until", ends_ms);
		buf_printf(out, ",\"hosts\":[");
		dane_each_host(d->dns.text, add_host_json, &walk);
		buf_printf(out, "]}");
	}
	sts_record_clear(&r);
	return true;
}
