/* SPDX-License-Identifier: BSD-2-Clause */
/* Another command may have set, unset or exported something. */
#include "engine/engine_impl.h"

struct others {
	struct duty_state base;
	int64_t data_version; /* of the database, as last seen */
	int64_t again_ms;     /* when something was to be decided anew, as last seen */
};

/* What is decided anew rests on nothing old: where mail goes is asked again as well,
 * which the settings of Postfix begin with. */
static void
notice_again(struct engine *e, struct others *o)
{
	int64_t again_ms;
	struct err err;

	if (!store_counter_get(e->store, STORE_AGAIN, &again_ms, &err) ||
	    again_ms == o->again_ms)
		return;
	o->again_ms = again_ms;
	engine_doubt_settings(e);
}

static void
notice(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct others *o = (struct others *)base;
	int64_t data_version = o->data_version;
	struct err err;

	(void)now;
	if (!store_data_version(e->store, &data_version, &err) ||
	    data_version == o->data_version)
		return;
	o->data_version = data_version;
	if (engine_read_versions(e, &err) && e->map.version > e->map.published)
		engine_tell(e, NEWS_ENTRIES);
	notice_again(e, o);
	engine_tell(e, NEWS_EVIDENCE);
	engine_tell(e, NEWS_MAP);
}

/* It has no time of its own: each turn checks. */
static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	(void)e;
	(void)base;
	(void)now;
	return (struct due){.at_ms = DUE_NEVER};
}

const struct duty duty_others = {
    .name = "others",
    .state_size = sizeof(struct others),
    .notice = notice,
    .due = due,
};
