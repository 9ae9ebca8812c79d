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

/* match_ops.c: match_hostname() */
static bool
matches(struct str pattern, struct str domain, bool parents_match)
{
	if (str_equal_nocase(domain, pattern))
		return true;
	if (pattern.len == 0 || !str_ends_nocase(domain, pattern))
		return false;
	return parents_match ? domain.p[domain.len - pattern.len - 1] == '.'
	                     : pattern.p[0] == '.';
}

enum answer
route_is_relayed(const struct route_settings *settings, struct str domain)
{
	struct str list =
	    str_of(settings->relay_domains != NULL ? settings->relay_domains : "");
	struct str item;

	while (str_next_word(&list, STR_POSTFIX_LIST, &item)) {
		bool is_in = true;

		while (str_eat(&item, STR("!")))
			is_in = !is_in;
		if (str_starts(item, STR("/")) ||
		    (item.len > 0 && memchr(item.p, ':', item.len) != NULL))
			return ANSWER_UNSURE;
		if (matches(item, domain, settings->relay_parents_match))
			return is_in ? ANSWER_YES : ANSWER_NO;
	}
	return ANSWER_NO;
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

/* Those that it may be, where a server of theirs is named; behind those of a list. */
static void
add_relays(const struct route_settings *settings, struct route *out)
{
	struct str transport, list, word;
	struct nexthop nexthop;

	split_value(str_of(settings->relay_transport), &transport, &list);
	if (str_is(transport, "error") || str_is(transport, "discard"))
		return;
	while (str_next_word(&list, STR_POSTFIX_LIST, &word))
		if (nexthop_parse(word, &nexthop))
			add_other(&nexthop, out);
}

void
route_of(const struct route_settings *settings, struct str domain, struct str found,
    struct route *out)
{
	struct str transport, nexthop, default_transport, default_nexthop;
	bool may_relay = settings->relay_transport != NULL &&
	    strchr(settings->relay_transport, ':') != NULL;
	enum answer relayed = may_relay ? route_is_relayed(settings, domain) : ANSWER_NO;

	split_value(str_of(relayed == ANSWER_YES ? settings->relay_transport
	                                         : settings->default_transport),
	    &default_transport, &default_nexthop);
	if (default_transport.len == 0)
		default_transport = relayed == ANSWER_YES ? STR("relay") : STR("smtp");
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
	else if (found.len == 0 && relayed == ANSWER_UNSURE)
		add_relays(settings, out);
}
