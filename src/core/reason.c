/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/reason.h"

bool
reason_is_servers(struct str reason)
{
	struct str host;

	return str_eat(&reason, STR("host ")) && str_cut(&reason, ']', &host) &&
	    (str_starts(reason, STR(" said: ")) ||
	        str_starts(reason, STR(" refused to talk to me: ")));
}
