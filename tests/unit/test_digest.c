/* SPDX-License-Identifier: BSD-2-Clause */
/* The mail of a day: when there is something to say, and how it reads. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/digest.h"

#define FIRST  20784 /* 2026-11-27 */
#define NOW_MS ((FIRST + 1) * SPAN_DAY_MS + 4 * SPAN_HOUR_MS)

static const char *const says_names[] = {"nothing", "later", "news"};

struct says_case {
	unsigned line;
	unsigned days;
	const char *input;
	const char *says;
	const char *subject;
};

static void
add_wait(struct digest *d, const char *minutes)
{
	int64_t first_ms =
	    strcmp(minutes, "unknown") == 0 ? 0 : NOW_MS - atoi(minutes) * SPAN_MINUTE_MS;

	digest_add_wait(d, "w.test", WHY_HOLD, first_ms, 0);
}

static void
add_word(struct digest *d, const char *word)
{
	struct demand none = demand_of(LEVEL_NONE), encrypt = demand_of(LEVEL_ENCRYPT);
	const char *number = strchr(word, ':');

	if (strcmp(word, "came") == 0)
		digest_add_change(d, "a.test", none, encrypt, WHY_NOT_AUTHENTIC);
	else if (strcmp(word, "went") == 0)
		digest_add_change(d, "a.test", encrypt, none, WHY_PROBED);
	else if (strcmp(word, "changed") == 0)
		digest_add_change(
		    d, "a.test", encrypt, demand_of(LEVEL_VERIFY), WHY_PROBED);
	else if (strcmp(word, "passed") == 0)
		digest_add_change(d, "a.test", none, none, WHY_PROBED);
	else if (strncmp(word, "waits:", 6) == 0)
		add_wait(d, number + 1);
	else if (strncmp(word, "clear:", 6) == 0 || strncmp(word, "new:", 4) == 0)
		digest_add_cleartext(
		    d, "c.test", (uint64_t)atoi(number + 1), word[0] == 'n');
	else
		assert_string_equal(word, "nothing");
}

static void
says(void **state)
{
	const struct says_case *c = *state;
	char *input = mem_strdup(c->input), *rest = input, *word;
	struct digest d;
	struct buf subject = {0};

	digest_begin(&d, FIRST + 1 - c->days, FIRST + 1, NOW_MS);
	while ((word = strtok_r(rest, ",", &rest)) != NULL)
		add_word(&d, word);
	assert_string_equal(says_names[digest_says(&d)], c->says);
	digest_subject(&d, &subject);
	if (strcmp(c->says, "news") == 0) {
		const char *behind = strstr(buf_text(&subject), ": ");

		assert_non_null(behind);
		assert_string_equal(behind + 2, c->subject);
	}
	buf_clear(&subject);
	digest_clear(&d);
	free(input);
}

static void
add_case(char **fields, size_t count, unsigned line, void *context)
{
	struct says_case *c = suite_keep(mem_new(1, sizeof(*c)));

	(void)context;
	if (count != 4)
		exit(2);
	*c = (struct says_case){
	    line, (unsigned)atoi(fields[0]), fields[1], fields[2], fields[3]};
	suite_add(says, c, "digest.cases:%u: %s days, %s: %s", line, fields[0], fields[1],
	    fields[2]);
}

static void
assert_text(const struct digest *d, const char *subject, const char *text)
{
	struct buf out = {0};

	digest_subject(d, &out);
	assert_string_equal(buf_text(&out), subject);
	buf_reset(&out);
	digest_text(d, &out);
	assert_string_equal(buf_text(&out), text);
	buf_clear(&out);
}

static void
reads_like_this(void **state)
{
	struct demand none = demand_of(LEVEL_NONE), encrypt = demand_of(LEVEL_ENCRYPT);
	struct demand policy = {LEVEL_SECURE, "match=mx.p.test"};
	struct demand other = {LEVEL_SECURE, "match=mx2.p.test"};
	struct digest d;

	(void)state;
	digest_begin(&d, FIRST, FIRST + 1, NOW_MS);
	digest_add_change(&d, "a.test", none, encrypt, WHY_NOT_AUTHENTIC);
	digest_add_change(&d, "b.test", none, demand_of(LEVEL_DANE), WHY_NOT_ENCRYPTED);
	digest_add_change(&d, "[c.test]:587", encrypt, none, WHY_PROBED);
	digest_add_change(&d, "d.test", demand_of(LEVEL_MAY), encrypt, WHY_PROBED);
	digest_add_change(&d, "p.test", policy, other, WHY_POLICY);
	digest_add_change(&d, "e.test", none, none, WHY_NOT_NEEDED);
	digest_add_wait(&d, "w.test", WHY_DNS_UNSURE, 0, 0);
	digest_add_wait(
	    &d, "x.test", WHY_HOLD, NOW_MS - SPAN_DAY_MS, NOW_MS + SPAN_DAY_MS);
	digest_add_cleartext(&d, "y.test", 1, true);
	digest_add_cleartext(&d, "z.test", 40, false);
	assert_text(&d,
	    "2026-11-27: 2 entries came, 1 entry went, 2 entries changed, 1 entry came "
	    "and "
	    "went, 2 destinations wait, 41 messages in cleartext",
	    "2026-11-27, in UTC\n\n"
	    "Entries that came:\n"
	    "  a.test: encrypt; not-authentic: no certificate that verifies\n"
	    "  b.test: cleartext (dane); not-encrypted: the server does no TLS\n\n"
	    "Entries that went:\n"
	    "  [c.test]:587: encrypt; probed: a stronger level was probed and works\n\n"
	    "Entries that changed:\n"
	    "  d.test: encrypt, was cleartext (may); probed: a stronger level was probed "
	    "and works\n"
	    "  p.test: secure, other attributes; policy: an enforced MTA-STS policy: its "
	    "servers, verified, and nothing less\n\n"
	    "Entries that came and went, or changed to and fro:\n"
	    "  e.test: not-needed: the default level does the same\n\n"
	    "Mail that waits now:\n"
	    "  x.test: since 2026-11-27T04:00:00Z, the first message bounces at "
	    "2026-11-29T04:00:00Z, hold: it did better lately (ladder.hold)\n"
	    "  w.test: dns-unsure: DNS could not tell, so nothing weaker\n\n"
	    "Sent in cleartext: 41 messages to 2 destinations\n"
	    "  z.test: 40 messages\n"
	    "  y.test: 1 message, none in the weeks before\n\n"
	    "next: tlsladder list --waiting\n");
	digest_clear(&d);
}

static void
one_entry_is_explained(void **state)
{
	struct digest d;

	(void)state;
	digest_begin(&d, FIRST - 2, FIRST + 1, NOW_MS);
	digest_add_change(&d, "[mx.test]:587", demand_of(LEVEL_NONE),
	    demand_of(LEVEL_ENCRYPT), WHY_PINNED);
	assert_text(&d, "2026-11-25 to 2026-11-27: 1 entry came",
	    "2026-11-25 to 2026-11-27, in UTC\n\nEntries that came:\n"
	    "  [mx.test]:587: encrypt; pinned: the administrator set this level\n\n"
	    "next: tlsladder explain '[mx.test]:587'\n");
	digest_clear(&d);
}

/* 20,000 destinations, whose names are as long as they can be, or worse. */
static void
length_is_bounded(void **state)
{
	char key[3000];
	struct digest d;
	struct buf out = {0};

	(void)state;
	memset(key, '\x1b', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	digest_begin(&d, FIRST, FIRST + 1, NOW_MS);
	for (unsigned i = 0; i < 20000; i++) {
		digest_add_change(&d, key, demand_of(LEVEL_NONE),
		    demand_of(i % 2 ? LEVEL_MAY : LEVEL_ENCRYPT), WHY_ONE_RUNG);
		digest_add_wait(&d, key, WHY_HOLD, 1, NOW_MS + 1000000 - i);
		digest_add_cleartext(&d, key, i, false);
	}
	digest_subject(&d, &out);
	assert_string_equal(buf_text(&out),
	    "2026-11-27: 20000 entries came, 20000 destinations wait, 199990000 "
	    "messages in cleartext");
	buf_reset(&out);
	digest_text(&d, &out);
	assert_in_range(out.len, 90000, 200000); /* \x1b is four bytes */
	assert_non_null(strstr(buf_text(&out), ": 19999 messages\n"));
	assert_non_null(strstr(buf_text(&out), ": 19970 messages\n"));
	assert_null(strstr(buf_text(&out), ": 19969 messages\n"));
	assert_non_null(strstr(buf_text(&out), ": cleartext (may); "));
	assert_null(strstr(buf_text(&out), ": encrypt; ")); /* the worst first */
	assert_non_null(strstr(buf_text(&out), "\n  and 19970 more\n"));
	assert_null(strchr(buf_text(&out), '\x1b'));
	buf_clear(&out);
	digest_clear(&d);
}

int
main(void)
{
	suite_read_table("tests/cases/digest.cases", add_case, NULL);
	suite_add(reads_like_this, NULL, "a digest reads like this");
	suite_add(one_entry_is_explained, NULL, "of one entry the command explains it");
	suite_add(
	    length_is_bounded, NULL, "of 20,000 destinations its length is bounded");
	return suite_run();
}
