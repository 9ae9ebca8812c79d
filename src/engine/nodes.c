/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several Postfix servers behind one log. What each of them is asked is asked by duties
 * of its own; here is what follows for what is decided, which is one thing for all of
 * them.
 *
 * The settings of one node decide: the first that tells them, as all are to have the
 * same. Only what would make an entry too weak somewhere is taken of all: the default
 * level is the strongest of theirs, and DANE works where it works on each. One that
 * cannot be asked counts as what it said last.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/span.h"
#include "engine/engine_impl.h"
#include "engine/nodes.h"
#include "sys/log.h"

#define KNOWN_NODES "known-nodes" /* the blob: ids, a line each */

/* --- life -------------------------------------------------------------------------- */

static void
make(struct engine *e, unsigned at, const char *host, const struct strings *command)
{
	struct engine_node *node = &e->nodes.items[at];
	bool is_any = strcmp(host, FOLD_NODE_ANY) == 0;

	*node = (struct engine_node){
	    .at = at,
	    .host = host,
	    .name = e->config->nodes.count > 0 ? host : "",
	    .postfix = e->nodes.here,
	};
	if (command != NULL) {
		node->postfix.command = command->items;
		node->postfix.command_count = command->count;
	}
	/* Others must not wait for one that hangs. */
	if (e->config->nodes.count > 1)
		node->postfix.lookup_ms = POSTFIX_LOOKUP_ONE_MS;
	if (!is_any)
		snprintf(node->id, sizeof(node->id), "%s/", host);
}

void
engine_make_nodes(struct engine *e)
{
	const struct nodes *nodes = &e->config->nodes;
	const char *hosts[FOLD_NODES_MAX];

	e->nodes.count = nodes->count > 0 ? (unsigned)nodes->count : 1;
	e->nodes.items = mem_new(e->nodes.count, sizeof(*e->nodes.items));
	for (unsigned i = 0; i < nodes->count; i++)
		make(e, i, nodes->items[i].host, &nodes->items[i].command);
	if (nodes->count == 0)
		make(e, 0, FOLD_NODE_ANY, NULL);
	for (unsigned i = 0; i < e->nodes.count; i++)
		hosts[i] = e->nodes.items[i].host;
	fold_set_nodes(e->fold, hosts, e->nodes.count);
	e->known = &e->nodes.items[0].known;
	for (unsigned i = 0; i < e->nodes.count; i++) {
		fold_select(e->fold, i);
		fold_set_quoted(e->fold, ANSWER_UNSURE); /* until Postfix tells */
	}
}

void
engine_free_nodes(struct engine *e)
{
	for (unsigned i = 0; i < e->nodes.count; i++) {
		postfix_maps_free(e->nodes.items[i].known.other_maps);
		postfix_settings_clear(&e->nodes.items[i].known.settings);
	}
	engine_free_asked(e);
	free(e->nodes.items);
}

static bool
forget_others(struct engine *e, struct str now, struct err *err)
{
	const char *ids[FOLD_NODES_MAX];

	for (unsigned i = 0; i < e->nodes.count; i++)
		ids[i] = e->nodes.items[i].id;
	return store_begin(e->store, err) &&
	    store_waiting_forget(e->store, ids, e->nodes.count, err) &&
	    store_blob_put(e->store, KNOWN_NODES, now, err) &&
	    store_commit(e->store, err);
}

/* Before there were nodes nothing was noted, and there was one without a name. */
bool
engine_mind_nodes(struct engine *e, struct err *err)
{
	struct buf now = {0}, then = {0};
	bool done;

	if (e->driver.mode != ENGINE_APPLY)
		return true;
	for (unsigned i = 0; i < e->nodes.count; i++)
		buf_printf(&now, "%s\n", e->nodes.items[i].id);
	done = store_blob_get(e->store, KNOWN_NODES, &then, err);
	if (done && strcmp(buf_text(&now), then.len > 0 ? buf_text(&then) : "\n") != 0) {
		done = forget_others(e, (struct str){now.data, now.len}, err);
		if (!done)
			store_rollback(e->store);
		else
			engine_read_queue(e);
	}
	buf_clear(&now);
	buf_clear(&then);
	return done && engine_recall_nodes(e, err);
}

/* --- what is decided by ------------------------------------------------------------ */

static bool
tells(const struct engine_node *node)
{
	return !node->is_away && node->known.read_ms != 0;
}

const struct engine_node *
engine_decisive(const struct engine *e)
{
	for (unsigned i = 0; i < e->nodes.count; i++)
		if (tells(&e->nodes.items[i]))
			return &e->nodes.items[i];
	return NULL;
}

bool
engine_know_nodes(const struct engine *e)
{
	for (unsigned i = 0; i < e->nodes.count; i++)
		if (!e->nodes.items[i].was_asked)
			return false;
	return true;
}

static enum level
strongest_level(const struct engine *e)
{
	enum level level = LEVEL_NONE;

	for (unsigned i = 0; i < e->nodes.count; i++) {
		const struct engine_node *node = &e->nodes.items[i];

		if (node->was_read)
			level = postfix_stronger_level(level, node->level);
	}
	return level;
}

static bool
can_all_dane(const struct engine *e)
{
	for (unsigned i = 0; i < e->nodes.count; i++)
		if (e->nodes.items[i].was_read && !e->nodes.items[i].can_dane)
			return false;
	return true;
}

static void
set_judge(struct engine *e)
{
	if (engine_decisive(e) == NULL) {
		e->judge.settings = NULL;
		e->judge.default_level = LEVEL_UNKNOWN;
		e->judge.can_dane = ANSWER_UNSURE;
		return;
	}
	e->judge.settings = &e->known->settings;
	e->judge.default_level = e->config->postfix.default_level != LEVEL_UNKNOWN
	    ? e->config->postfix.default_level
	    : strongest_level(e);
	e->judge.can_dane = can_all_dane(e) ? ANSWER_YES : ANSWER_NO;
	postfix_take_port(&e->known->settings, &e->nodes.ports);
	fold_set_ports(e->fold, &e->nodes.ports);
}

/* What its lines are read by; of one that never told, what the decisive one has. */
static void
set_facts(struct engine *e, const struct engine_node *node)
{
	const struct engine_node *of = node->was_read ? node : engine_decisive(e);
	const struct postfix_settings *s;

	fold_select(e->fold, node->at);
	if (engine_decisive(e) == NULL) {
		fold_set_quoted(e->fold, ANSWER_NO); /* as far as is known */
		return;
	}
	s = &of->known.settings;
	fold_set_quoted(e->fold, s->quotes_addresses ? ANSWER_YES : ANSWER_NO);
	fold_set_names(e->fold, node->was_read ? s->log_names : "");
	fold_set_sessions(
	    e->fold, s->tls_loglevel[0] >= '1' && s->tls_loglevel[0] <= '9');
	fold_set_silent(e->fold, s->tls_loglevel[0] == '0');
}

/* Of two nodes with other levels, or of which one alone can do DANE, one has a default
 * that an entry was not made for. */
static void
tell_difference(struct engine *e, struct engine_node *node)
{
	const struct engine_node *first = engine_decisive(e);
	bool differs = first != NULL && node->was_read && node->was_asked &&
	    (node->level != first->level || node->can_dane != first->can_dane);
	struct buf line = {0};

	if (differs && !node->is_told_apart && e->driver.mode == ENGINE_APPLY) {
		buf_printf(&line,
		    "the nodes differ: %s has smtp_tls_security_level = %s and %s "
		    "dane-only, %s has %s and %s; decided is by the strongest level, "
		    "until they are alike: type `tlsladder doctor`",
		    first->name, level_name(first->level),
		    first->can_dane ? "can do" : "cannot do", node->name,
		    level_name(node->level), node->can_dane ? "can" : "cannot");
		engine_alert(e, buf_text(&line));
	}
	node->is_told_apart = differs;
	buf_clear(&line);
}

void
engine_note_said(struct engine_node *node)
{
	node->was_read = true;
	node->level = node->known.settings.level;
	node->can_dane = node->known.settings.can_dane;
	node->sum = postfix_settings_sum(&node->known.settings, LEVEL_NONE);
}

void
engine_note_node(struct engine *e, struct engine_node *node, bool told)
{
	const struct engine_node *first;

	node->was_asked = true;
	node->is_away = !told;
	if (told)
		engine_note_said(node);
	first = engine_decisive(e);
	e->known =
	    first != NULL ? &e->nodes.items[first->at].known : &e->nodes.items[0].known;
	set_judge(e);
	if (first != NULL || !told)
		set_facts(e, node);
	for (unsigned i = 0; i < e->nodes.count; i++) {
		if (!e->nodes.items[i].was_read && &e->nodes.items[i] != node &&
		    first != NULL)
			set_facts(e, &e->nodes.items[i]);
		tell_difference(e, &e->nodes.items[i]);
	}
}

int64_t
engine_nodes_sum(const struct engine *e)
{
	struct buf text = {0};
	int64_t sum;

	if (e->nodes.count == 1)
		return postfix_settings_sum(&e->known->settings, e->judge.default_level);
	buf_printf(&text, "%d\n", (int)e->judge.default_level);
	for (unsigned i = 0; i < e->nodes.count; i++)
		buf_printf(&text, "%s%lld\n", e->nodes.items[i].id,
		    (long long)e->nodes.items[i].sum);
	sum = (int64_t)(sha256_of((struct str){text.data, text.len}) >> 1);
	buf_clear(&text);
	return sum != 0 ? sum : 1;
}

int64_t
engine_queue_lifetime_ms(const struct engine *e)
{
	int64_t least_ms = 0;

	for (unsigned i = 0; i < e->nodes.count; i++) {
		int64_t ms = e->nodes.items[i].known.settings.queue_lifetime_ms;

		if (ms != 0 && (least_ms == 0 || ms < least_ms))
			least_ms = ms;
	}
	return least_ms;
}

/* --- for people -------------------------------------------------------------------- */

void
engine_print_nodes(const struct engine *e, struct buf *out)
{
	for (unsigned i = 0; i < e->nodes.count; i++) {
		const struct engine_node *node = &e->nodes.items[i];
		const struct duty_state *settings =
		    engine_state_of(e, &duty_settings, node);

		buf_printf(out, "%s\t%s\t%s\t", node->host,
		    node->was_read ? level_name(node->level) : "",
		    node->is_away ? "away" : "");
		buf_add_visible(
		    out, str_of(node->is_away ? settings->backoff.last.text : ""));
		buf_add_char(out, '\n');
	}
}

/* "HOST" a line: those that were told of. */
static bool
is_listed(struct str list, const char *host)
{
	struct str line;

	while (str_cut(&list, '\n', &line))
		if (str_is(line, host))
			return true;
	return false;
}

/* Whoever can write lines could make up hosts: so many are told in a day, and so many are
 * known as told. */
#define TOLD_A_DAY 8
#define TOLD_HOSTS 128

/* Of those that are not told and wrote since the last time, the one with most lines;
 * NULL: none. */
static const struct fold_stranger *
find_untold(const struct fold *fold, struct str told)
{
	const struct fold_stranger *strangers, *most = NULL;
	unsigned count;

	fold_unfollowed(fold, &strangers, &count);
	for (unsigned i = 0; i < count; i++) {
		const struct fold_stranger *s = &strangers[i];
		struct buf name = {0};

		if (s->lines == s->noted || (most != NULL && s->lines <= most->lines))
			continue;
		buf_add_visible(&name, str_of(s->host));
		if (!is_listed(told, buf_text(&name)))
			most = s;
		buf_clear(&name);
	}
	return most;
}

/* Behind the others; of too many the first one is forgotten. */
static void
list_told(struct buf *told, const char *host)
{
	struct str rest = {buf_text(told), told->len}, line;
	struct buf kept = {0};
	unsigned count = 0;

	for (size_t i = 0; i < told->len; i++)
		count += told->data[i] == '\n';
	if (count >= TOLD_HOSTS)
		str_cut(&rest, '\n', &line);
	buf_add_str(&kept, rest);
	buf_add_visible(&kept, str_of(host));
	buf_add_char(&kept, '\n');
	buf_clear(told);
	*told = kept;
}

static void
tell_stranger(struct engine *e, const char *host)
{
	bool is_last = e->nodes.told_today == TOLD_A_DAY;
	struct buf line = {0};

	buf_printf(&line, "lines of the host \"");
	buf_add_visible(&line, str_of(host));
	buf_printf(&line,
	    is_last
	        ? "\" and more hosts are not followed, as they are none of `nodes:`; "
	          "which ones is told in a day, as names of hosts can be made up"
	        : "\" are not followed, as it is none of `nodes:`; if it is a Postfix "
	          "of yours, add it there, with the words that reach it");
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

/* In a day so many, and once that there are more. False: none is new in the list. */
static bool
tell_strangers(struct engine *e, struct buf *told)
{
	int64_t mono_ms = engine_now(e).mono_ms;
	const struct fold_stranger *stranger;
	bool is_new = false;

	if (e->nodes.told_today == 0 || mono_ms - e->nodes.told_ms >= SPAN_DAY_MS) {
		e->nodes.told_today = 0;
		e->nodes.told_ms = mono_ms;
	}
	while (e->nodes.told_today <= TOLD_A_DAY &&
	    (stranger = find_untold(e->fold, (struct str){buf_text(told), told->len})) !=
	        NULL) {
		tell_stranger(e, stranger->host);
		if (e->nodes.told_today++ == TOLD_A_DAY)
			break;
		list_told(told, stranger->host);
		is_new = true;
	}
	return is_new;
}

void
engine_mind_unfollowed(struct engine *e)
{
	const struct fold_stranger *strangers;
	unsigned stranger_count;
	uint64_t count = fold_unfollowed(e->fold, &strangers, &stranger_count);
	struct buf told = {0};
	bool is_new;
	struct err err;

	if (count == e->nodes.unfollowed || e->driver.mode != ENGINE_APPLY)
		return;
	if (!store_blob_get(e->store, STORE_UNFOLLOWED, &told, &err) ||
	    !store_counter_add(e->store, STORE_UNFOLLOWED,
	        (int64_t)(count - e->nodes.unfollowed), &err)) {
		engine_not_stored(e, "store which lines are not followed", &err);
		buf_clear(&told);
		return;
	}
	e->nodes.unfollowed = count;
	is_new = tell_strangers(e, &told);
	fold_note_strangers(e->fold);
	if (is_new &&
	    !store_blob_put(
	        e->store, STORE_UNFOLLOWED, (struct str){told.data, told.len}, &err))
		engine_not_stored(e, "store which lines are not followed", &err);
	buf_clear(&told);
}
