/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/scan_forecast.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/operand.h"
#include "cmd/page.h"
#include "sys/clock.h"

#define KEY_WIDE   30 /* columns of a destination; on a terminal: */
#define KEY_NARROW 24

/* Destinations, and their messages a month. */
struct sum {
	size_t count;
	uint64_t messages;
};

struct sums {
	struct sum all, waiting, untold, helpless, unhelped, theirs, unmet;
	struct sum levels[LEVEL_COUNT];
	size_t applied, stayed;
};

static void
sum_add(struct sum *sum, const struct foretold *item)
{
	sum->count++;
	sum->messages += item->messages;
}

/* --- levels ------------------------------------------------------------------------ */

static enum level
present_default(const struct forecaster *f)
{
	return f->config->postfix.default_level != LEVEL_UNKNOWN
	    ? f->config->postfix.default_level
	    : f->settings.level;
}

static bool
has_own_level(const struct forecaster *f, const struct seen *seen)
{
	/* What is configured stands for all, as for the daemon. */
	if (f->config->postfix.default_level != LEVEL_UNKNOWN)
		return false;
	for (size_t i = 0; i < f->settings.service_count; i++)
		if (strcmp(f->settings.services[i].name, seen->transport) == 0)
			return true;
	return false;
}

enum level
forecast_level_now(const struct forecaster *f, const struct seen *seen)
{
	return has_own_level(f, seen)
	    ? postfix_service_level(&f->settings, seen->transport)
	    : present_default(f);
}

enum level
forecast_level_then(const struct forecaster *f, const struct seen *seen)
{
	return has_own_level(f, seen)
	    ? postfix_service_level(&f->settings, seen->transport)
	    : f->order->level;
}

/* --- what is shown ----------------------------------------------------------------- */

/* What helps, or why nothing is named. */
static const char *
outcome(const struct foretold *item)
{
	if (item->entry.level != LEVEL_NONE)
		return level_label(item->entry.level);
	return item->forecast.waits == ANSWER_UNSURE ||
	        why_could_not_tell(item->forecast.why)
	    ? "?"
	    : "-";
}

static void
print_json(const struct foretold *item, struct buf *out)
{
	buf_printf(out, "{\"destination\":");
	buf_add_json(out, str_of(item->nexthop.key));
	if (item->entry.level != LEVEL_NONE)
		buf_printf(out, ",\"level\":\"%s\"", level_name(item->entry.level));
	else
		buf_printf(out, ",\"level\":null");
	buf_add_member(out, "attributes", demand_attributes(item->entry));
	buf_printf(out, ",\"waits\":%s,\"told\":%s,\"messages\":%" PRIu64,
	    item->waits ? "true" : "false",
	    item->forecast.waits != ANSWER_UNSURE ? "true" : "false", item->messages);
	buf_add_member(out, "why", why_slug(item->forecast.why));
	buf_add_member(out, "sentence", why_sentence(item->forecast.why));
	buf_printf(out, "}\n");
}

static void
print_text(const struct foretold *item, struct buf *out)
{
	page_add_key(out, item->nexthop.key, page_columns() > 0 ? KEY_NARROW : KEY_WIDE);
	buf_printf(out, "%8" PRIu64 "  ", item->messages);
	if (item->entry.level != LEVEL_NONE &&
	    level_promise(item->entry.level) == LEVEL_MAY) {
		struct buf padded = {0};

		buf_printf(&padded, "%-16s", outcome(item));
		buf_add_colour(out, COLOUR_RED, buf_text(&padded));
		buf_clear(&padded);
	} else {
		buf_printf(out, "%-16s", outcome(item));
	}
	buf_printf(out, "  %s\n", why_slug(item->forecast.why));
	if (demand_attributes(item->entry)[0] != '\0') {
		buf_printf(out, "    ");
		buf_add_visible(out, str_of(demand_attributes(item->entry)));
		buf_add_char(out, '\n');
	}
}

/* Those that would wait, those that could not be told, the others; of each the busiest
 * first. */
static int
compare(const void *a, const void *b)
{
	static const int rank[] = {
	    [ANSWER_YES] = 0, [ANSWER_UNSURE] = 1, [ANSWER_NO] = 2};
	const struct foretold *x = a, *y = b;

	if (x->forecast.waits != y->forecast.waits)
		return rank[x->forecast.waits] - rank[y->forecast.waits];
	if (x->messages != y->messages)
		return x->messages > y->messages ? -1 : 1;
	return strcmp(x->nexthop.key, y->nexthop.key);
}

static void
add_sum(struct buf *out, const struct sum *sum)
{
	buf_printf(out, "%zu destination%s, %" PRIu64 " message%s a month", sum->count,
	    sum->count == 1 ? "" : "s", sum->messages, sum->messages == 1 ? "" : "s");
}

static void
add_entries(struct buf *out, const struct sums *sums)
{
	const char *comma = "Entries that help: ";
	bool any = false;

	for (enum level l = LEVEL_COUNT; l-- > LEVEL_NONE + 1;) {
		if (sums->levels[l].count == 0)
			continue;
		buf_printf(out, "%s%zu %s", comma, sums->levels[l].count, level_label(l));
		comma = ", ";
		any = true;
	}
	if (any)
		buf_printf(out, ". ");
	if (sums->helpless.count > 0) {
		buf_printf(out, "Of ");
		add_sum(out, &sums->helpless);
		buf_printf(out, ", no entry helps. ");
	}
	if (sums->unhelped.count > 0) {
		buf_printf(out, "Of ");
		add_sum(out, &sums->unhelped);
		buf_printf(out, ", what helps could not be told. ");
	}
	if (sums->theirs.count > 0) {
		buf_printf(out, "Pins, or entries from before, are there for ");
		add_sum(out, &sums->theirs);
		buf_printf(out, ". ");
	}
	if (sums->unmet.count > 0) {
		buf_printf(out, "Under its pin mail would wait for ");
		add_sum(out, &sums->unmet);
		buf_printf(out, ". ");
	}
}

static void
print_sums(const struct forecaster *f, const struct sums *sums)
{
	const struct forecast_order *order = f->order;
	struct buf end = {0}, out = {0};

	add_sum(&end, &sums->all);
	buf_printf(&end, ". At %s, without tlsladder, mail would wait for ",
	    level_name(order->level));
	add_sum(&end, &sums->waiting);
	buf_printf(&end, "; it could not be told for ");
	add_sum(&end, &sums->untold);
	buf_printf(&end, ".");
	page_wrap(buf_text(&end), "", "", &out);
	buf_clear(&end);
	add_entries(&end, sums);
	if (order->apply)
		buf_printf(&end,
		    "%zu of them %s in force now, 30 days at most until %s is "
		    "the default level.",
		    sums->applied, sums->applied == 1 ? "is" : "are",
		    level_name(order->level));
	if (order->apply && sums->stayed > 0)
		buf_printf(
		    &end, " The days of %zu had begun before, and go on.", sums->stayed);
	if (!order->apply)
		buf_printf(&end, "Nothing was changed (--apply does it).");
	page_wrap(buf_text(&end), "", "", &out);
	buf_clear(&end);
	if (!order->probe)
		page_wrap("The servers were not asked (--probe): the sessions of the log "
		          "stand for them, and TLSA records are taken at their word.",
		    "", "", &out);
	printf("\n%s", buf_text(&out));
	buf_clear(&out);
}

static void
sum_up(const struct forecaster *f, struct sums *sums)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct foretold *item = &f->items[i];
		enum answer waits = item->forecast.waits;

		sum_add(&sums->all, item);
		if (item->pinned) {
			sum_add(&sums->theirs, item);
			if (waits == ANSWER_YES)
				sum_add(&sums->unmet, item);
			continue;
		}
		if (waits == ANSWER_YES)
			sum_add(&sums->waiting, item);
		if (waits == ANSWER_UNSURE)
			sum_add(&sums->untold, item);
		if (item->entry.level != LEVEL_NONE)
			sum_add(&sums->levels[item->entry.level], item);
		else if (waits == ANSWER_YES)
			sum_add(why_could_not_tell(item->forecast.why) ? &sums->unhelped
			                                               : &sums->helpless,
			    item);
		if (waits != ANSWER_NO && item->entered)
			sum_add(&sums->theirs, item);
		sums->applied += item->applied;
		sums->stayed += item->stayed;
	}
}

static int
show_all(struct forecaster *f)
{
	struct sums sums = {.applied = 0};
	bool json = f->order->json;

	if (f->count > 1)
		qsort(f->items, f->count, sizeof(*f->items), compare);
	sum_up(f, &sums);
	if (!json && sums.waiting.count + sums.untold.count > 0)
		printf("%-*s  MESSAGES  %-16s  %s\n",
		    page_columns() > 0 ? KEY_NARROW : KEY_WIDE, "DESTINATION", "ENTRY",
		    "WHY");
	for (size_t i = 0; i < f->count; i++) {
		const struct foretold *item = &f->items[i];
		struct buf out = {0};

		if (json)
			print_json(item, &out);
		else if (item->forecast.waits != ANSWER_NO)
			print_text(item, &out);
		if (json)
			fwrite(buf_text(&out), 1, out.len, stdout);
		else
			page_print(&out);
		buf_clear(&out);
	}
	if (!json)
		print_sums(f, &sums);
	return cmd_flush();
}

/* --- the work ---------------------------------------------------------------------- */

static bool
is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

static bool
needs_authorities(enum level level)
{
	return level == LEVEL_VERIFY || level == LEVEL_SECURE;
}

static int
read_settings(struct forecaster *f)
{
	struct err err;

	f->postfix = cmd_postfix(f->config);
	if (!cmd_nodes_ask(f->config, &f->nodes, &err))
		return cmd_fail(EX_UNAVAILABLE,
		    "cannot ask Postfix: %s; see `tlsladder doctor`", err.text);
	f->settings = f->nodes.settings;
	f->measure = cmd_nodes_measure(&f->nodes, f->config, &f->postfix);
	if (f->order->probe && !measure_has_prober(&f->measure))
		return cmd_fail(EX_UNAVAILABLE,
		    "posttls-finger is not to be found; see `tlsladder doctor`");
	if (needs_authorities(f->order->level) && is_empty(f->settings.ca_file) &&
	    is_empty(f->settings.ca_path))
		cmd_warn("neither smtp_tls_CAfile nor smtp_tls_CApath is set: no "
		         "certificate verifies");
	return 0;
}

/* Of the log, in ms. */
static int64_t
span_of(const struct seen_list *seen)
{
	struct forecast_part left_out, log = forecast_span_of(&seen->span, &left_out);
	struct buf day = {0};

	if (left_out.lines > 0) {
		page_add_day(&day, left_out.first_ms);
		cmd_warn("%" PRIu64
		         " line%s, as of %s, %s more than a month away from the "
		         "others: the log is taken to be of the time of the others",
		    left_out.lines, left_out.lines == 1 ? "" : "s", buf_text(&day),
		    left_out.lines == 1 ? "is" : "are");
		buf_clear(&day);
	}
	return log.last_ms - log.first_ms;
}

static void
make_items(struct forecaster *f, const struct seen_list *seen)
{
	int64_t span_ms = span_of(seen);

	f->items = mem_new(seen->count + 1, sizeof(*f->items));
	for (size_t i = 0; i < seen->count; i++) {
		struct foretold *item = &f->items[f->count];

		if (!nexthop_parse(str_of(seen->items[i].key), &item->nexthop))
			continue;
		cmd_take_port(&f->settings, &item->nexthop);
		item->seen = &seen->items[i];
		item->present = forecast_level_now(f, item->seen);
		item->messages = forecast_a_month(item->seen->sent, span_ms);
		item->entry = demand_of(LEVEL_NONE);
		item->pin = demand_of(LEVEL_NONE);
		f->count++;
	}
}

static int
run_all(struct forecaster *f, const struct seen_list *seen)
{
	int status, shown;

	make_items(f, seen);
	status = forecast_recall(f);
	if (status == 0)
		status = forecast_ask(f);
	store_close(f->store);
	f->store = NULL;
	if (status == 0 && f->order->apply)
		status = forecast_apply(f);
	shown = status == 0 || status == EX_CANTCREAT ? show_all(f) : 0;
	return status != 0 ? status : shown;
}

int
scan_forecast(const struct options *options, const struct forecast_order *order,
    char *const *paths, size_t count)
{
	struct forecaster f = {.order = order, .now_ms = clock_wall_ms()};
	struct seen_list seen = {0};
	struct rules *rules = NULL;
	struct config config;
	int status = cmd_load(options, &config, &rules), worst = 0;

	if (status != 0)
		return status;
	f.config = &config;
	status = read_settings(&f);
	if (status == 0)
		worst = seen_read(&config, rules, &f.postfix, &f.settings,
		    order->since_ms, paths, count, &seen);
	if (status == 0)
		status = run_all(&f, &seen);
	for (size_t i = 0; i < f.count; i++) {
		demand_clear(&f.items[i].entry);
		demand_clear(&f.items[i].pin);
	}
	free(f.items);
	seen_clear(&seen);
	cmd_nodes_clear(&f.nodes);
	rules_free(rules);
	config_clear(&config);
	return worst != 0 ? worst : status;
}
