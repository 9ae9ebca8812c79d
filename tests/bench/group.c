/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What scan and run do with a log before they ask anyone: lines read, recognised and
 * folded into news per destination, in memory. No state, no DNS.
 * usage: group RULES LOG
 */
#include <inttypes.h>
#include <stdio.h>

#include "conf/rulefile.h"
#include "core/fold.h"
#include "engine/intake_lines.h"
#include "logs/source.h"

static void
on_note(void *context, enum source_note note, const char *text)
{
	(void)note;
	*(bool *)context = true;
	fprintf(stderr, "%s\n", text);
}

static bool
group(struct fold *fold, const char *path, struct err *err)
{
	bool failed = false, came = false;
	struct source_options options = {.note = on_note, .context = &failed};
	struct source *source = source_open_whole(path, &options, err);

	if (source == NULL)
		return false;
	while (intake_read(fold, source, INT64_MAX, &came) != SOURCE_END)
		;
	source_close(source);
	return !failed || err_set(err, "%s was not read to its end", path);
}

int
main(int argc, char **argv)
{
	const struct fold_counts *counts;
	struct errs errs = {0};
	struct rules *rules;
	struct fold *fold;
	struct err err;
	int status = 0;

	if (argc != 3)
		return 64;
	rules = rulefile_load(argv + 1, 1, RULEFILE_COMPILE, &errs);
	for (size_t i = 0; i < errs.count; i++)
		fprintf(stderr, "%s\n", errs.lines[i]);
	errs_clear(&errs);
	if (rules == NULL)
		return 78;
	fold = fold_new(rules);
	if (!group(fold, argv[2], &err)) {
		fprintf(stderr, "%s\n", err.text);
		status = 66;
	}
	counts = fold_counts(fold);
	printf("%zu destinations, %" PRIu64 " status lines, %" PRIu64
	       " sessions, %" PRIu64 " recognised\n",
	    fold_size(fold), counts->status_lines, counts->sessions, counts->recognised);
	fold_free(fold);
	rules_free(rules);
	return status;
}
