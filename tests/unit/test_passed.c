/* SPDX-License-Identifier: BSD-2-Clause */
/* Servers that smtp(8) passes over before the last one of a message: a script of log
 * lines a second apart, and the deferral that comes of it, as text. */
#include "suite.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "foldkit.h"

#define LINES 8

#define MX1  "mx1.a.test[192.0.2.1]"
#define MX2  "mx2.a.test[192.0.2.2]"
#define DOWN "connect to mx9.a.test[192.0.2.9]:25: Connection refused"
/* Four seconds of connecting: of lines a second apart, those before it are of its
 * attempt. */
#define LAST(pid, id, to, relay, status, reason) \
	"smtp[" pid "]: " id ": to=<" to ">, relay=" relay ", delay=9, " \
	"delays=4/0/4/0, dsn=4.4.1, status=" status " (" reason ")"
#define REFUSED_CERT(pid, host) \
	"smtp[" pid "]: certificate verification failed for " host \
	":25: self-signed certificate"
#define NOT_OFFERED "TLS is required, but was not offered by host "
#define HANDSHAKE   "Cannot start TLS: handshake failure"

struct script {
	const char *name;
	const char *lines[LINES]; /* behind "postfix/" */
	const char *expected;
};

static const struct script scripts[] = {
    {"a certificate, and the last host is down",
        {REFUSED_CERT("1", MX1), "smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "a.test: not-verified of mx1.a.test: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
    {"its server is that of the session where no certificate is logged",
        {SESSION("1", "Untrusted", MX1), "smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "a.test: not-verified of mx1.a.test: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
    {"not that of the session of another message",
        {SESSION("1", "Untrusted", MX1), SENT("1", "QZ", "u@z.test"),
            "smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "z.test:\n"
        "a.test: not-verified of ?: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
    {"without such a line it is of no server",
        {"smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "a.test: not-verified of ?: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
    {"a line of another process names none",
        {REFUSED_CERT("2", MX1), "smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "a.test: not-verified of ?: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
    {"a handshake that failed",
        {"smtp[1]: SSL_connect error to " MX1 ":25: -1", "smtp[1]: QA: " HANDSHAKE,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "a.test: handshake of mx1.a.test: " HANDSHAKE
        "; 1 attempts, 0 plain, 1 broken; QA waits for handshake, " DOWN "\n"},
    {"with no word of its server it counts towards nothing",
        {SESSION("1", "Trusted", MX1), "smtp[1]: QA: " HANDSHAKE,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "a.test: handshake of ?: " HANDSHAKE
        "; 1 attempts, 0 plain, 0 broken; QA waits for handshake, " DOWN "\n"},
    {"no TLS there: the reason names the server",
        {"smtp[1]: QA: " NOT_OFFERED MX1,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "a.test: not-offered of mx1.a.test: " NOT_OFFERED MX1
        "; 1 attempts, 1 plain, 0 broken; QA waits for not-offered, " DOWN "\n"},
    {"refused: what the server says behind it is its own",
        {"smtp[1]: QA: TLS is required, but host " MX1
         " refused to start TLS: 454 host x[1] no",
            LAST("1", "QA", "u@a.test", MX2 ":25", "deferred",
                "host " MX2 " said: 450 no")},
        "a.test: refused of mx1.a.test: TLS is required, but host " MX1
        " refused to start TLS: 454 host x[1] no; 1 attempts, 1 plain, 0 broken; "
        "QA waits for refused, host " MX2 " said: 450 no\n"},
    {"of several servers the one that can do most decides",
        {REFUSED_CERT("1", MX1), "smtp[1]: QA: " NOT_VERIFIED,
            "smtp[1]: QA: " NOT_OFFERED MX2,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "a.test: not-verified of mx1.a.test: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
    {"whichever comes first",
        {"smtp[1]: QA: " NOT_OFFERED MX2, "smtp[1]: SSL_connect error to " MX1 ":25: -1",
            "smtp[1]: QA: " HANDSHAKE, REFUSED_CERT("1", MX1),
            "smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "a.test: not-verified of mx1.a.test: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
    {"the last one is among them",
        {REFUSED_CERT("1", MX1), "smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", MX2 ":25", "deferred", NOT_OFFERED MX2)},
        "a.test: not-verified of mx1.a.test: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " NOT_OFFERED MX2
        "\n"},
    {"of two of a kind it is the one",
        {REFUSED_CERT("1", MX1), "smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", MX2 ":25", "deferred", NOT_VERIFIED)},
        "a.test: not-verified of mx2.a.test: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " NOT_VERIFIED "\n"},
    {"a server that must wait decides nothing, a fault of ours everything",
        {"smtp[1]: QA: TLS is required, but our TLS engine is unavailable",
            LAST("1", "QA", "u@a.test", MX2 ":25", "deferred",
                "lost connection with " MX2 " while receiving the STARTTLS response"),
            REFUSED_CERT("1", MX1), "smtp[1]: QB: " NOT_VERIFIED,
            LAST("1", "QB", "u@b.test", MX2 ":25", "deferred",
                "lost connection with " MX2 " while receiving the STARTTLS response")},
        "a.test: engine of ?: TLS is required, but our TLS engine is unavailable; "
        "1 attempts, 0 plain, 0 broken; QA waits for engine, lost connection with " MX2
        " while receiving the STARTTLS response\n"
        "b.test: not-verified of mx1.a.test: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QB waits for not-verified, lost connection "
        "with " MX2 " while receiving the STARTTLS response\n"},
    {"a server's own words are none",
        {"smtp[1]: QA: host " MX1 " said: 450 4.7.5 " NOT_VERIFIED,
            "smtp[1]: QA: " NOT_VERIFIED " (in reply to RCPT TO command)",
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        ""},
    {"nor are other programs' and warnings",
        {"smtpd[1]: QA: " NOT_VERIFIED, "smtp[1]: warning: QA: " NOT_VERIFIED,
            "error[1]: QA: " NOT_VERIFIED, "lmtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        ""},
    {"of another message, or another process, it says nothing",
        {"smtp[1]: QA: " NOT_VERIFIED,
            LAST("2", "QA", "u@a.test", "none", "deferred", DOWN),
            LAST("1", "QB", "u@a.test", "none", "deferred", DOWN),
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        ""},
    {"every recipient of the message is told",
        {"smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN),
            LAST("1", "QA", "v@a.test", "none", "deferred", DOWN)},
        "a.test: not-verified of ?: " NOT_VERIFIED
        "; 2 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
    {"another domain of the same message is another delivery",
        {"smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN),
            LAST("1", "QA", "u@b.test", "none", "deferred", DOWN)},
        "a.test: not-verified of ?: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
    {"a later attempt in which nothing was said is another",
        {"smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN), "smtp[1]: QZ: nothing",
            "smtp[1]: QZ: nothing",
            "smtp[1]: QA: to=<u@a.test>, relay=none, delay=9, delays=9/0/0/0, "
            "dsn=4.4.1, status=deferred (" DOWN ")"},
        "a.test: not-verified of ?: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
    {"mail that another server took is sent",
        {REFUSED_CERT("1", MX1), "smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", MX2 ":25", "sent", "250 Ok"),
            LAST("1", "QA", "v@a.test", MX2 ":25", "deferred",
                "host " MX2 " said: 450 no")},
        "a.test:\n"},
    {"a bounce is its own reason's",
        {"smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", MX2 ":25", "bounced",
                "host " MX2 " said: 550 no")},
        ""},
    {"a session with the last server is a session",
        {REFUSED_CERT("1", MX1), SESSION("1", "Untrusted", MX1),
            "smtp[1]: QA: " NOT_VERIFIED, SESSION("1", "Verified", MX2),
            LAST("1", "QA", "u@a.test", MX2 ":25", "deferred",
                "host " MX2 " said: 450 no")},
        "a.test: not-verified of mx1.a.test: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; verified; QA waits for not-verified, host " MX2
        " said: 450 no\n"},
    {"the server of a line is not that of the next reason",
        {REFUSED_CERT("1", MX1), "smtp[1]: QA: " NOT_OFFERED MX2,
            "smtp[1]: QA: " NOT_VERIFIED,
            LAST("1", "QA", "u@a.test", "none", "deferred", DOWN)},
        "a.test: not-verified of ?: " NOT_VERIFIED
        "; 1 attempts, 0 plain, 0 broken; QA waits for not-verified, " DOWN "\n"},
};

#define SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

/* --- rules that mean something ----------------------------------------------------- */

static struct rules *rules;

static void
add_rule(struct rule_source source)
{
	const char *key;
	struct err err;

	if (!rules_add(rules, &source, &key, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(2);
	}
}

static void
begin(void)
{
	rules = rules_new();
	add_rule((struct rule_source){.name = "not-verified",
	    .reason = "^Server certificate not verified$",
	    .fallback = FALLBACK_LEVEL,
	    .level = LEVEL_ENCRYPT});
	add_rule((struct rule_source){.name = "not-offered",
	    .reason = "^TLS is required, but was not offered by host \\S+$",
	    .fallback = FALLBACK_LEVEL,
	    .level = LEVEL_MAY});
	add_rule((struct rule_source){.name = "handshake",
	    .reason = "^Cannot start TLS: handshake failure$",
	    .fallback = FALLBACK_NEXT});
	add_rule((struct rule_source){.name = "refused",
	    .reason = "^TLS is required, but host \\S+ refused to start TLS: .*$",
	    .fallback = FALLBACK_LEVEL,
	    .level = LEVEL_MAY});
	add_rule((struct rule_source){.name = "engine",
	    .reason = "^TLS is required, but our TLS engine is unavailable$",
	    .fallback = FALLBACK_WAIT,
	    .fault_ours = true});
	add_rule((struct rule_source){.name = "lost",
	    .reason = "^lost connection with \\S+ while receiving the STARTTLS response$",
	    .fallback = FALLBACK_WAIT});
}

/* --- the fold as text -------------------------------------------------------------- */

/* The reason that the queue would show is one of these. */
static const char *
marked(const struct reason_mark *mark)
{
	static const char *const known[] = {DOWN, NOT_VERIFIED, NOT_OFFERED MX2,
	    "host " MX2 " said: 450 no",
	    "lost connection with " MX2 " while receiving the STARTTLS response"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (reason_mark_fits(mark, str_of(known[i])))
			return known[i];
	return "another reason";
}

static char *
print(const struct fold *fold)
{
	struct buf out = {0};

	for (const struct fold_item *i = fold_first(fold); i != NULL; i = i->next) {
		buf_printf(&out, "%s:", i->key);
		if (i->deferred)
			buf_printf(&out,
			    " %s of %s: %s; %u attempts, %u plain, %u broken",
			    rules_get(rules, i->deferral->rule)->name,
			    i->deferral->relay[0] != '\0' ? i->deferral->relay : "?",
			    i->deferral->reason, i->tried.count, i->plain.count,
			    i->broken.count);
		if (i->seen_ms[SESSION_VERIFIED] != 0)
			buf_printf(&out, "; verified");
		for (size_t w = 0; w < i->waiting_count; w++)
			buf_printf(&out, "; %s waits for %s, %s", i->waiting[w].queue_id,
			    rules_get(rules, i->waiting[w].rule)->name,
			    marked(&i->waiting[w].reason));
		buf_printf(&out, "\n");
	}
	return buf_take(&out);
}

static void
assert_fold(const struct fold *fold, const char *expected)
{
	char *got = print(fold);

	assert_string_equal(got, expected);
	free(got);
}

static void
feed(struct fold *fold, const struct script *script, int from, int to)
{
	for (int i = from; i < to && script->lines[i] != NULL; i++)
		foldkit_feed(fold, script->lines[i], START_MS + (i + 1) * 1000);
}

/* --- tests ------------------------------------------------------------------------- */

static void
script_folds(void **state)
{
	const struct script *script = *state;
	struct fold *fold = fold_new(rules);

	feed(fold, script, 0, LINES);
	assert_fold(fold, script->expected);
	fold_free(fold);
}

static void
goes_on_after_a_restart(void **state)
{
	const struct script *script = *state;

	for (int cut = 0; cut <= LINES; cut++) {
		struct fold *whole = fold_new(rules), *after = fold_new(rules);
		struct buf saved = {0}, whole_end = {0}, after_end = {0};
		char *expected;

		feed(whole, script, 0, cut);
		fold_save_processes(whole, &saved);
		fold_clear(whole);
		feed(whole, script, cut, LINES);
		fold_load_processes(after, (struct str){buf_text(&saved), saved.len});
		feed(after, script, cut, LINES);
		expected = print(whole);
		assert_fold(after, expected);
		fold_save_processes(whole, &whole_end);
		fold_save_processes(after, &after_end);
		assert_string_equal(buf_text(&after_end), buf_text(&whole_end));
		free(expected);
		buf_clear(&saved);
		buf_clear(&whole_end);
		buf_clear(&after_end);
		fold_free(whole);
		fold_free(after);
	}
}

static enum answer
route(void *context, struct str recipient, struct str domain, struct route *out)
{
	(void)recipient;
	*out = (struct route){.transport = "smtp"};
	str_copy(domain, out->key, sizeof(out->key));
	return *(const enum answer *)context;
}

/* Its line waits for a route, while the process goes on to other messages. */
static void
waits_for_a_route(void **state)
{
	const struct script *script = *state;
	enum answer answer = ANSWER_UNSURE;
	struct fold *fold = fold_new(rules);
	struct fold_item *last, *other;

	fold_set_router(fold, route, &answer);
	feed(fold, script, 0, LINES);
	foldkit_feed(fold, SENT("1", "QX", "u@x.test"), START_MS + SPAN_MINUTE_MS);
	answer = ANSWER_YES;
	fold_unpark(fold);
	last = fold_first(fold);
	while (last->next != NULL && last->next->next != NULL)
		last = last->next;
	other = last->next;
	assert_string_equal(other != NULL ? other->key : last->key, "x.test");
	last->next = NULL; /* the rest is what it is without that */
	if (script->expected[0] != '\0')
		assert_fold(fold, script->expected);
	last->next = other;
	fold_free(fold);
}

/* More processes than are kept: the latest are. */
static void
forgets_the_oldest(void **state)
{
	struct fold *fold = fold_new(rules);
	unsigned known = 0;

	(void)state;
	for (int pid = 1; pid <= 300; pid++) {
		char line[128];

		snprintf(line, sizeof(line), "smtp[%d]: Q%d: " NOT_VERIFIED, pid, pid);
		foldkit_feed(fold, line, START_MS);
	}
	for (int pid = 1; pid <= 300; pid++) {
		char line[256];

		snprintf(line, sizeof(line),
		    "smtp[%d]: Q%d: to=<u@p%d.test>, relay=none, delay=9, "
		    "delays=4/0/4/0, dsn=4.4.1, status=deferred (x)",
		    pid, pid, pid);
		foldkit_feed(fold, line, START_MS);
	}
	for (const struct fold_item *i = fold_first(fold); i != NULL; i = i->next)
		known++;
	assert_int_equal(known, 128);
	assert_string_equal(fold_first(fold)->key, "p173.test");
	fold_free(fold);
}

/* Of what was stored by others nothing comes but lines of the form. */
static void
hostile_state_is_skipped(void **state)
{
	static const char saved[] = "passed\n"
	                            "passed\t1\t9\t\tQA\t\t3\t1\t0\t0\tx\n"
	                            "passed\t1\t0\t\tQA\t\t3\t1\t2\t0\tx\n"
	                            "passed\t-1\t0\t\tQA\t\t3\t1\t0\t0\tx\n"
	                            "passed\t1\t0\t\tQA\t\t3\t1\t0\n"
	                            "passed\t1\t0\t\tQA\t\tx\t1\t0\t0\tx\n"
	                            "passed\t1\t0\t\tQA\t\t3\tx\t0\t0\tx\n"
	                            "passed\t1\t0\t\tQA\t\t3\t1\t0\tx\tx\n"
	                            "passed\t1\t0\t\tQA\t\t3\t1\t0\t0\tx";
	struct fold *fold = fold_new(rules);
	struct buf after = {0};

	(void)state;
	fold_load_processes(fold, (struct str){saved, sizeof(saved) - 1});
	fold_save_processes(fold, &after);
	assert_int_equal(after.len, 0);
	buf_clear(&after);
	fold_free(fold);
}

static void
long_texts_are_cut(void **state)
{
	char *line = mem_new(3000, 1), *id = mem_new(300, 1);
	struct fold *fold = fold_new(rules);
	struct buf text = {0};

	(void)state;
	memset(line, 'x', 2999);
	buf_printf(&text,
	    "smtp[1]: QA: TLS is required, but host " MX1
	    " refused to start TLS: 454\t%s",
	    line);
	foldkit_feed(fold, buf_text(&text), START_MS + 1000);
	foldkit_feed(
	    fold, LAST("1", "QA", "u@a.test", "none", "deferred", DOWN), START_MS + 2000);
	assert_int_equal(strlen(fold_first(fold)->deferral->reason), REASON_SIZE - 1);
	buf_reset(&text);
	memset(id, 'Q', 250);
	buf_printf(&text, "smtp[1]: %s: " NOT_VERIFIED, id);
	foldkit_feed(fold, buf_text(&text), START_MS + 1000);
	assert_int_equal(fold_size(fold), 1);
	buf_clear(&text);
	free(line);
	free(id);
	fold_free(fold);
}

/* Lines of Postfix 3.7.11, of seven messages at once, in whole seconds. */
static void
genuine_lines(void **state)
{
	FILE *file = fopen(suite_path("tests/logs/several-mx.log"), "r");
	struct fold *fold = fold_new(rules);
	struct buf found = {0};
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	(void)state;
	assert_non_null(file);
	while ((len = getline(&line, &size, file)) > 0) {
		struct logline split;

		if (logline_split((struct str){line, (size_t)len - 1}, &split))
			fold_line(fold, &split,
			    START_MS +
			        (split.stamp.minute * 60 + split.stamp.second) * 1000,
			    NOW_MS);
	}
	for (const struct fold_item *i = fold_first(fold); i != NULL; i = i->next)
		buf_printf(&found, "%s %s %s\n", i->key,
		    i->deferred ? rules_get(rules, i->deferral->rule)->name : "-",
		    i->deferred ? i->deferral->relay : "-");
	assert_string_equal(buf_text(&found),
	    "selfsigned.test not-verified mx.selfsigned.test\n"
	    "wrongname-cert.test not-verified mx.tempfail3.test\n"
	    "starttls-refused.test not-verified mx.selfsigned.test\n"
	    "expired-cert.test not-verified mx.expired-cert.test\n"
	    "plain.test not-offered mx.plain.test\n"
	    "tls10-only.test handshake mx.tls10-only.test\n"
	    "hosted.test - -\n");
	buf_clear(&found);
	free(line);
	fclose(file);
	fold_free(fold);
}

int
main(void)
{
	int status;

	begin();
	for (size_t i = 0; i < SCRIPTS; i++)
		suite_add(script_folds, &scripts[i], "%s", scripts[i].name);
	for (size_t i = 0; i < SCRIPTS; i++)
		suite_add(goes_on_after_a_restart, &scripts[i],
		    "cut at each line by a restart: %s", scripts[i].name);
	for (size_t i = 0; i < SCRIPTS; i++)
		suite_add(waits_for_a_route, &scripts[i],
		    "its status lines wait for a route: %s", scripts[i].name);
	suite_add(forgets_the_oldest, NULL, "of 300 processes the latest 128 are known");
	suite_add(hostile_state_is_skipped, NULL, "damaged state is skipped");
	suite_add(long_texts_are_cut, NULL, "long texts are cut");
	suite_add(genuine_lines, NULL, "genuine lines of seven messages at once");
	status = suite_run();
	rules_free(rules);
	return status;
}
