/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#include "sys/workers.h"

#define LONG_MS   30000 /* never reached by a test that passes */
#define JOB_COUNT 1000
#define GATES     8

struct task {
	struct job job;
	int number;
	int result;
	void *context;
	bool signals_blocked;
};

struct gate {
	struct job job;
	sem_t entered;
	sem_t leave;
};

static atomic_int made, dropped, ran;

static void *
make_context(void *argument)
{
	atomic_fetch_add(&made, 1);
	return argument;
}

static void
drop_context(void *context)
{
	(void)context;
	atomic_fetch_add(&dropped, 1);
}

static void
square(struct job *job, void *context)
{
	struct task *task = (struct task *)job;
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	task->signals_blocked = sigismember(&blocked, SIGTERM) == 1;
	task->result = task->number * task->number;
	task->context = context;
	atomic_fetch_add(&ran, 1);
}

static void
pass_gate(struct job *job, void *context)
{
	struct gate *gate = (struct gate *)job;

	(void)context;
	sem_post(&gate->entered);
	sem_wait(&gate->leave);
}

static bool
is_readable(const struct workers *workers, int wait_ms)
{
	struct pollfd fd = {.fd = workers_fd(workers), .events = POLLIN};

	return poll(&fd, 1, wait_ms) == 1;
}

static void
wait_for_gate(struct gate *gate)
{
	assert_int_equal(sem_wait(&gate->entered), 0);
}

static void
gate_init(struct gate *gate)
{
	*gate = (struct gate){.job = {.work = pass_gate}};
	sem_init(&gate->entered, 0, 0);
	sem_init(&gate->leave, 0, 0);
}

static void
every_job_comes_back_once(void **state)
{
	static struct task tasks[JOB_COUNT];
	struct workers *workers;
	struct err err;
	int context;

	(void)state;
	workers = workers_new(4, make_context, drop_context, &context, &err);
	assert_non_null(workers);
	for (int i = 0; i < JOB_COUNT; i++) {
		tasks[i] = (struct task){.job = {.work = square}, .number = i};
		workers_submit(workers, &tasks[i].job);
	}
	for (int back = 0; back < JOB_COUNT;) {
		struct task *task;

		assert_true(is_readable(workers, LONG_MS));
		task = (struct task *)workers_done(workers);
		assert_non_null(task);
		assert_int_equal(task->result, task->number * task->number);
		assert_ptr_equal(task->context, &context);
		assert_true(task->signals_blocked);
		task->result = -1;
		back++;
		assert_int_equal(workers_pending(workers), JOB_COUNT - back);
	}
	assert_false(is_readable(workers, 0));
	assert_null(workers_done(workers));
	workers_free(workers);
	assert_in_range(atomic_load(&made), 1, 4);
	assert_int_equal(atomic_load(&dropped), atomic_load(&made));
}

static void
first_in_is_first_out(void **state)
{
	struct task tasks[20];
	struct workers *workers;
	struct err err;

	(void)state;
	workers = workers_new(1, NULL, NULL, NULL, &err);
	assert_non_null(workers);
	for (int i = 0; i < 20; i++) {
		tasks[i] = (struct task){.job = {.work = square}, .number = i};
		workers_submit(workers, &tasks[i].job);
	}
	for (int i = 0; i < 20; i++) {
		assert_true(is_readable(workers, LONG_MS));
		assert_ptr_equal(workers_done(workers), &tasks[i].job);
	}
	workers_free(workers);
}

static void
blocked_job_does_not_block_the_others(void **state)
{
	struct task task = {.job = {.work = square}, .number = 3};
	struct workers *workers;
	struct gate gate;
	struct err err;

	(void)state;
	gate_init(&gate);
	workers = workers_new(2, NULL, NULL, NULL, &err);
	assert_non_null(workers);
	workers_submit(workers, &gate.job);
	wait_for_gate(&gate);
	workers_submit(workers, &task.job);
	assert_true(is_readable(workers, LONG_MS));
	assert_ptr_equal(workers_done(workers), &task.job);
	assert_false(is_readable(workers, 0));
	assert_int_equal(workers_pending(workers), 1);
	sem_post(&gate.leave);
	assert_true(is_readable(workers, LONG_MS));
	assert_ptr_equal(workers_done(workers), &gate.job);
	workers_free(workers);
}

/* Eight jobs at once have a thread each; then seven end, and a later burst has them
 * again. */
static void
threads_come_with_work_and_go_without(void **state)
{
	struct gate gates[GATES];
	struct workers *workers;
	struct err err;

	(void)state;
	atomic_store(&made, 0);
	atomic_store(&dropped, 0);
	workers = workers_new(GATES, make_context, drop_context, NULL, &err);
	assert_non_null(workers);
	for (int burst = 1; burst <= 2; burst++) {
		for (size_t i = 0; i < GATES; i++) {
			gate_init(&gates[i]);
			workers_submit(workers, &gates[i].job);
		}
		for (size_t i = 0; i < GATES; i++)
			wait_for_gate(&gates[i]);
		for (size_t i = 0; i < GATES; i++)
			sem_post(&gates[i].leave);
		for (size_t i = 0; i < GATES; i++) {
			assert_true(is_readable(workers, LONG_MS));
			assert_non_null(workers_done(workers));
		}
		for (int ms = 0; ms < LONG_MS && atomic_load(&dropped) < 7 * burst;
		     ms += 10)
			poll(NULL, 0, 10);
		assert_int_equal(atomic_load(&dropped), 7 * burst);
		assert_int_equal(atomic_load(&made), 7 * burst + 1);
	}
	workers_free(workers);
	assert_int_equal(atomic_load(&dropped), 15);
}

static void
waiting_jobs_are_dropped_at_the_end(void **state)
{
	struct task task = {.job = {.work = square}, .number = 3};
	int before = atomic_load(&ran);
	struct workers *workers;
	struct gate gate;
	struct err err;

	(void)state;
	gate_init(&gate);
	workers = workers_new(1, NULL, NULL, NULL, &err);
	assert_non_null(workers);
	workers_submit(workers, &gate.job);
	wait_for_gate(&gate);
	workers_submit(workers, &task.job);
	/*
	 * The gate opens while workers_free() waits or before it: the job behind it may
	 * then be run, but never after workers_free() has returned.
	 */
	sem_post(&gate.leave);
	workers_free(workers);
	assert_in_range(atomic_load(&ran) - before, 0, 1);
	workers_free(NULL);
}

int
main(void)
{
	suite_add(
	    every_job_comes_back_once, NULL, "every job comes back once, from 4 workers");
	suite_add(first_in_is_first_out, NULL, "one worker keeps the order");
	suite_add(blocked_job_does_not_block_the_others, NULL,
	    "a job that blocks does not block the others");
	suite_add(threads_come_with_work_and_go_without, NULL,
	    "eight jobs at once have eight threads, and one thread is left when nothing "
	    "comes");
	suite_add(waiting_jobs_are_dropped_at_the_end, NULL,
	    "the end waits for the job that runs and runs no other after it");
	return suite_run();
}
