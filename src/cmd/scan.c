/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlsladder scan and queue: what would be decided on old logs, or on what waits in the
 * queue now; with --apply it is done. The daemon's engine, on a scratch copy of the
 * state unless it is to be applied.
 */
#include "cmd/cmd.h"

#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "base/span.h"
#include "cmd/logfile.h"
#include "cmd/page.h"
#include "cmd/progress.h"
#include "cmd/scan_forecast.h"
#include "cmd/scan_logs.h"
#include "cmd/since.h"
#include "core/nexthop.h"
#include "engine/engine.h"
#include "sys/clock.h"

/* The daemon, or another that counts lines, has its turn between. */
#define TURN_MS     1000
#define BETWEEN_MS  30
#define WAIT_SAY_MS 2000  /* then it is reported that it is waited for */
#define WAIT_MS     60000 /* Postfix answers it within that, or never */

#define KEY_WIDE   30 /* columns of a destination; on a terminal: */
#define KEY_NARROW 20

/* Some may be there twice. */
struct names {
	char **items;
	size_t count;
	size_t room;
	bool sorted;
};

struct scan {
	struct engine *engine;
	struct config config;
	bool of_queue; /* not of logs */
	bool apply;
	bool json;
	bool probe;
	enum level as; /* the forecast of that; LEVEL_UNKNOWN: none */
	int64_t started_ms;
	int64_t since_ms;  /* of the lines that count; 0: all */
	int stored;        /* exit status of the last store() */
	uint64_t doubtful; /* lines that are left out, as a recipient may write them */
	struct names names;
	size_t decided;
	size_t levels[LEVEL_COUNT];
};

/* --- the destinations of what is read ---------------------------------------------- */

static void
names_add(struct names *names, const char *name)
{
	if (names->count == names->room) {
		names->room = names->room > 0 ? 2 * names->room : 256;
		names->items =
		    mem_array(names->items, names->room, sizeof(*names->items));
	}
	names->items[names->count++] = mem_strdup(name);
	names->sorted = false;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
names_have(struct names *names, const char *name)
{
	if (!names->sorted && names->count > 0)
		qsort(names->items, names->count, sizeof(*names->items), compare_names);
	names->sorted = true;
	return names->count > 0 &&
	    bsearch(&name, names->items, names->count, sizeof(*names->items),
	        compare_names) != NULL;
}

static void
names_clear(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
}

/* --- what is shown ----------------------------------------------------------------- */

static const char *
outcome(const struct destination *d)
{
	return d->entry.level != LEVEL_NONE ? level_label(d->entry.level) : "-";
}

static void
print_json(const struct destination *d, struct buf *out)
{
	buf_printf(out, "{\"destination\":");
	buf_add_json(out, str_of(d->key));
	if (d->entry.level != LEVEL_NONE)
		buf_printf(out, ",\"level\":\"%s\"", level_name(d->entry.level));
	else
		buf_printf(out, ",\"level\":null");
	buf_printf(out, ",\"held\":");
	if (d->hold.level != LEVEL_NONE)
		buf_printf(out, "\"%s\"", level_name(d->hold.level));
	else
		buf_printf(out, "null");
	buf_printf(out,
	    ",\"why\":\"%s\",\"sentence\":\"%s\",\"tlsa\":\"%s\",\"attempts\":%u",
	    why_slug(d->why), why_sentence(d->why), d->dns.state, d->alarm.attempts);
	buf_printf(out, ",\"rule\":");
	buf_add_json(out, str_of(d->alarm.rule));
	buf_printf(out, ",\"reason\":");
	buf_add_json(out, str_of(d->alarm.reason));
	buf_printf(out, "}\n");
}

static void
print_text(const struct destination *d, struct buf *out)
{
	struct buf padded = {0};
	bool narrow = page_columns() > 0;

	buf_printf(&padded, "%-16s", outcome(d));
	page_add_key(out, d->key, narrow ? KEY_NARROW : KEY_WIDE);
	buf_add_colour(out,
	    level_promise(d->entry.level) == LEVEL_MAY ? COLOUR_RED
	        : d->entry.level == LEVEL_ENCRYPT      ? COLOUR_YELLOW
	                                               : COLOUR_GREEN,
	    buf_text(&padded));
	buf_printf(out, "  %-14s  TLSA %-11s", why_slug(d->why), d->dns.state);
	/* On a terminal there is no room behind the others. */
	if (d->alarm.reason[0] != '\0')
		buf_printf(out, "%s", narrow ? "\n    " : "  ");
	buf_add_visible(out, str_of(d->alarm.reason));
	buf_add_char(out, '\n');
	buf_clear(&padded);
}

static bool
show(void *context, const struct destination *d)
{
	struct scan *scan = context;
	struct buf out = {0};

	if ((!d->alarm.raised && d->entry.since_ms < scan->started_ms) ||
	    !names_have(&scan->names, d->key))
		return true;
	scan->decided++;
	scan->levels[d->entry.level]++;
	if (scan->json) {
		print_json(d, &out);
		fwrite(buf_text(&out), 1, out.len, stdout);
	} else {
		print_text(d, &out);
		page_print(&out);
	}
	buf_clear(&out);
	return true;
}

/* What a live decision asks as well. */
static const char *
unasked(const struct scan *scan)
{
	if (scan->of_queue)
		return "The servers were not asked: what is weakened is so by the reason "
		       "alone, where the daemon would measure first.";
	return scan->apply
	    ? "The servers were not asked: what is weakened is so by the reason alone, "
	      "where the daemon would measure first. Of mail that is in the queue no "
	      "more "
	      "nothing is decided."
	    : "Neither the queue nor the servers were asked: --apply decides nothing of "
	      "mail that is in the queue no more, and what is weakened is so by the "
	      "reason "
	      "alone, where the daemon would measure first.";
}

static int
show_all(struct scan *scan)
{
	bool narrow = page_columns() > 0;
	struct buf end = {0}, out = {0};
	struct err err;

	if (!scan->json)
		printf("%-*s  %-16s  %-14s  %-16s%s\n", narrow ? KEY_NARROW : KEY_WIDE,
		    "DESTINATION", "LEVEL", "WHY", "DNS", narrow ? "" : "  REASON");
	if (!store_each_touched(engine_store(scan->engine), 1, show, scan, &err))
		return cmd_fail(EX_IOERR, "%s", err.text);
	if (!scan->json) {
		buf_printf(&end, "%zu destination%s with TLS deferrals", scan->decided,
		    scan->decided == 1 ? "" : "s");
		for (enum level l = LEVEL_COUNT; l-- > LEVEL_NONE;)
			if (scan->levels[l] > 0)
				buf_printf(&end, ", %zu %s", scan->levels[l],
				    l == LEVEL_NONE ? "without entry" : level_label(l));
		buf_printf(&end, "%s",
		    scan->apply ? "" : "; nothing was changed (--apply does it)");
		page_wrap(buf_text(&end), "", "", &out);
		page_wrap(unasked(scan), "", "", &out);
		printf("\n%s", buf_text(&out));
		buf_clear(&end);
		buf_clear(&out);
	}
	return cmd_flush();
}

/* --- the work ---------------------------------------------------------------------- */

/* Let the engine work until it wants to wait for something. */
static void
turn(struct scan *scan)
{
	struct pollfd fds[ENGINE_FDS];
	int64_t wait_ms;
	int engine_fd[ENGINE_FDS];

	engine_turn(scan->engine);
	if (engine_is_idle(scan->engine))
		return;
	engine_fds(scan->engine, engine_fd);
	for (size_t i = 0; i < ENGINE_FDS; i++)
		fds[i] = (struct pollfd){.fd = engine_fd[i], .events = POLLIN};
	wait_ms = engine_wait_ms(scan->engine);
	if (wait_ms < 0 || wait_ms > SPAN_SECOND_MS)
		wait_ms = SPAN_SECOND_MS;
	poll(fds, ENGINE_FDS, (int)wait_ms);
}

/* The names of what is stored next. */
static void
note_names(struct scan *scan)
{
	struct fold *fold = engine_fold(scan->engine);

	if (fold_parked(fold) > 0)
		return;
	for (const struct fold_item *i = fold_first(fold); i != NULL; i = i->next)
		names_add(&scan->names, i->key);
}

static enum engine_saved
save(struct scan *scan)
{
	uint64_t doubtful = fold_counts(engine_fold(scan->engine))->ambiguous;
	enum engine_saved saved = engine_save(scan->engine, NULL, 0);

	scan->doubtful += saved == ENGINE_SAVED ? doubtful : 0;
	return saved;
}

/* Waits until nothing waits for a route or for the database. An exit status; a failure
 * was reported. */
static int
store(struct scan *scan)
{
	enum engine_saved saved;

	note_names(scan);
	while ((saved = save(scan)) != ENGINE_SAVED &&
	    engine_is_stuck(scan->engine) == ENGINE_MOVES) {
		turn(scan);
		note_names(scan);
	}
	return saved == ENGINE_SAVED     ? 0
	    : saved == ENGINE_SAVE_WAITS ? EX_UNAVAILABLE
	                                 : EX_IOERR;
}

/* Until everything that can be decided now is, and mail was retried. */
static int
settle(struct scan *scan)
{
	enum engine_stuck stuck;
	const char *undone;

	do {
		progress_show("asking", 0, 0);
		turn(scan);
		stuck = engine_is_stuck(scan->engine);
	} while (stuck == ENGINE_MOVES && !engine_is_idle(scan->engine));
	progress_end();
	if (stuck == ENGINE_STUCK_MAP)
		return cmd_fail(EX_CANTCREAT,
		    "the entries are stored, but the map is not exported; `tlsladder "
		    "doctor` looks into it");
	if (stuck == ENGINE_STUCK)
		return cmd_fail(
		    EX_UNAVAILABLE, "gave up, not all was done; type it again");
	if (scan->apply && !engine_forget_outlived(scan->engine))
		return EX_IOERR;
	undone = engine_left_undone(scan->engine);
	return undone == NULL
	    ? 0
	    : cmd_fail(EX_UNAVAILABLE,
	          "could not %s, not all was done; `tlsladder doctor` looks into it",
	          undone);
}

/* Waits until no other counts lines. */
static bool
begin_counting(void *context)
{
	struct scan *scan = context;
	int64_t since_ms = clock_monotonic_ms(), waited_ms;
	bool reported = false;

	while (scan->stored == 0 && !engine_claim(scan->engine)) {
		waited_ms = clock_monotonic_ms() - since_ms;
		if (waited_ms >= WAIT_SAY_MS && !reported) {
			cmd_note(
			    "waits until the daemon, or another scan, has stored what "
			    "it read");
			reported = true;
		}
		if (waited_ms >= WAIT_MS)
			scan->stored = cmd_fail(EX_UNAVAILABLE,
			    "the daemon, or another scan, does not store what it read; "
			    "`tlsladder status` shows why");
		poll(NULL, 0, BETWEEN_MS);
	}
	return scan->stored == 0;
}

/* What was read until here is stored where it is time for that. */
static bool
pause_reading(void *context, enum scan_pause pause)
{
	struct scan *scan = context;
	struct fold *fold = engine_fold(scan->engine);

	while (intake_is_early(fold) && engine_is_stuck(scan->engine) == ENGINE_MOVES)
		turn(scan);
	if (pause == SCAN_ENDS)
		engine_end_lines(scan->engine);
	if (pause != SCAN_GOES_ON || intake_is_full(fold) ||
	    engine_claimed_for_ms(scan->engine) >= TURN_MS) {
		scan->stored = store(scan);
		if (scan->apply && pause == SCAN_GOES_ON)
			poll(NULL, 0, BETWEEN_MS);
	}
	return scan->stored == 0;
}

/* A line that is counted already is of the files all the same. */
static void
on_known(void *context, const struct parsed *line)
{
	struct scan *scan = context;
	struct nexthop nh;

	if (line->status.status != DELIVERY_SENT &&
	    nexthop_parse(line->status.domain, &nh))
		names_add(&scan->names, nh.key);
}

static int
read_logs(struct scan *scan, char *const *paths, size_t count)
{
	struct scan_logs logs = {
	    .config = &scan->config,
	    .fold = engine_fold(scan->engine),
	    .since_ms = scan->since_ms,
	    .begin = begin_counting,
	    .pause = pause_reading,
	    .progress = progress_show,
	    .context = scan,
	};
	const char *line;
	uint64_t strange;
	int status;

	fold_on_known(logs.fold, on_known, scan);
	status = scan_logs_read(&logs, paths, count);
	progress_end();
	strange = fold_strange(logs.fold, &line);
	logfile_tell_strange(count == 1 ? paths[0] : NULL, strange, str_of(line));
	logfile_tell_strangers(logs.fold);
	logfile_tell_doubtful(count == 1 ? paths[0] : "the logs", scan->doubtful);
	return status != 0 ? status : scan->stored;
}

static int
open_scan(const struct options *options, struct scan *scan, struct rules **rules)
{
	struct err err;
	int status = cmd_load(options, &scan->config, rules);

	if (status != 0)
		return status;
	/* A log may be old, or another machine's: its servers are left alone. */
	scan->config.probe.off = true;
	scan->started_ms = clock_wall_ms();
	scan->engine = engine_new(&scan->config, *rules,
	    scan->apply ? ENGINE_APPLY : ENGINE_IMAGINE, NULL, NULL, &err);
	if (scan->engine == NULL)
		return cmd_fail(EX_IOERR, "%s", err.text);
	engine_run_once(scan->engine);
	return 0;
}

/* A level that anything may wait for. */
static bool
parse_as(const char *text, enum level *level)
{
	return level_parse(str_of(text), level) && *level > LEVEL_MAY &&
	    *level != LEVEL_FINGERPRINT;
}

static int
read_options(const struct command *command, int argc, char **argv, struct scan *scan)
{
	/* The first ones are of scan alone. */
	static const struct option all[] = {{"since", required_argument, NULL, 's'},
	    {"as", required_argument, NULL, 'A'}, {"probe", no_argument, NULL, 'p'},
	    {"apply", no_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'},
	    {NULL, 0, NULL, 0}};
	const struct option *longs = command == &cmd_scan ? all : all + 3;
	int option;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option == 'a')
			scan->apply = true;
		else if (option == 'j')
			scan->json = true;
		else if (option == 's') {
			if (!since_parse(optarg, &scan->since_ms))
				return cmd_usage(command,
				    "--since: \"%s\" is no time; write 7d, 2026-11-24 or "
				    "\"2026-11-24 07:30\"",
				    optarg);
		} else if (option == 'A') {
			if (!parse_as(optarg, &scan->as))
				return cmd_usage(command,
				    "--as: \"%s\" is none of encrypt, dane, verify, "
				    "secure and dane-only",
				    optarg);
		} else if (option == 'p')
			scan->probe = true;
		else
			return cmd_wrong_option(command, option, argv);
	}
	if (scan->probe && scan->as == LEVEL_UNKNOWN)
		return cmd_usage(command, "--probe is for a forecast: --as LEVEL");
	return 0;
}

static int
run_scan(const struct options *options, int argc, char **argv)
{
	struct scan scan = {0};
	struct rules *rules = NULL;
	static char standard_input[] = "-";
	char *only = standard_input, *const *paths = &only;
	size_t count;
	int status = read_options(&cmd_scan, argc, argv, &scan), worst = 0, settled,
	    shown;

	if (status != 0)
		return status;
	if (optind == argc)
		logfile_tell_terminal();
	else
		paths = argv + optind;
	count = optind == argc ? 1 : (size_t)(argc - optind);
	if (scan.as != LEVEL_UNKNOWN) {
		struct forecast_order order = {
		    scan.as, scan.probe, scan.apply, scan.json, scan.since_ms};

		return scan_forecast(options, &order, paths, count);
	}
	status = open_scan(options, &scan, &rules);
	if (status == 0) {
		worst = read_logs(&scan, paths, count);
		settled = settle(&scan);
		shown = show_all(&scan);
		status = worst != 0 ? worst : settled != 0 ? settled : shown;
	}
	names_clear(&scan.names);
	engine_free(scan.engine);
	rules_free(rules);
	config_clear(&scan.config);
	return status;
}

static void
take_queued(void *context, const struct queued *queued)
{
	struct scan *scan = context;

	if (queued->delay_reason[0] == '\0')
		return; /* not tried yet */
	fold_queued(engine_fold(scan->engine), str_of(queued->queue_id),
	    str_of(queued->address), str_of(queued->delay_reason), queued->arrival_s,
	    clock_wall_ms());
}

static int
read_queue(struct scan *scan)
{
	struct postfix postfix = cmd_postfix(&scan->config);
	struct queue_refused refused;
	struct err err;
	int status = 0, stored;

	if (!postfix_read_queue(&postfix, take_queued, scan, &refused, &err))
		status = cmd_fail(EX_UNAVAILABLE,
		    "cannot read the queue: %s; `tlsladder doctor` looks into it",
		    err.text);
	else if (refused.count > 0)
		status = cmd_fail(EX_UNAVAILABLE,
		    "cannot read the queue: %s; %zu lines are left out", refused.why.text,
		    refused.count);
	stored = store(scan);
	return status != 0 ? status : stored;
}

static int
run_queue(const struct options *options, int argc, char **argv)
{
	struct scan scan = {.of_queue = true};
	struct rules *rules = NULL;
	int status = read_options(&cmd_queue, argc, argv, &scan), read, settled, shown;

	if (status != 0)
		return status;
	if (optind < argc)
		return cmd_usage(&cmd_queue, "no argument is expected");
	status = open_scan(options, &scan, &rules);
	if (status == 0) {
		read = read_queue(&scan);
		settled = settle(&scan);
		shown = show_all(&scan);
		status = read != 0 ? read : settled != 0 ? settled : shown;
	}
	names_clear(&scan.names);
	engine_free(scan.engine);
	rules_free(rules);
	config_clear(&scan.config);
	return status;
}

const struct command cmd_scan = {
    .name = "scan",
    .usage = "[--as LEVEL] [--probe] [--apply] [--json] [--since TIME] [FILE|-]...",
    .summary = "Show what would be decided on logs, read once",
    .help =
        "  --as LEVEL    the forecast of a switch of the default level: encrypt, dane,\n"
        "                verify, secure or dane-only\n"
        "  --probe       ask the servers for it, with posttls-finger(1)\n"
        "  --apply       do it; of a forecast: its entries, before the switch\n"
        "  --json        one JSON object a line\n"
        "  --since TIME  leave out lines before: 7d, 2026-11-24 07:30 or,\n"
        "                in UTC, 2026-11-24T07:30:00Z\n\n"
        "FILE may be compressed with gzip. - is standard input. The order of files\n"
        "does not matter.\n",
    .run = run_scan,
};

const struct command cmd_queue = {
    .name = "queue",
    .usage = "[--apply] [--json]",
    .summary = "The same on what waits in the queue now (postqueue -j)",
    .help = "  --apply  do it\n"
            "  --json   one JSON object a line\n",
    .run = run_queue,
};
