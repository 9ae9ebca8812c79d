/* SPDX-License-Identifier: BSD-2-Clause */
/* The line of an alert about a destination. */
#include <string.h>

#include "base/utc.h"
#include "engine/alerts.h"
#include "engine/engine_impl.h"
#include "engine/nodes.h"
#include "store/store_sts.h"

#define SHOWN_MAX 3 /* hosts or names in an alert */

/* Mail that waits on is sent back in the end: when? */
static void
add_bounce(struct engine *e, const struct destination *d, struct buf *line)
{
	char when[UTC_SIZE];
	int64_t bounces_ms;
	struct err err;

	if (!d->alarm.raised || d->alarm.lost)
		return;
	if (!store_waiting_bounces(
	        e->store, d->id, engine_queue_lifetime_ms(e), &bounces_ms, &err)) {
		engine_not_stored(e, "read what waits", &err);
		return;
	}
	if (bounces_ms > engine_now(e).wall_ms && utc_print(bounces_ms / 1000, when))
		buf_printf(line, "; the first message bounces at %s", when);
}

/* What failed, at which server; of a certificate that ended, when. */
static void
add_cause(struct engine *e, const struct destination *d, struct buf *line)
{
	struct host_cause known = {.cause = CAUSE_NONE};
	char when[UTC_SIZE];
	struct err err;

	if (!d->alarm.raised || d->alarm.cause == CAUSE_NONE)
		return;
	buf_printf(line, "; cause: %s", cause_name(d->alarm.cause));
	if (d->alarm.relay[0] != '\0') {
		buf_printf(line, " at ");
		buf_add_quoted(line, str_of(d->alarm.relay));
	}
	if (d->alarm.cause != CAUSE_EXPIRED)
		return;
	if (d->alarm.relay[0] != '\0' && d->port != 0 &&
	    !store_host_cause_get(e->store, d->alarm.relay, d->port, &known, &err)) {
		engine_not_stored(e, "read what a server did", &err);
		return;
	}
	if (known.until_ms != 0 && utc_print(known.until_ms / 1000, when))
		buf_printf(line, ", its certificate was good until %s", when);
	else
		buf_printf(line, ", until when its certificate was good is not known");
}

/* Up to three of the names that next() gives, and how many more there are. */
static void
add_some(
    struct buf *line, struct str names, bool (*next)(struct str *names, struct str *name))
{
	struct str name;
	unsigned count = 0;

	while (next(&names, &name)) {
		if (++count > SHOWN_MAX)
			continue;
		buf_printf(line, "%s", count > 1 ? ", " : " ");
		buf_add_quoted(line, name);
	}
	if (count > SHOWN_MAX)
		buf_printf(line, " and %u more", count - SHOWN_MAX);
}

static bool
next_pattern(struct str *list, struct str *pattern)
{
	return str_next(list, ' ', pattern);
}

/* Whom the policy allows, and who is there, as far as DNS told. */
static void
add_policy(struct engine *e, const struct destination *d, struct buf *line)
{
	char domain[NEXTHOP_HOST_SIZE];
	struct str hosts = str_of(d->dns.text), name;
	struct nexthop nexthop;
	struct sts_record r;
	bool found;
	struct err err;

	if (!nexthop_parse(str_of(d->key), &nexthop) ||
	    !measure_policy_domain(&nexthop, domain))
		return;
	if (!store_sts_get(e->store, domain, &r, &found, &err)) {
		engine_not_stored(e, "read an MTA-STS policy", &err);
		return;
	}
	if (r.state.policy.mx != NULL) {
		buf_printf(line, "; it allows");
		add_some(line, str_of(r.state.policy.mx), next_pattern);
		if (dane_next_host(&hosts, &name)) {
			buf_printf(line, "; MX:");
			add_some(line, str_of(d->dns.text), dane_next_host);
		}
	}
	sts_record_clear(&r);
}

/* What to type to look further. */
static void
add_next(const struct destination *d, enum why why, struct buf *line)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
	bool of_one, quotes;

	buf_printf(line, "; next: tlsladder %s", why_next(why, &of_one));
	if (!of_one)
		return;
	quotes = d->key[strspn(d->key, plain)] != '\0'; /* "[mx.test]:587", for a shell */
	buf_printf(line, quotes ? " '%s'" : " %s", d->key);
}
/* At a re-check no mail is known to fail. */
static struct str
sentence_of(const struct destination *d, enum why why)
{
	struct str sentence = str_of(why_sentence(why));

	if (!d->alarm.raised)
		str_eat_end(&sentence, STR(": mail waits"));
	return sentence;
}

void
engine_describe_alert(struct engine *e, const struct destination *d, enum why why,
    int64_t since_ms, bool bounces, struct buf *line)
{
	int rule = rules_find(e->rules, d->alarm.rule);
	const char *hint = rule >= 0 ? rules_get(e->rules, (size_t)rule)->hint : NULL;
	char when[UTC_SIZE];

	buf_printf(
	    line, "%s: %s: %.*s", d->key, why_slug(why), STR_ARG(sentence_of(d, why)));
	if (why == WHY_DNS_UNSURE) {
		struct str rest = str_of(d->dns.text), first;

		buf_printf(line, "; ");
		buf_add_quoted(line, str_cut(&rest, '\n', &first) ? first : rest);
	}
	if (why == WHY_POLICY || why == WHY_POLICY_NOT_MET)
		add_policy(e, d, line);
	add_cause(e, d, line);
	if (d->alarm.raised && hint != NULL) {
		buf_printf(line, "; ");
		buf_add_quoted(line, str_of(hint));
	}
	if (since_ms != 0 && utc_print(since_ms / 1000, when))
		buf_printf(line, "; mail waits since %s", when);
	if (bounces)
		add_bounce(e, d, line);
	if (d->alarm.raised && d->alarm.reason[0] != '\0') {
		buf_printf(line, "; Postfix said: ");
		buf_add_quoted(line, str_of(d->alarm.reason));
	}
	add_next(d, why, line);
}
