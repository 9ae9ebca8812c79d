/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/fold_host.h"

#include <stdio.h>

#include "base/mem.h"

/* Port 0: old versions write none. */
static bool
cut_relay(struct str relay, struct str *name, uint16_t *port)
{
	struct str address;
	uint64_t number = 0;

	if (!str_cut(&relay, '[', name) || name->len == 0 ||
	    name->len >= NEXTHOP_HOST_SIZE || !str_cut(&relay, ']', &address) ||
	    (str_eat(&relay, STR(":")) && !str_number(relay, UINT16_MAX, &number)))
		return false;
	*port = (uint16_t)number;
	return true;
}

/* As most lines have it, in small letters, it is found by its bytes alone. */
static bool
is_host(const struct fold_host *host, struct str name, uint16_t port)
{
	struct str own = {host->name, host->name_len};

	return host->port == port && own.len == name.len &&
	    (memcmp(own.p, name.p, name.len) == 0 || str_equal_nocase(own, name));
}

static struct fold_host *
get(struct fold_item *item, struct str name, uint16_t port)
{
	struct fold_host *host;

	if (port == 0)
		port = item->port;
	for (size_t i = 0; i < item->host_count; i++)
		if (is_host(&item->hosts[i], name, port))
			return &item->hosts[i];
	if (item->host_count >= FOLD_HOSTS_MAX)
		return NULL;
	item->hosts = mem_array(item->hosts, item->host_count + 1, sizeof(*item->hosts));
	host = &item->hosts[item->host_count++];
	*host = (struct fold_host){.name = mem_strndup(name.p, name.len), .port = port};
	for (char *p = host->name; *p != '\0'; p++, host->name_len++)
		*p = ascii_lower(*p);
	return host;
}

struct fold_host *
fold_host_get(struct fold_item *item, const struct status_line *line)
{
	struct str name;
	uint16_t port;

	return cut_relay(line->relay, &name, &port) ? get(item, name, port) : NULL;
}

struct fold_host *
fold_host_named(struct fold_item *item, const char *name, uint16_t port)
{
	return get(item, str_of(name), port);
}

bool
fold_host_differs(const struct fold_item *item, const struct status_line *line)
{
	const char *relay = item->deferral->relay;
	char of_line[NEXTHOP_HOST_SIZE];
	struct str rest = line->relay, name;

	if (relay[0] == '\0' || !str_cut(&rest, '[', &name) ||
	    !str_copy(name, of_line, sizeof(of_line)))
		return false;
	fold_host_mark_port(item, fold_host_port(line->relay), of_line);
	return !str_equal_nocase(str_of(of_line), str_of(relay));
}

uint16_t
fold_host_port(struct str relay)
{
	struct str name;
	uint16_t port;

	return cut_relay(relay, &name, &port) ? port : 0;
}

void
fold_host_mark_port(
    const struct fold_item *item, uint16_t port, char relay[NEXTHOP_HOST_SIZE])
{
	char text[8];
	size_t len = strlen(relay), more;

	if (len == 0 || port == 0 || item->port == 0 || port == item->port)
		return;
	more = (size_t)snprintf(text, sizeof(text), ":%u", port);
	if (len + more >= NEXTHOP_HOST_SIZE)
		len = NEXTHOP_HOST_SIZE - 1 - more;
	memcpy(relay + len, text, more + 1);
}

void
fold_host_cause(struct fold_host *host, enum cause cause, int64_t time_ms)
{
	host->cause = cause;
	host->cause_ms = time_ms;
}

void
fold_host_sent(struct fold_host *host, const struct fold_item *item)
{
	host->flow_ms = item->sent_ms;
	host->deferred_since = false;
	if (host->tried.count > 0) /* the others are some of them */
		host->tried = host->plain = host->broken = (struct fold_attempts){0};
	/* Where sessions are logged they tell more. */
	if (!item->sent_proves && item->sent_level == LEVEL_UNKNOWN)
		return;
	host->sent_ms = item->sent_ms;
	host->sent_attempt_ms = item->sent_attempt_ms;
	host->sent_level = item->sent_level;
	host->sent_proves = item->sent_proves;
}

void
fold_host_bare(struct fold_item *item, const struct status_line *line)
{
	struct fold_host *host = fold_host_get(item, line);

	if (host == NULL)
		return;
	host->bare_ms = item->bare_ms;
	host->bare_attempt_ms = item->bare_attempt_ms;
	host->deferred_since_bare = false;
}

void
fold_host_failed(struct fold_item *item, const struct status_line *line,
    const struct rule_source *rule, int64_t time_ms)
{
	struct fold_host *host;

	for (size_t i = 0; i < item->host_count; i++)
		item->hosts[i].deferred_since = item->hosts[i].deferred_since_bare = true;
	/* For what waits by a rule, and for what is our own fault, it is not to blame. */
	if (line->suspended || rule->fault_ours || rule->fallback == FALLBACK_WAIT)
		return;
	host = fold_host_get(item, line);
	if (host != NULL)
		host->failed_ms = time_ms;
}
