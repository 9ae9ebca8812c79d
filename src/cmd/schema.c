/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder schema: the SQL that makes a table of our own. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "publish/table.h"

static int
run_schema(const struct options *options, int argc, char **argv)
{
	struct buf out = {0};
	struct err err;
	int status = cmd_no_options(&cmd_schema, argc, argv);

	(void)options;
	if (status != 0)
		return status;
	if (argc - optind != 1 ||
	    (strcmp(argv[optind], "mariadb") != 0 &&
	        strcmp(argv[optind], "postgresql") != 0))
		return cmd_usage(&cmd_schema, "mariadb or postgresql is needed");
	if (table_print_schema(argv[optind], &out, &err))
		fwrite(out.data, 1, out.len, stdout);
	else
		status = cmd_fail(EX_UNAVAILABLE, "%s", err.text);
	buf_clear(&out);
	return status != 0 ? status : cmd_flush();
}

const struct command cmd_schema = {
    .name = "schema",
    .usage = "mariadb|postgresql",
    .summary = "Print the SQL that makes a table for publish",
    .run = run_schema,
};
