/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be asked about a destination, for the daemon, scan, queue and check alike. A
 * fact source is a file (measure_NAME.c), and its name and fields in core/answers.h;
 * everything else about it is in its row. Asking blocks: a batch of destinations is asked
 * about in a worker, one alone in the caller's thread.
 */
#ifndef MEASURE_MEASURE_H
#define MEASURE_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/answers.h"
#include "core/choice.h"
#include "core/destination.h"
#include "core/fetch.h"
#include "core/nexthop.h"
#include "core/resolver_settings.h"
#include "postfix/postfix.h"
#include "postfix/probe.h"
#include "sys/workers.h"

#define MEASURE_BATCH        16   /* destinations a job */
#define MEASURE_SLOW_MS      2000 /* after which the rest of a job is left */
#define MEASURE_PROBES_MAX   3    /* of a host: dane-only, verify, encrypt */
#define MEASURE_TROUBLE_SIZE 256

/* Where Postfix has a password. Borrowed. */
struct credentials_settings {
	bool used;        /* smtp_sasl_auth_enable */
	bool by_sender;   /* smtp_sender_dependent_authentication */
	const char *maps; /* smtp_sasl_password_maps */
	uint64_t sum;     /* of them, as struct postfix_settings has it */
	/* What names relays: next-hops, transports with one, and maps of these. */
	const char *relayhost;
	const char *fallback_relay;
	const char *default_transport;
	const char *transport_maps;
	const char *sender_relayhost_maps;
	const char *sender_transport_maps;
};

/* Tables that entries are published to, if somebody else's rows answer there: of each key
 * answers is YES, NO or UNSURE, and what it is before is only made worse. */
struct measure_tables {
	bool (*ask)(const void *context, const char *const *keys, size_t count,
	    enum answer *answers, struct err *err); /* NULL: there are none */
	const void *context;
};

/* A Postfix that sends the mail, and what it has for some destinations. Borrowed. */
struct measure_node {
	const struct postfix *postfix;
	char *const *other_maps; /* NULL-terminated; NULL: none */
	struct credentials_settings credentials;
	uint64_t bit; /* one that its name makes, whichever others there are; 0: it has
	               * no name */
	bool is_away; /* it cannot be asked now */
};

#define MEASURE_NODES_MAX 64

/* What is the same for all destinations of a batch. Borrowed; must outlive the job. */
struct measure_settings {
	const struct postfix *postfix; /* here, with the prober */
	struct measure_node node; /* whose settings these are; with the same mostly */
	/* Of several all, each of which may send to any destination: what one of them has
	 * counts for all. NULL: node alone. */
	const struct measure_node *nodes;
	unsigned node_count;
	struct measure_tables tables;
	struct probe_settings prober;
	struct choice_limits limits;
	bool policies; /* DNS is asked for MTA-STS policies */
};

/* What nodes answered, and which of them said yes: their bits. UNSURE: nothing is known.
 */
struct measure_said {
	enum answer answer;
	uint64_t by;
};

/* How the servers are to be probed. */
enum measure_probing {
	MEASURE_PROBE_NONE,
	MEASURE_PROBE_HOSTS, /* each MX host by itself; and the destination at secure,
	                      * where that is probe_up_to and a host verifies */
};

/* One destination: what to ask, and the answers. Zero it, then fill in the question. */
struct measure_item {
	int64_t id; /* the caller's own */
	struct nexthop nexthop;
	char relay[NEXTHOP_HOST_SIZE]; /* the server that mail was deferred at; "" for
	                                  none */
	enum measure_probing probing;
	enum level probe_up_to; /* of HOSTS */
	int64_t most_ms; /* so long DNS has to answer, and those behind it in the job
	                  * wait; 0: as long as the resolver's settings say */
	/* Of several nodes: what was answered last; measure_remind(). */
	struct measure_said said_map;
	struct measure_said said_credentials;
	int64_t took_ms; /* out: how long it took to ask, of what is asked one by one */
	bool left;       /* out: it was not asked, as others of its job took too long */
	bool late;       /* out: DNS did not answer within most_ms: nothing is known */
	struct answers answers; /* out; probe_asked stays as the caller set it */
	struct choice choice;   /* out: what answers.choice is */
};

/* One probe, in the prober's words. */
struct measure_probe {
	enum level level; /* LEVEL_UNKNOWN: none was made */
	enum probe_outcome outcome;
	char found[256];
};

struct measure_host {
	struct measure_probe probes[MEASURE_PROBES_MAX];
	unsigned count;
};

/* All that was found out about one destination, for people to read: more than the
 * answers. Large. */
struct measurement {
	const struct measure_item *item;          /* borrowed */
	struct dns_records dns;                   /* an address is a host, too */
	struct measure_host hosts[DNS_HOSTS_MAX]; /* as in dns */
	struct measure_probe whole; /* the last one of the destination itself */
	char trouble[FACT_COUNT][MEASURE_TROUBLE_SIZE]; /* why a source could not tell */
};

struct measurer; /* opaque: what one thread needs to ask; with a resolver of its own */

/* A fact source. Each column is stated in each row (tests/unit/test_measure). */
struct measure_source {
	const char *name;

	/* Is there something to ask, after what was asked before it? Where ask_all is
	 * set, that is nothing yet. */
	bool (*wanted)(
	    const struct measure_settings *settings, const struct measure_item *item);

	/* One of these two. What could not be determined is in the answers as unsure, and
	 * why in trouble ("" before). */
	void (*ask)(
	    struct measurer *measurer, struct measure_item *item, struct err *trouble);
	void (*ask_all)(struct measurer *measurer, struct measure_item *const *items,
	    unsigned count, struct err *trouble);

	/* The values of its fields of the answers while it was not asked. */
	void (*unasked)(struct answers *answers);

	/* How long what it was just answered serves, in ms, before it is to be asked
	 * again; 0: not at all. Kept with the answer. */
	int64_t (*serves_ms)(const struct answers *answers);

	/* What of its answer is kept with a destination, for `explain` and while it
	 * serves: one line of less than FACT_TEXT_SIZE bytes (core/facts.h). */
	struct {
		/* Nothing written: nothing is kept, so that it does not serve either, and
		 * what was kept before stays. */
		void (*save)(const struct answers *answers, struct buf *out);
		/* False: another version wrote it, and it cannot be read here; then it
		 * was not asked. */
		bool (*load)(struct str text, struct answers *answers);
	} kept;

	struct {
		const char
		    *label; /* before a trouble in `check`; "": it has none to show */
		const char *member;  /* ... in JSON */
		const char *warning; /* before it in the daemon's log; "": not logged */
	} trouble;

	/* `explain`, of answers that were kept. */
	struct {
		const char *title;  /* "": it has none to show */
		const char *member; /* of JSON */
		/* The rest of the title's line, and indented lines. */
		void (*text)(const struct answers *answers, struct buf *out);
		/* The rest of its object: `,"member":value`, each. */
		void (*json)(const struct answers *answers, struct buf *out);
	} explain;

	/* `check`: whole lines, and members as above. host counts as in dns. */
	struct {
		void (*before_hosts)(const struct measurement *found, struct buf *out);
		void (*host)(
		    const struct measurement *found, unsigned host, struct buf *out);
		void (*behind_hosts)(const struct measurement *found, struct buf *out);
		void (*json)(const struct measurement *found, struct buf *out);
		void (*json_host)(
		    const struct measurement *found, unsigned host, struct buf *out);
	} check;
};

/* The table. */
extern const struct measure_source *const measure_sources[FACT_COUNT];

/* The prober's part is Postfix's own; settings NULL: Postfix could not be asked. All is
 * borrowed. */
struct measure_settings measure_settings_of(const struct postfix *postfix,
    const struct postfix_settings *settings, char *const *other_maps);
struct credentials_settings measure_credentials_of(
    const struct postfix_settings *settings);

/* For workers_new(): a measurer for each thread. settings is a struct resolver_settings,
 * read at once. Without a resolver DNS cannot tell. */
void *measure_make(void *settings);
void measure_drop(void *measurer);

/* False: there is no resolver to ask; err says why. */
bool measure_has_resolver(const struct measurer *measurer, struct err *err);

/* Is there a posttls-finger(1)? */
bool measure_has_prober(const struct measure_settings *settings);

/* The Policy Domain of a next-hop (core/sts.h), whatever letters it is written in. */
bool measure_policy_domain(const struct nexthop *nexthop, char out[NEXTHOP_HOST_SIZE]);

/* Does it announce a policy? As dns/resolver.h has it. measurer: what measure_make()
 * made.
 */
void measure_ask_policy(void *measurer, const char *domain, struct sts_txt *out,
    uint32_t *ttl_s, struct err *trouble);

/* From now on, or no more, each server is asked once: nobody waits for the answer, and
 * name servers that hang are not to keep the asker. */
void measure_hurry(void *measurer, bool hurries);

/* The addresses of the policy host into request, whose host is set. */
void measure_ask_addresses(
    void *measurer, struct fetch_request *request, struct err *trouble);

/* Some destinations, in a worker. */
struct measure_job {
	struct job job;
	unsigned count;
	struct measure_item items[MEASURE_BATCH];
	struct measure_settings settings;
	struct err err; /* what the log should say of it; "" for nothing */
};

/* The work() of a measure_job; context is what measure_make() made. */
void measure_work(struct job *job, void *context);

/* One destination, now. The result is good until the next one of this measurer. */
const struct measurement *measure_one(struct measurer *measurer,
    const struct measure_settings *settings, struct measure_item *item);

/* What was asked for these answers is kept with the destination. */
void measure_keep(
    const struct answers *answers, int64_t now_ms, struct destination *destination);

/* Of several nodes one that cannot be asked counts as what it said last: what of that is
 * kept with the destination, into the question. */
void measure_remind(const struct measure_settings *settings,
    const struct destination *destination, struct measure_item *item);

/* The answers that were kept: remembered ones. A source of which none is kept is as if it
 * was not asked. */
void measure_recall(
    const struct destination *destination, int64_t now_ms, struct answers *out);

/* item->answers are those of before (remembered): need nothing be asked anew? What these
 * settings do not want is as never asked, whatever others wanted. */
bool measure_serves(const struct measure_settings *settings, struct measure_item *item);

/*
 * Is the server one of this next-hop's, by the text of its answers (a line a host)? If
 * not, mail went there by another next-hop (a relay that depends on the sender, a
 * fallback relay), and this is not the key.
 */
bool measure_relay_fits(const char *relay, const char *key, const char *text);

/* Are there other maps, or tables with rows of others? */
bool measure_has_maps(const struct measure_settings *settings);

/* Which of keys[0..count) do they answer? Blocks. trouble: why answers are UNSURE. */
void measure_ask_maps(const struct measure_settings *settings, const char *const *keys,
    size_t count, enum answer *answers, struct err *trouble);

/*
 * The keys that Postfix looks up for the same name in DNS where it is spelled otherwise:
 * by A-labels, or by composed letters or letters with their marks apart. How many.
 */
#define MEASURE_TWINS 3
unsigned measure_twins(const char *key, char out[MEASURE_TWINS][NEXTHOP_KEY_SIZE]);

#endif
