/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/report_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "base/utc.h"
#include "publish/report_why_de.h"

struct report_language {
	const char *name;
	const char *const *words;
	const char *months[12];
	const char *(*why)(enum why why);
	const char *percent; /* behind a share */
	char thousands, decimal;
	bool day_first; /* 28.11.2026 */
};

#define IN_ENGLISH(name, en, de) [REPORT_##name] = en,
#define IN_GERMAN(name, en, de)  [REPORT_##name] = de,

static const char *const english[REPORT_WORD_COUNT] = {REPORT_WORDS(IN_ENGLISH)};
static const char *const german[REPORT_WORD_COUNT] = {REPORT_WORDS(IN_GERMAN)};

static const struct report_language languages[] = {
    {
        .name = "en",
        .words = english,
        .months = {"January", "February", "March", "April", "May", "June", "July",
            "August", "September", "October", "November", "December"},
        .why = why_sentence,
        .percent = "%",
        .thousands = ',',
        .decimal = '.',
    },
    {
        .name = "de",
        .words = german,
        .months = {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August",
            "September", "Oktober", "November", "Dezember"},
        .why = report_why_de,
        .percent = "\u00a0%",
        .thousands = '.',
        .decimal = ',',
        .day_first = true,
    },
};

const struct report_language *
report_language(struct str name)
{
	for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
		if (str_is(name, languages[i].name))
			return &languages[i];
	return NULL;
}

const char *
report_language_name(const struct report_language *lang)
{
	return lang->name;
}

/* --- words ------------------------------------------------------------------------- */

const char *
report_word(const struct report_language *lang, enum report_word word)
{
	return lang->words[word];
}

const char *
report_why(const struct report_language *lang, enum why why)
{
	return why == WHY_NONE ? report_word(lang, REPORT_UNSET_SAYS) : lang->why(why);
}

const char *
report_why_name(enum why why)
{
	return why == WHY_NONE ? "unset" : why_slug(why);
}

const char *
report_protection(const struct report_language *lang, enum protection protection)
{
	static const enum report_word words[PROTECTION_COUNT] = {
	    [PROTECTION_VERIFIED] = REPORT_VERIFIED,
	    [PROTECTION_ENCRYPTED] = REPORT_ENCRYPTED,
	    [PROTECTION_CLEARTEXT] = REPORT_CLEARTEXT,
	    [PROTECTION_UNKNOWN] = REPORT_UNKNOWN,
	};

	return protection == PROTECTION_DANE   ? "DANE"
	    : protection == PROTECTION_MTA_STS ? "MTA-STS"
	                                       : report_word(lang, words[protection]);
}

const char *
report_protection_says(const struct report_language *lang, enum protection protection)
{
	static const enum report_word words[PROTECTION_COUNT] = {
	    [PROTECTION_DANE] = REPORT_DANE_SAYS,
	    [PROTECTION_MTA_STS] = REPORT_MTA_STS_SAYS,
	    [PROTECTION_VERIFIED] = REPORT_VERIFIED_SAYS,
	    [PROTECTION_ENCRYPTED] = REPORT_ENCRYPTED_SAYS,
	    [PROTECTION_CLEARTEXT] = REPORT_CLEARTEXT_SAYS,
	    [PROTECTION_UNKNOWN] = REPORT_UNKNOWN_SAYS,
	};

	return report_word(lang, words[protection]);
}

const char *
report_grade(const struct report_language *lang, enum grade grade)
{
	static const enum report_word words[GRADE_COUNT] = {
	    [GRADE_UNSURE] = REPORT_UNSURE,
	    [GRADE_RED] = REPORT_RED,
	    [GRADE_YELLOW] = REPORT_YELLOW,
	    [GRADE_GREEN] = REPORT_GREEN,
	};

	return report_word(lang, words[grade]);
}

const char *
report_grade_says(const struct report_language *lang, enum grade grade)
{
	static const enum report_word words[GRADE_COUNT] = {
	    [GRADE_UNSURE] = REPORT_UNSURE_SAYS,
	    [GRADE_RED] = REPORT_RED_SAYS,
	    [GRADE_YELLOW] = REPORT_YELLOW_SAYS,
	    [GRADE_GREEN] = REPORT_GREEN_SAYS,
	};

	return report_word(lang, words[grade]);
}

const char *
report_age(const struct report_language *lang, enum report_age age)
{
	static const enum report_word words[REPORT_AGE_COUNT] = {
	    [REPORT_AGE_WEEK] = REPORT_AGE_WEEK_WORD,
	    [REPORT_AGE_MONTH] = REPORT_AGE_MONTH_WORD,
	    [REPORT_AGE_QUARTER] = REPORT_AGE_QUARTER_WORD,
	    [REPORT_AGE_YEAR] = REPORT_AGE_YEAR_WORD,
	    [REPORT_AGE_OLDER] = REPORT_AGE_OLDER_WORD,
	};

	return report_word(lang, words[age]);
}

const char *
report_action(const struct report_language *lang, const char *action)
{
	static const struct {
		const char *action;
		enum report_word word;
	} rows[] = {
	    {"set", REPORT_SET},
	    {"remove", REPORT_REMOVE},
	    {"pin", REPORT_PIN},
	    {"unpin", REPORT_UNPIN},
	    {"undo", REPORT_UNDO},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].action, action) == 0)
			return report_word(lang, rows[i].word);
	return action;
}

void
report_say_demand(
    struct buf *out, const struct report_language *lang, struct demand demand)
{
	const char *attributes = demand_attributes(demand);

	switch (demand.level) {
	case LEVEL_NONE:
		buf_printf(out, "%s", report_word(lang, REPORT_NO_ENTRY));
		break;
	case LEVEL_MAY:
	case LEVEL_DANE: /* the lowest rung, whatever it is called */
		buf_printf(out, "%s (%s)", report_word(lang, REPORT_CLEARTEXT),
		    level_name(demand.level));
		break;
	case LEVEL_UNKNOWN:
		buf_printf(out, "?");
		break;
	default:
		buf_printf(out, "%s", level_name(demand.level));
	}
	if (attributes[0] != '\0')
		buf_printf(out, " %s", attributes);
}

/* --- numbers and dates ------------------------------------------------------------- */

void
report_say_number(struct buf *out, const struct report_language *lang, uint64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, number);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf_add_char(out, lang->thousands);
		buf_add_char(out, digits[i]);
	}
}

void
report_say_share(
    struct buf *out, const struct report_language *lang, uint64_t part, uint64_t whole)
{
	unsigned permille;

	if (whole == 0) {
		buf_add_char(out, '-');
		return;
	}
	permille = (unsigned)((double)part * 1000 / (double)whole + 0.5);
	if (permille == 0 && part > 0)
		permille = 1;
	if (permille >= 1000 && part < whole)
		permille = 999;
	buf_printf(
	    out, "%u%c%u%s", permille / 10, lang->decimal, permille % 10, lang->percent);
}

/* "2026-11-28T13:20:01Z" of it. False: there is none. */
static bool
print_utc(int64_t ms, char text[UTC_SIZE])
{
	return ms != 0 && utc_print(ms / SPAN_SECOND_MS, text);
}

void
report_say_day(struct buf *out, const struct report_language *lang, int64_t ms)
{
	char text[UTC_SIZE];

	if (!print_utc(ms, text))
		buf_add_char(out, '-');
	else if (lang->day_first)
		buf_printf(out, "%.2s.%.2s.%.4s", text + 8, text + 5, text);
	else
		buf_printf(out, "%.10s", text);
}

void
report_say_minute(struct buf *out, const struct report_language *lang, int64_t ms)
{
	char text[UTC_SIZE];

	report_say_day(out, lang, ms);
	if (print_utc(ms, text))
		buf_printf(out, " %.5s", text + sizeof("2026-11-28"));
}

void
report_say_month(struct buf *out, const struct report_language *lang, const char *month)
{
	uint64_t number = 0;

	if (strlen(month) != REPORT_MONTH_SIZE - 1 ||
	    !str_number(str_of(month + 5), 12, &number) || number == 0)
		return;
	buf_printf(out, "%s %.4s", lang->months[number - 1], month);
}

void
report_say_short_month(
    struct buf *out, const struct report_language *lang, const char *month)
{
	if (lang->day_first)
		buf_printf(out, "%.2s.%.4s", month + 5, month);
	else
		buf_printf(out, "%s", month);
}

void
report_say_age(struct buf *out, const struct report_language *lang, int64_t span_ms)
{
	int64_t days = span_ms / SPAN_DAY_MS;

	if (days <= 0) {
		buf_printf(out, "%s", report_word(lang, REPORT_LESS_THAN_A_DAY));
		return;
	}
	report_say_number(out, lang, (uint64_t)days);
	buf_printf(out, " %s", report_word(lang, days == 1 ? REPORT_DAY : REPORT_DAYS));
}
