/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/scan_logs.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/logfile.h"
#include "core/covered.h"
#include "engine/intake_lines.h"
#include "logs/feed.h"
#include "logs/parse.h"
#include "logs/source.h"
#include "sys/clock.h"

#define PAUSE_MS 200
#define BATCH    64 /* lines of one file, given to the fold at once */

/* One of them. */
struct input {
	const struct scan_logs *logs;
	const char *path;
	struct logfile file;
	struct source *source; /* NULL: not open, or over */
	bool opened;           /* ever, to be read to its end */
	bool over;
	int64_t first_ms; /* of its first line; INT64_MAX: it has none */
	int64_t
	    line_ms; /* the latest so far: a clock that was put back changes no order */
	struct parse parse;
	bool parsing;
	struct parsed next; /* where has_next */
	bool has_next;
	unsigned place; /* of the fold's covered */
	uint64_t used;
	uint64_t size;
	uint64_t long_lines;
	int status;
};

static void
on_note(void *context, enum source_note note, const char *text)
{
	struct input *in = context;

	if (note == SOURCE_LONG_LINE)
		in->long_lines++;
	else if (in->status == 0)
		in->status = cmd_fail(EX_IOERR, "%s", text);
}

static bool
open_input(struct input *in)
{
	struct source_options options = {.note = on_note, .context = in};
	struct err err;

	in->source = source_open_whole(in->path, &options, &err);
	in->parsing = in->has_next = false;
	in->long_lines = 0;
	if (in->source != NULL)
		return true;
	in->over = true;
	if (in->status == 0)
		in->status = cmd_fail(EX_NOINPUT, "%s", err.text);
	return false;
}

static void
close_input(struct input *in)
{
	if (in->source != NULL)
		source_close(in->source);
	in->source = NULL;
	in->has_next = false;
}

/* --- lines into the fold ----------------------------------------------------------- */

static void
note_time(const struct scan_logs *logs, const struct parsed *line)
{
	if (logs->span != NULL && line->kind != PARSED_STRANGE)
		forecast_span_note(logs->span, line->time_ms);
}

/* Lines in their order: those that are early are left out, and of each that a recipient
 * may have written it is asked whether one can. */
static void
take_lines(struct input *in, const struct parsed *lines, size_t count)
{
	struct fold *fold = in->logs->fold;
	size_t from = 0;

	if (count == 0 || !in->logs->begin(in->logs->context))
		return;
	fold_set_source(fold, in->place);
	for (size_t i = 0; i <= count; i++) {
		const struct parsed *line = &lines[i];
		bool early = i < count && line->kind != PARSED_STRANGE &&
		    line->time_ms < in->logs->since_ms;
		bool doubt = i < count && !early && line->kind == PARSED_STATUS &&
		    line->status.ambiguous;

		if (i < count && !early)
			note_time(in->logs, line);
		if (i < count && !early && !doubt)
			continue;
		if (i > from)
			fold_parsed(fold, lines + from, i - from);
		from = early ? i + 1 : i;
		if (doubt)
			fold_set_foreign(fold,
			    logfile_quotes(&in->file, line->instance) != ANSWER_YES);
	}
}

static void
expect_start(struct input *in, const struct parsed *line)
{
	if (line->kind == PARSED_START)
		logfile_started(&in->file, line->instance, line->start_quotes);
}

/* A pipe may be silent for long: what came of it is stored before. False: enough. */
static bool
wait_for_lines(struct input *in)
{
	struct pollfd pipe = {.fd = source_fd(in->source), .events = POLLIN};

	if (poll(&pipe, 1, PAUSE_MS) != 0)
		return true;
	if (!in->logs->pause(in->logs->context, SCAN_WAITS))
		return false;
	poll(&pipe, 1, -1);
	return true;
}

/* --- one file ---------------------------------------------------------------------- */

static bool
take(void *context, const struct parsed *lines, size_t count)
{
	struct input *in = context;

	for (size_t i = 0; i < count; i++)
		expect_start(in, &lines[i]);
	take_lines(in, lines, count);
	return !intake_is_full(in->logs->fold) && !intake_is_early(in->logs->fold);
}

/* By two threads. */
static void
read_one(struct input *in)
{
	const struct scan_logs *logs = in->logs;
	enum source_result result = SOURCE_LINES;
	bool came = false, going = true;

	if (!open_input(in))
		return;
	while (result != SOURCE_END && going) {
		result = feed_read(in->source, str_of(logs->config->log.nested),
		    clock_monotonic_ms() + PAUSE_MS, take, in, &came);
		source_progress(in->source, &in->used, &in->size);
		if (logs->progress != NULL)
			logs->progress(in->path, in->used, in->size);
		going = result == SOURCE_IDLE
		    ? wait_for_lines(in)
		    : logs->pause(
		          logs->context, result == SOURCE_END ? SCAN_ENDS : SCAN_GOES_ON);
	}
	close_input(in);
}

/* --- several ----------------------------------------------------------------------- */

/* The next line of a file that matters. False: it is over. */
static bool
next_line(struct input *in)
{
	struct str line, lines;

	in->has_next = false;
	while (in->source != NULL) {
		enum source_result result;

		while (in->parsing && parse_find(&in->parse, &line)) {
			if (!parse_line(&in->parse, line, &in->next))
				continue;
			if (in->next.time_ms > in->line_ms)
				in->line_ms = in->next.time_ms;
			in->has_next = true;
			return true;
		}
		in->parsing = false;
		result = source_next(in->source, clock_monotonic_ms(), &lines);
		source_progress(in->source, &in->used, &in->size);
		if (result == SOURCE_END ||
		    (result == SOURCE_IDLE && !wait_for_lines(in))) {
			in->over = true;
			close_input(in);
		} else if (result == SOURCE_LINES) {
			in->parsing = true;
			parse_start(&in->parse, lines,
			    str_of(in->logs->config->log.nested), clock_wall_ms());
		}
	}
	return false;
}

/* When it begins. What can be opened again is closed: logs of a year are many. */
static void
peek(struct input *in)
{
	struct stat st;
	bool again =
	    strcmp(in->path, "-") != 0 && stat(in->path, &st) == 0 && S_ISREG(st.st_mode);

	in->first_ms = INT64_MAX;
	if (!open_input(in))
		return;
	if (next_line(in))
		in->first_ms = in->line_ms;
	if (again && !in->over) {
		in->line_ms = 0;
		close_input(in);
	} else {
		in->opened = true;
	}
}

static int
compare(const void *a, const void *b)
{
	const struct input *x = a, *y = b;

	if (x->first_ms != y->first_ms)
		return x->first_ms < y->first_ms ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* The file whose next line comes next; all that begin before it are open then. *until_ms:
 * no other has one before that. NULL: all are over. */
static struct input *
choose(struct input *inputs, size_t count, int64_t *until_ms)
{
	struct input *best = NULL;

	*until_ms = INT64_MAX;
	for (size_t i = 0; i < count; i++) {
		struct input *in = &inputs[i];

		if (!in->opened && !in->over) {
			if (best != NULL && best->line_ms < in->first_ms) {
				if (in->first_ms < *until_ms)
					*until_ms = in->first_ms;
				break; /* the later ones begin later still */
			}
			in->opened = true;
			if (open_input(in))
				next_line(in);
		}
		if (!in->has_next)
			continue;
		if (best == NULL || in->line_ms < best->line_ms) {
			if (best != NULL && best->line_ms < *until_ms)
				*until_ms = best->line_ms;
			best = in;
		} else if (in->line_ms < *until_ms) {
			*until_ms = in->line_ms;
		}
	}
	return best;
}

/* One line at least, and those behind it that are earlier than until_ms: the lines of a
 * batch stand in the same buffer. */
static void
take_some(struct input *in, int64_t until_ms)
{
	struct parsed batch[BATCH];
	size_t count = 0;

	do {
		struct str line;
		bool found = false;

		expect_start(in, &in->next);
		batch[count++] = in->next;
		in->has_next = false;
		while (!found && in->parsing && parse_find(&in->parse, &line))
			found = parse_line(&in->parse, line, &in->next);
		in->has_next = found;
		if (found && in->next.time_ms > in->line_ms)
			in->line_ms = in->next.time_ms;
		in->parsing = found;
	} while (in->has_next && in->line_ms <= until_ms && count < BATCH);
	take_lines(in, batch, count);
	if (!in->has_next)
		next_line(in);
}

static void
tell_progress(const struct input *inputs, size_t count)
{
	uint64_t used = 0, size = 0;

	for (size_t i = 0; i < count; i++) {
		used += inputs[i].used;
		size += inputs[i].size;
	}
	if (inputs->logs->progress != NULL)
		inputs->logs->progress("reading", used, size);
}

static void
merge(struct input *inputs, size_t count)
{
	const struct scan_logs *logs = inputs->logs;
	int64_t paused_ms = clock_monotonic_ms(), until_ms;
	struct input *in;
	unsigned turns = 0;

	for (size_t i = 0; i < count; i++)
		peek(&inputs[i]);
	qsort(inputs, count, sizeof(*inputs), compare);
	for (size_t i = 0; i < count; i++) { /* they moved */
		struct source *source = inputs[i].source;

		if (source != NULL)
			source->context = &inputs[i];
	}
	while ((in = choose(inputs, count, &until_ms)) != NULL) {
		take_some(in, until_ms);
		if (++turns % 64 != 0 && !intake_is_full(logs->fold) &&
		    !intake_is_early(logs->fold))
			continue;
		if (clock_monotonic_ms() - paused_ms < PAUSE_MS &&
		    !intake_is_full(logs->fold) && !intake_is_early(logs->fold))
			continue;
		tell_progress(inputs, count);
		if (!logs->pause(logs->context, SCAN_GOES_ON))
			return;
		paused_ms = clock_monotonic_ms();
	}
	logs->pause(logs->context, SCAN_ENDS);
}

int
scan_logs_read(const struct scan_logs *logs, char *const *paths, size_t count)
{
	struct input *inputs = mem_new(count, sizeof(*inputs));
	int status = 0;

	for (size_t i = 0; i < count; i++) {
		inputs[i].logs = logs;
		inputs[i].path = paths[i];
		inputs[i].place = covered_source(fold_covered(logs->fold), false);
		logfile_init(&inputs[i].file, logs->config, paths[i]);
	}
	if (count == 1)
		read_one(inputs);
	else
		merge(inputs, count);
	for (size_t i = 0; i < count; i++) {
		cmd_tell_long(inputs[i].path, inputs[i].long_lines);
		logfile_tell_wide(inputs[i].path);
		status = inputs[i].status != 0 ? inputs[i].status : status;
		close_input(&inputs[i]);
	}
	fold_set_foreign(logs->fold, false);
	free(inputs);
	return status;
}
