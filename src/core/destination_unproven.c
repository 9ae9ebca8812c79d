/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was seen at servers of which DNS has not told yet whose they are, while mail
 * fails: a fallback relay takes it then, perhaps. It is in the past, which holds, and
 * leaves it where they are another's. A line of the text of facts, words with a blank
 * behind each, four times and a name: the past without them, of no name, and each of
 * them. What was seen before mail failed stays, whatever DNS says now: it may be forged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/destination_impl.h"
#include "core/fold.h"

#define UNPROVEN      "unproven"
#define SERVERS_MAX   3 /* there is room for few more; of more the first count */
#define UNPROVEN_TEXT FACT_TEXT_SIZE

struct server_past {
	char name[NEXTHOP_HOST_SIZE];
	struct destination_past past;
};

struct unproven {
	struct destination_past proven;
	unsigned count;
	struct server_past servers[SERVERS_MAX];
};

static void
past_seen(struct destination_past *past, enum level level, int64_t at_ms)
{
	if (level == LEVEL_DANE_ONLY)
		destination_later(&past->dane_ms, at_ms);
	else if (level_is_authenticated(level))
		destination_later(&past->verify_ms, at_ms);
	else if (level == LEVEL_ENCRYPT)
		destination_later(&past->encrypt_ms, at_ms);
	if (level == LEVEL_SECURE)
		destination_later(&past->secure_ms, at_ms);
}

static void
past_add(struct destination_past *past, const struct destination_past *more)
{
	destination_later(&past->encrypt_ms, more->encrypt_ms);
	destination_later(&past->verify_ms, more->verify_ms);
	destination_later(&past->secure_ms, more->secure_ms);
	destination_later(&past->dane_ms, more->dane_ms);
}

/* --- the line ---------------------------------------------------------------------- */

static bool
read_word(struct str word, struct server_past *out)
{
	char text[UNPROVEN_TEXT];
	int used = 0;

	return str_copy(word, text, sizeof(text)) &&
	    sscanf(text, "%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%n",
	        &out->past.encrypt_ms, &out->past.verify_ms, &out->past.secure_ms,
	        &out->past.dane_ms, &used) == 4 &&
	    used > 0 && str_copy(str_of(text + used), out->name, sizeof(out->name));
}

/* False: there are none. */
static bool
load(const struct destination *d, struct unproven *out)
{
	struct server_past first = {0};
	struct fact fact;
	struct str word;

	*out = (struct unproven){.count = 0};
	if (!facts_find(d->facts, UNPROVEN, &fact) || !str_cut(&fact.text, ' ', &word) ||
	    !read_word(word, &first))
		return false;
	out->proven = first.past;
	while (out->count < SERVERS_MAX && str_cut(&fact.text, ' ', &word))
		if (read_word(word, &out->servers[out->count]))
			out->count++;
	return out->count > 0;
}

static size_t
print_word(char *text, size_t used, const struct destination_past *past, const char *name)
{
	int len = snprintf(text + used, UNPROVEN_TEXT - used,
	    "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s ", past->encrypt_ms,
	    past->verify_ms, past->secure_ms, past->dane_ms, name);

	return len < 0 || used + (size_t)len >= UNPROVEN_TEXT ? 0 : used + (size_t)len;
}

/* The first of them counts from now on. */
static void
prove_first(struct unproven *u)
{
	past_add(&u->proven, &u->servers[0].past);
	u->count--;
	for (unsigned i = 0; i < u->count; i++)
		u->servers[i] = u->servers[i + 1];
}

/* Whatever there is no room for counts. */
static void
save(struct destination *d, struct unproven *u)
{
	char text[UNPROVEN_TEXT];
	struct fact fact = {.name = STR(UNPROVEN), .text = STR("")};
	size_t used = 0;

	while (u->count > 0) {
		used = print_word(text, 0, &u->proven, "");
		for (unsigned i = 0; used != 0 && i < u->count; i++)
			used = print_word(
			    text, used, &u->servers[i].past, u->servers[i].name);
		if (used != 0)
			break;
		prove_first(u);
	}
	if (u->count > 0)
		fact.text = (struct str){text, used};
	facts_put(d->facts, &fact);
}

/* --- what is seen ------------------------------------------------------------------ */

void
destination_seen(struct destination *d, enum level level, int64_t at_ms)
{
	struct unproven u;

	if (at_ms == 0)
		return;
	past_seen(&d->past, level, at_ms);
	if (!load(d, &u))
		return;
	past_seen(&u.proven, level, at_ms);
	save(d, &u);
}

/* What was above that level proved that one. */
static void
past_lower(struct destination_past *past, enum level level)
{
	int64_t above_ms = 0;

	if (level < LEVEL_DANE_ONLY) {
		destination_later(&above_ms, past->dane_ms);
		past->dane_ms = 0;
	}
	if (level < LEVEL_SECURE) {
		destination_later(&above_ms, past->secure_ms);
		past->secure_ms = 0;
	}
	if (level < LEVEL_VERIFY) {
		destination_later(&above_ms, past->verify_ms);
		past->verify_ms = 0;
	}
	past_seen(past, level, above_ms);
}

void
destination_stood_by(struct destination *d, enum level level)
{
	struct unproven u;

	past_lower(&d->past, level_promise(level));
	if (!load(d, &u))
		return;
	past_lower(&u.proven, level_promise(level));
	save(d, &u);
}

void
destination_seen_at(
    struct destination *d, const char *name, enum level level, int64_t at_ms)
{
	struct unproven u;
	unsigned i = 0;

	if (at_ms == 0 || strchr(name, ' ') != NULL)
		return;
	if (!load(d, &u))
		u.proven = d->past;
	past_seen(&d->past, level, at_ms);
	while (i < u.count && strcmp(u.servers[i].name, name) != 0)
		i++;
	if (i == SERVERS_MAX) {
		prove_first(&u);
		i--;
	}
	if (i == u.count) {
		u.servers[i] = (struct server_past){.past = {0}};
		str_copy(str_of(name), u.servers[i].name, sizeof(u.servers[i].name));
		u.count++;
	}
	past_seen(&u.servers[i].past, level, at_ms);
	save(d, &u);
}

void
destination_settle_servers(struct destination *d)
{
	struct unproven u, left;

	if (!load(d, &u))
		return;
	left = (struct unproven){.proven = u.proven};
	for (unsigned i = 0; i < u.count; i++) {
		struct fold_host host = {.name = u.servers[i].name};

		switch (destination_has_server(d, &host)) {
		case ANSWER_YES:
			past_add(&left.proven, &u.servers[i].past);
			break;
		case ANSWER_UNSURE:
			left.servers[left.count++] = u.servers[i];
			break;
		default:
			break;
		}
	}
	d->past.encrypt_ms = left.proven.encrypt_ms;
	d->past.verify_ms = left.proven.verify_ms;
	d->past.secure_ms = left.proven.secure_ms;
	d->past.dane_ms = left.proven.dane_ms;
	for (unsigned i = 0; i < left.count; i++)
		past_add(&d->past, &left.servers[i].past);
	save(d, &left);
}
