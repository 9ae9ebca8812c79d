/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does Postfix log in at the destination? As smtp_sasl_proto.c and smtp_sasl_auth.c look
 * it up: the server's name, then the next-hop as it is written; by the sender first, with
 * smtp_sender_dependent_authentication.
 */
#include <string.h>

#include "base/span.h"
#include "measure/measure_impl.h"
#include "sys/clock.h"

#define SERVES_MS (5 * SPAN_MINUTE_MS) /* an administrator adds a password seldom */

static bool
wanted(const struct measure_settings *settings, const struct measure_item *item)
{
	unsigned count;
	const struct measure_node *nodes = measure_nodes(settings, &count);
	bool used = false;

	for (unsigned i = 0; i < count && !used; i++)
		used = nodes[i].credentials.used;
	return used && item->answers.other_map == ANSWER_NO;
}

static void
unasked(struct answers *answers)
{
	answers->credentials = ANSWER_NO;
}

static int64_t
serves_ms(const struct answers *answers)
{
	(void)answers;
	return SERVES_MS;
}

/* "[a.example]:587 b.example": one of them? */
static bool
names(struct str relays, const struct nexthop *nexthop)
{
	struct nexthop relay;
	struct str one;

	while (str_next_word(&relays, STR_POSTFIX_LIST, &one))
		if (nexthop_parse(one, &relay) && strcmp(relay.key, nexthop->key) == 0)
			return true;
	return false;
}

/* "smtp:b.example" */
static bool
transport_names(struct str transport, const struct nexthop *nexthop)
{
	struct str service;

	return str_cut(&transport, ':', &service) && names(transport, nexthop);
}

struct relays {
	const struct nexthop *nexthop;
	bool (*names)(struct str value, const struct nexthop *nexthop);
	bool found;
};

static bool
take_relay(void *context, struct str value, struct err *err)
{
	struct relays *relays = context;

	(void)err;
	relays->found = relays->found || relays->names(str_trim(value), relays->nexthop);
	return true;
}

/* Whether it is in a map that cannot be listed could not be told, so that it may be. */
static bool
maps_may_name(const struct measure_node *node, const char *maps,
    bool (*fn)(struct str value, const struct nexthop *nexthop),
    const struct nexthop *nexthop)
{
	struct relays relays = {nexthop, fn, false};
	struct err ignored;

	return !postfix_each_value(node->postfix, maps, take_relay, &relays, &ignored) ||
	    relays.found;
}

/*
 * Whoever names a server, or is named as a relay, is one that passwords are for: by
 * main.cf, or by a map, that is not by the recipient's domain alone.
 */
static bool
is_named(const struct measure_node *node, const struct nexthop *nexthop)
{
	const struct credentials_settings *c = &node->credentials;

	return nexthop->bracketed || strchr(nexthop->key, ':') != NULL ||
	    names(str_of(c->relayhost), nexthop) ||
	    names(str_of(c->fallback_relay), nexthop) ||
	    transport_names(str_of(c->default_transport), nexthop);
}

static bool
is_in_maps(const struct measure_node *node, const struct nexthop *nexthop)
{
	const struct credentials_settings *c = &node->credentials;

	return maps_may_name(node, c->transport_maps, transport_names, nexthop) ||
	    maps_may_name(node, c->sender_relayhost_maps, names, nexthop) ||
	    maps_may_name(node, c->sender_transport_maps, transport_names, nexthop);
}

static enum answer
ask_maps(const struct measurer *measurer, const struct measure_node *node,
    const struct measure_item *item, struct err *trouble)
{
	const struct dns_records *dns = &measurer->found.dns;
	const char *keys[DNS_HOSTS_MAX + 1];
	size_t count = 0;

	for (unsigned i = 0; i < dns->host_count; i++)
		keys[count++] = dns->hosts[i].name;
	keys[count++] = item->nexthop.key;
	return postfix_maps_have(
	    node->postfix, node->credentials.maps, keys, count, trouble);
}

/* Where it could not be told, as keys are senders' or the map failed, whoever may be a
 * relay is one that a password goes to. told: false: of several nodes this one failed; it
 * is not asked for what it would hang at as well. */
static enum answer
ask_node(struct measurer *measurer, unsigned at, const struct measure_item *item,
    bool *told, struct err *trouble)
{
	const struct measure_settings *settings = measurer->settings;
	int64_t begun_ms = clock_monotonic_ms();
	enum answer found = ANSWER_UNSURE;
	const struct measure_node *node;
	struct err now = {{0}};
	unsigned count;

	node = &measure_nodes(settings, &count)[at];
	*told = true;
	if (!node->credentials.used)
		return ANSWER_NO;
	if (measure_node_waits(settings, at, measurer->hung_ms)) {
		*told = false;
	} else {
		found = ask_maps(measurer, node, item, &now);
		*told = settings->nodes == NULL || found != ANSWER_UNSURE;
		if (!*told)
			measure_node_failed(settings, at, begun_ms, measurer->hung_ms);
		if (trouble->text[0] == '\0')
			*trouble = now;
	}
	/* A key that is a sender's cannot be known here. */
	if (found == ANSWER_NO && node->credentials.by_sender)
		found = ANSWER_UNSURE;
	if (found == ANSWER_UNSURE && *told &&
	    (is_named(node, &item->nexthop) || is_in_maps(node, &item->nexthop)))
		found = ANSWER_YES;
	return found;
}

static bool
is_alike(const struct measure_node *a, const struct measure_node *b)
{
	return a->credentials.used == b->credentials.used &&
	    a->credentials.by_sender == b->credentials.by_sender &&
	    a->credentials.sum == b->credentials.sum;
}

static void
ask(struct measurer *measurer, struct measure_item *item, struct err *trouble)
{
	struct answers *answers = &item->answers;
	struct measure_tally tally = {0};
	unsigned count;
	const struct measure_node *nodes = measure_nodes(measurer->settings, &count);

	for (unsigned i = 0; i < count; i++) {
		bool told;
		enum answer answer = ask_node(measurer, i, item, &told, trouble);

		if (told)
			measure_tally_add(&tally, i, answer);
	}
	answers->credentials = measure_tally_sum(measurer->settings, &tally,
	    &item->said_credentials, is_alike, &answers->credentials_by);
	for (unsigned i = 0; i < count && answers->credentials == ANSWER_UNSURE; i++) {
		if ((tally.told & UINT64_C(1) << i) == 0 && nodes[i].credentials.used &&
		    is_named(&nodes[i], &item->nexthop)) {
			answers->credentials = ANSWER_YES;
			answers->credentials_by = nodes[i].bit;
		}
	}
}

/* --- kept and shown ---------------------------------------------------------------- */

/* What could not be told is asked again. */
static void
save(const struct answers *answers, struct buf *out)
{
	measure_said_print(
	    answers->credentials, answers->credentials_by, answers->of_nodes, out);
}

static bool
load(struct str text, struct answers *answers)
{
	struct measure_said said;
	bool read = measure_said_parse(text, &said);

	answers->credentials = read ? said.answer : ANSWER_NO;
	answers->credentials_by = said.by;
	return read;
}

static const char *
describe(enum answer credentials)
{
	return credentials == ANSWER_YES ? "is sent: never below the default level"
	    : credentials == ANSWER_NO   ? "is sent to none of its servers"
	                                 : "may be sent to a server that offers AUTH";
}

static void
show(const struct measurement *found, struct buf *out)
{
	const struct answers *answers = &found->item->answers;

	if (answers->sources[FACT_credentials].asked)
		buf_printf(out, "  password %s\n", describe(answers->credentials));
}

static void
json(const struct measurement *found, struct buf *out)
{
	const struct answers *answers = &found->item->answers;

	buf_printf(out, ",\"credentials\":%s",
	    !answers->sources[FACT_credentials].asked ||
	            answers->credentials == ANSWER_UNSURE
	        ? "null"
	        : answers->credentials == ANSWER_YES ? "true"
	                                             : "false");
}

const struct measure_source measure_credentials = {
    .name = "credentials",
    .wanted = wanted,
    .ask = ask,
    .unasked = unasked,
    .serves_ms = serves_ms,
    .kept = {.save = save, .load = load},
    .trouble =
        {
            .label = "password maps",
            .member = "credentials_trouble",
            .warning = "", /* a file for root alone is no fault */
        },
    .explain =
        {
            .title = "",
            .text = measure_explains_nothing,
            .json = measure_explains_nothing,
        },
    .check =
        {
            .before_hosts = measure_shows_nothing,
            .host = measure_shows_no_host,
            .behind_hosts = show,
            .json = json,
            .json_host = measure_shows_no_host,
        },
};
