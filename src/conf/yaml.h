/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * YAML into a document. The only user of libyaml. Made for small files that people
 * write: what they do not need and what surprises (anchors, aliases, tags, several
 * documents, keys that stand twice) is refused; size, depth and nodes are bounded.
 */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include "base/str.h"
#include "conf/doc.h"

#define YAML_SIZE_MAX  (1024 * 1024) /* octets of a file */
#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 65536
#define YAML_KEYS_MAX  256 /* of one mapping */

/*
 * A file, or a text that is called name. Never NULL: whatever is wrong is a complaint,
 * and after one about the syntax there is no root. doc_close() frees it. missing: what to
 * do where there is no such file.
 */
struct doc *yaml_read(const char *path, const char *missing);
struct doc *yaml_parse(const char *name, struct str text);

#endif
