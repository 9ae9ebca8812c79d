/* SPDX-License-Identifier: BSD-2-Clause */
/* Rule files (YAML) into compiled rules, with the examples that prove them. */
#ifndef CONF_RULEFILE_H
#define CONF_RULEFILE_H

#include <stdbool.h>

#include "base/err.h"
#include "core/rules.h"

/* How thorough to be: the daemon compiles, `tlsladder rules` tries every example too. */
enum rulefile_check {
	RULEFILE_COMPILE,
	RULEFILE_EXAMPLES,
};

/*
 * Read files[0..count) in order. NULL if there is any complaint; complaints of all
 * files are appended to errs as file:line:column. With RULEFILE_EXAMPLES each example
 * must be matched first by its own rule among all files, each counterexample not.
 */
struct rules *rulefile_load(
    char *const *files, size_t count, enum rulefile_check check, struct errs *errs);

/* The same, and a line a rule that is overridden or off is appended to notes. */
struct rules *rulefile_load_noting(char *const *files, size_t count,
    enum rulefile_check check, struct errs *notes, struct errs *errs);

#endif
