/* SPDX-License-Identifier: BSD-2-Clause */
#include "enginerig.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/rulefile.h"
#include "engine/engine_impl.h"
#include "suite.h"

struct rig rig;

bool
rig_begin(void)
{
	char file[] = "rules/postfix.yaml";
	char *files[] = {(char *)(uintptr_t)suite_path(file)};
	struct errs errs = {0};

	kit_begin();
	world_reset();
	rig.rules = rulefile_load(files, 1, RULEFILE_COMPILE, &errs);
	return rig.rules != NULL || kit_end(0) != 0;
}

int
rig_end(int status)
{
	if (rig.engine != NULL)
		rig_close();
	config_clear(&rig.config);
	rules_free(rig.rules);
	world_reset();
	return kit_end(status);
}

static void
on_judged(void *context, const struct destination *d, const struct judged *judged)
{
	(void)context;
	(void)d;
	rig.judged++;
	rig.decided += judged->changed;
}

void
rig_open(enum engine_mode mode)
{
	rig.engine = engine_new_in(
	    &scripted_world, &rig.config, rig.rules, mode, on_judged, NULL, &kit_err);
	if (rig.engine == NULL)
		fail_msg("%s", kit_err.text);
	if (mode == ENGINE_APPLY)
		rig.store = kit_open(STATE);
}

void
rig_close(void)
{
	store_close(rig.store);
	engine_free(rig.engine);
	rig.store = NULL;
	rig.engine = NULL;
}

/* A new database, and nothing of the tests before. */
void
rig_new(enum engine_mode mode)
{
	if (rig.engine != NULL) /* the test before failed */
		rig_close();
	kit_new(STATE);
	if (rig.config.state != NULL)
		config_clear(&rig.config);
	config_default(&rig.config);
	free(rig.config.state);
	rig.config.state = mem_strdup(kit_path(STATE));
	world_reset();
	rig.judged = 0;
	rig.decided = 0;
	rig_open(mode);
}

/* ... and what a start does is done. */
void
rig_new_settled(void)
{
	rig_new(ENGINE_APPLY);
	world_settle(rig.engine);
	world.export_ms = 0;
	world.export.times = 0;
}

void
rig_new_with(void (*does)(const struct finger_question *question, struct server *server))
{
	rig_new_settled();
	world.finger = does;
}

void
rig_notify_admin(void)
{
	free(rig.config.notify.to);
	rig.config.notify.to = mem_strdup("admin@example.org");
	rig.config.notify.no_digest = true; /* tests of alerts count mails */
}

void
rig_log_session(const char *grade, const char *relay)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "smtp[77]: %s TLS connection established to %s: TLSv1.3 with cipher "
	    "TLS_AES_256_GCM_SHA384 (256/256 bits)",
	    grade, relay);
	world_log(rig.engine, text);
}

void
rig_log_status(const char *domain, const char *relay, const char *dsn, const char *status)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "smtp[77]: Q%u: to=<u@%s>, relay=%s, delay=9, delays=8/0/0.03/0.02, dsn=%s, "
	    "status=%s",
	    ++rig.message, domain, relay, dsn, status);
	world_log(rig.engine, text);
}

void
rig_defer_because(const char *domain, const char *reason)
{
	char relay[NEXTHOP_HOST_SIZE + 32], status[400];

	snprintf(relay, sizeof(relay), "mx.%s[192.0.2.1]:25", domain);
	snprintf(status, sizeof(status), "deferred (%s)", reason);
	rig_log_status(domain, relay, "4.7.5", status);
}

void
rig_save(void)
{
	while (engine_save(rig.engine, NULL, 0) == ENGINE_SAVE_WAITS)
		world_settle(rig.engine);
}

void
rig_defer(const char *domain)
{
	rig_defer_because(domain, NOT_VERIFIED);
	rig_save();
}

/* How many domains: a0.test, a1.test ... */
void
rig_defer_many(const char *prefix, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "%s%u.test", prefix, i);
		rig_defer_because(domain, NOT_VERIFIED);
	}
	rig_save();
}

const char *
rig_last_id(void)
{
	static char id[32];

	snprintf(id, sizeof(id), "Q%u", rig.message);
	return id;
}

struct destination
rig_row(const char *domain)
{
	return kit_get(rig.store, domain);
}

void
rig_assert_entry(const char *domain, enum level level)
{
	assert_string_equal(level_name(rig_row(domain).entry.level), level_name(level));
}

void
rig_assert_why(const char *domain, enum why why)
{
	assert_string_equal(why_slug(rig_row(domain).why), why_slug(why));
}

void
rig_assert_judged(const char *domain, enum level entry, enum why why)
{
	rig_assert_why(domain, why);
	rig_assert_entry(domain, entry);
}

void
rig_assert_next(const char *name, int64_t wait_ms)
{
	int64_t is_ms;
	const char *is = engine_next(rig.engine, &is_ms);

	assert_string_equal(is != NULL ? is : "nothing", name);
	assert_int_equal(is_ms, wait_ms);
}

unsigned
rig_count_mailed(const char *text)
{
	unsigned count = 0;

	for (const char *p = buf_text(&world.bodies); (p = strstr(p, text)) != NULL; p++)
		count++;
	return count;
}

void
rig_settings_changed(void)
{
	world.files_mark++;
	engine_doubt_settings(rig.engine);
	world_wait(rig.engine, MIN);
}

int64_t rig_slow_ms;
unsigned rig_slow_asked;

void
rig_some_are_slow(const struct finger_question *question, struct server *server)
{
	if (strstr(question->host, "drop") == NULL) {
		world_self_signed(question, server);
		return;
	}
	world_is_silent(question, server);
	world.takes_ms = rig_slow_ms + rig_slow_asked++ * 7919 % (rig_slow_ms / 2);
}
