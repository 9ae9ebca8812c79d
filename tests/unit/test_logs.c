/* SPDX-License-Identifier: BSD-2-Clause */
/* The logs of a daemon: how far the database has them, and whether that is news. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/covered.h"
#include "engine/logs.h"
#include "foldkit.h"
#include "scratch.h"
#include "storekit.h"

#define LINE \
	"2026-11-24T07:12:01.123456+00:00 mail postfix/smtp[9]: QA: to=<u@a.test>, " \
	"relay=" MX ":25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)\n"

static char *dir;
static char paths[2][256];

static void
append(const char *path)
{
	FILE *file = fopen(path, "a");

	assert_non_null(file);
	assert_true(fputs(LINE, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* All that is there. True: a line came. */
static bool
read_all(struct logs *logs, struct fold *fold)
{
	bool came = false;

	while (logs_read(logs, fold, &came))
		;
	return came;
}

/* The store has the places, as they are read from it: behind the end of their texts there
 * is whatever was there. */
static void
store_all(struct logs *logs)
{
	size_t count;
	struct log_place *places = logs_places(logs, &count);

	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++) {
		struct place *place = &places[i].place;
		size_t kind = strlen(place->kind) + 1, text = strlen(place->text) + 1;

		memset(place->kind + kind, 0xa5, sizeof(place->kind) - kind);
		memset(place->text + text, 0x5a, sizeof(place->text) - text);
	}
	logs_stored(logs, places);
	free(places);
}

static void
moved_is_what_was_read_since(void **state)
{
	char *names[] = {paths[0], paths[1]};
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(foldkit_rules);
	struct covered *covered = covered_new();
	struct logs *logs;
	struct err err;
	bool fresh = false;

	(void)state;
	fold_set_covered(fold, covered);
	append(paths[0]);
	append(paths[1]);
	logs = logs_open(names, 2, true, store, &fresh, &err);
	assert_non_null(logs);
	assert_true(fresh);
	assert_int_equal(logs_count(logs), 2);
	assert_true(read_all(logs, fold));
	assert_true(logs_have_moved(logs)); /* nobody stored it */
	store_all(logs);
	assert_false(logs_have_moved(logs));
	assert_false(read_all(logs, fold));
	assert_false(logs_have_moved(logs));
	/* One of them alone. */
	append(paths[1]);
	assert_false(logs_have_moved(logs)); /* it was not read */
	assert_true(read_all(logs, fold));
	assert_true(logs_have_moved(logs));
	store_all(logs);
	assert_false(logs_have_moved(logs));
	logs_close(logs);
	fold_free(fold);
	covered_free(covered);
	store_close(store);
}

int
main(void)
{
	int status;

	foldkit_begin();
	dir = scratch_new(NULL);
	for (int i = 0; i < 2; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/log%d", dir, i);
	suite_add(moved_is_what_was_read_since, NULL,
	    "logs have moved if a line was read since, whatever stands behind the text "
	    "of "
	    "a place");
	status = suite_run();
	scratch_remove(dir);
	free(dir);
	rules_free(foldkit_rules);
	return status;
}
