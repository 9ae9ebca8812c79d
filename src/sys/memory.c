/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/memory.h"

#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif

#define HEAPS 2

void
memory_few_heaps(void)
{
#ifdef HAVE_MALLOC_TRIM
	mallopt(M_ARENA_MAX, HEAPS);
#endif
}

void
memory_trim(void)
{
#ifdef HAVE_MALLOC_TRIM
	malloc_trim(0);
#endif
}
