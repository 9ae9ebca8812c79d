/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: the file of metrics, which nobody misses before he looks for a figure. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "sys/file.h"

/* The user's own, whatever else is in it: it belongs to node_exporter, or to root. */
static void
say_cannot_write(struct doctor *d, const char *directory)
{
	const struct passwd *pw = getpwnam(d->user);
	const struct group *group = pw != NULL ? getgrgid(pw->pw_gid) : NULL;
	struct buf command = {0};

	buf_printf(&command, "chgrp %s", group != NULL ? group->gr_name : d->user);
	doctor_advise_path(d, buf_text(&command), directory);
	doctor_advise_path(d, "chmod g+rwx", directory);
	doctor_say(
	    d, DOCTOR_WARNING, "metrics", "%s cannot write to %s", d->user, directory);
	buf_clear(&command);
}

/* Does the daemon, as it was started, see a file system there that is read-only? */
static bool
is_kept_out(const struct doctor *d, const char *directory)
{
	struct buf seen = {0};
	bool out;

	buf_printf(&seen, "/proc/%ld/root%s", (long)d->service.pid, directory);
	out = access(buf_text(&seen), W_OK) != 0 && errno == EROFS &&
	    access(directory, W_OK) == 0;
	buf_clear(&seen);
	return out;
}

static void
say_kept_out(struct doctor *d, const char *directory)
{
	const char *unit = d->unit[0] != '\0' ? d->unit : "tlsladder";

	doctor_advise(d, "mkdir -p /etc/systemd/system/%s.service.d", unit);
	buf_printf(&d->advice, "printf '[Service]\\nReadWritePaths=%%s\\n' ");
	buf_add_shell(&d->advice, directory);
	buf_printf(&d->advice, " >/etc/systemd/system/%s.service.d/metrics.conf\n", unit);
	doctor_advise(d, "systemctl daemon-reload");
	doctor_advise_restart(d);
	doctor_say(d, DOCTOR_WARNING, "metrics",
	    "the unit of the daemon does not let it write to %s", directory);
}

void
doctor_check_metrics(struct doctor *d)
{
	const char *path = d->config->metrics.textfile;
	struct buf command = {0};
	char *directory;
	struct stat st;

	if (path[0] == '\0')
		return;
	directory = file_directory(path);
	if (stat(directory, &st) != 0 || !S_ISDIR(st.st_mode)) {
		buf_printf(&command, "install -d -m 755 -o %s", d->user);
		doctor_advise_path(d, buf_text(&command), directory);
		doctor_say(
		    d, DOCTOR_WARNING, "metrics", "there is no directory %s", directory);
	} else if (!doctor_may_write(d, directory)) {
		say_cannot_write(d, directory);
	} else if (d->sees_daemon && is_kept_out(d, directory)) {
		say_kept_out(d, directory);
	} else {
		doctor_say(d, DOCTOR_OK, "metrics", "%s", path);
	}
	free(directory);
	buf_clear(&command);
}
