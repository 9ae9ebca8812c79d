/* SPDX-License-Identifier: BSD-2-Clause */
/* What `check` found, for people and as JSON. */
#include <stdio.h>
#include <string.h>

#include "cmd/check.h"
#include "cmd/cmd.h"

static const char *
outcome_word(enum probe_outcome outcome)
{
	return outcome == PROBE_YES ? "yes" : outcome == PROBE_NO ? "no" : "?";
}

/* The one sentence that explains level and grade. */
static void
add_sentence(struct buf *out, const struct check *check)
{
	const struct grading *g = &check->grading;

	if (g->why != WHY_NONE)
		buf_printf(out, "%s: %s", why_slug(g->why), why_sentence(g->why));
	else if (check->facts.probed)
		buf_printf(out, "the servers could not tell");
	else
		buf_printf(out, "the servers were not asked (--probe)");
	if (g->waits)
		buf_printf(out, "; no level lets its mail flow");
}

/* The host that DNS knows, or the address that the destination is. */
static void
add_name(struct buf *out, const struct check *check, unsigned i)
{
	buf_add_quoted(out,
	    str_of(i < check->dns.host_count ? check->dns.hosts[i].name
	                                     : check->nexthop.host));
}

static unsigned
host_count(const struct check *check)
{
	return check->dns.literal && check->dns.host_count == 0 ? 1
	                                                        : check->dns.host_count;
}

/* --- text -------------------------------------------------------------------------- */

static void
print_probe(struct buf *out, const struct check_probe *probe)
{
	buf_printf(out, "      %-9s %-3s ", level_name(probe->level),
	    outcome_word(probe->outcome));
	buf_add_visible(out, str_of(probe->found));
	buf_add_char(out, '\n');
}

static void
print_host(struct buf *out, const struct check *check, unsigned i)
{
	const struct dns_host *host = &check->dns.hosts[i];

	buf_printf(out, "  ");
	if (check->dns.mx != DNS_NOT_ASKED && !check->dns.implicit_mx)
		buf_printf(out, "%u ", host->preference);
	add_name(out, check, i);
	if (i >= check->dns.host_count || host->literal) {
		buf_printf(out, "  an address, no DANE");
	} else {
		buf_printf(out, "  address %s", dns_answer_name(host->address));
		if (host->alias)
			buf_printf(out, " (alias)");
		buf_printf(out, ", TLSA %s", dns_answer_name(host->tlsa));
		if (host->tlsa_count > 0)
			buf_printf(out, ", usable %u of %u", check_usable(host),
			    host->tlsa_count);
	}
	buf_add_char(out, '\n');
	for (unsigned p = 0; p < check->hosts[i].count; p++)
		print_probe(out, &check->hosts[i].probes[p]);
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

	buf_printf(out, "%s  ", check->nexthop.key);
	buf_add_colour(out, colours[g->grade], grade_name(g->grade));
	buf_printf(
	    out, "  level %s  (", g->level != LEVEL_UNKNOWN ? level_name(g->level) : "?");
	add_sentence(out, check);
	buf_printf(out, ")\n");
	if (check->dns.mx != DNS_NOT_ASKED)
		buf_printf(out, "  MX %s%s\n", dns_answer_name(check->dns.mx),
		    check->dns.null_mx           ? ", takes no mail (RFC 7505)"
		        : check->dns.implicit_mx ? ", the domain itself is the host"
		                                 : "");
	for (unsigned i = 0; i < host_count(check); i++)
		print_host(out, check, i);
	if (check->secure.level == LEVEL_SECURE)
		print_probe(out, &check->secure);
	if (check->news)
		buf_printf(out, "  news: the daemon looks at it now\n");
	if (check->dns.trouble[0] != '\0') {
		buf_printf(out, "  DNS: ");
		buf_add_visible(out, str_of(check->dns.trouble));
		buf_add_char(out, '\n');
	}
	if (check->other_map_trouble[0] != '\0') {
		buf_printf(out, "  another map: ");
		buf_add_visible(out, str_of(check->other_map_trouble));
		buf_add_char(out, '\n');
	}
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
json_probe(struct buf *out, const struct check_probe *probe)
{
	buf_printf(out, "{\"level\":\"%s\",\"works\":%s", level_name(probe->level),
	    probe->outcome == PROBE_YES      ? "true"
	        : probe->outcome == PROBE_NO ? "false"
	                                     : "null");
	json_text(out, "found", probe->found);
	buf_add_char(out, '}');
}

static void
json_host(struct buf *out, const struct check *check, unsigned i)
{
	const struct dns_host *host = &check->dns.hosts[i];
	struct buf name = {0};

	add_name(&name, check, i);
	buf_printf(out, "{\"host\":");
	buf_add_json(out, str_of(buf_text(&name)));
	buf_clear(&name);
	buf_printf(out, ",\"preference\":");
	if (check->dns.mx != DNS_NOT_ASKED && !check->dns.implicit_mx)
		buf_printf(out, "%u", host->preference);
	else
		buf_printf(out, "null");
	json_text(out, "address", dns_answer_name(host->address));
	json_text(out, "tlsa", dns_answer_name(host->tlsa));
	buf_printf(out, ",\"usable\":%u,\"records\":%u,\"probes\":[", check_usable(host),
	    host->tlsa_count);
	for (unsigned p = 0; p < check->hosts[i].count; p++) {
		if (p > 0)
			buf_add_char(out, ',');
		json_probe(out, &check->hosts[i].probes[p]);
	}
	buf_printf(out, "]}");
}

void
check_print_json(const struct check *check, struct buf *out)
{
	const struct grading *g = &check->grading;
	enum level standard = check->facts.default_level;

	buf_printf(out, "{\"domain\":");
	buf_add_json(out, str_of(check->nexthop.key));
	json_text(out, "grade", grade_name(g->grade));
	json_text(out, "level", g->level != LEVEL_UNKNOWN ? level_name(g->level) : NULL);
	json_text(out, "why", why_slug(g->why));
	buf_printf(out, ",\"waits\":%s,\"probed\":%s", g->waits ? "true" : "false",
	    check->facts.probed ? "true" : "false");
	json_text(
	    out, "default", standard != LEVEL_UNKNOWN ? level_name(standard) : NULL);
	json_text(out, "dane", dane_state_name(check->verdict.state));
	json_text(out, "mx", dns_answer_name(check->dns.mx));
	buf_printf(out, ",\"hosts\":[");
	for (unsigned i = 0; i < host_count(check); i++) {
		if (i > 0)
			buf_add_char(out, ',');
		json_host(out, check, i);
	}
	buf_printf(out, "],\"secure\":");
	if (check->secure.level == LEVEL_SECURE)
		json_probe(out, &check->secure);
	else
		buf_printf(out, "null");
	buf_printf(out, ",\"news\":%s", check->news ? "true" : "false");
	json_text(out, "trouble", check->dns.trouble);
	json_text(out, "other_map_trouble", check->other_map_trouble);
	buf_printf(out, "}\n");
}
