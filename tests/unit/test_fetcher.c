/* SPDX-License-Identifier: BSD-2-Clause */
/* What the end of tlsladder-fetch says of a policy host, and what of this machine. */
#include "suite.h"

#include <signal.h>

#include "measure/fetcher.h"

struct row {
	int status;
	enum sts_cause cause;
	const char *what;
	bool crashed;
};

static const struct row rows[] = {
    {128 + SIGALRM, STS_CAUSE_TIMEOUT, "its own alarm: TLS records without end", false},
    {128 + SIGXCPU, STS_CAUSE_TIMEOUT, "... that kept the processor busy", false},
    {128 + SIGSEGV, STS_CAUSE_FETCHER, "a crash, whoever it talked to", true},
    {128 + SIGABRT, STS_CAUSE_FETCHER, "... that it saw itself", true},
    {128 + SIGSYS, STS_CAUSE_FETCHER, "what the kernel refuses", true},
    {128 + SIGKILL, STS_CAUSE_FETCHER, "this machine's memory is full", false},
    {128 + SIGTERM, STS_CAUSE_FETCHER, "whoever stops the machine", false},
    {64, STS_CAUSE_FETCHER, "a request that is none", false},
    {127, STS_CAUSE_FETCHER, "what is not there", false},
    {0, STS_CAUSE_FETCHER, "an answer that is none", false},
};

static void
end_tells(void **state)
{
	const struct row *row = *state;
	struct child_result result = {.status = row->status};
	struct fetch_answer answer;
	struct buf text = {0};

	fetcher_take(&result, &text, &answer);
	assert_int_equal(answer.cause, row->cause);
	assert_int_equal(answer.crashed, row->crashed);
	assert_true(answer.detail[0] != '\0');
	buf_clear(&text);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(end_tells, &rows[i], "%s", rows[i].what);
	return suite_run();
}
