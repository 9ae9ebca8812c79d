/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that a configuration names: none may be written over another. */
#ifndef CONF_CONFIG_FILES_H
#define CONF_CONFIG_FILES_H

#include "conf/config.h"
#include "conf/doc.h"

/* What is wrong is complained of, at the key that the file has. One slip of the editor,
 * and the map would be written over the database. */
void config_check_files(struct doc *doc, const struct config *config);

#endif
