/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * finger CONFIG CA [dane] NEXTHOP PORT HOST ADDRESS...: asks the addresses of one MX
 * host, and prints what they come to: "tls e v s d CAUSE auth", as in
 * tests/cases/merge.cases, a tab, and what was found, then milliseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "postfix/finger.h"
#include "sys/clock.h"

static void
add_answer(struct buf *out, char level, enum answer answer)
{
	if (answer != ANSWER_NO)
		buf_printf(out, " %c%s", level, answer == ANSWER_UNSURE ? "?" : "");
}

static void
show(const struct probe *probe, bool dane, struct buf *out)
{
	buf_printf(out, "%s", probe_end_name(probe->end));
	if (probe->end == PROBE_TLS || probe->end == PROBE_BROKEN)
		add_answer(out, 'e', probe->encrypt);
	if (probe->end == PROBE_TLS) {
		add_answer(out, 'v', probe->verify);
		add_answer(out, 's', probe->secure);
		if (dane)
			add_answer(out, 'd', probe->dane);
	}
	if (probe->cause != CAUSE_NONE)
		buf_printf(out, " %s", cause_name(probe->cause));
	if (probe->auth)
		buf_printf(out, " auth");
}

int
main(int argc, char **argv)
{
	const char *step_ms = getenv("FINGER_STEP_MS");
	const char *whole_ms = getenv("FINGER_WHOLE_MS");
	struct postfix postfix = {.config_directory = argc > 1 ? argv[1] : ""};
	struct finger_settings settings = {
	    .ca_file = argc > 2 ? argv[2] : "",
	    .ca_path = getenv("FINGER_CA_PATH"),
	    .protocols = getenv("FINGER_PROTOCOLS"),
	    .helo = "mail.sender.test",
	    .rules = {.verify = "hostname", .secure = "nexthop, dot-nexthop"},
	    .step_ms = step_ms != NULL ? atoi(step_ms) : 0,
	    .whole_ms = whole_ms != NULL ? atoi(whole_ms) : 0,
	};
	struct finger_question question = {0};
	int64_t begin_ms = clock_monotonic_ms();
	struct server both = {0};
	struct buf text = {0};
	struct probe probe;
	struct err why;
	int at = 3;

	if (argc > at && strcmp(argv[at], "dane") == 0) {
		question.dane = true;
		at++;
	}
	if (argc < at + 4)
		return 2;
	question.nexthop = argv[at];
	question.port = (unsigned)atoi(argv[at + 1]);
	question.host = argv[at + 2];
	for (at += 3; argv[at] != NULL; at++) {
		struct server server;

		question.address = argv[at];
		if (finger_ask(&postfix, &settings, &question, &server, &why) !=
		    FINGER_ASKED) {
			printf("not asked\t%s\n", why.text);
			return 1;
		}
		both = both.probe.begun_ms == 0 ? server : server_merge(&both, &server);
	}
	probe = server_probe(&both, &settings.rules, question.host, question.nexthop);
	show(&probe, question.dane, &text);
	printf("%s\t%s\t%lld ms\n", buf_text(&text), why.text,
	    (long long)(clock_monotonic_ms() - begin_ms));
	buf_clear(&text);
	return 0;
}
