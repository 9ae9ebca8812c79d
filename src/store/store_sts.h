/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of MTA-STS policies, and of the destinations that have them. */
#ifndef STORE_STORE_STS_H
#define STORE_STORE_STS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/sts_state.h"
#include "store/store.h"

/*
 * What is kept of a Policy Domain (core/sts_state.h). Ends with sts_record_clear().
 */
#define STS_DETAIL_SIZE 256

struct sts_record {
	char domain[NEXTHOP_HOST_SIZE];
	struct sts_state state;
	bool waited;      /* mail of a destination of it waits; read, and never written */
	int64_t mail_ms;  /* when a destination of it was sent mail last */
	int64_t next_ms;  /* when something is to be asked, or judged anew; 0: never */
	char applied[16]; /* sts_applies_name() that its destinations were judged by */
	char detail[STS_DETAIL_SIZE]; /* more of the last fetch's failure; "": nothing */
};

void sts_record_clear(struct sts_record *record);

/* found false: nothing is known of it, and out is one of that domain. */
bool store_sts_get(struct store *store, const char *domain, struct sts_record *out,
    bool *found, struct err *err);
bool store_sts_put(struct store *store, const struct sts_record *record, struct err *err);

/* It is asked for anew, now: of that domain, where something is known of it, or of all.
 */
bool store_sts_refresh(
    struct store *store, const char *domain, bool *found, struct err *err);
bool store_sts_refresh_all(struct store *store, struct err *err);

/* record is borrowed for the call; false: enough. Nothing may be written meanwhile. */
typedef bool sts_fn(void *context, const struct sts_record *record);
bool store_each_sts(struct store *store, sts_fn *fn, void *context, struct err *err);
/* Those whose time has come, at most so many behind the first ones that are skipped,
 * without the names of their policies: before the rest those that are enforced or that
 * mail waits for, and those whose last question failed behind their equals; among these
 * the first one first. */
bool store_each_sts_due(struct store *store, int64_t now_ms, int64_t skip, int64_t most,
    sts_fn *fn, void *context, struct err *err);
/* The next time behind now; 0: there is none. */
bool store_sts_next(
    struct store *store, int64_t now_ms, int64_t *next_ms, struct err *err);
/* Nothing is asked of it before that; of one that is to be asked nothing, nothing. */
bool store_sts_put_off(
    struct store *store, const char *domain, int64_t at_ms, struct err *err);
/* As store_shift(): a policy lives as long as time passes. was_off: the machine was
 * started anew meanwhile, so that the time may have passed (sts_state.owed_ms). */
bool store_sts_shift(
    struct store *store, int64_t by_ms, int64_t before_ms, bool was_off, struct err *err);
/* The attributes of entries by policies that are longer than that: octets, all of them.
 */
bool store_sts_octets(
    struct store *store, int64_t longer, int64_t *octets, struct err *err);
/* The same of the names of policies. */
bool store_sts_mx_octets(
    struct store *store, int64_t longer, int64_t *octets, struct err *err);
/* What DNS said of at most so many destinations of that Policy Domain: their MX hosts. */
bool store_sts_servers(struct store *store, const char *domain, int64_t most,
    store_text_fn *fn, void *context, struct err *err);
/* Forget those without a policy that were asked about before before_ms and are not waited
 * for, and those that were sent no mail since idle_ms, whose policy ended before that; no
 * policy that lives is forgotten. */
bool store_sts_thin(
    struct store *store, int64_t before_ms, int64_t idle_ms, struct err *err);

/* The destination has that Policy Domain. */
bool store_sts_key(struct store *store, int64_t id, const char *domain, struct err *err);
/* A destination that does not have that Policy Domain yet is judged anew. */
bool store_sts_key_news(
    struct store *store, int64_t id, const char *domain, int64_t now_ms, struct err *err);
/* Was an enforced policy in force for the destination when its domain was last looked at?
 */
bool store_sts_is_enforced(
    struct store *store, int64_t id, bool *enforced, struct err *err);
/* An enforced policy is in force for the destination: it is looked at again at at_ms,
 * where it would not be. */
bool store_sts_keep_look(struct store *store, int64_t id, int64_t at_ms, struct err *err);
/* The same of all of them. */
bool store_sts_look_all(struct store *store, int64_t at_ms, struct err *err);
/* Below that parent (".example.org"), whose pin came or went, those with an entry and
 * those with an enforced policy are looked at at at_ms, but for pins. */
bool store_look_below(
    struct store *store, const char *parent, int64_t at_ms, struct err *err);
/* Something else applies: its destinations are judged anew. */
bool store_sts_news(
    struct store *store, const char *domain, int64_t now_ms, struct err *err);

/* Destinations that were sent mail, until they were looked at: the first behind that id.
 * *id 0: there is none. */
bool store_sts_mail(struct store *store, int64_t id, struct err *err);
bool store_sts_mail_next(
    struct store *store, int64_t after, int64_t *id, struct err *err);
bool store_sts_mail_done(struct store *store, int64_t id, struct err *err);

#endif
