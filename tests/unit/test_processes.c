/* SPDX-License-Identifier: BSD-2-Clause */
/* What processes of smtp(8) said last: what is bound to a message, stored and read. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/processes.h"

#define PEER "mx.a.test[192.0.2.1]"

static struct processes *all;

static int
begin(void **state)
{
	(void)state;
	all = mem_new(1, sizeof(*all));
	return 0;
}

static void
load(const char *text)
{
	begin(NULL);
	processes_load(all, str_of(text));
}

static void
assert_saved(const char *expected)
{
	struct buf out = {0};

	processes_save(all, &out);
	assert_string_equal(buf_text(&out), expected);
	buf_clear(&out);
	free(all);
}

static void
fails(struct process *p, enum cause cause, const char *host, uint16_t port)
{
	const struct fault_line fault = {
	    .cause = cause, .host = str_of(host), .port = port};

	process_note_fault(p, &fault);
}

static void
is_about(struct process *p, const char *queue_id, const char *domain, const char *relay)
{
	const struct status_line line = {.queue_id = str_of(queue_id),
	    .domain = str_of(domain),
	    .relay = str_of(relay)};

	process_bind(p, &line);
}

/* --- faults ------------------------------------------------------------------------- */

/* The first cause that has a name, and the first port. */
static void
first_name_counts(void **state)
{
	struct process *p;

	begin(state);
	p = processes_get(all, 7);
	fails(p, CAUSE_OTHER, "MX.a.test", 0);
	assert_int_equal(process_cause(p, "mx.a.test"), CAUSE_OTHER);
	fails(p, CAUSE_HANDSHAKE, "mx.a.test", 0);
	assert_int_equal(process_cause(p, "mx.a.test"), CAUSE_HANDSHAKE);
	fails(p, CAUSE_EXPIRED, "mx.a.test", 25);
	fails(p, CAUSE_NAME, "mx.a.test", 26);
	assert_int_equal(process_cause(p, "mx.a.test"), CAUSE_EXPIRED);
	assert_int_equal(p->faults[0].port, 25);
	assert_int_equal(p->fault_count, 1);
	/* Where no server is named it is the only one. */
	assert_int_equal(process_cause(p, ""), CAUSE_EXPIRED);
	assert_int_equal(process_cause(p, "mx.b.test"), CAUSE_NONE);
	fails(p, CAUSE_NAME, "mx.b.test", 25);
	assert_int_equal(process_cause(p, ""), CAUSE_NONE);
	free(all);
}

static void
no_more_than_three_servers(void **state)
{
	char long_host[NEXTHOP_HOST_SIZE + 1];
	struct process *p;

	begin(state);
	p = processes_get(all, 7);
	fails(p, CAUSE_NAME, "", 25);
	fails(p, CAUSE_NAME, "mx\ta.test", 25);
	memset(long_host, 'a', sizeof(long_host));
	long_host[sizeof(long_host) - 1] = '\0';
	fails(p, CAUSE_NAME, long_host, 25);
	assert_int_equal(p->fault_count, 0);
	fails(p, CAUSE_NAME, "1.test", 25);
	fails(p, CAUSE_NAME, "2.test", 25);
	fails(p, CAUSE_NAME, "3.test", 25);
	fails(p, CAUSE_NAME, "4.test", 25);
	assert_int_equal(p->fault_count, PROCESS_FAULTS);
	assert_int_equal(process_cause(p, "4.test"), CAUSE_NONE);
	free(all);
}

/* {message, domain, relay} of the second line, and is what failed still of it? */
static const struct {
	const char *queue_id, *domain, *relay;
	bool stays;
} bound_rows[] = {
    {"QA", "a.test", "mx.a.test[192.0.2.1]:25", true},
    {"QA", "A.test", "MX.a.test[192.0.2.1]:25", true},
    {"QA", "a.test", "none", true},
    {"QA", "b.test", "mx.a.test[192.0.2.1]:25", true},
    {"QA", "b.test", "none", false},
    {"QA", "b.test", "mx.b.test[192.0.2.1]:25", false},
    {"QB", "a.test", "mx.a.test[192.0.2.1]:25", false},
    {"QAB", "a.test", "mx.a.test[192.0.2.1]:25", false},
};

static void
faults_are_of_a_delivery(void **state)
{
	struct process *p;

	(void)state;
	for (size_t i = 0; i < sizeof(bound_rows) / sizeof(bound_rows[0]); i++) {
		begin(NULL);
		p = processes_get(all, 7);
		fails(p, CAUSE_NAME, "mx.a.test", 25);
		is_about(p, "QA", "a.test", "mx.a.test[192.0.2.1]:25");
		assert_int_equal(p->fault_count, 1);
		is_about(
		    p, bound_rows[i].queue_id, bound_rows[i].domain, bound_rows[i].relay);
		assert_int_equal(p->fault_count, bound_rows[i].stays);
		/* What fails next is of the next message. */
		fails(p, CAUSE_EXPIRED, "mx.c.test", 25);
		assert_int_equal(process_cause(p, "mx.a.test"), CAUSE_NONE);
		assert_int_equal(process_cause(p, "mx.c.test"), CAUSE_EXPIRED);
		free(all);
	}
}

/* Without a server: the domain alone tells, two such of other domains are two. */
static void
without_a_server_the_domain_tells(void **state)
{
	struct process *p;

	begin(state);
	p = processes_get(all, 7);
	fails(p, CAUSE_NAME, "mx.a.test", 25);
	is_about(p, "QA", "a.test", "none");
	is_about(p, "QA", "a.test", "none");
	assert_int_equal(p->fault_count, 1);
	is_about(p, "QA", "b.test", "none");
	assert_int_equal(p->fault_count, 0);
	free(all);
}

static void
long_queue_id_is_no_message(void **state)
{
	struct process *p;
	char id[256];

	begin(state);
	p = processes_get(all, 7);
	memset(id, 'A', sizeof(id));
	id[255] = '\0';
	fails(p, CAUSE_NAME, "mx.a.test", 25);
	is_about(p, id, "a.test", "none");
	assert_int_equal(p->fault_count, 0);
	id[sizeof(p->fault_id) - 10] = '\0';
	fails(p, CAUSE_NAME, "mx.a.test", 25);
	is_about(p, id, "a.test", "none");
	assert_int_equal(p->fault_count, 0);
	free(all);
}

/* --- sessions and look-ups -----------------------------------------------------------
 */

static void
what_a_line_of_text_cannot_hold_is_not_kept(void **state)
{
	static const char odd[] = "mx\ta.test[192.0.2.1]", reason[] = "a\treason";
	const struct session_line session = {
	    .grade = SESSION_VERIFIED, .host = {odd, 9}, .address = {odd + 10, 9}};
	const struct policy_line policy = {.nexthop = STR("a.test"),
	                             .reason = {reason, 8}},
	                         none = {.nexthop = STR("a b"), .reason = STR("x")};
	struct process *p;
	char text[512];
	struct session_line long_one = {.grade = SESSION_VERIFIED};
	struct policy_line long_reason = {.nexthop = STR("a.test")};

	begin(state);
	p = processes_get(all, 7);
	process_note_session(p, &session);
	assert_false(p->has_session);
	assert_int_equal(p->peer_len, 0);
	memset(text, 'a', sizeof(text));
	text[400] = '[';
	text[410] = ']';
	long_one.host = (struct str){text, 400};
	long_one.address = (struct str){text + 401, 9};
	process_note_session(p, &long_one);
	assert_false(p->has_session);
	process_note_policy(p, &policy);
	assert_string_equal(p->nexthop, "");
	process_note_policy(p, &none);
	assert_string_equal(p->nexthop, "");
	long_reason.reason = (struct str){text, 200};
	process_note_policy(p, &long_reason);
	assert_string_equal(p->nexthop, "");
	free(all);
}

static void
look_up_names_the_next_hop(void **state)
{
	const struct policy_line policy = {
	    .nexthop = STR("A.test"), .reason = STR("no TLSA records found")};
	struct status_line line = {
	    .relay = STR("none"), .reason = STR("no TLSA records found")};
	struct process *p;

	begin(state);
	p = processes_get(all, 7);
	assert_false(process_named(NULL, &line));
	assert_false(process_named(p, &line));
	process_note_policy(p, &policy);
	assert_string_equal(p->nexthop, "a.test");
	assert_true(process_named(p, &line));
	line.reason = STR("another");
	assert_false(process_named(p, &line));
	line.reason = policy.reason;
	line.relay = STR("mx.a.test[192.0.2.1]:25");
	assert_false(process_named(p, &line));
	free(all);
}

/* --- forgotten -----------------------------------------------------------------------
 */

/* Those of one remainder are found and forgotten each by itself. */
static void
silent_longest_is_forgotten(void **state)
{
	begin(state);
	for (uint32_t i = 0; i < 3; i++)
		processes_get(all, 5 + i * PROCESSES);
	for (uint32_t i = 0; i < PROCESSES - 3; i++)
		processes_get(all, 100000 + i);
	processes_get(all, 5); /* speaks again */
	processes_get(all, 900000);
	assert_non_null(processes_find(all, 5));
	assert_null(processes_find(all, 5 + PROCESSES));
	assert_non_null(processes_find(all, 5 + 2 * PROCESSES));
	processes_get(all, 900001);
	assert_null(processes_find(all, 5 + 2 * PROCESSES));
	assert_non_null(processes_find(all, 900000));
	free(all);
}

/* --- stored --------------------------------------------------------------------------
 */

#define WHOLE \
	"7\t1\t1\t3\t" PEER \
	"\tQA\ta.test\treason\nfault\t7\tQA 1 2\t25\texpired\tmx.a.test\n"

static void
what_was_saved_is_read(void **state)
{
	struct process *p;

	(void)state;
	load(WHOLE);
	p = processes_find(all, 7);
	assert_non_null(p);
	assert_true(p->has_session);
	assert_int_equal(p->peer_len, strlen(PEER));
	assert_string_equal(p->reason, "reason");
	assert_int_equal(process_cause(p, "mx.a.test"), CAUSE_EXPIRED);
	assert_saved(WHOLE);
}

/* One thing is wrong with each: nothing is read of it. */
static const char *const damaged_rows[] = {"x\t1\t1\t3\tp\tQ\tn\tr\n",
    "4294967296\t1\t1\t3\tp\tQ\tn\tr\n", "7\tx\t1\t3\tp\tQ\tn\tr\n",
    "7\t9223372036854775808\t1\t3\tp\tQ\tn\tr\n", "7\t1\t2\t3\tp\tQ\tn\tr\n",
    "7\t1\t1\t4\tp\tQ\tn\tr\n", "7\t1\t1\t3\tp\tQ\tn\n", "\n", "7\t1\t1\t3\tp\tQ\tn\tr"};

static void
damaged_is_skipped(void **state)
{
	load(*state);
	assert_saved("");
}

/* A fault of which one thing is wrong; the process that it is of is there. */
static const char *const damaged_faults[] = {"fault\t7\n",
    "fault\tx\tQA\t25\texpired\tmx\n", "fault\t7\tQA\t65536\texpired\tmx\n",
    "fault\t7\tQA\t25\tnone such\tmx\n", "fault\t7\tQA\t25\texpired\t\n",
    "fault\t7\tQA\t25\texpired\tm\tx\n", "fault\t8\tQA\t25\texpired\tmx\n",
    "fault\t7\tQA\t25\texpired", "other\t7\tQA\t25\texpired\tmx\n"};

static void
damaged_fault_is_skipped(void **state)
{
	struct buf text = {0};

	buf_printf(&text,
	    "7\t1\t0\t0\t\t\t\t\n9\t0\t0\t0\t\t\t\t\n"
	    "fault\t9\tQA\t25\texpired\tmx\n%s",
	    (const char *)*state); /* 9 said nothing yet */
	load(buf_text(&text));
	assert_saved("7\t1\t0\t0\t\t\t\t\n");
	buf_clear(&text);
}

/* The last field is LEN bytes: what is too long is not cut. */
static void
too_long_is_skipped(void **state)
{
	static const struct {
		const char *before, *behind;
		size_t least; /* so many are too long */
	} rows[] = {
	    {"7\t1\t1\t3\t", "\tQ\tn\tr\n", sizeof(((struct process *)0)->peer)},
	    {"7\t1\t1\t3\tp\t", "\tn\tr\n", sizeof(((struct process *)0)->queue_id)},
	    {"7\t1\t1\t3\tp\tQ\t", "\tr\n", sizeof(((struct process *)0)->nexthop)},
	    {"7\t1\t1\t3\tp\tQ\tn\t", "\n", sizeof(((struct process *)0)->reason)},
	};
	struct buf text = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut < 2; cut++) {
			buf_reset(&text);
			buf_printf(&text, "%s", rows[i].before);
			for (size_t k = cut; k < rows[i].least; k++)
				buf_add_char(&text, 'a');
			buf_printf(&text, "%s", rows[i].behind);
			load(buf_text(&text));
			assert_int_equal(processes_find(all, 7) != NULL, cut == 1);
			free(all);
		}
	buf_reset(&text);
	buf_printf(&text, "7\t1\t0\t0\t\t\t\t\nfault\t7\t%0*d\t25\texpired\tmx\n",
	    (int)sizeof(((struct process *)0)->fault_id), 0);
	load(buf_text(&text));
	assert_int_equal(processes_find(all, 7)->fault_count, 0);
	free(all);
	buf_clear(&text);
}

static void
no_more_are_read_than_there_is_room_for(void **state)
{
	struct buf text = {0};

	(void)state;
	for (unsigned i = 0; i < PROCESSES + 3; i++)
		buf_printf(&text, "%u\t%u\t0\t0\t\t\t\t\n", i, i + 1);
	for (unsigned i = 0; i < PROCESS_FAULTS + 1; i++)
		buf_printf(&text, "fault\t1\tQA\t25\texpired\tmx%u\n", i);
	load(buf_text(&text));
	assert_non_null(processes_find(all, PROCESSES - 1));
	assert_null(processes_find(all, PROCESSES));
	assert_int_equal(processes_find(all, 1)->fault_count, PROCESS_FAULTS);
	free(all);
	buf_clear(&text);
}

int
main(void)
{
	suite_add(first_name_counts, NULL, "of causes the first that has a name counts");
	suite_add(
	    no_more_than_three_servers, NULL, "no more than three servers are kept");
	suite_add(faults_are_of_a_delivery, NULL,
	    "what failed is of one message and of one domain or server");
	suite_add(without_a_server_the_domain_tells, NULL,
	    "where no server is named the domain tells");
	suite_add(
	    long_queue_id_is_no_message, NULL, "a queue id that is too long is none");
	suite_add(what_a_line_of_text_cannot_hold_is_not_kept, NULL,
	    "what a line of text cannot hold is not kept");
	suite_add(look_up_names_the_next_hop, NULL, "a look-up names the next-hop");
	suite_add(silent_longest_is_forgotten, NULL,
	    "the one that is silent longest is forgotten");
	suite_add(what_was_saved_is_read, NULL, "what was saved is read");
	for (size_t i = 0; i < sizeof(damaged_rows) / sizeof(damaged_rows[0]); i++)
		suite_add(damaged_is_skipped, damaged_rows[i], "skipped: process %zu", i);
	for (size_t i = 0; i < sizeof(damaged_faults) / sizeof(damaged_faults[0]); i++)
		suite_add(
		    damaged_fault_is_skipped, damaged_faults[i], "skipped: fault %zu", i);
	suite_add(too_long_is_skipped, NULL, "what is too long is skipped");
	suite_add(no_more_are_read_than_there_is_room_for, NULL,
	    "no more are read than there is room for");
	return suite_run();
}
