/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/span.h"
#include "fake.h"
#include "scratch.h"
#include "sys/file.h"

/* --- facts ------------------------------------------------------------------------- */

struct facts_row {
	const char *name;
	const char *printed; /* besides mail_version and sound settings for DANE */
	enum level level;
	const char *trouble;
};

static const char sound[] = "mail_version = 3.7.11\nsmtp_dns_support_level = dnssec\n"
                            "smtp_host_lookup = dns\nignore_mx_lookup_error = no\n"
                            "smtp_dns_resolver_options =\n";

static const struct facts_row facts_rows[] = {
    {"a level as it stands", "smtp_tls_security_level = dane-only\n", LEVEL_DANE_ONLY,
        ""},
    {"a level that is none", "smtp_tls_security_level = strict\n", LEVEL_UNKNOWN, ""},
    {"no level is none", "smtp_tls_security_level =\n", LEVEL_NONE, ""},
    {"smtp_use_tls is may",
        "smtp_tls_security_level = \nsmtp_use_tls = yes\nsmtp_enforce_tls = no\n",
        LEVEL_MAY, ""},
    {"smtp_enforce_tls is verify",
        "smtp_enforce_tls = yes\nsmtp_use_tls = yes\nsmtp_tls_enforce_peername = yes\n",
        LEVEL_VERIFY, ""},
    {"smtp_enforce_tls without peer names is encrypt",
        "smtp_enforce_tls = yes\nsmtp_tls_enforce_peername = no\n", LEVEL_ENCRYPT, ""},
    {"a level wins over smtp_use_tls",
        "smtp_tls_security_level = none\nsmtp_use_tls = yes\n", LEVEL_NONE, ""},
    {"levels and booleans in upper case",
        "smtp_tls_security_level = Dane-Only\nignore_mx_lookup_error = No\n",
        LEVEL_DANE_ONLY, ""},
    {"smtp_use_tls is may in upper case", "smtp_use_tls = YES\n", LEVEL_MAY, ""},
    {"smtp_enforce_tls without peer names in upper case",
        "smtp_enforce_tls = Yes\nsmtp_tls_enforce_peername = NO\n", LEVEL_ENCRYPT, ""},
    {"a boolean that is none: no level is known", "smtp_use_tls = true\n", LEVEL_UNKNOWN,
        ""},
    {"no DNSSEC: DANE cannot work", "smtp_dns_support_level =\n", LEVEL_NONE,
        "smtp_dns_support_level is not dnssec"},
    {"native look-ups: DANE cannot work", "smtp_host_lookup = native\n", LEVEL_NONE,
        "smtp_host_lookup does not contain dns"},
    {"native and DNS look-ups: DANE can work", "smtp_host_lookup = native, dns\n",
        LEVEL_NONE, ""},
    {"MX errors ignored: DANE cannot work", "ignore_mx_lookup_error = yes\n", LEVEL_NONE,
        "ignore_mx_lookup_error is not no"},
    {"resolver options: DANE cannot work", "smtp_dns_resolver_options = res_defnames\n",
        LEVEL_NONE, "smtp_dns_resolver_options is not empty"},
};

static void
facts_are(void **state)
{
	const struct facts_row *row = *state;
	struct postfix_settings facts;
	struct buf out = {0};
	struct err err;

	fake_reset();
	buf_printf(&out, "%s%s", sound, row->printed);
	fake_put("postconf.out", buf_text(&out));
	fake_put("postconf.err", "postconf: warning: smtp_new: unknown parameter\n");
	assert_true(postfix_read_settings(&fake_postfix, &facts, &err));
	assert_string_equal(facts.version, "3.7.11");
	assert_int_equal(facts.level, row->level);
	assert_string_equal(facts.dane_trouble, row->trouble);
	assert_int_equal(facts.can_dane, row->trouble[0] == '\0');
	assert_string_equal(facts.relayhost, ""); /* not printed: not known there */
	postfix_settings_clear(&facts);
	buf_clear(&out);
}

static void
facts_are_asked_in_two_calls(void **state)
{
	struct postfix_settings facts;
	struct err err;
	char *calls;

	(void)state;
	fake_reset();
	fake_put("postconf.out",
	    "mail_version = 3.10.4\nrelayhost = [relay.test]:587\n"
	    "smtp_tls_policy_maps = lmdb:/map, inline:{ {a.test = may} }\n"
	    "default_database_type = lmdb\ntransport_maps = lmdb:/t\n"
	    "default_transport = smtp\nrelay_domains = a.test, hash:/r\n"
	    "relay_transport = smtp:[in.test]\n"
	    "parent_domain_matches_subdomains = mynetworks,relay_domains\n"
	    "sender_dependent_relayhost_maps = lmdb:/s\n"
	    "smtp_tls_mandatory_protocols = >=TLSv1.2\n"
	    "smtp_tls_mandatory_ciphers = high\n"
	    "smtp_tls_verify_cert_match = hostname, nexthop\n"
	    "smtp_tls_secure_cert_match = nexthop\nsmtp_helo_name = mail.test\n");
	assert_true(postfix_read_settings(&fake_postfix, &facts, &err));
	assert_string_equal(facts.policy_maps, "lmdb:/map, inline:{ {a.test = may} }");
	assert_string_equal(facts.relayhost, "[relay.test]:587");
	assert_string_equal(facts.database_type, "lmdb");
	assert_string_equal(facts.transport_maps, "lmdb:/t");
	assert_string_equal(facts.default_transport, "smtp");
	assert_string_equal(facts.relay_domains, "a.test, hash:/r");
	assert_string_equal(facts.relay_transport, "smtp:[in.test]");
	assert_true(facts.relay_parents_match);
	assert_false(facts.transport_parents_match);
	assert_string_equal(facts.sender_relayhost_maps, "lmdb:/s");
	assert_string_equal(facts.mandatory_protocols, ">=TLSv1.2");
	assert_string_equal(facts.mandatory_ciphers, "high");
	assert_string_equal(facts.verify_match, "hostname, nexthop");
	assert_string_equal(facts.secure_match, "nexthop");
	assert_string_equal(facts.helo_name, "mail.test");
	calls = fake_get("postconf.calls");
	assert_non_null(
	    strstr(calls, "postconf [-c] [/etc/postfix-9] [-x] [mail_version] "));
	assert_non_null(strstr(strchr(calls, '\n'),
	    "\npostconf [-c] [/etc/postfix-9] [-Px] [*/unix/smtp_tls_security_level] "
	    "[*/unix/smtp_sasl_auth_enable] [*/unix/smtp_sasl_password_maps] "
	    "[*/unix/smtp_sender_dependent_authentication] [*/unix/syslog_name] "
	    "[*/unix/smtp_tls_CAfile] [*/unix/smtp_tls_CApath] "
	    "[*/unix/smtp_tls_enforce_sts_mx_patterns]\n"));
	postfix_settings_clear(&facts);
	free(calls);
}

/* What main.cf and master.cf say of passwords. */
static const struct login_row {
	const char *what;
	const char *main, *services; /* printed */
	bool logs_in, by_sender;
	const char *maps;
} login_rows[] = {
    {"not known to this Postfix", "", "", false, false, ""},
    {"off", "smtp_sasl_auth_enable = No\n", "", false, false, ""},
    {"on, in upper case",
        "smtp_sasl_auth_enable = Yes\nsmtp_sender_dependent_authentication = YES\n", "",
        true, true, ""},
    {"neither on nor off",
        "smtp_sasl_auth_enable = true\nsmtp_sender_dependent_authentication = 1\n", "",
        true, true, ""},
    {"on for a service",
        "smtp_sasl_auth_enable = no\nsmtp_sasl_password_maps = hash:/p\n",
        "a/unix/smtp_sasl_auth_enable = YES\n"
        "a/unix/smtp_sasl_password_maps = hash:/q\n",
        true, false, "hash:/p hash:/q"},
    {"with a password in the place of a map",
        "smtp_sasl_auth_enable = yes\n"
        "smtp_sasl_password_maps = static:user:secret\n",
        "a/unix/smtp_sasl_password_maps = inline:{{ h = u:secret }}\n", true, false,
        "static:user:secret inline:{{ h = u:secret }}"},
    {"off for a service", "", "a/unix/smtp_sasl_auth_enable = NO\n", false, false, ""},
    {"not expanded", "",
        "a/unix/smtp_sasl_auth_enable = $login\n"
        "a/unix/smtp_sender_dependent_authentication = ${by?{yes}:{no}}\n"
        "a/unix/smtp_sasl_password_maps = $passwords\n",
        true, true, " $passwords"},
    {"services that cannot be asked for", "", NULL, true, true, ""},
};

/* What is kept for the next start tells the same, and no map's name, which may be a
 * password. */
static void
assert_recalled(const struct postfix_settings *facts)
{
	struct postfix_settings recalled;

	assert_null(strstr(facts->told, "hash:/"));
	assert_null(strstr(facts->told, "secret"));
	assert_true(postfix_settings_recall(str_of(facts->told), &recalled));
	assert_string_equal(recalled.told, facts->told);
	assert_string_equal(recalled.version, facts->version);
	assert_int_equal(recalled.level, facts->level);
	assert_int_equal(recalled.logs_in, facts->logs_in);
	assert_int_equal(recalled.passwords_by_sender, facts->passwords_by_sender);
	assert_true(recalled.password_sum == facts->password_sum);
	postfix_settings_clear(&recalled);
	assert_false(postfix_settings_recall(STR("mail_version = 3.7\n"), &recalled));
	assert_false(postfix_settings_recall(STR("=\n"), &recalled));
}

static void
logins_are_read(void **state)
{
	const struct login_row *row = *state;
	struct postfix_settings facts;
	struct buf script = {0};
	struct err err;

	fake_reset();
	buf_printf(
	    &script, "case $3 in -x) cat <<'EOF'\n%s%sEOF\n;; -P*) ", sound, row->main);
	if (row->services == NULL)
		buf_printf(&script, "exit 1\n;; esac\n");
	else
		buf_printf(&script, "cat <<'EOF'\n%sEOF\n;; esac\n", row->services);
	fake_put("postconf.sh", buf_text(&script));
	assert_true(postfix_read_settings(&fake_postfix, &facts, &err));
	assert_int_equal(facts.logs_in, row->logs_in);
	assert_int_equal(facts.passwords_by_sender, row->by_sender);
	assert_string_equal(facts.password_maps, row->maps);
	assert_recalled(&facts);
	postfix_settings_clear(&facts);
	buf_clear(&script);
}

static const struct authorities_row {
	const char *what;
	const char *main, *services; /* printed */
	bool are_there;
	bool enforces_patterns;
} authorities_rows[] = {
    {"as Postfix comes", "smtp_tls_CAfile =\nsmtp_tls_CApath =\n", "", false, true},
    {"those of the system beside nothing",
        "smtp_tls_CAfile =\nsmtp_tls_CApath =\ntls_append_default_CA = yes\n", "", false,
        true},
    {"a file", "smtp_tls_CAfile = /ca.pem\nsmtp_tls_CApath =\n", "", true, true},
    {"a path", "smtp_tls_CAfile =\nsmtp_tls_CApath = /ca\n", "", true, true},
    {"a file of a service", "smtp_tls_CAfile =\n",
        "smtp/unix/smtp_tls_CAfile = /ca.pem\n", true, true},
    {"a file that a service has not", "smtp_tls_CAfile = /ca.pem\n",
        "smtp/unix/smtp_tls_CAfile =\n", true, true},
    {"no path of a service", "smtp_tls_CAfile =\n", "smtp/unix/smtp_tls_CApath =\n",
        false, true},
    {"patterns", "smtp_tls_enforce_sts_mx_patterns = yes\n",
        "smtp/unix/smtp_tls_enforce_sts_mx_patterns = yes\n", false, true},
    {"no patterns", "smtp_tls_enforce_sts_mx_patterns = no\n",
        "smtp/unix/smtp_tls_enforce_sts_mx_patterns = yes\n", false, false},
    {"no patterns of a service", "", "smtp/unix/smtp_tls_enforce_sts_mx_patterns = no\n",
        false, false},
};

static void
verification_is_read(void **state)
{
	const struct authorities_row *row = *state;
	struct postfix_settings facts;
	struct buf script = {0};
	struct err err;

	fake_reset();
	buf_printf(&script,
	    "case $3 in -x) cat <<'EOF'\n%s%sEOF\n;; -P*) cat <<'EOF'\n%sEOF\n;; esac\n",
	    sound, row->main, row->services);
	fake_put("postconf.sh", buf_text(&script));
	assert_true(postfix_read_settings(&fake_postfix, &facts, &err));
	assert_int_equal(postfix_has_authorities(&facts), row->are_there);
	assert_int_equal(facts.sts_patterns, row->enforces_patterns);
	postfix_settings_clear(&facts);
	buf_clear(&script);
}

/* A postconf that has -P and does not expand what it prints. */
static void
services_are_read_unexpanded(void **state)
{
	struct postfix_settings facts;
	struct err err;

	(void)state;
	fake_reset();
	fake_put("postconf.sh",
	    "case $3 in -x) echo mail_version = 2.11; echo smtp_tls_security_level = "
	    "may;;\n"
	    "-P) echo 'a/unix/smtp_sasl_auth_enable = $login'\n"
	    "echo 'b/unix/smtp_tls_security_level = $level'\n"
	    "echo 'c/unix/smtp_tls_security_level = Verify';; *) exit 1;; esac\n");
	assert_true(postfix_read_settings(&fake_postfix, &facts, &err));
	assert_true(facts.logs_in);
	assert_false(facts.passwords_by_sender);
	assert_int_equal(postfix_service_level(&facts, "a"), LEVEL_MAY);
	assert_int_equal(postfix_service_level(&facts, "b"), LEVEL_UNKNOWN);
	assert_int_equal(postfix_service_level(&facts, "c"), LEVEL_VERIFY);
	postfix_settings_clear(&facts);
}

/* What it calls itself in its log: main.cf's, and that of services in master.cf. */
static void
log_names_are_read(void **state)
{
	struct postfix_settings facts;
	struct err err;

	(void)state;
	fake_reset();
	fake_put("postconf.out",
	    "mail_version = 3.10.4\nsyslog_name = postfix-out/x\n"
	    "relay/unix/syslog_name = slow/relay\n"
	    "sub/unix/syslog_name = postfix-out/sub\n"
	    "scan/unix/syslog_name = ${multi_instance_name?{x}:{y}}/$service_name\n");
	assert_true(postfix_read_settings(&fake_postfix, &facts, &err));
	assert_string_equal(facts.log_names, "postfix-out slow");
	postfix_settings_clear(&facts);
	fake_put("postconf.out",
	    "mail_version = 3.10.4\nsyslog_name = postfix\n"
	    "relay/unix/syslog_name = $mine\n");
	assert_true(postfix_read_settings(&fake_postfix, &facts, &err));
	assert_string_equal(facts.log_names, "");
	postfix_settings_clear(&facts);
}

static const struct {
	const char *text;
	int64_t ms;
} lifetimes[] = {{"5d", 5 * SPAN_DAY_MS}, {"36h", 36 * SPAN_HOUR_MS},
    {"3600s", SPAN_HOUR_MS}, {"90m", 90 * SPAN_MINUTE_MS}, {"2w", 14 * SPAN_DAY_MS},
    {"3", 3 * SPAN_DAY_MS}, {"0", 0}, {"", 5 * SPAN_DAY_MS}, {"long", 5 * SPAN_DAY_MS}};

static void
lifetime_of_mail_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lifetimes) / sizeof(lifetimes[0]); i++) {
		struct postfix_settings facts;
		char printed[80];
		struct err err;

		fake_reset();
		snprintf(printed, sizeof(printed),
		    "mail_version = 3.7.11\nmaximal_queue_lifetime = %s\n",
		    lifetimes[i].text);
		fake_put("postconf.out", printed);
		assert_true(postfix_read_settings(&fake_postfix, &facts, &err));
		assert_int_equal(facts.queue_lifetime_ms, lifetimes[i].ms);
		assert_int_equal(facts.backoff_ms, 4000 * SPAN_SECOND_MS);
		postfix_settings_clear(&facts);
	}
}

static const char *const unreadable[][3] = {
    {"postconf.out", "", "postconf printed what cannot be read"},
    {"postconf.out", "mail_version = 3.7", "postconf printed what cannot be read"},
    {"postconf.out", "no such thing\n", "postconf printed what cannot be read"},
    {"postconf.status", "1", "postconf: exit status 1: postconf: fatal: open main.cf"},
};

static void
facts_cannot_be_had(void **state)
{
	const char *const *row = *state;
	struct postfix_settings facts;
	struct err err;

	fake_reset();
	fake_put("postconf.err", "postconf: fatal: open main.cf\n");
	fake_put(row[0], row[1]);
	assert_false(postfix_read_settings(&fake_postfix, &facts, &err));
	assert_string_equal(err.text, row[2]);
	assert_null(facts.version);
	postfix_settings_clear(&facts);
}

static void
missing_postfix_is_named(void **state)
{
	static char env[] = "env", path[] = "PATH=/nonexistent",
	            docker[] = "no-such-docker";
	struct postfix nowhere = {
	    .command = (char *const[]){env, path}, .command_count = 2};
	struct postfix_settings facts;
	struct err err;

	(void)state;
	assert_false(postfix_read_settings(&nowhere, &facts, &err));
	assert_non_null(strstr(err.text, "postconf: exit status 127: "));
	nowhere.command_count = 1;
	nowhere.command = (char *const[]){docker};
	assert_false(postfix_read_settings(&nowhere, &facts, &err));
	assert_string_equal(
	    err.text, "postconf: cannot run no-such-docker: No such file or directory");
}

static void
real_facts_are_read(void **state)
{
	struct postfix_settings facts;
	struct err err;

	(void)state;
	if (!fake_has_postfix())
		suite_skip("Postfix is not installed");
	fake_put("config/main.cf",
	    "compatibility_level = 2\nmydb = texthash\n"
	    "smtp_tls_policy_maps = $mydb:/a,\n"
	    "# a comment\n"
	    "	inline:{ {a.test = may} }\n"
	    "smtp_tls_security_level = verify\n"
	    "login = Yes\n"
	    "smtp_dns_support_level = dnssec\n");
	fake_put("config/master.cf",
	    "a unix - - n - - smtp -o level=Secure -o smtp_tls_security_level=$level\n"
	    "  -o smtp_sasl_auth_enable=$login\n");
	assert_true(postfix_read_settings(&real_postfix, &facts, &err));
	assert_string_equal(facts.policy_maps, "texthash:/a, inline:{ {a.test = may} }");
	assert_int_equal(facts.level, LEVEL_VERIFY);
	assert_true(facts.can_dane);
	assert_true(facts.logs_in);
	assert_int_equal(postfix_service_level(&facts, "a"), LEVEL_SECURE);
	fake_put("config/master.cf", "");
	assert_true(facts.version[0] >= '2' && facts.version[1] == '.');
	postfix_settings_clear(&facts);
}

/* --- files ------------------------------------------------------------------------- */

/* Another size, another file of the same size; not what only looks alike. */
static void
files_have_a_mark(void **state)
{
	char *directory = scratch_new(NULL), *words[] = {(char *)(uintptr_t) "docker"};
	struct postfix here = {.config_directory = directory};
	struct postfix_settings settings = {.directory = directory};
	struct buf main_cf = {0}, master_cf = {0};
	struct err err;
	uint64_t first, second;

	(void)state;
	buf_printf(&main_cf, "%s/main.cf", directory);
	buf_printf(&master_cf, "%s/master.cf", directory);
	assert_int_equal(postfix_files_mark(&here, &settings), 0);
	assert_true(file_write(buf_text(&main_cf), STR("a = 1\n"), &err));
	first = postfix_files_mark(&here, &settings);
	assert_int_not_equal(first, 0);
	assert_int_equal(postfix_files_mark(&here, &settings), first);
	assert_true(file_write(buf_text(&master_cf), STR("x\n"), &err));
	second = postfix_files_mark(&here, &settings);
	assert_int_not_equal(second, first);
	assert_true(file_write(buf_text(&main_cf), STR("a = 12\n"), &err));
	assert_int_not_equal(postfix_files_mark(&here, &settings), second);
	here.config_directory = "";
	assert_int_not_equal(postfix_files_mark(&here, &settings), 0);
	here.command = words;
	here.command_count = 1;
	assert_int_equal(postfix_files_mark(&here, &settings), 0);
	scratch_remove(directory);
	free(directory);
	buf_clear(&main_cf);
	buf_clear(&master_cf);
}

/* --- several ----------------------------------------------------------------------- */

struct join_side {
	const char *version;
	enum level level;
	bool can_dane, sts_patterns;
	const char *dane_trouble, *fallback_relay;
};

static const struct join_row {
	const char *what;
	struct join_side one, other;
	const char *version; /* of both together */
	enum level level;
	bool can_dane, sts_patterns;
	const char *differences;
} join_rows[] = {
    {"alike", {.version = "3.7.11", .level = LEVEL_DANE, .can_dane = true},
        {.version = "3.7.11", .level = LEVEL_DANE, .can_dane = true}, "3.7.11",
        LEVEL_DANE, true, false, ""},
    {"an older one", {.version = "3.10.2", .level = LEVEL_MAY},
        {.version = "3.9.10", .level = LEVEL_MAY}, "3.9.10", LEVEL_MAY, false, false,
        ", its Postfix is 3.9.10 and not 3.10.2"},
    {"a newer one", {.version = "3.9.2", .level = LEVEL_MAY},
        {.version = "3.9.10", .level = LEVEL_MAY}, "3.9.2", LEVEL_MAY, false, false,
        ", its Postfix is 3.9.10 and not 3.9.2"},
    {"the stronger level", {.version = "3.7.1", .level = LEVEL_VERIFY},
        {.version = "3.7.1", .level = LEVEL_MAY}, "3.7.1", LEVEL_VERIFY, false, false,
        ", smtp_tls_security_level is may and not verify"},
    {"a level that is not known", {.version = "3.7.1", .level = LEVEL_VERIFY},
        {.version = "3.7.1", .level = LEVEL_UNKNOWN}, "3.7.1", LEVEL_UNKNOWN, false,
        false, NULL},
    {"DANE and patterns of one alone",
        {.version = "3.11.0", .level = LEVEL_MAY, .can_dane = true, .sts_patterns = true},
        {.version = "3.11.0", .level = LEVEL_MAY, .dane_trouble = "x = y"}, "3.11.0",
        LEVEL_MAY, false, false, ", dane-only does not work: x = y"},
    {"another way", {.version = "3.7.1", .level = LEVEL_MAY},
        {.version = "3.7.1", .level = LEVEL_MAY, .fallback_relay = "relay.test"}, "3.7.1",
        LEVEL_MAY, false, false, ", mail goes elsewhere (transport_maps, relayhost)"},
};

/* Nobody writes into these texts. */
static struct postfix_settings
settings_of(const struct join_side *side)
{
	return (struct postfix_settings){.version = (char *)side->version,
	    .level = side->level,
	    .can_dane = side->can_dane,
	    .sts_patterns = side->sts_patterns,
	    .dane_trouble = (char *)side->dane_trouble,
	    .fallback_relay = (char *)side->fallback_relay};
}

static void
settings_are_joined(void **state)
{
	const struct join_row *row = *state;
	struct postfix_settings one = settings_of(&row->one);
	struct postfix_settings other = settings_of(&row->other), all = one;
	struct buf differences = {0};

	postfix_settings_join(&all, &other);
	assert_string_equal(all.version, row->version);
	assert_int_equal(all.level, row->level);
	assert_int_equal(all.can_dane, row->can_dane);
	assert_int_equal(all.sts_patterns, row->sts_patterns);
	postfix_print_differences(&one, &other, &differences);
	if (row->differences != NULL)
		assert_string_equal(buf_text(&differences), row->differences);
	buf_clear(&differences);
}

int
main(void)
{
	int failed;

	fake_begin();
	FAKE_ROWS(facts_are, facts_rows, "facts: %s", facts_rows[i].name);
	FAKE_ROWS(verification_is_read, authorities_rows,
	    "what certificates are verified by: %s", authorities_rows[i].what);
	FAKE_ROWS(logins_are_read, login_rows, "logging in: %s", login_rows[i].what);
	suite_add(services_are_read_unexpanded, NULL,
	    "what an older postconf does not expand could not be told");
	suite_add(log_names_are_read, NULL, "what it calls itself in its log is read");
	suite_add(lifetime_of_mail_is_read, NULL,
	    "maximal_queue_lifetime is read, in whatever unit");
	suite_add(facts_are_asked_in_two_calls, NULL,
	    "facts are asked in two calls, one for main.cf, one for master.cf");
	FAKE_ROWS(facts_cannot_be_had, unreadable, "facts cannot be had: row %zu", i + 1);
	suite_add(missing_postfix_is_named, NULL, "a missing Postfix is named");
	suite_add(real_facts_are_read, NULL, "postconf of this machine is read");
	suite_add(files_have_a_mark, NULL, "a change of main.cf or master.cf is seen");
	FAKE_ROWS(
	    settings_are_joined, join_rows, "of two servers: %s", join_rows[i].what);
	failed = suite_run();
	fake_end();
	return failed;
}
