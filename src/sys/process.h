/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What another process is permitted to do: proc(5) says whose it is, which groups it has
 * and what the kernel grants it. Groups are those that it was started with, whatever
 * group(5) says since.
 */
#ifndef SYS_PROCESS_H
#define SYS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/answer.h"
#include "base/str.h"

#define PROCESS_GROUPS_MAX 256

struct process {
	pid_t pid; /* 0: none, as of process_of_user() */
	uid_t uid; /* effective, as the group */
	gid_t gid;
	gid_t groups[PROCESS_GROUPS_MAX];
	size_t group_count;
	bool has_more;         /* groups than these */
	bool no_new_privs;     /* set-user-id and set-group-id programs do not count */
	uint64_t capabilities; /* effective, a bit each as in capabilities(7) */
};

/* The text of /proc/PID/status. False: it does not say whose the process is. */
bool process_parse(struct str text, struct process *out);

/* False: there is none, or it may not be seen. */
bool process_read(pid_t pid, struct process *out);

/* A process that the user would start, with the groups that group(5) gives it now. False:
 * there is no such user. */
bool process_of_user(const char *name, struct process *out);

/* Of /proc/locks: who holds a flock(2) on the file of that inode; 0: nobody, or it is not
 * seen from here. */
pid_t process_lock_holder_in(struct str locks, uint64_t inode);

/* Who holds a flock(2) on the file at path, and is what is called name; 0: nobody that
 * can be seen. */
pid_t process_lock_holder(const char *path, const char *name);

#define PROCESS_UNIT_SIZE 128

/* Of /proc/PID/cgroup: the unit of systemd that the process is of, without ".service".
 * False: of none, or its name is no name of a unit. */
bool process_unit_in(struct str cgroup, char unit[PROCESS_UNIT_SIZE]);
bool process_unit(pid_t pid, char unit[PROCESS_UNIT_SIZE]);

bool process_has_group(const struct process *process, gid_t group);

/*
 * May it do that (R_OK, W_OK, X_OK, or them together) with what is at path, and enter the
 * directories above? By owner, group and mode. UNSURE: it cannot be told from here, or an
 * access control list says more.
 */
enum answer process_may(const struct process *process, const char *path, int access);

#endif
