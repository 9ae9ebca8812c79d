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
	};
}

bool
route_is_plain(const struct postfix_settings *settings)
{
	return settings->relayhost[0] == '\0' && settings->transport_maps[0] == '\0' &&
	    (settings->default_transport[0] == '\0' ||
	        strcmp(settings->default_transport, "smtp") == 0);
}

/* --- asking ------------------------------------------------------------------------ */

/* All keys of all recipients, and the value that was found first for each. */
struct question {
	char (*keys)[ROUTE_KEY_SIZE];
	const char **texts;
	bool *whole; /* may be asked of maps that see whole addresses alone */
	size_t *owner;
	char **values;
	size_t count;
	/* the keys that the map at hand was asked */
	const char **asked;
	size_t *asked_index;
	size_t asked_count;
};

static void
take_value(void *context, size_t index, struct str value)
{
	struct question *q = context;
	size_t at = q->asked_index[index];

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
ask_map(
    const struct postfix *postfix, const char *map, struct question *q, struct err *err)
{
	bool whole_only = sees_whole_only(map);

	q->asked_count = 0;
	for (size_t i = 0; i < q->count; i++) {
		if (q->values[i] != NULL || (whole_only && !q->whole[i]) ||
		    !is_askable(q->texts[i]))
			continue;
		q->asked[q->asked_count] = q->texts[i];
		q->asked_index[q->asked_count++] = i;
	}
	return q->asked_count == 0 ||
	    postfix_lookup_all(
	        postfix, map, q->asked, q->asked_count, take_value, q, err);
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
			q->owner[q->count++] = r;
		}
	}
}

static void
choose(const struct route_settings *settings, char *const *recipients, size_t count,
    const struct question *q, struct route *routes)
{
	size_t at = 0;

	for (size_t r = 0; r < count; r++) {
		struct str found = STR(""), domain;

		for (; at < q->count && q->owner[at] == r; at++)
			if (found.len == 0 && q->values[at] != NULL)
				found = str_of(q->values[at]);
		if (nexthop_recipient_domain(str_of(recipients[r]), &domain))
			route_of(settings, domain, found, &routes[r]);
		else
			routes[r] = (struct route){.transport = ""};
	}
}

bool
route_ask(const struct postfix *postfix, const struct route_settings *settings,
    const char *transport_maps, char *const *recipients, size_t count,
    struct route *routes, struct err *err)
{
	size_t max = count * ROUTE_KEYS_MAX;
	struct question q = {
	    .keys = mem_new(max, sizeof(*q.keys)),
	    .texts = mem_new(max, sizeof(*q.texts)),
	    .whole = mem_new(max, sizeof(*q.whole)),
	    .owner = mem_new(max, sizeof(*q.owner)),
	    .values = mem_new(max, sizeof(*q.values)),
	    .asked = mem_new(max, sizeof(*q.asked)),
	    .asked_index = mem_new(max, sizeof(*q.asked_index)),
	};
	bool ours, done = true;
	char **maps = postfix_other_maps(transport_maps, "", &ours);

	collect_keys(settings, recipients, count, &q);
	for (size_t m = 0; maps[m] != NULL && done; m++)
		done = ask_map(postfix, maps[m], &q, err);
	if (done)
		choose(settings, recipients, count, &q, routes);
	for (size_t i = 0; i < q.count; i++)
		free(q.values[i]);
	free(q.values);
	free(q.keys);
	free(q.texts);
	free(q.whole);
	free(q.owner);
	free(q.asked);
	free(q.asked_index);
	postfix_maps_free(maps);
	return done;
}
