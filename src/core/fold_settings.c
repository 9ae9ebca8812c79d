/* SPDX-License-Identifier: BSD-2-Clause */
/* What a fold is told of its Postfix, and what can be asked of it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/fold_impl.h"

void
fold_clear_nodes(struct fold *fold)
{
	for (unsigned i = 0; i < fold->node_count; i++) {
		free(fold->nodes[i].names);
		free(fold->nodes[i].heard);
	}
	free(fold->nodes);
	buf_clear(&fold->message);
}

void
fold_set_nodes(struct fold *fold, const char *const *hosts, unsigned count)
{
	fold_clear_nodes(fold);
	fold->nodes = mem_new(count, sizeof(*fold->nodes));
	fold->node_count = count;
	fold->any = NULL;
	for (unsigned i = 0; i < count; i++) {
		fold->nodes[i] = (struct fold_node){.host = hosts[i],
		    .quoted = ANSWER_YES,
		    .names = mem_strdup(""),
		    .heard = mem_new(1, sizeof(*fold->nodes[i].heard))};
		if (strcmp(hosts[i], FOLD_NODE_ANY) == 0)
			fold->any = &fold->nodes[i];
	}
	fold->node = fold->nodes;
}

void
fold_select(struct fold *fold, unsigned node)
{
	fold->node = &fold->nodes[node];
}

unsigned
fold_selected(const struct fold *fold)
{
	return (unsigned)(fold->node - fold->nodes);
}

const char *
fold_node_host(const struct fold *fold, unsigned node)
{
	return fold->node_count > 1 || fold->any == NULL ? fold->nodes[node].host : "";
}

struct str
fold_message(struct fold *fold, struct str queue_id)
{
	if (fold->node == fold->any)
		return queue_id;
	buf_reset(&fold->message);
	buf_printf(&fold->message, "%s/", fold->node->host);
	buf_add_str(&fold->message, queue_id);
	return (struct str){buf_text(&fold->message), fold->message.len};
}

unsigned
fold_node_count(const struct fold *fold)
{
	return fold->node_count;
}

uint64_t
fold_unfollowed(
    const struct fold *fold, const struct fold_stranger **strangers, unsigned *count)
{
	*strangers = fold->strangers;
	*count = fold->stranger_count;
	return fold->unfollowed;
}

void
fold_note_strangers(struct fold *fold)
{
	for (unsigned i = 0; i < fold->stranger_count; i++)
		fold->strangers[i].noted = fold->strangers[i].lines;
}

/* Whoever can write lines can make up hosts: one that writes on stays. */
static void
note_stranger(struct fold *fold, struct str host)
{
	struct fold_stranger *least = &fold->strangers[0];

	if (host.len >= sizeof(least->host))
		host.len = sizeof(least->host) - 1;
	for (unsigned i = 0; i < fold->stranger_count; i++) {
		struct fold_stranger *stranger = &fold->strangers[i];

		if (str_equal_nocase(host, str_of(stranger->host))) {
			stranger->lines++;
			return;
		}
		if (stranger->lines < least->lines)
			least = stranger;
	}
	if (fold->stranger_count < FOLD_STRANGERS_MAX)
		least = &fold->strangers[fold->stranger_count++];
	*least = (struct fold_stranger){.lines = 1};
	str_copy(host, least->host, sizeof(least->host));
}

/* Mostly it is that of the line before. A line that was not understood is of nobody. */
bool
fold_select_host(struct fold *fold, const struct parsed *line)
{
	if (fold->node_count == 1 && fold->any != NULL)
		return true;
	if (fold->node != fold->any &&
	    str_equal_nocase(line->host, str_of(fold->node->host)))
		return true;
	for (unsigned i = 0; i < fold->node_count; i++) {
		if (&fold->nodes[i] == fold->any ||
		    !str_equal_nocase(line->host, str_of(fold->nodes[i].host)))
			continue;
		fold->node = &fold->nodes[i];
		return true;
	}
	if (fold->any != NULL || line->kind == PARSED_STRANGE) {
		fold->node = fold->any != NULL ? fold->any : fold->node;
		return true;
	}
	fold->counts.unfollowed++;
	fold->unfollowed++;
	note_stranger(fold, line->host);
	return false;
}

static void
forget_own(struct fold *fold)
{
	for (struct fold_item *item = fold->items.first; item != NULL; item = item->next)
		item->own = false;
}

void
fold_set_router(struct fold *fold, fold_route_fn *router, void *context)
{
	fold->router = router;
	fold->router_context = context;
	forget_own(fold);
}

void
fold_set_plain(struct fold *fold, bool plain)
{
	fold->node->plain = plain;
	forget_own(fold);
}

void
fold_set_quoted(struct fold *fold, enum answer quoted)
{
	fold->node->quoted = quoted;
}

void
fold_set_foreign(struct fold *fold, bool foreign)
{
	fold->foreign = foreign;
}

void
fold_set_past(struct fold *fold, bool past)
{
	fold->past = past;
}

void
fold_set_covered(struct fold *fold, struct covered *covered)
{
	fold->covered = covered;
}

struct covered *
fold_covered(const struct fold *fold)
{
	return fold->covered;
}

void
fold_set_source(struct fold *fold, unsigned source)
{
	fold->source = source;
}

void
fold_on_known(struct fold *fold, fold_known_fn *fn, void *context)
{
	fold->known = fn;
	fold->known_context = context;
}

void
fold_set_outer(struct fold *fold, const char *outer)
{
	fold->outer = outer;
}

struct str
fold_outer(const struct fold *fold)
{
	return str_of(fold->outer);
}

uint64_t
fold_strange(const struct fold *fold, const char **line)
{
	*line = fold->strange_line;
	return fold->strange;
}

void
fold_set_names(struct fold *fold, const char *names)
{
	if (strcmp(fold->node->names, names) == 0)
		return;
	free(fold->node->names);
	fold->node->names = mem_strdup(names);
	fold->node->own_names = false;
}

static bool
is_ours(const struct fold *fold, struct str tag)
{
	struct str names = str_of(fold->node->names), name, own = tag;

	str_cut(&tag, '/', &own);
	while (str_next(&names, ' ', &name))
		if (str_equal(name, own))
			return true;
	return false;
}

/* A Postfix that starts is read of whichever it is. */
bool
fold_is_of_another(struct fold *fold, const struct parsed *line)
{
	if (fold->node->names[0] == '\0' || line->tag.len == 0 ||
	    line->kind == PARSED_START)
		return false;
	if (!is_ours(fold, line->tag))
		return fold->node->own_names;
	fold->node->own_names = true;
	return false;
}

void
fold_take_port(const struct fold *fold, struct fold_item *item)
{
	struct nexthop nexthop;

	item->port = 0;
	if (!nexthop_parse(str_of(item->key), &nexthop))
		return;
	nexthop_take_ports(&nexthop, fold->ports);
	item->port = nexthop.port;
}

void
fold_set_ports(struct fold *fold, const struct ports *ports)
{
	fold->ports = ports;
	for (struct fold_item *item = fold->items.first; item != NULL; item = item->next)
		fold_take_port(fold, item);
}

void
fold_set_sessions(struct fold *fold, bool logged)
{
	fold->node->sessions_logged = logged;
}

void
fold_set_silent(struct fold *fold, bool silent)
{
	fold->node->silent = silent;
}

bool
fold_is_silent(const struct fold *fold, unsigned node)
{
	return fold->nodes[node].silent;
}

size_t
fold_parked(const struct fold *fold)
{
	return fold->parked.count;
}

size_t
fold_parked_of(const struct fold *fold, unsigned node)
{
	return fold->nodes[node].parked;
}

bool
fold_was_unparked(const struct fold *fold)
{
	return fold->was_unparked;
}

void
fold_each_parked(struct fold *fold, fold_parked_fn *fn, void *context)
{
	for (size_t i = 0; i < fold->parked.count; i++) {
		struct parsed line;

		fold_select(fold, fold->parked.lines[i].node);
		if (parked_parse(&fold->parked.lines[i], &line))
			fn(context, line.status.recipient);
	}
}

unsigned
fold_starts(const struct fold *fold)
{
	return fold->node->starts;
}

bool
fold_was_heard(const struct fold *fold, unsigned node)
{
	return fold->nodes[node].was_heard;
}

void
fold_save_processes(const struct fold *fold, struct buf *out)
{
	const struct fold_heard *heard = fold->node->heard;

	processes_save(&heard->processes, out);
	passed_save(&heard->passed, out);
	attempts_save(&heard->attempts, out);
}

/* Set to zero it would take memory for all that it can hold. */
static void
forget_heard(struct fold_node *node)
{
	free(node->heard);
	node->heard = mem_new(1, sizeof(*node->heard));
}

void
fold_load_processes(struct fold *fold, struct str saved)
{
	struct fold_heard *heard;

	forget_heard(fold->node);
	heard = fold->node->heard;
	processes_load(&heard->processes, saved);
	passed_load(&heard->passed, saved);
	attempts_load(&heard->attempts, saved);
}

void
fold_forget_processes(struct fold *fold)
{
	for (unsigned i = 0; i < fold->node_count; i++)
		forget_heard(&fold->nodes[i]);
}

struct fold_item *
fold_first(const struct fold *fold)
{
	return fold->items.first;
}

const struct fold_ended *
fold_ended(const struct fold *fold, size_t *count)
{
	*count = fold->items.ended_count;
	return fold->items.ended;
}

size_t
fold_size(const struct fold *fold)
{
	return fold->items.size;
}

const struct fold_counts *
fold_counts(const struct fold *fold)
{
	return &fold->counts;
}

void
fold_keep_alarms(struct fold *fold, bool keeps)
{
	fold->keeps_alarms = keeps;
}
