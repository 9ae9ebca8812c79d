/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: files that we read and write: the log, the state, the daemon's lock. */
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
#include "sys/file.h"

#define TAIL_SIZE ((size_t)64 * 1024)
#define BUSY_MS   5000
#define SECOND_US 1000000

/* --- directories ------------------------------------------------------------------- */

char *
doctor_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_strdup(".");
	return mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

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

static void
advise_directory(struct doctor *d, const char *command, const char *directory)
{
	buf_printf(&d->advice, "%s ", command);
	buf_add_shell(&d->advice, directory);
	buf_add_char(&d->advice, '\n');
}

void
doctor_check_directory(struct doctor *d, const char *check, const char *path)
{
	char *directory = doctor_directory(path);
	struct buf command = {0};
	struct stat st;

	if (stat(directory, &st) != 0 || !S_ISDIR(st.st_mode)) {
		buf_printf(&command, "install -d -m 750 -o %s", d->user);
		advise_directory(d, buf_text(&command), directory);
		doctor_say(d, DOCTOR_FAULT, check, "there is no directory %s", directory);
	} else if (access(directory, W_OK | X_OK) != 0 ||
	    (d->is_root && st.st_uid == 0)) {
		buf_printf(&command, "chown %s", d->user);
		advise_directory(d, buf_text(&command), directory);
		if ((st.st_mode & S_IRWXU) != S_IRWXU)
			advise_directory(d, "chmod u+rwx", directory);
		doctor_say(
		    d, DOCTOR_FAULT, check, "%s cannot write to %s", d->user, directory);
	} else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		advise_directory(d, "chmod go-w", directory);
		doctor_say(d, DOCTOR_FAULT, check, "others may write to %s", directory);
	} else {
		doctor_say(d, DOCTOR_OK, check, "%s", directory);
	}
	free(directory);
	buf_clear(&command);
}

/* --- the log ----------------------------------------------------------------------- */

/* What the last lines are like. */
struct tail {
	size_t lines;
	size_t known;
	bool fine; /* a stamp with a fraction of a second */
};

static bool
read_tail(int fd, off_t size, struct buf *out, struct err *err)
{
	off_t from = size > (off_t)TAIL_SIZE ? size - (off_t)TAIL_SIZE : 0;
	char *data = mem_new(TAIL_SIZE, 1);
	ssize_t len = pread(fd, data, TAIL_SIZE, from);

	if (len < 0)
		err_set_errno(err, errno, "cannot read");
	else
		buf_add(out, data, (size_t)len);
	free(data);
	return len >= 0;
}

static void
look_at(struct str text, bool is_cut, struct tail *tail)
{
	struct logline split;
	struct str line;

	*tail = (struct tail){0};
	if (is_cut)
		str_cut(&text, '\n', &line);
	while (str_cut(&text, '\n', &line)) {
		tail->lines++;
		if (!logline_split(line, &split))
			continue;
		tail->known++;
		tail->fine =
		    split.stamp.month != 0 && split.stamp.resolution_us < SECOND_US;
	}
}

/* Whose group may read it? */
static void
advise_readable(struct doctor *d, const char *path)
{
	struct stat st;
	const struct group *group;

	if (stat(path, &st) != 0) {
		char *directory = doctor_directory(path);

		advise_directory(d, "chmod go+x", directory);
		free(directory);
		return;
	}
	group = getgrgid(st.st_gid);
	if ((st.st_mode & S_IRGRP) == 0)
		advise_directory(d, "chmod g+r", path);
	if (group != NULL && st.st_gid != 0) {
		doctor_advise(d, "usermod -aG %s %s", group->gr_name, d->user);
	} else {
		advise_directory(d, "chgrp adm", path);
		doctor_advise(d, "usermod -aG adm %s", d->user);
	}
	doctor_advise(d, "# then: systemctl restart tlsladder");
}

static void
say_unreadable(struct doctor *d, const char *path, int errnum)
{
	char *written =
	    errnum == ENOENT ? doctor_parameter(d, "maillog_file") : mem_strdup("");

	if (errnum == EACCES) {
		advise_readable(d, path);
	} else if (written[0] == '/') {
		struct buf lines = {0};

		buf_printf(&lines, "{file: %s}", written);
		doctor_advise_yaml(d, "log", buf_text(&lines));
		buf_clear(&lines);
	} else {
		doctor_advise(d,
		    "# the syslog daemon writes it, from the facility mail;"
		    " log.file in %s names it",
		    d->options->config_file);
	}
	doctor_say(d, DOCTOR_FAULT, "log", "%s: %s", path, strerror(errnum));
	free(written);
}

static void
say_tail(struct doctor *d, const char *path, const struct tail *tail)
{
	if (tail->known > 0 && tail->fine) {
		doctor_say(d, DOCTOR_OK, "log", "%s", path);
	} else if (tail->known > 0) {
		doctor_advise(d,
		    "# better with fractions of a second: rsyslog has them with"
		    " template=\"RSYSLOG_FileFormat\"");
		doctor_say(d, DOCTOR_OK, "log", "%s, in whole seconds", path);
	} else if (tail->lines == 0) {
		doctor_say(d, DOCTOR_OK, "log", "%s, empty as yet", path);
	} else {
		doctor_advise(d,
		    "# a line has to read: TIME HOST postfix/smtp[PID]: ..., see"
		    " tlsladder.yaml(5)");
		doctor_say(d, DOCTOR_WARNING, "log",
		    "%s: none of the last %zu lines is one of Postfix", path,
		    tail->lines);
	}
}

static void
check_log(struct doctor *d, const char *path)
{
	struct buf text = {0};
	struct tail tail;
	struct stat st;
	struct err err;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		say_unreadable(d, path, errno);
		return;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		doctor_advise(d, "# log.file in %s", d->options->config_file);
		doctor_say(d, DOCTOR_FAULT, "log", "%s is no file", path);
	} else if (!read_tail(fd, st.st_size, &text, &err)) {
		doctor_say(d, DOCTOR_FAULT, "log", "%s: %s", path, err.text);
	} else {
		look_at((struct str){buf_text(&text), text.len},
		    st.st_size > (off_t)TAIL_SIZE, &tail);
		say_tail(d, path, &tail);
	}
	buf_clear(&text);
	close(fd);
}

void
doctor_check_log(struct doctor *d)
{
	for (size_t i = 0; i < d->config->log.files.count; i++) {
		const char *path = d->config->log.files.items[i];

		if (strcmp(path, "-") == 0)
			doctor_say(d, DOCTOR_OK, "log", "standard input");
		else
			check_log(d, path);
	}
}

/* --- the state --------------------------------------------------------------------- */

/* Files that a command left there as another user: the daemon could not write to them. */
static bool
are_ours(struct doctor *d)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	const struct passwd *pw = getpwnam(d->user);
	struct buf path = {0}, foreign = {0};
	bool ours;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		struct stat st;

		buf_reset(&path);
		buf_printf(&path, "%s%s", d->config->state, suffixes[i]);
		if (stat(buf_text(&path), &st) != 0)
			continue;
		if (d->is_root ? pw == NULL || st.st_uid == pw->pw_uid
		               : access(buf_text(&path), R_OK | W_OK) == 0)
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

static void
check_database(struct doctor *d)
{
	struct store *store;
	struct err err;

	store = store_open(d->config->state, BUSY_MS, &err);
	if (store == NULL) {
		buf_printf(&d->advice, "mv ");
		buf_add_shell(&d->advice, d->config->state);
		buf_add_char(&d->advice, ' ');
		buf_add_shell(&d->advice, d->config->state);
		buf_printf(&d->advice, ".damaged\n");
		doctor_advise(
		    d, "# it begins anew then, without pins; or put a copy back");
		doctor_say(d, DOCTOR_FAULT, "state", "%s", err.text);
		return;
	}
	if (!store_begin(store, &err)) {
		doctor_advise(d, "# which process has it: fuser -v %s", d->config->state);
		doctor_say(
		    d, DOCTOR_FAULT, "state", "%s: %s", d->config->state, err.text);
	} else {
		store_rollback(store);
		d->can_open = true;
		doctor_say(d, DOCTOR_OK, "state", "%s", d->config->state);
		doctor_check_origin(d, store);
	}
	store_close(store);
}

void
doctor_check_state(struct doctor *d)
{
	doctor_check_directory(d, "state-directory", d->config->state);
	if (access(d->config->state, F_OK) != 0) {
		doctor_say(d, DOCTOR_OK, "state",
		    "%s is not there yet: `tlsladder run` makes it", d->config->state);
		doctor_check_origin(d, NULL);
	} else if (are_ours(d) && doctor_check_whole(d)) {
		check_database(d);
	}
}

/* --- the daemon -------------------------------------------------------------------- */

/* It holds the lock as long as it runs; a file that is not there was never locked. */
void
doctor_check_daemon(struct doctor *d)
{
	struct buf path = {0};
	struct err err;
	int lock = -1;

	buf_printf(&path, "%s.lock", d->config->state);
	if (access(buf_text(&path), F_OK) == 0 &&
	    (lock = file_lock(buf_text(&path), 0, &err)) < 0) {
		doctor_say(d,
		    access(buf_text(&path), R_OK) == 0 ? DOCTOR_OK : DOCTOR_WARNING,
		    "daemon", "%s",
		    access(buf_text(&path), R_OK) == 0 ? "runs" : err.text);
	} else {
		doctor_advise(d, "systemctl enable --now tlsladder");
		doctor_say(d, DOCTOR_WARNING, "daemon", "does not run");
	}
	file_unlock(lock);
	buf_clear(&path);
}
