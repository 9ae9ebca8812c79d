/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/span.h"

#include <inttypes.h>

static const struct {
	const char *unit;
	int64_t ms;
} units[] = {
    {"w", 7 * SPAN_DAY_MS},
    {"d", SPAN_DAY_MS},
    {"h", SPAN_HOUR_MS},
    {"m", SPAN_MINUTE_MS},
    {"s", SPAN_SECOND_MS},
    {"ms", 1},
};

bool
span_parse(struct str text, int64_t *ms)
{
	const int64_t most = 10000 * SPAN_DAY_MS;
	struct str number = text;
	uint64_t n;

	number.len = 0;
	while (number.len < text.len && ascii_is_digit(text.p[number.len]))
		number.len++;
	if (!str_number(number, (uint64_t)most, &n))
		return false;
	if (n == 0 && number.len == text.len) {
		*ms = 0;
		return true;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!str_is(str_skip(text, number.len), units[i].unit))
			continue;
		if (n > (uint64_t)(most / units[i].ms))
			return false;
		*ms = (int64_t)n * units[i].ms;
		return true;
	}
	return false;
}

void
buf_add_span(struct buf *buf, int64_t ms)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		/* a week is 7d, as in the manual */
		if (i > 0 && ms % units[i].ms == 0 && ms != 0) {
			buf_printf(buf, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
			return;
		}
	}
	buf_printf(buf, "0s");
}
