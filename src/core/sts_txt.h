/* SPDX-License-Identifier: BSD-2-Clause */
/* The TXT records of _mta-sts.DOMAIN, which announce a policy (RFC 8461 3.1). */
#ifndef CORE_STS_TXT_H
#define CORE_STS_TXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/sts.h"

#define STS_TXT_RECORDS_MAX 64   /* of an answer; more: could not tell */
#define STS_TXT_OCTETS_MAX  4096 /* of a record; more: could not tell */

/* What they say now. Only VALID announces a policy; nothing of this ends one that is
 * kept. */
enum sts_txt_state {
	STS_TXT_UNSURE,  /* SERVFAIL, timeout, bogus, too much: could not tell */
	STS_TXT_NONE,    /* no record, or none that is about MTA-STS */
	STS_TXT_SEVERAL, /* more than one that is */
	STS_TXT_INVALID, /* one, with a fault */
	STS_TXT_VALID,
	STS_TXT_COUNT,
};

struct sts_txt {
	enum sts_txt_state state;
	char id[STS_ID_SIZE]; /* of VALID; "" otherwise */
};

const char *sts_txt_name(enum sts_txt_state state); /* "unsure", "none", "several", ... */
bool sts_txt_parse(struct str name, enum sts_txt_state *state);

/*
 * The text of a record: its data as it stands in a DNS message, strings that each begin
 * with the octet of their length, joined without blanks and appended. False: it is not of
 * that form, or over STS_TXT_OCTETS_MAX; the answer is STS_TXT_UNSURE then.
 */
bool sts_txt_join(struct str data, struct buf *text);

/* The texts of all TXT records of an answer that was had; count 0: it has none. */
void sts_txt_read(const struct str *texts, size_t count, struct sts_txt *out);

#endif
