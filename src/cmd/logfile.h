/* SPDX-License-Identifier: BSD-2-Clause */
/* What a command that reads logs has to know of them beside their lines. */
#ifndef CMD_LOGFILE_H
#define CMD_LOGFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/answer.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/config.h"
#include "core/fold.h"

/*
 * Do the addresses in a log stand in quotes where they need them? Its own Postfix is
 * asked (info_log_address_format); of a log that is not one of the configuration's the
 * lines must say so, by which Postfix started, each for itself.
 */
#define LOGFILE_INSTANCES 64 /* whoever comes behind these is not known */

struct logfile_instance {
	uint64_t instance;   /* parsed_instance() */
	enum answer started; /* of the versions that its lines told: YES or NO */
};

struct logfile {
	const struct config *config;
	const char *path;
	struct logfile_instance instances[LOGFILE_INSTANCES];
	size_t instance_count;
	bool asked;
	bool own;
	enum answer postfix; /* what it says of itself; UNSURE: cannot be asked */
};

/* path: borrowed, "-" for standard input. */
void logfile_init(struct logfile *log, const struct config *config, const char *path);

/* Is it one of log.file, or a rotated one beside it? */
bool logfile_is_own(const struct config *config, const char *path);

/* Whole lines that are about to be read, of what cannot be read again. */
void logfile_expect(struct logfile *log, struct str lines);

/* The same of a line that tells which version started. */
void logfile_started(struct logfile *log, uint64_t instance, bool quotes);

/* Of the lines of that instance, only NO and YES. Asked once, of a file by reading it. */
enum answer logfile_quotes(struct logfile *log, uint64_t instance);

/* What Postfix itself says: UNSURE where it cannot be asked. */
enum answer logfile_postfix_quotes(const struct config *config);

/* Warn of lines that look like Postfix's and were not understood, and show one; 0: no
 * warning. path: NULL for all that was read. */
/* Lines of hosts that are none of nodes are left out: how many, and of whom. */
void logfile_tell_strangers(const struct fold *fold);

void logfile_tell_strange(const char *path, uint64_t count, struct str line);

/* The same to the log of a daemon: the first at once, then once in an hour at most. */
struct strange_report {
	uint64_t count;  /* that were reported */
	int64_t mono_ms; /* when; 0: never */
};
void logfile_report_strange(
    struct strange_report *report, const struct fold *fold, int64_t mono_ms);

/* Warn of status lines that were left out, as a recipient may have written them. */
void logfile_tell_doubtful(const char *path, uint64_t count);

/* Warn of a file that was saved in UTF-16, as by an editor: to no reader it has a line.
 */
void logfile_tell_wide(const char *path);

/* Standard input is a terminal: say that it is read. */
void logfile_tell_terminal(void);

#endif
