/* SPDX-License-Identifier: BSD-2-Clause */
/* The ladder as it is where nothing is configured, as tlsladder.yaml(5) has it. */
#ifndef TESTS_UNIT_LADDERDEFAULTS_H
#define TESTS_UNIT_LADDERDEFAULTS_H

#include "base/span.h"
#include "core/ladder.h"

static const struct ladder_policy ladder_defaults = {
    .lowest = LEVEL_MAY,
    .may_after_attempts = 2,
    .may_after_ms = 10 * SPAN_MINUTE_MS,
    .hold_verify_ms = SPAN_DAY_MS,
    .hold_encrypt_ms = SPAN_DAY_MS,
    .hold_may_ms = SPAN_DAY_MS,
    .recheck_ms = 7 * SPAN_DAY_MS,
    .climb_probes = 2,
    .climb_apart_ms = SPAN_HOUR_MS,
    .dane_withdrawn_ms = 3 * SPAN_DAY_MS,
};

#endif
