/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/width.h"
#include "sys/terminal.h"

_Noreturn void mem_exhausted(void);

static bool verbose;

static const struct {
	const char *word;
	int priority; /* of syslog(3), for systemd's "<N>" prefix (sd-daemon(3)) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

void
log_set_verbose(bool on)
{
	verbose = on;
}

static void log_say(enum log_level level, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* One write(2) a line, so that lines of threads do not mix. */
void
log_print(struct str line)
{
	struct buf out = {0};
	ssize_t ignored;

	width_wrap_message(line, terminal_columns(STDERR_FILENO), &out);
	ignored = write(STDERR_FILENO, out.data, out.len);
	(void)ignored; /* there is nowhere left to report it */
	buf_clear(&out);
}

static void
log_say(enum log_level level, const char *format, va_list ap)
{
	struct buf line = {0};

	if (getenv("JOURNAL_STREAM") != NULL)
		buf_printf(&line, "<%d>", levels[level].priority);
	else
		buf_printf(&line, "tlsladder: %s: ", levels[level].word);
	buf_vprintf(&line, format, ap);
	log_print((struct str){buf_text(&line), line.len});
	buf_clear(&line);
}

void
log_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_say(LOG_LEVEL_ERROR, format, ap);
	va_end(ap);
}

void
log_warning(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_say(LOG_LEVEL_WARNING, format, ap);
	va_end(ap);
}

void
log_info(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_say(LOG_LEVEL_INFO, format, ap);
	va_end(ap);
}

void
log_debug(const char *format, ...)
{
	va_list ap;

	if (!verbose)
		return;
	va_start(ap, format);
	log_say(LOG_LEVEL_DEBUG, format, ap);
	va_end(ap);
}

void
mem_exhausted(void)
{
	static const char text[] = "tlsladder: error: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)ignored;
	_exit(EX_OSERR);
}
