/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a pin: what becomes of the entry that it was. */
#include "core/ladder_impl.h"

/* What a pin leaves behind that is over: nobody found it necessary. */
bool
ladder_is_left_by_pin(const struct evidence *ev)
{
	return ev->pin_over && ev->entry.level != LEVEL_NONE;
}

static bool
sets_default_or_more(const struct evidence *ev, const struct decision *d)
{
	return d->wants == 0 && d->action == ACTION_SET &&
	    level_promise(d->entry.level) >= level_promise(ev->default_level);
}

/* Its end is put off until that is known. */
static struct decision
put_off_end(enum why why, int64_t look_again_ms)
{
	struct decision d = ladder_keep(why, look_again_ms);

	d.pin_stays = true;
	return d;
}

/*
 * A level that is no weaker than the default. It stays where it would be set as well, and
 * DANE that was seen to work is gone only after lasting proof. True: *d is that.
 */
static bool
stays_without_pin(const struct ladder_policy *policy, const struct evidence *ev,
    int64_t now_ms, struct decision *d)
{
	struct evidence without = *ev;

	if (d->wants != 0)
		return false;
	if (d->action == ACTION_REMOVE || d->why == WHY_DANE || d->why == WHY_POLICY ||
	    (d->why == WHY_DANE_GOING && ev->best_seen == LEVEL_DANE_ONLY))
		return true;
	if (d->why == WHY_DNS_UNSURE || d->why == WHY_OTHER_MAP_UNSURE) {
		d->pin_stays = true;
		return true;
	}
	if (ev->entry.level != LEVEL_DANE_ONLY)
		return false;
	without.entry = demand_of(LEVEL_NONE);
	*d = ladder_decide_any(policy, &without, now_ms);
	return sets_default_or_more(ev, d);
}

/* The administrator's word was all that it stood by. What is at least the default may
 * follow at once; anything less needs its witnesses, as without it. */
struct decision
ladder_end_pin(
    const struct ladder_policy *policy, const struct evidence *ev, int64_t now_ms)
{
	struct evidence calm = *ev;
	struct decision d;

	if (ev->default_level == LEVEL_UNKNOWN)
		return put_off_end(WHY_OUR_FAULT, now_ms + BACK_OFF_FIRST_MS);
	calm.deferral = false;
	d = ladder_decide_any(policy, &calm, now_ms);
	if ((d.wants & WANTS_DNS) != 0 || sets_default_or_more(ev, &d))
		return d;
	return !ladder_is_weakened(ev) && stays_without_pin(policy, &calm, now_ms, &d)
	    ? d
	    : ladder_without_entry(ev, WHY_TRIAL);
}
