/* SPDX-License-Identifier: BSD-2-Clause */
#include "foldkit.h"

#include <stdlib.h>

#include "base/buf.h"
#include "suite.h"

struct rules *foldkit_rules;

static void
add_rule(
    const char *name, const char *reason, const char *status, enum rule_dnssec dnssec)
{
	struct rule_source source = {.name = name,
	    .reason = reason,
	    .status = status,
	    .dnssec = dnssec,
	    .fallback = FALLBACK_NEXT};
	const char *key;
	struct err err;

	if (!rules_add(foldkit_rules, &source, &key, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(2);
	}
}

void
foldkit_begin(void)
{
	struct rule_source source;
	const char *key;
	struct err err;

	foldkit_rules = rules_new();
	source = (struct rule_source){.name = "out-of-date",
	    .reason = "^Server certificate not verified$",
	    .cause = CAUSE_EXPIRED,
	    .fallback = FALLBACK_WAIT};
	rules_add(foldkit_rules, &source, &key, &err);
	add_rule("signed", "^Server certificate not verified$", NULL, RULE_DNSSEC_SECURE);
	add_rule(
	    "not-verified", "^Server certificate not verified$", NULL, RULE_DNSSEC_ANY);
	add_rule("refused", "^TLS is required, but host \\S+ refused to start TLS: .*$",
	    NULL, RULE_DNSSEC_ANY);
	add_rule("no-tlsa", "^no TLSA records found$", NULL, RULE_DNSSEC_ANY);
	add_rule("ours", "^client TLS configuration problem$", NULL, RULE_DNSSEC_ANY);
	add_rule("signed-only", "^TLSA records unusable$", NULL, RULE_DNSSEC_SECURE);
	add_rule("slow", "^(?:a+)+b$", NULL, RULE_DNSSEC_ANY);
}

/* --- the fold as text -------------------------------------------------------------- */

/* Seconds since the start; each line takes one. */
static long
second(int64_t time_ms)
{
	return (long)((time_ms - START_MS) / 1000);
}

static bool
is_sent(const struct fold_tally *t)
{
	return t->what >= FOLD_SENT && t->what < FOLD_BOUNCED;
}

/* Those of a day that were sent, in whichever way, are one number. */
static unsigned long
count_of(const struct fold_item *i, size_t at)
{
	const struct fold_tally *t = &i->tallies[at];
	uint64_t count = 0;

	for (size_t k = 0; k < i->tally_count; k++) {
		const struct fold_tally *other = &i->tallies[k];
		bool same =
		    k == at || (is_sent(t) && is_sent(other) && other->day == t->day);

		if (same && k < at)
			return 0;
		count += same ? other->count : 0;
	}
	return (unsigned long)count;
}

static void
print_tally(struct buf *out, const struct fold_item *i, size_t at)
{
	const struct fold_tally *t = &i->tallies[at];

	if (count_of(i, at) == 0)
		return;
	buf_printf(out, "%s", " ");
	if (t->what < FOLD_SENT)
		buf_printf(out, "%s", session_grade_name((enum session_grade)t->what));
	else if (is_sent(t))
		buf_printf(out, "sent");
	else if (t->what == FOLD_BOUNCED)
		buf_printf(out, "bounced");
	else
		buf_printf(
		    out, "%s", rules_get(foldkit_rules, t->what - FOLD_RULE)->name);
	buf_printf(out, "*%lu", count_of(i, at));
	if (t->day != START_MS / SPAN_DAY_MS)
		buf_printf(out, "/day+%ld", (long)(t->day - START_MS / SPAN_DAY_MS));
}

static void
print_deferral(struct buf *out, const struct fold_item *i)
{
	const struct fold_deferral *d = i->deferral;

	buf_printf(out, "; %s@%ld %s %u attempts", d->lost ? "lost" : "deferred",
	    second(d->time_ms), rules_get(foldkit_rules, d->rule)->name, i->tried.count);
	if (d->suspended)
		buf_printf(out, " suspended");
	if (d->policy_refused)
		buf_printf(out, " refused");
	if (d->attempt_level != LEVEL_UNKNOWN)
		buf_printf(out, " at %s", level_name(d->attempt_level));
	if (d->cause != CAUSE_NONE)
		buf_printf(out, ", %s", cause_name(d->cause));
}

/* Where a reason says it of one server, that is no more than the deferral has. */
static void
print_causes(struct buf *out, const struct fold_item *i)
{
	for (size_t h = 0; h < i->host_count; h++) {
		const struct fold_host *host = &i->hosts[h];

		if (host->cause != CAUSE_NONE)
			buf_printf(out, "; %s:%u %s@%ld", host->name,
			    (unsigned)host->port, cause_name(host->cause),
			    second(host->cause_ms));
	}
}

char *
foldkit_print(const struct fold *fold)
{
	const struct fold_counts *c = fold_counts(fold);
	struct buf out = {0};

	for (const struct fold_item *i = fold_first(fold); i != NULL; i = i->next) {
		buf_printf(&out, "%s%s:", i->key, i->key_known ? " named" : "");
		for (size_t t = 0; t < i->tally_count; t++)
			print_tally(&out, i, t);
		if (i->sent_ms != 0)
			buf_printf(&out, "; sent@%ld", second(i->sent_ms));
		for (int g = 0; g < SESSION_COUNT; g++)
			if (i->seen_ms[g] != 0)
				buf_printf(&out, "; %s@%ld",
				    session_grade_name((enum session_grade)g),
				    second(i->seen_ms[g]));
		if (i->deferred)
			print_deferral(&out, i);
		print_causes(&out, i);
		if (i->lost > 0)
			buf_printf(&out, "; bounced %u, %s", i->lost, i->lost_reason);
		for (size_t q = 0; q < i->waiting_count; q++)
			buf_printf(&out, "%s%s", q == 0 ? "; waits " : " ",
			    i->waiting[q].queue_id);
		buf_printf(&out, "\n");
	}
	if (c->no_nexthop + c->limit_hits + c->ambiguous > 0)
		buf_printf(&out,
		    "%lu without next-hop, %lu at the limit, %lu ambiguous\n",
		    (unsigned long)c->no_nexthop, (unsigned long)c->limit_hits,
		    (unsigned long)c->ambiguous);
	return buf_take(&out);
}

void
foldkit_feed(struct fold *fold, const char *line, int64_t time_ms)
{
	struct buf text = {0};
	struct logline split;

	buf_printf(
	    &text, "%s%s", strstr(line, " postfix/") != NULL ? "" : "postfix/", line);
	assert_true(logline_split((struct str){buf_text(&text), text.len}, &split));
	fold_line(fold, &split, time_ms, NOW_MS);
	buf_clear(&text);
}

void
foldkit_assert(const struct fold *fold, const char *expected)
{
	char *got = foldkit_print(fold);

	assert_string_equal(got, expected);
	free(got);
}
