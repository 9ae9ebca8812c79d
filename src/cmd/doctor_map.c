/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: our map, and what is in it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/doctor.h"
#include "publish/maplines.h"
#include "publish/textmap.h"
#include "sys/file.h"

#define NO_DOMAIN "doctor.tlsladder.invalid" /* RFC 6761: never registered */
#define BUSY_MS   5000
#define KEYS_MAX  1000 /* entries that are looked up */

/* --- the type ---------------------------------------------------------------------- */

static bool
has_line(const struct buf *text, const char *word)
{
	struct str rest = {buf_text(text), text->len}, line;

	while (str_cut(&rest, '\n', &line))
		if (str_is(str_trim(line), word))
			return true;
	return false;
}

void
doctor_check_map_type(struct doctor *d)
{
	static const char *const types[] = {"lmdb", "hash", "cdb", "btree"};
	const char *arguments[] = {"-m", NULL};
	struct buf out = {0};
	struct err err;

	if (!d->has_postfix || strcmp(d->map_type, "none") == 0)
		return;
	if (!doctor_run(d, false, "postconf", arguments, &out, &err)) {
		doctor_say(d, DOCTOR_WARNING, "map-type", "%s", err.text);
	} else if (textmap_is_type(d->map_type) && has_line(&out, d->map_type)) {
		doctor_say(d, DOCTOR_OK, "map-type", "Postfix has %s", d->map_type);
	} else {
		if (strcmp(d->map_type, "lmdb") == 0 || strcmp(d->map_type, "cdb") == 0)
			doctor_advise(d, "apt-get install postfix-%s", d->map_type);
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			if (has_line(&out, types[i])) {
				doctor_advise(d, "# or, in %s: map: {type: %s}",
				    d->options->config_file, types[i]);
				break;
			}
		}
		doctor_say(d, DOCTOR_FAULT, "map-type", "%s",
		    textmap_is_type(d->map_type)
		        ? "Postfix lacks the map type that is configured"
		        : "maps of that type cannot be written");
	}
	buf_clear(&out);
}

/* --- the map ----------------------------------------------------------------------- */

/* The map made anew from the state, beside the text that is there until it is whole. The
 * files get the owner that the daemon gives them. */
static void
advise_rebuild(struct doctor *d)
{
	const char *path = d->config->map.file;
	struct buf new = {0};
	char *directory;

	if (access(d->config->state, F_OK) != 0) {
		doctor_advise(d, "# the daemon makes it when it starts: see above");
		return;
	}
	if (doctor_is_map_foreign(d)) {
		doctor_advise(d, "# the text there is not tlsladder's: see below");
		return;
	}
	directory = file_directory(path);
	buf_printf(&new, "%s.new", path);
	doctor_add_self(d, &d->advice);
	buf_printf(&d->advice, " export >");
	buf_add_shell(&d->advice, buf_text(&new));
	buf_printf(&d->advice, " && mv ");
	buf_add_shell(&d->advice, buf_text(&new));
	buf_add_char(&d->advice, ' ');
	buf_add_shell(&d->advice, path);
	buf_clear(&new);
	buf_printf(&d->advice, "\nchown --reference=");
	buf_add_shell(&d->advice, directory);
	buf_add_char(&d->advice, ' ');
	buf_add_shell(&d->advice, path);
	buf_add_char(&d->advice, '\n');
	free(directory);
	if (strcmp(d->map_type, "texthash") == 0)
		return;
	doctor_add_postfix(d, "postmap", &d->advice);
	buf_printf(&d->advice, " %s:", d->map_type);
	buf_add_shell(&d->advice, config_map_seen(d->config));
	buf_add_char(&d->advice, '\n');
}

/* The file that Postfix reads. free() */
char *
doctor_index(const struct doctor *d)
{
	struct buf path = {0};

	buf_printf(&path, "%s", d->config->map.file);
	if (strcmp(d->map_type, "hash") == 0 || strcmp(d->map_type, "btree") == 0)
		buf_printf(&path, ".db");
	else if (strcmp(d->map_type, "texthash") != 0)
		buf_printf(&path, ".%s", d->map_type);
	return buf_take(&path);
}

/* Entries of the state, beside what is in the database that Postfix reads. */
struct sample {
	const char *keys[KEYS_MAX + 1];
	const char *values[KEYS_MAX + 1];
	size_t count;
	size_t same;
};

static void
compare_value(void *context, size_t index, struct str value)
{
	struct sample *sample = context;

	if (str_is(value, sample->values[index]))
		sample->same++;
}

static bool
choose_key(void *taker, const struct map_entry *line, struct err *err)
{
	struct sample *sample = taker;

	(void)err;
	if (sample->count == KEYS_MAX || !textmap_is_key(line->key))
		return true;
	sample->keys[sample->count] = mem_strdup(line->key);
	sample->values[sample->count++] = mem_strdup(line->value);
	return true;
}

/* In a container files may stand elsewhere, or not at all. */
static void
advise_seen(struct doctor *d)
{
	const struct config *config = d->config;
	char *written = file_directory(config->map.file),
	     *seen = file_directory(config_map_seen(config));

	if (d->postfix.command_count > 0) {
		doctor_advise(d,
		    "# %s must be mounted where Postfix runs, as %s; map: seen_as in "
		    "%s says what it is there",
		    written, seen, d->options->config_file);
		doctor_advise(d, "# if it is, and the map alone is damaged:");
	}
	free(written);
	free(seen);
	advise_rebuild(d);
}

/* Is there an entry that the daemon has not exported yet? It does so by itself. */
static bool
is_export_due(const struct doctor *d, struct store *store)
{
	int64_t version, exported;
	struct err ignored;

	return d->runs && store_map_versions(store, &version, &exported, &ignored) &&
	    version > exported;
}

static void
say_differs(struct doctor *d, struct store *store, const struct sample *sample)
{
	size_t others = sample->count - sample->same;

	if (is_export_due(d, store)) {
		doctor_advise(d,
		    "# the daemon exports them; where it does not, its log says "
		    "why");
		doctor_say(d, DOCTOR_WARNING, "map-entries",
		    "%zu of %zu entries of the state are not exported yet", others,
		    sample->count);
		return;
	}
	advise_rebuild(d);
	doctor_say(d, DOCTOR_FAULT, "map-entries",
	    "%zu of %zu entries of the state are not in %s:%s", others, sample->count,
	    d->map_type, d->config->map.file);
}

static void
compare_sample(struct doctor *d, struct store *store, struct sample *sample)
{
	struct buf map = {0};
	struct err err;

	sample->keys[sample->count] = NO_DOMAIN; /* an empty map is asked as well */
	sample->values[sample->count] = "";
	buf_printf(&map, "%s:%s", d->map_type, d->config->map.file);
	if (!postfix_lookup_all(&d->postfix, buf_text(&map), sample->keys,
	        sample->count + 1, compare_value, sample, &err)) {
		advise_seen(d);
		doctor_say(d, DOCTOR_FAULT, "map-entries", "%s", err.text);
	} else if (sample->same != sample->count) {
		say_differs(d, store, sample);
	} else {
		doctor_say(d, DOCTOR_OK, "map-entries", "%zu entries, as in the state",
		    sample->count);
	}
	buf_clear(&map);
}

static void
check_entries(struct doctor *d, struct store *store)
{
	struct sample *sample = mem_new(1, sizeof(*sample));
	struct err err;

	if (maplines_each(store, choose_key, sample, &err))
		compare_sample(d, store, sample);
	else
		doctor_say(d, DOCTOR_FAULT, "map-entries", "%s", err.text);
	for (size_t i = 0; i < sample->count; i++) {
		free((void *)(uintptr_t)sample->keys[i]);
		free((void *)(uintptr_t)sample->values[i]);
	}
	free(sample);
}

/* postmap(1) and, from 3.12 on, smtp(8) complain of owners that differ. */
static void
check_owners(struct doctor *d, const char *index)
{
	const char *path = d->config->map.file;
	char *directory = file_directory(path);
	struct stat dir, text, database;

	if (stat(directory, &dir) == 0 && stat(path, &text) == 0 &&
	    stat(index, &database) == 0 &&
	    (text.st_uid != dir.st_uid || database.st_uid != dir.st_uid)) {
		buf_printf(&d->advice, "chown --reference=");
		buf_add_shell(&d->advice, directory);
		buf_add_char(&d->advice, ' ');
		buf_add_shell(&d->advice, path);
		buf_add_char(&d->advice, ' ');
		buf_add_shell(&d->advice, index);
		buf_add_char(&d->advice, '\n');
		doctor_say(d, DOCTOR_WARNING, "map-owner",
		    "%s, its index and its directory have different owners", path);
	}
	free(directory);
}

/* smtp(8) opens the map before it drops root; proxymap(8) is the user postfix by then. */
static void
check_readable(struct doctor *d, const char *index)
{
	struct stat st;
	char *blocked;

	if (!doctor_is_proxied(d))
		return;
	blocked = doctor_blocked(index);
	if (blocked != NULL) {
		buf_printf(&d->advice, "chmod o+x ");
		buf_add_shell(&d->advice, blocked);
		buf_add_char(&d->advice, '\n');
		doctor_say(
		    d, DOCTOR_FAULT, "map-mode", "proxymap(8) cannot enter %s", blocked);
		free(blocked);
	} else if (stat(index, &st) == 0 && (st.st_mode & S_IROTH) == 0) {
		buf_printf(&d->advice, "chmod o+r ");
		buf_add_shell(&d->advice, index);
		buf_add_char(&d->advice, '\n');
		doctor_say(
		    d, DOCTOR_FAULT, "map-mode", "proxymap(8) cannot read %s", index);
	}
}

void
doctor_check_map(struct doctor *d)
{
	const char *path = d->config->map.file;
	struct store *store;
	struct err err;
	char *index;

	if (!doctor_is_map_foreign(d)) /* whose directory may be another's as well */
		doctor_check_directory(d, "map-directory", path);
	if (!d->has_postfix || strcmp(d->map_type, "none") == 0 ||
	    !textmap_is_type(d->map_type))
		return;
	if (!textmap_exists(path, d->map_type)) {
		advise_rebuild(d);
		doctor_say(d, DOCTOR_FAULT, "map",
		    "there is no %s map at %s: Postfix that names it defers all mail",
		    d->map_type, path);
		return;
	}
	d->has_map = true;
	index = doctor_index(d);
	doctor_say(d, DOCTOR_OK, "map", "%s is there", index);
	check_owners(d, index);
	check_readable(d, index);
	free(index);
	if (!d->can_open || doctor_is_map_foreign(d))
		return; /* reported by the check of the state, or of the text */
	store = store_open(d->config->state, BUSY_MS, &err);
	if (store != NULL)
		check_entries(d, store);
	store_close(store);
}
