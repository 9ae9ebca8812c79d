/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/published.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/utc.h"

static const char *const names[PUBLISHED_STATE_COUNT] = {
    [PUBLISHED_NONE] = "none",
    [PUBLISHED_OURS] = "ours",
    [PUBLISHED_THEIRS] = "theirs",
    [PUBLISHED_VETOED] = "vetoed",
    [PUBLISHED_REFUSED] = "refused",
};

const char *
published_state_name(enum published_state state)
{
	return names[state];
}

bool
published_state_parse(struct str name, enum published_state *out)
{
	*out = PUBLISHED_NONE;
	for (enum published_state s = PUBLISHED_NONE; s < PUBLISHED_STATE_COUNT; s++) {
		if (str_is(name, names[s])) {
			*out = s;
			return true;
		}
	}
	return false;
}

enum published_bar
published_bar(
    const char *key, enum level level, const char *attributes, enum level lowest)
{
	if (!rows_is_key(str_of(key)))
		return PUBLISHED_BAR_KEY;
	if (level_promise(level) < lowest)
		return PUBLISHED_BAR_WEAK;
	return strlen(attributes) > ROWS_ATTRIBUTES_MAX ? PUBLISHED_BAR_LONG
	                                                : PUBLISHED_NO_BAR;
}

void
published_init(struct published *p, const char *key)
{
	bool fits;

	*p = (struct published){.state = PUBLISHED_NONE};
	fits = str_copy(str_of(key), p->key, sizeof(p->key));
	assert(fits);
}

static bool
has_row(const struct published *p)
{
	return p->row.level[0] != '\0';
}

bool
published_is_empty(const struct published *p)
{
	return p->state == PUBLISHED_NONE && !has_row(p) && p->intent_count == 0;
}

static bool
is_wanted(const struct published_want *want)
{
	return want->text.level[0] != '\0';
}

static bool
is_same(const struct published_text *a, const struct published_text *b)
{
	return strcmp(a->level, b->level) == 0 &&
	    strcmp(a->attributes, b->attributes) == 0;
}

static bool
says(const struct rows_row *row, const struct published_text *text)
{
	return row->active && str_is(row->level, text->level) &&
	    str_is(row->attributes, text->attributes);
}

static bool
is_begun(const struct published *p, const struct published_text *text)
{
	for (unsigned i = 0; i < p->intent_count; i++)
		if (is_same(&p->intents[i], text))
			return true;
	return false;
}

static bool
is_vetoed(const struct published *p, const struct published_want *want, int64_t now_ms)
{
	return p->state == PUBLISHED_VETOED && now_ms < p->until_ms &&
	    !(want->is_pinned && want->since_ms > p->since_ms);
}

enum published_step
published_plan(
    const struct published *p, const struct published_want *want, int64_t now_ms)
{
	if (!is_wanted(want))
		return has_row(p) || p->intent_count > 0 ? PUBLISHED_DROP
		                                         : PUBLISHED_REST;
	if (is_vetoed(p, want, now_ms))
		return p->intent_count > 0 ? PUBLISHED_DROP : PUBLISHED_REST;
	/* No room for one more intent: all of them are settled by taking them away. */
	if (p->intent_count == ROWS_INTENTS_MAX && !is_begun(p, &want->text))
		return PUBLISHED_DROP;
	/* Before something is begun the row must be ours, or none, so that one that
	 * equals what was begun was written by us. */
	return is_begun(p, &want->text) || (has_row(p) && is_same(&p->row, &want->text))
	    ? PUBLISHED_WANT
	    : PUBLISHED_LOOK;
}

static void
become(struct published *p, enum published_state state, int64_t now_ms)
{
	if (p->state != state)
		p->since_ms = now_ms;
	p->state = state;
}

static void
forget_row(struct published *p)
{
	p->id[0] = p->modified[0] = '\0';
	p->row = (struct published_text){.level = ""};
	p->intent_count = 0;
	p->text[0] = '\0';
	p->until_ms = 0;
}

static void
forget(struct published *p)
{
	forget_row(p);
	p->state = PUBLISHED_NONE;
	p->since_ms = 0;
}

static bool
is_as_read(const struct published *p, const struct rows_row *row)
{
	return has_row(p) && says(row, &p->row) && str_is(row->id, p->id) &&
	    str_is(row->modified, p->modified);
}

static enum published_news
take_theirs(struct published *p, const struct published_want *want, int64_t now_ms)
{
	bool was_ours = has_row(p), is_new = p->state != PUBLISHED_THEIRS;

	forget_row(p);
	become(p, PUBLISHED_THEIRS, now_ms);
	if (!is_wanted(want))
		forget(p);
	return was_ours ? PUBLISHED_IS_TAKEN
	    : is_new    ? PUBLISHED_IS_THEIRS
	                : PUBLISHED_NO_NEWS;
}

/* In a table of our own the row tells who leads next that it is pinned. */
static bool
is_owned(const struct published_want *want, const struct rows_row *row)
{
	char owner[ROWS_OWNER_MAX + 1];

	rows_owner_print(want->is_pinned, want->lease_ms, owner);
	return row->owner.len == 0 || str_is(row->owner, owner);
}

enum published_step
published_compare(struct published *p, const struct published_want *want,
    const struct rows_row *listed, enum published_news *news, int64_t now_ms)
{
	enum published_step step = published_plan(p, want, now_ms);

	*news = PUBLISHED_NO_NEWS;
	if (!is_wanted(want) && step == PUBLISHED_REST) {
		/* An ended veto and a row of others are of no use to anybody. */
		if (p->state != PUBLISHED_VETOED || now_ms >= p->until_ms)
			forget(p);
		return PUBLISHED_REST;
	}
	if (step == PUBLISHED_WANT && listed != NULL && p->intent_count == 0 &&
	    p->state == PUBLISHED_OURS && is_same(&p->row, &want->text) &&
	    is_as_read(p, listed) && is_owned(want, listed))
		return PUBLISHED_REST;
	if (step != PUBLISHED_LOOK)
		return step;
	if (listed == NULL || published_is_ours(p, listed))
		return PUBLISHED_WANT;
	*news = take_theirs(p, want, now_ms);
	return PUBLISHED_REST;
}

/* --- tables that were restored ------------------------------------------------------ */

#define GONE_MIN 3
/* A table that notes no owner has the time by the clock of the place, which is set back
 * by an hour each autumn: so much is no proof. */
#define SET_BACK_S (2 * 60 * 60)

/* "2026-01-02 03:04:05", and perhaps a fraction. */
static bool
read_stamp(struct str text, int64_t *s)
{
	char utc[UTC_SIZE];

	if (text.len < strlen("2026-01-02 03:04:05"))
		return false;
	snprintf(utc, sizeof(utc), "%.10sT%.8sZ", text.p, text.p + 11);
	return utc_parse(str_of(utc), s);
}

static bool
is_before(struct str stamp, const struct published *p, bool is_owned)
{
	struct str known = str_of(p->modified);
	int64_t then_s, known_s;

	if (stamp.len == 0 || known.len == 0)
		return stamp.len == 0 && known.len > 0; /* it was not changed yet */
	if (is_owned)
		return stamp.len == known.len && memcmp(stamp.p, known.p, stamp.len) < 0;
	return read_stamp(stamp, &then_s) && read_stamp(known, &known_s) &&
	    then_s < known_s - SET_BACK_S;
}

/* Nobody who changes a row makes it older. */
static bool
is_older(const struct published *p, const struct rows_row *row)
{
	return row->active && str_is(row->id, p->id) &&
	    is_before(row->modified, p, row->owner.len > 0);
}

void
published_survey(struct published_survey *survey, const struct published *p,
    const struct rows_row *listed)
{
	if (p->state != PUBLISHED_OURS || !has_row(p))
		return;
	survey->known++;
	if (listed == NULL)
		survey->gone++;
	else if (is_older(p, listed))
		survey->older++;
}

bool
published_is_restored(const struct published_survey *survey)
{
	return survey->older > 0 ||
	    (survey->gone >= GONE_MIN && 2 * survey->gone >= survey->known);
}

/* What it says may be anything that we wrote once. */
static bool
take_older(struct published *p, const struct rows_row *row)
{
	struct published taken = *p;

	if (!str_copy(row->level, taken.row.level, sizeof(taken.row.level)) ||
	    !str_copy(
	        row->attributes, taken.row.attributes, sizeof(taken.row.attributes)) ||
	    !str_copy(row->modified, taken.modified, sizeof(taken.modified)) ||
	    !str_copy(row->id, taken.id, sizeof(taken.id)))
		return false;
	*p = taken;
	return true;
}

bool
published_restore(struct published *p, const struct rows_row *listed, int64_t now_ms)
{
	if (!has_row(p)) {
		/* By its owner it is ours, and nothing else is known of it. */
		if (!published_is_empty(p) || listed == NULL || !listed->active ||
		    !rows_owner_parse(listed->owner).is_ours || !take_older(p, listed))
			return false;
		become(p, PUBLISHED_OURS, now_ms);
		return true;
	}
	if (listed == NULL) {
		forget(p);
		return true;
	}
	return is_older(p, listed) && take_older(p, listed);
}

bool
published_begin(struct published *p, const struct published_want *want)
{
	if (!is_wanted(want) || is_begun(p, &want->text) ||
	    (has_row(p) && is_same(&p->row, &want->text)))
		return false;
	assert(p->intent_count < ROWS_INTENTS_MAX);
	p->intents[p->intent_count++] = want->text;
	return true;
}

static void
print(const struct rows_line *line, struct buf *out)
{
	bool printed = rows_line_print(line, out);

	assert(printed); /* published_bar() and whoever answered saw to it */
}

void
published_print(const struct published *p, const struct published_want *want,
    enum published_step step, struct buf *out)
{
	struct rows_line line = {.key = str_of(p->key)};

	assert(step != PUBLISHED_REST);
	if (step == PUBLISHED_LOOK) {
		line.word = ROWS_LOOK;
		print(&line, out);
		return;
	}
	for (unsigned i = 0; i < p->intent_count; i++) {
		line.word = ROWS_INTENT;
		line.level = str_of(p->intents[i].level);
		line.attributes = str_of(p->intents[i].attributes);
		print(&line, out);
	}
	if (step == PUBLISHED_WANT && want->is_pinned) {
		char owner[ROWS_OWNER_MAX + 1];

		rows_owner_print(true, want->lease_ms, owner);
		line.word = ROWS_OWNER_IS;
		line.owner = str_of(owner);
		print(&line, out);
	}
	line.word = step == PUBLISHED_WANT ? ROWS_WANT : ROWS_DROP;
	line.level = line.attributes = STR("");
	if (step == PUBLISHED_WANT) {
		line.level = str_of(want->text.level);
		line.attributes = str_of(want->text.attributes);
	}
	line.has_row = has_row(p);
	if (line.has_row)
		line.row = (struct rows_row){.id = str_of(p->id),
		    .level = str_of(p->row.level),
		    .attributes = str_of(p->row.attributes),
		    .modified = str_of(p->modified),
		    .active = true};
	print(&line, out);
}

/* --- answers ----------------------------------------------------------------------- */

/* False: it says something else than it was to say, or more than we hold. */
static bool
take_row(struct published *p, const struct published_want *want,
    const struct rows_row *row, int64_t now_ms)
{
	struct published taken = *p;

	if (!is_wanted(want) || !str_is(row->level, want->text.level) ||
	    !str_is(row->attributes, want->text.attributes))
		return false;
	forget_row(&taken);
	if (!str_copy(row->id, taken.id, sizeof(taken.id)) ||
	    !str_copy(row->modified, taken.modified, sizeof(taken.modified)))
		return false;
	taken.row = want->text;
	become(&taken, PUBLISHED_OURS, now_ms);
	*p = taken;
	return true;
}

bool
published_adopt(struct published *p, const struct published_want *want,
    const struct rows_row *row, int64_t now_ms)
{
	return row->active && take_row(p, want, row, now_ms);
}

static enum published_news
take_gone(struct published *p, const struct published_want *want,
    enum published_step step, int64_t now_ms)
{
	if (step == PUBLISHED_DROP) {
		/* Of a key that is vetoed, or whose intents had no more room, something
		 * is known still. */
		int64_t since_ms = p->since_ms, until_ms = p->until_ms;
		bool vetoed = p->state == PUBLISHED_VETOED;

		forget(p);
		if (vetoed) {
			p->state = PUBLISHED_VETOED;
			p->since_ms = since_ms;
			p->until_ms = until_ms;
		}
		return is_wanted(want) && !vetoed ? PUBLISHED_IS_BUSY
		                                  : PUBLISHED_IS_IN_FORCE;
	}
	forget_row(p);
	p->state = PUBLISHED_VETOED;
	p->since_ms = now_ms;
	p->until_ms = want->lease_ms != 0 ? want->lease_ms : INT64_MAX;
	return PUBLISHED_IS_VETOED;
}

static enum published_news
take_refusal(struct published *p, struct str text, int64_t now_ms)
{
	bool is_new = p->state != PUBLISHED_REFUSED;

	become(p, PUBLISHED_REFUSED, now_ms);
	if (text.len >= sizeof(p->text))
		text.len = sizeof(p->text) - 1;
	str_copy(text, p->text, sizeof(p->text));
	return is_new ? PUBLISHED_IS_REFUSED : PUBLISHED_NO_NEWS;
}

/* Only its own row keeps a key from being inserted; guard 5 sees those of parents. */
static enum published_news
looked(struct published *p, const struct published_want *want, enum published_step *step,
    const struct rows_line *answer, int64_t now_ms)
{
	*step = PUBLISHED_REST;
	if (answer->word == ROWS_BUSY)
		return PUBLISHED_IS_BUSY;
	if (answer->word == ROWS_THEIRS && str_is(answer->key, p->key) &&
	    !published_is_ours(p, &answer->row))
		return take_theirs(p, want, now_ms);
	*step = PUBLISHED_WANT;
	return PUBLISHED_NO_NEWS;
}

enum published_news
published_answered(struct published *p, const struct published_want *want,
    enum published_step *step, const struct rows_line *answer, int64_t now_ms)
{
	if (*step == PUBLISHED_LOOK)
		return looked(p, want, step, answer, now_ms);
	switch (answer->word) {
	case ROWS_OURS:
		return take_row(p, want, &answer->row, now_ms) ? PUBLISHED_IS_IN_FORCE
		                                               : PUBLISHED_IS_BUSY;
	case ROWS_THEIRS:
		return take_theirs(p, want, now_ms);
	case ROWS_GONE:
		return take_gone(p, want, *step, now_ms);
	case ROWS_REFUSED:
		return take_refusal(p, answer->text, now_ms);
	default:
		return PUBLISHED_IS_BUSY;
	}
}

bool
published_is_ours(const struct published *p, const struct rows_row *row)
{
	if (has_row(p) && !str_is(row->id, p->id))
		return false;
	if (has_row(p) && says(row, &p->row))
		return true;
	for (unsigned i = 0; i < p->intent_count; i++)
		if (says(row, &p->intents[i]))
			return true;
	return false;
}

void
published_undone(struct published *p, const struct published_want *want)
{
	if (p->intent_count > 0 && is_same(&p->intents[p->intent_count - 1], &want->text))
		p->intent_count--;
}
