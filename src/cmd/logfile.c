/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/logfile.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/span.h"
#include "cmd/cmd.h"
#include "core/logline.h"
#include "core/parsed.h"
#include "core/prefilter.h"
#include "core/status.h"
#include "logs/reader.h"
#include "postfix/postfix.h"
#include "sys/log.h"

#define SHOWN_MAX 160 /* bytes of a line */

void
logfile_init(struct logfile *log, const struct config *config, const char *path)
{
	*log = (struct logfile){.config = config, .path = path};
}

static bool
is_rotation(const char *path, const char *of)
{
	size_t len = strlen(of);

	return strncmp(path, of, len) == 0 &&
	    (path[len] == '\0' ||
	        ((path[len] == '.' || path[len] == '-') &&
	            strchr(path + len, '/') == NULL));
}

bool
logfile_is_own(const struct config *config, const char *path)
{
	char *real = realpath(path, NULL);
	bool own = false;

	for (size_t i = 0; real != NULL && i < config->log.files.count; i++) {
		char *file = realpath(config->log.files.items[i], NULL);

		own = own || is_rotation(real, config->log.files.items[i]) ||
		    (file != NULL && is_rotation(real, file));
		free(file);
	}
	free(real);
	return own;
}

static struct logfile_instance *
find_instance(struct logfile *log, uint64_t instance)
{
	for (size_t i = 0; i < log->instance_count; i++)
		if (log->instances[i].instance == instance)
			return &log->instances[i];
	return NULL;
}

void
logfile_started(struct logfile *log, uint64_t instance, bool quotes)
{
	struct logfile_instance *known = find_instance(log, instance);

	if (known == NULL && log->instance_count < LOGFILE_INSTANCES) {
		known = &log->instances[log->instance_count++];
		*known = (struct logfile_instance){instance, ANSWER_YES};
	}
	if (known != NULL && !quotes)
		known->started = ANSWER_NO;
}

static void
take_start(struct logfile *log, struct str line)
{
	struct logline split;

	if ((!logline_split(line, &split) &&
	        !logline_split_nested(line, str_of(log->config->log.nested), &split)) ||
	    !str_equal(split.program, STR("master")) || split.has_severity ||
	    !start_parse(split.text))
		return;
	logfile_started(log, parsed_instance(&split), start_quotes(split.text));
}

/* The line around p, in text. */
static struct str
line_around(struct str text, const char *p)
{
	const char *start = memrchr(text.p, '\n', (size_t)(p - text.p));
	const char *end = memchr(p, '\n', (size_t)(text.p + text.len - p));

	start = start != NULL ? start + 1 : text.p;
	end = end != NULL ? end : text.p + text.len;
	return (struct str){start, (size_t)(end - start)};
}

static void
take_starts(struct logfile *log, struct str lines)
{
	static const struct str said = {" -- version ", 12};
	struct str rest = lines;
	const char *p;

	while (rest.len > 0 && (p = memmem(rest.p, rest.len, said.p, said.len)) != NULL) {
		take_start(log, line_around(lines, p));
		rest = str_skip(rest, (size_t)(p - rest.p) + said.len);
	}
}

static bool
can_be_read_again(const char *path)
{
	struct stat st;

	return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

void
logfile_expect(struct logfile *log, struct str lines)
{
	if (!can_be_read_again(log->path))
		take_starts(log, lines);
}

static void
read_again(struct logfile *log)
{
	enum reader_result result;
	struct err ignored;
	struct str lines;
	struct reader *reader = reader_open(log->path, READER_ALONE, &ignored);

	if (reader == NULL)
		return;
	while ((result = reader_next(reader, &lines, &ignored)) != READER_END)
		if (result == READER_LINES)
			take_starts(log, lines);
	reader_free(reader);
}

enum answer
logfile_postfix_quotes(const struct config *config)
{
	struct postfix postfix;
	struct postfix_settings settings = {0};
	struct err ignored;
	enum answer answer = ANSWER_UNSURE;

	if (cmd_settings(config, &postfix, &settings, &ignored))
		answer = settings.quotes_addresses ? ANSWER_YES : ANSWER_NO;
	postfix_settings_clear(&settings);
	return answer;
}

enum answer
logfile_quotes(struct logfile *log, uint64_t instance)
{
	const struct logfile_instance *known;

	if (log->postfix == ANSWER_UNSURE && !log->asked) {
		log->asked = true;
		log->own = logfile_is_own(log->config, log->path);
		log->postfix = logfile_postfix_quotes(log->config);
		if (!log->own && can_be_read_again(log->path))
			read_again(log);
	}
	if (log->own || log->postfix == ANSWER_NO)
		return log->postfix == ANSWER_YES ? ANSWER_YES : ANSWER_NO;
	known = find_instance(log, instance);
	return known != NULL ? known->started : ANSWER_NO;
}

static void
add_strange(struct buf *out, uint64_t count, struct str line)
{
	if (line.len > SHOWN_MAX)
		line.len = SHOWN_MAX;
	buf_printf(out,
	    "%" PRIu64 " line%s like Postfix's %s in a form that is not read; the last "
	    "begins: ",
	    count, count == 1 ? "" : "s", count == 1 ? "is" : "are");
	buf_add_visible(out, line);
}

#define STRANGERS_SHOWN 8

void
logfile_tell_strangers(const struct fold *fold)
{
	const struct fold_stranger *strangers;
	unsigned count;
	uint64_t lines = fold_unfollowed(fold, &strangers, &count);
	struct buf text = {0};

	if (lines == 0)
		return;
	for (unsigned i = 0; i < count && i < STRANGERS_SHOWN; i++) {
		buf_printf(&text, i > 0 ? ", \"" : "\"");
		buf_add_visible(&text, str_of(strangers[i].host));
		buf_add_char(&text, '"');
	}
	cmd_warn("%" PRIu64 " lines were left out, as their hosts are none of `nodes:`: "
	         "%s%s",
	    lines, buf_text(&text), count > STRANGERS_SHOWN ? " and more" : "");
	buf_clear(&text);
}

void
logfile_tell_strange(const char *path, uint64_t count, struct str line)
{
	struct buf text = {0};

	if (count == 0)
		return;
	add_strange(&text, count, line);
	cmd_warn("%s%s%s", path != NULL ? path : "", path != NULL ? ": " : "",
	    buf_text(&text));
	buf_clear(&text);
}

void
logfile_report_strange(
    struct strange_report *report, const struct fold *fold, int64_t mono_ms)
{
	struct buf text = {0};
	const char *line;
	uint64_t count = fold_strange(fold, &line);

	if (count < report->count) /* another engine after a reload */
		report->count = 0;
	if (count == report->count ||
	    (report->mono_ms != 0 && mono_ms - report->mono_ms < SPAN_HOUR_MS))
		return;
	add_strange(&text, count - report->count, str_of(line));
	log_warning("%s", buf_text(&text));
	buf_clear(&text);
	report->count = count;
	report->mono_ms = mono_ms;
}

void
logfile_tell_doubtful(const char *path, uint64_t count)
{
	if (count > 0)
		cmd_warn("%s: %" PRIu64
		         " line%s left out: where addresses are logged without quotes a "
		         "recipient can write such a line",
		    path, count, count == 1 ? "" : "s");
}

void
logfile_tell_wide(const char *path)
{
	int fd = can_be_read_again(path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char mark[2] = "";

	if (fd >= 0 && read(fd, mark, sizeof(mark)) == (ssize_t)sizeof(mark) &&
	    (memcmp(mark, "\xff\xfe", 2) == 0 || memcmp(mark, "\xfe\xff", 2) == 0))
		cmd_warn("%s is in UTF-16, of which no line is read: iconv -f UTF-16 -t "
		         "UTF-8 makes it readable",
		    path);
	if (fd >= 0)
		close(fd);
}

void
logfile_tell_terminal(void)
{
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "tlsladder: reads standard input; end it with Ctrl-D\n");
}
