/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/idn.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>

#include "dns/resolver_message.h"

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

bool
idn_to_ascii(const char *host, char out[NEXTHOP_HOST_SIZE])
{
	char *ascii = NULL;
	bool done;

	if (is_ascii(host))
		return str_copy(str_of(host), out, NEXTHOP_HOST_SIZE) &&
		    dns_name_is_valid(str_of(out));
	if (idn2_to_ascii_8z(host, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	/* Mapping makes an address of full-width digits: whatever that is, it is no
	 * domain. */
	done = str_copy(str_of(ascii), out, NEXTHOP_HOST_SIZE) &&
	    dns_name_is_valid(str_of(out)) && !nexthop_is_address(str_of(out));
	idn2_free(ascii);
	return done;
}

struct twins {
	const char *host;
	char (*names)[NEXTHOP_HOST_SIZE];
	unsigned count;
};

static void
add(struct twins *twins, struct str name)
{
	bool is_known = str_is(name, twins->host);

	for (unsigned i = 0; i < twins->count; i++)
		is_known = is_known || str_is(name, twins->names[i]);
	if (!is_known && twins->count < IDN_TWINS &&
	    str_copy(name, twins->names[twins->count], NEXTHOP_HOST_SIZE))
		twins->count++;
}

static void
add_normal(struct twins *twins, uninorm_t form, const char *name)
{
	size_t len = 0;
	uint8_t *text =
	    u8_normalize(form, (const uint8_t *)name, strlen(name), NULL, &len);

	if (text != NULL)
		add(twins, (struct str){(const char *)text, len});
	free(text);
}

unsigned
idn_twins(const char *host, char out[IDN_TWINS][NEXTHOP_HOST_SIZE])
{
	struct twins twins = {.host = host, .names = out};
	char ascii[NEXTHOP_HOST_SIZE];
	char *name = NULL;

	if ((is_ascii(host) && strstr(host, "xn--") == NULL) ||
	    !idn_to_ascii(host, ascii) ||
	    idn2_to_unicode_8z8z(ascii, &name, 0) != IDN2_OK)
		return 0;
	/* Of ASCII alone it is A-labels that mean nothing. */
	if (!is_ascii(name)) {
		add(&twins, str_of(ascii));
		add_normal(&twins, UNINORM_NFC, name);
		add_normal(&twins, UNINORM_NFD, name);
	}
	idn2_free(name);
	return twins.count;
}
