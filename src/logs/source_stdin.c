/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read once to its end: standard input as it comes, and whole files. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "logs/reader.h"
#include "logs/source.h"

#define STEPS_MAX 32    /* reads in one call before the caller gets a turn: 8 MiB */
#define REST_MS   60000 /* poll(2) signals all that comes */

static const struct source_kind source_whole;

struct input {
	struct source source;
	struct reader *reader;
	const char *name; /* for notes; of a whole file borrowed until it is closed */
	bool is_over;
	bool is_idle;
};

static struct source *
open_input(const struct source_kind *kind, const char *path,
    const struct source_options *options, struct err *err)
{
	struct reader *reader = reader_open(path, READER_ALONE, err);
	struct input *input;

	if (reader == NULL)
		return NULL;
	input = mem_new(1, sizeof(*input));
	source_init(&input->source, kind, options);
	input->reader = reader;
	input->name = strcmp(path, "-") == 0 ? "standard input" : path;
	return &input->source;
}

static bool
is_stdin(const char *name)
{
	return strcmp(name, "-") == 0;
}

static struct source *
open_stdin(const char *name, const char *place, const struct source_options *options,
    struct err *err)
{
	(void)place; /* what was read of a pipe is gone */
	return open_input(&source_stdin, name, options, err);
}

struct source *
source_open_whole(const char *path, const struct source_options *options, struct err *err)
{
	return open_input(&source_whole, path, options, err);
}

static void
close_input(struct source *source)
{
	struct input *input = (struct input *)source;

	reader_free(input->reader);
	free(input);
}

static void
tell_long(const struct input *input)
{
	struct buf text = {0};
	uint64_t len, offset;

	reader_skipped(input->reader, &len, &offset);
	buf_printf(&text, "%s: a line of %llu bytes before offset %llu was skipped",
	    input->name, (unsigned long long)len, (unsigned long long)offset);
	source_tell(&input->source, SOURCE_LONG_LINE, buf_text(&text));
	buf_clear(&text);
}

/* One step of the reader. BUSY: call again. */
static enum source_result
step(struct input *input, struct str *lines)
{
	struct err err;

	if (input->is_over)
		return SOURCE_END;
	switch (reader_next(input->reader, lines, &err)) {
	case READER_LINES:
		return SOURCE_LINES;
	case READER_MORE:
		break;
	case READER_LONG:
		tell_long(input);
		break;
	case READER_FAILED:
		source_tell(&input->source, SOURCE_WARNING, err.text);
		break;
	case READER_END:
		input->is_over = true;
		return SOURCE_END;
	}
	return SOURCE_BUSY;
}

/* A pipe is read when poll(2) says that a read(2) will not wait. */
static enum source_result
next_ready(struct source *source, int64_t now_ms, struct str *lines)
{
	struct input *input = (struct input *)source;
	enum source_result result = SOURCE_BUSY;

	(void)now_ms;
	input->is_idle = false;
	for (int i = 0; i < STEPS_MAX && result == SOURCE_BUSY; i++) {
		struct pollfd ready = {.fd = reader_fd(input->reader), .events = POLLIN};

		if (!input->is_over && reader_wants_input(input->reader) &&
		    poll(&ready, 1, 0) == 0) {
			input->is_idle = true;
			return SOURCE_IDLE;
		}
		result = step(input, lines);
	}
	return result;
}

static char *
exchange(struct source *source, char *spare)
{
	return reader_exchange(((struct input *)source)->reader, spare);
}

/* There is no going back in a pipe. */
static void
nowhere(const struct source *source, char text[PLACE_TEXT_SIZE])
{
	(void)source;
	text[0] = '\0';
}

static int
poll_fd(const struct source *source)
{
	return reader_fd(((const struct input *)source)->reader);
}

static int64_t
wait_ms(const struct source *source)
{
	return ((const struct input *)source)->is_idle ? REST_MS : 0;
}

static void
progress(const struct source *source, uint64_t *used, uint64_t *size)
{
	reader_progress(((const struct input *)source)->reader, used, size);
}

const struct source_kind source_stdin = {
    .name = "stdin",
    .has = is_stdin,
    .open = open_stdin,
    .close = close_input,
    .next = next_ready,
    .exchange = exchange,
    .where = nowhere,
    .fd = poll_fd,
    .wait_ms = wait_ms,
    .progress = progress,
};

/* Opened by source_open_whole() alone. */
static const struct source_kind source_whole = {
    .name = "whole",
    .close = close_input,
    .next = next_ready,
    .exchange = exchange,
    .where = nowhere,
    .fd = poll_fd,
    .wait_ms = wait_ms,
    .progress = progress,
};
