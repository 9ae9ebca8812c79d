/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes said of themselves last, over a restart: one that cannot be asked then has
 * the same level and the same maps as before, so that no entry goes that it needs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "engine/engine_impl.h"
#include "engine/nodes.h"

#define KEPT     "node-settings" /* the blob: "HOST SUM LENGTH", and the text, each */
#define TEXT_MAX 65536           /* of one; more nobody writes into main.cf */

static void
print_all(const struct engine *e, struct buf *out)
{
	for (unsigned i = 0; i < e->nodes.count; i++) {
		const struct engine_node *node = &e->nodes.items[i];
		const char *told = node->known.settings.told;

		if (node->was_read && told != NULL && strlen(told) <= TEXT_MAX)
			buf_printf(out, "%s %lld %zu\n%s", node->host,
			    (long long)node->sum, strlen(told), told);
	}
}

static bool
put(struct engine *e, struct str text, struct err *err)
{
	return store_begin(e->store, err) && store_blob_put(e->store, KEPT, text, err) &&
	    store_commit(e->store, err);
}

void
engine_keep_nodes(struct engine *e)
{
	struct buf text = {0};
	struct err err;
	uint64_t sum;

	if (e->driver.mode != ENGINE_APPLY || e->config->nodes.count == 0)
		return;
	print_all(e, &text);
	sum = sha256_of((struct str){buf_text(&text), text.len});
	if (sum == e->nodes.kept)
		;
	else if (put(e, (struct str){buf_text(&text), text.len}, &err))
		e->nodes.kept = sum;
	else
		engine_not_stored(e, "store Postfix's settings", &err);
	buf_clear(&text);
}

static struct engine_node *
find(const struct engine *e, struct str host)
{
	for (unsigned i = 0; i < e->nodes.count; i++)
		if (str_is(host, e->nodes.items[i].host))
			return &e->nodes.items[i];
	return NULL;
}

static void
recall(struct engine *e, struct engine_node *node, int64_t sum, struct str told)
{
	struct postfix_settings settings;
	size_t ignored;

	if (!postfix_settings_recall(told, &settings))
		return;
	engine_retire_settings(e, &node->known);
	node->known.settings = settings;
	engine_take_maps(e, &node->known, &ignored);
	engine_note_said(node);
	node->sum = sum;
}

/* False: it ends here, or cannot be read. */
static bool
next(struct engine *e, struct str *rest)
{
	struct str line, host, sum_text;
	struct engine_node *node;
	uint64_t sum, len;

	if (!str_cut(rest, '\n', &line) || !str_cut(&line, ' ', &host) ||
	    !str_cut(&line, ' ', &sum_text) || !str_number(sum_text, INT64_MAX, &sum) ||
	    !str_number(line, TEXT_MAX, &len) || len > rest->len)
		return false;
	node = find(e, host);
	if (node != NULL)
		recall(e, node, (int64_t)sum, (struct str){rest->p, (size_t)len});
	*rest = str_skip(*rest, (size_t)len);
	return true;
}

bool
engine_recall_nodes(struct engine *e, struct err *err)
{
	struct buf text = {0};
	struct str rest;
	bool done;

	if (e->driver.mode != ENGINE_APPLY || e->config->nodes.count == 0)
		return true;
	done = store_blob_get(e->store, KEPT, &text, err);
	rest = (struct str){buf_text(&text), text.len};
	while (done && next(e, &rest))
		;
	buf_clear(&text);
	return done;
}
