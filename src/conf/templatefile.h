/* SPDX-License-Identifier: BSD-2-Clause */
/* The file that notify.template names (core/template.h). */
#ifndef CONF_TEMPLATEFILE_H
#define CONF_TEMPLATEFILE_H

#include "base/err.h"
#include "conf/doc.h"

/*
 * What is in it, into *text, for free(). path NULL or "": none. One that cannot be read
 * is a complaint of doc, where it names the file; false: there are complaints of the file
 * itself, in errs.
 */
bool template_read(struct doc *doc, const char *path, char **text, struct errs *errs);

#endif
