/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/learn.h"

#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/span.h"
#include "cmd/scan_logs.h"
#include "sys/log.h"

struct paths {
	char **items;
	size_t count;
};

/* Of that name: characters that a pattern gives a meaning are themselves. */
static void
find(struct paths *paths, const char *log, const char *behind, int64_t since_ms)
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
learn(const struct config *config, struct fold *fold, int64_t now_ms,
    bool (*begin)(void *context), bool (*pause)(void *context, enum scan_pause pause),
    void *context)
{
	struct scan_logs logs = {
	    .config = config,
	    .fold = fold,
	    .since_ms = now_ms - config->log.learn_ms,
	    .begin = begin,
	    .pause = pause,
	    .context = context,
	};
	struct paths paths = {0};

	for (size_t i = 0; i < config->log.files.count; i++) {
		find(&paths, config->log.files.items[i], ".[0-9]*", logs.since_ms);
		find(&paths, config->log.files.items[i], "-[0-9]*", logs.since_ms);
	}
	if (paths.count > 0) {
		log_info("learns what destinations did from %zu rotated log%s",
		    paths.count, paths.count == 1 ? "" : "s");
		fold_set_past(fold, true);
		scan_logs_read(&logs, paths.items, paths.count);
		fold_set_past(fold, false);
	}
	for (size_t i = 0; i < paths.count; i++)
		free(paths.items[i]);
	free(paths.items);
}
