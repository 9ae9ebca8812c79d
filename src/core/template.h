/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of a mail to the administrator, with named places: "Subject: ...", an empty
 * line, the body. "{text}" is what is told, "{{" a brace. Pure.
 */
#ifndef CORE_TEMPLATE_H
#define CORE_TEMPLATE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define TEMPLATE_SIZE_MAX 65536

/* W(NAME, name): "{name}". */
#define TEMPLATE_PLACES(W) \
	W(HOST, "host")       /* the name of this machine */ \
	W(KIND, "kind")       /* "alert" or "digest" */ \
	W(SUBJECT, "subject") /* the destination or the cause, in one line */ \
	W(TEXT, "text")       /* what is told; lines that end with the next command */ \
	W(TIME, "time")       /* when it is mailed, as 2026-11-24T07:12:01Z */

#define TEMPLATE_ENUM(name, word) TEMPLATE_##name,
enum template_place { TEMPLATE_PLACES(TEMPLATE_ENUM) TEMPLATE_PLACE_COUNT };
#undef TEMPLATE_ENUM

/* The one that serves where there is no other. */
extern const char template_built_in[];

/*
 * Can it be filled in? Each fault is a complaint, "NAME:LINE:COLUMN: what; what would be
 * right"; columns count characters. name: the file's.
 */
bool template_check(const char *name, struct str text, struct errs *errs);

/* texts: of each place, borrowed; what they hold is copied as it is, but for a newline at
 * the end. template: one that template_check() took. The subject is one line, without a
 * newline; both are appended. */
void template_fill(const char *template, const char *const texts[TEMPLATE_PLACE_COUNT],
    struct buf *subject, struct buf *body);

#endif
