/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/clock.h"

#define SEARCH_PATH   "/usr/sbin:/usr/bin:/sbin:/bin"
#define KILL_AFTER_MS 1000 /* from SIGTERM to SIGKILL, and from there to giving up */
#define LOOK_AGAIN_MS 20   /* for its end, where the kernel has no pidfd (before 5.3) */

/* Longest run of the search path and a name. */
#define PROGRAM_SIZE 256

enum {
	POLL_OUTPUT,
	POLL_ERRORS,
	POLL_END,
	POLL_STOP,
	POLL_COUNT,
};

/* How far a program is that must be ended. */
enum ending {
	ENDING_NOT,
	ENDING_TERM,
	ENDING_KILL,
	ENDING_GIVEN_UP,
};

struct running {
	const struct child_request *request;
	struct child_result *result;
	struct err *err;
	pid_t pid;
	int pidfd;  /* -1: not to be had */
	int input;  /* the file that it reads; its offset is ours as well */
	int output; /* our ends of its pipes, -1 once closed */
	int errors;
	size_t output_len;
	int64_t deadline_ms;
	enum ending ending;
	bool failed; /* err is set */

	struct running *next; /* of those below, and guarded as these are */
	bool is_left;         /* it is ended with us */
};

/* Those that run, for child_end_all(). */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct running *all;
static bool all_end; /* for ever: nobody is to start one more */

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/*
 * The file actions below move descriptors to 0, 1 and 2 one after the other, so none
 * may come from there, as it would where we were started with one of them closed.
 */
static int
above_stdio(int fd)
{
	int moved;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return moved;
}

/* ends[0] is ours, not blocking; ends[1] the program's, blocking as it expects. */
static bool
open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0) {
		ends[0] = ends[1] = -1;
		return false;
	}
	ends[0] = above_stdio(ends[0]);
	ends[1] = above_stdio(ends[1]);
	return ends[0] >= 0 && ends[1] >= 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

/*
 * Standard input as a file in memory: complete before the program starts, so that
 * there is nothing to feed, no SIGPIPE and no deadlock if it does not read.
 */
static int
open_input(struct str input)
{
	int fd;

	if (input.len == 0)
		return above_stdio(open("/dev/null", O_RDONLY | O_CLOEXEC));
	fd = above_stdio(memfd_create("input", MFD_CLOEXEC));
	if (fd < 0)
		return -1;
	for (size_t done = 0; done < input.len;) {
		ssize_t n = pwrite(fd, input.p + done, input.len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	return fd;
}

/* posix_spawnp() would search our PATH, not the one that the program gets. */
static bool
find_program(const char *name, char program[PROGRAM_SIZE])
{
	struct str path = STR(SEARCH_PATH ":");
	struct str dir;

	if (strchr(name, '/') != NULL)
		return str_copy(str_of(name), program, PROGRAM_SIZE);
	while (str_cut(&path, ':', &dir)) {
		struct buf candidate = {0};
		bool found;

		buf_printf(&candidate, "%.*s/%s", STR_ARG(dir), name);
		found = str_copy(str_of(buf_text(&candidate)), program, PROGRAM_SIZE) &&
		    access(program, X_OK) == 0;
		buf_clear(&candidate);
		if (found)
			return true;
	}
	errno = ENOENT;
	return false;
}

static void
add_variable(struct buf *text, const char *name, const char *value)
{
	if (value != NULL) {
		buf_printf(text, "%s=%s", name, value);
		buf_add_char(text, '\0');
	}
}

/* Group of its own, every signal as at login, no descriptor but the three. */
static int
spawn(struct running *run, const char *program, const int stdio[3], char *const *env)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t signals;
	int failed = 0;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	for (int fd = 0; fd < 3; fd++)
		failed |= posix_spawn_file_actions_adddup2(&actions, stdio[fd], fd);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
	/* Ours are all close-on-exec; those that libraries open may not be. */
	failed |= posix_spawn_file_actions_addclosefrom_np(&actions, 3);
#endif
	sigfillset(&signals);
	failed |= posix_spawnattr_setsigdefault(&attr, &signals);
	sigemptyset(&signals);
	failed |= posix_spawnattr_setsigmask(&attr, &signals);
	failed |= posix_spawnattr_setpgroup(&attr, 0);
	failed |= posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	if (failed == 0)
		failed = posix_spawn(&run->pid, program, &actions, &attr,
		    (char *const *)(uintptr_t)run->request->argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static int
spawn_clean(struct running *run, const char *program, const int stdio[3])
{
	const struct child_request *request = run->request;
	char **env = mem_new(request->keep_count + 5, sizeof(*env));
	struct buf text = {0};
	size_t count = 0;
	int failed;

	add_variable(&text, "PATH", SEARCH_PATH);
	add_variable(&text, "LC_ALL", "C");
	add_variable(&text, "TZ", getenv("TZ"));
	add_variable(&text, "MAIL_CONFIG", getenv("MAIL_CONFIG"));
	for (size_t i = 0; i < request->keep_count; i++)
		add_variable(&text, request->keep[i], getenv(request->keep[i]));
	for (size_t at = 0; at < text.len; at += strlen(text.data + at) + 1)
		env[count++] = text.data + at;
	failed = spawn(run, program, stdio, env);
	free(env);
	buf_clear(&text);
	return failed;
}

/* Until it is reaped its process group cannot be another's. */
static void
enter(struct running *run)
{
	pthread_mutex_lock(&all_lock);
	run->next = all;
	all = run;
	run->is_left = all_end;
	if (run->is_left)
		kill(-run->pid, SIGKILL);
	pthread_mutex_unlock(&all_lock);
}

static bool
leave(struct running *run)
{
	struct running **link = &all;
	bool is_left;

	pthread_mutex_lock(&all_lock);
	while (*link != run)
		link = &(*link)->next;
	*link = run->next;
	is_left = run->is_left;
	if (is_left || run->ending != ENDING_NOT)
		kill(-run->pid, SIGKILL); /* what outlived the leader */
	pthread_mutex_unlock(&all_lock);
	return is_left;
}

static bool
kill_all(int signal)
{
	bool any;

	pthread_mutex_lock(&all_lock);
	all_end = true;
	any = all != NULL;
	for (struct running *run = all; signal != 0 && run != NULL; run = run->next) {
		run->is_left = true;
		kill(-run->pid, signal);
	}
	pthread_mutex_unlock(&all_lock);
	return any;
}

void
child_end_all(void)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
	int64_t until_ms = clock_monotonic_ms() + KILL_AFTER_MS;

	kill_all(SIGTERM);
	while (kill_all(0) && clock_monotonic_ms() < until_ms)
		nanosleep(&pause, NULL);
	kill_all(SIGKILL);
}

static bool
start(struct running *run)
{
	const char *name = run->request->argv[0];
	int output[2] = {-1, -1}, errors[2] = {-1, -1};
	char program[PROGRAM_SIZE];
	int failed;

	run->input = open_input(run->request->input);
	if (run->input < 0 || !open_pipe(output) || !open_pipe(errors))
		failed = errno;
	else if (!find_program(name, program))
		failed = errno;
	else
		failed =
		    spawn_clean(run, program, (int[]){run->input, output[1], errors[1]});
	close_fd(&output[1]);
	close_fd(&errors[1]);
	run->output = output[0];
	run->errors = errors[0];
	if (failed != 0) {
		close_fd(&run->input);
		close_fd(&run->output);
		close_fd(&run->errors);
		return err_set_errno(run->err, failed, "cannot run %s", name);
	}
	run->pidfd = (int)syscall(SYS_pidfd_open, run->pid, 0);
	enter(run);
	return true;
}

/* Reports the first failure; ends the program and waits for its end. */
static void
end_program(struct running *run, enum ending ending)
{
	run->ending = ending;
	run->failed = true;
	if (ending == ENDING_GIVEN_UP)
		return;
	run->deadline_ms = clock_monotonic_ms() + KILL_AFTER_MS;
	kill(-run->pid, ending == ENDING_TERM ? SIGTERM : SIGKILL);
}

static void
pass_deadline(struct running *run)
{
	const char *name = run->request->argv[0];

	switch (run->ending) {
	case ENDING_NOT:
		run->result->timed_out = true;
		err_set(run->err, "%s did not end within %lld ms", name,
		    (long long)run->request->timeout_ms);
		end_program(run, ENDING_TERM);
		return;
	case ENDING_TERM:
		end_program(run, ENDING_KILL);
		return;
	default:
		/* It runs as another user (sudo), or hangs inside the kernel. */
		err_wrap(run->err, "%s cannot be ended", name);
		end_program(run, ENDING_GIVEN_UP);
	}
}

static void
take_output(struct running *run, struct str piece)
{
	const struct child_request *request = run->request;

	if (run->failed)
		return;
	if (piece.len > request->output_max - run->output_len) {
		err_set(run->err, "%s printed more than %zu bytes", request->argv[0],
		    request->output_max);
		end_program(run, ENDING_TERM);
		return;
	}
	run->output_len += piece.len;
	if (request->consume == NULL) {
		buf_add_str(&run->result->output, piece);
	} else if (!request->consume(request->context, piece)) {
		err_set(run->err, "what %s printed was refused", request->argv[0]);
		end_program(run, ENDING_TERM);
	}
}

static void
take_errors(struct running *run, struct str piece)
{
	size_t room = CHILD_ERRORS_MAX - run->result->errors.len;

	if (piece.len > room)
		piece.len = room;
	buf_add_str(&run->result->errors, piece);
}

/* One read. False: nothing more to be had now; at its end the pipe is closed. */
static bool
read_pipe(
    struct running *run, int *fd, void (*take)(struct running *run, struct str piece))
{
	char piece[16384];
	ssize_t n;

	if (*fd < 0)
		return false;
	n = read(*fd, piece, sizeof(piece));
	if (n > 0) {
		take(run, (struct str){piece, (size_t)n});
		return true;
	}
	if (n < 0 && errno == EINTR)
		return true;
	if (n == 0 || errno != EAGAIN)
		close_fd(fd);
	return false;
}

/* Has it ended? It stays a zombie, so that its process group cannot be another's. */
static bool
has_ended(const struct running *run)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	    info.si_pid == run->pid;
}

/* Once it is being ended, that goes by the clock. */
static int
stop_fd(const struct running *run)
{
	return run->request->stop_fd > 0 && run->ending == ENDING_NOT
	    ? run->request->stop_fd
	    : -1;
}

static void
wait_for_end(struct running *run)
{
	while (!has_ended(run)) {
		struct pollfd fds[POLL_COUNT] = {
		    [POLL_OUTPUT] = {.fd = run->output, .events = POLLIN},
		    [POLL_ERRORS] = {.fd = run->errors, .events = POLLIN},
		    [POLL_END] = {.fd = run->pidfd, .events = POLLIN},
		    [POLL_STOP] = {.fd = stop_fd(run), .events = POLLIN},
		};
		int64_t left_ms = run->deadline_ms - clock_monotonic_ms();

		if (left_ms <= 0) {
			pass_deadline(run);
			if (run->ending == ENDING_GIVEN_UP)
				return;
			continue;
		}
		if (run->pidfd < 0 && left_ms > LOOK_AGAIN_MS)
			left_ms = LOOK_AGAIN_MS;
		if (poll(fds, POLL_COUNT, left_ms < 60000 ? (int)left_ms : 60000) <= 0)
			continue;
		if (fds[POLL_STOP].revents != 0) {
			err_set(run->err, "%s was stopped", run->request->argv[0]);
			end_program(run, ENDING_TERM);
		}
		if (fds[POLL_OUTPUT].revents != 0)
			read_pipe(run, &run->output, take_output);
		if (fds[POLL_ERRORS].revents != 0)
			read_pipe(run, &run->errors, take_errors);
	}
}

/*
 * What was written before the end is in the pipes. A program that it left in the
 * background may hold them open for ever, and may go on writing: stop where they are
 * empty, full, or the time is over.
 */
static void
read_rest(struct running *run)
{
	while (!run->failed && read_pipe(run, &run->output, take_output))
		if (clock_monotonic_ms() >= run->deadline_ms)
			break;
	while (run->result->errors.len < CHILD_ERRORS_MAX &&
	    read_pipe(run, &run->errors, take_errors))
		if (clock_monotonic_ms() >= run->deadline_ms)
			break;
}

static void
reap(struct running *run)
{
	int status = 0;
	pid_t pid;

	if (leave(run) && !run->failed) {
		err_set(run->err, "%s was stopped", run->request->argv[0]);
		run->failed = true;
	}
	do {
		pid = waitpid(
		    run->pid, &status, run->ending == ENDING_GIVEN_UP ? WNOHANG : 0);
	} while (pid < 0 && errno == EINTR);
	if (pid != run->pid) {
		/* Its status is lost: SIGCHLD is ignored, or other code waits for all
		 * children. */
		if (!run->failed)
			err_set_errno(run->err, errno, "no exit status of %s",
			    run->request->argv[0]);
		run->failed = true;
		return;
	}
	run->result->status =
	    WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool
is_stopped(const struct child_request *request)
{
	struct pollfd fd = {.fd = request->stop_fd, .events = POLLIN};

	return request->stop_fd > 0 && poll(&fd, 1, 0) > 0;
}

bool
child_run(
    const struct child_request *request, struct child_result *result, struct err *err)
{
	struct running run = {
	    .request = request,
	    .result = result,
	    .err = err,
	    .pidfd = -1,
	    .input = -1,
	    .deadline_ms = clock_monotonic_ms() + request->timeout_ms,
	};

	*result = (struct child_result){.status = -1};
	if (is_stopped(request))
		return err_set(err, "%s was stopped", request->argv[0]);
	if (!start(&run))
		return false;
	wait_for_end(&run);
	read_rest(&run);
	reap(&run);
	result->input_read =
	    run.ending == ENDING_GIVEN_UP || lseek(run.input, 0, SEEK_CUR) > 0;
	close_fd(&run.pidfd);
	close_fd(&run.input);
	close_fd(&run.output);
	close_fd(&run.errors);
	return !run.failed;
}

int
child_stopper(struct err *err)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		err_set_errno(err, errno, "no descriptor");
	return fd;
}

void
child_stop(int fd)
{
	eventfd_write(fd, 1); /* it stays readable, as nobody reads it */
}

bool
child_can_keep(const char *name)
{
	return getenv(name) != NULL;
}

void
child_result_clear(struct child_result *result)
{
	buf_clear(&result->output);
	buf_clear(&result->errors);
}
