/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/route.h"

static bool
add_key(struct str prefix, struct str key, char keys[ROUTE_KEYS_MAX][ROUTE_KEY_SIZE],
    size_t *count)
{
	char *out = keys[*count];

	if (*count == ROUTE_KEYS_MAX || prefix.len + key.len >= ROUTE_KEY_SIZE)
		return false;
	for (size_t i = 0; i < prefix.len; i++)
		*out++ = ascii_lower(prefix.p[i]);
	for (size_t i = 0; i < key.len; i++)
		*out++ = ascii_lower(key.p[i]);
	*out = '\0';
	(*count)++;
	return true;
}

/* Where the extension of a local part begins (split_addr.c); its length: none. */
static size_t
extension_at(struct str local, const char *delimiters)
{
	for (size_t i = 1; i < local.len; i++)
		if (strchr(delimiters, local.p[i]) != NULL && local.p[i] != '\0')
			return i;
	return local.len;
}

size_t
route_keys(const struct route_settings *settings, struct str recipient,
    char keys[ROUTE_KEYS_MAX][ROUTE_KEY_SIZE], size_t *whole_only)
{
	struct str domain, local, rest;
	size_t count = 0, extension;

	*whole_only = 0;
	if (!nexthop_recipient_domain(recipient, &domain))
		return 0;
	local = (struct str){recipient.p, recipient.len - domain.len - 1};
	if (!add_key(STR(""), recipient, keys, &count))
		return 0;
	*whole_only = count;
	extension = extension_at(local, settings->recipient_delimiter);
	if (extension < local.len) {
		struct str at_domain = str_skip(recipient, local.len);

		local.len = extension;
		if (!add_key(local, at_domain, keys, &count))
			return 0;
	}
	if (!add_key(STR(""), domain, keys, &count))
		return 0;
	/* A literal has no parents. */
	for (rest = domain; rest.len > 0 && rest.p[0] != '[';) {
		struct str label;

		if (!str_cut(&rest, '.', &label) || rest.len == 0)
			break;
		if (!add_key(
		        settings->parents_match ? STR("") : STR("."), rest, keys, &count))
			break;
	}
	add_key(STR("*"), STR(""), keys, &count);
	return count;
}

/* "transport:nexthop"; either may be empty. Without a colon it is a transport
 * (transport.c: transport_lookup splits at the first colon). */
static void
split_value(struct str value, struct str *transport, struct str *nexthop)
{
	*nexthop = value;
	if (!str_cut(nexthop, ':', transport)) {
		*transport = value;
		nexthop->len = 0;
	}
}

/*
 * Of a list "[a], [b]" (Postfix 3.5) the last one: it is what a status line is about, as
 * smtp(8) tries them in turn. False: no next-hop, or a text (error: 5.1.1 no such user).
 */
static bool
parse_last(struct str list, struct nexthop *last)
{
	struct str next = list;

	if (memchr(list.p, ',', list.len) == NULL)
		return nexthop_parse(list, last);
	while (list.len > 0) {
		if (!str_cut(&list, ',', &next)) {
			next = list;
			list.len = 0;
		}
		if (!nexthop_parse(str_trim(next), last))
			return false;
	}
	return true;
}

/* Their next-hop is a text for people. */
static bool
is_text(const char *transport)
{
	return strcmp(transport, "error") == 0 || strcmp(transport, "retry") == 0 ||
	    strcmp(transport, "discard") == 0;
}

void
route_of(const struct route_settings *settings, struct str domain, struct str found,
    struct route *out)
{
	struct str transport, nexthop, default_transport, default_nexthop;
	struct nexthop parsed;

	split_value(
	    str_of(settings->default_transport), &default_transport, &default_nexthop);
	if (default_transport.len == 0)
		default_transport = STR("smtp");
	if (found.len > 0) {
		split_value(found, &transport, &nexthop);
		/* "transport:" goes to the domain itself, past any relayhost; ":nexthop"
		 * changes the next-hop alone. */
		if (nexthop.len == 0)
			nexthop = transport.len > 0 ? domain : default_nexthop;
		if (transport.len == 0)
			transport = default_transport;
	} else {
		transport = default_transport;
		nexthop = default_nexthop.len > 0    ? default_nexthop
		    : settings->relayhost[0] != '\0' ? str_of(settings->relayhost)
		                                     : domain;
	}
	if (nexthop.len == 0)
		nexthop = domain;
	str_copy(transport, out->transport, sizeof(out->transport));
	if (!is_text(out->transport) && parse_last(nexthop, &parsed))
		memcpy(out->key, parsed.key, sizeof(out->key));
	else
		out->key[0] = '\0';
}
