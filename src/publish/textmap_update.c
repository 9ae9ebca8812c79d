/* SPDX-License-Identifier: BSD-2-Clause */
/* A few changes in a large database, where its type can do that. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "publish/textmap_impl.h"
#include "sys/file.h"

bool
textmap_can_update(const char *type, const struct map_entry *changes, size_t count)
{
	const struct map_type *found = textmap_find_type(type);

	if (found == NULL || found->update == MAP_UPDATE_NONE)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!textmap_is_ascii(changes[i].key))
			return false;
	return true;
}

void
textmap_mark(const char *path, const char *type, struct buf *out)
{
	struct edition edition = {.type = textmap_find_type(type)};
	const char *live;
	struct stat st;

	if (edition.type == NULL)
		return;
	edition_init(&edition, path, TEXTMAP_NEW);
	live = edition.live_database != NULL ? edition.live_database : path;
	if (stat(live, &st) == 0)
		buf_printf(out, "%s %ju %jd %jd.%09ld", live, (uintmax_t)st.st_ino,
		    (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
		    st.st_mtim.tv_nsec);
	edition_clear(&edition);
}

/* What is changed, as lines for postmap: keys and values that come, keys that go. */
static bool
collect(const struct map_entry *changes, size_t count, struct buf *come, struct buf *go,
    struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct map_entry *change = &changes[i];

		if (!textmap_is_key(change->key) ||
		    (change->value != NULL && !textmap_is_entry(change)))
			return err_set(err, "change %zu cannot stand in a map", i + 1);
		if (change->value != NULL)
			buf_printf(come, "%s\t%s\n", change->key, change->value);
		else
			buf_printf(go, "%s\n", change->key);
	}
	return true;
}

/* Where the changes are made: the live database, or its copy. */
struct place {
	const struct postfix *postfix;
	const char *map; /* "type:text" */
	const char *database;
	const struct map_entry *changes;
	size_t count;
};

static bool
apply(const struct place *place, struct err *err)
{
	struct buf come = {0}, go = {0};
	bool done = collect(place->changes, place->count, &come, &go, err);

	if (done && come.len > 0)
		done = postfix_map_put(place->postfix, place->map,
		    (struct str){buf_text(&come), come.len}, err);
	if (done && go.len > 0)
		done = postfix_map_delete(
		    place->postfix, place->map, (struct str){buf_text(&go), go.len}, err);
	buf_clear(&come);
	buf_clear(&go);
	return done && file_sync(place->database, err);
}

struct found {
	const struct map_entry *changes;
	bool *is_there; /* with the right value */
	bool is_wrong;
};

static void
take_found(void *context, size_t index, struct str value)
{
	struct found *found = context;
	const char *wanted = found->changes[index].value;

	found->is_there[index] = true;
	if (wanted == NULL || !str_is(value, wanted))
		found->is_wrong = true;
}

/* Each change is asked for, and must be as wanted: there with its value, or not there. */
static bool
check(const struct place *place, struct err *err)
{
	const char **keys = mem_new(place->count, sizeof(*keys));
	struct found found = {.changes = place->changes,
	    .is_there = mem_new(place->count, sizeof(*found.is_there))};
	bool done;

	for (size_t i = 0; i < place->count; i++)
		keys[i] = place->changes[i].key;
	done = postfix_lookup_all(
	    place->postfix, place->map, keys, place->count, take_found, &found, err);
	for (size_t i = 0; i < place->count; i++)
		if (place->changes[i].value != NULL && !found.is_there[i])
			found.is_wrong = true;
	if (done && found.is_wrong)
		done = err_set(err, "%s does not give back what was changed", place->map);
	free(keys);
	free(found.is_there);
	return done;
}

static bool
update_live(const struct edition *edition, const struct map_entry *changes, size_t count,
    struct err *err)
{
	const struct place place = {
	    edition->postfix, edition->live_map, edition->live_database, changes, count};

	return apply(&place, err) && check(&place, err);
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Another program that changed it meanwhile has left half of that in the copy. */
static bool
copy_database(const struct edition *edition, struct err *err)
{
	const char *live = edition->live_database;
	struct stat before, after;

	if (stat(live, &before) != 0)
		return err_set_errno(err, errno, "cannot look at %s", live);
	if (!file_copy(live, edition->database, err))
		return false;
	return (stat(live, &after) == 0 && is_same(&before, &after)) ||
	    err_set(err, "%s was changed by another program", live);
}

static bool
update_copy(const struct edition *edition, const struct map_entry *changes, size_t count,
    struct err *err)
{
	const struct place place = {
	    edition->postfix, edition->map, edition->database, changes, count};

	if (copy_database(edition, err) && apply(&place, err) && check(&place, err) &&
	    file_replace(edition->database, edition->live_database, err))
		return true;
	edition_remove(edition);
	return false;
}

bool
textmap_update(const struct postfix *postfix, const char *path, const char *type,
    const struct map_entry *changes, size_t count, struct err *err)
{
	struct edition edition = {.postfix = postfix, .type = textmap_find_type(type)};
	bool done = true;

	if (edition.type == NULL || edition.type->update == MAP_UPDATE_NONE)
		return err_set(err, "map type %s cannot be updated", type);
	edition_init(&edition, path, TEXTMAP_NEW);
	edition_remove(&edition); /* of a run that was stopped */
	if (count > 0)
		done = edition.type->update == MAP_UPDATE_LIVE
		    ? update_live(&edition, changes, count, err)
		    : update_copy(&edition, changes, count, err);
	edition_clear(&edition);
	return done;
}
