/* SPDX-License-Identifier: BSD-2-Clause */
/* For the files of this room: a measurer's inside, and what rows have in common. */
#ifndef MEASURE_MEASURE_IMPL_H
#define MEASURE_MEASURE_IMPL_H

#include "dns/resolver.h"
#include "measure/measure.h"

struct measurer {
	struct resolver *resolver; /* NULL: err says why there is none */
	struct err err;
	const struct measure_settings *settings; /* of the job at hand */
	int64_t begun_ms; /* monotonic: with the destination at hand */
	struct network nat64[FETCH_NAT64_MAX];
	unsigned nat64_count;
	int64_t
	    nat64_until_ms; /* monotonic: so long they serve; 0: they were not asked */
	int64_t
	    hung_ms[MEASURE_NODES_MAX]; /* monotonic: when a node did last; 0: never */
	int64_t deadline_ms;      /* monotonic: of the probes of the server at hand */
	struct measurement found; /* of the destination at hand: too large for a stack */
};

#define MEASURE_DECLARE(name) extern const struct measure_source measure_##name;
FACT_SOURCES(MEASURE_DECLARE)
#undef MEASURE_DECLARE

/* --- measure_nodes.c: several nodes, each of which has a say ----------------------- */

/* Those of the settings, or the one; how many. */
const struct measure_node *measure_nodes(
    const struct measure_settings *settings, unsigned *count);

/* What nodes said of a key, as bits of their places. */
struct measure_tally {
	uint64_t told; /* they could be asked */
	uint64_t yes;
	uint64_t unsure; /* they could be asked, and cannot know */
};

void measure_tally_add(struct measure_tally *tally, unsigned at, enum answer answer);

/*
 * What follows for all: yes where one says so, or said so last and cannot be asked now.
 * For one that cannot another stands in that has the same maps by is_alike, or what was
 * said last. *by: their bits who say yes.
 */
enum answer measure_tally_sum(const struct measure_settings *settings,
    const struct measure_tally *tally, const struct measure_said *last,
    bool (*is_alike)(const struct measure_node *a, const struct measure_node *b),
    uint64_t *by);

/* Is it not to be asked now? hung_ms: a measurer's; NULL: there is none. */
bool measure_node_waits(
    const struct measure_settings *settings, unsigned at, const int64_t *hung_ms);
/* It failed, having begun then: others do not wait for it again within a minute, if it
 * took long. */
void measure_node_failed(const struct measure_settings *settings, unsigned at,
    int64_t begun_ms, int64_t *hung_ms);

/* As a text that is kept, "yes BITS"; and read again. */
void measure_said_print(enum answer answer, uint64_t by, bool of_nodes, struct buf *out);
bool measure_said_parse(struct str text, struct measure_said *out);

/* Columns of a source that has nothing there. */
int64_t measure_serves_never(const struct answers *answers);
void measure_saves_nothing(const struct answers *answers, struct buf *out);
bool measure_loads_nothing(struct str text, struct answers *answers);
void measure_explains_nothing(const struct answers *answers, struct buf *out);
void measure_shows_nothing(const struct measurement *found, struct buf *out);
void measure_shows_no_host(
    const struct measurement *found, unsigned host, struct buf *out);

/* What measure_keep() and measure_recall() do with a row. True: *known was set. */
void measure_keep_one(const struct measure_source *source, const struct answers *answers,
    int64_t now_ms, struct destination *destination);
bool measure_recall_one(const struct measure_source *source,
    const struct destination *destination, int64_t now_ms, struct answers *out,
    struct answers_source *known);

/* Probes of another server follow: they have one time together. */
void measure_begin_probes(struct measurer *measurer);
/* Probe key at a level, and note the outcome in *out and in the item's answers. */
enum probe_outcome measure_probe(struct measurer *measurer, struct measure_item *item,
    const char *key, enum level level, struct measure_probe *out);

/* A probe for people, after so many blanks; and as a JSON object. */
void measure_show_probe(const struct measure_probe *probe, struct buf *out);
void measure_json_probe(const struct measure_probe *probe, struct buf *out);

#endif
