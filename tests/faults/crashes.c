/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader that dies: faults 33, 34 and 39. What was handed out is what was stored. */
#include "faults.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/log.h"

/* xorshift: a fixed seed, so that a failure comes again. */
static uint32_t
random_below(uint32_t *seed, uint32_t limit)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % limit;
}

static void
rotate(struct rig *rig, uint32_t *n)
{
	if (access(rig_path(rig, "log.2"), F_OK) == 0)
		rig_gzip(rig, "log.2");
	for (unsigned i = 9; i > 1; i--) {
		char from[32], to[32];

		snprintf(from, sizeof(from), "log.%u.gz", i);
		snprintf(to, sizeof(to), "log.%u.gz", i + 1);
		if (access(rig_path(rig, from), F_OK) == 0)
			rig_rename(rig, from, to);
	}
	if (access(rig_path(rig, "log.1"), F_OK) == 0)
		rig_rename(rig, "log.1", "log.2");
	rig_rename(rig, "log", "log.1");
	rig_write(rig, "log.1", *n, *n + 3); /* before the writer reopens */
	rig_write(rig, "log", *n + 3, *n + 4);
	*n += 4;
}

/* Forget what came since, as if its transaction had not been committed. */
static void
die_before_commit(struct rig *rig)
{
	struct follow_position stored = rig->stored;
	bool has_stored = rig->has_stored;
	size_t got_len = rig->got_len;

	rig_step(rig, 1);
	rig_kill(rig);
	rig->stored = stored;
	rig->has_stored = has_stored;
	rig->got_len = got_len;
}

static void
killed_a_thousand_times(void **state)
{
	struct rig *rig = rig_new(NULL);
	uint32_t seed = 20261124, n = 1, kills = 0;

	(void)state;
	inject.no_inotify = true; /* the kernel takes milliseconds to close one */
	rig_write(rig, "log", 0, 1);
	rig_start(rig, FOLLOW_FROM_START);
	while (kills < 1000) {
		uint32_t more = random_below(&seed, 60);

		rig_write(rig, "log", n, n + more);
		n += more;
		rig->now_ms += random_below(&seed, 1500);
		if (random_below(&seed, 12) == 0)
			rig_settle(rig); /* else rotations would run away from it */
		if (random_below(&seed, 25) == 0)
			rotate(rig, &n);
		rig_step(rig, random_below(&seed, 4));
		if (random_below(&seed, 3) > 0)
			continue;
		if (random_below(&seed, 2) == 0)
			die_before_commit(rig);
		else
			rig_kill(rig);
		kills++;
		if (random_below(&seed, 30) == 0)
			rotate(rig, &n);
		rig_start(rig, FOLLOW_FROM_END);
	}
	rig_settle(rig);
	rig_expect(rig, 0, n);
	rig_expect_at_end(rig);
	rig_expect_notes(rig, FOLLOW_NOTE_GAP, 0);
}

/* The stored state of a process that dies, as its database would keep it. */
struct kept {
	bool has_stored;
	struct follow_position stored;
	size_t got_len;
	uint32_t got[4096];
};

static void
keep(const struct rig *rig, struct kept *kept)
{
	kept->has_stored = rig->has_stored;
	kept->stored = rig->stored;
	memcpy(kept->got, rig->got, rig->got_len * sizeof(rig->got[0]));
	kept->got_len = rig->got_len;
}

static void
take_back(struct rig *rig, const struct kept *kept)
{
	rig->has_stored = kept->has_stored;
	rig->stored = kept->stored;
	rig->got_len = 0;
	for (size_t i = 0; i < kept->got_len; i++)
		rig_got(rig, kept->got[i]);
}

/* In a process of its own: read on with a memory that runs out. */
static int
read_on(struct rig *rig, struct kept *kept, size_t alloc_fails)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		/* sys/log has the end of a program that has no memory left */
		log_set_verbose(freopen("/dev/null", "w", stderr) == NULL);
		inject.alloc_fails = alloc_fails;
		rig_start(rig, FOLLOW_FROM_START);
		for (int i = 0; i < 60; i++) {
			rig_step(rig, 1);
			keep(rig, kept);
			rig->now_ms += 500;
		}
		_exit(inject.alloc_fails > 0 ? 0 : 2); /* it never came to that */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
out_of_memory(void **state)
{
	struct kept *kept = mmap(NULL, sizeof(*kept), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t calls;
	int status = 71;

	(void)state;
	assert_ptr_not_equal(kept, MAP_FAILED);
	for (calls = 1; status == 71; calls++) {
		struct rig *rig = rig_new(NULL);
		uint32_t n = 100;

		inject.no_inotify = true;
		*kept = (struct kept){0};
		rig_write(rig, "log", 0, 100);
		rig_start(rig, FOLLOW_FROM_START);
		rig_step(rig, 1);
		keep(rig, kept);
		rig_kill(rig);
		rotate(rig, &n);
		rotate(rig, &n);
		rotate(rig, &n); /* one is compressed now */
		status = read_on(rig, kept, calls);
		take_back(rig, kept);
		rig_start(rig, FOLLOW_FROM_START);
		rig_settle(rig);
		rig_expect(rig, 0, n);
		rig_expect_at_end(rig);
	}
	munmap(kept, sizeof(*kept));
	assert_int_equal(status, 0);
	assert_true(calls > 20); /* it did fail in many places */
}

void
faults_of_crashes(void)
{
	suite_add(killed_a_thousand_times, NULL,
	    "33 34 killed 1000 times under load with rotations, half of them before a "
	    "commit");
	suite_add(out_of_memory, NULL,
	    "39 the n-th allocation fails, n = 1 and on: it ends with 71, then exact");
}
