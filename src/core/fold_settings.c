/* SPDX-License-Identifier: BSD-2-Clause */
/* What a fold is told of its Postfix, and what can be asked of it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/fold_impl.h"

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
	fold->plain = plain;
	forget_own(fold);
}

void
fold_set_quoted(struct fold *fold, enum answer quoted)
{
	fold->quoted = quoted;
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
	if (strcmp(fold->names, names) == 0)
		return;
	free(fold->names);
	fold->names = mem_strdup(names);
	fold->own_names = false;
}

static bool
is_ours(const struct fold *fold, struct str tag)
{
	struct str names = str_of(fold->names), name, own = tag;

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
	if (fold->names[0] == '\0' || line->tag.len == 0 || line->kind == PARSED_START)
		return false;
	if (!is_ours(fold, line->tag))
		return fold->own_names;
	fold->own_names = true;
	return false;
}

void
fold_set_sessions(struct fold *fold, bool logged)
{
	fold->sessions_logged = logged;
}

void
fold_set_silent(struct fold *fold, bool silent)
{
	fold->silent = silent;
}

bool
fold_is_silent(const struct fold *fold)
{
	return fold->silent;
}

size_t
fold_parked(const struct fold *fold)
{
	return fold->parked.count;
}

bool
fold_was_unparked(const struct fold *fold)
{
	return fold->was_unparked;
}

void
fold_each_parked(const struct fold *fold, fold_parked_fn *fn, void *context)
{
	for (size_t i = 0; i < fold->parked.count; i++) {
		struct parsed line;

		if (parked_parse(&fold->parked.lines[i], &line))
			fn(context, line.status.recipient);
	}
}

unsigned
fold_starts(const struct fold *fold)
{
	return fold->starts;
}

void
fold_save_processes(const struct fold *fold, struct buf *out)
{
	processes_save(&fold->processes, out);
	passed_save(&fold->passed, out);
	attempts_save(&fold->attempts, out);
}

void
fold_load_processes(struct fold *fold, struct str saved)
{
	processes_load(&fold->processes, saved);
	passed_load(&fold->passed, saved);
	attempts_load(&fold->attempts, saved);
}

void
fold_forget_processes(struct fold *fold)
{
	fold->processes = (struct processes){0};
	fold->passed = (struct passed_table){0};
	fold->attempts = (struct attempts){0};
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
