/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/finger.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/level.h"
#include "postfix/finger_read.h"
#include "postfix/run.h"
#include "sys/clock.h"

#define ARGUMENTS_MAX  48
#define WANTED_MAX     16   /* names to look for */
#define SHORTEST_MS    1000 /* a connection that has less time is not begun */
#define WANTED_SIZE    258
#define OUTPUT_AT_ONCE 16384 /* what may be printed beyond what is read */

/* Names for posttls-finger to look for. */
struct wanted {
	unsigned count;
	char names[WANTED_MAX][WANTED_SIZE];
};

/* One address, with all its connections. */
struct asking {
	const struct postfix *postfix;
	const struct finger_settings *settings;
	const struct finger_question *question;
	int64_t deadline_ms; /* monotonic */
	struct finger_reader *reader;
	struct err *why;
};

/* --- names ------------------------------------------------------------------------- */

/* Only what is a name or an address: nothing that posttls-finger could read otherwise. */
static bool
is_plain(struct str text)
{
	struct str name = text;

	str_eat(&name, STR("."));
	if (name.len == 0 || text.len >= WANTED_SIZE || name.p[0] == '-')
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_alnum(text.p[i]) && memchr(".-_:", text.p[i], 4) == NULL)
			return false;
	return true;
}

static void
want(void *context, struct str name)
{
	struct wanted *wanted = context;

	if (!is_plain(name) || wanted->count == WANTED_MAX)
		return;
	for (unsigned i = 0; i < wanted->count; i++)
		if (str_equal_nocase(str_of(wanted->names[i]), name))
			return;
	str_copy(name, wanted->names[wanted->count++], WANTED_SIZE);
}

/* Whatever one destination looks for at both levels, and the host's own name. */
static void
want_all(const struct asking *asking, struct wanted *wanted)
{
	const struct finger_question *question = asking->question;
	const struct server_rules *rules = &asking->settings->rules;

	want(wanted, str_of(question->host));
	names_wanted(rules->verify, question->host, question->nexthop, want, wanted);
	names_wanted(rules->secure, question->host, question->nexthop, want, wanted);
}

/* Should one of them match a certificate with this list of names? */
static enum answer
expected(const struct wanted *wanted, const char *names)
{
	enum answer answer = ANSWER_NO;

	for (unsigned i = 0; i < wanted->count && answer != ANSWER_YES; i++) {
		struct str name = str_of(wanted->names[i]);
		enum answer one = names_is_address(name)
		    ? ANSWER_UNSURE
		    : names_match(str_of(names), wanted->names[i], "", "");

		if (one != ANSWER_NO)
			answer = one;
	}
	return answer;
}

/* --- a connection ------------------------------------------------------------------ */

static const char *
given(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : NULL;
}

struct words {
	const char *list[ARGUMENTS_MAX];
	size_t count;
};

static void
add_option(struct words *words, const char *option, const char *value)
{
	if (value == NULL)
		return;
	words->list[words->count++] = option;
	words->list[words->count++] = value;
}

/* By those that fall from here: the kernel where there is no memory, an administrator. By
 * any other a server may have had it ended. */
static bool
was_ended_by_others(const struct child_result *result)
{
	return result->status == 128 + SIGKILL || result->status == 128 + SIGTERM;
}

static bool
run(struct asking *asking, const struct words *words, enum finger_outcome *outcome,
    const struct finger_seen **seen)
{
	/* Its -c is another option: the directory comes in the environment. */
	struct postfix plain = *asking->postfix;
	struct postfix_call call = {
	    .program = "env",
	    .arguments = words->list,
	    .timeout_ms = asking->deadline_ms - clock_monotonic_ms(),
	    .output_max = FINGER_OUTPUT_MAX + OUTPUT_AT_ONCE,
	};
	struct child_result result;
	struct err err = {{0}};
	bool ended;

	plain.config_directory = "";
	ended = postfix_run(&plain, &call, &result, &err);
	*outcome = FINGER_ASKED;
	if (ended && result.status == 127)
		*outcome = FINGER_MISSING;
	else if ((ended && (result.status == 126 || was_ended_by_others(&result))) ||
	    (!ended && !result.timed_out && result.output.len == 0))
		*outcome = FINGER_FAILED;
	if (ended && *outcome != FINGER_ASKED)
		postfix_run_failed(&call, &result, &err);
	if (*outcome != FINGER_ASKED && asking->why->text[0] == '\0')
		*asking->why = err;
	finger_begin(asking->reader);
	finger_take(
	    asking->reader, (struct str){buf_text(&result.output), result.output.len});
	/* The exit status is 0 whatever it saw, and 1 for some of what servers do. */
	*seen = finger_end(asking->reader, ended && result.status < 128);
	child_result_clear(&result);
	return *outcome == FINGER_ASKED;
}

/* One connection. target: "[ADDRESS]:PORT". The result is good until the next one. */
static bool
connect_once(struct asking *asking, enum level level, const char *target,
    const struct wanted *wanted, enum finger_outcome *outcome,
    const struct finger_seen **seen)
{
	const struct finger_settings *settings = asking->settings;
	int64_t step_ms = settings->step_ms > 0 ? settings->step_ms : FINGER_STEP_MS;
	char directory[4200], helo[600], seconds[32];
	struct words words = {.count = 0};

	if (given(asking->postfix->config_directory) != NULL) {
		snprintf(directory, sizeof(directory), "MAIL_CONFIG=%s",
		    asking->postfix->config_directory);
		words.list[words.count++] = directory;
	}
	snprintf(seconds, sizeof(seconds), "%ld", (long)((step_ms + 999) / 1000));
	words.list[words.count++] = "posttls-finger";
	words.list[words.count++] = "-C";
	add_option(&words, "-t", seconds);
	add_option(&words, "-T", seconds);
	add_option(&words, "-l", level_name(level));
	add_option(&words, "-F", given(settings->ca_file));
	add_option(&words, "-P", given(settings->ca_path));
	add_option(&words, "-p", given(settings->protocols));
	add_option(&words, "-g", given(settings->ciphers));
	if (given(settings->helo) != NULL) {
		snprintf(helo, sizeof(helo), "myhostname=%s", settings->helo);
		add_option(&words, "-o", helo);
	}
	if (level == LEVEL_DANE_ONLY)
		add_option(&words, "-a",
		    strchr(asking->question->address, ':') != NULL ? "ipv6" : "ipv4");
	words.list[words.count++] = "--";
	words.list[words.count++] = target;
	for (unsigned i = 0; i < wanted->count; i++)
		words.list[words.count++] = wanted->names[i];
	words.list[words.count] = NULL;
	return run(asking, &words, outcome, seen);
}

/* Another connection, where there is time for one, and what it found behind what is
 * known. False: nothing is to be concluded from it. */
static bool
connect_again(struct asking *asking, enum level level, const char *target,
    const struct wanted *wanted, const struct finger_seen **seen)
{
	struct err first = *asking->why;
	enum finger_outcome outcome;
	bool asked = asking->deadline_ms - clock_monotonic_ms() >= SHORTEST_MS &&
	    connect_once(asking, level, target, wanted, &outcome, seen);

	err_set(asking->why, "%.400s; %s: %s", first.text,
	    level == LEVEL_SECURE ? wanted->names[0] : level_name(level),
	    asked ? (*seen)->found : "not asked");
	return asked && (*seen)->end != PROBE_SILENT && (*seen)->end != PROBE_OURS;
}

/* --- what it comes to -------------------------------------------------------------- */

/* At `secure`; the names are compared later. */
static struct server
server_of(const struct finger_seen *seen, const struct wanted *wanted)
{
	struct server server = {
	    .probe = {.end = seen->end, .cause = seen->cause, .auth = seen->auth}};
	enum answer should = expected(wanted, seen->names);

	if (seen->end != PROBE_TLS)
		return server;
	server.probe.encrypt = ANSWER_YES;
	if (seen->trusted)
		server.chain = ANSWER_YES;
	else if (seen->cause != CAUSE_NAME && seen->cause != CAUSE_NONE)
		server.chain = ANSWER_NO;
	server.until_ms = seen->until_ms;
	memcpy(server.leaf, seen->leaf, sizeof(server.leaf));
	memcpy(server.names, seen->names, sizeof(server.names));
	/* Postfix and we read its names differently: they are not known. */
	if ((seen->verified && should == ANSWER_NO) ||
	    (seen->cause == CAUSE_NAME && should == ANSWER_YES)) {
		server.names[0] = '\0';
		names_add_more(server.names);
	}
	/* What a literal address was asked for. */
	server.probe.verify = seen->verified ? ANSWER_YES : ANSWER_NO;
	server.probe.secure = server.probe.verify;
	return server;
}

static void
disagree(struct server *server, const struct finger_seen *seen)
{
	struct probe other = {.end = seen->end, .cause = seen->cause};
	int64_t begun_ms = server->probe.begun_ms;

	server->probe = probe_merge(&server->probe, &other);
	server->probe.begun_ms = begun_ms;
	server->chain = server->chain == ANSWER_NO ? ANSWER_NO : ANSWER_UNSURE;
	server->names[0] = '\0';
	names_add_more(server->names);
}

/* A failed handshake at secure: would one at encrypt work? */
static void
ask_encrypt(struct asking *asking, const char *target, struct server *server)
{
	static const struct wanted nothing;
	const struct finger_seen *seen;

	if (!connect_again(asking, LEVEL_ENCRYPT, target, &nothing, &seen))
		return;
	server->probe.auth = server->probe.auth || seen->auth;
	if (seen->end == PROBE_TLS)
		server->probe.encrypt = ANSWER_YES;
	else if (seen->end == PROBE_BROKEN)
		server->probe.encrypt = ANSWER_NO;
	/* Otherwise it offered STARTTLS once and once not: not known. */
}

/* No name matched, which hides all else about the chain: ask for a name that matches. */
static void
ask_chain(struct asking *asking, const char *target, struct server *server)
{
	struct wanted wanted = {.count = 1};
	const struct finger_seen *seen;
	struct server other;

	if (!names_any(str_of(server->names), wanted.names[0], WANTED_SIZE) ||
	    !is_plain(str_of(wanted.names[0])) ||
	    !connect_again(asking, LEVEL_SECURE, target, &wanted, &seen))
		return;
	if (seen->end != PROBE_TLS) {
		disagree(server, seen);
		return;
	}
	other = server_of(seen, &wanted);
	other.probe.begun_ms = server->probe.begun_ms;
	if (strcmp(other.leaf, server->leaf) != 0) {
		*server = server_merge(server, &other);
		return;
	}
	server->chain = other.chain;
	if (other.chain == ANSWER_NO)
		server->probe.cause = other.probe.cause;
}

static void
ask_dane(struct asking *asking, struct server *server)
{
	const struct finger_question *question = asking->question;
	struct wanted wanted = {.count = 0};
	const struct finger_seen *seen;
	char target[WANTED_SIZE + 16];

	snprintf(target, sizeof(target), "[%s]:%u", question->host, question->port);
	want(&wanted, str_of(question->host));
	want(&wanted, str_of(question->nexthop));
	if (!connect_again(asking, LEVEL_DANE_ONLY, target, &wanted, &seen))
		return;
	if (strcmp(seen->address, question->address) != 0 &&
	    (seen->leaf[0] == '\0' || strcmp(seen->leaf, server->leaf) != 0))
		return;
	if (seen->end != PROBE_TLS) {
		disagree(server, seen);
		return;
	}
	/* Without a lookup of MX it may not know that the destination's name does, too.
	 */
	if (seen->cause == CAUSE_NAME &&
	    names_match(str_of(seen->names), "hostname, nexthop", question->host,
	        question->nexthop) != ANSWER_NO)
		return;
	server->probe.dane = seen->matched_dane ? ANSWER_YES : ANSWER_NO;
	if (!seen->matched_dane && !seen->fallback)
		server->probe.cause = CAUSE_TLSA;
}

/* --- */

static const char *
text_or(const char *text, const char *otherwise)
{
	return given(text) != NULL ? text : otherwise;
}

struct finger_settings
finger_settings_of(const struct postfix_settings *settings)
{
	static const struct postfix_settings nothing;

	if (settings == NULL)
		settings = &nothing;
	return (struct finger_settings){
	    .ca_file = text_or(settings->ca_file, ""),
	    .ca_path = text_or(settings->ca_path, ""),
	    .protocols = text_or(settings->mandatory_protocols, ""),
	    .ciphers = text_or(settings->mandatory_ciphers, ""),
	    .helo = text_or(settings->helo_name, ""),
	    .rules = {.verify = text_or(settings->verify_match, "hostname"),
	        .secure = text_or(settings->secure_match, "nexthop, dot-nexthop")},
	};
}

static bool
is_question(const struct finger_question *question)
{
	size_t len = strlen(question->address);

	return len > 0 && names_is_address(str_of(question->address)) &&
	    strspn(question->address, "0123456789abcdefABCDEF.:") == len &&
	    is_plain(str_of(question->host)) && question->port > 0 &&
	    question->port <= 65535;
}

/* posttls-finger says nothing of a directory that it cannot read, and trusts nobody. */
static bool
path_is_unusable(const struct postfix *postfix, const struct finger_settings *settings)
{
	return given(settings->ca_path) != NULL && postfix->command_count == 0 &&
	    access(settings->ca_path, R_OK | X_OK) != 0;
}

static void
ask(struct asking *asking, const char *target, struct server *server,
    enum finger_outcome *outcome)
{
	const struct finger_question *question = asking->question;
	int64_t begun_ms = clock_wall_ms();
	struct wanted wanted = {.count = 0};
	const struct finger_seen *seen;

	want_all(asking, &wanted);
	if (!connect_once(asking, LEVEL_SECURE, target, &wanted, outcome, &seen))
		return;
	err_set(asking->why, "%s", seen->found);
	*server = server_of(seen, &wanted);
	server->probe.begun_ms = begun_ms;
	if (seen->end == PROBE_BROKEN)
		ask_encrypt(asking, target, server);
	else if (seen->end == PROBE_TLS && seen->cause == CAUSE_NAME &&
	    server->chain == ANSWER_UNSURE)
		ask_chain(asking, target, server);
	if (question->dane && server->probe.end == PROBE_TLS &&
	    !names_is_address(str_of(question->host)))
		ask_dane(asking, server);
	server->probe = server_probe(
	    server, &asking->settings->rules, question->host, question->nexthop);
}

enum finger_outcome
finger_ask(const struct postfix *postfix, const struct finger_settings *settings,
    const struct finger_question *question, struct server *server, struct err *why)
{
	int64_t whole_ms = settings->whole_ms > 0 ? settings->whole_ms : FINGER_WHOLE_MS;
	struct asking asking = {
	    .postfix = postfix,
	    .settings = settings,
	    .question = question,
	    .deadline_ms = clock_monotonic_ms() + whole_ms,
	    .why = why,
	};
	enum finger_outcome outcome = FINGER_ASKED;
	char target[80];

	*server = (struct server){.probe = {.end = PROBE_SILENT}};
	*why = (struct err){{0}};
	if (!is_question(question)) {
		err_set(why, "no name, address and port of a server");
		return FINGER_NO_QUESTION;
	}
	if (path_is_unusable(postfix, settings)) {
		server->probe.end = PROBE_OURS;
		server->probe.begun_ms = clock_wall_ms();
		err_set(why, "the directory of CAs cannot be read");
		return FINGER_ASKED;
	}
	snprintf(target, sizeof(target), "[%.60s]:%u", question->address, question->port);
	asking.reader = mem_new(1, sizeof(*asking.reader));
	ask(&asking, target, server, &outcome);
	free(asking.reader);
	return outcome;
}
