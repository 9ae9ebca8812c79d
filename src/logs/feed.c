/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/feed.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "logs/parse.h"
#include "sys/clock.h"

/*
 * Two reads of that size, one after the other, are a backlog. A pipe holds twice as much;
 * a writer that writes line by line never fills it so far.
 */
#define BACKLOG_BYTES (32u * 1024)
#define BACKLOG_READS 2

/* Taken at once where no thread is at work: from the buffer, without a copy. */
#define FEW 64

/*
 * Of a backlog, the caller's thread and one beside it read and parse: each takes the next
 * chunk, while the other is still at work on the one before. The caller takes the lines
 * of all chunks, in the order of the source; when the next chunk is not ready it helps.
 * So neither thread waits for long, whichever part of the work is the larger. Each reads
 * into a buffer of its own, which stays in the cache of its processor. A chunk has the
 * lines that matter alone, one behind the other: to the other processor these few bytes
 * go, in an order that it foresees.
 */
enum who {
	CALLER,
	HELPER,
	WHO_COUNT,
};

#define CHUNKS 5 /* under way at most; two are the caller's */
#define CHUNK_LINES \
	1024 /* most have less; of those that have more none is read ahead \
	      */

/* Two may turn out to have more lines, of 50 bytes each, once both were read. */
_Static_assert((CHUNKS - 2) * CHUNK_LINES + 2 * SOURCE_CHUNK_MAX / 50 <= FEED_BEHIND_MAX,
    "no more is under way");

struct chunk {
	struct chunk *next; /* of those that are free */
	enum who whose;
	bool ready; /* parsed */
	struct parsed *lines;
	size_t count;
	size_t room;
	char *text; /* that they are slices of, SOURCE_CHUNK_MAX bytes */
	size_t text_len;
};

struct ring {
	struct source *source;
	struct str outer;
	int64_t until_ms;
	pthread_t thread;
	pthread_mutex_t
	    lock; /* guards all below, and chunks while nobody works on them */
	pthread_cond_t changed;
	bool reading;              /* one thread is */
	bool over;                 /* no more is to be read */
	enum source_result result; /* of the last reading */
	size_t read;               /* chunks since the beginning */
	size_t taken;
	size_t crowded; /* chunks with more than CHUNK_LINES */
	struct chunk *order[CHUNKS];
	struct chunk *free[WHO_COUNT];
	struct chunk chunks[CHUNKS];
	char *buffers[WHO_COUNT]; /* each thread's own */
};

/* --- both threads ------------------------------------------------------------------ */

/* With a crowded chunk in the ring enough lines are under way. */
static bool
may_read(const struct ring *ring, enum who who)
{
	return !ring->reading && !ring->over && ring->crowded == 0 &&
	    ring->free[who] != NULL;
}

static void
free_chunk(struct ring *ring, struct chunk *chunk)
{
	chunk->ready = false;
	chunk->next = ring->free[chunk->whose];
	ring->free[chunk->whose] = chunk;
}

/* If it matters, into the chunk's own text: parsed where it stands, as what was just
 * written would be waited for. */
static void
add_line(struct chunk *chunk, struct parse *parse, struct str line)
{
	char *copy = chunk->text + chunk->text_len;

	if (chunk->count == chunk->room) {
		chunk->room *= 2;
		chunk->lines =
		    mem_array(chunk->lines, chunk->room, sizeof(*chunk->lines));
	}
	if (!parse_line(parse, line, &chunk->lines[chunk->count]))
		return;
	memcpy(copy, line.p, line.len);
	parsed_move(&chunk->lines[chunk->count++], line.p, copy);
	chunk->text_len += line.len;
}

static void
parse_lines(struct chunk *chunk, struct str lines, struct str outer)
{
	struct parse parse;
	struct str line;

	chunk->count = chunk->text_len = 0;
	parse_start(&parse, lines, outer, clock_wall_ms());
	while (parse_find(&parse, &line))
		add_line(chunk, &parse, line);
}

/* The source reads into that buffer, and has its own one again. */
static enum source_result
read_into(struct source *source, int64_t mono_ms, char **buffer, struct str *lines)
{
	char *own = source_exchange(source, *buffer);
	enum source_result result = source_next(source, mono_ms, lines);

	*buffer = source_exchange(source, own);
	return result;
}

/*
 * Read and parse the next chunk. The lock is in the caller's hands before and after; no
 * thread has it while it reads or parses.
 */
static void
work(struct ring *ring, enum who who)
{
	struct chunk *chunk = ring->free[who];
	int64_t mono_ms = clock_monotonic_ms();
	enum source_result result;
	struct str lines;

	ring->free[who] = chunk->next;
	ring->reading = true;
	pthread_mutex_unlock(&ring->lock);
	result = read_into(ring->source, mono_ms, &ring->buffers[who], &lines);
	pthread_mutex_lock(&ring->lock);
	ring->reading = false;
	ring->result = result;
	ring->over = ring->over || result == SOURCE_IDLE || result == SOURCE_END ||
	    mono_ms >= ring->until_ms;
	if (result == SOURCE_LINES)
		ring->order[ring->read++ % CHUNKS] = chunk;
	else
		free_chunk(ring, chunk);
	pthread_cond_signal(&ring->changed);
	if (result != SOURCE_LINES)
		return;
	pthread_mutex_unlock(&ring->lock);
	parse_lines(chunk, lines, ring->outer);
	pthread_mutex_lock(&ring->lock);
	chunk->ready = true;
	ring->crowded += chunk->count > CHUNK_LINES;
	pthread_cond_signal(&ring->changed);
}

static void *
run(void *argument)
{
	struct ring *ring = argument;

	pthread_mutex_lock(&ring->lock);
	while (!ring->over) {
		if (may_read(ring, HELPER))
			work(ring, HELPER);
		else
			pthread_cond_wait(&ring->changed, &ring->lock);
	}
	pthread_mutex_unlock(&ring->lock);
	return NULL;
}

/* --- the caller -------------------------------------------------------------------- */

static void
ring_free(struct ring *ring)
{
	pthread_mutex_destroy(&ring->lock);
	pthread_cond_destroy(&ring->changed);
	for (size_t i = 0; i < CHUNKS; i++) {
		free(ring->chunks[i].lines);
		free(ring->chunks[i].text);
	}
	for (enum who who = CALLER; who < WHO_COUNT; who++)
		free(ring->buffers[who]);
	free(ring);
}

/* NULL: no thread can be had. Signals are for the thread that made it. */
static struct ring *
ring_new(struct source *source, struct str outer, int64_t until_ms)
{
	struct ring *ring = mem_new(1, sizeof(*ring));
	sigset_t all, before;
	int failed;

	ring->source = source;
	ring->outer = outer;
	ring->until_ms = until_ms;
	pthread_mutex_init(&ring->lock, NULL);
	pthread_cond_init(&ring->changed, NULL);
	for (size_t i = 0; i < CHUNKS; i++) {
		struct chunk *chunk = &ring->chunks[i];

		chunk->whose = i < 2 ? CALLER : HELPER;
		chunk->room = CHUNK_LINES;
		chunk->lines = mem_array(NULL, chunk->room, sizeof(*chunk->lines));
		chunk->text = mem_array(NULL, SOURCE_CHUNK_MAX, 1);
		free_chunk(ring, chunk);
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&ring->thread, NULL, run, ring);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed == 0)
		return ring;
	ring_free(ring);
	return NULL;
}

/* The next chunk in order, if it is ready. */
static struct chunk *
next_chunk(const struct ring *ring)
{
	struct chunk *chunk = ring->order[ring->taken % CHUNKS];

	return ring->taken < ring->read && chunk->ready ? chunk : NULL;
}

static void
take_next(struct ring *ring, struct chunk *chunk, feed_fn *take, void *context)
{
	bool going;

	pthread_mutex_unlock(&ring->lock);
	going = chunk->count == 0 || take(context, chunk->lines, chunk->count);
	pthread_mutex_lock(&ring->lock);
	ring->taken++;
	ring->crowded -= chunk->count > CHUNK_LINES;
	ring->over = ring->over || !going;
	free_chunk(ring, chunk);
	pthread_cond_signal(&ring->changed);
}

static enum source_result
take_all(struct ring *ring, feed_fn *take, void *context)
{
	enum source_result result;

	pthread_mutex_lock(&ring->lock);
	while (!ring->over || ring->reading || ring->taken < ring->read) {
		struct chunk *chunk = next_chunk(ring);

		if (chunk != NULL)
			take_next(ring, chunk, take, context);
		else if (may_read(ring, CALLER))
			work(ring, CALLER);
		else
			pthread_cond_wait(&ring->changed, &ring->lock);
	}
	pthread_mutex_unlock(&ring->lock);
	pthread_join(ring->thread, NULL);
	result = ring->result;
	ring_free(ring);
	return result;
}

/* All of one buffer. False: no more is wanted. */
static bool
take_here(struct str lines, struct str outer, feed_fn *take, void *context)
{
	struct parsed few[FEW];
	size_t count = 0;
	struct parse parse;
	struct str line;
	bool going = true;

	parse_start(&parse, lines, outer, clock_wall_ms());
	while (parse_find(&parse, &line)) {
		count += parse_line(&parse, line, &few[count]);
		if (count == FEW) {
			going = take(context, few, count) && going;
			count = 0;
		}
	}
	return (count == 0 || take(context, few, count)) && going;
}

enum source_result
feed_read(struct source *source, struct str outer, int64_t until_ms, feed_fn *take,
    void *context, bool *came)
{
	unsigned large = 0;

	for (;;) {
		int64_t mono_ms = clock_monotonic_ms();
		struct ring *ring = NULL;
		enum source_result result;
		struct str lines;

		if (large >= BACKLOG_READS)
			ring = ring_new(source, outer, until_ms);
		if (ring != NULL) {
			result = take_all(ring, take, context);
			return result == SOURCE_BUSY ? SOURCE_LINES : result;
		}
		result = source_next(source, mono_ms, &lines);
		if (result == SOURCE_IDLE || result == SOURCE_END)
			return result;
		large =
		    result == SOURCE_LINES && lines.len >= BACKLOG_BYTES ? large + 1 : 0;
		*came = *came || result == SOURCE_LINES;
		if ((result == SOURCE_LINES && !take_here(lines, outer, take, context)) ||
		    mono_ms >= until_ms)
			return SOURCE_LINES;
	}
}
