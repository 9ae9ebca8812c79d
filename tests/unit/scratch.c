/* SPDX-License-Identifier: BSD-2-Clause */
#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#define DESCRIPTORS_MAX 16

char *
scratch_new(const char *parent)
{
	char *dir = NULL;

	if (parent == NULL)
		parent = getenv("TMPDIR");
	if (asprintf(&dir, "%s/tlsladder-test.XXXXXX", parent != NULL ? parent : "/tmp") <
	        0 ||
	    mkdtemp(dir) == NULL) {
		perror(dir);
		exit(2);
	}
	return dir;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
scratch_remove(const char *dir)
{
	if (dir != NULL)
		nftw(dir, remove_one, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
