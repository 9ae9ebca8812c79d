/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/learn.h"

#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/span.h"

/* Of that name: characters that a pattern gives a meaning are themselves. */
static void
find(struct learn_paths *paths, const char *log, const char *behind, int64_t since_ms)
{
	struct buf pattern = {0};
	glob_t found;

	for (const char *p = log; *p != '\0'; p++) {
		if (strchr("*?[\\", *p) != NULL)
			buf_add_char(&pattern, '\\');
		buf_add_char(&pattern, *p);
	}
	buf_printf(&pattern, "%s", behind);
	if (glob(buf_text(&pattern), 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			struct stat st;

			if (stat(found.gl_pathv[i], &st) != 0 || !S_ISREG(st.st_mode) ||
			    st.st_size == 0 || st.st_mtime < since_ms / SPAN_SECOND_MS)
				continue;
			paths->items = mem_array(
			    paths->items, paths->count + 1, sizeof(*paths->items));
			paths->items[paths->count++] = mem_strdup(found.gl_pathv[i]);
		}
		globfree(&found);
	}
	buf_clear(&pattern);
}

void
learn_find(struct learn_paths *paths, const char *log, int64_t since_ms)
{
	find(paths, log, ".[0-9]*", since_ms);
	find(paths, log, "-[0-9]*", since_ms);
}

void
learn_clear(struct learn_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
	*paths = (struct learn_paths){0};
}
