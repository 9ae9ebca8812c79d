/* SPDX-License-Identifier: BSD-2-Clause */
/* What witnesses answered of a destination, when it is judged. */
#include <string.h>

#include "engine/engine_impl.h"

/* The attempts that those were asked about who were. */
static int64_t
served_ms(const struct witnessed *w)
{
	int64_t at_ms = WITNESSED_ANY;

	if (w->queue_ms != 0)
		at_ms = w->alarm.last_attempt_ms;
	if (w->says.measured.asked && w->servers->news_ms < at_ms)
		at_ms = w->servers->news_ms;
	return at_ms;
}

void
engine_add_witnesses(struct engine *e, const struct destination *d, struct answers *known)
{
	struct witnessed *w = witnesses_find(e->witnessed, d->id);

	if (w == NULL)
		return;
	if (!witnessed_queue_serves(w, d, engine_now(e).mono_ms))
		w->says.queue = judge_no_witnesses(&e->judge).queue;
	if (!engine_servers_serve(e, w, d))
		w->says.measured = w->says.measured_gone = (struct measured){0};
	w->says.served_ms = served_ms(w);
	w->says.canary = engine_canary(e, w, d);
	w->says.prober = e->judge.prober;
	known->witnesses = &w->says;
	if (!w->says.measured.asked)
		return;
	w->says.prober = ANSWER_YES;
	known->sources[FACT_servers].asked = true;
	memcpy(known->servers, w->servers->text, sizeof(known->servers));
}

void
engine_put_told_first(const struct engine *e, int64_t *ids, size_t count)
{
	size_t told = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t id = ids[i];

		if (witnesses_find(e->witnessed, id) == NULL)
			continue;
		memmove(&ids[told + 1], &ids[told], (i - told) * sizeof(*ids));
		ids[told++] = id;
	}
}
