/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Postfix asked through its own commands: postconf, postqueue, postmap, posttls-finger.
 * Everything blocks and belongs into a worker. Three answers: yes, no, unsure.
 */
#ifndef POSTFIX_POSTFIX_H
#define POSTFIX_POSTFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/answer.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/ports.h"
#include "base/span.h"
#include "base/str.h"
#include "base/strings.h"
#include "core/level.h"

/* How to reach this Postfix. Borrowed; must outlive every call. */
struct postfix {
	const char *config_directory; /* "" or NULL: Postfix's own */
	char *const *command;         /* words before every command */
	size_t command_count;
	const struct strings *environment; /* variables that they keep; NULL: none */
	/* The file of our map, and what Postfix calls it: commands are told of that, and
	 * so of files that begin with its name and a dot. NULL: it has one name. */
	const char *map_file;
	const char *map_seen_as;
	int64_t lookup_ms; /* the longest that a look-up in a map may take; 0: a minute */
};

/* A service of master.cf that has a level of its own. */
struct service_level {
	char *name;       /* "relay" */
	enum level level; /* LEVEL_UNKNOWN: could not be told */
};

/* What main.cf says that matters here. Texts are the owner's; postfix_settings_clear().
 */
struct postfix_settings {
	char *version;       /* mail_version, "3.7.11" */
	enum level level;    /* smtp_tls_security_level; see below for an empty one;
	                      * LEVEL_UNKNOWN for a word that is no level */
	char *policy_maps;   /* smtp_tls_policy_maps, expanded */
	char *database_type; /* default_database_type */
	char *directory;     /* config_directory */
	char *relayhost;
	char *transport_maps;
	char *default_transport;
	char *relay_domains;
	char *relay_transport;
	bool relay_parents_match;    /* relay_domains is in
	                                parent_domain_matches_subdomains */
	char *sender_relayhost_maps; /* sender_dependent_relayhost_maps */
	char *sender_transport_maps; /* sender_dependent_default_transport_maps */
	char *fallback_relay;        /* smtp_fallback_relay */
	char *recipient_delimiter;
	char *tcp_port;        /* smtp_tcp_port, a number or a name */
	bool quotes_addresses; /* in its log: info_log_address_format, Postfix 3.5 */
	bool transport_parents_match; /* transport_maps is in
	                                 parent_domain_matches_subdomains */
	char *ca_file;                /* smtp_tls_CAfile */
	char *ca_path;                /* smtp_tls_CApath */
	char *tls_loglevel;           /* smtp_tls_loglevel */
	char *log_names;           /* syslog_name, up to a slash, and those of services,
	                              apart by blanks; "": not known */
	unsigned address_limit;    /* smtp_mx_address_limit; 0: none */
	bool ipv4, ipv6;           /* inet_protocols */
	int64_t queue_lifetime_ms; /* maximal_queue_lifetime */
	int64_t backoff_ms;        /* maximal_backoff_time */
	char *mandatory_protocols; /* smtp_tls_mandatory_protocols */
	char *mandatory_ciphers;   /* smtp_tls_mandatory_ciphers */
	char *verify_match;        /* smtp_tls_verify_cert_match */
	char *secure_match;        /* smtp_tls_secure_cert_match */
	char *helo_name;           /* smtp_helo_name */
	bool logs_in;              /* smtp_sasl_auth_enable, of a service at least;
	                            * also where that could not be told */
	char *password_maps;       /* smtp_sasl_password_maps, of all services */
	uint64_t password_sum;     /* of these maps, in the place of what may be a secret
	                            */
	bool passwords_by_sender;  /* smtp_sender_dependent_authentication, as logs_in */
	bool service_authorities;  /* a service has a CA file or path of its own */
	bool sts_patterns;         /* smtp_tls_enforce_sts_mx_patterns is not no, of no
	                            * service */
	struct service_level *services; /* master.cf: -o smtp_tls_security_level=... */
	size_t service_count;
	bool can_dane;      /* dane-only would work: no reason against it */
	char *dane_trouble; /* which setting forbids it, "" if can_dane */
	char *told;         /* all of this as a text without secrets */
};

/* A boolean of main.cf or master.cf, in upper or lower case. UNSURE: neither yes nor no,
 * at which smtp(8) does not start, or a $ that was not expanded. */
enum answer postfix_boolean(struct str value);

/*
 * One postconf for main.cf, one for master.cf. An empty smtp_tls_security_level is, as in
 * smtp_tls_policy.c, verify with smtp_enforce_tls (encrypt where
 * smtp_tls_enforce_peername is no), may with smtp_use_tls, else none. A parameter that
 * this Postfix does not know is empty. False: postconf failed or printed what could not
 * be read; settings are then empty.
 */
bool postfix_read_settings(
    const struct postfix *postfix, struct postfix_settings *settings, struct err *err);
void postfix_settings_clear(struct postfix_settings *settings);

/* Those of such a text. password_maps are a name that no map has; their sum is the same.
 * False: it is none; settings are empty. */
bool postfix_settings_recall(struct str told, struct postfix_settings *settings);

/*
 * A sum of all that decisions rest on, with the default level that counts; never 0. The
 * daemon keeps that of the settings it decided under as POSTFIX_SETTINGS_COUNTER.
 */
#define POSTFIX_SETTINGS_COUNTER "settings"
int64_t postfix_settings_sum(
    const struct postfix_settings *settings, enum level default_level);

/*
 * What tells whether main.cf or master.cf was changed: smtp(8) takes a change without a
 * reload, and without a line in the log. 0: cannot be told, as they are not on this
 * machine. Two stat(2): does not block.
 */
uint64_t postfix_files_mark(
    const struct postfix *postfix, const struct postfix_settings *settings);

/* The default level of two Postfix servers that an entry is for: the stronger one;
 * LEVEL_UNKNOWN where one is not known. */
enum level postfix_stronger_level(enum level a, enum level b);

/* An entry is for one more Postfix: all becomes what each of them can do, of an older
 * version, and the strongest default level. The rest stays as the first one has it. Texts
 * of all are borrowed of either. */
void postfix_settings_join(
    struct postfix_settings *all, const struct postfix_settings *one);

/* In what b is not as a: ", ..." for each; nothing: in nothing that matters. */
void postfix_print_differences(
    const struct postfix_settings *a, const struct postfix_settings *b, struct buf *out);

/* Of several servers others must not wait for one that hangs: lookup_ms. */
#define POSTFIX_LOOKUP_ONE_MS (10 * SPAN_SECOND_MS)

/* Is there a CA that a certificate could be verified by? tls_append_default_CA adds
 * those of the system to such a setting alone. */
bool postfix_has_authorities(const struct postfix_settings *settings);

/* Ports that next-hops have which write none: the standard of ports becomes that of
 * smtp(8), or mail's where that says no port. */
void postfix_take_port(const struct postfix_settings *settings, struct ports *ports);

/* The default level of mail that this service of master.cf delivers. */
enum level postfix_service_level(
    const struct postfix_settings *settings, const char *service);

/*
 * The maps named in smtp_tls_policy_maps other than ours ("type:name", the name being
 * our map's path), into a NULL-terminated array of new texts. Our own may be missing:
 * *ours tells. proxy: prefixes are kept; what stands in braces is one map, and ours
 * where it names our path. An empty path: none is ours.
 */
char **postfix_other_maps(const char *policy_maps, const char *our_path, bool *ours);
void postfix_maps_free(char **maps);

/* Take the one of that name ("type:name", proxy: before either does not count) out of the
 * array, wherever it stands. True: it was there. */
bool postfix_maps_drop(char **maps, const char *name);

/*
 * Here and below proxy: maps are opened directly, as proxymap(8) serves Postfix alone,
 * and have five seconds, and a while for each key.
 */

/*
 * Does one of maps answer for key, as smtp(8) asks: the key, and for a host name its
 * parents .b.c and .c too (smtp_tls_policy.c)? keys[0..count): one postmap call a map
 * and up to 1000 keys. answers[i] is YES, NO, or UNSURE where a map failed or the key
 * cannot be asked (empty, blanks, control bytes). False: a map failed, the first one of
 * them is in err, with what could not be read.
 */
bool postfix_maps_answer(const struct postfix *postfix, char *const *maps,
    const char *const *keys, size_t count, enum answer *answers, struct err *err);

/*
 * Is one of keys[0..count), exactly as they are, in one of maps (names parted as in
 * main.cf)? UNSURE: none is where it could be told, and a map could not be asked; err
 * says why.
 */
enum answer postfix_maps_have(const struct postfix *postfix, const char *maps,
    const char *const *keys, size_t count, struct err *err);

/*
 * One `postmap -q - map` for keys[0..count), exactly as they are. found() is called for
 * each key that is there, in their order; the value is borrowed for the call. False: the
 * map could not be asked, or printed something else; found() may have been called.
 */
typedef void postfix_found_fn(void *context, size_t index, struct str value);
bool postfix_lookup_all(const struct postfix *postfix, const char *map,
    const char *const *keys, size_t count, postfix_found_fn *found, void *context,
    struct err *err);

/* The same for one key: YES with its value in *value (free()), NO, UNSURE with err. */
enum answer postfix_lookup(const struct postfix *postfix, const char *map,
    const char *key, char **value, struct err *err);

/* `postmap -s map`: key() for each key in it, in no order; borrowed. False: err says why,
 * key()'s own or that the map cannot be listed, as cdb; key() may have been called. */
typedef bool postfix_key_fn(void *context, struct str key, struct err *err);
bool postfix_each_key(const struct postfix *postfix, const char *map, postfix_key_fn *key,
    void *context, struct err *err);

/* The same for the value of each key in all of maps (names parted as in main.cf). */
bool postfix_each_value(const struct postfix *postfix, const char *maps,
    postfix_key_fn *value, void *context, struct err *err);

/* postmap map ("hash:/path"): build it from its text. Output of a failure goes to err. */
bool postfix_postmap(const struct postfix *postfix, const char *map, struct err *err);

/*
 * Change a built map as it is: lines "key<TAB>value" that come or are changed (postmap
 * -r -i), lines of keys that go, whether they are there or not (postmap -d).
 */
bool postfix_map_put(
    const struct postfix *postfix, const char *map, struct str lines, struct err *err);
bool postfix_map_delete(
    const struct postfix *postfix, const char *map, struct str keys, struct err *err);

/* postqueue -i for each queue id (valid ones only; see postfix_is_queue_id). False:
 * one of them failed, or is no queue id; the rest was tried. An id that is no longer
 * in the queue is no failure. */
bool postfix_retry(const struct postfix *postfix, const char *const *queue_ids,
    size_t count, struct err *err);
bool postfix_flush(const struct postfix *postfix, struct err *err); /* postqueue -f */

/* Letters, digits and _ only, 1 to 255 (mail_queue.c: mail_queue_id_ok), no option. */
bool postfix_is_queue_id(const char *text);

/* One recipient of one queued message, as postqueue -j shows it. Borrowed for the call.
 */
struct queued {
	const char *queue_name;
	const char *queue_id;
	int64_t arrival_s;
	const char *address;
	const char *delay_reason; /* "" if none */
};

/* Lines of a listing that are no messages: what they would tell of is not in it. */
struct queue_refused {
	size_t count;
	struct err why; /* of the first one, if any */
};

/*
 * Call fn for each recipient in the queue. False: postqueue failed; what came before was
 * handed out. A line that is no message as JSON is passed over and counted: with any,
 * that a message was not handed out does not mean that it is not there. Bytes that are no
 * UTF-8 are handed out as '?'. Unknown members are ignored.
 */
bool postfix_read_queue(const struct postfix *postfix,
    void (*fn)(void *context, const struct queued *queued), void *context,
    struct queue_refused *refused, struct err *err);

#endif
