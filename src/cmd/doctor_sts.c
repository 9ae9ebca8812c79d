/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: MTA-STS: what fetches policies, and what this Postfix can be told of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "cmd/doctor.h"
#include "core/sts_entry.h"
#include "measure/fetcher.h"
#include "store/store.h"
#include "store/store_sts.h"
#include "sys/clock.h"

#define BUSY_MS  5000
#define MONTH_MS (30 * SPAN_DAY_MS)

/* False: what fetches has no authorities, which was said. */
static bool
check_authorities(struct doctor *d, const char *file)
{
	bool is_set = d->config->mta_sts.ca_file[0] != '\0';
	char *blocked;

	if (access(file, R_OK) == 0)
		return true;
	blocked = errno == EACCES ? doctor_blocked(file) : NULL;
	if (blocked != NULL)
		doctor_advise_path(d, "chmod o+x", blocked);
	else if (access(file, F_OK) == 0)
		doctor_advise_path(d, "chmod o+r", file);
	else if (is_set && access(FETCHER_CA_FILE, R_OK) == 0)
		doctor_advise_yaml(d, "mta_sts", "ca_file", FETCHER_CA_FILE);
	else
		doctor_advise(d, "apt-get install ca-certificates");
	free(blocked);
	doctor_say(d, DOCTOR_FAULT, "mta-sts",
	    "no policy can be fetched: the authorities of policy hosts, %s%s, cannot be "
	    "read",
	    file, is_set ? " (mta_sts.ca_file)" : "");
	return false;
}

/* A request that ends before anybody is connected to tells what holds the fetcher. */
static void
check_fetcher(struct doctor *d)
{
	const char *ca_file = d->config->mta_sts.ca_file[0] != '\0'
	    ? d->config->mta_sts.ca_file
	    : FETCHER_CA_FILE;
	char *path = fetcher_path();
	struct fetch_request request;
	struct fetch_answer answer;
	struct buf text = {0};

	if (path == NULL) {
		doctor_advise(d, "# build it with libcurl (libcurl4-openssl-dev)");
		doctor_say(d, DOCTOR_WARNING, "mta-sts",
		    "tlsladder-fetch is not there: policies that are announced cannot be "
		    "had, and hold steps down");
		return;
	}
	free(path);
	if (!check_authorities(d, ca_file))
		return;
	fetch_request_init(&request, "mta-sts.invalid", ca_file);
	request.address_count = 1;
	address_parse(STR("127.0.0.1"), &request.addresses[0]); /* which is refused */
	fetcher_run(&request, 0, &text, &answer);
	if (answer.cause == STS_CAUSE_FETCHER) {
		doctor_advise(
		    d, "# install tlsladder-fetch anew, as `make install` does");
		doctor_say(d, DOCTOR_FAULT, "mta-sts", "policies cannot be fetched: %s",
		    answer.detail);
	} else {
		doctor_say(d, DOCTOR_OK, "mta-sts",
		    "policies are fetched by tlsladder-fetch, held by %s",
		    answer.confined[0] != '\0' ? answer.confined : "nothing");
	}
	buf_clear(&text);
}

static void
check_support(struct doctor *d)
{
	static const char *const words[] = {
	    [STS_SUPPORT_NAMES] = "by the names of their servers",
	    [STS_SUPPORT_REPORTS] = "by the names of their servers, and reports on them",
	    [STS_SUPPORT_EXACT] = "exactly, and reports on them",
	};
	const char *version = d->settings.version != NULL ? d->settings.version : "";
	enum sts_support support =
	    sts_support_of(str_of(version), d->settings.sts_patterns);

	if (version[0] == '\0')
		return;
	if (support == STS_SUPPORT_NONE)
		doctor_say(d, DOCTOR_WARNING, "mta-sts",
		    "Postfix %s cannot be told of policies (3.4 can): nothing is "
		    "weakened "
		    "below one, and nothing more",
		    version);
	else if (!postfix_has_authorities(&d->settings)) {
		doctor_advise(d, "# mend what doctor says of authorities");
		doctor_say(d, DOCTOR_WARNING, "mta-sts",
		    "Postfix verifies no certificate (authorities): no policy is "
		    "enforced");
	} else
		doctor_say(d, DOCTOR_OK, "mta-sts", "Postfix %s enforces policies %s",
		    version, words[support]);
}

struct counts {
	int64_t now_ms;
	unsigned announced;
	unsigned enforced;
};

static bool
count(void *context, const struct sts_record *r)
{
	struct counts *counts = context;
	enum sts_applies applies = sts_applies(&r->state, counts->now_ms);

	if (r->mail_ms < counts->now_ms - MONTH_MS)
		return true;
	counts->announced +=
	    applies != STS_APPLIES_NOTHING && applies != STS_APPLIES_UNSURE;
	counts->enforced += applies == STS_APPLIES_ENFORCE;
	return true;
}

static void
check_policies(struct doctor *d)
{
	struct counts counts = {.now_ms = clock_wall_ms()};
	struct store *store;
	struct err err;

	if (!d->can_open)
		return;
	store = store_open(d->config->state, BUSY_MS, &err);
	if (store != NULL && store_each_sts(store, count, &counts, &err))
		doctor_say(d, DOCTOR_OK, "mta-sts",
		    "of the domains mailed in 30 days %u publish a policy, %u enforce "
		    "one",
		    counts.announced, counts.enforced);
	store_close(store);
}

void
doctor_check_sts(struct doctor *d)
{
	if (!d->config->mta_sts.enable) {
		doctor_say(d, DOCTOR_OK, "mta-sts", "switched off (mta_sts.enable)");
		return;
	}
	check_fetcher(d);
	check_support(d);
	check_policies(d);
}
