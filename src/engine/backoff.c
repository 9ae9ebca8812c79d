/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/backoff.h"

#include <string.h>

#include "base/span.h"
#include "sys/log.h"

#define BACK_OFF_MIN_MS SPAN_SECOND_MS
#define BACK_OFF_MAX_MS (15 * SPAN_SECOND_MS) /* it is all local, and cheap to try */
#define LASTS           3 /* tries that failed, the last 3 s after the first */

static int64_t
most_ms(const struct backoff *t)
{
	return t->most_ms != 0 ? t->most_ms : BACK_OFF_MAX_MS;
}

static unsigned
lasts(const struct backoff *t)
{
	return t->lasts != 0 ? t->lasts : LASTS;
}

bool
backoff_report(struct backoff *t, const char *what, const struct err *err, bool again,
    int64_t mono_ms)
{
	/* Another failure within the same try is not counted: several share a
	 * database. */
	bool beside = backoff_waits(t, mono_ms);

	if (!beside) {
		t->wait_ms = t->failing ? t->wait_ms * 2 : BACK_OFF_MIN_MS;
		if (t->wait_ms > most_ms(t))
			t->wait_ms = most_ms(t);
		t->again_ms = mono_ms + t->wait_ms;
		t->times++;
	}
	if (!t->failing || strcmp(t->last.text, err->text) != 0)
		log_error(
		    "cannot %s%s: %s", what, again ? ", will try again" : "", err->text);
	else
		log_debug("still cannot %s: %s", what, err->text);
	t->failing = true;
	t->last = *err;
	return !beside && t->times == lasts(t);
}

void
backoff_over(struct backoff *t, const char *what)
{
	if (t->failing)
		log_info("can %s again", what);
	*t = (struct backoff){.most_ms = t->most_ms, .lasts = t->lasts};
}

bool
backoff_lasts(const struct backoff *t)
{
	return t->times >= lasts(t);
}

bool
backoff_waits(const struct backoff *t, int64_t mono_ms)
{
	return t->failing && mono_ms < t->again_ms;
}
