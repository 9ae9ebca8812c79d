/* SPDX-License-Identifier: BSD-2-Clause */
/* What an engine counts, when it stores it, and the file that has it. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/metrics.h"
#include "enginerig.h"

static char *textfile;

static int64_t
counter(const char *name)
{
	struct err err;
	int64_t value;

	assert_true(store_counter_get(engine_store(rig.engine), name, &value, &err));
	return value;
}

static char *
print(void)
{
	struct buf out = {0};
	struct err err;

	assert_true(
	    metrics_print(engine_store(rig.engine), &rig.config, rig.rules, &out, &err));
	return buf_take(&out);
}

static void
decisions_maps_and_retries_are_counted(void **state)
{
	char *text;

	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	rig_save();
	world_wait(rig.engine, 5 * SECOND);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_int_equal(counter("deferrals:certificate-not-verified"), 1);
	assert_int_equal(counter(METRIC_RETRIES), 0); /* not stored yet */
	world_wait(rig.engine, MIN);
	assert_int_equal(counter(METRIC_RETRIES), 2);
	assert_int_equal(counter(METRIC_DECISIONS ":not-authentic"), 1);
	assert_int_equal(counter(METRIC_DNS ":none"), 1);
	assert_in_range(counter(METRIC_EXPORTS), 1, 2);
	text = print();
	assert_non_null(
	    strstr(text, "\ntlsladder_decisions_total{why=\"not-authentic\"} 1\n"));
	assert_non_null(strstr(text, "\ntlsladder_entries{level=\"encrypt\"} 1\n"));
	assert_non_null(strstr(text, "\ntlsladder_retries_total 2\n"));
	assert_non_null(strstr(
	    text, "\ntlsladder_deferrals_total{rule=\"certificate-not-verified\"} 1\n"));
	free(text);
	rig_close();
}

/* The daemon ends before the minute is over. */
static void
counts_are_stored_at_the_end(void **state)
{
	(void)state;
	rig_new_settled();
	rig_defer("a.test");
	rig_save();
	world_wait(rig.engine, 5 * SECOND);
	rig_close();
	rig_open(ENGINE_APPLY);
	assert_int_equal(counter(METRIC_DECISIONS ":not-authentic"), 1);
	rig_close();
}

/* A rule that is gone from the file keeps its count; its name is escaped. */
static void
names_of_no_rule_are_shown(void **state)
{
	struct err err;
	char *text;

	(void)state;
	rig_new_settled();
	assert_true(store_counter_add(
	    engine_store(rig.engine), METRIC_DEFERRALS ":a\"b\\c", 7, &err));
	text = print();
	assert_non_null(
	    strstr(text, "\ntlsladder_deferrals_total{rule=\"a\\\"b\\\\c\"} 7\n"));
	free(text);
	rig_close();
}

static void
file_is_written_each_minute(void **state)
{
	(void)state;
	rig_new_settled();
	free(rig.config.metrics.textfile);
	rig.config.metrics.textfile = mem_strdup(textfile);
	world_wait(rig.engine, MIN);
	assert_int_equal(access(textfile, R_OK), 0);
	unlink(textfile);
	world_wait(rig.engine, MIN);
	assert_int_equal(access(textfile, R_OK), 0);
	/* Where it cannot be written nothing else waits. */
	free(rig.config.metrics.textfile);
	rig.config.metrics.textfile = mem_strdup("/proc/no/tlsladder.prom");
	rig_defer("a.test");
	rig_save();
	world_wait(rig.engine, 2 * MIN);
	rig_assert_entry("a.test", LEVEL_ENCRYPT);
	assert_true(engine_is_idle(rig.engine));
	rig_close();
}

int
main(void)
{
	struct buf path = {0};
	int status;

	if (!rig_begin())
		return 1;
	buf_printf(&path, "/tmp/tlsladder-metrics.%ld", (long)getpid());
	textfile = buf_take(&path);
	suite_add(decisions_maps_and_retries_are_counted, NULL,
	    "decisions, maps, answers and retries are counted");
	suite_add(counts_are_stored_at_the_end, NULL, "an engine that ends stores them");
	suite_add(names_of_no_rule_are_shown, NULL,
	    "what was counted for a rule that is gone is shown");
	suite_add(file_is_written_each_minute, NULL,
	    "the file is written each minute, and nothing waits for it");
	status = suite_run();
	unlink(textfile);
	free(textfile);
	return rig_end(status);
}
