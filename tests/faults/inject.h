/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that fail on demand, where the real fault cannot be made: the linker puts
 * them between the code and libc (--wrap, see Makefile.am). All zero: nothing happens.
 */
#ifndef TESTS_FAULTS_INJECT_H
#define TESTS_FAULTS_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inject {
	int read_errno;       /* pread() fails with it ... */
	unsigned read_fails;  /* ... so many times */
	size_t read_short;    /* pread() gives at most so many bytes (0: all) ... */
	unsigned read_shorts; /* ... so many times (0: always) */
	unsigned read_breaks; /* every so many-th pread() is interrupted (EINTR) */
	uint64_t stale_inode; /* this file seems to have ... */
	uint64_t stale_size;  /* ... only this size, as attribute caches of NFS have it */
	bool no_birth;        /* the file system does not know when a file was made */
	bool is_network;      /* every file system says that it is NFS */
	bool no_inotify;      /* inotify_init1() fails */
	bool no_watches;      /* inotify_add_watch() fails: max_user_watches is used up */
	size_t
	    alloc_fails; /* the so many-th allocation from now on fails (1: the next) */
	void (*at_directory_end)(void); /* called once, when a directory was read */
	unsigned happened;              /* faults so far */
};

extern struct inject inject;

#endif
