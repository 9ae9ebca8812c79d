/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder export: the entries in a format for others to read. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "publish/export.h"
#include "sys/clock.h"
#include "sys/file.h"

struct exporter {
	const struct export_format *format;
	const char *path; /* NULL: standard output */
	int fd;           /* of the file beside it */
	const char *beside;
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
		x->failed = !file_append(x->fd, x->beside, piece, &x->err);
}

/* Whoever reads the file sees the old one or the new one. */
static int
export_to_file(struct exporter *x, struct store *store)
{
	struct buf beside = {0};
	bool read, done;

	buf_printf(&beside, "%s.new", x->path);
	x->beside = buf_text(&beside);
	x->fd = file_create(x->beside, &x->err);
	if (x->fd < 0) {
		buf_clear(&beside);
		return cmd_fail(EX_CANTCREAT, "%s", x->err.text);
	}
	read = export_print(x->format, store, clock_wall_ms(), write_piece, x, &x->err);
	if (!read || x->failed) {
		close(x->fd);
		unlink(x->beside);
		done = false;
	} else {
		done = file_finish(x->fd, x->beside, &x->err) &&
		    file_replace(x->beside, x->path, &x->err);
		if (!done)
			unlink(x->beside);
	}
	buf_clear(&beside);
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
	return status;
}

static int
run_export(const struct options *options, int argc, char **argv)
{
	struct exporter x = {.format = export_find(NULL), .fd = -1};
	struct config config;
	struct store *store;
	int status = read_arguments(argc, argv, &x);

	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
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
            "              instead of standard output\n"
            "--json        the same as --format json\n",
    .more_help = export_help,
    .run = run_export,
};
