/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/probe.h"

#include <stdio.h>

#include "base/masked.h"
#include "core/status.h"
#include "postfix/run.h"
#include "sys/clock.h"

#define OUTPUT_MAX  65536
#define SHORTEST_MS 1000 /* a connection that has less time is not begun */

static const struct str prefix = {"posttls-finger: ", 16};

/*
 * How lines begin that settle it, after the prefix. What others write stands behind
 * them: msg_info() makes a line of everything (posttls-finger.c, tls_client.c).
 */
static const struct {
	struct str begin;
	enum probe_outcome outcome;
	const char *text;
} phrases[] = {
    {{"SSL_connect error to ", 21}, PROBE_NO, "the TLS handshake fails"},
    {{"STARTTLS rejected: ", 19}, PROBE_NO, "STARTTLS is refused"},
    {{"EHLO rejected: 5", 16}, PROBE_NO, "EHLO is refused"},
    {{"EHLO rejected: ", 15}, PROBE_UNSURE, "EHLO is refused for now"},
    {{"SMTP service not available: ", 28}, PROBE_UNSURE, "the server refuses to talk"},
    {{"Failed to establish session", 27}, PROBE_UNSURE, "no connection"},
    {{"Destination address lookup failed", 33}, PROBE_UNSURE, "no address"},
    {{"lost connection", 15}, PROBE_UNSURE, "no connection"},
    {{"timeout ", 8}, PROBE_UNSURE, "no reply in time"},
    {{"fatal: lost connection", 22}, PROBE_UNSURE, "no connection"},
    {{"fatal: timeout ", 15}, PROBE_UNSURE, "no reply in time"},
    {{"cannot load Certification Authority data", 40}, PROBE_UNSURE,
        "the CA file cannot be used"},
};

/* What was made of the lines so far. */
struct reading {
	enum level level;
	enum probe_outcome outcome;
	bool spoke;   /* of the server: of all but one that does not offer STARTTLS */
	bool no_tlsa; /* dane-only was not tried: a lower level was probed */
	struct str mismatch; /* why the certificate does not do */
	struct err *err;
};

/* Lines about names in DNS, not about the server. */
static bool
is_aside(struct str line)
{
	struct str domain;

	return str_starts(line, STR("MX RRset insecure: ")) ||
	    str_starts(
	        line, STR("warning: numeric domain name in resource data of MX")) ||
	    (str_cut(&line, ' ', &domain) && str_starts(line, STR("asciified to ")));
}

/* "certificate verification failed for HOST[ADDRESS]:25: self-signed certificate" */
static bool
take_mismatch(struct reading *reading, struct str line)
{
	struct str host;

	str_eat(&line, STR("server "));
	str_eat(&line, STR("CA "));
	if (!str_eat(&line, STR("certificate verification failed for ")))
		return false;
	while (str_cut(&line, ':', &host))
		if (line.len > 0 && line.p[0] == ' ')
			break;
	reading->mismatch = str_trim(line);
	return true;
}

static void
take_session(struct reading *reading, const struct session_line *session)
{
	struct buf masked = {0}, why = {0};

	/* A level that must match is met by nothing less. */
	if (!level_is_authenticated(reading->level) ||
	    session->grade == SESSION_VERIFIED) {
		reading->outcome = PROBE_YES;
		err_set(reading->err, "%s session", session_grade_name(session->grade));
		return;
	}
	reading->outcome = PROBE_NO;
	buf_add_masked(&masked, reading->mismatch);
	buf_add_visible(&why, (struct str){buf_text(&masked), masked.len});
	err_set(reading->err, "the certificate does not verify%s%.200s",
	    why.len > 0 ? ": " : "", buf_text(&why));
	buf_clear(&masked);
	buf_clear(&why);
}

static void
take_line(struct reading *reading, struct str line)
{
	struct session_line session;

	if (str_starts(line, STR("no TLSA records found, resorting to ")) ||
	    str_starts(line, STR("no usable TLSA records found, resorting to "))) {
		reading->no_tlsa = true;
		return;
	}
	if (is_aside(line))
		return;
	reading->spoke = true;
	if (session_parse(line, &session)) {
		take_session(reading, &session);
		return;
	}
	if (take_mismatch(reading, line))
		return;
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (str_starts(line, phrases[i].begin)) {
			reading->outcome = phrases[i].outcome;
			err_set(reading->err, "%s", phrases[i].text);
			return;
		}
	}
}

enum probe_outcome
probe_read(struct str output, enum level level, struct err *err)
{
	struct reading reading = {
	    .level = level, .outcome = PROBE_UNSURE, .mismatch = {"", 0}, .err = err};
	struct str line;

	err_set(err, "no answer");
	while (output.len > 0) {
		if (!str_cut(&output, '\n', &line)) {
			line = output;
			output.len = 0;
		}
		if (str_eat(&line, prefix))
			take_line(&reading, line);
	}
	if (!reading.spoke) {
		reading.outcome = PROBE_NO;
		err_set(err, "STARTTLS is not offered");
	}
	/* smtp(8) would not have tried this server at all. */
	if (level == LEVEL_DANE_ONLY && reading.no_tlsa &&
	    reading.outcome != PROBE_UNSURE) {
		reading.outcome = PROBE_NO;
		err_set(err, "no usable TLSA records");
	}
	return reading.outcome;
}

enum probe_outcome
probe_server(const struct postfix *postfix, const struct probe_settings *settings,
    const char *key, enum level level, struct err *err)
{
	/* Its -c is another option: the directory comes in the environment. */
	struct postfix plain = *postfix;
	char directory[4200], seconds[32];
	const char *arguments[16];
	struct postfix_call call = {
	    .program = "env",
	    .arguments = arguments,
	    .timeout_ms = settings->whole_ms,
	    .output_max = OUTPUT_MAX,
	};
	struct child_result result;
	enum probe_outcome answer = PROBE_UNSURE;
	size_t n = 0;

	if (settings->deadline_ms != 0)
		call.timeout_ms = settings->deadline_ms - clock_monotonic_ms();
	if (call.timeout_ms < SHORTEST_MS) {
		err_set(err, "no time is left");
		return PROBE_UNSURE;
	}
	plain.config_directory = "";
	if (postfix->config_directory != NULL && postfix->config_directory[0] != '\0') {
		snprintf(directory, sizeof(directory), "MAIL_CONFIG=%s",
		    postfix->config_directory);
		arguments[n++] = directory;
	}
	snprintf(
	    seconds, sizeof(seconds), "%ld", (long)(settings->timeout_ms / 1000 + 1));
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
		if (result.status == 127) {
			answer = PROBE_MISSING;
		} else {
			struct buf all = {0};

			buf_add_str(&all,
			    (struct str){buf_text(&result.output), result.output.len});
			buf_add_str(&all,
			    (struct str){buf_text(&result.errors), result.errors.len});
			answer =
			    probe_read((struct str){buf_text(&all), all.len}, level, err);
			/* The output counts as an answer only if the program ended
			 * well. */
			if (result.status != 0 && answer != PROBE_UNSURE) {
				answer = PROBE_UNSURE;
				postfix_run_failed(&call, &result, err);
			}
			buf_clear(&all);
		}
	}
	child_result_clear(&result);
	return answer;
}
