/* SPDX-License-Identifier: BSD-2-Clause */
/* Days are made up from their number alone. */
#include "days.h"

#include <string.h>

#include "enginekit.h"
#include "suite.h"

#define PAST_MAILS    6
#define MAILS_MAX     28
#define AFTER_MS      (9 * DAY) /* the first lease of an entry is 7 days */
#define HONEST_SHARES 6         /* each such honest batch has something for all */
#define FAST_MS       (7 * MIN)
#define FAST_LONG_MS  (2 * DAY)
#define AMID_MS       (4 * DAY)
#define MONTH_MS      (30 * DAY)
#define RARE_MAILS    4 /* a month apart */
#define TROUBLES      (ACT_TROUBLES - ACT_ATTACKERS)
#define TROUBLE_TURNS (3 * TROUBLES * TROUBLES)

static unsigned
below(struct day *day, unsigned limit)
{
	return days_below(&day->random, limit);
}

static int64_t
between(struct day *day, int64_t least, int64_t most)
{
	return least +
	    (int64_t)(days_random(&day->random) % (uint64_t)(most - least + 1));
}

/* --- what is done to all ----------------------------------------------------------- */

static int64_t
random_length(uint64_t *random)
{
	static const int64_t lengths[] = {
	    30 * SECOND, 10 * MIN, 2 * HOUR, 20 * HOUR, 3 * DAY, 8 * DAY, 15 * DAY};
	int64_t length_ms =
	    lengths[days_below(random, sizeof(lengths) / sizeof(*lengths))];

	return length_ms + (int64_t)(days_random(random) % (uint64_t)(length_ms + 1));
}

static void
random_pattern(uint64_t *random, struct act *act)
{
	static const int64_t periods[] = {FAST_MS, HOUR, 5 * HOUR, DAY, 3 * DAY};

	if (days_below(random, 5) >= 2)
		return;
	act->period_ms = periods[days_below(random, sizeof(periods) / sizeof(*periods))];
	act->on_ms = act->period_ms * (1 + days_below(random, 9)) / 10;
}

/* What is done to all, in turn: nothing, one thing, two. */
static const enum act_kind shares[][SHARED_ACTS] = {
    {0},
    {0},
    {0},
    {0},
    {0},
    {0},
    {ACT_CLOCK},
    {ACT_EVERYBODY},
    {ACT_CANARY},
    {ACT_FLOOD},
    {ACT_CLOCK, ACT_FLOOD},
    {ACT_EVERYBODY, ACT_FLOOD},
    {ACT_CANARY, ACT_FLOOD},
    {ACT_CLOCK, ACT_EVERYBODY},
    {ACT_CLOCK, ACT_CANARY},
    {ACT_EVERYBODY, ACT_CANARY},
    {ACT_CLOCK},
    {ACT_EVERYBODY},
    {ACT_CANARY},
};

#define SHARES (sizeof(shares) / sizeof(*shares))

/* Each few minutes for weeks is the same day again and again, and takes long. */
static void
end_shared(struct act *act, int64_t at_ms)
{
	bool is_fast = act->period_ms == FAST_MS;

	act->to_ms = is_fast && at_ms > act->from_ms + FAST_LONG_MS
	    ? act->from_ms + FAST_LONG_MS
	    : at_ms;
}

static void
make_shared(enum act_kind kind, uint64_t *random)
{
	struct act *act = &batch.shared[batch.shared_count++];

	*act = (struct act){.kind = kind, .mode = days_below(random, 4)};
	act->from_ms = world.mono_ms + (int64_t)(days_random(random) % (6 * DAY));
	random_pattern(random, act);
	end_shared(act, act->from_ms + random_length(random));
}

/* It comes amid what else is done, if need be. */
static void
make_flood(uint64_t number, uint64_t *random)
{
	struct act *other = batch.shared_count > 0 ? &batch.shared[0] : NULL;
	int64_t first_ms = world.mono_ms + HOUR; /* we saw canaries verify by then */
	int64_t from_ms = first_ms + HOUR + (int64_t)(days_random(random) % (6 * DAY));
	struct act *act = &batch.shared[batch.shared_count++];

	from_ms = days_bell(from_ms) + SECOND;
	*act = (struct act){.kind = ACT_FLOOD,
	    .mode = days_below(random, 4),
	    .from_ms = from_ms,
	    .to_ms = from_ms + HOUR};
	if (other != NULL) {
		other->from_ms = from_ms - (int64_t)(days_random(random) % DAY);
		if (other->from_ms < first_ms)
			other->from_ms = first_ms;
		end_shared(other, from_ms + random_length(random));
		/* A freeze of thousands for weeks takes long; that of others is weeks. */
		if (other->to_ms > from_ms + AMID_MS)
			other->to_ms = from_ms + AMID_MS;
	}
	batch.default_level = number / SHARES % 2 == 0 ? LEVEL_VERIFY : LEVEL_SECURE;
	batch.lowest = LEVEL_MAY;
	batch.prober = true;
}

static void
make_all_shared(uint64_t number, bool honest, uint64_t *random)
{
	static const int64_t clocks[] = {2 * HOUR, 12 * HOUR, 25 * HOUR, 4 * DAY,
	    40 * DAY, 100 * DAY, 365 * DAY, 366 * DAY};
	const enum act_kind *kinds = shares[number % SHARES];

	batch.shared_count = 0;
	batch.clock_ms = clocks[days_below(random, sizeof(clocks) / sizeof(*clocks))];
	if (days_below(random, 3) == 0)
		batch.clock_ms = -batch.clock_ms;
	if (honest && number % HONEST_SHARES == 0)
		make_shared(ACT_CANARIES, random);
	for (unsigned i = 0; !honest && i < SHARED_ACTS; i++) {
		if (kinds[i] == ACT_FLOOD)
			make_flood(number, random);
		else if (kinds[i] != ACT_NONE)
			make_shared(kinds[i], random);
	}
	batch.canaries = shared_act(ACT_CANARY) != NULL ||
	        shared_act(ACT_CANARIES) != NULL || days_below(random, 2) == 0
	    ? SHARED_CANARIES
	    : 0;
}

void
batch_generate(uint64_t number, bool honest)
{
	static const enum level defaults[] = {
	    LEVEL_VERIFY, LEVEL_SECURE, LEVEL_DANE_ONLY, LEVEL_DANE};
	uint64_t random = number * 7919 + 17;
	unsigned lowest = days_below(&random, 10);

	batch.seed = number;
	batch.default_level = defaults[days_below(&random, 4)];
	batch.lowest = lowest == 0 ? LEVEL_ENCRYPT
	    : lowest == 1          ? LEVEL_VERIFY
	                           : LEVEL_MAY;
	batch.prober = days_below(&random, 12) != 0;
	batch.count = batch.flooded = batch.flushed = 0;
	batch.thawed = false;
	make_all_shared(number, honest, &random);
}

/* --- servers ------------------------------------------------------------------------ */

static void
make_host(struct day *day, unsigned i)
{
	static const enum tls valid[] = {TLS_VALID, TLS_SECURE};

	switch (day->kind) {
	case DAY_DANE:
		day->tlsa[i] = i > 0 && below(day, 4) == 0 ? TLSA_NONE : TLSA_MATCHES;
		day->tls[i] = (enum tls)(TLS_SELF_SIGNED + below(day, 3));
		break;
	case DAY_VERIFIED:
		day->tls[i] =
		    i > 0 && below(day, 4) == 0 ? TLS_SELF_SIGNED : valid[below(day, 2)];
		break;
	case DAY_ENCRYPTED:
		day->tls[i] = i > 0 && below(day, 4) == 0 ? TLS_PLAIN : TLS_SELF_SIGNED;
		break;
	default:
		day->tls[i] = below(day, 6) == 0 ? TLS_BROKEN : TLS_PLAIN;
		break;
	}
}

static void
add_host(struct day *day)
{
	unsigned i = day->host_count++;

	snprintf(day->names[i], sizeof(day->names[i]), "mx%u.p%u.test", i, day->index);
	snprintf(day->others[i], sizeof(day->others[i]), "mx%u.q%u.test", i, day->index);
	make_host(day, i);
}

static void
make_servers(struct day *day, bool honest)
{
	unsigned hosts;

	day->kind = (enum day_kind)below(day, DAY_KINDS);
	/* Of honest days each pair has those without; see make_troubles(). */
	day->has_past =
	    honest ? day->number / TROUBLE_TURNS % 4 != 0 : below(day, 4) != 0;
	day->is_signed = day->kind == DAY_DANE || below(day, 5) < 2;
	for (hosts = 1 + (below(day, 5) < 3); day->host_count < hosts;)
		add_host(day);
	if (day->is_signed && day->kind != DAY_DANE && below(day, 12) == 0)
		day->tlsa[0] = TLSA_UNUSABLE;
}

bool
day_is_flooded(const struct day *day)
{
	return shared_act(ACT_FLOOD) != NULL && day->index % 4 == 0;
}

static void
make_flooded(struct day *day)
{
	day->kind = DAY_ENCRYPTED;
	day->has_past = day->is_signed = false;
	for (unsigned i = 0; i < day->host_count; i++) {
		day->tls[i] = TLS_SELF_SIGNED;
		day->tlsa[i] = TLSA_NONE;
	}
}

/* --- who acts ----------------------------------------------------------------------- */

static void
make_attack(struct day *day, struct act *act, int64_t from_ms)
{
	act->kind = (enum act_kind)(ACT_NONE + 1 + below(day, ACT_SHARED - 1));
	act->mode = below(day, 3);
	act->host = below(day, DAY_HOSTS);
	act->from_ms = from_ms + between(day, 0, below(day, 2) ? 10 * MIN : 2 * DAY);
	act->to_ms = act->from_ms + random_length(&day->random);
	random_pattern(&day->random, act);
}

static void
make_trouble(struct day *day, struct act *act, unsigned kind, int64_t from_ms)
{
	static const enum tls providers[] = {
	    TLS_PLAIN, TLS_SELF_SIGNED, TLS_VALID, TLS_SECURE};

	act->kind = (enum act_kind)(ACT_ATTACKERS + kind);
	act->from_ms = from_ms + between(day, 0, DAY);
	act->to_ms = act->from_ms + random_length(&day->random);
	switch (act->kind) {
	case ACT_DEAD_BACKUP:
	case ACT_LAME:
		if (day->host_count == 1)
			add_host(day);
		/* fall through */
	case ACT_GREYLIST:
	case ACT_RARE:
	case ACT_RELAYED:
	case ACT_FILTER:
	case ACT_SECOND:
	case ACT_FALLBACK:
		act->mode = below(day, 3);
		act->from_ms = day->begin_ms;
		act->to_ms = INT64_MAX;
		break;
	case ACT_PROVIDER:
		act->mode = providers[below(day, 4)];
		act->to_ms = INT64_MAX;
		break;
	case ACT_WITHDRAWN:
		act->to_ms = INT64_MAX;
		break;
	default:
		break;
	}
}

/* One alone, or two, in turn: each pair of them as often. */
static void
make_troubles(struct day *day, int64_t from_ms)
{
	uint64_t turn = day->number / 3;
	unsigned one = (unsigned)(turn % TROUBLES), two = turn / TROUBLES % TROUBLES;

	make_trouble(day, &day->acts[day->act_count++], one, from_ms);
	if (day->number % 3 != 0 && batch.shared_count == 0 && one != two)
		make_trouble(day, &day->acts[day->act_count++], two, from_ms);
}

/* --- a day -------------------------------------------------------------------------- */

static void
make_acts(struct day *day, bool honest)
{
	int64_t from_ms =
	    day->begin_ms + (day->has_past ? PAST_MAILS * day->every_ms : 0);
	unsigned attackers = honest ? 0 : 1 + below(day, 2);

	if (!honest && batch.shared_count > 0)
		attackers = below(day, 3) != 0;
	if (day_is_flooded(day)) /* by nothing else */
		attackers = 0;
	for (; attackers > 0; attackers--)
		make_attack(day, &day->acts[day->act_count++], from_ms);
	if (honest && (batch.shared_count == 0 || day->number % 2 == 0))
		make_troubles(day, from_ms);
	else if (!honest && !day_is_flooded(day) && below(day, 5) == 0)
		make_trouble(
		    day, &day->acts[day->act_count++], below(day, TROUBLES), from_ms);
	/* Behind them: who forges a server has its certificate held against our clock. */
	for (unsigned i = 0; i < batch.shared_count; i++)
		day->acts[day->act_count++] = batch.shared[i];
}

/* What happens does so when mail comes, which is seldom: once, or each time. */
static void
make_rare(struct day *day)
{
	day->rare_ms = days_bell(day->begin_ms + (day->has_past ? 4 * DAY : HOUR));
	for (unsigned i = 0; i < day->act_count; i++) {
		struct act *act = &day->acts[i];
		int64_t length_ms = act->to_ms - act->from_ms;

		if (act->from_ms == day->begin_ms ||
		    (act->kind >= ACT_SHARED && act->kind < ACT_ATTACKERS) ||
		    act->kind >= ACT_TROUBLES)
			continue;
		act->from_ms = day->rare_ms + below(day, RARE_MAILS - 1) * MONTH_MS -
		    between(day, 0, 2 * HOUR);
		if (act->to_ms == INT64_MAX)
			continue;
		act->to_ms = act->from_ms + length_ms;
		if (below(day, 2) == 0)
			continue;
		act->period_ms = MONTH_MS;
		act->on_ms = between(day, HOUR, 4 * DAY);
		act->to_ms = day->rare_ms + RARE_MAILS * MONTH_MS;
	}
}

void
day_generate(struct day *day, uint64_t number, unsigned index, bool honest)
{
	static const int64_t every[] = {2 * HOUR, 8 * HOUR, DAY, 2 * DAY};
	int64_t last_ms;

	*day = (struct day){.number = number,
	    .random = number * 1000003 + honest,
	    .index = index,
	    .entry = LEVEL_NONE,
	    .login = ANSWER_NO,
	    .weakest = S_COUNT,
	    .begin_ms = world.mono_ms,
	    .retry_ms = INT64_MAX,
	    .forge_ms = INT64_MAX,
	    .other_ms = INT64_MAX};
	snprintf(day->key, sizeof(day->key), "d%u.test", index);
	days_random(&day->random);
	make_servers(day, honest);
	if (day_is_flooded(day))
		make_flooded(day);
	else if (below(day, 8) == 0)
		day->login = below(day, 3) != 0 ? ANSWER_YES : ANSWER_UNSURE;
	day->offers_auth = day->login == ANSWER_YES || below(day, 2) == 0;
	day->every_ms = every[below(day, 4)];
	make_acts(day, honest);
	if (day_has(day, ACT_RARE))
		make_rare(day);
	last_ms = day->begin_ms + DAY;
	for (unsigned i = 0; i < day->act_count; i++) {
		int64_t at_ms = day->acts[i].to_ms != INT64_MAX ? day->acts[i].to_ms
		                                                : day->acts[i].from_ms;

		if (at_ms > last_ms)
			last_ms = at_ms;
	}
	if (day->rare_ms != 0 && last_ms < day->rare_ms + (RARE_MAILS - 1) * MONTH_MS)
		last_ms = day->rare_ms + (RARE_MAILS - 1) * MONTH_MS;
	day->end_ms = last_ms + AFTER_MS + between(day, 0, 2 * DAY);
	day->lasted_ms = day->end_ms - day->begin_ms;
	if (day->rare_ms == 0 &&
	    day->every_ms < (day->end_ms - day->begin_ms) / MAILS_MAX)
		day->every_ms = (day->end_ms - day->begin_ms) / MAILS_MAX;
	day->mail_ms = days_bell(day->begin_ms + between(day, 0, HOUR));
	if (day_is_flooded(day))
		day->mail_ms = INT64_MAX;
	for (unsigned i = 0; i < day->act_count; i++)
		if (day->acts[i].kind == ACT_LINES &&
		    day->acts[i].from_ms < day->forge_ms)
			day->forge_ms = day->acts[i].from_ms;
	if (day_has(day, ACT_RELAYED) || day_has(day, ACT_FILTER) ||
	    day_has(day, ACT_SECOND))
		day->other_ms = day->begin_ms + 4 * HOUR;
}

static const char *
tls_name(enum tls tls)
{
	static const char *const names[] = {"no STARTTLS", "broken handshake",
	    "self-signed", "valid", "valid for the domain"};

	return names[tls];
}

static const char *
tlsa_name(enum tlsa tlsa)
{
	static const char *const names[] = {
	    "none", "match", "do not match", "unusable", "error"};

	return names[tlsa];
}

static double
days_of(const struct day *day, int64_t at_ms)
{
	return at_ms == INT64_MAX ? 999.0 : (double)(at_ms - day->begin_ms) / (double)DAY;
}

void
day_describe(const struct day *day)
{
	print_message("# day %llu: default %s, lowest %s, %sprober; %s, %s, %s\n",
	    (unsigned long long)day->number, level_name(batch.default_level),
	    level_name(batch.lowest), batch.prober ? "" : "no ", day_kind_name(day->kind),
	    day->is_signed ? "signed" : "unsigned",
	    day->has_past ? "with a past" : "new");
	if (day->login != ANSWER_NO || batch.canaries > 0)
		print_message("#   %u canaries, %s password, %s AUTH\n", batch.canaries,
		    day->login == ANSWER_YES      ? "a"
		        : day->login == ANSWER_NO ? "no"
		                                  : "perhaps a",
		    day->offers_auth ? "offers" : "no");
	if (shared_act(ACT_CLOCK) != NULL)
		print_message("#   the clock is set by %.1f h\n",
		    (double)batch.clock_ms / (double)HOUR);
	for (unsigned i = 0; i < day->host_count; i++)
		print_message("#   mx%u: %s, TLSA %s\n", i, tls_name(day->tls[i]),
		    tlsa_name(day->tlsa[i]));
	for (unsigned i = 0; i < day->act_count; i++) {
		const struct act *act = &day->acts[i];

		print_message(
		    "#   %s (mode %u, mx%u) from day %.2f to %.2f, on %.2f of %.2f h\n",
		    act_name(act->kind), act->mode,
		    day->host_count > 0 ? act->host % day->host_count : 0,
		    days_of(day, act->from_ms), days_of(day, act->to_ms),
		    (double)act->on_ms / (double)HOUR,
		    (double)act->period_ms / (double)HOUR);
	}
}
