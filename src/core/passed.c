/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/passed.h"

#include "base/span.h"

#define WORD "passed" /* begins a line of these */

static struct passed *
find(struct passed_table *table, uint32_t pid)
{
	for (unsigned i = 0; i < table->count; i++)
		if (table->pids[i] == pid)
			return &table->items[i];
	return NULL;
}

static struct passed *
oldest(struct passed_table *table)
{
	struct passed *oldest = &table->items[0];

	for (unsigned i = 1; i < table->count; i++)
		if (table->items[i].used < oldest->used)
			oldest = &table->items[i];
	return oldest;
}

static struct passed *
get(struct passed_table *table, uint32_t pid)
{
	struct passed *p = find(table, pid);

	if (p == NULL) {
		p = table->count < PASSED_MAX ? &table->items[table->count++]
		                              : oldest(table);
		*p = (struct passed){.pid = pid};
		table->pids[p - table->items] = pid;
	}
	p->used = ++table->used;
	return p;
}

/* The last one takes its place. */
static void
forget(struct passed_table *table, struct passed *p)
{
	table->count--;
	*p = table->items[table->count];
	table->pids[p - table->items] = p->pid;
}

static void
forget_reason(struct passed *p)
{
	p->queue_id[0] = '\0';
	p->rank = 0;
	p->bound = false;
}

/* What could not be kept as a line of text is no name of a host. */
static void
copy_host(struct str host, char *out, size_t size)
{
	out[0] = '\0';
	if (memchr(host.p, '\t', host.len) != NULL || !str_copy(host, out, size))
		return;
	for (char *p = out; *p != '\0'; p++)
		*p = ascii_lower(*p);
}

void
passed_note_fault(
    struct passed_table *table, uint32_t pid, const struct fault_line *fault)
{
	struct passed *p = get(table, pid);

	p->step = fault->step;
	copy_host(fault->host, p->host, sizeof(p->host));
}

/* A session is of a server whose certificate was refused, if at all: without a handshake
 * there is none. */
static struct str
server_of(const struct passed *p, const struct reason_line *reason, const char *peer)
{
	struct str rest = str_of(peer), host;

	if (reason->step == TLS_START)
		return reason->host;
	if (p->host[0] != '\0' && p->step == reason->step)
		return str_of(p->host);
	if (reason->step == TLS_CERTIFICATE && str_cut(&rest, '[', &host))
		return host;
	return STR("");
}

static void
copy_cut(struct str text, char *out, size_t size)
{
	if (text.len >= size)
		text.len = size - 1;
	str_copy(text, out, size);
	for (char *p = out; *p != '\0'; p++)
		if (*p == '\t')
			*p = ' ';
}

void
passed_note_reason(struct passed_table *table, uint32_t pid,
    const struct reason_line *reason, const char *peer, unsigned rank, int64_t time_ms)
{
	struct passed *p = get(table, pid);

	/* After a status line it is of another attempt, or another message. */
	if (p->bound || !str_is(reason->queue_id, p->queue_id))
		forget_reason(p);
	if (rank > p->rank &&
	    str_copy(reason->queue_id, p->queue_id, sizeof(p->queue_id))) {
		copy_cut(reason->reason, p->reason, sizeof(p->reason));
		copy_host(server_of(p, reason, peer), p->relay, sizeof(p->relay));
		p->rank = rank;
		p->time_ms = time_ms;
	}
	p->host[0] = '\0'; /* the next server is another */
}

const struct passed *
passed_take(struct passed_table *table, uint32_t pid, const struct status_line *status,
    uint32_t domain, int64_t began_ms)
{
	struct passed *p = find(table, pid);

	if (p == NULL)
		return NULL;
	p->host[0] = '\0';
	/* Of an attempt that began after it, it tells nothing; many a log has whole
	 * seconds. */
	if (!str_is(status->queue_id, p->queue_id) || status->status == DELIVERY_SENT ||
	    began_ms > p->time_ms + SPAN_SECOND_MS) {
		forget(table, p);
		return NULL;
	}
	if (!p->bound) {
		p->bound = true;
		p->domain = domain;
	}
	return status->status == DELIVERY_DEFERRED && p->domain == domain ? p : NULL;
}

static void
save_line(const struct passed *p, struct buf *out)
{
	buf_printf(out, WORD "\t%lu\t%d\t%s\t%s\t%s\t%u\t%lld\t%d\t%lu\t%s\n",
	    (unsigned long)p->pid, (int)p->step, p->host, p->queue_id, p->relay, p->rank,
	    (long long)p->time_ms, p->bound, (unsigned long)p->domain, p->reason);
}

/* The one silent longest first. */
void
passed_save(const struct passed_table *table, struct buf *out)
{
	uint64_t after = 0;

	for (unsigned n = 0; n < table->count; n++) {
		const struct passed *next = NULL;

		for (unsigned i = 0; i < table->count; i++) {
			const struct passed *p = &table->items[i];

			if (p->used > after && (next == NULL || p->used < next->used))
				next = p;
		}
		if (next == NULL)
			return;
		save_line(next, out);
		after = next->used;
	}
}

#define FIELDS 9 /* before the reason */

static bool
load_line(struct str line, struct passed *p)
{
	struct str field[FIELDS];
	uint64_t pid, step, rank, time_ms, bound, domain;

	if (!str_eat(&line, STR(WORD "\t")))
		return false;
	for (int i = 0; i < FIELDS; i++)
		if (!str_cut(&line, '\t', &field[i]))
			return false;
	if (!str_number(field[0], UINT32_MAX, &pid) ||
	    !str_number(field[1], TLS_START, &step) ||
	    !str_copy(field[2], p->host, sizeof(p->host)) ||
	    !str_copy(field[3], p->queue_id, sizeof(p->queue_id)) ||
	    !str_copy(field[4], p->relay, sizeof(p->relay)) ||
	    !str_number(field[5], UINT32_MAX, &rank) ||
	    !str_number(field[6], INT64_MAX, &time_ms) ||
	    !str_number(field[7], 1, &bound) ||
	    !str_number(field[8], UINT32_MAX, &domain) ||
	    !str_copy(line, p->reason, sizeof(p->reason)))
		return false;
	p->pid = (uint32_t)pid;
	p->step = (enum tls_step)step;
	p->rank = (unsigned)rank;
	p->time_ms = (int64_t)time_ms;
	p->bound = bound != 0;
	p->domain = (uint32_t)domain;
	return true;
}

void
passed_load(struct passed_table *table, struct str saved)
{
	struct str line;

	table->count = 0;
	table->used = 0;
	while (table->count < PASSED_MAX && str_cut(&saved, '\n', &line)) {
		struct passed *p = &table->items[table->count];

		if (!load_line(line, p))
			continue;
		p->used = ++table->used;
		table->pids[table->count++] = p->pid;
	}
}
