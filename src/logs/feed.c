/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/feed.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
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

/* Parsed at once where no thread is at work: from the buffer, without a copy. */
#define FEW 64

/*
 * What goes from thread to thread. Fewer lines would mean that they wait for each other
 * more often; with more, a batch would fall out of the second-level cache.
 */
#define BATCH_LINES 1024
#define BATCH_TEXT  (4u * SOURCE_LINE_MAX)
#define BATCHES     3

_Static_assert(BATCHES *BATCH_LINES <= FEED_BEHIND_MAX, "no more is under way");

struct batch {
	struct parsed *lines;
	size_t count;
	char *text; /* that lines borrow from: the source's own buffer is used again */
	size_t text_len;
	bool last;
};

/* Batches go round: the thread fills those that are empty, the caller takes the full. */
struct beside {
	struct source *source;
	int64_t until_ms;
	pthread_t thread;
	sem_t empty;
	sem_t full;
	atomic_bool stopping;
	struct batch batches[BATCHES];
	size_t filled;             /* the thread's count */
	enum source_result result; /* the thread's, until the last batch */
};

/* --- the thread -------------------------------------------------------------------- */

static void
wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0 && errno == EINTR)
		;
}

static struct batch *
next_batch(struct beside *b)
{
	struct batch *batch = &b->batches[b->filled % BATCHES];

	wait_for(&b->empty);
	batch->count = 0;
	batch->text_len = 0;
	batch->last = false;
	return batch;
}

static void
hand_over(struct beside *b)
{
	b->filled++;
	sem_post(&b->full); /* from here on it is the caller's */
}

/* Lines in their order, each parsed where it will stay. */
static void
fill(struct beside *b, struct batch **batch, struct str lines)
{
	struct parse parse;
	struct str line;

	parse_start(&parse, lines, clock_wall_ms());
	while (parse_find(&parse, &line)) {
		struct str copy;

		if ((*batch)->count == BATCH_LINES ||
		    (*batch)->text_len + line.len > BATCH_TEXT) {
			hand_over(b);
			*batch = next_batch(b);
		}
		copy = (struct str){(*batch)->text + (*batch)->text_len, line.len};
		memcpy((*batch)->text + (*batch)->text_len, line.p, line.len);
		if (parse_line(&parse, copy, &(*batch)->lines[(*batch)->count])) {
			(*batch)->count++;
			(*batch)->text_len += line.len;
		}
	}
}

static void *
run(void *argument)
{
	struct beside *b = argument;
	struct batch *batch = next_batch(b);
	enum source_result result;
	int64_t mono_ms;

	do {
		struct str lines;

		mono_ms = clock_monotonic_ms();
		result = source_next(b->source, mono_ms, &lines);
		if (result == SOURCE_LINES)
			fill(b, &batch, lines);
	} while ((result == SOURCE_LINES || result == SOURCE_BUSY) && !b->stopping &&
	    mono_ms < b->until_ms);
	b->result = result;
	batch->last = true;
	hand_over(b);
	return NULL;
}

/* --- the caller -------------------------------------------------------------------- */

static void
beside_free(struct beside *b)
{
	sem_destroy(&b->empty);
	sem_destroy(&b->full);
	for (size_t i = 0; i < BATCHES; i++) {
		free(b->batches[i].lines);
		free(b->batches[i].text);
	}
	free(b);
}

/* NULL: no thread can be had. Signals are for the thread that made it. */
static struct beside *
beside_new(struct source *source, int64_t until_ms)
{
	struct beside *b = mem_new(1, sizeof(*b));
	sigset_t all, before;
	int failed;

	b->source = source;
	b->until_ms = until_ms;
	sem_init(&b->empty, 0, BATCHES);
	sem_init(&b->full, 0, 0);
	for (size_t i = 0; i < BATCHES; i++) {
		b->batches[i].lines =
		    mem_array(NULL, BATCH_LINES, sizeof(*b->batches[i].lines));
		b->batches[i].text = mem_array(NULL, BATCH_TEXT, 1);
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&b->thread, NULL, run, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed == 0)
		return b;
	beside_free(b);
	return NULL;
}

static enum source_result
take_all(struct beside *b, feed_fn *take, void *context)
{
	enum source_result result;
	bool last = false;

	for (size_t taken = 0; !last; taken++) {
		const struct batch *batch = &b->batches[taken % BATCHES];

		wait_for(&b->full);
		if (batch->count > 0 && !take(context, batch->lines, batch->count))
			b->stopping = true;
		last = batch->last;
		sem_post(&b->empty);
	}
	pthread_join(b->thread, NULL);
	result = b->result;
	beside_free(b);
	return result;
}

/* All of one buffer. False: no more is wanted. */
static bool
take_here(struct str lines, feed_fn *take, void *context)
{
	struct parsed few[FEW];
	size_t count = 0;
	struct parse parse;
	struct str line;
	bool going = true;

	parse_start(&parse, lines, clock_wall_ms());
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
feed_read(
    struct source *source, int64_t until_ms, feed_fn *take, void *context, bool *came)
{
	unsigned large = 0;

	for (;;) {
		int64_t mono_ms = clock_monotonic_ms();
		struct beside *b = NULL;
		enum source_result result;
		struct str lines;

		if (large >= BACKLOG_READS)
			b = beside_new(source, until_ms);
		if (b != NULL) {
			result = take_all(b, take, context);
			return result == SOURCE_BUSY ? SOURCE_LINES : result;
		}
		result = source_next(source, mono_ms, &lines);
		if (result == SOURCE_IDLE || result == SOURCE_END)
			return result;
		large =
		    result == SOURCE_LINES && lines.len >= BACKLOG_BYTES ? large + 1 : 0;
		*came = *came || result == SOURCE_LINES;
		if ((result == SOURCE_LINES && !take_here(lines, take, context)) ||
		    mono_ms >= until_ms)
			return SOURCE_LINES;
	}
}
