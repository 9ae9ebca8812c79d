/* SPDX-License-Identifier: BSD-2-Clause */
/* Members of structs by the names that a case table has for them: words NAME=VALUE. What
 * a table says wrongly ends the program with a message that names its line. */
#ifndef TESTS_FIELDKIT_H
#define TESTS_FIELDKIT_H

#include <stddef.h>
#include <stdint.h>

#include "core/level.h"
#include "core/why.h"

#define NOW_MS       (INT64_C(1795483619) * 1000) /* times in a table are seconds from it */
#define AT_LEASE_END -1                           /* "lease" as a time */

enum field_type { TIME, SPAN, COUNT, YES, TEXT, OWNED, LEVEL, WHY, CAUSE, ANSWER };

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	size_t size;
};

#define FIELD(name, type, of, member) \
	{ \
		name, type, offsetof(struct of, member), \
		    sizeof(((struct of *)0)->member) \
	}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The table that is read, for messages; borrowed. */
extern const char *field_table;

_Noreturn void field_die(unsigned line, const char *what, const char *text);

int64_t field_time(const char *text);
enum level field_level(unsigned line, const char *text);
enum why field_why(unsigned line, const char *text);

/* One word into the field of that name of the struct; it is cut in two. */
void field_set_word(
    unsigned line, void *of, const struct field *fields, size_t count, char *word);
/* All that strtok_r() finds behind *rest. */
void field_set_words(
    unsigned line, void *of, const struct field *fields, size_t count, char **rest);

/* The value of a field of the struct, for people. */
void field_print(const void *of, const struct field *f, char *out, size_t size);

#endif
