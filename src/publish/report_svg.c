/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/report_svg.h"

#define ROW_PX   28
#define BAR_PX   18
#define TOP_PX   4 /* of a bar in its row */
#define TEXT_PX  18
#define VALUE_PC 18 /* of the width */
#define GAP_PC   2

void
report_html_add(struct buf *out, const char *text)
{
	struct buf visible = {0};

	buf_add_visible(&visible, str_of(text));
	for (const char *p = buf_text(&visible); *p != '\0'; p++) {
		if (*p == '&')
			buf_printf(out, "&amp;");
		else if (*p == '<')
			buf_printf(out, "&lt;");
		else if (*p == '>')
			buf_printf(out, "&gt;");
		else if (*p == '"')
			buf_printf(out, "&quot;");
		else if (*p == '\'')
			buf_printf(out, "&#39;");
		else
			buf_add_char(out, *p);
	}
	buf_clear(&visible);
}

/* In hundredths of a percent, so that no locale has a say. */
static void
add_percent(struct buf *out, const char *name, uint64_t part, uint64_t whole)
{
	unsigned share =
	    (unsigned)((double)part * 10000 / (double)(whole > 0 ? whole : 1) + 0.5);

	buf_printf(out, " %s=\"%u.%02u%%\"", name, share / 100, share % 100);
}

static void
add_bar(const struct report_bar *bar, const char *const classes[REPORT_SVG_PARTS],
    uint64_t most, size_t row, struct buf *out)
{
	uint64_t at = 0;

	for (size_t i = 0; i < REPORT_SVG_PARTS; i++) {
		if (bar->parts[i] == 0)
			continue;
		buf_printf(out, "<rect class=\"%s\" y=\"%zu\" height=\"%d\"", classes[i],
		    row * ROW_PX + TOP_PX, BAR_PX);
		add_percent(out, "x", at, most);
		add_percent(out, "width", bar->parts[i], most);
		buf_printf(out, "><title>");
		if (bar->titles[i] != NULL)
			report_html_add(out, bar->titles[i]);
		buf_printf(out, "</title></rect>\n");
		at += bar->parts[i];
	}
}

static void
add_text(struct buf *out, const char *at, size_t row, const char *text)
{
	buf_printf(out, "<text %s y=\"%zu\">", at, row * ROW_PX + TEXT_PX);
	report_html_add(out, text);
	buf_printf(out, "</text>\n");
}

void
report_svg_bars(const char *title, const struct report_bar *bars, size_t count,
    const char *const classes[REPORT_SVG_PARTS], uint64_t most, unsigned label_percent,
    struct buf *out)
{
	buf_printf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"100%%\" "
	    "height=\"%zu\">\n<title>",
	    count * ROW_PX);
	report_html_add(out, title);
	buf_printf(out, "</title>\n");
	for (size_t i = 0; i < count; i++) {
		add_text(out, "x=\"0\"", i, bars[i].label);
		add_text(out, "x=\"100%\" class=\"value\"", i, bars[i].value);
	}
	buf_printf(out, "<svg x=\"%u%%\" y=\"0\" width=\"%u%%\" height=\"%zu\">\n",
	    label_percent + GAP_PC, 100 - label_percent - VALUE_PC - 2 * GAP_PC,
	    count * ROW_PX);
	for (size_t i = 0; i < count; i++)
		add_bar(&bars[i], classes, most, i, out);
	buf_printf(out, "</svg>\n</svg>\n");
}
