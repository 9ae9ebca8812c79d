/* SPDX-License-Identifier: BSD-2-Clause */
/* What the daemon and match need of a log at first; faults are tests/faults. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../faults/rig.h"

static void
reads_what_is_appended(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 10);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_write(rig, "log", 10, 20000);
	rig_pump(rig);
	rig_expect(rig, 0, 20000);
	rig_expect_at_end(rig);
}

static void
starts_at_the_end(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 10000);
	rig_start(rig, FOLLOW_FROM_END);
	assert_int_equal(rig->stored.offset, rig_size(rig, "log"));
	rig_pump(rig);
	rig_write(rig, "log", 10000, 10010);
	rig_pump(rig);
	rig_expect(rig, 10000, 10010);
}

static void
survives_rotation(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 10);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", 10, 20);
	rig_write(rig, "log", 20, 30);
	rig_settle(rig);
	rig_expect(rig, 0, 30);
	rig_expect_at_end(rig);
}

static void
goes_on_after_a_restart(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log", 0, 10);
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_kill(rig);
	rig_write(rig, "log", 10, 100);
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log", 100, 200);
	rig_rename(rig, "log.1", "log.2");
	rig_rename(rig, "log", "log.1");
	rig_gzip(rig, "log.2");
	rig_write(rig, "log", 200, 300);
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, 300);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

int
main(void)
{
	suite_add(reads_what_is_appended, NULL, "what is appended is read, once");
	suite_add(starts_at_the_end, NULL, "without a position, old lines are not read");
	suite_add(survives_rotation, NULL, "a rotated log is read to its end first");
	suite_add(goes_on_after_a_restart, NULL,
	    "a restart goes on in rotated and compressed files, oldest first");
	return suite_run();
}
