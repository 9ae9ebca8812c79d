/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands: one file each, one struct command each, a row in cmd.c's table. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/config.h"
#include "core/rules.h"
#include "postfix/postfix.h"
#include "store/store.h"

struct target_use;

/* The options of every command. */
struct options {
	const char *config_file;
	bool verbose;
};

struct command {
	const char *name;
	/* Behind the name: "[--json] [--for TIME] DOMAIN". Every option is in it, and
	 * behind it the value that it wants, if any: cmd/words.c goes by that, and
	 * completion. */
	const char *usage;
	const char *summary; /* one line for --help */
	const char
	    *help; /* what COMMAND --help says of the arguments; NULL: nothing more */
	void (*more_help)(struct buf *out); /* the same out of a table; NULL: none */
	/* argv[0] is the subcommand. The exit status, as in sysexits.h. */
	int (*run)(const struct options *options, int argc, char **argv);
};

extern const struct command cmd_adopt, cmd_again, cmd_check, cmd_doctor, cmd_explain,
    cmd_export, cmd_help, cmd_list, cmd_match, cmd_metrics, cmd_notice, cmd_policy,
    cmd_queue, cmd_report, cmd_rules, cmd_run, cmd_scan, cmd_schema, cmd_set, cmd_status,
    cmd_undo, cmd_unpublish, cmd_unset;

/* All of them, in the order of the manual. */
extern const struct command *const commands[];
extern const size_t command_count;

/* "tlsladder: error: ..." on stderr; the status, so that `return cmd_fail(...)` works. */
int cmd_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, with the status: nothing is known of the destination with that key. */
int cmd_unknown(const char *key);

/* "tlsladder: warning: ..." and "tlsladder: note: ..." on stderr. */
void cmd_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cmd_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A wrong command line: what is wrong, and the usage. EX_USAGE. */
int cmd_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * For what getopt_long(3) returns beside the options, with a ':' in front of its short
 * options: what is wrong, and the usage. EX_USAGE.
 */
int cmd_wrong_option(const struct command *command, int option, char **argv);

/* The same for a command that has no options, which may end them with "--": 0, and optind
 * is at its first argument; or EX_USAGE. */
int cmd_no_options(const struct command *command, int argc, char **argv);

/* Print all complaints. EX_CONFIG. */
int cmd_complain(struct errs *errs);

/* The configuration, and with rules the compiled rules as well. 0, or EX_CONFIG after
 * all complaints were printed. */
int cmd_load(const struct options *options, struct config *config, struct rules **rules);

/* How to reach Postfix by this configuration; borrows from it. */
struct postfix cmd_postfix(const struct config *config);
/* The same of that node. */
struct postfix cmd_node(const struct config *config, size_t at);
/* What Postfix has in main.cf, of nodes the first that tells; where its maps are asked is
 * in *of. False: none tells, see err. */
bool cmd_settings(const struct config *config, struct postfix *of,
    struct postfix_settings *settings, struct err *err);

/* The state, which must exist already unless create; then what was lost of it is taken
 * over from the map, with a warning. NULL: the cause was reported, and *status is the
 * exit status. */
struct store *cmd_store(const struct config *config, bool create, int *status);

/* Where a command ended with EX_IOERR and the state that cmd_store() was asked for is
 * malformed, a note on stderr says what heals it. The status as it is. */
int cmd_store_ended(int status);

/* Publish what was stored, of which what says "entry is" or "entries are". 0, or the exit
 * status: what failed is said, a table not as the map. */
int cmd_publish(const struct target_use *use, const char *what);

/*
 * An argument as next-hop (cmd/operand.h), with a note where an address or a URL was cut
 * to it. cmd_key(): ".example.org" is one as well. False: it is none, which was reported.
 */
bool cmd_nexthop(
    const struct command *command, const char *argument, struct nexthop *out);
bool cmd_key(const struct command *command, const char *argument, struct nexthop *out);

/* Report how many lines of a log were skipped as too long; 0: no report. */
void cmd_tell_long(const char *path, uint64_t count);

/* stdout, flushed and checked: 0 or EX_IOERR. For the last line of a command. */
int cmd_flush(void);

/* UTC, as JSON and alerts have it, as "2026-11-24 07:12:01"; "-" for 0. */
void buf_add_time(struct buf *buf, int64_t ms);

/* UTC with a Z as RFC 3339 writes it, in quotes, null for 0: for JSON. */
void buf_add_json_time(struct buf *buf, int64_t ms);
/* A member behind others. */
void buf_add_time_member(struct buf *buf, const char *name, int64_t ms);

/* Red, yellow, green on a terminal without NO_COLOR, else as it is. */
enum colour {
	COLOUR_RED,
	COLOUR_YELLOW,
	COLOUR_GREEN,
	COLOUR_BOLD,
};
void buf_add_colour(struct buf *buf, enum colour colour, const char *text);

#endif
