/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The targets behind the map, as the tables of publish: each gets what it lacks when
 * entries changed, and is compared with all entries at the start and each hour. A
 * database that is away is tried ever more slowly, and only the version that the table
 * has tells what it lacks then.
 *
 * While Postfix cannot ask such a table it defers all mail, and each of its processes
 * goes on with that for a minute after its first failure. Once that is over the mail is
 * retried.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "publish/table_listing.h"
#include "publish/target_sql.h"
#include "sys/child.h"
#include "sys/log.h"
#include "sys/memory.h"

#define APART_MS   SPAN_SECOND_MS
#define BACKOFF_MS SPAN_MINUTE_MS
#define LASTS      7 /* tries that failed, the last 63 s after the first */
#define BACK_MS    (61 * SPAN_SECOND_MS) /* dict_mysql.c, dict_pgsql.c: RETRY_CONN_INTV */
#define DOUBT_MS   SPAN_MINUTE_MS
/* Mail that is deferred for a table that answers us is retried so far apart. */
#define APART_LEAST_MS (2 * SPAN_MINUTE_MS)
#define APART_MOST_MS  SPAN_HOUR_MS

/* Of one of these. Times are monotonic. */
struct table {
	struct target_instance at;
	struct backoff backoff;
	int64_t version;     /* that it has */
	int64_t due_ms;      /* when it is published to; 0: not for changes */
	int64_t compare_ms;  /* when it is compared */
	int64_t begun_ms;    /* when it was published to last */
	int64_t restored_ms; /* wall: when it was found last to be another, or restored */
	bool has_task;
};

struct tables {
	struct duty_state base;
	struct table *items;
	size_t count;
	int stop_fd; /* of child_stopper(): a database that hangs delays no end; 0: none
	              */
	bool is_deferred;   /* mail was, as Postfix could not ask a map */
	int64_t doubted_ms; /* monotonic: when a table was asked for that; 0: never */
	int64_t flush_ms;   /* monotonic: when that mail is retried; 0: not */
	bool was_away;      /* ... as a table was, for us as well */
	int64_t again_ms;   /* monotonic: not before it is retried where none was */
	int64_t wait_ms;    /* so long after the last time */
	int64_t retried_ms; /* wall: when that mail was retried last */
};

/* --- the start --------------------------------------------------------------------- */

static bool
is_configured(const struct config *config, const char *name)
{
	struct target_instance at;
	struct buf known = {0};
	bool found = false;

	for (size_t i = 0; !found && targets_instance(config, i, &at); i++) {
		buf_reset(&known);
		target_print_name(at.target, config, at.which, &known);
		found = strcmp(buf_text(&known), name) == 0;
	}
	buf_clear(&known);
	return found;
}

struct left {
	const struct config *config;
	struct strings names;
};

static void
find_left(void *context, const char *name)
{
	struct left *left = context;

	if (!is_configured(left->config, name))
		strings_add(&left->names, str_of(name));
}

/* The version of a target that is published to no more would keep destinations from being
 * forgotten. Its rows are known still: `unpublish` removes them. */
static bool
forget_left(struct engine *e, struct err *err)
{
	struct left left = {.config = e->config};
	struct buf here = {0};
	bool done = store_each_target(e->store, "", find_left, &left, err) &&
	    store_read_here(e->store, &here, err);

	for (size_t i = 0; done && i < left.names.count; i++)
		done = store_target_forget(e->store, left.names.items[i], err);
	strings_clear(&left.names);
	if (done && !is_configured(e->config, buf_text(&here)))
		done = store_read_here_put(e->store, STORE_MAP, err);
	buf_clear(&here);
	return done;
}

/* All targets but the first, the map. */
static void
list_targets(struct tables *t, const struct config *config)
{
	struct target_instance at;

	while (targets_instance(config, t->count + 1, &at)) {
		t->items = mem_array(t->items, t->count + 1, sizeof(*t->items));
		t->items[t->count++] = (struct table){.at = at};
	}
}

static bool
read_restored(
    const struct engine *e, const struct table *table, int64_t *at_ms, struct err *err)
{
	*at_ms = 0;
	return table->at.target != &target_sql ||
	    table_restored_ms(
	        &e->config->publish.items[table->at.which], e->store, at_ms, err);
}

static bool
open_tables(struct engine *e, struct duty_state *base, struct err *err)
{
	struct tables *t = (struct tables *)base;
	int64_t mono_ms = engine_now(e).mono_ms;

	if (e->driver.mode != ENGINE_APPLY)
		return true;
	if (!forget_left(e, err))
		return false;
	list_targets(t, e->config);
	if (t->count == 0)
		return true;
	memory_share();
	t->stop_fd = child_stopper(err);
	if (t->stop_fd < 0)
		return false;
	for (size_t i = 0; i < t->count; i++) {
		struct table *table = &t->items[i];
		struct target_state state;
		struct buf name = {0};
		bool done;

		target_print_name(table->at.target, e->config, table->at.which, &name);
		done = store_target_get(e->store, buf_text(&name), &state, err);
		buf_clear(&name);
		if (!done)
			return false;
		if (!read_restored(e, table, &table->restored_ms, err))
			return false;
		table->version = state.version;
		table->compare_ms = mono_ms;
		table->backoff.most_ms = BACKOFF_MS;
		table->backoff.lasts = LASTS;
	}
	return true;
}

static void
finish_tables(struct engine *e, struct duty_state *base)
{
	const struct tables *t = (const struct tables *)base;

	(void)e;
	if (t->stop_fd > 0)
		child_stop(t->stop_fd);
}

static void
close_tables(struct duty_state *base)
{
	struct tables *t = (struct tables *)base;

	if (t->stop_fd > 0)
		close(t->stop_fd);
	free(t->items);
}

/* --- what is due ------------------------------------------------------------------- */

/* Is it asked by the Postfix whose log is followed? */
static bool
is_named(const struct engine *e, const struct table *table)
{
	return table->at.target == &target_sql &&
	    (e->known->guard.named & 1U << table->at.which) != 0;
}

static void
note_change(const struct engine *e, struct table *table, int64_t mono_ms)
{
	int64_t at_ms = mono_ms + e->config->map.settle_ms;

	if (table->begun_ms != 0 && at_ms < table->begun_ms + APART_MS)
		at_ms = table->begun_ms + APART_MS;
	if (e->map.version > table->version && table->due_ms == 0)
		table->due_ms = at_ms;
}

/* Mail was deferred because Postfix cannot ask a map: is it one of these? What was
 * deferred before the last retry is judged again and again until it is sent. */
static void
doubt(const struct engine *e, struct tables *t, int64_t mono_ms)
{
	if (e->known->guard.named == 0 || e->map.unasked_ms <= t->retried_ms)
		return;
	t->is_deferred = true;
	if (t->flush_ms != 0 || mono_ms < t->again_ms ||
	    (t->doubted_ms != 0 && mono_ms - t->doubted_ms < DOUBT_MS))
		return;
	t->doubted_ms = mono_ms;
	for (size_t i = 0; i < t->count; i++)
		if (is_named(e, &t->items[i]))
			t->items[i].compare_ms = mono_ms;
}

static void
hear(struct engine *e, struct duty_state *base, enum news news, const struct moment *now)
{
	struct tables *t = (struct tables *)base;

	if (news == NEWS_DOUBT)
		doubt(e, t, now->mono_ms);
	for (size_t i = 0; news == NEWS_LEADS && i < t->count; i++)
		t->items[i].compare_ms = now->mono_ms;
	if (news == NEWS_ENTRIES || news == NEWS_LATE_ENTRIES ||
	    news == NEWS_CALM_ENTRIES || news == NEWS_MAP)
		for (size_t i = 0; i < t->count; i++)
			note_change(e, &t->items[i], now->mono_ms);
}

static int64_t
due_ms(const struct table *table)
{
	int64_t at_ms = table->compare_ms;

	if (table->has_task)
		return DUE_NEVER;
	if (table->due_ms != 0 && table->due_ms < at_ms)
		at_ms = table->due_ms;
	if (table->backoff.failing && at_ms < table->backoff.again_ms)
		at_ms = table->backoff.again_ms;
	return at_ms;
}

static struct due
due(const struct engine *e, const struct duty_state *base, const struct moment *now)
{
	const struct tables *t = (const struct tables *)base;
	struct due due = {DUE_NEVER, false};

	(void)now;
	if (t->flush_ms != 0)
		due.at_ms = t->flush_ms;
	for (size_t i = 0; i < t->count; i++) {
		const struct table *table = &t->items[i];

		/* A command does not wait for a database that is away. */
		if ((table->due_ms != 0 || table->version == 0) &&
		    !table->backoff.failing)
			due.owed = true;
		if (due_ms(table) < due.at_ms)
			due.at_ms = due_ms(table);
	}
	if (e->health.is_malformed || e->health.unchecked)
		due.at_ms = DUE_NEVER;
	return due;
}

/* --- the tasks --------------------------------------------------------------------- */

struct table_task {
	struct task task;
	size_t which; /* of the duty's */
	struct target_instance at;
	enum publish_how how;
	int stop_fd;
	bool published;
	int64_t version; /* out: that it has */
	struct err err;
};

/* Its failure is that of one table, and not of the duty: another one need not wait. */
static bool
work(struct task *task, void *context)
{
	struct table_task *t = (struct table_task *)task;

	(void)context;
	t->published = task->world->publish_other(
	    task->config, task->postfix, t->at, t->how, t->stop_fd, &t->version, &t->err);
	return true;
}

static void
print_place(const struct engine *e, const struct table *table, struct buf *out)
{
	const struct target *target = table->at.target;

	if (target->print_place != NULL)
		target->print_place(e->config, table->at.which, out);
	else
		target_print_name(target, e->config, table->at.which, out);
}

static const char *
kind_of(const struct table *table)
{
	return table->at.target->kind != NULL ? table->at.target->kind : "target";
}

static void
print_what(const struct engine *e, const struct table *table, struct buf *out)
{
	buf_printf(out, "publish to the %s of ", kind_of(table));
	print_place(e, table, out);
}

static void
log_version(const struct engine *e, const struct table *table)
{
	struct buf place = {0};

	print_place(e, table, &place);
	log_info(
	    "%s=%s version=%" PRId64, kind_of(table), buf_text(&place), table->version);
	buf_clear(&place);
}

static void
take_failure(struct engine *e, struct tables *t, const struct table_task *task,
    const struct moment *now)
{
	struct table *table = &t->items[task->which];
	struct buf what = {0};

	print_what(e, table, &what);
	if (backoff_report(&table->backoff, buf_text(&what), &task->err, !e->driver.once,
	        now->mono_ms)) {
		struct buf line = {0};

		buf_printf(&line, "cannot %s: %s", buf_text(&what), task->err.text);
		engine_alert(e, buf_text(&line));
		buf_clear(&line);
	}
	buf_clear(&what);
	if (table->due_ms == 0)
		table->compare_ms = now->mono_ms; /* nothing else is queued */
	if (is_named(e, table))
		t->flush_ms = 0;
}

static void
tell_restored(struct engine *e, struct table *table)
{
	struct buf line = {0};
	struct err err;
	int64_t at_ms;

	if (!read_restored(e, table, &at_ms, &err)) {
		engine_not_stored(e, "read what became of a table", &err);
		return;
	}
	if (at_ms == table->restored_ms)
		return;
	table->restored_ms = at_ms;
	buf_printf(&line, "the %s of ", kind_of(table));
	print_place(e, table, &line);
	buf_printf(&line,
	    " is another one, or was restored from a copy: all entries were published to "
	    "it anew; rows of somebody else stay as they are");
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

/* It answers. What is compared has asked for sure. */
static void
take_success(struct engine *e, struct tables *t, const struct table_task *task,
    const struct moment *now)
{
	struct table *table = &t->items[task->which];
	bool was_away = table->backoff.failing;
	struct buf what = {0};
	struct err err;

	print_what(e, table, &what);
	backoff_over(&table->backoff, buf_text(&what));
	buf_clear(&what);
	if (table->version != task->version) {
		table->version = task->version;
		log_version(e, table);
	}
	if (task->how == PUBLISH_ANEW)
		table->compare_ms = now->mono_ms + TARGET_SQL_COMPARE_MS;
	if (is_named(e, table) && t->is_deferred && t->flush_ms == 0 &&
	    (was_away || (task->how == PUBLISH_ANEW && now->mono_ms >= t->again_ms))) {
		t->flush_ms = now->mono_ms + BACK_MS;
		t->was_away = was_away;
	}
	if (!engine_read_versions(e, &err))
		engine_not_stored(e, "read what is in force", &err);
	tell_restored(e, table);
	note_change(e, table, now->mono_ms);
	engine_tell(e, NEWS_MAP);
}

static void
take(struct engine *e, struct duty_state *base, struct task *task,
    const struct moment *now)
{
	struct tables *t = (struct tables *)base;
	const struct table_task *done = (const struct table_task *)task;

	t->items[done->which].has_task = false;
	if (done->published)
		take_success(e, t, done, now);
	else
		take_failure(e, t, done, now);
}

static const struct task_kind table_kind = {
    .size = sizeof(struct table_task), .work = work, .take = take};

/* A table that answers us the whole time may be out of the reach of one Postfix for
 * hours: all mail of all of them is not retried each minute for that. */
static void
space_out(struct tables *t, int64_t mono_ms)
{
	if (t->was_away || mono_ms - t->again_ms >= APART_MOST_MS)
		t->wait_ms = 0;
	t->wait_ms = t->was_away ? 0 : t->wait_ms == 0 ? APART_LEAST_MS : 2 * t->wait_ms;
	if (t->wait_ms > APART_MOST_MS)
		t->wait_ms = APART_MOST_MS;
	t->again_ms = mono_ms + t->wait_ms;
}

static void
start_flush(struct engine *e, struct tables *t, const struct moment *now)
{
	t->flush_ms = 0;
	t->is_deferred = false;
	t->retried_ms = now->wall_ms;
	space_out(t, now->mono_ms);
	if (!e->config->postfix.retry)
		return;
	log_info("the tables of publish answer again: mail that waits is retried");
	engine_flush(e);
}

static void
start(struct engine *e, struct duty_state *base, const struct moment *now)
{
	struct tables *t = (struct tables *)base;

	if (t->flush_ms != 0 && t->flush_ms <= now->mono_ms)
		start_flush(e, t, now);
	for (size_t i = 0; i < t->count; i++) {
		struct table *table = &t->items[i];
		struct table_task *task;

		if (due_ms(table) > now->mono_ms)
			continue;
		task = engine_task(e, base, &table_kind);
		task->which = i;
		task->at = table->at;
		task->stop_fd = t->stop_fd;
		task->how =
		    table->compare_ms <= now->mono_ms ? PUBLISH_ANEW : PUBLISH_LACKING;
		table->due_ms = 0;
		table->begun_ms = now->mono_ms;
		table->has_task = true;
		engine_submit(e, &task->task);
	}
}

const struct duty duty_tables = {
    .name = "tables",
    .needs = DUTY_APPLIES | DUTY_LEADS,
    .opens_store = true,
    .is_cut_short = true,
    .stuck = ENGINE_STUCK,
    .state_size = sizeof(struct tables),
    .open = open_tables,
    .finish = finish_tables,
    .close = close_tables,
    .hear = hear,
    .due = due,
    .start = start,
};
