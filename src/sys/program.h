/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the programs are that this one runs, and that are installed with it. */
#ifndef SYS_PROGRAM_H
#define SYS_PROGRAM_H

/* The path of the program of that name: in the directory of this one, or in that of the
 * installation. free(); NULL: it is not there, or nobody may run it. */
char *program_find(const char *name);

#endif
