/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tool DIR [env [VARIABLE=VALUE]...] NAME [ARGUMENT]...: stands for a command of Postfix,
 * NAME: notes what it was asked and plays what the test laid out, for faults that a real
 * Postfix cannot be made to show. Tests ask it thousands of times: it is one process, and
 * a small one.
 *
 * In DIR, NAME.calls gets a line a call, "NAME [argument] [argument] ...". NAME.sh is run
 * where it is there, with DIR in $FAKE_DIR. Otherwise NAME.input gets the standard input,
 * all calls one after the other, and NAME.out, NAME.err and NAME.status are what it
 * prints and its exit status.
 *
 * What is no command of Postfix is run as it is; env sets variables, as env(1) does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *dir, *name;

static void
die(const char *what)
{
	fprintf(stderr, "fake %s: %s: %s\n", name, what, strerror(errno));
	exit(99);
}

static const char *
path_of(const char *kind)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s.%s", dir, name, kind);
	return path;
}

static void
put(int to, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t written = write(to, bytes, len);

		if (written < 0)
			die("write");
		bytes += written;
		len -= (size_t)written;
	}
}

static void
copy(int from, int to)
{
	char bytes[65536];
	ssize_t got;

	while ((got = read(from, bytes, sizeof(bytes))) > 0)
		put(to, bytes, (size_t)got);
	if (got < 0)
		die("read");
}

/* The calls of two at a time do not mix. */
static void
note_call(char **arguments)
{
	int calls =
	    open(path_of("calls"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	size_t len = strlen(name) + 2;
	char *line, *end;

	for (char **argument = arguments; *argument != NULL; argument++)
		len += strlen(*argument) + strlen(" []");
	line = malloc(len);
	if (line == NULL || calls < 0)
		die("calls");
	end = stpcpy(line, name);
	for (char **argument = arguments; *argument != NULL; argument++) {
		end = stpcpy(end, " [");
		end = stpcpy(end, *argument);
		end = stpcpy(end, "]");
	}
	*end++ = '\n';
	put(calls, line, (size_t)(end - line));
	close(calls);
	free(line);
}

static void
keep_input(void)
{
	int input =
	    open(path_of("input"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (input < 0)
		die("input");
	copy(STDIN_FILENO, input);
	close(input);
}

/* A file that is not there says nothing. */
static void
say(const char *kind, int to)
{
	int from = open(path_of(kind), O_RDONLY | O_CLOEXEC);

	if (from < 0)
		return;
	copy(from, to);
	close(from);
}

static int
status(void)
{
	FILE *f = fopen(path_of("status"), "re");
	char text[16] = "";

	if (f == NULL)
		return 0;
	if (fgets(text, sizeof(text), f) == NULL)
		die("status");
	fclose(f);
	return (int)strtol(text, NULL, 10);
}

static void
run_script(char **argv)
{
	static char shell[] = "/bin/sh";
	const char *script = path_of("sh");

	if (access(script, F_OK) != 0)
		return;
	if (setenv("FAKE_DIR", dir, 1) != 0 || setenv("PATH", "/usr/bin:/bin", 1) != 0)
		die("environment");
	/* DIR and NAME give their places to the shell and its script. */
	argv[1] = strdup(script);
	argv[0] = shell;
	if (argv[1] == NULL)
		die("script");
	execv(shell, argv);
	die(shell);
}

static void
run_other(char **argv)
{
	if (strncmp(name, "post", strlen("post")) == 0 || strcmp(name, "sendmail") == 0)
		return;
	if (setenv("PATH", "/usr/bin:/bin", 1) != 0)
		die("environment");
	execvp(name, argv);
	fprintf(stderr, "fake: %s: %s\n", name, strerror(errno));
	exit(errno == ENOENT ? 127 : 126);
}

int
main(int argc, char **argv)
{
	char **words = argv + 2;

	if (argc > 2 && strcmp(*words, "env") == 0)
		while (*++words != NULL && strchr(*words, '=') != NULL)
			putenv(*words);
	if (argc < 3 || *words == NULL) {
		fprintf(stderr,
		    "usage: tool DIR [env [VARIABLE=VALUE]...] NAME [ARGUMENT]...\n");
		return 64;
	}
	dir = argv[1];
	name = *words;
	run_other(words);
	note_call(words + 1);
	run_script(words - 1);
	keep_input();
	say("out", STDOUT_FILENO);
	say("err", STDERR_FILENO);
	return status();
}
