/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does Postfix log in at the destination? As smtp_sasl_proto.c and smtp_sasl_auth.c look
 * it up: the server's name, then the next-hop as it is written; by the sender first, with
 * smtp_sender_dependent_authentication.
 */
#include <string.h>

#include "base/span.h"
#include "measure/measure_impl.h"

#define SERVES_MS (5 * SPAN_MINUTE_MS) /* an administrator adds a password seldom */

static bool
wanted(const struct measure_settings *settings, const struct measure_item *item)
{
	return settings->credentials.used && item->answers.other_map == ANSWER_NO;
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

/* "[a.example]:587, b.example": one of them? */
static bool
names(struct str relays, const struct nexthop *nexthop)
{
	struct nexthop relay;
	struct str one;

	while (str_next(&relays, ',', &one))
		if (nexthop_parse(str_trim(one), &relay) &&
		    strcmp(relay.key, nexthop->key) == 0)
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
maps_may_name(const struct measure_settings *settings, const char *maps,
    bool (*fn)(struct str value, const struct nexthop *nexthop),
    const struct nexthop *nexthop)
{
	struct relays relays = {nexthop, fn, false};
	struct err ignored;

	return !postfix_each_value(settings->node, maps, take_relay, &relays, &ignored) ||
	    relays.found;
}

/*
 * Whoever names a server, or is named as a relay, is one that passwords are for: by
 * main.cf, or by a map, that is not by the recipient's domain alone.
 */
static bool
may_be_relay(const struct measure_settings *settings, const struct nexthop *nexthop)
{
	const struct credentials_settings *c = &settings->credentials;

	return nexthop->bracketed || strchr(nexthop->key, ':') != NULL ||
	    names(str_of(c->relayhost), nexthop) ||
	    names(str_of(c->fallback_relay), nexthop) ||
	    transport_names(str_of(c->default_transport), nexthop) ||
	    maps_may_name(settings, c->transport_maps, transport_names, nexthop) ||
	    maps_may_name(settings, c->sender_relayhost_maps, names, nexthop) ||
	    maps_may_name(settings, c->sender_transport_maps, transport_names, nexthop);
}

static enum answer
ask_maps(
    const struct measurer *measurer, const struct measure_item *item, struct err *trouble)
{
	const struct measure_settings *settings = measurer->settings;
	const struct dns_records *dns = &measurer->found.dns;
	const char *keys[DNS_HOSTS_MAX + 1];
	size_t count = 0;

	for (unsigned i = 0; i < dns->host_count; i++)
		keys[count++] = dns->hosts[i].name;
	keys[count++] = item->nexthop.key;
	return postfix_maps_have(
	    settings->node, settings->credentials.maps, keys, count, trouble);
}

static void
ask(struct measurer *measurer, struct measure_item *item, struct err *trouble)
{
	const struct measure_settings *settings = measurer->settings;
	enum answer found = ask_maps(measurer, item, trouble);

	/* A key that is a sender's cannot be known here. */
	if (found == ANSWER_NO && settings->credentials.by_sender)
		found = ANSWER_UNSURE;
	if (found == ANSWER_UNSURE && may_be_relay(settings, &item->nexthop))
		found = ANSWER_YES;
	item->answers.credentials = found;
}

/* --- kept and shown ---------------------------------------------------------------- */

/* What could not be told is asked again. */
static void
save(const struct answers *answers, struct buf *out)
{
	if (answers->credentials != ANSWER_UNSURE)
		buf_printf(out, answers->credentials == ANSWER_YES ? "yes" : "no");
}

static bool
load(struct str text, struct answers *answers)
{
	answers->credentials = str_is(text, "yes") ? ANSWER_YES : ANSWER_NO;
	return answers->credentials == ANSWER_YES || str_is(text, "no");
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
