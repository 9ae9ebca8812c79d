/* SPDX-License-Identifier: BSD-2-Clause */
/* What another process is permitted to do. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/file.h"
#include "sys/process.h"

#define HEAD "Name:\ttlsladder\nUmask:\t0027\nState:\tS (sleeping)\nPid:\t417\n"

static void
status_is_read(void **state)
{
	struct process p;

	(void)state;
	assert_true(process_parse(STR(HEAD "Uid:\t1000\t999\t999\t999\n"
	                                   "Gid:\t1000\t998\t998\t998\n"
	                                   "Groups:\t4 112 \n"
	                                   "CapEff:\t0000000000000004\n"
	                                   "NoNewPrivs:\t1\n"),
	    &p));
	assert_int_equal(p.uid, 999);
	assert_int_equal(p.gid, 998);
	assert_int_equal(p.group_count, 2);
	assert_true(process_has_group(&p, 4));
	assert_true(process_has_group(&p, 112));
	assert_true(process_has_group(&p, 998));
	assert_false(process_has_group(&p, 1000));
	assert_true(p.no_new_privs);
	assert_int_equal(p.capabilities, 4);
}

static void
status_without_a_user_is_refused(void **state)
{
	struct process p;

	(void)state;
	assert_false(process_parse(STR(""), &p));
	assert_false(process_parse(STR(HEAD), &p));
	assert_false(process_parse(STR(HEAD "Uid:\t1000\nGid:\t1 1 1 1\n"), &p));
	assert_false(process_parse(STR(HEAD "Uid:\tx y\nGid:\t1 1 1 1\n"), &p));
	assert_false(process_parse(STR("Uid:\t1 99999999999\nGid:\t1 1\n"), &p));
}

struct lock_row {
	const char *locks;
	uint64_t inode;
	pid_t holder;
	const char *what;
};

#define HELD "1: FLOCK  ADVISORY  WRITE 417 fe:00:11150014 0 EOF\n"

static const struct lock_row lock_rows[] = {
    {"", 1, 0, "no locks"},
    {HELD, 11150014, 417, "the one who holds it"},
    {HELD, 1115001, 0, "another file"},
    {"1: POSIX  ADVISORY  WRITE 417 fe:00:11150014 0 EOF\n", 11150014, 0,
        "a lock of another kind"},
    {"1: -> FLOCK  ADVISORY  WRITE 418 fe:00:11150014 0 EOF\n" HELD, 11150014, 417,
        "who waits does not hold it"},
    {"1: FLOCK  ADVISORY  WRITE 0 fe:00:11150014 0 EOF\n", 11150014, 0,
        "one of another world"},
    {"1: FLOCK  ADVISORY  WRITE 417 11150014 0 EOF\n1: FLOCK\n\n", 11150014, 0,
        "what is no line of it"},
};

static void
holder_is_found(void **state)
{
	const struct lock_row *row = *state;

	assert_int_equal(
	    process_lock_holder_in(str_of(row->locks), row->inode), row->holder);
}

struct may_row {
	mode_t mode;
	bool owner, group;
	uint64_t capabilities;
	int access;
	enum answer expected;
	const char *what;
};

static const struct may_row may_rows[] = {
    {0640, true, false, 0, R_OK | W_OK, ANSWER_YES, "the owner"},
    {0440, true, false, 0, W_OK, ANSWER_NO, "the owner, of what is not to be written"},
    {0070, true, true, 0, R_OK, ANSWER_NO, "the owner has not what the group has"},
    {0640, false, true, 0, R_OK, ANSWER_YES, "the group"},
    {0640, false, true, 0, W_OK, ANSWER_NO, "the group, writing"},
    {0604, false, true, 0, R_OK, ANSWER_NO, "the group has not what others have"},
    {0640, false, false, 0, R_OK, ANSWER_NO, "another"},
    {0644, false, false, 0, R_OK, ANSWER_YES, "another, of what all may read"},
    {0600, false, false, 1U << 1, W_OK, ANSWER_YES, "whom nothing holds"},
    {0600, false, false, 1U << 2, R_OK, ANSWER_YES, "who may read all"},
    {0600, false, false, 1U << 2, W_OK, ANSWER_NO, "who may read all, writing"},
};

static void
mode_permits(void **state)
{
	const struct may_row *row = *state;
	char path[] = "/tmp/test_process.XXXXXX";
	struct process p = {
	    .uid = 54321, .gid = 54321, .capabilities = row->capabilities};
	int fd = mkstemp(path);
	struct stat st;

	assert_true(fd >= 0 && fchmod(fd, row->mode) == 0 && fstat(fd, &st) == 0);
	close(fd);
	if (row->owner)
		p.uid = st.st_uid;
	if (row->group)
		p.groups[p.group_count++] = st.st_gid;
	assert_int_equal(process_may(&p, path, row->access), row->expected);
	unlink(path);
	assert_int_equal(process_may(&p, path, row->access), ANSWER_UNSURE);
}

static void
directory_above_counts(void **state)
{
	struct process p = {.uid = 54321, .gid = 54321};
	char dir[] = "/tmp/test_process.XXXXXX", path[64];
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	assert_true(file_write(path, STR("x"), &err));
	assert_int_equal(process_may(&p, path, R_OK), ANSWER_NO);
	assert_int_equal(chmod(dir, 0711), 0);
	assert_int_equal(process_may(&p, path, R_OK), ANSWER_YES);
	unlink(path);
	rmdir(dir);
}

/* The lock of this process: it is called as its program. */
static void
own_lock_is_seen(void **state)
{
	char path[] = "/tmp/test_process.XXXXXX";
	int fd = mkstemp(path);
	struct process self;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(process_lock_holder(path, "test_process"), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(process_lock_holder(path, "something else"), 0);
	if (process_lock_holder(path, "test_process") == 0) {
		close(fd);
		unlink(path);
		suite_skip("/proc/locks does not show it here");
	}
	assert_int_equal(process_lock_holder(path, "test_process"), getpid());
	close(fd);
	unlink(path);
	assert_true(process_read(getpid(), &self));
	assert_int_equal(self.uid, geteuid());
	assert_int_equal(self.pid, getpid());
	assert_false(process_of_user("nobody-of-that-name", &self));
}

static const struct unit_row {
	const char *what, *cgroup, *unit; /* "": none */
} unit_rows[] = {
    {"the one hierarchy of today", "0::/system.slice/tlsladder.service\n", "tlsladder"},
    {"another name", "0::/system.slice/tlsladder-mailcow.service\n", "tlsladder-mailcow"},
    {"an instance", "0::/system.slice/system-ladder.slice/ladder@out.service\n",
        "ladder@out"},
    {"the hierarchies of before", "12:pids:/system.slice\n1:name=systemd:/a/b.service\n",
        "b"},
    {"somebody's session", "0::/user.slice/user-0.slice/session-1.scope\n", ""},
    {"a container", "0::/\n", ""},
    {"what would be more than a word", "0::/x/a b;reboot.service\n", ""},
    {"an option", "0::/x/--now.service\n", ""},
    {"the end alone", "0::/x/.service\n", ""},
    {"nothing", "", ""},
};

static void
unit_is_found(void **state)
{
	const struct unit_row *row = *state;
	char unit[PROCESS_UNIT_SIZE];

	assert_int_equal(
	    process_unit_in(str_of(row->cgroup), unit), row->unit[0] != '\0');
	if (row->unit[0] != '\0')
		assert_string_equal(unit, row->unit);
}

int
main(void)
{
	suite_add(status_is_read, NULL, "what proc(5) says of a process is read");
	suite_add(
	    status_without_a_user_is_refused, NULL, "what says of no user is refused");
	for (size_t i = 0; i < sizeof(lock_rows) / sizeof(lock_rows[0]); i++)
		suite_add(holder_is_found, &lock_rows[i], "locks: %s", lock_rows[i].what);
	for (size_t i = 0; i < sizeof(unit_rows) / sizeof(unit_rows[0]); i++)
		suite_add(unit_is_found, &unit_rows[i], "unit: %s", unit_rows[i].what);
	for (size_t i = 0; i < sizeof(may_rows) / sizeof(may_rows[0]); i++)
		suite_add(mode_permits, &may_rows[i], "permission: %s", may_rows[i].what);
	suite_add(directory_above_counts, NULL,
	    "what is in a directory that may not be entered may not be read");
	suite_add(own_lock_is_seen, NULL, "who holds a lock is found, by its name");
	return suite_run();
}
