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

static void
print(const struct destination *d, const struct sts_policy *policy, int64_t ends_ms,
    struct buf *out)
{
	struct walk walk = {.policy = policy, .out = out};

	buf_printf(out, "\nMTA-STS policy\n  %s until ", sts_mode_name(policy->mode));
	buf_add_time(out, ends_ms);
	buf_add_char(out, '\n');
	if (policy->mode != STS_MODE_NONE)
		dane_each_host(d->dns.text, add_host, &walk);
}

static void
print_json(const struct destination *d, const struct sts_policy *policy, int64_t ends_ms,
    struct buf *out)
{
	struct walk walk = {.policy = policy, .out = out};

	buf_printf(out, ",\"policy\":{\"mode\":\"%s\"", sts_mode_name(policy->mode));
	buf_add_time_member(out, "until", ends_ms);
	buf_printf(out, ",\"hosts\":[");
	dane_each_host(d->dns.text, add_host_json, &walk);
	buf_printf(out, "]}");
}

typedef void print_fn(const struct destination *d, const struct sts_policy *policy,
    int64_t ends_ms, struct buf *out);

/* Nothing is printed where none is live. */
static bool
print_live(const struct destination *d, struct store *store, print_fn *print_it,
    struct buf *out, struct err *err)
{
	char domain[NEXTHOP_HOST_SIZE];
	struct nexthop nexthop;
	struct sts_record r;
	int64_t ends_ms;
	bool found;

	if (!nexthop_parse(str_of(d->key), &nexthop) ||
	    !measure_policy_domain(&nexthop, domain))
		return true;
	if (!store_sts_get(store, domain, &r, &found, err))
		return false;
	ends_ms = sts_ends_ms(&r.state, clock_wall_ms());
	if (ends_ms != 0)
		print_it(d, &r.state.policy, ends_ms, out);
	sts_record_clear(&r);
	return true;
}

bool
explain_policy(
    const struct destination *d, struct store *store, struct buf *out, struct err *err)
{
	return print_live(d, store, print, out, err);
}

bool
explain_policy_json(
    const struct destination *d, struct store *store, struct buf *out, struct err *err)
{
	size_t before = out->len;

	if (!print_live(d, store, print_json, out, err))
		return false;
	if (out->len == before)
		buf_printf(out, ",\"policy\":null");
	return true;
}
