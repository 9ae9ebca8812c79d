/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlsladder-fetch: fetches one MTA-STS policy by HTTPS for tlsladder(8), and ends. A
 * program of its own, so that what reads strangers' certificates and answers has none of
 * the daemon's rights, and the daemon none of libcurl's size. core/fetch.h says what it
 * reads and writes. Exit status: 0 for any answer, 64 for a request that is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/fetch.h"
#include "fetch/confine.h"
#include "fetch/transfer.h"
#include "sys/fd.h"

#define CA_MAX (8UL * 1024UL * 1024UL)
#define GRACE_MS \
	5000 /* behind the time of a request, should libcurl not end by itself \
	      */

static bool
read_file(const char *path, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool done = fd >= 0 && fd_read_all(fd, CA_MAX, out);

	if (!done)
		err_set_errno(err, errno, "%s", path);
	if (fd >= 0)
		close(fd);
	return done || err_wrap(err, "cannot read the certification authorities");
}

static void
fail(struct fetch_answer *answer, const struct err *err)
{
	struct buf text = {0};
	struct str cut;

	*answer = (struct fetch_answer){.cause = STS_CAUSE_FETCHER};
	buf_add_quoted(&text, str_of(err->text));
	cut = (struct str){buf_text(&text), text.len};
	if (cut.len >= sizeof(answer->detail))
		cut.len = sizeof(answer->detail) - 1;
	str_copy(cut, answer->detail, sizeof(answer->detail));
	buf_clear(&text);
}

/* The files are read and libcurl is ready before the doors are closed; a stranger's
 * octets are read behind them. */
static void
fetch(const struct fetch_request *request, struct fetch_answer *answer, struct buf *out)
{
	struct buf ca = {0}, confined = {0};
	struct transfer *transfer = NULL;
	struct err err;

	if (!read_file(request->ca_file, &ca, &err) ||
	    !transfer_begin(
	        request, (struct str){buf_text(&ca), ca.len}, &transfer, &err)) {
		fail(answer, &err);
	} else {
		confine(request->port, &confined);
		transfer_run(transfer, answer);
		str_copy((struct str){buf_text(&confined), confined.len},
		    answer->confined, sizeof(answer->confined));
	}
	fetch_answer_print(answer, out);
	transfer_free(transfer);
	buf_clear(&ca);
	buf_clear(&confined);
}

int
main(int argc, char **argv)
{
	struct buf text = {0}, out = {0};
	struct fetch_request request;
	struct fetch_answer answer;
	struct err err = {""};

	(void)argv;
	if (argc > 1 || isatty(STDIN_FILENO)) {
		fputs("tlsladder-fetch: tlsladder(8) runs this, with a request on its "
		      "standard input\n",
		    stderr);
		return EX_USAGE;
	}
	clearenv();
	signal(SIGPIPE, SIG_IGN);
	confine_resources();
	confine_time(FETCH_TIME_MAX_MS);
	if (!fd_read_all(STDIN_FILENO, FETCH_REQUEST_MAX, &text) ||
	    !fetch_request_parse(
	        (struct str){buf_text(&text), text.len}, &request, &err)) {
		fprintf(stderr, "tlsladder-fetch: no request: %s\n",
		    err.text[0] != '\0' ? err.text : strerror(errno));
		buf_clear(&text);
		return EX_USAGE;
	}
	confine_time(request.time_ms + GRACE_MS);
	fetch(&request, &answer, &out);
	/* Without what exit() would do more: nothing of it is needed, or allowed. */
	_exit(fd_write_all(STDOUT_FILENO, (struct str){buf_text(&out), out.len})
	        ? EX_OK
	        : EX_IOERR);
}
