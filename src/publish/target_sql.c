/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of databases as targets, one for each item of publish. What is known of their
 * rows is stored by a connection of its own: an intent is committed before the table is
 * asked, while the entries are read in one snapshot.
 */
#include "publish/target_sql.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "publish/table_batch.h"
#include "publish/table_listing.h"
#include "store/store_published.h"
#include "sys/clock.h"
#include "sys/log.h"

#define BUSY_MS 10000
#define COMPARED \
	"compared " /* the counter of a target: when all was compared last, ms \
	             */

struct own {
	const struct publisher *publisher;
	struct store *store;
	struct table_batch *batch;
	bool is_compared;
	bool is_restored;   /* the table lost what we wrote */
	size_t doubted;     /* of its keys, before all are compared */
	struct err failure; /* of publish(): the table cannot be asked; "": none */
};

static size_t
sql_count(const struct config *config)
{
	return config->publish.count;
}

static void
sql_print_name(const struct config *config, size_t which, struct buf *out)
{
	publisher_print_name(&config->publish.items[which], out);
}

static void
sql_print_place(const struct config *config, size_t which, struct buf *out)
{
	buf_printf(out, "%s", config->publish.items[which].login);
}

/* FNV-1a: two tables have two locks. */
static uint32_t
sum(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

static void
sql_lock_path(const struct config *config, size_t which, struct buf *path)
{
	struct buf name = {0};

	sql_print_name(config, which, &name);
	buf_printf(
	    path, "%s.table-%08" PRIx32 ".lock", config->state, sum(buf_text(&name)));
	buf_clear(&name);
}

static bool
sql_open(struct target_job *job, struct err *err)
{
	struct own *own = mem_new(1, sizeof(*own));

	job->own = own;
	own->publisher = &job->use.config->publish.items[job->which];
	own->store = store_open(job->use.config->state, BUSY_MS, err);
	if (own->store == NULL)
		return false;
	own->batch = table_batch_new(
	    own->publisher, own->store, job->is_read_here, job->now_ms, job->use.stop_fd);
	return true;
}

static void
sql_close(struct target_job *job)
{
	struct own *own = job->own;

	if (own == NULL)
		return;
	table_batch_free(own->batch);
	store_close(own->store);
	free(own);
	job->own = NULL;
}

/* All of it was compared within the hour. */
static enum answer
sql_verify(struct target_job *job)
{
	struct buf name = {0};
	int64_t at_ms = 0;
	struct err ignored;
	bool known;

	buf_printf(&name, COMPARED "%s", job->name);
	known = store_counter_get(job->use.store, buf_text(&name), &at_ms, &ignored);
	buf_clear(&name);
	return known && at_ms <= job->now_ms &&
	        job->now_ms - at_ms < TARGET_SQL_COMPARE_MS
	    ? ANSWER_YES
	    : ANSWER_NO;
}

static bool
end_batch(struct target_job *job, struct err *err)
{
	struct own *own = job->own;
	struct table_counts counts;

	if (!table_batch_end(own->batch, &counts, err))
		return false;
	own->doubted = counts.doubted;
	if (counts.busy > 0)
		return err_set(err, "%zu rows are locked by others", counts.busy);
	if (counts.asked > 0)
		log_debug("table=%s version=%" PRId64 " rows=%zu", own->publisher->login,
		    job->version, counts.asked);
	return true;
}

/* --- changes ----------------------------------------------------------------------- */

struct viewed {
	const struct publisher *publisher;
	struct published_want want;
};

static bool
want_view(void *context, const struct view *view)
{
	struct viewed *viewed = context;

	viewed->want = table_want(viewed->publisher, &view->entry);
	return false;
}

static bool
add_change(struct target_job *job, const char *key, struct err *err)
{
	struct own *own = job->own;
	struct viewed viewed = {own->publisher, table_want(own->publisher, NULL)};
	bool found;

	return store_view(job->use.store, key, want_view, &viewed, &found, err) &&
	    table_batch_add(own->batch, key, &viewed.want, err);
}

/* What fails here fails when all is compared, too. */
static bool
sql_publish(struct target_job *job, const struct changes *changes, struct err *err)
{
	struct own *own = job->own;
	bool done = true;

	for (size_t i = 0; done && i < changes->count; i++)
		done = add_change(job, changes->items[i].key, &own->failure);
	done = done && end_batch(job, &own->failure);
	err->text[0] = '\0';
	return done && own->doubted == 0;
}

/* --- all of it --------------------------------------------------------------------- */

struct walk {
	struct own *own;
	struct err *err;
	bool failed;
};

static bool
compare_entry(void *context, const struct entry *entry)
{
	struct walk *walk = context;
	const struct published_want want = table_want(walk->own->publisher, entry);

	walk->failed =
	    !table_batch_compare(walk->own->batch, entry->key, &want, walk->err);
	return !walk->failed;
}

static bool
find_restored(struct target_job *job, struct err *err)
{
	struct own *own = job->own;

	if (!table_restored(
	        own->publisher, own->store, false, job->now_ms, &own->is_restored, err))
		return false;
	table_batch_compares(own->batch, own->is_restored);
	if (!own->is_restored)
		return true;
	log_warning("table=%s: it is another one, or was restored from a copy: "
	            "everything is published to it anew",
	    own->publisher->login);
	return table_restore_owned(own->publisher, own->store, job->now_ms, err);
}

static bool
sql_rebuild(struct target_job *job, struct err *err)
{
	struct own *own = job->own;
	struct walk walk = {.own = own, .err = err};

	if (own->failure.text[0] != '\0') {
		*err = own->failure;
		return false;
	}
	own->is_compared =
	    table_listing_read(own->publisher, own->store, job->use.stop_fd, err) &&
	    find_restored(job, err) &&
	    store_each_entry(job->use.store, compare_entry, &walk, err) && !walk.failed &&
	    table_batch_compare_unlisted(own->batch, err) && end_batch(job, err);
	return own->is_compared;
}

static bool
sql_note(struct target_job *job, struct err *err)
{
	const struct own *own = job->own;
	struct buf name = {0};
	bool done = true;

	buf_printf(&name, COMPARED "%s", job->name);
	if (own->is_compared)
		done =
		    store_counter_set(job->use.store, buf_text(&name), job->now_ms, err);
	if (done && own->is_compared && own->is_restored)
		done = table_restored_over(own->publisher, job->use.store, err);
	buf_clear(&name);
	return done;
}

const struct target target_sql = {
    .name = "sql",
    .count = sql_count,
    .print_name = sql_print_name,
    .kind = "table",
    .print_place = sql_print_place,
    .lock_path = sql_lock_path,
    .open = sql_open,
    .close = sql_close,
    .verify = sql_verify,
    .publish = sql_publish,
    .rebuild = sql_rebuild,
    .note = sql_note,
};
