/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmocka with tests that are made at run time: a row of a table is a test with a name
 * of its own, so that the report counts and names rows.
 */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>

/* A test's name is a sentence. state is handed to it as *state; borrowed. */
void suite_add(CMUnitTestFunction fn, const void *state, const char *name, ...)
    __attribute__((format(printf, 3, 4)));

/* Run all that were added, print TAP; the exit status of main(). */
int suite_run(void);

/* Hold what was allocated until the program ends, so that it counts as no leak. Returns
 * it. */
void *suite_keep(void *memory);

/* Leave the test that runs: what it needs is not here. Does not return. */
void suite_skip(const char *why);

/* "$srcdir/name", in memory of its own until the program ends. */
const char *suite_path(const char *name);

/*
 * Read a case table: lines of fields separated by blanks (two or more, or tabs), `#`
 * starts a comment line, empty lines are skipped. fn is called with its fields, their
 * count and the line number. The texts live until the program ends. A missing file
 * or a line with more than 16 fields ends the program with a message.
 */
void suite_read_table(const char *name,
    void (*fn)(char **fields, size_t count, unsigned line, void *context), void *context);

#endif
