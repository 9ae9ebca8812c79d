/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/dane.h"
#include "core/probe.h"
#include "core/sts.h"
#include "logs/source.h"

#define PREFIX "tlsladder_"

/* All that is asked of the state, at one moment. */
struct reading {
	struct store *store;
	const struct config *config;
	const struct rules *rules;
	int64_t waiting[WHY_COUNT];
	int64_t entries[LEVEL_COUNT];
	int64_t frozen_ms;
	struct buf level;
};

struct row {
	const char *name, *type, *help;
	const char *label; /* NULL: none */
	const char *counter;
	/* What it may be counted by, from 0 on until NULL, which are 0 where nothing was
	 * counted; NULL: whatever was. */
	const char *(*value)(const struct reading *r, size_t at);
	/* Of what is no counter: its samples. */
	bool (*print)(const struct reading *r, const struct row *row, struct buf *out,
	    struct err *err);
};

/* --- samples ----------------------------------------------------------------------- */

/* In a label's value: \\, \" and \n. What cannot be printed is no name of anything. */
static void
add_value(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			buf_add_char(out, '\\');
		if (*text == '\n')
			buf_printf(out, "\\n");
		else
			buf_add_char(out, *text);
	}
}

static void
add_sample(struct buf *out, const struct row *row, const char *value, int64_t number)
{
	buf_printf(out, PREFIX "%s", row->name);
	if (value != NULL) {
		buf_printf(out, "{%s=\"", row->label);
		add_value(out, value);
		buf_printf(out, "\"}");
	}
	buf_printf(out, " %" PRId64 "\n", number);
}

/* --- counters ---------------------------------------------------------------------- */

static const char *
rule_at(const struct reading *r, size_t at)
{
	return at < rules_count(r->rules) ? rules_get(r->rules, at)->name : NULL;
}

static const char *
why_at(const struct reading *r, size_t at)
{
	(void)r;
	return at < WHY_COUNT ? why_slug((enum why)at) : NULL;
}

static const char *
dane_state_at(const struct reading *r, size_t at)
{
	(void)r;
	return at < DANE_STATE_COUNT ? dane_state_name((enum dane_state)at) : NULL;
}

static const char *
probe_end_at(const struct reading *r, size_t at)
{
	(void)r;
	return at < PROBE_END_COUNT ? probe_end_name((enum probe_end)at) : NULL;
}

/* What was counted under names that are no longer any, as of a rule that was removed. */
struct others {
	const struct reading *r;
	const struct row *row;
	struct buf *out;
};

static void
add_other(void *context, int64_t number, const char *text)
{
	const struct others *o = context;
	const char *known;

	for (size_t i = 0;
	     o->row->value != NULL && (known = o->row->value(o->r, i)) != NULL; i++)
		if (strcmp(known, text) == 0)
			return;
	add_sample(o->out, o->row, text, number);
}

static bool
print_counter(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	struct others others = {r, row, out};
	struct buf name = {0};
	const char *value = NULL;
	int64_t number;
	bool done = true;

	if (row->label == NULL) {
		if (!store_counter_get(r->store, row->counter, &number, err))
			return false;
		add_sample(out, row, NULL, number);
		return true;
	}
	for (size_t i = 0; done && (value = row->value(r, i)) != NULL; i++) {
		buf_clear(&name);
		buf_printf(&name, "%s:%s", row->counter, value);
		done = store_counter_get(r->store, buf_text(&name), &number, err);
		if (done)
			add_sample(out, row, value, number);
	}
	buf_clear(&name);
	buf_printf(&name, "%s:", row->counter);
	done = done &&
	    store_each_counter(r->store, buf_text(&name), add_other, &others, err);
	buf_clear(&name);
	return done;
}

/* --- what is now ------------------------------------------------------------------- */

static bool
print_version(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	(void)r;
	(void)err;
	add_sample(out, row, PACKAGE_VERSION, 1);
	return true;
}

static bool
print_default_level(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	(void)err;
	add_sample(out, row, r->level.len > 0 ? buf_text(&r->level) : "unknown", 1);
	return true;
}

static bool
print_entries(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	(void)err;
	for (enum level l = 0; l < LEVEL_COUNT; l++)
		if (l != LEVEL_UNKNOWN)
			add_sample(out, row, level_name(l), r->entries[l]);
	return true;
}

static bool
print_waiting(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	(void)err;
	for (size_t w = 0; w < WHY_COUNT; w++)
		add_sample(out, row, why_slug((enum why)w), r->waiting[w]);
	return true;
}

static bool
print_held(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	(void)err;
	add_sample(out, row, NULL, r->waiting[WHY_HOLD] + r->waiting[WHY_MAY_AFTER]);
	return true;
}

static bool
print_frozen(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	(void)err;
	add_sample(out, row, NULL, r->frozen_ms != 0);
	return true;
}

struct policies {
	const struct row *row;
	struct buf *out;
};

static void
add_policies(void *context, int64_t number, const char *mode)
{
	const struct policies *p = context;

	add_sample(p->out, p->row, mode, number);
}

static bool
print_policies(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	struct policies policies = {row, out};

	return store_each_policy_count(r->store, add_policies, &policies, err);
}

/* Of the logs whose end is known. */
static bool
print_lag(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	const struct strings *logs = &r->config->log.files;

	for (size_t i = 0; i < logs->count; i++) {
		struct place place;
		uint64_t bytes;
		bool found;

		if (!store_place_get(r->store, logs->items[i], &place, &found, err))
			return false;
		if (found &&
		    source_behind(logs->items[i], &place, &bytes) !=
		        SOURCE_BEHIND_UNKNOWN)
			add_sample(out, row, logs->items[i], (int64_t)bytes);
	}
	return true;
}

static bool
print_last_line(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	int64_t read_ms;

	if (!store_counter_get(r->store, STORE_LOG_READ, &read_ms, err))
		return false;
	add_sample(out, row, NULL, read_ms / SPAN_SECOND_MS);
	return true;
}

/* HOST, LEVEL, STATE, WHY a line; without STATE it answers. */
static bool
print_nodes(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	struct buf nodes = {0};
	struct str rest, line, host, level, state;
	bool done = r->config->nodes.count == 0 ||
	    store_blob_get(r->store, STORE_NODES, &nodes, err);

	rest = (struct str){buf_text(&nodes), nodes.len};
	while (done && str_cut(&rest, '\n', &line)) {
		char *name;

		if (!str_cut(&line, '\t', &host) || !str_cut(&line, '\t', &level) ||
		    !str_cut(&line, '\t', &state))
			continue;
		name = mem_strndup(host.p, host.len);
		add_sample(out, row, name, state.len == 0);
		free(name);
	}
	buf_clear(&nodes);
	return done;
}

static bool
print_exported(
    const struct reading *r, const struct row *row, struct buf *out, struct err *err)
{
	struct target_state state;

	if (!store_target_get(r->store, STORE_MAP, &state, err))
		return false;
	add_sample(out, row, NULL, state.since_ms / SPAN_SECOND_MS);
	return true;
}

/* --- the metrics ------------------------------------------------------------------- */

#define COUNTER .type = "counter", .print = print_counter
#define GAUGE   .type = "gauge"

static const struct row rows[] = {
    {"build_info", GAUGE, .help = "The version of tlsladder that wrote this.",
        .label = "version", .print = print_version},
    {"default_level_info", GAUGE, .help = "The default TLS level of Postfix.",
        .label = "level", .print = print_default_level},
    {"lines_total", COUNTER,
        .help = "Delivery status lines that were taken from the log.",
        .counter = "status-lines"},
    {"ambiguous_total", COUNTER,
        .help = "Lines left out as a recipient's address may have written them.",
        .counter = "ambiguous"},
    {"sessions_total", COUNTER, .help = "TLS sessions that the log told of.",
        .counter = "sessions"},
    {"deferrals_total", COUNTER,
        .help = "Status lines of mail not sent that a rule recognised.", .label = "rule",
        .counter = METRIC_DEFERRALS, .value = rule_at},
    {"not_understood_total", COUNTER,
        .help = "Lines like those of Postfix that were not understood.",
        .counter = "not-understood"},
    {"gaps_total", COUNTER,
        .help = "Times that lines of the log were gone before they were read.",
        .counter = "gaps"},
    {"lag_bytes", GAUGE, .help = "Bytes of the log that were not read yet.",
        .label = "log", .print = print_lag},
    {"last_line_timestamp_seconds", GAUGE,
        .help = "When the last line of the log was read.", .print = print_last_line},
    {"node_answers", GAUGE, .help = "1 while that one of nodes can be asked.",
        .label = "node", .print = print_nodes},
    {"not_followed_total", COUNTER, .help = "Lines of hosts that are none of nodes.",
        .counter = STORE_UNFOLLOWED},
    {"entries", GAUGE, .help = "Entries of the map.", .label = "level",
        .print = print_entries},
    {"waiting", GAUGE, .help = "Destinations whose mail waits, by the last decision.",
        .label = "why", .print = print_waiting},
    {"held", GAUGE, .help = "Destinations for which a weaker entry is being held back.",
        .print = print_held},
    {"frozen", GAUGE, .help = "1 while nothing is weakened because too much fails.",
        .print = print_frozen},
    {"decisions_total", COUNTER, .help = "Decisions of the ladder.", .label = "why",
        .counter = METRIC_DECISIONS, .value = why_at},
    {"dns_answers_total", COUNTER,
        .help = "What DNS said of destinations that it was asked about.",
        .label = "result", .counter = METRIC_DNS, .value = dane_state_at},
    {"probes_total", COUNTER, .help = "What servers that were asked did.",
        .label = "result", .counter = METRIC_PROBES, .value = probe_end_at},
    {"policies", GAUGE, .help = "MTA-STS policies that are held.", .label = "mode",
        .print = print_policies},
    {"exports_total", COUNTER, .help = "Times that the map was changed.",
        .counter = METRIC_EXPORTS},
    {"exported_timestamp_seconds", GAUGE, .help = "When the map was changed last.",
        .print = print_exported},
    {"retries_total", COUNTER, .help = "Messages that Postfix was told to try again.",
        .counter = METRIC_RETRIES},
    {"flushes_total", COUNTER, .help = "Times that the whole queue was.",
        .counter = METRIC_FLUSHES},
};

static void
count_entries(void *context, enum level level, enum why why, int64_t number)
{
	(void)why;
	((struct reading *)context)->entries[level] += number;
}

static void
count_waiting(void *context, enum level level, enum why why, int64_t number)
{
	(void)level;
	((struct reading *)context)->waiting[why] += number;
}

static bool
read_all(struct reading *r, struct err *err)
{
	return store_blob_get(r->store, STORE_DEFAULT_LEVEL, &r->level, err) &&
	    store_counter_get(r->store, "frozen-ms", &r->frozen_ms, err) &&
	    store_each_entry_count(r->store, count_entries, r, err) &&
	    store_each_waiting_count(r->store, count_waiting, r, err);
}

static bool
print_all(const struct reading *r, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n",
		    rows[i].name, rows[i].help, rows[i].name, rows[i].type);
		if (!rows[i].print(r, &rows[i], out, err))
			return false;
	}
	return true;
}

bool
metrics_print(struct store *store, const struct config *config, const struct rules *rules,
    struct buf *out, struct err *err)
{
	struct reading r = {.store = store, .config = config, .rules = rules};
	bool done = store_begin_read(store, err) && read_all(&r, err) &&
	    print_all(&r, out, err) && store_commit(store, err);

	if (!done)
		store_rollback(store);
	buf_clear(&r.level);
	return done;
}
