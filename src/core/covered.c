/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/covered.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define END_S     2 /* lines are written in order but for that */
#define FILTER    8192
#define JUMP_S    120 /* further back, and other lines begin */
#define SPANS_MAX 100 /* of one writer; then the two nearest become one */

struct mark {
	int64_t second;
	uint64_t print;
};

struct span {
	uint64_t writer;
	unsigned source; /* 0: read by another process, or before */
	bool followed;   /* of a log that is followed */
	int64_t from;
	int64_t to;
	struct mark *head; /* of its first seconds */
	size_t head_count;
	struct mark *tail; /* of its last ones; may reach further back */
	size_t tail_count;
	size_t tail_room;
	uint64_t
	    filter[FILTER / 64]; /* of the tail: a bit that is not set is not there */
};

struct spans {
	struct span *items;
	size_t count;
};

struct covered {
	struct spans stored; /* by writer and time, none touches another */
	struct spans live;   /* of this process */
	unsigned sources;
};

struct covered *
covered_new(void)
{
	return mem_new(1, sizeof(struct covered));
}

static void
clear_span(struct span *span)
{
	free(span->head);
	free(span->tail);
}

static void
clear_spans(struct spans *spans)
{
	for (size_t i = 0; i < spans->count; i++)
		clear_span(&spans->items[i]);
	free(spans->items);
	*spans = (struct spans){0};
}

void
covered_free(struct covered *covered)
{
	if (covered == NULL)
		return;
	clear_spans(&covered->stored);
	clear_spans(&covered->live);
	free(covered);
}

/* The lowest bit tells whether it is followed. */
unsigned
covered_source(struct covered *covered, bool followed)
{
	return ++covered->sources << 1 | (followed ? 1 : 0);
}

static bool
is_followed(unsigned source)
{
	return (source & 1) != 0;
}

uint64_t
covered_hash(struct str text)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = text.len, x;
	size_t at = 0;

	for (; at + sizeof(x) <= text.len; at += sizeof(x)) {
		memcpy(&x, text.p + at, sizeof(x));
		h = (h ^ x) * odd;
		h ^= h >> 29;
	}
	x = 0;
	for (; at < text.len; at++)
		x = x << 8 | (unsigned char)text.p[at];
	h = (h ^ x) * odd;
	return h ^ h >> 32;
}

/* --- marks ------------------------------------------------------------------------- */

static void
add_mark(struct mark **marks, size_t *count, struct mark mark)
{
	*marks = mem_array(*marks, *count + 1, sizeof(**marks));
	(*marks)[(*count)++] = mark;
}

static bool
has_mark(const struct mark *marks, size_t count, int64_t second, uint64_t print)
{
	for (size_t i = count; marks != NULL && i-- > 0;)
		if (marks[i].print == print && marks[i].second == second)
			return true;
	return false;
}

static void
filter_add(struct span *span, uint64_t print)
{
	span->filter[print % FILTER / 64] |= UINT64_C(1) << print % 64;
}

static bool
tail_has(const struct span *span, int64_t second, uint64_t print)
{
	return (span->filter[print % FILTER / 64] >> print % 64 & 1) != 0 &&
	    has_mark(span->tail, span->tail_count, second, print);
}

/* Of the tail only what is needed, once it is much more than that. */
static void
trim_tail(struct span *span)
{
	size_t kept = 0;

	for (size_t i = 0; i < span->tail_count; i++)
		if (span->tail[i].second >= span->to - END_S)
			span->tail[kept++] = span->tail[i];
	span->tail_count = kept;
	memset(span->filter, 0, sizeof(span->filter));
	for (size_t i = 0; i < kept; i++)
		filter_add(span, span->tail[i].print);
}

static void
add_tail(struct span *span, struct mark mark)
{
	if (span->tail_count == span->tail_room) {
		trim_tail(span);
		if (span->tail_count * 2 >= span->tail_room) {
			span->tail_room = span->tail_room > 0 ? span->tail_room * 2 : 32;
			span->tail =
			    mem_array(span->tail, span->tail_room, sizeof(*span->tail));
		}
	}
	span->tail[span->tail_count++] = mark;
	filter_add(span, mark.print);
}

/* --- one line ---------------------------------------------------------------------- */

static bool
span_has(const struct span *span, int64_t second, uint64_t print)
{
	if (second < span->from || second > span->to)
		return false;
	if (second > span->from + END_S && second < span->to - END_S)
		return true;
	return tail_has(span, second, print) ||
	    has_mark(span->head, span->head_count, second, print);
}

static bool
span_knows(const struct span *span, uint64_t writer, unsigned source, int64_t second,
    uint64_t print)
{
	if (span->writer != writer)
		return false;
	return source != 0 && span->source == source ? tail_has(span, second, print)
	                                             : span_has(span, second, print);
}

/* When the last line of a followed log was written, as far as it was read. */
static int64_t
followed_to(const struct spans *spans, uint64_t writer, int64_t to)
{
	for (size_t i = 0; i < spans->count; i++)
		if (spans->items[i].followed && spans->items[i].writer == writer &&
		    spans->items[i].to > to)
			to = spans->items[i].to;
	return to;
}

/*
 * Of a log that is followed each byte is read once: only others, who read logs once, can
 * have counted its lines before; and not those that stand far behind the last one, since
 * the clock was put back.
 */
static bool
is_known_followed(
    const struct covered *covered, uint64_t writer, int64_t second, uint64_t print)
{
	const struct spans *both[] = {&covered->live, &covered->stored};
	int64_t to = followed_to(&covered->live, writer, INT64_MIN / 2);

	to = followed_to(&covered->stored, writer, to);
	if (second < to - END_S)
		return false;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < both[k]->count; i++)
			if (!both[k]->items[i].followed &&
			    span_knows(&both[k]->items[i], writer, 0, second, print))
				return true;
	return false;
}

static bool
is_known(const struct covered *covered, unsigned source, uint64_t writer, int64_t second,
    uint64_t print)
{
	const struct spans *both[] = {&covered->live, &covered->stored};

	if (is_followed(source))
		return is_known_followed(covered, writer, second, print);
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < both[k]->count; i++)
			if (span_knows(&both[k]->items[i], writer, source, second, print))
				return true;
	return false;
}

static struct span *
live_span(struct covered *covered, unsigned source, uint64_t writer, int64_t second)
{
	struct spans *live = &covered->live;
	struct span *span;

	for (size_t i = 0; i < live->count; i++) {
		span = &live->items[i];
		if (span->source != source || span->writer != writer)
			continue;
		if (second >= span->to - JUMP_S || is_followed(source))
			return span;
		span->source = 0;
	}
	live->items = mem_array(live->items, live->count + 1, sizeof(*live->items));
	span = &live->items[live->count++];
	*span = (struct span){.writer = writer,
	    .source = source,
	    .followed = is_followed(source),
	    .from = second,
	    .to = second};
	return span;
}

bool
covered_take(struct covered *covered, unsigned source, uint64_t writer, int64_t second,
    uint64_t print)
{
	struct span *span = live_span(covered, source, writer, second);
	bool known = is_known(covered, source, writer, second, print);
	struct mark mark = {second, print};

	if (second > span->to)
		span->to = second;
	if (second < span->from)
		span->from = second;
	if (second >= span->to - END_S)
		add_tail(span, mark);
	if (second <= span->from + END_S && span->to <= span->from + 4 * END_S)
		add_mark(&span->head, &span->head_count, mark);
	return !known;
}

/* --- all of them ------------------------------------------------------------------- */

static int
compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->writer != y->writer)
		return x->writer < y->writer ? -1 : 1;
	if (x->followed != y->followed)
		return x->followed ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static void
add_ends(struct span *to, const struct mark *marks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct mark *m = &marks[i];

		if (m->second >= to->to - END_S)
			if (!has_mark(to->tail, to->tail_count, m->second, m->print))
				add_tail(to, *m);
	}
}

/* The second of two spans, of which it is the later one, goes into the first. */
static void
join(struct span *first, const struct span *second)
{
	struct span joined = {
	    .writer = first->writer, .followed = first->followed, .from = first->from};

	joined.to = second->to > first->to ? second->to : first->to;
	for (int i = 0; i < 2; i++) {
		const struct span *span = i == 0 ? first : second;

		for (size_t k = 0; k < span->head_count; k++)
			if (span->head[k].second <= joined.from + END_S &&
			    !has_mark(joined.head, joined.head_count,
			        span->head[k].second, span->head[k].print))
				add_mark(&joined.head, &joined.head_count, span->head[k]);
		for (size_t k = 0; k < span->tail_count; k++)
			if (span->tail[k].second <= joined.from + END_S &&
			    !has_mark(joined.head, joined.head_count,
			        span->tail[k].second, span->tail[k].print))
				add_mark(&joined.head, &joined.head_count, span->tail[k]);
		add_ends(&joined, span->head, span->head_count);
		add_ends(&joined, span->tail, span->tail_count);
	}
	clear_span(first);
	*first = joined;
}

static void
copy_into(struct spans *out, const struct spans *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct span *span = &from->items[i];
		struct span empty = {.writer = span->writer,
		    .followed = span->followed,
		    .from = span->from,
		    .to = span->to};

		out->items = mem_array(out->items, out->count + 1, sizeof(*out->items));
		out->items[out->count] = empty;
		join(&out->items[out->count++], span);
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
		    last->followed == spans->items[i].followed &&
		    spans->items[i].from <= last->to) {
			join(last, &spans->items[i]);
			clear_span(&spans->items[i]);
		} else {
			spans->items[kept++] = spans->items[i];
		}
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

		if (a->writer != b->writer || a->followed != b->followed) {
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
		clear_span(&spans->items[at + 1]);
		memmove(&spans->items[at + 1], &spans->items[at + 2],
		    (spans->count - at - 2) * sizeof(*spans->items));
		spans->count--;
	}
}

/* --- a clock that was ahead -------------------------------------------------------- */

static size_t
drop_marks(struct mark *marks, size_t count, int64_t after)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (marks[i].second <= after)
			marks[kept++] = marks[i];
	return kept;
}

static void
bring_back(struct spans *spans, int64_t latest, int64_t to)
{
	size_t kept = 0;

	for (size_t i = 0; i < spans->count; i++) {
		struct span *span = &spans->items[i];

		if (span->to > latest) {
			span->to = to;
			span->head_count = drop_marks(span->head, span->head_count, to);
			span->tail_count = drop_marks(span->tail, span->tail_count, to);
		}
		if (span->from > span->to)
			clear_span(span);
		else
			spans->items[kept++] = *span;
	}
	spans->count = kept;
}

void
covered_bring_back(struct covered *covered, int64_t latest, int64_t to)
{
	bring_back(&covered->stored, latest, to);
	bring_back(&covered->live, latest, to);
}

/* --- as text ----------------------------------------------------------------------- */

static void
save_marks(const struct mark *marks, size_t count, const struct span *span,
    const struct mark *but, size_t but_count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct mark *m = &marks[i];

		if ((m->second <= span->from + END_S || m->second >= span->to - END_S) &&
		    !has_mark(but, but_count, m->second, m->print))
			buf_printf(out, " %" PRId64 ":%" PRIx64, m->second - span->from,
			    m->print);
	}
}

/* A span a line: "WRITER FOLLOWED FROM TO SECOND:PRINT ...", the seconds since FROM. */
void
covered_save(const struct covered *covered, struct buf *out)
{
	struct spans all = {0};

	copy_into(&all, &covered->stored);
	copy_into(&all, &covered->live);
	unite(&all);
	limit(&all);
	for (size_t i = 0; i < all.count; i++) {
		const struct span *span = &all.items[i];

		buf_printf(out, "%" PRIu64 " %d %" PRId64 " %" PRId64, span->writer,
		    span->followed, span->from, span->to);
		save_marks(span->head, span->head_count, span, NULL, 0, out);
		save_marks(span->tail, span->tail_count, span, span->head,
		    span->head_count, out);
		buf_add_char(out, '\n');
	}
	clear_spans(&all);
}

static bool
eat_hex(struct str word, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.p[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
		    : c >= 'a' && c <= 'f'            ? (unsigned)(c - 'a' + 10)
		                                      : 16;

		if (digit > 15)
			return false;
		*out = *out << 4 | digit;
	}
	return word.len > 0 && word.len <= 16;
}

static bool
eat_word(struct str *s, struct str *word)
{
	if (s->len == 0)
		return false;
	if (!str_cut(s, ' ', word)) {
		*word = *s;
		*s = str_skip(*s, s->len);
	}
	return true;
}

/* False: not a line of covered_save(). */
static bool
load_span(struct str line, struct span *span)
{
	struct str word, second;
	uint64_t followed, from, to, offset, print;
	struct mark mark;

	*span = (struct span){0};
	if (!eat_word(&line, &word) || !str_number(word, UINT64_MAX, &span->writer) ||
	    !eat_word(&line, &word) || !str_number(word, 1, &followed) ||
	    !eat_word(&line, &word) || !str_number(word, INT64_MAX / 2, &from) ||
	    !eat_word(&line, &word) || !str_number(word, INT64_MAX / 2, &to) || to < from)
		return false;
	span->followed = followed == 1;
	span->from = (int64_t)from;
	span->to = (int64_t)to;
	while (eat_word(&line, &word)) {
		if (!str_cut(&word, ':', &second) ||
		    !str_number(second, to - from, &offset) || !eat_hex(word, &print))
			return false;
		mark = (struct mark){(int64_t)(from + offset), print};
		if (mark.second <= span->from + END_S)
			add_mark(&span->head, &span->head_count, mark);
		else
			add_tail(span, mark);
	}
	return true;
}

void
covered_load(struct covered *covered, struct str saved)
{
	struct str line;

	clear_spans(&covered->stored);
	while (str_cut(&saved, '\n', &line)) {
		struct spans *stored = &covered->stored;
		struct span span;

		if (!load_span(line, &span)) {
			clear_span(&span);
			continue;
		}
		stored->items =
		    mem_array(stored->items, stored->count + 1, sizeof(*stored->items));
		stored->items[stored->count++] = span;
	}
}
