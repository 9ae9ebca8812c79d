/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory or death: these never return NULL. What is hostile is bounded before it
 * is allocated, so running out means that the machine has none left: one line on
 * stderr, exit status 71 (EX_OSERR). State is safe, as it is in the database.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Zeroed memory for count things of size bytes. Free with free(). */
void *mem_new(size_t count, size_t size) __attribute__((returns_nonnull));

/* realloc() for count things of size bytes; what is new is not zeroed. */
void *mem_array(void *old, size_t count, size_t size) __attribute__((returns_nonnull));

char *mem_strdup(const char *text) __attribute__((returns_nonnull));
char *mem_strndup(const char *text, size_t len) __attribute__((returns_nonnull));

#endif
