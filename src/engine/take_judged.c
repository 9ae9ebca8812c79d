/* SPDX-License-Identifier: BSD-2-Clause */
/* What was decided of a destination is carried out: stored, reported, and told others. */
#include "engine/alerts.h"
#include "engine/engine_impl.h"

#define JUST_READ_MS 10000 /* settings, to be told that they are wrong */

/* How soon what was judged is to be in force. was_read: the log said something of it. */
static enum news
entries_news(const struct destination *d, bool was_read)
{
	if (!d->alarm.raised)
		return NEWS_CALM_ENTRIES;
	return was_read ? NEWS_ENTRIES : NEWS_LATE_ENTRIES;
}

bool
engine_take_judged(struct engine *e, struct destination *d, const struct judged *judged,
    bool was_read, int64_t now_ms, struct err *err)
{
	bool tells = engine_is_to_alert(e, d, judged);

	if (!judge_store(e->store, d, judged, now_ms, err) ||
	    (tells &&
	        !store_wait_alerted(
	            e->store, d->id, why_slug(judged->decision.why), now_ms, 0, err)))
		return false;
	engine_count_decision(e, judged);
	if (judged->map_changed) {
		e->map.version++;
		engine_tell(e, entries_news(d, was_read));
	}
	if (judged->decision.alert && d->alarm.raised && d->alarm.policy_refused) {
		if (d->alarm.time_ms > e->map.unasked_ms)
			e->map.unasked_ms = d->alarm.time_ms;
		engine_tell(e, NEWS_DOUBT);
	}
	if (judged->decision.retry)
		engine_tell(e, NEWS_MAIL);
	if (d->alarm.raised)
		engine_mind_wait(e);
	if (e->driver.decided != NULL)
		e->driver.decided(e->driver.context, d, judged);
	if (tells)
		engine_alert_decision(e, d, judged);
	return true;
}

bool
engine_rests_on_old_settings(struct engine *e, const struct judged *judged)
{
	if (e->driver.mode != ENGINE_APPLY)
		return false;
	if (judged->decision.why == WHY_NO_EFFECT &&
	    engine_now(e).mono_ms - e->known->read_ms > JUST_READ_MS)
		engine_doubt_settings(e);
	else if (judged->map_changed)
		return !engine_settings_stand(e);
	return e->known->stale > 0;
}
