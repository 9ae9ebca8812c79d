/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder report: how mail was protected in a month, for whoever answers for it. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/span.h"
#include "cmd/output.h"
#include "cmd/page.h"
#include "publish/report.h"
#include "publish/report_words.h"
#include "store/store_report.h"
#include "sys/clock.h"

struct reporter {
	struct report report;
	const struct report_language *lang;
	const char *month; /* NULL: the present one */
	const char *node;  /* NULL: all */
	const char *path;  /* of the HTML; NULL: none is written */
	bool json;
};

/* --- what is known ----------------------------------------------------------------- */

static void
add_month(void *context, const char *month, const char *what, uint64_t count)
{
	report_add_month(context, month, what, count);
}

static void
add_sent(void *context, const char *key, const char *protection, uint64_t count)
{
	report_add_sent(context, key, protection, count);
}

static void
add_change(void *context, const char *key, const struct decision_record *record)
{
	report_add_change(context, key, record);
}

static bool
add_entry(void *context, const struct entry *entry)
{
	report_add_entry(context, entry);
	return true;
}

/* What the configuration says stands before what the daemon read of Postfix. */
static bool
read_default(
    struct report *r, const struct config *config, struct store *store, struct err *err)
{
	struct buf level = {0};
	bool done = store_blob_get(store, STORE_DEFAULT_LEVEL, &level, err);

	r->default_level = config->postfix.default_level;
	if (done && r->default_level == LEVEL_UNKNOWN &&
	    !level_parse(str_of(buf_text(&level)), &r->default_level))
		r->default_level = LEVEL_UNKNOWN;
	buf_clear(&level);
	return done;
}

static bool
read_report(
    struct report *r, const struct config *config, struct store *store, struct err *err)
{
	return store_begin_read(store, err) && read_default(r, config, store, err) &&
	    store_each_month(store, r->node, add_month, r, err) &&
	    store_each_sent(store, r->node, r->from_ms / SPAN_DAY_MS,
	        r->until_ms / SPAN_DAY_MS, add_sent, r, err) &&
	    store_each_change_between(
	        store, r->from_ms, r->until_ms, add_change, r, err) &&
	    store_each_entry(store, add_entry, r, err) && store_commit(store, err);
}

/* --- what is written --------------------------------------------------------------- */

static int
write_html(const struct reporter *x)
{
	struct buf html = {0};
	struct output output;
	struct err err;
	bool done = false;

	report_html(&x->report, x->lang, &html);
	if (strcmp(x->path, "-") == 0) {
		fwrite(buf_text(&html), 1, html.len, stdout);
		buf_clear(&html);
		return cmd_flush();
	}
	if (output_open(x->path, &output, &err)) {
		done =
		    output_write(&output, (struct str){buf_text(&html), html.len}, &err);
		if (done)
			done = output_finish(&output, &err);
		else
			output_abandon(&output);
	}
	buf_clear(&html);
	return done ? 0 : cmd_fail(EX_CANTCREAT, "%s", err.text);
}

static int
print(const struct reporter *x)
{
	struct buf out = {0};

	if (x->json)
		report_json(&x->report, &out);
	else
		report_text(&x->report, x->lang, &out);
	if (x->json)
		fwrite(buf_text(&out), 1, out.len, stdout);
	else
		page_print_whole(&out);
	buf_clear(&out);
	return cmd_flush();
}

static int
report_all(struct reporter *x, const struct config *config, struct store *store)
{
	struct err err;
	int status = 0;

	if (!read_report(&x->report, config, store, &err))
		return cmd_fail(EX_IOERR, "%s", err.text);
	report_end(&x->report);
	if (x->path != NULL)
		status = write_html(x);
	if (status == 0 && (x->json || x->path == NULL))
		status = print(x);
	return status;
}

/* --- the command ------------------------------------------------------------------- */

static int
read_arguments(int argc, char **argv, struct reporter *x)
{
	static const struct option longs[] = {{"month", required_argument, NULL, 'm'},
	    {"html", required_argument, NULL, 'h'}, {"json", no_argument, NULL, 'j'},
	    {"lang", required_argument, NULL, 'l'},
	    {"node", required_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option == 'm')
			x->month = optarg;
		else if (option == 'h')
			x->path = optarg;
		else if (option == 'j')
			x->json = true;
		else if (option == 'n')
			x->node = optarg;
		else if (option == 'l')
			x->lang = report_language(str_of(optarg));
		else
			return cmd_wrong_option(&cmd_report, option, argv);
		if (x->lang == NULL)
			return cmd_usage(&cmd_report, "languages are en and de");
	}
	if (optind < argc)
		return cmd_usage(&cmd_report, "no argument is expected");
	if (x->path != NULL && x->path[0] == '\0')
		return cmd_usage(&cmd_report, "--html wants the name of a file");
	if (x->path != NULL && strcmp(x->path, "-") == 0 && x->json)
		return cmd_usage(
		    &cmd_report, "one of --json and --html - goes to standard output");
	if (x->month != NULL && x->month[0] == '\0')
		return cmd_usage(&cmd_report, "--month wants a month as 2026-11");
	return 0;
}

/* Of one node alone nothing is counted but what is of all. */
static int
choose_node(struct reporter *x, const struct config *config)
{
	const struct nodes *nodes = &config->nodes;

	for (size_t i = 0; i < nodes->count; i++) {
		const char *host = nodes->items[i].host;

		if (str_equal_nocase(str_of(x->node), str_of(host))) {
			x->report.node =
			    nodes->count > 1 || strcmp(host, "any") != 0 ? host : "";
			return 0;
		}
	}
	return cmd_usage(&cmd_report, "nodes: has no \"%s\"", x->node);
}

static int
run_on(struct reporter *x, const struct options *options, const struct config *config)
{
	const char *ours = x->path != NULL && strcmp(x->path, "-") != 0
	    ? output_is_ours(x->path, config, options->config_file)
	    : NULL;
	struct store *store;
	int status;

	if (ours != NULL)
		return cmd_usage(
		    &cmd_report, "%s is %s: write into another file", x->path, ours);
	if (x->node != NULL && (status = choose_node(x, config)) != 0)
		return status;
	store = cmd_store(config, false, &status);
	if (store != NULL)
		status = report_all(x, config, store);
	store_close(store);
	return status;
}

static int
run_report(const struct options *options, int argc, char **argv)
{
	struct reporter x = {.lang = report_language(STR("en"))};
	struct config config;
	int status = read_arguments(argc, argv, &x);

	if (status == 0 &&
	    !report_begin(
	        &x.report, str_of(x.month != NULL ? x.month : ""), clock_wall_ms()))
		status = x.month != NULL
		    ? cmd_usage(&cmd_report,
		          "\"%s\" is no month that has begun, as 2026-11", x.month)
		    : cmd_fail(EX_UNAVAILABLE,
		          "the clock of this machine is wrong: it is not in the years "
		          "1970 to 9999");
	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status == 0) {
		status = run_on(&x, options, &config);
		config_clear(&config);
	}
	report_clear(&x.report);
	return status;
}

const struct command cmd_report = {
    .name = "report",
    .usage = "[--month YYYY-MM] [--node HOST] [--html FILE] [--json] [--lang en|de]",
    .summary = "Report how the mail of a month was protected",
    .help = "--month  instead of the present month\n"
            "--node   of the mail that this one of nodes: sent\n"
            "--html   as a page, into FILE, which is written beside it and renamed over "
            "it;\n"
            "         -: to standard output. No file of tlsladder's own\n"
            "--json   an object a line\n"
            "--lang   the words, dates and numbers of the text and the page: English or\n"
            "         German\n",
    .run = run_report,
};
