/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal that output goes to. */
#ifndef SYS_TERMINAL_H
#define SYS_TERMINAL_H

#include <stddef.h>

/* Columns of the terminal fd: what the environment says in COLUMNS, else what the
 * terminal does, else 80. 0: fd is no terminal. */
size_t terminal_columns(int fd);

#endif
