/* SPDX-License-Identifier: BSD-2-Clause */
/* An enforced MTA-STS policy that is kept is a floor: whatever else cannot be told. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine_impl.h"
#include "enginerig.h"

#define POLICY(mx, max_age) \
	"version: STSv1\nmode: enforce\nmx: " mx "\nmax_age: " max_age "\n"
#define ENFORCE POLICY("mx.d.test", "604800")
#define OTHER   POLICY("mx.other.test", "604800")
#define ENTRY   "match=mx.d.test servername=hostname"

static const char *id;     /* that DNS has; NULL: none */
static const char *policy; /* that is served; NULL: none */
static const char *mx;     /* the domain's server */
static enum dane_state tlsa;

static void
set_txt(struct sts_txt *out)
{
	*out = (struct sts_txt){.state = STS_TXT_NONE};
	if (id == NULL)
		return;
	out->state = STS_TXT_VALID;
	snprintf(out->id, sizeof(out->id), "%s", id);
}

static void
answer(struct measure_item *item)
{
	set_txt(&item->answers.sts_txt);
	if (mx != NULL)
		snprintf(item->answers.text, sizeof(item->answers.text),
		    "%s address=insecure", mx);
	item->answers.dane.state = tlsa;
}

static void
announce(const char *domain, struct sts_txt *out)
{
	(void)domain;
	set_txt(out);
}

static void
serve(const char *host, struct buf *text, struct fetch_answer *out)
{
	(void)host;
	if (policy == NULL)
		return;
	buf_printf(text, "%s", policy);
	*out = (struct fetch_answer){
	    .cause = STS_CAUSE_OK, .status = 200, .body = {buf_text(text), text->len}};
}

static void
begin_at(enum level level, const char *txt_id, const char *served)
{
	rig_new_settled();
	id = txt_id;
	policy = served;
	mx = "mx.d.test";
	tlsa = DANE_NONE;
	world.answer = answer;
	world.policy = announce;
	world.fetch = serve;
	world.can_dane = true;
	world.default_level = level;
	world.files_mark++;
	engine_doubt_settings(rig.engine);
	world_wait(rig.engine, MIN);
}

static void
begin(const char *txt_id, const char *served)
{
	begin_at(LEVEL_VERIFY, txt_id, served);
}

static void
assert_attributes(const char *domain, const char *attributes)
{
	struct buf sql = {0}, expected = {0};

	buf_printf(&sql, "SELECT attributes FROM destination WHERE key = '%s'", domain);
	buf_printf(&expected, "%s\n", attributes);
	kit_assert(STATE, buf_text(&sql), buf_text(&expected));
	buf_clear(&sql);
	buf_clear(&expected);
}

/* --- while it is being fetched -------------------------------------------------------
 */

/* d.test waits for a policy that is on its way, with that text. */
static void
begin_slow(const char *text)
{
	begin("1", text);
	world.hanging = true;
	rig_defer("d.test");
	world_wait(rig.engine, 5 * SECOND);
	assert_int_equal(world.fetches, 0);
}

/* Another key of the domain is judged meanwhile, and by then another is announced. */
static void
other_id_meanwhile(void **state)
{
	(void)state;
	begin_slow(OTHER);
	id = "2";
	rig_defer("[d.test]:587");
	world_wait(rig.engine, 5 * SECOND);
	kit_assert(STATE, "SELECT txt_id FROM sts", "2\n");
	world.hanging = false;
	world_work();
	policy = ENFORCE;
	world_wait(rig.engine, MIN);
	kit_assert(STATE, "SELECT id, mx FROM sts", "2|mx.d.test\n");
	assert_int_equal(world.fetches, 2);
	rig_close();
}

static void
ask_anew(void)
{
	struct err err;
	bool found;

	assert_true(store_begin(rig.store, &err) &&
	    store_sts_refresh(rig.store, "d.test", &found, &err) && found &&
	    store_commit(rig.store, &err));
	engine_mind_policies(rig.engine);
	world_wait(rig.engine, SECOND);
}

static void
asked_anew_meanwhile(void **state)
{
	(void)state;
	begin_slow(OTHER);
	ask_anew();
	world.hanging = false;
	world_work();
	policy = ENFORCE;
	world_wait(rig.engine, MIN);
	kit_assert(STATE, "SELECT refresh, mx FROM sts", "0|mx.d.test\n");
	rig_close();
}

/* No time there has to be between two fetches counts. */
static void
asked_anew_at_once(void **state)
{
	(void)state;
	begin("1", NULL);
	rig_defer("d.test");
	world_wait(rig.engine, 20 * SECOND);
	assert_int_equal(world.fetches, 1);
	policy = ENFORCE;
	ask_anew();
	assert_attributes("d.test", ENTRY);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(other_id_meanwhile, NULL,
	    "another id while a policy is being fetched: the new one is fetched, too");
	suite_add(asked_anew_meanwhile, NULL,
	    "so it is where the administrator asks for it meanwhile");
	suite_add(asked_anew_at_once, NULL, "who waits for nothing");
	return rig_end(suite_run());
}
