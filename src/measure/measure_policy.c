/* SPDX-License-Identifier: BSD-2-Clause */
/* MTA-STS: does DNS announce a policy? What the policy says is fetched by others. */
#include <string.h>

#include "base/span.h"
#include "measure/measure_impl.h"
#include "sys/clock.h"

#define SERVES_MS SPAN_HOUR_MS /* at most */

bool
measure_policy_domain(const struct nexthop *nexthop, char out[NEXTHOP_HOST_SIZE])
{
	struct nexthop ascii = *nexthop;

	out[0] = '\0';
	if (nexthop->literal || !resolver_ascii(nexthop->host, ascii.host))
		return false;
	return sts_policy_domain(&ascii, out);
}

void
measure_hurry(void *context, bool hurries)
{
	struct measurer *measurer = context;

	if (measurer->resolver != NULL)
		resolver_hurry(measurer->resolver, hurries);
}

void
measure_ask_policy(void *context, const char *domain, struct sts_txt *out,
    uint32_t *ttl_s, struct err *trouble)
{
	struct measurer *measurer = context;

	if (measurer->resolver != NULL) {
		resolver_ask_policy(measurer->resolver, domain, out, ttl_s, trouble);
		return;
	}
	*out = (struct sts_txt){.state = STS_TXT_UNSURE};
	*ttl_s = 0;
	*trouble = measurer->err;
}

/* Not more often than that, whatever came of it. */
#define NAT64_MS SPAN_HOUR_MS

/* Behind a NAT64 of our site each address of IPv4 has one of IPv6 that looks global.
 * False: nobody could tell; it is asked again the next time. */
static bool
ask_nat64(struct measurer *measurer, struct err *trouble)
{
	struct address records[FETCH_ADDRESSES_MAX];
	unsigned count = resolver_ask_addresses(measurer->resolver, ADDRESS_NAT64_HOST,
	    records, FETCH_ADDRESSES_MAX, trouble);

	if (trouble->text[0] != '\0')
		return false;
	measurer->nat64_count = 0;
	for (unsigned i = 0; i < count && measurer->nat64_count < FETCH_NAT64_MAX; i++)
		if (address_nat64(&records[i], &measurer->nat64[measurer->nat64_count]))
			measurer->nat64_count++;
	measurer->nat64_until_ms = clock_monotonic_ms() + NAT64_MS;
	return true;
}

static void
leave_ipv4(struct fetch_request *request)
{
	unsigned count = 0;

	for (unsigned i = 0; i < request->address_count; i++)
		if (request->addresses[i].length == 4)
			request->addresses[count++] = request->addresses[i];
	request->address_count = count;
}

static bool
has_ipv6(const struct fetch_request *request)
{
	for (unsigned i = 0; i < request->address_count; i++)
		if (request->addresses[i].length == 16)
			return true;
	return false;
}

void
measure_ask_addresses(void *context, struct fetch_request *request, struct err *trouble)
{
	struct measurer *measurer = context;
	struct err unsure = {{0}};

	request->address_count = 0;
	if (measurer->resolver == NULL)
		*trouble = measurer->err;
	else
		request->address_count = resolver_ask_addresses(measurer->resolver,
		    request->host, request->addresses, FETCH_ADDRESSES_MAX, trouble);
	request->nat64_count = 0;
	if (!has_ipv6(request))
		return;
	if (measurer->nat64_until_ms <= clock_monotonic_ms() &&
	    !ask_nat64(measurer, &unsure)) {
		leave_ipv4(request);
		if (request->address_count == 0)
			*trouble = unsure;
		return;
	}
	memcpy(request->nat64, measurer->nat64, sizeof(request->nat64));
	request->nat64_count = measurer->nat64_count;
}

/* Where no mail can be sent there is nothing to protect. */
static bool
wanted(const struct measure_settings *settings, const struct measure_item *item)
{
	char domain[NEXTHOP_HOST_SIZE];

	return settings->policies && item->answers.dane.state != DANE_NO_MAIL &&
	    measure_policy_domain(&item->nexthop, domain);
}

static void
ask(struct measurer *measurer, struct measure_item *item, struct err *trouble)
{
	struct answers *answers = &item->answers;

	measure_policy_domain(&item->nexthop, answers->sts_domain);
	measure_ask_policy(measurer, answers->sts_domain, &answers->sts_txt,
	    &answers->sts_ttl_s, trouble);
}

static void
unasked(struct answers *answers)
{
	answers->sts_domain[0] = '\0';
	answers->sts_txt = (struct sts_txt){.state = STS_TXT_UNSURE};
	answers->sts_ttl_s = 0;
	answers->sts = STS_APPLIES_NOTHING;
	answers->sts_attributes = NULL;
}

/* What could not be told is asked again. */
static int64_t
serves_ms(const struct answers *answers)
{
	return answers->sts_txt.state != STS_TXT_UNSURE ? SERVES_MS : 0;
}

static void
save(const struct answers *answers, struct buf *out)
{
	buf_printf(out, "%s %s", sts_txt_name(answers->sts_txt.state),
	    answers->sts_txt.id[0] != '\0' ? answers->sts_txt.id : "-");
}

static bool
load(struct str text, struct answers *answers)
{
	struct sts_txt *txt = &answers->sts_txt;
	struct str state;

	*txt = (struct sts_txt){.state = STS_TXT_UNSURE};
	return str_cut(&text, ' ', &state) && sts_txt_parse(state, &txt->state) &&
	    str_copy(str_is(text, "-") ? STR("") : text, txt->id, sizeof(txt->id));
}

static void
explain_text(const struct answers *answers, struct buf *out)
{
	buf_printf(out, ": %s", sts_txt_name(answers->sts_txt.state));
	if (answers->sts_txt.id[0] != '\0')
		buf_printf(out, ", id %s", answers->sts_txt.id);
	buf_add_char(out, '\n');
}

static void
explain_json(const struct answers *answers, struct buf *out)
{
	buf_add_member(out, "txt", sts_txt_name(answers->sts_txt.state));
	buf_add_member(out, "id", answers->sts_txt.id);
}

static void
show(const struct measurement *found, struct buf *out)
{
	const struct answers *answers = &found->item->answers;

	if (!answers->sources[FACT_policy].asked ||
	    answers->sts_txt.state == STS_TXT_NONE)
		return;
	buf_printf(out, "  MTA-STS TXT %s", sts_txt_name(answers->sts_txt.state));
	if (answers->sts_txt.id[0] != '\0')
		buf_printf(out, ", id %s", answers->sts_txt.id);
	buf_add_char(out, '\n');
}

static void
json(const struct measurement *found, struct buf *out)
{
	const struct answers *answers = &found->item->answers;
	bool asked = answers->sources[FACT_policy].asked;

	buf_add_member(out, "sts_txt", asked ? sts_txt_name(answers->sts_txt.state) : "");
	buf_add_member(out, "sts_id", answers->sts_txt.id);
}

const struct measure_source measure_policy = {
    .name = "policy",
    .wanted = wanted,
    .ask = ask,
    .unasked = unasked,
    .serves_ms = serves_ms,
    .kept = {.save = save, .load = load},
    .trouble =
        {
            .label = "MTA-STS",
            .member = "policy_trouble",
            .warning = "", /* it is told where something comes of it */
        },
    .explain =
        {
            .title = "MTA-STS record",
            .member = "sts_txt",
            .text = explain_text,
            .json = explain_json,
        },
    .check =
        {
            .before_hosts = measure_shows_nothing,
            .host = measure_shows_no_host,
            .behind_hosts = show,
            .json = json,
            .json_host = measure_shows_no_host,
        },
};
