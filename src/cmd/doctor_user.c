/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: whose the service is, and whether whoever asks is that user. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "sys/file.h"

#define USUAL_USER "tlsladder"

/* --- whose it is ------------------------------------------------------------------- */

static char *
state_file(const struct doctor *d, const char *suffix)
{
	struct buf path = {0};

	buf_printf(&path, "%s%s", d->config->state, suffix);
	return buf_take(&path);
}

/* Root owns what was never given to anybody: that tells nothing. */
static bool
owns(const char *path, uid_t *uid)
{
	struct stat st;

	if (stat(path, &st) != 0 || st.st_uid == 0)
		return false;
	*uid = st.st_uid;
	return true;
}

/* Who holds the lock that a daemon has as long as it runs. */
static bool
find_daemon(struct doctor *d, uid_t *uid)
{
	char *lock = state_file(d, ".lock");
	pid_t pid = process_lock_holder(lock, "tlsladder");

	free(lock);
	if (pid == 0 || !process_read(pid, &d->service))
		return false;
	d->has_service = d->sees_daemon = true;
	if (!process_unit(pid, d->unit))
		d->unit[0] = '\0';
	*uid = d->service.uid;
	return *uid != 0;
}

/* Of a directory that may not be seen the one above it tells. */
static bool
find_directory_owner(const struct doctor *d, uid_t *uid)
{
	char *directory = file_directory(d->config->state);
	bool found;
	struct stat st;

	while (stat(directory, &st) != 0 && errno == EACCES) {
		char *above = file_directory(directory);

		free(directory);
		directory = above;
	}
	found = owns(directory, uid) && !doctor_is_shared(d, directory);
	free(directory);
	return found;
}

static bool
find_file_owner(const struct doctor *d, uid_t *uid)
{
	char *lock = state_file(d, ".lock");
	bool found = owns(d->config->state, uid) || owns(lock, uid);

	free(lock);
	return found;
}

/* False: nothing that is there is anybody's. */
static bool
find_owner(struct doctor *d, uid_t *uid)
{
	const struct passwd *pw;

	if (find_daemon(d, uid) || find_directory_owner(d, uid) ||
	    find_file_owner(d, uid))
		return true;
	pw = getpwnam(USUAL_USER);
	if (pw == NULL)
		return false;
	*uid = pw->pw_uid;
	return true;
}

/* What root made and gave to nobody is not the asker's; a directory of everybody's may
 * become so. */
static bool
is_of_root(const struct doctor *d)
{
	char *directory = file_directory(d->config->state);
	struct stat st;
	bool is = stat(d->config->state, &st) == 0 ? st.st_uid == 0
	                                           : stat(directory, &st) == 0 &&
	        st.st_uid == 0 && access(directory, W_OK | X_OK) != 0;

	free(directory);
	return is;
}

void
doctor_find_user(struct doctor *d)
{
	uid_t uid = geteuid();
	bool is_known;
	const struct passwd *pw;

	d->is_root = uid == 0;
	is_known = find_owner(d, &uid);
	d->is_ownerless = !is_known && is_of_root(d);
	pw = getpwuid(uid);
	if (d->is_root && !is_known)
		snprintf(d->user, sizeof(d->user), USUAL_USER);
	else if (pw != NULL)
		snprintf(d->user, sizeof(d->user), "%s", pw->pw_name);
	else
		snprintf(d->user, sizeof(d->user), "%lu", (unsigned long)uid);
	d->is_other = !d->is_root && (uid != geteuid() || d->is_ownerless);
	if (!d->has_service)
		d->has_service = d->is_root ? process_of_user(d->user, &d->service)
		                            : process_read(getpid(), &d->service);
}

/* --- whoever asks ------------------------------------------------------------------ */

static void
advise_user(struct doctor *d)
{
	if (!ascii_is_digit(d->user[0]))
		buf_printf(&d->advice, "runuser -u %s -- ", d->user);
	else
		buf_printf(&d->advice, "setpriv --reuid=%s --clear-groups -- ", d->user);
	doctor_add_self(d, &d->advice);
	buf_printf(&d->advice, " doctor\n");
}

static void
add_own_name(struct buf *out)
{
	const struct passwd *pw = getpwuid(geteuid());

	if (pw != NULL)
		buf_printf(out, "%s", pw->pw_name);
	else
		buf_printf(out, "user %lu", (unsigned long)geteuid());
}

static void
say_other(struct doctor *d)
{
	struct buf name = {0};

	add_own_name(&name);
	if (d->is_ownerless) {
		doctor_add_self(d, &d->advice);
		buf_printf(&d->advice, " doctor\n");
		doctor_say(d, DOCTOR_FAULT, "user",
		    "the state is root's, not that of a service, nor %s's: nothing was "
		    "checked",
		    buf_text(&name));
		buf_clear(&name);
		return;
	}
	advise_user(d);
	doctor_say(d, DOCTOR_FAULT, "user",
	    "%s is not the user of the service, which is %s: what %s may read and write "
	    "says nothing of it, and nothing was checked",
	    buf_text(&name), d->user, buf_text(&name));
	buf_clear(&name);
}

bool
doctor_check_user(struct doctor *d)
{
	if (d->is_other) {
		say_other(d);
		return false;
	}
	if (!d->is_root) {
		doctor_say(d, DOCTOR_OK, "user", "runs as %s", d->user);
		return true;
	}
	if (!d->has_service)
		doctor_advise(d,
		    "useradd --system --user-group --groups adm,postdrop"
		    " --home-dir /var/lib/tlsladder --shell /usr/sbin/nologin %s",
		    d->user);
	advise_user(d);
	doctor_say(d, DOCTOR_WARNING, "user",
	    "runs as root: what the service's user %s may read and write is not seen",
	    d->user);
	return true;
}
