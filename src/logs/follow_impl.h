/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state machine of follow, for its own files only.
 *
 *   follow.c         the interface; reads the chain of generations, oldest first
 *   follow_finish.c  at the end of the oldest one: is it finished?
 *   follow_change.c  the file that is being read was cut or rewritten
 *   follow_look.c    looks at the path and puts newer generations into the chain
 *   follow_search.c  finds the generation that a position belongs to
 *   follow_late.c    what is still written to a generation that was finished
 */
#ifndef LOGS_FOLLOW_IMPL_H
#define LOGS_FOLLOW_IMPL_H

#include "logs/follow.h"
#include "logs/follow_file.h"
#include "logs/follow_find.h"
#include "logs/lines.h"
#include "sys/watch.h"

#define CHAIN_MAX 32 /* more are found again when there is room */
#define LATE_MAX  4
#define DONE_MAX  64

/* While something is under way (see follow_wait_ms()), and at rest. */
#define LOOK_MS 1000
#define REST_MS 60000

/* How long a file must stay silent, once a newer one has lines, to be finished. */
#define QUIET_MS 2000

/*
 * A file that is written to for so long beside a newer one is left to follow_late.c, or
 * the newer one would never be read. An old postlogd ends after max_idle, 100 s.
 */
#define OVERLAP_MS 120000

/* A missing file is reported after this time, as a rotation leaves a moment between
 * rename and creation. */
#define MISSING_MS 10000

/* A size that is too small on a network file system may be an old one (attribute
 * caches keep it for seconds). */
#define STALE_MS 5000

/* An older generation that cannot be opened holds up the newer ones for so long. */
#define STUCK_MS 60000

enum phase {
	PHASE_FIRST,  /* without a position: waits for the file */
	PHASE_SEARCH, /* looks for the generation that `wanted` belongs to */
	PHASE_READ,   /* chain_len > 0 */
};

struct late {
	struct generation *generation;
	uint64_t offset;
	bool mid_line; /* what comes up to the next newline is no line */
	int64_t idle_ms;
};

struct search {
	struct follow_position wanted;
	bool after_cut; /* the live file was replaced under us: only a copy counts */
	struct generation *live; /* after_cut: the live file, kept open */
	bool listed;
	bool over; /* all of list was tried in vain, and there is no file at the path */
	struct siblings list;
	size_t next;               /* gzip files before this one are still to be tried */
	struct generation *packed; /* the gzip file that is read up to the offset */
	bool live_replaced;        /* it is the file, but holds other text */
};

struct follow {
	char *path;
	char *name; /* quoted, for notes */
	char *dir;
	enum follow_from from;
	follow_note_fn *note;
	void *context;

	enum phase phase;
	struct search search;
	struct generation
	    *chain[CHAIN_MAX]; /* oldest first; the first one is being read */
	size_t chain_len;
	struct lines lines; /* of the first one */
	struct late late[LATE_MAX];
	size_t late_len;
	struct identity done[DONE_MAX]; /* finished lately, a ring */
	size_t done_len;

	struct follow_position where;
	bool has_where;

	int64_t now_ms; /* of the present call; monotonic */
	int64_t looked_ms;
	bool was_looked;
	int64_t wait_ms;
	int64_t quiet_ms;   /* since when the first one is silent; -1: it is not */
	int64_t overlap_ms; /* since when the second one has lines; -1: it has none */
	int64_t shrunk_ms;  /* since when the size is too small; -1: it is not */
	uint64_t shrunk_size;
	int64_t
	    missing_ms;   /* since when there is no file at the path; -1: there is one */
	int64_t stuck_ms; /* since when an older generation cannot be opened; -1: none */
	bool missing_told;
	bool read_failed; /* these are reported once */
	bool open_failed;
	bool refused;

	struct watch *watch; /* NULL: none */
	int dir_watch;
	bool dir_is_local;
};

/* follow.c */
void follow_tell(struct follow *follow, enum follow_note note, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void follow_tell_unreadable(
    struct follow *follow, bool *told, const char *name, int errnum);
void follow_tell_long(struct follow *follow, const char *name);
void follow_adopt(struct follow *follow, struct generation *generation);
void follow_drop(struct follow *follow, struct generation *generation);
bool follow_append(struct follow *follow, struct generation *generation);
struct generation *follow_last(const struct follow *follow);
bool follow_knows(const struct follow *follow, const struct identity *id);
void follow_remember(struct follow *follow, const struct identity *id);

/*
 * follow_finish.c. True: something else is to be read now, or, with *stump, lines are
 * handed out.
 */
bool finish_handle_end(struct follow *follow, struct str *lines, bool *stump);
bool follow_has_bytes_from(const struct follow *follow, size_t at);

/* follow_change.c. True: read on. */
bool change_handle(struct follow *follow);
void change_handle_failure(struct follow *follow, int errnum);

/* follow_look.c: true when the chain became longer */
bool follow_look(struct follow *follow);
bool follow_open_first(struct follow *follow);
void follow_path_missing(struct follow *follow, bool at_once);
void follow_path_there(struct follow *follow);
void follow_path_trouble(struct follow *follow, int errnum);

/* follow_search.c */
void search_begin(
    struct follow *follow, const struct follow_position *wanted, bool after_cut);
enum follow_result search_step(struct follow *follow);
void search_clear(struct search *search);

/* follow_late.c */
void late_add(
    struct follow *follow, struct generation *generation, uint64_t offset, bool mid_line);
bool late_read(struct follow *follow, struct str *lines);
void late_clear(struct follow *follow);

#endif
