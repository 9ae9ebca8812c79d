/* SPDX-License-Identifier: BSD-2-Clause */
/* What core/why.h says of each why, in German. UTF-8. */
#ifndef PUBLISH_REPORT_WHY_DE_H
#define PUBLISH_REPORT_WHY_DE_H

#include "core/why.h"

const char *report_why_de(enum why why);

#endif
