/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

bool
err_set(struct err *err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return false;
}

/* strerror() keeps its text in shared memory; threads here may fail at once. */
static void
append_errno(struct err *err, int errnum)
{
	char reason[128] = "";
	size_t used = strlen(err->text);
	const char *text = strerror_r(errnum, reason, sizeof(reason));

	snprintf(err->text + used, sizeof(err->text) - used, ": %s", text);
}

bool
err_set_errno(struct err *err, int errnum, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	append_errno(err, errnum);
	return false;
}

bool
err_wrap(struct err *err, const char *format, ...)
{
	struct err inner = *err;
	va_list ap;
	size_t used;

	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner.text);
	return false;
}

void
errs_add(struct errs *errs, const char *file, size_t line, size_t column,
    const char *format, ...)
{
	struct buf text = {0};
	va_list ap;

	buf_printf(&text, "%s:", file);
	if (line > 0)
		buf_printf(&text, "%zu:", line);
	if (line > 0 && column > 0)
		buf_printf(&text, "%zu:", column);
	buf_printf(&text, " ");
	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	errs->lines = mem_array(errs->lines, errs->count + 1, sizeof(*errs->lines));
	errs->lines[errs->count++] = buf_take(&text);
}

void
errs_cut(struct errs *errs, const char *file, size_t most)
{
	size_t more = errs->count > most ? errs->count - most : 0;

	if (more == 0)
		return;
	while (errs->count > most)
		free(errs->lines[--errs->count]);
	errs_add(errs, file, 0, 0, "%zu more complaint%s not shown", more,
	    more == 1 ? " is" : "s are");
}

void
errs_clear(struct errs *errs)
{
	for (size_t i = 0; i < errs->count; i++)
		free(errs->lines[i]);
	free(errs->lines);
	*errs = (struct errs){0};
}
