/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue as `postqueue -j` prints it: one JSON object a line (postqueue(1)). The only
 * user of jansson.
 */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "postfix/postfix.h"
#include "postfix/run.h"

#define LIST_MS  300000
#define LIST_MAX SIZE_MAX /* no line of it is kept */
#define MESSAGE_MAX \
	((size_t)64 << 20) /* a message with tens of thousands of recipients */

struct list {
	void (*fn)(void *context, const struct queued *queued);
	void *context;
};

static const char *
text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool
take_recipient(const struct list *list, struct queued queued, const json_t *recipient)
{
	const json_t *reason = json_object_get(recipient, "delay_reason");

	queued.address = text_of(recipient, "address");
	queued.delay_reason = reason != NULL ? json_string_value(reason) : "";
	if (queued.address == NULL || queued.delay_reason == NULL)
		return false;
	list->fn(list->context, &queued);
	return true;
}

static bool
take_message(const struct list *list, const json_t *message)
{
	const json_t *recipients = json_object_get(message, "recipients");
	const json_t *arrival = json_object_get(message, "arrival_time");
	struct queued queued = {
	    .queue_name = text_of(message, "queue_name"),
	    .queue_id = text_of(message, "queue_id"),
	    .arrival_s = json_integer_value(arrival),
	};

	if (queued.queue_name == NULL || queued.queue_id == NULL ||
	    !postfix_is_queue_id(queued.queue_id) || !json_is_integer(arrival) ||
	    !json_is_array(recipients))
		return false;
	for (size_t i = 0; i < json_array_size(recipients); i++)
		if (!take_recipient(list, queued, json_array_get(recipients, i)))
			return false;
	return true;
}

static bool
take_json(void *context, struct str line, struct err *err)
{
	json_error_t why;
	json_t *message = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES, &why);
	bool done;

	if (message == NULL)
		return err_set(err, "postqueue printed no JSON: %s at byte %d", why.text,
		    why.position);
	done = take_message(context, message);
	json_decref(message);
	return done || err_set(err, "postqueue printed a message of unknown form");
}

bool
postfix_read_queue(const struct postfix *postfix,
    void (*fn)(void *context, const struct queued *queued), void *context,
    struct err *err)
{
	const char *arguments[] = {"-j", NULL};
	struct list list = {fn, context};
	struct postfix_call call = {
	    .program = "postqueue",
	    .arguments = arguments,
	    .timeout_ms = LIST_MS,
	    .output_max = LIST_MAX,
	    .line = take_json,
	    .context = &list,
	    .line_max = MESSAGE_MAX,
	};
	struct child_result result;
	bool done = postfix_run_well(postfix, &call, &result, err);

	child_result_clear(&result);
	return done;
}
