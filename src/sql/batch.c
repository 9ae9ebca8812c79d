/* SPDX-License-Identifier: BSD-2-Clause */
#include "sql/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sql/batch_impl.h"
#include "sql/rights.h"

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

size_t
batch_place(const struct batch *b, struct str key)
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
	size_t at = batch_place(b, str_of(record->dest));

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
		size_t at = batch_place(b, b->request->items[i].line.key);

		b->keys[i].found = b->records[at];
		b->keys[i].odd = b->odd[at];
	}
	return true;
}

/* --- whose a row is ------------------------------------------------------------------
 */

bool
batch_says(const struct record *record, struct str level, struct str attributes)
{
	return str_is(level, record->level) && str_is(attributes, record->attributes);
}

bool
batch_is_owned(const struct batch *b, const struct record *record)
{
	return !b->own || rows_owner_parse(str_of(record->owner)).is_ours;
}

static bool
is_intent(
    const struct batch *b, const struct rows_item *item, const struct record *record)
{
	if (item->line.has_row && !str_is(item->line.row.id, record->id))
		return false;
	for (unsigned i = 0; i < item->intent_count; i++) {
		const struct rows_line *intent = &b->request->intents[item->intent + i];

		if (batch_says(record, intent->level, intent->attributes))
			return true;
	}
	return false;
}

bool
batch_is_mine(
    const struct batch *b, const struct rows_item *item, const struct record *record)
{
	const struct rows_row *row = &item->line.row;

	if (!record->active || !batch_is_owned(b, record))
		return false;
	if (item->line.has_row && str_is(row->id, record->id) &&
	    batch_says(record, row->level, row->attributes) &&
	    str_is(row->modified, record->modified))
		return true;
	return is_intent(b, item, record) || (b->own && !item->line.has_row);
}

/* --- the changes ---------------------------------------------------------------------
 */

static struct change
change_of(const struct key *key)
{
	const struct rows_line *line = &key->item->line;

	return (struct change){.kind = line->word == ROWS_DROP ? CHANGE_ERASE
	        : key->found == NULL                           ? CHANGE_INSERT
	                                                       : CHANGE_UPDATE,
	    .key = line->key,
	    .owner = key->item->owner,
	    .level = line->level,
	    .attributes = line->attributes,
	    .was = key->found};
}

/* The row is to say something else of whose it is. */
static bool
is_reowned(const struct batch *b, const struct key *key)
{
	return b->own && key->item->line.word == ROWS_WANT && key->found != NULL &&
	    !str_is(key->item->owner, key->found->owner);
}

/* A mark within the transaction, and back to it. */
static bool
mark(struct batch *b, struct fault *fault)
{
	return engine.query(b->connection, "SAVEPOINT a", fault);
}

static bool
unmark(struct batch *b, struct fault *fault)
{
	return engine.query(b->connection, "ROLLBACK TO SAVEPOINT a", fault);
}

/* That is a new row: the right to change the owner of one is not asked for. */
static enum outcome
reown(struct batch *b, const struct key *key, struct fault *fault)
{
	struct change change = change_of(key);
	char id[ROWS_ID_MAX + 1];
	enum outcome outcome;

	change.kind = CHANGE_ERASE;
	outcome = engine.change(b->connection, &change, id, fault);
	if (outcome != OUTCOME_DONE)
		return outcome;
	change.kind = CHANGE_INSERT;
	return engine.change(b->connection, &change, id, fault);
}

static enum outcome
change(struct batch *b, struct key *key, struct fault *fault)
{
	const struct change change = change_of(key);
	enum outcome outcome = is_reowned(b, key)
	    ? reown(b, key, fault)
	    : engine.change(b->connection, &change, key->id, fault);

	if (change.kind == CHANGE_UPDATE && change.was != NULL)
		memcpy(key->id, change.was->id, sizeof(key->id));
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
	if (!batch_is_mine(b, key->item, found))
		return false;
	if (line->word == ROWS_WANT && !is_reowned(b, key) &&
	    batch_says(found, line->level, line->attributes)) {
		key->state = STATE_CLAIMED;
		memcpy(key->id, found->id, sizeof(key->id));
		return false;
	}
	return true;
}

/* A fault of that key alone, or of the whole batch? A trigger, or a policy for rows, says
 * what it likes. */
static bool
is_of_key(enum fault_kind kind)
{
	return kind == FAULT_THEIRS || kind == FAULT_BUSY || kind == FAULT_VALUE ||
	    kind == FAULT_RIGHTS || kind == FAULT_OTHER;
}

/* Is a right missing, or is it that row alone which may not be written? Where the rights
 * cannot be asked for the batch has failed. */
static bool
has_rights(struct batch *b)
{
	struct buf grants = {0};
	struct fault ignored;
	bool has = rights_check(b->connection, b->own, &grants, &ignored) == BATCH_DONE;

	buf_clear(&grants);
	return has;
}

static void
note_fault(struct batch *b, struct key *key, const struct fault *fault)
{
	if (fault->kind == FAULT_OTHER && b->refused++ == 0)
		b->why = *fault;
	key->state = fault->kind == FAULT_THEIRS ? STATE_THEIRS
	    : fault->kind == FAULT_BUSY          ? STATE_BUSY
	                                         : STATE_REFUSED;
	memcpy(key->text, fault->text, sizeof(key->text));
}

/* False: the fault is of the whole batch, or wants it done carefully. */
static bool
change_key(struct batch *b, struct key *key, struct fault *fault)
{
	/* What one statement began and another could not end is taken back, too. */
	bool marks = (b->careful && !engine.outlives) || is_reowned(b, key);
	enum outcome outcome;

	if (marks && !mark(b, fault))
		return false;
	outcome = change(b, key, fault);
	if (marks && outcome == OUTCOME_NONE && !unmark(b, fault))
		return false;
	if (outcome == OUTCOME_DONE)
		key->changed = b->written = true;
	if (outcome != OUTCOME_FAILED) {
		key->state = outcome == OUTCOME_DONE ? STATE_CLAIMED : STATE_THEIRS;
		return true;
	}
	if (!is_of_key(fault->kind))
		return false;
	b->again = !engine.outlives && !b->careful;
	if (b->again)
		return false;
	note_fault(b, key, fault);
	if (fault->kind == FAULT_RIGHTS) {
		struct fault first = *fault;

		if ((marks && !unmark(b, fault)) || !has_rights(b)) {
			*fault = first;
			return false;
		}
		return true;
	}
	if (marks && !unmark(b, fault))
		return false;
	/* Who waits once waits for all, and the batch has its time. */
	return fault->kind != FAULT_BUSY || engine.hurry(b->connection, fault);
}

/* --- many at once -------------------------------------------------------------------
 */

/* Fewer are as fast one by one. */
#define MANY 16

struct many {
	struct change *changes;
	struct key **keys;
	size_t count;
};

static void
gather_kind(struct batch *b, enum change_kind kind, struct many *many)
{
	many->count = 0;
	for (size_t i = 0; i < b->request->count; i++) {
		struct key *key = &b->keys[i];

		if (!is_due(b, key) || change_of(key).kind != kind || is_reowned(b, key))
			continue;
		many->changes[many->count] = change_of(key);
		many->keys[many->count++] = key;
	}
}

/* Rows that are new have numbers by which they are known when they are read back. Until
 * the transaction ends nobody else has a hand on them. */
static bool
read_ids(struct batch *b, const struct many *many, struct fault *fault)
{
	if (!read_rows(b, fault))
		return false;
	for (size_t i = 0; i < many->count; i++)
		if (many->keys[i]->found != NULL)
			memcpy(many->keys[i]->id, many->keys[i]->found->id,
			    sizeof(many->keys[i]->id));
	return true;
}

static void
take_outcomes(struct batch *b, const struct many *many)
{
	for (size_t i = 0; i < many->count; i++) {
		struct key *key = many->keys[i];
		bool done = many->changes[i].outcome == OUTCOME_DONE;

		key->state = done ? STATE_CLAIMED : STATE_THEIRS;
		key->changed = done;
		b->written = b->written || done;
		if (key->found != NULL)
			memcpy(key->id, key->found->id, sizeof(key->id));
	}
}

/* Where it fails because of one of them, all is undone, and done one by one. */
static bool
change_kind(
    struct batch *b, enum change_kind kind, struct many *many, struct fault *fault)
{
	gather_kind(b, kind, many);
	if (many->count < MANY)
		return true;
	if (!engine.change_many(b->connection, many->changes, many->count, fault)) {
		b->again = is_of_key(fault->kind);
		return false;
	}
	take_outcomes(b, many);
	/* A table of our own has no numbers. */
	return b->own || kind != CHANGE_INSERT || read_ids(b, many, fault);
}

static bool
change_many(struct batch *b, struct fault *fault)
{
	struct many many;
	bool done;

	many.changes = mem_new(b->request->count + 1, sizeof(*many.changes));
	many.keys = mem_new(b->request->count + 1, sizeof(*many.keys));
	done = change_kind(b, CHANGE_UPDATE, &many, fault) &&
	    change_kind(b, CHANGE_ERASE, &many, fault) &&
	    change_kind(b, CHANGE_INSERT, &many, fault);
	free(many.changes);
	free(many.keys);
	return done;
}

static bool
is_any_changed(const struct batch *b)
{
	for (size_t i = 0; i < b->request->count; i++)
		if (b->keys[i].changed)
			return true;
	return false;
}

static bool
change_all(struct batch *b, struct fault *fault)
{
	if (!b->careful && !change_many(b, fault))
		return false;
	for (size_t i = 0; i < b->request->count; i++)
		if (is_due(b, &b->keys[i]) && !change_key(b, &b->keys[i], fault))
			return false;
	/* Several, and not one that can be changed: that is the table. */
	if (b->refused < 2 || is_any_changed(b))
		return true;
	*fault = b->why;
	return false;
}

/* --- the transaction -----------------------------------------------------------------
 */

static void
begin_anew(struct batch *b)
{
	for (size_t i = 0; i < b->request->count; i++)
		b->keys[i] = (struct key){.item = &b->request->items[i]};
	b->written = false;
	b->refused = 0;
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

/* The lease is another's. One that lasts for longer than it may, as the clock was set
 * back, would keep everybody waiting if its holder is gone; he renews it otherwise. */
static bool
shorten(struct batch *b)
{
	struct fault ignored;
	bool shortened = !b->request->renews &&
	    engine.shorten(b->connection, b->request->lease_s, &ignored) == OUTCOME_DONE;

	if (shortened && engine.commit(b->connection, &ignored))
		return true;
	engine.undo(b->connection, &ignored);
	return false;
}

static enum batch_end
run(struct batch *b, struct buf *answer, struct fault *fault)
{
	char holder[ROWS_HOLDER_MAX + 1] = "";
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
		batch_print_standby(holder, shorten(b) ? b->request->lease_s : 0, answer);
		return BATCH_DONE;
	}
	end = finish_batch(b, fault);
	if (end == BATCH_DONE)
		batch_print(b, answer);
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
