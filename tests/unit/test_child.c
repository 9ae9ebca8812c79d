/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/child.h"
#include "sys/clock.h"

#define LONG_MS   30000 /* never reached by a test that passes */
#define INPUT_LEN ((size_t)1 << 20)
#define SILENT_FD "51"
#define HANG      "cat /proc/$PPID/fd/" SILENT_FD /* until this test ends */

struct row {
	const char *name;
	const char *script; /* for sh -c */
	const char *input;
	int status;
	const char *output;
	const char *errors;
};

static const struct row rows[] = {
    {"standard output and standard error are kept apart", "echo out; echo err >&2", "", 0,
        "out\n", "err\n"},
    {"an exit status is no failure to run", "exit 69", "", 69, "", ""},
    {"a program ended by a signal has 128 and its number", "kill -KILL $$", "", 137, "",
        ""},
    {"no input is an empty standard input", "cat; echo end", "", 0, "end\n", ""},
    {"input reaches standard input", "cat", "key\nkey2\n", 0, "key\nkey2\n", ""},
    {"the environment is clean", "env -u PWD -u OLDPWD -u SHLVL -u _ | sort", "", 0,
        "LC_ALL=C\nMAIL_CONFIG=/nonexistent/postfix\n"
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nTZ=Europe/Berlin\n",
        ""},
    {"no other descriptor is inherited",
        "for fd in 3 4 5 6 7 8 9 50; do test -e /proc/self/fd/$fd && echo $fd; done; "
        "true",
        "", 0, "", ""},
    {"no signal is blocked", "grep '^SigBlk' /proc/self/status", "", 0,
        "SigBlk:\t0000000000000000\n", ""},
    {"SIGPIPE, that we ignore, ends it", "kill -PIPE $$; echo alive", "", 141, "", ""},
    {"it leads a process group of its own",
        "read -r pid name state ppid group rest </proc/self/stat; test $pid = $group", "",
        0, "", ""},
};

static struct child_request
shell(const char **argv, const char *script)
{
	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = script;
	argv[3] = NULL;
	return (struct child_request){
	    .argv = argv, .timeout_ms = LONG_MS, .output_max = 65536};
}

static void
program_gives(void **state)
{
	const struct row *row = *state;
	const char *argv[4];
	struct child_request request = shell(argv, row->script);
	struct child_result result;
	struct err err = {{0}};

	request.input = str_of(row->input);
	assert_true(child_run(&request, &result, &err));
	assert_int_equal(result.status, row->status);
	assert_false(result.timed_out);
	assert_string_equal(buf_text(&result.output), row->output);
	assert_string_equal(buf_text(&result.errors), row->errors);
	assert_string_equal(err.text, "");
	child_result_clear(&result);
}

static char *
large_input(void)
{
	char *input = malloc(INPUT_LEN);

	assert_non_null(input);
	for (size_t i = 0; i < INPUT_LEN; i++)
		input[i] = (char)("0123456789\n"[i % 11]);
	return input;
}

static void
much_input_comes_back_whole(void **state)
{
	const char *argv[4];
	struct child_request request = shell(argv, "cat");
	struct child_result result;
	char *input = large_input();
	struct err err;

	(void)state;
	request.input = (struct str){input, INPUT_LEN};
	request.output_max = INPUT_LEN;
	assert_true(child_run(&request, &result, &err));
	assert_int_equal(result.output.len, INPUT_LEN);
	assert_memory_equal(result.output.data, input, INPUT_LEN);
	child_result_clear(&result);
	free(input);
}

static void
unread_input_is_no_fault(void **state)
{
	const char *argv[4];
	struct child_request request = shell(argv, "exec <&-; echo done");
	struct child_result result;
	char *input = large_input();
	struct err err;

	(void)state;
	request.input = (struct str){input, INPUT_LEN};
	assert_true(child_run(&request, &result, &err));
	assert_string_equal(buf_text(&result.output), "done\n");
	child_result_clear(&result);
	free(input);
}

static void
output_is_bounded(void **state)
{
	const char *argv[4];
	struct child_request request = shell(argv, "printf 12345");
	struct child_result result;
	struct err err;

	(void)state;
	request.output_max = 5;
	assert_true(child_run(&request, &result, &err));
	assert_string_equal(buf_text(&result.output), "12345");
	child_result_clear(&result);

	request = shell(argv, "yes");
	assert_false(child_run(&request, &result, &err));
	assert_string_equal(err.text, "sh printed more than 65536 bytes");
	assert_true(result.output.len <= 65536);
	assert_false(result.timed_out);
	child_result_clear(&result);
}

static void
errors_are_cut(void **state)
{
	const char *argv[4];
	struct child_request request = shell(argv, "yes | head -n 100000 >&2");
	struct child_result result;
	struct err err;

	(void)state;
	assert_true(child_run(&request, &result, &err));
	assert_int_equal(result.status, 0);
	assert_int_equal(result.errors.len, 65536);
	child_result_clear(&result);
}

static bool
consume_until_newline(void *context, struct str piece)
{
	struct buf *got = context;

	buf_add_str(got, piece);
	return memchr(piece.p, '\n', piece.len) == NULL;
}

static void
consumer_can_refuse(void **state)
{
	const char *argv[4];
	struct child_request request = shell(argv, "printf abc");
	struct child_result result;
	struct buf got = {0};
	struct err err;

	(void)state;
	request.consume = consume_until_newline;
	request.context = &got;
	assert_true(child_run(&request, &result, &err));
	assert_string_equal(buf_text(&got), "abc");
	assert_int_equal(result.output.len, 0);
	child_result_clear(&result);

	request.argv = shell(argv, "yes").argv;
	assert_false(child_run(&request, &result, &err));
	assert_string_equal(err.text, "what sh printed was refused");
	child_result_clear(&result);
	buf_clear(&got);
}

static void
missing_program_is_named(void **state)
{
	const char *argv[] = {"no-such-program-here", NULL};
	struct child_request request = {.argv = argv, .timeout_ms = LONG_MS};
	struct child_result result;
	struct err err;

	(void)state;
	assert_false(child_run(&request, &result, &err));
	assert_string_equal(
	    err.text, "cannot run no-such-program-here: No such file or directory");
	assert_int_equal(result.status, -1);
	argv[0] = "/etc";
	assert_false(child_run(&request, &result, &err));
	assert_string_equal(err.text, "cannot run /etc: Permission denied");
}

/* All who hold the FIFO open for writing are gone once it says so. */
static void
assert_nobody_left(int fifo)
{
	struct pollfd fd = {.fd = fifo, .events = POLLIN};
	char byte;

	assert_int_equal(poll(&fd, 1, LONG_MS), 1);
	assert_int_equal(read(fifo, &byte, 1), 0);
}

static void
late_program_is_ended(void **state)
{
	const char *script = *state;
	char dir[] = "/tmp/test_child.XXXXXX";
	char path[sizeof(dir) + 5];
	char text[256] = "";
	const char *argv[4];
	struct child_request request = shell(argv, text);
	struct child_result result;
	struct err err;
	int fifo;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	snprintf(text, sizeof(text), "exec 8>%s; %s", path, script);
	assert_int_equal(mkfifo(path, 0600), 0);
	fifo = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fifo >= 0);

	request.timeout_ms = 300;
	assert_false(child_run(&request, &result, &err));
	assert_true(result.timed_out);
	assert_string_equal(err.text, "sh did not end within 300 ms");
	assert_string_equal(buf_text(&result.output), "begun\n");
	assert_nobody_left(fifo);
	child_result_clear(&result);
	close(fifo);
	unlink(path);
	rmdir(dir);
}

static void
background_is_not_waited_for(void **state)
{
	const char *argv[4];
	struct child_request request = shell(argv, HANG " & echo $!");
	int64_t begun_ms = clock_monotonic_ms();
	struct child_result result;
	struct err err;
	int pid;

	(void)state;
	assert_true(child_run(&request, &result, &err));
	assert_true(clock_monotonic_ms() - begun_ms < LONG_MS / 2);
	pid = atoi(buf_text(&result.output));
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0); /* it still ran */
	child_result_clear(&result);
}

static void
background_that_writes_is_not_waited_for(void **state)
{
	const char *argv[4];
	struct child_request request = shell(argv, "yes >&2 & echo $!");
	struct child_result result;
	struct err err;

	(void)state;
	assert_true(child_run(&request, &result, &err));
	assert_true(result.errors.len <= 65536);
	kill(atoi(buf_text(&result.output)), SIGKILL);
	child_result_clear(&result);
}

static void
closed_standard_input_is_no_trap(void **state)
{
	const char *argv[4];
	struct child_request request = shell(argv, "cat; echo err >&2");
	struct child_result result;
	struct err err;
	int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);

	(void)state;
	close(STDIN_FILENO);
	request.input = STR("text");
	assert_true(child_run(&request, &result, &err));
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
	assert_string_equal(buf_text(&result.output), "text");
	assert_string_equal(buf_text(&result.errors), "err\n");
	child_result_clear(&result);
}

struct input_row {
	const char *name;
	const char *script;
	bool read;
};

static const struct input_row input_rows[] = {
    {"input that nobody read is known as that", "exit 75", false},
    {"input that was read is not", "cat; exit 75", true},
    {"nor is what was begun to be", "read -r line; exit 75", true},
    {"where it is not read it is so after the time is over, too", "exec sleep 600",
        false},
    {"and where it is", "cat; exec sleep 600", true},
};

static void
input_is_read(void **state)
{
	const struct input_row *row = *state;
	const char *argv[4];
	struct child_request request = shell(argv, row->script);
	struct child_result result;
	struct err err;

	if (strstr(row->script, "sleep") != NULL)
		request.timeout_ms = 300;
	request.input = STR("a\nb\n");
	child_run(&request, &result, &err);
	assert_int_equal(result.input_read, row->read);
	child_result_clear(&result);
}

static void
stopped_before_it_is_never_run(void **state)
{
	const char *argv[] = {"/nonexistent/program", NULL};
	struct child_request request = {.argv = argv, .timeout_ms = LONG_MS};
	struct child_result result;
	struct err err;

	(void)state;
	request.stop_fd = child_stopper(&err);
	assert_true(request.stop_fd >= 0);
	child_stop(request.stop_fd);
	assert_false(child_run(&request, &result, &err));
	assert_string_equal(err.text, "/nonexistent/program was stopped");
	assert_int_equal(result.status, -1);
	assert_false(result.input_read);
	child_result_clear(&result);
	close(request.stop_fd);
}

static void *
run_many(void *argument)
{
	const char *number = argument;
	const char *argv[4];
	struct child_request request = shell(argv, "cat");
	struct err err;

	request.input = str_of(number);
	for (int i = 0; i < 10; i++) {
		struct child_result result;
		bool good = child_run(&request, &result, &err) && result.status == 0 &&
		    strcmp(buf_text(&result.output), number) == 0;

		child_result_clear(&result);
		if (!good)
			return NULL;
	}
	return argument;
}

static void
threads_do_not_mix(void **state)
{
	pthread_t threads[8];
	char numbers[8][4];

	(void)state;
	for (int i = 0; i < 8; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%d\n", i);
		assert_int_equal(
		    pthread_create(&threads[i], NULL, run_many, numbers[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		void *done;

		pthread_join(threads[i], &done);
		assert_ptr_equal(done, numbers[i]);
	}
}

struct description {
	int status;
	const char *errors;
	const char *text;
};

static const struct description descriptions[] = {
    {69, "postqueue: warning: a\npostqueue: fatal: b\n",
        "exit status 69: postqueue: warning: a: postqueue: fatal: b"},
    {1, "", "exit status 1"},
    {137, "", "ended by signal 9"},
    {255, "ssh: connect to host node2: refused\n",
        "exit status 255: ssh: connect to host node2: refused"},
    {1, "r = 'user@d.test'\n", "exit status 1: r = '*@d.test'"},
    {1, "near '\\\"jane doe\\\"@d.test'\n", "exit status 1: near *@d.test'"},
    {1, "Access denied for user 'postfix'@'localhost'\n",
        "exit status 1: Access denied for user 'postfix'@'localhost'"},
    {1, "\n \xff\x1b[31m \"red\"\n", "exit status 1: \\xff\\x1b[31m \\\"red\\\""},
};

static void
result_reads_as_one_line(void **state)
{
	const struct description *row = *state;
	struct child_result result = {.status = row->status};
	struct buf out = {0};

	buf_add_str(&result.errors, str_of(row->errors));
	child_describe(&result, &out);
	assert_string_equal(buf_text(&out), row->text);
	child_result_clear(&result);
	buf_clear(&out);
}

/* What stands at the cut is not taken for the whole of an address, or for a word. */
static void
no_local_part_is_cut(void **state)
{
	struct buf out = {0};

	(void)state;
	for (size_t len = 380; len <= 410; len++) {
		struct child_result result = {.status = 1};

		buf_add_str(&result.errors, STR("fatal: \"jane doe\"@d.test "));
		for (size_t i = 0; i < len; i++)
			buf_add_char(&result.errors, 'x');
		child_describe(&result, &out);
		assert_null(strstr(buf_text(&out), "jane"));
		assert_null(strstr(buf_text(&out), "doe"));
		child_result_clear(&result);
		buf_reset(&out);
	}
	for (size_t len = 65500; len <= 65536; len++) {
		struct child_result result = {.status = 1};

		buf_add_str(&result.errors, STR("warning: a\n"));
		while (result.errors.len < len)
			buf_add_char(&result.errors, ' ');
		buf_add_str(&result.errors, STR("qq@d.test"));
		if (result.errors.len > 65536) /* so much of it is kept */
			result.errors.len = 65536;
		child_describe(&result, &out);
		assert_null(strstr(buf_text(&out), "q"));
		child_result_clear(&result);
		buf_reset(&out);
	}
	buf_clear(&out);
}

/* KEPT_NOT is not set: it is not there, and not empty. */
static void
variables_are_kept(void **state)
{
	const char *argv[4];
	struct child_request request = shell(argv,
	    "env | grep -E '^(KEPT|LD_PRELOAD_NOT|KEPT_NOT|KEPT_EMPTY|TZ)=' | sort");
	char kept[] = "KEPT", not_set[] = "KEPT_NOT", empty[] = "KEPT_EMPTY";
	char *const keep[] = {kept, not_set, empty};
	struct child_result result;
	struct err err;

	(void)state;
	setenv("KEPT", "ssh://a b", 1);
	setenv("KEPT_EMPTY", "", 1);
	request.keep = keep;
	request.keep_count = 3;
	assert_true(child_run(&request, &result, &err));
	assert_string_equal(
	    buf_text(&result.output), "KEPT=ssh://a b\nKEPT_EMPTY=\nTZ=Europe/Berlin\n");
	child_result_clear(&result);
}

/* What a daemon may have done before it starts a program. */
static void
make_surroundings_dirty(void)
{
	sigset_t signals;

	setenv("TZ", "Europe/Berlin", 1);
	setenv("MAIL_CONFIG", "/nonexistent/postfix", 1);
	setenv("LD_PRELOAD_NOT", "x", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	dup2(STDERR_FILENO, 50);
}

/* A pipe whose other end this process alone has, and never writes to. */
static void
open_silent_pipe(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0 || dup3(fds[0], atoi(SILENT_FD), O_CLOEXEC) < 0)
		abort();
}

/* Within a second, though its time is not over; also where it is stopped from the start.
 */
static void
stopped_is_not_waited_for(void **state)
{
	const char *argv[4];
	struct child_request request = shell(argv, "echo begun; exec " HANG);
	struct child_result result;
	struct err err;
	int64_t began_ms = clock_monotonic_ms();

	(void)state;
	request.stop_fd = child_stopper(&err);
	assert_true(request.stop_fd > 0);
	child_stop(request.stop_fd);
	for (int i = 0; i < 2; i++) {
		assert_false(child_run(&request, &result, &err));
		assert_string_equal(err.text, "sh was stopped");
		assert_false(result.timed_out);
		child_result_clear(&result);
	}
	assert_in_range(clock_monotonic_ms() - began_ms, 0, LONG_MS / 2);
	close(request.stop_fd);
}

/* One that ignores SIGTERM, with its group; from then on none is started. */
static void *
run_hanging(void *argument)
{
	const char *argv[] = {
	    "sh", "-c", "trap '' TERM; echo $$ >&2; sleep 600; sleep 600", NULL};
	const struct child_request request = {
	    .argv = argv, .timeout_ms = 600000, .output_max = 10};
	struct child_result result;
	struct err err;
	bool done = child_run(&request, &result, &err);
	pid_t pid = (pid_t)atol(buf_text(&result.errors));

	*(bool *)argument =
	    !done && strstr(err.text, "sh was stopped") != NULL && pid > 0;
	for (int i = 0; i < 1000 && kill(-pid, 0) == 0; i++)
		usleep(10000); /* init has to reap them */
	*(bool *)argument = *(bool *)argument && kill(-pid, 0) != 0;
	child_result_clear(&result);
	return NULL;
}

static void
all_are_ended(void **state)
{
	int64_t began_ms = clock_monotonic_ms();
	bool ended[2] = {false, false};
	pthread_t threads[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, run_hanging, &ended[i]), 0);
	usleep(300000);
	child_end_all();
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_true(ended[i]);
	}
	assert_true(clock_monotonic_ms() - began_ms < 300000);
}

int
main(void)
{
	make_surroundings_dirty();
	open_silent_pipe();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(program_gives, &rows[i], "%s", rows[i].name);
	for (size_t i = 0; i < sizeof(descriptions) / sizeof(descriptions[0]); i++)
		suite_add(result_reads_as_one_line, &descriptions[i], "described as: %s",
		    descriptions[i].text);
	suite_add(
	    much_input_comes_back_whole, NULL, "a megabyte through cat comes back whole");
	suite_add(no_local_part_is_cut, NULL, "no half of a local part is shown");
	suite_add(variables_are_kept, NULL, "variables are kept where that is asked for");
	suite_add(unread_input_is_no_fault, NULL, "input that is not read is no fault");
	suite_add(output_is_bounded, NULL, "output over its limit ends the program");
	suite_add(errors_are_cut, NULL, "standard error over its limit is cut");
	suite_add(
	    consumer_can_refuse, NULL, "a consumer gets the pieces and can refuse one");
	suite_add(missing_program_is_named, NULL, "a program that cannot run is named");
	suite_add(late_program_is_ended, HANG " & echo begun; wait",
	    "a late program is ended with its group");
	suite_add(late_program_is_ended, "trap '' TERM; echo begun; " HANG "; " HANG,
	    "a late program that ignores SIGTERM is killed");
	suite_add(late_program_is_ended, "echo begun; exec >&- 2>&-; " HANG " >/dev/null",
	    "a late program that closed its output is ended");
	suite_add(background_is_not_waited_for, NULL,
	    "a background process that holds the pipes is not waited for");
	suite_add(background_that_writes_is_not_waited_for, NULL,
	    "a background process that goes on writing is not waited for");
	suite_add(closed_standard_input_is_no_trap, NULL,
	    "a closed standard input of our own is no trap");
	suite_add(
	    stopped_is_not_waited_for, NULL, "a program that is stopped ends at once");
	suite_add(stopped_before_it_is_never_run, NULL,
	    "one that was stopped before is not started");
	for (size_t i = 0; i < sizeof(input_rows) / sizeof(input_rows[0]); i++)
		suite_add(input_is_read, &input_rows[i], "%s", input_rows[i].name);
	suite_add(threads_do_not_mix, NULL, "programs of eight threads do not mix");
	suite_add(all_are_ended, NULL,
	    "all that run are ended, those that ignore SIGTERM with their groups"); /* the
	                                                                               last:
	                                                                               none
	                                                                               runs
	                                                                               any
	                                                                               more
	                                                                             */
	return suite_run();
}
