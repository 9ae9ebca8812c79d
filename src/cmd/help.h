/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts of --help and `help`, to standard output. */
#ifndef CMD_HELP_H
#define CMD_HELP_H

#include "cmd/cmd.h"

void help_print(void);
/* "usage: tlsladder ... COMMAND ...\n", in lines of 80 columns; general: with the options
 * of every command. */
void help_add_usage(const struct command *command, bool general, struct buf *out);

void help_print_command(const struct command *command);

/* There is no such command: that, and which was meant, on stderr. EX_USAGE. */
int help_no_command(const char *name);

#endif
