/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's log, on stderr: one line an event, `level: text`, or with systemd's <N>
 * priority prefix when JOURNAL_STREAM is set. Any thread may call. Text from outside goes
 * through buf_add_quoted() before it gets here.
 */
#ifndef SYS_LOG_H
#define SYS_LOG_H

#include <stdbool.h>

#include "base/str.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

void log_set_verbose(bool verbose); /* shows LOG_LEVEL_DEBUG; call before threads start */

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line without its newline on stderr, as it is: of a command, that complains. On a
 * terminal it is wrapped, as width_wrap_message() does it. */
void log_print(struct str line);

#endif
