/* SPDX-License-Identifier: BSD-2-Clause */
/* Days are made up from their number alone. */
#include "days.h"

#include <string.h>

#include "enginekit.h"
#include "suite.h"

#define PAST_MAILS 6
#define MAILS_MAX  28
#define AFTER_MS   (9 * DAY) /* the first lease of an entry is 7 days */
#define FLOODS     41        /* a batch of so many has a flood */

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
	static const int64_t periods[] = {7 * MIN, HOUR, 5 * HOUR, DAY, 3 * DAY};

	if (days_below(random, 5) >= 2)
		return;
	act->period_ms = periods[days_below(random, sizeof(periods) / sizeof(*periods))];
	act->on_ms = act->period_ms * (1 + days_below(random, 9)) / 10;
}

/* Half of the batches have something. */
static enum act_kind
shared_kind(uint64_t number, bool honest, uint64_t *random)
{
	unsigned kind = days_below(random, 16);

	if (honest)
		return kind < 3 ? ACT_CANARIES : ACT_NONE;
	if (number % FLOODS == 0)
		return ACT_FLOOD;
	return kind < 3 ? ACT_CLOCK
	    : kind < 6  ? ACT_EVERYBODY
	    : kind < 8  ? ACT_CANARY
	                : ACT_NONE;
}

static void
make_shared(uint64_t number, bool honest, uint64_t *random)
{
	static const int64_t clocks[] = {2 * HOUR, 12 * HOUR, 25 * HOUR, 4 * DAY,
	    40 * DAY, 100 * DAY, 365 * DAY, 366 * DAY};
	struct act *act = &batch.shared;

	*act = (struct act){.kind = shared_kind(number, honest, random)};
	batch.canaries = act->kind == ACT_CANARY || act->kind == ACT_CANARIES ||
	        days_below(random, 2) == 0
	    ? SHARED_CANARIES
	    : 0;
	act->mode = days_below(random, 4);
	act->from_ms = world.mono_ms + (int64_t)(days_random(random) % (6 * DAY));
	act->to_ms = act->from_ms + random_length(random);
	random_pattern(random, act);
	batch.clock_ms = clocks[days_below(random, sizeof(clocks) / sizeof(*clocks))];
	if (days_below(random, 3) == 0)
		batch.clock_ms = -batch.clock_ms;
	if (act->kind != ACT_FLOOD)
		return;
	act->from_ms = days_bell(act->from_ms) + SECOND;
	act->to_ms = act->from_ms + HOUR;
	act->period_ms = 0;
	batch.default_level = number % (2 * FLOODS) == 0 ? LEVEL_VERIFY : LEVEL_SECURE;
	batch.lowest = LEVEL_MAY;
	batch.prober = true;
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
	make_shared(number, honest, &random);
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
make_servers(struct day *day)
{
	day->kind = (enum day_kind)below(day, DAY_KINDS);
	day->has_past = below(day, 4) != 0;
	day->is_signed = day->kind == DAY_DANE || below(day, 5) < 2;
	day->host_count = 1 + (below(day, 5) < 3);
	for (unsigned i = 0; i < day->host_count; i++) {
		snprintf(
		    day->names[i], sizeof(day->names[i]), "mx%u.p%u.test", i, day->index);
		snprintf(day->others[i], sizeof(day->others[i]), "mx%u.q%u.test", i,
		    day->index);
		make_host(day, i);
	}
	if (day->is_signed && day->kind != DAY_DANE && below(day, 12) == 0)
		day->tlsa[0] = TLSA_UNUSABLE;
}

bool
day_is_flooded(const struct day *day)
{
	return batch.shared.kind == ACT_FLOOD && day->index % 4 == 0;
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
make_trouble(struct day *day, struct act *act, int64_t from_ms)
{
	static const enum tls providers[] = {
	    TLS_PLAIN, TLS_SELF_SIGNED, TLS_VALID, TLS_SECURE};

	act->kind =
	    (enum act_kind)(ACT_ATTACKERS + below(day, ACT_TROUBLES - ACT_ATTACKERS));
	act->from_ms = from_ms + between(day, 0, DAY);
	act->to_ms = act->from_ms + random_length(&day->random);
	switch (act->kind) {
	case ACT_DEAD_BACKUP:
	case ACT_LAME:
		if (day->host_count == 1)
			act->kind = ACT_RARE;
		/* fall through */
	case ACT_GREYLIST:
	case ACT_RARE:
	case ACT_RELAYED:
	case ACT_FILTER:
	case ACT_SECOND:
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

/* --- a day -------------------------------------------------------------------------- */

static void
make_acts(struct day *day, bool honest)
{
	int64_t from_ms =
	    day->begin_ms + (day->has_past ? PAST_MAILS * day->every_ms : 0);
	unsigned attackers = honest ? 0 : 1 + below(day, 2);
	unsigned troubles = honest ? 1 + below(day, 2) : below(day, 5) == 0;

	if (batch.shared.kind != ACT_NONE) {
		if (honest)
			troubles = below(day, 2);
		else
			attackers = below(day, 3) != 0;
	}
	if (day_is_flooded(day)) /* by nothing else */
		attackers = troubles = 0;
	for (; attackers > 0; attackers--)
		make_attack(day, &day->acts[day->act_count++], from_ms);
	for (; troubles > 0; troubles--)
		make_trouble(day, &day->acts[day->act_count++], from_ms);
	/* Behind them: who forges a server has its certificate held against our clock. */
	if (batch.shared.kind != ACT_NONE)
		day->acts[day->act_count++] = batch.shared;
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
	make_servers(day);
	if (day_is_flooded(day))
		make_flooded(day);
	else if (below(day, 8) == 0)
		day->login = below(day, 3) != 0 ? ANSWER_YES : ANSWER_UNSURE;
	day->offers_auth = day->login == ANSWER_YES || below(day, 2) == 0;
	day->every_ms = every[below(day, 4)];
	make_acts(day, honest);
	last_ms = day->begin_ms + DAY;
	for (unsigned i = 0; i < day->act_count; i++) {
		int64_t at_ms = day->acts[i].to_ms != INT64_MAX ? day->acts[i].to_ms
		                                                : day->acts[i].from_ms;

		if (at_ms > last_ms)
			last_ms = at_ms;
	}
	day->end_ms = last_ms + AFTER_MS + between(day, 0, 2 * DAY);
	day->lasted_ms = day->end_ms - day->begin_ms;
	if (day->every_ms < (day->end_ms - day->begin_ms) / MAILS_MAX)
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
	if (batch.shared.kind == ACT_CLOCK)
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
