/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fake.h"
#include "sys/file.h"

static void
good_messages_are_retried(void **state)
{
	const char *const ids[] = {"4jYQC71cYCz1bYng", "-f", "3F2A9", "0123456789ABC"};
	struct err err;

	(void)state;
	fake_reset();
	assert_true(postfix_retry(&fake_postfix, ids, 1, &err));
	fake_put("postqueue.sh",
	    "case $4 in 3F2A9) echo 'postqueue: fatal: no' >&2\n"
	    "exit 69;; esac\n");
	fake_put("postqueue.calls", NULL);
	assert_false(postfix_retry(&fake_postfix, ids, 4, &err));
	assert_string_equal(err.text, "2 of 4 messages not retried: not a queue id");
	assert_false(postfix_retry(&fake_postfix, ids + 2, 1, &err));
	assert_string_equal(err.text,
	    "1 of 1 messages not retried: postqueue: exit status 69: "
	    "postqueue: fatal: no");
	fake_assert("postqueue.calls",
	    "postqueue [-c] [/etc/postfix-9] [-i] [4jYQC71cYCz1bYng]\n"
	    "postqueue [-c] [/etc/postfix-9] [-i] [3F2A9]\n"
	    "postqueue [-c] [/etc/postfix-9] [-i] [0123456789ABC]\n"
	    "postqueue [-c] [/etc/postfix-9] [-i] [3F2A9]\n");
}

static void
flush_is_one_call(void **state)
{
	struct postfix plain = fake_postfix;
	struct err err;

	(void)state;
	fake_reset();
	plain.config_directory = "";
	assert_true(postfix_flush(&plain, &err));
	fake_assert("postqueue.calls", "postqueue [-f]\n");
}

static void
queue_ids_are_told_apart(void **state)
{
	char id[257] = "";

	(void)state;
	assert_true(postfix_is_queue_id("3F2A9"));
	assert_true(postfix_is_queue_id("4jYQC71cYCz1bYng"));
	assert_true(postfix_is_queue_id("a_b"));
	assert_false(postfix_is_queue_id(""));
	assert_false(postfix_is_queue_id("-f"));
	assert_false(postfix_is_queue_id("ALL "));
	assert_false(postfix_is_queue_id("../x"));
	memset(id, 'A', 256);
	assert_false(postfix_is_queue_id(id));
	id[255] = '\0';
	assert_true(postfix_is_queue_id(id));
}

struct seen {
	size_t count;
	struct buf text;
};

static void
note_queued(void *context, const struct queued *queued)
{
	struct seen *seen = context;

	seen->count++;
	buf_printf(&seen->text, "%s %s %lld %s (%s)\n", queued->queue_name,
	    queued->queue_id, (long long)queued->arrival_s, queued->address,
	    queued->delay_reason);
}

#define MESSAGE(id, recipients) \
	"{\"queue_name\": \"deferred\", \"queue_id\": \"" id \
	"\", \"arrival_time\": 1795483619, " \
	"\"message_size\": 270, \"forced_expire\": false, \"sender\": " \
	"\"s@sender.test\", " \
	"\"recipients\": [" recipients "]}"
#define RECIPIENT(address) "{\"address\": \"" address "\", \"delay_reason\": \"because\"}"

struct queue_row {
	const char *name;
	const char *out;
	const char *status;
	const char *err; /* its beginning; NULL: success */
	const char *seen;
	const char *refused; /* why its one line that is no message is none; NULL: all are
	                      * messages */
};

static const struct queue_row queue_rows[] = {
    {"an empty queue", "", "0", NULL, "", NULL},
    {"a message with two recipients",
        MESSAGE("AB1", RECIPIENT("a@x.test") ", " RECIPIENT("b@x.test")) "\n", "0", NULL,
        "deferred AB1 1795483619 a@x.test (because)\n"
        "deferred AB1 1795483619 b@x.test (because)\n",
        NULL},
    {"no reason, other members, no newline at the end",
        MESSAGE(
            "AB1", "{\"orig_address\": \"c@x.test\", \"address\": \"b\\u00fc@x.test\"}"),
        "0", NULL, "deferred AB1 1795483619 b\xc3\xbc@x.test ()\n", NULL},
    {"a forged quote is text",
        MESSAGE("AB1", RECIPIENT("\\\"a, \\\\\\\" }\\\"@x.test")) "\n", "0", NULL,
        "deferred AB1 1795483619 \"a, \\\" }\"@x.test (because)\n", NULL},
    {"no JSON",
        MESSAGE("AB1", RECIPIENT("a@x.test")) "\npostqueue: warning\n" MESSAGE(
            "AB2", RECIPIENT("b@x.test")) "\n",
        "0", NULL,
        "deferred AB1 1795483619 a@x.test (because)\n"
        "deferred AB2 1795483619 b@x.test (because)\n",
        "postqueue printed no JSON: "},
    {"no JSON with an address: none is told", "{\"queue_id\": \"A1\" user@x.test}\n", "0",
        NULL, "", "postqueue printed no JSON: '}' expected at byte "},
    {"half a message", "{\"queue_name\": \"defer", "0", NULL, "",
        "postqueue printed no JSON: "},
    {"a list is no message", "[1]\n", "0", NULL, "",
        "postqueue printed a message of unknown form"},
    {"an option is no queue id", MESSAGE("-f", RECIPIENT("a@x.test")) "\n", "0", NULL, "",
        "postqueue printed a message of unknown form"},
    {"a recipient without address", MESSAGE("AB1", RECIPIENT("a@x.test") ", {}") "\n",
        "0", NULL, "", "postqueue printed a message of unknown form"},
    {"a NUL in a text", MESSAGE("AB1", RECIPIENT("a\\u0000@x.test")) "\n", "0", NULL, "",
        "postqueue printed no JSON: "},
    {"what is no UTF-8", MESSAGE("AB1", RECIPIENT("a\xed\xa0\x80\xc3\xbc@x.test")) "\n",
        "0", NULL, "deferred AB1 1795483619 a???\xc3\xbc@x.test (because)\n", NULL},
    {"a character that a quote ends", MESSAGE("AB1", RECIPIENT("a@x.test\xe2\x82")) "\n",
        "0", NULL, "deferred AB1 1795483619 a@x.test?? (because)\n", NULL},
    {"a failure after the first message", MESSAGE("AB1", RECIPIENT("a@x.test")) "\n",
        "69", "postqueue: exit status 69: postqueue: fatal: Queue report unavailable",
        "deferred AB1 1795483619 a@x.test (because)\n", NULL},
};

static void
queue_is(void **state)
{
	const struct queue_row *row = *state;
	struct queue_refused refused;
	struct seen seen = {0};
	struct err err;
	bool done;

	fake_reset();
	fake_put("postqueue.out", row->out);
	fake_put("postqueue.err", "postqueue: fatal: Queue report unavailable\n");
	fake_put("postqueue.status", row->status);
	done = postfix_read_queue(&fake_postfix, note_queued, &seen, &refused, &err);
	assert_string_equal(buf_text(&seen.text), row->seen);
	assert_int_equal(done, row->err == NULL);
	if (row->err != NULL)
		assert_int_equal(strncmp(err.text, row->err, strlen(row->err)), 0);
	assert_int_equal(refused.count, row->refused != NULL);
	if (row->refused != NULL)
		assert_int_equal(
		    strncmp(refused.why.text, row->refused, strlen(row->refused)), 0);
	buf_clear(&seen.text);
}

static const char *corpus_queue, *corpus_expected;

/* What was read, as columns 2, 3 and 5 of the expected file have it. */
static void
note_expected(void *context, const struct queued *queued)
{
	buf_printf(context, "%s\t%s\t%s\n", queued->queue_id, queued->address,
	    queued->delay_reason);
}

static void
read_expected(struct buf *out)
{
	struct buf text = {0};
	struct str rest, line, fields[5];
	struct err err;

	assert_true(file_read(corpus_expected, (size_t)1 << 20, &text, &err));
	rest = (struct str){text.data, text.len};
	assert_true(str_cut(&rest, '\n', &line)); /* names of the columns */
	while (str_cut(&rest, '\n', &line)) {
		for (size_t i = 0; i < 5; i++)
			assert_true(str_cut(&line, '\t', &fields[i]));
		buf_printf(out, "%.*s\t%.*s\t%.*s\n", STR_ARG(fields[1]),
		    STR_ARG(fields[2]), STR_ARG(fields[4]));
	}
	buf_clear(&text);
}

static void
genuine_queue_is_read_whole(void **state)
{
	struct buf script = {0}, got = {0}, expected = {0};
	struct queue_refused refused;
	struct err err;

	(void)state;
	fake_reset();
	buf_printf(&script, "cat '%s'\n", corpus_queue);
	fake_put("postqueue.sh", buf_text(&script));
	read_expected(&expected);
	assert_true(
	    postfix_read_queue(&fake_postfix, note_expected, &got, &refused, &err));
	assert_int_equal(refused.count, 0);
	assert_string_equal(buf_text(&got), buf_text(&expected));
	buf_clear(&script);
	buf_clear(&got);
	buf_clear(&expected);
}

int
main(void)
{
	int failed;

	fake_begin();
	corpus_queue = suite_path("tests/logs/corpus/verify.postqueue.json");
	corpus_expected = suite_path("tests/logs/corpus/verify.postqueue.expected.tsv");
	suite_add(good_messages_are_retried, NULL, "what is no queue id is not retried");
	suite_add(flush_is_one_call, NULL, "a flush is one call");
	suite_add(queue_ids_are_told_apart, NULL, "queue ids are told from options");
	FAKE_ROWS(queue_is, queue_rows, "queue: %s", queue_rows[i].name);
	suite_add(genuine_queue_is_read_whole, NULL, "a genuine queue is read whole");
	failed = suite_run();
	fake_end();
	return failed;
}
