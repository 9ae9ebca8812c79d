/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/tables.h"

#include <string.h>

#include "cmd/cmd.h"
#include "cmd/page.h"
#include "publish/table_batch.h"
#include "publish/target.h"
#include "store/store_published.h"
#include "sys/file.h"

/* Words for JSON, and sentences. */
static const char *
word_of(enum published_bar bar, enum published_state state)
{
	static const char *const bars[] = {
	    [PUBLISHED_BAR_KEY] = "not-ascii",
	    [PUBLISHED_BAR_WEAK] = "too-weak",
	    [PUBLISHED_BAR_LONG] = "too-long",
	};

	if (bar != PUBLISHED_NO_BAR)
		return bars[bar];
	return state == PUBLISHED_NONE || state == PUBLISHED_OURS
	    ? "awaited"
	    : published_state_name(state);
}

static void
add_sentence(const struct publisher *publisher, enum published_bar bar,
    const struct published *p, struct buf *out)
{
	if (bar == PUBLISHED_BAR_KEY) {
		buf_printf(out, "its name is not ASCII, or too long");
	} else if (bar == PUBLISHED_BAR_WEAK) {
		buf_printf(
		    out, "weaker than its lowest, %s", level_name(publisher->lowest));
	} else if (bar == PUBLISHED_BAR_LONG) {
		buf_printf(out, "its attributes are too long");
	} else if (p->state == PUBLISHED_THEIRS) {
		buf_printf(out, "somebody else has a row there");
	} else if (p->state == PUBLISHED_VETOED) {
		buf_printf(out, "somebody deleted the row; not put back ");
		if (p->until_ms == INT64_MAX) {
			buf_printf(out, "before it is set again");
		} else {
			buf_printf(out, "before ");
			page_add_minute(out, p->until_ms);
		}
	} else if (p->state == PUBLISHED_REFUSED) {
		buf_printf(out, "the database refuses it: ");
		buf_add_visible(out, str_of(p->text));
	} else {
		buf_printf(out, "not published yet");
	}
}

/* Is the entry in force there as it is? */
static bool
is_there(const struct published *p, const struct published_want *want)
{
	return p->state == PUBLISHED_OURS &&
	    strcmp(p->row.level, want->text.level) == 0 &&
	    strcmp(p->row.attributes, want->text.attributes) == 0;
}

typedef void say_fn(const struct publisher *publisher, enum published_bar bar,
    const struct published *p, const char *between, struct buf *out);

static void
say_text(const struct publisher *publisher, enum published_bar bar,
    const struct published *p, const char *between, struct buf *out)
{
	buf_printf(out, "%snot in the table of %s: ", between, publisher->login);
	add_sentence(publisher, bar, p, out);
}

static void
say_json(const struct publisher *publisher, enum published_bar bar,
    const struct published *p, const char *between, struct buf *out)
{
	(void)between;
	if (out->len > 0 && out->data[out->len - 1] == '}')
		buf_add_char(out, ',');
	buf_printf(out, "{\"table\":");
	buf_add_json(out, str_of(publisher->login));
	buf_printf(out, ",\"missing\":\"%s\"}", word_of(bar, p->state));
}

static bool
each_missing(const struct config *config, struct store *store, const struct entry *entry,
    say_fn *say, const char *between, struct buf *out, struct err *err)
{
	struct buf name = {0};
	bool done = true;

	if (entry->level == LEVEL_NONE || entry->level == LEVEL_UNKNOWN)
		return true;
	for (size_t i = 0; done && i < config->publish.count; i++) {
		const struct publisher *publisher = &config->publish.items[i];
		const struct published_want want = table_want(publisher, entry);
		enum published_bar bar = published_bar(
		    entry->key, entry->level, entry->attributes, publisher->lowest);
		struct published p = {.state = PUBLISHED_NONE};

		buf_reset(&name);
		publisher_print_name(publisher, &name);
		if (bar != PUBLISHED_BAR_KEY)
			done = store_published_get(
			    store, buf_text(&name), entry->key, &p, err);
		if (done && (bar != PUBLISHED_NO_BAR || !is_there(&p, &want)))
			say(publisher, bar, &p, between, out);
	}
	buf_clear(&name);
	return done;
}

bool
tables_add_missing(const struct config *config, struct store *store,
    const struct entry *entry, const char *between, struct buf *out, struct err *err)
{
	return each_missing(config, store, entry, say_text, between, out, err);
}

bool
tables_add_json(const struct config *config, struct store *store,
    const struct entry *entry, struct buf *out, struct err *err)
{
	return each_missing(config, store, entry, say_json, "", out, err);
}

int
tables_lock(const struct config *config, size_t which, struct err *err)
{
	struct buf path = {0};
	int lock;

	target_sql.lock_path(config, which, &path);
	lock = file_lock(buf_text(&path), TARGET_LOCK_WAIT_MS, err);
	buf_clear(&path);
	return lock;
}
