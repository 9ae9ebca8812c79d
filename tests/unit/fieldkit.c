/* SPDX-License-Identifier: BSD-2-Clause */
#include "fieldkit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "core/ladder.h"
#include "suite.h"

#define LONG_TEXT 73728 /* bytes of attributes */

const char *field_table;

_Noreturn void
field_die(unsigned line, const char *what, const char *text)
{
	fprintf(stderr, "%s:%u: %s: %s\n", field_table, line, what, text);
	exit(2);
}

int64_t
field_time(const char *text)
{
	if (strcmp(text, "not-yet") == 0)
		return LADDER_NOT_YET;
	if (strcmp(text, "lease") == 0)
		return AT_LEASE_END;
	if (strcmp(text, "now") == 0)
		return NOW_MS;
	return strcmp(text, "0") == 0 ? 0 : NOW_MS + (int64_t)(strtod(text, NULL) * 1000);
}

enum level
field_level(unsigned line, const char *text)
{
	enum level level = LEVEL_UNKNOWN;

	if (strcmp(text, "unknown") != 0 && !level_parse(str_of(text), &level))
		field_die(line, "no level", text);
	return level;
}

enum why
field_why(unsigned line, const char *text)
{
	enum why why = WHY_NONE;

	if (!why_parse(str_of(text), &why))
		field_die(line, "no why", text);
	return why;
}

/* As it is; "-" is empty, "LONG" is as long as an attribute of many names. */
static char *
owned_of(const char *text)
{
	char *out;

	if (strcmp(text, "-") == 0)
		return NULL;
	if (strcmp(text, "LONG") != 0)
		return suite_keep(mem_strdup(text));
	out = suite_keep(mem_new(LONG_TEXT + 1, 1));
	memset(out, 'x', LONG_TEXT);
	return out;
}

static void
set_value(unsigned line, void *of, const struct field *f, const char *text)
{
	char *at = (char *)of + f->offset;
	int64_t number;

	switch (f->type) {
	case TIME:
		number = field_time(text);
		memcpy(at, &number, sizeof(number));
		break;
	case SPAN:
		number = strtoll(text, NULL, 10) * 1000;
		memcpy(at, &number, sizeof(number));
		break;
	case COUNT:
		*(unsigned *)(void *)at = (unsigned)strtoul(text, NULL, 10);
		break;
	case YES:
		*(bool *)(void *)at = strcmp(text, "yes") == 0;
		break;
	case TEXT:
		str_copy(str_of(strcmp(text, "-") == 0 ? "" : text), at, f->size);
		break;
	case OWNED:
		*(char **)(void *)at = owned_of(text);
		break;
	case LEVEL:
		*(enum level *)(void *)at = field_level(line, text);
		break;
	case WHY:
		*(enum why *)(void *)at = field_why(line, text);
		break;
	case CAUSE:
		if (!cause_parse(str_of(strcmp(text, "-") == 0 ? "" : text),
		        (enum cause *)(void *)at))
			field_die(line, "no cause", text);
		break;
	case ANSWER:
		*(enum answer *)(void *)at = strcmp(text, "yes") == 0 ? ANSWER_YES
		    : strcmp(text, "no") == 0                         ? ANSWER_NO
		                                                      : ANSWER_UNSURE;
		break;
	}
}

void
field_set_word(
    unsigned line, void *of, const struct field *fields, size_t count, char *word)
{
	char *value = strchr(word, '=');

	if (value == NULL)
		field_die(line, "no value", word);
	*value++ = '\0';
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].name, word) == 0) {
			set_value(line, of, &fields[i], value);
			return;
		}
	}
	field_die(line, "no such name", word);
}

void
field_set_words(
    unsigned line, void *of, const struct field *fields, size_t count, char **rest)
{
	char *word;

	while ((word = strtok_r(NULL, " ", rest)) != NULL)
		field_set_word(line, of, fields, count, word);
}

void
field_print(const void *of, const struct field *f, char *out, size_t size)
{
	const char *at = (const char *)of + f->offset;

	if (f->type == TIME || f->type == SPAN)
		snprintf(out, size, "%lld s from now",
		    (long long)((*(const int64_t *)(const void *)at - NOW_MS) / 1000));
	else if (f->type == TEXT || f->type == OWNED)
		snprintf(out, size, "%.60s",
		    f->type == TEXT ? at : *(char *const *)(const void *)at);
	else if (f->type == YES)
		snprintf(out, size, "%d", *(const bool *)at);
	else
		snprintf(out, size, "%u", *(const unsigned *)(const void *)at);
}
