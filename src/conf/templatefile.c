/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/templatefile.h"

#include "base/mem.h"
#include "core/template.h"
#include "sys/file.h"

bool
template_read(struct doc *doc, const char *path, char **text, struct errs *errs)
{
	struct buf read = {0};
	struct str whole;
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
	whole = (struct str){buf_text(&read), read.len};
	str_eat(&whole, STR_BOM);
	if (template_check(path, whole, errs))
		*text = mem_strndup(whole.p, whole.len);
	buf_clear(&read);
	return *text != NULL;
}
