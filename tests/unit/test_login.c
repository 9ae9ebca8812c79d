/* SPDX-License-Identifier: BSD-2-Clause */
/* The login file of a database: what is in it, and who may read it. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "sql/login.h"

static char *directory; /* for all of it */

/* As MariaDB's and PostgreSQL's. */
static const struct login_words words = {
    .names = {[LOGIN_HOST] = "host",
        [LOGIN_PORT] = "port",
        [LOGIN_SOCKET] = "socket",
        [LOGIN_USER] = "user",
        [LOGIN_PASSWORD] = "password",
        [LOGIN_PASSFILE] = "passfile",
        [LOGIN_DATABASE] = "database",
        [LOGIN_VERIFY] = "ssl-verify-server-cert",
        [LOGIN_CA] = "ssl-ca"},
};

static const struct login_words words_full = {
    .names = {[LOGIN_HOST] = "host", [LOGIN_VERIFY] = "sslmode"},
    .verifies = "verify-full",
};

/* --- what is in it -------------------------------------------------------------------
 */

struct text_row {
	const char *text;
	const char
	    *places; /* "host:port near; ...", or, behind "!", what the fault says */
};

static const struct text_row texts[] = {
    {"[tlsladder]\n", "-:0 near;"},
    {"[tlsladder]\nhost=localhost\n", "localhost:0 near;"},
    {"[tlsladder]\nsocket = /run/s\nport=3306", "/run/s:3306 near;"},
    {"[tlsladder]\nhost=localhost\nsocket=/run/s\n", "/run/s:0 near;"},
    {"[tlsladder]\nhost=/run/postgresql\nport=5433\n", "/run/postgresql:5433 near;"},
    {"[tlsladder]\nhost=127.0.0.1\n", "127.0.0.1:0 near;"},
    {"[tlsladder]\nhost=127.9.9.9\n", "127.9.9.9:0 near;"},
    {"[tlsladder]\nhost=::1\n", "::1:0 near;"},
    {"[tlsladder]\nhost=db.test\n", "!db.test is reached over a network"},
    {"[tlsladder]\nhost=192.0.2.1\n", "!192.0.2.1 is reached over a network"},
    {"[tlsladder]\nhost=127.0.0.1.example\n", "!127.0.0.1.example is reached over"},
    {"[tlsladder]\nhost=localhost.example\n", "!localhost.example is reached over"},
    {"[tlsladder]\nhost=127.0.0.1,db.test\n", "!db.test is reached over a network"},
    {"[tlsladder]\nhost=db.test\nssl-verify-server-cert=0\n", "!need not prove"},
    {"[tlsladder]\nhost=db.test\nssl-verify-server-cert=yes please\n", "!need not prove"},
    {"[tlsladder]\nhost=db.test\nssl-verify-server-cert\n", "db.test:0 far;"},
    {"[tlsladder]\nhost=db.test\nssl_verify_server_cert = on\n", "db.test:0 far;"},
    {"[tlsladder]\nhost=a.test, b.test\nport=3306\nssl-verify-server-cert=1\n",
        "a.test:3306 far;b.test:3306 far;"},
    {"[tlsladder]\nhost=a.test,b.test\nport=1,2\nssl-verify-server-cert=1\n",
        "a.test:1 far;b.test:2 far;"},
    {"[tlsladder]\nhost=a.test,b.test,c.test\nport=1,2\nssl-verify-server-cert=1\n",
        "!fewer ports than hosts"},
    {"[tlsladder]\nhost=::1\nport=1,2\n", "!more ports than hosts"},
    {"[tlsladder]\nport=65536\n", "!a port that is none"},
    {"[tlsladder]\nport=0\n", "!a port that is none"},
    {"[tlsladder]\nhost=::1,,127.0.0.1\n", "!a host without a name"},
    {"[tlsladder]\nhost=::1,::1,::1,::1,::1,::1,::1,::1,::1\n", "!more than 8 hosts"},
    {"# none\n[client]\nhost=db.test\npassword=x\n\n[tlsladder]\r\nhost=::1\r\n; no\n",
        "::1:0 near;"},
    {"[tlsladder]\nhost=::1\n[mysqld]\nanything\n", "::1:0 near;"},
    {"[client]\nhost=::1\n", "!it has no group [tlsladder]"},
    {"", "!it has no group [tlsladder]"},
    {"[tlsladder]\nusre=a\n", "!line 2: no such key"},
    {"[tlsladder]\n!include /etc/shadow\n", "!line 2: no such key"},
    {"[tlsladder]\nuser=a\nuser=b\n", "!line 3: user for the second time"},
};

static void
print_places(const struct login *login, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < login->place_count; i++) {
		const struct place *place = &login->places[i];

		len += (size_t)snprintf(out + len, size - len, "%s:%u %s;",
		    place->host != NULL ? place->host : "-", (unsigned)place->port,
		    place->is_near ? "near" : "far");
	}
}

static void
text_is(void **state)
{
	const struct text_row *row = *state;
	struct login login;
	struct err err = {""};
	char places[1024];
	bool taken = login_parse(str_of(row->text), &words, &login, &err);

	if (row->places[0] == '!') {
		assert_false(taken);
		if (strstr(err.text, row->places + 1) == NULL)
			fail_msg("%s", err.text);
	} else {
		if (!taken)
			fail_msg("%s", err.text);
		print_places(&login, places, sizeof(places));
		assert_string_equal(places, row->places);
	}
	login_clear(&login);
}

static void
values(void **state)
{
	struct str text = STR("[tlsladder]\n"
	                      "user = \"the user\"\n"
	                      "password = ' a#b;c=d\" '\n"
	                      "database=\n");
	struct login login;
	struct err err = {""};

	(void)state;
	assert_true(login_parse(text, &words, &login, &err));
	assert_string_equal(login.values[LOGIN_USER], "the user");
	assert_string_equal(login.values[LOGIN_PASSWORD], " a#b;c=d\" ");
	assert_string_equal(login.values[LOGIN_DATABASE], "");
	assert_null(login.values[LOGIN_CA]);
	login_clear(&login);
	assert_null(login.values[LOGIN_PASSWORD]);
}

static void
word_that_verifies(void **state)
{
	struct login login;
	struct err err = {""};

	(void)state;
	assert_true(login_parse(STR("[tlsladder]\nhost=db.test\nsslmode=verify-full\n"),
	    &words_full, &login, &err));
	login_clear(&login);
	assert_false(login_parse(STR("[tlsladder]\nhost=db.test\nsslmode=verify-ca\n"),
	    &words_full, &login, &err));
	assert_non_null(strstr(err.text, "set sslmode = verify-full"));
	login_clear(&login);
	assert_false(login_parse(
	    STR("[tlsladder]\nhost=db.test\nuser=a\n"), &words_full, &login, &err));
	login_clear(&login);
	assert_false(
	    login_parse(STR("[tlsladder]\0\nhost=::1\n"), &words_full, &login, &err));
	login_clear(&login);
}

/* A path in a directory that goes at the end; to be kept as it is. */
static const char *
scratch_path(const char *name)
{
	size_t size = strlen(directory) + strlen(name) + 2;
	char *path = suite_keep(malloc(size));

	assert_non_null(path);
	snprintf(path, size, "%s/%s", directory, name);
	return path;
}

/* --- whose it is ---------------------------------------------------------------------
 */

struct owner_row {
	const char *name;
	unsigned mode;
	bool other_group; /* one that is none of ours; where we are root */
	bool other_user;
	bool taken;
};

static const struct owner_row owners[] = {
    {"mode 0600 and ours", 0600, false, false, true},
    {"mode 0400 and ours", 0400, false, false, true},
    {"mode 0604", 0604, false, false, false},
    {"mode 0644", 0644, false, false, false},
    {"mode 0660", 0660, false, false, false},
    {"mode 0700", 0700, false, false, false},
    {"mode 0640 and a strange group", 0640, true, false, false},
    {"mode 0600 and a strange user", 0600, false, true, false},
};

static void
write_file(const char *path, const char *text, unsigned mode)
{
	FILE *file;

	unlink(path); /* what cannot be written cannot be opened, but by root */
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
owner_is(void **state)
{
	const struct owner_row *row = *state;
	const char *path = scratch_path("login");
	struct login login;
	struct err err = {""};

	if ((row->other_group || row->other_user) && geteuid() != 0)
		suite_skip("only root gives files away");
	write_file(path, "[tlsladder]\npassword = secret\n", row->mode);
	if (row->other_group || row->other_user)
		assert_int_equal(chown(path, row->other_user ? 4711 : (uid_t)-1,
		                     row->other_group ? 4711 : (gid_t)-1),
		    0);
	assert_int_equal(login_read(path, &words, &login, &err), row->taken);
	if (!row->taken) {
		assert_non_null(strstr(err.text, path));
		assert_null(strstr(err.text, "secret"));
	}
	login_clear(&login);
}

/* As tlsladder runs: the file is root's, and its group has it. */
static void
shared_by_root(void **state)
{
	const char *path = scratch_path("login");
	struct login login;
	struct err err = {""};

	(void)state;
	if (geteuid() != 0)
		suite_skip("only root gives files away");
	write_file(path, "[tlsladder]\n", 0640);
	assert_int_equal(chown(path, 0, 4712), 0);
	assert_int_equal(setegid(4712), 0);
	assert_int_equal(seteuid(4711), 0);
	if (!login_read(path, &words, &login, &err))
		fail_msg("%s", err.text);
	login_clear(&login);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	write_file(path, "[tlsladder]\n", 0660);
	assert_int_equal(setegid(4712), 0);
	assert_int_equal(seteuid(4711), 0);
	assert_false(login_read(path, &words, &login, &err));
	login_clear(&login);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
}

static void
files_that_are_none(void **state)
{
	const char *path = scratch_path("login"), *link = scratch_path("link"),
	           *fifo = scratch_path("fifo"), *large = scratch_path("large");
	struct login login;
	struct err err = {""};
	FILE *file;

	(void)state;
	write_file(path, "[tlsladder]\n", 0600);
	assert_int_equal(symlink(path, link), 0);
	assert_false(login_read(link, &words, &login, &err));
	assert_non_null(strstr(err.text, "symbolic link"));
	login_clear(&login);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_false(login_read(fifo, &words, &login, &err));
	assert_non_null(strstr(err.text, "regular"));
	login_clear(&login);
	assert_false(login_read(scratch_path("none"), &words, &login, &err));
	login_clear(&login);
	write_file(large, "[tlsladder]\n", 0600);
	file = fopen(large, "a");
	assert_non_null(file);
	for (int i = 0; i < LOGIN_FILE_MAX; i++)
		fputc('\n', file);
	assert_int_equal(fclose(file), 0);
	assert_false(login_read(large, &words, &login, &err));
	assert_non_null(strstr(err.text, "octets long"));
	login_clear(&login);
}

/* libpq takes a password file that is the user's alone, or none at all, in silence. */
static void
password_file(void **state)
{
	const char *path = scratch_path("login"), *pass = scratch_path("pass");
	struct login login;
	struct err err = {""};
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "[tlsladder]\npassfile = %s\n", pass);
	write_file(path, text, 0600);
	write_file(pass, "*:*:*:*:x\n", 0600);
	assert_true(login_read(path, &words, &login, &err));
	login_clear(&login);
	write_file(pass, "*:*:*:*:x\n", 0640);
	assert_false(login_read(path, &words, &login, &err));
	assert_non_null(strstr(err.text, pass));
	login_clear(&login);
	assert_int_equal(unlink(pass), 0);
	assert_false(login_read(path, &words, &login, &err));
	login_clear(&login);
}

int
main(void)
{
	int status;

	directory = scratch_new(NULL);
	if (chmod(directory, 0711) != 0)
		return 2;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		suite_add(text_is, &texts[i],
		    "a server that need not prove who it is gets no password (%zu)",
		    i + 1);
	suite_add(values, NULL, "a value stands in quotes, or as it is");
	suite_add(
	    word_that_verifies, NULL, "verify-full alone has a server prove its name");
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		suite_add(owner_is, &owners[i], "of %s it is %s", owners[i].name,
		    owners[i].taken ? "taken" : "refused");
	suite_add(shared_by_root, NULL, "of root, mode 0640 and our group it is taken");
	suite_add(files_that_are_none, NULL,
	    "a link, a pipe, nothing and what is too large are refused");
	suite_add(password_file, NULL, "a file with the password is ours alone");
	status = suite_run();
	scratch_remove(directory);
	free(directory);
	return status;
}
