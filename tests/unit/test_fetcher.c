/* SPDX-License-Identifier: BSD-2-Clause */
/* What the end of tlsladder-fetch says of a policy host, and what of this machine. */
#include "suite.h"

#include <signal.h>

#include "measure/fetcher.h"

struct row {
	int status;
	enum sts_cause cause;
	const char *what;
};

static const struct row rows[] = {
    {128 + SIGALRM, STS_CAUSE_TIMEOUT, "its own alarm: TLS records without end"},
    {128 + SIGXCPU, STS_CAUSE_TIMEOUT, "... that kept the processor busy"},
    {128 + SIGSEGV, STS_CAUSE_BROKEN, "a crash: whoever it talked to"},
    {128 + SIGKILL, STS_CAUSE_BROKEN, "whoever filled the memory"},
    {128 + SIGSYS, STS_CAUSE_FETCHER, "what the kernel refuses"},
    {64, STS_CAUSE_FETCHER, "a request that is none"},
    {127, STS_CAUSE_FETCHER, "what is not there"},
    {0, STS_CAUSE_FETCHER, "an answer that is none"},
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
