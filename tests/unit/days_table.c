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
	unsigned with_past, weakened_past, weakened_new; /* of the days */
};

enum company { ALONE, WITH_OTHERS, COMPANIES };

static struct attacked attackers[ACT_ATTACKERS][COMPANIES];
static struct attacked passwords; /* whoever attacks them */

/* The same in words, of each attacker alone and of each two: [ACT_NONE][k] is one alone,
 * [ACT_NONE][ACT_NONE] three and more. */
static struct pair {
	unsigned days, with_past, weaker, weakened, alerts;
	int64_t least_ms, most_ms; /* until the first entry that is weaker and allowed */
} pairs[ACT_ATTACKERS][ACT_ATTACKERS], without_prober;

static struct broken {
	unsigned days, objections, bounced;
	int64_t waited_ms;
	unsigned waited_long, alerted, most_tells;
	unsigned with_past;
} troubles[ACT_KINDS][ACT_KINDS]; /* [k][k]: alone; else the lesser one first */

static struct {
	unsigned days, weeks, flooded, disturbed;
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
	a->with_past += day->has_past;
	r->days++;
	if (day->weakest == S_COUNT || day->weakest_ms < from_ms)
		return;
	r->weakened++;
	if (day->has_past)
		a->weakened_past++;
	else
		a->weakened_new++;
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
	p->with_past += day->has_past;
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
	enum act_kind one = day->acts[0].kind;
	enum act_kind two = day->acts[day->act_count > 1].kind;
	struct broken *b = one < two ? &troubles[one][two] : &troubles[two][one];

	if (day->act_count == 0 || day->act_count > 2 || one < ACT_ATTACKERS ||
	    two < ACT_ATTACKERS)
		return;
	b->days++;
	b->with_past += day->has_past;
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
	if (day->flooded_ms != 0 &&
	    shared_disturbs(day->flooded_ms - HOUR, day->flooded_ms + MIN)) {
		all.disturbed++;
	} else if (day->flooded_ms != 0) {
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
	char cells[DAY_KINDS][40], past[32], none[32];

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
	snprintf(past, sizeof(past), "%u of %u", a->weakened_past, a->with_past);
	snprintf(none, sizeof(none), "%u of %u", a->weakened_new, a->days - a->with_past);
	print_message("# %-17s %-6s %5u %4u %5u  %-10s %-10s %-13s %-26s %-26s %s\n",
	    name, company, a->days, a->objections, a->alerted, past, none,
	    cells[DAY_DANE], cells[DAY_VERIFIED], cells[DAY_ENCRYPTED], cells[DAY_CLEAR]);
}

static void
print_attackers(void)
{
	print_message(
	    "# weakest result by attacker and destination: what, after how long "
	    "at the earliest, in how many of the days\n");
	print_message("# %-17s %-6s %5s %4s %5s  %-10s %-10s %-13s %-26s %-26s %s\n",
	    "attacker", "", "days", "obj.", "told", "with past", "without", "dane",
	    "verified", "encrypted", "cleartext");
	for (unsigned company = ALONE; company < COMPANIES; company++)
		for (unsigned k = ACT_NONE + 1; k < ACT_ATTACKERS; k++)
			print_attacked(act_name((enum act_kind)k),
			    company == ALONE ? "alone" : "paired",
			    &attackers[k][company]);
	print_attacked("any, a password", "", &passwords);
	if (all.flooded > 0)
		print_message("# amid a flood %u were decided, the last after %.1f s; %u "
		              "more while somebody did something else to all\n",
		    all.flooded, (double)all.flooded_ms / (double)SECOND, all.disturbed);
}

static void
print_pair(const char *one, const char *two, const struct pair *p)
{
	char name[64];

	if (p->days == 0)
		return;
	snprintf(name, sizeof(name), "%s%s%s", one,
	    two[0] == '\0' || strcmp(two, "alone") == 0 ? " " : " and ", two);
	print_message("# %-36s %4u days, %3u without a past, %u entries weaker than "
	              "allowed, ",
	    name, p->days, p->days - p->with_past, p->weaker);
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
print_trouble(const char *one, const char *two, const struct broken *b)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s%s", one, two[0] != '\0' ? " and " : "", two);
	if (b->days > 0)
		print_message("# %-42s %5u %7u %4u %7.1f h %8u %7u %6u %5u\n", name,
		    b->days, b->days - b->with_past, b->objections,
		    (double)b->waited_ms / (double)HOUR, b->waited_long, b->alerted,
		    b->most_tells, b->bounced);
}

static void
print_troubles(void)
{
	print_message(
	    "# honest days with one trouble, and with two: how long mail waited that "
	    "could flow, "
	    "how many days had mail that waited over 2 h, alerted of these, most "
	    "alerts of a cause in one wait, messages bounced\n");
	print_message("# %-42s %5s %7s %4s %9s %8s %7s %6s %5s\n", "trouble", "days",
	    "no past", "obj.", "longest", "waited", "alerted", "most", "gone");
	for (unsigned k = ACT_ATTACKERS; k < ACT_KINDS; k++)
		print_trouble(act_name((enum act_kind)k), "", &troubles[k][k]);
	for (unsigned k = ACT_ATTACKERS; k < ACT_KINDS; k++)
		for (unsigned l = k + 1; l < ACT_KINDS; l++)
			print_trouble(act_name((enum act_kind)k),
			    act_name((enum act_kind)l), &troubles[k][l]);
}

static bool
is_missing(unsigned days, unsigned with_past, const char *one, const char *two)
{
	if (with_past > 0 && with_past < days)
		return false;
	print_message(
	    "# %s and %s: %u days, %u of them with a past\n", one, two, days, with_past);
	return true;
}

unsigned
table_missing(bool honest)
{
	unsigned missing = 0;

	for (unsigned k = honest ? ACT_ATTACKERS : ACT_NONE + 1;
	     k < (honest ? ACT_KINDS : ACT_ATTACKERS); k++)
		for (unsigned l = k; l < (honest ? ACT_KINDS : ACT_ATTACKERS); l++) {
			const struct broken *b = &troubles[k][l];
			const struct pair *p =
			    k == l ? &pairs[ACT_NONE][k] : &pairs[k][l];

			missing += is_missing(honest ? b->days : p->days,
			    honest ? b->with_past : p->with_past,
			    act_name((enum act_kind)k),
			    k == l ? "nothing" : act_name((enum act_kind)l));
		}
	return missing;
}

void
table_print(void)
{
	print_attackers();
	print_pairs();
	print_troubles();
	print_message("# %u of %u days lasted two to four weeks\n", all.weeks, all.days);
}
