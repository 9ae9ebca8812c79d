/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: a state that is malformed or was lost, and a map whose first line was. */
#include <sys/stat.h>

#include "cmd/doctor.h"
#include "publish/held.h"
#include "publish/mapread.h"
#include "publish/takeover.h"
#include "publish/target_map.h"
#include "publish/textmap.h"
#include "store/store_check.h"

#define BUSY_MS   5000
#define LINES_MAX 1000 /* so many tell what the text is like */

bool
doctor_check_whole(struct doctor *d)
{
	struct err why;

	if (store_check(d->config->state, &why) != ANSWER_NO)
		return true;
	doctor_advise_restart(d);
	doctor_advise(d,
	    "# it is kept under another name then, and made anew of the map and the "
	    "log");
	doctor_say(
	    d, DOCTOR_FAULT, "state", "%s is malformed: %s", d->config->state, why.text);
	return false;
}

static void
say_wanted(struct doctor *d, const struct takeover *wanted)
{
	doctor_advise_restart(d);
	doctor_advise(d, "# it takes them over; or stop it, and put a copy back");
	doctor_say(d, DOCTOR_FAULT, "state-lost",
	    "%s is missing or empty, but the map has %zu %s, %zu of them pinned",
	    d->config->state, wanted->entries, wanted->entries == 1 ? "entry" : "entries",
	    wanted->pins);
}

static void
say_taken(struct doctor *d, struct store *store)
{
	struct takeover found;
	struct buf when = {0};
	int64_t at_ms = 0;
	struct err err;

	if (takeover_last(store, &at_ms, &found, &err) && at_ms > 0) {
		buf_add_time(&when, at_ms);
		doctor_say(d, DOCTOR_OK, "state-lost",
		    "%zu %s, %zu of them pinned, taken over from the map on %s",
		    found.entries, found.entries == 1 ? "entry" : "entries", found.pins,
		    buf_text(&when));
	}
	buf_clear(&when);
}

bool
doctor_check_origin(struct doctor *d, struct store *store)
{
	enum held held;
	struct takeover found;
	struct err err;

	held = held_export(store, d->config, &d->postfix, &err);
	if (held == HELD_FIRST_LINE)
		return true; /* reported by the check of the map's text */
	if (held != HELD_NOT || !takeover_wanted(store, d->config, &found, &err)) {
		doctor_say(d, DOCTOR_FAULT, "state-lost", "%s", err.text);
		return true;
	}
	if (found.entries > 0)
		say_wanted(d, &found);
	else if (store != NULL)
		say_taken(d, store);
	return found.entries > 0;
}

/* --- the first line of the map ------------------------------------------------------ */

/* What a text is like. */
struct form {
	size_t lines;     /* that were read */
	size_t entries;   /* with a why above them, as ours have */
	bool begins_with; /* one of these: the first line is missing */
};

static bool
read_form(void *context, const struct mapread_line *line, struct err *err)
{
	struct form *form = context;

	(void)err;
	form->lines++;
	form->begins_with |= line->number == 1 && mapread_is_why(line->text);
	form->entries += line->has_why && line->entry != NULL;
	return form->lines < LINES_MAX;
}

static void
advise_path(struct doctor *d, const char *command, const char *suffix)
{
	buf_printf(&d->advice, "%s ", command);
	buf_add_shell(&d->advice, d->config->map.file);
	if (suffix != NULL) {
		buf_add_char(&d->advice, ' ');
		buf_add_shell(&d->advice, d->config->map.file);
		buf_printf(&d->advice, "%s", suffix);
	}
	buf_add_char(&d->advice, '\n');
}

static bool
is_proven(const struct doctor *d)
{
	struct store *store;
	bool proven;
	struct err err;

	if (!d->can_open)
		return false;
	store = store_open(d->config->state, BUSY_MS, &err);
	proven = store != NULL && target_map_is_marked(store, d->config->map.file);
	store_close(store);
	return proven;
}

static void
say_foreign(struct doctor *d, const struct form *form)
{
	const char *path = d->config->map.file;

	if (form->entries > 0) {
		advise_path(d,
		    form->begins_with ? "sed -i '1i " TEXTMAP_FIRST_LINE "'"
		                      : "sed -i '1c " TEXTMAP_FIRST_LINE "'",
		    NULL);
		doctor_advise_restart(d);
		doctor_say(d, DOCTOR_FAULT, "map-text",
		    "the first line of %s is damaged, and nothing else says that it is "
		    "ours: it is not written to",
		    path);
	} else {
		advise_path(d, "mv", ".mine");
		doctor_advise_restart(d);
		doctor_advise(d, "# or name another file in map.file");
		doctor_say(d, DOCTOR_FAULT, "map-text",
		    "%s was not written by tlsladder: it is not written to", path);
	}
}

/* Is there a text whose first line is not ours? */
static bool
has_other_line(const struct doctor *d, struct form *form)
{
	const char *path = d->config->map.file;
	struct stat st;
	struct err ignored;

	*form = (struct form){0};
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
	    textmap_is_ours(path))
		return false;
	mapread_each(path, read_form, form, &ignored);
	return form->lines > 0; /* else reported by the check of its directory, or by the
	                           daemon */
}

bool
doctor_is_map_foreign(const struct doctor *d)
{
	struct form form;

	return has_other_line(d, &form) && !is_proven(d);
}

void
doctor_check_map_text(struct doctor *d)
{
	const char *path = d->config->map.file;
	struct form form;

	if (!has_other_line(d, &form))
		return;
	if (!is_proven(d)) {
		say_foreign(d, &form);
		return;
	}
	doctor_advise_restart(d);
	doctor_say(d, DOCTOR_WARNING, "map-text",
	    "the first line of %s is damaged; the state says that it is ours: the next "
	    "export writes it anew",
	    path);
}
