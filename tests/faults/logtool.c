/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of real rotations, a writer and a reader as processes of their own:
 *
 *   logtool write LOG ACK         lines 0, 1, 2 ...; SIGHUP opens LOG anew, SIGUSR1 makes
 *                                 it wait for that, SIGTERM ends. ACK says what was done:
 *                                 "opened N", "waits", "wrote COUNT"
 *   logtool read LOG JOURNAL      follow LOG from its start; SIGTERM ends
 *   logtool check JOURNAL COUNT   is each of COUNT lines there, once and in order?
 *                                 With "some" as COUNT: those that came, once, in order
 *   logtool count JOURNAL         how many lines came
 *
 * The journal is what a database would be: what came and the place behind it are one
 * record and one write(2); a record without its newline never was.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "logs/follow.h"

static volatile sig_atomic_t hangup, pause_wanted, terminated;

static void
on_signal(int number)
{
	if (number == SIGHUP)
		hangup = 1;
	else if (number == SIGUSR1)
		pause_wanted = 1;
	else
		terminated = 1;
}

_Noreturn static void
die(const char *what, const char *name)
{
	fprintf(stderr, "logtool: %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

/* --- write ------------------------------------------------------------------------- */

static int
open_log(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		die("cannot write", path);
	return fd;
}

/* In one piece: a reader gets one of the texts, never a mix. */
static void
acknowledge(const char *path, const char *what, unsigned long number)
{
	struct buf text = {0}, fresh = {0};
	int fd;

	buf_printf(&fresh, "%s.new", path);
	buf_printf(&text, "%s %lu\n", what, number);
	fd = open(buf_text(&fresh), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len ||
	    rename(buf_text(&fresh), path) < 0)
		die("cannot write", path);
	close(fd);
	buf_clear(&text);
	buf_clear(&fresh);
}

static int
write_lines(const char *path, const char *ack)
{
	const struct timespec moment = {.tv_nsec = 2000000};
	unsigned long written = 0, opened = 0;
	int fd = open_log(path);
	sigset_t signals, none;

	/* They come while it waits, and are not missed. */
	sigemptyset(&none);
	sigfillset(&signals);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	while (!terminated) {
		char line[128];
		int len = snprintf(line, sizeof(line),
		    "Nov 24 06:02:51 mx postfix/smtp[77]: line %lu.\n", written);

		if (write(fd, line, (size_t)len) != len)
			die("cannot write", path);
		if (written++ % 5 == 4)
			ppoll(NULL, 0, &moment, &none); /* a load, not a flood */
		if (pause_wanted)
			acknowledge(ack, "waits", opened);
		while (pause_wanted && !hangup && !terminated)
			sigsuspend(&none);
		pause_wanted = 0;
		if (hangup) {
			hangup = 0;
			close(fd);
			fd = open_log(path);
			acknowledge(ack, "opened", ++opened);
		}
	}
	close(fd);
	acknowledge(ack, "wrote", written);
	return 0;
}

/* --- read -------------------------------------------------------------------------- */

static void
show_note(void *context, enum follow_note note, const char *text)
{
	(void)context;
	fprintf(stderr, "note %d: %s\n", note, text);
}

static void
add_position(struct buf *record, const struct follow_position *p)
{
	buf_printf(record,
	    "| %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRIu64 " %" PRIu32 " %" PRIu64
	    " %" PRIu32 " %" PRIu64 "\n",
	    p->device, p->inode, p->birth_ns, p->offset, p->head_len, p->head_hash,
	    p->mark_len, p->mark_hash);
}

/* The place in the last whole record; what stands behind it is cut off. */
static bool
find_position(FILE *journal, const char *path, struct follow_position *p)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	off_t end = 0;
	bool found = false;

	while ((len = getline(&line, &size, journal)) > 0 && line[len - 1] == '\n') {
		const char *bar = strchr(line, '|');

		end += len;
		found = bar != NULL &&
		    sscanf(bar,
		        "| %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNu64 " %" SCNu32
		        " %" SCNu64 " %" SCNu32 " %" SCNu64,
		        &p->device, &p->inode, &p->birth_ns, &p->offset, &p->head_len,
		        &p->head_hash, &p->mark_len, &p->mark_hash) == 8;
	}
	free(line);
	if (truncate(path, end) < 0)
		die("cannot cut", path);
	return found;
}

static void
add_numbers(struct buf *record, struct str chunk)
{
	struct str line, rest;

	while (str_cut(&chunk, '\n', &line)) {
		const char *at = line.len > 0 ? memrchr(line.p, ' ', line.len) : NULL;

		if (at == NULL || line.p[line.len - 1] != '.') {
			buf_printf(record, "malformed ");
			continue;
		}
		rest = str_skip(line, (size_t)(at + 1 - line.p));
		buf_add(record, rest.p, rest.len - 1);
		buf_add_char(record, ' ');
	}
}

static void
commit(int fd, const char *path, struct buf *record, const struct follow_position *now)
{
	add_position(record, now);
	if (write(fd, record->data, record->len) != (ssize_t)record->len)
		die("cannot write", path);
	buf_reset(record);
}

static int64_t
monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static int
read_lines(const char *path, const char *journal_path)
{
	int fd = open(journal_path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	FILE *journal = fopen(journal_path, "re");
	struct follow_position stored, now;
	struct buf record = {0};
	struct follow *follow;
	struct err err;
	bool found;

	if (fd < 0 || journal == NULL)
		die("cannot open", journal_path);
	found = find_position(journal, journal_path, &stored);
	fclose(journal);
	follow = follow_new(
	    path, found ? &stored : NULL, FOLLOW_FROM_START, show_note, NULL, &err);
	if (follow == NULL) {
		fprintf(stderr, "logtool: %s\n", err.text);
		return 1;
	}
	if (!found)
		memset(&stored, 0, sizeof(stored));
	while (!terminated) {
		struct pollfd news = {.fd = follow_fd(follow), .events = POLLIN};
		struct str chunk;
		enum follow_result result = follow_next(follow, monotonic_ms(), &chunk);

		add_numbers(&record, chunk);
		if (follow_where(follow, &now) &&
		    (record.len > 0 || memcmp(&now, &stored, sizeof(now)) != 0))
			commit(fd, journal_path, &record, &now);
		stored = now;
		if (result == FOLLOW_IDLE)
			poll(&news, 1, (int)follow_wait_ms(follow));
	}
	follow_free(follow);
	buf_clear(&record);
	close(fd);
	return 0;
}

/* --- check ------------------------------------------------------------------------- */

/* Call fn with each word of whole records that stands before the place. */
static unsigned long
each_number(const char *path, bool (*fn)(const char *word))
{
	FILE *f = fopen(path, "re");
	unsigned long count = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (f == NULL)
		return 0;
	while ((len = getline(&line, &size, f)) > 0 && line[len - 1] == '\n') {
		char *save, *word = strtok_r(line, " ", &save);

		for (; word != NULL && *word != '|'; word = strtok_r(NULL, " ", &save)) {
			if (fn != NULL && !fn(word))
				exit(1);
			count++;
		}
	}
	free(line);
	fclose(f);
	return count;
}

static bool gaps_allowed;

static bool
comes_next(const char *word)
{
	static unsigned long next;
	char *end;
	unsigned long number = strtoul(word, &end, 10);

	if (*end != '\0' || (gaps_allowed ? number < next : number != next)) {
		printf("%s came where %lu should be\n", word, next);
		return false;
	}
	next = number + 1;
	return true;
}

static int
check(const char *path, const char *count)
{
	unsigned long came;

	gaps_allowed = strcmp(count, "some") == 0;
	came = each_number(path, comes_next);
	if (gaps_allowed || came == strtoul(count, NULL, 10))
		return 0;
	printf("%lu of %s lines came\n", came, count);
	return 1;
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	sigaction(SIGHUP, &(struct sigaction){.sa_handler = on_signal}, NULL);
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL);
	if (strcmp(verb, "write") == 0 && argc == 4)
		return write_lines(argv[2], argv[3]);
	if (strcmp(verb, "read") == 0 && argc == 4)
		return read_lines(argv[2], argv[3]);
	if (strcmp(verb, "check") == 0 && argc == 4)
		return check(argv[2], argv[3]);
	if (strcmp(verb, "count") == 0 && argc == 3) {
		printf("%lu\n", each_number(argv[2], NULL));
		return 0;
	}
	fprintf(stderr, "usage: logtool write|read|check|count ...\n");
	return 64;
}
