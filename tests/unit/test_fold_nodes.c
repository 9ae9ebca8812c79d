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
	const struct fold_stranger *strangers;
	unsigned count;

	(void)state;
	foldkit_feed(fold, LINE_OF("n1", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("N2", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("n3", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("n4", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("N3", "QB"), START_MS);
	foldkit_feed(fold, LINE_OF("n1", "QA"), START_MS);
	item = fold_first(fold);
	assert_int_equal(item->waiting_count, 2);
	assert_string_equal(item->waiting[0].queue_id, "n1/QA");
	assert_string_equal(item->waiting[1].queue_id, "n2/QA");
	assert_int_equal(fold_unfollowed(fold, &strangers, &count), 3);
	assert_int_equal(count, 2);
	assert_string_equal(strangers[0].host, "n3");
	assert_int_equal(strangers[0].lines, 2);
	assert_string_equal(strangers[1].host, "n4");
	assert_int_equal(fold_counts(fold)->unfollowed, 3);
	fold_note_strangers(fold);
	assert_int_equal(strangers[0].noted, 2);
	fold_free(fold);
}

/* Names that are made up, a line each, leave those that write more. */
static void
strangers_are_bounded(void **state)
{
	static const char *const hosts[] = {"n1"};
	struct fold *fold = fold_of(hosts, 1);
	const struct fold_stranger *strangers;
	bool found = false;
	unsigned count;
	char line[512];

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		snprintf(line, sizeof(line),
		    "Nov 24 00:00:00 x%u postfix/" DEFERRED("1", "QA", "u@a.test"), i);
		foldkit_feed(fold, line, START_MS);
		if (i == 100 || i == 101)
			foldkit_feed(fold, LINE_OF("n3", "QA"), START_MS);
		if (i == 101)
			foldkit_feed(fold, LINE_OF("n3", "QA"), START_MS);
	}
	assert_int_equal(fold_unfollowed(fold, &strangers, &count), 503);
	assert_int_equal(count, FOLD_STRANGERS_MAX);
	for (unsigned i = 0; i < count; i++)
		found = found || strcmp(strangers[i].host, "n3") == 0;
	assert_true(found);
	fold_free(fold);
}

static void
any_has_no_name(void **state)
{
	static const char *const hosts[] = {"n1", FOLD_NODE_ANY};
	struct fold *fold = fold_of(hosts, 2);
	const struct fold_item *item;
	const struct fold_stranger *strangers;
	unsigned count;

	(void)state;
	foldkit_feed(fold, LINE_OF("whoever", "QA"), START_MS);
	foldkit_feed(fold, LINE_OF("n1", "QA"), START_MS);
	item = fold_first(fold);
	assert_int_equal(item->waiting_count, 2);
	assert_string_equal(item->waiting[0].queue_id, "QA");
	assert_string_equal(item->waiting[1].queue_id, "n1/QA");
	assert_int_equal(fold_unfollowed(fold, &strangers, &count), 0);
	assert_int_equal(count, 0);
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
	assert_false(fold_is_silent(fold, 0));
	assert_true(fold_is_silent(fold, 1));
	foldkit_feed(fold,
	    "Nov 24 00:00:00 n2 postfix/master[1]: daemon started -- version 3.7.11, "
	    "configuration /etc/postfix",
	    START_MS);
	assert_int_equal(fold_starts(fold), 1);
	fold_select(fold, 0);
	assert_int_equal(fold_starts(fold), 0);
	fold_free(fold);
}

struct crowd {
	unsigned nodes, processes;
};

static const struct crowd crowds[] = {{3, 100}, {20, 20}, {20, 100}, {64, 200}};

/* Sessions of all are written before any message is sent. */
static void
each_has_its_processes(void **state)
{
	const struct crowd *crowd = *state;
	static char names[FOLD_NODES_MAX][8];
	const char *hosts[FOLD_NODES_MAX];
	struct fold *fold;
	char line[512];
	uint64_t sent = 0, verified = 0;

	for (unsigned n = 0; n < crowd->nodes; n++) {
		snprintf(names[n], sizeof(names[n]), "n%u", n);
		hosts[n] = names[n];
	}
	fold = fold_of(hosts, crowd->nodes);
	for (unsigned i = 0; i < crowd->nodes * crowd->processes; i++) {
		snprintf(line, sizeof(line),
		    "Nov 24 00:00:00 n%u postfix/smtp[%u]: Verified TLS connection "
		    "established to " MX ":25: TLSv1.3 with cipher "
		    "TLS_AES_256_GCM_SHA384 (256/256 bits)",
		    i % crowd->nodes, 1000 + i / crowd->nodes);
		foldkit_feed(fold, line, START_MS);
	}
	for (unsigned i = 0; i < crowd->nodes * crowd->processes; i++) {
		snprintf(line, sizeof(line),
		    "Nov 24 00:00:00 n%u postfix/smtp[%u]: Q%u: to=<u@a.test>, relay=" MX
		    ":25, delay=0.1, delays=0/0/0.1/0, dsn=2.0.0, status=sent (250 Ok)",
		    i % crowd->nodes, 1000 + i / crowd->nodes, i);
		foldkit_feed(fold, line, START_MS);
	}
	for (size_t t = 0; t < fold_first(fold)->tally_count; t++) {
		const struct fold_tally *tally = &fold_first(fold)->tallies[t];

		if (tally->what < FOLD_SENT || tally->what >= FOLD_BOUNCED)
			continue;
		sent += tally->count;
		if (tally->what == FOLD_SENT + (unsigned)SENT_BY_VERIFIED)
			verified += tally->count;
	}
	assert_int_equal(sent, crowd->nodes * crowd->processes);
	assert_int_equal(verified, sent);
	fold_free(fold);
}

/* Of each node, and a text of before there were nodes is of any of them. */
static void
what_was_heard_is_kept(void **state)
{
	static const char *const hosts[] = {"n1", "n2"};
	struct fold *fold = fold_of(hosts, 2), *after = fold_of(hosts, 2);
	struct buf saved = {0}, other = {0};

	(void)state;
	foldkit_feed(
	    fold, "Nov 24 00:00:00 n2 postfix/" SESSION("7", "Verified", MX), START_MS);
	assert_false(fold_was_heard(fold, 0));
	assert_true(fold_was_heard(fold, 1));
	fold_select(fold, 0);
	fold_save_processes(fold, &other);
	assert_int_equal(other.len, 0);
	fold_select(fold, 1);
	fold_save_processes(fold, &saved);
	fold_clear(fold);
	assert_false(fold_was_heard(fold, 1));
	fold_select(after, 1);
	fold_load_processes(after, (struct str){buf_text(&saved), saved.len});
	assert_false(fold_was_heard(after, 1));
	foldkit_feed(
	    after, "Nov 24 00:00:01 n2 postfix/" SENT("7", "QA", "u@a.test"), START_MS);
	assert_int_equal(fold_first(after)->seen_ms[SESSION_VERIFIED], START_MS);
	fold_forget_processes(after);
	buf_reset(&other);
	fold_save_processes(after, &other);
	assert_int_equal(other.len, 0);
	buf_clear(&saved);
	buf_clear(&other);
	fold_free(fold);
	fold_free(after);
}

int
main(void)
{
	int status;

	foldkit_begin();
	suite_add(id_is_its_hosts, NULL,
	    "a queue id is that of its host, and a host that is no node counts alone");
	suite_add(strangers_are_bounded, NULL,
	    "of hosts that are no node those with many lines are kept");
	suite_add(any_has_no_name, NULL, "any has the lines of other hosts, and no name");
	suite_add(unkept_are_their_nodes, NULL,
	    "messages that are not kept are told of each node");
	suite_add(settings_are_a_nodes, NULL, "settings, and starts, are each node's");
	for (size_t i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++)
		suite_add(each_has_its_processes, &crowds[i],
		    "%u nodes with %u processes each: no session is lost",
		    crowds[i].nodes, crowds[i].processes);
	suite_add(what_was_heard_is_kept, NULL,
	    "what the processes of a node said last is kept, where there is news of it");
	status = suite_run();
	rules_free(foldkit_rules);
	return status;
}
