/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which servers are a destination's own. Those that DNS named when mail met them are
 * kept: a line of the text of facts, names with a blank behind each, the last one first.
 * So one forged answer of DNS does not take them away.
 */
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "core/dane.h"
#include "core/destination_impl.h"
#include "core/fold.h"
#include "core/host.h"

#define OWN_SERVERS "own-servers"

struct str
destination_own_servers(const struct destination *d)
{
	struct fact fact;

	return facts_find(d->facts, OWN_SERVERS, &fact) ? fact.text : STR("");
}

static bool
is_accepted(const struct destination *d, const char *name)
{
	struct fact fact;
	struct str word;

	if (!facts_find(d->facts, OWN_SERVERS, &fact))
		return false;
	while (str_cut(&fact.text, ' ', &word))
		if (str_equal_nocase(word, str_of(name)))
			return true;
	return false;
}

/* It stays one of its own until others need the room. */
void
destination_accept_server(struct destination *d, const char *name, int64_t now_ms)
{
	char names[FACT_TEXT_SIZE];
	struct fact fact = {.text = STR("")};
	size_t used;

	if (is_accepted(d, name) || strlen(name) + 2 > sizeof(names))
		return;
	facts_find(d->facts, OWN_SERVERS, &fact);
	used = (size_t)snprintf(names, sizeof(names), "%s ", name);
	while (fact.text.len > 0) {
		struct str word;

		if (!str_cut(&fact.text, ' ', &word) ||
		    used + word.len + 2 > sizeof(names))
			break;
		used += (size_t)snprintf(
		    names + used, sizeof(names) - used, "%.*s ", STR_ARG(word));
	}
	fact = (struct fact){
	    .name = STR(OWN_SERVERS), .asked_ms = now_ms, .text = {names, used}};
	facts_put(d->facts, &fact);
}

static bool
is_named(const struct destination *d, const struct fold_host *host)
{
	return strcmp(d->dns.state, dane_state_name(DANE_UNSURE)) != 0 &&
	    dane_describes(d->dns.text, str_of(host->name));
}

void
destination_accept_servers(struct destination *d, const struct fold_item *item)
{
	for (size_t i = 0; i < item->host_count; i++)
		if (is_named(d, &item->hosts[i]))
			destination_accept_server(d, item->hosts[i].name, d->dns.time_ms);
}

/* The best that a host did of what is asked for by default; 0: less. DANE needs neither
 * our CA file nor our clock: it proves them only where nothing else is asked for. */
static int64_t
proof_of(
    const struct destination *d, const struct fold_host *host, enum level default_level)
{
	struct host_past past;
	int64_t at_ms;

	destination_host_news(d, host, default_level, &past);
	at_ms = past.verify_ms;
	if (default_level != LEVEL_VERIFY && default_level != LEVEL_SECURE)
		destination_later(&at_ms, past.dane_ms);
	if (default_level == LEVEL_ENCRYPT)
		destination_later(&at_ms, past.encrypt_ms);
	return host->failed_ms < at_ms ? at_ms : 0;
}

bool
destination_fails(const struct destination *d)
{
	return d->alarm.raised && d->past.sent_ms <= d->alarm.time_ms;
}

int64_t
destination_proof_ms(const struct destination *d, const struct fold_item *news,
    enum level default_level, int64_t *check_ms)
{
	bool fails = destination_fails(d);
	int64_t proof_ms = 0;

	*check_ms = 0;
	for (size_t i = 0; i < news->host_count && !fails; i++) {
		const struct fold_host *host = &news->hosts[i];
		int64_t at_ms = proof_of(d, host, default_level);

		if (d->dns.time_ms == 0)
			destination_later(check_ms, at_ms);
		else if (destination_has_server(d, host) == ANSWER_YES)
			destination_later(&proof_ms, at_ms);
	}
	return proof_ms;
}

void
destination_check_servers(struct destination *d, int64_t check_ms)
{
	if (d->look_ms != 0 || d->dns.time_ms != 0 || d->alarm.raised || d->pin.set ||
	    d->entry.level != LEVEL_NONE || d->why != WHY_NONE)
		return;
	d->look_ms = check_ms;
}

bool
destination_checks_servers(const struct destination *d)
{
	int64_t at_ms = destination_met_ms(d, LEVEL_ENCRYPT);

	return d->look_ms != 0 && d->look_ms == at_ms && d->dns.time_ms == 0 &&
	    !d->alarm.raised && !d->pin.set && d->entry.level == LEVEL_NONE;
}

void
destination_take_servers(struct destination *d, const struct answers *answers,
    const struct destination_spans *spans, int64_t now_ms)
{
	destination_take_answers(d, answers, spans, now_ms);
	d->look_ms = 0;
}

/* Could what is kept of DNS's answer hold all of its servers? */
static bool
has_room(const struct destination *d)
{
	return strlen(d->dns.text) + 1 < sizeof(d->dns.text);
}

static bool
dns_told(const struct destination *d)
{
	return d->dns.time_ms != 0 && d->dns.text[0] != '\0' &&
	    strcmp(d->dns.state, dane_state_name(DANE_UNSURE)) != 0;
}

static bool
dns_tells(const struct destination *d)
{
	return dns_told(d) && has_room(d);
}

enum answer
destination_has_server(const struct destination *d, const struct fold_host *host)
{
	struct nexthop nexthop;

	if (!nexthop_parse(str_of(d->key), &nexthop))
		return ANSWER_UNSURE;
	if (host->port != 0 && d->port != 0 && host->port != d->port)
		return ANSWER_NO;
	if (str_equal_nocase(str_of(host->name), str_of(nexthop.host)) ||
	    dane_describes(d->dns.text, str_of(host->name)) || is_accepted(d, host->name))
		return ANSWER_YES;
	return !dns_tells(d) || host->flow_ms - d->dns.time_ms > SPAN_DAY_MS ||
	        host->bare_ms - d->dns.time_ms > SPAN_DAY_MS
	    ? ANSWER_UNSURE
	    : ANSWER_NO;
}

enum answer
destination_flows_at(const struct destination *d, const struct fold_host *host)
{
	enum answer is_own = destination_has_server(d, host);

	/* Nobody was asked yet, or what was told is not all kept. */
	return is_own == ANSWER_UNSURE &&
	        (d->dns.time_ms == 0 || (dns_told(d) && !has_room(d)))
	    ? ANSWER_YES
	    : is_own;
}

bool
destination_had_server(const struct destination *d, const struct fold_host *host)
{
	struct nexthop nexthop;

	return dns_tells(d) && !dane_describes(d->dns.text, str_of(host->name)) &&
	    nexthop_parse(str_of(d->key), &nexthop) &&
	    !str_equal_nocase(str_of(host->name), str_of(nexthop.host)) &&
	    is_accepted(d, host->name);
}
