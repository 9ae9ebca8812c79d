/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder export: the entries in a format for others to read. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cmd/output.h"
#include "publish/export.h"
#include "sys/clock.h"

struct exporter {
	const struct export_format *format;
	const char *named; /* the format, as an option has it; NULL: none has */
	const char *path;  /* NULL: standard output */
	struct output output;
	struct err err;
	bool failed; /* to write, with the cause in err */
};

static void
write_piece(void *context, struct str piece)
{
	struct exporter *x = context;

	if (x->path == NULL) /* cmd_flush() reports a failed write */
		fwrite(piece.p, 1, piece.len, stdout);
	else if (!x->failed)
		x->failed = !output_write(&x->output, piece, &x->err);
}

static int
export_to_file(struct exporter *x, struct store *store)
{
	bool read, done = false;

	if (!output_open(x->path, &x->output, &x->err))
		return cmd_fail(EX_CANTCREAT, "%s", x->err.text);
	read = export_print(x->format, store, clock_wall_ms(), write_piece, x, &x->err);
	if (!read || x->failed)
		output_abandon(&x->output);
	else
		done = output_finish(&x->output, &x->err);
	return done ? 0 : cmd_fail(read ? EX_CANTCREAT : EX_IOERR, "%s", x->err.text);
}

static int
export_all(struct exporter *x, struct store *store)
{
	struct err err;

	if (x->path != NULL)
		return export_to_file(x, store);
	if (!export_print(x->format, store, clock_wall_ms(), write_piece, x, &err))
		return cmd_fail(EX_IOERR, "%s", err.text);
	return cmd_flush();
}

static int
set_format(struct exporter *x, const char *name)
{
	struct buf names = {0};

	if (x->named != NULL && strcmp(x->named, name) != 0)
		return cmd_usage(
		    &cmd_export, "one format is written: %s or %s", x->named, name);
	x->named = name;
	x->format = export_find(name);
	if (x->format != NULL)
		return 0;
	export_names(&names);
	cmd_usage(&cmd_export, "formats are %s", buf_text(&names));
	buf_clear(&names);
	return EX_USAGE;
}

static int
read_arguments(int argc, char **argv, struct exporter *x)
{
	static const struct option longs[] = {{"format", required_argument, NULL, 'f'},
	    {"json", no_argument, NULL, 'j'}, {"output", required_argument, NULL, 'o'},
	    {NULL, 0, NULL, 0}};
	int option, status = 0;

	while (
	    status == 0 && (option = getopt_long(argc, argv, ":o:", longs, NULL)) != -1) {
		if (option == 'f' || option == 'j')
			status = set_format(x, option == 'j' ? "json" : optarg);
		else if (option == 'o')
			x->path = strcmp(optarg, "-") != 0 ? optarg : NULL;
		else
			return cmd_wrong_option(&cmd_export, option, argv);
	}
	if (status == 0 && optind < argc)
		return cmd_usage(&cmd_export, "no argument is expected");
	if (status == 0 && x->path != NULL && x->path[0] == '\0')
		return cmd_usage(&cmd_export, "-o wants the name of a file");
	return status;
}

static int
run_export(const struct options *options, int argc, char **argv)
{
	struct exporter x = {.format = export_find(NULL)};
	struct config config;
	struct store *store = NULL;
	const char *ours = NULL;
	int status = read_arguments(argc, argv, &x);

	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	if (x.path != NULL)
		ours = output_is_ours(x.path, &config, options->config_file);
	if (ours != NULL)
		status = cmd_usage(
		    &cmd_export, "%s is %s: export into another file", x.path, ours);
	else
		store = cmd_store(&config, false, &status);
	if (store != NULL)
		status = export_all(&x, store);
	store_close(store);
	config_clear(&config);
	return status;
}

const struct command cmd_export = {
    .name = "export",
    .usage = "[--format FORMAT | --json] [-o FILE]",
    .summary = "Write the entries in a format for others",
    .help = "-o, --output  into FILE, which is written beside it and renamed over it,\n"
            "              instead of standard output; no file of tlsladder's own\n"
            "--json        the same as --format json\n",
    .more_help = export_help,
    .run = run_export,
};
