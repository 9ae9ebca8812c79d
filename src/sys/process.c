/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/process.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "sys/file.h"

#define STATUS_MAX ((size_t)1 << 20)
#define LOCKS_MAX  ((size_t)16 << 20)

/* capabilities(7) */
#define CAN_OVERRIDE (UINT64_C(1) << 1) /* CAP_DAC_OVERRIDE */
#define CAN_READ     (UINT64_C(1) << 2) /* CAP_DAC_READ_SEARCH */

/* --- proc(5) ----------------------------------------------------------------------- */

/* The next word behind blanks; "" at the end. */
static struct str
next_word(struct str *rest)
{
	struct str word;

	while (rest->len > 0 && (*rest->p == ' ' || *rest->p == '\t'))
		*rest = str_skip(*rest, 1);
	word = (struct str){rest->p, 0};
	while (rest->len > 0 && *rest->p != ' ' && *rest->p != '\t') {
		word.len++;
		*rest = str_skip(*rest, 1);
	}
	return word;
}

/* "Uid:	1 1 1 1": real, effective, saved, of the file system. */
static bool
read_effective(struct str values, uint64_t *out)
{
	next_word(&values);
	return str_number(next_word(&values), UINT32_MAX, out);
}

static void
read_groups(struct str values, struct process *out)
{
	struct str word;
	uint64_t group;

	while ((word = next_word(&values)).len > 0) {
		if (out->group_count == PROCESS_GROUPS_MAX)
			out->has_more = true;
		else if (str_number(word, UINT32_MAX, &group))
			out->groups[out->group_count++] = (gid_t)group;
	}
}

bool
process_parse(struct str text, struct process *out)
{
	bool has_uid = false, has_gid = false;
	struct str line, name;
	uint64_t number;

	*out = (struct process){0};
	while (str_cut(&text, '\n', &line)) {
		if (!str_cut(&line, ':', &name))
			continue;
		if (str_is(name, "Uid") && read_effective(line, &number)) {
			out->uid = (uid_t)number;
			has_uid = true;
		} else if (str_is(name, "Gid") && read_effective(line, &number)) {
			out->gid = (gid_t)number;
			has_gid = true;
		} else if (str_is(name, "Groups")) {
			read_groups(line, out);
		} else if (str_is(name, "NoNewPrivs")) {
			out->no_new_privs = str_is(next_word(&line), "1");
		} else if (str_is(name, "CapEff")) {
			str_hex(next_word(&line), &out->capabilities);
		}
	}
	return has_uid && has_gid;
}

static bool
read_proc(pid_t pid, const char *name, struct buf *out)
{
	char path[64];
	struct err ignored;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	return file_read(path, STATUS_MAX, out, &ignored);
}

bool
process_read(pid_t pid, struct process *out)
{
	struct buf text = {0};
	bool done = read_proc(pid, "status", &text) &&
	    process_parse((struct str){buf_text(&text), text.len}, out);

	buf_clear(&text);
	if (done)
		out->pid = pid;
	return done;
}

bool
process_of_user(const char *name, struct process *out)
{
	const struct passwd *pw = getpwnam(name);
	int count = PROCESS_GROUPS_MAX;

	*out = (struct process){0};
	if (pw == NULL)
		return false;
	out->uid = pw->pw_uid;
	out->gid = pw->pw_gid;
	out->has_more = getgrouplist(name, pw->pw_gid, out->groups, &count) < 0;
	out->group_count = out->has_more ? PROCESS_GROUPS_MAX : (size_t)count;
	return true;
}

/* "1: FLOCK  ADVISORY  WRITE 417 fe:00:11150014 0 EOF"; who waits for it has an arrow. */
pid_t
process_lock_holder_in(struct str locks, uint64_t inode)
{
	struct str line, word, device;
	uint64_t pid, number;

	while (str_cut(&locks, '\n', &line)) {
		next_word(&line);
		if (!str_is(next_word(&line), "FLOCK"))
			continue;
		next_word(&line);
		next_word(&line);
		if (!str_number(next_word(&line), INT32_MAX, &pid) || pid == 0)
			continue;
		word = next_word(&line);
		if (!str_cut(&word, ':', &device))
			continue;
		while (str_cut(&word, ':', &device))
			continue;
		if (str_number(word, UINT64_MAX, &number) && number == inode)
			return (pid_t)pid;
	}
	return 0;
}

/* It stands for the device, which is not compared: of a file on btrfs or on layers
 * stat(2) and /proc/locks name different ones. */
static bool
is_called(pid_t pid, const char *name)
{
	struct buf text = {0};
	struct str rest, line = {"", 0};

	if (read_proc(pid, "comm", &text)) {
		rest = (struct str){buf_text(&text), text.len};
		str_next(&rest, '\n', &line);
	}
	pid = str_is(line, name) ? pid : 0;
	buf_clear(&text);
	return pid != 0;
}

pid_t
process_lock_holder(const char *path, const char *name)
{
	struct buf text = {0};
	struct stat st;
	struct err ignored;
	pid_t pid = 0;

	if (stat(path, &st) == 0 && file_read("/proc/locks", LOCKS_MAX, &text, &ignored))
		pid = process_lock_holder_in(
		    (struct str){buf_text(&text), text.len}, (uint64_t)st.st_ino);
	buf_clear(&text);
	return pid != 0 && is_called(pid, name) ? pid : 0;
}

/* systemd.unit(5): "letters, digits, and ':', '-', '_', '.', '\\'", and an '@'. */
static bool
is_unit(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.p[i]) &&
		    (name.p[i] == '\0' || strchr(":-_.\\@", name.p[i]) == NULL))
			return false;
	return name.len > 0 && name.p[0] != '-';
}

/* A line is "0::/system.slice/tlsladder.service", or has names where nothing stands. */
bool
process_unit_in(struct str cgroup, char unit[PROCESS_UNIT_SIZE])
{
	struct str line;

	while (str_next(&cgroup, '\n', &line)) {
		const char *slash = line.len > 0 ? memrchr(line.p, '/', line.len) : NULL;
		struct str name;

		if (slash == NULL)
			continue;
		name = str_skip(line, (size_t)(slash + 1 - line.p));
		if (str_eat_end(&name, STR(".service")) && is_unit(name) &&
		    str_copy(name, unit, PROCESS_UNIT_SIZE))
			return true;
	}
	return false;
}

bool
process_unit(pid_t pid, char unit[PROCESS_UNIT_SIZE])
{
	struct buf text = {0};
	bool found = read_proc(pid, "cgroup", &text) &&
	    process_unit_in((struct str){buf_text(&text), text.len}, unit);

	buf_clear(&text);
	return found;
}

/* --- permission -------------------------------------------------------------------- */

bool
process_has_group(const struct process *process, gid_t group)
{
	if (process->gid == group)
		return true;
	for (size_t i = 0; i < process->group_count; i++)
		if (process->groups[i] == group)
			return true;
	return false;
}

/* access(2) for somebody else, without what a list adds. */
static enum answer
mode_permits(const struct process *process, const struct stat *st, int access)
{
	unsigned wanted = (access & R_OK ? 4U : 0) | (access & W_OK ? 2U : 0) |
	    (access & X_OK ? 1U : 0);
	unsigned mode = (unsigned)st->st_mode & 7U;

	if (process->uid == st->st_uid) {
		mode = (unsigned)st->st_mode >> 6 & 7U;
	} else if (process_has_group(process, st->st_gid)) {
		mode = (unsigned)st->st_mode >> 3 & 7U;
	} else if (process->has_more && (mode & wanted) != wanted) {
		return ANSWER_UNSURE;
	}
	return (mode & wanted) == wanted ? ANSWER_YES : ANSWER_NO;
}

static enum answer
may(const struct process *process, const char *path, int access)
{
	enum answer answer;
	struct stat st;

	if (stat(path, &st) != 0)
		return ANSWER_UNSURE;
	if ((process->capabilities & CAN_OVERRIDE) != 0 ||
	    ((process->capabilities & CAN_READ) != 0 &&
	        (access == R_OK || S_ISDIR(st.st_mode)) && (access & W_OK) == 0))
		return ANSWER_YES;
	answer = mode_permits(process, &st, access);
	if (answer == ANSWER_NO && getxattr(path, "system.posix_acl_access", NULL, 0) > 0)
		return ANSWER_UNSURE;
	return answer;
}

enum answer
process_may(const struct process *process, const char *path, int access)
{
	enum answer answer = ANSWER_YES;

	for (const char *p = path;
	     answer == ANSWER_YES && *p != '\0' && (p = strchr(p + 1, '/')) != NULL;) {
		char *directory = mem_strndup(path, (size_t)(p - path));

		answer = may(process, directory, X_OK);
		free(directory);
	}
	return answer == ANSWER_YES ? may(process, path, access) : answer;
}
