/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/reason.h"

#include <string.h>

#include "base/masked.h"

void
reason_copy(struct str reason, char *out, size_t size)
{
	struct buf masked = {0};
	size_t len;

	buf_add_masked(&masked, reason);
	len = masked.len < size ? masked.len : size - 1;
	memcpy(out, buf_text(&masked), len);
	out[len] = '\0';
	buf_clear(&masked);
}

bool
reason_is_servers(struct str reason)
{
	struct str host;

	return str_eat(&reason, STR("host ")) && str_cut(&reason, ']', &host) &&
	    (str_starts(reason, STR(" said: ")) ||
	        str_starts(reason, STR(" refused to talk to me: ")));
}
