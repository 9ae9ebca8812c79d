/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a map that is updated in its database, brought up to date by itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/textmap_impl.h"
#include "sys/file.h"

bool
textmap_time(const char *path, const char *type, struct timespec *when, struct err *err)
{
	struct edition edition = {.type = textmap_find_type(type)};
	const char *live;
	struct stat st;
	bool done;

	if (edition.type == NULL)
		return err_set(err, "map type %s cannot be written", type);
	edition_init(&edition, path, TEXTMAP_TEXT);
	live = edition.live_database != NULL ? edition.live_database : path;
	done =
	    stat(live, &st) == 0 || err_set_errno(err, errno, "cannot look at %s", live);
	if (done)
		*when = st.st_mtim;
	edition_clear(&edition);
	return done;
}

/* Postfix warns of a text that is newer than its database. */
static bool
set_time(const char *path, struct timespec when, struct err *err)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, when};

	return utimensat(AT_FDCWD, path, times, 0) == 0 ||
	    err_set_errno(err, errno, "cannot set the time of %s", path);
}

bool
textmap_write_text(const char *path, const char *type, const struct map_source *source,
    int64_t written_s, struct timespec when, struct err *err)
{
	struct edition edition = {.type = textmap_find_type(type)};
	bool done;

	if (edition.type == NULL)
		return err_set(err, "map type %s cannot be written", type);
	edition_init(&edition, path, TEXTMAP_TEXT);
	done = edition_write_text(&edition, source, written_s, err) &&
	    set_time(edition.text, when, err);
	if (!done)
		unlink(edition.text);
	edition_clear(&edition);
	return done;
}

static char *
text_beside(const char *path)
{
	struct buf name = {0};

	buf_printf(&name, "%s%s", path, TEXTMAP_TEXT);
	return buf_take(&name);
}

bool
textmap_put_text(const char *path, struct err *err)
{
	char *beside = text_beside(path);
	bool done = file_replace(beside, path, err);

	free(beside);
	return done;
}

void
textmap_drop_text(const char *path)
{
	char *beside = text_beside(path);

	unlink(beside);
	free(beside);
}
