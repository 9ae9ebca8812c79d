/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory of a test's own, and in it what tests/fake plays in the place of Postfix.
 * One for the whole program.
 */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include "postfix/postfix.h"
#include "suite.h"

/* A test for each row of a table; i is its index, for the name. */
#define FAKE_ROWS(fn, rows, ...) \
	for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) \
	suite_add(fn, &(rows)[i], __VA_ARGS__)

/* Make the directory. Ends the program if it cannot. */
void fake_begin(void);

/* Remove the directory and all that is in it. */
void fake_end(void);

/* "DIRECTORY/name"; good until the eighth call after it. */
const char *fake_path(const char *name);

/* Write or, with NULL, remove a file there. */
void fake_put(const char *name, const char *text);

/* A file there, "" where there is none; free(). */
char *fake_get(const char *name);

/* The test fails where it has another text. */
void fake_assert(const char *name, const char *text);

/* Does that file hold such a text? */
bool fake_has(const char *name, const char *text);

/* Remove what was noted and laid out, for the next test. */
void fake_reset(void);

/* Reaches the fake commands. */
extern struct postfix fake_postfix;

/*
 * Reaches the real ones with a configuration directory of our own. False: there is no
 * Postfix here, and the test is to be skipped.
 */
extern struct postfix real_postfix;
bool fake_has_postfix(void);
bool fake_has_type(const char *type); /* a map type of it */

#endif
