/* SPDX-License-Identifier: BSD-2-Clause */
/* What is the case at a moment: for us, for Postfix, and in truth. */
#include "days.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "enginekit.h"
#include "suite.h"

struct batch batch;

uint64_t
days_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

unsigned
days_below(uint64_t *state, unsigned limit)
{
	return (unsigned)(days_random(state) % limit);
}

static const char *const act_names[ACT_KINDS] = {
    [ACT_NONE] = "nothing",
    [ACT_LINES] = "log lines",
    [ACT_ONE_PATH] = "path to one MX",
    [ACT_ALL_PATHS] = "path to all MX",
    [ACT_MX] = "forged MX",
    [ACT_DNS] = "forged DNS",
    [ACT_TEXT] = "hostile text",
    [ACT_CLOCK] = "our clock",
    [ACT_EVERYBODY] = "path to everybody",
    [ACT_CANARY] = "one canary",
    [ACT_FLOOD] = "3,000 names",
    [ACT_DEAD_BACKUP] = "dead backup MX",
    [ACT_TEMPFAIL] = "tempfailing MX",
    [ACT_GREYLIST] = "greylisting",
    [ACT_LAME] = "lame zone",
    [ACT_EXPIRED] = "expired certificate",
    [ACT_NO_TLS] = "STARTTLS gone",
    [ACT_PROVIDER] = "provider change",
    [ACT_ROLLOVER] = "TLSA rollover",
    [ACT_WITHDRAWN] = "TLSA withdrawn",
    [ACT_RARE] = "one mail a month",
    [ACT_RELAYED] = "newsletter relay",
    [ACT_FILTER] = "content filter",
    [ACT_SECOND] = "second instance",
    [ACT_FALLBACK] = "fallback relay",
    [ACT_OUR_CA] = "our CA file broken",
    [ACT_RESOLVER] = "resolver broken",
    [ACT_DISTRUST] = "resolver permissive",
    [ACT_BLIND] = "other resolver",
    [ACT_CANARIES] = "canaries fail",
};

const char *
act_name(enum act_kind kind)
{
	return act_names[kind];
}

const char *
day_kind_name(enum day_kind kind)
{
	static const char *const names[] = {"dane", "verified", "encrypted", "cleartext"};

	return names[kind];
}

const char *
strength_name(enum strength strength)
{
	static const char *const names[] = {
	    "nothing", "cleartext", "encrypt", "verify", "secure", "dane-only"};

	return names[strength];
}

int64_t
days_bell(int64_t at_ms)
{
	return (at_ms + BELL_MS - 1) / BELL_MS * BELL_MS;
}

/* --- who acts ---------------------------------------------------------------------- */

bool
act_is_on(const struct act *act, int64_t at_ms)
{
	if (at_ms < act->from_ms || at_ms >= act->to_ms)
		return false;
	return act->period_ms == 0 ||
	    (at_ms - act->from_ms) % act->period_ms < act->on_ms;
}

static void
later(int64_t *at_ms, int64_t other_ms, int64_t most_ms)
{
	if (other_ms <= most_ms && other_ms > *at_ms)
		*at_ms = other_ms;
}

int64_t
day_changed_ms(const struct day *day, int64_t at_ms)
{
	int64_t changed_ms = 0;

	for (unsigned i = 0; i < day->act_count; i++) {
		const struct act *act = &day->acts[i];

		later(&changed_ms, act->from_ms, at_ms);
		later(&changed_ms, act->to_ms, at_ms);
		if (act->period_ms == 0 || at_ms < act->from_ms || at_ms >= act->to_ms)
			continue;
		int64_t begun_ms = at_ms - (at_ms - act->from_ms) % act->period_ms;

		later(&changed_ms, begun_ms, at_ms);
		later(&changed_ms, begun_ms + act->on_ms, at_ms);
	}
	return changed_ms;
}

bool
day_has(const struct day *day, enum act_kind kind)
{
	for (unsigned i = 0; i < day->act_count; i++)
		if (day->acts[i].kind == kind)
			return true;
	return false;
}

bool
day_is_attacked(const struct day *day, int64_t from_ms, int64_t to_ms)
{
	for (unsigned i = 0; i < day->act_count; i++)
		if (day->acts[i].kind < ACT_ATTACKERS && day->acts[i].from_ms < to_ms &&
		    day->acts[i].to_ms > from_ms)
			return true;
	return false;
}

/* --- views ------------------------------------------------------------------------- */

static void
add_host(struct outlook *view, const struct day *day, unsigned i)
{
	struct host_view *host = &view->hosts[view->count++];

	memcpy(host->name, day->names[i], sizeof(host->name));
	host->tls = day->tls[i];
	host->tlsa = day->tlsa[i];
}

/* What is wrong without anybody's will. */
static void
trouble(struct outlook *view, const struct day *day, const struct act *act,
    enum viewer viewer)
{
	struct host_view *last = &view->hosts[view->count - 1];

	switch (act->kind) {
	case ACT_DEAD_BACKUP:
		last->down = true;
		break;
	case ACT_TEMPFAIL:
		last->tempfails = true;
		break;
	case ACT_LAME:
		last->lame = last->down = true;
		break;
	case ACT_EXPIRED:
		for (unsigned i = 0; i < view->count; i++)
			if (view->hosts[i].tls > TLS_SELF_SIGNED)
				view->hosts[i].tls = TLS_SELF_SIGNED;
		break;
	case ACT_NO_TLS:
		for (unsigned i = 0; i < view->count; i++)
			view->hosts[i].tls = TLS_PLAIN;
		break;
	case ACT_PROVIDER:
		for (unsigned i = 0; i < view->count; i++) {
			memcpy(view->hosts[i].name, day->others[i],
			    sizeof(view->hosts[i].name));
			view->hosts[i].tls = (enum tls)act->mode;
			view->hosts[i].tlsa = TLSA_NONE;
		}
		break;
	case ACT_ROLLOVER:
		for (unsigned i = 0; i < view->count; i++)
			if (view->hosts[i].tlsa == TLSA_MATCHES)
				view->hosts[i].tlsa = TLSA_DIFFERS;
		break;
	case ACT_WITHDRAWN:
		for (unsigned i = 0; i < view->count; i++)
			view->hosts[i].tlsa = TLSA_NONE;
		break;
	case ACT_OUR_CA:
		view->ours = viewer != VIEW_TRUTH;
		break;
	case ACT_RESOLVER:
		if (viewer == VIEW_OURS)
			view->mx = MX_ERROR;
		break;
	case ACT_DISTRUST:
		view->distrusted = viewer == VIEW_OURS;
		break;
	case ACT_BLIND:
		if (viewer == VIEW_POSTFIX) {
			view->mx = view->mx == MX_ERROR ? MX_ERROR : MX_UNSIGNED;
			for (unsigned i = 0; i < view->count; i++)
				view->hosts[i].tlsa = TLSA_NONE;
		}
		break;
	default:
		break;
	}
}

void
host_attacked(struct host_view *host, unsigned mode)
{
	switch (mode) {
	case 0:
		host->tls = TLS_PLAIN;
		break;
	case 1: /* his own certificate */
		host->tls = host->tls > TLS_SELF_SIGNED ? TLS_SELF_SIGNED : host->tls;
		host->tlsa = host->tlsa == TLSA_MATCHES ? TLSA_DIFFERS : host->tlsa;
		break;
	default:
		host->down = true;
		break;
	}
}

static void
attack(struct outlook *view, const struct day *day, const struct act *act, int64_t at_ms)
{
	switch (act->kind) {
	case ACT_ONE_PATH:
		if (view->count > 0)
			host_attacked(&view->hosts[act->host % view->count], act->mode);
		break;
	case ACT_ALL_PATHS:
		for (unsigned i = 0; i < view->count; i++)
			host_attacked(&view->hosts[i], act->mode);
		break;
	case ACT_MX:
		if (view->mx == MX_SIGNED) {
			view->mx = MX_ERROR; /* bogus */
		} else if (view->mx == MX_UNSIGNED) {
			view->count = 1;
			view->hosts[0] =
			    (struct host_view){.tls = act->mode == 0 ? TLS_VALID
			            : act->mode == 1                 ? TLS_SELF_SIGNED
			                                             : TLS_PLAIN};
			snprintf(view->hosts[0].name, sizeof(view->hosts[0].name),
			    "mx.evil%u.test", day->index);
		}
		break;
	case ACT_DNS:
		if (act->mode == 0)
			view->mx = MX_ERROR;
		else if (view->mx == MX_SIGNED) /* TLSA without proof, or no answer */
			for (unsigned i = 0; i < view->count; i++)
				view->hosts[i].tlsa = TLSA_ERROR;
		break;
	case ACT_TEXT:
		for (unsigned i = 0; i < view->count; i++)
			view->hosts[i].tempfails = true;
		break;
	default:
		shared_attack(view, act, at_ms);
		break;
	}
}

struct outlook
day_view(const struct day *day, enum viewer viewer, int64_t at_ms)
{
	struct outlook view = {.mx = day->is_signed ? MX_SIGNED : MX_UNSIGNED};

	for (unsigned i = 0; i < day->host_count; i++)
		add_host(&view, day, i);
	for (unsigned i = 0; i < day->act_count; i++)
		if (act_is_on(&day->acts[i], at_ms) && day->acts[i].kind >= ACT_ATTACKERS)
			trouble(&view, day, &day->acts[i], viewer);
	for (unsigned i = 0; viewer != VIEW_TRUTH && i < day->act_count; i++)
		if (act_is_on(&day->acts[i], at_ms) && day->acts[i].kind < ACT_ATTACKERS)
			attack(&view, day, &day->acts[i], at_ms);
	return view;
}

/* TLSA count only with a signed MX record; the servers' own zone is signed with it here.
 */
static enum tlsa
tlsa_of(const struct outlook *view, unsigned host)
{
	return view->mx == MX_UNSIGNED ? TLSA_NONE : view->hosts[host].tlsa;
}

bool
host_meets(const struct outlook *view, unsigned i, enum strength strength)
{
	const struct host_view *host = &view->hosts[i];
	enum tlsa tlsa = tlsa_of(view, i);

	if (host->down || host->lame)
		return false;
	switch (strength) {
	case S_CLEAR:
		return tlsa == TLSA_NONE;
	case S_ENCRYPT:
		return host->tls >= TLS_SELF_SIGNED;
	case S_VERIFY:
		return host->tls >= TLS_VALID && !view->ours;
	case S_SECURE:
		return host->tls >= TLS_SECURE && !view->ours;
	case S_DANE:
		return tlsa == TLSA_MATCHES && host->tls >= TLS_SELF_SIGNED;
	default:
		return false;
	}
}

bool
view_meets(const struct outlook *view, enum strength strength)
{
	for (unsigned i = 0; i < view->count; i++)
		if (host_meets(view, i, strength))
			return true;
	return false;
}

enum strength
view_strongest(const struct outlook *view, enum strength below)
{
	for (enum strength s = below; s-- > S_NONE;)
		if (view_meets(view, s))
			return s;
	return S_NONE;
}

bool
view_answers(const struct outlook *view)
{
	for (unsigned i = 0; i < view->count; i++)
		if (!view->hosts[i].down && !view->hosts[i].lame)
			return true;
	return false;
}

bool
view_has_usable(const struct outlook *view)
{
	for (unsigned i = 0; i < view->count; i++)
		if (view->mx == MX_SIGNED && !view->hosts[i].lame &&
		    (view->hosts[i].tlsa == TLSA_MATCHES ||
		        view->hosts[i].tlsa == TLSA_DIFFERS))
			return true;
	return false;
}

bool
view_promises(const struct outlook *view)
{
	for (unsigned i = 0; i < view->count; i++)
		if (tlsa_of(view, i) != TLSA_NONE)
			return true;
	return false;
}

bool
view_is_unsure(const struct outlook *view)
{
	if (view->mx == MX_ERROR || view->distrusted)
		return true;
	for (unsigned i = 0; i < view->count; i++)
		if (tlsa_of(view, i) == TLSA_ERROR && !view->hosts[i].lame)
			return !view_has_usable(view);
	return false;
}

enum strength
level_strength(enum level level, const struct outlook *view)
{
	switch (level) {
	case LEVEL_DANE:
		return view_has_usable(view) ? S_DANE
		    : view_promises(view)    ? S_ENCRYPT
		                             : S_CLEAR;
	case LEVEL_ENCRYPT:
		return S_ENCRYPT;
	case LEVEL_VERIFY:
		return S_VERIFY;
	case LEVEL_SECURE:
		return S_SECURE;
	case LEVEL_DANE_ONLY:
		return S_DANE;
	default:
		return S_CLEAR;
	}
}

enum strength
day_in_force(const struct day *day, const struct outlook *view)
{
	return level_strength(
	    day->entry != LEVEL_NONE ? day->entry : batch.default_level, view);
}

/* --- what is answered --------------------------------------------------------------- */

static struct day *
day_of_name(const char *name)
{
	const char *number = name + strcspn(name, ".");
	unsigned index;

	/* "d7.test", "mx0.p7.test", "mx.evil7.test" */
	number = strcmp(number, ".test") == 0 ? name : number + 1;
	number += strcspn(number, "0123456789");
	index = (unsigned)strtoul(number, NULL, 10);
	return index < batch.count ? &batch.days[index] : NULL;
}

static void
record_host(const struct outlook *view, unsigned i, struct dns_records *records)
{
	const struct host_view *from = &view->hosts[i];
	struct dns_host *host = &records->hosts[records->host_count++];
	bool is_signed = view->mx == MX_SIGNED;
	struct in_addr address;

	memset(host, 0, sizeof(*host));
	snprintf(host->name, sizeof(host->name), "%s", from->name);
	host->preference = (uint16_t)(10 * (i + 1));
	host->address = from->lame ? DNS_UNREACHABLE
	    : is_signed            ? DNS_SECURE
	                           : DNS_INSECURE;
	host->a.answer = host->address;
	if (!from->lame) {
		inet_pton(AF_INET, "192.0.2.1", &address);
		memcpy(host->a.octets[0], &address, 4);
		host->a.octets[0][3] = (uint8_t)(i + 1);
		host->a.count = 1;
	}
	if (!is_signed || from->lame)
		return;
	host->tlsa = from->tlsa == TLSA_NONE ? DNS_NONE_SECURE
	    : from->tlsa == TLSA_ERROR       ? DNS_ERROR
	                                     : DNS_SECURE;
	if (host->tlsa != DNS_SECURE)
		return;
	host->tlsa_count = 1;
	host->tlsas[0] = (struct dns_tlsa){.usage = from->tlsa == TLSA_UNUSABLE ? 1 : 3,
	    .selector = 1,
	    .matching = 1,
	    .length = 32};
}

void
days_answer(struct measure_item *item)
{
	static const struct choice_limits limits = {CHOICE_ADDRESSES, true, false};
	static struct dns_records records;
	const struct day *day = day_of_name(item->nexthop.host);
	struct outlook view;
	struct buf text = {0};

	item->answers.sources[FACT_credentials].asked = true;
	if (shared_answer(item) || day == NULL)
		return;
	item->answers.credentials = day->login;
	view = day_view(day, VIEW_OURS, world.mono_ms);
	records.host_count = 0;
	snprintf(records.domain, sizeof(records.domain), "%s", item->nexthop.host);
	records.resolver_trusted = true;
	records.permissive = view.distrusted;
	records.mx = view.mx == MX_SIGNED && !view.distrusted ? DNS_SECURE
	    : view.mx == MX_UNSIGNED && !view.distrusted      ? DNS_INSECURE
	                                                      : DNS_ERROR;
	records.ttl_s = 300;
	for (unsigned i = 0; records.mx != DNS_ERROR && i < view.count; i++)
		record_host(&view, i, &records);
	item->answers.dane = dane_judge(&records);
	choice_of(&records, &limits, &item->choice);
	dane_describe(&records, &text);
	assert_true(str_copy((struct str){buf_text(&text), text.len}, item->answers.text,
	    sizeof(item->answers.text)));
	item->answers.relay_fits =
	    measure_relay_fits(item->relay, item->nexthop.key, item->answers.text);
	buf_clear(&text);
	/* The kit adds one where there is none. */
	if (item->choice.count == 0)
		world_add_host(item, "mx.nowhere.test", PROMISE_NONE);
}

void
days_finger(const struct finger_question *question, struct server *server)
{
	const struct day *day = day_of_name(question->host);
	struct outlook view;
	const struct host_view *host = NULL;
	unsigned i;

	*server = (struct server){.chain = ANSWER_NO, .probe = {.end = PROBE_SILENT}};
	if (shared_finger(question, server) || day == NULL)
		return;
	view = day_view(day, VIEW_OURS, world.mono_ms);
	for (i = 0; i < view.count && host == NULL; i++)
		if (strcmp(view.hosts[i].name, question->host) == 0)
			host = &view.hosts[i];
	if (host == NULL || host->down || host->lame)
		return;
	server->probe.auth = day->offers_auth;
	if (view.ours) {
		server->probe.end = PROBE_OURS;
	} else if (host->tls == TLS_PLAIN) {
		server->probe.end = PROBE_PLAIN;
		server->probe.cause = CAUSE_NOT_OFFERED;
	} else if (host->tls == TLS_BROKEN) {
		server->probe.end = PROBE_BROKEN;
		server->probe.encrypt = ANSWER_NO;
		server->probe.cause = CAUSE_HANDSHAKE;
	} else {
		server->probe.end = PROBE_TLS;
		server->probe.encrypt = ANSWER_YES;
		server->probe.dane =
		    question->dane && view.mx == MX_SIGNED && host->tlsa == TLSA_MATCHES
		    ? ANSWER_YES
		    : ANSWER_NO;
		server->chain = host->tls >= TLS_VALID ? ANSWER_YES : ANSWER_NO;
		server->probe.cause =
		    host->tls >= TLS_VALID ? CAUSE_NONE : CAUSE_SELF_SIGNED;
		names_add(server->names, str_of(question->host));
		if (host->tls == TLS_SECURE)
			names_add(server->names, str_of(day->key));
	}
}
