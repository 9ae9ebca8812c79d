/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/resolver_link.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "sys/clock.h"

/* unbound reads no further on a connection with 32 open questions. */
#define SIDE_BY_SIDE 32

/* For how long one check of `. NS` stands for all questions. */
#define VALIDATED_FOR_MS 5000

/* How often a server may close a connection within so short a time. */
#define HASTY_MAX 3
#define HASTY_MS  50

/* A gathering may take so many times what one question may take at worst: MX, addresses,
 * TLSA and one to spare. Hosts without end do not make it longer. */
#define ROUNDS_OF_QUESTIONS 4

void
link_init(struct link *link, int64_t timeout_ms, unsigned tries)
{
	*link = (struct link){.timeout_ms = timeout_ms > 0 ? timeout_ms : 1,
	    .tries = tries > 0 ? tries : 1};
	stream_init(&link->stream);
	/* Over TCP an id only tells questions apart, so it need not be unpredictable. */
	if (getrandom(&link->next_id, sizeof(link->next_id), GRND_NONBLOCK) < 0)
		link->next_id = 1;
}

/* Each server is asked at least once. */
static unsigned
tries_in_all(const struct link *link)
{
	return link->tries > link->servers.count && !link->hurries ? link->tries
	                                                           : link->servers.count;
}

static int64_t
next_deadline(const struct link *link)
{
	int64_t deadline_ms = clock_monotonic_ms() + link->timeout_ms;

	return deadline_ms < link->end_ms ? deadline_ms : link->end_ms;
}

static void
note_trouble(
    const struct link *link, unsigned server, struct question *question, const char *what)
{
	snprintf(question->trouble, sizeof(question->trouble), "%.60s %s: %.60s (%s)",
	    question->name, rr_type_name(question->type), what,
	    link->servers.items[server].name);
}

static void
give_up(const struct link *link, struct question *questions, unsigned count,
    const struct err *err)
{
	for (unsigned i = 0; i < count; i++) {
		if (!questions[i].waiting && questions[i].trouble[0] != '\0')
			continue;
		if (questions[i].final)
			continue;
		questions[i].waiting = false;
		note_trouble(link, link->connected, &questions[i], err->text);
	}
}

/* Write the question for where it stands now, with an id that none on this connection
 * has. */
static void
put_question(struct link *link, struct question *question, struct buf *frames)
{
	struct buf message = {0};

	question->id = link->next_id++;
	question->waiting = true;
	message_ask(question->target, question->type, question->id, &message);
	stream_frame((struct str){message.data, message.len}, frames);
	buf_clear(&message);
}

static bool
send_frames(struct link *link, struct buf *frames, int64_t deadline_ms, struct err *err)
{
	bool done = stream_send(
	    &link->stream, (struct str){frames->data, frames->len}, deadline_ms, err);

	buf_clear(frames);
	return done;
}

static void
settle(const struct link *link, struct question *question)
{
	bool validated = link->trust == LINK_TRUSTED && !question->unsigned_hop;

	question->final = true;
	question->reply.alias = question->alias;
	question->reply.aliases = question->aliases;
	question->reply.ttl_s = question->ttl_s;
	if (question->reply.kind == REPLY_DATA)
		question->answer = validated ? DNS_SECURE : DNS_INSECURE;
	else
		question->answer = validated ? DNS_NONE_SECURE : DNS_NONE_INSECURE;
}

/* What one message did to its question. True: it has to be asked again, for target. */
static bool
take_reply(struct link *link, struct question *question, struct str message)
{
	struct reply *reply = &question->reply;
	struct err err;

	question->waiting = false;
	if (!message_read(message, question->target, question->type, question->id,
	        &question->room, reply, &err)) {
		note_trouble(link, link->connected, question, err.text);
		return false;
	}
	if (reply->kind == REPLY_REFUSE) {
		note_trouble(link, link->connected, question, reply->refusal);
		/* Another server may know better; the same one will not. */
		question->final = link->servers.count == 1;
		return false;
	}
	question->alias |= reply->alias;
	question->aliases += reply->aliases;
	question->unsigned_hop |= !reply->ad;
	if (reply->ttl_s < question->ttl_s)
		question->ttl_s = reply->ttl_s;
	if (question->aliases > ALIASES_MAX) {
		note_trouble(link, link->connected, question, "aliases without an end");
		question->final = true;
		return false;
	}
	if (reply->kind != REPLY_ALIAS) {
		settle(link, question);
		return false;
	}
	memcpy(question->target, reply->name, sizeof(question->target));
	return true;
}

static struct question *
find_waiting(struct question *questions, unsigned count, struct str message)
{
	uint16_t id;

	if (!message_id(message, &id))
		return NULL;
	for (unsigned i = 0; i < count; i++)
		if (questions[i].waiting && questions[i].id == id)
			return &questions[i];
	return NULL;
}

static bool
is_any_waiting(const struct question *questions, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (questions[i].waiting)
			return true;
	return false;
}

static bool
receive_all(struct link *link, struct question *questions, unsigned count,
    int64_t deadline_ms, struct err *err)
{
	while (is_any_waiting(questions, count)) {
		struct question *question;
		struct buf frames = {0};
		struct str message;

		if (!stream_receive(&link->stream, deadline_ms, &message, err))
			return false;
		question = find_waiting(questions, count, message);
		if (question == NULL)
			return err_set(err, "a reply to no question");
		if (!take_reply(link, question, message))
			continue;
		put_question(link, question, &frames);
		if (!send_frames(link, &frames, deadline_ms, err))
			return false;
	}
	return true;
}

/* Send what has no answer yet and take what comes, on the connection that stands. */
static bool
exchange(struct link *link, struct question *questions, unsigned count,
    int64_t deadline_ms, struct err *err)
{
	struct buf frames = {0};

	for (unsigned i = 0; i < count; i++)
		if (!questions[i].final)
			put_question(link, &questions[i], &frames);
	return send_frames(link, &frames, deadline_ms, err) &&
	    receive_all(link, questions, count, deadline_ms, err);
}

static void
start(struct question *question)
{
	memcpy(question->target, question->name, sizeof(question->target));
	question->answer = DNS_ERROR;
	question->ttl_s = UINT32_MAX;
}

/* A connection to that server; the one that stands, if it leads there. */
static bool
reach(struct link *link, unsigned server, int64_t deadline_ms, struct err *err)
{
	if (link->stream.fd >= 0 && link->connected == server)
		return true;
	link->connected = server;
	if (stream_open(&link->stream, &link->servers.items[server], deadline_ms, err))
		return true;
	stream_close(&link->stream);
	return false;
}

/*
 * One try. With many connections open unbound closes those that had to wait for 200 ms,
 * whether a question is open on them or not (incoming-num-tcp is 10, and half of it is
 * many). It goes on looking for the answer, so the question is put again.
 */
static bool
ask_server(struct link *link, unsigned server, struct question *questions, unsigned count,
    int64_t deadline_ms, struct err *err)
{
	for (unsigned hasty = 0; hasty < HASTY_MAX;) {
		int64_t start_ms = clock_monotonic_ms();
		bool lost;

		if (!reach(link, server, deadline_ms, err))
			break;
		if (exchange(link, questions, count, deadline_ms, err))
			return true;
		lost = link->stream.lost;
		/* Late answers must not meet later questions. */
		stream_close(&link->stream);
		if (!lost)
			break;
		if (clock_monotonic_ms() - start_ms < HASTY_MS)
			hasty++;
	}
	give_up(link, questions, count, err);
	return false;
}

/*
 * Does this server validate? RFC 7672 2.1.1: from a server that never validates, all
 * would appear unsigned, and that would be taken for an answer.
 */
static enum link_trust
probe(struct link *link, unsigned server, int64_t deadline_ms, struct err *err)
{
	const char *name = link->servers.items[server].name;
	struct question root = {.name = ".", .type = RR_NS};

	link->validated_ms[server] = 0;
	start(&root);
	if (!ask_server(link, server, &root, 1, deadline_ms, err)) {
		err_wrap(err, "%s", name);
		return LINK_DEAD;
	}
	if (!root.final || root.reply.kind != REPLY_DATA) {
		err_set(
		    err, "%s", root.trouble[0] != '\0' ? root.trouble : "no root zone");
		return LINK_DEAD;
	}
	if (!link->servers.believed) {
		err_set(err,
		    "%s is not on a loopback address: what it validated is not believed",
		    name);
		return LINK_DISBELIEVED;
	}
	if (root.unsigned_hop) {
		err_set(err, "%s does not validate: . NS without AD", name);
		return LINK_DISBELIEVED;
	}
	link->validated_ms[server] = clock_monotonic_ms();
	return LINK_TRUSTED;
}

static bool
is_validated(const struct link *link, unsigned server)
{
	int64_t seen_ms = link->validated_ms[server];

	return seen_ms != 0 && clock_monotonic_ms() - seen_ms < VALIDATED_FOR_MS;
}

enum link_trust
link_begin(struct link *link, bool fresh, struct err *err)
{
	struct err failure = {0};
	unsigned first;

	if (server_list_refresh(&link->servers)) {
		memset(link->validated_ms, 0, sizeof(link->validated_ms));
		link->preferred = 0;
	}
	first = link->preferred;
	link->end_ms = clock_monotonic_ms() +
	    ROUNDS_OF_QUESTIONS * (int64_t)tries_in_all(link) * link->timeout_ms;
	if (link->until_ms != 0 && link->until_ms < link->end_ms)
		link->end_ms = link->until_ms;
	link->trust = LINK_DEAD;
	if (!fresh && is_validated(link, first))
		return link->trust = LINK_TRUSTED;
	for (unsigned i = 0; i < tries_in_all(link); i++) {
		unsigned server = (first + i) % link->servers.count;
		enum link_trust trust =
		    probe(link, server, next_deadline(link), &failure);

		if (trust == LINK_DISBELIEVED || link->trust == LINK_DEAD)
			*err = failure;
		if (trust > link->trust) {
			link->trust = trust;
			link->preferred = server;
		}
		/* A server that answered would give the same answer again. */
		if (trust == LINK_TRUSTED ||
		    (trust == LINK_DISBELIEVED && link->servers.count == 1))
			break;
	}
	return link->trust;
}

/*
 * One try of what has no answer yet. A server counts only after its own proof that it
 * validates: answers of one that does not would make signed zones appear unsigned.
 */
static void
try_once(struct link *link, unsigned server, struct question *questions, unsigned count)
{
	int64_t deadline_ms = next_deadline(link);
	struct err err;

	if (link->trust == LINK_TRUSTED && !is_validated(link, server) &&
	    probe(link, server, deadline_ms, &err) != LINK_TRUSTED)
		return;
	if (ask_server(link, server, questions, count, deadline_ms, &err))
		link->preferred = server;
}

static bool
is_all_final(const struct question *questions, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!questions[i].final)
			return false;
	return true;
}

void
link_ask(struct link *link, struct question *questions, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		start(&questions[i]);
	if (link->trust == LINK_DEAD)
		return;
	for (unsigned at = 0; at < count; at += SIDE_BY_SIDE) {
		unsigned part = count - at < SIDE_BY_SIDE ? count - at : SIDE_BY_SIDE;
		unsigned first = link->preferred;

		for (unsigned i = 0; i < tries_in_all(link); i++) {
			if (is_all_final(questions + at, part))
				break;
			try_once(link, (first + i) % link->servers.count, questions + at,
			    part);
		}
	}
}

void
link_end(struct link *link)
{
	stream_close(&link->stream);
}
