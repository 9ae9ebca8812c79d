/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlsladder-mariadb LOGIN_FILE SCHEMA: stands for the helper of that name, by its
 * contract (src/core/rows.h). The login file is the table, a row a line, "KEY ID LEVEL
 * ATTRIBUTES ACTIVE MODIFIED" with tabs between; its first line is the last number that
 * was given out. Beside it, where they are there:
 *
 *	LOGIN.does   what goes wrong: outage, login, rights, hang, silent (it is done, and
 *	             not said), unsure, kill (the parent, before anything is done),
 *	             kill-after, missing (an answer without end)
 *	LOGIN.busy   the key that is locked
 *	LOGIN.bad    the key that is refused
 *	LOGIN.calls  gets the requests
 *
 * The schema is told without a look at any file.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/rows.h"

#define ROWS_MAX 20000

struct row {
	char *key, *level, *attributes;
	unsigned id, modified;
	bool active;
};

static struct row rows[ROWS_MAX];
static size_t row_count;
static unsigned last;
static const char *login;

static char *
read_all(FILE *f)
{
	struct buf text = {0};
	char piece[65536];
	size_t got;

	while ((got = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&text, piece, got);
	return buf_take(&text);
}

/* A file beside the table without its newline; "" where there is none. */
static char *
beside(const char *suffix)
{
	struct buf path = {0};
	char *text;
	FILE *f;

	buf_printf(&path, "%s.%s", login, suffix);
	f = fopen(buf_text(&path), "re");
	buf_clear(&path);
	if (f == NULL)
		return mem_strdup("");
	text = read_all(f);
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void
load(void)
{
	FILE *f = fopen(login, "re");
	char key[512], level[64], attributes[512];
	struct row row;
	int active;

	if (f == NULL || fscanf(f, "%u\n", &last) != 1) {
		if (f != NULL)
			fclose(f);
		return;
	}
	while (row_count < ROWS_MAX &&
	    fscanf(f, "%511[^\t]\t%u\t%63[^\t]\t%511[^\t]\t%d\t%u\n", key, &row.id, level,
	        attributes, &active, &row.modified) == 6) {
		row.key = mem_strdup(key);
		row.level = mem_strdup(level);
		row.attributes =
		    mem_strdup(strcmp(attributes, "-") == 0 ? "" : attributes);
		row.active = active != 0;
		rows[row_count++] = row;
	}
	fclose(f);
}

static void
save(void)
{
	struct buf path = {0};
	FILE *f;

	buf_printf(&path, "%s.new", login);
	f = fopen(buf_text(&path), "we");
	if (f == NULL)
		exit(99);
	fprintf(f, "%u\n", last);
	for (size_t i = 0; i < row_count; i++)
		if (rows[i].key != NULL)
			fprintf(f, "%s\t%u\t%s\t%s\t%d\t%u\n", rows[i].key, rows[i].id,
			    rows[i].level,
			    rows[i].attributes[0] != '\0' ? rows[i].attributes : "-",
			    rows[i].active, rows[i].modified);
	if (fclose(f) != 0 || rename(buf_text(&path), login) != 0)
		exit(99);
	buf_clear(&path);
}

static struct row *
find(struct str key)
{
	for (size_t i = 0; i < row_count; i++)
		if (rows[i].key != NULL && str_equal_nocase(key, str_of(rows[i].key)))
			return &rows[i];
	return NULL;
}

static void
say(enum rows_word word, struct str key, const struct row *row)
{
	char id[16] = "", modified[16] = "";
	struct rows_line line = {.word = word, .key = key};
	struct buf out = {0};

	if (row != NULL) {
		snprintf(id, sizeof(id), "%u", row->id);
		if (row->modified != 0)
			snprintf(modified, sizeof(modified), "%u", row->modified);
		line.has_row = true;
		line.row = (struct rows_row){.id = str_of(id),
		    .level = str_of(row->level),
		    .attributes = str_of(row->attributes),
		    .modified = str_of(modified),
		    .owner = STR(""),
		    .active = row->active};
	}
	line.text = STR("Data too long for column");
	if (!rows_line_print(&line, &out))
		exit(98);
	fputs(buf_text(&out), stdout);
	buf_clear(&out);
}

static bool
is_as_asked(const struct row *row, const struct rows_item *item,
    const struct rows_request *request)
{
	const struct rows_row *known = &item->line.row;
	char id[16], modified[16] = "";

	for (unsigned i = 0; i < item->intent_count; i++) {
		const struct rows_line *intent = &request->intents[item->intent + i];

		if (row->active && str_is(intent->level, row->level) &&
		    str_is(intent->attributes, row->attributes))
			return true;
	}
	snprintf(id, sizeof(id), "%u", row->id);
	if (row->modified != 0)
		snprintf(modified, sizeof(modified), "%u", row->modified);
	return item->line.has_row && row->active && str_is(known->id, id) &&
	    str_is(known->level, row->level) &&
	    str_is(known->attributes, row->attributes) &&
	    str_is(known->modified, modified);
}

static void
change(struct row *row, const struct rows_line *line)
{
	if (str_is(line->level, row->level) && str_is(line->attributes, row->attributes))
		return;
	row->level = mem_strndup(line->level.p, line->level.len);
	row->attributes = mem_strndup(
	    line->attributes.len > 0 ? line->attributes.p : "", line->attributes.len);
	row->modified = ++last;
}

static void
insert(const struct rows_line *line)
{
	struct row *row = &rows[row_count++];

	*row = (struct row){.key = mem_strndup(line->key.p, line->key.len),
	    .id = ++last,
	    .active = true,
	    .level = mem_strdup(""),
	    .attributes = mem_strdup("")};
	change(row, line);
	row->modified = 0;
}

static void
look(struct str key)
{
	struct str asked = key;

	do {
		const struct row *row = find(asked);

		if (row != NULL && (row->active || asked.p == key.p)) {
			say(ROWS_THEIRS, asked, row);
			return;
		}
	} while (rows_next_parent(&asked));
	say(ROWS_GONE, key, NULL);
}

static void
serve(const struct rows_item *item, const struct rows_request *request)
{
	const struct rows_line *line = &item->line;
	struct row *row = find(line->key);

	if (line->word == ROWS_LOOK) {
		look(line->key);
	} else if (str_is(line->key, beside("busy"))) {
		say(ROWS_BUSY, line->key, NULL);
	} else if (line->word == ROWS_WANT && str_is(line->key, beside("bad"))) {
		say(ROWS_REFUSED, line->key, NULL);
	} else if (row == NULL && (line->word == ROWS_DROP || line->has_row)) {
		say(ROWS_GONE, line->key, NULL);
	} else if (row != NULL && !is_as_asked(row, item, request)) {
		say(ROWS_THEIRS, line->key, row);
	} else if (line->word == ROWS_DROP) {
		row->key = NULL;
		say(ROWS_GONE, line->key, NULL);
	} else {
		if (row != NULL)
			change(row, line);
		else
			insert(line);
		say(ROWS_OURS, line->key, find(line->key));
	}
}

static int
fail(const char *line, int status)
{
	puts(line);
	return status;
}

static int
serve_all(const struct rows_request *request)
{
	if (request->what == ROWS_ALL)
		for (size_t i = 0; i < row_count; i++)
			if (rows[i].key != NULL)
				say(ROWS_ROW, str_of(rows[i].key), &rows[i]);
	for (size_t i = 0; i < request->count; i++)
		serve(&request->items[i], request);
	return 0;
}

static void
note_call(const char *text)
{
	struct buf path = {0};
	FILE *f;

	buf_printf(&path, "%s.calls", login);
	f = fopen(buf_text(&path), "ae");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		exit(99);
	buf_clear(&path);
}

static int
run(int argc, char **argv)
{
	struct rows_request request;
	char *text, *does;
	bool changes;
	struct err err;
	int status;

	if (argc != 3)
		return 64;
	login = argv[1];
	text = read_all(stdin);
	if (!rows_request_parse(str_of(text), &request, &err)) {
		fprintf(stderr, "fake: %s\n", err.text);
		return 65;
	}
	if (request.what == ROWS_SCHEMA)
		return fail("CREATE TABLE tls_policy (dest text);", 0);
	note_call(text);
	does = beside("does");
	changes = request.what == ROWS_WANT && request.count > 0 &&
	    request.items[0].line.word != ROWS_LOOK;
	if (strcmp(does, "outage") == 0)
		return fail("failed\toutage\tCan't connect to server (2002)", 69);
	if (strcmp(does, "login") == 0)
		return fail("failed\tlogin\tothers may read it", 78);
	if (strcmp(does, "rights") == 0 && request.what == ROWS_RIGHTS)
		puts("grant\tGRANT SELECT ON x.tls_policy TO 'me'@'%'");
	if (strcmp(does, "rights") == 0)
		return fail("failed\trights\tINSERT command denied (1142)", 77);
	if (strcmp(does, "hang") == 0)
		return pause();
	if (strcmp(does, "kill") == 0 && changes)
		return kill(getppid(), SIGKILL);
	load();
	status = serve_all(&request);
	if (changes)
		save();
	if (strcmp(does, "kill-after") == 0 && changes)
		return kill(getppid(), SIGKILL);
	if (strcmp(does, "silent") == 0 && changes)
		_exit(1);
	if (strcmp(does, "unsure") == 0 && changes)
		return fail("unsure\toutage\tLost connection (2013)", 69);
	if (strcmp(does, "missing") != 0)
		puts("done");
	return status;
}

/* It ends at once, and frees nothing. */
int
main(int argc, char **argv)
{
	int status = run(argc, argv);

	fflush(stdout);
	_exit(status);
}
