/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries for others: each format read back by what reads it. */
#include "suite.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "publish/export.h"
#include "publish/maplines.h"
#include "storekit.h"

#define NOW_MS (INT64_C(1795483619) * 1000) /* 2026-11-24T01:26:59Z, by date(1) */

#define HOSTILE_NOTE "=cmd|' /C calc'!A0,\n\"quoted\"\r\nb\xc3\xbc\x1b[31m \xff"

static struct store *
filled(void)
{
	struct store *store = kit_scratch();
	struct destination d;

	destination_init(&d, "z.test");
	d.entry.level = LEVEL_ENCRYPT;
	d.entry.why = d.why = WHY_NOT_AUTHENTIC;
	d.entry.since_ms = NOW_MS;
	d.look_ms = NOW_MS + 7 * INT64_C(86400000);
	kit_put(store, &d);
	destination_init(&d, "[mx.test]:2525");
	d.entry.level = LEVEL_SECURE;
	d.entry.why = d.why = WHY_PINNED;
	d.pin.set = true;
	d.entry.since_ms = NOW_MS - 1;
	d.look_ms = NOW_MS + 1000; /* of no meaning for a pin */
	d.entry.attributes = suite_keep(strdup("match=mx.test:.test"));
	str_copy(STR(HOSTILE_NOTE), d.pin.note, sizeof(d.pin.note));
	kit_put(store, &d);
	destination_init(&d, "none.test");
	kit_put(store, &d);
	return store;
}

static void
add_piece(void *context, struct str piece)
{
	buf_add_str(context, piece);
}

static char *export(struct store *store, const char *format)
{
	const struct export_format *f = export_find(format);
	struct buf out = {0};

	assert_non_null(f);
	if (!export_print(f, store, NOW_MS, add_piece, &out, &kit_err))
		fail_msg("%s", kit_err.text);
	return buf_take(&out);
}

static void
names_are_found(void **state)
{
	struct buf names = {0};

	(void)state;
	export_names(&names);
	assert_string_equal(buf_text(&names), "postmap, json, csv");
	assert_null(export_find("xml"));
	assert_null(export_find(""));
	buf_clear(&names);
}

/* One comment line and one entry each, whatever the note holds. */
static void
postmap_has_one_line_an_entry(void **state)
{
	struct store *store = filled();
	char *text = export(store, "postmap"), *line, *save = NULL;
	unsigned entries = 0, comments = 0;

	(void)state;
	assert_non_null(strstr(text, "\n[mx.test]:2525\tsecure match=mx.test:.test\n"));
	assert_non_null(strstr(text, "\nz.test\tencrypt\n"));
	assert_null(strstr(text, "none.test"));
	assert_non_null(strstr(text, "not-authentic"));
	assert_non_null(strstr(text, "calc"));
	for (const char *p = text; *p != '\0'; p++)
		assert_true(
		    *p == '\n' || *p == '\t' || ((unsigned char)*p >= ' ' && *p != 0x7f));
	assert_non_null(
	    strstr(text, "\\x0a\"quoted\"\\x0d\\x0ab\xc3\xbc\\x1b[31m \\xff)\n"));
	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		comments += line[0] == '#';
		entries += line[0] != '#';
	}
	assert_int_equal(entries, 2);
	assert_int_equal(comments, 3 + 2);
	free(text);
	store_close(store);
}

static void
assert_json(const char *line, const char *expected)
{
	json_error_t error;
	json_t *got = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	json_t *want = json_loads(expected, JSON_REJECT_DUPLICATES, &error);

	assert_non_null(got);
	assert_non_null(want);
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(want);
}

static void
json_is_an_object_a_line(void **state)
{
	struct store *store = filled();
	char *text = export(store, "json"), *second = strchr(text, '\n');

	(void)state;
	assert_non_null(second);
	*second++ = '\0';
	assert_non_null(strchr(second, '\n'));
	assert_string_equal(strchr(second, '\n'), "\n");
	assert_json(text,
	    "{\"destination\": \"[mx.test]:2525\", \"level\": \"secure\","
	    " \"attributes\": \"match=mx.test:.test\", \"why\": \"pinned\","
	    " \"since\": \"2026-11-24T01:26:58Z\", \"look_again\": null, \"pinned\": "
	    "true,"
	    " \"note\": \"=cmd|' /C calc'!A0,\\n\\\"quoted\\\"\\r\\nb\xc3\xbc\\u001b[31m "
	    "\xef\xbf\xbd\"}");
	assert_json(second,
	    "{\"destination\": \"z.test\", \"level\": \"encrypt\", \"attributes\": \"\","
	    " \"why\": \"not-authentic\", \"since\": \"2026-11-24T01:26:59Z\","
	    " \"look_again\": \"2026-12-01T01:26:59Z\", \"pinned\": false, \"note\": "
	    "\"\"}");
	free(text);
	store_close(store);
}

/* RFC 4180 section 2: the next field; *last: it ends its record. The text goes on in *p.
 */
static char *
read_field(const char **p, bool *last)
{
	struct buf field = {0};
	bool quoted = **p == '"';

	*p += quoted;
	for (;; (*p)++) {
		if (quoted && (*p)[0] == '"' && (*p)[1] == '"')
			(*p)++;
		else if (quoted && (*p)[0] == '"')
			break;
		else if (!quoted && ((*p)[0] == ',' || (*p)[0] == '\r'))
			break;
		assert_true(**p != '\0');
		assert_true(quoted || ((*p)[0] != '"' && (*p)[0] != '\n'));
		buf_add_char(&field, **p);
	}
	*p += quoted;
	*last = **p != ',';
	if (*last)
		assert_memory_equal(*p, "\r\n", 2);
	*p += *last ? 2 : 1;
	return buf_take(&field);
}

static void
assert_record(const char **p, const char *const expected[8])
{
	for (int i = 0; i < 8; i++) {
		bool last;
		char *field = read_field(p, &last);

		assert_string_equal(field, expected[i]);
		assert_int_equal(last, i == 7);
		free(field);
	}
}

static void
csv_is_read_back(void **state)
{
	static const char *const header[] = {"destination", "level", "attributes", "why",
	    "since", "look_again", "pinned", "note"};
	/* No spreadsheet runs the note, and no terminal takes it for an order. */
	static const char *const pinned[] = {"[mx.test]:2525", "secure",
	    "match=mx.test:.test", "pinned", "2026-11-24T01:26:58Z", "", "yes",
	    "'=cmd|' /C calc'!A0,\\x0a\"quoted\"\\x0d\\x0ab\xc3\xbc\\x1b[31m \\xff"};
	static const char *const weak[] = {"z.test", "encrypt", "", "not-authentic",
	    "2026-11-24T01:26:59Z", "2026-12-01T01:26:59Z", "no", ""};
	struct store *store = filled();
	char *text = export(store, "csv");
	const char *p = text;

	(void)state;
	assert_record(&p, header);
	assert_record(&p, pinned);
	assert_record(&p, weak);
	assert_string_equal(p, "");
	free(text);
	store_close(store);
}

static const char *const formulas[] = {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"};

static void
csv_holds_no_formula(void **state)
{
	struct store *store = kit_scratch();
	struct destination d;
	char *text;
	const char *p;

	destination_init(&d, "a.test");
	d.entry.level = LEVEL_MAY;
	str_copy(str_of(*state), d.pin.note, sizeof(d.pin.note));
	kit_put(store, &d);
	text = export(store, "csv");
	p = strchr(text, '\n') + 1;
	for (int i = 0; i < 8; i++) {
		bool last;
		char *field = read_field(&p, &last);

		assert_null(i == 7 ? strchr("=+-@\t\r", field[0]) : NULL);
		free(field);
	}
	free(text);
	store_close(store);
}

static void
nothing_is_exported_from_nothing(void **state)
{
	struct store *store = kit_scratch();
	char *json = export(store, "json"), *csv = export(store, "csv");
	char *postmap = export(store, "postmap");

	(void)state;
	assert_string_equal(json, "");
	assert_string_equal(strchr(csv, '\n'), "\n");
	assert_int_equal(postmap[0], '#');
	free(json);
	free(csv);
	free(postmap);
	store_close(store);
}

static void
script_head(size_t count, int64_t now_ms, struct buf *out)
{
	(void)now_ms;
	buf_printf(out, "BEGIN; -- %zu\n", count);
}

static void
script_entry(const struct entry *entry, struct buf *out)
{
	buf_printf(out, "%s\n", entry->key);
}

static void
script_tail(struct buf *out)
{
	buf_printf(out, "COMMIT;\n");
}

static void
tail_comes_last(void **state)
{
	const struct export_format script = {
	    .head = script_head, .entry = script_entry, .tail = script_tail};
	struct store *store = filled();
	struct buf out = {0};

	(void)state;
	assert_true(export_print(&script, store, NOW_MS, add_piece, &out, &kit_err));
	assert_string_equal(
	    buf_text(&out), "BEGIN; -- 2\n[mx.test]:2525\nz.test\nCOMMIT;\n");
	buf_clear(&out);
	store_close(store);
}

/* What the command line says of them is made of the table. */
static void
each_format_has_help(void **state)
{
	struct buf names = {0}, help = {0};
	struct str rest, name;

	(void)state;
	export_names(&names);
	buf_printf(&names, ", ");
	export_help(&help);
	rest = (struct str){buf_text(&names), names.len};
	while (str_cut(&rest, ',', &name)) {
		struct buf line = {0};

		str_eat(&rest, STR(" "));
		buf_printf(&line, "\n  %.*s ", (int)name.len, name.p);
		assert_non_null(strstr(buf_text(&help), buf_text(&line)));
		buf_clear(&line);
	}
	assert_ptr_equal(export_find(NULL), export_find("postmap"));
	buf_clear(&names);
	buf_clear(&help);
}

struct keys {
	unsigned count;
	bool in_order;
	char last[64];
};

static bool
take_key(void *taker, const struct map_entry *entry, struct err *err)
{
	struct keys *keys = taker;

	if (strcmp(entry->key, "d900.test") == 0)
		return err_set(err, "enough");
	keys->in_order = keys->in_order && strcmp(keys->last, entry->key) < 0;
	str_copy(str_of(entry->key), keys->last, sizeof(keys->last));
	keys->count++;
	assert_string_equal(entry->value, "may");
	return true;
}

static void
lines_come_in_order_until_refused(void **state)
{
	struct store *store = kit_scratch();
	struct keys keys = {.in_order = true};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct destination d;
		char key[32];

		snprintf(key, sizeof(key), "d%03d.test", 999 - i);
		destination_init(&d, key);
		d.entry.level = LEVEL_MAY;
		kit_put(store, &d);
	}
	assert_false(maplines_each(store, take_key, &keys, &kit_err));
	assert_string_equal(kit_err.text, "enough");
	assert_int_equal(keys.count, 900);
	assert_true(keys.in_order);
	store_close(store);
}

/* Long texts come in pieces; together they are the whole. */
static void
many_entries_come_in_pieces(void **state)
{
	struct store *store = kit_scratch();
	char *text, *at;
	unsigned count = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct destination d;
		char key[32];

		snprintf(key, sizeof(key), "d%04d.test", i);
		destination_init(&d, key);
		d.entry.level = LEVEL_ENCRYPT;
		kit_put(store, &d);
	}
	text = export(store, "json");
	assert_true(strlen(text) > 300000);
	for (at = text; (at = strstr(at, "{\"destination\":\"d")) != NULL; at++) {
		char key[8];

		snprintf(key, sizeof(key), "%04u", count++);
		assert_memory_equal(at + 17, key, 4);
	}
	assert_int_equal(count, 3000);
	free(text);
	store_close(store);
}

/* Who only reads waits for no writer, and sees what was there before it began. */
static void
writer_is_not_waited_for(void **state)
{
	struct store *store = kit_open("locked.db"), *other = kit_open("locked.db");
	struct destination d;
	char *text;

	(void)state;
	assert_true(store_begin(other, &kit_err));
	destination_init(&d, "new.test");
	d.entry.level = LEVEL_MAY;
	assert_true(store_put(other, &d, &kit_err));
	text = export(store, "json");
	assert_string_equal(text, "");
	free(text);
	assert_true(store_commit(other, &kit_err));
	text = export(store, "json");
	assert_non_null(strstr(text, "new.test"));
	free(text);
	store_close(store);
	store_close(other);
}

int
main(void)
{
	kit_begin();
	suite_add(names_are_found, NULL, "formats are found by their names");
	suite_add(postmap_has_one_line_an_entry, NULL,
	    "postmap: a line an entry and one for its why, whatever the note holds");
	suite_add(json_is_an_object_a_line, NULL, "json: an object a line, read back");
	suite_add(csv_is_read_back, NULL, "csv: read back as RFC 4180 has it");
	for (size_t i = 0; i < sizeof(formulas) / sizeof(formulas[0]); i++)
		suite_add(csv_holds_no_formula, formulas[i], "csv: no formula, case %zu",
		    i + 1);
	suite_add(tail_comes_last, NULL, "a format may have a tail");
	suite_add(each_format_has_help, NULL, "each format has a line of help");
	suite_add(nothing_is_exported_from_nothing, NULL, "no entries, no lines");
	suite_add(lines_come_in_order_until_refused, NULL,
	    "the lines of a map come in order, until one is refused");
	suite_add(many_entries_come_in_pieces, NULL, "three thousand entries, in pieces");
	suite_add(writer_is_not_waited_for, NULL, "a writer is not waited for");
	return kit_end(suite_run());
}
