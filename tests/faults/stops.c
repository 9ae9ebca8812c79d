/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader that is stopped, or slower than the writer: faults 46 and 47. */
#include "faults.h"

#include <stdio.h>

/* Ten rotations while the process is stopped; the file it reads and the next are gone. */
static void
stopped_for_an_hour(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 100);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_write(rig, "log", 100, 120);
	for (uint32_t i = 0; i < 10; i++) {
		rig_shift(rig, 12);
		rig_tick();
		rig_write(rig, "log", 120 + 10 * i, 130 + 10 * i);
	}
	rig_unlink(rig, "log.10"); /* the one we hold */
	rig_unlink(rig, "log.9");  /* lines 120 to 129 */
	rig->now_ms += 3600 * 1000;
	rig_settle(rig);
	assert_int_equal(rig->got_len, 120 + 90);
	for (uint32_t i = 0; i < rig->got_len; i++)
		assert_int_equal(rig->got[i], i < 120 ? i : i + 10);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 1);
	rig_expect_at_end(rig);
}

/* The same with all that is left compressed. */
static void
stopped_while_all_is_compressed(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 100);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	for (uint32_t i = 0; i < 5; i++) {
		char name[32];

		snprintf(name, sizeof(name), "log-2026112%u", i);
		rig_rename(rig, "log", name);
		rig_tick();
		rig_gzip(rig, name);
		rig_write(rig, "log", 100 + 10 * i, 110 + 10 * i);
	}
	rig->now_ms += 30 * 1000;
	rig_settle(rig);
	rig_expect(rig, 0, 150);
	rig_expect_at_end(rig);
}

static void
reader_is_slower(void **state)
{
	struct rig *rig = rig_new(NULL);
	uint32_t n = 0;

	(void)state;
	rig_write(rig, "log", 0, 1);
	n++;
	rig_start(rig, FOLLOW_FROM_START);
	for (int s = 0; s < 600; s++) {
		rig_write(rig, "log", n, n + 500); /* 25 KB */
		n += 500;
		rig->now_ms += 1000;
		if (s % 12 == 0)
			rig_step(rig, 2); /* much less than what is written */
		if (s % 97 == 96) {
			rig_shift(rig, 8);
			rig_write(rig, "log", n, n + 1);
			n++;
		}
		if (s % 97 == 1 && s > 200)
			rig_gzip(rig, "log.2");
	}
	assert_true(rig->got_len < n);
	rig_settle(rig);
	rig_expect(rig, 0, n);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

/* Under load too, a new generation is opened before it can be removed. */
static void
held_open_under_load(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 100000);
	rig_start(rig, FOLLOW_FROM_START);
	rig_step(rig, 2);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log", 100000, 100010);
	rig->now_ms += 1000;
	rig_step(rig, 1);
	rig_shift(rig, 2);
	rig_write(rig, "log", 100010, 100020);
	rig->now_ms += 1000;
	rig_step(rig, 1);
	rig_unlink(rig, "log.1");
	assert_true(rig->got_len < 50000);
	rig_settle(rig);
	rig_expect(rig, 0, 100020);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

void
faults_of_stops(void)
{
	suite_add(stopped_for_an_hour, NULL,
	    "46 stopped for an hour and 10 rotations, the oldest unlinked");
	suite_add(stopped_while_all_is_compressed, NULL,
	    "46 stopped while five generations are compressed");
	suite_add(reader_is_slower, NULL, "47 slower than the writer for 10 minutes");
	suite_add(held_open_under_load, NULL,
	    "47 a generation that is removed before it is read");
}
