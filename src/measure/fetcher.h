/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder-fetch(8) from outside: it is run for one MTA-STS policy, and ends. */
#ifndef MEASURE_FETCHER_H
#define MEASURE_FETCHER_H

#include <stdbool.h>

#include "base/strings.h"
#include "core/fetch.h"
#include "sys/child.h"

/* Where it is: beside this program, else where it was installed; free(). NULL: it was not
 * built, as there was no libcurl, or is not there. */
char *fetcher_path(void);

/* The certification authorities where none are configured: the system's. */
#define FETCHER_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

/* The request for a domain's policy, but for the addresses of its host. ca_file "": the
 * system's. networks: where addresses may be that are not global; what is none of these
 * is left out, as the configuration refuses it. False: it cannot be asked for. */
bool fetcher_request(const char *domain, const char *ca_file,
    const struct strings *networks, struct fetch_request *out);

/*
 * Run it, and wait for its answer: at most as long as the request says, and a little, and
 * not once stop_fd is stopped (struct child_request, sys/child.h; 0: nothing stops it).
 * The body is in *text, which is the caller's, empty before and to be cleared after.
 * What surely went wrong on our side is cause FETCHER with a detail.
 */
void fetcher_run(const struct fetch_request *request, int stop_fd, struct buf *text,
    struct fetch_answer *out);

/* It ended: what it said, or what its end says. Whoever keeps it busy until its time is
 * over is a policy host that fails; every other signal is a fault of ours. */
void fetcher_take(
    const struct child_result *result, struct buf *text, struct fetch_answer *out);

#endif
