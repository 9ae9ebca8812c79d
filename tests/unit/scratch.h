/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories of tests: made under a name of their own, removed with all that is in them.
 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

/*
 * A new, empty directory in parent; NULL: in $TMPDIR, else /tmp. Returns its path, to be
 * freed. A test whose directory cannot be made ends with exit status 2.
 */
char *scratch_new(const char *parent);

/* Removes the directory and all that is in it, but not what is mounted there. NULL:
 * nothing. */
void scratch_remove(const char *dir);

#endif
