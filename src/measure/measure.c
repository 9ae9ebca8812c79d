/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "measure/measure_impl.h"
#include "sys/clock.h"

/* As of a witness: postfix/finger.h. */
#define PROBE_MS 10000
#define WHOLE_MS 30000

const struct measure_source *const measure_sources[FACT_COUNT] = {
#define MEASURE_ROW(name) [FACT_##name] = &measure_##name,
    FACT_SOURCES(MEASURE_ROW)
#undef MEASURE_ROW
};

struct credentials_settings
measure_credentials_of(const struct postfix_settings *settings)
{
	if (settings == NULL)
		return (struct credentials_settings){.used = false};
	return (struct credentials_settings){
	    .used = settings->logs_in,
	    .by_sender = settings->passwords_by_sender,
	    .maps = settings->password_maps,
	    .sum = settings->password_sum,
	    .relayhost = settings->relayhost,
	    .fallback_relay = settings->fallback_relay,
	    .default_transport = settings->default_transport,
	    .transport_maps = settings->transport_maps,
	    .sender_relayhost_maps = settings->sender_relayhost_maps,
	    .sender_transport_maps = settings->sender_transport_maps,
	};
}

struct measure_settings
measure_settings_of(const struct postfix *postfix,
    const struct postfix_settings *settings, char *const *other_maps)
{
	return (struct measure_settings){
	    .postfix = postfix,
	    .node = {.postfix = postfix,
	        .other_maps = other_maps,
	        .credentials = measure_credentials_of(settings)},
	    .limits = {.addresses =
	                   settings != NULL ? settings->address_limit : CHOICE_ADDRESSES,
	        .ipv4 = settings == NULL || settings->ipv4,
	        .ipv6 = settings == NULL || settings->ipv6},
	    .prober =
	        {
	            .ca_file = settings != NULL ? settings->ca_file : "",
	            .ca_path = settings != NULL ? settings->ca_path : "",
	            .timeout_ms = PROBE_MS,
	            .whole_ms = WHOLE_MS,
	        },
	};
}

void *
measure_make(void *argument)
{
	const struct resolver_settings *settings = argument;
	struct measurer *measurer = mem_new(1, sizeof(*measurer));

	measurer->resolver = resolver_new(settings, &measurer->err);
	return measurer;
}

void
measure_drop(void *context)
{
	struct measurer *measurer = context;

	if (measurer == NULL)
		return;
	resolver_free(measurer->resolver);
	free(measurer);
}

bool
measure_has_resolver(const struct measurer *measurer, struct err *err)
{
	return measurer->resolver != NULL || err_set(err, "%s", measurer->err.text);
}

bool
measure_has_prober(const struct measure_settings *settings)
{
	struct err ignored;

	return probe_server(settings->postfix, &settings->prober, "[127.0.0.1]:1",
	           LEVEL_ENCRYPT, &ignored) != PROBE_MISSING;
}

/* --- asking ------------------------------------------------------------------------ */

static struct answers
nothing_asked(void)
{
	struct answers answers = {.remembered = false};

	for (size_t s = 0; s < FACT_COUNT; s++)
		measure_sources[s]->unasked(&answers);
	return answers;
}

static void
begin(struct measure_item *items, unsigned count, bool of_nodes)
{
	for (unsigned i = 0; i < count; i++) {
		bool probe_asked = items[i].answers.probe_asked;

		items[i].answers = nothing_asked();
		items[i].answers.of_nodes = of_nodes;
		items[i].answers.probe_asked = probe_asked;
	}
}

/* Is the source to be asked? If so, it is noted. */
static bool
is_wanted(const struct measurer *measurer, size_t source, struct measure_item *item)
{
	bool wanted = measure_sources[source]->wanted(measurer->settings, item);

	item->answers.sources[source].asked = wanted;
	return wanted;
}

/* The first trouble that the log is to have is the job's. */
static void
note_trouble(
    struct measurement *found, size_t source, const struct err *trouble, struct err *job)
{
	const char *warning = measure_sources[source]->trouble.warning;

	snprintf(found->trouble[source], sizeof(found->trouble[source]), "%.*s",
	    (int)sizeof(found->trouble[source]) - 1, trouble->text);
	if (trouble->text[0] == '\0' || warning[0] == '\0' || job->text[0] != '\0')
		return;
	*job = *trouble;
	err_wrap(job, "%s", warning);
}

static void
ask_batch(struct measurer *measurer, size_t source, struct measure_item *items,
    unsigned count, struct err *err)
{
	struct measure_item *wanted[MEASURE_BATCH];
	struct err trouble = {{0}};
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		if (is_wanted(measurer, source, &items[i]))
			wanted[n++] = &items[i];
	if (n > 0)
		measure_sources[source]->ask_all(measurer, wanted, n, &trouble);
	note_trouble(&measurer->found, source, &trouble, err);
}

/* What was answered in time is an answer all the same. */
static bool
is_late(const struct measurer *measurer, const struct measure_item *item)
{
	const struct answers *answers = &item->answers;

	return item->most_ms != 0 &&
	    clock_monotonic_ms() - measurer->begun_ms >= item->most_ms &&
	    ((answers->sources[FACT_dns].asked && answers->dane.state == DANE_UNSURE) ||
	        (answers->sources[FACT_policy].asked &&
	            answers->sts_txt.state == STS_TXT_UNSURE));
}

/* The resolver goes on looking for what it was asked, so that the next one is answered
 * sooner. 0: as long as it takes. */
static void
limit(struct measurer *measurer, int64_t most_ms)
{
	measurer->begun_ms = clock_monotonic_ms();
	if (measurer->resolver != NULL)
		resolver_until(
		    measurer->resolver, most_ms != 0 ? measurer->begun_ms + most_ms : 0);
}

static void
ask_one(struct measurer *measurer, struct measure_item *item, struct err *err)
{
	struct measurement *found = &measurer->found;

	limit(measurer, item->most_ms);
	found->item = item;
	found->dns = (struct dns_records){0};
	memset(found->hosts, 0, sizeof(found->hosts));
	found->whole = (struct measure_probe){0};
	for (size_t s = 0; s < FACT_COUNT; s++) {
		struct err trouble = {{0}};

		item->late = is_late(measurer, item);
		if (item->late)
			break;
		if (measure_sources[s]->ask == NULL)
			continue;
		if (is_wanted(measurer, s, item))
			measure_sources[s]->ask(measurer, item, &trouble);
		note_trouble(found, s, &trouble, err);
	}
}

static void
ask(struct measurer *measurer, const struct measure_settings *settings,
    struct measure_item *items, unsigned count, struct err *err)
{
	int64_t spent_ms = 0;

	measurer->settings = settings;
	begin(items, count, settings->nodes != NULL);
	for (size_t s = 0; s < FACT_COUNT; s++)
		if (measure_sources[s]->ask_all != NULL)
			ask_batch(measurer, s, items, count, err);
	for (unsigned i = 0; i < count; i++) {
		int64_t most_ms =
		    items[i].most_ms != 0 && items[i].most_ms < MEASURE_SLOW_MS
		    ? items[i].most_ms
		    : MEASURE_SLOW_MS;

		items[i].left = spent_ms >= most_ms;
		if (items[i].left)
			continue;
		ask_one(measurer, &items[i], err);
		items[i].took_ms = clock_monotonic_ms() - measurer->begun_ms;
		spent_ms += items[i].took_ms;
	}
	/* What is asked next, the hosts of policies too, has a time of its own. */
	limit(measurer, 0);
}

void
measure_work(struct job *job, void *context)
{
	struct measure_job *measure = (struct measure_job *)job;

	ask(context, &measure->settings, measure->items, measure->count, &measure->err);
}

const struct measurement *
measure_one(struct measurer *measurer, const struct measure_settings *settings,
    struct measure_item *item)
{
	struct err ignored = {{0}};

	ask(measurer, settings, item, 1, &ignored);
	return &measurer->found;
}

/* --- answers of before ------------------------------------------------------------- */

/* Each source has room for its line. */
_Static_assert(FACT_COUNT *FACT_LINE_SIZE <= FACTS_SIZE, "FACTS_SIZE is too small");

void
measure_keep_one(const struct measure_source *source, const struct answers *answers,
    int64_t now_ms, struct destination *destination)
{
	struct buf text = {0};

	source->kept.save(answers, &text);
	if (text.len > 0)
		destination_take_fact(destination,
		    &(struct fact){.name = str_of(source->name),
		        .asked_ms = now_ms,
		        .until_ms = now_ms + source->serves_ms(answers),
		        .text = {text.data, text.len}});
	buf_clear(&text);
}

void
measure_keep(
    const struct answers *answers, int64_t now_ms, struct destination *destination)
{
	for (size_t s = 0; s < FACT_COUNT; s++)
		if (answers->sources[s].asked)
			measure_keep_one(
			    measure_sources[s], answers, now_ms, destination);
}

bool
measure_recall_one(const struct measure_source *source,
    const struct destination *destination, int64_t now_ms, struct answers *out,
    struct answers_source *known)
{
	struct fact fact;

	if (!facts_find(destination->facts, source->name, &fact))
		return false;
	if (!source->kept.load(fact.text, out)) {
		source->unasked(out);
		return false;
	}
	*known = answers_source_of(fact.asked_ms, fact.until_ms, now_ms);
	return true;
}

void
measure_recall(const struct destination *destination, int64_t now_ms, struct answers *out)
{
	*out = nothing_asked();
	out->remembered = true;
	destination_recall_dns(destination, now_ms, out);
	for (size_t s = 0; s < FACT_COUNT; s++)
		measure_recall_one(
		    measure_sources[s], destination, now_ms, out, &out->sources[s]);
}

bool
measure_serves(const struct measure_settings *settings, struct measure_item *item)
{
	for (size_t s = 0; s < FACT_COUNT; s++) {
		if (!measure_sources[s]->wanted(settings, item))
			measure_sources[s]->unasked(&item->answers);
		else if (item->answers.sources[s].serves_ms <= 0)
			return false;
	}
	return true;
}

/* --- what rows have in common ------------------------------------------------------ */

int64_t
measure_serves_never(const struct answers *answers)
{
	(void)answers;
	return 0;
}

void
measure_saves_nothing(const struct answers *answers, struct buf *out)
{
	(void)answers;
	(void)out;
}

bool
measure_loads_nothing(struct str text, struct answers *answers)
{
	(void)text;
	(void)answers;
	return false;
}

void
measure_explains_nothing(const struct answers *answers, struct buf *out)
{
	(void)answers;
	(void)out;
}

void
measure_shows_nothing(const struct measurement *found, struct buf *out)
{
	(void)found;
	(void)out;
}

void
measure_shows_no_host(const struct measurement *found, unsigned host, struct buf *out)
{
	(void)found;
	(void)host;
	(void)out;
}

void
measure_begin_probes(struct measurer *measurer)
{
	measurer->deadline_ms =
	    clock_monotonic_ms() + measurer->settings->prober.whole_ms;
}

enum probe_outcome
measure_probe(struct measurer *measurer, struct measure_item *item, const char *key,
    enum level level, struct measure_probe *out)
{
	const struct measure_settings *settings = measurer->settings;
	struct probe_settings prober = settings->prober;
	struct err err = {{0}};

	prober.deadline_ms = measurer->deadline_ms;
	out->level = level;
	out->outcome = probe_server(settings->postfix, &prober, key, level, &err);
	snprintf(out->found, sizeof(out->found), "%.*s", (int)sizeof(out->found) - 1,
	    err.text);
	answers_note_server(&item->answers, level,
	    out->outcome == PROBE_YES      ? ANSWER_YES
	        : out->outcome == PROBE_NO ? ANSWER_NO
	                                   : ANSWER_UNSURE);
	return out->outcome;
}

void
measure_show_probe(const struct measure_probe *probe, struct buf *out)
{
	buf_printf(out, "      %-9s %-3s ", level_name(probe->level),
	    probe->outcome == PROBE_YES      ? "yes"
	        : probe->outcome == PROBE_NO ? "no"
	                                     : "?");
	buf_add_visible(out, str_of(probe->found));
	buf_add_char(out, '\n');
}

void
measure_json_probe(const struct measure_probe *probe, struct buf *out)
{
	buf_printf(out, "{\"level\":\"%s\",\"works\":%s", level_name(probe->level),
	    probe->outcome == PROBE_YES      ? "true"
	        : probe->outcome == PROBE_NO ? "false"
	                                     : "null");
	buf_add_member(out, "found", probe->found);
	buf_add_char(out, '}');
}
