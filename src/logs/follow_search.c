/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where is the file that a position belongs to? At the path, renamed beside it, copied
 * beside it, or compressed. Cheap questions first; a gzip file is read up to the offset,
 * some MiB a call.
 */
#include "logs/follow_impl.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/utc.h"

/* So much text before the offset is no coincidence: head and mark do not overlap. */
#define CONTENT_MIN (FOLLOW_HEAD_MAX + FOLLOW_MARK_MAX)

void
search_clear(struct search *search)
{
	siblings_clear(&search->list);
	generation_free(search->packed);
	generation_free(search->live);
	*search = (struct search){0};
}

void
search_begin(struct follow *follow, const struct follow_position *wanted, bool after_cut)
{
	struct generation *live = NULL;

	if (after_cut) {
		live = follow->chain[0];
		follow->chain_len = 0;
		if (follow->watch != NULL)
			watch_remove(follow->watch, live->watch);
	}
	search_clear(&follow->search);
	follow->search.wanted = *wanted;
	follow->search.after_cut = after_cut;
	follow->search.live = live;
	follow->where = *wanted;
	follow->has_where = true;
	follow->phase = PHASE_SEARCH;
}

/* Device numbers may change with a reboot; a birth time makes up for it. */
static bool
is_same_file(const struct follow_position *wanted, const struct identity *id)
{
	return id->inode == wanted->inode && id->birth_ns == wanted->birth_ns &&
	    (id->birth_ns != 0 || id->device == wanted->device);
}

static void
found(struct follow *follow, struct generation *generation)
{
	if (follow->search.live_replaced && !follow->search.after_cut)
		follow_tell(follow, FOLLOW_NOTE_TRUNCATED,
		    "%s was cut or rewritten while nobody read it; the rest of what it "
		    "held "
		    "is read from %s",
		    follow->name, generation->name);
	search_clear(&follow->search);
	follow_adopt(follow, generation);
}

/* May trying again later help? */
static bool
passes(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM ||
	    errnum == EIO || errnum == ESTALE;
}

/* Is it here that the position goes on? COMPARE_FAILED: try again later. */
static enum compare_result
try_file(struct follow *follow, const char *path, const struct identity *id, bool is_copy)
{
	struct search *search = &follow->search;
	struct generation *generation;
	enum compare_result result;
	int errnum;

	generation = generation_open(path, false, &errnum);
	if (generation == NULL) {
		struct buf name = {0};

		if (errnum == ENOENT || errnum == EINVAL)
			return COMPARE_FAILED; /* the names have just changed */
		buf_add_quoted(&name, str_of(path));
		follow_tell_unreadable(
		    follow, &follow->open_failed, buf_text(&name), errnum);
		buf_clear(&name);
		return passes(errnum) || path == follow->path ? COMPARE_FAILED
		                                              : COMPARE_REPLACED;
	}
	result = identity_equal(&generation->id, id)
	    ? generation_resume(generation, &search->wanted, &follow->lines)
	    : COMPARE_FAILED;
	if (result == COMPARE_SAME) {
		generation->is_whole = is_copy;
		found(follow, generation);
		return result;
	}
	generation_free(generation);
	return result;
}

/* It was cut within what was read, and what is left is the same. */
static enum compare_result
resume_shrunk(struct follow *follow)
{
	struct generation *generation;
	struct file_facts facts;
	int errnum;

	generation = generation_open(follow->path, false, &errnum);
	if (generation == NULL)
		return COMPARE_FAILED;
	if (facts_of_fd(generation->fd, &facts) != 0 ||
	    !generation_start_at_line(generation, facts.size, &follow->lines)) {
		generation_free(generation);
		return COMPARE_FAILED;
	}
	follow_tell(follow, FOLLOW_NOTE_TRUNCATED,
	    "%s was cut to %llu bytes while nobody read it; going on there", follow->name,
	    (unsigned long long)facts.size);
	search_clear(&follow->search);
	follow_adopt(follow, generation);
	return COMPARE_SAME;
}

static enum compare_result
try_live(struct follow *follow)
{
	struct search *search = &follow->search;
	enum compare_result result;

	if (search->after_cut || search->list.live_errnum != 0 ||
	    !is_same_file(&search->wanted, &search->list.live.id))
		return COMPARE_REPLACED;
	result = try_file(follow, follow->path, &search->list.live.id, false);
	if (result == COMPARE_SHRUNK)
		return resume_shrunk(follow);
	search->live_replaced = result == COMPARE_REPLACED;
	return result;
}

enum pass {
	PASS_SAME_FILE, /* renamed */
	PASS_COPY,      /* copied, under a name that rotation gives */
	PASS_ANY_COPY,
};

static bool
is_for_pass(const struct search *search, const struct sibling *sibling, enum pass pass)
{
	if (sibling->is_gzip || sibling->is_foreign)
		return false;
	if (is_same_file(&search->wanted, &sibling->facts.id))
		return pass == PASS_SAME_FILE;
	return search->wanted.offset > 0 &&
	    (sibling->kind == SIBLING_OTHER ? pass == PASS_ANY_COPY : pass == PASS_COPY);
}

/* Newest first. COMPARE_REPLACED: none of them. */
static enum compare_result
try_siblings(struct follow *follow, enum pass pass)
{
	struct search *search = &follow->search;

	for (size_t i = search->list.count; i-- > 0;) {
		const struct sibling *sibling = &search->list.items[i];
		enum compare_result result;

		if (!is_for_pass(search, sibling, pass))
			continue;
		result = try_file(
		    follow, sibling->path, &sibling->facts.id, pass != PASS_SAME_FILE);
		if (result == COMPARE_SAME || result == COMPARE_FAILED)
			return result;
	}
	return COMPARE_REPLACED;
}

/* The whole directory moved to another disk: same name, same text, another file. */
static enum compare_result
try_live_text(struct follow *follow)
{
	struct search *search = &follow->search;

	if (search->after_cut || search->list.live_errnum != 0 ||
	    search->wanted.offset < CONTENT_MIN ||
	    is_same_file(&search->wanted, &search->list.live.id))
		return COMPARE_REPLACED;
	return try_file(follow, follow->path, &search->list.live.id, false);
}

static enum compare_result
try_plain_files(struct follow *follow)
{
	enum compare_result result = try_live(follow);

	if (result == COMPARE_REPLACED)
		result = try_siblings(follow, PASS_SAME_FILE);
	if (result == COMPARE_REPLACED)
		result = try_siblings(follow, PASS_COPY);
	if (result == COMPARE_REPLACED)
		result = try_live_text(follow);
	return result;
}

static enum follow_result
list(struct follow *follow)
{
	struct search *search = &follow->search;
	struct siblings now;
	int errnum = siblings_read(follow->path, &now);

	if (errnum != 0) {
		if (errnum != EAGAIN)
			follow_path_trouble(follow, errnum);
		return FOLLOW_IDLE;
	}
	if (search->over && siblings_same(&search->list, &now)) {
		siblings_clear(&now);
		return FOLLOW_IDLE;
	}
	siblings_clear(&search->list);
	search->list = now;
	search->over = false;
	search->next = search->list.count;
	switch (try_plain_files(follow)) {
	case COMPARE_FAILED:
		return FOLLOW_IDLE;
	case COMPARE_SAME:
		return FOLLOW_BUSY;
	default:
		search->listed = true;
		return FOLLOW_BUSY;
	}
}

/* Open the next gzip file, newest first. False: there is none left. */
static bool
open_packed(struct follow *follow)
{
	struct search *search = &follow->search;

	while (search->wanted.offset > 0 && search->next > 0) {
		const struct sibling *sibling = &search->list.items[--search->next];
		int errnum;

		if (!sibling->is_gzip)
			continue;
		search->packed = generation_open(sibling->path, true, &errnum);
		if (search->packed == NULL)
			continue;
		if (search->packed->gzip != NULL) {
			lines_reset(&follow->lines, 0, STR(""));
			return true;
		}
		generation_free(search->packed);
		search->packed = NULL;
	}
	return false;
}

static enum follow_result
seek_packed(struct follow *follow)
{
	struct search *search = &follow->search;
	struct generation *packed = search->packed;

	switch (generation_seek(packed, &search->wanted, &follow->lines)) {
	case SEEK_FOUND:
		search->packed = NULL;
		found(follow, packed);
		break;
	case SEEK_OTHER:
		generation_free(packed);
		search->packed = NULL;
		break;
	case SEEK_MORE:
		break;
	}
	return FOLLOW_BUSY;
}

static void
add_time(struct buf *out, int64_t ns)
{
	char text[UTC_SIZE];

	buf_printf(out, "%s",
	    ns > 0 && utc_print(ns / 1000000000, text) ? text : "at an unknown time");
}

static void
tell_gap(
    struct follow *follow, const struct generation *next, const struct file_facts *live)
{
	struct buf text = {0};

	buf_printf(&text,
	    "%s: lines may be lost: the file that was read up to offset %llu (inode "
	    "%llu, "
	    "created ",
	    follow->name, (unsigned long long)follow->search.wanted.offset,
	    (unsigned long long)follow->search.wanted.inode);
	add_time(&text, follow->search.wanted.birth_ns);
	buf_printf(&text,
	    ") is not there any more; going on at the start of %s (the log is now inode "
	    "%llu, "
	    "created ",
	    next->name, (unsigned long long)live->id.inode);
	add_time(&text, live->id.birth_ns);
	buf_printf(&text, ", last written ");
	add_time(&text, live->mtime_ns);
	follow_tell(follow, FOLLOW_NOTE_GAP, "%s)", buf_text(&text));
	buf_clear(&text);
}

/* Names may have moved on while gzip files were read: then all begins again. */
static bool
list_has_changed(const struct follow *follow)
{
	struct siblings now;
	bool changed;

	if (siblings_read(follow->path, &now) != 0)
		return true;
	changed = !siblings_same(&follow->search.list, &now);
	siblings_clear(&now);
	return changed;
}

/*
 * The file is lost, but not all that came after it: what was written well after it was
 * made is newer. An older writer may be late by seconds, not by a minute.
 */
static struct generation *
open_oldest_newer(const struct follow *follow)
{
	const struct search *search = &follow->search;
	int64_t after_ns = search->wanted.birth_ns + 60 * INT64_C(1000000000);

	for (size_t i = 0; i < search->list.count && search->wanted.birth_ns > 0; i++) {
		const struct sibling *sibling = &search->list.items[i];
		struct generation *generation;
		int errnum;

		if (sibling->kind == SIBLING_OTHER || sibling->facts.mtime_ns <= after_ns)
			continue;
		generation = generation_open(sibling->path, true, &errnum);
		if (generation != NULL)
			return generation;
	}
	return NULL;
}

static struct generation *
open_live(struct follow *follow)
{
	struct search *search = &follow->search;
	struct generation *live;
	int errnum;

	live = generation_open(follow->path, false, &errnum);
	if (live != NULL)
		return live;
	search->over = errnum == ENOENT;
	search->listed = false;
	follow_path_trouble(follow, errnum);
	return NULL;
}

/* Nothing holds what was read: go on with what is certainly new. */
static enum follow_result
start_anew(struct follow *follow)
{
	struct search *search = &follow->search;
	struct generation *next = search->live;
	struct file_facts live;

	search->live = NULL; /* after_cut: all of it is new */
	if (next == NULL) {
		next = open_live(follow);
		if (next == NULL)
			return FOLLOW_IDLE;
		if (search->live_replaced)
			follow_tell(follow, FOLLOW_NOTE_TRUNCATED,
			    "%s was cut or rewritten while nobody read it", follow->name);
		if (facts_of_fd(next->fd, &live) == 0) {
			struct generation *older = open_oldest_newer(follow);

			if (older != NULL) {
				generation_free(next);
				next = older;
			}
			tell_gap(follow, next, &live);
		}
	}
	search_clear(search);
	follow_path_there(follow);
	generation_start(next, &follow->lines);
	follow_adopt(follow, next);
	return FOLLOW_BUSY;
}

enum follow_result
search_step(struct follow *follow)
{
	struct search *search = &follow->search;

	if (search->packed != NULL)
		return seek_packed(follow);
	if (!search->listed)
		return list(follow);
	if (open_packed(follow))
		return FOLLOW_BUSY;
	switch (try_siblings(follow, PASS_ANY_COPY)) {
	case COMPARE_SAME:
		return FOLLOW_BUSY;
	case COMPARE_FAILED:
		search->listed = false;
		return FOLLOW_IDLE;
	default:
		break;
	}
	if (list_has_changed(follow)) {
		search->listed = false;
		return FOLLOW_BUSY;
	}
	return start_anew(follow);
}
