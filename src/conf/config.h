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

#include "base/err.h"
#include "base/str.h"
#include "base/strings.h"
#include "conf/publishers.h"
#include "core/freeze.h"
#include "core/ladder.h"
#include "core/level.h"
#include "core/resolver_settings.h"

struct config {
	struct {
		struct strings files; /* "-" is standard input */
		bool from_start;
		int64_t learn_ms; /* 0: nothing is learnt of the rotated logs */
		char *nested;     /* the program whose text is our log; "": none */
	} log;
	char *state;
	struct strings rules; /* earlier files win */
	struct {
		char *file;
		char *type; /* "auto", or a map type of Postfix, or "none" */
		int64_t settle_ms;
	} map;
	struct {
		char *config_directory;   /* "": Postfix's own */
		struct strings command;   /* words before every Postfix command */
		enum level default_level; /* LEVEL_UNKNOWN: auto */
		bool retry;
	} postfix;
	struct {
		struct strings resolvers; /* empty: auto; else ADDRESS or ADDRESS@PORT */
		bool trust_ad;            /* trust: ad */
		int64_t timeout_ms;
		unsigned tries;
		unsigned workers;
	} dns;
	struct {
		bool off;                /* servers: no */
		struct strings canaries; /* hosts that are known to verify */
	} probe;
	struct ladder_policy ladder;
	struct freeze_limits freeze; /* ladder.freeze */
	struct {
		bool enable;
		char *ca_file;           /* of policy hosts; "": the system's */
		struct strings networks; /* where policy hosts may be though they are not
		                          * on the public internet */
	} mta_sts;
	struct publishers publish; /* tables beside the map */
	struct {
		char *to; /* "": none */
		char *from;
		struct strings command; /* it has alerts on its standard input */
		struct strings deny;    /* domains that are never written to */
		bool no_digest;
		char *template; /* a file; "": the built-in text */
		char *text;     /* what is in it; NULL: none */
	} notify;
	struct {
		char *textfile; /* written each minute; "": not */
	} metrics;
};

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

#endif
