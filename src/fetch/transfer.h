/* SPDX-License-Identifier: BSD-2-Clause */
/* One HTTPS transfer by libcurl, as RFC 8461 3.3 wants it. */
#ifndef FETCH_TRANSFER_H
#define FETCH_TRANSFER_H

#include "base/buf.h"
#include "core/fetch.h"

/* Opaque: the state of libcurl, and what has come. */
struct transfer;

/*
 * Prepares the one that request says, so far that no file is needed any more. ca: whom to
 * trust, PEM; both stay the caller's and as they are until the end. False: libcurl cannot
 * do what is needed, and err says what. *out is to be freed in any case.
 */
bool transfer_begin(const struct fetch_request *request, struct str ca,
    struct transfer **out, struct err *err);

/* Does it. The answer borrows its body; all of it but confined is filled in. */
void transfer_run(struct transfer *transfer, struct fetch_answer *answer);

void transfer_free(struct transfer *transfer); /* and NULL */

#endif
