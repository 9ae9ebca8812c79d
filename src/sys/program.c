/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/program.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

/* The directory of this program, with a slash at its end; "" where nobody can tell. */
static void
own_directory(struct buf *out)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));

	if (len <= 0 || len == (ssize_t)sizeof(path))
		return;
	while (len > 0 && path[len - 1] != '/')
		len--;
	buf_add(out, path, (size_t)len);
}

char *
program_find(const char *name)
{
	struct buf path = {0};

	own_directory(&path);
	buf_printf(&path, "%s", name);
	if (buf_text(&path)[0] == '/' && access(buf_text(&path), X_OK) == 0)
		return buf_take(&path);
	buf_reset(&path);
	buf_printf(&path, "%s/%s", LIBEXECDIR, name);
	if (access(buf_text(&path), X_OK) == 0)
		return buf_take(&path);
	buf_clear(&path);
	return NULL;
}
