/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Weak, so that the pure core links alone; sys/log.c brings the one that speaks. */
__attribute__((weak, noreturn)) void mem_exhausted(void);

__attribute__((weak, noreturn)) void
mem_exhausted(void)
{
	abort();
}

void *
mem_new(size_t count, size_t size)
{
	void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

	if (p == NULL)
		mem_exhausted();
	return p;
}

void *
mem_array(void *old, size_t count, size_t size)
{
	void *p = reallocarray(old, count > 0 ? count : 1, size > 0 ? size : 1);

	if (p == NULL)
		mem_exhausted();
	return p;
}

char *
mem_strdup(const char *text)
{
	return mem_strndup(text, strlen(text));
}

char *
mem_strndup(const char *text, size_t len)
{
	char *p = mem_new(len + 1, 1);

	memcpy(p, text, len);
	return p;
}
