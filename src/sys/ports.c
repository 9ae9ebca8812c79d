/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/ports.h"

#include <arpa/inet.h>
#include <netdb.h>

/* A file that somebody made endless is not read for ever. */
#define SERVICES_MAX 65536

static void
add(struct ports *out, const char *name, int port)
{
	char small[PORTS_NAME_SIZE];

	if (!str_copy(str_of(name), small, sizeof(small)))
		return;
	for (char *p = small; *p != '\0'; p++)
		*p = ascii_lower(*p);
	ports_add(out, small, ntohs((uint16_t)port));
}

void
ports_read(struct ports *out)
{
	const struct servent *service;

	*out = (struct ports){0};
	setservent(1);
	while (out->count < SERVICES_MAX && (service = getservent()) != NULL) {
		if (strcmp(service->s_proto, "tcp") != 0)
			continue;
		add(out, service->s_name, service->s_port);
		for (char **alias = service->s_aliases; *alias != NULL; alias++)
			add(out, *alias, service->s_port);
	}
	endservent();
	ports_sort(out);
}

uint16_t
ports_find(const char *name)
{
	const struct servent *service = getservbyname(name, "tcp");
	uint16_t port = ports_known(str_of(name));

	if (port != 0)
		return port;
	return service != NULL ? ntohs((uint16_t)service->s_port) : 0;
}
