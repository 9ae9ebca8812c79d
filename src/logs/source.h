/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where log lines come from. Each kind of source is a file source_*.c and a name in
 * LOG_SOURCES; nothing else here knows which kinds there are. One thread at a time uses
 * a source. Nothing here waits, but for a source of source_open_whole(): the caller polls
 * source_fd() and calls source_next() again after source_wait_ms() at the latest.
 */
#ifndef LOGS_SOURCE_H
#define LOGS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "core/place.h"

#define SOURCE_LINE_MAX  65536         /* bytes; no source hands out a longer line */
#define SOURCE_CHUNK_MAX (384u * 1024) /* nor more lines at a time */

/* What is to be known of a source beside its lines. */
enum source_note {
	SOURCE_GAP,       /* lines may be lost */
	SOURCE_LONG_LINE, /* a line over SOURCE_LINE_MAX was skipped */
	SOURCE_WARNING,   /* it was cut, is missing, cannot be read */
	SOURCE_INFO,      /* a newer generation took over, it is there again */
};

/* text is one sentence that names the source; it lives for the call only. Called from
 * source_open() and source_next(), in the thread that calls them. */
typedef void source_note_fn(void *context, enum source_note note, const char *text);

struct source_options {
	bool from_start; /* without a place: at the first line, not behind the last */
	source_note_fn *note;
	void *context; /* of note */
};

enum source_result {
	SOURCE_LINES, /* one or more whole lines, the last newline included */
	SOURCE_IDLE,  /* nothing now; the place may have moved all the same */
	SOURCE_BUSY,  /* nothing yet, but call again at once */
	SOURCE_END,   /* over for good */
};

/* How far a place is behind the end of its source. */
enum source_behind {
	SOURCE_BEHIND_UNKNOWN,
	SOURCE_BEHIND,          /* so many bytes */
	SOURCE_BEHIND_AT_LEAST, /* there are older ones as well, which are not found here
	                         */
};

struct source_kind;

/* The first member of what each kind keeps. */
struct source {
	const struct source_kind *kind;
	source_note_fn *note;
	void *context;
};

struct source_kind {
	const char *name; /* stored with its places: never changes, PLACE_KIND_SIZE - 1 */
	/* Is a source of that name one of this kind? The first kind that says so has it.
	 */
	bool (*has)(const char *name);
	/* place: NULL, or one that this kind wrote. NULL: it can never be read, err. */
	struct source *(*open)(const char *name, const char *place,
	    const struct source_options *options, struct err *err);
	void (*close)(struct source *source);
	enum source_result (*next)(
	    struct source *source, int64_t now_ms, struct str *lines);
	char *(*exchange)(struct source *source, char *spare);
	void (*where)(const struct source *source, char text[PLACE_TEXT_SIZE]);
	int (*fd)(const struct source *source);
	int64_t (*wait_ms)(const struct source *source);
	/* As source_behind(), of a place that this kind wrote. NULL: never known. */
	enum source_behind (*behind)(
	    const char *name, const char *place, uint64_t *bytes);
	/* Bytes read, and of how many (0: not known). NULL: neither is known. */
	void (*progress)(const struct source *source, uint64_t *used, uint64_t *size);
};

/*
 * Follow the source of that name from a place that source_where() gave (NULL, or of
 * another kind: none; then the options say where). NULL: it can never be read, err.
 */
struct source *source_open(const char *name, const struct place *place,
    const struct source_options *options, struct err *err);

/*
 * A file (of gzip, too) or "-" read once from its beginning to its end. It has no place
 * to store. What cannot be read is a SOURCE_WARNING, and then the end.
 */
struct source *source_open_whole(
    const char *path, const struct source_options *options, struct err *err);

void source_close(struct source *source);

/*
 * The next whole lines, valid until the next call, each of at most SOURCE_LINE_MAX bytes;
 * they may hold any byte. now_ms is the monotonic clock.
 */
enum source_result source_next(struct source *source, int64_t now_ms, struct str *lines);

/*
 * The buffer that the source reads into becomes the caller's: lines that came last and
 * stand in it stay valid until it is freed or given back. spare takes its place: one that
 * was got so from this source, or NULL for a new one. free().
 */
char *source_exchange(struct source *source, char *spare);

/* The place behind the last lines. Store it with their effects, and once right after
 * source_open(), so that a next start misses nothing. */
void source_where(const struct source *source, struct place *out);

/* To poll for reading beside other things; -1: there is nothing to poll. */
int source_fd(const struct source *source);

/* Milliseconds until source_next() is to be called again though nothing was signalled. */
int64_t source_wait_ms(const struct source *source);

/* For a progress display: bytes read, and of how many (0: not known). */
void source_progress(const struct source *source, uint64_t *used, uint64_t *size);

/* How many bytes of the source of that name are behind a place in it. It is not opened:
 * sizes tell. */
enum source_behind source_behind(
    const char *name, const struct place *place, uint64_t *bytes);

/* For the kinds: what the options ask for. */
void source_init(struct source *source, const struct source_kind *kind,
    const struct source_options *options);
void source_tell(const struct source *source, enum source_note note, const char *text);

/* The kinds. The last one has every name that no other has. */
#define LOG_SOURCES(X) X(stdin) X(file)

#define LOG_SOURCE(name) extern const struct source_kind source_##name;
LOG_SOURCES(LOG_SOURCE)
#undef LOG_SOURCE

#endif
