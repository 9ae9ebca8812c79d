/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How run begins: its signals, its lock, and what it waits for before it has its
 * database: room on the disk, whoever has that locked, a file system that is read-only. A
 * daemon that ended by these would have to be started by hand, and mail would wait until
 * then.
 */
#ifndef CMD_RUN_START_H
#define CMD_RUN_START_H

#include <stdbool.h>

#include "base/err.h"
#include "sys/watch.h"

/* A signalfd(2) for those that run knows, which are blocked from then on; -1: err. */
int run_open_signals(struct err *err);

/* The log and the servers are strangers'. */
void run_warn_of_root(void);

/* The lock that says that a daemon runs on the database at state: as of file_lock(). */
int run_take_lock(const char *state, struct err *err);

/* Watches the directory of the map, in which every command that changes an entry renames
 * a new one into place; *watch is made where it is NULL, and stays so without inotify. */
void run_watch_map(const char *map, struct watch **watch);

/* {0} at first. */
struct run_wait {
	bool said; /* what is waited for was logged */
	bool fine; /* the last time nothing was wrong with the database any more */
};

/*
 * It failed at its start, as failed says. True, after some seconds or a signal: to be
 * tried again. False: it is nothing that passes.
 */
bool run_wait(
    struct run_wait *wait, const char *state, int signals, const struct err *failed);

/* It can be used: that is told where it was waited for. */
void run_wait_over(const struct run_wait *wait, const char *state);

#endif
