/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/held.h"

#include <string.h>

#include "publish/mapread.h"
#include "publish/takeover.h"
#include "publish/target_map.h"
#include "publish/textmap.h"

/* --- the text ---------------------------------------------------------------- */

struct reading {
	bool is_empty;    /* or not there */
	bool is_accepted; /* it begins with TEXTMAP_FIRST_LINE */
	bool has_number;  /* its first line says how many entries there are: */
	size_t number;
	size_t entries;     /* that were read */
	size_t ours;        /* among them, with a why above */
	size_t unreadable;  /* lines */
	size_t first_bad;   /* the first of them */
	bool has_why_first; /* the first line is the comment of an entry */
};

static void
read_first(struct str line, struct reading *r)
{
	r->has_why_first = mapread_is_why(line);
	r->is_accepted = str_starts(line, STR(TEXTMAP_FIRST_LINE));
	if (!str_eat(&line, STR(TEXTMAP_HEAD)))
		return;
	while (line.len > 0 && line.p[0] >= '0' && line.p[0] <= '9' &&
	    r->number < SIZE_MAX / 100) {
		r->has_number = true;
		r->number = r->number * 10 + (size_t)(line.p[0] - '0');
		line = str_skip(line, 1);
	}
	r->has_number = r->has_number && str_starts(line, STR(" entries,"));
}

/* A last line without its end was cut, however well it reads. */
static bool
read_line(void *context, const struct mapread_line *line, struct err *err)
{
	struct reading *r = context;

	(void)err;
	r->is_empty = false;
	if (line->number == 1)
		read_first(line->text, r);
	if (line->text.len == 0 || line->text.p[0] == '#')
		return true;
	if (line->is_whole && line->entry != NULL) {
		r->entries++;
		r->ours += line->has_why;
	} else if (r->unreadable++ == 0) {
		r->first_bad = line->number;
	}
	return true;
}

static bool
read_text(const char *path, struct reading *r, struct err *err)
{
	*r = (struct reading){.is_empty = true};
	return mapread_each(path, read_line, r, err);
}

/* --- what is told ------------------------------------------------------------ */

/* How its entries come back from the database, and how all of it is given up. */
static void
add_cures(const struct config *config, const char *type, struct buf *out)
{
	const char *path = config->map.file;
	bool has_database = type != NULL && textmap_exists(path, type);

	if (has_database && strcmp(type, "cdb") != 0)
		buf_printf(out,
		    "; `{ echo '" TEXTMAP_FIRST_LINE
		    "'; postmap -s %s:%s; } >%s.new && mv "
		    "%s.new %s` gives its entries back, without pins",
		    type, path, path, path, path);
	buf_printf(out, "; to give them up, `rm -f %s", path);
	if (has_database) {
		buf_add_char(out, ' ');
		textmap_print_database(path, type, out);
	}
	buf_printf(out, "`");
}

static void
add_unreadable(const struct reading *r, struct buf *out)
{
	if (r->unreadable > 0)
		buf_printf(out, ", %zu %s cannot be read, the first is line %zu",
		    r->unreadable, r->unreadable == 1 ? "line" : "lines", r->first_bad);
}

static enum held
hold_text(const struct config *config, const struct reading *r, const char *type,
    struct err *why)
{
	const char *path = config->map.file;
	struct buf out = {0};

	if (r->has_number)
		buf_printf(&out, "its first line says %zu entries, %zu are read",
		    r->number, r->entries);
	else
		buf_printf(&out,
		    "its first line does not say how many entries it has, %zu are read",
		    r->entries);
	add_unreadable(r, &out);
	buf_printf(&out,
	    ": nothing is exported over it. Put a copy of it, or of the state, back; "
	    "`sed -i '1c " TEXTMAP_FIRST_LINE "' %s` accepts what is left",
	    path);
	add_cures(config, type, &out);
	err_set(
	    why, "the state is new, and the map %s is damaged: %s", path, buf_text(&out));
	buf_clear(&out);
	return HELD_TEXT;
}

static enum held
hold_first_line(const struct config *config, const struct reading *r, struct err *why)
{
	const char *path = config->map.file;

	err_set(why,
	    "the first line of %s is damaged, so that it counts as not written by "
	    "tlsladder, and %zu entries are as tlsladder writes them: "
	    "`sed -i '1%c " TEXTMAP_FIRST_LINE
	    "' %s` makes it ours again, and they are taken over",
	    path, r->ours, r->has_why_first ? 'i' : 'c', path);
	return HELD_FIRST_LINE;
}

static enum held
hold_database(
    const struct config *config, const char *type, const char *what, struct err *why)
{
	struct buf database = {0}, out = {0};

	textmap_print_database(config->map.file, type, &database);
	add_cures(config, type, &out);
	err_set(why,
	    "the state is new and the text %s is %s, but its database %s %s: nothing is "
	    "exported over it. Put a copy of the text, or of the state, back%s",
	    config->map.file, textmap_is_there(config->map.file) ? "empty" : "gone",
	    buf_text(&database), what, buf_text(&out));
	buf_clear(&database);
	buf_clear(&out);
	return HELD_DATABASE;
}

/* --- the database ------------------------------------------------------------ */

struct comparison {
	struct store *store; /* NULL: none */
	size_t entries;
	size_t missing; /* in the state */
};

static bool
compare(void *context, struct str key, struct err *err)
{
	struct comparison *c = context;
	char text[NEXTHOP_KEY_SIZE];
	struct destination d;
	bool known = false;

	c->entries++;
	if (c->store != NULL && str_copy(key, text, sizeof(text))) {
		if (!store_get(c->store, text, &d, &known, err))
			return false;
		known = known && destination_demand(&d).level != LEVEL_NONE;
		destination_clear(&d);
	}
	c->missing += !known;
	return true;
}

/* One whose entries are all in the state is that of a first export that was stopped. */
static enum held
check_database(struct store *store, const struct config *config,
    const struct postfix *postfix, const char *type, struct err *why)
{
	struct comparison c = {.store = store};
	struct buf map = {0}, what = {0};
	enum held held = HELD_NOT;
	struct err err;

	if (!textmap_exists(config->map.file, type))
		return HELD_NOT;
	buf_printf(&map, "%s:%s", type, config->map.file);
	if (!postfix_each_key(postfix, buf_text(&map), compare, &c, &err)) {
		buf_printf(&what, "is there (%s)", err.text);
		held = hold_database(config, type, buf_text(&what), why);
	} else if (c.missing > 0) {
		buf_printf(
		    &what, "has %zu %s", c.entries, c.entries == 1 ? "entry" : "entries");
		held = hold_database(config, type, buf_text(&what), why);
	}
	buf_clear(&map);
	buf_clear(&what);
	return held;
}

/* --- the answer -------------------------------------------------------------- */

/* Where it cannot be read, the type is the usual one. Asked only where it matters. */
static void
find_type(const struct config *config, const struct postfix *postfix, struct buf *out)
{
	struct postfix_settings settings = {0};
	struct err err;

	if (strcmp(config->map.type, "auto") == 0 &&
	    !postfix_read_settings(postfix, &settings, &err))
		settings = (struct postfix_settings){0};
	buf_printf(out, "%s", target_map_type(config, &settings));
	postfix_settings_clear(&settings);
}

static bool
has_database(const char *path)
{
	return textmap_exists(path, "hash") || textmap_exists(path, "lmdb") ||
	    textmap_exists(path, "cdb");
}

static enum held
judge(struct store *store, const struct config *config, const struct postfix *postfix,
    const struct reading *r, struct err *why)
{
	bool says = textmap_is_ours(config->map.file);
	struct buf type = {0};
	enum held held;

	if (r->is_empty && !has_database(config->map.file))
		return HELD_NOT;
	if (!r->is_empty && !says &&
	    (store == NULL || !target_map_is_marked(store, config->map.file)))
		return r->ours > 0 ? hold_first_line(config, r, why) : HELD_NOT;
	if (!r->is_empty &&
	    (r->is_accepted ||
	        (r->unreadable == 0 &&
	            (!says || (r->has_number && r->number == r->entries)))))
		return HELD_NOT;
	find_type(config, postfix, &type);
	held = r->is_empty ? check_database(store, config, postfix, buf_text(&type), why)
	                   : hold_text(config, r, buf_text(&type), why);
	buf_clear(&type);
	return held;
}

enum held
held_export(struct store *store, const struct config *config,
    const struct postfix *postfix, struct err *why)
{
	struct reading reading;
	bool is_new = true;

	if ((store != NULL && !takeover_is_new(store, &is_new, why)) ||
	    (is_new && !read_text(config->map.file, &reading, why)))
		return HELD_UNKNOWN;
	return is_new ? judge(store, config, postfix, &reading, why) : HELD_NOT;
}
