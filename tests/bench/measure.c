/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a command takes and how much memory at its peak. Its output goes to a file, so
 * that no one reads along; standard input and standard error are its own.
 * usage: measure OUT SECONDS COMMAND [ARGUMENT]...
 * Prints: wall-clock, user and system seconds, KiB, exit status (128 + signal). After so
 * many SECONDS it is ended.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t child;

static void
end_child(int number)
{
	(void)number;
	kill((pid_t)child, SIGKILL);
}

static double
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void
run(const char *out, char **command)
{
	int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0 || dup2(fd, 1) < 0)
		_exit(126);
	execvp(command[0], command);
	_exit(127);
}

int
main(int argc, char **argv)
{
	struct rusage usage;
	double start;
	pid_t pid;
	int status;

	if (argc < 4)
		return 64;
	start = now_s();
	pid = fork();
	if (pid == 0)
		run(argv[1], argv + 3);
	if (pid < 0)
		return 71;
	child = pid;
	signal(SIGALRM, end_child);
	alarm((unsigned)strtoul(argv[2], NULL, 10));
	while (wait4(pid, &status, 0, &usage) < 0)
		;
	printf("%.4f %.4f %.4f %ld %d\n", now_s() - start, seconds(usage.ru_utime),
	    seconds(usage.ru_stime), usage.ru_maxrss,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
