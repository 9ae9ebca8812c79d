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
#include "dns/resolver.h"

#define PROBE_MS        15000
#define PROBE_HOSTS_MAX 8 /* smtp(8) itself tries five addresses */
#define SMTPS_PORT      465

/* What is the same for all destinations. */
struct checker {
	bool probe;
	bool json;
	const struct config *config;
	struct postfix postfix;
	struct postfix_settings settings; /* empty where Postfix could not be asked */
	bool has_settings;
	char **other_maps;
	struct resolver *resolver;
	struct probe_settings prober;
	struct store *store; /* NULL: there is none to write to */
	struct check *check;
};

unsigned
check_usable(const struct dns_host *host)
{
	unsigned usable = 0;

	if (host->tlsa != DNS_SECURE ||
	    (host->address != DNS_SECURE && host->cname != DNS_SECURE))
		return 0;
	for (unsigned i = 0; i < host->tlsa_count; i++)
		if (dane_tlsa_is_usable(&host->tlsas[i]))
			usable++;
	return usable;
}

/* --- the servers ------------------------------------------------------------------- */

static enum answer
answer_of(enum probe_outcome outcome)
{
	return outcome == PROBE_YES ? ANSWER_YES
	    : outcome == PROBE_NO   ? ANSWER_NO
	                            : ANSWER_UNSURE;
}

/* False: it makes no sense to go on with this server. */
static bool
probe(struct checker *c, const char *key, enum level level, struct check_probe *out)
{
	struct err err = {{0}};

	out->level = level;
	out->outcome = probe_server(&c->postfix, &c->prober, key, level, &err);
	snprintf(out->found, sizeof(out->found), "%.*s", (int)sizeof(out->found) - 1,
	    err.text);
	grade_note(&c->check->facts, level, answer_of(out->outcome));
	return out->outcome == PROBE_YES || out->outcome == PROBE_NO;
}

/* From the strongest rung down; what verifies is encrypted as well. */
static void
probe_host(struct checker *c, const char *key, bool dane, struct check_host *host)
{
	static const enum level rungs[] = {LEVEL_DANE_ONLY, LEVEL_VERIFY, LEVEL_ENCRYPT};

	for (size_t i = dane ? 0 : 1; i < sizeof(rungs) / sizeof(rungs[0]); i++) {
		struct check_probe *out = &host->probes[host->count++];

		if (!probe(c, key, rungs[i], out) ||
		    (rungs[i] == LEVEL_VERIFY && out->outcome == PROBE_YES))
			break;
	}
}

/* [host] is asked for itself; at verify its certificate has to name the host as well. */
static bool
host_key(const struct check *check, const char *name, char key[NEXTHOP_KEY_SIZE])
{
	struct nexthop parsed;

	return snprintf(key, NEXTHOP_KEY_SIZE, "[%s]:%u", name, check->nexthop.port) <
	    NEXTHOP_KEY_SIZE &&
	    nexthop_parse(str_of(key), &parsed);
}

static bool
has_address(const struct dns_host *host)
{
	return host->literal || host->address == DNS_SECURE ||
	    host->address == DNS_INSECURE;
}

static void
probe_hosts(struct checker *c)
{
	struct check *check = c->check;
	char key[NEXTHOP_KEY_SIZE];

	if (check->nexthop.literal && host_key(check, check->nexthop.host, key))
		probe_host(c, key, false, &check->hosts[0]);
	for (unsigned i = 0; i < check->dns.host_count && i < PROBE_HOSTS_MAX; i++) {
		const struct dns_host *host = &check->dns.hosts[i];

		if (has_address(host) && host_key(check, host->name, key))
			probe_host(c, key,
			    check->verdict.state == DANE_USABLE && check_usable(host) > 0,
			    &check->hosts[i]);
	}
	/* The names of secure are the destination's, so that it is asked as a whole. */
	if (check->facts.default_level == LEVEL_SECURE &&
	    check->facts.works[LEVEL_VERIFY] == ANSWER_YES)
		probe(c, check->nexthop.key, LEVEL_SECURE, &check->secure);
}

/* --- one destination --------------------------------------------------------------- */

static void
ask_other_maps(struct checker *c)
{
	const char *key = c->check->nexthop.key;
	struct err err = {{0}};

	c->check->facts.other_map = ANSWER_NO;
	if (c->other_maps == NULL || c->other_maps[0] == NULL)
		return;
	postfix_maps_answer(
	    &c->postfix, c->other_maps, &key, 1, &c->check->facts.other_map, &err);
	snprintf(c->check->other_map_trouble, sizeof(c->check->other_map_trouble), "%.*s",
	    (int)sizeof(c->check->other_map_trouble) - 1, err.text);
}

static void
check_one(struct checker *c, const struct nexthop *nexthop)
{
	struct check *check = c->check;
	struct buf out = {0};

	*check = (struct check){.nexthop = *nexthop};
	resolver_gather(c->resolver, nexthop, &check->dns);
	check->verdict = dane_judge(&check->dns);
	check->facts.dane = check->verdict.state;
	check->facts.lowest = c->config->ladder.lowest;
	check->facts.default_level = c->config->postfix.default_level;
	if (check->facts.default_level == LEVEL_UNKNOWN)
		check->facts.default_level = c->settings.level;
	check->facts.can_dane = !c->has_settings ? ANSWER_UNSURE
	    : c->settings.can_dane               ? ANSWER_YES
	                                         : ANSWER_NO;
	ask_other_maps(c);
	/* TLS from the first byte is not what is spoken here. */
	check->facts.probed = c->probe && nexthop->port != SMTPS_PORT;
	if (check->facts.probed && check->verdict.state != DANE_NO_MAIL)
		probe_hosts(c);
	check->grading = grade_judge(&check->facts);
	check->news = check_tell_daemon(c->store, c->config, check);
	(c->json ? check_print_json : check_print)(check, &out);
	fwrite(buf_text(&out), 1, out.len, stdout);
	fflush(stdout);
	buf_clear(&out);
}

/* --- the command ------------------------------------------------------------------- */

static int
start(struct checker *c)
{
	struct resolver_settings settings = {
	    .servers = c->config->dns.resolvers.items,
	    .server_count = (unsigned)c->config->dns.resolvers.count,
	    .resolv_conf = "/etc/resolv.conf",
	    .trust_ad = c->config->dns.trust_ad,
	    .timeout_ms = c->config->dns.timeout_ms,
	    .tries = c->config->dns.tries,
	};
	struct err err;
	bool ours;

	c->resolver = resolver_new(&settings, &err);
	if (c->resolver == NULL)
		return cmd_fail(EX_UNAVAILABLE, "%s", err.text);
	c->has_settings = postfix_read_settings(&c->postfix, &c->settings, &err);
	if (!c->has_settings)
		fprintf(stderr, "tlsladder: warning: cannot ask Postfix: %s\n", err.text);
	else
		c->other_maps = postfix_other_maps(
		    c->settings.policy_maps, c->config->map.file, &ours);
	c->prober = (struct probe_settings){
	    .ca_file = c->has_settings ? c->settings.ca_file : "",
	    .ca_path = c->has_settings ? c->settings.ca_path : "",
	    .timeout_ms = PROBE_MS,
	};
	if (c->probe &&
	    probe_server(&c->postfix, &c->prober, "[127.0.0.1]:1", LEVEL_ENCRYPT, &err) ==
	        PROBE_MISSING)
		return cmd_fail(EX_UNAVAILABLE, "posttls-finger is not to be found");
	return 0;
}

static int
check_all(struct checker *c, const struct nexthop *nexthops, size_t count)
{
	int status = start(c), flushed;
	bool unsure = false;

	for (size_t i = 0; i < count && status == 0; i++) {
		check_one(c, &nexthops[i]);
		unsure = unsure || c->check->verdict.state == DANE_UNSURE;
	}
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
		c.check = mem_new(1, sizeof(*c.check));
		status = check_all(&c, nexthops, count);
		free(c.check);
		store_close(c.store);
		resolver_free(c.resolver);
		postfix_maps_free(c.other_maps);
		postfix_settings_clear(&c.settings);
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
