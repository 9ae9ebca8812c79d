/* SPDX-License-Identifier: BSD-2-Clause */
/* Several Postfix servers in one log: what is each one's. */
#include "suite.h"

#include "foldkit.h"

static struct fold *
fold_of(const char *const *hosts, unsigned count)
{
	struct fold *fold = fold_new(foldkit_rules);

	fold_set_nodes(fold, hosts, count);
	return fold;
}

#define LINE_OF(host, id) \
	"Nov 24 00:00:00 " host " postfix/" DEFERRED("1", id, "u@a.test")

static void
id_is_its_hosts(void **state)
{
	static const char *const hosts[] = {"n1", "n2"};
	struct fold *fold = fold_of(hosts, 2);
	const struct fold_item *item;
	const char *host;

	(void)state;
	foldkit_feed(fold, LINE_OF("n1", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("N2", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("n3", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("n1", "QA"), START_MS);
	item = fold_first(fold);
	assert_int_equal(item->waiting_count, 2);
	assert_string_equal(item->waiting[0].queue_id, "n1/QA");
	assert_string_equal(item->waiting[1].queue_id, "n2/QA");
	assert_int_equal(fold_unfollowed(fold, &host), 1);
	assert_string_equal(host, "n3");
	assert_int_equal(fold_counts(fold)->unfollowed, 1);
	fold_free(fold);
}

static void
any_has_no_name(void **state)
{
	static const char *const hosts[] = {"n1", FOLD_NODE_ANY};
	struct fold *fold = fold_of(hosts, 2);
	const struct fold_item *item;
	const char *host;

	(void)state;
	foldkit_feed(fold, LINE_OF("whoever", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("n1", "QA"), START_MS);
	item = fold_first(fold);
	assert_int_equal(item->waiting_count, 2);
	assert_string_equal(item->waiting[0].queue_id, "QA");
	assert_string_equal(item->waiting[1].queue_id, "n1/QA");
	assert_int_equal(fold_unfollowed(fold, &host), 0);
	fold_free(fold);
}

/* Of each node those that are not kept are told by the last of them. */
static void
unkept_are_their_nodes(void **state)
{
	static const char *const hosts[] = {"n1", "n2"};
	struct fold *fold = fold_of(hosts, 2);
	const struct fold_item *item;
	char line[512];

	(void)state;
	for (unsigned i = 0; i < 3 * FOLD_WAITING_MAX; i++) {
		snprintf(line, sizeof(line),
		    "Nov 24 00:00:00 n%u postfix/smtp[1]: Q%u: to=<u@a.test>, relay=" MX
		    ":25, delay=1.1, delays=0.1/0/0.6/0.4, dsn=4.7.5, status=deferred "
		    "(" NOT_VERIFIED ")",
		    i % 2 + 1, i);
		foldkit_feed(fold, line, START_MS);
	}
	item = fold_first(fold);
	assert_int_equal(item->waiting_count, FOLD_WAITING_MAX);
	assert_int_equal(item->unkept_count, 2);
	assert_string_equal(item->unkept[0].queue_id, "n1/");
	assert_string_equal(item->unkept[1].queue_id, "n2/");
	assert_string_equal(item->unkept[1].domain, "a.test");
	fold_free(fold);
}

/* What is known of one tells nothing of the other. */
static void
settings_are_a_nodes(void **state)
{
	static const char *const hosts[] = {"n1", "n2"};
	struct fold *fold = fold_of(hosts, 2);

	(void)state;
	fold_select(fold, 1);
	fold_set_names(fold, "postfix");
	fold_set_silent(fold, true);
	fold_select(fold, 0);
	assert_false(fold_is_silent(fold));
	foldkit_feed(fold,
	    "Nov 24 00:00:00 n2 postfix/master[1]: daemon started -- version 3.7.11, "
	    "configuration /etc/postfix",
	    START_MS);
	assert_int_equal(fold_starts(fold), 1);
	fold_select(fold, 0);
	assert_int_equal(fold_starts(fold), 0);
	fold_free(fold);
}

int
main(void)
{
	int status;

	foldkit_begin();
	suite_add(id_is_its_hosts, NULL,
	    "a queue id is that of its host, and a host that is no node counts alone");
	suite_add(any_has_no_name, NULL, "any has the lines of other hosts, and no name");
	suite_add(unkept_are_their_nodes, NULL,
	    "messages that are not kept are told of each node");
	suite_add(settings_are_a_nodes, NULL, "settings, and starts, are each node's");
	status = suite_run();
	rules_free(foldkit_rules);
	return status;
}
