/* SPDX-License-Identifier: BSD-2-Clause */
/* What `check` found, for people and as JSON. */
#include "cmd/causes.h"
#include "cmd/check.h"
#include "cmd/cmd.h"

/* The one sentence that explains level and grade. */
static void
add_sentence(struct buf *out, const struct check *check)
{
	const struct grading *g = &check->grading;

	if (g->why != WHY_NONE)
		buf_printf(out, "%s: %s", why_slug(g->why), why_sentence(g->why));
	else if (check->item.answers.probe_asked)
		buf_printf(out, "the servers could not tell");
	else
		buf_printf(out, "the servers were not asked (--probe)");
	if (g->waits)
		buf_printf(out, "; no level lets its mail flow");
}

static void
print_hosts(struct buf *out, const struct check *check)
{
	const struct measurement *found = check->found;

	for (unsigned i = 0; i < found->dns.host_count; i++) {
		for (size_t s = 0; s < FACT_COUNT; s++)
			measure_sources[s]->check.host(found, i, out);
		if (check->causes[i].cause == CAUSE_NONE)
			continue;
		buf_printf(out, "      failed    ");
		causes_describe(&check->causes[i], out);
		buf_add_char(out, '\n');
	}
}

static void
print_troubles(struct buf *out, const struct measurement *found)
{
	for (size_t s = 0; s < FACT_COUNT; s++) {
		if (found->trouble[s][0] == '\0' ||
		    measure_sources[s]->trouble.label[0] == '\0')
			continue;
		buf_printf(out, "  %s: ", measure_sources[s]->trouble.label);
		buf_add_visible(out, str_of(found->trouble[s]));
		buf_add_char(out, '\n');
	}
}

void
check_print(const struct check *check, struct buf *out)
{
	static const enum colour colours[GRADE_COUNT] = {
	    [GRADE_UNSURE] = COLOUR_BOLD,
	    [GRADE_RED] = COLOUR_RED,
	    [GRADE_YELLOW] = COLOUR_YELLOW,
	    [GRADE_GREEN] = COLOUR_GREEN,
	};
	const struct grading *g = &check->grading;

	buf_add_visible(out, str_of(check->item.nexthop.key));
	buf_printf(out, "  ");
	buf_add_colour(out, colours[g->grade], grade_name(g->grade));
	/* What the default level comes to is no entry. */
	buf_printf(out, "  level %s  (",
	    g->level == LEVEL_UNKNOWN      ? "?"
	        : g->why == WHY_NOT_NEEDED ? level_name(g->level)
	                                   : level_label(g->level));
	add_sentence(out, check);
	buf_printf(out, ")\n");
	for (size_t s = 0; s < FACT_COUNT; s++)
		measure_sources[s]->check.before_hosts(check->found, out);
	print_hosts(out, check);
	for (size_t s = 0; s < FACT_COUNT; s++)
		measure_sources[s]->check.behind_hosts(check->found, out);
	check_policy_print(check, out);
	if (check->news)
		buf_printf(out, "  news: the daemon looks at it now\n");
	print_troubles(out, check->found);
}

/* --- JSON -------------------------------------------------------------------------- */

static void
json_text(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ",\"%s\":", name);
	if (text != NULL)
		buf_add_json(out, str_of(text));
	else
		buf_printf(out, "null");
}

static void
json_host(struct buf *out, const struct check *check, unsigned i)
{
	const struct measurement *found = check->found;
	struct buf name = {0};

	buf_add_quoted(&name, str_of(found->dns.hosts[i].name));
	buf_printf(out, "{\"host\":");
	buf_add_json(out, str_of(buf_text(&name)));
	buf_clear(&name);
	for (size_t s = 0; s < FACT_COUNT; s++)
		measure_sources[s]->check.json_host(found, i, out);
	causes_describe_json(&check->causes[i], out);
	buf_add_char(out, '}');
}

void
check_print_json(const struct check *check, struct buf *out)
{
	const struct grading *g = &check->grading;
	enum level standard = check->settings->default_level;

	/* The first is older; all other commands say the second. */
	buf_printf(out, "{\"domain\":");
	buf_add_json(out, str_of(check->item.nexthop.key));
	json_text(out, "destination", check->item.nexthop.key);
	json_text(out, "grade", grade_name(g->grade));
	json_text(out, "level", g->level != LEVEL_UNKNOWN ? level_name(g->level) : NULL);
	json_text(out, "why", why_slug(g->why));
	buf_printf(out, ",\"waits\":%s,\"probed\":%s", g->waits ? "true" : "false",
	    check->item.answers.probe_asked ? "true" : "false");
	json_text(
	    out, "default", standard != LEVEL_UNKNOWN ? level_name(standard) : NULL);
	for (size_t s = 0; s < FACT_COUNT; s++)
		measure_sources[s]->check.json(check->found, out);
	buf_printf(out, ",\"hosts\":[");
	for (unsigned i = 0; i < check->found->dns.host_count; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		json_host(out, check, i);
	}
	buf_printf(out, "]");
	check_policy_json(check, out);
	buf_printf(out, ",\"news\":%s", check->news ? "true" : "false");
	for (size_t s = 0; s < FACT_COUNT; s++)
		if (measure_sources[s]->trouble.member[0] != '\0')
			json_text(out, measure_sources[s]->trouble.member,
			    check->found->trouble[s]);
	buf_printf(out, "}\n");
}
