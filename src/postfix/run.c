/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* Cuts what comes in pieces into lines. */
struct cutter {
	const struct postfix_call *call;
	struct err *err;
	struct buf rest; /* a line without its newline yet */
	bool refused;    /* err tells */
};

static bool
refuse(struct cutter *cutter)
{
	cutter->refused = true;
	return false;
}

static bool
hand_out(struct cutter *cutter, struct str line)
{
	const struct postfix_call *call = cutter->call;

	return call->line(call->context, line, cutter->err) || refuse(cutter);
}

static bool
cut_lines(void *context, struct str piece)
{
	struct cutter *cutter = context;
	struct str line;

	while (str_cut(&piece, '\n', &line)) {
		if (cutter->rest.len > 0) {
			buf_add_str(&cutter->rest, line);
			line = (struct str){cutter->rest.data, cutter->rest.len};
		}
		if (!hand_out(cutter, line))
			return false;
		buf_reset(&cutter->rest);
	}
	if (piece.len > cutter->call->line_max - cutter->rest.len) {
		err_set(cutter->err, "%s printed a line of more than %zu bytes",
		    cutter->call->program, cutter->call->line_max);
		return refuse(cutter);
	}
	buf_add_str(&cutter->rest, piece);
	return true;
}

static const char **
make_argv(const struct postfix *postfix, const struct postfix_call *call)
{
	const char *directory = postfix->config_directory;
	size_t count = 0, arguments = 0;
	const char **argv;

	while (call->arguments[arguments] != NULL)
		arguments++;
	argv = mem_new(postfix->command_count + arguments + 4, sizeof(*argv));
	for (size_t i = 0; i < postfix->command_count; i++)
		argv[count++] = postfix->command[i];
	argv[count++] = call->program;
	if (directory != NULL && directory[0] != '\0') {
		argv[count++] = call->config_option != NULL ? call->config_option : "-c";
		argv[count++] = directory;
	}
	for (size_t i = 0; i < arguments; i++)
		argv[count++] = call->arguments[i];
	return argv;
}

bool
postfix_run(const struct postfix *postfix, const struct postfix_call *call,
    struct child_result *result, struct err *err)
{
	const char **argv = make_argv(postfix, call);
	struct err why = {{0}};
	struct cutter cutter = {.call = call, .err = &why};
	struct child_request request = {
	    .argv = argv,
	    .input = call->input,
	    .timeout_ms = call->timeout_ms,
	    .output_max = call->output_max,
	    .stop_fd = call->stop_fd,
	    .consume = call->line != NULL ? cut_lines : NULL,
	    .context = &cutter,
	};
	bool done;

	if (postfix->environment != NULL) {
		request.keep = postfix->environment->items;
		request.keep_count = postfix->environment->count;
	}
	done = child_run(&request, result, err);
	if (done && cutter.rest.len > 0)
		done = hand_out(&cutter, (struct str){cutter.rest.data, cutter.rest.len});
	if (cutter.refused)
		*err = why;
	else if (!done && postfix->command_count > 0)
		err_wrap(err, "%s", call->program); /* else it is named already */
	buf_clear(&cutter.rest);
	free(argv);
	return done;
}

bool
postfix_run_failed(
    const struct postfix_call *call, const struct child_result *result, struct err *err)
{
	struct buf text = {0};

	child_describe(result, &text);
	err_set(err, "%s: %s", call->program, buf_text(&text));
	buf_clear(&text);
	return false;
}

bool
postfix_run_well(const struct postfix *postfix, const struct postfix_call *call,
    struct child_result *result, struct err *err)
{
	if (!postfix_run(postfix, call, result, err))
		return false;
	return result->status == 0 || postfix_run_failed(call, result, err);
}
