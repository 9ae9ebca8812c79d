/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/facts.h"

#include <inttypes.h>
#include <stdio.h>

static bool
cut_time(struct str *line, int64_t *out)
{
	struct str word;
	uint64_t ms;

	if (!str_cut(line, ' ', &word) || !str_number(word, INT64_MAX, &ms))
		return false;
	*out = (int64_t)ms;
	return true;
}

static bool
is_of(struct str line, struct str name)
{
	return str_eat(&line, name) && str_starts(line, STR(" "));
}

bool
facts_find(const char *facts, const char *name, struct fact *out)
{
	struct str rest = str_of(facts), line;

	while (str_next(&rest, '\n', &line)) {
		struct fact fact = {.name = str_of(name)};

		if (!is_of(line, fact.name))
			continue;
		line = str_skip(line, fact.name.len + 1);
		if (!cut_time(&line, &fact.asked_ms) || !cut_time(&line, &fact.until_ms))
			return false;
		fact.text = line;
		*out = fact;
		return true;
	}
	return false;
}

/* As far as it is one line of the size allowed. */
static struct str
one_line(struct str text)
{
	size_t len = 0;

	while (len < text.len && len < FACT_TEXT_SIZE - 1 &&
	    (unsigned char)text.p[len] >= ' ')
		len++;
	return (struct str){text.p, len};
}

/* A whole line, if there is room for it. */
static void
add_line(char *to, size_t *used, struct str line)
{
	if (line.len == 0 || *used + line.len + 2 > FACTS_SIZE)
		return;
	memcpy(to + *used, line.p, line.len);
	*used += line.len;
	to[(*used)++] = '\n';
	to[*used] = '\0';
}

void
facts_put(char facts[FACTS_SIZE], const struct fact *fact)
{
	char before[FACTS_SIZE], line[FACT_LINE_SIZE];
	struct str rest = str_of(facts), text = one_line(fact->text), other;
	size_t used = 0;

	memcpy(before, rest.p, rest.len + 1);
	rest.p = before;
	snprintf(line, sizeof(line), "%.*s %" PRId64 " %" PRId64 " %.*s",
	    STR_ARG(fact->name), fact->asked_ms, fact->until_ms, STR_ARG(text));
	add_line(facts, &used, str_of(line));
	while (str_next(&rest, '\n', &other))
		if (!is_of(other, fact->name))
			add_line(facts, &used, other);
}
