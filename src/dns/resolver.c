/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is asked for a destination, in three waves: MX; A and AAAA of every host; TLSA.
 * Behind each wave stands the proof of its answers without AD (resolver_proof.c). The
 * servers and the wire are in resolver_link.c, the verdict is core/dane's.
 */
#include "dns/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dns/idn.h"
#include "dns/resolver_link.h"
#include "dns/resolver_proof.h"
#include "dns/resolver_stale.h"
#include "sys/clock.h"

#define WAVE_MAX (2 * DNS_HOSTS_MAX)

struct resolver {
	struct link link;
	struct question questions[WAVE_MAX]; /* of the wave that is under way */
	struct dns_host *owners[WAVE_MAX];   /* whose host it is about */
	unsigned count;
	struct prover prover;
	struct proof_job jobs[WAVE_MAX];
};

struct resolver *
resolver_new(const struct resolver_settings *settings, struct err *err)
{
	struct resolver *resolver = mem_new(1, sizeof(*resolver));

	link_init(&resolver->link, settings->timeout_ms, settings->tries);
	if (server_list_read(&resolver->link.servers, settings, err))
		return resolver;
	resolver_free(resolver);
	return NULL;
}

void
resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	link_end(&resolver->link);
	free(resolver);
}

void
resolver_hurry(struct resolver *resolver, bool hurries)
{
	resolver->link.hurries = hurries;
}

void
resolver_until(struct resolver *resolver, int64_t until_ms)
{
	resolver->link.until_ms = until_ms;
}

bool
resolver_validates(struct resolver *resolver, struct err *err)
{
	bool trusted = link_begin(&resolver->link, true, err) == LINK_TRUSTED;

	link_end(&resolver->link);
	return trusted;
}

static void
note_trouble(struct dns_records *records, const char *text)
{
	if (records->trouble[0] == '\0')
		snprintf(records->trouble, sizeof(records->trouble), "%.*s",
		    DNS_TROUBLE_SIZE - 1, text);
}

static struct question *
add_question(
    struct resolver *resolver, struct dns_host *host, const char *name, enum rr_type type)
{
	struct question *question = &resolver->questions[resolver->count];

	*question = (struct question){.type = type};
	str_copy(str_of(name), question->name, sizeof(question->name));
	resolver->owners[resolver->count++] = host;
	return question;
}

static bool
is_address(const struct question *question)
{
	return question->type == RR_A || question->type == RR_AAAA;
}

/*
 * Does this answer decide only if it is proven? Of the addresses of a host, which stand
 * side by side, those decide that dns_answer_merge() makes something of. That there is
 * no answer decides only about an address.
 */
static bool
needs_proof(const struct resolver *resolver, unsigned i)
{
	const struct question *question = &resolver->questions[i];
	enum dns_answer other =
	    is_address(question) ? resolver->questions[i ^ 1].answer : DNS_NOT_ASKED;

	if (question->answer == DNS_INSECURE || question->answer == DNS_NONE_INSECURE)
		return other != DNS_SECURE;
	return question->answer == DNS_ERROR && is_address(question) &&
	    other != DNS_SECURE && other != DNS_INSECURE;
}

/* The first of its aliases may be signed though the address is not: TLSA is then at the
 * name before it (RFC 7672 2.2.2). */
static void
note_alias(struct dns_host *host, const struct proof *proof)
{
	if (proof->first_hop == PROOF_OPEN)
		host->cname = DNS_ERROR;
	else
		host->cname =
		    proof->first_hop == PROOF_SECURE ? DNS_SECURE : DNS_INSECURE;
}

static void
note_proof(struct resolver *resolver, const struct proof_job *job, unsigned i,
    struct dns_records *records)
{
	struct question *question = &resolver->questions[i];
	enum proof_verdict verdict = job->proof.verdict;

	if (is_address(question) && question->alias && question->answer != DNS_ERROR)
		note_alias(resolver->owners[i], &job->proof);
	if (verdict == PROOF_PERMISSIVE) {
		records->permissive = true;
		memcpy(records->trouble, job->trouble, sizeof(records->trouble));
	}
	if (proof_is_insecure(verdict)) {
		if (question->answer == DNS_ERROR)
			question->answer = DNS_UNREACHABLE;
		return;
	}
	question->answer = DNS_ERROR;
	memcpy(question->trouble, job->trouble, sizeof(question->trouble));
}

/* An answer without AD counts as unsigned only if that is proven. */
static void
prove_wave(struct resolver *resolver, struct dns_records *records)
{
	unsigned places[WAVE_MAX], count = 0;

	for (unsigned i = 0; i < resolver->count; i++) {
		if (!needs_proof(resolver, i))
			continue;
		places[count] = i;
		resolver->jobs[count++] =
		    (struct proof_job){.question = &resolver->questions[i]};
	}
	prover_judge(&resolver->prover, &resolver->link, resolver->jobs, count);
	for (unsigned i = 0; i < count; i++)
		note_proof(resolver, &resolver->jobs[i], places[i], records);
}

/* Ask what add_question() gathered; remember its smallest TTL and its first failure. */
static void
ask_wave(struct resolver *resolver, struct dns_records *records)
{
	link_ask(&resolver->link, resolver->questions, resolver->count);
	if (resolver->link.trust == LINK_TRUSTED)
		prove_wave(resolver, records);
	for (unsigned i = 0; i < resolver->count; i++) {
		const struct question *question = &resolver->questions[i];

		if (question->answer == DNS_ERROR ||
		    question->answer == DNS_UNREACHABLE) {
			note_trouble(records, question->trouble);
			records->ttl_s = 0;
		} else if (question->reply.ttl_s < records->ttl_s) {
			records->ttl_s = question->reply.ttl_s;
		}
	}
	resolver->count = 0;
}

/* So long the answer counts, as far as there was one. */
static uint32_t
ttl_of(const struct question *question)
{
	bool answered =
	    question->answer != DNS_ERROR && question->answer != DNS_UNREACHABLE;

	return answered && question->reply.ttl_s != UINT32_MAX ? question->reply.ttl_s
	                                                       : 0;
}

/* Hosts stand in the order of their preference; a name that comes twice counts once. */
static void
add_host(struct dns_records *records, const char *name, uint16_t preference)
{
	struct dns_host *hosts = records->hosts;
	unsigned at = 0;

	while (at < records->host_count && strcmp(hosts[at].name, name) != 0)
		at++;
	if (at < records->host_count) {
		if (hosts[at].preference <= preference)
			return;
	} else {
		records->host_count++;
	}
	for (; at > 0 && hosts[at - 1].preference > preference; at--)
		hosts[at] = hosts[at - 1];
	hosts[at] = (struct dns_host){.preference = preference};
	str_copy(str_of(name), hosts[at].name, sizeof(hosts[at].name));
	hosts[at].literal = nexthop_is_address(str_of(name));
}

static void
take_mx(const struct question *question, struct dns_records *records)
{
	const struct reply *reply = &question->reply;

	records->mx = question->answer;
	records->mx_ttl_s = ttl_of(question);
	if (records->mx == DNS_ERROR)
		return;
	if (records->mx == DNS_NONE_SECURE || records->mx == DNS_NONE_INSECURE) {
		records->implicit_mx = true;
		add_host(records, question->name, 0);
	} else if (reply->overflow) {
		records->mx = DNS_ERROR;
		records->truncated = true;
		note_trouble(records, "more MX records than are held");
	} else if (reply->count == 0 && reply->root_mx) {
		records->null_mx = true;
	} else if (reply->count == 0) {
		records->mx = DNS_ERROR;
		note_trouble(records, "no MX record has a valid host name");
	}
	for (unsigned i = 0; records->mx != DNS_ERROR && i < reply->count; i++)
		add_host(
		    records, question->room.mx[i].name, question->room.mx[i].preference);
}

static void
gather_mx(struct resolver *resolver, const char *domain, struct dns_records *records)
{
	struct mx_record *mx = mem_new(DNS_HOSTS_MAX, sizeof(*mx));

	add_question(resolver, NULL, domain, RR_MX)->room.mx = mx;
	ask_wave(resolver, records);
	take_mx(&resolver->questions[0], records);
	free(mx);
}

static void
take_addresses(const struct question *question, struct dns_addresses *out)
{
	out->answer = question->answer;
	out->ttl_s = ttl_of(question);
	if (question->answer != DNS_SECURE && question->answer != DNS_INSECURE)
		return;
	out->count = question->reply.count;
	memcpy(out->octets, question->reply.addresses, sizeof(out->octets));
}

static void
gather_addresses(struct resolver *resolver, struct dns_records *records)
{
	unsigned asked = 0;

	for (unsigned i = 0; i < records->host_count; i++) {
		struct dns_host *host = &records->hosts[i];

		if (host->literal)
			continue;
		add_question(resolver, host, host->name, RR_A);
		add_question(resolver, host, host->name, RR_AAAA);
		asked += 2;
	}
	ask_wave(resolver, records);
	for (unsigned i = 0; i < asked; i += 2) {
		const struct question *a = &resolver->questions[i], *aaaa = a + 1;
		struct dns_host *host = resolver->owners[i];
		const struct question *better;

		take_addresses(a, &host->a);
		take_addresses(aaaa, &host->aaaa);
		host->address = dns_answer_merge(a->answer, aaaa->answer);
		better = aaaa->answer == host->address ? aaaa : a;
		if (host->address == DNS_ERROR || host->address == DNS_UNREACHABLE)
			continue;
		host->alias = better->reply.alias;
		if (host->alias)
			str_copy(str_of(better->reply.name), host->target,
			    sizeof(host->target));
		/* TLSA is first looked for where the alias leads (RFC 7672 2.2.3). */
		str_copy(host->address == DNS_INSECURE && host->alias
		        ? str_of(host->name)
		        : str_of(better->reply.name),
		    host->base, sizeof(host->base));
		if (host->address != DNS_INSECURE)
			host->cname = DNS_NOT_ASKED;
	}
}

static bool
may_have_tlsa(const struct dns_host *host)
{
	return host->address == DNS_SECURE ||
	    (host->address == DNS_INSECURE && host->cname == DNS_SECURE);
}

/* Was TLSA not found where the alias leads, so that it has to be looked for before it?
 * Not after an error: there may be one (tls_dane.c). */
static bool
is_worth_another_look(const struct dns_host *host)
{
	return host->address == DNS_SECURE && host->alias && host->tlsa != DNS_ERROR &&
	    host->tlsa != DNS_SECURE && strcmp(host->base, host->name) != 0;
}

/* TLSA is absent, but for how long? */
static void
note_absence(
    const struct question *question, struct dns_host *host, struct dns_records *records)
{
	char text[DNS_TROUBLE_SIZE];

	if (!stale_is_suspect(question->reply.soa_ttl_s, question->reply.soa_minimum_s) ||
	    stale_counts(question->name, clock_monotonic_ms()))
		return;
	host->stale = true;
	snprintf(text, sizeof(text),
	    "%.100s TLSA: absent, with a TTL of %u s, perhaps expired; asked again in a "
	    "minute",
	    question->name, question->reply.soa_ttl_s);
	note_trouble(records, text);
}

/* One wave of TLSA questions, at host->base. */
static void
gather_tlsa(
    struct resolver *resolver, uint16_t port, bool again, struct dns_records *records)
{
	unsigned asked = 0;

	for (unsigned i = 0; i < records->host_count; i++) {
		struct dns_host *host = &records->hosts[i];
		char name[NEXTHOP_HOST_SIZE + 16];

		if (!may_have_tlsa(host) || (again && !is_worth_another_look(host)))
			continue;
		if (again)
			str_copy(str_of(host->name), host->base, sizeof(host->base));
		snprintf(name, sizeof(name), "_%u._tcp.%s", port, host->base);
		/* A name too long to exist has no records; smtp(8) says so too. */
		host->tlsa = DNS_NONE_INSECURE;
		host->tlsa_count = 0;
		if (!dns_name_is_valid(str_of(name)))
			continue;
		add_question(resolver, host, name, RR_TLSA)->room.tlsas = host->tlsas;
		asked++;
	}
	ask_wave(resolver, records);
	for (unsigned i = 0; i < asked; i++) {
		const struct question *question = &resolver->questions[i];
		struct dns_host *host = resolver->owners[i];

		host->tlsa = question->answer;
		host->tlsa_ttl_s = ttl_of(question);
		if (question->answer == DNS_SECURE || question->answer == DNS_INSECURE)
			host->tlsa_count = question->reply.count;
		if (question->answer == DNS_NONE_SECURE ||
		    question->answer == DNS_NONE_INSECURE)
			note_absence(question, host, records);
		if (!question->reply.overflow)
			continue;
		host->tlsa = DNS_ERROR;
		records->truncated = true;
		note_trouble(records, "more TLSA records than are held");
	}
}

static void
gather(struct resolver *resolver, const struct nexthop *nexthop, const char *domain,
    struct dns_records *records)
{
	struct err err;

	records->resolver_trusted =
	    link_begin(&resolver->link, false, &err) == LINK_TRUSTED;
	if (records->resolver_trusted)
		prover_begin(&resolver->prover, &resolver->link);
	else
		note_trouble(records, err.text);
	records->ttl_s = UINT32_MAX;
	if (nexthop->bracketed)
		add_host(records, domain, 0);
	else
		gather_mx(resolver, domain, records);
	gather_addresses(resolver, records);
	gather_tlsa(resolver, nexthop->port, false, records);
	gather_tlsa(resolver, nexthop->port, true, records);
	link_end(&resolver->link);
	if (records->ttl_s == UINT32_MAX || records->mx == DNS_ERROR)
		records->ttl_s = 0;
}

void
resolver_gather(
    struct resolver *resolver, const struct nexthop *nexthop, struct dns_records *records)
{
	char domain[NEXTHOP_HOST_SIZE];

	memset(records, 0, sizeof(*records));
	if (nexthop->literal) {
		records->literal = true;
		str_copy(str_of(nexthop->host), records->domain, sizeof(records->domain));
		add_host(records, nexthop->host, 0);
		return;
	}
	if (!idn_to_ascii(nexthop->host, domain)) {
		records->mx = DNS_ERROR;
		note_trouble(records, "the domain has no ASCII form that DNS could have");
		return;
	}
	str_copy(str_of(domain), records->domain, sizeof(records->domain));
	gather(resolver, nexthop, domain, records);
}

/* --- MTA-STS ----------------------------------------------------------------------- */

bool
resolver_ascii(const char *host, char out[NEXTHOP_HOST_SIZE])
{
	return idn_to_ascii(host, out);
}

/* Neither has to be signed (RFC 8461 10.2): nothing is proven. */
static void
ask_unproven(struct resolver *resolver, struct err *trouble)
{
	struct err err = {""};

	*trouble = (struct err){""};
	if (link_begin(&resolver->link, false, &err) == LINK_DEAD)
		*trouble = err;
	link_ask(&resolver->link, resolver->questions, resolver->count);
	link_end(&resolver->link);
	for (unsigned i = 0; i < resolver->count; i++)
		if (resolver->questions[i].answer == DNS_ERROR &&
		    trouble->text[0] == '\0')
			err_set(trouble, "%s", resolver->questions[i].trouble);
	resolver->count = 0;
}

static void
read_texts(const struct txt_records *texts, unsigned count, struct sts_txt *out)
{
	struct str each[STS_TXT_RECORDS_MAX];
	size_t begin = 0;

	for (unsigned i = 0; i < count; i++) {
		each[i] = (struct str){
		    buf_text(&texts->octets) + begin, texts->ends[i] - begin};
		begin = texts->ends[i];
	}
	sts_txt_read(each, count, out);
}

void
resolver_ask_policy(struct resolver *resolver, const char *domain, struct sts_txt *out,
    uint32_t *ttl_s, struct err *trouble)
{
	struct txt_records texts = {.unread = false};
	char name[NEXTHOP_HOST_SIZE + 16];
	struct question *question;

	*out = (struct sts_txt){.state = STS_TXT_NONE};
	*ttl_s = 0;
	*trouble = (struct err){""};
	snprintf(name, sizeof(name), "_mta-sts.%s", domain);
	if (!dns_name_is_valid(str_of(name)))
		return;
	question = add_question(resolver, NULL, name, RR_TXT);
	question->room.texts = &texts;
	ask_unproven(resolver, trouble);
	out->state = STS_TXT_UNSURE;
	*ttl_s = ttl_of(question);
	if (question->answer == DNS_NONE_SECURE || question->answer == DNS_NONE_INSECURE)
		out->state = STS_TXT_NONE;
	else if (question->answer == DNS_SECURE || question->answer == DNS_INSECURE) {
		if (question->reply.overflow || texts.unread)
			err_set(trouble, "%s TXT: more than is held", name);
		else
			read_texts(&texts, question->reply.count, out);
	}
	buf_clear(&texts.octets);
}

static void
add_addresses(const struct question *question, unsigned length, struct address *out,
    unsigned most, unsigned *count)
{
	if (question->answer != DNS_SECURE && question->answer != DNS_INSECURE)
		return;
	for (unsigned i = 0; i < question->reply.count && *count < most; i++) {
		struct address *address = &out[(*count)++];

		*address = (struct address){.length = length};
		memcpy(address->octets, question->reply.addresses[i], length);
	}
}

unsigned
resolver_ask_addresses(struct resolver *resolver, const char *host, struct address *out,
    unsigned most, struct err *trouble)
{
	unsigned count = 0;

	*trouble = (struct err){""};
	if (!dns_name_is_valid(str_of(host)))
		return 0;
	add_question(resolver, NULL, host, RR_A);
	add_question(resolver, NULL, host, RR_AAAA);
	ask_unproven(resolver, trouble);
	add_addresses(&resolver->questions[0], 4, out, most, &count);
	add_addresses(&resolver->questions[1], 16, out, most, &count);
	return count;
}
