/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/nexthop.h"

#include <stdlib.h>
#include <unicase.h>
#include <unistr.h>

static bool
is_ipv4(struct str s)
{
	struct str part;
	uint64_t n;

	for (int i = 0; i < 3; i++)
		if (!str_cut(&s, '.', &part) || part.len > 3 ||
		    !str_number(part, 255, &n))
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

		while (digits < s.len &&
		    (ascii_is_digit(s.p[digits]) ||
		        (ascii_lower(s.p[digits]) >= 'a' &&
		            ascii_lower(s.p[digits]) <= 'f')))
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

/* C1 controls; U+0085, U+2028 and U+2029 end a line for some readers. */
static bool
is_no_letter(uint32_t code)
{
	return code < 0xa0 || (code >= 0x2000 && code <= 0x206f);
}

/*
 * Postfix folds the case of map keys as Unicode does (casefold.c), which makes "ss" of
 * a sharp s: an entry for one domain would answer for another, which may belong to
 * somebody else. These letters fold into other letters than their own small ones.
 */
static bool
folds_into_another(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
	    {0x00df, 0x00df},                   /* sharp s -> ss */
	    {0x0130, 0x0130},                   /* I with dot */
	    {0x0149, 0x0149}, {0x017f, 0x017f}, /* long s -> s */
	    {0x01f0, 0x01f0}, {0x0345, 0x0345}, {0x0390, 0x0390}, {0x03b0, 0x03b0},
	    {0x03c2, 0x03c2}, /* final sigma -> sigma */
	    {0x03d0, 0x03f6}, /* Greek symbols */
	    {0x0587, 0x0587}, {0x13f8, 0x13fd},
	    {0x1c80, 0x1c88},                   /* variants of Cyrillic letters */
	    {0x1e96, 0x1e9e}, {0x1f00, 0x1fff}, /* Greek with iota and breathings */
	    {0x2126, 0x212b},                   /* ohm, kelvin, angstrom */
	    {0xab70, 0xabbf}, {0xfb00, 0xfb17}, /* ligatures */
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

/* Length of the UTF-8 sequence at the start of s, 0 if malformed (RFC 3629) or not to
 * be had in a next-hop. */
static size_t
utf8_sequence(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t len = str_utf8_len(s);
	uint32_t code;

	if (len < 2)
		return 0;
	code = len == 2 ? p[0] & 0x1fu : len == 3 ? p[0] & 0x0fu : p[0] & 0x07u;
	for (size_t i = 1; i < len; i++)
		code = code << 6 | (p[i] & 0x3fu);
	if (is_no_letter(code) || folds_into_another(code))
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

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* Full case folding of Unicode, as u_strFoldCase() of ICU does it. A letter may take more
 * octets than before. */
static bool
fold_utf8(struct str s, char *out, size_t size)
{
	const uint8_t *text = (const uint8_t *)s.p;
	size_t len = size - 1;
	uint8_t *folded;
	bool fits;

	if (u8_check(text, s.len) != NULL || memchr(s.p, '\0', s.len) != NULL)
		return false;
	folded = u8_casefold(text, s.len, NULL, NULL, (uint8_t *)out, &len);
	fits = folded == (uint8_t *)out;
	if (folded != NULL && !fits)
		free(folded);
	if (fits)
		out[len] = '\0';
	return fits;
}

bool
nexthop_fold(struct str text, char *out, size_t size)
{
	unsigned char bits = 0;

	if (text.len >= size)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		out[i] = ascii_lower(text.p[i]);
		bits |= (unsigned char)text.p[i];
	}
	out[text.len] = '\0';
	return bits < 0x80 || fold_utf8(text, out, size);
}

/* RFC 6335 section 5.1, and what more /etc/services has. */
static bool
is_service(struct str text)
{
	bool letter = false;

	if (text.len == 0 || text.len >= PORTS_NAME_SIZE || !ascii_is_alnum(text.p[0]))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (!ascii_is_alnum(c) && strchr("-_+.", c) == NULL)
			return false;
		letter = letter || (ascii_is_alnum(c) && !ascii_is_digit(c));
	}
	return letter;
}

/* *port is 0 for a name that only services(5) knows. */
static bool
parse_port(struct str text, uint16_t *port)
{
	uint64_t number;

	if (is_service(text)) {
		*port = ports_known(text);
		return true;
	}
	if (!str_number(text, 65535, &number) || number == 0)
		return false;
	*port = (uint16_t)number;
	return true;
}

bool
nexthop_parse(struct str text, struct nexthop *out)
{
	struct nexthop nh = {.port = PORTS_SMTP};
	struct str rest = text, host = text, tag;

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
	nh.has_port = rest.len > 0;
	if (nh.has_port && !parse_port(rest, &nh.port))
		return false;
	tag = (struct str){host.p, host.len < 5 ? host.len : 5};
	if (nh.bracketed && str_equal_nocase(tag, STR("ipv6:"))) {
		host = str_skip(host, 5);
		if (!is_ipv6(host))
			return false;
	}
	nh.literal = nexthop_is_address(host);
	if (host.len >= sizeof(nh.host) || (!nh.literal && !is_domain(host)))
		return false;
	if (!nexthop_fold(host, nh.host, sizeof(nh.host)) ||
	    !nexthop_fold(text, nh.key, sizeof(nh.key)))
		return false;
	/* Letters that became longer are counted once more. */
	if (!is_ascii(host) && !is_domain(str_of(nh.host)))
		return false;
	*out = nh;
	return true;
}

void
nexthop_take_ports(struct nexthop *nexthop, const struct ports *ports)
{
	const char *colon = strrchr(nexthop->key, ':');

	if (ports == NULL)
		return;
	if (!nexthop->has_port && ports->standard != 0)
		nexthop->port = ports->standard;
	else if (nexthop->port == 0 && colon != NULL)
		nexthop->port = ports_named(ports, str_of(colon + 1));
}

bool
nexthop_looked_up(struct str text, struct nexthop *out)
{
	char folded[NEXTHOP_KEY_SIZE];

	return !nexthop_parse(text, out) && !is_ascii(text) &&
	    nexthop_fold(text, folded, sizeof(folded)) &&
	    nexthop_parse(str_of(folded), out);
}

bool
nexthop_is_below(const char *key, const char *parent)
{
	size_t len = strlen(key), end = strlen(parent);

	return parent[0] == '.' && len > end && strpbrk(key, "[:") == NULL &&
	    strcmp(key + len - end, parent) == 0;
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
