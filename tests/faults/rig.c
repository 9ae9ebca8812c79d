/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../unit/scratch.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "inject.h"

/* A failed system call of the test itself ends the test. */
static void
must(bool good, const char *what, const char *path)
{
	if (!good)
		fail_msg("%s %s: %s", what, path, strerror(errno));
}

__attribute__((format(printf, 1, 2))) static char *
text_of(const char *format, ...)
{
	struct buf text = {0};
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	return buf_take(&text);
}

static struct rig the_rig;

static void
clear(void)
{
	struct rig *rig = &the_rig;

	follow_free(rig->follow);
	free(rig->got);
	scratch_remove(rig->dir);
	free(rig->dir);
	free(rig->path);
	*rig = (struct rig){0};
}

struct rig *
rig_new(const char *base)
{
	static bool registered;
	struct rig *rig = &the_rig;

	if (!registered)
		atexit(clear);
	registered = true;
	clear();
	inject = (struct inject){0};
	rig->now_ms = 1000000;
	rig->dir = scratch_new(base);
	rig->path = text_of("%s/log", rig->dir);
	return rig;
}

void
rig_set_path(struct rig *rig, const char *name)
{
	free(rig->path);
	rig->path = text_of("%s/%s", rig->dir, name);
}

const char *
rig_path(const struct rig *rig, const char *name)
{
	static struct buf paths[8];
	static unsigned next;
	struct buf *path = &paths[next++ % 8];

	buf_reset(path);
	buf_printf(path, "%s/%s", rig->dir, name);
	return buf_text(path);
}

size_t
rig_line(char *out, size_t size, uint32_t number)
{
	int len = snprintf(out, size, "Nov 24 06:02:51 mx postfix/smtp[%u]: line %u.\n",
	    1000 + number % 77, number);

	return (size_t)len;
}

int
rig_open_writer(const struct rig *rig, const char *name)
{
	int fd =
	    open(rig_path(rig, name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	must(fd >= 0, "cannot write", name);
	return fd;
}

static void
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		must(n > 0, "cannot write", "the log");
		text += n;
		len -= (size_t)n;
	}
}

void
rig_write_fd(int fd, uint32_t from, uint32_t to)
{
	char text[64 * 1024];
	size_t len = 0;

	for (uint32_t i = from; i < to; i++) {
		len += rig_line(text + len, sizeof(text) - len, i);
		if (len > sizeof(text) - 256 || i + 1 == to) {
			write_all(fd, text, len);
			len = 0;
		}
	}
}

void
rig_write(const struct rig *rig, const char *name, uint32_t from, uint32_t to)
{
	int fd = rig_open_writer(rig, name);

	rig_write_fd(fd, from, to);
	close(fd);
}

void
rig_write_text(const struct rig *rig, const char *name, const void *text, size_t len)
{
	int fd = rig_open_writer(rig, name);

	write_all(fd, text, len);
	close(fd);
}

void
rig_rename(const struct rig *rig, const char *from, const char *to)
{
	must(rename(rig_path(rig, from), rig_path(rig, to)) == 0, "cannot rename", from);
}

void
rig_shift(const struct rig *rig, unsigned count)
{
	for (unsigned i = count; i > 0; i--) {
		char from[32], to[32];

		snprintf(from, sizeof(from), "log.%u", i);
		snprintf(to, sizeof(to), "log.%u", i + 1);
		if (access(rig_path(rig, from), F_OK) == 0)
			rig_rename(rig, from, to);
	}
	rig_rename(rig, "log", "log.1");
}

void
rig_tick(void)
{
	FILE *file = tmpfile();
	struct stat first, now;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &first), 0);
	do {
		assert_int_equal(write(fileno(file), "", 1), 1);
		assert_int_equal(fstat(fileno(file), &now), 0);
	} while (now.st_mtim.tv_sec == first.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == first.st_mtim.tv_nsec);
	fclose(file);
}

void
rig_unlink(const struct rig *rig, const char *name)
{
	must(unlink(rig_path(rig, name)) == 0, "cannot unlink", name);
}

void
rig_truncate(const struct rig *rig, const char *name, uint64_t size)
{
	must(truncate(rig_path(rig, name), (off_t)size) == 0, "cannot truncate", name);
}

uint64_t
rig_size(const struct rig *rig, const char *name)
{
	struct stat st;

	must(stat(rig_path(rig, name), &st) == 0, "cannot stat", name);
	return (uint64_t)st.st_size;
}

/* Call fn with each piece of dir/name. */
static void
each_piece(const struct rig *rig, const char *name,
    void (*fn)(void *context, const char *piece, size_t len), void *context)
{
	static char piece[64 * 1024];
	int fd = open(rig_path(rig, name), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	must(fd >= 0, "cannot read", name);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		fn(context, piece, (size_t)n);
	must(n == 0, "cannot read", name);
	close(fd);
}

static void
copy_piece(void *context, const char *piece, size_t len)
{
	write_all(*(int *)context, piece, len);
}

void
rig_copy(const struct rig *rig, const char *from, const char *to)
{
	int fd = open(rig_path(rig, to), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0, "cannot write", to);
	each_piece(rig, from, copy_piece, &fd);
	close(fd);
}

static void
gzip_piece(void *context, const char *piece, size_t len)
{
	must(gzwrite(context, piece, (unsigned)len) == (int)len, "cannot compress", "");
}

void
rig_gzip(const struct rig *rig, const char *name)
{
	char *packed = text_of("%s/%s.gz", rig->dir, name);
	struct stat st;
	gzFile gz;

	must(stat(rig_path(rig, name), &st) == 0, "cannot stat", name);
	gz = gzopen(packed, "wb1");
	must(gz != NULL, "cannot write", packed);
	each_piece(rig, name, gzip_piece, gz);
	must(gzclose(gz) == Z_OK, "cannot write", packed);
	must(utimensat(
	         AT_FDCWD, packed, (struct timespec[]){st.st_atim, st.st_mtim}, 0) == 0,
	    "cannot set the time of", packed);
	free(packed);
	rig_unlink(rig, name);
}

static void
note(void *context, enum follow_note kind, const char *text)
{
	struct rig *rig = context;

	rig->notes[kind]++;
	snprintf(rig->note[kind], sizeof(rig->note[kind]), "%s", text);
	if (getenv("RIG_VERBOSE") != NULL)
		fprintf(
		    stderr, "# %lld note %d: %s\n", (long long)rig->now_ms, kind, text);
}

static void
store(struct rig *rig)
{
	rig->has_stored = follow_where(rig->follow, &rig->stored);
}

void
rig_start(struct rig *rig, enum follow_from from)
{
	struct err err;

	assert_null(rig->follow);
	rig->follow = follow_new(
	    rig->path, rig->has_stored ? &rig->stored : NULL, from, note, rig, &err);
	if (rig->follow == NULL)
		fail_msg("%s", err.text);
	store(rig);
}

void
rig_kill(struct rig *rig)
{
	follow_free(rig->follow);
	rig->follow = NULL;
}

void
rig_got(struct rig *rig, uint32_t number)
{
	if (rig->got_len == rig->got_size) {
		rig->got_size = rig->got_size > 0 ? 2 * rig->got_size : 1024;
		rig->got = mem_array(rig->got, rig->got_size, sizeof(*rig->got));
	}
	rig->got[rig->got_len++] = number;
}

/* One line without its newline: is it as rig_line() wrote it? */
static void
take_line(struct rig *rig, struct str line)
{
	char right[128];
	const char *at = line.len > 0 ? memrchr(line.p, ' ', line.len) : NULL;
	struct str digits;
	uint64_t number;

	if (at == NULL || line.p[line.len - 1] != '.') {
		rig->malformed++;
		return;
	}
	digits = (struct str){at + 1, (size_t)(line.p + line.len - 1 - (at + 1))};
	if (!str_number(digits, UINT32_MAX, &number) ||
	    !str_equal(line,
	        (struct str){
	            right, rig_line(right, sizeof(right), (uint32_t)number) - 1})) {
		rig->malformed++;
		return;
	}
	rig_got(rig, (uint32_t)number);
}

static void
take_chunk(struct rig *rig, struct str chunk)
{
	struct str line;

	if (chunk.len == 0 || chunk.p[chunk.len - 1] != '\n')
		rig->broken = "a chunk without a newline at its end";
	while (str_cut(&chunk, '\n', &line)) {
		if (line.len > FOLLOW_LINE_MAX)
			rig->broken = "a line that is too long";
		take_line(rig, line);
	}
}

bool
rig_step(struct rig *rig, unsigned count)
{
	while (count-- > 0) {
		struct str chunk;

		switch (follow_next(rig->follow, rig->now_ms, &chunk)) {
		case FOLLOW_LINES:
			take_chunk(rig, chunk);
			break;
		case FOLLOW_BUSY:
			break;
		case FOLLOW_IDLE:
			store(rig);
			return false;
		}
		store(rig);
	}
	return true;
}

void
rig_pump(struct rig *rig)
{
	if (rig_step(rig, 10 * 1000 * 1000))
		rig->broken = "busy for ever";
}

void
rig_pass(struct rig *rig, int64_t ms)
{
	for (int64_t passed = 0; passed < ms; passed += 1000) {
		rig->now_ms += 1000;
		rig_pump(rig);
	}
}

void
rig_settle(struct rig *rig)
{
	rig_pump(rig);
	rig_pass(rig, 15000);
}

void
rig_expect_at(
    const struct rig *rig, uint32_t from, uint32_t to, const char *file, int line)
{
	if (rig->broken != NULL) {
		print_error("# %s\n", rig->broken);
		_fail(file, line);
	}
	for (uint32_t i = 0; i < to - from; i++) {
		uint32_t came = i < rig->got_len ? rig->got[i] : UINT32_MAX;

		if (came == from + i)
			continue;
		print_error(
		    "# %zu lines came, %u malformed; where %u should be came %d\n",
		    rig->got_len, rig->malformed, from + i, (int)came);
		_fail(file, line);
	}
	if (rig->got_len > to - from) {
		print_error("# more than expected: line %u\n", rig->got[to - from]);
		_fail(file, line);
	}
}

void
rig_expect_at_end_at(const struct rig *rig, const char *file, int line)
{
	struct stat st;

	if (stat(rig->path, &st) == 0 && rig->stored.inode == st.st_ino &&
	    rig->stored.offset == (uint64_t)st.st_size)
		return;
	print_error("# position: inode %llu offset %llu, file: inode %llu size %llu\n",
	    (unsigned long long)rig->stored.inode, (unsigned long long)rig->stored.offset,
	    (unsigned long long)st.st_ino, (unsigned long long)st.st_size);
	_fail(file, line);
}

void
rig_expect_notes_at(const struct rig *rig, enum follow_note kind, unsigned count,
    const char *file, int line)
{
	if (rig->notes[kind] == count)
		return;
	print_error("# note %d was given %u times, not %u: %s\n", kind, rig->notes[kind],
	    count, rig->note[kind]);
	_fail(file, line);
}
