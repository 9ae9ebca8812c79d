/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/lead.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "publish/lead_rows.h"
#include "publish/table.h"

#define BUSY_MS 10000

/* Counters of the state: our number, when the lease was asked for last, and that another
 * has led since we last did. */
#define NUMBER "lead-number"
#define ASKED  "lead-asked-ms"
#define LOST   "lead-lost "

#define HOST_MAX (ROWS_HOLDER_MAX - 24)

bool
lead_has_lease(const struct publisher *publisher)
{
	return strcmp(publisher->schema, "own") == 0;
}

bool
lead_is_shared(const struct config *config)
{
	for (size_t i = 0; i < config->publish.count; i++)
		if (lead_has_lease(&config->publish.items[i]))
			return true;
	return false;
}

/* --- our name ----------------------------------------------------------------------- */

/* The first of several at once draws it. */
static bool
read_number(struct store *store, int64_t *number, struct err *err)
{
	uint32_t drawn;

	if (!store_counter_get(store, NUMBER, number, err))
		return false;
	if (*number != 0)
		return true;
	if (getrandom(&drawn, sizeof(drawn), 0) != (ssize_t)sizeof(drawn))
		return err_set_errno(err, errno, "cannot draw a number");
	if (!store_begin(store, err))
		return false;
	if (store_counter_get(store, NUMBER, number, err) &&
	    (*number != 0 ||
	        (store_counter_set(store, NUMBER, (int64_t)drawn + 1, err) &&
	            store_counter_get(store, NUMBER, number, err))) &&
	    store_commit(store, err))
		return true;
	store_rollback(store);
	return false;
}

/* The host is for those who read it; the number tells two states of one name apart. */
bool
lead_print_name(struct store *store, struct buf *out, struct err *err)
{
	char host[HOST_MAX + 1] = "";
	int64_t number;

	if (!read_number(store, &number, err))
		return false;
	if (gethostname(host, HOST_MAX) != 0)
		host[0] = '\0';
	for (char *p = host; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
	buf_printf(out, "%s:%08" PRIx64, host, (uint64_t)number);
	return true;
}

/* --- the leases --------------------------------------------------------------------- */

struct keeping {
	const struct config *config;
	struct store *store;
	int64_t now_ms;
	int stop_fd;
	struct buf name; /* ours */
	struct lead *lead;
};

/* Of one table. NO: lead->holder has the lease. */
static bool
ask(struct keeping *k, const struct publisher *p, enum rows_word word, enum answer *ours,
    struct err *err)
{
	const struct rows_line line = {
	    .word = word, .holder = str_of(buf_text(&k->name)), .seconds = LEAD_S};
	struct table_exchange x = {.request = {0}};
	bool done;

	rows_line_print(&line, &x.request);
	done = table_ask(p, &x, k->stop_fd, err);
	*ours = done ? ANSWER_YES : ANSWER_UNSURE;
	if (!done && x.is_standby) {
		*ours = ANSWER_NO;
		k->lead->is_shortened = x.answer.is_shortened;
		str_copy(x.answer.holder, k->lead->holder, sizeof(k->lead->holder));
		done = true;
	}
	table_exchange_clear(&x);
	return done;
}

/* Whoever led once and finds another there only takes the lease with its rows from then
 * on. That is stored before the lease is asked for: who is ended between the two takes
 * over later. */
static bool
is_lost(struct keeping *k, const struct publisher *p, const char *counter, bool *lost,
    struct err *err)
{
	enum answer ours = ANSWER_YES;
	int64_t noted;

	if (!store_counter_get(k->store, counter, &noted, err) ||
	    (noted == 0 && !ask(k, p, ROWS_RENEW, &ours, err)))
		return false;
	*lost = noted != 0 || ours == ANSWER_NO;
	return noted != 0 || !*lost || store_counter_set(k->store, counter, 1, err);
}

static bool
read_leader(struct keeping *k, struct err *err)
{
	struct buf text = {0};
	bool done = store_blob_get(k->store, LEAD_HOLDER, &text, err);

	if (k->lead->holder[0] == '\0' && done)
		str_copy(
		    str_of(buf_text(&text)), k->lead->holder, sizeof(k->lead->holder));
	buf_clear(&text);
	return done;
}

static bool
keep(struct keeping *k, const struct publisher *p, const char *counter, struct err *err)
{
	enum answer ours;
	bool lost;

	if (!is_lost(k, p, counter, &lost, err))
		return false;
	if (!lost)
		return true;
	if (!ask(k, p, ROWS_LEASE, &ours, err))
		return false;
	k->lead->leads = ours;
	return ours == ANSWER_NO ||
	    (read_leader(k, err) &&
	        lead_rows_take(k->config, p, k->store, k->now_ms, k->stop_fd,
	            &k->lead->taken_over, err) &&
	        store_counter_set(k->store, counter, 0, err));
}

static bool
keep_all(struct keeping *k, struct err *err)
{
	const struct publishers *all = &k->config->publish;
	struct buf counter = {0};
	bool done = true;

	k->lead->leads = ANSWER_YES;
	for (size_t i = 0; done && k->lead->leads == ANSWER_YES && i < all->count; i++) {
		if (!lead_has_lease(&all->items[i]))
			continue;
		buf_reset(&counter);
		buf_printf(&counter, LOST);
		publisher_print_name(&all->items[i], &counter);
		done = keep(k, &all->items[i], buf_text(&counter), err);
	}
	buf_clear(&counter);
	return done;
}

bool
lead_keep(const struct config *config, int64_t now_ms, int stop_fd, struct lead *out,
    struct err *err)
{
	struct keeping k = {.config = config,
	    .store = store_open(config->state, BUSY_MS, err),
	    .now_ms = now_ms,
	    .stop_fd = stop_fd,
	    .lead = out};
	bool done;

	*out = (struct lead){.leads = ANSWER_UNSURE};
	/* Who cannot store anything must not keep the lease from others. */
	done = k.store != NULL && store_counter_set(k.store, ASKED, now_ms, err) &&
	    lead_print_name(k.store, &k.name, err) && keep_all(&k, err);
	if (done)
		done = store_blob_put(k.store, LEAD_HOLDER,
		    str_of(out->leads == ANSWER_NO ? out->holder : ""), err);
	if (!done)
		out->leads = ANSWER_UNSURE;
	buf_clear(&k.name);
	store_close(k.store);
	return done;
}
