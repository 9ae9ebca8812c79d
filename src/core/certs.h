/* SPDX-License-Identifier: BSD-2-Clause */
/* A file of certificates (PEM, RFC 7468), as far as `doctor` examines it. */
#ifndef CORE_CERTS_H
#define CORE_CERTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct certs {
	size_t count;   /* certificates with the outline of one */
	size_t valid;   /* of these, in force now */
	size_t damaged; /* begun, and none */
};

/*
 * Count the certificates in a text of PEM. Other things between them, such as keys and
 * comments, are passed over. Nothing is verified: it is about files that were emptied,
 * cut, or forgotten for years.
 */
void certs_read(struct str pem, int64_t now_ms, struct certs *out);

/* When the first certificate in it ends, in ms since the epoch; 0: there is none, or it
 * cannot be told. */
int64_t certs_until_ms(struct str pem);

#endif
