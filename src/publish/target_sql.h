/* SPDX-License-Identifier: BSD-2-Clause */
/* What others know of tables as targets. */
#ifndef PUBLISH_TARGET_SQL_H
#define PUBLISH_TARGET_SQL_H

#include "base/span.h"
#include "publish/target.h"

/* All rows are compared with all entries so often at least. */
#define TARGET_SQL_COMPARE_MS SPAN_HOUR_MS

#endif
