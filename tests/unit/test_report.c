/* SPDX-License-Identifier: BSD-2-Clause */
/* The report of a month: its figures, its words in each language, and its forms. */
#include "suite.h"

#include <string.h>

#include "base/span.h"
#include "publish/report.h"
#include "publish/report_svg.h"
#include "publish/report_words.h"

#define NOW_MS (INT64_C(1795867200) * 1000) /* 2026-11-28T12:00:00Z, by date(1) */
#define BEGAN  (INT64_C(1793491200) * 1000) /* 2026-11-01T00:00:00Z */

/* --- months ------------------------------------------------------------------------ */

struct month_row {
	const char *month;
	const char *is; /* NULL: refused */
	int64_t days;
};

static const struct month_row month_rows[] = {
    {"", "2026-11", 30},
    {"2026-11", "2026-11", 30},
    {"2026-10", "2026-10", 31},
    {"2026-02", "2026-02", 28},
    {"2024-02", "2024-02", 29},
    {"2025-12", "2025-12", 31},
    {"2026-12", NULL, 0},
    {"2026-13", NULL, 0},
    {"2026-00", NULL, 0},
    {"2026-1", NULL, 0},
    {"26-11", NULL, 0},
    {"2026-11-01", NULL, 0},
    {"2026/11", NULL, 0},
    {"-026-11", NULL, 0},
};

static void
month_is_read(void **state)
{
	const struct month_row *row = *state;
	struct report r;

	assert_int_equal(report_begin(&r, str_of(row->month), NOW_MS), row->is != NULL);
	if (row->is != NULL) {
		assert_string_equal(r.month, row->is);
		assert_int_equal(r.until_ms - r.from_ms, row->days * SPAN_DAY_MS);
		assert_int_equal(r.from_ms % SPAN_DAY_MS, 0);
	}
	report_clear(&r);
}

/* --- figures ----------------------------------------------------------------------- */

#define HOSTILE "<script>alert('1')</script>&\"\033[31m"

static struct report
some_report(void)
{
	struct report r;
	const struct decision_record change = {
	    .time_ms = BEGAN + SPAN_HOUR_MS,
	    .action = "set",
	    .before = {.level = LEVEL_NONE},
	    .after = {.level = LEVEL_SECURE, .attributes = "match=" HOSTILE},
	    .why = "policy",
	};
	const struct entry entries[] = {
	    {.key = "weak.test",
	        .level = LEVEL_ENCRYPT,
	        .attributes = "",
	        .note = "",
	        .why = WHY_NOT_AUTHENTIC,
	        .since_ms = NOW_MS - 7 * SPAN_DAY_MS},
	    {.key = "dane.test",
	        .level = LEVEL_DANE_ONLY,
	        .attributes = "",
	        .note = "",
	        .why = WHY_DANE,
	        .since_ms = NOW_MS},
	    {.key = "pin.test",
	        .level = LEVEL_SECURE,
	        .attributes = "match=a.test",
	        .note = "asked for by jane@pin.test " HOSTILE,
	        .why = WHY_PINNED,
	        .pinned = true,
	        .since_ms = NOW_MS - 400 * SPAN_DAY_MS,
	        .look_ms = NOW_MS + SPAN_DAY_MS},
	};

	assert_true(report_begin(&r, STR(""), NOW_MS));
	r.default_level = LEVEL_VERIFY;
	report_add_month(&r, "2026-10", "sent:dane", 4);
	report_add_month(&r, "2026-11", "sent:dane", 1200);
	report_add_month(&r, "2026-11", "sent:cleartext", 34);
	report_add_month(&r, "2026-11", "grade:red", 2);
	report_add_month(&r, "2026-11", "sent", 5);
	report_add_month(&r, "2026-12", "sent:dane", 5);
	report_add_month(&r, "1999", "sent:dane", 5);
	report_add_sent(&r, "green.test", "dane", 3);
	report_add_sent(&r, "green.test", "unknown", 3);
	report_add_sent(&r, "red.test" HOSTILE, "dane", 1000);
	report_add_sent(&r, "red.test" HOSTILE, "cleartext", 1);
	report_add_sent(&r, "yellow.test", "encrypted", 9);
	report_add_sent(&r, "unsure.test", "unknown", 9);
	report_add_sent(&r, "redder.test", "cleartext", 2);
	report_add_change(&r, "changed.test" HOSTILE, &change);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		report_add_entry(&r, &entries[i]);
	report_end(&r);
	return r;
}

static void
figures_add_up(void **state)
{
	struct report r = some_report();
	const struct report_month *month = report_its_month(&r);

	(void)state;
	assert_int_equal(r.month_count, 2);
	assert_string_equal(r.months[0].name, "2026-10");
	assert_int_equal(report_sum(month->messages, PROTECTION_COUNT), 1234);
	assert_int_equal(report_proven(month->messages), 1200);
	assert_int_equal(month->graded[GRADE_RED], 4); /* two are gone since */
	assert_int_equal(month->graded[GRADE_YELLOW], 1);
	assert_int_equal(month->graded[GRADE_GREEN], 1);
	assert_int_equal(month->graded[GRADE_UNSURE], 1);
	assert_int_equal(r.destination_count, 5);
	assert_string_equal(r.destinations[0].key, "redder.test");
	assert_string_equal(r.destinations[4].key, "green.test");
	report_clear(&r);
}

static void
exceptions_are_weak_or_pinned(void **state)
{
	struct report r = some_report();

	(void)state;
	assert_int_equal(r.exception_count, 2);
	assert_string_equal(r.exceptions[0].key, "pin.test");
	assert_false(r.exceptions[0].weaker);
	assert_int_equal(report_age_of(&r, &r.exceptions[0]), REPORT_AGE_OLDER);
	assert_true(r.exceptions[1].weaker);
	assert_int_equal(report_age_of(&r, &r.exceptions[1]), REPORT_AGE_MONTH);
	assert_null(strstr(r.exceptions[0].note, "jane"));
	report_clear(&r);
}

struct weak_row {
	enum level default_level, level;
	bool is;
};

static const struct weak_row weak_rows[] = {
    {LEVEL_DANE, LEVEL_MAY, false},
    {LEVEL_DANE, LEVEL_ENCRYPT, false},
    {LEVEL_ENCRYPT, LEVEL_DANE, true},
    {LEVEL_VERIFY, LEVEL_ENCRYPT, true},
    {LEVEL_VERIFY, LEVEL_DANE, true},
    {LEVEL_VERIFY, LEVEL_SECURE, false},
    {LEVEL_DANE_ONLY, LEVEL_SECURE, true},
    {LEVEL_UNKNOWN, LEVEL_ENCRYPT, true},
    {LEVEL_UNKNOWN, LEVEL_VERIFY, false},
};

static void
weaker_is_an_exception(void **state)
{
	const struct weak_row *row = *state;
	const struct entry entry = {
	    .key = "a.test", .attributes = "", .note = "", .level = row->level};
	struct report r;

	assert_true(report_begin(&r, STR(""), NOW_MS));
	r.default_level = row->default_level;
	report_add_entry(&r, &entry);
	report_end(&r);
	assert_int_equal(r.exception_count, row->is);
	report_clear(&r);
}

/* --- words ------------------------------------------------------------------------- */

static const struct report_language *
language(const char *name)
{
	return report_language(str_of(name));
}

static void
every_language_has_each_word(void **state)
{
	const struct report_language *lang = language(*state);

	assert_non_null(lang);
	assert_string_equal(report_language_name(lang), *state);
	for (int w = 0; w < REPORT_WORD_COUNT; w++) {
		assert_non_null(report_word(lang, (enum report_word)w));
		assert_true(report_word(lang, (enum report_word)w)[0] != '\0');
	}
	for (int w = 0; w < WHY_COUNT; w++)
		if (report_why(lang, (enum why)w) == NULL)
			fail_msg(
			    "publish/report_why_de.c lacks %s", why_slug((enum why)w));
	for (int p = 0; p < PROTECTION_COUNT; p++) {
		assert_true(report_protection(lang, (enum protection)p)[0] != '\0');
		assert_true(report_protection_says(lang, (enum protection)p)[0] != '\0');
	}
}

/* What a sentence of a why has in words of settings, another language has as well. */
static void
whys_say_the_same(void **state)
{
	static const char *const names[] = {"ladder.", "smtp_tls_policy_maps", "TLSA",
	    "MTA-STS", "DANE", "AUTH", "MX", "Postfix"};

	(void)state;
	for (int w = 0; w < WHY_COUNT; w++) {
		const char *de = report_why(language("de"), (enum why)w);

		assert_string_not_equal(de, why_sentence((enum why)w));
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strstr(why_sentence((enum why)w), names[i]) != NULL &&
			    strstr(de, names[i]) == NULL)
				fail_msg("%s lacks %s", why_slug((enum why)w), names[i]);
	}
}

static void
there_is_no_other_language(void **state)
{
	(void)state;
	assert_null(language("fr"));
	assert_null(language(""));
	assert_null(language("DE"));
}

static void
say(struct buf *out, const struct report_language *lang)
{
	static const uint64_t numbers[] = {0, 999, 1000, 1234567, UINT64_MAX};
	static const uint64_t shares[][2] = {
	    {0, 0}, {0, 3}, {1, 3}, {1, 9999}, {9998, 9999}, {3, 3}};
	static const int64_t ages[] = {0, 1, 2, 1234};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		report_say_number(out, lang, numbers[i]);
		buf_add_char(out, ' ');
	}
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		report_say_share(out, lang, shares[i][0], shares[i][1]);
		buf_add_char(out, ' ');
	}
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		report_say_age(out, lang, ages[i] * SPAN_DAY_MS);
		buf_add_char(out, ';');
	}
	report_say_day(out, lang, NOW_MS);
	buf_add_char(out, ' ');
	report_say_minute(out, lang, NOW_MS + 90000);
	buf_add_char(out, ' ');
	report_say_day(out, lang, 0);
	buf_add_char(out, ' ');
	report_say_month(out, lang, "2026-03");
	buf_add_char(out, ' ');
	report_say_short_month(out, lang, "2026-03");
	for (int level = LEVEL_UNKNOWN; level <= LEVEL_ENCRYPT; level++) {
		buf_add_char(out, ' ');
		report_say_demand(out, lang, demand_of((enum level)level));
	}
}

static void
numbers_and_dates_are_usual(void **state)
{
	struct buf out = {0};

	(void)state;
	say(&out, language("en"));
	assert_string_equal(buf_text(&out),
	    "0 999 1,000 1,234,567 18,446,744,073,709,551,615 "
	    "- 0.0% 33.3% 0.1% 99.9% 100.0% "
	    "less than a day;1 day;2 days;1,234 days;"
	    "2026-11-28 2026-11-28 12:01 - March 2026 2026-03"
	    " ? default cleartext (may) encrypt");
	buf_reset(&out);
	say(&out, language("de"));
	assert_string_equal(buf_text(&out),
	    "0 999 1.000 1.234.567 18.446.744.073.709.551.615 "
	    "- 0,0\u00a0% 33,3\u00a0% 0,1\u00a0% 99,9\u00a0% 100,0\u00a0% "
	    "unter einem Tag;1 Tag;2 Tage;1.234 Tage;"
	    "28.11.2026 28.11.2026 12:01 - März 2026 03.2026"
	    " ? Vorgabe Klartext (may) encrypt");
	buf_clear(&out);
}

/* --- forms ------------------------------------------------------------------------- */

static void
a_page_escapes(void **state)
{
	struct report r = some_report();
	struct buf out = {0};

	report_html(&r, language(*state), &out);
	assert_null(strstr(buf_text(&out), "<script"));
	assert_null(strchr(buf_text(&out), '\033'));
	assert_null(strstr(buf_text(&out), "jane"));
	assert_non_null(strstr(buf_text(&out),
	    "red.test&lt;script&gt;alert(&#39;1&#39;)&lt;/"
	    "script&gt;&amp;&quot;\\x1b[31m"));
	assert_non_null(strstr(buf_text(&out), "changed.test&lt;script&gt;"));
	assert_non_null(strstr(buf_text(&out), "secure match=&lt;script&gt;"));
	assert_non_null(strstr(buf_text(&out), "*@pin.test &lt;script&gt;"));
	buf_clear(&out);
	report_clear(&r);
}

static void
a_text_is_harmless(void **state)
{
	struct report r = some_report();
	struct buf out = {0};

	report_text(&r, language(*state), &out);
	assert_null(strchr(buf_text(&out), '\033'));
	assert_null(strstr(buf_text(&out), "jane"));
	assert_non_null(strstr(buf_text(&out), "redder.test"));
	assert_non_null(strstr(buf_text(&out), "*@pin.test"));
	buf_clear(&out);
	report_clear(&r);
}

static void
objects_are_lines(void **state)
{
	struct report r = some_report();
	struct buf out = {0};

	(void)state;
	report_json(&r, &out);
	assert_null(strstr(buf_text(&out), "jane"));
	assert_non_null(strstr(buf_text(&out),
	    "{\"record\":\"protection\",\"month\":\"2026-11\",\"protection\":\"dane\","
	    "\"messages\":1200}\n"
	    "{\"record\":\"protection\",\"month\":\"2026-11\",\"protection\":\"mta-sts\","
	    "\"messages\":0}\n"));
	assert_non_null(strstr(buf_text(&out),
	    "{\"record\":\"destination\",\"month\":\"2026-11\",\"destination\":"
	    "\"green.test\",\"grade\":\"green\",\"messages\":6,\"dane\":3,\"mta-sts\":0,"
	    "\"verified\":0,\"encrypted\":0,\"cleartext\":0,\"unknown\":3}\n"));
	assert_non_null(strstr(buf_text(&out),
	    "\"level\":\"encrypt\",\"attributes\":\"\",\"why\":\"not-authentic\","
	    "\"pinned\":false,\"weaker\":true,\"since\":\"2026-11-21T12:00:00Z\","
	    "\"until\":null,\"age_days\":7,\"note\":\"\"}\n"));
	buf_clear(&out);
	report_clear(&r);
}

/* A page of a large site is bounded; the objects have all. */
static void
lists_are_cut(void **state)
{
	const struct decision_record change = {
	    .action = "remove", .time_ms = BEGAN, .why = "not-needed"};
	struct report r;
	struct buf out = {0};
	size_t shown = 0;

	(void)state;
	assert_true(report_begin(&r, STR(""), NOW_MS));
	for (int i = 0; i < 3000; i++)
		report_add_change(&r, "many.test", &change);
	report_end(&r);
	report_html(&r, language("en"), &out);
	for (const char *p = buf_text(&out); (p = strstr(p, "many.test")) != NULL; p++)
		shown++;
	assert_int_equal(shown, 500);
	assert_non_null(strstr(buf_text(&out), "2,500 more"));
	buf_clear(&out);
	report_clear(&r);
}

/* What the administrator takes back has no why of the ladder. */
static void
taken_back_is_told_so(void **state)
{
	const struct decision_record change = {
	    .action = "unpin", .time_ms = BEGAN, .why = "none"};
	struct report r;
	struct buf texts[3] = {{0}};

	(void)state;
	assert_true(report_begin(&r, STR(""), NOW_MS));
	report_add_change(&r, "free.test", &change);
	report_end(&r);
	report_text(&r, language("en"), &texts[0]);
	report_text(&r, language("de"), &texts[1]);
	report_json(&r, &texts[2]);
	assert_non_null(strstr(
	    buf_text(&texts[0]), "unset: the administrator took back what was set"));
	assert_non_null(strstr(buf_text(&texts[1]),
	    "unset: der Administrator nahm zurück, was gesetzt war"));
	for (size_t i = 0; i < 3; i++) {
		assert_null(strstr(buf_text(&texts[i]), "nothing was decided"));
		assert_null(strstr(buf_text(&texts[i]), "wurde nichts entschieden"));
		buf_clear(&texts[i]);
	}
	report_clear(&r);
}

int
main(void)
{
	static const char *const names[] = {"en", "de"};

	for (size_t i = 0; i < sizeof(month_rows) / sizeof(month_rows[0]); i++)
		suite_add(month_is_read, &month_rows[i], "\"%s\" is %s",
		    month_rows[i].month,
		    month_rows[i].is != NULL ? month_rows[i].is : "refused");
	suite_add(taken_back_is_told_so, NULL, "what is taken back is told so");
	suite_add(figures_add_up, NULL, "figures of a month add up");
	suite_add(exceptions_are_weak_or_pinned, NULL,
	    "exceptions are weaker than the default, or pinned");
	for (size_t i = 0; i < sizeof(weak_rows) / sizeof(weak_rows[0]); i++)
		suite_add(weaker_is_an_exception, &weak_rows[i], "%s under %s is %s",
		    level_name(weak_rows[i].level),
		    level_name(weak_rows[i].default_level),
		    weak_rows[i].is ? "an exception" : "none");
	for (size_t i = 0; i < 2; i++) {
		suite_add(every_language_has_each_word, names[i],
		    "each word is in \"%s\"", names[i]);
		suite_add(a_page_escapes, names[i],
		    "what is of outside is no tag in a page in \"%s\"", names[i]);
		suite_add(a_text_is_harmless, names[i],
		    "nor what a terminal obeys in a text in \"%s\"", names[i]);
	}
	suite_add(whys_say_the_same, NULL, "whys name the same things in each language");
	suite_add(there_is_no_other_language, NULL, "other languages are refused");
	suite_add(numbers_and_dates_are_usual, NULL,
	    "numbers, shares, ages and dates are as usual in each language");
	suite_add(objects_are_lines, NULL, "JSON is an object a line");
	suite_add(lists_are_cut, NULL, "a page shows 500 of a list, and how many more");
	return suite_run();
}
