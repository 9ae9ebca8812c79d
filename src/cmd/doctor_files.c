/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: files that we write: directories, the state. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/doctor.h"
#include "core/logline.h"
#include "store/store.h"
#include "store/store_trouble.h"
#include "sys/disk.h"
#include "sys/file.h"

#define TAIL_SIZE ((size_t)64 * 1024)
#define BUSY_MS   5000
#define SECOND_US 1000000

/* --- directories ------------------------------------------------------------------- */

char *
doctor_blocked(const char *path)
{
	for (const char *p = path; (p = strchr(p + 1, '/')) != NULL;) {
		char *directory = mem_strndup(path, (size_t)(p - path));
		struct stat st;

		if (stat(directory, &st) == 0 && (st.st_mode & S_IXOTH) == 0)
			return directory;
		free(directory);
	}
	return NULL;
}

void
doctor_advise_path(struct doctor *d, const char *command, const char *path)
{
	buf_printf(&d->advice, "%s ", command);
	buf_add_shell(&d->advice, path);
	buf_add_char(&d->advice, '\n');
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Is it a name of ours, or of a copy: "state.db-wal", "state.copy", "tls_policy.lmdb"? */
static bool
is_named_as(const char *name, const char *path)
{
	const char *own = base_name(path);

	return strncmp(name, own, strcspn(own, ".")) == 0;
}

bool
doctor_is_shared(const struct doctor *d, const char *directory)
{
	struct dirent *entry;
	bool shared = false;
	DIR *dir;

	dir = strcmp(directory, STATEDIR) == 0 ? NULL : opendir(directory);
	while (dir != NULL && !shared && (entry = readdir(dir)) != NULL)
		shared = strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    !is_named_as(entry->d_name, d->config->state) &&
		    !is_named_as(entry->d_name, d->config->map.file);
	if (dir != NULL)
		closedir(dir);
	return shared;
}

/* A file goes to a directory of ours: that of the other one, if it has one. */
static void
advise_own_directory(struct doctor *d, const char *path)
{
	bool is_state = strcmp(path, d->config->state) == 0;
	char *directory =
	    file_directory(is_state ? d->config->map.file : d->config->state);
	struct buf text = {0};
	struct stat st;

	if (stat(directory, &st) != 0 || doctor_is_shared(d, directory)) {
		free(directory);
		directory = mem_strdup(STATEDIR);
		buf_printf(&text, "install -d -m 750 -o %s", d->user);
		doctor_advise_path(d, buf_text(&text), directory);
		buf_reset(&text);
	}
	buf_printf(&text, "%s/%s", directory, base_name(path));
	doctor_advise_yaml(
	    d, is_state ? "state" : "map", is_state ? NULL : "file", buf_text(&text));
	buf_clear(&text);
	free(directory);
}

/* A file system that is read-only permits as much as any other. */
static bool
may_write(const struct doctor *d, const char *path, int how)
{
	struct stat st;

	if (!d->is_root)
		return access(path, how) == 0 || errno == EROFS;
	if (d->has_service)
		return process_may(&d->service, path, how) != ANSWER_NO;
	return stat(path, &st) == 0 && st.st_uid != 0;
}

bool
doctor_may_write(const struct doctor *d, const char *directory)
{
	return may_write(d, directory, W_OK | X_OK);
}

/* "df -h DIRECTORY", as a remark: what may go nobody but the administrator knows. */
static void
advise_room(struct doctor *d, const char *path)
{
	char *directory = file_directory(path);

	buf_printf(&d->advice, "# make room, the daemon goes on by itself: df -h ");
	buf_add_shell(&d->advice, directory);
	buf_add_char(&d->advice, '\n');
	free(directory);
}

static void
advise_remount(struct doctor *d, const char *path)
{
	doctor_advise(
	    d, "# why it is, the kernel's messages say; then, if it is to be written:");
	buf_printf(&d->advice, "mount -o remount,rw \"$(findmnt -no TARGET -T ");
	buf_add_shell(&d->advice, path);
	buf_printf(&d->advice, ")\"\n");
}

void
doctor_check_directory(struct doctor *d, const char *check, const char *path)
{
	char *directory = file_directory(path);
	struct buf command = {0};
	struct stat st;
	bool is_there = stat(directory, &st) == 0 && S_ISDIR(st.st_mode);
	bool read_only = is_there && disk_is_read_only(path);
	bool can_write = is_there && (read_only || may_write(d, directory, W_OK | X_OK));

	if (!is_there) {
		buf_printf(&command, "install -d -m 750 -o %s", d->user);
		doctor_advise_path(d, buf_text(&command), directory);
		doctor_say(d, DOCTOR_FAULT, check, "there is no directory %s", directory);
	} else if (read_only) {
		advise_remount(d, directory);
		doctor_say(d, DOCTOR_FAULT, check,
		    "%s is on a file system that is read-only", directory);
	} else if ((!can_write || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) &&
	    doctor_is_shared(d, directory)) {
		advise_own_directory(d, path);
		doctor_say(d, DOCTOR_FAULT, check,
		    "others have files in %s, so it cannot be %s's own", directory,
		    d->user);
	} else if (!can_write) {
		buf_printf(&command, "chown %s", d->user);
		doctor_advise_path(d, buf_text(&command), directory);
		if ((st.st_mode & S_IRWXU) != S_IRWXU)
			doctor_advise_path(d, "chmod u+rwx", directory);
		doctor_say(
		    d, DOCTOR_FAULT, check, "%s cannot write to %s", d->user, directory);
	} else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		doctor_advise_path(d, "chmod go-w", directory);
		doctor_say(d, DOCTOR_FAULT, check, "others may write to %s", directory);
	} else if (disk_is_full(path)) {
		advise_room(d, path);
		doctor_say(d, DOCTOR_FAULT, check, "no space is left where %s is: %s",
		    directory,
		    strcmp(path, d->config->map.file) == 0
		        ? "no entry comes into the map"
		        : "no line of the log is read");
	} else {
		doctor_say(d, DOCTOR_OK, check, "%s", directory);
	}
	free(directory);
	buf_clear(&command);
}

/* --- the state --------------------------------------------------------------------- */

/* Files that a command left there as another user: the daemon could not write to them. */
static bool
are_ours(struct doctor *d)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	struct buf path = {0}, foreign = {0};
	bool ours;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		struct stat st;

		buf_reset(&path);
		buf_printf(&path, "%s%s", d->config->state, suffixes[i]);
		if (stat(buf_text(&path), &st) != 0)
			continue;
		if ((d->is_root && !d->has_service) ||
		    may_write(d, buf_text(&path), R_OK | W_OK))
			continue;
		buf_add_char(&foreign, ' ');
		buf_add_shell(&foreign, buf_text(&path));
	}
	ours = foreign.len == 0;
	if (!ours) {
		doctor_advise(d, "chown %s%s", d->user, buf_text(&foreign));
		doctor_advise(d, "chmod u+rw%s", buf_text(&foreign));
		doctor_say(d, DOCTOR_FAULT, "state", "%s cannot write to%s", d->user,
		    buf_text(&foreign));
	}
	buf_clear(&path);
	buf_clear(&foreign);
	return ours;
}

/* Only what is malformed is set aside, and the daemon does that (doctor_check_whole()):
 * everything else keeps what was learnt. */
static void
advise_trouble(struct doctor *d, enum store_trouble trouble)
{
	const char *path = d->config->state;

	switch (trouble) {
	case STORE_FULL:
		advise_room(d, path);
		break;
	case STORE_READ_ONLY:
		advise_remount(d, path);
		break;
	case STORE_LOCKED:
		doctor_advise(d, "# which process has it: fuser -v %s", path);
		break;
	case STORE_NEWER:
		doctor_advise(
		    d, "# install the newer tlsladder again; the state stays as it is");
		break;
	case STORE_FOREIGN:
		doctor_advise(d,
		    "# it is left alone: name another file, as state in %s, or move it "
		    "away;",
		    d->options->config_file);
		doctor_advise(d, "# entries and pins are taken over from the map then");
		break;
	case STORE_MALFORMED:
		doctor_advise_restart(d);
		break;
	default:
		doctor_advise(d, "# what the disk has: journalctl -k, or dmesg");
		break;
	}
}

static void
check_database(struct doctor *d)
{
	struct err err;
	enum store_trouble trouble = store_trouble(d->config->state, BUSY_MS, &err);
	struct store *store;

	if (trouble != STORE_FINE) {
		advise_trouble(d, trouble);
		doctor_say(d, DOCTOR_FAULT, "state", "%s", err.text);
		if (trouble != STORE_FULL)
			return;
	}
	store = store_open(d->config->state, BUSY_MS, &err);
	if (store == NULL)
		return;
	d->can_open = true;
	if (trouble == STORE_FINE)
		doctor_say(d, DOCTOR_OK, "state", "%s", d->config->state);
	doctor_check_origin(d, store);
	store_close(store);
}

void
doctor_check_state(struct doctor *d)
{
	doctor_check_directory(d, "state-directory", d->config->state);
	if (access(d->config->state, F_OK) != 0) {
		if (!doctor_check_origin(d, NULL))
			doctor_say(d, DOCTOR_OK, "state",
			    "%s is not there yet: `tlsladder run` makes it",
			    d->config->state);
	} else if (are_ours(d) && doctor_check_whole(d)) {
		check_database(d);
	}
}
