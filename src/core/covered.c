/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/covered.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define END_S     2   /* lines are written in order but for that */
#define JUMP_S    120 /* further back, and other lines begin */
#define ROOM      64  /* marks, at the least; a power of two */
#define LANES     4   /* of a hash */
#define ODD       UINT64_C(0x9e3779b97f4a7c15)
#define SPANS_MAX 100 /* of one writer; then the two nearest become one */

/* Logs that are read once, and logs that are followed: each kind has its spans. */
enum kind { ONCE, FOLLOWED, KINDS };

struct mark {
	int64_t second;
	uint64_t print; /* 0: none is here */
};

struct span {
	uint64_t writer;
	unsigned source; /* 0: read by another process, or before */
	int64_t from;
	int64_t to;
	/* The lines of its first and last seconds, and others until there is no room: a
	 * hash table. */
	struct mark *marks;
	size_t room;
	size_t used;
};

struct spans {
	struct span *items;
	size_t count;
};

struct covered {
	struct spans stored[KINDS]; /* by writer and time, none touches another */
	struct spans live[KINDS];   /* of this process */
	unsigned sources;
};

struct covered *
covered_new(void)
{
	return mem_new(1, sizeof(struct covered));
}

static void
clear_spans(struct spans *spans)
{
	for (size_t i = 0; i < spans->count; i++)
		free(spans->items[i].marks);
	free(spans->items);
	*spans = (struct spans){0};
}

void
covered_free(struct covered *covered)
{
	if (covered == NULL)
		return;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		clear_spans(&covered->stored[kind]);
		clear_spans(&covered->live[kind]);
	}
	free(covered);
}

/* The lowest bit tells the kind. */
unsigned
covered_source(struct covered *covered, bool followed)
{
	return ++covered->sources << 1 | (followed ? FOLLOWED : ONCE);
}

static enum kind
kind_of(unsigned source)
{
	return (source & 1) != 0 ? FOLLOWED : ONCE;
}

/* The next eight bytes into a hash. */
static inline uint64_t
mix(uint64_t h, const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	h = (h ^ x) * ODD;
	return h ^ h >> 29;
}

static inline void
mix_lanes(uint64_t lanes[LANES], const char *p)
{
	for (size_t i = 0; i < LANES; i++)
		lanes[i] = mix(lanes[i], p + i * sizeof(*lanes));
}

static uint64_t
hash_short(struct str text)
{
	uint64_t h = text.len, x = 0;
	size_t at = 0;

	for (; at + sizeof(x) < text.len; at += sizeof(x))
		h = mix(h, text.p + at);
	if (text.len >= sizeof(x)) /* the last ones, some of them once more */
		memcpy(&x, text.p + text.len - sizeof(x), sizeof(x));
	for (; text.len < sizeof(x) && at < text.len; at++)
		x = x << 8 | (unsigned char)text.p[at];
	h = (h ^ x) * ODD;
	return h ^ h >> 32;
}

/* Each step has to wait for the one before, so of a long text there are LANES of them at
 * the same time; how many there are of what is left over could not be foretold. */
uint64_t
covered_hash(struct str text)
{
	const size_t size = LANES * sizeof(uint64_t);
	uint64_t lanes[LANES] = {0}, low, high;

	if (text.len < size)
		return hash_short(text);
	for (size_t at = 0; at + size < text.len; at += size)
		mix_lanes(lanes, text.p + at);
	mix_lanes(lanes, text.p + text.len - size); /* some of it once more */
	low = (lanes[0] ^ lanes[1] << 1 ^ text.len) * ODD;
	high = (lanes[2] ^ lanes[3] << 1) * ODD;
	low = (low ^ low >> 29 ^ high >> 32 ^ high << 32) * ODD;
	return low ^ low >> 32;
}

/* --- marks ------------------------------------------------------------------------- */

/* In the midst of a span every line is counted. */
static bool
is_midst(const struct span *span, int64_t second)
{
	return second > span->from + END_S && second < span->to - END_S;
}

static bool
is_needed(const struct span *span, const struct mark *mark)
{
	return mark->print != 0 && mark->second <= span->to &&
	    !is_midst(span, mark->second);
}

/* Where it is, or would be. */
static struct mark *
find_mark(const struct span *span, int64_t second, uint64_t print)
{
	size_t i = print & (span->room - 1);

	while (span->marks[i].print != 0 &&
	    (span->marks[i].print != print || span->marks[i].second != second))
		i = (i + 1) & (span->room - 1);
	return &span->marks[i];
}

static bool
has_mark(const struct span *span, int64_t second, uint64_t print)
{
	return span->room > 0 && find_mark(span, second, print)->print != 0;
}

/* What is needed, into a table of that many, or of more where it would fill a quarter. */
static void
sift(struct span *span, size_t room)
{
	struct mark *before = span->marks;
	size_t count = span->room;

	span->marks = mem_new(room, sizeof(*span->marks));
	span->room = room;
	span->used = 0;
	for (size_t i = 0; i < count; i++)
		if (is_needed(span, &before[i])) {
			*find_mark(span, before[i].second, before[i].print) = before[i];
			span->used++;
		}
	free(before);
	if (4 * span->used > room)
		sift(span, 2 * room);
}

/* at: what find_mark() gave; NULL: nobody asked. */
static void
put_mark(struct span *span, struct mark *at, struct mark mark)
{
	if (2 * span->used >= span->room) {
		sift(span, span->room > 0 ? span->room : ROOM);
		at = NULL;
	}
	if (at == NULL)
		at = find_mark(span, mark.second, mark.print);
	span->used += at->print == 0;
	*at = mark;
}

static void
add_mark(struct span *span, struct mark mark)
{
	put_mark(span, NULL, mark);
}

/* --- one line ---------------------------------------------------------------------- */

static bool
span_has(const struct span *span, int64_t second, uint64_t print)
{
	return second >= span->from && second <= span->to &&
	    (is_midst(span, second) || has_mark(span, second, print));
}

/* Those of the source itself are left out. */
static bool
spans_have(const struct spans *spans, unsigned source, uint64_t writer, int64_t second,
    uint64_t print)
{
	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->items[i];

		if (span->writer == writer && span->source != source &&
		    span_has(span, second, print))
			return true;
	}
	return false;
}

/* When the last line of a followed log was written, as far as it was read. */
static int64_t
followed_to(const struct spans *spans, uint64_t writer)
{
	int64_t to = INT64_MIN / 2;

	for (size_t i = 0; i < spans->count; i++)
		if (spans->items[i].writer == writer && spans->items[i].to > to)
			to = spans->items[i].to;
	return to;
}

/* The clock was put back: it stands far behind the last line. */
static bool
is_back(const struct covered *covered, uint64_t writer, int64_t second)
{
	return second < followed_to(&covered->live[FOLLOWED], writer) - END_S ||
	    second < followed_to(&covered->stored[FOLLOWED], writer) - END_S;
}

/*
 * Did others count it? Of a log that is followed each byte is read once: only those who
 * read logs once can have counted its lines before; and not those behind a clock that was
 * put back.
 */
static bool
is_known(const struct covered *covered, unsigned source, uint64_t writer, int64_t second,
    uint64_t print)
{
	bool once = spans_have(&covered->live[ONCE], source, writer, second, print) ||
	    spans_have(&covered->stored[ONCE], source, writer, second, print);

	if (kind_of(source) == FOLLOWED)
		return once && !is_back(covered, writer, second);
	return once ||
	    spans_have(&covered->live[FOLLOWED], source, writer, second, print) ||
	    spans_have(&covered->stored[FOLLOWED], source, writer, second, print);
}

static struct span *
add_span(struct spans *spans, struct span span)
{
	spans->items = mem_array(spans->items, spans->count + 1, sizeof(*spans->items));
	spans->items[spans->count] = span;
	return &spans->items[spans->count++];
}

/* What the lines of a source go into; NULL: none yet. */
static struct span *
own_span(const struct spans *live, unsigned source, uint64_t writer)
{
	for (size_t i = 0; i < live->count; i++)
		if (live->items[i].source == source && live->items[i].writer == writer)
			return &live->items[i];
	return NULL;
}

bool
covered_take(struct covered *covered, unsigned source, uint64_t writer, int64_t second,
    uint64_t print, bool ahead)
{
	struct spans *live = &covered->live[kind_of(source)];
	struct span *span = own_span(live, source, writer);
	struct mark *at =
	    span != NULL && span->room > 0 ? find_mark(span, second, print) : NULL;
	bool once = kind_of(source) == ONCE;
	/* Its own span grows with each line of a source: what is written twice is known
	 * there. */
	bool known = (once && at != NULL && at->print != 0) ||
	    is_known(covered, source, writer, second, print);

	if (once && ahead)
		return !known;
	if (once && span != NULL && second < span->to - JUMP_S) {
		span->source = 0;
		span = NULL;
		at = NULL;
	}
	if (span == NULL)
		span = add_span(live,
		    (struct span){.writer = writer,
		        .source = source,
		        .from = second,
		        .to = second});
	if (second > span->to)
		span->to = second;
	if (second < span->from)
		span->from = second;
	if (!is_midst(span, second))
		put_mark(span, at, (struct mark){second, print});
	return !known;
}

/* --- all of them ------------------------------------------------------------------- */

static int
compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->writer != y->writer)
		return x->writer < y->writer ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static void
add_marks(struct span *to, const struct span *from)
{
	for (size_t i = 0; i < from->room; i++)
		if (is_needed(to, &from->marks[i]))
			add_mark(to, from->marks[i]);
}

/* The second of two spans, of which it is the later one, goes into the first. */
static void
join(struct span *first, struct span *second)
{
	if (second->to > first->to)
		first->to = second->to;
	add_marks(first, second);
	free(second->marks);
}

static void
copy_into(struct spans *out, const struct spans *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct span *span = &from->items[i];

		add_marks(
		    add_span(out,
		        (struct span){
		            .writer = span->writer, .from = span->from, .to = span->to}),
		    span);
	}
}

/* Those of one writer that touch become one; and the nearest, while they are too many. */
static void
unite(struct spans *spans)
{
	size_t kept = 0;

	if (spans->count > 0)
		qsort(spans->items, spans->count, sizeof(*spans->items), compare_spans);
	for (size_t i = 0; i < spans->count; i++) {
		struct span *last = kept > 0 ? &spans->items[kept - 1] : NULL;

		if (last != NULL && last->writer == spans->items[i].writer &&
		    spans->items[i].from <= last->to)
			join(last, &spans->items[i]);
		else
			spans->items[kept++] = spans->items[i];
	}
	spans->count = kept;
}

/* Of a writer with too many spans: the first of the two that are nearest; else count. */
static size_t
find_nearest(const struct spans *spans)
{
	size_t run = 1, found = spans->count;
	int64_t least = INT64_MAX;

	for (size_t i = 1; i < spans->count; i++) {
		const struct span *a = &spans->items[i - 1], *b = &spans->items[i];

		if (a->writer != b->writer) {
			if (run > SPANS_MAX)
				return found;
			run = 1;
			least = INT64_MAX;
			continue;
		}
		run++;
		if (b->from - a->to < least) {
			least = b->from - a->to;
			found = i - 1;
		}
	}
	return run > SPANS_MAX ? found : spans->count;
}

static void
limit(struct spans *spans)
{
	size_t at;

	while ((at = find_nearest(spans)) < spans->count) {
		join(&spans->items[at], &spans->items[at + 1]);
		memmove(&spans->items[at + 1], &spans->items[at + 2],
		    (spans->count - at - 2) * sizeof(*spans->items));
		spans->count--;
	}
}

/* --- a clock that was ahead -------------------------------------------------------- */

static void
bring_back(struct spans *spans, int64_t latest, int64_t to)
{
	size_t kept = 0;

	for (size_t i = 0; i < spans->count; i++) {
		struct span *span = &spans->items[i];

		if (span->to > latest) {
			span->to = to;
			sift(span, span->room > 0 ? span->room : ROOM);
		}
		if (span->from > span->to)
			free(span->marks);
		else
			spans->items[kept++] = *span;
	}
	spans->count = kept;
}

void
covered_bring_back(struct covered *covered, int64_t latest, int64_t to)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		bring_back(&covered->stored[kind], latest, to);
		bring_back(&covered->live[kind], latest, to);
	}
}

/* --- as text ----------------------------------------------------------------------- */

static void
save_span(const struct span *span, enum kind kind, struct buf *out)
{
	buf_printf(out, "%" PRIu64 " %d %" PRId64 " %" PRId64, span->writer,
	    kind == FOLLOWED, span->from, span->to);
	for (size_t i = 0; i < span->room; i++)
		if (is_needed(span, &span->marks[i]))
			buf_printf(out, " %" PRId64 ":%" PRIu64,
			    span->marks[i].second - span->from, span->marks[i].print);
	buf_add_char(out, '\n');
}

/* A span a line: "WRITER FOLLOWED FROM TO SECOND:PRINT ...", the seconds since FROM. */
void
covered_save(const struct covered *covered, struct buf *out)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct spans all = {0};

		copy_into(&all, &covered->stored[kind]);
		copy_into(&all, &covered->live[kind]);
		unite(&all);
		limit(&all);
		for (size_t i = 0; i < all.count; i++)
			save_span(&all.items[i], kind, out);
		clear_spans(&all);
	}
}

/* False: not a line of covered_save(). */
static bool
load_span(struct str line, struct span *span, uint64_t *followed)
{
	struct str word, second;
	uint64_t from, to, offset, print;

	*span = (struct span){0};
	if (!str_next(&line, ' ', &word) ||
	    !str_number(word, UINT64_MAX, &span->writer) ||
	    !str_next(&line, ' ', &word) || !str_number(word, 1, followed) ||
	    !str_next(&line, ' ', &word) || !str_number(word, INT64_MAX / 2, &from) ||
	    !str_next(&line, ' ', &word) || !str_number(word, INT64_MAX / 2, &to) ||
	    to < from)
		return false;
	span->from = (int64_t)from;
	span->to = (int64_t)to;
	while (str_next(&line, ' ', &word)) {
		if (!str_cut(&word, ':', &second) ||
		    !str_number(second, to - from, &offset) ||
		    !str_number(word, UINT64_MAX, &print) || print == 0)
			return false;
		add_mark(span, (struct mark){(int64_t)(from + offset), print});
	}
	return true;
}

void
covered_load(struct covered *covered, struct str saved)
{
	struct str line;

	for (enum kind kind = 0; kind < KINDS; kind++)
		clear_spans(&covered->stored[kind]);
	while (str_cut(&saved, '\n', &line)) {
		struct span span;
		uint64_t followed;

		if (load_span(line, &span, &followed))
			add_span(&covered->stored[followed], span);
		else
			free(span.marks);
	}
}
