/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of DNS over a connection: in pieces, several at once, and one that breaks. */
#include "suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "dns/resolver_stream.h"
#include "sys/clock.h"

#define LONG_MS 30000 /* never reached by a test that passes */

static struct stream *stream;
static int peer;

static int64_t
in(int64_t ms)
{
	return clock_monotonic_ms() + ms;
}

static void
begin(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	stream = mem_new(1, sizeof(*stream));
	stream_init(stream);
	stream->fd = fds[0];
	peer = fds[1];
}

static void
end(void)
{
	stream_close(stream);
	assert_int_equal(stream->fd, -1);
	stream_close(stream); /* once more is no matter */
	free(stream);
	if (peer >= 0)
		close(peer);
}

static void
peer_says(const char *bytes, size_t len)
{
	assert_int_equal(write(peer, bytes, len), len);
}

static void
assert_received(const char *text)
{
	struct str message;
	struct err err = {""};

	if (!stream_receive(stream, in(LONG_MS), &message, &err))
		fail_msg("%s", err.text);
	assert_true(str_is(message, text));
}

static void
messages_are_whole(void **state)
{
	struct str message;
	struct err err;

	(void)state;
	begin();
	peer_says("\0\3abc\0\0\0\2de\0", 12);
	assert_received("abc");
	assert_received("");
	assert_received("de");
	peer_says("\4fg", 3);
	peer_says("hi\0", 3);
	assert_received("fghi");
	/* Of the next there is half of the length. */
	assert_false(stream_receive(stream, in(1), &message, &err));
	assert_string_equal(err.text, "no answer in time");
	assert_false(stream->lost);
	end();
}

static void
frame_is_read_as_it_was_sent(void **state)
{
	struct buf frames = {0};
	char back[64];
	struct err err;

	(void)state;
	begin();
	stream_frame(STR("one"), &frames);
	stream_frame(STR(""), &frames);
	assert_true(stream_send(
	    stream, (struct str){buf_text(&frames), frames.len}, in(LONG_MS), &err));
	assert_int_equal(read(peer, back, sizeof(back)), 7);
	assert_memory_equal(back, "\0\3one\0\0", 7);
	buf_clear(&frames);
	end();
}

/* A peer that does not read keeps nobody waiting beyond the deadline. */
static void
peer_does_not_read(void **state)
{
	size_t size = (size_t)8 << 20;
	char *much = mem_new(size, 1);
	struct err err;

	(void)state;
	begin();
	assert_false(stream_send(stream, (struct str){much, size}, in(20), &err));
	assert_string_equal(err.text, "no answer in time");
	assert_false(stream->lost);
	end();
	begin(); /* the time was over before */
	assert_false(stream_send(stream, (struct str){much, size}, in(-1), &err));
	free(much);
	end();
}

static void
connection_is_closed(void **state)
{
	struct str message;
	struct err err;

	(void)state;
	begin();
	peer_says("\0\3a", 3);
	close(peer);
	peer = -1;
	assert_false(stream_receive(stream, in(LONG_MS), &message, &err));
	assert_string_equal(err.text, "the connection was closed");
	assert_true(stream->lost);
	stream->lost = false;
	assert_false(stream_send(stream, STR("x"), in(LONG_MS), &err));
	assert_string_equal(err.text, "the connection was lost: Broken pipe");
	assert_true(stream->lost);
	end();
}

/* --- by TCP --------------------------------------------------------------------------
 */

static struct server
server_of(const char *address, uint16_t port)
{
	struct server server = {.address_size = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in4 = (struct sockaddr_in *)&server.address;

	in4->sin_family = AF_INET;
	in4->sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, address, &in4->sin_addr), 1);
	return server;
}

/* Listens on loopback; *port is set. */
static int
listen_there(uint16_t *port)
{
	struct server server = server_of("127.0.0.1", 0);
	socklen_t size = sizeof(server.address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(
	    bind(fd, (struct sockaddr *)&server.address, server.address_size), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&server.address, &size), 0);
	*port = ntohs(((struct sockaddr_in *)&server.address)->sin_port);
	return fd;
}

static void
connection_is_reset(void **state)
{
	const struct linger at_once = {.l_onoff = 1};
	struct server server;
	struct str message;
	struct err err = {""};
	uint16_t port;
	int listener = listen_there(&port);

	(void)state;
	stream = mem_new(1, sizeof(*stream));
	stream_init(stream);
	server = server_of("127.0.0.1", port);
	if (!stream_open(stream, &server, in(LONG_MS), &err))
		fail_msg("%s", err.text);
	peer = accept(listener, NULL, NULL);
	assert_true(peer >= 0);
	peer_says("\0\2ok", 4);
	assert_received("ok");
	assert_int_equal(
	    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(peer);
	peer = -1;
	assert_false(stream_receive(stream, in(LONG_MS), &message, &err));
	assert_string_equal(
	    err.text, "the connection was lost: Connection reset by peer");
	assert_true(stream->lost);
	close(listener);
	/* Nobody listens there any more. */
	assert_false(stream_open(stream, &server, in(LONG_MS), &err));
	assert_string_equal(err.text, "cannot connect: Connection refused");
	assert_false(stream->lost);
	/* Nor can anybody there, nor by a protocol that there is none of. */
	server = server_of("255.255.255.255", 53);
	assert_false(stream_open(stream, &server, in(LONG_MS), &err));
	assert_memory_equal(err.text, "cannot connect: ", 16);
	server.address.ss_family = AF_UNSPEC;
	assert_false(stream_open(stream, &server, in(LONG_MS), &err));
	assert_memory_equal(err.text, "cannot make a socket: ", 22);
	end();
}

int
main(void)
{
	suite_add(messages_are_whole, NULL, "a message is whole, however it comes");
	suite_add(
	    frame_is_read_as_it_was_sent, NULL, "a message is sent with its length");
	suite_add(
	    peer_does_not_read, NULL, "a server that does not read is not waited for");
	suite_add(connection_is_closed, NULL, "a connection that is closed is told");
	suite_add(
	    connection_is_reset, NULL, "so is one that is reset, or cannot be made");
	return suite_run();
}
