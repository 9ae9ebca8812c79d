/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A log that is written, rotated, compressed, cut and copied at random, and a reader
 * that is paused, killed and started at random, against a model so simple that it is
 * right: the lines are 0, 1, 2 and so on, each once.
 *
 * MODEL_ACTIONS=1000000 does more of it, MODEL_SEED=n begins with another seed. What
 * fails is made as short as it goes and printed.
 */
#include "../unit/suite.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inject.h"
#include "rig.h"

#define SCRIPT_LEN  100 /* actions */
#define ACTIONS     10000
#define GENERATIONS 12

enum kind {
	WRITE,      /* lines */
	WRITE_PART, /* the first half of a line */
	ROTATE,     /* rename, the writer opens a new file */
	ROTATE_LAG, /* rename, the writer stays in the old file until it rotates or
	               reopens */
	REOPEN,     /* after ROTATE_LAG */
	COMPRESS,   /* the newest generation that is not compressed */
	DELETE,     /* the oldest one, if it was read */
	COPY_TRUNCATE,
	TRUNCATE, /* to nothing, after all was read */
	CUT,      /* to a shorter length, after all was read */
	READ,     /* some chunks */
	PASS,     /* seconds, reading */
	PAUSE,    /* time, not reading */
	KILL,
	KILL_UNCOMMITTED,
	START,
	KIND_COUNT,
};

static const char *const kind_names[KIND_COUNT] = {"write", "write part", "rotate",
    "rotate lag", "reopen", "compress", "delete", "copytruncate", "truncate", "cut",
    "read", "pass", "pause", "kill", "kill uncommitted", "start"};

/* How often each is drawn. */
static const unsigned weights[KIND_COUNT] = {[WRITE] = 30,
    [WRITE_PART] = 4,
    [ROTATE] = 8,
    [ROTATE_LAG] = 4,
    [REOPEN] = 4,
    [COMPRESS] = 6,
    [DELETE] = 2,
    [COPY_TRUNCATE] = 2,
    [TRUNCATE] = 1,
    [CUT] = 1,
    [READ] = 25,
    [PASS] = 8,
    [PAUSE] = 4,
    [KILL] = 4,
    [KILL_UNCOMMITTED] = 4,
    [START] = 12};

enum style {
	NUMBERS,
	DATES,
	STYLE_COUNT,
};

struct action {
	enum kind kind;
	uint32_t argument;
};

/* A rotated file, newest first; numbers shift with each rotation. */
struct generation_model {
	char name[64];
	bool compressed;
	uint32_t end; /* the number behind its last line */
};

struct model {
	struct rig *rig;
	enum style style;
	uint32_t lines;      /* written so far */
	uint32_t live_first; /* number of the first line in what the log holds now */
	size_t part;         /* bytes of the line `lines` that are written */
	int writer;          /* the descriptor it holds */
	bool lags;           /* ... is that of generations[0] */
	uint32_t date;
	uint32_t stamps;
	struct generation_model generations[GENERATIONS];
	size_t count;
};

static uint32_t
next_random(uint64_t *seed)
{
	/* splitmix64: every seed is a good one */
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) >> 32);
}

static enum kind
draw_kind(uint64_t *seed)
{
	unsigned sum = 0, at;

	for (size_t i = 0; i < KIND_COUNT; i++)
		sum += weights[i];
	at = next_random(seed) % sum;
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (at < weights[i])
			return (enum kind)i;
		at -= weights[i];
	}
	return WRITE;
}

static void
finish_part(struct model *m)
{
	char line[128];
	size_t len = rig_line(line, sizeof(line), m->lines);

	if (m->part == 0)
		return;
	assert_int_equal(write(m->writer, line + m->part, len - m->part), len - m->part);
	m->part = 0;
	m->lines++;
}

static void
write_lines(struct model *m, uint32_t count)
{
	finish_part(m);
	rig_write_fd(m->writer, m->lines, m->lines + count);
	m->lines += count;
}

static void
write_part(struct model *m)
{
	char line[128];
	size_t len = rig_line(line, sizeof(line), m->lines) / 2;

	if (m->part > 0)
		return;
	assert_int_equal(write(m->writer, line, len), len);
	m->part = len;
}

/*
 * What is rotated was written last at a time of its own; here all happens within one
 * tick of the file system's clock.
 */
static void
stamp(struct model *m, const char *name)
{
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec += 10 * (time_t)++m->stamps;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, rig_path(m->rig, name), times, 0), 0);
}

static void
reopen(struct model *m)
{
	if (!m->lags)
		return;
	finish_part(m);
	close(m->writer);
	m->writer = rig_open_writer(m->rig, "log");
	m->generations[0].end = m->lines;
	stamp(m, m->generations[0].name);
	m->live_first = m->lines;
	m->lags = false;
}

static void
file_of(const struct generation_model *g, char *out, size_t size)
{
	snprintf(out, size, "%s%s", g->name, g->compressed ? ".gz" : "");
}

/* Make room for a generation that is called `name` now. */
static void
push_generation(struct model *m, char *name, size_t size)
{
	for (size_t i = m->count; i-- > 0 && m->style == NUMBERS;) {
		struct generation_model *g = &m->generations[i];
		char from[80], to[80];

		file_of(g, from, sizeof(from));
		snprintf(g->name, sizeof(g->name), "log.%zu", i + 2);
		file_of(g, to, sizeof(to));
		rig_rename(m->rig, from, to);
	}
	memmove(m->generations + 1, m->generations, m->count * sizeof(m->generations[0]));
	m->count++;
	m->generations[0] = (struct generation_model){.end = m->lines};
	if (m->style == NUMBERS)
		snprintf(name, size, "log.1");
	else
		snprintf(
		    name, size, "log-2026%02u%02u", 1 + m->date / 28, 1 + m->date % 28);
	m->date++; /* SCRIPT_LEN days fit into a year */
	snprintf(m->generations[0].name, sizeof(m->generations[0].name), "%s", name);
}

static void
rotate(struct model *m, bool lag)
{
	char name[64];

	if (m->count == GENERATIONS)
		return;
	reopen(m);
	push_generation(m, name, sizeof(name));
	rig_rename(m->rig, "log", name);
	m->lags = true;
	if (!lag)
		reopen(m);
}

static void
compress(struct model *m)
{
	for (size_t i = m->lags ? 1 : 0; i < m->count; i++) {
		struct generation_model *g = &m->generations[i];

		if (g->compressed)
			continue;
		rig_gzip(m->rig, g->name);
		g->compressed = true;
		return;
	}
}

/* The file that the position is in must stay, and those after it. */
static void
delete_oldest(struct model *m)
{
	struct generation_model *oldest, *newer;
	char name[80];

	if (m->count < 2)
		return;
	oldest = &m->generations[m->count - 1];
	newer = oldest - 1;
	if (m->rig->got_len <= oldest->end || newer->end == oldest->end)
		return;
	file_of(oldest, name, sizeof(name));
	rig_unlink(m->rig, name);
	m->count--;
}

/* Is the reader known to be within what the log holds now? Only then is a copy found. */
static bool
is_in_live(const struct model *m)
{
	return !m->lags && m->part == 0 && m->rig->got_len > m->live_first;
}

static void
copy_truncate(struct model *m)
{
	char name[64];

	if (!is_in_live(m) || m->count == GENERATIONS)
		return;
	push_generation(m, name, sizeof(name));
	rig_copy(m->rig, "log", name);
	stamp(m, name);
	rig_truncate(m->rig, "log", 0);
	m->live_first = m->lines;
	if (m->rig->follow != NULL)
		rig_pump(m->rig);
}

/* Unread lines would be lost, so only where all was read. Then one more is read. */
static void
cut(struct model *m, uint64_t size)
{
	if (!is_in_live(m) || m->rig->follow == NULL || m->rig->got_len != m->lines)
		return;
	rig_truncate(m->rig, "log", size);
	rig_pump(m->rig);
	m->live_first = m->lines;
	write_lines(m, 1);
	rig_pump(m->rig);
}

/* The end of a line in the log, at about argument % 100 hundredths of it. */
static uint64_t
a_line_end(const struct model *m, uint32_t argument)
{
	uint64_t size = rig_size(m->rig, "log") * (argument % 100) / 100;
	FILE *f = fopen(m->rig->path, "re");
	int c = 0;

	assert_non_null(f);
	assert_int_equal(fseek(f, (long)size, SEEK_SET), 0);
	while (size > 0 && c != '\n' && (c = getc(f)) != EOF)
		size++;
	fclose(f);
	return size;
}

static void
kill_reader(struct model *m, bool uncommitted)
{
	struct rig *rig = m->rig;
	struct follow_position stored = rig->stored;
	bool has_stored = rig->has_stored;
	size_t got_len = rig->got_len;

	if (rig->follow == NULL)
		return;
	if (uncommitted)
		rig_step(rig, 1);
	rig_kill(rig);
	rig->stored = stored;
	rig->has_stored = has_stored;
	rig->got_len = got_len;
}

static void
act(struct model *m, struct action action)
{
	struct rig *rig = m->rig;

	switch (action.kind) {
	case WRITE:
		write_lines(m, action.argument % 40 == 0 ? 6000 : action.argument % 40);
		break;
	case WRITE_PART:
		write_part(m);
		break;
	case ROTATE:
	case ROTATE_LAG:
		rotate(m, action.kind == ROTATE_LAG);
		break;
	case REOPEN:
		reopen(m);
		break;
	case COMPRESS:
		compress(m);
		break;
	case DELETE:
		delete_oldest(m);
		break;
	case COPY_TRUNCATE:
		copy_truncate(m);
		break;
	case TRUNCATE:
		cut(m, 0);
		break;
	case CUT:
		cut(m, is_in_live(m) ? a_line_end(m, action.argument) : 0);
		break;
	case READ:
		if (rig->follow != NULL)
			rig_step(rig, action.argument % 6);
		break;
	case PASS:
		if (rig->follow != NULL)
			rig_pass(rig, 1000 + action.argument % 6000);
		break;
	case PAUSE:
		rig->now_ms += action.argument % 200000;
		break;
	case KILL:
	case KILL_UNCOMMITTED:
		kill_reader(m, action.kind == KILL_UNCOMMITTED);
		break;
	case START:
		if (rig->follow == NULL)
			rig_start(rig, FOLLOW_FROM_START);
		break;
	case KIND_COUNT:
		break;
	}
}

/* What is wrong now; NULL: nothing. */
static const char *
check(const struct model *m, bool at_end)
{
	const struct rig *rig = m->rig;
	static char text[128];

	if (rig->broken != NULL)
		return rig->broken;
	for (size_t i = 0; i < rig->got_len; i++) {
		if (i < m->lines && rig->got[i] == i)
			continue;
		snprintf(text, sizeof(text), "line %u came where %zu should be",
		    rig->got[i], i);
		return text;
	}
	if (rig->malformed > 0)
		return "a malformed line";
	if (rig->notes[FOLLOW_NOTE_GAP] > 0)
		return "a gap notice";
	if (!at_end || rig->got_len == m->lines)
		return NULL;
	snprintf(text, sizeof(text), "%zu of %u lines came", rig->got_len, m->lines);
	return text;
}

static const char *
run_script(const struct action *actions, size_t count, uint64_t seed)
{
	struct rig *rig = rig_new(NULL);
	struct model m = {.rig = rig, .style = (enum style)(seed % STYLE_COUNT)};
	const char *wrong = NULL;

	inject.no_inotify = true; /* closing one takes the kernel milliseconds */
	m.writer = rig_open_writer(rig, "log");
	write_lines(&m, 1); /* a place without a byte before it is not known again */
	rig_start(rig, FOLLOW_FROM_START);
	rig_pump(rig);
	for (size_t i = 0; i < count && wrong == NULL; i++) {
		act(&m, actions[i]);
		wrong = check(&m, false);
	}
	if (wrong == NULL) {
		reopen(&m);
		finish_part(&m);
		if (rig->follow == NULL)
			rig_start(rig, FOLLOW_FROM_START);
		rig_settle(rig);
		wrong = check(&m, true);
	}
	close(m.writer);
	return wrong;
}

/* Leave out what can be left out, in ever smaller pieces. The new count. */
static size_t
shrink(struct action *actions, size_t count, uint64_t seed)
{
	struct action *less = test_calloc(count, sizeof(*less));

	for (size_t piece = count / 2; piece > 0; piece /= 2) {
		for (size_t at = 0; at + piece <= count;) {
			memcpy(less, actions, at * sizeof(*less));
			memcpy(less + at, actions + at + piece,
			    (count - at - piece) * sizeof(*less));
			if (run_script(less, count - piece, seed) == NULL) {
				at += piece;
				continue;
			}
			count -= piece;
			memcpy(actions, less, count * sizeof(*less));
		}
	}
	test_free(less);
	return count;
}

static void
report(struct action *actions, size_t count, uint64_t seed)
{
	const char *wrong;

	count = shrink(actions, count, seed);
	wrong = run_script(actions, count, seed);
	print_error("# MODEL_SEED=%llu: %s\n", (unsigned long long)seed,
	    wrong != NULL ? wrong : "not seen again");
	for (size_t i = 0; i < count; i++)
		print_error(
		    "#   %s %u\n", kind_names[actions[i].kind], actions[i].argument);
	fail();
}

static unsigned long
setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

static void
random_histories(void **state)
{
	unsigned long left = setting("MODEL_ACTIONS", ACTIONS);
	uint64_t seed = setting("MODEL_SEED", 1);

	(void)state;
	for (; left >= SCRIPT_LEN; left -= SCRIPT_LEN, seed++) {
		struct action actions[SCRIPT_LEN];
		uint64_t random = seed;

		for (size_t i = 0; i < SCRIPT_LEN; i++) {
			actions[i].kind = draw_kind(&random);
			actions[i].argument = next_random(&random) % 1000000;
		}
		if (run_script(actions, SCRIPT_LEN, seed) != NULL)
			report(actions, SCRIPT_LEN, seed);
	}
}

int
main(void)
{
	suite_add(random_histories, NULL,
	    "random histories of a log: each line once, in order");
	return suite_run();
}
