/* SPDX-License-Identifier: BSD-2-Clause */
/* The report as an object a line: what each is of, "record" says. */
#include <inttypes.h>

#include "base/span.h"
#include "base/utc.h"
#include "publish/report.h"
#include "publish/report_words.h"

static void
add_time(struct buf *out, const char *name, int64_t ms)
{
	char text[UTC_SIZE];

	if (ms != 0 && utc_print(ms / SPAN_SECOND_MS, text))
		buf_add_member(out, name, text);
	else
		buf_printf(out, ",\"%s\":null", name);
}

static void
begin(const struct report *r, const char *record, struct buf *out)
{
	buf_printf(out, "{\"record\":\"%s\",\"month\":\"%s\"", record, r->month);
	if (r->node[0] != '\0')
		buf_add_member(out, "node", r->node);
}

static void
add_messages(const uint64_t messages[PROTECTION_COUNT], struct buf *out)
{
	for (int p = 0; p < PROTECTION_COUNT; p++)
		if (p != PROTECTION_UNKNOWN || messages[p] > 0)
			buf_printf(out, ",\"%s\":%" PRIu64,
			    protection_name((enum protection)p), messages[p]);
}

/* null: there is no entry. */
static void
add_demand(struct buf *out, const char *name, struct demand demand)
{
	struct buf text = {0};

	if (demand.level == LEVEL_NONE) {
		buf_printf(out, ",\"%s\":null", name);
		return;
	}
	demand_print(demand, &text);
	buf_add_member(out, name, buf_text(&text));
	buf_clear(&text);
}

static void
add_protections(const struct report *r, struct buf *out)
{
	const struct report_month *month = report_its_month(r);

	for (int p = 0; p < PROTECTION_COUNT; p++) {
		if (p == PROTECTION_UNKNOWN && month->messages[p] == 0)
			continue;
		begin(r, "protection", out);
		buf_add_member(out, "protection", protection_name((enum protection)p));
		buf_printf(out, ",\"messages\":%" PRIu64 "}\n", month->messages[p]);
	}
}

static void
add_grades(const struct report *r, struct buf *out)
{
	const struct report_month *month = report_its_month(r);

	for (int g = GRADE_COUNT - 1; g >= 0; g--) {
		begin(r, "grade", out);
		buf_add_member(out, "grade", grade_name((enum grade)g));
		buf_printf(out, ",\"destinations\":%" PRIu64 "}\n", month->graded[g]);
	}
}

static void
add_destination(
    const struct report *r, const struct report_destination *d, struct buf *out)
{
	begin(r, "destination", out);
	buf_add_member(out, "destination", d->key);
	buf_add_member(out, "grade", grade_name(d->grade));
	buf_printf(
	    out, ",\"messages\":%" PRIu64, report_sum(d->messages, PROTECTION_COUNT));
	add_messages(d->messages, out);
	buf_printf(out, "}\n");
}

static void
add_change(const struct report *r, const struct report_change *c, struct buf *out)
{
	begin(r, "change", out);
	add_time(out, "time", c->time_ms);
	buf_add_member(out, "destination", c->key);
	buf_add_member(out, "action", c->action);
	add_demand(out, "before", c->before);
	add_demand(out, "after", c->after);
	buf_add_member(out, "why", why_slug(c->why));
	buf_add_member(out, "sentence", report_why(report_language(STR("en")), c->why));
	buf_printf(out, "}\n");
}

static void
add_exception(const struct report *r, const struct report_exception *e, struct buf *out)
{
	begin(r, "exception", out);
	buf_add_member(out, "destination", e->key);
	if (e->entry.level == LEVEL_NONE)
		buf_printf(out, ",\"level\":null");
	else
		buf_add_member(out, "level", level_name(e->entry.level));
	buf_add_member(out, "attributes", demand_attributes(e->entry));
	buf_add_member(out, "why", why_slug(e->why));
	buf_printf(out, ",\"pinned\":%s,\"weaker\":%s", e->pinned ? "true" : "false",
	    e->weaker ? "true" : "false");
	add_time(out, "since", e->since_ms);
	add_time(out, "until", e->until_ms);
	if (e->since_ms == 0)
		buf_printf(out, ",\"age_days\":null");
	else
		buf_printf(out, ",\"age_days\":%" PRId64,
		    (r->now_ms - e->since_ms) / SPAN_DAY_MS);
	buf_add_member(out, "note", e->note);
	buf_printf(out, "}\n");
}

void
report_json(const struct report *r, struct buf *out)
{
	add_protections(r, out);
	add_grades(r, out);
	for (size_t i = 0; i < r->destination_count; i++)
		add_destination(r, &r->destinations[i], out);
	for (size_t i = 0; i < r->change_count; i++)
		add_change(r, &r->changes[i], out);
	for (size_t i = 0; i < r->exception_count; i++)
		add_exception(r, &r->exceptions[i], out);
}
