/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/scan.h"

static const struct str status_literal = {", status=", 9};
static const struct str tls_literal = {"TLS ", 4};

static const char *
find(const char *from, const char *end, struct str literal)
{
	const char *hit = memmem(from, (size_t)(end - from), literal.p, literal.len);

	return hit != NULL ? hit : end;
}

/* Is the word behind "status=" one that is wanted? */
static bool
is_wanted_status(const struct scan *scan, const char *hit)
{
	const char *word = hit + status_literal.len;

	if (word == scan->end)
		return false;
	return (scan->want & (*word == 's' ? SCAN_SENT : SCAN_TROUBLE)) != 0;
}

static void
next_status(struct scan *scan)
{
	if ((scan->want & (SCAN_SENT | SCAN_TROUBLE)) == 0) {
		scan->status = scan->end;
		return;
	}
	scan->status = find(scan->at, scan->end, status_literal);
	while (scan->status < scan->end && !is_wanted_status(scan, scan->status))
		scan->status =
		    find(scan->status + status_literal.len, scan->end, status_literal);
}

static void
next_tls(struct scan *scan)
{
	scan->tls = (scan->want & SCAN_TLS) != 0 ? find(scan->at, scan->end, tls_literal)
	                                         : scan->end;
}

void
scan_start(struct scan *scan, struct str lines, unsigned want)
{
	scan->at = lines.p;
	scan->end = lines.p + lines.len;
	scan->want = want;
	next_status(scan);
	next_tls(scan);
}

bool
scan_next(struct scan *scan, struct str *line)
{
	const char *hit = scan->status < scan->tls ? scan->status : scan->tls;
	const char *start, *stop;

	if (hit == scan->end)
		return false;
	start = memrchr(scan->at, '\n', (size_t)(hit - scan->at));
	start = start != NULL ? start + 1 : scan->at;
	stop = memchr(hit, '\n', (size_t)(scan->end - hit));
	stop = stop != NULL ? stop : scan->end;
	*line = (struct str){start, (size_t)(stop - start)};
	if (line->len > 0 && line->p[line->len - 1] == '\r')
		line->len--;
	scan->at = stop < scan->end ? stop + 1 : stop;
	if (scan->status < scan->at)
		next_status(scan);
	if (scan->tls < scan->at)
		next_tls(scan);
	return true;
}

uint64_t
scan_count_lines(const char *from, const char *to)
{
	uint64_t lines = 0;

	for (const char *p = from; p < to; p++)
		lines += *p == '\n';
	return lines;
}
