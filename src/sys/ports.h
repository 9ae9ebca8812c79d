/* SPDX-License-Identifier: BSD-2-Clause */
/* services(5), as getservbyname(3) has it; Postfix takes names of ports from there. */
#ifndef SYS_PORTS_H
#define SYS_PORTS_H

#include "base/ports.h"

/* All names of TCP ports, in small letters as keys have them. Behind it ports_clear(). In
 * the first thread alone. The port of mail is not known then. */
void ports_read(struct ports *out);

/* The port of that name, 0: there is none. */
uint16_t ports_find(const char *name);

#endif
