/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/nexthop.h"

#define SMTP_PORT 25

static bool
is_ipv4(struct str s)
{
	struct str part;
	uint64_t n;

	for (int i = 0; i < 3; i++)
		if (!str_cut(&s, '.', &part) || part.len > 3 || !str_number(part, 255, &n))
			return false;
	return s.len <= 3 && str_number(s, 255, &n);
}

/* RFC 4291 section 2.2: groups of hex digits, one "::" at most, IPv4 at the end. */
static bool
is_ipv6(struct str s)
{
	int groups = 0;
	bool gap = false;

	if (s.len < 2 || s.len > 45)
		return false;
	if (str_eat(&s, STR("::")))
		gap = true;
	while (s.len > 0) {
		size_t digits = 0;

		while (digits < s.len && (ascii_is_digit(s.p[digits]) ||
		    (ascii_lower(s.p[digits]) >= 'a' && ascii_lower(s.p[digits]) <= 'f')))
			digits++;
		if (digits < s.len && s.p[digits] == '.')
			return is_ipv4(s) && groups + 2 <= 8 - (gap ? 1 : 0) &&
			    (gap || groups + 2 == 8);
		if (digits == 0 || digits > 4)
			return false;
		s = str_skip(s, digits);
		groups++;
		if (s.len == 0)
			break;
		if (str_eat(&s, STR("::"))) {
			if (gap)
				return false;
			gap = true;
		} else if (!str_eat(&s, STR(":")) || s.len == 0) {
			return false;
		}
	}
	return gap ? groups <= 7 : groups == 8;
}

bool
nexthop_is_address(struct str text)
{
	return is_ipv4(text) || is_ipv6(text);
}

/* Length of the UTF-8 sequence at the start of s, 0 if malformed (RFC 3629). */
static size_t
utf8_sequence(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t len = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3
	    : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;

	if (len == 0 || len > s.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	/* C1 controls are no letters, and U+0085 ends a line for some readers. */
	if (p[0] == 0xc2 && p[1] < 0xa0)
		return 0;
	/* Nor are U+2028 and U+2029. */
	if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		return 0;
	return len;
}

/* Letters, digits, hyphens, underscores, UTF-8; labels of 1 to 63 octets. */
static bool
is_domain(struct str s)
{
	size_t label = 0;

	if (s.len == 0 || s.len >= NEXTHOP_HOST_SIZE)
		return false;
	for (size_t i = 0; i < s.len;) {
		size_t len = 1;

		if (s.p[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
			i++;
			continue;
		}
		if ((unsigned char)s.p[i] >= 0x80)
			len = utf8_sequence(str_skip(s, i));
		else if (!ascii_is_alnum(s.p[i]) && s.p[i] != '_' &&
		    (s.p[i] != '-' || label == 0))
			return false;
		if (len == 0)
			return false;
		label += len;
		i += len;
		if (label > 63)
			return false;
	}
	return label > 0;
}

static void
fold(struct str s, char *out)
{
	for (size_t i = 0; i < s.len; i++)
		out[i] = ascii_lower(s.p[i]);
	out[s.len] = '\0';
}

bool
nexthop_parse(struct str text, struct nexthop *out)
{
	struct nexthop nh = {.port = SMTP_PORT};
	struct str rest = text, host = text, tag;
	uint64_t port;

	if (text.len == 0 || text.len >= sizeof(nh.key))
		return false;
	if (str_eat(&rest, STR("["))) {
		nh.bracketed = true;
		if (!str_cut(&rest, ']', &host))
			return false;
		if (rest.len > 0 && !str_eat(&rest, STR(":")))
			return false;
		if (rest.len == 0 && text.p[text.len - 1] == ':')
			return false;
	} else if (!str_cut(&rest, ':', &host)) {
		host = text;
		rest.len = 0;
	} else if (rest.len == 0) {
		return false;
	}
	if (rest.len > 0) {
		if (!str_number(rest, 65535, &port) || port == 0)
			return false;
		nh.port = (uint16_t)port;
	}
	tag = (struct str){host.p, host.len < 5 ? host.len : 5};
	if (nh.bracketed && str_equal_nocase(tag, STR("ipv6:"))) {
		host = str_skip(host, 5);
		if (!is_ipv6(host))
			return false;
	}
	nh.literal = nexthop_is_address(host);
	if (host.len >= sizeof(nh.host) || (!nh.literal && !is_domain(host)))
		return false;
	fold(host, nh.host);
	fold(text, nh.key);
	*out = nh;
	return true;
}

bool
nexthop_recipient_domain(struct str address, struct str *domain)
{
	const char *at = address.len > 0 ? memrchr(address.p, '@', address.len) : NULL;

	if (at == NULL || at + 1 == address.p + address.len)
		return false;
	*domain = str_skip(address, (size_t)(at + 1 - address.p));
	return true;
}
