/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/choice.h"

#include <string.h>

#include "base/str.h"

static void
take_addresses(
    const struct dns_addresses *from, uint8_t length, struct chosen_host *chosen)
{
	for (unsigned i = 0;
	     i < from->count && chosen->address_count < CHOICE_ADDRESSES_MAX; i++) {
		struct chosen_address *address =
		    &chosen->addresses[chosen->address_count++];

		address->length = length;
		memcpy(address->octets, from->octets[i], length);
	}
}

static bool
literal_is_usable(const char *name, const struct choice_limits *limits)
{
	return strchr(name, ':') != NULL ? limits->ipv6 : limits->ipv4;
}

static enum promise
promise_of(const struct dns_records *records, unsigned i)
{
	enum dane_host_state state = dane_judge_host(records, i);

	if (state == DANE_HOST_USABLE && dane_judge(records).state == DANE_USABLE)
		return PROMISE_DANE;
	return dane_host_promises_tls(state) ? PROMISE_TLS : PROMISE_NONE;
}

/* How many addresses of the host there are to try. */
static unsigned
take(const struct dns_host *host, enum promise promise,
    const struct choice_limits *limits, struct choice *out)
{
	struct chosen_host chosen = {.literal = host->literal, .promise = promise};

	if (limits->ipv4)
		take_addresses(&host->a, 4, &chosen);
	if (limits->ipv6)
		take_addresses(&host->aaaa, 16, &chosen);
	if (host->literal ? !literal_is_usable(host->name, limits)
	                  : chosen.address_count == 0)
		return 0;
	str_copy(str_of(host->name), chosen.name, sizeof(chosen.name));
	if (out->count < CHOICE_MAX)
		out->hosts[out->count++] = chosen;
	else
		out->cut = true;
	return chosen.literal ? 1 : chosen.address_count;
}

void
choice_of(const struct dns_records *records, const struct choice_limits *limits,
    struct choice *out)
{
	unsigned before = 0, addresses = 0; /* before: of stronger preferences */

	out->count = 0;
	out->cut = false;
	str_copy(str_of(records->domain), out->domain, sizeof(out->domain));
	for (unsigned i = 0; i < records->host_count; i++) {
		const struct dns_host *host = &records->hosts[i];

		if (i > 0 && host->preference > host[-1].preference)
			before = addresses;
		if (limits->addresses != 0 && before >= limits->addresses)
			return;
		addresses += take(host, promise_of(records, i), limits, out);
	}
}
