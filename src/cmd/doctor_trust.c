/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor: what everything else trusts: the clock, certification authorities, resolvers.
 * If one of them fails, every destination seems to be at fault.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/doctor.h"
#include "core/certs.h"
#include "dns/resolver.h"
#include "dns/resolver_server.h"
#include "sys/clock.h"

#define RELEASED_MS (INT64_C(1767225600) * 1000) /* 2026: nothing of this is older */
#define RESOLV_CONF "/etc/resolv.conf"

/* --- the clock --------------------------------------------------------------------- */

void
doctor_check_clock(struct doctor *d)
{
	struct buf now = {0};

	buf_add_time(&now, clock_wall_ms());
	if (clock_wall_ms() < RELEASED_MS) {
		doctor_advise(d, "timedatectl set-ntp true");
		doctor_say(d, DOCTOR_FAULT, "clock",
		    "%s UTC is before this program was written", buf_text(&now));
	} else {
		doctor_say(d, DOCTOR_OK, "clock", "%s UTC", buf_text(&now));
	}
	buf_clear(&now);
}

/* --- certification authorities ----------------------------------------------------- */

/* Where systems keep the authorities that everybody trusts. */
static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

static void
advise_bundle(struct doctor *d)
{
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		const char *arguments[] = {"-s", bundles[i], NULL};
		struct err ignored;

		if (doctor_run(d, true, "test", arguments, NULL, &ignored) &&
		    strcmp(bundles[i], d->settings.ca_file) != 0) {
			doctor_advise_setting(d, "smtp_tls_CAfile", bundles[i]);
			return;
		}
	}
	doctor_advise(d,
	    "apt-get install --reinstall ca-certificates && update-ca-certificates"
	    " --fresh");
	if (strcmp(bundles[0], d->settings.ca_file) != 0)
		doctor_advise_setting(d, "smtp_tls_CAfile", bundles[0]);
}

/* A CA file that Postfix cannot load turns TLS off altogether (tls_client.c). */
static void
check_ca_file(struct doctor *d)
{
	const char *path = d->settings.ca_file;
	struct buf pem = {0};
	struct certs certs;
	struct err err;

	if (!doctor_read(d, path, &pem, &err)) {
		if (access(path, F_OK) == 0 && d->postfix.command_count == 0) {
			buf_printf(&d->advice, "chmod o+r ");
			buf_add_shell(&d->advice, path);
			buf_add_char(&d->advice, '\n');
		} else {
			advise_bundle(d);
		}
		doctor_say(
		    d, DOCTOR_FAULT, "authorities", "smtp_tls_CAfile: %s", err.text);
		buf_clear(&pem);
		return;
	}
	certs_read((struct str){buf_text(&pem), pem.len}, clock_wall_ms(), &certs);
	if (certs.count == 0 || certs.valid == 0) {
		advise_bundle(d);
		doctor_say(d, DOCTOR_FAULT, "authorities",
		    certs.count == 0
		        ? "smtp_tls_CAfile %s has no certificate in it"
		        : "smtp_tls_CAfile %s: all its certificates have expired",
		    path);
	} else if (certs.damaged > 0) {
		advise_bundle(d);
		doctor_say(d, DOCTOR_WARNING, "authorities",
		    "smtp_tls_CAfile %s: %zu certificates, and %zu that cannot be read",
		    path, certs.count, certs.damaged);
	} else {
		doctor_say(d, DOCTOR_OK, "authorities",
		    "smtp_tls_CAfile %s: %zu of %zu certificates in force", path,
		    certs.valid, certs.count);
	}
	buf_clear(&pem);
}

/* openssl-rehash(1): 8 hexadecimal digits, a dot, a number. */
static bool
is_hashed_name(struct str name)
{
	struct str hash;

	return str_cut(&name, '.', &hash) && hash.len == 8 && name.len > 0 &&
	    ascii_is_digit(name.p[0]);
}

static size_t
count_hashed(struct doctor *d, const char *directory, struct err *err)
{
	const char *arguments[] = {"-1", "--", directory, NULL};
	struct buf out = {0};
	struct str rest, line;
	size_t count = 0;

	doctor_run(d, true, "ls", arguments, &out, err);
	rest = (struct str){buf_text(&out), out.len};
	while (str_cut(&rest, '\n', &line))
		count += is_hashed_name(line) ? 1 : 0;
	buf_clear(&out);
	return count;
}

/* smtp(8) reads the directory when it needs it: from within its jail. What Debian copies
 * there is what there was when Postfix was started last. */
static void
check_ca_path(struct doctor *d)
{
	bool alone = d->settings.ca_file[0] == '\0';
	struct err err = {{0}}, ignored;
	struct buf path = {0};
	size_t count, all;

	buf_printf(
	    &path, "%s%s", d->chrooted ? d->queue_directory : "", d->settings.ca_path);
	count = count_hashed(d, buf_text(&path), &err);
	all = d->chrooted ? count_hashed(d, d->settings.ca_path, &ignored) : count;
	if (count == 0) {
		doctor_advise_setting(d, "smtp_tls_CApath", "");
		if (alone)
			advise_bundle(d);
		doctor_say(d, alone ? DOCTOR_FAULT : DOCTOR_WARNING, "authorities",
		    "smtp_tls_CApath %s holds no hashed certificate%s%s", buf_text(&path),
		    err.text[0] != '\0' ? ": " : "", err.text);
	} else if (count < all && alone) {
		advise_bundle(d);
		doctor_say(d, 2 * count < all ? DOCTOR_FAULT : DOCTOR_WARNING,
		    "authorities",
		    "smtp_tls_CApath: of the %zu certificates of %s the chroot of "
		    "smtp(8) "
		    "has %zu",
		    all, d->settings.ca_path, count);
	} else {
		doctor_say(d, DOCTOR_OK, "authorities",
		    "smtp_tls_CApath %s: %zu certificates", buf_text(&path), count);
	}
	buf_clear(&path);
}

void
doctor_check_authorities(struct doctor *d)
{
	bool needed = d->level == LEVEL_VERIFY || d->level == LEVEL_SECURE;

	if (!d->has_postfix)
		return;
	if (d->settings.ca_file[0] != '\0')
		check_ca_file(d);
	if (d->settings.ca_path[0] != '\0')
		check_ca_path(d);
	if (d->settings.ca_file[0] != '\0' || d->settings.ca_path[0] != '\0')
		return;
	if (postfix_has_authorities(&d->settings)) {
		doctor_say(
		    d, DOCTOR_OK, "authorities", "of a service of master.cf alone");
		return;
	}
	/* tls_append_default_CA adds to what is set, and to nothing else
	 * (tls_set_ca_certificate_info() of Postfix). */
	advise_bundle(d);
	doctor_say(d, needed ? DOCTOR_FAULT : DOCTOR_WARNING, "authorities",
	    "smtp_tls_CAfile is empty: no certificate can verify");
}

/* --- resolvers --------------------------------------------------------------------- */

static struct resolver_settings
settings_of(const struct doctor *d)
{
	struct resolver_settings settings = config_resolver(d->config);

	/* A person waits for the result, so only two tries. */
	settings.tries = 2;
	return settings;
}

static bool
validates(const struct resolver_settings *settings, struct err *err)
{
	struct resolver *resolver = resolver_new(settings, err);
	bool yes = resolver != NULL && resolver_validates(resolver, err);

	resolver_free(resolver);
	return yes;
}

/* Asks one server, which is believed for this question alone. */
static bool
server_validates(const struct doctor *d, char *name, struct err *err)
{
	struct resolver_settings settings = settings_of(d);

	settings.servers = &name;
	settings.server_count = 1;
	settings.trust_ad = true;
	return validates(&settings, err);
}

#define LOCAL_RESOLVER "127.0.0.1"

/* A validating one on this machine: there already, to be started, mended or installed. */
static void
advise_resolver(struct doctor *d)
{
	char name[] = LOCAL_RESOLVER;
	struct err err;

	if (server_validates(d, name, &err))
		return;
	if (strstr(err.text, "does not validate") != NULL)
		doctor_advise(d,
		    "# %s answers, and does not validate. unbound does with"
		    " auto-trust-anchor-file: /var/lib/unbound/root.key and"
		    " module-config: \"validator iterator\"; then restart it",
		    LOCAL_RESOLVER);
	else if (access("/usr/sbin/unbound", X_OK) == 0)
		doctor_advise_unit(d, "restart", "unbound");
	else
		doctor_advise(d, "apt-get install unbound");
}

/* Postfix's own, where it reads it: a copy within the jail of a smtp(8) that has one. */
static bool
read_resolv_conf(struct doctor *d, struct buf *path, struct buf *text)
{
	struct err ignored;

	buf_printf(path, "%s%s", d->queue_directory, RESOLV_CONF);
	if (d->chrooted && doctor_read(d, buf_text(path), text, &ignored))
		return true;
	buf_reset(path);
	buf_printf(path, "%s", RESOLV_CONF);
	return doctor_read(d, RESOLV_CONF, text, &ignored);
}

/* "nameserver ADDRESS" -> the address, free(); NULL: another line. */
static char *
nameserver_of(struct str line)
{
	size_t len = 0;

	if (!str_eat(&line, STR("nameserver")) || line.len == 0 ||
	    (line.p[0] != ' ' && line.p[0] != '\t'))
		return NULL;
	line = str_trim(line);
	while (len < line.len && strchr(" \t\r#;", line.p[len]) == NULL)
		len++;
	return mem_strndup(line.p, len);
}

/*
 * A forwarder on loopback: it repeats another machine's AD bit, received over an
 * unprotected path. systemd-resolved validates by itself only with DNSSEC=yes, and not
 * reliably.
 */
static const char *
forwarder_of(const struct server *server)
{
	static const struct {
		const char *address, *name;
	} forwarders[] = {
	    {"127.0.0.11@", "Docker"},
	    {"127.0.0.53@", "systemd-resolved"},
	    {"127.0.0.54@", "systemd-resolved"},
	};

	for (size_t i = 0; i < sizeof(forwarders) / sizeof(forwarders[0]); i++)
		if (strncmp(server->name, forwarders[i].address,
		        strlen(forwarders[i].address)) == 0)
			return forwarders[i].name;
	return NULL;
}

/* Is 127.0.0.1 the one server that the text names? */
static bool
names_local_alone(struct str text)
{
	unsigned count = 0;
	bool local = true;
	struct str line;

	while (text.len > 0) {
		char *name;

		if (!str_cut(&text, '\n', &line)) {
			line = text;
			text.len = 0;
		}
		if ((name = nameserver_of(line)) == NULL)
			continue;
		local = local && strcmp(name, LOCAL_RESOLVER) == 0;
		count++;
		free(name);
	}
	return count > 0 && local;
}

static bool
is_local_already(const struct doctor *d, const char *path)
{
	struct buf text = {0};
	struct err ignored;
	bool already = doctor_read(d, path, &text, &ignored) &&
	    names_local_alone((struct str){buf_text(&text), text.len});

	buf_clear(&text);
	return already;
}

/* What is as it should be is not written again. */
static void
advise_local(struct doctor *d, const char *path)
{
	bool right = is_local_already(d, RESOLV_CONF);
	struct stat st;

	advise_resolver(d);
	/* The target of a link is written by another program. */
	if (!right && lstat(RESOLV_CONF, &st) == 0 && S_ISLNK(st.st_mode))
		doctor_advise(d, "rm %s", RESOLV_CONF);
	if (!right)
		doctor_advise(d,
		    "printf 'nameserver " LOCAL_RESOLVER
		    "\\noptions trust-ad edns0\\n' >%s",
		    RESOLV_CONF);
	if (strcmp(path, RESOLV_CONF) != 0 && !is_local_already(d, path)) {
		buf_printf(&d->advice, "cp %s ", RESOLV_CONF);
		buf_add_shell(&d->advice, path);
		buf_add_char(&d->advice, '\n');
	} else if (right) {
		return;
	}
	doctor_add_postfix(d, "postfix", &d->advice);
	buf_printf(&d->advice, " reload\n");
}

/* Postfix believes any resolver that it asks. If it runs on another machine, its resolver
 * can be asked only from there. */
static void
check_nameserver(struct doctor *d, const char *path, char *name)
{
	struct server server;
	struct err err;

	if (!server_parse(str_of(name), &server, &err)) {
		advise_local(d, path);
		doctor_say(
		    d, DOCTOR_WARNING, "postfix-dns", "%s: %s is no address", path, name);
	} else if (d->postfix.command_count > 0) {
		doctor_say(d, DOCTOR_OK, "postfix-dns", "%s: %s, not asked from here",
		    path, name);
	} else if (!server_validates(d, name, &err)) {
		advise_local(d, path);
		doctor_say(d, DOCTOR_FAULT, "postfix-dns", "%s: %s", path, err.text);
	} else if (!server.loopback) {
		advise_local(d, path);
		doctor_say(d, DOCTOR_WARNING, "postfix-dns",
		    "%s: %s validates, but what it says can be forged on its way", path,
		    name);
	} else if (forwarder_of(&server) != NULL) {
		advise_local(d, path);
		doctor_say(d, DOCTOR_WARNING, "postfix-dns",
		    "%s: %s is %s, which only passes on what its upstream says", path,
		    name, forwarder_of(&server));
	} else {
		doctor_say(d, DOCTOR_OK, "postfix-dns", "%s: %s validates", path, name);
	}
}

static void
check_postfix_dns(struct doctor *d)
{
	struct buf path = {0}, text = {0};
	struct str rest, line;
	unsigned count = 0;
	char *name;

	if (!read_resolv_conf(d, &path, &text)) {
		advise_local(d, buf_text(&path));
		doctor_say(
		    d, DOCTOR_FAULT, "postfix-dns", "cannot read %s", buf_text(&path));
	} else {
		buf_add_char(&text, '\n');
		rest = (struct str){text.data, text.len};
		while (count < 3 && str_cut(&rest, '\n', &line)) {
			if ((name = nameserver_of(line)) == NULL)
				continue;
			count++;
			check_nameserver(d, buf_text(&path), name);
			free(name);
		}
		if (count == 0) {
			name = mem_strdup("127.0.0.1");
			check_nameserver(d, buf_text(&path), name);
			free(name);
		}
	}
	buf_clear(&path);
	buf_clear(&text);
}

/* Asked where the others fail, if not before. */
static const struct server *
find_forwarder(const struct server_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		if (forwarder_of(&list->items[i]) != NULL)
			return &list->items[i];
	return NULL;
}

/* list: what is asked now, NULL for nothing. */
static void
advise_local_for_us(struct doctor *d, const struct server_list *list)
{
	advise_resolver(d);
	if (list == NULL || list->count != 1 ||
	    strcmp(list->items[0].name, LOCAL_RESOLVER "@53") != 0)
		doctor_advise_yaml(d, "dns", "resolver", LOCAL_RESOLVER);
}

/* An unbound in permissive mode validates, and passes on what is bogus all the same. Seen
 * only in its configuration, where that is readable. */
static bool
is_permissive(const struct doctor *d, const struct server *server)
{
	const char *arguments[] = {"-o", "val-permissive-mode", NULL};
	struct buf out = {0};
	struct err ignored;
	bool yes;

	if (!server->loopback || d->postfix.command_count > 0)
		return false;
	yes = doctor_run(d, true, "unbound-checkconf", arguments, &out, &ignored) &&
	    strcmp(buf_text(&out), "yes\n") == 0;
	buf_clear(&out);
	return yes;
}

static void
check_our_dns(struct doctor *d)
{
	struct resolver_settings settings = settings_of(d);
	const struct server *forwarder;
	struct server_list list;
	struct err err;

	if (!server_list_read(&list, &settings, &err)) {
		advise_local_for_us(d, NULL);
		doctor_say(d, DOCTOR_FAULT, "dns", "%s", err.text);
	} else if (!validates(&settings, &err)) {
		advise_local_for_us(d, &list);
		if (!list.believed)
			doctor_advise(d,
			    "# or, where nobody can come between: dns: {resolver: %s,"
			    " trust: ad}",
			    list.items[0].name);
		doctor_say(d, DOCTOR_FAULT, "dns", "%s", err.text);
	} else if (is_permissive(d, &list.items[0])) {
		doctor_advise(
		    d, "# in unbound.conf: val-permissive-mode: no; then restart it");
		doctor_say(d, DOCTOR_FAULT, "dns",
		    "unbound is in permissive mode (val-permissive-mode: yes): "
		    "what is bogus is passed on as if it were unsigned");
	} else if ((forwarder = find_forwarder(&list)) != NULL) {
		advise_local_for_us(d, &list);
		doctor_say(d, DOCTOR_WARNING, "dns",
		    "%s is %s, which only passes on what its upstream says",
		    forwarder->name, forwarder_of(forwarder));
	} else {
		doctor_say(d, DOCTOR_OK, "dns", "%s validates", list.items[0].name);
	}
}

void
doctor_check_resolvers(struct doctor *d)
{
	check_our_dns(d);
	if (d->has_postfix)
		check_postfix_dns(d);
}
