/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlsladder notice: the letter to the postmaster of a destination. What is in it was seen
 * just now: lines of the log are no proof.
 */
#include "core/notice.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/mem.h"
#include "base/span.h"
#include "cmd/check.h"
#include "cmd/cmd.h"
#include "cmd/notice_send.h"
#include "cmd/operand.h"
#include "core/choice.h"
#include "core/forecast.h"
#include "core/measured.h"
#include "postfix/finger.h"
#include "sys/clock.h"

#define SMTPS_PORT   465
#define FINDINGS_MAX (CHOICE_MAX * CHOICE_ADDRESSES_MAX + 2)
#define SERVER_SIZE  (NEXTHOP_HOST_SIZE + INET6_ADDRSTRLEN + 16)

struct found {
	struct notice_finding notice;
	char server[SERVER_SIZE];
	char words[1024];
};

struct letter {
	const struct config *config;
	struct postfix postfix;
	struct postfix_settings settings;
	struct measurer *measurer;
	struct check check; /* DNS and the policy, as check has them */
	enum notice_language language;
	bool send;
	struct found found[FINDINGS_MAX];
	size_t count;
	bool unsure;                            /* something could not be asked */
	struct measured_host hosts[CHOICE_MAX]; /* what each of them did */
	unsigned host_count;
};

/* --- what is wrong ----------------------------------------------------------------- */

static struct found *
add(struct letter *l, enum notice_fault fault, const char *words)
{
	struct found *f = &l->found[l->count++];

	snprintf(f->words, sizeof(f->words), "%s", words);
	f->notice = (struct notice_finding){.fault = fault,
	    .server = f->server,
	    .words = f->words,
	    .at_s = clock_wall_ms() / SPAN_SECOND_MS};
	return f;
}

/* Does an enforced policy that is there now demand that this host's certificate verifies?
 * Nothing does without an authority of ours. */
static bool
policy_demands(const struct letter *l, const char *host)
{
	const struct check_policy *policy = &l->check.policy;
	const struct postfix_settings *s = &l->settings;

	return policy->had && policy->policy.mode == STS_MODE_ENFORCE &&
	    policy->policy.max_age_s > 0 &&
	    sts_policy_allows(&policy->policy, str_of(host)) &&
	    ((s->ca_file != NULL && s->ca_file[0] != '\0') ||
	        (s->ca_path != NULL && s->ca_path[0] != '\0'));
}

/* Of its addresses, made one. */
static void
note_host(struct letter *l, const struct chosen_host *host, const struct probe *probe)
{
	struct measured_host *last =
	    l->host_count > 0 ? &l->hosts[l->host_count - 1] : NULL;

	if (last != NULL && last->name == host->name)
		last->probe = probe_merge(&last->probe, probe);
	else
		l->hosts[l->host_count++] = (struct measured_host){
		    .name = host->name, .promise = host->promise, .probe = *probe};
}

static void
ask_server(struct letter *l, const struct chosen_host *host, const char *address)
{
	const struct nexthop *nexthop = &l->check.item.nexthop;
	struct finger_settings settings = finger_settings_of(&l->settings);
	struct finger_question question = {
	    .host = host->name,
	    .address = address,
	    .port = nexthop->port,
	    .nexthop = l->check.item.choice.domain,
	    .dane = host->promise == PROMISE_DANE,
	};
	enum notice_fault fault;
	struct server server;
	struct probe probe;
	struct found *f;
	struct err why;

	if (finger_ask(&l->postfix, &settings, &question, &server, &why) !=
	    FINGER_ASKED) {
		cmd_warn("cannot ask %s[%s]: %s; see `tlsladder doctor`", host->name,
		    address, why.text);
		l->unsure = true;
		return;
	}
	probe = server_probe(
	    &server, &settings.rules, host->name, l->check.item.choice.domain);
	l->unsure = l->unsure || probe.end == PROBE_SILENT || probe.end == PROBE_OURS;
	note_host(l, host, &probe);
	fault = notice_fault_of(&probe, question.dane, policy_demands(l, host->name));
	if (fault == NOTICE_NONE)
		return;
	f = add(l, fault, why.text);
	snprintf(f->server, sizeof(f->server), "%s[%s]:%u", host->name, address,
	    (unsigned)nexthop->port);
	if (fault == NOTICE_EXPIRED)
		f->notice.until_s = server.until_ms / SPAN_SECOND_MS;
}

static void
ask_servers(struct letter *l)
{
	const struct choice *choice = &l->check.item.choice;

	for (unsigned i = 0; i < choice->count; i++) {
		const struct chosen_host *host = &choice->hosts[i];

		for (unsigned a = 0; a < host->address_count; a++) {
			const struct chosen_address *at = &host->addresses[a];
			char address[INET6_ADDRSTRLEN];

			if (inet_ntop(at->length == 4 ? AF_INET : AF_INET6, at->octets,
			        address, sizeof(address)) != NULL)
				ask_server(l, host, address);
		}
	}
}

static void
add_policy(struct letter *l)
{
	const struct check_policy *policy = &l->check.policy;
	struct found *f;

	if (!policy->asked)
		return;
	if (!policy->had && policy->cause == STS_CAUSE_FETCHER) {
		cmd_warn("cannot ask for the MTA-STS policy: %s; see `tlsladder doctor`",
		    policy->detail);
		l->unsure = true;
	} else if (!policy->had) {
		f = add(l, NOTICE_POLICY, sts_cause_sentence(policy->cause));
		snprintf(f->server, sizeof(f->server), "mta-sts.%s",
		    l->check.item.answers.sts_domain);
	} else if (policy->policy.mode == STS_MODE_ENFORCE &&
	    policy->policy.max_age_s > 0 && l->check.found->dns.host_count > 0 &&
	    policy->allowed == 0) {
		f = add(l, NOTICE_NO_HOST, "");
		snprintf(
		    f->server, sizeof(f->server), "%s", l->check.item.answers.sts_domain);
	}
}

/* 0: all is known that is in the letter, whatever that is. */
static int
look(struct letter *l)
{
	struct resolver_settings resolver = config_resolver(l->config);
	struct measure_settings measure;
	struct postfix of;
	struct err err;

	l->postfix = cmd_postfix(l->config);
	l->measurer = measure_make(&resolver);
	if (!measure_has_resolver(l->measurer, &err))
		return cmd_fail(EX_UNAVAILABLE, "%s", err.text);
	if (!cmd_settings(l->config, &of, &l->settings, &err))
		return cmd_fail(EX_UNAVAILABLE,
		    "cannot ask Postfix: %s; see `tlsladder doctor`", err.text);
	measure = measure_settings_of(&l->postfix, &l->settings, NULL);
	measure.node.postfix = &of;
	measure.policies = l->config->mta_sts.enable;
	if (!measure_has_prober(&measure))
		return cmd_fail(EX_UNAVAILABLE,
		    "posttls-finger is not to be found; see `tlsladder doctor`");
	cmd_take_port(&l->settings, &l->check.item.nexthop);
	l->check.found = measure_one(l->measurer, &measure, &l->check.item);
	if (l->check.item.answers.dane.state == DANE_UNSURE)
		return cmd_fail(EX_UNAVAILABLE,
		    "DNS could not tell its servers%s%s; try again later",
		    l->check.found->dns.trouble[0] != '\0' ? ": " : "",
		    l->check.found->dns.trouble);
	check_policy(&l->check, l->config, l->measurer, NULL, &l->settings);
	ask_servers(l);
	add_policy(l);
	return 0;
}

/* --- sending ----------------------------------------------------------------------- */

/* What our own Postfix demands there. */
struct in_force {
	const char *key;
	struct demand demand; /* owned; LEVEL_NONE: the default level */
	bool of_policy;
	size_t parent; /* the length of whose name, where it is a parent's; 0: its own */
};

static bool
note_parent(void *context, const struct entry *entry)
{
	struct in_force *now = context;
	size_t length = strlen(entry->key);

	if (entry->level == LEVEL_NONE || length <= now->parent ||
	    !nexthop_is_below(now->key, entry->key))
		return true;
	demand_clear(&now->demand);
	now->demand = demand_copy((struct demand){entry->level, entry->attributes});
	now->parent = length;
	return true;
}

static bool
find_in_force(
    const struct letter *l, struct store *store, struct in_force *now, struct err *err)
{
	struct destination d;
	bool found;

	*now = (struct in_force){
	    .key = l->check.item.nexthop.key, .demand = demand_of(LEVEL_NONE)};
	if (!store_get(store, now->key, &d, &found, err))
		return false;
	now->demand = demand_copy(destination_demand(&d));
	now->of_policy = now->demand.level != LEVEL_NONE && d.entry.why == WHY_POLICY;
	destination_clear(&d);
	return now->demand.level != LEVEL_NONE ||
	    store_each_parent(store, note_parent, now, err);
}

/* Does mail flow at what is in force, by what the servers did just now? */
static enum answer
is_held(const struct letter *l, const struct in_force *now, enum level standard)
{
	struct measured measured = measured_of(l->hosts, l->host_count, false);
	struct answers *answers = mem_new(1, sizeof(*answers));
	struct forecast_settings settings = {
	    .level = standard,
	    .can_dane = l->settings.can_dane ? ANSWER_YES : ANSWER_NO,
	    .policy = &l->config->ladder,
	};
	enum answer held;

	*answers = l->check.item.answers;
	answers->other_map = ANSWER_NO; /* not asked here */
	held = forecast_pinned(&settings, answers, &measured, now->demand).waits;
	if (now->of_policy &&
	    (answers->sts_allows_none || measured.meets[LEVEL_VERIFY] == ANSWER_NO))
		held = ANSWER_YES;
	free(answers);
	return held;
}

/* The letter says "TLS-Required: no" (RFC 8689), which Postfix takes at its word
 * from 3.10 on, at whatever level. */
static bool
goes_at_any_level(const char *mail_version)
{
	char *end = NULL;
	unsigned long major = strtoul(mail_version, &end, 10);

	return major > 3 ||
	    (major == 3 && *end == '.' && strtoul(end + 1, NULL, 10) >= 10);
}

/* A letter that waits here reaches nobody, and none could follow it for 30 days. */
static int
may_go(struct letter *l, struct store *store)
{
	enum level standard = l->config->postfix.default_level != LEVEL_UNKNOWN
	    ? l->config->postfix.default_level
	    : l->settings.level;
	struct in_force now;
	struct err err;
	enum answer held;
	enum level level;

	if (l->settings.version != NULL && goes_at_any_level(l->settings.version))
		return 0;
	if (!find_in_force(l, store, &now, &err)) {
		demand_clear(&now.demand);
		return cmd_fail(EX_IOERR, "%s", err.text);
	}
	level = now.demand.level != LEVEL_NONE ? now.demand.level : standard;
	held = is_held(l, &now, standard);
	demand_clear(&now.demand);
	if (held == ANSWER_YES)
		return cmd_fail(EX_UNAVAILABLE,
		    "not sent: at %s, which is in force for %s here, the letter would "
		    "wait with all other mail; send it another way",
		    level_name(level), l->check.item.nexthop.key);
	if (held == ANSWER_UNSURE && level_promise(level) > LEVEL_MAY)
		cmd_warn("whether mail to %s goes at %s could not be told: the letter "
		         "may wait; see `mailq`",
		    l->check.item.nexthop.key, level_name(level));
	return 0;
}

static int
send_letter(struct letter *l, const struct buf *text)
{
	struct notice_letter letter = {
	    .config = l->config,
	    .postfix = &l->postfix,
	    .domain = l->check.item.nexthop.host,
	    .language = l->language,
	    .text = text,
	};
	struct store *store;
	int status = 0;

	store = cmd_store(l->config, true, &status);
	if (store == NULL)
		return status;
	status = may_go(l, store);
	if (status == 0)
		return notice_send(&letter, store);
	store_close(store);
	return status;
}

/* --- the command ------------------------------------------------------------------- */

static int
write_letter(struct letter *l)
{
	const char *domain = l->check.item.nexthop.host;
	struct notice_finding findings[FINDINGS_MAX];
	struct buf text = {0}, subject = {0};
	int status;

	for (size_t i = 0; i < l->count; i++)
		findings[i] = l->found[i].notice;
	notice_print(l->language, domain,
	    l->settings.helo_name != NULL ? l->settings.helo_name : "", findings,
	    l->count, &text);
	notice_subject(l->language, domain, &subject);
	printf("Subject: %s\n\n%s", buf_text(&subject), buf_text(&text));
	status = cmd_flush();
	if (status == 0 && l->send)
		status = send_letter(l, &text);
	buf_clear(&subject);
	buf_clear(&text);
	return status;
}

static int
run_with(struct letter *l)
{
	const struct nexthop *nexthop = &l->check.item.nexthop;
	int status;

	if (l->send && notice_is_denied(l->config, nexthop->host))
		return cmd_fail(EX_NOPERM,
		    "%s is in notify.deny: nothing is ever sent there", nexthop->host);
	if (l->send && l->config->notify.from[0] == '\0')
		return cmd_fail(EX_CONFIG,
		    "notify.from is empty; set it to the address that answers go to");
	status = look(l);
	if (status != 0)
		return status;
	if (l->count > 0)
		return write_letter(l);
	return l->unsure ? cmd_fail(EX_UNAVAILABLE,
	                       "not all of its servers could be asked; try again later")
	                 : cmd_fail(EX_DATAERR,
	                       "nothing is wrong there that a letter is for; see "
	                       "`tlsladder check --probe %s`",
	                       l->check.item.nexthop.key);
}

static int
read_arguments(struct letter *l, int argc, char **argv)
{
	static const struct option longs[] = {{"lang", required_argument, NULL, 'l'},
	    {"send", no_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
	struct nexthop *nexthop = &l->check.item.nexthop;
	int option;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option == 's')
			l->send = true;
		else if (option != 'l')
			return cmd_wrong_option(&cmd_notice, option, argv);
		else if (!notice_language_parse(str_of(optarg), &l->language))
			return cmd_usage(&cmd_notice, "languages are en, de");
	}
	if (optind + 1 != argc)
		return cmd_usage(&cmd_notice, "one domain is needed");
	if (!cmd_nexthop(&cmd_notice, argv[optind], nexthop))
		return EX_USAGE;
	if (nexthop->bracketed || nexthop->literal || nexthop->port == SMTPS_PORT)
		return cmd_usage(&cmd_notice,
		    "%s is no domain of mail: it has no postmaster", nexthop->key);
	return 0;
}

static int
run_notice(const struct options *options, int argc, char **argv)
{
	struct letter *l = mem_new(1, sizeof(*l));
	struct config config;
	int status = read_arguments(l, argc, argv);

	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status == 0) {
		l->config = &config;
		status = run_with(l);
		check_policy_clear(&l->check.policy);
		measure_drop(l->measurer);
		postfix_settings_clear(&l->settings);
		config_clear(&config);
	}
	free(l);
	return status;
}

const struct command cmd_notice = {
    .name = "notice",
    .usage = "[--lang en|de] [--send] DOMAIN",
    .summary = "Write to a postmaster whose servers fail at TLS",
    .help = "The servers are asked now; what is wrong is shown as a letter, with proof\n"
            "and what to do. Exit status 65 where nothing is.\n"
            "--lang  its language\n"
            "--send  mail it to postmaster@DOMAIN, from notify.from: once in 30 days\n"
            "        at most, else exit status 75\n",
    .run = run_notice,
};
