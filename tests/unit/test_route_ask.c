/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/route_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake.h"

#define MANY 200

static const struct route_settings settings = {
    .relayhost = "", .default_transport = "smtp", .recipient_delimiter = ""};

/* A map whose program fails for names with "evil" in them, and has one that is known. */
static const char failing[] =
    "keys=$(cat)\n"
    "case $keys in *evil*) echo 'postmap: fatal: TEMP' >&2; exit 1;; esac\n"
    "case $keys in *known.test*) printf 'known.test\\tsmtp:[relay.test]\\n'; exit;; "
    "esac\n"
    "exit 1\n";

struct asked {
	struct route routes[MANY];
	enum route_asked asked[MANY];
	struct err why;
};

static bool
ask(const char *maps, char **recipients, size_t count, struct asked *out)
{
	return route_ask(&fake_postfix, &settings, maps, recipients, count, out->routes,
	    out->asked, &out->why);
}

static unsigned
calls(void)
{
	char *text = fake_get("postmap.calls");
	unsigned count = 0;

	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		count++;
	free(text);
	return count;
}

static void
proxied_map_is_opened_directly(void **state)
{
	static char user[] = "u@known.test";
	char *recipients[] = {user};
	struct asked *out = mem_new(1, sizeof(*out));

	(void)state;
	fake_reset();
	fake_put("postmap.sh",
	    "case \"$*\" in *proxy:mysql*) echo fatal >&2; exit 1;; esac\n"
	    "grep -Fxq known.test && printf 'known.test\\tsmtp:[relay.test]\\n'\n");
	assert_true(
	    ask("proxy:mysql:/a.cf unionmap:{proxy:mysql:/b.cf, inline:{x=proxy:}}",
	        recipients, 1, out));
	assert_int_equal(out->asked[0], ROUTE_TOLD);
	assert_string_equal(out->routes[0].key, "[relay.test]");
	assert_true(fake_has("postmap.calls", "[mysql:/a.cf]"));
	assert_true(
	    fake_has("postmap.calls", "[unionmap:{mysql:/b.cf, inline:{x=proxy:}}]"));
	free(out);
}

static void
failure_is_one_recipients_own(void **state)
{
	static char evil[] = "u@evil.test", known[] = "u@known.test",
	            other[] = "u@other.test";
	char *recipients[] = {evil, known, other};
	struct asked *out = mem_new(1, sizeof(*out));

	(void)state;
	fake_reset();
	fake_put("postmap.sh", failing);
	assert_true(ask("socketmap:unix:/s:t", recipients, 3, out));
	assert_int_equal(out->asked[0], ROUTE_UNTOLD);
	assert_string_equal(out->routes[0].key, "");
	assert_non_null(strstr(out->why.text, "TEMP"));
	assert_int_equal(out->asked[1], ROUTE_TOLD);
	assert_string_equal(out->routes[1].key, "[relay.test]");
	assert_int_equal(out->asked[2], ROUTE_TOLD);
	assert_string_equal(out->routes[2].key, "other.test");
	free(out);
}

/* Whoever makes up such names does not keep us busy, nor those of others for good. */
static void
many_failures_are_bounded(void **state)
{
	static char names[MANY][32];
	char *recipients[MANY];
	struct asked *out = mem_new(1, sizeof(*out));
	size_t count = MANY;
	unsigned rounds = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(
		    names[i], sizeof(names[i]), "u@%s%zu", i % 4 == 1 ? "evil" : "a", i);
		recipients[i] = names[i];
	}
	fake_put("postmap.sh", failing);
	while (count > 0) {
		size_t left = 0;

		assert_true(rounds++ < MANY);
		fake_put("postmap.calls", NULL);
		assert_true(ask("socketmap:unix:/s:t", recipients, count, out));
		assert_true(calls() <= 50);
		for (size_t i = 0; i < count; i++) {
			bool evil = strstr(recipients[i], "evil") != NULL;

			if (out->asked[i] == ROUTE_LATER)
				recipients[left++] = recipients[i];
			else
				assert_int_equal(
				    out->asked[i], evil ? ROUTE_UNTOLD : ROUTE_TOLD);
		}
		assert_true(left < count);
		count = left;
	}
	free(out);
}

/* Nothing is known then, and all of it is asked again. */
static void
dead_map_fails(void **state)
{
	static char one[] = "u@a.test", two[] = "u@b.test";
	char *recipients[] = {one, two};
	struct asked *out = mem_new(1, sizeof(*out));

	(void)state;
	fake_reset();
	fake_put("postmap.sh", "echo 'postmap: fatal: it is down' >&2; exit 1\n");
	assert_false(ask("hash:/m", recipients, 2, out));
	assert_non_null(strstr(out->why.text, "it is down"));
	assert_int_equal(calls(), 2);
	free(out);
}

int
main(void)
{
	int failed;

	fake_begin();
	suite_add(proxied_map_is_opened_directly, NULL,
	    "a transport map behind proxymap is opened directly");
	suite_add(failure_is_one_recipients_own, NULL,
	    "one recipient that a map cannot tell of leaves the others told");
	suite_add(many_failures_are_bounded, NULL,
	    "many that it cannot tell of are bounded, and all come to an end");
	suite_add(dead_map_fails, NULL, "a map that tells nothing fails");
	failed = suite_run();
	fake_end();
	return failed;
}
