/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/parked.h"

#include <stdlib.h>

#include "base/mem.h"

#define FIRST 64

void
parked_add(struct parked *parked, const struct process *process,
    const struct passed *passed, const struct parsed *line, bool queued, unsigned node)
{
	struct parked_line *added;

	if (parked->count == parked->size) {
		parked->size = parked->size > 0 ? 2 * parked->size : FIRST;
		parked->lines =
		    mem_array(parked->lines, parked->size, sizeof(*parked->lines));
	}
	added = &parked->lines[parked->count++];
	*added = (struct parked_line){
	    .text = mem_strndup(line->text.p, line->text.len),
	    .service = mem_strndup(line->service.p, line->service.len),
	    .time_ms = line->time_ms,
	    .queued = queued,
	    .node = node,
	};
	if (process != NULL)
		added->process = *process;
	if (passed != NULL) {
		added->passed = mem_new(1, sizeof(*passed));
		*added->passed = *passed;
	}
}

bool
parked_parse(const struct parked_line *parked, struct parsed *out)
{
	if (!parsed_from_status(str_of(parked->text), str_of(parked->service), out))
		return false;
	out->time_ms = parked->time_ms;
	return true;
}

void
parked_clear(struct parked *parked)
{
	for (size_t i = 0; i < parked->count; i++) {
		free(parked->lines[i].text);
		free(parked->lines[i].service);
		free(parked->lines[i].passed);
	}
	free(parked->lines);
	*parked = (struct parked){0};
}
