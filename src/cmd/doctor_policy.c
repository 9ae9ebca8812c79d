/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: what names our map in main.cf and master.cf, and what stands beside it there.
 */
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/doctor.h"
#include "publish/table_guard.h"

#define NO_PATH   "\001"                     /* no map has it: all count as others */
#define NO_DOMAIN "doctor.tlsladder.invalid" /* RFC 6761: never registered */

/* --- smtp_tls_policy_maps ---------------------------------------------------------- */

/* What the setting has of ours. */
struct named {
	char **maps; /* all of it, in order */
	size_t ours; /* how often it names our path */
	size_t first;
	bool right; /* the first is of the type that is built */
	bool index; /* the first names the file that is built */
	bool proxied;
};

/* "hash:/path", or the same behind proxy:; text in braces is not examined. */
static bool
has_type(const char *map, const char *type, bool *proxied)
{
	struct str rest = str_of(map), name;

	if (memchr(rest.p, '{', rest.len) != NULL)
		return true;
	*proxied = str_eat(&rest, STR("proxy:"));
	return str_cut(&rest, ':', &name) && str_is(name, type);
}

/* Does it name our map, or, by a slip, the index of it, to which Postfix adds its ending
 * once more? */
enum naming { NAMES_OTHER, NAMES_OURS, NAMES_INDEX };

static enum naming
naming_of(const struct doctor *d, const char *map)
{
	const char *const suffixes[] = {".db", ".lmdb", ".cdb"};
	struct buf index = {0};
	bool ours;

	postfix_maps_free(postfix_other_maps(map, config_map_seen(d->config), &ours));
	if (ours)
		return NAMES_OURS;
	for (size_t i = 0; !ours && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		buf_reset(&index);
		buf_printf(&index, "%s%s", config_map_seen(d->config), suffixes[i]);
		postfix_maps_free(postfix_other_maps(map, buf_text(&index), &ours));
	}
	buf_clear(&index);
	return ours ? NAMES_INDEX : NAMES_OTHER;
}

static void
read_named(const struct doctor *d, const char *policy_maps, struct named *named)
{
	bool ignored;

	*named =
	    (struct named){.maps = postfix_other_maps(policy_maps, NO_PATH, &ignored)};
	for (size_t i = 0; named->maps[i] != NULL; i++) {
		enum naming naming = naming_of(d, named->maps[i]);

		if (naming == NAMES_OTHER || named->ours++ > 0)
			continue;
		named->first = i;
		named->index = naming == NAMES_INDEX;
		named->right = has_type(named->maps[i], d->map_type, &named->proxied) &&
		    !named->index;
	}
}

static bool
is_our_map(const struct doctor *d, const char *map)
{
	return naming_of(d, map) != NAMES_OTHER;
}

/* Is it a table that entries are published to? doctor_tables.c sees to these. */
static bool
is_table(const struct doctor *d, const char *map)
{
	bool ignored;
	char **maps = postfix_other_maps(map, NO_PATH, &ignored);
	size_t first;
	bool table = table_guard_take(d->config, maps, &first) != 0;

	postfix_maps_free(maps);
	return table;
}

static bool
names_table(const struct doctor *d, const struct named *named)
{
	for (size_t i = 0; named->maps[i] != NULL; i++)
		if (is_table(d, named->maps[i]))
			return true;
	return false;
}

/*
 * The setting as it should be: others as they are, ours once and of the right type, last
 * where it was not there. With all, the same with ours last, and without each map i that
 * answers for everything (all[i]). Advice that is typed after other advice undoes none.
 */
static char *
wanted_value(const struct doctor *d, const struct named *named, const bool *all)
{
	const char *kept = named->ours > 0 ? named->maps[named->first] : NULL;
	struct buf value = {0}, ours = {0};
	bool written = false;

	if (kept != NULL && named->right && !named->proxied)
		buf_printf(&ours, "%s", kept);
	else if (kept != NULL && strcmp(d->map_type, "none") == 0)
		buf_printf(&ours, "%s", kept);
	else
		buf_printf(&ours, "%s:%s", d->map_type, config_map_seen(d->config));
	for (size_t i = 0; named->maps[i] != NULL; i++) {
		bool is_ours = is_our_map(d, named->maps[i]);

		if (is_ours ? written || all != NULL : all != NULL && all[i])
			continue;
		buf_printf(&value, "%s%s", value.len > 0 ? ", " : "",
		    is_ours ? buf_text(&ours) : named->maps[i]);
		written = written || is_ours;
	}
	if (!written)
		buf_printf(&value, "%s%s", value.len > 0 ? ", " : "", buf_text(&ours));
	buf_clear(&ours);
	return buf_take(&value);
}

/* Postfix defers all mail while a map that it is told of is missing. */
static void
advise_value(struct doctor *d, const struct named *named, const bool *all)
{
	char *value = wanted_value(d, named, all);
	struct buf setting = {0};

	if (d->has_map || strcmp(d->map_type, "none") == 0) {
		doctor_advise_setting(d, "smtp_tls_policy_maps", value);
	} else {
		char *index = doctor_index(d);

		buf_printf(&setting, "smtp_tls_policy_maps = %s", value);
		buf_printf(&d->advice, "test -e ");
		buf_add_shell(&d->advice, index);
		buf_printf(&d->advice, " && ");
		doctor_add_postfix(d, "postconf", &d->advice);
		buf_printf(&d->advice, " -e ");
		buf_add_shell(&d->advice, buf_text(&setting));
		buf_printf(&d->advice, " && ");
		doctor_add_postfix(d, "postfix", &d->advice);
		buf_printf(&d->advice, " reload\n");
		free(index);
	}
	buf_clear(&setting);
	free(value);
}

/* --- maps of others ---------------------------------------------------------------- */

/* Its type, and its name behind that; proxy: does not count. */
struct other {
	struct str type;
	const char *name;
};

static struct other
other_of(const char *map)
{
	struct str rest = str_of(map), type;

	str_eat(&rest, STR("proxy:"));
	if (memchr(rest.p, '{', rest.len) != NULL || !str_cut(&rest, ':', &type))
		return (struct other){{"", 0}, map};
	return (struct other){type, rest.p};
}

static bool
is_one_of(struct str type, const char *const *types)
{
	for (; *types != NULL; types++)
		if (str_is(type, *types))
			return true;
	return false;
}

static const char *const indexed_types[] = {
    "hash", "btree", "lmdb", "cdb", "dbm", "sdbm", NULL};
static const char *const text_types[] = {"texthash", "cidr", "pcre", "regexp", NULL};
static const char *const secret_types[] = {
    "mysql", "pgsql", "ldap", "sqlite", "memcache", "mongodb", NULL};

/* Those that Debian has in packages of their own. */
static const char *const packaged_types[] = {
    "mysql", "pgsql", "ldap", "sqlite", "lmdb", "cdb", "pcre", "mongodb", NULL};

static bool
is_file(const struct other *other)
{
	return other->name[0] == '/' &&
	    (is_one_of(other->type, indexed_types) || is_one_of(other->type, text_types));
}

/* The file of a map of these types that is opened. free() */
static char *
opened_file(const struct other *other)
{
	struct buf path = {0};

	buf_printf(&path, "%s", other->name);
	if (str_is(other->type, "hash") || str_is(other->type, "btree"))
		buf_printf(&path, ".db");
	else if (is_one_of(other->type, indexed_types))
		buf_printf(&path, ".%.*s", (int)other->type.len, other->type.p);
	return buf_take(&path);
}

/* It may be gone, or its database alone. */
static void
advise_missing(struct doctor *d, const char *map, const struct other *other)
{
	struct str built = str_of(map);

	if (access(other->name, F_OK) != 0) {
		doctor_advise(d,
		    "# put your %s back; with an empty one mail flows meanwhile:",
		    other->name);
		doctor_advise_path(d, "touch", other->name);
	}
	if (is_one_of(other->type, text_types))
		return;
	str_eat(&built, STR("proxy:"));
	doctor_add_postfix(d, "postmap", &d->advice);
	buf_add_char(&d->advice, ' ');
	buf_add_shell(&d->advice, built.p);
	buf_add_char(&d->advice, '\n');
}

/* Postfix's own right to read it stays as it is. */
static void
advise_reading(struct doctor *d, const char *path, bool secret)
{
	char *blocked = doctor_blocked(path);
	const struct group *group = NULL;
	struct stat st;

	if (blocked != NULL)
		doctor_advise_path(d, "chmod o+x", blocked);
	free(blocked);
	if (!secret) {
		doctor_advise_path(d, "chmod o+r", path);
		return;
	}
	if (stat(path, &st) == 0 && st.st_gid != 0 && (st.st_mode & S_IRGRP) != 0)
		group = getgrgid(st.st_gid);
	if (group != NULL) {
		doctor_advise(d, "usermod -aG %s %s", group->gr_name, d->user);
	} else {
		buf_printf(&d->advice, "setfacl -m u:%s:r ", d->user);
		buf_add_shell(&d->advice, path);
		buf_add_char(&d->advice, '\n');
	}
	doctor_advise_restart(d);
}

/* Ports that such programs have by default. */
static const char *
usual_service(const char *name)
{
	return strstr(name, ":8642") != NULL ? "postfix-tlspol"
	    : strstr(name, ":8461") != NULL  ? "postfix-mta-sts-resolver"
	                                     : NULL;
}

/* The postmap that is asked has no such type, though smtp(8), elsewhere, may have it. */
static bool
advise_type(struct doctor *d, const struct other *other, const char *trouble)
{
	struct buf line = {0};

	if (strstr(trouble, "unsupported dictionary type") == NULL)
		return false;
	if (d->postfix.command_count > 0) {
		doctor_add_postfix(d, "postmap", &line);
		doctor_advise(d, "# %.*s must be one of the types that this lists: %s -m",
		    (int)other->type.len, other->type.p, buf_text(&line));
		buf_clear(&line);
		return true;
	}
	if (is_one_of(other->type, packaged_types))
		doctor_advise(d, "apt-get install postfix-%.*s", (int)other->type.len,
		    other->type.p);
	doctor_advise(d,
	    "# or, where Postfix runs in a container, have postmap asked there: "
	    "postfix: {command: [docker, exec, -i, NAME]} in %s",
	    d->options->config_file);
	return true;
}

/* Is it a file of another machine's, so that none is to be made here? */
static bool
is_elsewhere(const struct other *other)
{
	const char *slash = strrchr(other->name, '/');
	char *directory;
	bool gone;

	if (other->name[0] != '/' || slash == other->name)
		return false;
	directory = mem_strndup(other->name, (size_t)(slash - other->name));
	gone = access(directory, F_OK) != 0;
	free(directory);
	return gone;
}

/* What was asked, to be tried by hand; the service's user asks. */
static void
advise_asking(struct doctor *d, const char *map)
{
	struct str built = str_of(map);
	struct buf line = {0};

	str_eat(&built, STR("proxy:"));
	doctor_add_postfix(d, "postmap", &line);
	buf_printf(&line, " -q " NO_DOMAIN " ");
	buf_add_shell(&line, built.p);
	doctor_advise(
	    d, "# as %s this must end without an error: %s", d->user, buf_text(&line));
	buf_clear(&line);
}

/* The map stays: it holds what the administrator wants. */
static void
advise_other(struct doctor *d, const char *map, const char *trouble)
{
	struct other other = other_of(map);
	bool secret = is_one_of(other.type, secret_types);
	const char *service = usual_service(other.name);

	if (advise_type(d, &other, trouble))
		return;
	if (d->postfix.command_count == 0 && (is_file(&other) || secret) &&
	    is_elsewhere(&other)) {
		doctor_advise(d,
		    "# %s is not of this machine: where Postfix runs in a container, "
		    "postfix: {command: [docker, exec, -i, NAME]} in %s has it asked "
		    "there",
		    other.name, d->options->config_file);
		return;
	}
	if (d->postfix.command_count == 0 && (is_file(&other) || secret)) {
		char *path =
		    is_file(&other) ? opened_file(&other) : mem_strdup(other.name);
		bool may_not = strstr(trouble, "ermission denied") != NULL;

		if (is_file(&other) && !may_not && access(path, F_OK) != 0) {
			advise_missing(d, map, &other);
			free(path);
			return;
		}
		if (may_not && other.name[0] == '/' && access(path, R_OK) != 0) {
			advise_reading(d, path, secret);
			free(path);
			return;
		}
		free(path);
	}
	if (service != NULL) {
		buf_printf(&d->advice, "# start what serves %s, such as: ", map);
		doctor_advise_unit(d, "restart", service);
	} else if (d->postfix.command_count > 0) {
		advise_asking(d, map);
	} else if (is_file(&other)) {
		doctor_advise(d, "# mend %s: see what stands behind its name", map);
	} else {
		doctor_advise(
		    d, "# start what serves %s, or let %s ask it", map, d->user);
	}
}

static void
say_other(struct doctor *d, const struct named *named, size_t i, enum answer answer,
    const char *trouble, const bool *all)
{
	const char *map = named->maps[i];
	bool after = named->ours > 0 && i > named->first;

	if (answer == ANSWER_UNSURE) {
		advise_other(d, map, trouble);
		doctor_say(d, DOCTOR_FAULT, "other-map",
		    "%s cannot be asked, and may have an entry for any destination: "
		    "there "
		    "will be none of ours (other-map-unsure): %s",
		    map, trouble);
	} else if (answer == ANSWER_YES) {
		advise_value(d, named, all);
		doctor_say(d, DOCTOR_WARNING, "other-map",
		    "%s answers for every destination: nothing is left to ours", map);
	} else if (after) {
		advise_value(d, named, all);
		doctor_say(d, DOCTOR_WARNING, "other-map",
		    "%s is asked after ours: while we have an entry it does not count",
		    map);
	} else {
		doctor_say(d, DOCTOR_OK, "other-map",
		    "%s is asked before ours, and decides where it has an entry", map);
	}
}

/* Maps of others: what they answer is theirs (guard 5), so they must be able to answer.
 * All are asked first, so that every advice on the setting is the same. */
static void
check_others(struct doctor *d, const struct named *named)
{
	size_t count = 0;
	enum answer *answers;
	struct err *errs;
	bool *all;

	while (named->maps[count] != NULL)
		count++;
	answers = mem_new(count + 1, sizeof(*answers));
	errs = mem_new(count + 1, sizeof(*errs));
	all = mem_new(count + 1, sizeof(*all));
	for (size_t i = 0; i < count; i++) {
		const char *key = NO_DOMAIN;
		char *map[] = {named->maps[i], NULL};

		answers[i] = ANSWER_NO;
		if (!is_our_map(d, named->maps[i]) && !is_table(d, named->maps[i]))
			postfix_maps_answer(
			    &d->postfix, map, &key, 1, &answers[i], &errs[i]);
		all[i] = answers[i] == ANSWER_YES;
	}
	for (size_t i = 0; i < count; i++)
		if (!is_our_map(d, named->maps[i]) && !is_table(d, named->maps[i]))
			say_other(d, named, i, answers[i], errs[i].text, all);
	free(answers);
	free(errs);
	free(all);
}

/* --- master.cf --------------------------------------------------------------------- */

/* "relay/unix/smtp_tls_policy_maps = inline:{...}" */
static void
check_service(struct doctor *d, struct str line)
{
	struct str parameter, service = {"", 0}, rest;
	struct named named;
	struct buf name = {0};
	char *value;

	if (!str_cut(&line, '=', &parameter))
		return;
	parameter = str_trim(parameter);
	rest = parameter;
	str_cut(&rest, '/', &service);
	value = mem_strndup(line.p, line.len);
	read_named(d, value, &named);
	if (named.ours == 0 && !names_table(d, &named)) {
		buf_add_str(&name, parameter);
		doctor_advise_service(d, buf_text(&name));
		doctor_say(d,
		    doctor_is_default_service(d, service) ? DOCTOR_FAULT : DOCTOR_WARNING,
		    "service-maps", "%s in master.cf does not name our map",
		    buf_text(&name));
	}
	buf_clear(&name);
	free(value);
	postfix_maps_free(named.maps);
}

/* Services of master.cf that have maps of their own. */
static void
check_services(struct doctor *d)
{
	const char *arguments[] = {"-Px", "*/unix/smtp_tls_policy_maps", NULL};
	struct buf out = {0};
	struct str rest, line;
	struct err ignored;

	doctor_run(d, false, "postconf", arguments, &out, &ignored);
	rest = (struct str){buf_text(&out), out.len};
	while (str_cut(&rest, '\n', &line))
		check_service(d, line);
	buf_clear(&out);
}

/* --- our place --------------------------------------------------------------------- */

bool
doctor_is_proxied(const struct doctor *d)
{
	struct named named;

	read_named(d, d->settings.policy_maps, &named);
	postfix_maps_free(named.maps);
	return named.proxied;
}

void
doctor_check_policy_maps(struct doctor *d)
{
	const char *path = config_map_seen(d->config);
	struct named named;

	if (!d->has_postfix)
		return;
	read_named(d, d->settings.policy_maps, &named);
	if (strcmp(d->map_type, "none") == 0) {
		doctor_say(d, DOCTOR_OK, "policy-maps",
		    "map.type is none: only the text is written");
	} else if (named.ours == 0 && names_table(d, &named)) {
		doctor_say(d, DOCTOR_OK, "policy-maps",
		    "smtp_tls_policy_maps names a table of publish, and not %s", path);
	} else if (named.ours == 0) {
		advise_value(d, &named, NULL);
		doctor_say(d, DOCTOR_FAULT, "policy-maps",
		    "smtp_tls_policy_maps does not name %s", path);
	} else if (named.index) {
		advise_value(d, &named, NULL);
		doctor_say(d, DOCTOR_FAULT, "policy-maps",
		    "smtp_tls_policy_maps names %s, and Postfix adds the ending itself: "
		    "all mail is deferred",
		    named.maps[named.first]);
	} else if (!named.right) {
		advise_value(d, &named, NULL);
		doctor_say(d, DOCTOR_FAULT, "policy-maps",
		    "smtp_tls_policy_maps names %s, but the map is built as %s",
		    named.maps[named.first], d->map_type);
	} else if (named.proxied) {
		advise_value(d, &named, NULL);
		doctor_say(d, DOCTOR_WARNING, "policy-maps",
		    "smtp_tls_policy_maps names %s: proxymap(8) serves the old map for "
		    "seconds after a change",
		    named.maps[named.first]);
	} else if (named.ours > 1) {
		advise_value(d, &named, NULL);
		doctor_say(d, DOCTOR_WARNING, "policy-maps",
		    "smtp_tls_policy_maps names %s more than once", path);
	} else {
		doctor_say(d, DOCTOR_OK, "policy-maps", "smtp_tls_policy_maps names %s",
		    named.maps[named.first]);
	}
	check_others(d, &named);
	check_services(d);
	postfix_maps_free(named.maps);
}

/* --- the transport maps ------------------------------------------------------------ */

/* They tell which destination a line is about: we must be able to ask them. */
void
doctor_check_transport_maps(struct doctor *d)
{
	char **maps;
	bool ours;

	if (!d->has_postfix)
		return;
	maps = postfix_other_maps(d->settings.transport_maps, NO_PATH, &ours);
	for (size_t i = 0; maps[i] != NULL; i++) {
		const char *key = NO_DOMAIN;
		char *map[] = {maps[i], NULL};
		enum answer ignored;
		struct err err;

		if (postfix_maps_answer(&d->postfix, map, &key, 1, &ignored, &err)) {
			doctor_say(
			    d, DOCTOR_OK, "transport-maps", "%s can be asked", maps[i]);
			continue;
		}
		advise_other(d, maps[i], err.text);
		doctor_say(d, DOCTOR_FAULT, "transport-maps",
		    "%s cannot be asked, so nothing is taken from the log: %s", maps[i],
		    err.text);
	}
	postfix_maps_free(maps);
}
