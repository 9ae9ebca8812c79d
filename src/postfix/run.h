/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command of Postfix, run with the words that reach it (postfix.command) and its
 * configuration directory. For the files of postfix/ and what publishes through Postfix.
 */
#ifndef POSTFIX_RUN_H
#define POSTFIX_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "postfix/postfix.h"
#include "sys/child.h"

struct postfix_call {
	const char *program;
	const char *config_option;    /* before the configuration directory; NULL: "-c" */
	const char *const *arguments; /* NULL-terminated */
	struct str input;
	int64_t timeout_ms;
	size_t output_max;
	int stop_fd; /* as that of struct child_request */

	/*
	 * Where set, it gets stdout line by line without newlines, and result->output
	 * stays empty. False, with err set, ends the command.
	 */
	bool (*line)(void *context, struct str line, struct err *err);
	void *context;
	size_t line_max; /* longer is an error */
};

/* As child_run(): true means that it ended by itself, with whatever status. */
bool postfix_run(const struct postfix *postfix, const struct postfix_call *call,
    struct child_result *result, struct err *err);

/* The same, where any status but 0 is a failure, with what it printed in err. */
bool postfix_run_well(const struct postfix *postfix, const struct postfix_call *call,
    struct child_result *result, struct err *err);

/* "TYPE:PATH" as the commands of this Postfix are told of it: free(). */
char *postfix_map_seen(const struct postfix *postfix, const char *map);

/* "PROGRAM: exit status N: its output". Always false. */
bool postfix_run_failed(
    const struct postfix_call *call, const struct child_result *result, struct err *err);

#endif
