/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to the servers and their answers: which server, how long, how often, over
 * one connection at a time, and how much of what comes back is believed.
 */
#ifndef DNS_RESOLVER_LINK_H
#define DNS_RESOLVER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/dane.h"
#include "dns/resolver_message.h"
#include "dns/resolver_server.h"
#include "dns/resolver_stream.h"

/* A question in the asker's hands. Zero it, set what is asked, read the answer. */
struct question {
	char name[NEXTHOP_HOST_SIZE];
	enum rr_type type;
	struct message_room room; /* of MX, TLSA and TXT */

	enum dns_answer answer; /* never DNS_NOT_ASKED once it was asked */
	struct reply reply; /* as read last; its alias and aliases count all messages */
	char trouble[DNS_TROUBLE_SIZE]; /* of DNS_ERROR: what failed last */

	/* on the way */
	uint16_t id;
	bool waiting;      /* an answer may still come on this connection */
	bool final;        /* answered, or refused for good */
	bool unsigned_hop; /* an alias on the way was not validated */
	bool alias;
	unsigned aliases;
	char target[NEXTHOP_HOST_SIZE]; /* the name that is asked for now */
	uint32_t ttl_s;
};

enum link_trust {
	LINK_DEAD,        /* no server answered even `. NS` */
	LINK_DISBELIEVED, /* one answers, but what it says proves nothing */
	LINK_TRUSTED,
};

struct link {
	struct server_list servers;
	int64_t
	    validated_ms[SERVERS_MAX]; /* when `. NS` was last seen with AD; 0: never */
	int64_t timeout_ms;
	unsigned tries;
	bool hurries;       /* each server is asked once */
	int64_t until_ms;   /* monotonic: no gathering takes longer; 0: as it may */
	unsigned preferred; /* the server that answered last */
	unsigned connected; /* the server that stream leads to */
	uint16_t next_id;

	/* of one gathering */
	enum link_trust trust;
	int64_t end_ms; /* nothing is waited for beyond this */
	struct stream stream;
};

void link_init(struct link *link, int64_t timeout_ms, unsigned tries);

/*
 * Begin: find a server that answers `. NS`, with AD if it may be believed at all; where
 * they are from a resolv.conf that has changed, one of those that stand there now. What
 * was seen seconds ago counts, unless fresh. err says why it is not LINK_TRUSTED.
 */
enum link_trust link_begin(struct link *link, bool fresh, struct err *err);

/* Ask all, side by side; sets answer in each. Not without link_begin(). */
void link_ask(struct link *link, struct question *questions, unsigned count);

void link_end(struct link *link);

#endif
