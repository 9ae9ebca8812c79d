/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/gzip.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

#define INPUT_SIZE (64u * 1024)
#define GZIP_ONLY  (16 + MAX_WBITS) /* zlib.h: no raw or zlib streams */

struct gzip {
	int fd;
	z_stream stream;
	bool inside; /* in a member, its end not seen */
	bool second; /* a member came before */
	bool over;   /* the end of the file was seen */
	bool done;   /* nothing more comes out of it */
	bool failed; /* and why is in err */
	struct err err;
	uint64_t used;
	unsigned char input[INPUT_SIZE];
};

bool
gzip_is(struct str first)
{
	return first.len >= 2 && (unsigned char)first.p[0] == 0x1f &&
	    (unsigned char)first.p[1] == 0x8b;
}

/* zlib's memory comes and fails as all other does. */
static void *
allocate(void *context, unsigned count, unsigned size)
{
	(void)context;
	return mem_new(count, size);
}

static void
release(void *context, void *memory)
{
	(void)context;
	free(memory);
}

struct gzip *
gzip_new(int fd, struct str first)
{
	struct gzip *gzip = mem_new(1, sizeof(*gzip));

	assert(first.len <= GZIP_FIRST_MAX);
	gzip->fd = fd;
	if (first.len > 0)
		memcpy(gzip->input, first.p, first.len);
	gzip->stream.next_in = gzip->input;
	gzip->stream.avail_in = (uInt)first.len;
	gzip->used = first.len;
	gzip->stream.zalloc = allocate;
	gzip->stream.zfree = release;
	if (inflateInit2(&gzip->stream, GZIP_ONLY) != Z_OK)
		abort(); /* another zlib than the one of zlib.h */
	return gzip;
}

void
gzip_free(struct gzip *gzip)
{
	if (gzip == NULL)
		return;
	inflateEnd(&gzip->stream);
	free(gzip);
}

uint64_t
gzip_used(const struct gzip *gzip)
{
	return gzip->used - gzip->stream.avail_in;
}

/* False: reading failed. At the end of the file gzip->over is set. */
static bool
refill(struct gzip *gzip)
{
	ssize_t n;

	do {
		n = read(gzip->fd, gzip->input, INPUT_SIZE);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_errno(&gzip->err, errno, "cannot be read");
	gzip->over = n == 0;
	gzip->stream.next_in = gzip->input;
	gzip->stream.avail_in = (uInt)n;
	gzip->used += (uint64_t)n;
	return true;
}

/*
 * Behind a member another one may follow. gzip(1) steps over zeros there (tapes are
 * padded with them) and ignores what else stands behind the last.
 */
static void
enter_member(struct gzip *gzip)
{
	z_stream *stream = &gzip->stream;

	while (gzip->second && stream->avail_in > 0 && *stream->next_in == 0) {
		stream->next_in++;
		stream->avail_in--;
	}
	if (stream->avail_in == 0)
		return;
	if (gzip->second && *stream->next_in != 0x1f) {
		gzip->done = true;
		return;
	}
	if (gzip->second)
		inflateReset(stream);
	gzip->inside = true;
}

/* False: the file is damaged. */
static bool
decompress(struct gzip *gzip)
{
	z_stream *stream = &gzip->stream;
	int status = inflate(stream, Z_NO_FLUSH);

	switch (status) {
	case Z_STREAM_END: /* checksum and length agree */
		gzip->inside = false;
		gzip->second = true;
		return true;
	case Z_OK:
	case Z_BUF_ERROR: /* needs more input */
		return true;
	default:
		return err_set(&gzip->err, "is damaged (%s)",
		    stream->msg != NULL ? stream->msg : "no gzip data");
	}
}

/* One step: get input, enter a member or decompress. False: it cannot go on. */
static bool
step(struct gzip *gzip)
{
	if (gzip->stream.avail_in == 0 && !gzip->over)
		return refill(gzip);
	if (gzip->stream.avail_in == 0 && gzip->inside)
		return err_set(
		    &gzip->err, "ends before its end: cut, or still being written");
	if (gzip->stream.avail_in == 0) {
		gzip->done = true;
		return true;
	}
	if (!gzip->inside) {
		enter_member(gzip);
		return true;
	}
	return decompress(gzip);
}

ptrdiff_t
gzip_read(struct gzip *gzip, char *out, size_t size, struct err *err)
{
	z_stream *stream = &gzip->stream;

	stream->next_out = (unsigned char *)out;
	stream->avail_out = (uInt)size;
	while (!gzip->done && stream->avail_out == size)
		if (!step(gzip))
			gzip->failed = gzip->done = true;
	if (stream->avail_out == size && gzip->failed) {
		*err = gzip->err;
		return -1;
	}
	return (ptrdiff_t)(size - stream->avail_out);
}
