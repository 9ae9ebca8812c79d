/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/daemon.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/file.h"

enum answer
daemon_runs(const struct config *config)
{
	enum answer runs = ANSWER_UNSURE;
	struct buf path = {0};
	struct err ignored;
	int lock;

	buf_printf(&path, "%s.lock", config->state);
	if (access(buf_text(&path), R_OK) == 0) {
		lock = file_lock(buf_text(&path), 0, &ignored);
		if (lock >= 0 || lock == FILE_LOCKED)
			runs = lock == FILE_LOCKED ? ANSWER_YES : ANSWER_NO;
		file_unlock(lock);
	} else if (errno == ENOENT) {
		runs = ANSWER_NO;
	}
	buf_clear(&path);
	return runs;
}

void
daemon_wake(const struct config *config)
{
	struct buf path = {0};
	struct err ignored;

	buf_printf(&path, "%s.news", config->map.file);
	if (file_make(buf_text(&path), 0644, &ignored))
		unlink(buf_text(&path));
	buf_clear(&path);
}
