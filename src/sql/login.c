/* SPDX-License-Identifier: BSD-2-Clause */
#include "sql/login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/address.h"

#define GROUP      "tlsladder"
#define GROUPS_MAX 256

/* --- whose the file is ---------------------------------------------------------------
 */

static bool
is_our_group(gid_t group)
{
	gid_t groups[GROUPS_MAX];
	int count = getgroups(GROUPS_MAX, groups);

	for (int i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return group == getegid();
}

/* 0600 of the one who runs this, or, if shared, 0640 of root and a group of his; or less.
 */
static bool
check_owner(const char *path, const struct stat *st, bool shared, struct err *err)
{
	unsigned mode = (unsigned)st->st_mode & 07777;

	if (!S_ISREG(st->st_mode))
		return err_set(err, "%s is no regular file", path);
	if (st->st_uid == geteuid() && (mode & ~0600U) == 0)
		return true;
	if (shared && st->st_uid == 0 && (mode & ~0640U) == 0 && is_our_group(st->st_gid))
		return true;
	if (shared)
		err_set(err, "it must be 0600 of user %u, or 0640 of user 0 and group %u",
		    (unsigned)geteuid(), (unsigned)getegid());
	else
		err_set(err, "it must be 0600 of user %u", (unsigned)geteuid());
	return err_wrap(err, "%s is %04o of user %u and group %u", path, mode,
	    (unsigned)st->st_uid, (unsigned)st->st_gid);
}

static bool
read_file(int fd, const char *path, char *text, size_t *len, struct err *err)
{
	ssize_t more;

	for (*len = 0; *len <= LOGIN_FILE_MAX; *len += (size_t)more) {
		do
			more = read(fd, text + *len, LOGIN_FILE_MAX + 1 - *len);
		while (more < 0 && errno == EINTR);
		if (more < 0)
			return err_set_errno(err, errno, "%s", path);
		if (more == 0)
			return true;
	}
	return err_set(err, "%s is over %d octets long", path, LOGIN_FILE_MAX);
}

/* A descriptor of a file that is no one else's to read; -1: refused. */
static int
open_ours(const char *path, bool shared, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0) {
		if (errno == ELOOP)
			err_set(err, "%s is a symbolic link", path);
		else
			err_set_errno(err, errno, "%s", path);
		return -1;
	}
	if (fstat(fd, &st) != 0)
		err_set_errno(err, errno, "%s", path);
	else if (check_owner(path, &st, shared, err))
		return fd;
	close(fd);
	return -1;
}

bool
login_read(
    const char *path, const struct login_words *words, struct login *out, struct err *err)
{
	char *text = mem_new(LOGIN_FILE_MAX + 1, 1);
	int fd = open_ours(path, true, err);
	size_t len = 0;
	bool done = false;

	*out = (struct login){.place_count = 0};
	if (fd >= 0 && read_file(fd, path, text, &len, err))
		done = login_parse((struct str){text, len}, words, out, err) ||
		    err_wrap(err, "%s", path);
	if (fd >= 0)
		close(fd);
	explicit_bzero(text, LOGIN_FILE_MAX + 1);
	free(text);
	/* libpq goes on without a password where that file could be read by a group. */
	if (done && out->values[LOGIN_PASSFILE] != NULL) {
		fd = open_ours(out->values[LOGIN_PASSFILE], false, err);
		if (fd >= 0)
			close(fd);
		done = fd >= 0;
	}
	return done;
}

/* --- what is in it -------------------------------------------------------------------
 */

static bool
is_name(struct str name, const char *wanted)
{
	if (wanted == NULL || name.len != strlen(wanted))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if ((name.p[i] == '_' ? '-' : name.p[i]) !=
		    (wanted[i] == '_' ? '-' : wanted[i]))
			return false;
	return true;
}

static bool
find_key(struct str name, const struct login_words *words, enum login_key *key)
{
	for (unsigned i = 0; i < LOGIN_KEY_COUNT; i++)
		if (is_name(name, words->names[i])) {
			*key = (enum login_key)i;
			return true;
		}
	return false;
}

/* Without the quotes of option files, if it has a pair. */
static struct str
unquoted(struct str value)
{
	if (value.len >= 2 && (value.p[0] == '"' || value.p[0] == '\'') &&
	    value.p[value.len - 1] == value.p[0])
		return (struct str){value.p + 1, value.len - 2};
	return value;
}

static bool
take_setting(struct str line, const struct login_words *words, struct login *out,
    size_t number, struct err *err)
{
	struct str name = line, value = {NULL, 0};
	enum login_key key;

	if (str_cut(&line, '=', &name))
		value = unquoted(str_trim(line));
	name = str_trim(name);
	if (!find_key(name, words, &key))
		return err_set(err, "line %zu: no such key", number);
	if (out->values[key] != NULL)
		return err_set(
		    err, "line %zu: %s for the second time", number, words->names[key]);
	out->values[key] = mem_strndup(value.len > 0 ? value.p : "", value.len);
	return true;
}

static bool
take_lines(
    struct str text, const struct login_words *words, struct login *out, struct err *err)
{
	struct str line;
	bool ours = false, found = false;

	for (size_t number = 1; str_next(&text, '\n', &line); number++) {
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		line = str_trim(line);
		if (line.len == 0 || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (line.p[0] == '[') {
			ours = str_is(line, "[" GROUP "]");
			found = found || ours;
		} else if (ours && !take_setting(line, words, out, number, err)) {
			return false;
		}
	}
	return found || err_set(err, "it has no group [" GROUP "]");
}

/* --- who can be in between -----------------------------------------------------------
 */

static bool
is_near(const char *host)
{
	static const char *const loopback[] = {"127.0.0.0/8", "::1/128"};
	struct address address;
	struct network network;

	if (host == NULL || host[0] == '/' || strcmp(host, "localhost") == 0)
		return true;
	if (!address_parse(str_of(host), &address))
		return false;
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++)
		if (network_parse(str_of(loopback[i]), &network) &&
		    network_has(&network, &address))
			return true;
	return false;
}

static bool
is_verified(const struct login *login, const struct login_words *words)
{
	static const char *const on[] = {"", "1", "on", "true"};
	const char *value = login->values[LOGIN_VERIFY];

	if (value == NULL)
		return false;
	if (words->verifies != NULL)
		return strcmp(value, words->verifies) == 0;
	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++)
		if (strcmp(value, on[i]) == 0)
			return true;
	return false;
}

static bool
add_place(struct login *login, const char *host, struct err *err)
{
	if (login->place_count == LOGIN_PLACES_MAX)
		return err_set(err, "more than %d hosts", LOGIN_PLACES_MAX);
	login->places[login->place_count++] =
	    (struct place){.host = host, .is_near = is_near(host)};
	return true;
}

static bool
take_hosts(struct login *login, struct err *err)
{
	char *rest, *host;

	if (login->values[LOGIN_HOST] == NULL || login->values[LOGIN_HOST][0] == '\0')
		return add_place(login, login->values[LOGIN_SOCKET], err);
	login->hosts = mem_strdup(login->values[LOGIN_HOST]);
	rest = login->hosts;
	while ((host = strsep(&rest, ",")) != NULL) {
		host += strspn(host, " \t");
		host[strcspn(host, " \t")] = '\0';
		if (host[0] == '\0')
			return err_set(err, "a host without a name");
		if (strcmp(host, "localhost") == 0 && login->values[LOGIN_SOCKET] != NULL)
			host = login->values[LOGIN_SOCKET];
		if (!add_place(login, host, err))
			return false;
	}
	return true;
}

static bool
take_ports(struct login *login, struct err *err)
{
	struct str rest = str_of(login->values[LOGIN_PORT] != NULL
	                   ? login->values[LOGIN_PORT]
	                   : ""),
	           part;
	unsigned count = 0;
	uint64_t port = 0;

	while (str_next(&rest, ',', &part)) {
		if (!str_number(str_trim(part), UINT16_MAX, &port) || port == 0)
			return err_set(err, "a port that is none");
		if (count == login->place_count)
			return err_set(err, "more ports than hosts");
		login->places[count++].port = (uint16_t)port;
	}
	if (count > 1 && count < login->place_count)
		return err_set(err, "fewer ports than hosts");
	for (; count > 0 && count < login->place_count; count++)
		login->places[count].port = (uint16_t)port;
	return true;
}

bool
login_parse(
    struct str text, const struct login_words *words, struct login *out, struct err *err)
{
	*out = (struct login){.place_count = 0};
	if (text.len > 0 && memchr(text.p, '\0', text.len) != NULL)
		return err_set(err, "it is no text");
	if (!take_lines(text, words, out, err) || !take_hosts(out, err) ||
	    !take_ports(out, err))
		return false;
	for (unsigned i = 0; i < out->place_count; i++)
		if (!out->places[i].is_near && !is_verified(out, words))
			return err_set(err,
			    "%s is reached over a network, and need not prove who it is; "
			    "set %s%s%s",
			    out->places[i].host, words->names[LOGIN_VERIFY],
			    words->verifies != NULL ? " = " : "",
			    words->verifies != NULL ? words->verifies : "");
	return true;
}

void
login_clear(struct login *login)
{
	for (unsigned i = 0; i < LOGIN_KEY_COUNT; i++) {
		if (login->values[i] != NULL)
			explicit_bzero(login->values[i], strlen(login->values[i]));
		free(login->values[i]);
	}
	free(login->hosts);
	*login = (struct login){.place_count = 0};
}
