/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sys/file.h"

#define NEW_MODE 0644

/* --- whose file it is -------------------------------------------------------------- */

/* The path without symbolic links, also of a file that is not there yet; to be freed.
 * NULL, with errno: its directory is not there, or it is a link to nothing. */
static char *
real_path(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	char *real = realpath(path, NULL), *directory;
	struct buf out = {0};
	struct stat st;

	if (real != NULL || errno != ENOENT || name[0] == '\0' || lstat(path, &st) == 0)
		return real;
	directory = file_directory(path);
	real = realpath(directory, NULL);
	free(directory);
	if (real == NULL)
		return NULL;
	buf_printf(&out, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
	free(real);
	return buf_take(&out);
}

static bool
is_same_file(const char *a, const char *b)
{
	char *real_a = real_path(a), *real_b = real_path(b);
	bool same = real_a != NULL && real_b != NULL && strcmp(real_a, real_b) == 0;
	struct stat st_a, st_b;

	if (!same && stat(a, &st_a) == 0 && stat(b, &st_b) == 0)
		same = st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
	free(real_a);
	free(real_b);
	return same;
}

/* Is it that file, or one that is made beside it? */
static bool
is_of(const char *path, const char *file, bool (*is)(struct str path, struct str file))
{
	char *real = real_path(path), *real_file = real_path(file);
	bool same =
	    real != NULL && real_file != NULL && is(str_of(real), str_of(real_file));

	free(real);
	free(real_file);
	return same || is_same_file(path, file);
}

static bool
is_listed(const char *path, const struct strings *files)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->items[i][0] == '/' && is_same_file(path, files->items[i]))
			return true;
	return false;
}

static bool
is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

const char *
output_is_ours(const char *path, const struct config *config, const char *config_file)
{
	if (is_special(path))
		return NULL;
	if (is_of(path, config->state, config_is_state))
		return "the state";
	if (is_of(path, config->map.file, config_is_map))
		return "the policy map";
	if (is_same_file(path, config_file))
		return "the configuration file";
	if (is_listed(path, &config->rules))
		return "a rule file";
	for (size_t i = 0; i < config->publish.count; i++)
		if (is_same_file(path, config->publish.items[i].login))
			return "a login file";
	return is_listed(path, &config->log.files) ? "a log" : NULL;
}

/* --- written ----------------------------------------------------------------------- */

/* As the old one. A group that may not be given must not read it for another. */
static bool
take_mode(int fd, const struct stat *old)
{
	mode_t mode = old->st_mode & 0777;

	if (fchown(fd, old->st_uid, old->st_gid) != 0 &&
	    fchown(fd, (uid_t)-1, old->st_gid) != 0)
		mode &= ~(mode_t)S_IRWXG;
	return fchmod(fd, mode) == 0;
}

/* A name that nobody has, so that nothing of the user's is written over. */
static bool
open_beside(struct output *out, struct err *err)
{
	struct buf name = {0};
	struct stat old;
	bool is_there = stat(out->path, &old) == 0;
	int failed;

	buf_printf(&name, "%s.XXXXXX", out->path);
	out->beside = buf_take(&name);
	out->fd = mkostemp(out->beside, O_CLOEXEC);
	if (out->fd < 0)
		return err_set_errno(err, errno, "cannot create %s", out->beside);
	if (is_there ? take_mode(out->fd, &old) : fchmod(out->fd, NEW_MODE) == 0)
		return true;
	failed = errno;
	close(out->fd);
	unlink(out->beside);
	return err_set_errno(err, failed, "cannot write %s", out->beside);
}

static void
clear(struct output *out)
{
	free(out->path);
	free(out->beside);
	*out = (struct output){.fd = -1};
}

bool
output_open(const char *path, struct output *out, struct err *err)
{
	bool done;

	*out = (struct output){.fd = -1};
	if (is_special(path)) {
		out->path = mem_strdup(path);
		out->fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
		done = out->fd >= 0 || err_set_errno(err, errno, "cannot write %s", path);
	} else {
		out->path = real_path(path);
		done = out->path != NULL
		    ? open_beside(out, err)
		    : err_set_errno(err, errno, "cannot create %s", path);
	}
	if (!done)
		clear(out);
	return done;
}

bool
output_write(struct output *out, struct str piece, struct err *err)
{
	return file_append(
	    out->fd, out->beside != NULL ? out->beside : out->path, piece, err);
}

bool
output_finish(struct output *out, struct err *err)
{
	bool done;

	if (out->beside == NULL) {
		done = close(out->fd) == 0 ||
		    err_set_errno(err, errno, "cannot write %s", out->path);
	} else {
		done = file_finish(out->fd, out->beside, err) &&
		    file_replace(out->beside, out->path, err);
		if (!done)
			unlink(out->beside);
	}
	clear(out);
	return done;
}

void
output_abandon(struct output *out)
{
	close(out->fd);
	if (out->beside != NULL)
		unlink(out->beside);
	clear(out);
}
