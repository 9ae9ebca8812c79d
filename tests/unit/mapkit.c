/* SPDX-License-Identifier: BSD-2-Clause */
#include "mapkit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"

const char mapkit_buecher[] = "b\xc3\xbc"
                              "cher.test";

const struct map_entry mapkit_entries[MAPKIT_ENTRIES] = {
    {"example.org", "dane-only", "tlsa-usable: the servers have TLSA records"},
    {"[mx.test]:2525", "secure match=mx.test:.test", "why \n\"not\""},
    {"[ipv6:2001:db8::1]", "may", ""},
    {mapkit_buecher, "encrypt", "only-encrypt"},
};

void
mapkit_begin(void)
{
	umask(077); /* as a service may have it; Postfix must be able to read */
	fake_begin();
}

int
mapkit_end(int status)
{
	mapkit_remove();
	fake_end();
	return status;
}

bool
mapkit_each(void *context, map_entry_fn *take, void *taker, struct err *err)
{
	const struct mapkit_some *some = context;

	for (size_t i = 0; i < some->count; i++)
		if (!take(taker, &some->entries[i], err))
			return false;
	return true;
}

bool
mapkit_publish_at(const char *path, const struct postfix *postfix, const char *type,
    const struct map_entry *all, size_t count, struct err *err)
{
	struct mapkit_some some = {all, count};
	const struct map_source source = {count, false, mapkit_each, &some};

	return textmap_publish(postfix, path, type, &source, WRITTEN_S, err);
}

bool
mapkit_publish(const struct postfix *postfix, const char *type,
    const struct map_entry *some, size_t count, struct err *err)
{
	return mapkit_publish_at(fake_path("map"), postfix, type, some, count, err);
}

void
mapkit_assert_missing(const char *name)
{
	struct stat st;

	assert_int_not_equal(lstat(fake_path(name), &st), 0);
}

void
mapkit_remove(void)
{
	static const char *const names[] = {"map", "map.db", "map.cdb", "map.lmdb",
	    "map.new", "map.new.db", "map.new.cdb", "map.new.lmdb", "__db.map.new.db",
	    "map.new.cdb.tmp", "map.text"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fake_put(names[i], NULL);
}

void
mapkit_assert_nothing_beside(void)
{
	mapkit_assert_missing("map.new");
	mapkit_assert_missing("map.new.db");
	mapkit_assert_missing("map.new.cdb");
	mapkit_assert_missing("map.new.lmdb");
	mapkit_assert_missing("__db.map.new.db");
	mapkit_assert_missing("map.new.cdb.tmp");
}

void
mapkit_need_type(const char *type)
{
	struct err err = {{0}};

	if (!fake_has_postfix())
		suite_skip("Postfix is not installed");
	if (!mapkit_publish(&real_postfix, type, NULL, 0, &err) &&
	    strstr(err.text, "unsupported dictionary type") != NULL)
		suite_skip("this Postfix has no such map type");
	assert_string_equal(err.text, "");
}

void
mapkit_assert_value(const char *type, const char *key, const char *expected)
{
	struct buf map = {0};
	struct err err;
	char *value;

	buf_printf(&map, "%s:%s", type, fake_path("map"));
	assert_int_equal(postfix_lookup(&real_postfix, buf_text(&map), key, &value, &err),
	    expected != NULL ? ANSWER_YES : ANSWER_NO);
	if (expected != NULL)
		assert_string_equal(value, expected);
	free(value);
	buf_clear(&map);
}

char *
mapkit_long_value(char last)
{
	struct buf value = {0};

	buf_printf(&value, "secure match=");
	for (int i = 0; value.len < 72 * 1024; i++)
		buf_printf(&value, "%smx-%d.mail.example", i > 0 ? ":" : "", i);
	buf_add_char(&value, last);
	return suite_keep(buf_take(&value));
}
