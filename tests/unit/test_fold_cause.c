/* SPDX-License-Identifier: BSD-2-Clause */
/* What smtp(8) says of servers before its status lines is kept with each server, and with
 * the deferral. A script is a row, as in test_fold.c. */
#include "suite.h"

#include <stdlib.h>

#include "base/buf.h"
#include "foldkit.h"

#define LINES 8

struct script {
	const char *name;
	const char *lines[LINES]; /* behind "postfix/" */
	const char *expected;
};

#define MX2 "mx2.a.test[192.0.2.2]"
#define EXPIRED(pid, server) \
	"smtp[" pid "]: server certificate verification failed for " server \
	":25: certificate has expired"
#define SELF_SIGNED(pid, server) \
	"smtp[" pid "]: certificate verification failed for " server \
	":25: self-signed certificate"
#define REPORT(pid, server, what) \
	"smtp[" pid "]: TLSRPT: status=failure, domain=a.test, receiving_mx=" server \
	", failure_type=" what

static const struct script scripts[] = {
    {"the certificate that a line before the status line names",
        {SELF_SIGNED("1", MX), SESSION("1", "Untrusted", MX),
            DEFERRED("1", "QA", "u@a.test")},
        "a.test: untrusted*1 not-verified*1; untrusted@3; deferred@3 not-verified 1 "
        "attempts, self-signed; mx.a.test:25 self-signed@3; waits QA\n"},
    {"a rule for a cause comes first",
        {EXPIRED("1", MX), SESSION("1", "Untrusted", MX),
            DEFERRED("1", "QA", "u@a.test")},
        "a.test: untrusted*1 out-of-date*1; untrusted@3; deferred@3 out-of-date 1 "
        "attempts, expired; mx.a.test:25 expired@3; waits QA\n"},
    {"a line of another process is not believed of this one",
        {EXPIRED("2", MX), DEFERRED("1", "QA", "u@a.test")},
        "a.test: not-verified*1; deferred@2 not-verified 1 attempts; waits QA\n"},
    {"a line about another server is of that one",
        {EXPIRED("1", MX2), DEFERRED("1", "QA", "u@a.test")},
        "a.test: not-verified*1; deferred@2 not-verified 1 attempts; mx2.a.test:25 "
        "expired@2; waits QA\n"},
    {"each of two servers has its own",
        {SELF_SIGNED("1", MX2), "smtp[1]: QA: " NOT_VERIFIED, EXPIRED("1", MX),
            DEFERRED("1", "QA", "u@a.test")},
        "a.test: not-verified*1; deferred@4 not-verified 1 attempts, self-signed; "
        "mx2.a.test:25 self-signed@4; mx.a.test:25 expired@4; waits QA\n"},
    {"it is about all recipients of the message",
        {SELF_SIGNED("1", MX), DEFERRED("1", "QA", "u@a.test"),
            DEFERRED("1", "QA", "v@a.test")},
        "a.test: not-verified*2; deferred@3 not-verified 2 attempts, self-signed; "
        "mx.a.test:25 self-signed@3; waits QA\n"},
    {"and not about those of another domain, which the process delivers next",
        {SELF_SIGNED("1", MX), DEFERRED("1", "QA", "u@a.test"),
            STATUS("1", "QA", "v@b.test", "mx.b.test[192.0.2.9]:25", "deferred",
                NOT_VERIFIED)},
        "a.test: not-verified*1; deferred@2 not-verified 1 attempts, self-signed; "
        "mx.a.test:25 self-signed@2; waits QA\n"
        "b.test: not-verified*1; deferred@3 not-verified 1 attempts; waits QA\n"},
    {"a delivery to recipients of one domain, written otherwise",
        {SELF_SIGNED("1", MX), DEFERRED("1", "QA", "u@a.test"),
            DEFERRED("1", "QA", "v@A.Test")},
        "a.test: not-verified*2; deferred@3 not-verified 2 attempts, self-signed; "
        "mx.a.test:25 self-signed@3; waits QA\n"},
    {"a delivery to recipients of two domains by one relay",
        {SELF_SIGNED("1", MX), DEFERRED("1", "QA", "u@a.test"),
            DEFERRED("1", "QA", "v@b.test")},
        "a.test: not-verified*1; deferred@2 not-verified 1 attempts, self-signed; "
        "mx.a.test:25 self-signed@2; waits QA\n"
        "b.test: not-verified*1; deferred@3 not-verified 1 attempts, self-signed; "
        "mx.a.test:25 self-signed@3; waits QA\n"},
    {"a delivery whose recipients met two servers",
        {SELF_SIGNED("1", MX), EXPIRED("1", MX2), DEFERRED("1", "QA", "u@a.test"),
            STATUS("1", "QA", "v@a.test", MX2 ":25", "deferred", NOT_VERIFIED)},
        "a.test: not-verified*1 out-of-date*1; deferred@4 out-of-date 2 attempts, "
        "expired; mx.a.test:25 self-signed@4; mx2.a.test:25 expired@4; waits QA\n"},
    {"and not about the next message",
        {SELF_SIGNED("1", MX), DEFERRED("1", "QA", "u@a.test"),
            DEFERRED("1", "QB", "u@a.test")},
        "a.test: not-verified*2; deferred@3 not-verified 2 attempts; mx.a.test:25 "
        "self-signed@2; waits QA QB\n"},
    {"a server that was passed over before the mail was sent",
        {EXPIRED("1", MX2), SESSION("1", "Verified", MX), SENT("1", "QA", "u@a.test")},
        "a.test: verified*1 sent*1; sent@3; verified@3; mx2.a.test:25 expired@3\n"},
    {"TLSRPT says it after tls_verify.c, which is more exact",
        {SELF_SIGNED("1", MX),
            REPORT("1", MX, "validation_failure, failure_reason=unknown"),
            DEFERRED("1", "QA", "u@a.test")},
        "a.test: not-verified*1; deferred@3 not-verified 1 attempts, self-signed; "
        "mx.a.test:25 self-signed@3; waits QA\n"},
    {"TLSRPT says it alone",
        {REPORT("1", MX, "certificate_host_mismatch"), DEFERRED("1", "QA", "u@a.test")},
        "a.test: not-verified*1; deferred@2 not-verified 1 attempts, name; "
        "mx.a.test:25 name@2; waits QA\n"},
    {"TLSRPT of a TLS that is not there: the reason says more",
        {REPORT("1", MX, "starttls_not_supported"),
            STATUS("1", "QA", "u@a.test", MX ":25", "deferred",
                "TLS is required, but host " MX " refused to start TLS: 454 no")},
        "a.test: refused*1; deferred@2 refused 1 attempts, refused; mx.a.test:25 "
        "refused@2; waits QA\n"},
    {"what REQUIRETLS asked for is no cause",
        {STATUS("1", "QA", "u@a.test", "none", "bounced",
            "Sender requested REQUIRETLS, but TLS service was not offered by host " MX)},
        ""},
    {"a suspended message was not tried", {SELF_SIGNED("9", MX), ECHO("QA", "u@a.test")},
        "a.test: not-verified*1; deferred@2 not-verified 0 attempts suspended; "
        "mx.a.test:25 self-signed@2; waits QA\n"},
    {"more servers than are remembered: the first ones",
        {SELF_SIGNED("1", "a.a.test[1]"), SELF_SIGNED("1", "b.a.test[1]"),
            SELF_SIGNED("1", "c.a.test[1]"), SELF_SIGNED("1", MX),
            DEFERRED("1", "QA", "u@a.test")},
        "a.test: not-verified*1; deferred@5 not-verified 1 attempts; a.a.test:25 "
        "self-signed@5; b.a.test:25 self-signed@5; c.a.test:25 self-signed@5; waits "
        "QA\n"},
};

#define SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

static void
feed(struct fold *fold, const struct script *script, int from, int to)
{
	for (int i = from; i < to && script->lines[i] != NULL; i++)
		foldkit_feed(fold, script->lines[i], START_MS + (i + 1) * 1000);
}

/* Also where the log is read on by another process, at each line. */
static void
script_folds(void **state)
{
	const struct script *script = *state;
	struct fold *whole = fold_new(foldkit_rules);
	struct buf end = {0};

	feed(whole, script, 0, LINES);
	foldkit_assert(whole, script->expected);
	fold_save_processes(whole, &end);
	for (int cut = 0; cut <= LINES; cut++) {
		struct fold *before = fold_new(foldkit_rules),
		            *after = fold_new(foldkit_rules);
		struct buf saved = {0}, after_end = {0};

		feed(before, script, 0, cut);
		fold_save_processes(before, &saved);
		fold_load_processes(after, (struct str){buf_text(&saved), saved.len});
		feed(after, script, cut, LINES);
		fold_save_processes(after, &after_end);
		assert_string_equal(buf_text(&after_end), buf_text(&end));
		buf_clear(&saved);
		buf_clear(&after_end);
		fold_free(before);
		fold_free(after);
	}
	buf_clear(&end);
	fold_free(whole);
}

/* --- a line that names no port ----------------------------------------------------- */

static const struct hop {
	const char *name;
	const char *key;
	unsigned port;
} hops[] = {
    {"is of the next-hop's port", "[mx.a.test]:587", 587},
    {"also where that is a name", "a.test:submission", 587},
    {"of smtp, where the next-hop has none", "a.test", 25},
    {"whose address has colons", "[ipv6:2001:db8::1]", 25},
};

#define HOPS (sizeof(hops) / sizeof(hops[0]))

static enum answer
route_to_hop(void *context, struct str recipient, struct str domain, struct route *route)
{
	const struct hop *hop = context;

	(void)recipient;
	(void)domain;
	*route = (struct route){.key = ""};
	assert_true(str_copy(str_of(hop->key), route->key, sizeof(route->key)));
	return ANSWER_YES;
}

static void
no_port(void **state)
{
	const struct hop *hop = *state;
	struct fold *fold = fold_new(foldkit_rules);
	struct buf expected = {0};

	fold_set_router(fold, route_to_hop, *state);
	foldkit_feed(fold, REPORT("1", MX, "certificate_host_mismatch"), START_MS + 1000);
	foldkit_feed(fold,
	    STATUS("1", "QA", "u@a.test", "none", "deferred",
	        "TLS is required, but host " MX2 " refused to start TLS: 454 no"),
	    START_MS + 2000);
	buf_printf(&expected,
	    "%s: refused*1; deferred@2 refused 1 attempts, refused; mx.a.test:%u name@2; "
	    "mx2.a.test:%u refused@2; waits QA\n",
	    hop->key, hop->port, hop->port);
	foldkit_assert(fold, buf_text(&expected));
	buf_clear(&expected);
	fold_free(fold);
}

int
main(void)
{
	int status;

	foldkit_begin();
	for (size_t i = 0; i < HOPS; i++)
		suite_add(no_port, &hops[i], "a line without a port: %s", hops[i].name);
	for (size_t i = 0; i < SCRIPTS; i++)
		suite_add(script_folds, &scripts[i], "%s", scripts[i].name);
	status = suite_run();
	rules_free(foldkit_rules);
	return status;
}
