/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/hosts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BUCKETS 1024 /* a power of two */

struct hosts {
	size_t count;
	struct host *newest, *oldest;
	struct host *buckets[BUCKETS];
};

/* --- the rules of time ------------------------------------------------------------- */

/* Of an alarm only what was begun after its attempt tells; where the clock was set back
 * since, nothing does. */
static bool
is_of_use(const struct host_asked *asked, const struct host_need *need,
    const struct host_time *now)
{
	return asked->there && asked->begun.wall_ms > need->attempt_ms &&
	    asked->begun.wall_ms <= now->wall_ms && (asked->dane || !need->dane);
}

static int64_t
anew_ms(const struct host_asked *known)
{
	int64_t wait_ms = HOSTS_ANEW_MS;

	for (unsigned i = 0; known->silent && i < known->silences; i++)
		if (wait_ms < HOSTS_ANEW_MAX)
			wait_ms *= 2;
	return known->ended_ms + (wait_ms < HOSTS_ANEW_MAX ? wait_ms : HOSTS_ANEW_MAX);
}

static bool
still_serves(const struct host_asked *known, const struct host_need *need,
    const struct host_time *now)
{
	int64_t serves_ms = need->serves_ms != 0 ? need->serves_ms : HOSTS_SERVES_MS;

	if (known->silent)
		return now->mono_ms < (need->silence_ms != 0
		                              ? known->ended_ms + need->silence_ms
		                              : anew_ms(known));
	return now->mono_ms - known->begun.mono_ms < serves_ms;
}

enum host_turn
host_turn(const struct host_asked *known, const struct host_asked *asking,
    const struct host_need *need, const struct host_time *now, int64_t *at_ms)
{
	bool lacks_dane = need->dane && !known->dane;

	if (is_of_use(known, need, now) && still_serves(known, need, now))
		return HOST_SERVES;
	if (asking->there)
		return HOST_IS_ASKED;
	if (!known->there)
		return HOST_ASK;
	*at_ms = lacks_dane ? known->ended_ms + HOSTS_APART_MS : anew_ms(known);
	return now->mono_ms >= *at_ms ? HOST_ASK : HOST_WAITS;
}

/* --- one host ---------------------------------------------------------------------- */

void
host_begin(struct host *host, unsigned addresses, bool dane, const struct host_time *now)
{
	host->asking = (struct host_asked){.there = true, .dane = dane, .begun = *now};
	host->pending = addresses;
}

void
host_go_on(struct host *host, unsigned addresses)
{
	host->pending = addresses;
}

/* It was reached, and said nothing: to ask it at once would only hold up the others. */
static unsigned
silences_before(const struct host *host)
{
	return host->known.silent && host->answer != NULL &&
	        host->answer->probe.end == PROBE_SILENT
	    ? host->known.silences + 1
	    : 0;
}

static void
complete(struct host *host, int64_t mono_ms)
{
	unsigned silences = silences_before(host);

	free(host->answer);
	host->answer = host->partial;
	host->partial = NULL;
	host->known = host->asking;
	host->known.ended_ms = mono_ms;
	if (mono_ms - host->known.begun.mono_ms >= HOSTS_SLOW_MS)
		host->slow_ms = mono_ms;
	host->known.silences = silences;
	host->asking.there = false;
	host->known.silent = host->answer == NULL ||
	    host->answer->probe.end == PROBE_SILENT ||
	    host->answer->probe.end == PROBE_OURS;
	if (host->answer != NULL)
		host->answer->probe.begun_ms = host->known.begun.wall_ms;
}

bool
host_answered(struct host *host, const struct server *server, int64_t mono_ms)
{
	if (server != NULL && host->partial == NULL) {
		host->partial = mem_new(1, sizeof(*host->partial));
		*host->partial = *server;
	} else if (server != NULL) {
		*host->partial = server_merge(host->partial, server);
	}
	if (--host->pending > 0)
		return false;
	complete(host, mono_ms);
	return true;
}

bool
host_is_slow(const struct host *host, int64_t mono_ms)
{
	return host->slow_ms != 0 && mono_ms - host->slow_ms < HOSTS_LATELY_MS;
}

bool
host_is_quick(const struct host *host, int64_t mono_ms)
{
	return host->known.there && !host_is_slow(host, mono_ms) &&
	    host->known.ended_ms - host->known.begun.mono_ms < HOSTS_QUICK_MS;
}

/* It could not be told, or it did what is wanted: it did not fail. */
static bool
fails(const struct probe *probe, enum level wanted)
{
	if (probe->end == PROBE_TLS)
		return level_is_authenticated(wanted) && probe->verify == ANSWER_NO &&
		    probe->dane != ANSWER_YES;
	return level_promise(wanted) > LEVEL_MAY &&
	    (level_is_authenticated(wanted) || probe->encrypt != ANSWER_YES);
}

struct host_past
host_news(const struct host *host, const struct server_rules *rules, enum level wanted)
{
	struct host_past news = {0};
	int64_t at_ms = host->known.begun.wall_ms;
	struct probe probe;

	if (!host->known.there || host->known.silent)
		return news;
	probe = server_probe(host->answer, rules, host->name, "");
	if (probe.encrypt == ANSWER_YES)
		news.encrypt_ms = at_ms;
	if (probe.end == PROBE_TLS && probe.verify == ANSWER_YES)
		news.verify_ms = news.proven_ms = at_ms;
	if (probe.end == PROBE_TLS && probe.dane == ANSWER_YES)
		news.dane_ms = at_ms;
	if (fails(&probe, wanted))
		news.failed_ms = at_ms;
	return news;
}

struct host_cause
host_cause_news(const struct host *host, const struct server_rules *rules)
{
	struct host_cause news = {.cause = CAUSE_NONE};

	if (!host->known.there || host->known.silent)
		return news;
	news.cause = server_probe(host->answer, rules, host->name, "").cause;
	news.at_ms = host->known.begun.wall_ms;
	news.until_ms = host->answer->until_ms;
	return news;
}

/* --- the table --------------------------------------------------------------------- */

static size_t
place_of(const char *name, uint16_t port)
{
	size_t h = 5381 + port;

	for (; *name != '\0'; name++)
		h = h * 33 + (unsigned char)*name;
	return h & (BUCKETS - 1);
}

static struct host **
bucket(struct hosts *hosts, const char *name, uint16_t port)
{
	return &hosts->buckets[place_of(name, port)];
}

static struct host *
find(struct host *host, const char *name, uint16_t port)
{
	while (host != NULL && (host->port != port || strcmp(host->name, name) != 0))
		host = host->chain;
	return host;
}

static void
unlink_use(struct hosts *hosts, struct host *host)
{
	*(host->newer != NULL ? &host->newer->older : &hosts->newest) = host->older;
	*(host->older != NULL ? &host->older->newer : &hosts->oldest) = host->newer;
}

static void
use(struct hosts *hosts, struct host *host)
{
	host->newer = NULL;
	host->older = hosts->newest;
	*(host->older != NULL ? &host->older->newer : &hosts->oldest) = host;
	hosts->newest = host;
}

static void
host_free(struct host *host)
{
	free(host->answer);
	free(host->partial);
	free(host);
}

static void
drop(struct hosts *hosts, struct host *host)
{
	struct host **link = bucket(hosts, host->name, host->port);

	while (*link != host)
		link = &(*link)->chain;
	*link = host->chain;
	unlink_use(hosts, host);
	hosts->count--;
	host_free(host);
}

static bool
make_room(struct hosts *hosts)
{
	struct host *host = hosts->oldest;

	if (hosts->count < HOSTS_MAX)
		return true;
	while (host != NULL && host->asking.there)
		host = host->newer;
	if (host == NULL)
		return false;
	drop(hosts, host);
	return true;
}

struct host *
hosts_find(struct hosts *hosts, const char *name, uint16_t port)
{
	struct host *host = find(*bucket(hosts, name, port), name, port);

	if (host != NULL) {
		unlink_use(hosts, host);
		use(hosts, host);
	}
	return host;
}

const struct host *
hosts_peek(const struct hosts *hosts, const char *name, uint16_t port)
{
	return find(hosts->buckets[place_of(name, port)], name, port);
}

struct host *
hosts_get(struct hosts *hosts, const char *name, uint16_t port)
{
	struct host *host = hosts_find(hosts, name, port), **head;

	if (host != NULL)
		return host;
	if (!make_room(hosts))
		return NULL;
	head = bucket(hosts, name, port);
	host = mem_new(1, sizeof(*host));
	str_copy(str_of(name), host->name, sizeof(host->name));
	host->port = port;
	host->chain = *head;
	*head = host;
	use(hosts, host);
	hosts->count++;
	return host;
}

struct hosts *
hosts_new(void)
{
	return mem_new(1, sizeof(struct hosts));
}

void
hosts_free(struct hosts *hosts)
{
	if (hosts == NULL)
		return;
	for (struct host *host = hosts->oldest, *newer; host != NULL; host = newer) {
		newer = host->newer;
		host_free(host);
	}
	free(hosts);
}
