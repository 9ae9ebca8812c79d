/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/intake_lines.h"

#include "logs/parse.h"

#define ITEMS_MAX  20000
#define PARKED_MAX 5000

void
intake_lines(struct fold *fold, struct str lines, int64_t wall_ms)
{
	struct parsed parsed;
	struct parse parse;
	struct str line;

	parse_start(&parse, lines, fold_outer(fold), wall_ms);
	while (parse_find(&parse, &line))
		if (parse_line(&parse, line, &parsed))
			fold_parsed(fold, &parsed, 1);
}

static bool
take(void *context, const struct parsed *lines, size_t count)
{
	struct fold *fold = context;

	fold_parsed(fold, lines, count);
	return !intake_is_full(fold) && !intake_is_early(fold);
}

enum source_result
intake_read(struct fold *fold, struct source *source, int64_t until_ms, bool *came)
{
	return feed_read(source, fold_outer(fold), until_ms, take, fold, came);
}

bool
intake_is_early(const struct fold *fold)
{
	return fold_parked(fold) > 0 && !fold_was_unparked(fold);
}

bool
intake_is_full(const struct fold *fold)
{
	return fold_size(fold) >= ITEMS_MAX || fold_parked(fold) >= PARKED_MAX;
}
