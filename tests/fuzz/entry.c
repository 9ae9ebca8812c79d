/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer's entry: the environment names the target, FUZZ=map tests/fuzz/fuzz DIR. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fuzz_target *target;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("FUZZ");

	(void)argc;
	(void)argv;
	target = name != NULL ? fuzz_find(name) : NULL;
	if (target != NULL)
		return 0;
	fprintf(stderr, "FUZZ names the target, one of");
	for (size_t i = 0; i < fuzz_target_count; i++)
		fprintf(stderr, " %s", fuzz_targets[i].name);
	fprintf(stderr, "\n");
	exit(64);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	target->take(data, size);
	return 0;
}
