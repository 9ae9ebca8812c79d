/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlsladder check: what a destination is able to, asked now. DNS host by host and, with
 * --probe, the servers, as smtp(8) would connect to each of them.
 */
#include "cmd/check.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/nodes.h"
#include "cmd/operand.h"
#include "cmd/page.h"

#define SMTPS_PORT 465

/* What is the same for all destinations. */
struct checker {
	bool probe;
	bool json;
	const struct config *config;
	struct postfix postfix;
	struct cmd_nodes nodes;
	bool has_settings;
	struct measurer *measurer;
	struct measure_settings measure;
	struct grade_settings grade;
	struct store *store; /* NULL: there is none to write to */
};

/* --- one destination --------------------------------------------------------------- */

/* As far as there is a state that can be read. */
static void
read_causes(const struct checker *c, struct check *check)
{
	const struct measurement *found = check->found;
	struct err ignored;

	for (unsigned i = 0; c->store != NULL && i < found->dns.host_count; i++)
		if (!store_host_cause_get(c->store, found->dns.hosts[i].name,
		        check->item.nexthop.port, &check->causes[i], &ignored))
			return;
}

/* True: DNS could tell. */
static bool
check_one(struct checker *c, const struct nexthop *nexthop)
{
	struct check *check = mem_new(1, sizeof(*check));
	struct buf out = {0};
	bool sure;

	check->settings = &c->grade;
	check->item.nexthop = *nexthop;
	cmd_take_port(c->has_settings ? &c->nodes.settings : NULL, &check->item.nexthop);
	/* TLS from the first byte is not what is spoken here. */
	if (c->probe && nexthop->port != SMTPS_PORT) {
		check->item.probing = MEASURE_PROBE_HOSTS;
		check->item.probe_up_to = c->grade.default_level;
		check->item.answers.probe_asked = true;
	}
	check->found = measure_one(c->measurer, &c->measure, &check->item);
	check_policy(check, c->config, c->measurer, c->store,
	    c->has_settings ? &c->nodes.settings : NULL);
	check->grading = grade_judge(&c->grade, nexthop->key, &check->item.answers);
	check->news = check_tell_daemon(c->store, c->config, check);
	read_causes(c, check);
	(c->json ? check_print_json : check_print)(check, &out);
	if (c->json)
		fwrite(buf_text(&out), 1, out.len, stdout);
	else
		page_print(&out);
	fflush(stdout);
	buf_clear(&out);
	sure = check->item.answers.dane.state != DANE_UNSURE;
	check_policy_clear(&check->policy);
	free(check);
	return sure;
}

/* --- the command ------------------------------------------------------------------- */

static void
read_settings(struct checker *c)
{
	struct err err;

	c->has_settings = cmd_nodes_ask(c->config, &c->nodes, &err);
	if (!c->has_settings)
		cmd_warn(
		    "cannot ask Postfix: %s; `tlsladder doctor` looks into it", err.text);
	c->measure = cmd_nodes_measure(&c->nodes, c->config, &c->postfix);
	c->grade = (struct grade_settings){
	    .default_level = c->config->postfix.default_level,
	    .policy = &c->config->ladder,
	    .can_dane = !c->has_settings     ? ANSWER_UNSURE
	        : c->nodes.settings.can_dane ? ANSWER_YES
	                                     : ANSWER_NO,
	};
	if (c->grade.default_level == LEVEL_UNKNOWN)
		c->grade.default_level = c->nodes.settings.level;
}

static int
start(struct checker *c)
{
	struct resolver_settings resolver = config_resolver(c->config);
	struct err err;

	c->measurer = measure_make(&resolver);
	if (!measure_has_resolver(c->measurer, &err))
		return cmd_fail(EX_UNAVAILABLE, "%s", err.text);
	read_settings(c);
	if (c->probe && !measure_has_prober(&c->measure))
		return cmd_fail(EX_UNAVAILABLE,
		    "posttls-finger is not to be found; it comes with Postfix: install "
		    "that, or leave --probe out");
	return 0;
}

static int
check_all(struct checker *c, const struct nexthop *nexthops, size_t count)
{
	int status = start(c), flushed;
	bool unsure = false;

	for (size_t i = 0; i < count && status == 0; i++)
		unsure = !check_one(c, &nexthops[i]) || unsure;
	if (status != 0)
		return status;
	flushed = cmd_flush();
	return flushed != 0 ? flushed : unsure ? EX_UNAVAILABLE : 0;
}

static int
read_arguments(struct checker *c, int argc, char **argv)
{
	static const struct option longs[] = {{"probe", no_argument, NULL, 'p'},
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option == 'p')
			c->probe = true;
		else if (option == 'j')
			c->json = true;
		else
			return cmd_wrong_option(&cmd_check, option, argv);
	}
	return optind < argc ? 0 : cmd_usage(&cmd_check, "a domain is needed");
}

static int
run_check(const struct options *options, int argc, char **argv)
{
	struct checker c = {0};
	struct nexthop *nexthops;
	struct config config;
	size_t count;
	int status;

	status = read_arguments(&c, argc, argv);
	if (status != 0)
		return status;
	count = (size_t)(argc - optind);
	nexthops = mem_new(count, sizeof(*nexthops));
	for (size_t i = 0; i < count && status == 0; i++)
		if (!cmd_nexthop(&cmd_check, argv[(size_t)optind + i], &nexthops[i]))
			status = EX_USAGE;
	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status == 0) {
		c.config = &config;
		c.postfix = cmd_postfix(&config);
		c.store = check_open_state(&config);
		status = check_all(&c, nexthops, count);
		store_close(c.store);
		measure_drop(c.measurer);
		cmd_nodes_clear(&c.nodes);
		config_clear(&config);
	}
	free(nexthops);
	return status;
}

const struct command cmd_check = {
    .name = "check",
    .usage = "[--probe] [--json] DOMAIN...",
    .summary = "Ask DNS, and the servers, what a destination is able to",
    .help =
        "DOMAIN   as Postfix looks it up: a domain, [host] or [host]:port\n"
        "--probe  ask the servers as well, with posttls-finger(1)\n"
        "--json   an object a line\n"
        "Grades: green, DANE or a certificate that verifies; yellow, encrypted; red,\n"
        "cleartext; ?, could not tell or no mail flows. Exit status 69 where DNS could\n"
        "not tell. No entry is changed; where the state may be written, the daemon "
        "looks\n"
        "at once at what is news to it.\n",
    .run = run_check,
};
