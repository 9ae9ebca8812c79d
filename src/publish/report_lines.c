/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/report_lines.h"

#include <string.h>

#include "publish/report_words.h"

void
report_count_whys(const struct report *r, uint64_t counts[WHY_COUNT])
{
	memset(counts, 0, WHY_COUNT * sizeof(*counts));
	for (size_t i = 0; i < r->change_count; i++)
		counts[r->changes[i].why]++;
}

void
report_count_ages(const struct report *r, uint64_t counts[REPORT_AGE_COUNT])
{
	memset(counts, 0, REPORT_AGE_COUNT * sizeof(*counts));
	for (size_t i = 0; i < r->exception_count; i++)
		counts[report_age_of(r, &r->exceptions[i])]++;
}

bool
report_change_has_why(const struct report_change *c)
{
	return c->why != WHY_NONE;
}

void
report_add_change_entries(
    const struct report_language *lang, const struct report_change *c, struct buf *out)
{
	struct buf text = {0};

	report_say_demand(&text, lang, c->before);
	buf_printf(&text, " \u2192 ");
	report_say_demand(&text, lang, c->after);
	buf_add_visible(out, str_of(buf_text(&text)));
	buf_clear(&text);
}
