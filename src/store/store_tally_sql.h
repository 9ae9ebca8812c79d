/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of statements on tallies, for store_sql.c. */
#ifndef STORE_STORE_TALLY_SQL_H
#define STORE_STORE_TALLY_SQL_H

/* Of a tally's day, and of the first of the month that parameter 3 is a day of. */
#define MONTH_OF_DAY   "strftime('%Y-%m', day * 86400, 'unixepoch')"
#define FIRST_OF_MONTH "strftime('%s', ?3 * 86400, 'unixepoch', 'start of month') / 86400"

/* Of a tally of a node, "node:HOST sent:dane": the node and the rest. Of others: nothing
 * and all. */
#define NODE_OF_WHAT "substr(what, 1, instr(what, ' '))"
#define REST_OF_WHAT "substr(what, instr(what, ' ') + 1)"
#define IS_SENT      REST_OF_WHAT " GLOB 'sent:*'"

/* The grade of a destination in a month is that of its weakest mail; what could not be
 * told is none. As enum grade of core/grade.h names them. */
#define GRADE_RANK \
	"CASE " REST_OF_WHAT \
	" WHEN 'sent:cleartext' THEN 3 WHEN 'sent:encrypted' THEN 2" \
	" WHEN 'sent:unknown' THEN 0 ELSE 1 END"
#define GRADE_WHAT \
	"'grade:' || CASE rank WHEN 3 THEN 'red' WHEN 2 THEN 'yellow'" \
	" WHEN 1 THEN 'green' ELSE '?' END"
#define ADD_GRADES(which) \
	"INSERT INTO tally_month(month, what, count)" \
	" SELECT month, node || " GRADE_WHAT ", count(*) FROM" \
	" (SELECT " MONTH_OF_DAY " AS month, " NODE_OF_WHAT " AS node," \
	"  max(" GRADE_RANK ") AS rank FROM tally" \
	"  WHERE " which " AND " IS_SENT " GROUP BY destination, 1, 2)" \
	" WHERE true GROUP BY 1, 2" \
	" ON CONFLICT(month, what) DO UPDATE SET count = count + excluded.count"

#endif
