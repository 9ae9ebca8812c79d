/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file as values (tlsladder.yaml(5)). Every key has a default; an
 * unknown key, a wrong type or a bad value is a complaint with file:line:column, and
 * all of them are found in one pass. Owns its texts; one owner, any thread may read.
 */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "base/strings.h"
#include "conf/nodes.h"
#include "conf/publishers.h"
#include "core/freeze.h"
#include "core/ladder.h"
#include "core/level.h"
#include "core/resolver_settings.h"
#include "core/settings.h"

/*
 * Every key is a row of one of these tables, which are in the order of the manual:
 * K(type, member, path, default, more). The type is one of conf/value.h (value_TYPE),
 * whose set() reads the value and whose show() writes it; core/settings.h says what the
 * member is in C. The default stands as it would be written, of a list its only item.
 * More: the bounds (.min, .max), .words to choose from, the word for an empty value
 * (.none), and what another value means for what was decided (.change), as struct key has
 * them.
 */
/* clang-format off */
#define CONFIG_LOG(K) \
	K(program, nested, "log.nested", "", /* whose text is our log */ .none = "") \
	K(logs, files, "log.file", "/var/log/mail.log") /* "-" is standard input */ \
	K(second_word, from_start, "log.from", "end", .words = "end start") \
	K(span, learn_ms, "log.learn", "30d", /* of rotated logs; 0: nothing is */ \
	  .max = 400 * SPAN_DAY_MS)

#define CONFIG_STATE(K) \
	K(path, state, "state", STATEDIR "/state.db") \
	K(paths, rules, "rules", RULESDIR "/postfix.yaml") /* earlier files win */

#define CONFIG_MAP(K) \
	K(map_path, file, "map.file", STATEDIR "/tls_policy") \
	K(map_path, seen_as, "map.seen_as", "", /* its path as Postfix has it */ \
	  .none = "") \
	K(word, type, "map.type", "auto", .words = "auto hash lmdb cdb btree texthash none") \
	K(span, settle_ms, "map.settle", "200ms", .max = SPAN_MINUTE_MS)

#define CONFIG_POSTFIX(K) \
	K(path, config_directory, "postfix.config_directory", "", /* Postfix's own */ \
	  .none = "") \
	K(command, command, "postfix.command", "", /* before every command of Postfix */ \
	  .none = "") \
	K(variables, environment, "postfix.environment", "", /* that they keep */ \
	  .none = "") \
	K(level, default_level, "postfix.default_level", "auto", /* which is LEVEL_UNKNOWN */ \
	  .words = "auto none may encrypt dane fingerprint verify secure dane-only") \
	K(boolean, retry, "postfix.retry", "true")

#define CONFIG_DNS(K) \
	K(resolvers, resolvers, "dns.resolver", "auto", .none = "auto") \
	K(second_word, trust_ad, "dns.trust", "auto", .words = "auto ad") \
	K(span, timeout_ms, "dns.timeout", "3s", .min = 100, .max = SPAN_MINUTE_MS) \
	K(number, tries, "dns.tries", "3", .min = 1, .max = 10) \
	K(number, workers, "dns.workers", "8", .min = 1, .max = 64)

#define CONFIG_PROBE(K) \
	K(second_word, off, "probe.servers", "auto", .words = "auto no") \
	K(hosts, canaries, "probe.canaries", "", .none = "") /* that are known to verify */

/* Those of ladder are LADDER_SETTINGS of core/ladder.h and FREEZE_SETTINGS of
 * core/freeze.h. */

#define CONFIG_MTA_STS(K) \
	K(boolean, enable, "mta_sts.enable", "true") \
	K(path, ca_file, "mta_sts.ca_file", "", /* of policy hosts; "": the system's */ \
	  .none = "") \
	K(networks, networks, "mta_sts.networks", "", /* where policy hosts may be, though \
	                                               * these are not public */ \
	  .none = "")

#define CONFIG_PUBLISH(K) \
	K(publishers, publish, "publish", "", .none = "") /* tables beside the map */

#define CONFIG_NODES(K) \
	K(nodes, nodes, "nodes", "", .none = "") /* several Postfix behind one log */

#define CONFIG_NOTIFY(K) \
	K(mail, from, "notify.from", "", .none = "") \
	K(mail, to, "notify.to", "", .none = "") \
	K(command, command, "notify.command", "", /* has alerts on its standard input */ \
	  .none = "") \
	K(second_word, no_digest, "notify.digest", "daily", .words = "daily never") \
	K(path, template, "notify.template", "", /* a file; "": the built-in text */ \
	  .none = "") \
	K(domains, deny, "notify.deny", "", .none = "") /* that are never written to */

#define CONFIG_METRICS(K) \
	K(path, textfile, "metrics.textfile", "", .none = "") /* written each minute; "": not */
/* clang-format on */

struct config {
	struct {
		CONFIG_LOG(SETTING_MEMBER)
	} log;
	CONFIG_STATE(SETTING_MEMBER)
	struct {
		CONFIG_MAP(SETTING_MEMBER)
	} map;
	struct {
		CONFIG_POSTFIX(SETTING_MEMBER)
	} postfix;
	struct {
		CONFIG_DNS(SETTING_MEMBER)
	} dns;
	struct {
		CONFIG_PROBE(SETTING_MEMBER)
	} probe;
	struct ladder_policy ladder;
	struct freeze_limits freeze;
	struct {
		CONFIG_MTA_STS(SETTING_MEMBER)
	} mta_sts;
	CONFIG_PUBLISH(SETTING_MEMBER)
	CONFIG_NODES(SETTING_MEMBER)
	struct {
		CONFIG_NOTIFY(SETTING_MEMBER)
		char *text; /* what is in the template; NULL: none */
	} notify;
	struct {
		CONFIG_METRICS(SETTING_MEMBER)
	} metrics;
};

/* The path of the map as main.cf names it. */
static inline const char *
config_map_seen(const struct config *config)
{
	return config->map.seen_as != NULL && config->map.seen_as[0] != '\0'
	    ? config->map.seen_as
	    : config->map.file;
}

/*
 * Read path into config. False if there is any complaint: they are appended to errs
 * and config is empty. A file that is not there is a complaint as well.
 */
bool config_load(const char *path, struct config *config, struct errs *errs);

/* The same of a text that is called name. */
bool config_parse(
    const char *name, struct str text, struct config *config, struct errs *errs);

/* The defaults alone, as if the file were empty. */
void config_default(struct config *config);

void config_clear(struct config *config);

/* Is it the state, or a file that SQLite or a lock of ours makes beside it? */
bool config_is_state(struct str path, struct str state);

/* Is it the map, or a file that postmap(1) or we make beside it: that name, a dot and
 * more?
 */
bool config_is_map(struct str path, struct str map);

/* The resolver that is to be asked (dns), with the system's resolv.conf where none is
 * named. Borrows from config. */
struct resolver_settings config_resolver(const struct config *config);

/* The keys in the order of the manual, as "ladder.may_after.time"; NULL behind the last.
 * *initial is the default as it would be written, of a list its only item. */
const char *config_key(size_t index, const char **initial);

/* The value of that key as it would be written, of a list each item behind a blank. Of
 * `publish` and `nodes` nothing. */
void config_show(const struct config *config, size_t index, struct buf *out);

/* What was decided was decided under these: the keys whose change has all judged again,
 * "ladder.lowest may" a line. */
void config_show_judging(const struct config *config, struct buf *out);

#endif
