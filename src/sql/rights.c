/* SPDX-License-Identifier: BSD-2-Clause */
#include "sql/rights.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE 600 /* of a database or a user, quoted */

/* "GRANT SELECT ON `base`.table TO 'user'@'%'". */
static bool
print_grant(struct connection *connection, const struct right *right, struct buf *answer,
    struct fault *fault)
{
	char place[NAME_SIZE], account[NAME_SIZE];
	struct str rest = str_of(right->grant), before = {"", 0};
	struct rows_line line = {.word = ROWS_GRANT};
	struct buf sql = {0}, clean = {0};

	if (!engine.first(connection, engine.place_sql, place, sizeof(place), fault) ||
	    !engine.first(
	        connection, engine.account_sql, account, sizeof(account), fault))
		return false;
	str_cut(&rest, '%', &before);
	buf_printf(&sql, "GRANT %.*s%s%.*s TO %s", STR_ARG(before), place, STR_ARG(rest),
	    account);
	rows_add_text(&clean, (struct str){buf_text(&sql), sql.len});
	line.text = (struct str){buf_text(&clean), clean.len};
	rows_line_print(&line, answer);
	buf_clear(&sql);
	buf_clear(&clean);
	return true;
}

enum batch_end
rights_check(
    struct connection *connection, bool own, struct buf *answer, struct fault *fault)
{
	const char *granted = NULL; /* last */
	struct fault refused, here;

	for (const struct right *r = engine.rights; r->grant != NULL; r++) {
		if (r->mailcow == own || r->grant == granted ||
		    engine.query(connection, r->sql, &here))
			continue;
		if (here.kind != FAULT_RIGHTS ||
		    !print_grant(connection, r, answer, &here)) {
			buf_reset(answer);
			*fault = here;
			return BATCH_FAILED;
		}
		if (granted == NULL)
			refused = here;
		granted = r->grant;
	}
	if (granted == NULL)
		return BATCH_DONE;
	*fault = refused;
	return BATCH_FAILED;
}
