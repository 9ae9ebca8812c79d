/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/fd.h"

#include <errno.h>
#include <unistd.h>

bool
fd_read_all(int fd, size_t max, struct buf *out)
{
	size_t before = out->len;
	char piece[16384];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		if ((size_t)n > max - (out->len - before)) {
			errno = EFBIG;
			return false;
		}
		buf_add(out, piece, (size_t)n);
	}
}

bool
fd_write_all(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t n = write(fd, text.p, text.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text = str_skip(text, (size_t)n);
	}
	return true;
}
