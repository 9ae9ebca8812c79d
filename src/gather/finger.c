/* SPDX-License-Identifier: BSD-2-Clause */
#include "gather/finger.h"

#include <stdio.h>

#include "core/status.h"
#include "gather/postfix_run.h"

#define OUTPUT_MAX 65536

/* posttls-finger: SSL_connect error to HOST[ADDRESS]:25: ... */
static const struct str prefix = {"posttls-finger: ", 16};

enum finger
finger_read(struct str output, enum level level, struct err *err)
{
	enum finger result = FINGER_UNSURE;
	bool said = false;
	struct str line;

	err_set(err, "no answer");
	while (output.len > 0) {
		struct session_line session;

		if (!str_cut(&output, '\n', &line)) {
			line = output;
			output.len = 0;
		}
		if (!str_eat(&line, prefix))
			continue;
		said = true;
		if (session_parse(line, &session)) {
			/* A level that must match is met by nothing less. */
			result = !level_is_authenticated(level) || session.grade == SESSION_VERIFIED
			    ? FINGER_YES : FINGER_NO;
			err_set(err, "%s session", session_grade_name(session.grade));
		} else if (str_starts(line, STR("SSL_connect error to "))) {
			result = FINGER_NO;
			err_set(err, "the TLS handshake fails");
		} else if (str_starts(line, STR("Failed to establish session")) ||
		    str_starts(line, STR("lost connection"))) {
			result = FINGER_UNSURE;
			err_set(err, "no connection");
		}
	}
	/* It speaks of everything but a server that does not offer STARTTLS. */
	if (!said) {
		result = FINGER_NO;
		err_set(err, "STARTTLS is not offered");
	}
	return result;
}

enum finger
finger_probe(const struct postfix *postfix, const struct finger_settings *settings,
    const char *key, enum level level, struct err *err)
{
	/* Its -c is another option: the directory comes in the environment. */
	struct postfix plain = *postfix;
	char directory[4200], seconds[32];
	const char *arguments[16];
	struct postfix_call call = {
	    .program = "env",
	    .arguments = arguments,
	    .timeout_ms = settings->timeout_ms * 3,
	    .output_max = OUTPUT_MAX,
	};
	struct child_result result;
	enum finger answer = FINGER_UNSURE;
	size_t n = 0;

	plain.config_directory = "";
	if (postfix->config_directory != NULL && postfix->config_directory[0] != '\0') {
		snprintf(directory, sizeof(directory), "MAIL_CONFIG=%s", postfix->config_directory);
		arguments[n++] = directory;
	}
	snprintf(seconds, sizeof(seconds), "%ld", (long)(settings->timeout_ms / 1000 + 1));
	arguments[n++] = "posttls-finger";
	arguments[n++] = "-c";
	arguments[n++] = "-t";
	arguments[n++] = seconds;
	arguments[n++] = "-T";
	arguments[n++] = seconds;
	arguments[n++] = "-l";
	arguments[n++] = level_name(level);
	if (settings->ca_file[0] != '\0') {
		arguments[n++] = "-F";
		arguments[n++] = settings->ca_file;
	}
	if (settings->ca_path[0] != '\0') {
		arguments[n++] = "-P";
		arguments[n++] = settings->ca_path;
	}
	arguments[n++] = key; /* begins with a letter, a digit, _ or [ */
	arguments[n] = NULL;
	if (postfix_run(&plain, &call, &result, err)) {
		if (result.status == 127)
			answer = FINGER_MISSING;
		else {
			struct buf all = {0};

			buf_add_str(&all, (struct str){buf_text(&result.output), result.output.len});
			buf_add_str(&all, (struct str){buf_text(&result.errors), result.errors.len});
			answer = finger_read((struct str){buf_text(&all), all.len}, level, err);
			buf_clear(&all);
		}
	}
	child_result_clear(&result);
	return answer;
}
