/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/like.h"

#define WORD_MAX 64 /* a longer word resembles none of ours */

/* Letters to put in, take out or replace to make one of the other (Levenshtein). */
static size_t
distance(struct str a, struct str b)
{
	size_t row[WORD_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t least = corner;

			corner = row[j];
			if (ascii_lower(a.p[i - 1]) != ascii_lower(b.p[j - 1]))
				least++;
			if (row[j] + 1 < least)
				least = row[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			row[j] = least;
		}
	}
	return row[b.len];
}

const char *
like_nearest(struct str word, const char *const *known, size_t count)
{
	const char *best = NULL;
	bool best_begins = false;
	size_t least = 3;

	if (word.len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct str other = str_of(known[i]);
		size_t d = other.len <= WORD_MAX ? distance(word, other) : WORD_MAX;
		bool begins = str_starts(other, word);

		if (2 * d <= other.len &&
		    (d < least ||
		        (d == least && best != NULL && begins && !best_begins))) {
			least = d;
			best = known[i];
			best_begins = begins;
		}
	}
	return best;
}
