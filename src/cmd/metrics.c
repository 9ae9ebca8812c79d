/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder metrics: what is counted, for Prometheus. */
#include "engine/metrics.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include "cmd/cmd.h"
#include "cmd/output.h"

static int
write_file(const char *path, const struct buf *text)
{
	struct output output;
	struct err err;

	if (!output_open(path, &output, &err))
		return cmd_fail(EX_CANTCREAT, "%s", err.text);
	if (!output_write(&output, (struct str){buf_text(text), text->len}, &err)) {
		output_abandon(&output);
		return cmd_fail(EX_CANTCREAT, "%s", err.text);
	}
	return output_finish(&output, &err) ? 0 : cmd_fail(EX_CANTCREAT, "%s", err.text);
}

static int
show(const struct config *config, const struct rules *rules, const char *path)
{
	struct store *store;
	struct buf text = {0};
	struct err err;
	int status = 0;

	store = cmd_store(config, false, &status);
	if (store == NULL)
		return status;
	if (!metrics_print(store, config, rules, &text, &err)) {
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else if (path != NULL) {
		status = write_file(path, &text);
	} else {
		fwrite(buf_text(&text), 1, text.len, stdout);
		status = cmd_flush();
	}
	buf_clear(&text);
	store_close(store);
	return status;
}

static int
run_metrics(const struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"textfile", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
	const char *path = NULL, *ours = NULL;
	struct rules *rules = NULL;
	struct config config;
	int option, status;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option != 't')
			return cmd_wrong_option(&cmd_metrics, option, argv);
		path = optarg;
	}
	if (optind < argc)
		return cmd_usage(&cmd_metrics, "no argument is expected");
	if (path != NULL && path[0] == '\0')
		return cmd_usage(&cmd_metrics, "--textfile wants the name of a file");
	status = cmd_load(options, &config, &rules);
	if (status != 0)
		return status;
	if (path != NULL)
		ours = output_is_ours(path, &config, options->config_file);
	status = ours != NULL
	    ? cmd_usage(&cmd_metrics, "%s is %s: write into another file", path, ours)
	    : show(&config, rules, path);
	rules_free(rules);
	config_clear(&config);
	return status;
}

const struct command cmd_metrics = {
    .name = "metrics",
    .usage = "[--textfile FILE]",
    .summary = "Write what is counted, for Prometheus",
    .help = "--textfile  into FILE, which is written beside it and renamed over it,\n"
            "            for node_exporter; the daemon does so each minute where\n"
            "            metrics.textfile says where\n",
    .run = run_metrics,
};
