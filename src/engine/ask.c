/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/ask.h"

#include <stdlib.h>

#include "base/mem.h"

struct asker {
	struct resolver *resolver; /* NULL: err says why there is none */
	struct err err;
	struct dns_records
	    records; /* of the destination at hand: too large for a stack */
};

void *
ask_make(void *argument)
{
	const struct ask_settings *settings = argument;
	struct asker *asker = mem_new(1, sizeof(*asker));

	asker->resolver = resolver_new(&settings->resolver, &asker->err);
	return asker;
}

void
ask_drop(void *context)
{
	struct asker *asker = context;

	resolver_free(asker->resolver);
	free(asker);
}

bool
ask_relay_fits(const char *relay, const char *key, const char *text)
{
	struct str rest = str_of(text), line;
	struct nexthop nexthop;

	if (relay[0] == '\0')
		return true;
	if (nexthop_parse(str_of(key), &nexthop) &&
	    str_equal_nocase(str_of(relay), str_of(nexthop.host)))
		return true;
	while (rest.len > 0) {
		struct str host;

		if (!str_cut(&rest, '\n', &line)) {
			line = rest;
			rest.len = 0;
		}
		if (!str_cut(&line, ' ', &host))
			host = line;
		if (str_equal_nocase(host, str_of(relay)))
			return true;
	}
	return false;
}

static bool
relay_fits(const struct ask_item *item, const struct dns_records *records)
{
	struct str relay = str_of(item->relay);

	if (relay.len == 0 || str_equal_nocase(relay, str_of(item->nexthop.host)))
		return true;
	for (unsigned i = 0; i < records->host_count; i++)
		if (str_equal_nocase(relay, str_of(records->hosts[i].name)))
			return true;
	return false;
}

static void
ask_dns(struct asker *asker, struct ask_item *item)
{
	struct answers *answers = &item->answers;
	struct buf text = {0};

	if (asker->resolver == NULL) {
		answers->dane = (struct dane_verdict){.state = DANE_UNSURE};
		buf_printf(&text, "%s", asker->err.text);
	} else {
		resolver_gather(asker->resolver, &item->nexthop, &asker->records);
		answers->dane = dane_judge(&asker->records);
		answers->relay_fits = relay_fits(item, &asker->records);
		if (answers->dane.state == DANE_UNSURE &&
		    asker->records.trouble[0] != '\0') {
			buf_add_visible(&text, str_of(asker->records.trouble));
			buf_add_char(&text, '\n');
		}
		dane_describe(&asker->records, &text);
	}
	if (!str_copy((struct str){buf_text(&text), text.len}, answers->text,
	        sizeof(answers->text))) {
		/* Long lists are cut: they are for reading, the verdict has seen all. */
		memcpy(answers->text, text.data, sizeof(answers->text) - 1);
		answers->text[sizeof(answers->text) - 1] = '\0';
	}
	buf_clear(&text);
}

/* From the strongest rung down: verify is another question than secure. */
static const enum level rungs[] = {LEVEL_SECURE, LEVEL_VERIFY, LEVEL_ENCRYPT};

/* One by one, as smtp(8) would connect; DANE is a matter of DNS, not of a probe. */
static void
ask_servers(const struct ask_job *ask, struct ask_item *item)
{
	struct answers *answers = &item->answers;
	struct err ignored;

	answers->probed = LEVEL_UNKNOWN;
	answers->probe_works = ANSWER_UNSURE;
	if (item->probe_above == LEVEL_UNKNOWN || answers->other_map != ANSWER_NO ||
	    answers->dane.state == DANE_UNSURE || answers->dane.state == DANE_USABLE ||
	    answers->dane.state == DANE_NO_MAIL)
		return;
	for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++) {
		enum probe_outcome outcome;

		if (rungs[i] > item->probe_up_to || rungs[i] <= item->probe_above)
			continue;
		outcome = probe_server(
		    ask->postfix, &ask->prober, item->nexthop.key, rungs[i], &ignored);
		if (outcome == PROBE_MISSING)
			return;
		answers->probed = rungs[i];
		answers->probe_works = outcome == PROBE_YES ? ANSWER_YES
		    : outcome == PROBE_NO                   ? ANSWER_NO
		                                            : ANSWER_UNSURE;
		if (outcome != PROBE_NO)
			return;
	}
}

void
ask_work(struct job *job, void *context)
{
	struct ask_job *ask = (struct ask_job *)job;
	const char *keys[ASK_BATCH];
	enum answer answers[ASK_BATCH];

	for (unsigned i = 0; i < ask->count; i++) {
		keys[i] = ask->items[i].nexthop.key;
		answers[i] = ANSWER_NO;
	}
	if (ask->other_maps != NULL && ask->other_maps[0] != NULL)
		postfix_maps_answer(
		    ask->postfix, ask->other_maps, keys, ask->count, answers, &ask->err);
	for (unsigned i = 0; i < ask->count; i++) {
		ask->items[i].answers.other_map = answers[i];
		ask_dns(context, &ask->items[i]);
		ask_servers(ask, &ask->items[i]);
	}
}
