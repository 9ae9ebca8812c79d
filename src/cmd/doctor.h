/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checks of `doctor`. Each says one line and, where something is wrong, what to type
 * to mend it: lines for a root shell; what no command can do stands behind a #.
 */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd/cmd.h"
#include "conf/config.h"
#include "postfix/postfix.h"
#include "sys/process.h"

enum doctor_result {
	DOCTOR_OK,
	DOCTOR_WARNING,
	DOCTOR_FAULT,
	DOCTOR_RESULT_COUNT,
};

struct doctor {
	const struct options *options;
	const struct config *config;
	struct postfix postfix;           /* of nodes the first that answers */
	struct postfix_settings settings; /* empty where Postfix could not be asked */
	bool has_postfix;
	enum level level;     /* the default level that counts */
	const char *map_type; /* the type that is built */
	bool chrooted;        /* smtp(8) runs in queue_directory */
	char *queue_directory;
	char user[64];     /* the user that the service runs as, or will */
	bool is_root;      /* as root: what may be read and written tells nothing then */
	bool is_ownerless; /* root has the state, and nobody is known to be the user */
	bool is_other;     /* neither root nor that user */
	struct process service; /* the daemon; else one as it would be started: as ours */
	bool has_service;       /* it is known */
	bool sees_daemon;       /* it is the daemon that runs */
	char unit[PROCESS_UNIT_SIZE]; /* of the daemon that is seen; "": the usual one */
	bool can_open;                /* the state may be opened without doing harm */
	bool runs;                    /* the daemon */
	bool has_map;                 /* Postfix that names our map finds it */
	bool json;
	struct buf config_text;
	struct buf written; /* sections of it that advice adds, a line each */
	struct buf advice;  /* for the next word of doctor_say() */
	unsigned counts[DOCTOR_RESULT_COUNT];
};

/* The line, with the advice that was put together before it. check: a word. */
void doctor_say(struct doctor *doctor, enum doctor_result result, const char *check,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A line of advice, as it is. */
void doctor_advise(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Advice to set a parameter of main.cf and to reload Postfix. */
void doctor_advise_setting(struct doctor *doctor, const char *name, const char *value);

/*
 * Advice to set a key of our own configuration, and to restart the daemon: a command,
 * where one is sure to write the right thing, else what to write. key NULL: the section
 * itself is the key. value: as it stands in YAML, "127.0.0.1".
 */
void doctor_advise_yaml(
    struct doctor *doctor, const char *section, const char *key, const char *value);

/* "systemctl restart UNIT", or what does it without systemd; for tlsladder itself that is
 * words behind a #, as nobody knows what supervises it. verb: of systemctl. "tlsladder":
 * the unit that the daemon is of, whatever it is called. */
void doctor_advise_unit(struct doctor *doctor, const char *verb, const char *unit);
void doctor_advise_restart(struct doctor *doctor);

/* A word of a shell command, quoted where it has to be. */
void buf_add_shell(struct buf *buf, const char *word);

/* "postconf -c /etc/postfix-out", with the words that reach it before it. */
void doctor_add_postfix(
    const struct doctor *doctor, const char *program, struct buf *buf);

/* "tlsladder -c FILE", without -c where the file is the standard one. */
void doctor_add_self(const struct doctor *doctor, struct buf *buf);

/* A command of Postfix, or (plain) any other where Postfix is. False: it failed, see err.
 * arguments end in NULL; out gets what it printed. */
bool doctor_run(const struct doctor *doctor, bool plain, const char *program,
    const char *const *arguments, struct buf *out, struct err *err);

/* A parameter of main.cf, "" where it is unknown. free() */
char *doctor_parameter(const struct doctor *doctor, const char *name);

/* A file that Postfix reads, from where Postfix is. */
bool doctor_read(
    const struct doctor *doctor, const char *path, struct buf *out, struct err *err);

/* doctor_user.c */
void doctor_find_user(struct doctor *doctor);
/* False: whoever asks is not the user of the service, and was told whom to ask as. */
bool doctor_check_user(struct doctor *doctor);

/* doctor_postfix.c */
void doctor_check_postfix(struct doctor *doctor);
void doctor_check_level(struct doctor *doctor);
void doctor_check_loglevel(struct doctor *doctor);
void doctor_check_dane(struct doctor *doctor);
void doctor_check_delivery(struct doctor *doctor);
void doctor_check_tools(struct doctor *doctor);
void doctor_check_notify(struct doctor *doctor);

/* Does mail go there that nothing sends elsewhere (default_transport)? */
bool doctor_is_default_service(const struct doctor *doctor, struct str service);
/* Advice to take "smtp/unix/PARAMETER" out of master.cf. */
void doctor_advise_service(struct doctor *doctor, const char *parameter);

/* doctor_queue.c */
void doctor_check_queue(struct doctor *doctor);

/* doctor_nodes.c */
void doctor_check_nodes(struct doctor *doctor);

/* doctor_map.c */
void doctor_check_map_type(struct doctor *doctor);
void doctor_check_map(struct doctor *doctor);
char *doctor_index(const struct doctor *doctor); /* the file that Postfix reads; free() */

/* doctor_policy.c */
bool doctor_is_proxied(
    const struct doctor *doctor); /* is our map asked by proxymap(8)? */
void doctor_check_policy_maps(struct doctor *doctor);
void doctor_check_transport_maps(struct doctor *doctor);

/* doctor_tables.c */
void doctor_check_tables(struct doctor *doctor);

/* doctor_trust.c */
void doctor_check_clock(struct doctor *doctor);
void doctor_check_authorities(struct doctor *doctor);
void doctor_check_resolvers(struct doctor *doctor);

/* doctor_files.c */
char *doctor_blocked(const char *path); /* a directory above it that others may not enter,
                                         * NULL if none; free() */
/* "COMMAND PATH" */
void doctor_advise_path(struct doctor *doctor, const char *command, const char *path);
/* Do others have files there, as in /etc/postfix? Whose directory it is may replace them.
 */
bool doctor_is_shared(const struct doctor *doctor, const char *directory);
/* Is the directory of path there, and ours alone to write? */
void doctor_check_directory(struct doctor *doctor, const char *check, const char *path);
void doctor_check_state(struct doctor *doctor);

/* doctor_log.c */
void doctor_check_log(struct doctor *doctor);
void doctor_check_other_postfix(struct doctor *doctor);
/* Does the log stand still though messages of the queue were deferred later? newest_s:
 * when the last one came of those that are deferred, 0: none is. */
void doctor_check_log_grows(struct doctor *doctor, int64_t newest_s);
/* When the last line was written to any of them; 0: it cannot be told. */
int64_t doctor_log_written_s(const struct strings *files);
/* Nobody writes it: a message that came at came_s (0: none) is deferred. */
bool doctor_log_stands_still(
    const struct doctor *doctor, int64_t written_s, int64_t came_s, int64_t now_s);
/* Advice to have somebody write a log that Postfix does not write itself. */
void doctor_advise_syslog(struct doctor *doctor, const char *path);

/* doctor_daemon.c */
void doctor_check_daemon(struct doctor *doctor);
/* What mail waits for that is a fault of ours, in the daemon's own words. */
void doctor_check_waits(struct doctor *doctor);
void doctor_check_settings(struct doctor *doctor);

/* doctor_ladder.c */
void doctor_check_ladder(struct doctor *doctor);

/* doctor_sts.c */
void doctor_check_sts(struct doctor *doctor);

/* doctor_state.c */
bool doctor_check_whole(struct doctor *doctor); /* false: it is malformed, and said so */
/* store NULL: none. True: it was lost, and the map has more. */
bool doctor_check_origin(struct doctor *doctor, struct store *store);
void doctor_check_metrics(struct doctor *doctor);
/* May the service make files in that directory? What cannot be told is yes. */
bool doctor_may_write(const struct doctor *doctor, const char *directory);
/* Is there a text at map.file that nothing says to be ours? Nothing is written over it.
 */
bool doctor_is_map_foreign(const struct doctor *doctor);
void doctor_check_map_text(struct doctor *doctor);

#endif
