/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/ports.h"

#include <stdlib.h>

#include "base/mem.h"

#define STEP 64

uint16_t
ports_known(struct str name)
{
	static const struct {
		const char *name;
		uint16_t port;
	} names[] = {{"lmtp", 24}, {"smtp", 25}, {"smtps", 465}, {"submissions", 465},
	    {"submission", 587}, {"mail", 25}, {"ssmtp", 465}, {"urd", 465}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(name, names[i].name))
			return names[i].port;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct service_name *)a)->name,
	    ((const struct service_name *)b)->name);
}

uint16_t
ports_named(const struct ports *ports, struct str name)
{
	uint16_t port = ports_known(name);
	const struct service_name *found;
	struct service_name wanted = {.port = 0};

	if (port != 0 || ports == NULL || ports->count == 0 ||
	    !str_copy(name, wanted.name, sizeof(wanted.name)))
		return port;
	found = bsearch(
	    &wanted, ports->services, ports->count, sizeof(*ports->services), compare);
	return found != NULL ? found->port : 0;
}

void
ports_add(struct ports *ports, const char *name, uint16_t port)
{
	struct service_name *service;

	if (strlen(name) >= PORTS_NAME_SIZE)
		return;
	if (ports->count % STEP == 0)
		ports->services = mem_array(
		    ports->services, ports->count + STEP, sizeof(*ports->services));
	service = &ports->services[ports->count++];
	*service = (struct service_name){.port = port};
	str_copy(str_of(name), service->name, sizeof(service->name));
}

void
ports_sort(struct ports *ports)
{
	if (ports->count > 0)
		qsort(ports->services, ports->count, sizeof(*ports->services), compare);
}

void
ports_clear(struct ports *ports)
{
	free(ports->services);
	*ports = (struct ports){0};
}
