/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/fetch.h"

#include <assert.h>

#define FIRST_LINE "tlsladder-fetch 1"

/* Printable ASCII, as all of a request and the header of an answer is. */
static bool
is_printable(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return false;
	return true;
}

static bool
take_text(struct str value, char *out, size_t size)
{
	return is_printable(value) && str_copy(value, out, size);
}

static bool
take_number(struct str value, uint64_t max, uint32_t *out)
{
	uint64_t number;

	if (!str_number(value, max, &number))
		return false;
	*out = (uint32_t)number;
	return true;
}

/* --- the request -------------------------------------------------------------------- */

static bool
take_host(struct str value, struct fetch_request *out)
{
	return sts_is_host_name(value) && str_starts(value, STR("mta-sts.")) &&
	    str_copy(value, out->host, sizeof(out->host));
}

static bool
take_ca_file(struct str value, struct fetch_request *out)
{
	return value.len > 0 && value.p[0] == '/' &&
	    take_text(value, out->ca_file, sizeof(out->ca_file));
}

static bool
take_port(struct str value, struct fetch_request *out)
{
	uint32_t port;

	if (!take_number(value, UINT16_MAX, &port))
		return false;
	out->port = (uint16_t)port;
	return port > 0;
}

static bool
take_connect_ms(struct str value, struct fetch_request *out)
{
	return take_number(value, FETCH_TIME_MAX_MS, &out->connect_ms) &&
	    out->connect_ms > 0;
}

static bool
take_time_ms(struct str value, struct fetch_request *out)
{
	return take_number(value, FETCH_TIME_MAX_MS, &out->time_ms) && out->time_ms > 0;
}

static bool
take_network(struct str value, struct fetch_request *out)
{
	return out->network_count < FETCH_NETWORKS_MAX &&
	    network_parse(value, &out->networks[out->network_count++]);
}

static bool
take_nat64(struct str value, struct fetch_request *out)
{
	struct network *prefix = &out->nat64[out->nat64_count];

	return out->nat64_count < FETCH_NAT64_MAX && network_parse(value, prefix) &&
	    address_is_nat64_prefix(prefix) && ++out->nat64_count > 0;
}

static bool
take_address(struct str value, struct fetch_request *out)
{
	return out->address_count < FETCH_ADDRESSES_MAX &&
	    address_parse(value, &out->addresses[out->address_count++]);
}

static const struct {
	struct str name;
	bool (*take)(struct str value, struct fetch_request *out);
} request_keys[] = {
    {{"host", 4}, take_host},
    {{"ca-file", 7}, take_ca_file},
    {{"port", 4}, take_port},
    {{"connect-ms", 10}, take_connect_ms},
    {{"time-ms", 7}, take_time_ms},
    {{"network", 7}, take_network},
    {{"nat64", 5}, take_nat64},
    {{"address", 7}, take_address},
};

bool
fetch_request_init(struct fetch_request *request, const char *host, const char *ca_file)
{
	*request =
	    (struct fetch_request){.port = 443, .connect_ms = 10000, .time_ms = 60000};
	return take_host(str_of(host), request) && take_ca_file(str_of(ca_file), request);
}

static void
print_networks(
    const char *name, const struct network *networks, unsigned count, struct buf *out)
{
	char text[ADDRESS_TEXT_SIZE];

	for (unsigned i = 0; i < count; i++) {
		address_print(&networks[i].address, text);
		buf_printf(out, "%s %s/%u\n", name, text, networks[i].bits);
	}
}

void
fetch_request_print(const struct fetch_request *request, struct buf *out)
{
	char text[ADDRESS_TEXT_SIZE];

	buf_printf(out, "host %s\nca-file %s\nport %u\nconnect-ms %u\ntime-ms %u\n",
	    request->host, request->ca_file, (unsigned)request->port,
	    (unsigned)request->connect_ms, (unsigned)request->time_ms);
	print_networks("network", request->networks, request->network_count, out);
	print_networks("nat64", request->nat64, request->nat64_count, out);
	for (unsigned i = 0; i < request->address_count; i++) {
		address_print(&request->addresses[i], text);
		buf_printf(out, "address %s\n", text);
	}
	buf_add_char(out, '\n');
}

static bool
take_line(struct str line, struct fetch_request *out, struct err *err)
{
	struct str name;

	if (!str_cut(&line, ' ', &name))
		return err_set(err, "a line without a blank in it");
	for (size_t i = 0; i < sizeof(request_keys) / sizeof(request_keys[0]); i++)
		if (str_equal(name, request_keys[i].name))
			return request_keys[i].take(line, out) ||
			    err_set(err, "%s has another form, or is one too many",
			        request_keys[i].name.p);
	return err_set(err, "a line that begins with no known word");
}

bool
fetch_request_parse(struct str text, struct fetch_request *out, struct err *err)
{
	struct str line;

	*out = (struct fetch_request){.port = 443, .connect_ms = 10000, .time_ms = 60000};
	if (text.len > FETCH_REQUEST_MAX)
		return err_set(err, "it is over %d octets long", FETCH_REQUEST_MAX);
	while (str_cut(&text, '\n', &line)) {
		if (line.len > 0 && take_line(line, out, err))
			continue;
		if (line.len > 0)
			return false;
		if (out->host[0] == '\0' || out->ca_file[0] == '\0')
			return err_set(err, "it has no host, or no ca-file");
		return text.len == 0 || err_set(err, "it goes on behind its end");
	}
	return err_set(err, "it breaks off");
}

/* --- the answer --------------------------------------------------------------------- */

void
fetch_answer_print(const struct fetch_answer *answer, struct buf *out)
{
	assert(answer->cause == STS_CAUSE_OK || answer->body.len == 0);
	buf_printf(out, FIRST_LINE "\ncause %s\nstatus %u\n",
	    sts_cause_name(answer->cause), answer->status);
	buf_printf(out, "address %s\nconfined %s\ndetail %s\nbody %zu\n\n",
	    answer->address, answer->confined, answer->detail, answer->body.len);
	buf_add_str(out, answer->body);
}

/* The value of the next line, which begins with that word. */
static bool
next_value(struct str *text, struct str word, struct str *value)
{
	return str_cut(text, '\n', value) && str_eat(value, word) &&
	    str_eat(value, STR(" ")) && is_printable(*value);
}

bool
fetch_answer_parse(struct str text, struct fetch_answer *out, struct err *err)
{
	struct str line, cause, status, address, confined, detail, body;
	uint32_t number, octets;

	*out = (struct fetch_answer){.cause = STS_CAUSE_FETCHER};
	if (text.len > FETCH_ANSWER_MAX || !str_cut(&text, '\n', &line) ||
	    !str_is(line, FIRST_LINE))
		return err_set(err, "what tlsladder-fetch printed is no answer");
	if (!next_value(&text, STR("cause"), &cause) ||
	    !next_value(&text, STR("status"), &status) ||
	    !next_value(&text, STR("address"), &address) ||
	    !next_value(&text, STR("confined"), &confined) ||
	    !next_value(&text, STR("detail"), &detail) ||
	    !next_value(&text, STR("body"), &body) || !str_eat(&text, STR("\n")) ||
	    !sts_cause_parse(cause, &out->cause) || !take_number(status, 999, &number) ||
	    !take_text(address, out->address, sizeof(out->address)) ||
	    !take_text(confined, out->confined, sizeof(out->confined)) ||
	    !take_text(detail, out->detail, sizeof(out->detail)) ||
	    !take_number(body, STS_BODY_MAX, &octets) || octets != text.len ||
	    (octets > 0 && out->cause != STS_CAUSE_OK)) {
		*out = (struct fetch_answer){.cause = STS_CAUSE_FETCHER};
		return err_set(err, "the answer of tlsladder-fetch has a fault");
	}
	out->status = number;
	out->body = text;
	return true;
}
