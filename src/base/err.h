/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One human sentence about what failed. It grows on the way up (err_wrap) and is
 * shown once, at the top. A function that can fail returns bool and takes a
 * struct err * last; on true the err is untouched.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct err {
	char text[1024];
};

/* Set the sentence. Always false, so that `return err_set(...)` reads well. */
bool err_set(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, with ": " and strerror(errnum) at its end. Always false. */
bool err_set_errno(struct err *err, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put more context before the sentence: "format: old text". Always false. */
bool err_wrap(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A list of complaints with their places, for configuration and rules: the user
 * sees all of them at once, as "file:line:column: what; what would be right".
 */
struct errs {
	char **lines;
	size_t count;
};

/* Append "file:line:column: sentence". line and column count from 1; 0: left out. */
void errs_add(struct errs *errs, const char *file, size_t line, size_t column,
    const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Leave the first most of them; a line more, about file, says how many went. */
void errs_cut(struct errs *errs, const char *file, size_t most);
void errs_clear(struct errs *errs);

#endif
