/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of texts. */
#ifndef BASE_STRINGS_H
#define BASE_STRINGS_H

#include <stddef.h>

struct strings {
	char **items;
	size_t count;
};

#endif
