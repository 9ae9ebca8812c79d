/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy map's entry for an enforced policy: level secure with attributes that say
 * whom the certificate must name. It is as exact as the Postfix that reads the map can
 * be: an attribute that it does not know stops all mail to the destination.
 */
#ifndef CORE_STS_ENTRY_H
#define CORE_STS_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/demand.h"
#include "core/sts_policy.h"

/* Stands for no host at all: nothing verifies, and mail waits. */
#define STS_NO_HOST "no-mx-host-matches.invalid"

/* What a Postfix can be told of a policy. */
enum sts_support {
	STS_SUPPORT_NONE,    /* before 3.4: no servername=, and so no entry */
	STS_SUPPORT_NAMES,   /* the names that a certificate may have */
	STS_SUPPORT_REPORTS, /* from 3.10: the policy as well, for its TLS reports */
	STS_SUPPORT_EXACT, /* from 3.10.5: it compares MX hosts with the patterns itself,
	                    * and each certificate with its MX host's name */
};

/*
 * mail_version: as postconf prints it, "3.7.11", "3.11-20251201"; a snapshot counts as
 * the release before it. What is no version: NONE. enforces_mx_patterns:
 * smtp_tls_enforce_sts_mx_patterns (yes by default); without it EXACT is REPORTS.
 */
enum sts_support sts_support_of(struct str mail_version, bool enforces_mx_patterns);

/*
 * The attributes of an enforced policy behind the level secure, appended. domain: its
 * Policy Domain. mx_hosts: the MX hosts that there are now, in A-labels (without MX
 * records the domain itself, of [host] the host); not used where support is EXACT. Up to
 * there the names are every pattern without "*", and each MX host that one with "*"
 * matches; STS_NO_HOST where that is none. support is not NONE, and the mode is enforce.
 */
void sts_entry_attributes(const struct sts_policy *policy, struct str domain,
    enum sts_support support, const struct str *mx_hosts, size_t count, struct buf *out);

/*
 * A policy is its owner's to make, and the map is read by all mail: what it may put there
 * is bounded. An entry of up to so many octets always has room; a larger one has up to
 * STS_ENTRY_MAX, and all larger ones together STS_ENTRIES_MAX.
 */
#define STS_ENTRY_SMALL 1024
#define STS_ENTRY_MAX   4096
#define STS_ENTRIES_MAX (8 * 1024 * 1024)

/* What became of it. */
enum sts_entry {
	STS_ENTRY_WHOLE,    /* whatever the MX hosts are, the same */
	STS_ENTRY_OF_HOSTS, /* others would have other names: those of an answer to MX */
};

/*
 * The same within these bounds; has_room: the larger ones have some left. What is too
 * large is made anew, for any Postfix, of no names but those of MX hosts that there are
 * now, and of these the first that fit: less than the policy allows, never more. There is
 * always an entry: whoever forges MX answers must not be rid of it by their size.
 */
enum sts_entry sts_entry_bounded(const struct sts_policy *policy, struct str domain,
    enum sts_support support, const struct str *mx_hosts, size_t count, bool has_room,
    struct buf *out);

/* Is an entry, of whatever origin, such a one? Its level and attributes alone tell. */
bool sts_entry_is_one(struct demand entry);

/* How many of the hosts the policy allows; 0: no mail can be sent under it. */
size_t sts_hosts_allowed(
    const struct sts_policy *policy, const struct str *mx_hosts, size_t count);

#endif
