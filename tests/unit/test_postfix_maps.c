/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fake.h"

struct maps_row {
	const char *policy_maps;
	bool ours;
	const char *others; /* with | between them */
};

static const struct maps_row maps_rows[] = {
    {"", false, ""},
    {"lmdb:/our/map", true, ""},
    {"hash:/etc/a, lmdb:/our/map", true, "hash:/etc/a"},
    {"hash:/etc/a lmdb:/our/map,\tpcre:/etc/b", true, "hash:/etc/a|pcre:/etc/b"},
    {"proxy:lmdb:/our/map, proxy:mysql:/etc/my.cf", true, "proxy:mysql:/etc/my.cf"},
    {"/our/map", true, ""},
    {"lmdb:/our/map2, lmdb:/our/mapp, lmdb:/the/our/map", false,
        "lmdb:/our/map2|lmdb:/our/mapp|lmdb:/the/our/map"},
    {"inline:{ {a.test = may}, {b.test=encrypt ciphers=high} }, hash:/x", false,
        "inline:{ {a.test = may}, {b.test=encrypt ciphers=high} }|hash:/x"},
    {"socketmap:inet:127.0.0.1:8461:postfix", false,
        "socketmap:inet:127.0.0.1:8461:postfix"},
    {"unionmap:{lmdb:/our/map, hash:/x}", true, ""},
    {"pipemap:{lmdb:/our/map2,hash:/x}", false, "pipemap:{lmdb:/our/map2,hash:/x}"},
    {"inline:{ {unbalanced = may}, hash:/x", false,
        "inline:{ {unbalanced = may}, hash:/x"},
    {"hash:/x}, hash:/y", false, "hash:/x}|hash:/y"},
};

static void
other_maps_are(void **state)
{
	const struct maps_row *row = *state;
	struct buf others = {0};
	bool ours = !row->ours;
	char **maps = postfix_other_maps(row->policy_maps, "/our/map", &ours);

	for (size_t i = 0; maps[i] != NULL; i++)
		buf_printf(&others, "%s%s", i > 0 ? "|" : "", maps[i]);
	assert_string_equal(buf_text(&others), row->others);
	assert_int_equal(ours, row->ours);
	postfix_maps_free(maps);
	buf_clear(&others);
}

/* A list of other maps, transport_maps say, holds none of ours. */
static void
no_path_is_no_map(void **state)
{
	static const char maps_of[] = "inline:{a.test=smtp:, b.test=smtp:} hash:/b";
	bool ours = true;
	char **maps = postfix_other_maps(maps_of, "", &ours);

	(void)state;
	assert_false(ours);
	assert_string_equal(maps[0], "inline:{a.test=smtp:, b.test=smtp:}");
	assert_string_equal(maps[1], "hash:/b");
	assert_null(maps[2]);
	postfix_maps_free(maps);
}

struct lookup_row {
	const char *name;
	const char *out;
	const char *err;
	const char *status;
	enum answer answer;
	const char *value; /* or what err is */
};

#define WARNING "postmap: warning: database /m.db is older than source file /m\n"
#define FATAL   "postmap: fatal: open database /m.db: No such file or directory\n"

static const struct lookup_row lookup_rows[] = {
    {"found", "a.test\tencrypt\n", "", "0", ANSWER_YES, "encrypt"},
    {"found, with a warning", "a.test\tmay\n", WARNING, "0", ANSWER_YES, "may"},
    {"a value with blanks and tabs", "a.test\tsecure match=x\ty\n", "", "0", ANSWER_YES,
        "secure match=x\ty"},
    {"an empty value is a value", "a.test\t\n", "", "0", ANSWER_YES, ""},
    {"not found", "", "", "1", ANSWER_NO, NULL},
    {"not found, with a warning", "", WARNING, "1", ANSWER_NO, NULL},
    {"a missing map is no answer", "", FATAL, "1", ANSWER_UNSURE,
        "hash:/m: postmap: exit status 1: postmap: fatal: open database /m.db: No such "
        "file "
        "or directory"},
    {"a warning does not hide a failure", "", WARNING FATAL, "1", ANSWER_UNSURE, NULL},
    {"another program's failure is no answer", "", "Error: No such container: mailcow\n",
        "1", ANSWER_UNSURE, NULL},
    {"another exit status is no answer", "", "", "2", ANSWER_UNSURE, NULL},
    {"found, and failed after it", "a.test\tmay\n", "", "1", ANSWER_UNSURE, NULL},
    {"another key is no answer", "b.test\tmay\n", "", "0", ANSWER_UNSURE,
        "hash:/m: postmap printed what was not asked"},
    {"the key twice is no answer", "a.test\tmay\na.test\tmay\n", "", "0", ANSWER_UNSURE,
        NULL},
    {"a value of two lines is no answer", "a.test\tmay\nmore\n", "", "0", ANSWER_UNSURE,
        "hash:/m: postmap printed no key and value"},
};

static void
lookup_gives(void **state)
{
	const struct lookup_row *row = *state;
	struct err err = {{0}};
	char *value, *calls, *input;

	fake_reset();
	fake_put("postmap.out", row->out);
	fake_put("postmap.err", row->err);
	fake_put("postmap.status", row->status);
	assert_int_equal(postfix_lookup(&fake_postfix, "hash:/m", "a.test", &value, &err),
	    row->answer);
	if (row->answer == ANSWER_YES)
		assert_string_equal(value, row->value);
	else
		assert_null(value);
	if (row->answer == ANSWER_UNSURE && row->value != NULL)
		assert_string_equal(err.text, row->value);
	calls = fake_get("postmap.calls");
	input = fake_get("postmap.input");
	assert_string_equal(calls, "postmap [-c] [/etc/postfix-9] [-q] [-] [hash:/m]\n");
	assert_string_equal(input, "a.test\n");
	free(calls);
	free(input);
	free(value);
}

static const char *const bad_keys[] = {"", "a b", "a\nb", "a\tb", "\x7f", " a"};

static void
key_cannot_be_asked(void **state)
{
	struct err err;
	char *value;

	fake_reset();
	assert_int_equal(postfix_lookup(&fake_postfix, "hash:/m", *state, &value, &err),
	    ANSWER_UNSURE);
	assert_int_equal(
	    postfix_lookup(&fake_postfix, "-x", "a.test", &value, &err), ANSWER_UNSURE);
	fake_assert("postmap.calls", "");
}

/* Answers for the keys that are lines of a file named after the map. */
static const char answering[] =
    "map=$(eval echo \\${$#})\n"
    "table=$FAKE_DIR/${map##*:}\n"
    "if [ ! -f \"$table\" ]; then\n"
    "	echo \"postmap: fatal: open database $table: No such file or directory\" >&2\n"
    "	exit 1\n"
    "fi\n"
    "tee -a \"$FAKE_DIR/postmap.input\" | grep -Fx -f \"$table\" | sed 's/$/\tmay/'\n"
    "grep -qFx -f \"$table\" \"$FAKE_DIR/postmap.input\"\n";

static const char buecher[] = "b\xc3\xbc"
                              "cher.test";

static char empty_map[] = "x:empty", table_map[] = "x:table", missing_map[] = "x:missing",
            proxied_map[] = "proxy:x:table", inline_map[] = "inline:{ {a.test = may} }";

static void
maps_answer_as_smtp_asks(void **state)
{
	const char *const keys[] = {"mail.known.test", "x.y.parent.test", "parent.test",
	    "[known.test]", "[x.parent.test]:25", "192.0.2.1", buecher, "other.test",
	    "bad key"};
	const enum answer expected[] = {ANSWER_YES, ANSWER_YES, ANSWER_NO, ANSWER_NO,
	    ANSWER_NO, ANSWER_NO, ANSWER_YES, ANSWER_NO, ANSWER_UNSURE};
	char *maps[] = {empty_map, table_map, NULL};
	enum answer answers[9];
	struct err err;
	char *input;

	(void)state;
	fake_reset();
	fake_put("postmap.sh", answering);
	fake_put("empty", "none-of-these.test\n");
	fake_put("table",
	    "mail.known.test\n.parent.test\n.2.1\nb\xc3\xbc"
	    "cher.test\n");
	assert_true(postfix_maps_answer(&fake_postfix, maps, keys, 9, answers, &err));
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(answers[i], expected[i]);
	input = fake_get("postmap.input");
	assert_non_null(strstr(input,
	    "mail.known.test\n.known.test\n.test\nx.y.parent.test\n.y.parent.test\n"
	    ".parent.test\n.test\nparent.test\n.test\n[known.test]\n[x.parent.test]:25\n"
	    "192.0.2.1\n"));
	free(input);
}

static void
failed_map_makes_unsure(void **state)
{
	const char *const keys[] = {"known.test", "other.test"};
	char *maps[] = {missing_map, table_map, NULL};
	enum answer answers[2];
	struct err err;

	(void)state;
	fake_reset();
	fake_put("postmap.sh", answering);
	fake_put("table", "known.test\n");
	assert_false(postfix_maps_answer(&fake_postfix, maps, keys, 2, answers, &err));
	assert_int_equal(answers[0], ANSWER_YES);
	assert_int_equal(answers[1], ANSWER_UNSURE);
	assert_non_null(strstr(err.text, "x:missing: postmap: exit status 1: "));
}

/* A plugin that cannot answer one key (socketmap: TEMP). */
static void
failure_is_one_keys_own(void **state)
{
	const char *const keys[] = {"a.test", "evil.test", "known.test"};
	char *maps[] = {table_map, NULL};
	enum answer answers[3];
	struct err err;

	(void)state;
	fake_reset();
	fake_put("postmap.sh",
	    "keys=$(cat)\n"
	    "case $keys in *evil*) echo 'postmap: fatal: TEMP' >&2; exit 1;; esac\n"
	    "case $keys in *known*) printf 'known.test\\tmay\\n'; exit;; esac\n"
	    "exit 1\n");
	assert_false(postfix_maps_answer(&fake_postfix, maps, keys, 3, answers, &err));
	assert_int_equal(answers[0], ANSWER_NO);
	assert_int_equal(answers[1], ANSWER_UNSURE);
	assert_int_equal(answers[2], ANSWER_YES);
	assert_non_null(strstr(err.text, "TEMP"));
}

/* What a proxied map says of a key, which is asked of the table itself. */
static enum answer
ask_proxied_map(const char *script, bool works, struct err *err)
{
	const char *const keys[] = {"known.test"};
	char *maps[] = {proxied_map, NULL};
	enum answer answer;

	fake_reset();
	fake_put("postmap.sh", script);
	assert_int_equal(
	    postfix_maps_answer(&fake_postfix, maps, keys, 1, &answer, err), works);
	fake_assert(
	    "postmap.calls", "postmap [-c] [/etc/postfix-9] [-q] [-] [x:table]\n");
	return answer;
}

static void
proxied_map_is_opened_directly(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(
	    ask_proxied_map("case \"$*\" in *proxy:*) echo fatal >&2; exit 1;; esac\n"
	                    "printf 'known.test\\tmay\\n'\n",
	        true, &err),
	    ANSWER_YES);
}

/* What may not be read is named at once; proxymap(8) is not asked instead. */
static void
permission_is_named(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(
	    ask_proxied_map("echo 'postmap: fatal: open /etc/postfix/sql.cf: Permission "
	                    "denied' >&2; exit 1\n",
	        false, &err),
	    ANSWER_UNSURE);
	assert_non_null(strstr(err.text, "open /etc/postfix/sql.cf: Permission denied"));
}

/* Commands that run in a container are told of the path there, of our map alone. */
static void
map_is_seen_elsewhere(void **state)
{
	struct postfix postfix = fake_postfix;
	struct err err;
	char *value;

	(void)state;
	postfix.map_file = "/our/map";
	postfix.map_seen_as = "/opt/tls/policy";
	fake_reset();
	fake_put("postmap.sh", "exit 0\n");
	assert_true(postfix_postmap(&postfix, "hash:/our/map.new", &err));
	assert_true(
	    postfix_map_put(&postfix, "lmdb:/our/map", STR("a.test\tmay\n"), &err));
	assert_true(postfix_map_delete(&postfix, "lmdb:/our/map", STR("a.test\n"), &err));
	postfix_lookup(&postfix, "hash:/our/map", "a.test", &value, &err);
	postfix_lookup(&postfix, "hash:/our/map2", "a.test", &value, &err);
	postfix_lookup(&postfix, "mysql:/opt/postfix/conf/a.cf", "a.test", &value, &err);
	fake_assert("postmap.calls",
	    "postmap [-c] [/etc/postfix-9] [hash:/opt/tls/policy.new]\n"
	    "postmap [-c] [/etc/postfix-9] [-r] [-i] [lmdb:/opt/tls/policy]\n"
	    "postmap [-c] [/etc/postfix-9] [-d] [-] [lmdb:/opt/tls/policy]\n"
	    "postmap [-c] [/etc/postfix-9] [-q] [-] [hash:/opt/tls/policy]\n"
	    "postmap [-c] [/etc/postfix-9] [-q] [-] [hash:/our/map2]\n"
	    "postmap [-c] [/etc/postfix-9] [-q] [-] [mysql:/opt/postfix/conf/a.cf]\n");
}

static void
real_map_answers(void **state)
{
	const char *const keys[] = {"KNOWN.test", "x.parent.test", buecher,
	    "[mx.test]:2525", "other.test", "parent.test"};
	const enum answer expected[] = {
	    ANSWER_YES, ANSWER_YES, ANSWER_YES, ANSWER_YES, ANSWER_NO, ANSWER_NO};
	char *maps[] = {inline_map, NULL, NULL};
	enum answer answers[6];
	struct buf map = {0};
	struct err err;

	(void)state;
	if (!fake_has_postfix())
		suite_skip("Postfix is not installed");
	fake_put("real",
	    "known.test may\n.parent.test encrypt\nb\xc3\xbc"
	    "cher.test may\n"
	    "[mx.test]:2525 may\n");
	buf_printf(&map, "texthash:%s", fake_path("real"));
	maps[1] = map.data;
	assert_true(postfix_maps_answer(&real_postfix, maps, keys, 6, answers, &err));
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(answers[i], expected[i]);
	fake_put("real", NULL);
	assert_false(postfix_maps_answer(&real_postfix, maps, keys, 6, answers, &err));
	assert_int_equal(answers[0], ANSWER_UNSURE);
	buf_clear(&map);
}

int
main(void)
{
	int failed;

	fake_begin();
	FAKE_ROWS(other_maps_are, maps_rows, "maps: %s", maps_rows[i].policy_maps);
	suite_add(
	    no_path_is_no_map, NULL, "maps: without a path of ours every map is another");
	FAKE_ROWS(lookup_gives, lookup_rows, "look-up: %s", lookup_rows[i].name);
	for (size_t i = 0; i < sizeof(bad_keys) / sizeof(bad_keys[0]); i++)
		suite_add(
		    key_cannot_be_asked, bad_keys[i], "bad key %zu is not asked", i + 1);
	suite_add(
	    maps_answer_as_smtp_asks, NULL, "maps are asked for parents of host names");
	suite_add(map_is_seen_elsewhere, NULL,
	    "our map has the path that Postfix has for it, and no other map");
	suite_add(failure_is_one_keys_own, NULL,
	    "one key that a map cannot answer makes no other key unsure");
	suite_add(
	    failed_map_makes_unsure, NULL, "a map that fails leaves the rest unsure");
	suite_add(proxied_map_is_opened_directly, NULL,
	    "a map behind proxymap is opened directly");
	suite_add(permission_is_named, NULL, "what may not be read is named");
	suite_add(real_map_answers, NULL, "postmap of this machine answers");
	failed = suite_run();
	fake_end();
	return failed;
}
