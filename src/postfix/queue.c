/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue as `postqueue -j` prints it: one JSON object a line (postqueue(1)). The only
 * user of jansson.
 */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "postfix/postfix.h"
#include "postfix/run.h"

#define LIST_MS  300000
#define LIST_MAX SIZE_MAX /* no line of it is kept */
#define MESSAGE_MAX \
	((size_t)64 << 20) /* a message with tens of thousands of recipients */

struct list {
	void (*fn)(void *context, const struct queued *queued);
	void *context;
	struct queue_refused *refused;
};

static const char *
text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool
read_recipient(struct queued *queued, const json_t *recipient)
{
	const json_t *reason = json_object_get(recipient, "delay_reason");

	queued->address = text_of(recipient, "address");
	queued->delay_reason = reason != NULL ? json_string_value(reason) : "";
	return queued->address != NULL && queued->delay_reason != NULL;
}

/* Handed out whole, or not at all. */
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
		if (!read_recipient(&queued, json_array_get(recipients, i)))
			return false;
	for (size_t i = 0; i < json_array_size(recipients); i++) {
		read_recipient(&queued, json_array_get(recipients, i));
		list->fn(list->context, &queued);
	}
	return true;
}

/*
 * Postfix prints what a server said as it was said, and takes more for UTF-8 than is. A
 * stranger's reply must not cost anybody else the listing: it is read with '?' instead.
 */
static json_t *
load(struct str line, json_error_t *why)
{
	json_t *message = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES, why);
	struct buf repaired = {0};

	if (message != NULL)
		return message;
	buf_add_utf8(&repaired, line);
	message =
	    json_loadb(buf_text(&repaired), repaired.len, JSON_REJECT_DUPLICATES, why);
	buf_clear(&repaired);
	return message;
}

/* What is no message costs itself alone. */
static bool
take_json(void *context, struct str line, struct err *err)
{
	const struct list *list = context;
	json_error_t why;
	json_t *message = load(line, &why);
	bool first = list->refused->count == 0;
	char *near = message == NULL ? strstr(why.text, " near '") : NULL;

	(void)err;
	if (message == NULL) {
		/* What stands there may be a piece of an address. */
		if (near != NULL)
			*near = '\0';
		list->refused->count++;
		if (first)
			err_set(&list->refused->why,
			    "postqueue printed no JSON: %s at byte %d", why.text,
			    why.position);
		return true;
	}
	if (!take_message(list, message)) {
		list->refused->count++;
		if (first)
			err_set(&list->refused->why,
			    "postqueue printed a message of unknown form");
	}
	json_decref(message);
	return true;
}

bool
postfix_read_queue(const struct postfix *postfix,
    void (*fn)(void *context, const struct queued *queued), void *context,
    struct queue_refused *refused, struct err *err)
{
	const char *arguments[] = {"-j", NULL};
	struct list list = {fn, context, refused};
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
	bool done;

	refused->count = 0;
	done = postfix_run_well(postfix, &call, &result, err);
	child_result_clear(&result);
	return done;
}
