/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a setting is in C, by the type that its row names: K(type, member, ...) of
 * conf/config.h. conf/value.h has a struct value_type for each.
 */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strings.h"
#include "core/level.h"

/* clang-format off */
#define SETTING_level       enum level /* of `auto`: LEVEL_UNKNOWN */
#define SETTING_boolean     bool
#define SETTING_second_word bool       /* is it the second of two words? */
#define SETTING_span        int64_t    /* ms */
#define SETTING_number      unsigned
#define SETTING_word        char *
#define SETTING_path        char *
#define SETTING_map_path    char *
#define SETTING_mail        char *
#define SETTING_program     char *
#define SETTING_logs        struct strings
#define SETTING_paths       struct strings
#define SETTING_command     struct strings
#define SETTING_variables   struct strings
#define SETTING_resolvers   struct strings
#define SETTING_networks    struct strings
#define SETTING_domains     struct strings
#define SETTING_hosts       struct strings
#define SETTING_publishers  struct publishers
#define SETTING_nodes       struct nodes
/* clang-format on */

/* A row as a member. */
#define SETTING_MEMBER(type, member, path, ...) SETTING_##type member;

#endif
