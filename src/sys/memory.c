/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/memory.h"

#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif

void
memory_trim(void)
{
#ifdef HAVE_MALLOC_TRIM
	malloc_trim(0);
#endif
}

void
memory_share(void)
{
#ifdef HAVE_MALLOC_TRIM
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, 128 * 1024);
#endif
}
