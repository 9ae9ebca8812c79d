/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/fetcher.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sys/child.h"
#include "sys/program.h"

#define NAME     "tlsladder-fetch"
#define GRACE_MS 10000 /* more than it takes for itself: it has a deadline of its own */

char *
fetcher_path(void)
{
	return program_find(NAME);
}

bool
fetcher_request(const char *domain, const char *ca_file, const struct strings *networks,
    struct fetch_request *out)
{
	char host[NEXTHOP_HOST_SIZE + 16];

	snprintf(host, sizeof(host), "mta-sts.%s", domain);
	if (!fetch_request_init(
	        out, host, ca_file[0] != '\0' ? ca_file : FETCHER_CA_FILE))
		return false;
	for (size_t i = 0; i < networks->count; i++)
		if (out->network_count < FETCH_NETWORKS_MAX &&
		    network_parse(
		        str_of(networks->items[i]), &out->networks[out->network_count]))
			out->network_count++;
	return true;
}

static void
fail(struct fetch_answer *out, enum sts_cause cause, struct str detail)
{
	*out = (struct fetch_answer){.cause = cause};
	if (detail.len >= sizeof(out->detail))
		detail.len = sizeof(out->detail) - 1;
	str_copy(detail, out->detail, sizeof(out->detail));
}

/* Its own time was over, by whoever it talked to: it looks at the time between two
 * records of TLS, of which there may be no end. */
static bool
is_of_time(int number)
{
	return number == SIGALRM || number == SIGXCPU;
}

/* By what it did itself, or what the kernel refused it: whoever it talked to, that must
 * not be. Others are sent by whoever ends programs, as a machine without memory does. */
static bool
is_crash(int number)
{
	return number == SIGSEGV || number == SIGBUS || number == SIGILL ||
	    number == SIGFPE || number == SIGABRT || number == SIGTRAP ||
	    number == SIGSYS;
}

void
fetcher_take(
    const struct child_result *result, struct buf *text, struct fetch_answer *out)
{
	int number = result->status > 128 ? result->status - 128 : 0;
	struct buf said = {0};
	struct err err;

	buf_add(text, result->output.data, result->output.len);
	if (result->status != 0) {
		child_describe(result, &said);
		fail(out, is_of_time(number) ? STS_CAUSE_TIMEOUT : STS_CAUSE_FETCHER,
		    str_of(buf_text(&said)));
		out->crashed = is_crash(number);
		buf_clear(&said);
	} else if (!fetch_answer_parse(
	               (struct str){buf_text(text), text->len}, out, &err)) {
		fail(out, STS_CAUSE_FETCHER, str_of(err.text));
	}
}

void
fetcher_run(const struct fetch_request *request, int stop_fd, struct buf *text,
    struct fetch_answer *out)
{
	char *path = fetcher_path();
	const char *argv[] = {path, NULL};
	struct child_result result = {.status = -1};
	struct child_request child = {.argv = argv,
	    .timeout_ms = request->time_ms + GRACE_MS,
	    .output_max = FETCH_ANSWER_MAX,
	    .stop_fd = stop_fd};
	struct buf input = {0};
	struct err err;

	if (path == NULL) {
		fail(out, STS_CAUSE_FETCHER, STR(NAME " is not installed"));
		return;
	}
	fetch_request_print(request, &input);
	child.input = (struct str){buf_text(&input), input.len};
	if (child_run(&child, &result, &err))
		fetcher_take(&result, text, out);
	else
		fail(out, result.timed_out ? STS_CAUSE_TIMEOUT : STS_CAUSE_FETCHER,
		    str_of(err.text));
	child_result_clear(&result);
	buf_clear(&input);
	free(path);
}
