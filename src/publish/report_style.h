/* SPDX-License-Identifier: BSD-2-Clause */
/* The style of the report's page: light, dark and printed, from 400 pixels up. */
#ifndef PUBLISH_REPORT_STYLE_H
#define PUBLISH_REPORT_STYLE_H

extern const char report_style[];

#endif
