/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder export: the entries to standard output, in a format for others to read. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "publish/export.h"
#include "sys/clock.h"

/* cmd_flush() reports a failed write. */
static void
print(void *context, struct str piece)
{
	(void)context;
	fwrite(piece.p, 1, piece.len, stdout);
}

static int
run_export(const struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"format", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
	const struct export_format *format = export_find(NULL);
	struct config config;
	struct store *store;
	struct buf out = {0};
	struct err err;
	int option, status;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option != 'f')
			return cmd_wrong_option(&cmd_export, option, argv);
		format = export_find(optarg);
		if (format == NULL) {
			export_names(&out);
			status = cmd_usage(&cmd_export, "formats are %s", buf_text(&out));
			buf_clear(&out);
			return status;
		}
	}
	if (optind < argc)
		return cmd_usage(&cmd_export, "no argument is expected");
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	store = cmd_store(&config, false, &status);
	if (store != NULL) {
		if (export_print(format, store, clock_wall_ms(), print, NULL, &err))
			status = cmd_flush();
		else
			status = cmd_fail(EX_IOERR, "%s", err.text);
	}
	store_close(store);
	config_clear(&config);
	return status;
}

const struct command cmd_export = {
    .name = "export",
    .usage = "[--format FORMAT]",
    .summary = "Write the entries to standard output",
    .more_help = export_help,
    .run = run_export,
};
