/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What holds a password and reads the answers of a database needs connections, its
 * libraries and the time: it never writes a file, starts a program or listens.
 */
#ifndef SQL_CONFINE_H
#define SQL_CONFINE_H

/* From now on, for good, as far as this kernel can: no privilege by another program, none
 * started, no file written or made, nothing listened on, no other process looked into; no
 * dump, and nobody else looks into this one. */
void confine(void);

/* Small limits of memory, processor time and files, no core dump; no descriptor above 2
 * stays open. */
void confine_resources(void);

/* The process ends by a signal after so many seconds, whatever it waits for. */
void confine_time(unsigned seconds);

#endif
