/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail to the administrator through sendmail(1) of Postfix, so that it is queued where
 * other mail is. Blocks; belongs into a worker. The caller decides what is one mail.
 */
#ifndef PUBLISH_NOTIFY_H
#define PUBLISH_NOTIFY_H

#include <stdbool.h>

#include "base/answer.h"
#include "base/buf.h"
#include "base/err.h"
#include "postfix/postfix.h"

/* Texts are borrowed, UTF-8. */
struct notify_mail {
	const char *to;      /* one address, without <> */
	const char *from;    /* the same; "": Postfix takes the user's */
	const char *subject; /* one line; cut after 200 bytes */
	const char *body;    /* lines end with \n */
};

/*
 * An address that is one word to everybody: no blanks, quotes, brackets, commas or
 * control bytes, no option. "postmaster" is one, "\"a b\"@example.org" is not.
 */
bool notify_is_address(const char *text);

#define NOTIFY_HOST_SIZE 256

/* The name of this machine, as hostname(1) prints it. */
void notify_host(char out[NOTIFY_HOST_SIZE]);

/* The message as sendmail(1) reads it. No text can add a header or end one. */
void notify_print(const struct notify_mail *mail, struct buf *out);

/*
 * A command of `count` words, the first a program, has the text on its standard input:
 * the subject, an empty line, the body. No shell, a clean environment, a minute of time.
 * False: it could not be started, did not end in time, or failed; err says why.
 */
bool notify_run(
    char *const *command, size_t count, const struct notify_mail *mail, struct err *err);

/*
 * Was it handed over to sendmail? UNSURE: that was ended, or ended by a signal, once it
 * had read of it. err says why it is not YES. stop_fd: as that of struct child_request.
 */
enum answer notify_hand_over(const struct postfix *postfix,
    const struct notify_mail *mail, int stop_fd, struct err *err);

/* False: an address is none, or sendmail did not take it; err says why. */
bool notify_send(
    const struct postfix *postfix, const struct notify_mail *mail, struct err *err);

#endif
