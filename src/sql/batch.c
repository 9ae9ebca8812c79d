/* SPDX-License-Identifier: BSD-2-Clause */
#include "sql/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

/* What became of a key. */
enum state {
	STATE_OPEN,    /* nothing was done: whose the row is, it says */
	STATE_CLAIMED, /* it was written, or found as it must be */
	STATE_THEIRS,  /* somebody else was faster */
	STATE_BUSY,
	STATE_REFUSED,
};

struct key {
	const struct rows_item *item;
	enum state state;
	char id[ROWS_ID_MAX + 1]; /* of the row that is claimed */
	struct record *found;     /* the row of that name; NULL: there is none */
	struct record *odd;       /* one that the database holds for the same */
	char text[512];           /* why it is refused */
};

struct batch {
	struct connection *connection;
	bool own;
	bool careful; /* a mark before each change */
	bool again;   /* a fault of one key ended the transaction: that is what to do */
	const struct rows_request *request;
	struct key *keys;
	struct str *asked; /* keys of rows that are asked for, in order, once each */
	size_t asked_count;
	struct record **records; /* as they are found, in the order of asked */
	struct record **odd;     /* the same, of rows that have another name */
	bool written;            /* is there a change to commit? */
	bool stray;              /* rows came that have no name of a key */
};

/* --- keys and rows -------------------------------------------------------------------
 */

static int
compare(struct str x, struct str y)
{
	int order = memcmp(x.p, y.p, x.len < y.len ? x.len : y.len);

	return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static int
compare_keys(const void *a, const void *b)
{
	return compare(*(const struct str *)a, *(const struct str *)b);
}

/* Where it stands in asked; asked_count: nowhere. */
static size_t
place_of(const struct batch *b, struct str key)
{
	const struct str *at = b->asked_count == 0
	    ? NULL
	    : bsearch(&key, b->asked, b->asked_count, sizeof(key), compare_keys);

	return at != NULL ? (size_t)(at - b->asked) : b->asked_count;
}

static size_t
count_asked(const struct rows_request *request)
{
	size_t count = request->count;

	for (size_t i = 0; i < request->count; i++) {
		struct str key = request->items[i].line.key;

		if (request->items[i].line.word == ROWS_LOOK)
			while (rows_next_parent(&key))
				count++;
	}
	return count;
}

static void
gather_asked(struct batch *b)
{
	size_t count = 0, kept = 0;

	b->asked = mem_new(count_asked(b->request) + 1, sizeof(*b->asked));
	for (size_t i = 0; i < b->request->count; i++) {
		struct str key = b->request->items[i].line.key;

		b->asked[count++] = key;
		if (b->request->items[i].line.word == ROWS_LOOK)
			while (rows_next_parent(&key))
				b->asked[count++] = key;
	}
	qsort(b->asked, count, sizeof(*b->asked), compare_keys);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !str_equal(b->asked[kept - 1], b->asked[i]))
			b->asked[kept++] = b->asked[i];
	b->asked_count = kept;
	b->records = mem_new(kept + 1, sizeof(struct record *));
	b->odd = mem_new(kept + 1, sizeof(struct record *));
}

static void
forget_records(struct batch *b)
{
	for (size_t i = 0; i < b->asked_count; i++) {
		free(b->records[i]);
		free(b->odd[i]);
		b->records[i] = NULL;
		b->odd[i] = NULL;
	}
	b->stray = false;
}

static struct record *
copy_of(const struct record *record)
{
	struct record *copy = mem_new(1, sizeof(*copy));

	*copy = *record;
	return copy;
}

static void
take_record(const struct record *record, void *context)
{
	struct batch *b = context;
	size_t at = place_of(b, str_of(record->dest));

	if (at == b->asked_count)
		b->stray = true;
	else if (b->records[at] == NULL)
		b->records[at] = copy_of(record);
}

struct odd_one {
	struct record **out;
};

static void
take_odd(const struct record *record, void *context)
{
	struct odd_one *one = context;

	if (*one->out == NULL)
		*one->out = copy_of(record);
}

/*
 * The rows of all keys. Where the database holds two names for the same (accents,
 * blanks), rows come whose name is none of the keys: each key that has no row of its own
 * name is then asked for alone.
 */
static bool
read_rows(struct batch *b, struct fault *fault)
{
	forget_records(b);
	if (b->asked_count == 0)
		return true;
	if (!engine.select(
	        b->connection, b->asked, b->asked_count, take_record, b, fault))
		return false;
	for (size_t i = 0; i < b->asked_count && b->stray; i++) {
		struct odd_one one = {&b->odd[i]};

		if (b->records[i] == NULL &&
		    !engine.select(b->connection, &b->asked[i], 1, take_odd, &one, fault))
			return false;
	}
	for (size_t i = 0; i < b->request->count; i++) {
		size_t at = place_of(b, b->request->items[i].line.key);

		b->keys[i].found = b->records[at];
		b->keys[i].odd = b->odd[at];
	}
	return true;
}

/* --- whose a row is ------------------------------------------------------------------
 */

static bool
says(const struct record *record, struct str level, struct str attributes)
{
	return str_is(level, record->level) && str_is(attributes, record->attributes);
}

static bool
is_intent(
    const struct batch *b, const struct rows_item *item, const struct record *record)
{
	if (item->line.has_row && !str_is(item->line.row.id, record->id))
		return false;
	for (unsigned i = 0; i < item->intent_count; i++) {
		const struct rows_line *intent = &b->request->intents[item->intent + i];

		if (says(record, intent->level, intent->attributes))
			return true;
	}
	return false;
}

static bool
is_mine(const struct batch *b, const struct rows_item *item, const struct record *record)
{
	const struct rows_row *row = &item->line.row;

	if (!record->active || (b->own && strcmp(record->owner, ENGINE_OWNER) != 0))
		return false;
	if (item->line.has_row && str_is(row->id, record->id) &&
	    says(record, row->level, row->attributes) &&
	    str_is(row->modified, record->modified))
		return true;
	return is_intent(b, item, record) || (b->own && !item->line.has_row);
}

/* --- the changes ---------------------------------------------------------------------
 */

static enum outcome
change(struct batch *b, struct key *key, struct fault *fault)
{
	const struct rows_line *line = &key->item->line;
	const struct record *found = key->found;
	enum outcome outcome;

	if (line->word == ROWS_DROP)
		return engine.erase(b->connection, found, fault);
	if (found == NULL)
		return engine.insert(b->connection, line->key, line->level,
		    line->attributes, key->id, fault);
	outcome =
	    engine.update(b->connection, found, line->level, line->attributes, fault);
	memcpy(key->id, found->id, sizeof(key->id));
	return outcome;
}

/* Is there anything to change? */
static bool
is_due(struct batch *b, struct key *key)
{
	const struct rows_line *line = &key->item->line;
	const struct record *found = key->found;

	if (line->word == ROWS_LOOK || key->state != STATE_OPEN)
		return false;
	if (found == NULL)
		/* One that was ours and is gone was deleted by somebody: his veto. */
		return line->word == ROWS_WANT && !line->has_row && key->odd == NULL;
	if (!is_mine(b, key->item, found))
		return false;
	if (line->word == ROWS_WANT && says(found, line->level, line->attributes)) {
		key->state = STATE_CLAIMED;
		memcpy(key->id, found->id, sizeof(key->id));
		return false;
	}
	return true;
}

/* A fault of that key alone, or of the whole batch? */
static bool
is_of_key(enum fault_kind kind)
{
	return kind == FAULT_THEIRS || kind == FAULT_BUSY || kind == FAULT_VALUE;
}

static void
note_fault(struct key *key, const struct fault *fault)
{
	key->state = fault->kind == FAULT_THEIRS ? STATE_THEIRS
	    : fault->kind == FAULT_BUSY          ? STATE_BUSY
	                                         : STATE_REFUSED;
	memcpy(key->text, fault->text, sizeof(key->text));
}

/* False: the fault is of the whole batch, or wants it done carefully. */
static bool
change_key(struct batch *b, struct key *key, struct fault *fault)
{
	bool marks = b->careful && !engine.outlives;
	enum outcome outcome;

	if (marks && !engine.mark(b->connection, fault))
		return false;
	outcome = change(b, key, fault);
	if (outcome == OUTCOME_DONE)
		b->written = true;
	if (outcome != OUTCOME_FAILED) {
		key->state = outcome == OUTCOME_DONE ? STATE_CLAIMED : STATE_THEIRS;
		return true;
	}
	if (!is_of_key(fault->kind))
		return false;
	b->again = !engine.outlives && !b->careful;
	if (b->again)
		return false;
	note_fault(key, fault);
	if (marks && !engine.unmark(b->connection, fault))
		return false;
	/* Who waits once waits for all, and the batch has its time. */
	return fault->kind != FAULT_BUSY || engine.hurry(b->connection, fault);
}

static bool
change_all(struct batch *b, struct fault *fault)
{
	for (size_t i = 0; i < b->request->count; i++)
		if (is_due(b, &b->keys[i]) && !change_key(b, &b->keys[i], fault))
			return false;
	return true;
}

/* --- the answer ----------------------------------------------------------------------
 */

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
		size_t at = place_of(b, name);
		const struct record *record =
		    b->records[at] != NULL ? b->records[at] : b->odd[at];

		if (record != NULL && (record->active || !is_parent)) {
			if (!b->own || record->dest[0] == '\0' ||
			    strcmp(record->owner, ENGINE_OWNER) != 0 ||
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

	if (line->word != ROWS_WANT || !found->active ||
	    (b->own && strcmp(found->owner, ENGINE_OWNER) != 0) ||
	    !says(found, line->level, line->attributes))
		return false;
	if (key->state == STATE_CLAIMED)
		return strcmp(key->id, found->id) == 0;
	return is_mine(b, key->item, found);
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

static void
print_all(struct batch *b, struct buf *answer)
{
	struct texts texts = {.level = {0}};

	for (size_t i = 0; i < b->request->count; i++)
		print_key(b, &b->keys[i], &texts, answer);
	buf_clear(&texts.level);
	buf_clear(&texts.attributes);
	buf_clear(&texts.more);
}

/* --- the transaction -----------------------------------------------------------------
 */

static void
begin_anew(struct batch *b)
{
	for (size_t i = 0; i < b->request->count; i++)
		b->keys[i] = (struct key){.item = &b->request->items[i]};
	b->written = false;
}

/* OUTCOME_NONE: the lease is another's. */
static enum outcome
write_batch(struct batch *b, char *holder, struct fault *fault)
{
	enum outcome outcome = OUTCOME_DONE;

	begin_anew(b);
	if (!engine.begin(b->connection, fault))
		return OUTCOME_FAILED;
	if (b->request->holder.len > 0) {
		outcome = engine.lease(b->connection, b->request->holder,
		    b->request->lease_s, b->request->renews, holder, fault);
		b->written = outcome == OUTCOME_DONE;
	}
	if (outcome != OUTCOME_DONE)
		return outcome;
	if (!read_rows(b, fault) || !change_all(b, fault))
		return OUTCOME_FAILED;
	return OUTCOME_DONE;
}

/* What a host that takes no changes says may be old. */
static enum batch_end
check_writable(struct batch *b, struct fault *fault)
{
	switch (engine.is_writable(b->connection, fault)) {
	case OUTCOME_DONE:
		return BATCH_DONE;
	case OUTCOME_NONE:
		*fault = (struct fault){FAULT_READ_ONLY, "the server is read-only"};
		return BATCH_FAILED;
	default:
		return BATCH_FAILED;
	}
}

static enum batch_end
finish_batch(struct batch *b, struct fault *fault)
{
	struct fault ignored;

	if (!b->written) {
		engine.undo(b->connection, &ignored);
		return check_writable(b, fault);
	}
	if (!engine.commit(b->connection, fault))
		return fault->kind == FAULT_OUTAGE ? BATCH_UNSURE : BATCH_FAILED;
	if (!engine.begin(b->connection, fault) || !read_rows(b, fault))
		return BATCH_UNSURE;
	engine.undo(b->connection, &ignored);
	return BATCH_DONE;
}

static void
print_standby(const char *holder, struct buf *answer)
{
	if (!rows_line_print(
	        &(struct rows_line){.word = ROWS_STANDBY, .holder = str_of(holder)},
	        answer) &&
	    !rows_line_print(
	        &(struct rows_line){.word = ROWS_STANDBY, .holder = STR("somebody")},
	        answer))
		assert(!"a holder cannot be said");
}

static enum batch_end
run(struct batch *b, struct buf *answer, struct fault *fault)
{
	char holder[ROWS_HOLDER_MAX + 1] = "";
	struct fault ignored;
	enum batch_end end;
	enum outcome outcome = write_batch(b, holder, fault);

	if (b->again) {
		if (!engine.undo(b->connection, fault))
			return BATCH_FAILED;
		b->careful = true;
		b->again = false;
		outcome = write_batch(b, holder, fault);
	}
	if (outcome == OUTCOME_FAILED)
		return BATCH_FAILED;
	if (outcome == OUTCOME_NONE) {
		engine.undo(b->connection, &ignored);
		print_standby(holder, answer);
		return BATCH_DONE;
	}
	end = finish_batch(b, fault);
	if (end == BATCH_DONE)
		print_all(b, answer);
	return end;
}

enum batch_end
batch_run(struct connection *connection, bool own, const struct rows_request *request,
    struct buf *answer, struct fault *fault)
{
	struct batch b = {.connection = connection, .own = own, .request = request};
	enum batch_end end;

	b.keys = mem_new(request->count + 1, sizeof(*b.keys));
	gather_asked(&b);
	end = run(&b, answer, fault);
	forget_records(&b);
	free(b.asked);
	free(b.records);
	free(b.odd);
	free(b.keys);
	return end;
}
