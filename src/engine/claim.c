/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who counts lines has a claim, from the first one that it takes until they are stored:
 * what it knows to be counted would be out of date else, and a line count twice.
 */
#include "core/covered.h"
#include "engine/engine_impl.h"
#include "sys/file.h"
#include "sys/log.h"

/* A command that was stopped, or whose terminal does not scroll, must not keep the daemon
 * from reading. It stores nothing then. */
#define PATIENCE_MS (30 * SPAN_SECOND_MS)

/* Takes over what others counted. A command compares it with what it finds when it
 * stores its lines. */
static void
refresh(struct engine *e)
{
	int64_t version = e->counting.covered_version;
	struct buf text = {0};
	struct err ignored;

	if (!store_data_version(e->store, &version, &ignored) ||
	    (version == e->counting.covered_version && !e->driver.once))
		return;
	if (store_blob_get(e->store, "covered", &text, &ignored)) {
		struct str saved = {buf_text(&text), text.len};

		covered_load(e->counting.covered, saved);
		e->counting.covered_print = covered_hash(saved);
		e->counting.covered_version = version;
	}
	buf_clear(&text);
}

/* Has the other had time enough? The daemon alone goes on without it. */
static bool
is_overdue(struct engine *e)
{
	int64_t now_ms = e->world->mono_ms();

	if (e->counting.refused_ms == 0)
		e->counting.refused_ms = now_ms;
	if (e->driver.once || now_ms - e->counting.refused_ms < PATIENCE_MS)
		return false;
	log_warning("a command counts lines of logs and does not get on, perhaps it was "
	            "stopped: reading goes on without it");
	return true;
}

bool
engine_claim(struct engine *e)
{
	struct buf path = {0};
	struct err err;
	int lock;

	if (e->driver.mode != ENGINE_APPLY || e->counting.is_claimed)
		return true;
	buf_printf(&path, "%s.counting", e->config->state);
	lock = file_lock(buf_text(&path), 0, &err);
	buf_clear(&path);
	if (lock == FILE_LOCKED && !is_overdue(e))
		return false;
	if (lock < 0 && lock != FILE_LOCKED)
		log_debug("%s", err.text); /* a disk that is full, perhaps */
	e->counting.refused_ms = 0;
	e->counting.lock = lock;
	e->counting.is_claimed = true;
	e->counting.since_ms = e->world->mono_ms();
	refresh(e);
	return true;
}

int64_t
engine_claimed_for_ms(const struct engine *e)
{
	return e->counting.is_claimed ? e->world->mono_ms() - e->counting.since_ms : 0;
}

void
engine_unclaim(struct engine *e)
{
	if (e->counting.is_claimed)
		file_unlock(e->counting.lock);
	e->counting.is_claimed = false;
}
