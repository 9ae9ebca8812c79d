/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/reason.h"

/* Where the quoted text begins that ends before end; end: nowhere from from on. */
static size_t
quoted_part(struct str text, size_t from, size_t end)
{
	for (size_t i = end - 1; i > from; i--)
		if (text.p[i - 1] == '"' && (i - 1 == from || text.p[i - 2] != '\\'))
			return i - 1;
	return end;
}

/* Where the local part of the address begins whose @ is at at; not before from. */
static size_t
local_part(struct str text, size_t from, size_t at)
{
	size_t start = at;

	if (start > from && text.p[start - 1] == '"')
		start = quoted_part(text, from, start);
	while (start > from && memchr(" <(:", text.p[start - 1], 4) == NULL)
		start--;
	return start;
}

static void
add_bounded(struct str text, char *out, size_t size, size_t *n)
{
	size_t room = size - 1 - *n, len = text.len < room ? text.len : room;

	memcpy(out + *n, text.p, len);
	*n += len;
}

void
reason_copy(struct str reason, char *out, size_t size)
{
	size_t n = 0, from = 0;

	while (from < reason.len && n + 1 < size) {
		const char *hit = memchr(reason.p + from, '@', reason.len - from);
		size_t at = hit != NULL ? (size_t)(hit - reason.p) : reason.len;
		size_t end = hit != NULL ? local_part(reason, from, at) : at;

		add_bounded((struct str){reason.p + from, end - from}, out, size, &n);
		if (hit != NULL)
			add_bounded(STR("*@"), out, size, &n);
		from = at + 1;
	}
	out[n] = '\0';
}

bool
reason_is_servers(struct str reason)
{
	struct str host;

	return str_eat(&reason, STR("host ")) && str_cut(&reason, ']', &host) &&
	    (str_starts(reason, STR(" said: ")) ||
	        str_starts(reason, STR(" refused to talk to me: ")));
}
