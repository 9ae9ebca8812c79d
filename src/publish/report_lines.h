/* SPDX-License-Identifier: BSD-2-Clause */
/* What the forms of a report that people read have in common. */
#ifndef PUBLISH_REPORT_LINES_H
#define PUBLISH_REPORT_LINES_H

#include "publish/report.h"

/* Of the changes how many have which why; those that have none of their own under it of
 * the administrator's. */
void report_count_whys(const struct report *report, uint64_t counts[WHY_COUNT]);
/* Of the exceptions how many are how old. */
void report_count_ages(const struct report *report, uint64_t counts[REPORT_AGE_COUNT]);

/* Is there a why, beside what the administrator did? */
bool report_change_has_why(const struct report_change *change);

/* "default -> encrypt", with bytes of a terminal made visible. */
void report_add_change_entries(const struct report_language *lang,
    const struct report_change *change, struct buf *out);

#endif
