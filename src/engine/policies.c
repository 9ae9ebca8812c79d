/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of a Policy Domain, and what it says of a destination. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/choice.h"
#include "core/sts_entry.h"
#include "engine/alert_group.h"
#include "engine/alerts.h"
#include "engine/engine_impl.h"
#include "engine/nodes.h"
#include "store/store_sts.h"
#include "sys/log.h"

#define NAMES_MAX DNS_HOSTS_MAX

/* --- the record -------------------------------------------------------------------- */

static void
alert(struct engine *e, const struct sts_record *r, enum sts_alert which, int64_t now_ms)
{
	bool soon = sts_ends_ms(&r->state, now_ms) < now_ms + SPAN_DAY_MS;
	struct buf line = {0};

	buf_printf(&line, "%s: " ALERT_UNRENEWED "; %s%s", r->domain,
	    r->state.failing_ms != 0 ? sts_cause_sentence(r->state.cause)
	                             : "its TXT record is gone, or cannot be had",
	    soon                            ? "; it ends within a day"
	        : which == STS_ALERT_ENDING ? "; it ends within a week"
	                                    : "");
	engine_alert_policy(e, buf_text(&line), soon);
	buf_clear(&line);
}

/* Times, 0: never. */
static int64_t
first_of(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

struct sts_next
engine_next_of_policy(struct engine *e, const struct sts_record *r, int64_t now_ms)
{
	struct sts_next next = sts_next(&r->state, r->mail_ms, now_ms);

	if (next.ask == STS_ASK_POLICY && next.at_ms > now_ms && r->waited &&
	    sts_may_hasten(&r->state, now_ms) && engine_may_hasten_policy(e, r->domain))
		next.at_ms = now_ms;
	return next;
}

/* The first of what is to be asked, the next alert and the policy's end. */
static int64_t
next_ms(struct engine *e, const struct sts_record *r, int64_t now_ms)
{
	struct sts_next next = engine_next_of_policy(e, r, now_ms);
	int64_t at_ms =
	    first_of(sts_ends_ms(&r->state, now_ms), sts_alert_ms(&r->state, now_ms));

	if (next.ask == STS_ASK_NOTHING)
		return at_ms;
	return first_of(at_ms, next.at_ms < 1 ? 1 : next.at_ms);
}

bool
engine_settle_policy(
    struct engine *e, struct sts_record *r, bool changed, int64_t now_ms, struct err *err)
{
	const char *applies = sts_applies_name(sts_applies(&r->state, now_ms));
	enum sts_alert due = sts_alert_due(&r->state, now_ms);
	bool news = changed || strcmp(applies, r->applied) != 0;

	str_copy(str_of(applies), r->applied, sizeof(r->applied));
	if (due != STS_ALERT_NONE) {
		sts_take_alert(&r->state, due);
		/* Our own fault is one, and alerted once. */
		if (e->driver.mode == ENGINE_APPLY &&
		    (r->state.failing_ms == 0 || r->state.cause != STS_CAUSE_FETCHER))
			alert(e, r, due, now_ms);
	}
	r->next_ms = next_ms(e, r, now_ms);
	if (!store_sts_put(e->store, r, err) ||
	    (news && !store_sts_news(e->store, r->domain, now_ms, err)))
		return false;
	engine_mind_policies(e);
	if (news)
		engine_tell(e, NEWS_EVIDENCE);
	return true;
}

static enum sts_cause
read_policy(
    const struct fetch_answer *fetched, struct sts_policy *policy, struct buf *detail)
{
	struct err err;

	if (fetched->cause != STS_CAUSE_OK) {
		buf_printf(detail, "%s", fetched->detail);
		return fetched->cause;
	}
	if (sts_policy_parse(fetched->body, policy, NULL, &err))
		return STS_CAUSE_OK;
	buf_add_visible(detail, str_of(err.text));
	return STS_CAUSE_SYNTAX;
}

static void
note_detail(struct sts_record *r, struct str detail)
{
	if (detail.len >= sizeof(r->detail))
		detail.len = sizeof(r->detail) - 1;
	str_copy(detail, r->detail, sizeof(r->detail));
}

/* True: its destinations waited for it. */
static bool
take_failure(struct sts_record *r, enum sts_cause cause, const struct sts_asked *asked,
    int64_t now_ms)
{
	bool first = r->state.failures == 0;

	sts_take_failure(&r->state, cause, asked, now_ms);
	return first && sts_applies(&r->state, now_ms) == STS_APPLIES_UNHAD;
}

static bool
is_too_large(const struct sts_policy *policy)
{
	return policy->mode == STS_MODE_ENFORCE && strlen(policy->mx) > STS_ENTRY_MAX;
}

/* In an order of their own: that of the preference is another in each answer where it is
 * the same. */
static size_t
read_hosts(const char *text, struct str hosts[NAMES_MAX])
{
	struct str rest = str_of(text), name;
	size_t count = 0;

	while (count < NAMES_MAX && dane_next_host(&rest, &name))
		if (sts_is_host_name(name))
			hosts[count++] = name;
	return count;
}

/* The hosts of a few of its destinations. */
#define SERVERS_OF 4

struct servers {
	char texts[SERVERS_OF][sizeof(((struct answers *)NULL)->text)];
	size_t count;
};

static void
add_servers(void *context, int64_t number, const char *text)
{
	struct servers *servers = context;
	struct str line = str_of(text);

	(void)number;
	if (servers->count == SERVERS_OF)
		return;
	if (line.len >= sizeof(servers->texts[0]))
		line.len = sizeof(servers->texts[0]) - 1;
	str_copy(line, servers->texts[servers->count++], sizeof(servers->texts[0]));
}

/* What is kept of its names, where there is no room for all. */
static bool
bound_names(struct engine *e, const struct sts_record *r, struct sts_policy *policy,
    struct err *err)
{
	const char *had = r->state.policy.mx != NULL ? r->state.policy.mx : "";
	size_t len = policy->mx != NULL ? strlen(policy->mx) : 0, count = 0;
	struct str hosts[SERVERS_OF * NAMES_MAX];
	struct servers *servers;
	bool done;

	if (len <= STS_MX_SMALL || strcmp(had, policy->mx) == 0 ||
	    engine_has_names_room(e, len))
		return true;
	servers = mem_new(1, sizeof(*servers));
	done =
	    store_sts_servers(e->store, r->domain, SERVERS_OF, add_servers, servers, err);
	for (size_t i = 0; i < servers->count; i++)
		count += read_hosts(servers->texts[i], hosts + count);
	sts_policy_cut(policy, hosts, count);
	free(servers);
	engine_tell_no_names_room(e, r->domain);
	return done;
}

bool
engine_put_policy(struct engine *e, struct sts_record *r,
    const struct fetch_answer *fetched, const struct sts_asked *asked, int64_t now_ms,
    struct err *err)
{
	struct sts_policy policy = {.mx = NULL};
	struct buf detail = {0};
	enum sts_cause cause = read_policy(fetched, &policy, &detail);
	bool changed = false;

	/* Our own fault says nothing of the policy host. */
	if (cause != STS_CAUSE_FETCHER || r->state.cause == STS_CAUSE_OK ||
	    r->state.cause == STS_CAUSE_FETCHER)
		note_detail(r, (struct str){buf_text(&detail), detail.len});
	if (cause == STS_CAUSE_OK && !bound_names(e, r, &policy, err)) {
		buf_clear(&detail);
		sts_policy_clear(&policy);
		return false;
	}
	if (cause == STS_CAUSE_OK)
		changed = sts_take_policy(&r->state, &policy, asked, now_ms);
	else
		changed = take_failure(r, cause, asked, now_ms);
	if (cause == STS_CAUSE_OK && changed)
		log_info("domain=%s MTA-STS policy: %s, for %u s", r->domain,
		    sts_mode_name(r->state.policy.mode), r->state.policy.max_age_s);
	if (cause == STS_CAUSE_OK && changed && is_too_large(&r->state.policy))
		log_warning(
		    "domain=%s MTA-STS policy: of more names than an entry of the map "
		    "may have, those of its MX hosts are in it",
		    r->domain);
	if (cause != STS_CAUSE_OK && cause != STS_CAUSE_FETCHER && r->state.failures == 1)
		log_info("domain=%s MTA-STS policy not had: %s%s%s", r->domain,
		    sts_cause_sentence(cause), detail.len > 0 ? ": " : "",
		    buf_text(&detail));
	buf_clear(&detail);
	sts_policy_clear(&policy);
	return engine_settle_policy(e, r, changed, now_ms, err);
}

/* --- who was sent mail ------------------------------------------------------------- */

bool
engine_policy_domain(
    struct engine *e, int64_t id, char domain[NEXTHOP_HOST_SIZE], struct err *err)
{
	struct destination d;
	struct nexthop nexthop;
	bool found;

	domain[0] = '\0';
	if (!store_get_id(e->store, id, &d, &found, err))
		return false;
	if (found && nexthop_parse(str_of(d.key), &nexthop))
		measure_policy_domain(&nexthop, domain);
	destination_clear(&d);
	return true;
}

bool
engine_note_policy_mail(struct engine *e, int64_t id, const char *domain, int64_t now_ms,
    bool *found, struct err *err)
{
	struct sts_record r;
	bool done;

	if (!store_sts_get(e->store, domain, &r, found, err))
		return false;
	r.mail_ms = now_ms;
	done = !*found ||
	    (store_sts_key_news(e->store, id, domain, now_ms, err) &&
	        store_sts_key(e->store, id, domain, err) &&
	        engine_settle_policy(e, &r, false, now_ms, err));
	sts_record_clear(&r);
	if (done && *found)
		engine_tell(e, NEWS_EVIDENCE);
	return done;
}

/* --- of a destination -------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->p, y->p, len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static size_t
add_host(struct str name, struct str hosts[NAMES_MAX], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(hosts[i], name))
			return count;
	if (count < NAMES_MAX && sts_is_host_name(name))
		hosts[count++] = name;
	return count;
}

/*
 * Where DNS could not tell any, or that there is none: those that the entry has, and
 * those that it named when mail met them. Where there are more than the text of an answer
 * holds: those that smtp(8) would try, and those that the entry has. The text begins with
 * others each time, so that they would come and go; a name that the policy does not allow
 * gets into no entry.
 */
static size_t
add_cut(const struct destination *d, const struct answers *known,
    struct str hosts[NAMES_MAX], size_t count)
{
	struct str names = str_of(d->entry.attributes != NULL ? d->entry.attributes : "");
	struct str match, name, own = destination_own_servers(d);

	if (strlen(known->text) + 1 < sizeof(known->text) &&
	    (count > 0 ||
	        (known->dane.state != DANE_UNSURE && known->dane.state != DANE_NO_MAIL)))
		return count;
	for (unsigned i = 0; known->choice != NULL && i < known->choice->count; i++)
		count = add_host(str_of(known->choice->hosts[i].name), hosts, count);
	while (known->dane.state == DANE_UNSURE && str_next(&own, ' ', &name))
		count = add_host(name, hosts, count);
	if (d->entry.why != WHY_POLICY || !str_eat(&names, STR("match=")) ||
	    !str_next(&names, ' ', &match))
		return count;
	while (str_next(&match, ':', &name))
		count = add_host(name, hosts, count);
	return count;
}

/* Into e->sts_attributes. One that is in force has its room already. */
static enum sts_entry
make_entry(struct engine *e, const struct destination *d, const struct sts_record *r,
    enum sts_support support, const struct str *hosts, size_t count)
{
	struct buf *out = &e->sts_attributes;
	struct str domain = str_of(r->domain);
	enum sts_entry became;

	buf_reset(out);
	became =
	    sts_entry_bounded(&r->state.policy, domain, support, hosts, count, true, out);
	if (out->len <= STS_ENTRY_SMALL ||
	    (d->entry.attributes != NULL &&
	        strcmp(d->entry.attributes, buf_text(out)) == 0) ||
	    engine_has_policy_room(e, out->len))
		return became;
	buf_reset(out);
	return sts_entry_bounded(
	    &r->state.policy, domain, support, hosts, count, false, out);
}

/* Does more than a policy stand above it, or another map? Then nothing of the policy is
 * missed. */
static bool
is_above_policy(const struct destination *d, const struct answers *known)
{
	return d->pin.set || d->entry.level == LEVEL_DANE_ONLY ||
	    known->dane.state == DANE_USABLE || known->other_map == ANSWER_YES;
}

/* One cause for all policies, told once, of one that is missed. */
static void
tell_unverified(struct engine *e, const struct destination *d, const struct sts_record *r,
    const struct answers *known)
{
	struct buf line = {0};

	if (e->known->told_unverified || e->driver.mode != ENGINE_APPLY ||
	    is_above_policy(d, known))
		return;
	e->known->told_unverified = true;
	buf_printf(&line,
	    "smtp_tls_CAfile and smtp_tls_CApath are empty: Postfix can verify no "
	    "certificate, so that no MTA-STS policy is enforced, as that of %s: "
	    "`tlsladder doctor`",
	    r->domain);
	engine_alert(e, buf_text(&line));
	buf_clear(&line);
}

/*
 * Where DNS could tell no MX host, the names of an entry that is there are all that is
 * known, and that none of them is allowed tells nothing of the hosts. It is no matter
 * whether the TLSA records of hosts that are known could be told.
 */
static bool
could_not_tell(const struct answers *known, size_t told)
{
	return told == 0 && known->dane.state == DANE_UNSURE;
}

/*
 * What there is stays, while nobody knows whom the policy allows. Where there is none,
 * what is known counts: no more than the policy's own names, or nobody. Mail may wait by
 * it until DNS tells; without, it would go wherever a forged answer leads.
 */
static const char *
attributes_of(
    struct engine *e, const struct destination *d, enum sts_entry became, bool is_known)
{
	return became == STS_ENTRY_WHOLE || is_known || !destination_is_under_policy(d)
	    ? buf_text(&e->sts_attributes)
	    : d->entry.attributes;
}

static void
apply(struct engine *e, const struct destination *d, const struct sts_record *r,
    int64_t now_ms, struct answers *known)
{
	const struct sts_policy *policy = &r->state.policy;
	enum sts_support support = STS_SUPPORT_NONE;
	enum sts_entry became;
	struct str hosts[NAMES_MAX];
	size_t told = read_hosts(known->text, hosts);
	size_t count = add_cut(d, known, hosts, told), allowed;

	if (count > 0)
		qsort(hosts, count, sizeof(hosts[0]), compare);
	known->sts = sts_applies(&r->state, now_ms);
	known->sts_ends_ms = sts_ends_ms(&r->state, now_ms);
	known->sts_lost = !sts_was_had(&r->state);
	known->sts_asked = known->sts == STS_APPLIES_UNHAD && r->state.failures == 0;
	if (known->sts != STS_APPLIES_ENFORCE)
		return;
	if (e->judge.settings != NULL) {
		support = engine_sts_support(e);
		if (e->judge.no_authorities)
			tell_unverified(e, d, r, known);
	}
	allowed = sts_hosts_allowed(policy, hosts, count);
	known->sts_allows_none = told > 0 && allowed == 0;
	if (support == STS_SUPPORT_NONE)
		return;
	became = make_entry(e, d, r, support, hosts, count);
	known->sts_attributes =
	    attributes_of(e, d, became, !could_not_tell(known, told) || allowed > 0);
}

static int64_t
mail_ms(const struct destination *d, int64_t now_ms)
{
	int64_t at_ms = d->past.sent_ms;

	if (d->alarm.raised && d->alarm.time_ms > at_ms)
		at_ms = d->alarm.time_ms;
	return at_ms < now_ms ? at_ms : now_ms;
}

/* Does mail fail under its policy? The owner may have announced another one. */
static bool
is_trouble(const struct destination *d)
{
	return d->alarm.raised && d->alarm.pending && d->entry.why == WHY_POLICY;
}

/* Is there something to keep of it? Not of a domain that announces nothing, but for one
 * whose entry was taken over: it may announce its policy again, or the administrator drop
 * it. */
static bool
leaves_row(const struct destination *d, enum sts_txt_state state)
{
	return state == STS_TXT_VALID || state == STS_TXT_UNSURE ||
	    destination_is_under_policy(d);
}

/* What was just answered, and what is remembered where nothing is kept. */
static bool
note(struct engine *e, const struct destination *d, const struct answers *known,
    struct sts_record *r, bool found, int64_t now_ms, struct err *err)
{
	bool answered = known->sources[FACT_policy].asked && !known->remembered;
	enum sts_txt_state state = known->sts_txt.state;

	if (answered)
		sts_take_txt(&r->state, &known->sts_txt,
		    &(struct sts_asked){.refresh = 0}, known->sts_ttl_s, e->draw++,
		    now_ms);
	else if (!found)
		r->state.txt = known->sts_txt;
	if (!found && (!answered || !leaves_row(d, state)))
		return true;
	if (r->mail_ms < mail_ms(d, now_ms))
		r->mail_ms = mail_ms(d, now_ms);
	if (is_trouble(d))
		sts_take_trouble(&r->state, now_ms);
	return store_sts_key(e->store, d->id, r->domain, err) &&
	    engine_settle_policy(e, r, false, now_ms, err);
}

bool
engine_is_policy_kept(
    struct engine *e, const struct destination *d, bool *kept, struct err *err)
{
	*kept = !d->pin.set && destination_is_under_policy(d);
	return *kept || !e->config->mta_sts.enable || d->pin.set ||
	    store_sts_is_enforced(e->store, d->id, kept, err);
}

bool
engine_policy(
    struct engine *e, const struct destination *d, struct answers *known, struct err *err)
{
	int64_t now_ms = engine_now(e).wall_ms;
	char domain[NEXTHOP_HOST_SIZE];
	struct nexthop nexthop;
	struct sts_record r;
	bool found, done;

	known->sts = STS_APPLIES_NOTHING;
	known->sts_attributes = NULL;
	known->sts_lost = false;
	if (!e->config->mta_sts.enable || !nexthop_parse(str_of(d->key), &nexthop) ||
	    !measure_policy_domain(&nexthop, domain))
		return true;
	if (!store_sts_get(e->store, domain, &r, &found, err))
		return false;
	done = note(e, d, known, &r, found, now_ms, err);
	if (done)
		apply(e, d, &r, now_ms, known);
	sts_record_clear(&r);
	return done;
}
