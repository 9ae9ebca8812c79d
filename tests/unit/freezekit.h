/* SPDX-License-Identifier: BSD-2-Clause */
/* An engine that is frozen or not, and many domains whose mail makes it so. */
#ifndef TESTS_FREEZEKIT_H
#define TESTS_FREEZEKIT_H

#include "enginerig.h"

void freezekit_assert_frozen(bool frozen);

/* Mail to d0.test, d1.test ..., so many, was sent, and each one's server verified. */
void freezekit_know(unsigned domains);

/* Lines of messages to their servers, which fail; they are in the fold. */
void freezekit_log_failures(unsigned domains);

#endif
