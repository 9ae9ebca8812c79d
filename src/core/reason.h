/* SPDX-License-Identifier: BSD-2-Clause */
/* The reason of a deferral as it may be kept: without mail addresses. */
#ifndef CORE_REASON_H
#define CORE_REASON_H

#include <stdbool.h>

#include "base/str.h"

/* So much of a reason is kept. A rule is matched against it again when the destination is
 * judged, so those that name a server must fit: a name takes 253 bytes, an address 45.
 */
#define REASON_SIZE 512

/* Is it what a server said, and not what smtp(8) found (smtp_trouble.c, smtp_proto.c)?
 * "host NAME[ADDRESS] said: ...", "host NAME[ADDRESS] refused to talk to me: ..." */
bool reason_is_servers(struct str reason);

#endif
