/* SPDX-License-Identifier: BSD-2-Clause */
/* What came of the days: by attacker, by what broke. */
#include "days.h"

#include <string.h>

#include "suite.h"

#define WEEKS_LEAST_MS (14 * DAY)
#define WEEKS_MOST_MS  (28 * DAY)

/* What an attacker, or several, reached with destinations of one kind. */
struct reached {
	unsigned days, weakened;
	enum strength weakest;
	int64_t after_ms; /* since the first of them began, at the earliest */
};

struct attacked {
	struct reached reached[DAY_KINDS];
	unsigned days, objections, alerted;
};

enum company { ALONE, WITH_OTHERS, COMPANIES };

static struct attacked attackers[ACT_ATTACKERS][COMPANIES];
static struct attacked passwords; /* whoever attacks them */

/* The same in words, of each attacker alone and of each two: [ACT_NONE][k] is one alone,
 * [ACT_NONE][ACT_NONE] three and more. */
static struct pair {
	unsigned days, weaker, weakened, alerts;
	int64_t least_ms, most_ms; /* until the first entry that is weaker and allowed */
} pairs[ACT_ATTACKERS][ACT_ATTACKERS], without_prober;

static struct broken {
	unsigned days, objections, bounced;
	int64_t waited_ms;
	unsigned waited_long, alerted, most_tells;
} troubles[ACT_KINDS];

static struct {
	unsigned days, weeks, flooded;
	int64_t flooded_ms; /* the longest until it was decided */
} all;

/* --- noting ------------------------------------------------------------------------ */

static void
note_attacked(struct attacked *a, const struct day *day, int64_t from_ms)
{
	struct reached *r = &a->reached[day->kind];

	a->days++;
	a->objections += day->verdict[0] != '\0';
	a->alerted += day->alerts > 0;
	r->days++;
	if (day->weakest == S_COUNT || day->weakest_ms < from_ms)
		return;
	r->weakened++;
	if (r->weakest == S_NONE || day->weakest < r->weakest) {
		r->weakest = day->weakest;
		r->after_ms = INT64_MAX;
	}
	if (day->weakest == r->weakest && day->weakest_ms - from_ms < r->after_ms)
		r->after_ms = day->weakest_ms - from_ms;
}

static struct pair *
pair_of(const struct day *day)
{
	enum act_kind one = day->acts[0].kind;
	enum act_kind two = day->act_count == 2 ? day->acts[1].kind : ACT_NONE;

	if (!batch.prober)
		return &without_prober;
	if (day->act_count > 2)
		one = ACT_NONE;
	return one < two ? &pairs[one][two] : &pairs[two][one];
}

static void
note_pair(const struct day *day, int64_t from_ms)
{
	struct pair *p = pair_of(day);
	int64_t after_ms = day->permitted_ms - from_ms;

	p->days++;
	p->weaker += day->weaker;
	p->alerts += day->alerts;
	if (day->permitted_ms < from_ms)
		return;
	if (p->weakened++ == 0 || after_ms < p->least_ms)
		p->least_ms = after_ms;
	if (after_ms > p->most_ms)
		p->most_ms = after_ms;
}

static void
note_attackers(const struct day *day)
{
	unsigned count = 0;
	int64_t from_ms = INT64_MAX;

	for (unsigned i = 0; i < day->act_count; i++) {
		if (day->acts[i].kind >= ACT_ATTACKERS)
			return; /* it may be to blame */
		count++;
		if (day->acts[i].from_ms < from_ms)
			from_ms = day->acts[i].from_ms;
	}
	if (count > 0)
		note_pair(day, from_ms);
	/* Without a prober mail itself tries what is stronger, attacked or not. */
	if (!batch.prober)
		return;
	for (unsigned i = 0; i < count; i++)
		note_attacked(&attackers[day->acts[i].kind][count > 1], day, from_ms);
	if (count > 0 && day->login == ANSWER_YES)
		note_attacked(&passwords, day, from_ms);
}

static void
note_trouble(const struct day *day)
{
	struct broken *b = &troubles[day->acts[0].kind];

	if (day->act_count != 1 || day->acts[0].kind < ACT_ATTACKERS)
		return;
	b->days++;
	b->objections += day->verdict[0] != '\0';
	b->bounced += day->bounced;
	if (day->waited_ms > b->waited_ms)
		b->waited_ms = day->waited_ms;
	b->waited_long += day->waited_long;
	b->alerted += day->waited_long && day->alerts > 0;
	if (day->oracle.most_tells > b->most_tells)
		b->most_tells = day->oracle.most_tells;
}

void
table_note(const struct day *day)
{
	all.days++;
	all.weeks += day->lasted_ms >= WEEKS_LEAST_MS && day->lasted_ms <= WEEKS_MOST_MS;
	if (day->flooded_ms != 0) {
		all.flooded++;
		if (day->decided_ms - day->flooded_ms > all.flooded_ms)
			all.flooded_ms = day->decided_ms - day->flooded_ms;
	}
	note_attackers(day);
	note_trouble(day);
}

unsigned
table_weeks(unsigned *days)
{
	*days = all.days;
	return all.weeks;
}

/* --- printing ---------------------------------------------------------------------- */

static void
print_attacked(const char *name, const char *company, const struct attacked *a)
{
	char cells[DAY_KINDS][40];

	if (a->days == 0)
		return;
	for (unsigned d = 0; d < DAY_KINDS; d++) {
		const struct reached *r = &a->reached[d];

		if (r->weakened == 0)
			snprintf(cells[d], sizeof(cells[d]), "-, 0 of %u", r->days);
		else
			snprintf(cells[d], sizeof(cells[d]), "%s %.1f h, %u of %u",
			    strength_name(r->weakest), (double)r->after_ms / (double)HOUR,
			    r->weakened, r->days);
	}
	print_message("# %-17s %-6s %5u %4u %5u  %-13s %-26s %-26s %s\n", name, company,
	    a->days, a->objections, a->alerted, cells[DAY_DANE], cells[DAY_VERIFIED],
	    cells[DAY_ENCRYPTED], cells[DAY_CLEAR]);
}

static void
print_attackers(void)
{
	print_message(
	    "# weakest result by attacker and destination: what, after how long "
	    "at the earliest, in how many of the days\n");
	print_message("# %-17s %-6s %5s %4s %5s  %-13s %-26s %-26s %s\n", "attacker", "",
	    "days", "obj.", "told", "dane", "verified", "encrypted", "cleartext");
	for (unsigned company = ALONE; company < COMPANIES; company++)
		for (unsigned k = ACT_NONE + 1; k < ACT_ATTACKERS; k++)
			print_attacked(act_name((enum act_kind)k),
			    company == ALONE ? "alone" : "paired",
			    &attackers[k][company]);
	print_attacked("any, a password", "", &passwords);
	if (all.flooded > 0)
		print_message("# amid a flood %u were decided, the last after %.1f s\n",
		    all.flooded, (double)all.flooded_ms / (double)SECOND);
}

static void
print_pair(const char *one, const char *two, const struct pair *p)
{
	char name[64];

	if (p->days == 0)
		return;
	snprintf(name, sizeof(name), "%s%s%s", one,
	    two[0] == '\0' || strcmp(two, "alone") == 0 ? " " : " and ", two);
	print_message("# %-36s %4u days, %u entries weaker than allowed, ", name, p->days,
	    p->weaker);
	if (p->weakened > 0)
		print_message("%3u days weakened as is allowed, after %.1f to %.1f h, ",
		    p->weakened, (double)p->least_ms / (double)HOUR,
		    (double)p->most_ms / (double)HOUR);
	else
		print_message("nothing weakened, ");
	print_message("%u alerts\n", p->alerts);
}

static void
print_pairs(void)
{
	print_message("# each attacker alone, and each two:\n");
	for (unsigned one = ACT_NONE; one < ACT_ATTACKERS; one++)
		for (unsigned two = one == ACT_NONE ? 1 : one; two < ACT_ATTACKERS; two++)
			print_pair(one == ACT_NONE ? act_name((enum act_kind)two)
			                           : act_name((enum act_kind)one),
			    one == ACT_NONE ? "alone" : act_name((enum act_kind)two),
			    &pairs[one][two]);
	print_pair("three and more", "", &pairs[ACT_NONE][ACT_NONE]);
	print_pair("any, without posttls-finger", "", &without_prober);
}

static void
print_troubles(void)
{
	print_message(
	    "# honest days with one trouble: how long mail waited that could flow, "
	    "how many days had mail that waited over 2 h, alerted of these, most "
	    "alerts of a cause in one wait, messages bounced\n");
	print_message("# %-20s %5s %4s %9s %8s %7s %6s %5s\n", "trouble", "days", "obj.",
	    "longest", "waited", "alerted", "most", "gone");
	for (unsigned k = ACT_ATTACKERS; k < ACT_KINDS; k++) {
		const struct broken *b = &troubles[k];

		if (b->days > 0)
			print_message("# %-20s %5u %4u %7.1f h %8u %7u %6u %5u\n",
			    act_name((enum act_kind)k), b->days, b->objections,
			    (double)b->waited_ms / (double)HOUR, b->waited_long,
			    b->alerted, b->most_tells, b->bounced);
	}
}

void
table_print(void)
{
	print_attackers();
	print_pairs();
	print_troubles();
	print_message("# %u of %u days lasted two to four weeks\n", all.weeks, all.days);
}
