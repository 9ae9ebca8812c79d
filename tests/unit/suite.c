/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIELDS_MAX 16

static struct CMUnitTest *tests;
static size_t test_count;
static bool has_run;

static void
die(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s\n", name, what);
	exit(2);
}

void
suite_add(CMUnitTestFunction fn, const void *state, const char *name, ...)
{
	char *text = NULL;
	va_list ap;

	if (has_run)
		die("is added too late: it would not be run", name);
	va_start(ap, name);
	if (vasprintf(&text, name, ap) < 0)
		die("out of memory", name);
	va_end(ap);
	tests = reallocarray(tests, test_count + 1, sizeof(*tests));
	if (tests == NULL)
		die("out of memory", name);
	tests[test_count++] = (struct CMUnitTest){
	    .name = text, .test_func = fn, .initial_state = (void *)(uintptr_t)state};
}

void
suite_skip(const char *why)
{
	print_message("# skipped: %s\n", why);
	skip();
}

/* cmocka says "not ok 7 # SKIP name", which is a failure to TAP. */
static void
print_tap(FILE *from)
{
	char *line = NULL, why[256] = "not here";
	size_t size = 0;
	unsigned number;

	while (getline(&line, &size, from) > 0) {
		const char *name = strstr(line, "# SKIP ");

		if (sscanf(line, "# skipped: %255[^\n]", why) == 1)
			continue;
		if (sscanf(line, "not ok %u", &number) == 1 && name != NULL) {
			name += strlen("# SKIP ");
			printf("ok %u - %.*s # SKIP %s\n", number,
			    (int)strcspn(name, "\n"), name, why);
		} else {
			fputs(line, stdout);
		}
		fflush(stdout);
	}
	free(line);
}

/* The tests write into a pipe, and a child of ours puts right what they say. */
static pid_t
start_printer(void)
{
	int fds[2];
	pid_t pid;

	fflush(stdout);
	if (pipe(fds) != 0)
		die("no pipe", "suite");
	pid = fork();
	if (pid < 0)
		die("no process", "suite");
	if (pid == 0) {
		FILE *from;

		close(fds[1]);
		from = fdopen(fds[0], "r");
		if (from != NULL)
			print_tap(from);
		_exit(0);
	}
	close(fds[0]);
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	return pid;
}

int
suite_run(void)
{
	pid_t printer = start_printer();
	int failed;

	has_run = true;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = _cmocka_run_group_tests("suite", tests, test_count, NULL, NULL);
	fflush(stdout);
	close(STDOUT_FILENO);
	waitpid(printer, NULL, 0);
	/* The array stays: what its rows hold is reachable and so counts as no leak. */
	for (size_t i = 0; i < test_count; i++)
		free((void *)(uintptr_t)tests[i].name);
	return failed == 0 ? 0 : 1;
}

void *
suite_keep(void *memory)
{
	static void **kept;
	static size_t count;

	kept = reallocarray(kept, count + 1, sizeof(*kept));
	if (kept == NULL)
		die("out of memory", "suite_keep");
	kept[count++] = memory;
	return memory;
}

const char *
suite_path(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char *path = NULL;

	if (asprintf(&path, "%s/%s", srcdir != NULL ? srcdir : ".", name) < 0)
		die("out of memory", name);
	return suite_keep(path);
}

static size_t
split(char *line, char **fields)
{
	size_t count = 0;
	char *p = line;

	while (*p != '\0') {
		char *end = p;

		if (count == FIELDS_MAX)
			return FIELDS_MAX + 1;
		fields[count++] = p;
		while (*end != '\0' && *end != '\t' &&
		    !(end[0] == ' ' && end[1] == ' ') &&
		    !(end[0] == ' ' && end[1] == '\0'))
			end++;
		p = end + strspn(end, " \t");
		*end = '\0';
	}
	return count;
}

void
suite_read_table(const char *name,
    void (*fn)(char **fields, size_t count, unsigned line, void *context), void *context)
{
	const char *path = suite_path(name);
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	unsigned number = 0;

	if (f == NULL)
		die("cannot read the case table", path);
	while ((len = getline(&line, &size, f)) > 0) {
		char *fields[FIELDS_MAX + 1], *text = line + strspn(line, " \t");
		size_t count;

		number++;
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if (*text == '#' || *text == '\0')
			continue;
		count = split(text, fields);
		if (count > FIELDS_MAX)
			die("a line with too many fields", path);
		suite_keep(line); /* the fields point into it */
		fn(fields, count, number, context);
		line = NULL;
		size = 0;
	}
	free(line);
	fclose(f);
}
