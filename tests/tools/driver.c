/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What make check runs each test by: Automake's driver of tests that print TAP, and the
 * deadline of the test, in one process. A shell and an awk for each cost more than most
 * tests.
 *
 * driver --deadline SECONDS --test-name NAME --log-file FILE --trs-file FILE
 *        [--color-tests yes|no] [--enable-hard-errors yes|no] [--expect-failure no]
 *        -- COMMAND...
 *
 * A test has a process group of its own and no input. One that does not end in time is
 * ended with all that it started, and fails.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 10000 /* between SIGTERM and SIGKILL */
#define BLANK    " \t"

enum result { PASS, SKIP, XFAIL, FAIL, XPASS, ERROR, RESULTS };

static const char *const words[RESULTS] = {
    [PASS] = "PASS",
    [SKIP] = "SKIP",
    [XFAIL] = "XFAIL",
    [FAIL] = "FAIL",
    [XPASS] = "XPASS",
    [ERROR] = "ERROR",
};
static const char *const colours[RESULTS] = {
    [PASS] = "\033[0;32m",
    [SKIP] = "\033[1;34m",
    [XFAIL] = "\033[1;32m",
    [FAIL] = "\033[0;31m",
    [XPASS] = "\033[0;31m",
    [ERROR] = "\033[0;35m",
};

static const char *test_name, *log_path, *trs_path;
static bool coloured;
static long deadline_s;
static FILE *log_file;

/* what was read so far */
static unsigned long count_of[RESULTS];
static unsigned char *results; /* in their order */
static size_t result_count;
static unsigned long number;  /* of tests seen */
static unsigned long planned; /* if there is a plan */
static bool has_plan,
    is_plan_late; /* late: behind the first test, and so behind the last */
static bool bailed_out;

static void
die(const char *what)
{
	fprintf(stderr, "driver: %s: %s\n", what, strerror(errno));
	exit(99);
}

/* One more result, for make, who reads and the log. */
static void __attribute__((format(printf, 2, 3)))
report(enum result result, const char *format, ...)
{
	char *details = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&details, format, args) < 0)
		die("report");
	va_end(args);
	if (result_count % 1024 == 0) {
		results = realloc(results, result_count + 1024);
		if (results == NULL)
			die("results");
	}
	results[result_count++] = (unsigned char)result;
	count_of[result]++;
	printf("%s%s%s: %s%s%s\n", coloured ? colours[result] : "", words[result],
	    coloured ? "\033[m" : "", test_name, *details != '\0' ? " " : "", details);
	fprintf(log_file, "%s: %s%s%s\n", words[result], test_name,
	    *details != '\0' ? " " : "", details);
	free(details);
}

/* --- TAP */

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static char *
skip_blank(char *text)
{
	return text + strspn(text, BLANK);
}

static void
strip_end(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && strchr(BLANK, text[len - 1]) != NULL)
		text[--len] = '\0';
}

/* Where "# SKIP" or "# TODO" begins in a description; NULL: nowhere. */
static char *
find_directive(char *text)
{
	for (char *mark = strchr(text, '#'); mark != NULL; mark = strchr(mark + 1, '#')) {
		const char *word = skip_blank(mark + 1);
		size_t escapes = 0;

		while (mark - escapes > text && mark[-1 - (long)escapes] == '\\')
			escapes++;
		if (escapes % 2 == 0 &&
		    (strncasecmp(word, "skip", 4) == 0 ||
		        strncasecmp(word, "todo", 4) == 0) &&
		    !is_word(word[4]))
			return mark;
	}
	return NULL;
}

/* rest: what is behind "ok" or "not ok". */
static void
read_result(bool is_ok, char *rest)
{
	enum result result = is_ok ? PASS : FAIL;
	unsigned long own;
	char *end, *directive;

	number++;
	own = number;
	rest = skip_blank(rest);
	if (isdigit((unsigned char)*rest)) {
		unsigned long said = strtoul(rest, &end, 10);

		if (!is_word(*end)) {
			own = said;
			rest = skip_blank(end);
		}
	}
	strip_end(rest);
	if (has_plan && (is_plan_late || number > planned)) {
		report(ERROR, "%lu %s # UNPLANNED", own, rest);
		return;
	}
	if (own != number) {
		report(ERROR, "%lu %s # OUT-OF-ORDER (expecting %lu)", own, rest, number);
		return;
	}
	directive = find_directive(rest);
	if (directive != NULL) {
		bool is_skip = strncasecmp(skip_blank(directive + 1), "skip", 4) == 0;

		if (!is_skip)
			result = is_ok ? XPASS : XFAIL;
		else if (is_ok)
			result = SKIP;
	}
	report(result, "%lu%s%s", own, *rest != '\0' ? " " : "", rest);
}

/* rest: what is behind "1..". False: this is no plan. */
static bool
read_plan(char *rest)
{
	char *end;
	unsigned long count;

	if (!isdigit((unsigned char)*rest))
		return false;
	count = strtoul(rest, &end, 10);
	end = skip_blank(end);
	if (*end != '\0' && (*end != '#' || count != 0))
		return false;
	if (has_plan) {
		report(ERROR, "- multiple test plans");
		return true;
	}
	has_plan = true;
	is_plan_late = number > 0;
	planned = count;
	if (count == 0 && number == 0) {
		if (*end == '#')
			end = skip_blank(end + 1);
		if (strncmp(end, "SKIP", 4) == 0 && !is_word(end[4]))
			end = skip_blank(end + 4 + (end[4] == ':'));
		strip_end(end);
		report(SKIP, "%s%s", *end != '\0' ? "- " : "", end);
	}
	return true;
}

static void
read_line(char *line)
{
	bool is_ok = strncmp(line, "ok", 2) == 0;
	char *rest = is_ok ? line + 2 : line + strlen("not ok");

	fprintf(log_file, "%s\n", line);
	if (bailed_out)
		return;
	if ((is_ok || strncmp(line, "not ok", strlen("not ok")) == 0) &&
	    !is_word(*rest)) {
		read_result(is_ok, rest);
		return;
	}
	if (strncmp(line, "1..", 3) == 0 && read_plan(line + 3))
		return;
	line = skip_blank(line);
	if (strncmp(line, "Bail out!", strlen("Bail out!")) == 0) {
		bailed_out = true;
		strip_end(line);
		report(ERROR, "- %s", line);
	}
}

/* Lines of what came, complete ones; at the end the rest, too. A NUL would hide what
 * follows. */
static char *pending;
static size_t pending_len, pending_room;

static void
take(const char *bytes, size_t len)
{
	char *begin, *end;

	if (pending_len + len + 1 > pending_room) {
		pending_room = 2 * (pending_len + len + 1);
		pending = realloc(pending, pending_room);
		if (pending == NULL)
			die("output");
	}
	for (size_t i = 0; i < len; i++)
		pending[pending_len++] = bytes[i];
	for (size_t i = pending_len - len; i < pending_len; i++)
		if (pending[i] == '\0')
			pending[i] = ' ';
	pending[pending_len] = '\0';
	for (begin = pending; (end = strchr(begin, '\n')) != NULL; begin = end + 1) {
		*end = '\0';
		read_line(begin);
	}
	pending_len -= (size_t)(begin - pending);
	memmove(pending, begin, pending_len + 1);
}

/* --- the test */

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static pid_t
start(char **command, int output, const sigset_t *mask)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0) {
		setpgid(pid, pid); /* whoever comes first */
		return pid;
	}
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(open("/dev/null", O_RDONLY), 0) < 0 || dup2(output, 1) < 0 ||
	    dup2(fileno(log_file), 2) < 0)
		_exit(126);
	execvp(command[0], command);
	fprintf(stderr, "driver: %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

/*
 * Read what the test prints until it has ended and nobody holds its output any more, or
 * its time is over. Returns how it ended, as waitpid() says; is_late: it had to be ended.
 */
static int
attend(pid_t pid, int output, int signals, bool *is_late)
{
	struct pollfd fds[2] = {
	    {.fd = output, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	int64_t end_ms = now_ms() + deadline_s * 1000;
	int kills = 0, status = 0;
	bool has_ended = false;

	while (!has_ended || fds[0].fd >= 0) {
		int64_t left_ms = end_ms - now_ms();
		struct signalfd_siginfo info;
		char bytes[65536];
		ssize_t got;

		if (left_ms <= 0 && kills == 2)
			break; /* another group holds the output */
		if (left_ms <= 0) {
			*is_late = true;
			kill(-pid, kills++ == 0 ? SIGTERM : SIGKILL);
			end_ms = now_ms() + GRACE_MS;
			continue;
		}
		fflush(log_file); /* the test writes there, too */
		if (poll(fds, 2, (int)left_ms) < 0 && errno != EINTR)
			die("poll");
		if (fds[0].revents != 0) {
			got = read(output, bytes, sizeof(bytes));
			if (got > 0)
				take(bytes, (size_t)got);
			else if (got == 0 || errno != EINTR)
				fds[0].fd = -1;
		}
		if (fds[1].revents == 0 ||
		    read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo != SIGCHLD) { /* somebody wants us to end */
			kill(-pid, SIGTERM);
			kills = 1;
			end_ms = now_ms() + GRACE_MS;
		} else if (!has_ended && waitpid(pid, &status, WNOHANG) == pid) {
			has_ended = true;
		}
	}
	return status;
}

static void
judge(int status, bool is_late, int64_t took_ms)
{
	struct rusage used;
	int64_t cpu_ms;

	if (is_late) {
		fprintf(log_file, "# it had to be ended\n");
		if (!bailed_out)
			report(ERROR, "- stopped after %ld seconds", deadline_s);
		return;
	}
	getrusage(RUSAGE_CHILDREN, &used);
	cpu_ms = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
	    (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
	fprintf(log_file, "# took %lld s, %lld.%lld s of processor time\n",
	    (long long)(took_ms + 500) / 1000, (long long)cpu_ms / 1000,
	    (long long)cpu_ms % 1000 / 100);
	if (bailed_out)
		return;
	if (!has_plan)
		report(ERROR, "- missing test plan");
	else if (planned != number)
		report(ERROR, "- too %s tests run (expected %lu, got %lu)",
		    number > planned ? "many" : "few", planned, number);
	if (WIFSIGNALED(status))
		report(ERROR, "- ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		report(ERROR, "- exited with status %d%s", WEXITSTATUS(status),
		    WEXITSTATUS(status) == 127 ? " (command not found?)" : "");
}

/* For make: what it counts and whether the test failed. */
static void
write_trs(void)
{
	FILE *trs = fopen(trs_path, "we");
	bool is_bad = count_of[FAIL] + count_of[XPASS] + count_of[ERROR] > 0;
	enum result whole = PASS;

	if (trs == NULL)
		die(trs_path);
	if (count_of[ERROR] > 0)
		whole = ERROR;
	else if (is_bad)
		whole = FAIL;
	else if (count_of[SKIP] == result_count)
		whole = SKIP;
	fprintf(trs, ":global-test-result: %s\n:recheck: %s\n:copy-in-global-log: %s\n",
	    words[whole], is_bad ? "yes" : "no",
	    count_of[PASS] < result_count ? "yes" : "no");
	for (size_t i = 0; i < result_count; i++)
		fprintf(trs, ":test-result: %s\n", words[results[i]]);
	if (ferror(trs) || fclose(trs) != 0)
		die(trs_path);
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: driver --deadline SECONDS --test-name NAME --log-file FILE"
	    " --trs-file FILE [--color-tests yes|no] -- COMMAND...\n");
	exit(64);
}

/* Returns the command. */
static char **
read_options(char **argv)
{
	while (*++argv != NULL && strcmp(*argv, "--") != 0) {
		const char *option = *argv++, *value = *argv;

		if (value == NULL)
			usage();
		if (strcmp(option, "--test-name") == 0)
			test_name = value;
		else if (strcmp(option, "--log-file") == 0)
			log_path = value;
		else if (strcmp(option, "--trs-file") == 0)
			trs_path = value;
		else if (strcmp(option, "--color-tests") == 0)
			coloured = strcmp(value, "yes") == 0;
		else if (strcmp(option, "--deadline") == 0)
			deadline_s = strtol(value, NULL, 10);
		else if (strcmp(option, "--enable-hard-errors") != 0 &&
		    (strcmp(option, "--expect-failure") != 0 || strcmp(value, "no") != 0))
			usage();
	}
	if (*argv == NULL || argv[1] == NULL || test_name == NULL || log_path == NULL ||
	    trs_path == NULL || deadline_s <= 0)
		usage();
	return argv + 1;
}

int
main(int argc, char **argv)
{
	char **command = argc > 0 ? read_options(argv) : argv;
	int64_t begin_ms = now_ms();
	bool is_late = false;
	sigset_t wanted, before;
	int output[2], log, signals, status;
	pid_t pid;

	/* The drivers of other tests print to the same place. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* The test writes there, too: each line behind the last. */
	log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	if (log < 0 || (log_file = fdopen(log, "a")) == NULL)
		die(log_path);
	if (pipe2(output, O_CLOEXEC) != 0)
		die("pipe");
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGCHLD);
	sigprocmask(SIG_BLOCK, &wanted, &before);
	signals = signalfd(-1, &wanted, SFD_CLOEXEC);
	if (signals < 0)
		die("signalfd");
	pid = start(command, output[1], &before);
	close(output[1]);
	status = attend(pid, output[0], signals, &is_late);
	if (pending_len > 0)
		take("\n", 1);
	judge(status, is_late, now_ms() - begin_ms);
	write_trs();
	if (ferror(log_file) || fclose(log_file) != 0)
		die(log_path);
	free(pending);
	free(results);
	return 0;
}
