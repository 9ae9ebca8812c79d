/* SPDX-License-Identifier: BSD-2-Clause */
/* Configurations that are good, the example, and the manual of the keys. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "conf/config.h"
#include "sys/file.h"

static void
parse_good(const char *text, struct config *config)
{
	struct errs errs = {0};

	if (!config_parse("c", str_of(text), config, &errs))
		fail_msg("%s", errs.lines[0]);
	assert_int_equal(errs.count, 0);
}

static void
assert_list(const struct strings *list, const char *a, const char *b)
{
	assert_int_equal(list->count, b != NULL ? 2 : a != NULL ? 1 : 0);
	if (a != NULL)
		assert_string_equal(list->items[0], a);
	if (b != NULL)
		assert_string_equal(list->items[1], b);
}

static void
assert_defaults(const struct config *c)
{
	assert_list(&c->log.files, "/var/log/mail.log", NULL);
	assert_false(c->log.from_start);
	assert_string_equal(c->state, STATEDIR "/state.db");
	assert_list(&c->rules, RULESDIR "/postfix.yaml", NULL);
	assert_string_equal(c->map.file, STATEDIR "/tls_policy");
	assert_string_equal(config_map_seen(c), STATEDIR "/tls_policy");
	assert_string_equal(c->map.type, "auto");
	assert_int_equal(c->map.settle_ms, 200);
	assert_string_equal(c->postfix.config_directory, "");
	assert_list(&c->postfix.command, NULL, NULL);
	assert_list(&c->postfix.environment, NULL, NULL);
	assert_int_equal(c->postfix.default_level, LEVEL_UNKNOWN);
	assert_true(c->postfix.retry);
	assert_list(&c->dns.resolvers, NULL, NULL);
	assert_false(c->dns.trust_ad);
	assert_int_equal(c->dns.timeout_ms, 3000);
	assert_int_equal(c->dns.tries, 3);
	assert_int_equal(c->dns.workers, 8);
	assert_int_equal(c->ladder.lowest, LEVEL_MAY);
	assert_int_equal(c->ladder.may_after_attempts, 2);
	assert_int_equal(c->ladder.may_after_ms, 600000);
	assert_int_equal(c->ladder.hold_verify_ms, 86400000);
	assert_int_equal(c->ladder.hold_encrypt_ms, 86400000);
	assert_int_equal(c->ladder.hold_may_ms, 86400000);
	assert_int_equal(c->ladder.recheck_ms, 604800000);
	assert_int_equal(c->ladder.climb_probes, 2);
	assert_int_equal(c->ladder.climb_apart_ms, 3600000);
	assert_false(c->probe.off);
	assert_list(&c->probe.canaries, NULL, NULL);
	assert_true(c->mta_sts.enable);
	assert_string_equal(c->mta_sts.ca_file, "");
	assert_list(&c->mta_sts.networks, NULL, NULL);
	assert_int_equal(c->publish.count, 0);
	assert_int_equal(c->nodes.count, 0);
	assert_int_equal(c->log.learn_ms, INT64_C(2592000000));
	assert_int_equal(c->ladder.dane_withdrawn_ms, 259200000);
	assert_int_equal(c->freeze.destinations, 20);
	assert_int_equal(c->freeze.time_ms, 600000);
	assert_string_equal(c->notify.to, "");
	assert_string_equal(c->notify.from, "");
	assert_list(&c->notify.command, NULL, NULL);
	assert_false(c->notify.no_digest);
	assert_string_equal(c->notify.template, "");
	assert_null(c->notify.text);
}

static void
defaults_are(void **state)
{
	struct config config;

	(void)state;
	config_default(&config);
	assert_defaults(&config);
	config_clear(&config);
	config_clear(&config); /* once more does no harm */
}

/* Texts that say nothing. */
static const char *const empty[] = {"", "\n\n", "# a comment\n", "---\n", "---\n...\n",
    "~\n", "\xef\xbb\xbf# BOM\n", "%YAML 1.1\n---\n", "{}\n",
    "log:\ndns:\nladder:\n  hold:\n", "notify: {to: '', from: ~}\n",
    "postfix:\n  config_directory: \n  command:\n", "dns: {resolver: auto}\n",
    "publish: []\n", "publish:\n", "nodes: {}\n", "nodes:\n", NULL};

static void
text_means_the_defaults(void **state)
{
	struct config config;

	parse_good(*state, &config);
	assert_defaults(&config);
	config_clear(&config);
}

static void
assert_publisher(
    const struct publisher *p, const char *name, const char *map, enum level lowest)
{
	struct buf printed = {0};

	publisher_print_name(p, &printed);
	assert_string_equal(buf_text(&printed), name);
	assert_string_equal(p->map, map);
	assert_int_equal(p->lowest, lowest);
	buf_clear(&printed);
}

static void
every_key_is_read(void **state)
{
	struct config c;

	(void)state;
	parse_good(
	    "log:\n  file: [/a/b.log, \"-\"]\n  from: start\n"
	    "  learn: 0\n  nested: mailu-smtp\n"
	    "state: /s\nrules: [/r1, /r2]\n"
	    "map: {file: /m, seen_as: /opt/m, type: none, settle: 0}\n"
	    "postfix:\n  config_directory: /etc/postfix-out\n"
	    "  command: [docker, -i]\n  environment: [DOCKER_HOST, _x1]\n  "
	    "default_level: dane-only\n  retry: off\n"
	    "dns:\n  resolver:\n  - 127.0.0.1\n  - 2001:db8::1@5353\n  trust: ad\n"
	    "  timeout: 60s\n  tries: 10\n  workers: 64\n"
	    "mta_sts: {enable: false, ca_file: /ca.pem, networks: [10.0.0.0/8, "
	    "'fd00::/8']}\n"
	    "probe: {servers: no, canaries: [mx.example.org, 'mx2.example.org:587']}\n"
	    "ladder:\n  lowest: encrypt\n  may_after: {attempts: 1000, time: 30d}\n"
	    "  hold: {verify: 1s, encrypt: 0, may: 0s}\n  recheck: 90d\n"
	    "  climb: {probes: 1, apart: 1s}\n  dane_withdrawn: 12h\n"
	    "  freeze: {destinations: 2, time: 1s}\n"
	    "publish:\n- {sql: mariadb, login: /m.cnf, schema: mailcow,"
	    " map: 'proxy:mysql:/m.cf', lowest: verify}\n"
	    "- {sql: mariadb, login: /n.cnf, schema: mailcow}\n"
	    "- sql: postgresql\n  login: /p.conf\n  schema: own\n  map:\n"
	    "nodes:\n  Node1.example: {command: [ssh, -oBatchMode=yes, node1]}\n"
	    "  4f5e6d7c8b9a:\n    command: [docker, exec]\n  any: {}\n"
	    "notify: {to: postmaster, from: 'root@[192.0.2.1]',"
	    " command: [logger, -t], digest: never}\r\n",
	    &c);
	assert_list(&c.log.files, "/a/b.log", "-");
	assert_true(c.log.from_start);
	assert_string_equal(c.state, "/s");
	assert_list(&c.rules, "/r1", "/r2");
	assert_string_equal(c.map.file, "/m");
	assert_string_equal(config_map_seen(&c), "/opt/m");
	assert_string_equal(c.map.type, "none");
	assert_int_equal(c.map.settle_ms, 0);
	assert_string_equal(c.postfix.config_directory, "/etc/postfix-out");
	assert_list(&c.postfix.command, "docker", "-i");
	assert_list(&c.postfix.environment, "DOCKER_HOST", "_x1");
	assert_int_equal(c.postfix.default_level, LEVEL_DANE_ONLY);
	assert_false(c.postfix.retry);
	assert_list(&c.dns.resolvers, "127.0.0.1", "2001:db8::1@5353");
	assert_true(c.dns.trust_ad);
	assert_int_equal(c.dns.timeout_ms, 60000);
	assert_int_equal(c.dns.tries, 10);
	assert_int_equal(c.dns.workers, 64);
	assert_int_equal(c.ladder.lowest, LEVEL_ENCRYPT);
	assert_int_equal(c.ladder.may_after_attempts, 1000);
	assert_int_equal(c.ladder.may_after_ms, INT64_C(2592000000));
	assert_int_equal(c.log.learn_ms, 0);
	assert_string_equal(c.log.nested, "mailu-smtp");
	assert_true(c.probe.off);
	assert_list(&c.probe.canaries, "mx.example.org", "mx2.example.org:587");
	assert_false(c.mta_sts.enable);
	assert_string_equal(c.mta_sts.ca_file, "/ca.pem");
	assert_list(&c.mta_sts.networks, "10.0.0.0/8", "fd00::/8");
	assert_int_equal(c.publish.count, 3);
	assert_publisher(&c.publish.items[0], "sql mariadb mailcow /m.cnf",
	    "proxy:mysql:/m.cf", LEVEL_VERIFY);
	assert_publisher(
	    &c.publish.items[1], "sql mariadb mailcow /n.cnf", "", LEVEL_ENCRYPT);
	assert_publisher(
	    &c.publish.items[2], "sql postgresql own /p.conf", "", LEVEL_MAY);
	assert_int_equal(c.nodes.count, 3);
	assert_string_equal(c.nodes.items[0].host, "node1.example");
	assert_int_equal(c.nodes.items[0].command.count, 3);
	assert_string_equal(c.nodes.items[0].command.items[1], "-oBatchMode=yes");
	assert_string_equal(c.nodes.items[1].host, "4f5e6d7c8b9a");
	assert_list(&c.nodes.items[1].command, "docker", "exec");
	assert_string_equal(c.nodes.items[2].host, "any");
	assert_int_equal(c.nodes.items[2].command.count, 0);
	assert_int_equal(c.ladder.climb_probes, 1);
	assert_int_equal(c.ladder.climb_apart_ms, 1000);
	assert_int_equal(c.ladder.hold_verify_ms, 1000);
	assert_int_equal(c.ladder.hold_encrypt_ms, 0);
	assert_int_equal(c.ladder.hold_may_ms, 0);
	assert_int_equal(c.ladder.recheck_ms, INT64_C(7776000000));
	assert_int_equal(c.ladder.dane_withdrawn_ms, 43200000);
	assert_int_equal(c.freeze.destinations, 2);
	assert_int_equal(c.freeze.time_ms, 1000);
	assert_string_equal(c.notify.to, "postmaster");
	assert_string_equal(c.notify.from, "root@[192.0.2.1]");
	assert_list(&c.notify.command, "logger", "-t");
	assert_true(c.notify.no_digest);
	config_clear(&c);
}

static void
list_of_one_needs_no_list(void **state)
{
	struct config c;

	(void)state;
	parse_good("log: {file: '-'}\nrules: /r\ndns: {resolver: \"::1\"}\n", &c);
	assert_list(&c.log.files, "-", NULL);
	assert_list(&c.rules, "/r", NULL);
	assert_list(&c.dns.resolvers, "::1", NULL);
	config_clear(&c);
}

/* --- the example and the manual --- */

/* The file with the directories of this build where those of a distribution stand. */
static void
read_localised(const char *name, struct buf *out)
{
	char *path = (char *)(uintptr_t)suite_path(name);
	struct buf text = {0};
	struct str rest;
	struct err err;

	if (!file_read(path, 1024 * 1024, &text, &err))
		fail_msg("%s", err.text);
	rest = (struct str){text.data, text.len};
	while (rest.len > 0) {
		if (str_eat(&rest, STR("/var/lib/tlsladder"))) {
			buf_printf(out, "%s", STATEDIR);
		} else if (str_eat(&rest, STR("/usr/share/tlsladder/rules"))) {
			buf_printf(out, "%s", RULESDIR);
		} else {
			buf_add_char(out, rest.p[0]);
			rest = str_skip(rest, 1);
		}
	}
	buf_clear(&text);
	free(path);
}

static void
example_is_the_defaults(void **state)
{
	struct config config;
	struct buf text = {0};

	(void)state;
	read_localised("examples/tlsladder.yaml", &text);
	parse_good(buf_text(&text), &config);
	assert_defaults(&config);
	config_clear(&config);
	buf_clear(&text);
}

/* Is there a line that begins so, but for its indentation? */
static bool
has_line(struct str text, const char *begin)
{
	struct str line;

	while (str_cut(&text, '\n', &line))
		if (str_starts(str_trim(line), str_of(begin)))
			return true;
	return false;
}

/* Under what is decided: the ladder, each value of it. */
static const char judging[] = "ladder.lowest may\n"
                              "ladder.may_after.attempts 2\n"
                              "ladder.may_after.time 10m\n"
                              "ladder.hold.verify 1d\n"
                              "ladder.hold.encrypt 1d\n"
                              "ladder.hold.may 1d\n"
                              "ladder.recheck 7d\n"
                              "ladder.climb.probes 2\n"
                              "ladder.climb.apart 1h\n"
                              "ladder.dane_withdrawn 3d\n";

/* What is shown is what would be written. */
static void
every_key_is_shown(void **state)
{
	struct buf shown = {0}, again = {0};
	struct config config;
	const char *path, *initial;
	int64_t ms, shown_ms;

	(void)state;
	config_default(&config);
	for (size_t i = 0; (path = config_key(i, &initial)) != NULL; i++) {
		buf_reset(&shown);
		config_show(&config, i, &shown);
		if (span_parse(str_of(initial), &ms)) { /* 24h: 1d */
			assert_true(span_parse(str_of(buf_text(&shown)), &shown_ms));
			assert_int_equal(shown_ms, ms);
			continue;
		}
		if (strcmp(buf_text(&shown), initial) != 0)
			fail_msg("%s: %s", path, buf_text(&shown));
	}
	buf_reset(&shown);
	config_show_judging(&config, &shown);
	assert_string_equal(buf_text(&shown), judging);
	config.ladder.lowest = LEVEL_ENCRYPT;
	config_show_judging(&config, &again);
	assert_memory_equal(
	    buf_text(&again), "ladder.lowest encrypt\n", sizeof("ladder.lowest encrypt"));
	buf_clear(&shown);
	buf_clear(&again);
	config_clear(&config);
}

static void
every_key_is_explained(void **state)
{
	struct buf manual = {0}, example = {0}, wanted = {0};
	const char *path, *initial;
	size_t count = 0;

	(void)state;
	read_localised("src/tlsladder.yaml.5", &manual);
	read_localised("examples/tlsladder.yaml", &example);
	for (; (path = config_key(count, &initial)) != NULL; count++) {
		const char *dot = strrchr(path, '.');

		buf_reset(&wanted);
		buf_printf(&wanted, ".It Cm %s : %s", path,
		    *initial != '\0' ? initial
		        : strcmp(path, "postfix.command") == 0 ||
		            strcmp(path, "postfix.environment") == 0 ||
		            strcmp(path, "notify.command") == 0 ||
		            strcmp(path, "notify.deny") == 0 ||
		            strcmp(path, "probe.canaries") == 0 ||
		            strcmp(path, "publish") == 0 ||
		            strcmp(path, "mta_sts.networks") == 0
		        ? "[]"
		        : strcmp(path, "nodes") == 0 ? "{}"
		                                     : "Pq empty");
		if (!has_line((struct str){manual.data, manual.len}, buf_text(&wanted)))
			fail_msg("the manual lacks: %s", buf_text(&wanted));
		buf_reset(&wanted);
		buf_printf(&wanted, "%s:%s%s", dot != NULL ? dot + 1 : path,
		    *initial != '\0' ? " " : "", initial);
		if (!has_line((struct str){example.data, example.len}, buf_text(&wanted)))
			fail_msg("the example lacks: %s", path);
	}
	assert_int_equal(count, 46);
	buf_clear(&manual);
	buf_clear(&example);
	buf_clear(&wanted);
}

int
main(void)
{
	suite_add(defaults_are, NULL, "the defaults are those of the manual");
	for (size_t i = 0; empty[i] != NULL; i++)
		suite_add(text_means_the_defaults, empty[i],
		    "empty text %zu is the defaults", i + 1);
	suite_add(every_key_is_read, NULL, "every key is read");
	suite_add(list_of_one_needs_no_list, NULL, "a list of one needs no list");
	suite_add(example_is_the_defaults, NULL, "the example loads to the defaults");
	suite_add(every_key_is_shown, NULL,
	    "every key is shown, and those under which decisions were made");
	suite_add(
	    every_key_is_explained, NULL, "every key is in the manual and the example");
	return suite_run();
}
