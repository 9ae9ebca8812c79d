/* SPDX-License-Identifier: BSD-2-Clause */
/* The reason of a deferral as it may be kept: without mail addresses. */
#ifndef CORE_REASON_H
#define CORE_REASON_H

#include <stddef.h>

#include "base/str.h"

/*
 * Into out[size], cut, without the local parts of addresses: "<x@d>" becomes "<*@d>".
 * They are looked for before it is cut: what is cut off may be what tells that one was
 * begun.
 */
void reason_copy(struct str reason, char *out, size_t size);

#endif
