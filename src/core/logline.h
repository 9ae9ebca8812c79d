/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line of a mail log, cut into its parts: time stamp, program, process id, text.
 * Read from the left and never guessed: what does not fit is refused whole, since
 * senders and servers write into lines.
 */
#ifndef CORE_LOGLINE_H
#define CORE_LOGLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* The time as written; no calendar, no zone rules here (sys/clock has them). */
struct stamp {
	int16_t year; /* 0: not written (RFC 3164) */
	int8_t month; /* 1..12; 0: the line has no stamp */
	int8_t day;
	int8_t hour;
	int8_t minute;
	int8_t second; /* 60 in a leap second */
	bool has_zone;
	int16_t zone_minutes;  /* east of UTC */
	int32_t resolution_us; /* of what is written: 1000000 without a fraction */
	int32_t microsecond;
};

struct logline {
	struct stamp stamp;
	struct str host;    /* empty where none is written */
	struct str tag;     /* "postfix/relay", what stands before the program */
	struct str service; /* "relay/smtp": all behind the first slash of the tag */
	struct str program; /* "smtp" */
	uint32_t pid;       /* 0 where none is written */
	struct str text;    /* behind "prog[pid]: ", without severity */
	bool has_severity;  /* text had "warning: " or the like before it */
};

/*
 * Split a line (without its newline). False: not a line of a Postfix program in a form
 * that is accepted, and *out is of no use. The slices borrow from line.
 *
 * Accepted: RFC 3164 (day padded with blank or zero; host missing too), RFC 3164 with
 * year and milliseconds, RFC 3339 with and without fraction and with or without the
 * zone's colon (syslog-ng, journald's short-iso), RFC 5424 with its priority, a severity
 * word in the host's place (docker images of Postfix), "mail.info" behind the host
 * (busybox), any of these behind the stamp of `docker logs -t` or "name  | " of docker
 * compose, coloured or not, and no header at all. Where there are two stamps the first
 * one counts. The program must be one behind a slash, as Postfix names its own
 * (mail_task.c): syslog_name/program[pid]. Text of another program that holds such a
 * line is that program's text, and refused.
 */
bool logline_split(struct str line, struct logline *out);

/* A line that the program named outer ("": none) has as its text: "STAMP HOST outer[pid]:
 * LINE". Whoever can make that program log a text writes our log. */
bool logline_split_nested(struct str line, struct str outer, struct logline *out);

/* Of a line that was refused: does it hold what a delivery status line holds? */
bool logline_is_like_status(struct str line);

#define LOGLINE_HEAD_SIZE 64

/* What the line before began with: stamp, host and program, up to the bracket before the
 * process id. {0}: none. */
struct logline_head {
	struct stamp stamp;
	size_t len;
	size_t tag; /* where it begins in the text */
	size_t host;
	size_t host_len;
	size_t service;
	size_t program;
	unsigned changes; /* while there is none, host, tag and program are the same */
	char text[LOGLINE_HEAD_SIZE];
};

/* The same result; a line that begins as the one before is split in less time. */
bool logline_split_next(struct logline_head *head, struct str line, struct logline *out);

#endif
