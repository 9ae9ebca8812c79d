/* SPDX-License-Identifier: BSD-2-Clause */
/* What the SQL helpers are asked, and what they answer, as text. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "core/rows.h"

/* --- lines -------------------------------------------------------------------------- */

static const char *const lines[] = {
    "lease\tnode1.example 4711\t30",
    "intent\td.test\tmay\t-",
    "owner\td.test\ttlsladder pinned until 2026-11-24T07:12:01Z",
    "want\td.test\tencrypt\t-",
    "want\t[mx.d.test]:2525\tsecure\tmatch=nexthop servername=hostname",
    "want\td.test\tdane-only\t-\t17\tmay\t-\t-",
    "want\td.test\tdane-only\t-\t-\tmay\tmatch=a\t2026-01-02 03:04:05.678901",
    "drop\td.test",
    "drop\td.test\t17\tmay\t-\t2026-01-02 03:04:05",
    "look\t.d.test",
    "all",
    "rights",
    "schema",
    "end",
    "ours\td.test\t17\tmay\t-\t-",
    "theirs\td.test\t17\tmay\t-\t1",
    "theirs\td.test\t17\t-\tall but \xc3\xbc\\x09\t0",
    "gone\t[2001:db8::1]",
    "busy\td.test",
    "refused\td.test\tData too long for column 'parameters' at row 1",
    "row\tb\xc3\xbcro.test\t3\tmay\t-\t1\t-\t-",
    "row\td.test\t-\tmay\t-\t1\t2026-01-02\ttlsladder",
    "standby\tnode2",
    "standby\tnode2\t30",
    "grant\tGRANT SELECT ON `a`.t TO 'b'@'%'",
    "failed\tbusy\tLock wait timeout exceeded",
    "failed\tread-only\t-",
    "failed\trights\t-",
    "failed\tlogin\t-",
    "failed\tfault\t-",
    "unsure\toutage\tLost connection",
    "done",
};

static void
line_there_and_back(void **state)
{
	struct str text = str_of(*state);
	struct rows_line line;
	struct buf out = {0};
	struct err err = {""};

	if (!rows_line_parse(text, &line, &err))
		fail_msg("%s", err.text);
	assert_true(rows_line_print(&line, &out));
	assert_int_equal(out.len, text.len + 1);
	assert_memory_equal(out.data, text.p, text.len);
	buf_clear(&out);
}

static const char *const no_lines[] = {
    "",
    "\t",
    "wants\td.test\tmay\t-",
    "want",
    "want\td.test",
    "want\td.test\tmay",
    "want\td{test\tmay\t-",
    "want\td.test\tmay\tmatch=\x1b",
    "refused\td.test\ta\x7f",
    "refused\td.test\ta\x01",
    "refused\td.test\ta\xff",
    "want\td.test\tmay\t",
    "want\td.test\tmay\t-\t",
    "want\td.test\tmay\t-\t17",
    "want\td.test\tmay\t-\t17\tmay\t-",
    "want\td.test\tmay\t-\t17\tmay\t-\t-\t-",
    "want\tD.test\tmay\t-",
    "want\t-\tmay\t-",
    "want\td.test \tmay\t-",
    "want\tb\xc3\xbcro.test\tmay\t-",
    "want\td'test\tmay\t-",
    "want\td%test\tmay\t-",
    "want\td.test\tMay\t-",
    "want\td.test\t-\t-",
    "want\td.test\tunknown\t-",
    "want\td.test\tmay \t-",
    "want\td.test\tmay\tmatch=\xc3\xbc",
    "want\td.test\tmay\tmatch=\x7f",
    "want\td.test\tmay\ta\nwant",
    "want\td.test\tmay\t-\t1x\tmay\t-\t-",
    "want\td.test\tmay\t-\t123456789012345678901\tmay\t-\t-",
    "drop\td.test\t17",
    "look",
    "look\td.test\td.test",
    "all\td.test",
    "rights\tall",
    "grant",
    "lease\t-\t30",
    "lease\tnode\t0",
    "lease\tnode\t04",
    "lease\tnode\t3601",
    "lease\tnode\t-1",
    "lease\tnode",
    "ours\td.test",
    "theirs\td.test\t17\tmay\t-\t2",
    "theirs\td.test\t17\tm\xffy\t-\t1",
    "row\td.test\t17\tmay\t-\t1\t-",
    "refused\td.test",
    "failed\todd\t-",
    "failed\tbusy",
    "done\t-",
};

static void
line_is_none(void **state)
{
	struct rows_line line;
	struct err err = {""};

	assert_false(rows_line_parse(str_of(*state), &line, &err));
	assert_string_not_equal(err.text, "");
}

static void
octets_that_end_a_text(void **state)
{
	struct rows_line line;
	struct err err;

	(void)state;
	assert_false(rows_line_parse(STR("want\td\0.test\tmay\t-"), &line, &err));
	assert_false(rows_line_parse(STR("want\td.test\tmay\t-\0"), &line, &err));
	assert_false(rows_line_parse(STR("refused\td.test\ta\0b"), &line, &err));
	assert_false(rows_is_key(STR("d\0.test")));
	assert_false(rows_is_key(STR("")));
	assert_false(rows_is_key(STR("-")));
}

/* A field that could not be read again is not written. */
static void
fields_that_are_refused(void **state)
{
	static const char *const attributes[] = {
	    "-", "a\tb", "a\nb", "match=\xc3\xbc", "a\rb", "a\x1b[31m"};
	char longest[ROWS_KEY_MAX + 2];
	struct rows_line line = {.word = ROWS_WANT, .key = STR("d.test")};
	struct buf out = {0};

	(void)state;
	buf_add_str(&out, STR("before\n"));
	line.level = STR("may");
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		line.attributes = str_of(attributes[i]);
		assert_false(rows_line_print(&line, &out));
	}
	line.attributes = STR("");
	line.level = STR("dane-most");
	assert_false(rows_line_print(&line, &out));
	line.level = STR("may");
	memset(longest, 'a', sizeof(longest));
	line.key = (struct str){longest, ROWS_KEY_MAX + 1};
	assert_false(rows_line_print(&line, &out));
	assert_string_equal(buf_text(&out), "before\n");
	line.key.len = ROWS_KEY_MAX;
	line.attributes = (struct str){longest, ROWS_ATTRIBUTES_MAX};
	assert_true(rows_line_print(&line, &out));
	line.attributes.len++;
	assert_false(rows_line_print(&line, &out));
	buf_clear(&out);
}

static void
text_of_others(void **state)
{
	struct rows_line line = {.word = ROWS_REFUSED, .key = STR("d.test")}, again;
	struct buf text = {0}, out = {0};
	struct err err;
	char much[2 * ROWS_TEXT_MAX];

	(void)state;
	rows_add_text(&text, STR("a\tb\nc\0d\x1b\xff \xc3\xbc"));
	assert_string_equal(buf_text(&text), "a\\x09b\\x0ac\\x00d\\x1b\\xff \xc3\xbc");
	buf_reset(&text);
	rows_add_text(&text, STR("-"));
	assert_string_equal(buf_text(&text), "\\x2d");
	buf_reset(&text);
	rows_add_text(&text, STR(""));
	assert_string_equal(buf_text(&text), "");
	for (size_t shift = 0; shift < 4; shift++) {
		buf_reset(&text);
		buf_reset(&out);
		memset(much, 'a', sizeof(much));
		for (size_t i = shift; i + 1 < sizeof(much); i += 2)
			memcpy(much + i, "\xc3\xbc", 2);
		rows_add_text(&text, (struct str){much, sizeof(much)});
		assert_true(text.len <= ROWS_TEXT_MAX);
		assert_true(text.len >= ROWS_TEXT_MAX - 4);
		assert_string_equal(text.data + text.len - 3, "...");
		line.text = (struct str){text.data, text.len};
		assert_true(rows_line_print(&line, &out));
		assert_true(
		    rows_line_parse((struct str){out.data, out.len - 1}, &again, &err));
		assert_true(str_equal(again.text, line.text));
	}
	buf_clear(&text);
	buf_clear(&out);
}

/* --- requests ----------------------------------------------------------------------- */

static void
request_whole(void **state)
{
	struct str text = STR("lease\tnode1\t30\n"
	                      "intent\ta.test\tmay\t-\n"
	                      "intent\ta.test\tencrypt\t-\n"
	                      "want\ta.test\tencrypt\t-\n"
	                      "look\ta.test\n"
	                      "want\tb.test\tmay\t-\t7\tencrypt\t-\t-\n"
	                      "intent\tc.test\tmay\t-\n"
	                      "drop\tc.test\n"
	                      "end\n");
	struct rows_request request;
	struct err err = {""};

	(void)state;
	if (!rows_request_parse(text, &request, &err))
		fail_msg("%s", err.text);
	assert_int_equal(request.what, ROWS_WANT);
	assert_true(str_is(request.holder, "node1"));
	assert_int_equal(request.lease_s, 30);
	assert_int_equal(request.count, 4);
	assert_int_equal(request.intent_count, 3);
	assert_int_equal(request.items[0].intent_count, 2);
	assert_true(str_is(request.intents[request.items[0].intent].level, "may"));
	assert_int_equal(request.items[1].line.word, ROWS_LOOK);
	assert_int_equal(request.items[1].intent_count, 0);
	assert_true(request.items[2].line.has_row);
	assert_true(str_is(request.items[2].line.row.id, "7"));
	assert_true(str_is(request.items[2].line.row.modified, ""));
	assert_int_equal(request.items[3].intent, 2);
	assert_int_equal(request.items[3].intent_count, 1);
	assert_false(request.items[3].line.has_row);
	rows_request_clear(&request);
	for (size_t len = 0; len < text.len; len++) {
		assert_false(
		    rows_request_parse((struct str){text.p, len}, &request, &err));
		rows_request_clear(&request);
	}
}

static const char *const no_requests[] = {
    "end\nend\n",
    "all\nwant\td.test\tmay\t-\nend\n",
    "want\td.test\tmay\t-\nall\nend\n",
    "all\nall\nend\n",
    "lease\tn\t30\nall\nend\n",
    "schema\nall\nend\n",
    "rights\nwant\td.test\tmay\t-\nend\n",
    "lease\tn\t30\nrights\nend\n",
    "grant\tGRANT\nend\n",
    "lease\tn\t30\nlease\tn\t30\nend\n",
    "want\td.test\tmay\t-\nwant\td.test\tmay\t-\nend\n",
    "want\td.test\tmay\t-\nwant\te.test\tmay\t-\ndrop\td.test\nend\n",
    "intent\td.test\tmay\t-\nend\n",
    "intent\td.test\tmay\t-\nwant\te.test\tmay\t-\nend\n",
    "intent\td.test\tmay\t-\nlook\td.test\nend\n",
    "intent\td.test\tmay\t-\nintent\te.test\tmay\t-\nwant\te.test\tmay\t-\nend\n",
    "ours\td.test\t1\tmay\t-\t-\nend\n",
    "done\nend\n",
    "\nend\n",
    "intent\td.test\tmay\t-\nall\nend\n",
    "look\td.test\nschema\nend\n",
    ("intent\ta.test\tmay\ta=1\nintent\ta.test\tmay\ta=2\nintent\ta.test\tmay\ta=3\n"
     "intent\ta.test\tmay\ta=4\nintent\ta.test\tmay\ta=5\nintent\ta.test\tmay\ta=6\n"
     "intent\ta.test\tmay\ta=7\nintent\ta.test\tmay\ta=8\nintent\ta.test\tmay\ta=9\n"
     "want\ta.test\tmay\t-\nend\n"),
};

/* Longer than anything of its kind: not one of them is read. */
static void
longer_than_any(void **state)
{
	struct rows_request request;
	struct rows_answer answer;
	struct rows_line line = {.word = ROWS_LEASE};
	struct buf text = {0}, out = {0};
	struct err err;

	(void)state;
	buf_printf(&text, "refused\ta.test\t");
	while (text.len <= ROWS_TEXT_MAX + 16)
		buf_add_char(&text, 'x');
	assert_false(
	    rows_line_parse((struct str){buf_text(&text), text.len}, &line, &err));
	while (text.len <= ROWS_LINE_MAX)
		buf_add_char(&text, 'x');
	assert_false(
	    rows_line_parse((struct str){buf_text(&text), text.len}, &line, &err));
	assert_non_null(strstr(err.text, "octets"));
	while (text.len <= ROWS_REQUEST_MAX)
		buf_printf(&text, "\nlook\ta.test");
	assert_false(
	    rows_request_parse((struct str){buf_text(&text), text.len}, &request, &err));
	assert_non_null(strstr(err.text, "octets"));
	rows_request_clear(&request);
	assert_true(rows_request_parse(STR("end\n"), &request, &err));
	while (text.len <= ROWS_ANSWER_MAX)
		buf_printf(&text, "\ngone\ta.test");
	assert_false(rows_answer_parse(
	    (struct str){buf_text(&text), text.len}, &request, &answer, &err));
	rows_answer_clear(&answer);
	rows_request_clear(&request);
	/* Nor is a lease written that could not be read. */
	line = (struct rows_line){.word = ROWS_LEASE, .holder = STR("node")};
	assert_false(rows_line_print(&line, &out));
	line.seconds = ROWS_LEASE_MAX_S + 1;
	assert_false(rows_line_print(&line, &out));
	line.seconds = ROWS_LEASE_MAX_S;
	assert_true(rows_line_print(&line, &out));
	line.holder = STR("");
	assert_false(rows_line_print(&line, &out));
	buf_clear(&text);
	buf_clear(&out);
}

static void
request_is_none(void **state)
{
	struct rows_request request;
	struct err err = {""};

	assert_false(rows_request_parse(str_of(*state), &request, &err));
	assert_string_not_equal(err.text, "");
	rows_request_clear(&request);
}

static void
request_full(void **state)
{
	struct rows_request request;
	struct rows_line line = {.word = ROWS_WANT, .level = STR("dane-only")};
	struct buf text = {0};
	struct err err = {""};
	char key[ROWS_KEY_MAX + 1], attributes[ROWS_ATTRIBUTES_MAX];

	(void)state;
	memset(attributes, 'a', sizeof(attributes));
	line.attributes = (struct str){attributes, sizeof(attributes)};
	line.has_row = true;
	line.row = (struct rows_row){.id = STR("12345678901234567890"),
	    .level = STR("dane-only"),
	    .attributes = line.attributes,
	    .modified = STR("2026-01-02 03:04:05.678901")};
	for (int i = 0; i < ROWS_ITEMS_MAX; i++) {
		snprintf(key, sizeof(key), "%0*d", ROWS_KEY_MAX, i);
		line.key = str_of(key);
		line.word = ROWS_INTENT;
		line.has_row = false;
		for (int j = 0; j < ROWS_INTENTS_MAX; j++)
			assert_true(rows_line_print(&line, &text));
		line.word = ROWS_WANT;
		line.has_row = true;
		assert_true(rows_line_print(&line, &text));
	}
	buf_add_str(&text, STR("end\n"));
	assert_true(text.len < ROWS_REQUEST_MAX);
	if (!rows_request_parse((struct str){text.data, text.len}, &request, &err))
		fail_msg("%s", err.text);
	assert_int_equal(request.count, ROWS_ITEMS_MAX);
	assert_int_equal(
	    request.items[ROWS_ITEMS_MAX - 1].intent_count, ROWS_INTENTS_MAX);
	rows_request_clear(&request);
	text.len -= strlen("end\n");
	buf_add_str(&text, STR("look\td.test\nend\n"));
	assert_false(
	    rows_request_parse((struct str){text.data, text.len}, &request, &err));
	rows_request_clear(&request);
	buf_clear(&text);
}

/* --- answers ------------------------------------------------------------------------ */

#define REQUEST \
	"lease\tnode1\t30\nwant\ta.test\tmay\t-\nlook\ta.b.test\n" \
	"drop\tc.test\t7\tmay\t-\t-\nend\n"

struct answer_row {
	const char *text;
	enum rows_word end; /* ROWS_END: no whole answer */
	size_t count;
	const char *holder;
};

static const struct answer_row answers[] = {
    {"ours\ta.test\t1\tmay\t-\t-\ngone\ta.b.test\ngone\tc.test\ndone\n", ROWS_DONE, 3,
        ""},
    {"theirs\ta.test\t1\t-\t-\t0\ntheirs\t.b.test\t2\tmay\t-\t1\nbusy\tc.test\ndone\n",
        ROWS_DONE, 3, ""},
    {"refused\ta.test\tno\nours\t.test\t2\tmay\t-\t-\ntheirs\tc."
     "test\t7\tmay\tx\t1\ndone\n",
        ROWS_DONE, 3, ""},
    {"standby\tnode2\ndone\n", ROWS_DONE, 0, "node2"},
    {"failed\tbusy\tx\n", ROWS_FAILED, 0, ""},
    {"ours\ta.test\t1\tmay\t-\t-\nunsure\toutage\tx\n", ROWS_UNSURE, 0, ""},
    {"", ROWS_END, 0, ""},
    {"done\n", ROWS_END, 0, ""},
    {"Segmentation fault\n", ROWS_END, 0, ""},
    {"ours\ta.test\t1\tmay\t-\t-\ngone\ta.b.test\ngone\tc.test\n", ROWS_END, 0, ""},
    {"ours\ta.test\t1\tmay\t-\t-\ngone\ta.b.test\ndone\n", ROWS_END, 0, ""},
    {"ours\ta.test\t1\tmay\t-\t-\ngone\tc.test\ngone\ta.b.test\ndone\n", ROWS_END, 0, ""},
    {"ours\ta.test\t1\tencrypt\t-\t-\ngone\ta.b.test\ngone\tc.test\ndone\n", ROWS_END, 0,
        ""},
    {"ours\ta.test\t1\tmay\tx=y\t-\ngone\ta.b.test\ngone\tc.test\ndone\n", ROWS_END, 0,
        ""},
    {"ours\ta.test\t1\tmay\t-\t-\ntheirs\t.c.test\t2\tmay\t-\t1\ngone\tc.test\ndone\n",
        ROWS_END, 0, ""},
    {"ours\ta.test\t1\tmay\t-\t-\ngone\t.b.test\ngone\tc.test\ndone\n", ROWS_END, 0, ""},
    {"ours\ta.test\t1\tmay\t-\t-\ngone\ta.b.test\nours\tc.test\t7\tmay\t-\t-\ndone\n",
        ROWS_END, 0, ""},
    {"ours\ta.test\t1\tmay\t-\t-\ngone\ta.b.test\ngone\tc.test\ngone\td.test\ndone\n",
        ROWS_END, 0, ""},
    {"ours\ta.test\t1\tmay\t-\t-\ngone\ta.b.test\ngone\tc.test\ndone\ndone\n", ROWS_END,
        0, ""},
    {"standby\tnode2\ngone\ta.test\ndone\n", ROWS_END, 0, ""},
    {"row\ta.test\t1\tmay\t-\t1\t-\t-\ndone\n", ROWS_END, 0, ""},
    {"grant\tx\nfailed\trights\tx\n", ROWS_END, 0, ""},
};

static void
answer_is(void **state)
{
	const struct answer_row *row = *state;
	struct rows_request request;
	struct rows_answer answer;
	struct err err = {""};

	assert_true(rows_request_parse(STR(REQUEST), &request, &err));
	assert_int_equal(rows_answer_parse(str_of(row->text), &request, &answer, &err),
	    row->end != ROWS_END);
	assert_int_equal(answer.end, row->end == ROWS_END ? ROWS_UNSURE : row->end);
	assert_int_equal(answer.count, row->count);
	assert_true(str_is(answer.holder, row->holder));
	if (row->end == ROWS_END)
		assert_int_equal(answer.class, ROWS_CLASS_FAULT);
	rows_answer_clear(&answer);
	rows_request_clear(&request);
}

static void
answer_to_no_lease(void **state)
{
	struct rows_request request;
	struct rows_answer answer;
	struct err err;

	(void)state;
	assert_true(rows_request_parse(STR("end\n"), &request, &err));
	assert_true(rows_answer_parse(STR("done\n"), &request, &answer, &err));
	rows_answer_clear(&answer);
	assert_false(
	    rows_answer_parse(STR("standby\tnode2\ndone\n"), &request, &answer, &err));
	rows_answer_clear(&answer);
	rows_request_clear(&request);
}

static void
answer_to_rights(void **state)
{
	struct rows_request request;
	struct rows_answer answer;
	struct buf text = {0};
	struct err err;

	(void)state;
	assert_true(rows_request_parse(STR("rights\nend\n"), &request, &err));
	assert_true(rows_answer_parse(STR("done\n"), &request, &answer, &err));
	assert_int_equal(answer.grant_count, 0);
	rows_answer_clear(&answer);
	assert_true(
	    rows_answer_parse(STR("grant\tGRANT a\ngrant\tGRANT b\nfailed\trights\tx\n"),
	        &request, &answer, &err));
	assert_int_equal(answer.grant_count, 2);
	assert_true(str_is(answer.grants[1], "GRANT b"));
	assert_int_equal(answer.class, ROWS_CLASS_RIGHTS);
	rows_answer_clear(&answer);
	for (int i = 0; i <= ROWS_GRANTS_MAX; i++)
		buf_add_str(&text, STR("grant\tGRANT\n"));
	buf_add_str(&text, STR("failed\trights\tx\n"));
	assert_false(rows_answer_parse(
	    (struct str){text.data, text.len}, &request, &answer, &err));
	assert_int_equal(answer.grant_count, 0);
	rows_answer_clear(&answer);
	rows_request_clear(&request);
	buf_clear(&text);
}

/* As smtp_tls_policy.c steps: what has a port or brackets has no parents. */
static void
parents(void **state)
{
	static const char *const none[] = {
	    "", "test", ".test", "[a.b.test]", "a.b.test:25", "a.", "2001:db8::1"};
	struct str key = STR("a.b.test");

	(void)state;
	assert_true(rows_next_parent(&key));
	assert_true(str_is(key, ".b.test"));
	assert_true(rows_next_parent(&key));
	assert_true(str_is(key, ".test"));
	assert_false(rows_next_parent(&key));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		key = str_of(none[i]);
		assert_false(rows_next_parent(&key));
	}
}

#define ROWS(fn, rows, what) \
	for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) \
	suite_add(fn, rows[i], what " (%zu)", i + 1)

static void
owners(void **state)
{
	static const struct {
		const char *text;
		struct rows_owner owner;
	} rows[] = {
	    {"tlsladder", {true, false, 0}},
	    {"tlsladder pinned", {true, true, 0}},
	    {"tlsladder pinned until 1970-01-01T00:00:02Z", {true, true, 2000}},
	    {"tlsladder pinned until then", {true, false, 0}},
	    {"tlsladder, who else", {false, false, 0}},
	    {"tlsladders", {false, false, 0}},
	    {"administrator", {false, false, 0}},
	    {"", {false, false, 0}},
	};
	char text[ROWS_OWNER_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rows_owner owner = rows_owner_parse(str_of(rows[i].text));

		assert_true(owner.is_ours == rows[i].owner.is_ours);
		assert_true(owner.is_pinned == rows[i].owner.is_pinned);
		assert_true(owner.until_ms == rows[i].owner.until_ms);
		if (i > 2)
			continue;
		rows_owner_print(owner.is_pinned, owner.until_ms, text);
		assert_string_equal(text, rows[i].text);
	}
	rows_owner_print(true, 1001, text); /* not before it ends */
	assert_string_equal(text, rows[2].text);
}

int
main(void)
{
	ROWS(line_there_and_back, lines, "a line is read as it was written");
	ROWS(line_is_none, no_lines, "a line that has a fault is none");
	suite_add(octets_that_end_a_text, NULL, "no field holds a NUL");
	suite_add(fields_that_are_refused, NULL,
	    "a field that could not be read again is not written");
	suite_add(text_of_others, NULL,
	    "what others wrote is shown in one field, cut, and taken for nothing of "
	    "ours");
	suite_add(request_whole, NULL, "a request is whole with its end alone");
	ROWS(request_is_none, no_requests, "a request that has a fault is none");
	suite_add(longer_than_any, NULL, "longer than any line, request and answer");
	suite_add(request_full, NULL, "a request has room for all that it may have");
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		suite_add(answer_is, &answers[i],
		    "an answer is whole with one fitting line a key (%zu)", i + 1);
	suite_add(answer_to_no_lease, NULL, "nobody stands by who asks for no lease");
	suite_add(
	    answer_to_rights, NULL, "to rights what gives the missing ones is told");
	suite_add(
	    owners, NULL, "a row of ours says whether it is pinned, and until when");
	suite_add(parents, NULL, "a domain has the parents that Postfix asks for");
	return suite_run();
}
