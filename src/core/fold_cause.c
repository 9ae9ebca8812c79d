/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/fold_cause.h"

#include "core/fold_host.h"

void
fold_cause_faults(struct fold_item *item, const struct process *p, int64_t time_ms)
{
	for (unsigned i = 0; i < p->fault_count; i++) {
		const struct process_fault *fault = &p->faults[i];
		struct fold_host *host = fold_host_named(item, fault->host, fault->port);

		if (host != NULL)
			fold_host_cause(host, fault->cause, time_ms);
	}
}

void
fold_cause_deferred(struct fold_item *item, enum cause cause, uint16_t port,
    struct fold_deferral *deferral)
{
	struct fold_host *host;

	deferral->cause = cause;
	if (deferral->cause == CAUSE_NONE || deferral->suspended ||
	    deferral->relay[0] == '\0')
		return;
	host = fold_host_named(item, deferral->relay, port);
	if (host != NULL)
		fold_host_cause(host, deferral->cause, deferral->time_ms);
}

void
fold_cause_named(struct processes *processes, const struct parsed *line)
{
	struct fault_line fault = {.host = line->reason.host,
	    .step = line->reason.step,
	    .cause = cause_of_reason(line->reason.reason)};

	if (fault.cause != CAUSE_NONE && fault.host.len > 0)
		process_note_fault(processes_get(processes, line->process), &fault);
}
