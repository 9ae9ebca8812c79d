/* SPDX-License-Identifier: BSD-2-Clause */
/* The letter of notice, mailed: to whom it never goes, and how often it may. */
#ifndef CMD_NOTICE_SEND_H
#define CMD_NOTICE_SEND_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/config.h"
#include "core/notice.h"
#include "postfix/postfix.h"
#include "store/store.h"

/* Borrowed. */
struct notice_letter {
	const struct config *config;
	const struct postfix *postfix;
	const char *domain; /* to whose postmaster; all its spellings count as one */
	enum notice_language language;
	const struct buf *text;
};

/* In whatever spelling, here or in notify.deny. */
bool notice_is_denied(const struct config *config, const char *domain);

/* An exit status; what else is to be told is printed. Closes the store. A signal that
 * comes meanwhile ends the mail command, and then us, once it is noted what went. */
int notice_send(const struct notice_letter *letter, struct store *store);

#endif
