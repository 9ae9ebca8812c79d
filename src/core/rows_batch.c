/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/rows.h"

/* --- requests ----------------------------------------------------------------------- */

/* Reading one: what waits for the item that it is of. */
struct reading {
	struct rows_request *request;
	size_t item_room, intent_room;
	struct rows_line owner; /* that has no item yet; key "": none */
	size_t waiting;         /* intents at the end of the list that have no item yet */
	bool ended;
};

static bool
take_intent(struct reading *r, const struct rows_line *line, struct err *err)
{
	struct rows_request *request = r->request;

	if (r->waiting == ROWS_INTENTS_MAX)
		return err_set(err, "more than %d intents of a key", ROWS_INTENTS_MAX);
	if (r->waiting > 0 &&
	    !str_equal(line->key, request->intents[request->intent_count - 1].key))
		return err_set(err, "an intent without its want or drop");
	if (request->intent_count == r->intent_room) {
		r->intent_room = 2 * r->intent_room + 16;
		request->intents = mem_array(
		    request->intents, r->intent_room, sizeof(*request->intents));
	}
	request->intents[request->intent_count++] = *line;
	r->waiting++;
	return true;
}

static bool
take_item(struct reading *r, const struct rows_line *line, struct err *err)
{
	struct rows_request *request = r->request;
	struct rows_item item = {.line = *line,
	    .intent = request->intent_count - r->waiting,
	    .intent_count = (unsigned)r->waiting};

	if (request->count == ROWS_ITEMS_MAX)
		return err_set(err, "more than %d keys", ROWS_ITEMS_MAX);
	if (r->owner.key.len > 0 &&
	    (line->word != ROWS_WANT || !str_equal(line->key, r->owner.key)))
		return err_set(err, "an owner without its want");
	item.owner = r->owner.key.len > 0 ? r->owner.owner : STR(ROWS_OWNER);
	r->owner = (struct rows_line){.word = ROWS_OWNER_IS};
	if (r->waiting > 0 &&
	    (line->word == ROWS_LOOK ||
	        !str_equal(line->key, request->intents[item.intent].key)))
		return err_set(err, "an intent without its want or drop");
	if (request->count == r->item_room) {
		r->item_room = 2 * r->item_room + 16;
		request->items =
		    mem_array(request->items, r->item_room, sizeof(*request->items));
	}
	request->items[request->count++] = item;
	r->waiting = 0;
	return true;
}

static bool
take_alone(struct reading *r, enum rows_word what, struct err *err)
{
	struct rows_request *request = r->request;

	if (request->what != ROWS_WANT || request->count > 0 ||
	    request->intent_count > 0 || request->holder.len > 0)
		return err_set(err, "%s stands alone", rows_word_name(what));
	request->what = what;
	return true;
}

static bool
take_lease(struct reading *r, const struct rows_line *line, struct err *err)
{
	if (r->request->holder.len > 0)
		return err_set(err, "a second lease");
	r->request->holder = line->holder;
	r->request->lease_s = line->seconds;
	r->request->renews = line->word == ROWS_RENEW;
	return true;
}

static bool
take_line(struct reading *r, const struct rows_line *line, struct err *err)
{
	if (line->word == ROWS_END) {
		r->ended = true;
		return (r->waiting == 0 && r->owner.key.len == 0) ||
		    err_set(err, "an intent or owner without its want or drop");
	}
	if (r->request->what != ROWS_WANT)
		return err_set(err, "%s stands alone", rows_word_name(r->request->what));
	switch (line->word) {
	case ROWS_LEASE:
	case ROWS_RENEW:
		return take_lease(r, line, err);
	case ROWS_INTENT:
		return take_intent(r, line, err);
	case ROWS_OWNER_IS:
		if (r->owner.key.len > 0)
			return err_set(err, "an owner without its want");
		r->owner = *line;
		return true;
	case ROWS_WANT:
	case ROWS_DROP:
	case ROWS_LOOK:
		return take_item(r, line, err);
	case ROWS_ALL:
	case ROWS_RIGHTS:
	case ROWS_SCHEMA:
		return take_alone(r, line->word, err);
	default:
		return err_set(err, "%s is no request", rows_word_name(line->word));
	}
}

static int
compare_keys(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	int order = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static bool
is_named_once(const struct rows_request *request, struct err *err)
{
	struct str *keys = mem_new(request->count + 1, sizeof(*keys));
	size_t count = 0;
	bool once = true;

	for (size_t i = 0; i < request->count; i++)
		if (request->items[i].line.word != ROWS_LOOK)
			keys[count++] = request->items[i].line.key;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count && once; i++)
		once = !str_equal(keys[i - 1], keys[i]) ||
		    err_set(err, "%.*s is named twice", STR_ARG(keys[i]));
	free(keys);
	return once;
}

bool
rows_request_parse(struct str text, struct rows_request *out, struct err *err)
{
	struct reading r = {.request = out};
	struct rows_line parsed;
	struct str line;

	*out = (struct rows_request){.what = ROWS_WANT};
	if (text.len > ROWS_REQUEST_MAX)
		return err_set(err, "it is over %u octets long", ROWS_REQUEST_MAX);
	while (!r.ended) {
		if (!str_cut(&text, '\n', &line))
			return err_set(err, "it breaks off");
		if (!rows_line_parse(line, &parsed, err) || !take_line(&r, &parsed, err))
			return false;
	}
	if (text.len > 0)
		return err_set(err, "it goes on behind its end");
	return is_named_once(out, err);
}

void
rows_request_clear(struct rows_request *request)
{
	free(request->items);
	free(request->intents);
	*request = (struct rows_request){.what = ROWS_WANT};
}

/* --- answers ------------------------------------------------------------------------ */

/* May that be the answer to that item? */
static bool
is_answer_to(const struct rows_line *line, const struct rows_line *asked)
{
	struct str key = asked->key;

	switch (line->word) {
	case ROWS_OURS:
		if (asked->word == ROWS_DROP)
			return false;
		if (asked->word == ROWS_WANT &&
		    (!str_equal(line->row.level, asked->level) ||
		        !str_equal(line->row.attributes, asked->attributes)))
			return false;
		break;
	case ROWS_THEIRS:
	case ROWS_GONE:
	case ROWS_BUSY:
		break;
	case ROWS_REFUSED:
		if (asked->word == ROWS_LOOK)
			return false;
		break;
	default:
		return false;
	}
	if (str_equal(line->key, key))
		return true;
	if (asked->word != ROWS_LOOK || !line->has_row)
		return false;
	while (rows_next_parent(&key))
		if (str_equal(line->key, key))
			return true;
	return false;
}

static bool
is_listed(const struct rows_answer *answer, const struct rows_request *request)
{
	if (answer->holder.len > 0)
		return answer->count == 0 && request->holder.len > 0;
	return answer->count == request->count;
}

static bool
take_answer(struct rows_answer *out, const struct rows_request *request,
    const struct rows_line *line, bool *ended)
{
	switch (line->word) {
	case ROWS_DONE:
		out->end = ROWS_DONE;
		*ended = true;
		return is_listed(out, request);
	case ROWS_FAILED:
	case ROWS_UNSURE:
		out->end = line->word;
		out->class = line->class;
		out->text = line->text;
		*ended = true;
		return true;
	case ROWS_STANDBY:
		out->holder = line->holder;
		out->is_shortened = line->has_row;
		return true;
	case ROWS_GRANT:
		if (request->what != ROWS_RIGHTS || out->grant_count == ROWS_GRANTS_MAX)
			return false;
		out->grants[out->grant_count++] = line->text;
		return true;
	default:
		if (out->count == request->count ||
		    !is_answer_to(line, &request->items[out->count].line))
			return false;
		out->lines[out->count++] = *line;
		return true;
	}
}

static bool
broken(struct rows_answer *out, struct err *err)
{
	out->end = ROWS_UNSURE;
	out->class = ROWS_CLASS_FAULT;
	out->text = STR("no whole answer");
	out->holder = STR("");
	out->count = 0;
	out->grant_count = 0;
	return err_set(err, "what was printed is no whole answer");
}

bool
rows_answer_parse(struct str text, const struct rows_request *request,
    struct rows_answer *out, struct err *err)
{
	struct rows_line parsed;
	struct str line;
	bool ended = false;

	*out = (struct rows_answer){.end = ROWS_UNSURE, .class = ROWS_CLASS_FAULT};
	out->lines = mem_new(request->count + 1, sizeof(*out->lines));
	if (text.len > ROWS_ANSWER_MAX)
		return broken(out, err);
	while (!ended)
		if (!str_cut(&text, '\n', &line) ||
		    !rows_line_parse(line, &parsed, err) ||
		    !take_answer(out, request, &parsed, &ended))
			return broken(out, err);
	if (text.len > 0)
		return broken(out, err);
	if (out->end != ROWS_DONE) {
		out->count = 0;
		out->holder = STR("");
	}
	return true;
}

void
rows_answer_clear(struct rows_answer *answer)
{
	free(answer->lines);
	*answer = (struct rows_answer){.end = ROWS_UNSURE, .class = ROWS_CLASS_FAULT};
}
