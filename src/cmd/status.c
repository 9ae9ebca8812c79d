/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder status: does it run, does it keep up, and whose mail waits? */
#include "cmd/cmd.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/width.h"
#include "cmd/daemon.h"
#include "cmd/doctor.h"
#include "cmd/page.h"
#include "logs/source.h"
#include "publish/lead.h"
#include "sys/clock.h"
#include "sys/disk.h"

#define SILENT_S 3600 /* a small server may write nothing for as long */
#define INDENT   "              "

struct status {
	enum answer runs;
	struct buf leader; /* another tlsladder, which decides; "": this one */
	struct buf level;  /* the default level; "": never read */
	int64_t level_ms;  /* when it was read */
	int64_t lifetime_ms;
	int64_t frozen_ms;  /* 0: not frozen */
	bool state_is_full; /* there is no room for the database */
	bool map_is_full;   /* ... for the map */
	int64_t read_ms;    /* when the last line was read */
	int64_t written_s;  /* when one was written to any log; 0: not known */
	int64_t came_ms;    /* when the last message that waits came */
	bool has_nodes;     /* several Postfix servers */
	bool stands_still;  /* it came later, and nobody writes the log */
	struct buf nodes;   /* STORE_NODES; "": none */
	int64_t unfollowed; /* lines of hosts that are none */
	int64_t strange;    /* lines like Postfix's that were not understood */
	int64_t entries[LEVEL_COUNT];
	int64_t waits[WHY_COUNT];
	bool has_first; /* a destination whose mail bounces first, which is: */
	struct buf key;
	enum level first_level;
	enum why first_why;
	int64_t first_ms; /* since when its mail waits */
};

/* --- what is known ----------------------------------------------------------------- */

static void
count_entries(void *context, enum level level, enum why why, int64_t number)
{
	(void)why;
	((struct status *)context)->entries[level] += number;
}

static void
count_waiting(void *context, enum level level, enum why why, int64_t number)
{
	(void)level;
	((struct status *)context)->waits[why] += number;
}

static bool
take_first(void *context, const struct view *view)
{
	struct status *s = context;

	buf_printf(&s->key, "%s", view->entry.key);
	s->first_level = view->entry.level;
	s->first_why = view->why;
	s->first_ms = view->first_ms;
	return true;
}

static bool
read_status(struct status *s, struct store *store, struct err *err)
{
	return store_begin_read(store, err) &&
	    store_blob_get(store, LEAD_HOLDER, &s->leader, err) &&
	    store_blob_get(store, STORE_DEFAULT_LEVEL, &s->level, err) &&
	    store_counter_get(store, STORE_SETTINGS_READ, &s->level_ms, err) &&
	    store_counter_get(store, STORE_QUEUE_LIFETIME, &s->lifetime_ms, err) &&
	    store_counter_get(store, STORE_LOG_READ, &s->read_ms, err) &&
	    store_counter_get(store, "not-understood", &s->strange, err) &&
	    (!s->has_nodes ||
	        (store_blob_get(store, STORE_NODES, &s->nodes, err) &&
	            store_counter_get(store, STORE_UNFOLLOWED, &s->unfollowed, err))) &&
	    store_waiting_newest(store, &s->came_ms, err) &&
	    store_counter_get(store, "frozen-ms", &s->frozen_ms, err) &&
	    store_each_entry_count(store, count_entries, s, err) &&
	    store_each_waiting_count(store, count_waiting, s, err) &&
	    store_view_first(store, take_first, s, &s->has_first, err);
}

static void
look_at_log(struct status *s, const struct doctor *d)
{
	s->written_s = doctor_log_written_s(&d->config->log.files);
	s->stands_still = doctor_log_stands_still(
	    d, s->written_s, s->came_ms / 1000, clock_wall_ms() / 1000);
}

static int64_t
sum(const int64_t *numbers, size_t count)
{
	int64_t all = 0;

	for (size_t i = 0; i < count; i++)
		all += numbers[i];
	return all;
}

static int64_t
bounces_ms(const struct status *s)
{
	return s->has_first ? store_bounces_ms(s->first_ms, s->lifetime_ms) : 0;
}

/* How far the place that is stored for a log is behind its end. */
static bool
find_behind(struct store *store, const char *log, enum source_behind *behind,
    uint64_t *bytes, struct err *err)
{
	struct place place;
	bool found;

	*behind = SOURCE_BEHIND_UNKNOWN;
	if (!store_place_get(store, log, &place, &found, err))
		return false;
	if (found)
		*behind = source_behind(log, &place, bytes);
	return true;
}

/* --- text -------------------------------------------------------------------------- */

static void
add_counts(
    struct buf *out, const int64_t *counts, size_t count, const char *(*name)(size_t at))
{
	bool first = true;

	for (size_t i = count; i-- > 0;) {
		if (counts[i] == 0)
			continue;
		buf_printf(
		    out, "%s%" PRId64 " %s", first ? ": " : ", ", counts[i], name(i));
		first = false;
	}
	buf_add_char(out, '\n');
}

static const char *
label_of(size_t level)
{
	return level_label((enum level)level);
}

static const char *
slug_of(size_t why)
{
	return why_slug((enum why)why);
}

static void
print_log(struct buf *out, const char *log, enum source_behind behind, uint64_t bytes)
{
	buf_printf(out, "log           ");
	if (behind == SOURCE_BEHIND_UNKNOWN)
		buf_printf(out, "not known how far it was read");
	else if (behind == SOURCE_BEHIND && bytes == 0)
		buf_printf(out, "read to its end");
	else
		buf_printf(out, "%" PRIu64 " bytes %sto be read", bytes,
		    behind == SOURCE_BEHIND_AT_LEAST ? "or more " : "");
	buf_printf(out, ": ");
	buf_add_visible(out, str_of(log));
	buf_add_char(out, '\n');
}

static void
print_waiting(const struct status *s, struct buf *out)
{
	int64_t waiting = sum(s->waits, WHY_COUNT);

	buf_printf(out, "mail waits    ");
	if (waiting == 0) {
		buf_printf(out, "for no destination\n");
		return;
	}
	buf_printf(
	    out, "for %" PRId64 " destination%s", waiting, waiting == 1 ? "" : "s");
	add_counts(out, s->waits, WHY_COUNT, slug_of);
	if (bounces_ms(s) == 0)
		return;
	buf_printf(out, "first bounce  ");
	page_add_minute(out, bounces_ms(s));
	buf_printf(out, ", to ");
	buf_add_visible(out, str_of(buf_text(&s->key)));
	buf_add_char(out, '\n');
}

/* "HOST\tLEVEL\tSTATE\tWHY": the next of them. */
struct node_line {
	struct str host, level, state, why;
};

static bool
next_node(struct str *rest, struct node_line *out)
{
	struct str line;

	if (!str_cut(rest, '\n', &line) || !str_cut(&line, '\t', &out->host) ||
	    !str_cut(&line, '\t', &out->level) || !str_cut(&line, '\t', &out->state))
		return false;
	out->why = line;
	return true;
}

static void
print_nodes(const struct status *s, struct buf *out)
{
	struct str rest = {buf_text(&s->nodes), s->nodes.len};
	const char *label = "nodes         ";
	struct node_line node;

	for (; next_node(&rest, &node); label = INDENT) {
		buf_printf(out, "%s%.*s: ", label, STR_ARG(node.host));
		if (node.level.len > 0)
			buf_printf(out, "%.*s", STR_ARG(node.level));
		if (node.state.len == 0) {
			buf_add_char(out, '\n');
			continue;
		}
		buf_printf(out, "%s", node.level.len > 0 ? ", " : "");
		buf_add_colour(out, COLOUR_RED, "cannot be asked");
		buf_printf(out, ": %.*s\n", STR_ARG(node.why));
	}
	if (s->unfollowed > 0)
		buf_printf(out,
		    "not followed  %" PRId64 " line%s of hosts that are no node\n",
		    s->unfollowed, s->unfollowed == 1 ? "" : "s");
}

static void
json_nodes(const struct status *s, struct buf *out)
{
	struct str rest = {buf_text(&s->nodes), s->nodes.len};
	const char *comma = "";
	struct node_line node;

	buf_printf(out, ",\"nodes\":[");
	for (; next_node(&rest, &node); comma = ",") {
		buf_printf(out, "%s{\"host\":", comma);
		buf_add_json(out, node.host);
		buf_printf(out, ",\"default_level\":");
		if (node.level.len > 0)
			buf_add_json(out, node.level);
		else
			buf_printf(out, "null");
		buf_printf(
		    out, ",\"answers\":%s}", node.state.len == 0 ? "true" : "false");
	}
	buf_printf(out, "],\"not_followed\":%" PRId64, s->unfollowed);
}

/* Nothing is to be read, and nothing was written either. */
static void
print_silence(const struct status *s, const struct doctor *d, struct buf *out)
{
	if (!s->stands_still &&
	    (s->written_s == 0 || clock_wall_ms() / 1000 - s->written_s < SILENT_S))
		return;
	buf_printf(out, "no line       since ");
	buf_add_time(out, s->written_s * 1000);
	if (s->stands_still) {
		buf_printf(out, ", and mail that came at ");
		buf_add_time(out, s->came_ms);
		buf_printf(out, " waits: ");
		buf_add_colour(out, COLOUR_RED, "nobody writes the log");
	} else {
		buf_printf(out, "; `");
		doctor_add_self(d, out);
		buf_printf(
		    out, " doctor` says whether mail was deferred and nobody wrote it");
	}
	buf_add_char(out, '\n');
}

/* What has it written again, each command in one line. */
static void
print_advice(const struct status *s, struct doctor *d, struct buf *out)
{
	const char *label = "type          ";
	struct str rest, line;

	if (!s->stands_still)
		return;
	doctor_advise_syslog(d, d->config->log.files.items[0]);
	rest = (struct str){buf_text(&d->advice), d->advice.len};
	for (; str_cut(&rest, '\n', &line); label = INDENT) {
		buf_printf(out, "%s", label);
		buf_add_str(out, line);
		buf_add_char(out, '\n');
	}
	buf_clear(&d->advice);
}

static void
print_text(const struct status *s, struct buf *out)
{
	int64_t entries = sum(s->entries, LEVEL_COUNT);

	buf_printf(out, "daemon        ");
	if (s->runs == ANSWER_YES)
		buf_add_colour(out, COLOUR_GREEN, "runs");
	else
		buf_add_colour(out, s->runs == ANSWER_NO ? COLOUR_RED : COLOUR_YELLOW,
		    s->runs == ANSWER_NO ? "does not run"
		                         : "not known: its lock may not be read");
	if (s->leader.len > 0)
		buf_printf(out,
		    "\nstands by     %s leads: it decides, and writes the table",
		    buf_text(&s->leader));
	if (s->state_is_full || s->map_is_full) {
		buf_printf(out, "\ndisk          ");
		buf_add_colour(out, COLOUR_RED, "full");
		buf_printf(out,
		    s->state_is_full ? ": no line is read until there is room"
		                     : ": no entry comes into the map until "
		                       "there is room");
	}
	buf_printf(out, "\ndefault       ");
	if (s->level_ms == 0)
		buf_printf(out, "not known: Postfix was not asked yet");
	else
		buf_printf(out, "%s, read at ", buf_text(&s->level));
	if (s->level_ms != 0)
		buf_add_time(out, s->level_ms);
	buf_add_char(out, '\n');
	print_nodes(s, out);
	buf_printf(out, "entries       %" PRId64, entries);
	add_counts(out, s->entries, LEVEL_COUNT, label_of);
	print_waiting(s, out);
	buf_printf(out, "freeze        ");
	if (s->frozen_ms == 0) {
		buf_printf(out, "no\n");
	} else {
		buf_add_colour(out, COLOUR_RED, "since ");
		buf_add_time(out, s->frozen_ms);
		buf_printf(out, ": nothing new is weakened\n");
	}
	buf_printf(out, "last line     ");
	if (s->read_ms == 0)
		buf_printf(out, "none was read yet");
	else
		buf_printf(out, "read at ");
	if (s->read_ms != 0)
		buf_add_time(out, s->read_ms);
	buf_add_char(out, '\n');
	if (s->strange > 0)
		buf_printf(out,
		    "not read      %" PRId64 " line%s like Postfix's in a form that is "
		    "not known\n",
		    s->strange, s->strange == 1 ? "" : "s");
}

/* Nothing of it is cut, a domain least of all. */
static void
wrap_text(const struct status *s, struct doctor *d, struct buf *out)
{
	struct buf text = {0};
	struct str rest, line;

	print_text(s, &text);
	print_silence(s, d, &text);
	rest = (struct str){buf_text(&text), text.len};
	while (str_cut(&rest, '\n', &line))
		width_wrap(line, page_columns(), INDENT, "", out);
	print_advice(s, d, out);
	buf_clear(&text);
}

/* --- JSON -------------------------------------------------------------------------- */

static void
add_json_counts(
    struct buf *out, const int64_t *counts, size_t count, const char *(*name)(size_t at))
{
	const char *comma = "";

	buf_add_char(out, '{');
	for (size_t i = 0; i < count; i++) {
		if (counts[i] == 0)
			continue;
		buf_printf(out, "%s\"%s\":%" PRId64, comma, name(i), counts[i]);
		comma = ",";
	}
	buf_add_char(out, '}');
}

static const char *
name_of(size_t level)
{
	return level_name((enum level)level);
}

static void
json_log(struct buf *out, bool first, const char *log, enum source_behind behind,
    uint64_t bytes)
{
	buf_printf(out, "%s{\"file\":", first ? "" : ",");
	buf_add_json(out, str_of(log));
	if (behind == SOURCE_BEHIND_UNKNOWN)
		buf_printf(out, ",\"lag_bytes\":null");
	else
		buf_printf(out, ",\"lag_bytes\":%" PRIu64, bytes);
	buf_printf(out, ",\"at_least\":%s}",
	    behind == SOURCE_BEHIND_AT_LEAST ? "true" : "false");
}

static void
json_first(const struct status *s, struct buf *out)
{
	if (!s->has_first) {
		buf_printf(out, "null");
		return;
	}
	buf_printf(out, "{\"destination\":");
	buf_add_json(out, str_of(buf_text(&s->key)));
	if (s->first_level == LEVEL_NONE)
		buf_printf(out, ",\"level\":null");
	else
		buf_printf(out, ",\"level\":\"%s\"", level_name(s->first_level));
	buf_printf(out,
	    ",\"why\":\"%s\",\"waits\":true,\"bounces_at\":", why_slug(s->first_why));
	buf_add_json_time(out, bounces_ms(s));
	buf_add_char(out, '}');
}

static void
print_json(const struct status *s, struct buf *out)
{
	buf_printf(out, "{\"daemon\":\"%s\",\"disk_full\":%s,\"default_level\":",
	    s->runs == ANSWER_YES      ? "running"
	        : s->runs == ANSWER_NO ? "stopped"
	                               : "unknown",
	    s->state_is_full || s->map_is_full ? "true" : "false");
	if (s->level_ms == 0)
		buf_printf(out, "null");
	else
		buf_add_json(out, str_of(buf_text(&s->level)));
	buf_printf(out, ",\"leader\":");
	if (s->leader.len == 0)
		buf_printf(out, "null");
	else
		buf_add_json(out, str_of(buf_text(&s->leader)));
	buf_printf(out, ",\"default_level_read_at\":");
	buf_add_json_time(out, s->level_ms);
	buf_printf(out, ",\"entries\":");
	add_json_counts(out, s->entries, LEVEL_COUNT, name_of);
	buf_printf(out, ",\"waits\":%" PRId64 ",\"waiting\":", sum(s->waits, WHY_COUNT));
	add_json_counts(out, s->waits, WHY_COUNT, slug_of);
	buf_printf(out, ",\"bounces_at\":");
	buf_add_json_time(out, bounces_ms(s));
	buf_printf(out, ",\"first\":");
	json_first(s, out);
	buf_printf(out,
	    ",\"frozen\":%s,\"frozen_since\":", s->frozen_ms != 0 ? "true" : "false");
	buf_add_json_time(out, s->frozen_ms);
	buf_printf(out, ",\"last_line_read_at\":");
	buf_add_json_time(out, s->read_ms);
	buf_add_time_member(out, "last_line_written_at", s->written_s * 1000);
	buf_printf(out, ",\"log_stands_still\":%s", s->stands_still ? "true" : "false");
	json_nodes(s, out);
	buf_printf(out, ",\"not_understood\":%" PRId64 ",\"log\":[", s->strange);
}

/* --- the command ------------------------------------------------------------------- */

static bool
print(const struct status *s, struct doctor *d, struct store *store, bool json,
    struct buf *text, struct buf *out, struct err *err)
{
	const struct config *config = d->config;

	if (json)
		print_json(s, out);
	else
		wrap_text(s, d, text);
	for (size_t i = 0; i < config->log.files.count; i++) {
		const char *log = config->log.files.items[i];
		enum source_behind behind;
		uint64_t bytes = 0;

		if (!find_behind(store, log, &behind, &bytes, err))
			return false;
		if (json)
			json_log(out, i == 0, log, behind, bytes);
		else
			print_log(out, log, behind, bytes);
	}
	if (json)
		buf_printf(out, "]}\n");
	else
		buf_printf(out, "times         %s\n", PAGE_ZONE);
	return true;
}

static int
show(const struct options *options, const struct config *config, bool json)
{
	struct doctor doctor = {
	    .options = options, .config = config, .postfix = cmd_postfix(config)};
	struct status s = {.runs = daemon_runs(config),
	    .has_nodes = config->nodes.count > 0,
	    .state_is_full = disk_is_full(config->state),
	    .map_is_full = disk_is_full(config->map.file)};
	struct buf text = {0}, out = {0};
	struct store *store;
	struct err err;
	int status = 0;
	bool done;

	store = cmd_store(config, false, &status);
	if (store == NULL)
		return status;
	done = read_status(&s, store, &err);
	look_at_log(&s, &doctor);
	if (!done || !print(&s, &doctor, store, json, &text, &out, &err)) {
		status = cmd_fail(EX_IOERR, "%s", err.text);
	} else {
		fwrite(buf_text(&text), 1, text.len, stdout);
		if (json)
			fwrite(buf_text(&out), 1, out.len, stdout);
		else
			page_print(&out);
		status = cmd_flush();
	}
	store_close(store);
	buf_clear(&s.nodes);
	buf_clear(&s.leader);
	buf_clear(&s.level);
	buf_clear(&s.key);
	buf_clear(&text);
	buf_clear(&out);
	return status;
}

static int
run_status(const struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct config config;
	bool json = false;
	int option, status;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option != 'j')
			return cmd_wrong_option(&cmd_status, option, argv);
		json = true;
	}
	if (optind < argc)
		return cmd_usage(&cmd_status, "no argument is expected");
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	status = show(options, &config, json);
	config_clear(&config);
	return status;
}

const struct command cmd_status = {
    .name = "status",
    .usage = "[--json]",
    .summary = "Show whether the daemon runs and keeps up, and what waits",
    .run = run_status,
};
