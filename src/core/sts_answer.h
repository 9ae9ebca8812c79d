/* SPDX-License-Identifier: BSD-2-Clause */
/* What an HTTP server answered to the question for a policy (RFC 8461 3.3). */
#ifndef CORE_STS_ANSWER_H
#define CORE_STS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/sts.h"

#define STS_HEADERS_MAX       100   /* lines, of all answers of a transfer */
#define STS_HEADER_OCTETS_MAX 16384 /* all of them */

struct sts_answer {
	unsigned status;      /* 200; 0: there was none */
	const char *type;     /* Content-Type; NULL: missing */
	const char *encoding; /* Content-Encoding, or a Transfer-Encoding that is not
	                       * chunked alone; NULL: missing */
	size_t body_octets;   /* what came, counted whatever was announced */
	unsigned headers;     /* lines */
	size_t header_octets;
	bool whole; /* body and connection ended as announced */
};

/* Is the media type text/plain, whatever its case and parameters? */
bool sts_type_is_plain(struct str type);

/* Is it as large as it may be, or smaller? Asked while it comes. */
bool sts_answer_fits(const struct sts_answer *answer);

/* OK: its body is to be read as a policy. Else why not; more about it is appended to
 * detail, quoted: "404", "text/html". */
enum sts_cause sts_answer_judge(const struct sts_answer *answer, struct buf *detail);

#endif
