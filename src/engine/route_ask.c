/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/route_ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct route_settings
route_settings_of(const struct postfix_settings *settings)
{
	return (struct route_settings){
	    .relayhost = settings->relayhost,
	    .default_transport = settings->default_transport,
	    .recipient_delimiter = settings->recipient_delimiter,
	    .parents_match = settings->transport_parents_match,
	    .relay_domains = settings->relay_domains,
	    .relay_transport = settings->relay_transport,
	    .relay_parents_match = settings->relay_parents_match,
	};
}

bool
route_is_plain(const struct postfix_settings *settings)
{
	return settings->relayhost[0] == '\0' && settings->transport_maps[0] == '\0' &&
	    strchr(settings->relay_transport, ':') == NULL &&
	    (settings->default_transport[0] == '\0' ||
	        strcmp(settings->default_transport, "smtp") == 0);
}

bool
route_is_alike(const struct postfix_settings *a, const struct postfix_settings *b)
{
	return strcmp(a->relayhost, b->relayhost) == 0 &&
	    strcmp(a->transport_maps, b->transport_maps) == 0 &&
	    strcmp(a->default_transport, b->default_transport) == 0 &&
	    strcmp(a->recipient_delimiter, b->recipient_delimiter) == 0 &&
	    a->transport_parents_match == b->transport_parents_match &&
	    strcmp(a->relay_domains, b->relay_domains) == 0 &&
	    strcmp(a->relay_transport, b->relay_transport) == 0 &&
	    a->relay_parents_match == b->relay_parents_match;
}

/* --- asking ------------------------------------------------------------------------ */

/* Asked for what a map cannot answer, in all: each is found within a few, of how many
 * others it may stand among. */
#define CALLS_MAX 48

/* Nobody's; a map that answers it works. */
#define NO_KEY "tlsladder.invalid"

/* All keys of all recipients, and the value that was found first for each. */
struct question {
	char (*keys)[ROUTE_KEY_SIZE];
	const char **texts;
	bool *whole; /* may be asked of maps that see whole addresses alone */
	size_t *owner;
	char **values;
	enum route_asked *answered;
	size_t count;
	unsigned calls; /* that are left */
	/* the keys that the map at hand was asked */
	const char **asked;
	size_t *asked_index;
	size_t asked_count;
	size_t from; /* of these, the first of the call at hand */
};

static void
take_value(void *context, size_t index, struct str value)
{
	struct question *q = context;
	size_t at = q->asked_index[q->from + index];

	if (q->values[at] == NULL)
		q->values[at] = mem_strndup(value.p, value.len);
}

static bool
sees_whole_only(const char *map)
{
	struct str s = str_of(map);

	str_eat(&s, STR("proxy:"));
	return str_starts(s, STR("regexp:")) || str_starts(s, STR("pcre:")) ||
	    str_starts(s, STR("tcp:"));
}

static bool
is_askable(const char *key)
{
	for (; *key != '\0'; key++)
		if ((unsigned char)*key <= ' ' || *key == 0x7f)
			return false;
	return true;
}

static bool
ask_range(const struct postfix *postfix, const char *map, struct question *q, size_t from,
    size_t to, struct err *err)
{
	q->from = from;
	return postfix_lookup_all(
	    postfix, map, q->asked + from, to - from, take_value, q, err);
}

static void
note_range(struct question *q, size_t from, size_t to, enum route_asked answered)
{
	for (size_t i = from; i < to; i++)
		q->answered[q->asked_index[i]] = answered;
}

/* The map failed for these: by halves, until those that it fails for are alone. */
static void
part(const struct postfix *postfix, const char *map, struct question *q, size_t from,
    size_t to)
{
	struct err ignored;
	size_t middle = from + (to - from) / 2;
	size_t ends[] = {from, middle, to};

	if (to - from == 1) {
		note_range(q, from, to, ROUTE_UNTOLD);
		return;
	}
	for (unsigned half = 0; half < 2; half++) {
		if (q->calls == 0) {
			note_range(q, ends[half], to, ROUTE_LATER);
			return;
		}
		q->calls--;
		if (!ask_range(postfix, map, q, ends[half], ends[half + 1], &ignored))
			part(postfix, map, q, ends[half], ends[half + 1]);
	}
}

static void
ignore(void *context, size_t index, struct str value)
{
	(void)context;
	(void)index;
	(void)value;
}

/* Those that an earlier map told, or failed for, are not asked. */
static bool
ask_map(
    const struct postfix *postfix, const char *map, struct question *q, struct err *err)
{
	static const char *const no_key[] = {NO_KEY};
	bool whole_only = sees_whole_only(map);
	struct err other;

	q->asked_count = 0;
	for (size_t i = 0; i < q->count; i++) {
		if (q->values[i] != NULL || q->answered[i] != ROUTE_TOLD ||
		    (whole_only && !q->whole[i]) || !is_askable(q->texts[i]))
			continue;
		q->asked[q->asked_count] = q->texts[i];
		q->asked_index[q->asked_count++] = i;
	}
	if (q->asked_count == 0 || ask_range(postfix, map, q, 0, q->asked_count, err))
		return true;
	if (!postfix_lookup_all(postfix, map, no_key, 1, ignore, NULL, &other))
		return false;
	part(postfix, map, q, 0, q->asked_count);
	return true;
}

static void
collect_keys(const struct route_settings *settings, char *const *recipients, size_t count,
    struct question *q)
{
	char keys[ROUTE_KEYS_MAX][ROUTE_KEY_SIZE];

	for (size_t r = 0; r < count; r++) {
		size_t whole_only,
		    n = route_keys(settings, str_of(recipients[r]), keys, &whole_only);

		for (size_t k = 0; k < n; k++) {
			memcpy(q->keys[q->count], keys[k], ROUTE_KEY_SIZE);
			q->texts[q->count] = q->keys[q->count];
			q->whole[q->count] = k < whole_only;
			q->answered[q->count] = ROUTE_TOLD;
			q->owner[q->count++] = r;
		}
	}
}

/* The first key that is found counts, if all before it are told that they are not. */
static void
choose(const struct route_settings *settings, char *const *recipients, size_t count,
    const struct question *q, struct route *routes, enum route_asked *asked)
{
	size_t at = 0;

	for (size_t r = 0; r < count; r++) {
		struct str found = STR(""), domain;

		asked[r] = ROUTE_TOLD;
		routes[r] = (struct route){.transport = ""};
		for (; at < q->count && q->owner[at] == r; at++) {
			if (found.len > 0 || asked[r] != ROUTE_TOLD)
				continue;
			asked[r] = q->answered[at];
			if (asked[r] == ROUTE_TOLD && q->values[at] != NULL)
				found = str_of(q->values[at]);
		}
		if (asked[r] == ROUTE_TOLD &&
		    nexthop_recipient_domain(str_of(recipients[r]), &domain))
			route_of(settings, domain, found, &routes[r]);
	}
}

bool
route_ask(const struct postfix *postfix, const struct route_settings *settings,
    const char *transport_maps, char *const *recipients, size_t count,
    struct route *routes, enum route_asked *asked, struct err *why)
{
	size_t max = count * ROUTE_KEYS_MAX;
	struct question q = {
	    .keys = mem_new(max, sizeof(*q.keys)),
	    .texts = mem_new(max, sizeof(*q.texts)),
	    .whole = mem_new(max, sizeof(*q.whole)),
	    .owner = mem_new(max, sizeof(*q.owner)),
	    .values = mem_new(max, sizeof(*q.values)),
	    .answered = mem_new(max, sizeof(*q.answered)),
	    .asked = mem_new(max, sizeof(*q.asked)),
	    .asked_index = mem_new(max, sizeof(*q.asked_index)),
	    .calls = CALLS_MAX,
	};
	bool ours, done = true;
	char **maps = postfix_other_maps(transport_maps, "", &ours);

	collect_keys(settings, recipients, count, &q);
	for (size_t m = 0; maps[m] != NULL && done; m++)
		done = ask_map(postfix, maps[m], &q, why);
	if (done)
		choose(settings, recipients, count, &q, routes, asked);
	for (size_t i = 0; i < q.count; i++)
		free(q.values[i]);
	free(q.values);
	free(q.answered);
	free(q.keys);
	free(q.texts);
	free(q.whole);
	free(q.owner);
	free(q.asked);
	free(q.asked_index);
	postfix_maps_free(maps);
	return done;
}
