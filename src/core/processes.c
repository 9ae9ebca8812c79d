/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/processes.h"

#include <stdio.h>
#include <string.h>

#include "core/covered.h"

#define FAULT "fault" /* begins a line of what failed */

struct process *
processes_find(struct processes *all, uint32_t pid)
{
	uint16_t at = all->by_pid[pid % PROCESSES];

	while (at != 0 && all->items[at - 1].pid != pid)
		at = all->items[at - 1].next;
	return at != 0 ? &all->items[at - 1] : NULL;
}

static void
link_process(struct processes *all, struct process *process)
{
	uint16_t *first = &all->by_pid[process->pid % PROCESSES];

	process->next = *first;
	*first = (uint16_t)(process - all->items + 1);
}

static void
unlink_process(struct processes *all, const struct process *process)
{
	uint16_t *at = &all->by_pid[process->pid % PROCESSES];

	while (*at != 0 && &all->items[*at - 1] != process)
		at = &all->items[*at - 1].next;
	if (*at != 0)
		*at = process->next;
}

struct process *
processes_get(struct processes *all, uint32_t pid)
{
	struct process *process = processes_find(all, pid), *oldest = &all->items[0];

	if (process == NULL) {
		for (size_t i = 1; i < PROCESSES; i++)
			if (all->items[i].used < oldest->used)
				oldest = &all->items[i];
		process = oldest;
		unlink_process(all, process);
		*process = (struct process){.pid = pid};
		link_process(all, process);
	}
	process->used = ++all->used;
	return process;
}

void
process_note_session(struct process *p, const struct session_line *s)
{
	struct str peer;

	p->grade = s->grade;
	p->queue_id[0] = '\0';
	/* "host[address]" stands in one piece in the line. */
	peer = (struct str){s->host.p, s->host.len + s->address.len + 2};
	p->has_session = memchr(peer.p, '\t', peer.len) == NULL &&
	    str_copy(peer, p->peer, sizeof(p->peer));
	p->peer_len = p->has_session ? (uint16_t)peer.len : 0;
}

void
process_note_policy(struct process *p, const struct policy_line *policy)
{
	struct nexthop nh;

	p->nexthop[0] = '\0';
	if (nexthop_parse(policy->nexthop, &nh) &&
	    memchr(policy->reason.p, '\t', policy->reason.len) == NULL &&
	    str_copy(policy->reason, p->reason, sizeof(p->reason)))
		memcpy(p->nexthop, nh.key, sizeof(p->nexthop));
}

/* What is no name that a line of text can hold is none of a host. */
static bool
copy_host(struct str host, char *out, size_t size)
{
	if (host.len == 0 || memchr(host.p, '\t', host.len) != NULL ||
	    !str_copy(host, out, size))
		return false;
	for (char *p = out; *p != '\0'; p++)
		*p = ascii_lower(*p);
	return true;
}

void
process_note_fault(struct process *p, const struct fault_line *fault)
{
	struct process_fault new = {.cause = fault->cause, .port = fault->port};
	unsigned at = 0;

	if (!copy_host(fault->host, new.host, sizeof(new.host)))
		return;
	if (p->fault_id[0] != '\0') { /* they were of the message before */
		p->fault_id[0] = '\0';
		p->fault_count = 0;
	}
	while (at < p->fault_count && strcmp(p->faults[at].host, new.host) != 0)
		at++;
	if (at == PROCESS_FAULTS)
		return;
	if (at == p->fault_count) {
		p->faults[p->fault_count++] = new;
		return;
	}
	if (p->faults[at].cause == CAUSE_OTHER || p->faults[at].cause == CAUSE_HANDSHAKE)
		p->faults[at].cause = new.cause;
	if (p->faults[at].port == 0)
		p->faults[at].port = new.port;
}

enum cause
process_cause(const struct process *p, const char *host)
{
	for (unsigned i = 0; i < p->fault_count; i++)
		if (strcmp(p->faults[i].host, host) == 0)
			return p->faults[i].cause;
	/* Where the server is not named, it is the only one that failed. */
	return host[0] == '\0' && p->fault_count == 1 ? p->faults[0].cause : CAUSE_NONE;
}

/* However it is written. */
static unsigned
hash_of_name(struct str name)
{
	char folded[NEXTHOP_HOST_SIZE + 64];
	size_t len = name.len < sizeof(folded) ? name.len : sizeof(folded);

	for (size_t i = 0; i < len; i++)
		folded[i] = ascii_lower(name.p[i]);
	return (unsigned)(covered_hash((struct str){folded, len}) & 0xffffffff);
}

#define HASH_LEN 9 /* of a hash with its blank */

/* "QUEUEID DOMAIN RELAY": of the same message, and of the same domain or server? */
static bool
is_one_delivery(const char *a, const char *b)
{
	size_t len = strlen(a), id_len = len - 2 * HASH_LEN;

	if (len != strlen(b) || len <= 2 * HASH_LEN || memcmp(a, b, id_len) != 0)
		return false;
	return memcmp(a + id_len, b + id_len, HASH_LEN) == 0 ||
	    (strcmp(a + id_len + HASH_LEN, b + id_len + HASH_LEN) == 0 &&
	        strcmp(a + id_len + HASH_LEN, " 00000000") != 0);
}

/* Is the bound one another message than that? Mostly it is. */
static bool
is_of_another(const char *bound, struct str queue_id)
{
	return strlen(bound) != queue_id.len + 2 * HASH_LEN ||
	    memcmp(bound, queue_id.p, queue_id.len) != 0;
}

/* A process delivers a message to one destination after the other, and to recipients of
 * many domains at once where a relay takes them all. */
static void
bind_faults(struct process *p, const struct status_line *s)
{
	char id[sizeof(p->fault_id)];
	bool has_relay = !str_equal(s->relay, STR("none"));
	int len;

	if (p->fault_id[0] != '\0' && is_of_another(p->fault_id, s->queue_id)) {
		p->fault_count = 0;
		return;
	}
	len = s->queue_id.len < sizeof(id)
	    ? snprintf(id, sizeof(id), "%.*s %08x %08x", STR_ARG(s->queue_id),
	          hash_of_name(s->domain), has_relay ? hash_of_name(s->relay) : 0)
	    : -1;
	if (len < 0 || (size_t)len >= sizeof(id) ||
	    (p->fault_id[0] != '\0' && !is_one_delivery(p->fault_id, id)))
		p->fault_count = 0;
	else if (p->fault_id[0] == '\0')
		memcpy(p->fault_id, id, sizeof(id));
}

void
process_bind(struct process *p, const struct status_line *s)
{
	if (p->fault_count > 0)
		bind_faults(p, s);
	if (!p->has_session)
		return;
	p->has_session = p->queue_id[0] == '\0'
	    ? str_copy(s->queue_id, p->queue_id, sizeof(p->queue_id))
	    : str_is(s->queue_id, p->queue_id);
}

bool
process_named(const struct process *p, const struct status_line *s)
{
	return p != NULL && str_equal(s->relay, STR("none")) && p->nexthop[0] != '\0' &&
	    str_is(s->reason, p->reason);
}

void
processes_save(const struct processes *all, struct buf *out)
{
	for (size_t i = 0; i < PROCESSES; i++) {
		const struct process *p = &all->items[i];

		if (p->used == 0)
			continue;
		buf_printf(out, "%lu\t%llu\t%d\t%d\t%s\t%s\t%s\t%s\n",
		    (unsigned long)p->pid, (unsigned long long)p->used, p->has_session,
		    (int)p->grade, p->peer, p->queue_id, p->nexthop, p->reason);
	}
	for (size_t i = 0; i < PROCESSES; i++) {
		const struct process *p = &all->items[i];

		for (unsigned k = 0; k < p->fault_count && p->used != 0; k++)
			buf_printf(out, FAULT "\t%lu\t%s\t%u\t%s\t%s\n",
			    (unsigned long)p->pid, p->fault_id,
			    (unsigned)p->faults[k].port, cause_name(p->faults[k].cause),
			    p->faults[k].host);
	}
}

/* Behind the lines of the processes. */
static void
load_fault(struct processes *all, struct str line)
{
	struct str field[4];
	struct process_fault fault = {.port = 0};
	struct process *p;
	uint64_t pid, port;

	for (int i = 0; i < 4; i++)
		if (!str_cut(&line, '\t', &field[i]))
			return;
	if (!str_number(field[0], UINT32_MAX, &pid) ||
	    !str_number(field[2], UINT16_MAX, &port) ||
	    !cause_parse(field[3], &fault.cause) ||
	    !copy_host(line, fault.host, sizeof(fault.host)))
		return;
	p = processes_find(all, (uint32_t)pid);
	if (p == NULL || p->fault_count == PROCESS_FAULTS ||
	    !str_copy(field[1], p->fault_id, sizeof(p->fault_id)))
		return;
	fault.port = (uint16_t)port;
	p->faults[p->fault_count++] = fault;
}

void
processes_load(struct processes *all, struct str saved)
{
	struct str line, field[7], rest = saved;
	size_t n = 0;

	while (n < PROCESSES && str_cut(&saved, '\n', &line)) {
		struct process *p = &all->items[n];
		uint64_t pid, used, has_session, grade;
		bool whole = true;

		for (int i = 0; i < 7; i++)
			whole = whole && str_cut(&line, '\t', &field[i]);
		if (!whole || !str_number(field[0], UINT32_MAX, &pid) ||
		    !str_number(field[1], INT64_MAX, &used) ||
		    !str_number(field[2], 1, &has_session) ||
		    !str_number(field[3], SESSION_COUNT - 1, &grade) ||
		    !str_copy(field[4], p->peer, sizeof(p->peer)) ||
		    !str_copy(field[5], p->queue_id, sizeof(p->queue_id)) ||
		    !str_copy(field[6], p->nexthop, sizeof(p->nexthop)) ||
		    !str_copy(line, p->reason, sizeof(p->reason)))
			continue;
		p->pid = (uint32_t)pid;
		p->used = used;
		p->peer_len = (uint16_t)strlen(p->peer);
		p->has_session = has_session != 0;
		p->grade = (enum session_grade)grade;
		if (p->used > all->used)
			all->used = p->used;
		link_process(all, p);
		n++;
	}
	while (str_cut(&rest, '\n', &line))
		if (str_eat(&line, STR(FAULT "\t")))
			load_fault(all, line);
}
