/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder explain: everything known of one destination, oldest first. */
#include "cmd/cmd.h"
#include "cmd/explain_policy.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "base/span.h"
#include "cmd/causes.h"
#include "cmd/page.h"
#include "cmd/tables.h"
#include "engine/twins.h"
#include "measure/measure.h"
#include "sys/clock.h"

struct explain {
	bool json;
	bool first; /* of a JSON array */
	const struct config *config;
	struct buf level; /* the default level */
	int64_t level_ms; /* when it was read; 0: never */
	struct buf out;
};

/* --- text -------------------------------------------------------------------------- */

static void
print_tally(void *context, int64_t day, const char *what, uint64_t count)
{
	struct explain *x = context;
	struct buf date = {0};

	buf_add_json_time(&date, day * SPAN_DAY_MS + 1);
	buf_printf(
	    &x->out, "  %.10s  %-34s %" PRIu64 "\n", buf_text(&date) + 1, what, count);
	buf_clear(&date);
}

static void
print_decision(void *context, const struct decision_record *r)
{
	struct explain *x = context;
	enum why why;

	buf_printf(&x->out, "  ");
	buf_add_time(&x->out, r->time_ms);
	buf_printf(&x->out, "  %s", r->action);
	if (!demand_equal(r->before, r->after) || strcmp(r->action, "keep") != 0) {
		buf_printf(&x->out, " %s -> %s", level_label(r->before.level),
		    level_label(r->after.level));
		if (demand_attributes(r->after)[0] != '\0')
			buf_printf(&x->out, " %s", demand_attributes(r->after));
	}
	buf_printf(&x->out, "  %s", r->why);
	if (why_parse(str_of(r->why), &why))
		buf_printf(&x->out, ": %s", why_sentence(why));
	if (r->dns_state[0] != '\0')
		buf_printf(&x->out, "; TLSA %s", r->dns_state);
	buf_add_char(&x->out, '\n');
	if (r->reason[0] != '\0') {
		buf_printf(&x->out, "      %s: ", r->rule);
		buf_add_visible(&x->out, str_of(r->reason));
		buf_add_char(&x->out, '\n');
	}
}

static void
print_time_line(struct buf *out, const char *name, int64_t ms)
{
	if (ms == 0)
		return;
	buf_printf(out, "  %-22s ", name);
	buf_add_time(out, ms);
	buf_add_char(out, '\n');
}

/* What each source answered last. */
static void
print_answers(struct buf *out, const struct destination *d)
{
	struct answers answers;

	measure_recall(d, clock_wall_ms(), &answers);
	for (size_t s = 0; s < FACT_COUNT; s++) {
		if (measure_sources[s]->explain.title[0] == '\0')
			continue;
		buf_printf(out, "\n%s", measure_sources[s]->explain.title);
		if (answers.sources[s].asked_ms == 0) {
			buf_printf(out, "\n  not asked yet\n");
			continue;
		}
		buf_printf(out, " at ");
		buf_add_time(out, answers.sources[s].asked_ms);
		measure_sources[s]->explain.text(&answers, out);
	}
}

static void
print_past(struct buf *out, const struct destination_past *past)
{
	print_time_line(out, "last sent", past->sent_ms);
	print_time_line(out, "last encrypted session", past->encrypt_ms);
	print_time_line(out, "last verified session", past->verify_ms);
	print_time_line(out, "last secure session", past->secure_ms);
	print_time_line(out, "last DANE session", past->dane_ms);
}

static void
print_twin(void *context, const struct destination *twin)
{
	struct buf *out = context;

	buf_printf(out, "\nanother spelling of it\n  ");
	buf_add_visible(out, str_of(twin->key));
	buf_add_char(out, '\n');
	print_past(out, &twin->past);
}

static void
print_now(struct buf *out, const struct destination *d)
{
	buf_printf(out, "\nnow\n");
	print_past(out, &d->past);
	if (d->alarm.raised) {
		print_time_line(out, "last deferral", d->alarm.time_ms);
		buf_printf(out, "    ");
		buf_add_visible(out, str_of(d->alarm.reason));
		if (d->alarm.cause != CAUSE_NONE)
			buf_printf(out, "\n  cause                  %s: %s",
			    cause_name(d->alarm.cause), cause_sentence(d->alarm.cause));
		buf_printf(
		    out, "\n  attempts               %u since ", d->alarm.attempts);
		buf_add_time(out, d->alarm.first_attempt_ms);
		buf_add_char(out, '\n');
	}
	if (d->hold.level != LEVEL_NONE)
		buf_printf(
		    out, "  step that is held      %s\n", level_label(d->hold.level));
	print_time_line(out, "TLSA gone since", d->entry.dane_absent_ms);
	if (d->entry.trial != LEVEL_NONE)
		buf_printf(
		    out, "  on trial, was          %s\n", level_label(d->entry.trial));
	if (d->probe.level != LEVEL_UNKNOWN)
		buf_printf(out, "  probe of %-13s %s, %u clean\n",
		    level_name(d->probe.level),
		    d->probe.works == ANSWER_YES      ? "works"
		        : d->probe.works == ANSWER_NO ? "fails"
		                                      : "could not tell",
		    d->probe.clean);
	buf_printf(out, "  last decision          %s: %s\n", why_slug(d->why),
	    why_sentence(d->why));
	print_time_line(out, "look again", d->pin.set ? d->pin.until_ms : d->look_ms);
	if (d->pin.note[0] != '\0') {
		buf_printf(out, "  note                   ");
		buf_add_visible(out, str_of(d->pin.note));
		buf_add_char(out, '\n');
	}
}

/* What applies without an entry. */
static void
print_default(const struct explain *x, struct buf *out)
{
	if (x->level_ms == 0)
		return;
	buf_printf(out, "  the default level is %s, read at ", buf_text(&x->level));
	buf_add_time(out, x->level_ms);
	buf_add_char(out, '\n');
}

static struct entry
entry_of(const struct destination *d)
{
	return (struct entry){
	    .key = d->key,
	    .attributes = demand_attributes(destination_demand(d)),
	    .note = d->pin.note,
	    .level = d->entry.level,
	    .why = d->entry.why,
	    .pinned = d->pin.set,
	};
}

/* A line each. */
static bool
add_missing(
    struct explain *x, struct store *store, const struct destination *d, struct err *err)
{
	const struct entry entry = entry_of(d);
	size_t head = x->out.len;

	if (!tables_add_missing(x->config, store, &entry, "\n  ", &x->out, err))
		return false;
	if (x->out.len > head) {
		memmove(
		    x->out.data + head, x->out.data + head + 1, x->out.len - head - 1);
		x->out.data[x->out.len - 1] = '\n';
	}
	return true;
}

static bool
explain_text(
    struct explain *x, struct store *store, const struct destination *d, struct err *err)
{
	size_t head;

	buf_add_visible(&x->out, str_of(d->key));
	buf_printf(&x->out, "\ntimes are %s\n\nper day\n", PAGE_ZONE);
	head = x->out.len;
	if (!store_each_tally(store, d->id, print_tally, x, err))
		return false;
	if (x->out.len == head)
		buf_printf(&x->out, "  nothing was counted\n");
	buf_printf(&x->out, "\ndecisions\n");
	head = x->out.len;
	if (!store_each_decision(store, d->id, print_decision, x, err))
		return false;
	if (x->out.len == head)
		buf_printf(&x->out, "  none yet\n");
	print_answers(&x->out, d);
	if (!explain_policy(d, store, x->config->mta_sts.enable, &x->out, err) ||
	    !causes_print(store, d, &x->out, err) ||
	    !twins_each(store, d->key, print_twin, &x->out, err))
		return false;
	print_now(&x->out, d);
	buf_printf(&x->out, "\nmap\n  ");
	if (d->entry.level == LEVEL_NONE) {
		buf_printf(&x->out, "no entry: the default level applies\n");
		print_default(x, &x->out);
		return true;
	}
	buf_add_visible(&x->out, str_of(d->key));
	buf_add_char(&x->out, '\t');
	demand_print(destination_demand(d), &x->out);
	buf_printf(&x->out, "\n  since ");
	buf_add_time(&x->out, d->entry.since_ms);
	buf_printf(
	    &x->out, ", %s: %s\n", why_slug(d->entry.why), why_sentence(d->entry.why));
	print_default(x, &x->out);
	return add_missing(x, store, d, err);
}

/* --- JSON -------------------------------------------------------------------------- */

static void
separate(struct explain *x)
{
	if (!x->first)
		buf_add_char(&x->out, ',');
	x->first = false;
}

static void
json_tally(void *context, int64_t day, const char *what, uint64_t count)
{
	struct explain *x = context;
	struct buf date = {0};

	separate(x);
	buf_add_json_time(&date, day * SPAN_DAY_MS + 1);
	buf_printf(
	    &x->out, "{\"day\":\"%.10s\",\"count\":%" PRIu64, buf_text(&date) + 1, count);
	buf_add_member(&x->out, "what", what);
	buf_add_char(&x->out, '}');
	buf_clear(&date);
}

static void
json_decision(void *context, const struct decision_record *r)
{
	struct explain *x = context;

	separate(x);
	buf_printf(&x->out, "{\"time\":");
	buf_add_json_time(&x->out, r->time_ms);
	buf_add_member(&x->out, "action", r->action);
	buf_add_member(&x->out, "before", level_name(r->before.level));
	buf_add_member(&x->out, "after", level_name(r->after.level));
	buf_add_member(&x->out, "attributes", demand_attributes(r->after));
	buf_add_member(&x->out, "why", r->why);
	buf_add_member(&x->out, "rule", r->rule);
	buf_add_member(&x->out, "reason", r->reason);
	buf_add_member(&x->out, "tlsa", r->dns_state);
	buf_add_char(&x->out, '}');
}

static void
json_answers(struct buf *out, const struct destination *d)
{
	struct answers answers;

	measure_recall(d, clock_wall_ms(), &answers);
	for (size_t s = 0; s < FACT_COUNT; s++) {
		if (measure_sources[s]->explain.title[0] == '\0')
			continue;
		buf_printf(out, ",\"%s\":{\"time\":", measure_sources[s]->explain.member);
		buf_add_json_time(out, answers.sources[s].asked_ms);
		measure_sources[s]->explain.json(&answers, out);
		buf_add_char(out, '}');
	}
}

static void
json_past(struct buf *out, const struct destination_past *past)
{
	buf_add_time_member(out, "last_sent", past->sent_ms);
	buf_add_time_member(out, "last_encrypted", past->encrypt_ms);
	buf_add_time_member(out, "last_verified", past->verify_ms);
	buf_add_time_member(out, "last_secure", past->secure_ms);
	buf_add_time_member(out, "last_dane", past->dane_ms);
}

static void
json_twin(void *context, const struct destination *twin)
{
	struct buf *out = context;

	if (out->data[out->len - 1] != '[')
		buf_add_char(out, ',');
	buf_printf(out, "{\"destination\":");
	buf_add_json(out, str_of(twin->key));
	json_past(out, &twin->past);
	buf_add_char(out, '}');
}

static bool
explain_json(
    struct explain *x, struct store *store, const struct destination *d, struct err *err)
{
	struct buf *out = &x->out;

	buf_printf(out, "{\"destination\":");
	buf_add_json(out, str_of(d->key));
	buf_printf(out, ",\"days\":[");
	x->first = true;
	if (!store_each_tally(store, d->id, json_tally, x, err))
		return false;
	buf_printf(out, "],\"decisions\":[");
	x->first = true;
	if (!store_each_decision(store, d->id, json_decision, x, err))
		return false;
	buf_printf(out, "]");
	json_answers(out, d);
	if (!explain_policy_json(d, store, out, err) ||
	    !causes_print_json(store, d, out, err))
		return false;
	buf_printf(out, ",\"spellings\":[");
	if (!twins_each(store, d->key, json_twin, out, err))
		return false;
	buf_add_char(out, ']');
	json_past(out, &d->past);
	buf_add_time_member(out, "last_deferral", d->alarm.raised ? d->alarm.time_ms : 0);
	buf_add_member(out, "reason", d->alarm.raised ? d->alarm.reason : "");
	buf_add_member(out, "cause", d->alarm.raised ? cause_name(d->alarm.cause) : "");
	buf_printf(out, ",\"attempts\":%u", d->alarm.attempts);
	buf_add_member(
	    out, "held", d->hold.level != LEVEL_NONE ? level_name(d->hold.level) : "");
	buf_add_member(out, "why", why_slug(d->why));
	buf_add_member(out, "sentence", why_sentence(d->why));
	buf_add_time_member(out, "look_again", d->pin.set ? d->pin.until_ms : d->look_ms);
	buf_printf(out, ",\"pinned\":%s", d->pin.set ? "true" : "false");
	buf_add_member(out, "note", d->pin.note);
	if (d->entry.level == LEVEL_NONE)
		buf_printf(out, ",\"level\":null");
	else
		buf_add_member(out, "level", level_name(d->entry.level));
	buf_add_member(
	    out, "entry_why", d->entry.level != LEVEL_NONE ? why_slug(d->entry.why) : "");
	buf_add_member(out, "attributes", demand_attributes(destination_demand(d)));
	if (x->level_ms != 0)
		buf_add_member(out, "default_level", buf_text(&x->level));
	else
		buf_printf(out, ",\"default_level\":null");
	buf_add_time_member(out, "default_level_read_at", x->level_ms);
	if (x->config->publish.count > 0) {
		const struct entry entry = entry_of(d);

		buf_printf(out, ",\"not_in\":[");
		if (!tables_add_json(x->config, store, &entry, out, err))
			return false;
		buf_add_char(out, ']');
	}
	buf_printf(out, "}\n");
	return true;
}

static int
explain(struct store *store, const struct nexthop *nexthop, struct explain *x)
{
	struct destination d;
	struct err err;
	bool found;
	int status = 0;

	buf_reset(&x->out);
	if (!store_get(store, nexthop->key, &d, &found, &err))
		status = cmd_fail(EX_IOERR, "%s", err.text);
	else if (!found)
		status = cmd_unknown(nexthop->key);
	else if (!(x->json ? explain_json : explain_text)(x, store, &d, &err))
		status = cmd_fail(EX_IOERR, "%s", err.text);
	destination_clear(&d);
	return status;
}

/* One of which nothing is known does not keep the others from being explained. */
static int
explain_all(const struct config *config, const struct nexthop *nexthops, size_t count,
    struct explain *x)
{
	int status = 0, all = 0;
	bool shown = false;
	struct store *store = cmd_store(config, false, &all);
	struct err err;

	x->config = config;

	if (store != NULL &&
	    (!store_blob_get(store, STORE_DEFAULT_LEVEL, &x->level, &err) ||
	        !store_counter_get(store, STORE_SETTINGS_READ, &x->level_ms, &err))) {
		store_close(store);
		return cmd_fail(EX_IOERR, "%s", err.text);
	}

	for (size_t i = 0; i < count && store != NULL; i++) {
		status = explain(store, &nexthops[i], x);
		if (status != 0) {
			all = all != 0 ? all : status;
			continue;
		}
		if (shown && !x->json)
			putchar('\n');
		if (x->json)
			fwrite(buf_text(&x->out), 1, x->out.len, stdout);
		else
			page_print(&x->out);
		shown = true;
	}
	store_close(store);
	status = cmd_flush();
	return all != 0 ? all : status;
}

static int
run_explain(const struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct explain x = {0};
	struct nexthop *nexthops;
	struct config config;
	size_t count;
	int option, status = 0;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option != 'j')
			return cmd_wrong_option(&cmd_explain, option, argv);
		x.json = true;
	}
	if (optind == argc)
		return cmd_usage(&cmd_explain, "a domain is needed");
	count = (size_t)(argc - optind);
	nexthops = mem_new(count, sizeof(*nexthops));
	for (size_t i = 0; i < count && status == 0; i++)
		if (!cmd_key(&cmd_explain, argv[(size_t)optind + i], &nexthops[i]))
			status = EX_USAGE;
	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status == 0) {
		status = explain_all(&config, nexthops, count, &x);
		config_clear(&config);
	}
	buf_clear(&x.level);
	buf_clear(&x.out);
	free(nexthops);
	return status;
}

const struct command cmd_explain = {
    .name = "explain",
    .usage = "[--json] DOMAIN...",
    .summary = "Tell everything known of a destination, oldest first",
    .run = run_explain,
};
