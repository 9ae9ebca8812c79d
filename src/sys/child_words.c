/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program says as it fails. */
#include "sys/child.h"

#include <signal.h>

#include "base/masked.h"

#define DESCRIBE_BYTES 400

/* Of what was cut at its end, whole lines alone: it may be cut within an address. */
static struct str
whole_errors(const struct child_result *result)
{
	struct str text = {buf_text(&result->errors), result->errors.len};

	while (result->errors.len >= CHILD_ERRORS_MAX && text.len > 0 &&
	    text.p[text.len - 1] != '\n')
		text.len--;
	return text;
}

/* Its end, from the beginning of a word. */
static struct str
last_words(struct str text)
{
	if (text.len <= DESCRIBE_BYTES)
		return text;
	text = str_skip(text, text.len - DESCRIBE_BYTES);
	while (text.len > 0 && (unsigned char)text.p[0] > ' ')
		text = str_skip(text, 1);
	return text;
}

void
child_describe(const struct child_result *result, struct buf *out)
{
	struct buf masked = {0};
	struct str text, line;

	if (result->status > 128 && result->status - 128 < _NSIG)
		buf_printf(out, "ended by signal %d", result->status - 128);
	else
		buf_printf(out, "exit status %d", result->status);
	buf_add_masked(&masked, whole_errors(result));
	/* The last lines tell what went wrong; the ones before are warnings. */
	text = last_words(str_trim((struct str){buf_text(&masked), masked.len}));
	while (text.len > 0) {
		if (!str_cut(&text, '\n', &line)) {
			line = text;
			text.len = 0;
		}
		line = str_trim(line);
		if (line.len == 0)
			continue;
		buf_add_str(out, STR(": "));
		buf_add_quoted(out, line);
	}
	buf_clear(&masked);
}
