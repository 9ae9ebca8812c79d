/* SPDX-License-Identifier: BSD-2-Clause */
#include "enginekit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/span.h"
#include "core/covered.h"
#include "engine/intake.h"
#include "enginekit_pools.h"
#include "enginekit_queue.h"
#include "storekit.h"
#include "suite.h"

#define TURNS_MAX 1000 /* of one moment */
#define WAKES_MAX 20000

struct world world;

/* --- clocks ------------------------------------------------------------------------ */

static int64_t
wall_ms(void)
{
	return world.wall_ms;
}

static int64_t
mono_ms(void)
{
	return world.mono_ms;
}

static int64_t
running_ms(void)
{
	return world.mono_ms - world.booted_ms;
}

static int64_t
boot(void)
{
	return world.boot;
}

/* --- what workers do --------------------------------------------------------------- */

static void *
ask_nobody(void *settings)
{
	(void)settings;
	return NULL;
}

void
world_add_host(struct measure_item *item, const char *name, enum promise promise)
{
	struct chosen_host *host = &item->choice.hosts[item->choice.count++];

	*host = (struct chosen_host){.promise = promise,
	    .address_count = 1,
	    .addresses = {{.length = 4, .octets = {192, 0, 2, 1}}}};
	snprintf(host->name, sizeof(host->name), "%s", name);
}

static void
ask_maps(const struct measure_settings *settings, const char *const *keys, size_t count,
    enum answer *answers, struct err *trouble)
{
	(void)settings;
	(void)trouble;
	world.maps_asked++;
	for (size_t i = 0; i < count; i++) {
		struct measure_item *item = mem_new(1, sizeof(*item));

		item->answers.other_map = ANSWER_NO;
		if (nexthop_parse(str_of(keys[i]), &item->nexthop) &&
		    world.answer != NULL)
			world.answer(item);
		answers[i] = item->answers.other_map;
		free(item);
	}
}

static void
ask(struct job *job, void *context)
{
	struct measure_job *asked = (struct measure_job *)job;

	(void)context;
	world.measured = &asked->settings;
	for (unsigned i = 0; i < asked->count; i++) {
		struct measure_item *item = &asked->items[i];

		int64_t begun_ms = world.takes_ms;

		item->left =
		    begun_ms >= (item->most_ms != 0 ? item->most_ms : MEASURE_SLOW_MS);
		if (item->left)
			continue;
		item->answers.relay_fits = true;
		item->answers.sources[FACT_policy].asked = true;
		item->answers.sts_txt.state = STS_TXT_NONE;
		item->answers.other_map = ANSWER_NO;
		item->answers.credentials = ANSWER_NO;
		item->answers.dane.state = DANE_NONE;
		item->answers.choice = &item->choice;
		snprintf(item->choice.domain, sizeof(item->choice.domain), "%s",
		    item->nexthop.host);
		if (world.answer != NULL)
			world.answer(item);
		if (item->choice.count == 0) {
			char name[NEXTHOP_HOST_SIZE + 3];

			snprintf(name, sizeof(name), "%s%s",
			    item->nexthop.bracketed ? "" : "mx.", item->nexthop.host);
			world_add_host(item, name, PROMISE_NONE);
		}
		item->late =
		    item->most_ms != 0 && world.takes_ms - begun_ms > item->most_ms;
		if (item->late)
			world.takes_ms = begun_ms + item->most_ms;
		world.asked++;
		buf_printf(&world.asked_keys, "%s ", item->nexthop.key);
	}
}

static void
hurry(void *asker, bool hurries)
{
	(void)asker;
	world.hurries = hurries;
}

static void
ask_policy(void *asker, const char *domain, struct sts_txt *out, uint32_t *ttl_s,
    struct err *trouble)
{
	(void)asker;
	*out = (struct sts_txt){.state = STS_TXT_NONE};
	*ttl_s = 300;
	*trouble = (struct err){""};
	world.policies_asked++;
	if (world.policy != NULL)
		world.policy(domain, out);
}

static void
ask_addresses(void *asker, struct fetch_request *request, struct err *trouble)
{
	uint32_t place = 0;

	(void)asker;
	*trouble = (struct err){""};
	if (world.one_place == NULL ||
	    strncmp(request->host, world.one_place, strlen(world.one_place)) != 0)
		place = (uint32_t)covered_hash(str_of(request->host)) | 1;
	memcpy(request->addresses[0].octets, &place, sizeof(place));
	request->addresses[0].length = sizeof(place);
	request->address_count = 1;
}

static void
fetch(const struct fetch_request *request, int stop_fd, struct buf *text,
    struct fetch_answer *out)
{
	(void)stop_fd;
	*out = (struct fetch_answer){.cause = STS_CAUSE_CONNECT};
	world.fetches++;
	if (world.fetch != NULL)
		world.fetch(request->host, text, out);
}

/* As postconf prints it, what an engine keeps of a node. */
static char *
told_of(const struct postfix_settings *s)
{
	struct buf out = {0};

	buf_printf(&out, "mail_version = %s\nsmtp_tls_security_level = %s\n", s->version,
	    level_name(s->level));
	buf_printf(&out, "smtp_tls_policy_maps = %s\nrelayhost = %s\n", s->policy_maps,
	    s->relayhost);
	buf_printf(&out, "transport_maps = %s\ndefault_transport = %s\n",
	    s->transport_maps, s->default_transport);
	buf_printf(&out, "smtp_sasl_auth_enable = %s\nsmtp_tls_CAfile = %s\n",
	    s->logs_in ? "yes" : "no", s->ca_file);
	buf_printf(&out, "smtp_dns_support_level = %s\nsmtp_host_lookup = dns\n",
	    s->can_dane ? "dnssec" : "enabled");
	buf_printf(&out, "ignore_mx_lookup_error = no\nsyslog_name = postfix\n=\n");
	for (size_t i = 0; i < s->service_count; i++)
		buf_printf(&out, "%s/unix/smtp_tls_security_level = %s\n",
		    s->services[i].name, level_name(s->services[i].level));
	return buf_take(&out);
}

static bool
read_settings(
    const struct postfix *postfix, struct postfix_settings *settings, struct err *err)
{
	bool is_other =
	    world.other != NULL && strcmp(kit_host_of(postfix), world.other) == 0;

	*settings = (struct postfix_settings){
	    .version = mem_strdup(world.version != NULL ? world.version : "3.7.11"),
	    .sts_patterns = true,
	    .level = is_other ? world.other_level : world.default_level,
	    .policy_maps = mem_strdup(world.policy_maps),
	    .database_type = mem_strdup("hash"),
	    .relayhost = mem_strdup(""),
	    .transport_maps = mem_strdup(world.transport_maps),
	    .default_transport = mem_strdup("smtp"),
	    .relay_domains = mem_strdup(""),
	    .relay_transport = mem_strdup("relay"),
	    .sender_relayhost_maps = mem_strdup(""),
	    .recipient_delimiter = mem_strdup(""),
	    .quotes_addresses = true,
	    .logs_in = world.logs_in,
	    .password_maps = mem_strdup(""),
	    .ca_file = mem_strdup(world.no_authorities ? "" : "/ca.pem"),
	    .ca_path = mem_strdup(""),
	    .tls_loglevel = mem_strdup(world.sessions_logged ? "1" : "0"),
	    .log_names = mem_strdup("postfix"),
	    .queue_lifetime_ms = 5 * SPAN_DAY_MS,
	    .ipv4 = true,
	    .can_dane = world.can_dane,
	    .dane_trouble = mem_strdup(""),
	};
	if (world.adjust != NULL)
		world.adjust(kit_host_of(postfix), settings);
	settings->told = told_of(settings);
	if (kit_does_at(postfix, &world.settings, err))
		return true;
	postfix_settings_clear(settings);
	return false;
}

static uint64_t
files_mark(const struct postfix *postfix, const struct postfix_settings *settings)
{
	(void)postfix;
	(void)settings;
	return world.files_mark;
}

static bool
ask_routes(const struct postfix *postfix, const struct route_settings *settings,
    const char *transport_maps, char *const *recipients, size_t count,
    struct route *routes, enum route_asked *asked, struct err *why)
{
	struct str domain;

	assert_true(transport_maps[0] != '\0');
	if (!kit_does_at(postfix, &world.routes, why))
		return false;
	for (size_t i = 0; i < count; i++) {
		assert_true(nexthop_recipient_domain(str_of(recipients[i]), &domain));
		asked[i] = ROUTE_TOLD;
		if (world.untold != NULL && str_is(domain, world.untold)) {
			asked[i] = ROUTE_UNTOLD;
			err_set(why, "TEMP");
		}
		route_of(settings, domain, STR(""), &routes[i]);
		if (asked[i] == ROUTE_UNTOLD)
			routes[i] = (struct route){.transport = ""};
	}
	return true;
}

static enum finger_outcome
finger(const struct postfix *postfix, const struct finger_settings *settings,
    const struct finger_question *question, struct server *server, struct err *why)
{
	(void)postfix;
	err_set(why, "scripted");
	*server = (struct server){.probe = {.end = PROBE_SILENT}};
	if (world.finger == NULL)
		return FINGER_MISSING;
	assert_string_equal(settings->rules.verify, "hostname");
	world.fingered++;
	buf_printf(&world.fingered_hosts, "%s ", question->host);
	world.finger(question, server);
	return FINGER_ASKED;
}

static bool
notify(const struct postfix *postfix, const struct notify_mail *mail, struct err *err)
{
	(void)postfix;
	buf_reset(&world.subject);
	buf_printf(&world.subject, "%s", mail->subject);
	buf_reset(&world.body);
	buf_printf(&world.body, "%s", mail->body);
	buf_printf(&world.bodies, "%s", mail->body);
	buf_printf(&world.subjects, "%s\n", mail->subject);
	buf_printf(&world.letters, "Subject: %s\n\n%s--\n", mail->subject, mail->body);
	return kit_does(&world.notify, err);
}

static bool
notify_command(
    char *const *command, size_t count, const struct notify_mail *mail, struct err *err)
{
	(void)command;
	(void)count;
	buf_reset(&world.body);
	buf_printf(&world.body, "%s", mail->body);
	if (world.commanded != NULL)
		world.commanded();
	return kit_does(&world.command, err);
}

/* As publish/target.c does. */
static void
note_version(struct store *store, const char *name, int64_t version)
{
	struct buf here = {0};
	struct err err;

	assert_true(store_read_here(store, &here, &err));
	if (strcmp(buf_text(&here), name) == 0)
		assert_true(
		    store_map_exported(store, name, version, world.wall_ms, &err));
	else
		assert_true(store_target_put(store, name, version, world.wall_ms, &err));
	buf_clear(&here);
}

static bool
publish(const struct config *config, const struct postfix *postfix, enum publish_how how,
    int64_t *version, size_t *entries, struct err *err)
{
	struct target_state map;
	struct store *store;
	int64_t exported, count;

	(void)postfix;
	world.anew = how == PUBLISH_ANEW;
	world.how = how;
	if (!kit_does(&world.export, err))
		return false;
	store = store_open(config->state, 0, err);
	if (store == NULL)
		fail_msg("%s", err->text);
	assert_true(store_map_versions(store, version, &exported, err));
	assert_true(store_entry_count(store, &count, err));
	*entries = (size_t)count;
	assert_true(store_target_get(store, STORE_MAP, &map, err));
	if (*version != map.version) {
		world.wall_ms += world.export_ms;
		note_version(store, STORE_MAP, *version);
	}
	store_close(store);
	return true;
}

static bool
lead(const struct config *config, int64_t now_ms, int stop_fd, struct lead *out,
    struct err *err)
{
	(void)config;
	(void)now_ms;
	(void)stop_fd;
	*out = world.lead;
	return kit_does(&world.leading, err);
}

static bool
publish_other(const struct config *config, const struct postfix *postfix,
    struct target_instance to, enum publish_how how, int stop_fd, int64_t *version,
    struct err *err)
{
	struct buf name = {0};
	struct store *store;
	int64_t exported;

	(void)postfix;
	(void)stop_fd;
	world.table_how = how;
	if (!kit_does(&world.table, err))
		return false;
	store = store_open(config->state, 0, err);
	if (store == NULL)
		fail_msg("%s", err->text);
	target_print_name(to.target, config, to.which, &name);
	assert_true(store_map_versions(store, version, &exported, err));
	note_version(store, buf_text(&name), *version);
	buf_clear(&name);
	store_close(store);
	return true;
}

static bool
lags(const struct config *config, struct store *store, bool *lag, struct err *err)
{
	(void)config;
	(void)store;
	(void)err;
	*lag = world.lag;
	return true;
}

static bool
catch_up(const struct config *config, const struct postfix *postfix, struct err *err)
{
	(void)config;
	(void)postfix;
	return kit_does(&world.catch_up, err);
}

static enum answer
check(const char *path, struct err *why)
{
	(void)path;
	world.checks++;
	if (world.during_check != NULL)
		world.during_check();
	if (world.whole != ANSWER_YES)
		err_set(why, "its pages are mixed up");
	return world.whole;
}

const struct engine_world scripted_world = {
    .wall_ms = wall_ms,
    .mono_ms = mono_ms,
    .running_ms = running_ms,
    .boot = boot,
    .workers_new = pool_new,
    .workers_free = pool_free,
    .submit = pool_submit,
    .done = pool_done,
    .fd = pool_fd,
    .ask_make = ask_nobody,
    .ask = ask,
    .hurry = hurry,
    .ask_policy = ask_policy,
    .ask_addresses = ask_addresses,
    .fetch = fetch,
    .read_settings = read_settings,
    .files_mark = files_mark,
    .read_queue = kit_read_queue,
    .ask_maps = ask_maps,
    .route_ask = ask_routes,
    .finger = finger,
    .retry = kit_retry_mail,
    .flush = kit_flush_mail,
    .notify = notify,
    .notify_command = notify_command,
    .publish = publish,
    .publish_other = publish_other,
    .lead = lead,
    .lags = lags,
    .catch_up = catch_up,
    .check = check,
};

void
world_reset(void)
{
	buf_clear(&world.retried);
	buf_clear(&world.flushed);
	buf_clear(&world.subject);
	buf_clear(&world.body);
	buf_clear(&world.bodies);
	buf_clear(&world.subjects);
	buf_clear(&world.letters);
	buf_clear(&world.asked_keys);
	free(world.mails);
	buf_clear(&world.fingered_hosts);
	world = (struct world){
	    .wall_ms = WORLD_START_MS,
	    .mono_ms = 1000000,
	    .boot = 1,
	    .default_level = LEVEL_VERIFY,
	    .whole = ANSWER_YES,
	    .can_dane = true,
	    .policy_maps = "",
	    .transport_maps = "",
	};
}

/* --- time -------------------------------------------------------------------------- */

void
world_pass(int64_t ms)
{
	world.wall_ms += ms;
	world.mono_ms += ms;
}

void
world_log(struct engine *engine, const char *text)
{
	kit_note_mail("", text);
	world_log_of(engine, "postfix", text);
}

static void log_line(
    struct engine *engine, const char *host, const char *name, const char *text);

void
world_log_at(struct engine *engine, const char *host, const char *text)
{
	kit_note_mail(host, text);
	log_line(engine, host, "postfix", text);
}

void
world_log_of(struct engine *engine, const char *name, const char *text)
{
	log_line(engine, "mail", name, text);
}

static void
log_line(struct engine *engine, const char *host, const char *name, const char *text)
{
	time_t seconds = (time_t)(world.wall_ms / 1000);
	struct buf line = {0};
	char stamp[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(&line, "%s.%03d+00:00 %s %s/%s\n", stamp, (int)(world.wall_ms % 1000),
	    host, name, text);
	intake_lines(
	    engine_fold(engine), (struct str){buf_text(&line), line.len}, world.wall_ms);
	buf_clear(&line);
}

void
world_settle(struct engine *engine)
{
	unsigned turns_max = world.turns != 0 ? world.turns : TURNS_MAX;
	int64_t wait_ms = 0;

	for (unsigned turns = 0; turns < turns_max; turns++) {
		engine_turn(engine);
		if (world_work())
			continue;
		engine_next(engine, &wait_ms);
		if (wait_ms == 0)
			continue;
		if (pool_next_ms() != INT64_MAX)
			return;
		if (engine_is_working(engine))
			fail_msg("a task was lost");
		if (wait_ms < 0 && !engine_is_idle(engine))
			fail_msg("something is left, and nothing will wake the engine");
		return;
	}
	fail_msg("%s is due without end", engine_next(engine, &wait_ms));
}

void
world_wait(struct engine *engine, int64_t ms)
{
	int64_t until_ms = world.mono_ms + ms;

	world_settle(engine);
	for (int wakes = 0; wakes < WAKES_MAX; wakes++) {
		int64_t wait_ms, done_ms = pool_next_ms();

		engine_next(engine, &wait_ms);
		if (done_ms != INT64_MAX &&
		    (wait_ms < 0 || done_ms - world.mono_ms < wait_ms))
			wait_ms = done_ms - world.mono_ms;
		if (wait_ms < 0 || world.mono_ms + wait_ms > until_ms) {
			world_pass(until_ms - world.mono_ms);
			return;
		}
		world_pass(wait_ms);
		world_settle(engine);
	}
	fail_msg("it wakes all the time");
}
