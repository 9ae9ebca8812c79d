/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ldns/ldns.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCKS_MAX      12000
#define RECORDS_MAX     80
#define CONNECTIONS_MAX 32
#define QUESTION_MAX    600

enum lie {
	LIE_NONE,
	LIE_ID,
	LIE_QUESTION,
	LIE_QUERY,
	LIE_TWICE,
	LIE_GARBAGE,
	LIE_SHORT,
	LIE_SILENT,
	LIE_CLOSE,
	LIE_HALF,
	LIE_OCTETS,
};

struct block {
	char question[300]; /* "example.test MX" */
	unsigned asked;
	unsigned many;
	bool secure;
	bool truncated;
	unsigned rcode;
	enum lie lie;
	unsigned count;
	char *records[RECORDS_MAX];
	bool authority[RECORDS_MAX];
};

struct connection {
	int fd;
	size_t have;
	uint8_t in[2 + QUESTION_MAX];
};

struct server_script {
	pthread_t thread;
	pthread_mutex_t lock; /* over block.asked */
	int listener;
	int stop[2]; /* a pipe whose end says so */
	unsigned port;
	struct block *blocks;
	unsigned count;
	struct connection connections[CONNECTIONS_MAX];
	unsigned connection_count;
};

static void
die(const char *what, const char *which)
{
	fprintf(stderr, "dns script: %s: %s\n", what, which);
	exit(2);
}

static const struct {
	const char *word;
	enum lie lie;
} lies[] = {
    {"id", LIE_ID},
    {"question", LIE_QUESTION},
    {"query", LIE_QUERY},
    {"twice", LIE_TWICE},
    {"garbage", LIE_GARBAGE},
    {"short", LIE_SHORT},
    {"silent", LIE_SILENT},
    {"close", LIE_CLOSE},
    {"half", LIE_HALF},
    {"octets", LIE_OCTETS},
};

static bool
parse_lie(struct block *block, const char *word)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		if (strcmp(word, lies[i].word) == 0) {
			block->lie = lies[i].lie;
			return true;
		}
	}
	return false;
}

static void
parse_word(struct block *block, const char *word)
{
	if (strcmp(word, "secure") == 0)
		block->secure = true;
	else if (strcmp(word, "insecure") == 0)
		block->secure = false;
	else if (strcmp(word, "nxdomain") == 0)
		block->rcode = LDNS_RCODE_NXDOMAIN;
	else if (strcmp(word, "servfail") == 0)
		block->rcode = LDNS_RCODE_SERVFAIL;
	else if (strcmp(word, "refused") == 0)
		block->rcode = LDNS_RCODE_REFUSED;
	else if (strcmp(word, "truncated") == 0)
		block->truncated = true;
	else if (strncmp(word, "many=", 5) == 0)
		block->many = (unsigned)strtoul(word + 5, NULL, 10);
	else if (!parse_lie(block, word))
		die("unknown word", word);
}

static struct block *
add_block(struct server_script *server)
{
	if (server->count == BLOCKS_MAX)
		die("too many questions", "script");
	return &server->blocks[server->count++];
}

static void
parse_question(struct server_script *server, char *line)
{
	struct block *block = add_block(server);
	char *rest = NULL, *name = strtok_r(line, " \t", &rest);
	char *type = strtok_r(NULL, " \t", &rest), *word;

	if (type == NULL)
		die("no type", line);
	snprintf(block->question, sizeof(block->question), "%s %s", name, type);
	while ((word = strtok_r(NULL, " \t", &rest)) != NULL)
		parse_word(block, word);
}

static void
parse_record(struct server_script *server, const char *line)
{
	struct block *block = &server->blocks[server->count - 1];

	if (server->count == 0 || block->count == RECORDS_MAX)
		die("a record too many", line);
	if (strncmp(line, "authority ", 10) == 0) {
		line += 10;
		block->authority[block->count] = true;
	}
	block->records[block->count++] = strdup(line);
}

static void
parse_script(struct server_script *server, const char *text)
{
	char *copy = strdup(text), *rest = NULL;

	for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		size_t indent = strspn(line, " \t");

		if (line[indent] == '\0' || line[indent] == '#')
			continue;
		if (indent > 0)
			parse_record(server, line + indent);
		else
			parse_question(server, line);
	}
	free(copy);
}

static bool
has_question(const struct server_script *server, const char *question)
{
	for (unsigned i = 0; i < server->count; i++)
		if (strcasecmp(server->blocks[i].question, question) == 0)
			return true;
	return false;
}

/* The block that answers now. The last of its question answers for ever. */
static struct block *
find_block(struct server_script *server, const char *question)
{
	struct block *found = NULL;

	for (unsigned i = 0; i < server->count; i++) {
		struct block *block = &server->blocks[i];

		if (strcasecmp(block->question, question) != 0)
			continue;
		found = block;
		if (block->asked == 0)
			break;
	}
	return found;
}

/* The last two labels of a name, or what there is of them. */
static const char *
zone_of(const char *name)
{
	const char *zone = name, *dot = name;

	while ((dot = strchr(dot, '.')) != NULL) {
		dot++;
		if (strchr(dot, '.') != NULL)
			zone = dot;
	}
	return zone;
}

static void
add_authority(struct block *block, const char *name, const char *rest)
{
	char text[700];

	snprintf(text, sizeof(text), "%s. 300 IN %s", name, rest);
	block->authority[block->count] = true;
	block->records[block->count++] = strdup(text);
}

/* What proves that a name is unsigned, where the script has nothing else. */
static void
answer_by_default(struct block *block)
{
	static const char soa[] = "SOA ns.test. p.test. 1 2 3 4 300";
	const char *dot;
	char name[300];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(block->question, " "),
	    block->question);
	dot = strchr(name, '.');
	if (strstr(block->question, " SOA") != NULL)
		add_authority(block, zone_of(name), soa);
	if (strstr(block->question, " DS") != NULL) {
		add_authority(block, dot != NULL ? dot + 1 : "", soa);
		add_authority(block, name, "NSEC z.test. NS RRSIG NSEC");
	}
}

static const struct block *
count_question(struct server_script *server, const char *question)
{
	struct block *block;

	pthread_mutex_lock(&server->lock);
	block = find_block(server, question);
	if (block == NULL) {
		block = add_block(server);
		snprintf(block->question, sizeof(block->question), "%s", question);
		block->secure = true;
		answer_by_default(block);
	}
	block->asked++;
	pthread_mutex_unlock(&server->lock);
	return block;
}

static void
push_record(ldns_pkt *reply, const char *text, bool authority)
{
	ldns_rr *rr = NULL;

	if (ldns_rr_new_frm_str(&rr, text, 300, NULL, NULL) != LDNS_STATUS_OK)
		die("no record", text);
	ldns_pkt_push_rr(
	    reply, authority ? LDNS_SECTION_AUTHORITY : LDNS_SECTION_ANSWER, rr);
}

static void
push_records(ldns_pkt *reply, const struct block *block)
{
	for (unsigned i = 0; i < block->count; i++) {
		unsigned times = block->many > 0 ? block->many : 1;

		for (unsigned n = 0; n < times; n++) {
			const char *at = strstr(block->records[i], "%u");
			char text[1024];

			if (at == NULL)
				snprintf(text, sizeof(text), "%s", block->records[i]);
			else
				snprintf(text, sizeof(text), "%.*s%u%s",
				    (int)(at - block->records[i]), block->records[i], n,
				    at + 2);
			push_record(reply, text, block->authority[i]);
		}
	}
}

static ldns_pkt *
make_reply(const struct block *block, const ldns_pkt *query, const ldns_rr *question)
{
	ldns_pkt *reply = ldns_pkt_new();
	ldns_rr *asked = ldns_rr_clone(question);

	if (block->lie == LIE_QUESTION)
		ldns_rr_set_type(asked, LDNS_RR_TYPE_TXT);
	ldns_pkt_set_id(reply, (uint16_t)(ldns_pkt_id(query) + (block->lie == LIE_ID)));
	ldns_pkt_set_qr(reply, block->lie != LIE_QUERY);
	ldns_pkt_set_rd(reply, true);
	ldns_pkt_set_ra(reply, true);
	ldns_pkt_set_ad(reply, block->secure);
	ldns_pkt_set_tc(reply, block->truncated);
	ldns_pkt_set_rcode(reply, (uint8_t)block->rcode);
	ldns_pkt_push_rr(reply, LDNS_SECTION_QUESTION, asked);
	push_records(reply, block);
	return reply;
}

static void
send_all(int fd, const uint8_t *data, size_t len, size_t step)
{
	while (len > 0) {
		size_t part = step > 0 && step < len ? step : len;
		ssize_t sent = send(fd, data, part, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		data += sent;
		len -= (size_t)sent;
	}
}

/* Send the message as the script wants it. False: close the connection. */
static bool
send_message(int fd, const struct block *block, const uint8_t *wire, size_t len)
{
	uint8_t frame[2 + 65535] = {(uint8_t)(len >> 8), (uint8_t)len};

	memcpy(frame + 2, wire, len);
	switch (block->lie) {
	case LIE_SILENT:
		return true;
	case LIE_CLOSE:
		return false;
	case LIE_HALF:
		send_all(fd, frame, 2 + len / 2, 0);
		return false;
	case LIE_GARBAGE:
		memset(frame + 4, 0xc0, len - 2);
		break;
	case LIE_SHORT:
		frame[0] = 0;
		frame[1] = 5;
		len = 5;
		break;
	default:
		break;
	}
	send_all(fd, frame, 2 + len, block->lie == LIE_OCTETS ? 1 : 0);
	if (block->lie == LIE_TWICE)
		send_all(fd, frame, 2 + len, 0);
	return true;
}

static bool
answer(struct server_script *server, int fd, const uint8_t *message, size_t len)
{
	ldns_pkt *query = NULL, *reply;
	const ldns_rr *asked;
	const struct block *block;
	char question[300], *name, *type;
	uint8_t *wire = NULL;
	size_t size = 0;
	bool stay;

	if (ldns_wire2pkt(&query, message, len) != LDNS_STATUS_OK)
		die("a question that cannot be read", "wire");
	if (!ldns_pkt_edns_do(query) || ldns_pkt_cd(query) || !ldns_pkt_rd(query))
		die("a question without DO or RD, or with CD", "flags");
	asked = ldns_rr_list_rr(ldns_pkt_question(query), 0);
	name = ldns_rdf2str(ldns_rr_owner(asked));
	type = ldns_rr_type2str(ldns_rr_get_type(asked));
	if (strlen(name) > 1)
		name[strlen(name) - 1] = '\0';
	snprintf(question, sizeof(question), "%s %s", name, type);
	free(name);
	free(type);
	block = count_question(server, question);
	reply = make_reply(block, query, asked);
	if (ldns_pkt2wire(&wire, reply, &size) != LDNS_STATUS_OK || size > 65535)
		die("an answer that cannot be written", question);
	stay = send_message(fd, block, wire, size);
	free(wire);
	ldns_pkt_free(reply);
	ldns_pkt_free(query);
	return stay;
}

/* False: the connection is to be closed. */
static bool
serve(struct server_script *server, struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->in + connection->have,
	    sizeof(connection->in) - connection->have, 0);

	if (got <= 0)
		return false;
	connection->have += (size_t)got;
	while (connection->have > 2) {
		size_t len = (size_t)connection->in[0] << 8 | connection->in[1];

		if (len > QUESTION_MAX)
			die("a question that is too long", "wire");
		if (connection->have < 2 + len)
			break;
		if (!answer(server, connection->fd, connection->in + 2, len))
			return false;
		connection->have -= 2 + len;
		memmove(connection->in, connection->in + 2 + len, connection->have);
	}
	return true;
}

static void
take_connection(struct server_script *server)
{
	const int on = 1;
	int fd = accept(server->listener, NULL, NULL);

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (server->connection_count == CONNECTIONS_MAX)
		die("too many connections", "script");
	server->connections[server->connection_count].fd = fd;
	server->connections[server->connection_count++].have = 0;
}

static void *
run(void *argument)
{
	struct server_script *server = argument;

	for (;;) {
		struct pollfd fds[2 + CONNECTIONS_MAX];
		unsigned count = server->connection_count;

		fds[0] = (struct pollfd){.fd = server->stop[0], .events = POLLIN};
		fds[1] = (struct pollfd){.fd = server->listener, .events = POLLIN};
		for (unsigned i = 0; i < count; i++)
			fds[2 + i] = (struct pollfd){
			    .fd = server->connections[i].fd, .events = POLLIN};
		if (poll(fds, 2 + count, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			return NULL;
		for (unsigned i = count; i-- > 0;) {
			if (fds[2 + i].revents == 0 ||
			    serve(server, &server->connections[i]))
				continue;
			close(server->connections[i].fd);
			server->connections[i] =
			    server->connections[--server->connection_count];
		}
		if (fds[1].revents != 0)
			take_connection(server);
	}
}

static void
listen_on(struct server_script *server, const char *address, unsigned port)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	socklen_t size = sizeof(in);
	const int on = 1;

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		die("no address", address);
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(server->listener, (struct sockaddr *)&in, sizeof(in)) != 0 ||
	    listen(server->listener, 16) != 0 ||
	    getsockname(server->listener, (struct sockaddr *)&in, &size) != 0)
		die("cannot listen", address);
	server->port = ntohs(in.sin_port);
}

struct server_script *
server_start(const char *address, unsigned port, const char *text)
{
	struct server_script *server = calloc(1, sizeof(*server));

	if (server == NULL)
		die("out of memory", address);
	server->blocks = calloc(BLOCKS_MAX, sizeof(*server->blocks));
	if (server->blocks == NULL || pipe2(server->stop, O_CLOEXEC) != 0)
		die("out of memory", address);
	parse_script(server, text);
	if (!has_question(server, ". NS"))
		parse_script(server, ". NS secure\n\t. 300 IN NS ns.test.\n");
	listen_on(server, address, port);
	pthread_mutex_init(&server->lock, NULL);
	if (pthread_create(&server->thread, NULL, run, server) != 0)
		die("no thread", address);
	return server;
}

void
server_stop(struct server_script *server)
{
	close(server->stop[1]);
	pthread_join(server->thread, NULL);
	close(server->stop[0]);
	close(server->listener);
	for (unsigned i = 0; i < server->connection_count; i++)
		close(server->connections[i].fd);
	for (unsigned i = 0; i < server->count; i++)
		for (unsigned n = 0; n < server->blocks[i].count; n++)
			free(server->blocks[i].records[n]);
	pthread_mutex_destroy(&server->lock);
	free(server->blocks);
	free(server);
}

unsigned
server_port(const struct server_script *server)
{
	return server->port;
}

unsigned
server_asked(struct server_script *server, const char *question)
{
	unsigned asked = 0;

	pthread_mutex_lock(&server->lock);
	for (unsigned i = 0; i < server->count; i++)
		if (strcasecmp(server->blocks[i].question, question) == 0)
			asked += server->blocks[i].asked;
	pthread_mutex_unlock(&server->lock);
	return asked;
}
