/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder policy: the MTA-STS policies that are held, and why not. The daemon fetches.
 */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/daemon.h"
#include "cmd/page.h"
#include "measure/measure.h"
#include "store/store_sts.h"
#include "sys/clock.h"

struct policies {
	bool refresh;
	bool drop;
	bool json;
	int64_t now_ms;
	char (*domains)[NEXTHOP_HOST_SIZE]; /* none: all */
	size_t count;
	size_t shown;
	struct buf out;
};

/* --- shown ------------------------------------------------------------------------- */

/* What applies, and until when. */
static void
add_state(struct buf *out, const struct sts_record *r, int64_t now_ms)
{
	enum sts_applies applies = sts_applies(&r->state, now_ms);
	int64_t ends_ms = sts_ends_ms(&r->state, now_ms);

	if (ends_ms == 0) {
		buf_printf(out, "%s",
		    applies == STS_APPLIES_UNHAD        ? "announced, not had"
		        : applies == STS_APPLIES_UNSURE ? "DNS could not tell"
		                                        : "no policy");
		return;
	}
	buf_printf(out, "%s until ", sts_applies_name(applies));
	page_add_minute(out, ends_ms);
	buf_printf(out, " %s", PAGE_ZONE);
}

static void
add_failure(struct buf *out, const struct sts_record *r)
{
	if (r->state.cause == STS_CAUSE_OK)
		return;
	buf_printf(out, "%s", sts_cause_sentence(r->state.cause));
	if (r->detail[0] != '\0') {
		buf_printf(out, ": ");
		buf_add_visible(out, str_of(r->detail));
	}
}

static void
add_time_line(struct buf *out, const char *name, int64_t ms)
{
	if (ms == 0)
		return;
	buf_printf(out, "  %-12s ", name);
	page_add_moment(out, ms);
	buf_add_char(out, '\n');
}

static void
show_whole(struct buf *out, const struct sts_record *r, int64_t now_ms)
{
	const struct sts_state *s = &r->state;

	buf_printf(out, "%s  ", r->domain);
	add_state(out, r, now_ms);
	buf_printf(out, "\n  TXT          %s%s%s\n", sts_txt_name(s->txt.state),
	    s->txt.id[0] != '\0' ? ", id " : "", s->txt.id);
	add_time_line(out, "asked", s->txt_ms);
	if (s->fetched_ms != 0) {
		buf_printf(out, "  policy       id %s, max_age %u s\n",
		    s->id[0] != '\0' ? s->id : "-", s->policy.max_age_s);
		if (s->policy.mx != NULL && s->policy.mx[0] != '\0')
			buf_printf(out, "  mx           %s%s\n", s->policy.mx,
			    s->policy.cut ? ", and more that are not kept" : "");
	}
	add_time_line(out, "fetched", s->fetched_ms);
	if (s->cause != STS_CAUSE_OK) {
		buf_printf(out, "  failure      ");
		add_failure(out, r);
		buf_add_char(out, '\n');
		add_time_line(out, "tried", s->tried_ms);
		add_time_line(out, "failing since", s->failing_ms);
	}
	add_time_line(out, "look again", r->next_ms > 1 ? r->next_ms : 0);
}

static void
show_row(struct buf *out, const struct sts_record *r, int64_t now_ms)
{
	page_add_key(out, r->domain, 30);
	add_state(out, r, now_ms);
	if (r->state.cause != STS_CAUSE_OK) {
		buf_printf(out, "  ");
		add_failure(out, r);
	}
	buf_add_char(out, '\n');
}

static void
show_json(struct buf *out, const struct sts_record *r, int64_t now_ms)
{
	const struct sts_state *s = &r->state;
	bool failed = s->cause != STS_CAUSE_OK;

	buf_printf(out, "{\"domain\":");
	buf_add_json(out, str_of(r->domain));
	buf_add_member(out, "applies", sts_applies_name(sts_applies(s, now_ms)));
	buf_add_time_member(out, "until", sts_ends_ms(s, now_ms));
	buf_add_member(
	    out, "mode", s->fetched_ms != 0 ? sts_mode_name(s->policy.mode) : "");
	buf_add_member(out, "mx", s->policy.mx != NULL ? s->policy.mx : "");
	buf_printf(out, ",\"mx_cut\":%s,\"max_age\":%u", s->policy.cut ? "true" : "false",
	    s->policy.max_age_s);
	buf_add_member(out, "id", s->id);
	buf_add_time_member(out, "fetched", s->fetched_ms);
	buf_add_member(out, "txt", sts_txt_name(s->txt.state));
	buf_add_member(out, "txt_id", s->txt.id);
	buf_add_time_member(out, "txt_time", s->txt_ms);
	buf_add_member(out, "failure", failed ? sts_cause_name(s->cause) : "");
	buf_add_member(out, "detail", failed ? r->detail : "");
	buf_add_time_member(out, "tried", s->tried_ms);
	buf_add_time_member(out, "failing_since", s->failing_ms);
	buf_printf(out, "}\n");
}

static bool
show(void *context, const struct sts_record *r)
{
	struct policies *p = context;

	p->shown++;
	if (p->json)
		show_json(&p->out, r, p->now_ms);
	else if (p->count > 0)
		show_whole(&p->out, r, p->now_ms);
	else
		show_row(&p->out, r, p->now_ms);
	return true;
}

static int
show_all(struct policies *p, struct store *store)
{
	struct err err;
	int status = 0;

	if (p->count == 0 && !store_each_sts(store, show, p, &err))
		return cmd_fail(EX_IOERR, "%s", err.text);
	for (size_t i = 0; i < p->count; i++) {
		struct sts_record r;
		bool found;

		if (!store_sts_get(store, p->domains[i], &r, &found, &err))
			return cmd_fail(EX_IOERR, "%s", err.text);
		if (found)
			show(p, &r);
		else
			status = cmd_fail(EX_NOINPUT,
			    "no MTA-STS policy of %s is known; `tlsladder check %s` asks "
			    "for it",
			    p->domains[i], p->domains[i]);
		sts_record_clear(&r);
	}
	if (p->json)
		fwrite(buf_text(&p->out), 1, p->out.len, stdout);
	else
		page_print(&p->out);
	if (p->shown == 0 && p->count == 0 && !p->json)
		puts("no MTA-STS policy is known");
	return status;
}

/* --- changed ----------------------------------------------------------------------- */

/* Due at once; the daemon judges what it comes to. Of one that was never had it would see
 * no change: an entry that was taken over goes at once. */
static bool
drop(struct policies *p, struct store *store, const char *domain, bool *found,
    struct err *err)
{
	struct sts_record r;
	bool done = store_sts_get(store, domain, &r, found, err), had;

	if (!done)
		return false;
	had = sts_was_had(&r.state);
	sts_take_drop(&r.state);
	r.next_ms = 1;
	done = !*found ||
	    (store_sts_put(store, &r, err) &&
	        (had || store_sts_news(store, domain, p->now_ms, err)));
	sts_record_clear(&r);
	return done;
}

/* Names, as nothing may be written while they are walked through. */
static bool
add_domain(void *context, const struct sts_record *r)
{
	struct policies *p = context;

	p->domains = mem_array(p->domains, p->count + 1, sizeof(*p->domains));
	memcpy(p->domains[p->count++], r->domain, NEXTHOP_HOST_SIZE);
	return true;
}

/* All or none. */
static int
change_all(struct policies *p, struct store *store)
{
	struct err err;
	bool done = store_begin(store, &err);
	int status = 0;

	if (done && p->count == 0)
		done = store_each_sts(store, add_domain, p, &err);
	for (size_t i = 0; done && i < p->count; i++) {
		bool found;

		done = p->drop ? drop(p, store, p->domains[i], &found, &err)
		               : store_sts_refresh(store, p->domains[i], &found, &err);
		if (done && !found)
			status = cmd_fail(EX_NOINPUT,
			    "no MTA-STS policy of %s is known; `tlsladder check %s` asks "
			    "for it",
			    p->domains[i], p->domains[i]);
	}
	if (done && status == 0 && store_commit(store, &err)) {
		if (p->count == 0)
			cmd_note("no MTA-STS policy is known");
		for (size_t i = 0; i < p->count; i++)
			printf("%s: %s\n", p->domains[i],
			    p->drop ? "dropped; it is fetched anew if it is announced"
			            : "is asked for anew");
		return 0;
	}
	store_rollback(store);
	return status != 0 ? status : cmd_fail(EX_IOERR, "%s", err.text);
}

/* --- the command ------------------------------------------------------------------- */

static int
work(struct policies *p, const struct config *config)
{
	int status = 0, flushed;
	struct store *store;

	if (!config->mta_sts.enable && p->refresh)
		return cmd_fail(EX_CONFIG,
		    "MTA-STS is switched off (mta_sts.enable): nothing is asked for");
	if (!config->mta_sts.enable && !p->drop)
		cmd_note("MTA-STS is switched off (mta_sts.enable): what is kept is not "
		         "enforced, and nothing is asked for");
	store = cmd_store(config, false, &status);
	if (store == NULL)
		return status;
	status = p->refresh || p->drop ? change_all(p, store) : show_all(p, store);
	store_close(store);
	if (status == 0 && (p->refresh || p->drop))
		daemon_wake(config);
	flushed = cmd_flush();
	return status != 0 ? status : flushed;
}

static int
read_options(struct policies *p, int argc, char **argv)
{
	static const struct option longs[] = {{"refresh", no_argument, NULL, 'r'},
	    {"drop", no_argument, NULL, 'd'}, {"json", no_argument, NULL, 'j'},
	    {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option == 'r')
			p->refresh = true;
		else if (option == 'd')
			p->drop = true;
		else if (option == 'j')
			p->json = true;
		else
			return cmd_wrong_option(&cmd_policy, option, argv);
	}
	if (p->refresh + p->drop + p->json > 1)
		return cmd_usage(
		    &cmd_policy, "one of --refresh, --drop and --json alone");
	if (p->drop && optind == argc)
		return cmd_usage(&cmd_policy, "a domain is needed for --drop");
	return 0;
}

static int
read_domain(struct policies *p, const char *argument)
{
	struct sts_record r = {.next_ms = 0};
	struct nexthop nexthop;

	if (!cmd_nexthop(&cmd_policy, argument, &nexthop))
		return EX_USAGE;
	if (!measure_policy_domain(&nexthop, r.domain))
		return cmd_fail(EX_DATAERR,
		    "%s can have no MTA-STS policy; name a domain that mail goes to",
		    nexthop.key);
	add_domain(p, &r);
	return 0;
}

static int
run_policy(const struct options *options, int argc, char **argv)
{
	struct policies p = {.now_ms = clock_wall_ms()};
	int status = read_options(&p, argc, argv);
	struct config config;

	for (int i = optind; i < argc && status == 0; i++)
		status = read_domain(&p, argv[i]);
	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status == 0) {
		status = work(&p, &config);
		config_clear(&config);
	}
	buf_clear(&p.out);
	free(p.domains);
	return status;
}

const struct command cmd_policy = {
    .name = "policy",
    .usage = "[--refresh | --drop | --json] [DOMAIN]...",
    .summary = "Show the MTA-STS policies that are held, and why not",
    .help = "Without DOMAIN: all of them, a line each.\n"
            "--refresh  have the daemon ask for them anew, now\n"
            "--drop     forget them; one that is still announced is fetched anew\n"
            "--json     an object a line\n",
    .run = run_policy,
};
