/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon works by, as sums in its database: doctor compares them with what
 * stands in the files and in Postfix now.
 */
#ifndef CMD_LOADED_H
#define CMD_LOADED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/config.h"
#include "core/rules.h"
#include "store/store.h"

struct loaded {
	int64_t config; /* of the configuration file's text */
	int64_t rules;  /* of the texts of all rule files */
};

/* Never 0; a file that cannot be read counts as an empty one. */
struct loaded loaded_of(const char *config_file, const struct config *config);

/* In a transaction of its own. */
bool loaded_store(struct store *store, const struct loaded *loaded, struct err *err);

/* All 0: no daemon has stored it yet. */
bool loaded_get(struct store *store, struct loaded *loaded, struct err *err);

/* The configuration of that file and its rules, both the caller's, or NULL after every
 * complaint was logged. */
struct config *loaded_again(const char *config_file, struct rules **rules);

/* Can all of config come into force beside what of now only a restart changes? */
bool loaded_whole(const struct config *config, const struct config *now);

#endif
