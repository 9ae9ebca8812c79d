/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/parse.h"

#include "core/covered.h"
#include "core/logline.h"
#include "sys/clock.h"

#define AHEAD_MS  1000 /* as far as a clock that was read a while ago is behind */
#define PRINT_MAX 256  /* bytes of a text that tell it from others */

static bool
is_in_minute(const struct stamp *a, const struct stamp *b)
{
	return a->minute == b->minute && a->hour == b->hour && a->day == b->day &&
	    a->month == b->month && a->year == b->year && a->has_zone == b->has_zone &&
	    a->zone_minutes == b->zone_minutes;
}

/* The calendar takes longer than all the rest of a line: it is asked once a minute of
 * the log, as clocks are put forward and back at the beginning of one. */
static int64_t
time_of(struct parse_minute *minute, const struct stamp *stamp, int64_t now_ms)
{
	if (!is_in_minute(&minute->stamp, stamp)) {
		minute->stamp = *stamp;
		minute->stamp.second = 0;
		minute->stamp.microsecond = 0;
		minute->begin_ms = clock_of_stamp(&minute->stamp, now_ms);
	}
	if (minute->begin_ms == 0)
		return 0;
	return minute->begin_ms + stamp->second * 1000 + stamp->microsecond / 1000;
}

void
parse_start(struct parse *parse, struct str lines, struct str outer, int64_t wall_ms)
{
	parse->outer = outer;
	parse->wall_ms = wall_ms;
	parse->shift_ms = clock_offset_ms();
	/* of no month: as lines without a stamp */
	parse->minute = (struct parse_minute){.begin_ms = 0};
	parse->head.len = 0;
	parse->head.changes = 0;
	parse->head_of = 0;
	prefilter_start(&parse->prefilter, lines,
	    PREFILTER_TROUBLE | PREFILTER_SENT | PREFILTER_TLS | PREFILTER_UNCOUNTED);
}

bool
parse_find(struct parse *parse, struct str *line)
{
	return prefilter_next(&parse->prefilter, line);
}

static uint64_t
writer_of(const struct logline *split)
{
	return (covered_hash(split->host) ^ covered_hash(split->tag) << 1) | 1;
}

/* When the log says that a line was written; its clock is not shifted. */
static int64_t
logged_ms(struct parse *parse, const struct logline *split)
{
	return time_of(&parse->minute, &split->stamp, parse->wall_ms - parse->shift_ms);
}

/* The same of a line that was split by its head, which has its stamp. */
static int64_t
logged_ms_by_head(struct parse *parse, const struct logline *split)
{
	if (parse->head_of != parse->head.changes) {
		parse->head_of = parse->head.changes;
		parse->time_ms = logged_ms(parse, split);
		parse->writer = 0;
	}
	return parse->time_ms;
}

/* Behind logged_ms_by_head(). */
static uint64_t
writer_by_head(struct parse *parse, const struct logline *split)
{
	if (parse->writer == 0)
		parse->writer = writer_of(split);
	return parse->writer;
}

/* As it is written: its queue id, recipient, delays and status stand at its beginning. */
static uint64_t
print_of(struct str text)
{
	struct str begin = {text.p, text.len < PRINT_MAX ? text.len : PRINT_MAX};

	return covered_hash(begin) + text.len;
}

bool
parse_line(struct parse *parse, struct str line, struct parsed *out)
{
	struct logline split;
	int64_t time_ms;
	bool by_head = logline_split_next(&parse->head, line, &split);

	if (!by_head && !logline_split_nested(line, parse->outer, &split))
		return parsed_from_strange(line, NULL, out);
	if (!parsed_from(&split, out))
		return parsed_from_strange(line, &split, out);
	time_ms = by_head ? logged_ms_by_head(parse, &split) : logged_ms(parse, &split);
	out->time_ms = time_ms != 0 ? time_ms + parse->shift_ms : parse->wall_ms;
	if (out->kind == PARSED_STATUS && time_ms != 0) {
		out->writer = by_head ? writer_by_head(parse, &split) : writer_of(&split);
		out->print = print_of(split.text);
		out->second = time_ms / 1000;
		out->is_ahead = time_ms > parse->wall_ms - parse->shift_ms + AHEAD_MS;
	}
	return true;
}
