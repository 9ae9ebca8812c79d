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
	    nat64_until_ms;  /* monotonic: so long they serve; 0: they were not asked */
	int64_t deadline_ms; /* monotonic: of the probes of the server at hand */
	struct measurement found; /* of the destination at hand: too large for a stack */
};

#define MEASURE_DECLARE(name) extern const struct measure_source measure_##name;
FACT_SOURCES(MEASURE_DECLARE)
#undef MEASURE_DECLARE

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
