/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report as one HTML file: no scripts, nothing from elsewhere, to be printed, mailed
 * and kept. It is well-formed XML too. What is outside's is escaped where it is added.
 */
#include "publish/report_lines.h"
#include "publish/report_style.h"
#include "publish/report_svg.h"
#include "publish/report_words.h"

#define SHOWN_MAX  500 /* destinations, changes and exceptions each */
#define MONTHS_MAX 13

struct page {
	const struct report *r;
	const struct report_language *lang;
	struct buf *out;
	struct buf text; /* of a cell, made before it is escaped */
};

static const char *const protection_classes[REPORT_SVG_PARTS] = {
    [PROTECTION_DANE] = "dane",
    [PROTECTION_MTA_STS] = "sts",
    [PROTECTION_VERIFIED] = "verified",
    [PROTECTION_ENCRYPTED] = "encrypted",
    [PROTECTION_CLEARTEXT] = "clear",
    [PROTECTION_UNKNOWN] = "unknown",
};

static const char *const grade_classes[REPORT_SVG_PARTS] = {
    [GRADE_UNSURE] = "unknown",
    [GRADE_RED] = "clear",
    [GRADE_YELLOW] = "encrypted",
    [GRADE_GREEN] = "dane",
};

static const char *
word(const struct page *page, enum report_word w)
{
	return report_word(page->lang, w);
}

static void
add(struct page *page, const char *text)
{
	report_html_add(page->out, text);
}

/* What was put into page->text, which is empty then. */
static void
flush(struct page *page)
{
	report_html_add(page->out, buf_text(&page->text));
	buf_reset(&page->text);
}

static void
element(struct page *page, const char *name, const char *text)
{
	buf_printf(page->out, "<%s>", name);
	add(page, text);
	buf_printf(page->out, "</%s>\n", name);
}

static void
section(struct page *page, enum report_word w)
{
	buf_printf(page->out, "<section>\n");
	element(page, "h2", word(page, w));
}

static void
section_end(struct page *page)
{
	buf_printf(page->out, "</section>\n");
}

/* --- tables ------------------------------------------------------------------------ */

/* Of columns, the last of which are numbers; ends with table_end(). class: how wide
 * columns are. */
static void
table(struct page *page, const char *class, const enum report_word *columns, size_t count,
    size_t numbers)
{
	buf_printf(page->out, "<table class=\"%s\">\n<thead><tr>", class);
	for (size_t i = 0; i < count; i++) {
		buf_printf(page->out, "<th scope=\"col\"%s>",
		    i >= count - numbers ? " class=\"number\"" : "");
		add(page, word(page, columns[i]));
		buf_printf(page->out, "</th>");
	}
	buf_printf(page->out, "</tr></thead>\n<tbody>\n");
}

static void
table_end(struct page *page)
{
	buf_printf(page->out, "</tbody>\n</table>\n");
}

/* Begins a cell, which on a narrow page has the name of its column in front. */
static void
cell(struct page *page, enum report_word column, const char *class)
{
	buf_printf(page->out, "<td");
	if (class != NULL)
		buf_printf(page->out, " class=\"%s\"", class);
	buf_printf(page->out, " data-label=\"");
	add(page, word(page, column));
	buf_printf(page->out, "\">");
}

static void
cell_end(struct page *page)
{
	buf_printf(page->out, "</td>");
}

static void
text_cell(struct page *page, enum report_word column, const char *class, const char *text)
{
	cell(page, column, class);
	add(page, text);
	cell_end(page);
}

static void
number_cell(struct page *page, enum report_word column, uint64_t number)
{
	report_say_number(&page->text, page->lang, number);
	cell(page, column, "number");
	flush(page);
	cell_end(page);
}

static void
share_cell(struct page *page, enum report_word column, uint64_t part, uint64_t whole)
{
	report_say_share(&page->text, page->lang, part, whole);
	cell(page, column, "number");
	flush(page);
	cell_end(page);
}

static void
more(struct page *page, size_t count)
{
	if (count <= SHOWN_MAX)
		return;
	report_say_number(&page->text, page->lang, count - SHOWN_MAX);
	buf_printf(&page->text, " %s", word(page, REPORT_MORE));
	buf_printf(page->out, "<p>");
	flush(page);
	buf_printf(page->out, "</p>\n");
}

/* The name of a row, with the colour that it has in the pictures, and what it means. */
static void
key_cell(struct page *page, enum report_word column, const char *class, const char *name,
    const char *says)
{
	cell(page, column, NULL);
	buf_printf(page->out,
	    "<svg class=\"key\" width=\"12\" height=\"12\" aria-hidden=\"true\">"
	    "<rect class=\"%s\" width=\"12\" height=\"12\"/></svg> <b>",
	    class);
	add(page, name);
	buf_printf(page->out, "</b> <span class=\"says\">");
	add(page, says);
	buf_printf(page->out, "</span>");
	cell_end(page);
}

/* --- the parts --------------------------------------------------------------------- */

static void
add_head(struct page *page)
{
	const struct report *r = page->r;

	buf_printf(page->out,
	    "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"%s\">\n"
	    "<head>\n<meta charset=\"utf-8\"/>\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	    "style-src 'unsafe-inline'\"/>\n"
	    "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>",
	    report_language_name(page->lang));
	buf_printf(&page->text, "%s: ", word(page, REPORT_TITLE));
	report_say_month(&page->text, page->lang, r->month);
	flush(page);
	buf_printf(page->out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n",
	    report_style);
	buf_printf(page->out, "<header>\n<h1>");
	add(page, word(page, REPORT_TITLE));
	buf_printf(page->out, "<br/>");
	report_say_month(&page->text, page->lang, r->month);
	flush(page);
	buf_printf(page->out, "</h1>\n<p>");
	if (r->node[0] != '\0')
		buf_printf(&page->text, "%s: %s; %s. ", word(page, REPORT_NODE), r->node,
		    word(page, REPORT_OF_ALL));
	buf_printf(&page->text, "%s: ", word(page, REPORT_MADE_AT));
	report_say_minute(&page->text, page->lang, r->now_ms);
	buf_printf(&page->text, " UTC%s%s. %s: %s.", r->now_ms < r->until_ms ? "; " : "",
	    r->now_ms < r->until_ms ? word(page, REPORT_RUNNING) : "",
	    word(page, REPORT_DEFAULT),
	    r->default_level != LEVEL_UNKNOWN ? level_name(r->default_level)
	                                      : word(page, REPORT_NOT_KNOWN));
	flush(page);
	buf_printf(page->out, "</p>\n</header>\n");
}

static void
tile(struct page *page, const char *class, uint64_t part, uint64_t whole,
    enum report_word what)
{
	buf_printf(page->out, "<div class=\"tile %s\"><b>", class);
	report_say_share(&page->text, page->lang, part, whole);
	flush(page);
	buf_printf(page->out, "</b><span>");
	report_say_number(&page->text, page->lang, part);
	buf_printf(&page->text, " %s", word(page, what));
	flush(page);
	buf_printf(page->out, "</span></div>\n");
}

static void
add_tiles(struct page *page, const uint64_t *messages, uint64_t all)
{
	buf_printf(page->out, "<div class=\"tiles\">\n");
	tile(page, "t-proven", report_proven(messages), all, REPORT_PROVEN);
	tile(page, "t-encrypted", messages[PROTECTION_ENCRYPTED], all,
	    REPORT_ENCRYPTED_ONLY);
	tile(page, "t-clear", messages[PROTECTION_CLEARTEXT], all, REPORT_CLEAR);
	buf_printf(page->out, "</div>\n");
}

static void
add_messages(struct page *page)
{
	static const enum report_word columns[] = {
	    REPORT_PROTECTION, REPORT_MESSAGES, REPORT_SHARE};
	const uint64_t *messages = report_its_month(page->r)->messages;
	uint64_t all = report_sum(messages, PROTECTION_COUNT);

	section(page, REPORT_MESSAGES_BY);
	if (all == 0)
		element(page, "p", word(page, REPORT_NO_MESSAGES));
	else
		add_tiles(page, messages, all);
	table(page, "numbers", columns, 3, 2);
	for (int p = 0; p < PROTECTION_COUNT; p++) {
		enum protection protection = (enum protection)p;

		if (protection == PROTECTION_UNKNOWN && messages[p] == 0)
			continue;
		buf_printf(page->out, "<tr>");
		key_cell(page, REPORT_PROTECTION, protection_classes[p],
		    report_protection(page->lang, protection),
		    report_protection_says(page->lang, protection));
		number_cell(page, REPORT_MESSAGES, messages[p]);
		share_cell(page, REPORT_SHARE, messages[p], all);
		buf_printf(page->out, "</tr>\n");
	}
	buf_printf(page->out, "<tr class=\"all\">");
	text_cell(page, REPORT_PROTECTION, NULL, word(page, REPORT_ALL));
	number_cell(page, REPORT_MESSAGES, all);
	share_cell(page, REPORT_SHARE, all, all);
	buf_printf(page->out, "</tr>\n");
	table_end(page);
	section_end(page);
}

/* A bar of the whole width a month: what counts is the share. */
static void
add_months(struct page *page)
{
	const struct report *r = page->r;
	size_t first = r->month_count > MONTHS_MAX ? r->month_count - MONTHS_MAX : 0;

	section(page, REPORT_MONTHS);
	buf_printf(page->out, "<p class=\"legend\">");
	for (int p = 0; p < PROTECTION_COUNT; p++) {
		buf_printf(page->out,
		    "<span><svg class=\"key\" width=\"12\" height=\"12\" "
		    "aria-hidden=\"true\"><rect class=\"%s\" width=\"12\" "
		    "height=\"12\"/></svg> ",
		    protection_classes[p]);
		add(page, report_protection(page->lang, (enum protection)p));
		buf_printf(page->out, "</span> ");
	}
	buf_printf(page->out, "</p>\n");
	for (size_t i = first; i < r->month_count; i++) {
		const struct report_month *month = &r->months[i];
		uint64_t all = report_sum(month->messages, PROTECTION_COUNT);
		struct buf label = {0}, value = {0}, titles[PROTECTION_COUNT] = {{0}};
		struct report_bar bar;

		report_say_short_month(&label, page->lang, month->name);
		report_say_number(&value, page->lang, all);
		bar = (struct report_bar){
		    .label = buf_text(&label), .value = buf_text(&value)};
		for (int p = 0; p < PROTECTION_COUNT; p++) {
			buf_printf(&titles[p],
			    "%s: ", report_protection(page->lang, (enum protection)p));
			report_say_share(&titles[p], page->lang, month->messages[p], all);
			bar.parts[p] = month->messages[p];
			bar.titles[p] = buf_text(&titles[p]);
		}
		report_svg_bars(
		    bar.label, &bar, 1, protection_classes, all, 20, page->out);
		buf_clear(&label);
		buf_clear(&value);
		for (int p = 0; p < PROTECTION_COUNT; p++)
			buf_clear(&titles[p]);
	}
	section_end(page);
}

/* A picture with a bar a row, each of one part. */
static void
simple_bars(struct page *page, enum report_word title, const uint64_t *counts,
    const char *const *labels, const unsigned *parts, size_t count,
    const char *const *classes, unsigned label_percent)
{
	struct report_bar bars[REPORT_SVG_PARTS] = {{NULL, NULL, {0}, {NULL}}};
	struct buf values[REPORT_SVG_PARTS] = {{0}};
	uint64_t most = 1;

	for (size_t i = 0; i < count; i++) {
		report_say_number(&values[i], page->lang, counts[i]);
		bars[i].label = labels[i];
		bars[i].value = buf_text(&values[i]);
		bars[i].parts[parts[i]] = counts[i];
		bars[i].titles[parts[i]] = labels[i];
		most = counts[i] > most ? counts[i] : most;
	}
	report_svg_bars(
	    word(page, title), bars, count, classes, most, label_percent, page->out);
	for (size_t i = 0; i < count; i++)
		buf_clear(&values[i]);
}

static void
add_red_ones(struct page *page)
{
	static const enum report_word columns[] = {
	    REPORT_DESTINATION, REPORT_CLEARTEXT, REPORT_ALL};
	const struct report *r = page->r;
	size_t red = 0;

	while (red < r->destination_count && r->destinations[red].grade == GRADE_RED)
		red++;
	if (red == 0)
		return;
	element(page, "h3", word(page, REPORT_RED_ONES));
	table(page, "numbers", columns, 3, 2);
	for (size_t i = 0; i < red && i < SHOWN_MAX; i++) {
		const struct report_destination *d = &r->destinations[i];

		buf_printf(page->out, "<tr>");
		text_cell(page, REPORT_DESTINATION, "name", d->key);
		number_cell(page, REPORT_CLEARTEXT, d->messages[PROTECTION_CLEARTEXT]);
		number_cell(page, REPORT_ALL, report_sum(d->messages, PROTECTION_COUNT));
		buf_printf(page->out, "</tr>\n");
	}
	table_end(page);
	more(page, red);
}

static void
add_grades(struct page *page)
{
	static const enum report_word columns[] = {REPORT_GRADE, REPORT_DESTINATIONS};
	static const unsigned order[] = {
	    GRADE_GREEN, GRADE_YELLOW, GRADE_RED, GRADE_UNSURE};
	const uint64_t *graded = report_its_month(page->r)->graded;
	uint64_t counts[GRADE_COUNT];
	const char *labels[GRADE_COUNT];

	section(page, REPORT_GRADES);
	for (size_t i = 0; i < GRADE_COUNT; i++) {
		counts[i] = graded[order[i]];
		labels[i] = report_grade(page->lang, (enum grade)order[i]);
	}
	simple_bars(page, REPORT_GRADES, counts, labels, order,
	    counts[GRADE_COUNT - 1] > 0 ? GRADE_COUNT : GRADE_COUNT - 1, grade_classes,
	    16);
	table(page, "numbers", columns, 2, 1);
	for (size_t i = 0; i < GRADE_COUNT; i++) {
		if (order[i] == GRADE_UNSURE && counts[i] == 0)
			continue;
		buf_printf(page->out, "<tr>");
		key_cell(page, REPORT_GRADE, grade_classes[order[i]], labels[i],
		    report_grade_says(page->lang, (enum grade)order[i]));
		number_cell(page, REPORT_DESTINATIONS, counts[i]);
		buf_printf(page->out, "</tr>\n");
	}
	table_end(page);
	add_red_ones(page);
	section_end(page);
}

static void
add_why(struct page *page, enum why why)
{
	buf_printf(page->out, "<code>");
	add(page, report_why_name(why));
	buf_printf(page->out, "</code> ");
	add(page, report_why(page->lang, why));
}

static void
add_whys(struct page *page)
{
	static const enum report_word columns[] = {REPORT_REASON, REPORT_COUNT};
	uint64_t counts[WHY_COUNT];

	report_count_whys(page->r, counts);
	table(page, "numbers", columns, 2, 1);
	for (int w = 0; w < WHY_COUNT; w++) {
		if (counts[w] == 0)
			continue;
		buf_printf(page->out, "<tr>");
		cell(page, REPORT_REASON, NULL);
		add_why(page, (enum why)w);
		cell_end(page);
		number_cell(page, REPORT_COUNT, counts[w]);
		buf_printf(page->out, "</tr>\n");
	}
	table_end(page);
}

static void
add_change(struct page *page, const struct report_change *c)
{
	buf_printf(page->out, "<tr>");
	cell(page, REPORT_TIME, NULL);
	report_say_minute(&page->text, page->lang, c->time_ms);
	flush(page);
	cell_end(page);
	text_cell(page, REPORT_DESTINATION, "name", c->key);
	cell(page, REPORT_CHANGE, NULL);
	buf_printf(&page->text, "%s: ", report_action(page->lang, c->action));
	report_add_change_entries(page->lang, c, &page->text);
	flush(page);
	cell_end(page);
	cell(page, REPORT_REASON, NULL);
	add_why(page, c->why);
	cell_end(page);
	buf_printf(page->out, "</tr>\n");
}

static void
add_changes(struct page *page)
{
	static const enum report_word columns[] = {
	    REPORT_TIME, REPORT_DESTINATION, REPORT_CHANGE, REPORT_REASON};
	const struct report *r = page->r;

	section(page, REPORT_CHANGES);
	if (r->change_count == 0) {
		element(page, "p", word(page, REPORT_NO_CHANGES));
	} else {
		add_whys(page);
		table(page, "changes", columns, 4, 0);
		for (size_t i = 0; i < r->change_count && i < SHOWN_MAX; i++)
			add_change(page, &r->changes[i]);
		table_end(page);
		more(page, r->change_count);
	}
	section_end(page);
}

static void
add_ages(struct page *page)
{
	static const char *const classes[REPORT_SVG_PARTS] = {"age"};
	static const unsigned parts[REPORT_AGE_COUNT] = {0};
	uint64_t counts[REPORT_AGE_COUNT];
	const char *labels[REPORT_AGE_COUNT];

	report_count_ages(page->r, counts);
	for (size_t i = 0; i < REPORT_AGE_COUNT; i++)
		labels[i] = report_age(page->lang, (enum report_age)i);
	element(page, "h3", word(page, REPORT_AGES));
	simple_bars(
	    page, REPORT_AGES, counts, labels, parts, REPORT_AGE_COUNT, classes, 40);
}

static void
add_exception(struct page *page, const struct report_exception *e)
{
	buf_printf(page->out, "<tr>");
	text_cell(page, REPORT_DESTINATION, "name", e->key);
	cell(page, REPORT_ENTRY, "name");
	report_say_demand(&page->text, page->lang, e->entry);
	flush(page);
	cell_end(page);
	cell(page, REPORT_AGE, NULL);
	if (e->since_ms == 0) {
		add(page, "-");
	} else {
		report_say_age(&page->text, page->lang, page->r->now_ms - e->since_ms);
		buf_printf(&page->text, " (");
		report_say_day(&page->text, page->lang, e->since_ms);
		buf_add_char(&page->text, ')');
		flush(page);
	}
	cell_end(page);
	cell(page, REPORT_REASON, NULL);
	add_why(page, e->why);
	if (e->until_ms != 0) {
		buf_printf(&page->text, ", %s ", word(page, REPORT_UNTIL));
		report_say_day(&page->text, page->lang, e->until_ms);
		flush(page);
	}
	cell_end(page);
	text_cell(page, REPORT_NOTE, NULL, e->note);
	buf_printf(page->out, "</tr>\n");
}

static void
add_exceptions(struct page *page)
{
	static const enum report_word columns[] = {
	    REPORT_DESTINATION, REPORT_ENTRY, REPORT_AGE, REPORT_REASON, REPORT_NOTE};
	const struct report *r = page->r;

	section(page, REPORT_EXCEPTIONS);
	element(page, "p", word(page, REPORT_EXCEPTIONS_SAY));
	if (r->exception_count == 0) {
		element(page, "p", word(page, REPORT_NO_EXCEPTIONS));
	} else {
		add_ages(page);
		table(page, "exceptions", columns, 5, 0);
		for (size_t i = 0; i < r->exception_count && i < SHOWN_MAX; i++)
			add_exception(page, &r->exceptions[i]);
		table_end(page);
		more(page, r->exception_count);
	}
	section_end(page);
}

void
report_html(const struct report *r, const struct report_language *lang, struct buf *out)
{
	struct page page = {.r = r, .lang = lang, .out = out};

	add_head(&page);
	add_messages(&page);
	add_months(&page);
	add_grades(&page);
	add_changes(&page);
	add_exceptions(&page);
	section(&page, REPORT_COUNTED);
	element(&page, "p", report_word(lang, REPORT_COUNTED_SAYS));
	section_end(&page);
	buf_printf(out, "</main>\n</body>\n</html>\n");
	buf_clear(&page.text);
}
