/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal [-e] COLUMNS COMMAND...: what a command prints on a terminal that is so wide,
 * without the carriage returns that a terminal adds. What it complains of goes nowhere;
 * with -e that is shown, and what it prints goes nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
die(const char *what)
{
	fprintf(stderr, "terminal: %s: %s\n", what, strerror(errno));
	exit(99);
}

/* A carriage return before a line's end is dropped, also where a read ends between them.
 */
static void
print(const char *bytes, size_t len)
{
	static int held;

	for (size_t i = 0; i < len; i++) {
		if (held != 0 && bytes[i] != '\n')
			putchar('\r');
		held = bytes[i] == '\r';
		if (!held)
			putchar(bytes[i]);
	}
}

int
main(int argc, char **argv)
{
	struct winsize size = {.ws_row = 24};
	char bytes[65536];
	int terminal, hidden = STDERR_FILENO;
	ssize_t got;
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "-e") == 0) {
		hidden = STDOUT_FILENO;
		argc--;
		argv++;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: terminal [-e] COLUMNS COMMAND...\n");
		return 64;
	}
	size.ws_col = (unsigned short)strtoul(argv[1], NULL, 10);
	pid = forkpty(&terminal, NULL, NULL, &size);
	if (pid < 0)
		die("forkpty");
	if (pid == 0) {
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (nowhere < 0 || dup2(nowhere, hidden) < 0)
			_exit(126);
		execv(argv[2], argv + 2);
		_exit(127);
	}
	/* An error is the end: nobody has the terminal any more. */
	while ((got = read(terminal, bytes, sizeof(bytes))) > 0)
		print(bytes, (size_t)got);
	if (waitpid(pid, NULL, 0) != pid)
		die("waitpid");
	return fflush(stdout) == 0 ? 0 : 99;
}
