/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: our map, what names it in main.cf, and what stands beside it there. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/doctor.h"
#include "publish/maplines.h"
#include "publish/textmap.h"

#define NO_PATH   "\001"                     /* no map has it: all count as others */
#define NO_DOMAIN "doctor.tlsladder.invalid" /* RFC 6761: never registered */
#define BUSY_MS   5000
#define KEYS_MAX  1000 /* entries that are looked up */

/* --- smtp_tls_policy_maps ---------------------------------------------------------- */

/* What the setting has of ours. */
struct named {
	char **maps; /* all of it, in order */
	size_t ours; /* how often it names our path */
	size_t first;
	bool right; /* the first is of the type that is built */
	bool proxied;
};

/* "hash:/path", or the same behind proxy:; text in braces is not examined. */
static bool
has_type(const char *map, const char *type, bool *proxied)
{
	struct str rest = str_of(map), name;

	if (memchr(rest.p, '{', rest.len) != NULL)
		return true;
	*proxied = str_eat(&rest, STR("proxy:"));
	return str_cut(&rest, ':', &name) && str_is(name, type);
}

static void
read_named(const struct doctor *d, const char *policy_maps, struct named *named)
{
	bool ignored;

	*named =
	    (struct named){.maps = postfix_other_maps(policy_maps, NO_PATH, &ignored)};
	for (size_t i = 0; named->maps[i] != NULL; i++) {
		char **others;
		bool ours;

		others = postfix_other_maps(named->maps[i], d->config->map.file, &ours);
		postfix_maps_free(others);
		if (!ours)
			continue;
		if (named->ours++ == 0) {
			named->first = i;
			named->right =
			    has_type(named->maps[i], d->map_type, &named->proxied);
		}
	}
}

/* The setting as it should be: others as they are, ours once, last where it was not. */
static char *
right_value(const struct doctor *d, const struct named *named, size_t without)
{
	struct buf value = {0};
	bool written = false;

	for (size_t i = 0; named->maps[i] != NULL; i++) {
		char **others;
		bool ours;

		others = postfix_other_maps(named->maps[i], d->config->map.file, &ours);
		postfix_maps_free(others);
		if (i == without || (ours && written))
			continue;
		buf_printf(&value, "%s", value.len > 0 ? ", " : "");
		if (ours && strcmp(d->map_type, "none") != 0 && !named->right)
			buf_printf(&value, "%s:%s", d->map_type, d->config->map.file);
		else
			buf_printf(&value, "%s", named->maps[i]);
		written = written || ours;
	}
	if (!written)
		buf_printf(&value, "%s%s:%s", value.len > 0 ? ", " : "", d->map_type,
		    d->config->map.file);
	return buf_take(&value);
}

static void
advise_value(struct doctor *d, const struct named *named, size_t without)
{
	char *value = right_value(d, named, without);

	doctor_advise_setting(d, "smtp_tls_policy_maps", value);
	free(value);
}

/* Maps of others: what they answer is theirs (guard 5), so they must be able to answer.
 */
static void
check_others(struct doctor *d, const struct named *named)
{
	for (size_t i = 0; named->maps[i] != NULL; i++) {
		const char *key = NO_DOMAIN;
		char **map;
		enum answer answer = ANSWER_NO;
		struct err err;
		bool ours;

		map = postfix_other_maps(named->maps[i], d->config->map.file, &ours);
		if (!ours)
			postfix_maps_answer(&d->postfix, map, &key, 1, &answer, &err);
		postfix_maps_free(map);
		if (ours)
			continue;
		if (answer == ANSWER_NO) {
			doctor_say(d, DOCTOR_OK, "other-map",
			    "%s is asked %s ours, and decides where it has an entry",
			    named->maps[i],
			    named->ours > 0 && i > named->first ? "after" : "before");
			continue;
		}
		advise_value(d, named, i);
		if (answer == ANSWER_YES)
			doctor_say(d, DOCTOR_WARNING, "other-map",
			    "%s answers for every destination: nothing is left to ours",
			    named->maps[i]);
		else
			doctor_say(d, DOCTOR_WARNING, "other-map",
			    "%s cannot be asked, so there will be no entries: %s",
			    named->maps[i], err.text);
	}
}

/* Services of master.cf that have maps of their own. */
static void
check_services(struct doctor *d)
{
	const char *arguments[] = {"-P", "*/unix/smtp_tls_policy_maps", NULL};
	struct buf out = {0};
	struct str rest, line, name;
	struct err ignored;

	doctor_run(d, false, "postconf", arguments, &out, &ignored);
	rest = (struct str){buf_text(&out), out.len};
	while (str_cut(&rest, '\n', &line)) {
		struct named named;
		char *value;

		if (!str_cut(&line, '=', &name))
			continue;
		name = str_trim(name);
		value = mem_strndup(line.p, line.len);
		read_named(d, value, &named);
		if (named.ours == 0) {
			doctor_add_postfix(d, "postconf", &d->advice);
			buf_printf(&d->advice, " -P -X ");
			free(value);
			value = mem_strndup(name.p, name.len);
			buf_add_shell(&d->advice, value);
			buf_add_char(&d->advice, '\n');
			doctor_add_postfix(d, "postfix", &d->advice);
			buf_printf(&d->advice, " reload\n");
			doctor_say(d, DOCTOR_WARNING, "service-maps",
			    "%s in master.cf does not name our map", value);
		}
		free(value);
		postfix_maps_free(named.maps);
	}
	buf_clear(&out);
}

void
doctor_check_policy_maps(struct doctor *d)
{
	const char *path = d->config->map.file;
	struct named named;

	if (!d->has_postfix)
		return;
	read_named(d, d->settings.policy_maps, &named);
	if (strcmp(d->map_type, "none") == 0) {
		doctor_say(d, DOCTOR_OK, "policy-maps",
		    "map.type is none: only the text is written");
	} else if (named.ours == 0) {
		advise_value(d, &named, SIZE_MAX);
		doctor_say(d, DOCTOR_FAULT, "policy-maps",
		    "smtp_tls_policy_maps does not name %s", path);
	} else if (!named.right) {
		advise_value(d, &named, SIZE_MAX);
		doctor_say(d, DOCTOR_FAULT, "policy-maps",
		    "smtp_tls_policy_maps names %s, but the map is built as %s",
		    named.maps[named.first], d->map_type);
	} else if (named.ours > 1) {
		advise_value(d, &named, SIZE_MAX);
		doctor_say(d, DOCTOR_WARNING, "policy-maps",
		    "smtp_tls_policy_maps names %s more than once", path);
	} else {
		doctor_say(d, DOCTOR_OK, "policy-maps", "smtp_tls_policy_maps names %s",
		    named.maps[named.first]);
	}
	check_others(d, &named);
	check_services(d);
	postfix_maps_free(named.maps);
}

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

/* The map made anew from the state. The files get the owner that the daemon gives them.
 */
static void
advise_rebuild(struct doctor *d)
{
	const char *path = d->config->map.file;
	char *directory = doctor_directory(path);

	doctor_add_self(d, &d->advice);
	buf_printf(&d->advice, " export >");
	buf_add_shell(&d->advice, path);
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
	buf_add_shell(&d->advice, path);
	buf_add_char(&d->advice, '\n');
}

/* The file that Postfix reads. free() */
static char *
index_of(const struct doctor *d)
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

/* Keys beyond ASCII share an entry with their other spellings, so they are skipped. */
static bool
choose_key(void *taker, const struct map_entry *line, struct err *err)
{
	struct sample *sample = taker;
	const char *p = line->key;

	(void)err;
	while (*p != '\0' && (unsigned char)*p < 0x80)
		p++;
	if (sample->count == KEYS_MAX || *p != '\0' || !textmap_is_key(line->key))
		return true;
	sample->keys[sample->count] = mem_strdup(line->key);
	sample->values[sample->count++] = mem_strdup(line->value);
	return true;
}

static void
compare_sample(struct doctor *d, struct sample *sample)
{
	struct buf map = {0};
	struct err err;

	sample->keys[sample->count] = NO_DOMAIN; /* an empty map is asked as well */
	sample->values[sample->count] = "";
	buf_printf(&map, "%s:%s", d->map_type, d->config->map.file);
	if (!postfix_lookup_all(&d->postfix, buf_text(&map), sample->keys,
	        sample->count + 1, compare_value, sample, &err)) {
		advise_rebuild(d);
		doctor_say(d, DOCTOR_FAULT, "map-entries", "%s", err.text);
	} else if (sample->same != sample->count) {
		advise_rebuild(d);
		doctor_say(d, DOCTOR_FAULT, "map-entries",
		    "%zu of %zu entries of the state are not in %s",
		    sample->count - sample->same, sample->count, buf_text(&map));
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
		compare_sample(d, sample);
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
	char *directory = doctor_directory(path);
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
	struct named named;
	struct stat st;
	char *blocked;

	read_named(d, d->settings.policy_maps, &named);
	postfix_maps_free(named.maps);
	if (!named.proxied)
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
	index = index_of(d);
	doctor_say(d, DOCTOR_OK, "map", "%s is there", index);
	check_owners(d, index);
	check_readable(d, index);
	free(index);
	if (!d->can_open)
		return; /* reported by the check of the state */
	store = store_open(d->config->state, BUSY_MS, &err);
	if (store != NULL)
		check_entries(d, store);
	store_close(store);
}
