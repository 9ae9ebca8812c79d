/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pictures of a report, as inline SVG: horizontal bars. Their lengths are shares of the
 * width that the page has, their letters are as large as its own: nothing overflows, and
 * nothing is scaled. Colours are classes that the page's style knows.
 */
#ifndef PUBLISH_REPORT_SVG_H
#define PUBLISH_REPORT_SVG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define REPORT_SVG_PARTS 6

/* Text is UTF-8 and trusted: the program's own words and numbers. */
struct report_bar {
	const char *label; /* in front of it */
	const char *value; /* behind it */
	uint64_t parts[REPORT_SVG_PARTS];
	const char *titles[REPORT_SVG_PARTS]; /* what a pointer shows; NULL: none */
};

/*
 * most: as much as fills the width. label_percent: of the width for labels. classes: of
 * the parts. title: what the picture shows, for who cannot see it.
 */
void report_svg_bars(const char *title, const struct report_bar *bars, size_t count,
    const char *const classes[REPORT_SVG_PARTS], uint64_t most, unsigned label_percent,
    struct buf *out);

/* Text as HTML and SVG have it: bytes of a terminal visible, nothing a tag. */
void report_html_add(struct buf *out, const char *text);

#endif
