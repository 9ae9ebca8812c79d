/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes made in the live database, where its type can do that. */
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

	if (found == NULL || !found->is_updated)
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

static bool
apply(const struct edition *edition, const struct map_entry *changes, size_t count,
    struct err *err)
{
	struct buf come = {0}, go = {0};
	bool done = collect(changes, count, &come, &go, err);

	if (done && come.len > 0)
		done = postfix_map_put(edition->postfix, edition->live_map,
		    (struct str){buf_text(&come), come.len}, err);
	if (done && go.len > 0)
		done = postfix_map_delete(edition->postfix, edition->live_map,
		    (struct str){buf_text(&go), go.len}, err);
	buf_clear(&come);
	buf_clear(&go);
	return done && file_sync(edition->live_database, err);
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
check(const struct edition *edition, const struct map_entry *changes, size_t count,
    struct err *err)
{
	const char **keys = mem_new(count, sizeof(*keys));
	struct found found = {
	    .changes = changes, .is_there = mem_new(count, sizeof(*found.is_there))};
	bool done;

	for (size_t i = 0; i < count; i++)
		keys[i] = changes[i].key;
	done = postfix_lookup_all(
	    edition->postfix, edition->live_map, keys, count, take_found, &found, err);
	for (size_t i = 0; i < count; i++)
		if (changes[i].value != NULL && !found.is_there[i])
			found.is_wrong = true;
	if (done && found.is_wrong)
		done = err_set(
		    err, "%s does not give back what was changed", edition->live_map);
	free(keys);
	free(found.is_there);
	return done;
}

bool
textmap_update(const struct postfix *postfix, const char *path, const char *type,
    const struct map_entry *changes, size_t count, struct err *err)
{
	struct edition edition = {.postfix = postfix, .type = textmap_find_type(type)};
	bool done;

	if (edition.type == NULL || !edition.type->is_updated)
		return err_set(err, "map type %s cannot be updated", type);
	edition_init(&edition, path, TEXTMAP_NEW);
	edition_remove(&edition); /* of a run that was stopped */
	done = count == 0 ||
	    (apply(&edition, changes, count, err) &&
	        check(&edition, changes, count, err));
	edition_clear(&edition);
	return done;
}
