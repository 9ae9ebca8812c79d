/* SPDX-License-Identifier: BSD-2-Clause */
/* The log is a symbolic link: faults 18 and 19. */
#include "faults.h"

#include <sys/stat.h>
#include <unistd.h>

static void
link_to(const struct rig *rig, const char *target)
{
	assert_int_equal(symlink(target, rig_path(rig, "log.new")), 0);
	rig_rename(rig, "log.new", "log");
}

static void
symlink_switched(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "a", 0, 10);
	link_to(rig, "a");
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_write(rig, "a", 10, 20);
	rig_write(rig, "b", 20, 30);
	link_to(rig, "b");
	rig_settle(rig);
	rig_expect(rig, 0, 30);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

static void
symlink_dangling(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "a", 0, 10);
	link_to(rig, "a");
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	link_to(rig, "b");
	rig_pass(rig, 60000);
	rig_expect_notes(rig, FOLLOW_NOTE_MISSING, 1);
	rig_write(rig, "b", 10, 20);
	rig_settle(rig);
	rig_expect(rig, 0, 20);
	rig_expect_at_end(rig);
}

/* The link has the log's name, what it leads to that of a rotated one. */
static void
symlink_to_a_dated_file(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_write(rig, "log-20261124", 0, 10);
	link_to(rig, "log-20261124");
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_write(rig, "log-20261124", 10, 20);
	rig_write(rig, "log-20261125", 20, 30);
	link_to(rig, "log-20261125");
	rig_settle(rig);
	rig_expect(rig, 0, 30);
	rig_kill(rig);
	rig_write(rig, "log-20261125", 30, 40);
	rig_write(rig, "log-20261126", 40, 50);
	rig_write(rig, "log-20261127", 50, 60);
	link_to(rig, "log-20261127");
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, 60);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

/* The file is rotated where it is, and the link leads to the new one. */
static void
rotated_behind_a_symlink(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	assert_int_equal(mkdir(rig_path(rig, "data"), 0755), 0);
	rig_write(rig, "data/mail", 0, 10);
	link_to(rig, "data/mail");
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	rig_write(rig, "data/mail", 10, 20);
	rig_rename(rig, "data/mail", "data/mail.1");
	rig_pass(rig, 3000);
	rig_write(rig, "data/mail", 20, 30);
	rig_settle(rig);
	rig_expect(rig, 0, 30);
	rig_kill(rig);
	rig_write(rig, "data/mail", 30, 40);
	rig_rename(rig, "data/mail.1", "data/mail.2");
	rig_rename(rig, "data/mail", "data/mail.1");
	rig_gzip(rig, "data/mail.1");
	rig_write(rig, "data/mail", 40, 50);
	rig_start(rig, FOLLOW_FROM_END);
	rig_settle(rig);
	rig_expect(rig, 0, 50);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

void
faults_of_links(void)
{
	suite_add(symlink_switched, NULL, "18 a symbolic link switched to another file");
	suite_add(symlink_to_a_dated_file, NULL, "18 a symbolic link to a dated file");
	suite_add(rotated_behind_a_symlink, NULL, "18 rotated behind a symbolic link");
	suite_add(symlink_dangling, NULL, "19 a symbolic link that dangles for a minute");
}
