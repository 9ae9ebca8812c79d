/* SPDX-License-Identifier: BSD-2-Clause */
/* What is answered of each key, after what was read back. */
#include <assert.h>
#include <string.h>

#include "sql/batch_impl.h"

struct texts {
	struct buf level, attributes, more;
};

static struct str
cleaned(struct buf *buf, const char *text)
{
	buf_reset(buf);
	rows_add_text(buf, str_of(text));
	return (struct str){buf_text(buf), buf->len};
}

/* What does not fit the form of a row of ours is somebody else's by that. */
static bool
print_ours(struct str key, const struct record *record, struct buf *answer)
{
	return rows_line_print(&(struct rows_line){.word = ROWS_OURS,
	                           .key = key,
	                           .has_row = true,
	                           .row = {.id = str_of(record->id),
	                               .level = str_of(record->level),
	                               .attributes = str_of(record->attributes),
	                               .modified = str_of(record->modified)}},
	    answer);
}

static void
print_theirs(
    struct str key, const struct record *record, struct texts *texts, struct buf *answer)
{
	struct rows_line line = {.word = ROWS_THEIRS,
	    .key = key,
	    .has_row = true,
	    .row = {.id = str_of(record->id), .active = record->active}};

	line.row.level = cleaned(&texts->level, record->level);
	line.row.attributes = cleaned(&texts->attributes, record->attributes);
	if (!rows_line_print(&line, answer))
		assert(!"a row of others cannot be said");
}

static void
print_word(enum rows_word word, struct str key, struct buf *answer)
{
	if (!rows_line_print(&(struct rows_line){.word = word, .key = key}, answer))
		assert(!"a key cannot be said");
}

static void
print_refused(const struct key *key, struct texts *texts, struct buf *answer)
{
	struct rows_line line = {.word = ROWS_REFUSED, .key = key->item->line.key};

	line.text = cleaned(&texts->more, key->text);
	if (!rows_line_print(&line, answer))
		assert(!"a refusal cannot be said");
}

/* The row that Postfix would find, or that is somebody's own of that key. */
static void
print_look(
    struct batch *b, const struct key *key, struct texts *texts, struct buf *answer)
{
	struct str name = key->item->line.key;
	bool is_parent = false;

	do {
		size_t at = batch_place(b, name);
		const struct record *record =
		    b->records[at] != NULL ? b->records[at] : b->odd[at];

		if (record != NULL && (record->active || !is_parent)) {
			if (!b->own || record->dest[0] == '\0' ||
			    !batch_is_owned(b, record) ||
			    !print_ours(name, record, answer))
				print_theirs(name, record, texts, answer);
			return;
		}
		is_parent = true;
	} while (rows_next_parent(&name));
	print_word(ROWS_GONE, key->item->line.key, answer);
}

/* Was it read back as it was claimed? Or was it, though another of ours wrote it? */
static bool
is_in_force(const struct batch *b, const struct key *key)
{
	const struct rows_line *line = &key->item->line;
	const struct record *found = key->found;

	if (line->word != ROWS_WANT || !found->active || !batch_is_owned(b, found) ||
	    !batch_says(found, line->level, line->attributes))
		return false;
	if (key->state == STATE_CLAIMED)
		return strcmp(key->id, found->id) == 0;
	return batch_is_mine(b, key->item, found);
}

static void
print_key(struct batch *b, const struct key *key, struct texts *texts, struct buf *answer)
{
	const struct rows_line *line = &key->item->line;
	const struct record *record = key->found != NULL ? key->found : key->odd;

	if (line->word == ROWS_LOOK)
		print_look(b, key, texts, answer);
	else if (key->state == STATE_BUSY)
		print_word(ROWS_BUSY, line->key, answer);
	else if (key->state == STATE_REFUSED ||
	    (key->state == STATE_THEIRS && record == NULL && key->text[0] != '\0'))
		print_refused(key, texts, answer);
	else if (record == NULL)
		print_word(ROWS_GONE, line->key, answer);
	else if (key->found == NULL || !is_in_force(b, key) ||
	    !print_ours(line->key, record, answer))
		print_theirs(line->key, record, texts, answer);
}

void
batch_print(struct batch *b, struct buf *answer)
{
	struct texts texts = {.level = {0}};

	for (size_t i = 0; i < b->request->count; i++)
		print_key(b, &b->keys[i], &texts, answer);
	buf_clear(&texts.level);
	buf_clear(&texts.attributes);
	buf_clear(&texts.more);
}

void
batch_print_standby(const char *holder, uint32_t shortened_s, struct buf *answer)
{
	const struct rows_line line = {.word = ROWS_STANDBY,
	    .holder = str_of(holder),
	    .has_row = shortened_s > 0,
	    .seconds = shortened_s};

	if (!rows_line_print(&line, answer) &&
	    !rows_line_print(
	        &(struct rows_line){.word = ROWS_STANDBY, .holder = STR("somebody")},
	        answer))
		assert(!"a holder cannot be said");
}
