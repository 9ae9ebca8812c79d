/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that was freed, and that the C library keeps. */
#ifndef SYS_MEMORY_H
#define SYS_MEMORY_H

/* What was freed goes back to the system, as far as the C library can. */
void memory_trim(void);

/* Threads that begin later share one heap: each of several keeps what was freed in it. */
void memory_share(void);

#endif
