/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of the command line. Options of every command, and those of the one that is
 * called, may stand before it, behind it and behind its operands; "--" ends them. Which
 * options a command has, and which of them want a value, its usage tells.
 */
#ifndef CMD_WORDS_H
#define CMD_WORDS_H

#include <stdbool.h>

#include "base/buf.h"
#include "cmd/cmd.h"

struct words {
	struct options options;
	bool help;
	bool version;
	const char *command; /* as it was written; NULL: none */
	/* What its run() gets, owned, with texts of the command line: argv[0] is the
	 * command, then its options that stood before it, then the rest. */
	char **argv;
	int argc;
};

/* False: it cannot be understood, and fault says why. words_clear() in any case. */
bool words_read(int argc, char **argv, struct words *out, struct buf *fault);
void words_clear(struct words *words);

/* The command of that name; NULL: none. */
const struct command *words_command(const char *name);

/* `; did you mean "list"?`, or nothing. */
void words_add_like_command(const char *name, struct buf *out);
void words_add_like_option(
    const struct command *command, const char *option, struct buf *out);

#endif
