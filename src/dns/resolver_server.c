/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/resolver_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sys/file.h"

#define DNS_PORT            53
#define RESOLV_CONF_SERVERS 3 /* MAXNS of resolver(3) */
#define RESOLV_CONF_SIZE    (64 * 1024)

static bool
is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;

		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	}
	return false;
}

bool
server_parse(struct str text, struct server *server, struct err *err)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	struct str rest = text, address = text;
	uint64_t port = DNS_PORT;
	char host[64], service[8];

	*server = (struct server){0};
	if (str_cut(&rest, '@', &address) &&
	    (!str_number(rest, 65535, &port) || port == 0))
		return err_set(err, "the port must be a number from 1 to 65535");
	if (address.len == 0 || !str_copy(address, host, sizeof(host)))
		return err_set(err, "no IPv4 or IPv6 address");
	snprintf(service, sizeof(service), "%u", (unsigned)port);
	/* getaddrinfo() knows scope ids (fe80::1%eth0); with these flags it asks no
	 * server. */
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return err_set(err, "no IPv4 or IPv6 address");
	assert(found->ai_addrlen <= sizeof(server->address));
	memcpy(&server->address, found->ai_addr, found->ai_addrlen);
	server->address_size = found->ai_addrlen;
	server->loopback = is_loopback(&server->address);
	snprintf(server->name, sizeof(server->name), "%s@%s", host, service);
	freeaddrinfo(found);
	return true;
}

/* The address of a line "nameserver ADDRESS"; comments are lines of their own, or come
 * behind a blank, a # or a semicolon. */
static bool
nameserver_of(struct str line, struct str *address)
{
	size_t len = 0;

	if (!str_eat(&line, STR("nameserver")) || line.len == 0)
		return false;
	if (line.p[0] != ' ' && line.p[0] != '\t')
		return false;
	line = str_trim(line);
	while (len < line.len && strchr(" \t\r#;", line.p[len]) == NULL)
		len++;
	*address = (struct str){line.p, len};
	return true;
}

static bool
read_resolv_conf(struct server_list *list, const char *path, struct err *err)
{
	struct buf text = {0};
	struct str rest, line, address;
	bool named = false;

	if (!file_read(path, RESOLV_CONF_SIZE, &text, err)) {
		buf_clear(&text);
		return false;
	}
	buf_add_char(&text, '\n');
	rest = (struct str){text.data, text.len};
	while (list->count < RESOLV_CONF_SERVERS && str_cut(&rest, '\n', &line)) {
		if (!nameserver_of(line, &address))
			continue;
		named = true;
		if (server_parse(address, &list->items[list->count], err))
			list->count++;
	}
	buf_clear(&text);
	if (list->count == 0 && named)
		return err_set(err, "%s: no nameserver in it has a valid address", path);
	/* resolv.conf(5): "the default is to use the name server on the local machine".
	 */
	if (list->count == 0 && server_parse(STR("127.0.0.1"), &list->items[0], err))
		list->count = 1;
	return list->count > 0;
}

static bool
read_named(
    struct server_list *list, const struct resolver_settings *settings, struct err *err)
{
	if (settings->server_count > SERVERS_MAX)
		return err_set(err, "more than %d resolvers", SERVERS_MAX);
	for (unsigned i = 0; i < settings->server_count; i++) {
		struct str text = str_of(settings->servers[i]);
		struct buf quoted = {0};

		if (server_parse(text, &list->items[i], err)) {
			list->count++;
			continue;
		}
		buf_add_quoted(&quoted, text);
		err_wrap(err, "resolver \"%.100s\"", buf_text(&quoted));
		buf_clear(&quoted);
		return false;
	}
	return true;
}

/* Leave only those on a loopback address, if there are any. */
static void
keep_believed(struct server_list *list)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < list->count; i++)
		if (list->items[i].loopback)
			list->items[kept++] = list->items[i];
	if (kept > 0) {
		list->count = kept;
		list->believed = true;
	}
}

static bool
look_at(const char *path, struct server_list *list)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	list->inode = st.st_ino;
	list->changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	return true;
}

/* Looked at before it is read: what is written meanwhile is seen the next time. */
static bool
read_system(struct server_list *list, const char *path, struct err *err)
{
	bool fits = str_copy(str_of(path), list->resolv_conf, sizeof(list->resolv_conf));

	assert(fits);
	look_at(path, list);
	if (!read_resolv_conf(list, path, err))
		return false;
	keep_believed(list);
	return true;
}

bool
server_list_refresh(struct server_list *list)
{
	struct server_list now = {0};
	struct err ignored;

	if (list->resolv_conf[0] == '\0' || !look_at(list->resolv_conf, &now) ||
	    (now.inode == list->inode && now.changed_ns == list->changed_ns))
		return false;
	now = (struct server_list){0};
	if (!read_system(&now, list->resolv_conf, &ignored))
		return false;
	*list = now;
	return true;
}

bool
server_list_read(
    struct server_list *list, const struct resolver_settings *settings, struct err *err)
{
	*list = (struct server_list){0};
	if (settings->server_count == 0)
		return read_system(list, settings->resolv_conf, err);
	if (!read_named(list, settings, err))
		return false;
	if (settings->trust_ad)
		list->believed = true;
	else
		keep_believed(list);
	return true;
}
