/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder list: the entries, and the destinations whose mail waits. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>

#include "base/like.h"
#include "base/mem.h"
#include "cmd/page.h"
#include "cmd/tables.h"

#define FLUSH_BYTES ((size_t)64 << 10)

struct list {
	bool json;
	bool waiting; /* those whose mail waits alone */
	bool count;
	unsigned levels; /* a bit for each that is wanted; 0: any */
	enum why why;    /* WHY_COUNT: any */
	size_t columns;  /* of the terminal; 0: it is none */
	int key_width;
	int64_t lifetime_ms; /* of mail in the queue; 0: not known */
	int64_t counted;
	const struct config *config;
	struct store *store;
	struct err failure; /* of what is asked for a row; "": none */
	struct buf out;
};

static void
flush(struct list *list, size_t least)
{
	if (list->out.len < least)
		return;
	if (list->json || list->columns == 0)
		fwrite(buf_text(&list->out), 1, list->out.len, stdout);
	else
		page_print(&list->out);
	buf_reset(&list->out);
}

static unsigned
level_bit(enum level level)
{
	return 1U << (unsigned)level;
}

static bool
is_wanted(const struct list *list, enum level level, enum why why, bool waits)
{
	return (list->levels == 0 || (list->levels & level_bit(level)) != 0) &&
	    (list->why == WHY_COUNT || list->why == why) && (!list->waiting || waits);
}

/* The why that is shown: of an entry its own; of mail that waits, and where there is no
 * entry, what was decided last. */
static enum why
shown_why(const struct list *list, const struct view *v)
{
	return list->waiting || v->entry.level == LEVEL_NONE ? v->why : v->entry.why;
}

static void
print_json(struct list *list, struct buf *out, const struct view *v)
{
	const struct entry *d = &v->entry;

	buf_printf(out, "{\"destination\":");
	buf_add_json(out, str_of(d->key));
	if (d->level == LEVEL_NONE)
		buf_printf(out, ",\"level\":null,\"attributes\":");
	else
		buf_printf(
		    out, ",\"level\":\"%s\",\"attributes\":", level_name(d->level));
	buf_add_json(out, str_of(d->attributes));
	buf_printf(out, ",\"why\":\"%s\",\"entry_why\":", why_slug(shown_why(list, v)));
	if (d->level == LEVEL_NONE)
		buf_printf(out, "null,\"since\":");
	else
		buf_printf(out, "\"%s\",\"since\":", why_slug(d->why));
	buf_add_json_time(out, d->since_ms);
	buf_printf(out, ",\"look_again\":");
	buf_add_json_time(out, d->look_ms);
	buf_printf(out, ",\"pinned\":%s,\"note\":", d->pinned ? "true" : "false");
	buf_add_json(out, str_of(d->note));
	buf_printf(out, ",\"waits\":%s,\"waits_for\":", v->waits ? "true" : "false");
	if (v->waits)
		buf_printf(out, "\"%s\",\"bounces_at\":", why_slug(v->why));
	else
		buf_printf(out, "null,\"bounces_at\":");
	buf_add_json_time(
	    out, v->waits ? store_bounces_ms(v->first_ms, list->lifetime_ms) : 0);
	if (list->config->publish.count > 0) {
		buf_printf(out, ",\"not_in\":[");
		tables_add_json(list->config, list->store, d, out, &list->failure);
		buf_add_char(out, ']');
	}
	buf_printf(out, "}\n");
}

/* --- text -------------------------------------------------------------------------- */

static void
add_bounce(const struct list *list, struct buf *out, const struct view *v)
{
	buf_printf(out, "mail waits: %s", why_slug(v->why));
	if (store_bounces_ms(v->first_ms, list->lifetime_ms) == 0)
		return;
	buf_printf(out, ", the first bounces at ");
	page_add_minute(out, store_bounces_ms(v->first_ms, list->lifetime_ms));
}

static void
print_waiting(const struct list *list, struct buf *out, const struct view *v)
{
	buf_printf(out, "%-16s  %-16s  ", level_label(v->entry.level),
	    why_slug(shown_why(list, v)));
	page_add_minute(out, store_bounces_ms(v->first_ms, list->lifetime_ms));
	buf_add_char(out, '\n');
}

/* On a terminal what is long stands below the row. */
static void
print_narrow(struct list *list, struct buf *out, const struct view *v)
{
	buf_printf(out, "%-16s  %-16s  ", level_label(v->entry.level),
	    why_slug(shown_why(list, v)));
	if (v->entry.since_ms == 0)
		buf_printf(out, "%-10s", "-");
	else
		page_add_day(out, v->entry.since_ms);
	buf_printf(out, "  ");
	page_add_day(out, v->entry.look_ms);
	if (v->entry.attributes[0] != '\0')
		buf_printf(out, "\n    %s", v->entry.attributes);
	if (v->waits) {
		buf_printf(out, "\n    ");
		add_bounce(list, out, v);
	}
	tables_add_missing(
	    list->config, list->store, &v->entry, "\n    ", out, &list->failure);
	buf_add_char(out, '\n');
}

static void
print_wide(struct list *list, struct buf *out, const struct view *v)
{
	struct buf value = {0};

	buf_printf(&value, "%s", level_label(v->entry.level));
	if (v->entry.attributes[0] != '\0')
		buf_printf(&value, " %s", v->entry.attributes);
	buf_printf(out, "%-16s  %-14s  ", buf_text(&value), why_slug(shown_why(list, v)));
	buf_add_time(out, v->entry.since_ms);
	buf_printf(out, "  ");
	buf_add_time(out, v->entry.look_ms);
	if (v->waits) {
		buf_printf(out, "  ");
		add_bounce(list, out, v);
	}
	tables_add_missing(
	    list->config, list->store, &v->entry, "  ", out, &list->failure);
	buf_add_char(out, '\n');
	buf_clear(&value);
}

static void
print_text(struct list *list, struct buf *out, const struct view *v)
{
	page_add_key(out, v->entry.key, (size_t)list->key_width);
	if (list->waiting)
		print_waiting(list, out, v);
	else if (list->columns > 0)
		print_narrow(list, out, v);
	else
		print_wide(list, out, v);
}

static void
print_head(struct list *list)
{
	const char *again = list->columns > 0 ? "AGAIN" : "LOOK AGAIN";

	if (list->json || list->count)
		return;
	buf_printf(&list->out, "%-*s  %-16s  ", list->key_width, "DESTINATION", "LEVEL");
	if (list->waiting)
		buf_printf(&list->out, "%-16s  %s", "WHY", "BOUNCES");
	else if (list->columns > 0)
		buf_printf(&list->out, "%-16s  %-10s  %s", "WHY", "SINCE", again);
	else
		buf_printf(&list->out, "%-14s  %-19s  %s", "WHY", "SINCE", again);
	buf_printf(&list->out, " %s\n", PAGE_ZONE);
}

/* --- the command ------------------------------------------------------------------- */

static bool
show(void *context, const struct view *v)
{
	struct list *list = context;

	if (!is_wanted(list, v->entry.level, shown_why(list, v), v->waits))
		return true;
	list->counted++;
	if (list->count)
		return true;
	if (list->json)
		print_json(list, &list->out, v);
	else
		print_text(list, &list->out, v);
	flush(list, FLUSH_BYTES);
	return list->failure.text[0] == '\0';
}

static void
count(void *context, enum level level, enum why why, int64_t number)
{
	struct list *list = context;

	if (is_wanted(list, level, why, true))
		list->counted += number;
}

/* All that were named; an unknown one is an error. */
static int
list_named(struct list *list, struct store *store, const struct nexthop *names,
    size_t name_count)
{
	int status = 0;

	for (size_t i = 0; i < name_count; i++) {
		struct err err;
		bool found;

		if (!store_view(store, names[i].key, show, list, &found, &err))
			return cmd_fail(EX_IOERR, "%s", err.text);
		if (!found)
			status = cmd_unknown(names[i].key);
	}
	return status;
}

static int
list_all(struct list *list, struct store *store)
{
	struct err err;
	bool done = !list->count ? store_each_view(store, list->waiting, show, list, &err)
	    : list->waiting      ? store_each_waiting_count(store, count, list, &err)
	                         : store_each_entry_count(store, count, list, &err);

	return done ? 0 : cmd_fail(EX_IOERR, "%s", err.text);
}

static int
run_on(struct list *list, struct store *store, const struct nexthop *names,
    size_t name_count)
{
	struct err err;
	int status, flushed;

	if (!store_begin_read(store, &err) ||
	    !store_counter_get(store, STORE_QUEUE_LIFETIME, &list->lifetime_ms, &err))
		return cmd_fail(EX_IOERR, "%s", err.text);
	list->store = store;
	print_head(list);
	status = name_count > 0 ? list_named(list, store, names, name_count)
	                        : list_all(list, store);
	if (list->count && list->json)
		buf_printf(&list->out, "{\"count\":%" PRId64 "}\n", list->counted);
	else if (list->count)
		buf_printf(&list->out, "%" PRId64 "\n", list->counted);
	flush(list, 0);
	flushed = cmd_flush();
	if (list->failure.text[0] != '\0')
		return cmd_fail(EX_IOERR, "%s", list->failure.text);
	return status != 0 ? status : flushed;
}

/* The lowest rung is one to people, by whichever word it is written. */
static int
read_level(struct list *list, const char *word)
{
	static const char *const words[] = {"none", "cleartext", "may", "dane", "encrypt",
	    "verify", "secure", "dane-only"};
	const char *like =
	    like_nearest(str_of(word), words, sizeof(words) / sizeof(words[0]));
	enum level level;

	if (strcasecmp(word, "cleartext") == 0)
		list->levels = level_bit(LEVEL_MAY) | level_bit(LEVEL_DANE);
	else if (level_parse(str_of(word), &level))
		list->levels = level_bit(level);
	else
		return cmd_usage(&cmd_list,
		    "\"%s\" is no level: none, cleartext (may or dane), encrypt, verify, "
		    "secure or dane-only%s%s%s",
		    word, like != NULL ? "; did you mean \"" : "",
		    like != NULL ? like : "", like != NULL ? "\"?" : "");
	return 0;
}

static int
read_why(struct list *list, const char *word)
{
	const char *slugs[WHY_COUNT], *like;

	if (why_parse(str_of(word), &list->why))
		return 0;
	for (size_t i = 0; i < WHY_COUNT; i++)
		slugs[i] = why_slug((enum why)i);
	like = like_nearest(str_of(word), slugs, WHY_COUNT);
	return cmd_usage(&cmd_list,
	    "\"%s\" is no why; they are in tlsladder(8), WHY%s%s%s", word,
	    like != NULL ? "; did you mean \"" : "", like != NULL ? like : "",
	    like != NULL ? "\"?" : "");
}

static int
read_options(struct list *list, int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
	    {"waiting", no_argument, NULL, 'w'}, {"count", no_argument, NULL, 'c'},
	    {"level", required_argument, NULL, 'l'},
	    {"why", required_argument, NULL, 'y'}, {NULL, 0, NULL, 0}};
	int option, status = 0;

	while (
	    status == 0 && (option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option == 'j')
			list->json = true;
		else if (option == 'w')
			list->waiting = true;
		else if (option == 'c')
			list->count = true;
		else if (option == 'l')
			status = read_level(list, optarg);
		else if (option == 'y')
			status = read_why(list, optarg);
		else
			return cmd_wrong_option(&cmd_list, option, argv);
	}
	/* Without a name, entries are listed: none of them has no level. */
	if (status == 0 && list->levels == level_bit(LEVEL_NONE) && !list->waiting &&
	    optind == argc)
		return cmd_usage(&cmd_list,
		    "--level none is of mail that waits, or of domains that are named: "
		    "add --waiting or DOMAIN");
	return status;
}

static int
run_list(const struct options *options, int argc, char **argv)
{
	struct list list = {.why = WHY_COUNT};
	struct nexthop *names;
	struct config config;
	struct store *store;
	size_t name_count;
	int status = read_options(&list, argc, argv);

	if (status != 0)
		return status;
	name_count = (size_t)(argc - optind);
	names = mem_new(name_count + 1, sizeof(*names));
	for (size_t i = 0; i < name_count && status == 0; i++)
		if (!cmd_nexthop(&cmd_list, argv[(size_t)optind + i], &names[i]))
			status = EX_USAGE;
	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status == 0) {
		list.config = &config;
		list.columns = page_columns();
		list.key_width = list.columns == 0 ? 30 : list.waiting ? 26 : 20;
		store = cmd_store(&config, false, &status);
		if (store != NULL)
			status = run_on(&list, store, names, name_count);
		store_close(store);
		config_clear(&config);
	}
	buf_clear(&list.out);
	free(names);
	return status;
}

const struct command cmd_list = {
    .name = "list",
    .usage = "[--waiting] [--level LEVEL] [--why WORD] [--count] [--json] [DOMAIN]...",
    .summary = "Show the entries, or the destinations whose mail waits",
    .help = "--waiting  destinations whose mail waits, with an entry or without, and "
            "when the\n"
            "           first message bounces\n"
            "--level    those alone whose entry has that level; cleartext: may or dane;\n"
            "           none: no entry, with --waiting or DOMAIN\n"
            "--why      those alone with that word: with --waiting what the mail "
            "waits for\n"
            "--count    only how many they are\n"
            "--json     an object a line\n"
            "DOMAIN     these destinations, whatever is known of them\n",
    .run = run_list,
};
