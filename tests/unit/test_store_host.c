/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of MX hosts, as guard 15 counts it. */
#include "store/store_freeze.h"
#include "suite.h"

#include <stdlib.h>

#include "base/span.h"
#include "storekit.h"

/* What guard 15 counts, as text: held, failed, last. */
static void
assert_counts(struct store *store, const struct freeze_span *span, const char *expected)
{
	struct freeze_facts facts = {0};
	char text[64];

	assert_true(store_freeze_counts(store, span, &facts, &kit_err));
	snprintf(text, sizeof(text), "%d %d %u/%u", (int)facts.held, (int)facts.failed,
	    facts.last_failed, facts.last);
	assert_string_equal(text, expected);
}

static void
put_host(struct store *store, const char *name, struct host_past past)
{
	assert_true(store_host_add(store, name, 25, &past, &kit_err));
}

/* Whatever names somebody makes up below one domain, it is one. */
static void
freeze_counts_parent_domains(void **state)
{
	struct store *store = kit_scratch();
	struct freeze_span span = {.since_ms = 1000,
	    .last_since_ms = 500,
	    .soon_ms = 2000,
	    .verified_ms = 900,
	    .most = 20,
	    .level = LEVEL_VERIFY};
	char name[32];

	(void)state;
	assert_counts(store, &span, "0 0 0/0");
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "mx%d.a.test", i);
		put_host(
		    store, name, (struct host_past){.verify_ms = 800, .failed_ms = 1100});
	}
	assert_counts(store, &span, "1 1 1/1");
	put_host(store, "mx.b.test", (struct host_past){.failed_ms = 1100});
	assert_counts(store, &span, "1 2 1/1"); /* it did no better before */
	put_host(
	    store, "mx.c.test", (struct host_past){.encrypt_ms = 1, .failed_ms = 1000});
	put_host(store, "mx.d.test", (struct host_past){.dane_ms = 1, .failed_ms = 1000});
	put_host(
	    store, "192.0.2.1", (struct host_past){.verify_ms = 1, .failed_ms = 1000});
	assert_counts(store, &span, "1 4 1/1");
	span.level = LEVEL_DANE;
	assert_counts(store, &span, "2 4 2/2");
	span.level = LEVEL_ENCRYPT;
	assert_counts(store, &span, "3 4 0/0");
	span.most = 2;
	assert_counts(store, &span, "2 2 0/0");
	/* Since somebody verified; not long ago; not in the future. */
	span = (struct freeze_span){.soon_ms = 2000, .most = 20, .level = LEVEL_VERIFY};
	span.verified_ms = 1100;
	assert_counts(store, &span, "0 4 0/1");
	span.verified_ms = 0;
	span.since_ms = 1101;
	assert_counts(store, &span, "0 0 1/1");
	span.last_since_ms = 1101;
	assert_counts(store, &span, "0 0 0/1");
	span.since_ms = span.last_since_ms = 0;
	span.soon_ms = 1050;
	assert_counts(store, &span, "0 2 0/1");
	store_close(store);
}

/* Five, the last ones; of a domain with several hosts any that fails will do. */
static void
freeze_counts_those_that_did_better_last(void **state)
{
	struct store *store = kit_scratch();
	struct freeze_span span = {.soon_ms = 5000, .most = 20, .level = LEVEL_VERIFY};
	char name[32];

	(void)state;
	for (int i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "mx1.d%d.test", i);
		put_host(store, name, (struct host_past){.verify_ms = 100 + i});
	}
	assert_counts(store, &span, "0 0 0/5");
	put_host(store, "mx1.d6.test", (struct host_past){.failed_ms = 200});
	put_host(store, "mx2.d5.test", (struct host_past){.failed_ms = 200});
	put_host(store, "mx1.d1.test", (struct host_past){.failed_ms = 200});
	assert_counts(store, &span, "2 3 2/5");
	put_host(store, "mx1.d0.test", (struct host_past){.verify_ms = 300});
	assert_counts(store, &span, "2 3 2/5");
	/* Of the future: the clock was ahead. */
	put_host(store, "mx1.d4.test", (struct host_past){.verify_ms = 6000});
	put_host(store, "mx1.d0.test", (struct host_past){.verify_ms = 6000});
	assert_counts(store, &span, "2 3 3/5");
	store_close(store);
}

int
main(void)
{
	kit_begin();
	suite_add(freeze_counts_parent_domains, NULL,
	    "guard 15 counts parent domains of hosts, up to a limit");
	suite_add(freeze_counts_those_that_did_better_last, NULL,
	    "guard 15 counts those that did better last");
	return kit_end(suite_run());
}
