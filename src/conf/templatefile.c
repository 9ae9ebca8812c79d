/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/templatefile.h"

#include "core/template.h"
#include "sys/file.h"

bool
template_read(struct doc *doc, const char *path, char **text, struct errs *errs)
{
	struct buf read = {0};
	struct err err;

	if (path == NULL || *path == '\0')
		return true;
	if (!file_read_regular(path, TEMPLATE_SIZE_MAX, &read, &err)) {
		doc_complain(doc,
		    node_find(node_find(doc_root(doc), "notify"), "template"),
		    "notify.template: %s; leave the key out for the built-in text",
		    err.text);
		return true;
	}
	if (template_check(path, (struct str){buf_text(&read), read.len}, errs)) {
		*text = buf_take(&read);
		return true;
	}
	buf_clear(&read);
	return false;
}
