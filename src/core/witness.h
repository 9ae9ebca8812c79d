/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a listing of the queue says of the messages whose deferral raised an alarm.
 * Whoever can write a line of the log cannot put a message into the queue that was
 * deferred for that reason. Pure.
 *
 * A listing is no snapshot: a message that changes its place while it is made may be
 * missing though it is there. It is gone where two complete listings miss it, the second
 * begun after the first had ended.
 */
#ifndef CORE_WITNESS_H
#define CORE_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "core/ladder.h"

#define WITNESS_ABSENCES 2    /* complete listings in a row */
#define WITNESS_SHOWN    (-1) /* instead of their number: the last listing showed it */

/*
 * The reason of a status line, as it is kept to be compared: it may hold the local parts
 * of addresses. Without "delivery temporarily suspended: ". What is no UTF-8 in it counts
 * as the listing shows it (buf_add_utf8()): a server may say any bytes.
 */
struct reason_mark {
	int64_t len; /* bytes; -1: not known, it fits nothing */
	uint64_t hash;
	bool cut; /* the log cut it: more may follow */
};

struct reason_mark reason_mark_of(struct str reason, bool cut);

/* Is it the reason that the queue shows, be it for a message that was suspended? */
bool reason_mark_fits(const struct reason_mark *mark, struct str reason);

/* A message that waits, and what the last status line has of it. Texts are the owner's.
 */
struct witness_message {
	char *queue_id;
	char *domain; /* of the recipient, in small letters */
	int64_t time_ms;
	struct reason_mark reason;
	bool of_alarm; /* it was deferred for what the alarm is about */
	int absences;  /* complete listings in a row that it was not in, those before; or
	                * WITNESS_SHOWN */
	/* what the listing shows */
	bool there;
	bool fits; /* deferred for that reason */
};

/*
 * A recipient of the message with that queue id, as a listing has it: in whatever part of
 * the queue, as `hold` and `maildrop` are no attempt. reason: "" for none. A recipient
 * may be listed twice, once without a reason. false: it is of another domain.
 */
bool witness_listed(
    struct witness_message *message, struct str address, struct str reason);

/* The listing has ended. whole: it is complete; else what is not in it may be there. */
void witness_ended(struct witness_message *message, bool whole);

static inline bool
witness_is_gone(const struct witness_message *message)
{
	return message->absences >= WITNESS_ABSENCES;
}

/*
 * What it says of an alarm, from all messages of its destination, each ended: SHOWS where
 * one that the alarm is about was deferred for that reason; NEWER where they are there
 * otherwise: another attempt was made, or is under way; GONE where all are, or there are
 * none; NOT_ASKED: another listing is needed; UNREADABLE: that too, and this one was not
 * whole.
 */
enum queue_says witness_says(
    const struct witness_message *messages, size_t count, bool whole);

/*
 * When the log last reported an attempt of one that SHOWS is about; 0: never. others: the
 * byte that the queue id begins with of a row that stands for many messages; such a row
 * is believed only where the queue has all those that are kept.
 */
int64_t witness_shown_ms(
    const struct witness_message *messages, size_t count, char others);

#endif
