/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix told to do something: to build a map, to try mail again. */
#include <stdlib.h>

#include "postfix/postfix.h"
#include "postfix/run.h"

#define POSTMAP_MS   300000 /* a million entries take seconds, a slow disk more */
#define POSTQUEUE_MS 60000

static bool
run_simple(const struct postfix *postfix, const char *program,
    const char *const *arguments, int64_t timeout_ms, struct err *err)
{
	struct postfix_call call = {
	    .program = program,
	    .arguments = arguments,
	    .timeout_ms = timeout_ms,
	    .output_max = 65536,
	};
	struct child_result result;
	bool done = postfix_run_well(postfix, &call, &result, err);

	child_result_clear(&result);
	return done;
}

bool
postfix_postmap(const struct postfix *postfix, const char *map, struct err *err)
{
	char *seen = postfix_map_seen(postfix, map);
	const char *arguments[] = {seen, NULL};
	bool done = run_simple(postfix, "postmap", arguments, POSTMAP_MS, err);

	free(seen);
	return done;
}

bool
postfix_is_queue_id(const char *text)
{
	size_t len = 0;

	while (ascii_is_alnum(text[len]) || text[len] == '_')
		len++;
	return len >= 1 && len <= 255 && text[len] == '\0';
}

bool
postfix_retry(const struct postfix *postfix, const char *const *queue_ids, size_t count,
    struct err *err)
{
	struct err first = {{0}}, now;
	size_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		const char *arguments[] = {"-i", queue_ids[i], NULL};
		bool done = postfix_is_queue_id(queue_ids[i])
		    ? run_simple(postfix, "postqueue", arguments, POSTQUEUE_MS, &now)
		    : err_set(&now, "not a queue id");

		if (!done && failed++ == 0)
			first = now;
	}
	return failed == 0 ||
	    err_set(
	        err, "%zu of %zu messages not retried: %s", failed, count, first.text);
}

bool
postfix_flush(const struct postfix *postfix, struct err *err)
{
	const char *arguments[] = {"-f", NULL};

	return run_simple(postfix, "postqueue", arguments, POSTQUEUE_MS, err);
}
