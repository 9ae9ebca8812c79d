/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that a command writes for others. Whoever reads it sees the old one or the new
 * one; what is no regular file, as a device or a pipe, is written into.
 */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/config.h"

struct output {
	int fd;
	char *path; /* what is written, without symbolic links; owned */
	char *
	    beside; /* written first, then renamed to path; NULL: path itself is; owned */
};

/*
 * What the file at path is to tlsladder itself, as "the state", by its name or by any
 * other; NULL: nothing. config_file: where config was read.
 */
const char *output_is_ours(
    const char *path, const struct config *config, const char *config_file);

/*
 * Begin to write: a new file has mode 0644, another keeps its mode and, where that is
 * permitted, its owner. False: nothing is there to be closed. After true comes
 * output_finish(), or output_abandon(), which leaves a regular file as it was.
 */
bool output_open(const char *path, struct output *out, struct err *err);
bool output_write(struct output *out, struct str piece, struct err *err);
bool output_finish(struct output *out, struct err *err);
void output_abandon(struct output *out);

#endif
