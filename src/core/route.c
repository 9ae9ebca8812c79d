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

static void
add_other(const struct nexthop *nexthop, struct route *out)
{
	size_t used = strlen(out->others), len = strlen(nexthop->key);

	if (used + len + 1 >= sizeof(out->others))
		return;
	memcpy(out->others + used, nexthop->key, len);
	out->others[used + len] = ' ';
	out->others[used + len + 1] = '\0';
}

/*
 * Of a list "[a], [b]" (Postfix 3.5) the last one: it is what a status line is about that
 * names no server of another. False: no next-hop, or one among them that is none, at
 * which smtp(8) ends.
 */
static bool
parse_list(struct str list, struct route *out)
{
	struct nexthop last, next;
	struct str word;
	bool found = false;

	out->others[0] = '\0';
	while (str_next_word(&list, STR_POSTFIX_LIST, &word)) {
		if (!nexthop_parse(word, &next))
			return false;
		if (found)
			add_other(&last, out);
		last = next;
		found = true;
	}
	if (found)
		memcpy(out->key, last.key, sizeof(out->key));
	return found;
}

static bool
has_server(struct str key, struct str host, uint16_t port, const struct ports *ports)
{
	struct nexthop nexthop;

	if (!nexthop_parse(key, &nexthop) ||
	    !str_equal_nocase(host, str_of(nexthop.host)))
		return false;
	nexthop_take_ports(&nexthop, ports);
	return port == 0 || nexthop.port == 0 || nexthop.port == port;
}

void
route_pick(struct route *route, struct str server, const struct ports *ports)
{
	struct str rest = server, host = server, address, others, key;
	uint64_t port = 0;

	if (route->others[0] == '\0' || server.len == 0)
		return;
	if (str_cut(&rest, '[', &host) && str_cut(&rest, ']', &address) &&
	    (!str_eat(&rest, STR(":")) || !str_number(rest, UINT16_MAX, &port)))
		port = 0;
	if (has_server(str_of(route->key), host, (uint16_t)port, ports))
		return;
	others = str_of(route->others);
	while (str_next(&others, ' ', &key)) {
		if (has_server(key, host, (uint16_t)port, ports)) {
			str_copy(key, route->key, sizeof(route->key));
			return;
		}
	}
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
	if (is_text(out->transport) || !parse_list(nexthop, out))
		out->key[0] = out->others[0] = '\0';
}
