/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/resolver_stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clock.h"

#define LENGTH_SIZE 2

void
stream_init(struct stream *stream)
{
	stream->fd = -1;
	stream->lost = false;
	stream->skip = 0;
	stream->have = 0;
}

void
stream_close(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	stream_init(stream);
}

/* Wait until the socket is ready for events. False: the deadline passed. */
static bool
wait_for(struct stream *stream, short events, int64_t deadline_ms, struct err *err)
{
	struct pollfd pfd = {.fd = stream->fd, .events = events};

	for (;;) {
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		int ready;

		if (left_ms <= 0)
			return err_set(err, "no answer in time");
		ready = poll(&pfd, 1, left_ms < 60000 ? (int)left_ms : 60000);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return err_set_errno(err, errno, "poll");
	}
}

bool
stream_open(struct stream *stream, const struct server *server, int64_t deadline_ms,
    struct err *err)
{
	const int on = 1;
	int failure = 0;
	socklen_t size = sizeof(failure);

	stream_close(stream);
	stream->fd = socket(server->address.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (stream->fd < 0)
		return err_set_errno(err, errno, "cannot make a socket");
	setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(stream->fd, (const struct sockaddr *)&server->address,
	        server->address_size) == 0)
		return true;
	if (errno != EINPROGRESS)
		return err_set_errno(err, errno, "cannot connect");
	if (!wait_for(stream, POLLOUT, deadline_ms, err))
		return false;
	if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
		failure = errno;
	if (failure != 0)
		return err_set_errno(err, failure, "cannot connect");
	return true;
}

void
stream_frame(struct str message, struct buf *out)
{
	assert(message.len <= MESSAGE_MAX);
	buf_add_char(out, (char)(message.len >> 8));
	buf_add_char(out, (char)(message.len & 0xff));
	buf_add_str(out, message);
}

static bool
lose(struct stream *stream, int errnum, struct err *err)
{
	stream->lost = true;
	if (errnum == 0)
		return err_set(err, "the connection was closed");
	return err_set_errno(err, errnum, "the connection was lost");
}

bool
stream_send(
    struct stream *stream, struct str frames, int64_t deadline_ms, struct err *err)
{
	while (frames.len > 0) {
		ssize_t sent = send(stream->fd, frames.p, frames.len, MSG_NOSIGNAL);

		if (sent > 0)
			frames = str_skip(frames, (size_t)sent);
		else if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return lose(stream, errno, err);
		else if (!wait_for(stream, POLLOUT, deadline_ms, err))
			return false;
	}
	return true;
}

/*
 * unbound sends each reply by itself, and Nagle's algorithm holds the second one back
 * until the first is acknowledged, which our kernel puts off for 40 ms: as long as all
 * else together, times the number of waves. Linux forgets the wish, so it is renewed.
 */
static void
acknowledge_at_once(const struct stream *stream)
{
#ifdef TCP_QUICKACK
	const int on = 1;

	setsockopt(stream->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
#else
	(void)stream;
#endif
}

/* Is a whole message there? */
static bool
is_complete(const struct stream *stream, size_t *len)
{
	if (stream->have < LENGTH_SIZE)
		return false;
	*len = (size_t)stream->in[0] << 8 | stream->in[1];
	return stream->have >= LENGTH_SIZE + *len;
}

bool
stream_receive(
    struct stream *stream, int64_t deadline_ms, struct str *message, struct err *err)
{
	size_t len = 0;

	stream->have -= stream->skip;
	memmove(stream->in, stream->in + stream->skip, stream->have);
	stream->skip = 0;
	while (!is_complete(stream, &len)) {
		ssize_t got;

		acknowledge_at_once(stream);
		got = recv(stream->fd, stream->in + stream->have,
		    sizeof(stream->in) - stream->have, 0);
		if (got > 0)
			stream->have += (size_t)got;
		else if (got == 0)
			return lose(stream, 0, err);
		else if (errno != EAGAIN && errno != EINTR)
			return lose(stream, errno, err);
		else if (!wait_for(stream, POLLIN, deadline_ms, err))
			return false;
	}
	*message = (struct str){(const char *)stream->in + LENGTH_SIZE, len};
	stream->skip = LENGTH_SIZE + len;
	return true;
}
