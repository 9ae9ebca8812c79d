/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where entries are published: a target is a file, and a name in TARGETS. One function,
 * target_publish(), does for all of them what must not differ: the lock, the changes
 * since the version that the target has, and the note of what is in force since when.
 * A target that fails publishes nothing, is noted as nothing and keeps no other waiting.
 * Everything blocks; belongs into a worker or a command.
 */
#ifndef PUBLISH_TARGET_H
#define PUBLISH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/answer.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/config.h"
#include "postfix/postfix.h"
#include "publish/maplines.h"
#include "store/store.h"

#define TARGET_LOCK_WAIT_MS 30000 /* so long a publication waits for another one */

/* What a publication works with. Borrowed; store belongs to this thread. */
struct target_use {
	const struct config *config;
	const struct postfix *postfix;
	struct store *store;
	int stop_fd; /* of child_stopper(): ends what takes long; 0: none */
};

/* One publication, as the target sees it. */
struct target_job {
	struct target_use use; /* from verify() to the end of publish() or rebuild(), the
	                        * store is read in one transaction */
	int64_t had;           /* the version noted as published; 0: none */
	int64_t version;       /* the version to publish */
	size_t entries;        /* how many there are at that version */
	int64_t now_ms;        /* wall clock */
	const char *name;      /* of the target, in the database */
	size_t which;          /* of one that stands for several */
	bool is_read_here;     /* an entry is in force, and the mail that waits for it is
	                        * retried, once it is published here */
	void *own;             /* the target's own, from open() to close() */
};

struct target {
	const char *name; /* its key in the database, where print_name is NULL */

	/* How many it stands for, which are numbered from 0. NULL: one. */
	size_t (*count)(const struct config *config);
	void (*print_name)(const struct config *config, size_t which, struct buf *out);
	/* To the administrator it is the KIND ("table") of that place; NULL: the target
	 * of its name. */
	const char *kind;
	void (*print_place)(const struct config *config, size_t which, struct buf *out);

	/* The file to lock, so that no two processes publish to it at once. */
	void (*lock_path)(const struct config *config, size_t which, struct buf *path);

	/* Sets job->own, which close() frees. False: err; close() is called all the same.
	 */
	bool (*open)(struct target_job *job, struct err *err);
	void (*close)(struct target_job *job);

	/* Is it what was published last? UNSURE where that is not known. Anything but
	 * YES: rebuild. */
	enum answer (*verify)(struct target_job *job);

	/*
	 * Make changes->items in it. False, and nothing more than entries that are each
	 * old or new is visible: it is to be rebuilt, silently where err is empty.
	 */
	bool (*publish)(
	    struct target_job *job, const struct changes *changes, struct err *err);

	/* Put all entries in place, whatever is there. False: readers see what they saw.
	 */
	bool (*rebuild)(struct target_job *job, struct err *err);

	/* Store what verify() compares with; in the transaction that notes the version.
	 * NULL: nothing. */
	bool (*note)(struct target_job *job, struct err *err);

	/*
	 * What publish() left for later, for those who do not read the target itself: is
	 * there something, and do it if it is time. NULL: never. catch_up() is called
	 * without lock, so that it holds up no publication.
	 */
	bool (*lags)(struct store *store, bool *lags, struct err *err);
	bool (*catch_up)(const struct target_use *use, struct err *err);
};

/* All of them. The map comes first. */
extern const struct target *const targets[];
extern const size_t target_count;

/* A row is the NAME of target_NAME, in a file of its own. */
#define TARGETS(T) \
	T(map) /* the policy map of Postfix */ \
	T(sql) /* tables of databases: publish: */

#define TARGET_DECLARE(name) extern const struct target target_##name;
TARGETS(TARGET_DECLARE)
#undef TARGET_DECLARE

size_t target_instances(const struct target *target, const struct config *config);
void target_print_name(const struct target *target, const struct config *config,
    size_t which, struct buf *out);

/* One of those that a target stands for. */
struct target_instance {
	const struct target *target;
	size_t which;
};

/* All that are configured, of all targets, numbered through: the first is the map. False:
 * there is none of that index. */
bool targets_instance(
    const struct config *config, size_t index, struct target_instance *out);

/* What was published. */
struct exported {
	int64_t version;
	size_t entries;
};

enum publish_how {
	PUBLISH_LACKING, /* what it lacks, and all of it where it is not as published */
	PUBLISH_ANEW,    /* rebuild it, whatever is there */
	PUBLISH_CHANGES, /* the changes in it, where these can be made; else nothing */
};

/* Publish to one target. out->version: what it has then. */
bool target_publish(const struct target *target, size_t which,
    const struct target_use *use, enum publish_how how, struct exported *out,
    struct err *err);

/*
 * To all of list[0..count), one after the other. A failure does not end that. What is
 * returned, *out and err are of the first, the map: false where that failed, with *out
 * zero. others: the first failure of another target, or "" where all of them were
 * published to; what else failed is logged.
 */
bool targets_publish(const struct target *const *list, size_t count,
    const struct target_use *use, enum publish_how how, struct exported *out,
    struct err *others, struct err *err);

/* Is something left for later? Call targets_catch_up() now and then until it is not. */
bool targets_lag(const struct target *const *list, size_t count,
    const struct config *config, struct store *store, bool *lag, struct err *err);

/* Re-check targets with something left for later: repair those that are not as published,
 * and do what is left where it is time. A failure does not end that: false, with the
 * first one in err, the others logged. */
bool targets_catch_up(const struct target *const *list, size_t count,
    const struct target_use *use, struct err *err);

#endif
