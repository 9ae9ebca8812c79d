/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports that are not written as a number: that of mail, and those of services(5). A value
 * that is read once (sys/ports.h) and handed to whoever meets such a name.
 */
#ifndef BASE_PORTS_H
#define BASE_PORTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define PORTS_SMTP      25
#define PORTS_NAME_SIZE 32

struct service_name {
	char name[PORTS_NAME_SIZE];
	uint16_t port;
};

struct ports {
	uint16_t standard; /* where none is written (smtp_tcp_port); 0: not known */
	struct service_name *services; /* owned, in order of their names */
	size_t count;
};

/* Names that Postfix knows by itself (known_tcp_ports of 3.6), and their aliases. 0: it
 * is none of them. */
uint16_t ports_known(struct str name);

/* The same, and what services(5) has; ports NULL: nothing of that. */
uint16_t ports_named(const struct ports *ports, struct str name);

/* One more name; behind the last one they are put in order. Too long a name is left
 * out. */
void ports_add(struct ports *ports, const char *name, uint16_t port);
void ports_sort(struct ports *ports);

void ports_clear(struct ports *ports);

#endif
