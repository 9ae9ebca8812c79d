/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/textmap_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utc.h"
#include "sys/file.h"

#define WRITE_SIZE 65536 /* bytes of text written at once */

static const struct map_type types[] = {
    {"hash", ".db", "__db.", "", true, MAP_UPDATE_COPY},
    {"btree", ".db", "__db.", "", true, MAP_UPDATE_COPY},
    {"cdb", ".cdb", "", ".tmp", true, MAP_UPDATE_NONE},
    {"lmdb", ".lmdb", "", "", true, MAP_UPDATE_LIVE},
    {"texthash", NULL, "", "", true, MAP_UPDATE_NONE},
    {"none", NULL, "", "", false, MAP_UPDATE_NONE},
};

#define WRITTEN_BY ", written by tlsladder " /* in the first line of the text */

const struct map_type *
textmap_find_type(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

bool
textmap_is_type(const char *type)
{
	return textmap_find_type(type) != NULL;
}

/* U+00DF, U+1E9E, U+03C2: what Unicode folds and IDNA2008 does not (RFC 5894, 4.4). */
static bool
folds_into_another(const char *key)
{
	return strstr(key, "\xc3\x9f") != NULL || strstr(key, "\xe1\xba\x9e") != NULL ||
	    strstr(key, "\xcf\x82") != NULL;
}

bool
textmap_is_key(const char *key)
{
	for (const char *p = key; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '"' || *p == '\\')
			return false;
	return key[0] != '\0' && key[0] != '#' && !folds_into_another(key);
}

static bool
is_value(const char *value)
{
	size_t len = strlen(value);

	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
			return false;
	return len > 0 && value[0] != ' ' && value[len - 1] != ' ';
}

bool
textmap_is_ascii(const char *text)
{
	while (*text != '\0')
		if ((unsigned char)*text++ >= 0x80)
			return false;
	return true;
}

/* The caller composes them; a line break here would forge an entry of another domain. */
bool
textmap_is_entry(const struct map_entry *entry)
{
	return textmap_is_key(entry->key) && is_value(entry->value);
}

void
textmap_print_head(size_t count, int64_t written_s, struct buf *out)
{
	char when[UTC_SIZE];

	(void)utc_print(written_s, when);
	buf_printf(out,
	    TEXTMAP_HEAD
	    "%zu entries" WRITTEN_BY "at %s.\n"
	    "# Do not edit: the next change overwrites it. An entry of your own is set "
	    "with\n"
	    "# `tlsladder set DOMAIN LEVEL` and undone with `tlsladder unset DOMAIN`.\n",
	    count, when);
}

/* For people who read the text of a database that is updated in place. */
static void
print_lag(const struct edition *edition, struct buf *out)
{
	buf_printf(out,
	    "# What changed after that time may be in the database alone:\n"
	    "#   %s\n"
	    "# This text follows within minutes while `tlsladder run` is at work;\n"
	    "# `tlsladder export` prints what is true now. Do not run postmap on it: "
	    "that\n"
	    "# would put old entries in force, until tlsladder notices.\n",
	    edition->live_database);
}

void
textmap_print_entry(const struct map_entry *entry, struct buf *out)
{
	buf_add_str(out, STR("# "));
	buf_add_visible(out, str_of(entry->why));
	buf_printf(out, "\n%s\t%s\n", entry->key, entry->value);
}

static char *
join(const char *a, const char *b, const char *c)
{
	struct buf text = {0};

	buf_printf(&text, "%s%s%s", a, b, c);
	return buf_take(&text);
}

/* Where the name begins behind the directory. */
static size_t
name_at(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

static char *
work_path(const struct map_type *type, const char *database)
{
	size_t at = name_at(database);
	struct buf text = {0};

	buf_printf(&text, "%.*s%s%s%s", (int)at, database, type->work_prefix,
	    database + at, type->work_suffix);
	return buf_take(&text);
}

void
edition_init(struct edition *edition, const char *path, const char *suffix)
{
	const struct map_type *type = edition->type;

	edition->live_text = path;
	edition->text = join(path, suffix, "");
	edition->map = join(type->name, ":", edition->text);
	edition->live_map = join(type->name, ":", path);
	if (type->suffix != NULL) {
		edition->live_database = join(path, type->suffix, "");
		edition->database = join(edition->text, type->suffix, "");
		edition->work = work_path(type, edition->database);
	}
}

void
edition_remove(const struct edition *edition)
{
	unlink(edition->text);
	if (edition->database == NULL)
		return;
	unlink(edition->database);
	unlink(edition->work); /* Berkeley DB never builds again where one is left */
}

void
edition_clear(struct edition *edition)
{
	free(edition->text);
	free(edition->map);
	free(edition->live_map);
	free(edition->live_database);
	free(edition->database);
	free(edition->work);
}

struct writer {
	int fd;
	const char *path;
	size_t count;
	struct buf text; /* not written yet */
};

static bool
flush(struct writer *writer, struct err *err)
{
	struct str text = {buf_text(&writer->text), writer->text.len};
	bool done = file_append(writer->fd, writer->path, text, err);

	buf_reset(&writer->text);
	return done;
}

static bool
write_entry(void *taker, const struct map_entry *entry, struct err *err)
{
	struct writer *writer = taker;

	writer->count++;
	if (!textmap_is_entry(entry))
		return err_set(err, "%s: entry %zu cannot stand in a map", writer->path,
		    writer->count);
	textmap_print_entry(entry, &writer->text);
	return writer->text.len < WRITE_SIZE || flush(writer, err);
}

bool
edition_write_text(const struct edition *edition, const struct map_source *source,
    int64_t written_s, struct err *err)
{
	struct writer writer = {.path = edition->text};
	bool done;

	/* It has the owner of its directory: Postfix warns of a map that has another, and
	 * the index gets the owner of the text. */
	writer.fd = file_create(edition->text, err);
	if (writer.fd < 0)
		return false;
	textmap_print_head(source->count, written_s, &writer.text);
	if (source->lags)
		print_lag(edition, &writer.text);
	done = source->each(source->context, write_entry, &writer, err) &&
	    flush(&writer, err);
	if (done)
		done = file_finish(writer.fd, edition->text, err);
	else
		close(writer.fd);
	buf_clear(&writer.text);
	return done;
}

/*
 * Postfix reads a text again and again until it is older than a second (dict_thash.c), in
 * case it is still being written. It is complete, so it is dated back.
 */
static void
set_old(const char *path)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {0}};
	struct stat st;

	if (stat(path, &st) == 0) {
		times[1].tv_sec = st.st_mtim.tv_sec - 2;
		utimensat(AT_FDCWD, path, times, 0);
	}
}

static bool
build(const struct edition *edition, struct err *err)
{
	if (edition->database == NULL) {
		set_old(edition->text);
		return true;
	}
	return postfix_postmap(edition->postfix, edition->map, err) &&
	    file_sync(edition->database, err);
}

/*
 * The database first: it is what Postfix reads. Stopped in between, the old text lies
 * beside the new database, older than it, so that Postfix does not warn, and the next
 * publication mends it.
 */
static bool
put_live(const struct edition *edition, struct err *err)
{
	if (edition->database != NULL &&
	    rename(edition->database, edition->live_database) != 0)
		return err_set_errno(err, errno, "cannot rename %s to %s",
		    edition->database, edition->live_database);
	return file_replace(edition->text, edition->live_text, err);
}

bool
textmap_is_ours(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[128] = "";

	if (file == NULL)
		return false;
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	return strstr(line, WRITTEN_BY) != NULL;
}

bool
textmap_may_replace(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return true; /* what is wrong with it shows when it is written */
	if (!S_ISREG(st.st_mode))
		return err_set(err, "%s is no file; name another one in map.file", path);
	if (st.st_size == 0)
		return true;
	if (access(path, R_OK) != 0)
		return err_set_errno(err, errno, "cannot read %s", path);
	return textmap_is_ours(path) ||
	    err_set(err,
	        "%s is there, and not written by tlsladder: move it away, or name "
	        "another "
	        "file in map.file",
	        path);
}

bool
textmap_publish(const struct postfix *postfix, const char *path, const char *type,
    const struct map_source *source, int64_t written_s, struct err *err)
{
	struct edition edition = {.postfix = postfix, .type = textmap_find_type(type)};
	bool done;

	if (edition.type == NULL)
		return err_set(err, "map type %s cannot be written", type);
	edition_init(&edition, path, TEXTMAP_NEW);
	textmap_drop_text(path);
	edition_remove(&edition); /* of a run that was stopped, perhaps of another user */
	done = edition_write_text(&edition, source, written_s, err) &&
	    build(&edition, err) && edition_verify(&edition, err) &&
	    put_live(&edition, err);
	if (!done)
		edition_remove(&edition);
	edition_clear(&edition);
	return done;
}

bool
textmap_exists(const char *path, const char *type)
{
	const struct map_type *found = textmap_find_type(type);
	struct stat st;
	char *name;
	bool exists;

	if (found == NULL)
		return false;
	name = join(path, found->suffix != NULL ? found->suffix : "", "");
	exists = stat(name, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
	free(name);
	return exists;
}

bool
textmap_is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

void
textmap_print_database(const char *path, const char *type, struct buf *out)
{
	const struct map_type *found = textmap_find_type(type);

	if (found != NULL && found->suffix != NULL)
		buf_printf(out, "%s%s", path, found->suffix);
}
