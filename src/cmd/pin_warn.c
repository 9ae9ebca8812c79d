/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/pin_warn.h"

#include <poll.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "core/sts_entry.h"
#include "measure/measure.h"
#include "store/store_sts.h"
#include "sys/clock.h"
#include "sys/workers.h"

/* A warning is no reason to wait long: for one, and for many at once. */
#define DNS_ONE_MS SPAN_SECOND_MS
#define DNS_ALL_MS 250

/* --- what a pin comes to ------------------------------------------------------------ */

enum level
pin_warn_standard(const struct config *config, const struct postfix_settings *settings)
{
	enum level level = config->postfix.default_level;

	return level == LEVEL_UNKNOWN && settings != NULL ? settings->level : level;
}

static enum level
level_of(const struct pin *pin, enum level standard)
{
	return pin->entry.level == LEVEL_NONE ? standard : pin->entry.level;
}

/* Of whom Postfix leaves something out. */
static void
warn(const struct pin *pin, const char *has, const char *leaves)
{
	if (pin->entry.level == LEVEL_NONE)
		cmd_warn("%s has %s; without an entry Postfix does not %s",
		    pin->nexthop.key, has, leaves);
	else
		cmd_warn("%s has %s; at %s Postfix does not %s", pin->nexthop.key, has,
		    level_name(pin->entry.level), leaves);
}

/* --- passwords --------------------------------------------------------------------- */

#define KEYS_EACH 2 /* the host, and the next-hop as it is written */

static void
note_found(void *context, size_t index, struct str value)
{
	bool *found = context;

	(void)value;
	found[index / KEYS_EACH] = true;
}

/* False: a map could not be asked. */
static bool
ask_passwords(const struct postfix *postfix, const char *names, const char *const *keys,
    size_t count, bool *found)
{
	bool ours, asked = true;
	char **maps = postfix_other_maps(names, "", &ours);

	for (size_t m = 0; maps[m] != NULL; m++) {
		struct err ignored;

		asked = postfix_lookup_all(
		            postfix, maps[m], keys, count, note_found, found, &ignored) &&
		    asked;
	}
	postfix_maps_free(maps);
	return asked;
}

/* said: of which it was told already, as another one logs in there, too. */
static void
warn_of_passwords(const struct asked_node *node, const char *const *keys,
    const struct pins *pins, bool *said)
{
	bool *found = mem_new(pins->count, sizeof(*found));
	bool asked = ask_passwords(&node->postfix, node->settings.password_maps, keys,
	    pins->count * KEYS_EACH, found);

	for (size_t i = 0; i < pins->count; i++) {
		const struct pin *pin = &pins->items[i];

		if (said[i] ||
		    level_promise(pin->entry.level) >=
		        level_promise(node->settings.level) ||
		    !(found[i] || (!asked && pin->nexthop.bracketed)))
			continue;
		cmd_warn("%s logs in at %s: the password goes at %s",
		    node->host != NULL ? node->host : "Postfix", pin->nexthop.key,
		    level_name(pin->entry.level));
		said[i] = true;
	}
	free(found);
}

void
pin_warn_of_passwords(const struct cmd_nodes *nodes, const struct pins *pins)
{
	const char **keys = mem_new(pins->count * KEYS_EACH, sizeof(*keys));
	bool *said = mem_new(pins->count, sizeof(*said));

	for (size_t i = 0; i < pins->count; i++) {
		keys[i * KEYS_EACH] = pins->items[i].nexthop.host;
		keys[i * KEYS_EACH + 1] = pins->items[i].nexthop.key;
	}
	for (size_t i = 0; i < nodes->count; i++)
		if (nodes->items[i].settings.logs_in)
			warn_of_passwords(&nodes->items[i], keys, pins, said);
	free(keys);
	free(said);
}

/* --- DANE -------------------------------------------------------------------------- */

static bool
leaves_dane_out(const struct pin *pin, enum level standard)
{
	enum level level = level_of(pin, standard);

	return level != LEVEL_UNKNOWN && level != LEVEL_DANE &&
	    level != LEVEL_DANE_ONLY && pin->nexthop.key[0] != '.';
}

struct dane_job {
	struct job job;
	const struct measure_settings *settings;
	const struct pin *pin;
	bool is_asked; /* or there is no resolver to ask */
	bool is_usable;
};

static void
ask_dane(struct job *base, void *measurer)
{
	struct dane_job *job = (struct dane_job *)base;
	struct measure_item *item;
	struct err ignored;

	if (measure_has_resolver(measurer, &ignored)) {
		item = mem_new(1, sizeof(*item));
		item->nexthop = job->pin->nexthop;
		measure_one(measurer, job->settings, item);
		job->is_usable = item->answers.dane.state == DANE_USABLE;
		free(item);
	}
	job->is_asked = true;
}

/* All at once, until then. */
static void
ask_all(const struct config *config, struct dane_job *jobs, size_t count, int64_t most_ms)
{
	struct resolver_settings resolver = config_resolver(config);
	int64_t until_ms = clock_monotonic_ms() + most_ms, left_ms = most_ms;
	unsigned threads =
	    count < config->dns.workers ? (unsigned)count : config->dns.workers;
	struct workers *workers;
	struct err ignored;

	resolver.tries = 1;
	if (resolver.timeout_ms > most_ms)
		resolver.timeout_ms = most_ms;
	workers = workers_new(threads, measure_make, measure_drop, &resolver, &ignored);
	if (workers == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		workers_submit(workers, &jobs[i].job);
	for (size_t done = 0; done < count && left_ms > 0;
	     left_ms = until_ms - clock_monotonic_ms()) {
		struct pollfd fd = {.fd = workers_fd(workers), .events = POLLIN};

		progress_show("asking DNS", done, count);
		poll(&fd, 1, (int)left_ms);
		while (workers_done(workers) != NULL)
			done++;
	}
	workers_free(workers);
	progress_end();
}

void
pin_warn_of_dane(
    const struct config *config, enum level standard, const struct pins *pins)
{
	struct postfix postfix = cmd_postfix(config);
	struct measure_settings settings = measure_settings_of(&postfix, NULL, NULL);
	struct dane_job *jobs = mem_new(pins->count + 1, sizeof(*jobs));
	size_t count = 0, left = 0;

	for (size_t i = 0; i < pins->count; i++)
		if (leaves_dane_out(&pins->items[i], standard))
			jobs[count++] = (struct dane_job){.job.work = ask_dane,
			    .settings = &settings,
			    .pin = &pins->items[i]};
	if (count > 0)
		ask_all(config, jobs, count, count > 1 ? DNS_ALL_MS : DNS_ONE_MS);
	for (size_t i = 0; i < count; i++) {
		if (jobs[i].is_usable)
			warn(jobs[i].pin, "usable TLSA records", "look at them");
		left += !jobs[i].is_asked;
	}
	free(jobs);
	if (left > 0)
		cmd_note("DNS was not asked whether %zu of them have TLSA records; "
		         "tlsladder check asks it",
		    left);
}

/* --- MTA-STS ----------------------------------------------------------------------- */

/* Is there a name in match= that the policy does not allow? ".d.test" is what its
 * "*.d.test" is there. */
static bool
has_other_names(struct demand entry, const struct sts_policy *policy)
{
	struct str rest = str_of(demand_attributes(entry)), word, name, pattern;

	while (str_next(&rest, ' ', &word)) {
		if (!str_eat(&word, STR("match=")))
			continue;
		while (str_next(&word, ':', &name)) {
			bool known = str_equal(name, STR(STS_NO_HOST)) ||
			    sts_policy_allows(policy, name);
			struct str list = str_of(policy->mx);

			while (!known && str_next(&list, ' ', &pattern))
				known = str_eat(&pattern, STR("*")) &&
				    str_equal_nocase(pattern, name);
			if (!known)
				return true;
		}
	}
	return false;
}

/* Of an enforced policy. */
static void
warn_of_policy(const struct pin *pin, enum level standard,
    const struct postfix_settings *settings, const struct sts_policy *policy)
{
	static const char has[] = "an enforced MTA-STS policy";
	enum level level = level_of(pin, standard);

	if (level != LEVEL_SECURE && level != LEVEL_DANE_ONLY)
		warn(pin, has, "hold to it");
	else if (level == LEVEL_SECURE && has_other_names(pin->entry, policy))
		cmd_warn("%s has %s, which does not allow all names of its match=: it "
		         "allows %s",
		    pin->nexthop.key, has, policy->mx);
	if ((level == LEVEL_SECURE || level == LEVEL_VERIFY) && settings != NULL &&
	    !postfix_has_authorities(settings))
		cmd_warn("smtp_tls_CAfile and smtp_tls_CApath are empty: at %s mail to "
		         "%s waits, as Postfix verifies no certificate",
		    level_name(level), pin->nexthop.key);
}

/* True: there is one that is enforced; *record is to be cleared then. */
static bool
read_enforced(
    struct store *store, const struct pin *pin, int64_t now_ms, struct sts_record *record)
{
	char domain[NEXTHOP_HOST_SIZE];
	bool found = false;
	struct err ignored;

	if (!measure_policy_domain(&pin->nexthop, domain) ||
	    !store_sts_get(store, domain, record, &found, &ignored) || !found)
		return false;
	if (sts_applies(&record->state, now_ms) == STS_APPLIES_ENFORCE)
		return true;
	sts_record_clear(record);
	return false;
}

static bool
is_enforced(struct store *store, const struct pin *pin, int64_t now_ms)
{
	struct sts_record record;
	bool enforced = read_enforced(store, pin, now_ms, &record);

	if (enforced)
		sts_record_clear(&record);
	return enforced;
}

void
pin_warn_of_policies(const struct config *config, enum level standard,
    const struct postfix_settings *settings, const struct pins *pins)
{
	int64_t now_ms = clock_wall_ms();
	struct sts_record record;
	int status;
	struct store *store =
	    config->mta_sts.enable ? cmd_store(config, false, &status) : NULL;

	if (store == NULL)
		return;
	for (size_t i = 0; i < pins->count; i++)
		if (read_enforced(store, &pins->items[i], now_ms, &record)) {
			warn_of_policy(
			    &pins->items[i], standard, settings, &record.state.policy);
			sts_record_clear(&record);
		}
	store_close(store);
}

/* --- cleartext --------------------------------------------------------------------- */

/* A pin, which stands above both, is no way back there. */
static bool
does_more_unpinned(struct store *store, const struct pin *pin, int64_t now_ms)
{
	return pin->before.level == LEVEL_DANE_ONLY ||
	    (store != NULL && is_enforced(store, pin, now_ms));
}

void
pin_warn_of_cleartext(
    const struct config *config, enum level standard, const struct pins *pins)
{
	int64_t now_ms = clock_wall_ms();
	int status;
	struct store *store =
	    config->mta_sts.enable ? cmd_store(config, false, &status) : NULL;

	for (size_t i = 0; i < pins->count; i++) {
		const struct pin *pin = &pins->items[i];
		enum level level = level_of(pin, standard);
		bool unset;

		if (level == LEVEL_UNKNOWN || level_promise(level) > LEVEL_MAY)
			continue;
		unset = does_more_unpinned(store, pin, now_ms);
		cmd_warn("mail to %s may go in cleartext again; `tlsladder %s %s%s` "
		         "keeps it from that",
		    pin->nexthop.key, unset ? "unset" : "set", pin->nexthop.key,
		    unset ? "" : " encrypt");
	}
	store_close(store);
}
