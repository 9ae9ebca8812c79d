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
	struct address within = {.length = 4};

	if (network_has(&nat64, address)) {
		memcpy(within.octets, address->octets + 12, 4);
		address = &within;
	}
	if (address->length == 16 && !network_has(&unicast, address))
		return false;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (network_has(&refused[i], address))
			return false;
	return true;
}

bool
address_is_allowed(
    const struct address *address, const struct network *networks, size_t count)
{
	if (address_is_global(address))
		return true;
	for (size_t i = 0; i < count; i++)
		if (network_has(&networks[i], address))
			return true;
	return false;
}
