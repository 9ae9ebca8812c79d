/* SPDX-License-Identifier: BSD-2-Clause */
/* What destinations did before the first start, of the rotated logs. */
#ifndef CMD_LEARN_H
#define CMD_LEARN_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/scan_logs.h"
#include "conf/config.h"
#include "core/fold.h"

/*
 * Reads the rotated logs beside those of the configuration, as far back as log.learn
 * says, into fold: as the past, and nothing of what failed. begin and pause are
 * those of struct scan_logs.
 */
void learn(const struct config *config, struct fold *fold, int64_t now_ms,
    bool (*begin)(void *context), bool (*pause)(void *context, enum scan_pause pause),
    void *context);

#endif
