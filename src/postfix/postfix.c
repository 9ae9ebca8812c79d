/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/postfix.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/span.h"
#include "postfix/run.h"

#define POSTCONF_MS 10000
#define FACTS_MAX   ((size_t)1 << 20)

#define ADDRESS_LIMIT     5 /* smtp_mx_address_limit, by default */
#define QUEUE_LIFETIME_MS (5 * SPAN_DAY_MS)
#define BACKOFF_MS        (4000 * SPAN_SECOND_MS)

#define KEPT_SUM "#" /* before a sum, in the place of maps */

/* Parameters that are asked for; those from FACT_LEVEL on are judged here. */
enum fact {
	FACT_VERSION,
	FACT_POLICY_MAPS,
	FACT_DATABASE_TYPE,
	FACT_DIRECTORY,
	FACT_RELAYHOST,
	FACT_TRANSPORT_MAPS,
	FACT_DEFAULT_TRANSPORT,
	FACT_RELAY_DOMAINS,
	FACT_RELAY_TRANSPORT,
	FACT_SENDER_RELAYHOST_MAPS,
	FACT_SENDER_TRANSPORT_MAPS,
	FACT_FALLBACK_RELAY,
	FACT_RECIPIENT_DELIMITER,
	FACT_TCP_PORT,
	FACT_PARENT_DOMAIN_MATCHES,
	FACT_ADDRESS_FORMAT,
	FACT_CA_FILE,
	FACT_CA_PATH,
	FACT_TLS_LOGLEVEL,
	FACT_SYSLOG_NAME,
	FACT_ADDRESS_LIMIT,
	FACT_PROTOCOLS,
	FACT_QUEUE_LIFETIME,
	FACT_BACKOFF,
	FACT_MANDATORY_PROTOCOLS,
	FACT_MANDATORY_CIPHERS,
	FACT_VERIFY_MATCH,
	FACT_SECURE_MATCH,
	FACT_HELO_NAME,
	FACT_LOGS_IN,
	FACT_PASSWORD_MAPS,
	FACT_PASSWORDS_BY_SENDER,
	FACT_LEVEL,
	FACT_USE_TLS,
	FACT_ENFORCE_TLS,
	FACT_ENFORCE_PEERNAME,
	FACT_DNS_SUPPORT,
	FACT_HOST_LOOKUP,
	FACT_IGNORE_MX_ERROR,
	FACT_STS_PATTERNS,
	FACT_RESOLVER_OPTIONS,
	FACT_COUNT,
};

static const char *const parameters[FACT_COUNT + 1] = {
    [FACT_VERSION] = "mail_version",
    [FACT_POLICY_MAPS] = "smtp_tls_policy_maps",
    [FACT_DATABASE_TYPE] = "default_database_type",
    [FACT_DIRECTORY] = "config_directory",
    [FACT_RELAYHOST] = "relayhost",
    [FACT_TRANSPORT_MAPS] = "transport_maps",
    [FACT_DEFAULT_TRANSPORT] = "default_transport",
    [FACT_RELAY_DOMAINS] = "relay_domains",
    [FACT_RELAY_TRANSPORT] = "relay_transport",
    [FACT_SENDER_RELAYHOST_MAPS] = "sender_dependent_relayhost_maps",
    [FACT_SENDER_TRANSPORT_MAPS] = "sender_dependent_default_transport_maps",
    [FACT_FALLBACK_RELAY] = "smtp_fallback_relay",
    [FACT_RECIPIENT_DELIMITER] = "recipient_delimiter",
    [FACT_TCP_PORT] = "smtp_tcp_port",
    [FACT_PARENT_DOMAIN_MATCHES] = "parent_domain_matches_subdomains",
    [FACT_ADDRESS_FORMAT] = "info_log_address_format",
    [FACT_CA_FILE] = "smtp_tls_CAfile",
    [FACT_CA_PATH] = "smtp_tls_CApath",
    [FACT_TLS_LOGLEVEL] = "smtp_tls_loglevel",
    [FACT_SYSLOG_NAME] = "syslog_name",
    [FACT_ADDRESS_LIMIT] = "smtp_mx_address_limit",
    [FACT_PROTOCOLS] = "inet_protocols",
    [FACT_QUEUE_LIFETIME] = "maximal_queue_lifetime",
    [FACT_BACKOFF] = "maximal_backoff_time",
    [FACT_MANDATORY_PROTOCOLS] = "smtp_tls_mandatory_protocols",
    [FACT_MANDATORY_CIPHERS] = "smtp_tls_mandatory_ciphers",
    [FACT_VERIFY_MATCH] = "smtp_tls_verify_cert_match",
    [FACT_SECURE_MATCH] = "smtp_tls_secure_cert_match",
    [FACT_HELO_NAME] = "smtp_helo_name",
    [FACT_LOGS_IN] = "smtp_sasl_auth_enable",
    [FACT_PASSWORD_MAPS] = "smtp_sasl_password_maps",
    [FACT_PASSWORDS_BY_SENDER] = "smtp_sender_dependent_authentication",
    [FACT_LEVEL] = "smtp_tls_security_level",
    [FACT_USE_TLS] = "smtp_use_tls",
    [FACT_ENFORCE_TLS] = "smtp_enforce_tls",
    [FACT_ENFORCE_PEERNAME] = "smtp_tls_enforce_peername",
    [FACT_DNS_SUPPORT] = "smtp_dns_support_level",
    [FACT_HOST_LOOKUP] = "smtp_host_lookup",
    [FACT_IGNORE_MX_ERROR] = "ignore_mx_lookup_error",
    [FACT_STS_PATTERNS] = "smtp_tls_enforce_sts_mx_patterns",
    [FACT_RESOLVER_OPTIONS] = "smtp_dns_resolver_options",
};

/* "name = value". Parameters that this Postfix does not know are not printed. */
static bool
take_value(struct str line, struct str values[FACT_COUNT])
{
	struct str name;

	if (!str_cut(&line, '=', &name))
		return false;
	name = str_trim(name);
	for (size_t i = 0; i < FACT_COUNT; i++)
		if (str_is(name, parameters[i]))
			values[i] = str_trim(line);
	return true;
}

static bool
take_values(struct str text, struct str values[FACT_COUNT])
{
	struct str line;

	while (str_cut(&text, '\n', &line))
		if (!take_value(line, values))
			return false;
	return text.len == 0 && values[FACT_VERSION].len > 0;
}

enum answer
postfix_boolean(struct str value)
{
	return str_equal_nocase(value, STR("yes")) ? ANSWER_YES
	    : str_equal_nocase(value, STR("no"))   ? ANSWER_NO
	                                           : ANSWER_UNSURE;
}

/* Of main.cf, where a parameter that this Postfix does not know is empty. */
static enum answer
boolean(const struct str values[FACT_COUNT], enum fact fact, enum answer initial)
{
	return values[fact].len > 0 ? postfix_boolean(values[fact]) : initial;
}

/* smtp_tls_policy.c, global_tls_level() */
static enum level
default_level(const struct str values[FACT_COUNT])
{
	enum answer enforced = boolean(values, FACT_ENFORCE_TLS, ANSWER_NO);
	enum answer peer = boolean(values, FACT_ENFORCE_PEERNAME, ANSWER_YES);
	enum answer used = boolean(values, FACT_USE_TLS, ANSWER_NO);
	enum level level;

	if (values[FACT_LEVEL].len > 0)
		return level_parse(values[FACT_LEVEL], &level) ? level : LEVEL_UNKNOWN;
	if (enforced == ANSWER_UNSURE || peer == ANSWER_UNSURE || used == ANSWER_UNSURE)
		return LEVEL_UNKNOWN;
	if (enforced == ANSWER_YES)
		return peer == ANSWER_NO ? LEVEL_ENCRYPT : LEVEL_VERIFY;
	return used == ANSWER_YES ? LEVEL_MAY : LEVEL_NONE;
}

static bool
has_word(struct str list, const char *word)
{
	struct str one;

	while (str_next_word(&list, STR_POSTFIX_LIST, &one))
		if (str_equal_nocase(one, str_of(word)))
			return true;
	return false;
}

/* smtp_tls_policy.c, dane_init(): with one of these, dane-only defers all mail. */
static const char *
dane_trouble(const struct str values[FACT_COUNT])
{
	if (!str_equal_nocase(values[FACT_DNS_SUPPORT], STR("dnssec")))
		return "smtp_dns_support_level is not dnssec";
	if (!has_word(values[FACT_HOST_LOOKUP], "dns"))
		return "smtp_host_lookup does not contain dns";
	if (postfix_boolean(values[FACT_IGNORE_MX_ERROR]) != ANSWER_NO)
		return "ignore_mx_lookup_error is not no";
	if (values[FACT_RESOLVER_OPTIONS].len > 0)
		return "smtp_dns_resolver_options is not empty";
	return "";
}

/* "5d", in unit_ms where it names no unit (conv_time.c); initial_ms, Postfix's default,
 * where it is none. */
static int64_t
time_ms(struct str text, int64_t unit_ms, int64_t initial_ms)
{
	static const struct {
		char letter;
		int64_t ms;
	} units[] = {{'s', SPAN_SECOND_MS}, {'m', SPAN_MINUTE_MS}, {'h', SPAN_HOUR_MS},
	    {'d', SPAN_DAY_MS}, {'w', 7 * SPAN_DAY_MS}};
	uint64_t number;

	for (size_t i = 0; text.len > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (ascii_lower(text.p[text.len - 1]) == units[i].letter) {
			unit_ms = units[i].ms;
			text.len--;
			break;
		}
	}
	return str_number(text, INT32_MAX, &number) ? (int64_t)number * unit_ms
	                                            : initial_ms;
}

static char *
copy(struct str text)
{
	return mem_strndup(text.len > 0 ? text.p : "", text.len);
}

/* Which addresses of MX hosts smtp(8) tries, and how many. */
static void
fill_addresses(struct postfix_settings *settings, const struct str values[FACT_COUNT])
{
	bool all = has_word(values[FACT_PROTOCOLS], "all");
	uint64_t limit = ADDRESS_LIMIT;

	if (values[FACT_ADDRESS_LIMIT].len > 0)
		str_number(values[FACT_ADDRESS_LIMIT], UINT32_MAX, &limit);
	settings->address_limit = (unsigned)limit;
	settings->ipv4 = all || has_word(values[FACT_PROTOCOLS], "ipv4");
	settings->ipv6 = all || has_word(values[FACT_PROTOCOLS], "ipv6");
	if (!settings->ipv4 && !settings->ipv6)
		settings->ipv4 = settings->ipv6 = true;
}

/* "postfix-out", of "postfix-out/relay"; "" where it holds what was not expanded. */
static char *
log_name(struct str value)
{
	struct str name = value;

	str_cut(&value, '/', &name);
	return name.len > 0 && memchr(name.p, '$', name.len) == NULL ? copy(name)
	                                                             : mem_strdup("");
}

/* Of password maps, or what stands for them in what is kept. */
static uint64_t
sum_of(struct str maps)
{
	uint64_t sum;

	return str_eat(&maps, STR(KEPT_SUM)) && str_hex(maps, &sum) ? sum
	                                                            : sha256_of(maps);
}

static void
fill_facts(struct postfix_settings *settings, const struct str values[FACT_COUNT])
{
	const char *trouble = dane_trouble(values);

	settings->version = copy(values[FACT_VERSION]);
	settings->level = default_level(values);
	settings->policy_maps = copy(values[FACT_POLICY_MAPS]);
	settings->database_type = copy(values[FACT_DATABASE_TYPE]);
	settings->directory = copy(values[FACT_DIRECTORY]);
	settings->relayhost = copy(values[FACT_RELAYHOST]);
	settings->transport_maps = copy(values[FACT_TRANSPORT_MAPS]);
	settings->default_transport = copy(values[FACT_DEFAULT_TRANSPORT]);
	settings->relay_domains = copy(values[FACT_RELAY_DOMAINS]);
	settings->relay_transport = copy(values[FACT_RELAY_TRANSPORT]);
	settings->relay_parents_match =
	    has_word(values[FACT_PARENT_DOMAIN_MATCHES], "relay_domains");
	settings->sender_relayhost_maps = copy(values[FACT_SENDER_RELAYHOST_MAPS]);
	settings->sender_transport_maps = copy(values[FACT_SENDER_TRANSPORT_MAPS]);
	settings->fallback_relay = copy(values[FACT_FALLBACK_RELAY]);
	settings->recipient_delimiter = copy(values[FACT_RECIPIENT_DELIMITER]);
	settings->tcp_port = copy(values[FACT_TCP_PORT]);
	settings->quotes_addresses = str_is(values[FACT_ADDRESS_FORMAT], "external");
	settings->transport_parents_match =
	    has_word(values[FACT_PARENT_DOMAIN_MATCHES], "transport_maps");
	settings->ca_file = copy(values[FACT_CA_FILE]);
	settings->ca_path = copy(values[FACT_CA_PATH]);
	settings->tls_loglevel = copy(values[FACT_TLS_LOGLEVEL]);
	settings->log_names = log_name(values[FACT_SYSLOG_NAME]);
	fill_addresses(settings, values);
	settings->queue_lifetime_ms =
	    time_ms(values[FACT_QUEUE_LIFETIME], SPAN_DAY_MS, QUEUE_LIFETIME_MS);
	settings->backoff_ms = time_ms(values[FACT_BACKOFF], SPAN_SECOND_MS, BACKOFF_MS);
	settings->mandatory_protocols = copy(values[FACT_MANDATORY_PROTOCOLS]);
	settings->mandatory_ciphers = copy(values[FACT_MANDATORY_CIPHERS]);
	settings->verify_match = copy(values[FACT_VERIFY_MATCH]);
	settings->secure_match = copy(values[FACT_SECURE_MATCH]);
	settings->helo_name = copy(values[FACT_HELO_NAME]);
	settings->logs_in = boolean(values, FACT_LOGS_IN, ANSWER_NO) != ANSWER_NO;
	settings->password_maps = copy(values[FACT_PASSWORD_MAPS]);
	settings->password_sum = sum_of(values[FACT_PASSWORD_MAPS]);
	settings->passwords_by_sender =
	    boolean(values, FACT_PASSWORDS_BY_SENDER, ANSWER_NO) != ANSWER_NO;
	settings->sts_patterns =
	    boolean(values, FACT_STS_PATTERNS, ANSWER_YES) != ANSWER_NO;
	settings->can_dane = trouble[0] == '\0';
	settings->dane_trouble = mem_strdup(trouble);
}

/* Of a service of master.cf. */
static void
add_log_name(struct postfix_settings *settings, struct str value)
{
	struct buf all = {0};
	char *name;

	if (settings->log_names[0] == '\0' ||
	    str_starts(value, STR("${multi_instance_name")) ||
	    str_starts(value, STR("$syslog_name")) ||
	    str_starts(value, STR("${syslog_name")))
		return;
	name = log_name(value);
	if (has_word(str_of(settings->log_names), name))
		buf_printf(&all, "%s", settings->log_names);
	else if (name[0] != '\0')
		buf_printf(&all, "%s %s", settings->log_names, name);
	free(name);
	free(settings->log_names);
	settings->log_names = mem_strdup(buf_text(&all));
	buf_clear(&all);
}

/* What is no level, or was not expanded, is one that could not be told. */
static void
take_service_level(struct postfix_settings *settings, struct str name, struct str value)
{
	struct service_level *service;
	enum level level = LEVEL_UNKNOWN;

	level_parse(value, &level);
	settings->services = mem_array(
	    settings->services, settings->service_count + 1, sizeof(*settings->services));
	service = &settings->services[settings->service_count++];
	service->name = copy(name);
	service->level = level;
}

/* Whose mail goes by which service is not known to a destination: what one may send, any
 * may. */
static void
add_password_maps(struct postfix_settings *settings, struct str maps)
{
	struct buf all = {0};

	buf_printf(&all, "%s ", settings->password_maps);
	buf_add_str(&all, maps);
	free(settings->password_maps);
	settings->password_maps = mem_strdup(buf_text(&all));
	settings->password_sum = settings->password_sum * 31 + sum_of(maps);
	buf_clear(&all);
}

/* "relay/unix/smtp_tls_security_level = encrypt" */
static void
take_service(struct postfix_settings *settings, struct str line)
{
	struct str name, type, parameter, value;
	bool may_be;

	if (!str_cut(&line, '/', &name) || !str_cut(&line, '/', &type) ||
	    !str_cut(&line, '=', &parameter) || !str_is(type, "unix"))
		return;
	parameter = str_trim(parameter);
	value = str_trim(line);
	may_be = postfix_boolean(value) != ANSWER_NO;
	if (str_is(parameter, parameters[FACT_LEVEL]))
		take_service_level(settings, name, value);
	else if (str_is(parameter, parameters[FACT_SYSLOG_NAME]))
		add_log_name(settings, value);
	else if (str_is(parameter, parameters[FACT_LOGS_IN]))
		settings->logs_in = settings->logs_in || may_be;
	else if (str_is(parameter, parameters[FACT_PASSWORDS_BY_SENDER]))
		settings->passwords_by_sender = settings->passwords_by_sender || may_be;
	else if (str_is(parameter, parameters[FACT_PASSWORD_MAPS]))
		add_password_maps(settings, value);
	else if (str_is(parameter, parameters[FACT_STS_PATTERNS]))
		settings->sts_patterns = settings->sts_patterns && may_be;
	else if (str_is(parameter, parameters[FACT_CA_FILE]) ||
	    str_is(parameter, parameters[FACT_CA_PATH]))
		settings->service_authorities =
		    settings->service_authorities || value.len > 0;
}

/* The services' own values, expanded where expand is "-Px". False: none were printed. */
static bool
ask_services(const struct postfix *postfix, const char *expand, struct buf *out)
{
	const char *arguments[] = {expand, "*/unix/smtp_tls_security_level",
	    "*/unix/smtp_sasl_auth_enable", "*/unix/smtp_sasl_password_maps",
	    "*/unix/smtp_sender_dependent_authentication", "*/unix/syslog_name",
	    "*/unix/smtp_tls_CAfile", "*/unix/smtp_tls_CApath",
	    "*/unix/smtp_tls_enforce_sts_mx_patterns", NULL};
	struct postfix_call call = {
	    .program = "postconf",
	    .arguments = arguments,
	    .timeout_ms = POSTCONF_MS,
	    .output_max = FACTS_MAX,
	};
	struct child_result result;
	struct err ignored;
	bool done = postfix_run_well(postfix, &call, &result, &ignored);

	if (done)
		buf_add_str(
		    out, (struct str){buf_text(&result.output), result.output.len});
	child_result_clear(&result);
	return done;
}

/* --- what was printed, kept -------------------------------------------------------- */

/* Between what main.cf and master.cf have; UNTOLD where the latter could not be had. */
#define SERVICES "="
#define UNTOLD   "?"

/* Of main.cf, or as SERVICE/TYPE/NAME. */
static bool
is_password_maps(struct str name)
{
	struct str part;

	while (str_cut(&name, '/', &part))
		;
	return str_is(name, parameters[FACT_PASSWORD_MAPS]);
}

/* A map's name may be a password, as static:user:password: a sum stands for it. */
static void
keep_line(struct str line, struct buf *out)
{
	struct str value = line, name;

	if (str_cut(&value, '=', &name) && is_password_maps(str_trim(name)) &&
	    str_trim(value).len > 0)
		buf_printf(out, "%.*s= " KEPT_SUM "%016llx\n", STR_ARG(name),
		    (unsigned long long)sha256_of(str_trim(value)));
	else
		buf_printf(out, "%.*s\n", STR_ARG(line));
}

static void
keep(struct str main, bool told, struct str services, struct buf *out)
{
	struct str line;

	while (str_cut(&main, '\n', &line))
		keep_line(line, out);
	buf_printf(out, "%s\n", told ? SERVICES : UNTOLD);
	while (told && str_cut(&services, '\n', &line))
		keep_line(line, out);
}

/*
 * Where a service's values cannot be had at all, one may log in with any password: as
 * where passwords are senders' and cannot be looked up.
 */
static bool
fill(struct str main, bool told, struct str services, struct postfix_settings *settings)
{
	struct str values[FACT_COUNT] = {{"", 0}}, line;

	if (!take_values(main, values))
		return false;
	fill_facts(settings, values);
	if (!told)
		settings->logs_in = settings->passwords_by_sender = true;
	while (str_cut(&services, '\n', &line))
		take_service(settings, line);
	return true;
}

bool
postfix_settings_recall(struct str told, struct postfix_settings *settings)
{
	struct str rest = told, main = {told.p, 0}, line;

	*settings = (struct postfix_settings){0};
	while (str_cut(&rest, '\n', &line)) {
		bool untold = str_is(line, UNTOLD);

		if (!untold && !str_is(line, SERVICES)) {
			main.len = (size_t)(rest.p - told.p);
			continue;
		}
		if (!fill(main, !untold, rest, settings))
			return false;
		settings->told = copy(told);
		return true;
	}
	return false;
}

/* Where they cannot be expanded, those with a $ could not be told. */
static bool
read_services(const struct postfix *postfix, struct buf *out)
{
	return ask_services(postfix, "-Px", out) || ask_services(postfix, "-P", out);
}

static bool
take_printed(
    const struct postfix *postfix, struct str main, struct postfix_settings *settings)
{
	struct buf services = {0}, kept = {0};
	bool told = read_services(postfix, &services), done;
	struct str text = {buf_text(&services), services.len};

	done = fill(main, told, text, settings);
	if (done) {
		keep(main, told, text, &kept);
		settings->told = mem_strdup(buf_text(&kept));
	}
	buf_clear(&services);
	buf_clear(&kept);
	return done;
}

bool
postfix_read_settings(
    const struct postfix *postfix, struct postfix_settings *settings, struct err *err)
{
	const char *arguments[FACT_COUNT + 2] = {"-x"};
	struct postfix_call call = {
	    .program = "postconf",
	    .arguments = arguments,
	    .timeout_ms = POSTCONF_MS,
	    .output_max = FACTS_MAX,
	};
	struct child_result result;
	bool done;

	*settings = (struct postfix_settings){0};
	memcpy(arguments + 1, parameters, sizeof(parameters));
	done = postfix_run_well(postfix, &call, &result, err);
	if (done) {
		struct str text = {buf_text(&result.output), result.output.len};

		done = (memchr(text.p, '\0', text.len) == NULL &&
		           take_printed(postfix, text, settings)) ||
		    err_set(err, "postconf printed what cannot be read");
	}
	child_result_clear(&result);
	return done;
}
