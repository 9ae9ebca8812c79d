/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generated days: one destination each, with servers, DNS, mail, and somebody who attacks
 * or something that breaks. days_world.c says what is the case at a moment, days_shared.c
 * what is so for all of a batch, days_mail.c what Postfix does with mail then,
 * days_oracle.c and days_decided.c what may come of it, days_table.c what came of it.
 * They share nothing with the code under test but the words for levels.
 */
#ifndef TESTS_DAYS_H
#define TESTS_DAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "core/destination.h"
#include "core/level.h"
#include "core/why.h"
#include "measure/measure.h"
#include "postfix/finger.h"

#define SECOND SPAN_SECOND_MS
#define MIN    SPAN_MINUTE_MS
#define HOUR   SPAN_HOUR_MS
#define DAY    SPAN_DAY_MS

#define DAYS_BATCH  64 /* of one engine */
#define SHARED_ACTS 2
#define DAY_HOSTS   2
#define DAY_ACTS    6
#define DAY_QUEUE   2 /* messages that wait */
#define LIFETIME_MS (5 * DAY)
#define TELLS_DAY   3 /* alerts of one cause, while mail flows now and then */
/* Mail comes when the bells ring, so that one transaction serves many days. */
#define BELL_MS (30 * MIN)

/* --- what is the case -------------------------------------------------------------- */

/* What is met, the weakest first; `dane` is what it comes to. */
enum strength { S_NONE, S_CLEAR, S_ENCRYPT, S_VERIFY, S_SECURE, S_DANE, S_COUNT };

enum tls {
	TLS_PLAIN,       /* no STARTTLS */
	TLS_BROKEN,      /* no handshake works */
	TLS_SELF_SIGNED, /* or expired, or of another name */
	TLS_VALID,       /* for the host's name */
	TLS_SECURE,      /* ... and the destination's */
};

enum tlsa { TLSA_NONE, TLSA_MATCHES, TLSA_DIFFERS, TLSA_UNUSABLE, TLSA_ERROR };

struct host_view {
	char name[32];
	bool down;      /* refuses connections */
	bool tempfails; /* 450 to each recipient */
	bool lame;      /* its unsigned name has no answer */
	enum tls tls;
	enum tlsa tlsa;
};

enum mx { MX_UNSIGNED, MX_SIGNED, MX_ERROR };

struct outlook {
	enum mx mx;
	bool ours;       /* the CA file here is broken */
	bool distrusted; /* the resolver does not validate */
	unsigned count;
	struct host_view hosts[DAY_HOSTS];
};

/* Who does it, or what breaks. The attackers come first. */
enum act_kind {
	ACT_NONE,
	ACT_LINES,              /* writes log lines; the queue is not his */
	ACT_ONE_PATH,           /* is between us and one MX host */
	ACT_ALL_PATHS,          /* ... all of them */
	ACT_MX,                 /* forges MX records */
	ACT_DNS,                /* forges or drops other answers */
	ACT_TEXT,               /* the server writes into the log what it likes */
	ACT_SHARED,             /* those behind it act on all days of a batch */
	ACT_CLOCK = ACT_SHARED, /* sets our clock */
	ACT_EVERYBODY,          /* is between us and everybody */
	ACT_CANARY,             /* one of our canaries is his */
	ACT_FLOOD,              /* makes up thousands of names */
	ACT_ATTACKERS,
	ACT_DEAD_BACKUP = ACT_ATTACKERS,
	ACT_TEMPFAIL,  /* one MX host says 450 to all mail */
	ACT_GREYLIST,  /* the first attempt of a message */
	ACT_LAME,      /* the backup's name is in a lame zone */
	ACT_EXPIRED,   /* certificates, for a while */
	ACT_NO_TLS,    /* STARTTLS is gone, for a while */
	ACT_PROVIDER,  /* other servers, for good */
	ACT_ROLLOVER,  /* TLSA records do not match, for a while */
	ACT_WITHDRAWN, /* they are taken away, with proof */
	ACT_RARE,      /* one mail a month */
	ACT_RELAYED,   /* newsletters go by a relay of their own */
	ACT_FILTER,    /* mail passes a content filter on another host first */
	ACT_SECOND,    /* a second instance with a level of its own */
	ACT_FALLBACK,  /* what fails goes to a fallback relay */
	ACT_OUR_CA,    /* our CA file is broken */
	ACT_RESOLVER,  /* our resolver answers nothing */
	ACT_DISTRUST,  /* ... or does not validate */
	ACT_BLIND,     /* Postfix's resolver strips AD */
	ACT_TROUBLES,  /* those behind it befall all days of a batch */
	ACT_CANARIES = ACT_TROUBLES, /* our canaries verify no more */
	ACT_KINDS
};

struct act {
	enum act_kind kind;
	unsigned mode;
	unsigned host;
	int64_t from_ms, to_ms;
	int64_t period_ms, on_ms; /* on and off; 0: all the time */
};

enum day_kind { DAY_DANE, DAY_VERIFIED, DAY_ENCRYPTED, DAY_CLEAR, DAY_KINDS };

struct mail {
	char id[16];
	int64_t arrival_ms;
	unsigned tries;
	bool tls; /* its last deferral was for TLS */
};

/* What the oracle keeps: see days_oracle.c. Times are true ones. */
struct oracle {
	int64_t past_ms[S_COUNT];
	int64_t hold_ms[S_COUNT]; /* since when a step to that is due */
	int64_t due_ms[S_COUNT];  /* when it last was */
	int64_t failed_ms;        /* the last attempt that failed for TLS */
	unsigned plain;
	int64_t plain_first_ms, plain_last_ms;
	enum strength trial; /* it climbed from that; S_NONE: it did not */
	int64_t trial_ms;
	enum strength seen_since;
	int64_t better_due_ms; /* a better session: it has climbed by then; 0: none */
	unsigned tells[WHY_COUNT];
	unsigned told;        /* since mail flowed last */
	int64_t flowed_ms;    /* when mail that failed before was sent */
	unsigned told_before; /* ... and so many alerts before that */
	unsigned most_tells;  /* of one cause, while mail waited */
	unsigned soon;        /* that it soon bounces, while mail waited */
	int64_t told_at_ms[WHY_COUNT][TELLS_DAY + 1]; /* the last ones of that cause */
	int64_t judged_day, entries_day;
	unsigned entries, most_entries; /* a day that were alerted */
	unsigned judged, most_judged;   /* a day, but for a freeze */
	unsigned judged_frozen;
};

struct day {
	uint64_t number;
	uint64_t random;
	unsigned index;
	bool story;
	char key[32];
	/* the truth */
	enum day_kind kind;
	bool has_past;
	bool is_signed;
	unsigned host_count;
	char names[DAY_HOSTS][32];
	char others[DAY_HOSTS][32]; /* of another provider */
	enum tls tls[DAY_HOSTS];
	enum tlsa tlsa[DAY_HOSTS];
	enum answer login; /* has Postfix a password for it? */
	bool offers_auth;
	struct act acts[DAY_ACTS];
	unsigned act_count;
	int64_t begin_ms, end_ms;
	int64_t every_ms; /* mail */
	int64_t rare_ms;  /* from then on it is one mail a month; 0: it is not */
	/* what happens next */
	int64_t mail_ms, retry_ms, forge_ms, other_ms;
	struct mail queue[DAY_QUEUE];
	unsigned queued;
	/* what is in force */
	enum level entry;
	int64_t entry_ms;
	int64_t lease_end_ms;
	struct oracle oracle;
	int64_t flooded_ms; /* its mail failed amid a flood; 0: it did not */
	int64_t decided_ms; /* ... and it had an entry */
	/* for the table */
	enum strength weakest;
	int64_t weakest_ms;
	unsigned alerts;
	unsigned weaker;      /* entries that are weaker than is allowed */
	int64_t permitted_ms; /* the first one that is weaker and allowed; 0: none */
	unsigned sent, bounced;
	int64_t waited_ms; /* the longest that mail did which could flow */
	int64_t lasted_ms;
	bool waited_long;  /* so that somebody is to be alerted */
	char verdict[256]; /* what the oracle objects to; "": nothing */
};

/* What is the same for the days of a batch. */
struct batch {
	uint64_t seed;
	enum level default_level;
	enum level lowest;
	bool prober;
	unsigned canaries;              /* so many are configured */
	struct act shared[SHARED_ACTS]; /* what is done to all */
	unsigned shared_count;
	int64_t clock_ms; /* so far ahead ACT_CLOCK sets the clock */
	unsigned flooded; /* names that were made up */
	unsigned flushed; /* the queue, so often */
	bool thawed;      /* somebody wrote a line that says that a server verified */
	struct engine *engine;
	struct day days[DAYS_BATCH];
	unsigned count;
};

extern struct batch batch;

/* --- days_world.c ------------------------------------------------------------------ */

uint64_t days_random(uint64_t *state);
unsigned days_below(uint64_t *state, unsigned limit);
const char *act_name(enum act_kind kind);
const char *day_kind_name(enum day_kind kind);
const char *strength_name(enum strength strength);

/* That host at that moment, whoever is on the path to it. */
void host_attacked(struct host_view *host, unsigned mode);

/* Rounded up to the next bell. */
int64_t days_bell(int64_t at_ms);

bool act_is_on(const struct act *act, int64_t at_ms);
/* The last moment up to at_ms at which something began or ended. */
int64_t day_changed_ms(const struct day *day, int64_t at_ms);
bool day_has(const struct day *day, enum act_kind kind);
bool day_is_attacked(const struct day *day, int64_t from_ms, int64_t to_ms);

enum viewer {
	VIEW_TRUTH, /* nobody attacks */
	VIEW_OURS,
	VIEW_POSTFIX,
};

struct outlook day_view(const struct day *day, enum viewer viewer, int64_t at_ms);
bool host_meets(const struct outlook *view, unsigned host, enum strength strength);
/* The strongest below `below` that a host meets; S_NONE: none does. */
enum strength view_strongest(const struct outlook *view, enum strength below);
bool view_meets(const struct outlook *view, enum strength strength);
bool view_answers(const struct outlook *view);    /* a host does */
bool view_has_usable(const struct outlook *view); /* secure usable TLSA of a signed MX */
bool view_promises(const struct outlook *view);   /* TLSA of some kind */
bool view_is_unsure(const struct outlook *view);  /* DNS cannot tell */
enum strength level_strength(enum level level, const struct outlook *view);
enum strength day_in_force(const struct day *day, const struct outlook *view);

void days_answer(struct measure_item *item);
void days_finger(const struct finger_question *question, struct server *server);

/* --- days_shared.c ----------------------------------------------------------------- */

#define SHARED_CANARIES 2

/* What is done to all days, of that kind; NULL: that is not. */
const struct act *shared_act(enum act_kind kind);

/* Our clock as it is set now. */
void shared_clock(void);
/* So far ahead it is at that moment. */
int64_t shared_clock_off(int64_t at_ms);
/* Of what is done to all, what is the case for one of them. */
void shared_attack(struct outlook *view, const struct act *act, int64_t at_ms);

/* The configured canaries. */
void shared_canary_name(unsigned i, char *name, size_t size);
/* Did all that are honest fail in the time before, so that somebody must have seen it? */
bool shared_canaries_fail(int64_t now_ms);

/* Names that are not of a day. False: it is of one. */
bool shared_answer(struct measure_item *item);
bool shared_finger(const struct finger_question *question, struct server *server);

/* When the flood is to come; INT64_MAX: it came, or none will. */
int64_t shared_flood_ms(void);
/* It is under way. */
bool shared_is_flooding(void);
/* Half of its lines. */
void shared_flood(void);
/* They are over. */
void shared_flood_over(void);
/* Somebody else is at work then, so that much is frozen. */
bool shared_disturbs(int64_t from_ms, int64_t to_ms);

/* --- days_make.c ------------------------------------------------------------------- */

/* What is the same for all days of a batch. */
void batch_generate(uint64_t number, bool honest);
/* Mail to it fails amid the flood. */
bool day_is_flooded(const struct day *day);
void day_generate(struct day *day, uint64_t number, unsigned index, bool honest);
/* For people: who does what when. */
void day_describe(const struct day *day);

/* --- days_lines.c ------------------------------------------------------------------ */

unsigned days_message(void); /* the number of the next one */
unsigned day_pid(const struct day *day);
void day_log(const struct day *day, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Somebody makes one up. */
void days_forge(struct day *day);
/* Mail to the destination that takes another way: it tells nothing of it. */
void days_other_way(struct day *day, enum act_kind kind);

/* --- days_mail.c ------------------------------------------------------------------- */

void day_tell(const struct day *day, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void day_print_story(void); /* what was told since */
int64_t day_next_ms(const struct day *day);
void day_run(struct day *day); /* what is due */
/* These messages, ids with a blank behind each, are tried now; NULL: all. True: one was.
 */
bool days_retry(const char *ids);

/* --- days_oracle.c ----------------------------------------------------------------- */

void oracle_sent(struct day *day, const struct mail *mail, enum strength met);
void oracle_failed(struct day *day, const struct mail *mail, bool tls, bool plain);
void oracle_bounced(struct day *day, const struct mail *mail);
/* Another server has it, and the destination was not seen to take any. */
void oracle_relayed(struct day *day, const struct mail *mail);
void oracle_judged(
    void *context, const struct destination *d, const struct judged *judged);
void oracle_looks(struct day *day);   /* now and then */
void oracle_flooded(struct day *day); /* when it is over */
void oracle_end(struct day *day);

/* --- days_table.c ------------------------------------------------------------------ */

void table_note(const struct day *day);
void table_print(void);
/* How many of these, alone and in pairs, had no day with a past, or none without. */
unsigned table_missing(bool honest);
/* How many days of all lasted two to four weeks. */
unsigned table_weeks(unsigned *all);

#endif
