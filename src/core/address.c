/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <sys/socket.h>

bool
address_parse(struct str text, struct address *out)
{
	struct address address = {.length = 4};
	char copy[ADDRESS_TEXT_SIZE];

	if (memchr(text.p, '\0', text.len) != NULL || !str_copy(text, copy, sizeof(copy)))
		return false;
	if (inet_pton(AF_INET, copy, address.octets) != 1) {
		address = (struct address){.length = 16};
		if (inet_pton(AF_INET6, copy, address.octets) != 1)
			return false;
	}
	*out = address;
	return true;
}

void
address_print(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	assert(address->length == 4 || address->length == 16);
	if (inet_ntop(address->length == 4 ? AF_INET : AF_INET6, address->octets, out,
	        ADDRESS_TEXT_SIZE) == NULL)
		assert(!"an address that does not fit");
}

static bool
bit(const struct address *address, unsigned at)
{
	return (address->octets[at / 8] >> (7 - at % 8)) & 1;
}

bool
network_parse(struct str text, struct network *out)
{
	struct network network = {0};
	struct str before = text;
	uint64_t bits = 0;
	bool has_bits = str_cut(&text, '/', &before);

	if (!address_parse(has_bits ? before : text, &network.address))
		return false;
	network.bits = network.address.length * 8;
	if (has_bits) {
		if (text.len > 3 || !str_number(text, network.bits, &bits))
			return false;
		network.bits = (unsigned)bits;
	}
	for (unsigned at = network.bits; at < network.address.length * 8; at++)
		if (bit(&network.address, at))
			return false;
	*out = network;
	return true;
}

bool
network_has(const struct network *network, const struct address *address)
{
	if (network->address.length != address->length)
		return false;
	for (unsigned at = 0; at < network->bits; at++)
		if (bit(&network->address, at) != bit(address, at))
			return false;
	return true;
}

#define NAT64_U 8 /* that octet is passed over (RFC 6052 2.2) */

/* The address of IPv4 behind a prefix. */
static struct address
within(const struct address *address, unsigned bits)
{
	struct address out = {.length = 4};
	unsigned at = bits / 8;

	for (unsigned i = 0; i < 4; i++, at++) {
		if (at == NAT64_U)
			at++;
		out.octets[i] = address->octets[at];
	}
	return out;
}

/* --- global ------------------------------------------------------------------------- */

/* The special-purpose registries of IANA (RFC 6890), what is not globally reachable. */
static const struct network refused[] = {
    {{{0}, 4}, 8},
    {{{10}, 4}, 8},
    {{{100, 64}, 4}, 10},
    {{{127}, 4}, 8},
    {{{169, 254}, 4}, 16},
    {{{172, 16}, 4}, 12},
    {{{192, 0, 0}, 4}, 24},
    {{{192, 0, 2}, 4}, 24},
    {{{192, 88, 99}, 4}, 24},
    {{{192, 168}, 4}, 16},
    {{{198, 18}, 4}, 15},
    {{{198, 51, 100}, 4}, 24},
    {{{203, 0, 113}, 4}, 24},
    {{{224}, 4}, 3},          /* multicast and what is behind it */
    {{{0x20, 0x01}, 16}, 23}, /* protocols, Teredo among them */
    {{{0x20, 0x01, 0x0d, 0xb8}, 16}, 32},
    {{{0x20, 0x02}, 16}, 16}, /* 6to4 */
    {{{0x3f, 0xff}, 16}, 20},
};
static const struct network unicast = {{{0x20}, 16}, 3}; /* all that is assigned */
static const struct network nat64 = {{{0x00, 0x64, 0xff, 0x9b}, 16}, 96};

bool
address_is_global(const struct address *address)
{
	struct address inner;

	if (network_has(&nat64, address)) {
		inner = within(address, nat64.bits);
		address = &inner;
	}
	if (address->length == 16 && !network_has(&unicast, address))
		return false;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (network_has(&refused[i], address))
			return false;
	return true;
}

/* --- NAT64 -------------------------------------------------------------------------- */

static const unsigned lengths[] = {96, 64, 56, 48, 40, 32};

bool
address_is_nat64_prefix(const struct network *prefix)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		if (prefix->address.length == 16 && prefix->bits == lengths[i])
			return true;
	return false;
}

bool
address_nat64(const struct address *record, struct network *prefix)
{
	static const struct network known = {{{192, 0, 0, 170}, 4}, 31};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct address inner = within(record, lengths[i]);

		if (record->length != 16 || !network_has(&known, &inner))
			continue;
		*prefix = (struct network){{{0}, 16}, lengths[i]};
		memcpy(prefix->address.octets, record->octets, lengths[i] / 8);
		return true;
	}
	return false;
}

static bool
hides_another(const struct address *address, const struct network *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct address inner = within(address, prefixes[i].bits);

		if (network_has(&prefixes[i], address) && !address_is_global(&inner))
			return true;
	}
	return false;
}

bool
address_is_allowed(const struct address *address, const struct network *prefixes,
    size_t prefix_count, const struct network *networks, size_t count)
{
	if (address_is_global(address) && !hides_another(address, prefixes, prefix_count))
		return true;
	for (size_t i = 0; i < count; i++)
		if (network_has(&networks[i], address))
			return true;
	return false;
}
