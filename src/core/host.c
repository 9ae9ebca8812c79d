/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/host.h"

#include "core/names.h"

static void
later(int64_t *at_ms, int64_t than_ms)
{
	if (than_ms > *at_ms)
		*at_ms = than_ms;
}

void
host_past_seen(struct host_past *past, enum level level, int64_t at_ms)
{
	if (level == LEVEL_DANE_ONLY)
		later(&past->dane_ms, at_ms);
	else if (level_is_authenticated(level))
		later(&past->verify_ms, at_ms);
	else if (level == LEVEL_ENCRYPT)
		later(&past->encrypt_ms, at_ms);
}

void
host_past_add(struct host_past *past, const struct host_past *more)
{
	later(&past->encrypt_ms, more->encrypt_ms);
	later(&past->verify_ms, more->verify_ms);
	later(&past->dane_ms, more->dane_ms);
	later(&past->proven_ms, more->proven_ms);
	later(&past->failed_ms, more->failed_ms);
}

enum level
host_past_best(
    const struct host_past *past, bool dane, int64_t verified_ms, int64_t now_ms)
{
	int64_t since_ms =
	    (verified_ms != 0 && verified_ms < now_ms ? verified_ms : now_ms) -
	    HOST_PAST_MS;

	if (dane && past->dane_ms > since_ms)
		return LEVEL_DANE_ONLY;
	if (past->verify_ms > since_ms)
		return LEVEL_VERIFY;
	return past->encrypt_ms > since_ms || past->dane_ms > since_ms ? LEVEL_ENCRYPT
	                                                               : LEVEL_UNKNOWN;
}

/* --- parent domains ---------------------------------------------------------------- */

/* What registries of countries call their own second level. */
static bool
is_second_level(struct str label)
{
	static const char *const known[] = {"ac", "asn", "asso", "co", "com", "edu",
	    "gob", "gouv", "gov", "govt", "ltd", "net", "ne", "or", "org", "plc", "sch"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_is(label, known[i]))
			return true;
	return false;
}

/* The last so many labels of it, or all. */
static struct str
last_labels(struct str name, unsigned count)
{
	size_t at = name.len;

	while (at > 0 && (name.p[at - 1] != '.' || --count > 0))
		at--;
	return str_skip(name, at);
}

struct str
host_parent(struct str name)
{
	struct str two = last_labels(name, 2), rest = two, label;

	if (name.len == 0 || names_is_address(name))
		return STR("");
	if (!str_cut(&rest, '.', &label))
		return name;
	return rest.len == 2 && is_second_level(label) ? last_labels(name, 3) : two;
}
