/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile inputs made of good ones: lines of logs, output of posttls-finger,
 * configurations and rule files with octets flipped, cut, doubled and spliced, from a
 * fixed seed. Whatever becomes of them, the readers stay within their octets (the
 * sanitizers say so) and keep their contracts. Replies of DNS are changed in
 * test_resolver_message.
 *
 * MUTATED_ROUNDS (1) multiplies the work, MUTATED_SEED begins elsewhere.
 */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/config.h"
#include "conf/rulefile.h"
#include "core/prefilter.h"
#include "core/rules.h"
#include "core/status.h"
#include "postfix/finger_read.h"
#include "scratch.h"
#include "sys/file.h"

#define SEED_SIZE_MAX 1000000

static uint32_t random_state;
static unsigned rounds = 1;

static uint32_t
next_random(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return below > 0 ? random_state % below : 0;
}

static void
begin(void)
{
	const char *seed = getenv("MUTATED_SEED");

	random_state = seed != NULL ? (uint32_t)strtoul(seed, NULL, 10) | 1 : 2463534242;
}

/* What the grammars of these inputs turn on. */
static const char *const words[] = {"\n", "\0", "\\", "\"", "'", "[", "]", "(", ")", "{",
    "}", ": ", "- ", "#", "&a ", "*a ", "!!", "<", ">", "@", ", ", "\x1b[", "%n", "\xff",
    "\xc3\xa4", "(?:", "*", "{9999}", "to=<", "relay=", ", status=deferred (",
    "dsn=4.7.5", "postfix/smtp[1]: ", "99999999999999999999", "-1", "~", "|", ">\n  "};

/* One change of text, which is not empty. */
static void
mutate_once(struct buf *text)
{
	struct buf out = {0};
	size_t at = next_random((uint32_t)text->len);
	size_t len = 1 + next_random(16);
	const char *word = words[next_random(sizeof(words) / sizeof(words[0]))];

	if (len > text->len - at)
		len = text->len - at;
	buf_add_str(&out, (struct str){text->data, at});
	switch (next_random(6)) {
	case 0: /* a bit */
		buf_add_char(&out, (char)(text->data[at] ^ (1 << next_random(8))));
		at++;
		break;
	case 1: /* an octet */
		buf_add_char(&out, (char)next_random(256));
		at++;
		break;
	case 2: /* a piece is gone */
		at += len;
		break;
	case 3: /* a piece stands twice */
		buf_add_str(&out, (struct str){text->data + at, len});
		break;
	case 4: /* a word more; the NUL as well */
		buf_add_str(&out, (struct str){word, word[0] != '\0' ? strlen(word) : 1});
		break;
	default: /* a piece from elsewhere */
		buf_add_str(&out,
		    (struct str){
		        text->data + next_random((uint32_t)(text->len - len + 1)), len});
		break;
	}
	buf_add_str(&out, (struct str){text->data + at, text->len - at});
	buf_clear(text);
	*text = out;
}

/* A changed copy in memory of its exact size; to be freed. */
static char *
mutated(struct str seed, size_t *len)
{
	struct buf text = {0};
	char *exact;

	buf_add_str(&text, seed);
	for (unsigned n = 1 + next_random(6); n > 0 && text.len > 0; n--)
		mutate_once(&text);
	*len = text.len;
	exact = mem_new(text.len + (text.len == 0), 1);
	memcpy(exact, text.len > 0 ? text.data : "", text.len);
	buf_clear(&text);
	return exact;
}

static void
read_seed(const char *name, struct buf *out)
{
	struct err err;

	if (!file_read(suite_path(name), SEED_SIZE_MAX, out, &err))
		fail_msg("%s", err.text);
}

/* --- lines ------------------------------------------------------------------------- */

static void
assert_within(struct str part, struct str whole)
{
	assert_true(part.len == 0 ||
	    (part.p >= whole.p && part.p + part.len <= whole.p + whole.len));
}

static void
try_line(struct str text)
{
	struct logline line = {.text = text};
	struct session_line session;
	struct policy_line policy;
	struct status_line status;

	if (logline_split(text, &line)) {
		assert_within(line.tag, text);
		assert_within(line.program, text);
		assert_within(line.text, text);
	} else {
		line.text = text;
	}
	if (status_parse(line.text, &status)) {
		assert_within(status.queue_id, text);
		assert_within(status.recipient, text);
		assert_within(status.domain, text);
		assert_within(status.relay, text);
		assert_within(status.reason, text);
		assert_within(status.own_reason, text);
		assert_true(status.status < DELIVERY_COUNT);
		status_attempt_level(&status);
		status_met_level(&status);
	}
	if (session_parse(line.text, &session)) {
		assert_within(session.host, text);
		assert_true(session.grade < SESSION_COUNT);
	}
	if (policy_parse(line.text, &policy))
		assert_within(policy.nexthop, text);
}

static void
lines_are_survived(void **state)
{
	struct buf log = {0};

	begin();
	read_seed(*state, &log);
	for (unsigned round = 0; round < 5 * rounds; round++) {
		struct str rest = {log.data, log.len}, line;

		while (str_cut(&rest, '\n', &line)) {
			size_t len;
			char *text = mutated(line, &len);

			try_line((struct str){text, len});
			free(text);
		}
	}
	buf_clear(&log);
}

/* Which lines are wanted, however the octets are searched. */
static size_t
count_wanted(struct str text, enum prefilter_how how)
{
	struct prefilter prefilter;
	struct str line;
	size_t octets = 0;

	prefilter_start(&prefilter, text, PREFILTER_TLS);
	prefilter.how = how;
	while (prefilter_next(&prefilter, &line)) {
		assert_within(line, text);
		octets = octets * 31 + line.len + 1;
	}
	return octets;
}

static void
searches_agree(void **state)
{
	struct buf log = {0};

	begin();
	read_seed(*state, &log);
	for (unsigned round = 0; round < 20 * rounds; round++) {
		size_t start = next_random((uint32_t)log.len - 4096), len, plain;
		char *text = mutated((struct str){log.data + start, 4096}, &len);

		plain = count_wanted((struct str){text, len}, PREFILTER_PLAIN);
		for (unsigned how = 0; how < PREFILTER_HOW_COUNT; how++)
			if (prefilter_can((enum prefilter_how)how))
				assert_int_equal(count_wanted((struct str){text, len},
				                     (enum prefilter_how)how),
				    plain);
		free(text);
	}
	buf_clear(&log);
}

/* --- output of posttls-finger ------------------------------------------------------- */

/* The lines behind "| " of a table. */
static void
read_output(const char *name, struct buf *out)
{
	struct buf table = {0};
	struct str text, line;

	read_seed(name, &table);
	text = (struct str){table.data, table.len};
	while (str_cut(&text, '\n', &line)) {
		if (str_eat(&line, STR("| "))) {
			buf_add_str(out, line);
			buf_add_char(out, '\n');
		}
	}
	buf_clear(&table);
}

/* From the beginning of some connection on. */
static struct str
some_connection(const struct buf *output)
{
	static const char begin[] = "posttls-finger: Connected to ";
	size_t at = next_random((uint32_t)output->len - 8192);
	const char *text = buf_text(output);
	const char *hit = memmem(text + at, output->len - at, begin, strlen(begin));

	if (hit != NULL)
		at = (size_t)(hit - text);
	return (struct str){text + at, output->len - at < 5000 ? output->len - at : 5000};
}

static void
output_is_survived(void **state)
{
	struct finger_reader *reader = mem_new(1, sizeof(*reader));
	struct buf output = {0};
	unsigned sessions = 0;

	begin();
	read_output(*state, &output);
	assert_true(output.len > 8192);
	for (unsigned round = 0; round < 1000 * rounds; round++) {
		const struct finger_seen *seen;
		size_t len;
		char *text = mutated(some_connection(&output), &len);

		finger_begin(reader);
		finger_take(reader, (struct str){text, len});
		seen = finger_end(reader, round % 2 == 0);
		sessions += seen->end == PROBE_TLS;
		assert_true(!seen->verified || seen->end == PROBE_TLS);
		assert_true(!seen->matched_dane || seen->verified);
		assert_true(strlen(seen->names) < NAMES_SIZE);
		assert_true(strlen(seen->leaf) < SERVER_LEAF_SIZE);
		for (const char *p = seen->found; *p != '\0'; p++)
			assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
		free(text);
	}
	assert_true(sessions > 0);
	free(reader);
	buf_clear(&output);
}

/* --- files ------------------------------------------------------------------------- */

static void
configurations_are_survived(void **state)
{
	struct buf seed = {0};
	unsigned refused = 0, taken = 0;

	begin();
	read_seed(*state, &seed);
	for (unsigned round = 0; round < 1000 * rounds; round++) {
		struct config config;
		struct errs errs = {0};
		size_t len;
		char *text = mutated((struct str){seed.data, seed.len}, &len);

		if (config_parse("c", (struct str){text, len}, &config, &errs)) {
			assert_int_equal(errs.count, 0);
			taken++;
		} else {
			assert_true(errs.count > 0);
			refused++;
		}
		config_clear(&config);
		errs_clear(&errs);
		free(text);
	}
	assert_true(refused > 0);
	assert_true(taken > 0); /* or nothing was read to its end */
	buf_clear(&seed);
}

static void
rule_files_are_survived(void **state)
{
	char *dir = scratch_new(NULL);
	struct buf seed = {0}, path = {0};
	unsigned refused = 0, taken = 0;

	begin();
	read_seed(*state, &seed);
	buf_printf(&path, "%s/rules.yaml", dir);
	for (unsigned round = 0; round < 200 * rounds; round++) {
		char *files[] = {path.data};
		struct errs errs = {0};
		struct rules *rules;
		size_t len;
		char *text = mutated((struct str){seed.data, seed.len}, &len);
		FILE *file = fopen(path.data, "we");

		assert_non_null(file);
		assert_int_equal(fwrite(text, 1, len, file), len);
		assert_int_equal(fclose(file), 0);
		rules = rulefile_load(files, 1, RULEFILE_EXAMPLES, &errs);
		assert_int_equal(rules == NULL, errs.count > 0);
		refused += rules == NULL;
		taken += rules != NULL;
		rules_free(rules);
		errs_clear(&errs);
		free(text);
	}
	assert_true(refused > 0);
	assert_true(taken > 0); /* or nothing was read to its end */
	buf_clear(&seed);
	buf_clear(&path);
	scratch_remove(dir);
	free(dir);
}

int
main(void)
{
	const char *more = getenv("MUTATED_ROUNDS");
	static const char *const logs[] = {"tests/logs/corpus/verify-maillog.log",
	    "tests/logs/corpus/dane-only-rfc3339.log", "tests/logs/wild/lines.log"};
	static const char *const rule_files[] = {
	    "rules/postfix.yaml", "rules/strict.yaml"};

	if (more != NULL)
		rounds = (unsigned)strtoul(more, NULL, 10);
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		suite_add(lines_are_survived, logs[i], "changed lines of %s", logs[i]);
		suite_add(searches_agree, logs[i],
		    "changed pieces of %s: all searches find the same", logs[i]);
	}
	suite_add(output_is_survived, "tests/cases/finger.cases",
	    "changed output of posttls-finger");
	suite_add(configurations_are_survived, "examples/tlsladder.yaml",
	    "changed configurations");
	for (size_t i = 0; i < sizeof(rule_files) / sizeof(rule_files[0]); i++)
		suite_add(
		    rule_files_are_survived, rule_files[i], "changed %s", rule_files[i]);
	return suite_run();
}
