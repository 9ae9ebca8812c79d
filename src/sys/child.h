/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only caller of posix_spawn(): a program run to its end without a shell, with a
 * deadline, bounded output and a clean environment. Blocks; call it from a worker.
 * Any number of threads may call it at once.
 */
#ifndef SYS_CHILD_H
#define SYS_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct child_request {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	struct str input;        /* its whole standard input */
	int64_t timeout_ms;      /* then SIGTERM, and SIGKILL a second later */
	size_t output_max;       /* more of stdout is an error */
	int stop_fd;             /* of child_stopper(); 0: none. Borrowed */
	char *const *keep;       /* names of variables that it has as we have them */
	size_t keep_count;

	/*
	 * Where set, it gets stdout piece by piece, as it comes and cut anywhere, and
	 * result->output stays empty. False ends the program.
	 */
	bool (*consume)(void *context, struct str piece);
	void *context;
};

struct child_result {
	int status; /* exit status, 128 + signal, or -1 where it never ran */
	bool timed_out;
	bool input_read;   /* it read some of its standard input, or may read it yet */
	struct buf output; /* standard output */
	struct buf errors; /* standard error, its first 64 KiB */
};

/*
 * True: it ran and ended by itself within its time, whatever its exit status (see
 * result->status). False: could not be started, timed out, stopped, too much output,
 * refused by consume; err says so. The result's bufs are the caller's in both cases
 * (child_result_clear()). What it leaves running in the background is not waited for,
 * unless it had to be ended: then its whole process group goes.
 * Environment: PATH=/usr/sbin:/usr/bin:/sbin:/bin, LC_ALL=C, our TZ and MAIL_CONFIG,
 * and those of request->keep, which names none of these.
 */
bool child_run(
    const struct child_request *request, struct child_result *result, struct err *err);
void child_result_clear(struct child_result *result);

/* Is a variable of that name set, so that there is something to keep? */
bool child_can_keep(const char *name);

/*
 * Programs that are not to be waited for: a descriptor for stop_fd of their requests, -1
 * with err set; the caller closes it. child_stop(): whichever has it is ended at once,
 * or never started, now and from now on, as if its time were over. Any other descriptor
 * that is readable then, and stays so, serves as well.
 */
int child_stopper(struct err *err);
void child_stop(int fd);

/*
 * Before _exit(), while other threads have programs that run: each is ended as if its
 * time were over, with its process group, and none is started any more. A second at most.
 */
void child_end_all(void);

/* So much of what a program writes as errors is kept. */
#define CHILD_ERRORS_MAX 65536

/* "exit status 69: postqueue: fatal: ..." in one line, quoted and without local parts of
 * addresses, for a log or an err. */
void child_describe(const struct child_result *result, struct buf *out);

#endif
