/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "scratch.h"
#include "suite.h"
#include "sys/file.h"

static char *dir;
static char tool_word[512];
static char dir_word[256];
static char config_dir[256];
static char *const command[] = {tool_word, dir_word};

static char *real_command[1]; /* REAL_POSTFIX: what stands before each, tests/without.t */

struct postfix fake_postfix = {.config_directory = "/etc/postfix-9", .command = command};
struct postfix real_postfix = {.config_directory = config_dir};

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

void
fake_begin(void)
{
	const char *builddir = getenv("builddir");
	char main_cf[4 * sizeof(config_dir) + 200];

	dir = scratch_new(NULL);
	snprintf(tool_word, sizeof(tool_word), "%s/tests/fake/tool",
	    builddir != NULL ? builddir : ".");
	snprintf(dir_word, sizeof(dir_word), "%s", dir);
	real_command[0] = getenv("REAL_POSTFIX");
	if (real_command[0] != NULL) {
		real_postfix.command = real_command;
		real_postfix.command_count = 1;
	}
	fake_postfix.command_count = sizeof(command) / sizeof(command[0]);
	snprintf(config_dir, sizeof(config_dir), "%s/config", dir);
	if (mkdir(config_dir, 0755) != 0)
		die(config_dir);
	/* What these commands complain of goes nowhere: no postlogd(8) is there, and
	 * the machine's mail log is not asked. */
	snprintf(main_cf, sizeof(main_cf),
	    "compatibility_level = 2\nqueue_directory = %s\n"
	    "maillog_file = %s/mail.log\nmaillog_file_prefixes = %s\n",
	    config_dir, config_dir, config_dir);
	fake_put("config/main.cf", main_cf);
	fake_put("config/master.cf", "");
}

void
fake_end(void)
{
	scratch_remove(dir);
	free(dir);
}

const char *
fake_path(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

void
fake_put(const char *name, const char *text)
{
	const struct timespec long_ago[2] = {
	    {.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	const char *path = fake_path(name);
	FILE *f;

	unlink(path);
	if (text == NULL)
		return;
	f = fopen(path, "we");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		die(path);
	/* Postfix waits until a configuration file is a second old. */
	utimensat(AT_FDCWD, path, long_ago, 0);
}

char *
fake_get(const char *name)
{
	struct buf text = {0};
	struct err err;

	file_read(fake_path(name), (size_t)1 << 24, &text, &err);
	return buf_take(&text);
}

void
fake_assert(const char *name, const char *text)
{
	char *got = fake_get(name);

	assert_string_equal(got, text);
	free(got);
}

bool
fake_has(const char *name, const char *text)
{
	char *all = fake_get(name);
	bool has = strstr(all, text) != NULL;

	free(all);
	return has;
}

void
fake_reset(void)
{
	static const char *const tools[] = {
	    "postconf", "postmap", "postqueue", "posttls-finger", "sendmail"};
	static const char *const kinds[] = {
	    "calls", "input", "sh", "out", "err", "status"};
	char name[32];

	for (size_t t = 0; t < sizeof(tools) / sizeof(tools[0]); t++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			snprintf(name, sizeof(name), "%s.%s", tools[t], kinds[k]);
			fake_put(name, NULL);
		}
}

bool
fake_has_type(const char *type)
{
	FILE *types;
	char line[64], list[sizeof(config_dir) + 64];
	bool has = false;

	if (!fake_has_postfix())
		return false;
	snprintf(list, sizeof(list), "%.60s /usr/sbin/postconf -c %s -m",
	    real_command[0] != NULL ? real_command[0] : "", config_dir);
	types = popen(list, "r");
	while (types != NULL && fgets(line, sizeof(line), types) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		has = has || strcmp(line, type) == 0;
	}
	if (types != NULL)
		pclose(types);
	return has;
}

bool
fake_has_postfix(void)
{
	return access("/usr/sbin/postmap", X_OK) == 0 &&
	    access("/usr/sbin/postconf", X_OK) == 0;
}
