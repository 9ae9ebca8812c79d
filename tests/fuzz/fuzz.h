/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readers of text from outside, each as a function that takes any octets and must come
 * back. "make fuzz" builds them with libFuzzer, "make check" replays corpus/NAME.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

struct fuzz_target {
	const char *name; /* of its directory in corpus/ */
	void (*take)(const uint8_t *data, size_t size);
};

extern const struct fuzz_target fuzz_targets[];
extern const size_t fuzz_target_count;

/* NULL: there is none of that name. */
const struct fuzz_target *fuzz_find(const char *name);

#endif
