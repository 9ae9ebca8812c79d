/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What reads the answers of strangers needs a connection, memory and the time, and
 * nothing else: the kernel is told so before the first octet is read.
 */
#ifndef FETCH_CONFINE_H
#define FETCH_CONFINE_H

#include <stdint.h>

#include "base/buf.h"

/*
 * From now on no file can be opened, no program or process started, no other process
 * reached, no memory made executable, no socket made but of IP, nothing listened on, and
 * no TCP port connected to but that one (Landlock of Linux 6.7). For good. The names of
 * what this kernel has for that are appended, parted by blanks: "landlock seccomp".
 */
void confine(uint16_t port, struct buf *by);

/* Small limits of memory, processor time and files; no descriptor above 2 stays open. */
void confine_resources(void);

/* The process ends by a signal after so many milliseconds, whatever it waits for. */
void confine_time(uint32_t ms);

#endif
