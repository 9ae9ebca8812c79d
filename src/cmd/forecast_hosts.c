/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/forecast_hosts.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "postfix/finger.h"
#include "sys/workers.h"

#define PROBERS 16 /* hosts that are connected to at once */
#define LOOK_MS 200

/* One of them; its addresses are asked one after the other. */
struct asked_host {
	struct job job;
	struct chosen_host chosen;
	char nexthop[NEXTHOP_HOST_SIZE];
	uint16_t port;
	bool told;
	struct server server; /* where told */
	const struct postfix *postfix;
	const struct finger_settings *settings;
};

struct forecast_hosts {
	struct asked_host **items; /* in order of name and port once they were asked */
	size_t count;
	size_t room;
};

struct forecast_hosts *
forecast_hosts_new(void)
{
	return mem_new(1, sizeof(struct forecast_hosts));
}

void
forecast_hosts_free(struct forecast_hosts *hosts)
{
	if (hosts == NULL)
		return;
	for (size_t i = 0; i < hosts->count; i++)
		free(hosts->items[i]);
	free(hosts->items);
	free(hosts);
}

void
forecast_hosts_want(struct forecast_hosts *hosts, const struct chosen_host *chosen,
    uint16_t port, const char *nexthop)
{
	struct asked_host *host = mem_new(1, sizeof(*host));

	if (hosts->count == hosts->room) {
		hosts->room = hosts->room > 0 ? 2 * hosts->room : 256;
		hosts->items =
		    mem_array(hosts->items, hosts->room, sizeof(struct asked_host *));
	}
	hosts->items[hosts->count++] = host;
	host->chosen = *chosen;
	host->port = port;
	str_copy(str_of(nexthop), host->nexthop, sizeof(host->nexthop));
}

static int
compare_to(const char *name, uint16_t port, const struct asked_host *host)
{
	int order = strcmp(name, host->chosen.name);

	return order != 0 ? order : port < host->port ? -1 : port > host->port;
}

static int
compare(const void *a, const void *b)
{
	const struct asked_host *x = *(struct asked_host *const *)a;

	return compare_to(x->chosen.name, x->port, *(struct asked_host *const *)b);
}

/* Each once; where one destination asks for TLSA it is asked that too. */
static void
merge(struct forecast_hosts *hosts)
{
	size_t kept = 0;

	if (hosts->count > 1)
		qsort(hosts->items, hosts->count, sizeof(*hosts->items), compare);
	for (size_t i = 0; i < hosts->count; i++) {
		struct asked_host *host = hosts->items[i];

		if (kept == 0 || compare(&hosts->items[kept - 1], &host) != 0) {
			hosts->items[kept++] = host;
			continue;
		}
		if (host->chosen.promise > hosts->items[kept - 1]->chosen.promise)
			hosts->items[kept - 1]->chosen.promise = host->chosen.promise;
		free(host);
	}
	hosts->count = kept;
}

const struct server *
forecast_hosts_get(const struct forecast_hosts *hosts, const char *name, uint16_t port)
{
	size_t low = 0, high = hosts->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct asked_host *host = hosts->items[middle];
		int order = compare_to(name, port, host);

		if (order == 0)
			return host->told ? &host->server : NULL;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* --- asking ------------------------------------------------------------------------ */

static void
ask_address(struct asked_host *host, const char *address)
{
	struct finger_question question = {
	    .host = host->chosen.name,
	    .address = address,
	    .port = host->port,
	    .nexthop = host->nexthop,
	    .dane = host->chosen.promise == PROMISE_DANE,
	};
	struct server server;
	struct err why;

	if (finger_ask(host->postfix, host->settings, &question, &server, &why) !=
	    FINGER_ASKED)
		return;
	host->server = host->told ? server_merge(&host->server, &server) : server;
	host->told = true;
}

static void
work(struct job *base, void *context)
{
	struct asked_host *host = (struct asked_host *)base;

	(void)context;
	if (host->chosen.literal)
		ask_address(host, host->chosen.name);
	for (unsigned i = 0; i < host->chosen.address_count; i++) {
		const struct chosen_address *chosen = &host->chosen.addresses[i];
		char address[INET6_ADDRSTRLEN];

		if (inet_ntop(chosen->length == 4 ? AF_INET : AF_INET6, chosen->octets,
		        address, sizeof(address)) != NULL)
			ask_address(host, address);
	}
}

int
forecast_hosts_ask(struct forecast_hosts *hosts, const struct postfix *postfix,
    const struct postfix_settings *settings)
{
	struct finger_settings finger = finger_settings_of(settings);
	struct workers *workers;
	size_t done = 0;
	struct err err;

	merge(hosts);
	workers = workers_new(PROBERS, NULL, NULL, NULL, &err);
	if (workers == NULL)
		return cmd_fail(EX_OSERR, "%s", err.text);
	for (size_t i = 0; i < hosts->count; i++) {
		struct asked_host *host = hosts->items[i];

		host->job.work = work;
		host->postfix = postfix;
		host->settings = &finger;
		workers_submit(workers, &host->job);
	}
	while (done < hosts->count) {
		struct pollfd fd = {.fd = workers_fd(workers), .events = POLLIN};

		progress_show("asking servers", done, hosts->count);
		poll(&fd, 1, LOOK_MS);
		while (workers_done(workers) != NULL)
			done++;
	}
	progress_end();
	workers_free(workers);
	return 0;
}
