/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: the log, and who writes it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/masked.h"
#include "base/mem.h"
#include "base/width.h"
#include "cmd/doctor.h"
#include "core/logline.h"
#include "core/parsed.h"
#include "sys/clock.h"
#include "sys/file.h"

#define TAIL_SIZE ((size_t)64 * 1024)
#define SECOND_US 1000000
#define STILL_S   10 /* so long a line may take to come into the file */

/* What the last lines are like. */
struct tail {
	size_t lines;
	size_t known;
	size_t strange;         /* like Postfix's, and not understood */
	char strange_line[160]; /* the first of them, cut */
	bool fine;              /* a stamp with a fraction of a second */
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
look_at_strange(struct str line, const struct logline *split, struct tail *tail)
{
	struct parsed strange;
	struct buf masked = {0};

	if (!parsed_from_strange(line, split, &strange) || tail->strange++ > 0)
		return;
	buf_add_masked(&masked, strange.text);
	strange.text = (struct str){buf_text(&masked), masked.len};
	strange.text.len = width_fit(strange.text, sizeof(tail->strange_line) / 4);
	str_copy(strange.text, tail->strange_line, sizeof(tail->strange_line));
	buf_clear(&masked);
}

static void
look_at(struct str text, bool is_cut, struct str nested, struct tail *tail)
{
	struct logline split;
	struct parsed parsed;
	struct str line;

	*tail = (struct tail){0};
	if (is_cut)
		str_cut(&text, '\n', &line);
	while (str_cut(&text, '\n', &line)) {
		tail->lines++;
		if (!logline_split(line, &split) &&
		    !logline_split_nested(line, nested, &split)) {
			look_at_strange(line, NULL, tail);
			continue;
		}
		tail->known++;
		if (!parsed_from(&split, &parsed))
			look_at_strange(line, &split, tail);
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
		char *directory = file_directory(path);

		doctor_advise_path(d, "chmod go+x", directory);
		free(directory);
		return;
	}
	group = getgrgid(st.st_gid);
	if ((st.st_mode & S_IRGRP) == 0)
		doctor_advise_path(d, "chmod g+r", path);
	if (group != NULL && st.st_gid != 0) {
		doctor_advise(d, "usermod -aG %s %s", group->gr_name, d->user);
	} else {
		doctor_advise_path(d, "chgrp adm", path);
		doctor_advise(d, "usermod -aG adm %s", d->user);
	}
	doctor_advise_restart(d);
}

/* Who takes what Postfix hands to syslog(3), where Postfix does not write the file
 * itself. */
static const char *
syslog_daemon(void)
{
	static const struct {
		const char *path, *service;
	} daemons[] = {{"/usr/sbin/rsyslogd", "rsyslog"},
	    {"/usr/sbin/syslog-ng", "syslog-ng"}, {"/usr/sbin/syslogd", "syslogd"},
	    {"/sbin/syslogd", "syslogd"}, {"/usr/sbin/metalog", "metalog"}};

	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++)
		if (access(daemons[i].path, X_OK) == 0)
			return daemons[i].service;
	return NULL;
}

/* A reload is a line of Postfix's: with the first one the file is made. */
void
doctor_advise_syslog(struct doctor *d, const char *path)
{
	const char *service = syslog_daemon();

	if (service == NULL)
		doctor_advise(d, "apt-get install rsyslog");
	else
		doctor_advise_unit(d, "restart", service);
	doctor_add_postfix(d, "postfix", &d->advice);
	buf_printf(&d->advice, " reload\n");
	if (service != NULL)
		doctor_advise(d,
		    "# still no %s: %s writes mail.* to another file, and log.file names "
		    "it",
		    path, service);
}

/* The last lines of a regular file; false: none can be read. */
static bool
tail_of(const char *path, struct buf *text, bool *is_cut)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct err ignored;
	struct stat st;
	bool done;

	if (fd < 0)
		return false;
	done = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    read_tail(fd, st.st_size, text, &ignored);
	*is_cut = done && st.st_size > (off_t)TAIL_SIZE;
	close(fd);
	return done;
}

static bool
has_lines_of_postfix(struct doctor *d, const char *path)
{
	struct tail tail = {0};
	struct buf text = {0};
	bool is_cut;

	if (tail_of(path, &text, &is_cut))
		look_at((struct str){buf_text(&text), text.len}, is_cut,
		    str_of(d->config->log.nested), &tail);
	buf_clear(&text);
	return tail.known > 0;
}

/* Where systems have the log of mail, if it is not at the path that is configured. */
static const char *
find_usual(struct doctor *d, const char *path)
{
	static const char *const usual[] = {
	    "/var/log/mail.log", "/var/log/maillog", "/var/log/mail"};

	if (d->config->log.files.count != 1)
		return NULL;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (strcmp(usual[i], path) != 0 && has_lines_of_postfix(d, usual[i]))
			return usual[i];
	return NULL;
}

static void
say_unreadable(struct doctor *d, const char *path, int errnum)
{
	const char *usual = NULL;

	if (errnum == EACCES)
		advise_readable(d, path);
	else if ((usual = find_usual(d, path)) != NULL)
		doctor_advise_yaml(d, "log", "file", usual);
	else if (errnum == ENOENT)
		doctor_advise_syslog(d, path);
	else
		doctor_advise(d, "# log.file in %s", d->options->config_file);
	doctor_say(d, DOCTOR_FAULT, "log", "%s: %s%s%s", path, strerror(errnum),
	    usual != NULL ? "; lines of Postfix are in " : "",
	    usual != NULL ? usual : "");
}

static void
say_tail(struct doctor *d, const char *path, const struct tail *tail)
{
	if (tail->strange > 0) {
		doctor_advise(d,
		    "# a line has to read: TIME HOST postfix/smtp[PID]: ..., see"
		    " tlsladder.yaml(5)");
		doctor_say(d, DOCTOR_WARNING, "log",
		    "%s: %zu of the last %zu lines %s like Postfix's and not "
		    "understood: %s",
		    path, tail->strange, tail->lines, tail->strange == 1 ? "is" : "are",
		    tail->strange_line);
	} else if (tail->known > 0 && tail->fine) {
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

/* Of a process that runs: groups that its user got since are not its own. Whoever is in
 * the group already is started anew, and nothing else. */
static void
say_closed(struct doctor *d, const char *path)
{
	struct process anew;
	bool would = process_of_user(d->user, &anew) &&
	    process_may(&anew, path, R_OK) == ANSWER_YES;

	if (would)
		doctor_advise_restart(d);
	else
		advise_readable(d, path);
	if (d->sees_daemon)
		doctor_say(d, DOCTOR_FAULT, "log",
		    "the daemon, process %ld of %s, may not read %s%s",
		    (long)d->service.pid, d->user, path,
		    would ? ": it was started before it was permitted" : "");
	else
		doctor_say(d, DOCTOR_FAULT, "log", "%s may not read %s", d->user, path);
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
	} else if (d->has_service && process_may(&d->service, path, R_OK) == ANSWER_NO) {
		say_closed(d, path);
	} else {
		look_at((struct str){buf_text(&text), text.len},
		    st.st_size > (off_t)TAIL_SIZE, str_of(d->config->log.nested), &tail);
		say_tail(d, path, &tail);
	}
	buf_clear(&text);
	close(fd);
}

static bool
is_same_file(const char *a, const char *b)
{
	struct stat first, second;

	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &first) == 0 && stat(b, &second) == 0 &&
	    first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* Postfix may write its log by itself: then to a file that we read? A path on another
 * machine, or in a container, is not this one's. */
static bool
is_written_elsewhere(struct doctor *d)
{
	const struct strings *files = &d->config->log.files;
	char *written = doctor_parameter(d, "maillog_file");
	bool elsewhere = written[0] == '/' && strncmp(written, "/dev/", 5) != 0 &&
	    d->postfix.command_count == 0;

	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->items[i], "-") == 0 ||
		    is_same_file(files->items[i], written))
			elsewhere = false;
	if (elsewhere) {
		if (access(written, R_OK) != 0 && errno == EACCES)
			advise_readable(d, written);
		doctor_advise_yaml(d, "log", "file", written);
		doctor_say(d, DOCTOR_FAULT, "log",
		    "Postfix writes to %s (maillog_file), and log.file is %s", written,
		    files->items[0]);
	}
	free(written);
	return elsewhere;
}

void
doctor_check_log(struct doctor *d)
{
	if (is_written_elsewhere(d))
		return;
	for (size_t i = 0; i < d->config->log.files.count; i++) {
		const char *path = d->config->log.files.items[i];

		if (strcmp(path, "-") == 0)
			doctor_say(d, DOCTOR_OK, "log", "standard input");
		else
			check_log(d, path);
	}
}

/* --- another Postfix in it --------------------------------------------------------- */

static bool
is_own_name(const struct doctor *d, struct str name)
{
	struct str names = str_of(d->settings.log_names), own;

	while (str_next(&names, ' ', &own))
		if (str_equal(own, name))
			return true;
	return false;
}

/* What another one is called whose mail is in the same lines, as the fold has it: beside
 * lines of ours. True: there is one. */
static bool
find_other(const struct doctor *d, struct str text, bool is_cut, char *other, size_t size)
{
	struct logline split;
	struct parsed parsed;
	struct str line, name;
	bool own = false;

	other[0] = '\0';
	if (is_cut)
		str_cut(&text, '\n', &line);
	while (str_cut(&text, '\n', &line)) {
		if (!logline_split(line, &split) || !parsed_from(&split, &parsed) ||
		    parsed.kind != PARSED_STATUS)
			continue;
		name = parsed.tag;
		str_cut(&parsed.tag, '/', &name);
		if (is_own_name(d, name))
			own = true;
		else
			str_copy(name, other, size);
	}
	return own && other[0] != '\0';
}

void
doctor_check_other_postfix(struct doctor *d)
{
	if (!d->has_postfix || d->settings.log_names[0] == '\0')
		return;
	for (size_t i = 0; i < d->config->log.files.count; i++) {
		const char *path = d->config->log.files.items[i];
		struct buf text = {0};
		char other[64];
		bool is_cut;

		if (tail_of(path, &text, &is_cut) &&
		    find_other(d, (struct str){buf_text(&text), text.len}, is_cut, other,
		        sizeof(other))) {
			doctor_advise(d,
			    "# that one needs a tlsladder of its own: another "
			    "configuration "
			    "with its postfix.config_directory, a state and a map");
			doctor_say(d, DOCTOR_OK, "log",
			    "%s: lines of another Postfix, %s, are passed over", path,
			    other);
		}
		buf_clear(&text);
	}
}

/* --- a log that stands still -------------------------------------------------------- */

int64_t
doctor_log_written_s(const struct strings *files)
{
	int64_t last_s = 0;
	struct stat st;

	for (size_t i = 0; i < files->count; i++) {
		if (strcmp(files->items[i], "-") == 0 || stat(files->items[i], &st) != 0)
			return 0;
		if ((int64_t)st.st_mtim.tv_sec > last_s)
			last_s = st.st_mtim.tv_sec;
	}
	return last_s;
}

/* A message that is deferred had a line after it came. Clocks of another machine, and
 * whoever writes the log in pieces, are given time. */
bool
doctor_log_stands_still(
    const struct doctor *d, int64_t written_s, int64_t came_s, int64_t now_s)
{
	return d->postfix.command_count == 0 && came_s != 0 && written_s != 0 &&
	    came_s > written_s + 1 && now_s - came_s >= STILL_S;
}

void
doctor_check_log_grows(struct doctor *d, int64_t newest_s)
{
	const struct strings *files = &d->config->log.files;
	int64_t last_s = doctor_log_written_s(files);
	struct buf last = {0}, came = {0};

	if (!doctor_log_stands_still(d, last_s, newest_s, clock_wall_ms() / 1000))
		return;
	buf_add_time(&last, last_s * 1000);
	buf_add_time(&came, newest_s * 1000);
	doctor_advise_syslog(d, files->items[0]);
	doctor_say(d, DOCTOR_FAULT, "log",
	    "nothing was written to %s since %s, and mail that came at %s is deferred: "
	    "nobody writes it",
	    files->items[0], buf_text(&last), buf_text(&came));
	buf_clear(&last);
	buf_clear(&came);
}
