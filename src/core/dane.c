/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/dane.h"

#include <assert.h>

#include "base/span.h"
#include "core/der.h"

#define TTL_MAX_MS (5 * SPAN_MINUTE_MS)

#define USAGE_DANE_TA 2
#define USAGE_DANE_EE 3

#define SELECTOR_CERTIFICATE 0
#define SELECTOR_KEY         1

#define MATCHING_FULL   0
#define MATCHING_SHA256 1
#define MATCHING_SHA512 2

static const char *const state_names[DANE_STATE_COUNT] = {
    [DANE_UNSURE] = "unsure",
    [DANE_USABLE] = "usable",
    [DANE_UNUSABLE] = "unusable",
    [DANE_INSECURE_MX] = "insecure-mx",
    [DANE_NONE] = "none",
    [DANE_NO_MAIL] = "no-mail",
};

static const char *const host_state_names[DANE_HOST_STATE_COUNT] = {
    [DANE_HOST_ABSENT] = "absent",
    [DANE_HOST_UNREACHABLE] = "unreachable",
    [DANE_HOST_NONE] = "none",
    [DANE_HOST_UNUSABLE] = "unusable",
    [DANE_HOST_FAILED] = "failed",
    [DANE_HOST_USABLE] = "usable",
};

static const char *const answer_names[] = {
    [DNS_NOT_ASKED] = "not-asked",
    [DNS_ERROR] = "error",
    [DNS_SECURE] = "secure",
    [DNS_INSECURE] = "insecure",
    [DNS_NONE_SECURE] = "none",
    [DNS_NONE_INSECURE] = "none-insecure",
    [DNS_UNREACHABLE] = "unreachable",
};

const char *
dane_state_name(enum dane_state state)
{
	assert(state < DANE_STATE_COUNT);
	return state_names[state];
}

bool
dane_state_parse(struct str name, enum dane_state *state)
{
	for (enum dane_state s = 0; s < DANE_STATE_COUNT; s++) {
		if (str_is(name, state_names[s])) {
			*state = s;
			return true;
		}
	}
	return false;
}

const char *
dane_host_state_name(enum dane_host_state state)
{
	assert(state < DANE_HOST_STATE_COUNT);
	return host_state_names[state];
}

const char *
dns_answer_name(enum dns_answer answer)
{
	assert(answer < sizeof(answer_names) / sizeof(answer_names[0]));
	return answer_names[answer];
}

static bool
is_absent(enum dns_answer answer)
{
	return answer == DNS_NONE_SECURE || answer == DNS_NONE_INSECURE;
}

static bool
is_signed(enum dns_answer answer)
{
	return answer == DNS_SECURE || answer == DNS_NONE_SECURE;
}

enum dns_answer
dns_answer_merge(enum dns_answer a, enum dns_answer aaaa)
{
	if (a == DNS_SECURE || aaaa == DNS_SECURE)
		return DNS_SECURE;
	if (a == DNS_INSECURE || aaaa == DNS_INSECURE)
		return DNS_INSECURE;
	if ((!is_absent(a) && a != DNS_UNREACHABLE) ||
	    (!is_absent(aaaa) && aaaa != DNS_UNREACHABLE))
		return DNS_ERROR;
	if (a == DNS_UNREACHABLE || aaaa == DNS_UNREACHABLE)
		return DNS_UNREACHABLE;
	return a == aaaa ? a : DNS_NONE_INSECURE;
}

bool
dane_der_is_exact(uint8_t selector, const uint8_t *data, size_t len)
{
	/* Certificate: what is signed, algorithm, signature. Key: algorithm, key. */
	static const uint8_t certificate[] = {
	    DER_SEQUENCE, DER_SEQUENCE, DER_BIT_STRING, 0};
	static const uint8_t key[] = {DER_SEQUENCE, DER_BIT_STRING, 0};
	const uint8_t *tag = selector == SELECTOR_CERTIFICATE ? certificate : key;
	const uint8_t *end = data + len, *p = data;

	if (selector > SELECTOR_KEY || len == 0 ||
	    der_enter(&p, end, DER_SEQUENCE) != end)
		return false;
	for (; *tag != 0; tag++) {
		const uint8_t *next = der_enter(&p, end, *tag);

		if (next == NULL)
			return false;
		p = next;
	}
	return p == end;
}

bool
dane_tlsa_is_usable(const struct dns_tlsa *tlsa)
{
	if (tlsa->usage != USAGE_DANE_TA && tlsa->usage != USAGE_DANE_EE)
		return false;
	if (tlsa->selector > SELECTOR_KEY)
		return false;
	switch (tlsa->matching) {
	case MATCHING_FULL:
		return tlsa->length > 0 && tlsa->der_exact;
	case MATCHING_SHA256:
		return tlsa->length == 32;
	case MATCHING_SHA512:
		return tlsa->length == 64;
	default:
		return false;
	}
}

static unsigned
count_usable(const struct dns_host *host)
{
	unsigned usable = 0;

	for (unsigned i = 0; i < host->tlsa_count; i++)
		if (dane_tlsa_is_usable(&host->tlsas[i]))
			usable++;
	return usable;
}

static enum dane_host_state
judge_tlsa(const struct dns_host *host)
{
	switch (host->tlsa) {
	case DNS_SECURE:
		return count_usable(host) > 0 ? DANE_HOST_USABLE : DANE_HOST_UNUSABLE;
	case DNS_INSECURE: /* anyone could have written them: as if there were none */
	case DNS_NONE_SECURE:
	case DNS_NONE_INSECURE:
		return host->stale ? DANE_HOST_FAILED : DANE_HOST_NONE;
	default:
		return DANE_HOST_FAILED;
	}
}

static enum dane_host_state
judge_host(const struct dns_host *host)
{
	if (host->literal)
		return DANE_HOST_NONE;
	if (is_absent(host->address))
		return DANE_HOST_ABSENT;
	if (host->address == DNS_UNREACHABLE)
		return DANE_HOST_UNREACHABLE;
	if (host->address == DNS_SECURE)
		return judge_tlsa(host);
	if (host->address != DNS_INSECURE)
		return DANE_HOST_FAILED;

	/* RFC 7672 2.2.2: of an unsigned address, only a signed alias is worth a
	 * question. */
	if (!host->alias || host->cname == DNS_INSECURE)
		return DANE_HOST_NONE;
	return host->cname == DNS_SECURE ? judge_tlsa(host) : DANE_HOST_FAILED;
}

enum dane_host_state
dane_judge_host(const struct dns_records *records, unsigned i)
{
	assert(i < records->host_count);
	return judge_host(&records->hosts[i]);
}

bool
dane_host_promises_tls(enum dane_host_state state)
{
	return state == DANE_HOST_UNUSABLE || state == DANE_HOST_USABLE;
}

/* Is the verdict unsure only because some answers may have expired? */
static bool
is_only_stale(const struct dns_records *records)
{
	bool stale = false;

	for (unsigned i = 0; i < records->host_count; i++) {
		if (dane_judge_host(records, i) != DANE_HOST_FAILED)
			continue;
		if (!records->hosts[i].stale || !is_absent(records->hosts[i].tlsa))
			return false;
		stale = true;
	}
	return stale && records->resolver_trusted && !records->truncated &&
	    records->mx != DNS_ERROR;
}

unsigned
dane_host_usable(const struct dns_host *host)
{
	return judge_host(host) == DANE_HOST_USABLE ? count_usable(host) : 0;
}

static bool
is_all_usable(const struct dns_records *records)
{
	bool usable = false;

	for (unsigned i = 0; i < records->host_count; i++) {
		enum dane_host_state state = dane_judge_host(records, i);

		if (state != DANE_HOST_USABLE && state != DANE_HOST_ABSENT &&
		    state != DANE_HOST_UNREACHABLE)
			return false;
		usable = usable || state == DANE_HOST_USABLE;
	}
	return usable;
}

static enum dane_state
judge_hosts(const struct dns_records *records)
{
	enum dane_host_state worst = DANE_HOST_ABSENT;

	for (unsigned i = 0; i < records->host_count; i++) {
		enum dane_host_state state = dane_judge_host(records, i);

		if (state > worst)
			worst = state;
	}
	switch (worst) {
	case DANE_HOST_USABLE:
		return records->mx == DNS_INSECURE ? DANE_INSECURE_MX : DANE_USABLE;
	case DANE_HOST_UNUSABLE:
		return DANE_UNUSABLE;
	case DANE_HOST_NONE:
		return DANE_NONE;
	case DANE_HOST_ABSENT:
		return DANE_NO_MAIL;
	default:
		return DANE_UNSURE;
	}
}

static enum dane_state
judge(const struct dns_records *records)
{
	/* No question was asked, so no resolver need be trusted. */
	if (records->literal)
		return DANE_NONE;
	if (!records->resolver_trusted || records->truncated || records->mx == DNS_ERROR)
		return DANE_UNSURE;
	if (records->null_mx)
		return DANE_NO_MAIL;
	if (records->host_count == 0)
		return DANE_UNSURE;
	return judge_hosts(records);
}

struct dane_verdict
dane_judge(const struct dns_records *records)
{
	struct dane_verdict verdict = {
	    .state = judge(records),
	    .distrusted = !records->resolver_trusted || records->permissive,
	    .mx = records->mx,
	    .ttl_s = records->ttl_s,
	};

	verdict.stale_absence = verdict.state == DANE_UNSURE && is_only_stale(records);
	verdict.all_usable = verdict.state == DANE_USABLE && is_all_usable(records);
	if (!records->resolver_trusted)
		verdict.signed_domain = false;
	else if (records->mx != DNS_NOT_ASKED)
		verdict.signed_domain = is_signed(records->mx);
	else
		verdict.signed_domain =
		    records->host_count > 0 && is_signed(records->hosts[0].address);
	return verdict;
}

int64_t
dane_serves_ms(const struct dane_verdict *verdict)
{
	int64_t ttl_ms = (int64_t)verdict->ttl_s * SPAN_SECOND_MS;

	if (verdict->state == DANE_UNSURE)
		return 0;
	return ttl_ms < TTL_MAX_MS ? ttl_ms : TTL_MAX_MS;
}

static void
describe_host(const struct dns_host *host, struct buf *out)
{
	buf_add_quoted(out, str_of(host->name));
	if (host->literal) {
		buf_add_str(out, STR(" literal\n"));
		return;
	}
	buf_printf(out, " address=%s", dns_answer_name(host->address));
	if (host->alias)
		buf_add_str(out, STR(" alias"));
	if (host->cname != DNS_NOT_ASKED)
		buf_printf(out, " cname=%s", dns_answer_name(host->cname));
	if (host->base[0] != '\0' &&
	    !str_equal_nocase(str_of(host->base), str_of(host->name))) {
		buf_add_str(out, STR(" base="));
		buf_add_quoted(out, str_of(host->base));
	} else if (host->target[0] != '\0') {
		buf_add_str(out, STR(" target="));
		buf_add_quoted(out, str_of(host->target));
	}
	buf_printf(out, " tlsa=%s", dns_answer_name(host->tlsa));
	if (host->tlsa_count > 0)
		buf_printf(out, " usable=%u/%u", count_usable(host), host->tlsa_count);
	buf_add_char(out, '\n');
}

void
dane_describe(const struct dns_records *records, struct buf *out)
{
	for (unsigned i = 0; i < records->host_count; i++)
		describe_host(&records->hosts[i], out);
}

/* Is its first word "address=secure", or the like? Of trouble it is "TLSA:". */
static bool
has_value(struct str line)
{
	struct str word;

	return str_next(&line, ' ', &word) && memchr(word.p, '=', word.len) != NULL;
}

/* As describe_host() begins it; "_25._tcp.mx.test TLSA: bogus" is none. rest: what stands
 * behind the name. */
static bool
next_line_of_host(struct str *text, struct str *name, struct str *rest)
{
	while (str_next(text, '\n', rest))
		if (str_cut(rest, ' ', name) &&
		    (has_value(*rest) || str_is(*rest, "literal")))
			return true;
	return false;
}

bool
dane_next_host(struct str *text, struct str *name)
{
	struct str ignored;

	return next_line_of_host(text, name, &ignored);
}

void
dane_each_host(
    const char *text, void (*each)(void *context, struct str name), void *context)
{
	struct str rest = str_of(text), name, line, word;

	/* Where an alias leads it is logged by that name, perhaps. */
	while (next_line_of_host(&rest, &name, &line)) {
		each(context, name);
		while (str_next(&line, ' ', &word))
			if (str_eat(&word, STR("base=")) ||
			    str_eat(&word, STR("target=")))
				each(context, word);
	}
}

struct wanted {
	struct str name;
	bool found;
};

static void
compare(void *context, struct str name)
{
	struct wanted *wanted = context;

	wanted->found = wanted->found || str_equal_nocase(name, wanted->name);
}

bool
dane_describes(const char *text, struct str name)
{
	struct wanted wanted = {.name = name};

	dane_each_host(text, compare, &wanted);
	return wanted.found;
}
