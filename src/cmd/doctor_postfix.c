/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: Postfix, its settings but for the maps, and its commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/doctor.h"
#include "core/version.h"
#include "postfix/run.h"
#include "publish/notify.h"
#include "publish/target_map.h"

/* --- Postfix itself ---------------------------------------------------------------- */

/* dane-only, postconf -P. What cannot be read is newer than this. */
static bool
is_supported(const char *version)
{
	return version_is_from(str_of(version), 2, 11, 0) != ANSWER_NO;
}

/* "smtp unix - - y - - smtp": the fifth column; "-" is yes before Postfix 3.0. */
static bool
is_chrooted(const struct doctor *d)
{
	const char *arguments[] = {"-M", "smtp/unix", NULL};
	char chroot[8] = "";
	struct buf out = {0};
	struct err ignored;

	doctor_run(d, false, "postconf", arguments, &out, &ignored);
	if (sscanf(buf_text(&out), "%*s %*s %*s %*s %7s", chroot) != 1)
		chroot[0] = '\0';
	buf_clear(&out);
	return chroot[0] == 'y' || (chroot[0] == '-' && d->settings.version[0] == '2');
}

/* By which docker, podman and kubectl find what they are to reach. */
static const char *const reaching[] = {"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG",
    "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "CONTAINER_HOST", "KUBECONFIG", NULL};

static bool
is_kept(const struct strings *kept, const char *name)
{
	for (size_t i = 0; i < kept->count; i++)
		if (strcmp(kept->items[i], name) == 0)
			return true;
	return false;
}

/* Those that whoever asks has set, and the command did not get. */
static bool
advise_environment(struct doctor *d)
{
	const struct strings *kept = &d->config->postfix.environment;
	struct buf list = {0}, value = {0};
	size_t count = kept->count;

	for (size_t i = 0; i < kept->count; i++)
		buf_printf(&list, "%s%s", i > 0 ? ", " : "", kept->items[i]);
	for (size_t i = 0; reaching[i] != NULL; i++) {
		if (!child_can_keep(reaching[i]) || is_kept(kept, reaching[i]))
			continue;
		buf_printf(&list, "%s%s", count++ > 0 ? ", " : "", reaching[i]);
	}
	if (count > kept->count) {
		buf_printf(&value, count == 1 ? "%s" : "[%s]", buf_text(&list));
		doctor_advise(d,
		    "# %s does not get what is set here; the unit needs it by "
		    "Environment=, and:",
		    d->postfix.command[0]);
		doctor_advise_yaml(d, "postfix", "environment", buf_text(&value));
	}
	buf_clear(&list);
	buf_clear(&value);
	return count > kept->count;
}

void
doctor_check_postfix(struct doctor *d)
{
	struct err err;

	d->has_postfix = cmd_settings(d->config, &d->postfix, &d->settings, &err);
	d->level = d->config->postfix.default_level != LEVEL_UNKNOWN
	    ? d->config->postfix.default_level
	    : d->settings.level;
	d->map_type = target_map_type(d->config, &d->settings);
	if (!d->has_postfix) {
		if (d->postfix.command_count == 0 &&
		    access("/usr/sbin/postconf", X_OK) != 0)
			doctor_advise(d, "apt-get install postfix");
		else if (d->postfix.command_count == 0 || !advise_environment(d))
			doctor_advise(d,
			    "# postfix.config_directory and postfix.command in %s"
			    " say how to reach it",
			    d->options->config_file);
		doctor_say(
		    d, DOCTOR_FAULT, "postfix", "cannot ask Postfix: %s", err.text);
		return;
	}
	d->queue_directory = doctor_parameter(d, "queue_directory");
	d->chrooted = is_chrooted(d);
	if (is_supported(d->settings.version)) {
		doctor_say(d, DOCTOR_OK, "postfix", "version %s", d->settings.version);
		return;
	}
	doctor_advise(d, "# a newer Postfix: 2.11 has dane-only");
	doctor_say(d, DOCTOR_FAULT, "postfix", "version %s is older than 2.11",
	    d->settings.version);
}

/* --- levels ------------------------------------------------------------------------ */

static bool
is_strict(enum level level)
{
	return level == LEVEL_ENCRYPT || level == LEVEL_DANE || level == LEVEL_VERIFY ||
	    level == LEVEL_SECURE || level == LEVEL_DANE_ONLY;
}

bool
doctor_is_default_service(const struct doctor *d, struct str service)
{
	struct str rest = str_of(d->settings.default_transport), name;

	if (!str_cut(&rest, ':', &name))
		name = rest;
	return str_equal(service, name);
}

void
doctor_advise_service(struct doctor *d, const char *parameter)
{
	doctor_add_postfix(d, "postconf", &d->advice);
	buf_printf(&d->advice, " -P -X ");
	buf_add_shell(&d->advice, parameter);
	buf_add_char(&d->advice, '\n');
	doctor_add_postfix(d, "postfix", &d->advice);
	buf_printf(&d->advice, " reload\n");
}

/* A stricter service beside the others is as an administrator wants it. */
static void
check_service(struct doctor *d, const struct service_level *service)
{
	bool is_default = doctor_is_default_service(d, str_of(service->name));
	struct buf parameter = {0};

	buf_printf(&parameter, "%s/unix/smtp_tls_security_level", service->name);
	if (service->level == LEVEL_UNKNOWN) {
		doctor_advise_service(d, buf_text(&parameter));
		doctor_say(d, is_default ? DOCTOR_FAULT : DOCTOR_WARNING, "service-level",
		    "%s of master.cf has a level that is none", service->name);
	} else if (!is_strict(service->level)) {
		doctor_advise_service(d, buf_text(&parameter));
		doctor_say(d, is_default ? DOCTOR_FAULT : DOCTOR_WARNING, "service-level",
		    "%s of master.cf has the level %s: nothing to climb down from there",
		    service->name, level_name(service->level));
	} else if (is_default && service->level != d->settings.level) {
		doctor_advise_service(d, buf_text(&parameter));
		doctor_say(d, DOCTOR_WARNING, "service-level",
		    "%s of master.cf has the level %s: that of main.cf does not count",
		    service->name, level_name(service->level));
	} else {
		doctor_say(d, DOCTOR_OK, "service-level",
		    "%s of master.cf has the level %s", service->name,
		    level_name(service->level));
	}
	buf_clear(&parameter);
}

static void
check_services(struct doctor *d)
{
	for (size_t i = 0; i < d->settings.service_count; i++)
		check_service(d, &d->settings.services[i]);
}

void
doctor_check_level(struct doctor *d)
{
	enum level configured = d->config->postfix.default_level;

	if (!d->has_postfix)
		return;
	if (configured != LEVEL_UNKNOWN && configured != d->settings.level) {
		doctor_advise_setting(
		    d, "smtp_tls_security_level", level_name(configured));
		doctor_say(d, DOCTOR_WARNING, "level",
		    "smtp_tls_security_level is %s, postfix.default_level says %s",
		    level_name(d->settings.level), level_name(configured));
	} else if (is_strict(d->level)) {
		doctor_say(d, DOCTOR_OK, "level", "smtp_tls_security_level is %s",
		    level_name(d->level));
	} else {
		doctor_advise_setting(d, "smtp_tls_security_level", "verify");
		doctor_say(d, d->level == LEVEL_UNKNOWN ? DOCTOR_FAULT : DOCTOR_WARNING,
		    "level",
		    d->level == LEVEL_UNKNOWN
		        ? "smtp_tls_security_level is no level: all mail is deferred"
		        : "smtp_tls_security_level is %s: there is nothing to climb down "
		          "from",
		    level_name(d->level));
	}
	check_services(d);
}

void
doctor_check_loglevel(struct doctor *d)
{
	if (!d->has_postfix)
		return;
	if (d->settings.tls_loglevel[0] != '\0' && d->settings.tls_loglevel[0] != '0') {
		doctor_say(d, DOCTOR_OK, "loglevel", "smtp_tls_loglevel is %s",
		    d->settings.tls_loglevel);
		return;
	}
	doctor_advise_setting(d, "smtp_tls_loglevel", "1");
	doctor_say(d, DOCTOR_WARNING, "loglevel",
	    "smtp_tls_loglevel is 0: what destinations did before is not seen");
}

/* Each reason of postfix_settings.dane_trouble begins with the parameter that it is
 * about.
 */
void
doctor_check_dane(struct doctor *d)
{
	static const struct {
		const char *name;
		const char *value;
	} mends[] = {
	    {"smtp_dns_support_level", "dnssec"},
	    {"smtp_host_lookup", "dns"},
	    {"ignore_mx_lookup_error", "no"},
	    {"smtp_dns_resolver_options", ""},
	};
	struct str trouble, name = {"", 0};

	if (!d->has_postfix)
		return;
	if (d->settings.can_dane) {
		doctor_say(d, DOCTOR_OK, "dane", "Postfix can do DANE");
		return;
	}
	trouble = str_of(d->settings.dane_trouble);
	str_cut(&trouble, ' ', &name);
	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++)
		if (str_is(name, mends[i].name))
			doctor_advise_setting(d, mends[i].name, mends[i].value);
	doctor_say(d, DOCTOR_FAULT, "dane",
	    "%s: Postfix cannot do DANE, and mail to destinations with TLSA waits",
	    d->settings.dane_trouble);
}

/* --- settings by which no mail of ours can flow ------------------------------------- */

/* Is the word in a list of main.cf, apart by commas and blanks? rest: the list without.
 */
static bool
lists(const char *list, const char *word, struct buf *rest)
{
	struct str left = str_of(list), item;
	bool found = false;

	while (str_next_word(&left, STR_POSTFIX_LIST, &item)) {
		if (str_is(item, word)) {
			found = true;
			continue;
		}
		buf_printf(
		    rest, "%s%.*s", rest->len > 0 ? ", " : "", (int)item.len, item.p);
	}
	return found;
}

static bool
is_yes(const char *value)
{
	return postfix_boolean(str_of(value)) == ANSWER_YES;
}

static void
check_deferred(struct doctor *d)
{
	const char *transport = d->settings.default_transport;
	char *list = doctor_parameter(d, "defer_transports");
	char *name = mem_strndup(transport, strcspn(transport, ":"));
	struct buf rest = {0};

	if (lists(list, name, &rest)) {
		doctor_advise_setting(d, "defer_transports", buf_text(&rest));
		doctor_say(d, DOCTOR_WARNING, "delivery",
		    "defer_transports is %s: all mail by %s waits", list, name);
	}
	buf_clear(&rest);
	free(name);
	free(list);
}

/* With a relayhost either may be what that one wants. */
static void
check_switches(struct doctor *d)
{
	char *wrapper = doctor_parameter(d, "smtp_tls_wrappermode");
	char *no_dns = doctor_parameter(d, "disable_dns_lookups");

	if (is_yes(wrapper)) {
		doctor_advise_setting(d, "smtp_tls_wrappermode", "no");
		doctor_say(d, DOCTOR_WARNING, "delivery",
		    "smtp_tls_wrappermode is %s: at port 25 no server speaks TLS before "
		    "STARTTLS",
		    wrapper);
	}
	if (is_yes(no_dns)) {
		doctor_advise_setting(d, "disable_dns_lookups", "no");
		doctor_say(d, DOCTOR_WARNING, "delivery",
		    "disable_dns_lookups is %s: Postfix looks up no MX and no TLSA",
		    no_dns);
	}
	free(no_dns);
	free(wrapper);
}

/*
 * postconf(5): names without a ! are all that is permitted; from 3.6 on ">=" and "<="
 * name an end. What stays below TLS 1.2 is what most servers refuse.
 */
static bool
is_old(const char *list)
{
	struct str left = str_of(list), item;
	bool named = false;

	while (str_next_word(&left, STR_POSTFIX_LIST ":", &item)) {
		bool limits = str_eat(&item, STR("<="));

		if (item.len == 0 || *item.p == '!' || *item.p == '>')
			continue;
		if (!str_equal_nocase(item, STR("SSLv2")) &&
		    !str_equal_nocase(item, STR("SSLv3")) &&
		    !str_equal_nocase(item, STR("TLSv1")) &&
		    !str_equal_nocase(item, STR("TLSv1.1"))) {
			if (!limits)
				return false;
		} else {
			named = true;
		}
	}
	return named;
}

static void
check_protocols(struct doctor *d)
{
	if (!is_old(d->settings.mandatory_protocols))
		return;
	doctor_advise_setting(
	    d, "smtp_tls_mandatory_protocols", "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1");
	doctor_say(d, DOCTOR_WARNING, "delivery",
	    "smtp_tls_mandatory_protocols is %s: servers that want TLS 1.2 refuse that",
	    d->settings.mandatory_protocols);
}

void
doctor_check_delivery(struct doctor *d)
{
	unsigned before = d->counts[DOCTOR_WARNING];

	if (!d->has_postfix)
		return;
	check_deferred(d);
	if (d->settings.relayhost[0] == '\0')
		check_switches(d);
	check_protocols(d);
	if (d->counts[DOCTOR_WARNING] == before)
		doctor_say(
		    d, DOCTOR_OK, "delivery", "nothing in main.cf keeps mail here");
}

/* --- its commands ------------------------------------------------------------------ */

static void
check_finger(struct doctor *d)
{
	const char *arguments[] = {"posttls-finger", NULL};
	struct postfix plain = d->postfix;
	struct postfix_call call = {.program = "env",
	    .arguments = arguments,
	    .timeout_ms = 10000,
	    .output_max = 65536};
	struct child_result result;
	struct err err = {{0}};
	bool there;

	plain.config_directory = "";
	there = postfix_run(&plain, &call, &result, &err) && result.status != 127;
	child_result_clear(&result);
	if (there) {
		doctor_say(d, DOCTOR_OK, "posttls-finger", "is there");
		return;
	}
	doctor_advise(d,
	    "# posttls-finger is part of Postfix; some systems have it in a package"
	    " of its own");
	doctor_say(d, DOCTOR_WARNING, "posttls-finger",
	    "is not there: leases end by a trial with real mail");
}

void
doctor_check_tools(struct doctor *d)
{
	if (!d->has_postfix)
		return;
	check_finger(d);
}

void
doctor_check_notify(struct doctor *d)
{
	const char *arguments[] = {"-x", NULL, NULL};
	struct err ignored;
	char *path;

	if (d->config->notify.to[0] == '\0') {
		doctor_advise(d, "# to be alerted: notify: {to: postmaster} in %s",
		    d->options->config_file);
		doctor_say(
		    d, DOCTOR_OK, "notify", "no alerts by mail (notify.to is empty)");
		return;
	}
	if (!d->has_postfix)
		return;
	path = doctor_parameter(d, "sendmail_path");
	arguments[1] = path;
	if (!notify_is_address(d->config->notify.to)) {
		doctor_advise(
		    d, "# in %s: notify: {to: postmaster}", d->options->config_file);
		doctor_say(
		    d, DOCTOR_FAULT, "notify", "notify.to is not one plain mail address");
	} else if (path[0] != '/' ||
	    !doctor_run(d, true, "test", arguments, NULL, &ignored)) {
		doctor_advise_setting(d, "sendmail_path", "/usr/sbin/sendmail");
		doctor_say(
		    d, DOCTOR_FAULT, "notify", "sendmail_path is %s: no program", path);
	} else {
		doctor_say(d, DOCTOR_OK, "notify", "alerts to %s, by %s",
		    d->config->notify.to, path);
	}
	free(path);
}
