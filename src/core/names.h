/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of a certificate, held against a destination as smtp(8) does. Pure.
 *
 * A list of names is one text, so that it can be stored as it is: names in the
 * certificate's order with a blank between them, in A-labels, "" for a certificate that
 * names nobody. " ..." at its end says that there are more: what none of the names before
 * it matches could not be told.
 */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include <stdbool.h>

#include "base/answer.h"
#include "base/str.h"

#define NAMES_SIZE 4096 /* of a list with its NUL */
#define NAMES_MORE "..."

/*
 * Does a certificate with these names match? match: smtp_tls_verify_cert_match,
 * smtp_tls_secure_cert_match or the match attribute of a policy entry: words parted by
 * blanks, commas or colons: hostname, nexthop, dot-nexthop, a name, or .domain for any
 * name below it. host: the MX host. nexthop: the destination without [] and port. Both in
 * A-labels, without a dot at their end; "" matches nothing. UNSURE where nothing in the
 * list matches and the list is not complete, or something that was to be matched is a
 * literal address (what a certificate says of addresses is not in the list) or not ASCII.
 */
enum answer names_match(
    struct str names, const char *match, const char *host, const char *nexthop);

/* Calls each() for every name that the words of match stand for, "" left out. wanted is
 * good until it returns. */
void names_wanted(const char *match, const char *host, const char *nexthop,
    void (*each)(void *context, struct str wanted), void *context);

bool names_is_address(struct str text); /* a literal one, IPv4 or IPv6 */

/* Append to a list of NAMES_SIZE bytes. A name that can never match (empty, longer than
 * 255 bytes, with blanks, controls, NUL, @ or bytes beyond ASCII) or is there already is
 * left out; one for which there is no room leaves the mark that there are more. */
void names_add(char *list, struct str name);
void names_add_more(char *list); /* the mark; nothing can be added behind it */

/* The names that are in both lists; with the mark if they differ. out may be a. */
void names_common(struct str a, struct str b, char out[NAMES_SIZE]);

/*
 * A name that posttls-finger can be told to look for and that this list matches,
 * ".domain" for a wildcard. False, and out empty: there is none.
 */
bool names_any(struct str names, char *out, size_t size);

/*
 * The names of the first certificate in a text of PEM: all DNS names of its
 * subjectAltName, and only where it has none the common names of its subject (RFC 6125
 * 6.4.4, X509_check_host(3)). False: not all of it could be read; then the list ends in
 * the mark.
 */
bool names_of_certificate(struct str pem, char list[NAMES_SIZE]);

#endif
