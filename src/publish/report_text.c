/* SPDX-License-Identifier: BSD-2-Clause */
/* The report for a terminal or a mail: UTF-8, columns of blanks. */
#include "base/width.h"
#include "publish/report_lines.h"
#include "publish/report_words.h"

#define NAME_WIDTH  26
#define SHOWN_MAX   100 /* destinations, changes and exceptions each */
#define MONTHS_MAX  13
#define MONTH_WIDTH 11

struct page {
	const struct report *r;
	const struct report_language *lang;
	struct buf *out;
};

static const char *
word(const struct page *page, enum report_word w)
{
	return report_word(page->lang, w);
}

static void
head(const struct page *page, enum report_word w)
{
	buf_printf(page->out, "\n%s\n", word(page, w));
}

/* What is outside's is made harmless before it is added here. */
static void
pad_right(struct buf *out, const char *text, size_t columns)
{
	size_t width = width_of(str_of(text));

	buf_printf(out, "%s%*s", text, width < columns ? (int)(columns - width) : 0, "");
}

static void
pad_left(struct buf *out, const char *text, size_t columns)
{
	size_t width = width_of(str_of(text));

	buf_printf(out, "%*s%s", width < columns ? (int)(columns - width) : 0, "", text);
}

static void
add_number(const struct page *page, uint64_t number, size_t columns)
{
	struct buf text = {0};

	report_say_number(&text, page->lang, number);
	pad_left(page->out, buf_text(&text), columns);
	buf_clear(&text);
}

static void
add_share(const struct page *page, uint64_t part, uint64_t whole, size_t columns)
{
	struct buf text = {0};

	report_say_share(&text, page->lang, part, whole);
	pad_left(page->out, buf_text(&text), columns);
	buf_clear(&text);
}

static void
add_title(const struct page *page)
{
	const struct report *r = page->r;
	struct buf *out = page->out;

	buf_printf(out, "%s: ", word(page, REPORT_TITLE));
	report_say_month(out, page->lang, r->month);
	if (r->node[0] != '\0')
		buf_printf(out, "\n%s: %s; %s", word(page, REPORT_NODE), r->node,
		    word(page, REPORT_OF_ALL));
	buf_printf(out, "\n%s: ", word(page, REPORT_MADE_AT));
	report_say_minute(out, page->lang, r->now_ms);
	buf_printf(out, " UTC%s%s\n%s: %s\n", r->now_ms < r->until_ms ? "; " : "",
	    r->now_ms < r->until_ms ? word(page, REPORT_RUNNING) : "",
	    word(page, REPORT_DEFAULT),
	    r->default_level != LEVEL_UNKNOWN ? level_name(r->default_level)
	                                      : word(page, REPORT_NOT_KNOWN));
}

static void
add_messages(const struct page *page)
{
	const uint64_t *messages = report_its_month(page->r)->messages;
	uint64_t all = report_sum(messages, PROTECTION_COUNT);

	head(page, REPORT_MESSAGES_BY);
	for (int p = 0; p < PROTECTION_COUNT; p++) {
		enum protection protection = (enum protection)p;

		if (protection == PROTECTION_UNKNOWN && messages[p] == 0)
			continue;
		buf_printf(page->out, "  ");
		pad_right(page->out, report_protection(page->lang, protection), 16);
		add_number(page, messages[p], 14);
		add_share(page, messages[p], all, 9);
		buf_add_char(page->out, '\n');
	}
	buf_printf(page->out, "  ");
	pad_right(page->out, word(page, REPORT_ALL), 16);
	add_number(page, all, 14);
	buf_add_char(page->out, '\n');
}

static void
add_months(const struct page *page)
{
	const struct report *r = page->r;
	size_t first = r->month_count > MONTHS_MAX ? r->month_count - MONTHS_MAX : 0;
	struct buf name = {0};

	if (r->month_count < 2)
		return;
	head(page, REPORT_MONTHS);
	buf_printf(page->out, "  ");
	pad_right(page->out, word(page, REPORT_MONTH), 8);
	for (int p = 0; p < PROTECTION_UNKNOWN; p++)
		pad_left(
		    page->out, report_protection(page->lang, (enum protection)p), 14);
	buf_add_char(page->out, '\n');
	for (size_t i = first; i < r->month_count; i++) {
		const struct report_month *month = &r->months[i];

		buf_reset(&name);
		report_say_short_month(&name, page->lang, month->name);
		buf_printf(page->out, "  ");
		pad_right(page->out, buf_text(&name), 8);
		for (int p = 0; p < PROTECTION_UNKNOWN; p++)
			add_share(page, month->messages[p],
			    report_sum(month->messages, PROTECTION_COUNT), 14);
		buf_add_char(page->out, '\n');
	}
	buf_clear(&name);
}

static void
add_more(const struct page *page, size_t count)
{
	if (count <= SHOWN_MAX)
		return;
	buf_printf(page->out, "  ");
	report_say_number(page->out, page->lang, count - SHOWN_MAX);
	buf_printf(page->out, " %s\n", word(page, REPORT_MORE));
}

/* The first column of a row. */
static void
add_key(const struct page *page, const char *key)
{
	struct buf text = {0};

	buf_add_visible(&text, str_of(key));
	buf_printf(page->out, "  ");
	pad_right(page->out, buf_text(&text), NAME_WIDTH);
	buf_clear(&text);
}

static void
add_grades(const struct page *page)
{
	const struct report *r = page->r;
	const uint64_t *graded = report_its_month(r)->graded;
	size_t red = 0;

	head(page, REPORT_GRADES);
	for (int g = GRADE_COUNT - 1; g >= 0; g--) {
		enum grade grade = (enum grade)g;

		if (grade == GRADE_UNSURE && graded[g] == 0)
			continue;
		buf_printf(page->out, "  ");
		pad_right(page->out, report_grade(page->lang, grade), 8);
		pad_right(page->out, report_grade_says(page->lang, grade), 50);
		add_number(page, graded[g], 10);
		buf_add_char(page->out, '\n');
	}
	while (red < r->destination_count && r->destinations[red].grade == GRADE_RED)
		red++;
	if (red == 0)
		return;
	head(page, REPORT_RED_ONES);
	for (size_t i = 0; i < red && i < SHOWN_MAX; i++) {
		const uint64_t *messages = r->destinations[i].messages;

		add_key(page, r->destinations[i].key);
		add_number(page, messages[PROTECTION_CLEARTEXT], 10);
		buf_printf(page->out, " / ");
		report_say_number(
		    page->out, page->lang, report_sum(messages, PROTECTION_COUNT));
		buf_add_char(page->out, '\n');
	}
	add_more(page, red);
}

static void
add_change(const struct page *page, const struct report_change *c)
{
	struct buf minute = {0};

	report_say_minute(&minute, page->lang, c->time_ms);
	buf_printf(page->out, "  %s  ", buf_text(&minute));
	buf_clear(&minute);
	buf_add_visible(page->out, str_of(c->key));
	buf_printf(page->out, "\n    %s: ", report_action(page->lang, c->action));
	report_add_change_entries(page->lang, c, page->out);
	if (report_change_has_why(c))
		buf_printf(page->out, "\n    %s: %s", why_slug(c->why),
		    report_why(page->lang, c->why));
	buf_add_char(page->out, '\n');
}

static void
add_changes(const struct page *page)
{
	const struct report *r = page->r;
	uint64_t counts[WHY_COUNT];

	head(page, REPORT_CHANGES);
	if (r->change_count == 0) {
		buf_printf(page->out, "  %s\n", word(page, REPORT_NO_CHANGES));
		return;
	}
	report_count_whys(r, counts);
	for (int w = 0; w < WHY_COUNT; w++) {
		if (counts[w] == 0)
			continue;
		add_number(page, counts[w], 8);
		buf_printf(page->out, "  %s: %s\n", report_why_name((enum why)w),
		    report_why(page->lang, (enum why)w));
	}
	buf_add_char(page->out, '\n');
	for (size_t i = 0; i < r->change_count && i < SHOWN_MAX; i++)
		add_change(page, &r->changes[i]);
	add_more(page, r->change_count);
}

static void
add_exception(const struct page *page, const struct report_exception *e)
{
	struct buf text = {0};

	add_key(page, e->key);
	report_say_demand(&text, page->lang, e->entry);
	buf_printf(page->out, "  ");
	buf_add_visible(page->out, str_of(buf_text(&text)));
	buf_printf(page->out, "\n    %s: ", word(page, REPORT_SINCE));
	report_say_day(page->out, page->lang, e->since_ms);
	if (e->since_ms != 0) {
		buf_printf(page->out, ", ");
		report_say_age(page->out, page->lang, page->r->now_ms - e->since_ms);
	}
	buf_printf(
	    page->out, "; %s: %s", why_slug(e->why), report_why(page->lang, e->why));
	if (e->until_ms != 0) {
		buf_printf(page->out, ", %s ", word(page, REPORT_UNTIL));
		report_say_day(page->out, page->lang, e->until_ms);
	}
	if (e->note[0] != '\0') {
		buf_printf(page->out, "\n    %s: ", word(page, REPORT_NOTE));
		buf_add_visible(page->out, str_of(e->note));
	}
	buf_add_char(page->out, '\n');
	buf_clear(&text);
}

static void
add_exceptions(const struct page *page)
{
	const struct report *r = page->r;
	uint64_t ages[REPORT_AGE_COUNT];

	head(page, REPORT_EXCEPTIONS);
	buf_printf(page->out, "  %s\n", word(page, REPORT_EXCEPTIONS_SAY));
	if (r->exception_count == 0) {
		buf_printf(page->out, "  %s\n", word(page, REPORT_NO_EXCEPTIONS));
		return;
	}
	report_count_ages(r, ages);
	for (int a = 0; a < REPORT_AGE_COUNT; a++) {
		buf_printf(page->out, "  ");
		pad_right(
		    page->out, report_age(page->lang, (enum report_age)a), NAME_WIDTH);
		add_number(page, ages[a], 10);
		buf_add_char(page->out, '\n');
	}
	buf_add_char(page->out, '\n');
	for (size_t i = 0; i < r->exception_count && i < SHOWN_MAX; i++)
		add_exception(page, &r->exceptions[i]);
	add_more(page, r->exception_count);
}

void
report_text(const struct report *r, const struct report_language *lang, struct buf *out)
{
	const struct page page = {.r = r, .lang = lang, .out = out};

	add_title(&page);
	add_messages(&page);
	add_months(&page);
	add_grades(&page);
	add_changes(&page);
	add_exceptions(&page);
	head(&page, REPORT_COUNTED);
	buf_printf(out, "  %s\n", word(&page, REPORT_COUNTED_SAYS));
}
