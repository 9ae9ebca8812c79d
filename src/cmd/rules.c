/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder rules: are the rule files right, and do their examples say so? */
#include "cmd/cmd.h"

#include <stdio.h>
#include <unistd.h>

#include "conf/rulefile.h"

static int
run_rules(const struct options *options, int argc, char **argv)
{
	struct errs errs = {0}, notes = {0};
	struct config config;
	struct strings files;
	struct rules *rules;
	size_t count;
	int status = cmd_no_options(&cmd_rules, argc, argv);

	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	files = config.rules;
	if (optind < argc)
		files = (struct strings){argv + optind, (size_t)(argc - optind)};
	rules = rulefile_load_noting(
	    files.items, files.count, RULEFILE_EXAMPLES, &notes, &errs);
	if (rules == NULL) {
		status = cmd_complain(&errs);
	} else {
		count = rules_count(rules);
		printf("%zu rule%s in %zu file%s, all examples as they should be\n",
		    count, count == 1 ? "" : "s", files.count,
		    files.count == 1 ? "" : "s");
		for (size_t i = 0; i < notes.count; i++)
			printf("%s\n", notes.lines[i]);
		status = cmd_flush();
	}
	errs_clear(&notes);
	rules_free(rules);
	config_clear(&config);
	return status;
}

const struct command cmd_rules = {
    .name = "rules",
    .usage = "[FILE]...",
    .summary = "Check the rule files, their patterns and their examples",
    .help = "FILE: these rule files, in this order, instead of the configured ones.\n",
    .run = run_rules,
};
