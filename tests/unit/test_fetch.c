/* SPDX-License-Identifier: BSD-2-Clause */
/* What tlsladder-fetch is asked, and what it answers, as text. */
#include "suite.h"

#include <string.h>

#include "base/buf.h"
#include "core/fetch.h"

static void
request_there_and_back(void **state)
{
	struct fetch_request request, again;
	struct buf text = {0}, more = {0};
	struct err err;

	(void)state;
	assert_true(
	    fetch_request_init(&request, "mta-sts.d.test", "/etc/ssl/ca file.pem"));
	assert_int_equal(request.port, 443);
	assert_int_equal(request.connect_ms, 10000);
	assert_int_equal(request.time_ms, 60000);
	request.port = 4443;
	request.time_ms = 1500;
	assert_true(network_parse(STR("10.0.0.0/8"), &request.networks[0]));
	assert_true(network_parse(STR("fd00::/8"), &request.networks[1]));
	request.network_count = 2;
	assert_true(address_parse(STR("10.0.0.1"), &request.addresses[0]));
	assert_true(address_parse(STR("2001:db8::1"), &request.addresses[1]));
	request.address_count = 2;
	assert_true(network_parse(STR("2001:db8:64::/96"), &request.nat64[0]));
	request.nat64_count = 1;
	fetch_request_print(&request, &text);
	assert_true(
	    fetch_request_parse((struct str){buf_text(&text), text.len}, &again, &err));
	fetch_request_print(&again, &more);
	assert_string_equal(buf_text(&text), buf_text(&more));
	assert_string_equal(again.ca_file, "/etc/ssl/ca file.pem");
	assert_int_equal(again.time_ms, 1500);
	for (size_t len = 0; len < text.len; len++)
		assert_false(fetch_request_parse(
		    (struct str){buf_text(&text), len}, &again, &err));
	buf_clear(&text);
	buf_clear(&more);
}

static void
request_full(void **state)
{
	struct fetch_request request, again;
	struct buf text = {0};
	struct err err;

	(void)state;
	assert_true(fetch_request_init(&request, "mta-sts.d.test", "/ca.pem"));
	for (unsigned i = 0; i < FETCH_NETWORKS_MAX; i++)
		assert_true(
		    network_parse(STR("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff/128"),
		        &request.networks[i]));
	for (unsigned i = 0; i < FETCH_ADDRESSES_MAX; i++)
		request.addresses[i] = request.networks[0].address;
	request.network_count = FETCH_NETWORKS_MAX;
	request.address_count = FETCH_ADDRESSES_MAX;
	fetch_request_print(&request, &text);
	assert_true(text.len < FETCH_REQUEST_MAX);
	assert_true(
	    fetch_request_parse((struct str){buf_text(&text), text.len}, &again, &err));
	text.len--;
	buf_add_str(&text, STR("address ::1\n\n"));
	assert_false(
	    fetch_request_parse((struct str){buf_text(&text), text.len}, &again, &err));
	buf_clear(&text);
}

static void
hosts_that_are_none(void **state)
{
	static const char *const hosts[] = {"", "d.test", "mta-sts.", "mta-sts.d..test",
	    "mta-sts.d.test\nport 1", "mta-sts.d.test:1", "mta-sts.192.0.2.1",
	    "MTA-STS.d.test"};
	struct fetch_request request;

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_false(fetch_request_init(&request, hosts[i], "/ca.pem"));
	assert_false(fetch_request_init(&request, "mta-sts.d.test", "ca.pem"));
	assert_false(fetch_request_init(&request, "mta-sts.d.test", ""));
	assert_false(fetch_request_init(&request, "mta-sts.d.test", "/ca\npem"));
}

/* Lines of a request; one thing is wrong with each. */
static const char *const no_requests[] = {"\n", "host mta-sts.d.test\n\n",
    "ca-file /ca.pem\n\n",
    "host mta-sts.d.test\nca-file /ca.pem\n\nhost mta-sts.d.test\n",
    "host\nca-file /ca.pem\n\n", "ghost mta-sts.d.test\nca-file /ca.pem\n\n",
    "host mta-sts.d.test\nca-file /c\xc3\xa4.pem\n\n",
    "host mta-sts.d.test\nca-file /ca.pem\nport 0\n\n",
    "host mta-sts.d.test\nca-file /ca.pem\nport 65536\n\n",
    "host mta-sts.d.test\nca-file /ca.pem\nconnect-ms 0\n\n",
    "host mta-sts.d.test\nca-file /ca.pem\nconnect-ms x\n\n",
    "host mta-sts.d.test\nca-file /ca.pem\ntime-ms 0\n\n",
    "host mta-sts.d.test\nca-file /ca.pem\ntime-ms 600001\n\n",
    "host mta-sts.d.test\nca-file /ca.pem\nnetwork x\n\n",
    "host mta-sts.d.test\nca-file /ca.pem\naddress x\n\n"};

static void
request_is_none(void **state)
{
	struct fetch_request request;
	struct err err = {""};

	assert_false(fetch_request_parse(str_of(*state), &request, &err));
	assert_string_not_equal(err.text, "");
}

/* Fields of an answer that say more than there is room for. */
static void
answer_too_long(void **state)
{
	static const char *const forms[] = {
	    "cause ok\nstatus 1\naddress %s\nconfined no\ndetail x\nbody 0\n\n",
	    "cause ok\nstatus 1\naddress x\nconfined %s\ndetail x\nbody 0\n\n",
	    "cause ok\nstatus 1\naddress x\nconfined no\ndetail %s\nbody 0\n\n"};
	struct fetch_answer answer;
	struct buf text = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *at = strstr(forms[i], "%s");

		for (int large = 0; large < 2; large++) {
			buf_reset(&text);
			buf_printf(&text, "tlsladder-fetch 1\n");
			buf_add(&text, forms[i], (size_t)(at - forms[i]));
			for (int k = 0; k < (large ? 300 : 3); k++)
				buf_add_char(&text, 'x');
			buf_printf(&text, "%s", at + 2);
			assert_int_equal(
			    fetch_answer_parse(
			        (struct str){buf_text(&text), text.len}, &answer, &err),
			    !large);
		}
	}
	while (text.len <= FETCH_ANSWER_MAX)
		buf_add_char(&text, 'x');
	assert_false(
	    fetch_answer_parse((struct str){buf_text(&text), text.len}, &answer, &err));
	assert_false(
	    fetch_answer_parse(STR("tlsladder-fetch 1\ncause ok\nstatus 1\nxddress"
	                           "\nconfined no\n"),
	        &answer, &err));
	assert_false(fetch_answer_parse(
	    STR("tlsladder-fetch 1\ncause ok\nstatus \x7f\n"), &answer, &err));
	buf_clear(&text);
}

static void
request_too_long(void **state)
{
	struct fetch_request request;
	struct buf text = {0};
	struct err err;

	(void)state;
	buf_printf(&text, "host mta-sts.d.test\nca-file /ca.pem\n");
	while (text.len <= FETCH_REQUEST_MAX)
		buf_printf(&text, "port 443\n");
	buf_printf(&text, "\n");
	assert_false(
	    fetch_request_parse((struct str){buf_text(&text), text.len}, &request, &err));
	assert_non_null(strstr(err.text, "octets long"));
	buf_reset(&text);
	buf_printf(&text, "host mta-sts.d.test\nca-file /ca.pem\n");
	for (unsigned i = 0; i <= FETCH_NETWORKS_MAX; i++)
		buf_printf(&text, "network 10.0.0.0/8\n");
	buf_printf(&text, "\n");
	assert_false(
	    fetch_request_parse((struct str){buf_text(&text), text.len}, &request, &err));
	assert_non_null(strstr(err.text, "one too many"));
	buf_clear(&text);
}

static void
assert_answer(const struct fetch_answer *answer)
{
	struct fetch_answer again;
	struct buf text = {0};
	struct err err;

	fetch_answer_print(answer, &text);
	assert_true(text.len <= FETCH_ANSWER_MAX);
	assert_true(
	    fetch_answer_parse((struct str){buf_text(&text), text.len}, &again, &err));
	assert_int_equal(again.cause, answer->cause);
	assert_int_equal(again.status, answer->status);
	assert_string_equal(again.address, answer->address);
	assert_string_equal(again.confined, answer->confined);
	assert_string_equal(again.detail, answer->detail);
	assert_true(str_equal(again.body, answer->body));
	for (size_t len = 0; len < text.len; len += len < 400 ? 1 : 1000)
		assert_false(
		    fetch_answer_parse((struct str){buf_text(&text), len}, &again, &err));
	assert_int_equal(again.cause, STS_CAUSE_FETCHER);
	buf_add_char(&text, 'x');
	assert_false(
	    fetch_answer_parse((struct str){buf_text(&text), text.len}, &again, &err));
	buf_clear(&text);
}

static void
answer_there_and_back(void **state)
{
	static char body[STS_BODY_MAX];
	struct fetch_answer answer = {.cause = STS_CAUSE_OK,
	    .status = 200,
	    .address = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff",
	    .confined = "landlock seccomp"};

	(void)state;
	memset(body, '\n', sizeof(body));
	answer.body = (struct str){body, sizeof(body)};
	memset(answer.detail, 'x', sizeof(answer.detail) - 1);
	assert_answer(&answer);
	answer.body = STR("");
	assert_answer(&answer);
	answer = (struct fetch_answer){.cause = STS_CAUSE_TIMEOUT};
	assert_answer(&answer);
}

#define ANSWER(cause, status, detail, body) \
	"tlsladder-fetch 1\ncause " cause "\nstatus " status \
	"\naddress \nconfined \ndetail " detail "\nbody " body "\n\n"

static void
answers_that_are_none(void **state)
{
	static const char *const wrong[] = {"", "\n", "Segmentation fault\n",
	    ANSWER("odd", "200", "", "0"), ANSWER("ok", "1000", "", "0"),
	    ANSWER("ok", "-1", "", "0"), ANSWER("ok", "200", "\x1b[31m", "0"),
	    ANSWER("timeout", "0", "", "1") "x", ANSWER("ok", "200", "", "2") "x",
	    ANSWER("ok", "200", "", "65537"), ANSWER("ok", "200", "", "")};
	struct fetch_answer answer;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(fetch_answer_parse(str_of(wrong[i]), &answer, &err));
		assert_int_equal(answer.cause, STS_CAUSE_FETCHER);
		assert_int_equal(answer.body.len, 0);
	}
	assert_true(
	    fetch_answer_parse(str_of(ANSWER("ok", "200", "", "0")), &answer, &err));
}

int
main(void)
{
	suite_add(request_there_and_back, NULL, "a request is read as it was written");
	suite_add(request_full, NULL, "a request has room for all that it may have");
	suite_add(hosts_that_are_none, NULL, "a request is of a policy host alone");
	for (size_t i = 0; i < sizeof(no_requests) / sizeof(no_requests[0]); i++)
		suite_add(request_is_none, no_requests[i], "no request: row %zu", i);
	suite_add(
	    request_too_long, NULL, "no request: too long, or with too many networks");
	suite_add(answer_there_and_back, NULL, "an answer is read as it was written");
	suite_add(answer_too_long, NULL, "no answer: a field is too long");
	suite_add(answers_that_are_none, NULL, "an answer that has a fault is none");
	return suite_run();
}
