/* SPDX-License-Identifier: BSD-2-Clause */
/* The servers, MX host by MX host. */
#include <stdio.h>

#include "measure/measure_impl.h"

#define HOSTS_MAX 8 /* smtp(8) itself tries five addresses */

static bool
wanted(const struct measure_settings *settings, const struct measure_item *item)
{
	(void)settings;
	return item->probing == MEASURE_PROBE_HOSTS &&
	    item->answers.dane.state != DANE_NO_MAIL;
}

static void
unasked(struct answers *answers)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++)
		answers->works[i] = ANSWER_UNSURE;
}

/* From the strongest rung down; what verifies is encrypted as well. */
static void
probe_host(struct measurer *measurer, struct measure_item *item, const char *key,
    bool dane, struct measure_host *host)
{
	static const enum level rungs[MEASURE_PROBES_MAX] = {
	    LEVEL_DANE_ONLY, LEVEL_VERIFY, LEVEL_ENCRYPT};

	measure_begin_probes(measurer);
	for (size_t i = dane ? 0 : 1; i < MEASURE_PROBES_MAX; i++) {
		enum probe_outcome outcome = measure_probe(
		    measurer, item, key, rungs[i], &host->probes[host->count++]);

		if ((outcome != PROBE_YES && outcome != PROBE_NO) ||
		    (rungs[i] == LEVEL_VERIFY && outcome == PROBE_YES))
			break;
	}
}

/* [host] is asked for itself; at verify its certificate has to name the host as well. */
static bool
host_key(const struct measure_item *item, const char *name, char key[NEXTHOP_KEY_SIZE])
{
	struct nexthop parsed;

	return snprintf(key, NEXTHOP_KEY_SIZE, "[%s]:%u", name, item->nexthop.port) <
	    NEXTHOP_KEY_SIZE &&
	    nexthop_parse(str_of(key), &parsed);
}

static bool
has_address(const struct dns_host *host)
{
	return host->literal || host->address == DNS_SECURE ||
	    host->address == DNS_INSECURE;
}

static void
ask(struct measurer *measurer, struct measure_item *item, struct err *trouble)
{
	struct measurement *found = &measurer->found;
	char key[NEXTHOP_KEY_SIZE];

	(void)trouble;
	for (unsigned i = 0; i < found->dns.host_count && i < HOSTS_MAX; i++) {
		const struct dns_host *host = &found->dns.hosts[i];

		if (has_address(host) && host_key(item, host->name, key))
			probe_host(measurer, item, key,
			    item->answers.dane.state == DANE_USABLE &&
			        dane_host_usable(host) > 0,
			    &found->hosts[i]);
	}
}

static void
show_host(const struct measurement *found, unsigned i, struct buf *out)
{
	for (unsigned p = 0; p < found->hosts[i].count; p++)
		measure_show_probe(&found->hosts[i].probes[p], out);
}

static void
json_host(const struct measurement *found, unsigned i, struct buf *out)
{
	buf_printf(out, ",\"probes\":[");
	for (unsigned p = 0; p < found->hosts[i].count; p++) {
		if (p > 0)
			buf_add_char(out, ',');
		measure_json_probe(&found->hosts[i].probes[p], out);
	}
	buf_add_char(out, ']');
}

const struct measure_source measure_hosts = {
    .name = "hosts",
    .wanted = wanted,
    .ask = ask,
    .unasked = unasked,
    .serves_ms = measure_serves_never,
    .kept = {.save = measure_saves_nothing, .load = measure_loads_nothing},
    .trouble = {.label = "", .member = "", .warning = ""}, /* it stands at each probe */
    .explain =
        {
            .title = "",
            .text = measure_explains_nothing,
            .json = measure_explains_nothing,
        },
    .check =
        {
            .before_hosts = measure_shows_nothing,
            .host = show_host,
            .behind_hosts = measure_shows_nothing,
            .json = measure_shows_nothing,
            .json_host = json_host,
        },
};
