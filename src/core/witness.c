/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/witness.h"

#include "base/buf.h"
#include "base/sha256.h"
#include "core/nexthop.h"

/* What a listing of the queue has of it: JSON is UTF-8 (postfix/queue.c). */
static uint64_t
hash_of(struct str reason)
{
	struct buf text = {0};
	uint64_t hash;

	buf_add_utf8(&text, reason);
	hash = sha256_of((struct str){buf_text(&text), text.len});
	buf_clear(&text);
	return hash;
}

struct reason_mark
reason_mark_of(struct str reason, bool cut)
{
	return (struct reason_mark){(int64_t)reason.len, hash_of(reason), cut};
}

bool
reason_mark_fits(const struct reason_mark *mark, struct str reason)
{
	size_t len = (size_t)mark->len;

	str_eat(&reason, STR("delivery temporarily suspended: "));
	if (mark->len < 0 || (mark->cut ? reason.len < len : reason.len != len))
		return false;
	return hash_of((struct str){reason.p, len}) == mark->hash;
}

bool
witness_listed(struct witness_message *message, struct str address, struct str reason)
{
	struct str domain;

	if (!nexthop_recipient_domain(address, &domain) ||
	    !str_equal_nocase(domain, str_of(message->domain)))
		return false;
	message->there = true;
	message->fits = message->fits ||
	    (reason.len > 0 && reason_mark_fits(&message->reason, reason));
	return true;
}

void
witness_ended(struct witness_message *message, bool whole)
{
	if (message->there)
		message->absences = WITNESS_SHOWN;
	else if (whole)
		message->absences =
		    message->absences == WITNESS_SHOWN ? 1 : message->absences + 1;
}

enum queue_says
witness_says(const struct witness_message *messages, size_t count, bool whole)
{
	bool there = false, gone = true;

	for (size_t i = 0; i < count; i++) {
		if (messages[i].of_alarm && messages[i].fits)
			return QUEUE_SHOWS;
		there = there || messages[i].there;
		gone = gone && witness_is_gone(&messages[i]);
	}
	if (there)
		return QUEUE_NEWER;
	return gone ? QUEUE_GONE : whole ? QUEUE_NOT_ASKED : QUEUE_UNREADABLE;
}

int64_t
witness_shown_ms(const struct witness_message *messages, size_t count, char others)
{
	int64_t shown_ms = 0, others_ms = 0;
	bool all = true;

	for (size_t i = 0; i < count; i++) {
		const struct witness_message *m = &messages[i];
		bool many = m->queue_id[0] == others;
		int64_t *at_ms = many ? &others_ms : &shown_ms;

		all = all && (many || m->there);
		if (m->of_alarm && m->fits && m->time_ms > *at_ms)
			*at_ms = m->time_ms;
	}
	return all && others_ms > shown_ms ? others_ms : shown_ms;
}
