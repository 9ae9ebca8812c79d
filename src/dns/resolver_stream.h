/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS messages over one TCP connection (RFC 7766): each with its length before it.
 * All calls end by their deadline (clock_monotonic_ms()). After a failure the only
 * thing left to do is stream_close().
 */
#ifndef DNS_RESOLVER_STREAM_H
#define DNS_RESOLVER_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "dns/resolver_server.h"

#define MESSAGE_MAX 65535 /* what the length before a message can say */

struct stream {
	int fd;      /* -1: closed */
	bool lost;   /* the other side has closed it */
	size_t skip; /* octets of the message that was handed out last */
	size_t have;
	uint8_t in[2 + MESSAGE_MAX];
};

void stream_init(struct stream *stream);
bool stream_open(struct stream *stream, const struct server *server, int64_t deadline_ms,
    struct err *err);
void stream_close(struct stream *stream); /* may be closed already */

/* Put a message into out as stream_send() wants it. */
void stream_frame(struct str message, struct buf *out);

/* Send frames, one or several. */
bool stream_send(
    struct stream *stream, struct str frames, int64_t deadline_ms, struct err *err);

/* The next message; borrowed until the next call. */
bool stream_receive(
    struct stream *stream, int64_t deadline_ms, struct str *message, struct err *err);

#endif
