/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/witness.h"

#include "base/sha256.h"
#include "core/nexthop.h"

struct reason_mark
reason_mark_of(struct str reason, bool cut)
{
	return (struct reason_mark){(int64_t)reason.len, sha256_of(reason), cut};
}

bool
reason_mark_fits(const struct reason_mark *mark, struct str reason)
{
	size_t len = (size_t)mark->len;

	str_eat(&reason, STR("delivery temporarily suspended: "));
	if (mark->len < 0 || (mark->cut ? reason.len < len : reason.len != len))
		return false;
	return sha256_of((struct str){reason.p, len}) == mark->hash;
}

void
witness_listed(struct witness_message *message, struct str address, struct str reason)
{
	struct str domain;

	if (!nexthop_recipient_domain(address, &domain) ||
	    !str_equal_nocase(domain, str_of(message->domain)))
		return;
	message->there = true;
	message->fits = message->fits ||
	    (reason.len > 0 && reason_mark_fits(&message->reason, reason));
}

void
witness_ended(struct witness_message *message)
{
	message->absences = message->there ? -1
	    : message->absences < 0        ? 1
	                                   : message->absences + 1;
}

enum queue_says
witness_says(const struct witness_message *messages, size_t count)
{
	bool there = false, gone = true;

	for (size_t i = 0; i < count; i++) {
		if (messages[i].of_alarm && messages[i].fits)
			return QUEUE_SHOWS;
		there = there || messages[i].there;
		gone = gone && witness_is_gone(&messages[i]);
	}
	return there ? QUEUE_NEWER : gone ? QUEUE_GONE : QUEUE_NOT_ASKED;
}
