/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/sts_policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/covered.h"

#define KEY_MAX        32
#define MAX_AGE_DIGITS 10

/* --- patterns ----------------------------------------------------------------------- */

#define SLOTS 2048 /* a power of two, over twice STS_MX_MAX */

_Static_assert(SLOTS > 2 * STS_MX_MAX, "a free slot is soon found");

/* A list that is parted by blanks, each pattern once. An owner may have a thousand, and
 * theirs are read whenever one of their destinations is judged. */
struct patterns {
	struct buf list;
	unsigned count;
	uint32_t ends[SLOTS]; /* by their hash: where they end in the list; 0: free */
};

static bool
ends_there(const struct buf *list, uint32_t end, struct str pattern)
{
	const char *text = buf_text(list);
	size_t begin = end - pattern.len;

	return end >= pattern.len && (begin == 0 || text[begin - 1] == ' ') &&
	    memcmp(text + begin, pattern.p, pattern.len) == 0;
}

/* Its slot, or the free one for it. */
static uint32_t *
find_slot(struct patterns *patterns, struct str pattern)
{
	uint32_t at = (uint32_t)(covered_hash(pattern) % SLOTS);

	while (patterns->ends[at] != 0 &&
	    !ends_there(&patterns->list, patterns->ends[at], pattern))
		at = (at + 1) % SLOTS;
	return &patterns->ends[at];
}

/*
 * "*." may stand before a name. A single label is the name of no mail host on the
 * internet; as match= in a policy entry some would be Postfix's words: hostname, nexthop,
 * dot-nexthop.
 */
static bool
is_pattern(struct str text)
{
	return str_eat(&text, STR("*."))
	    ? sts_is_host_name(text)
	    : sts_is_host_name(text) && memchr(text.p, '.', text.len) != NULL;
}

/* Appended in lower case, if it is a pattern and not there yet. False: it is none, or one
 * too many. */
static bool
add_pattern(struct patterns *patterns, struct str text)
{
	struct buf *list = &patterns->list;
	char lower[NEXTHOP_HOST_SIZE];
	uint32_t *end;

	if (text.len > 0 && text.p[text.len - 1] == '.')
		text.len--;
	if (patterns->count == STS_MX_MAX || !is_pattern(text) ||
	    !str_copy(text, lower, sizeof(lower)))
		return false;
	for (char *p = lower; *p != '\0'; p++)
		*p = ascii_lower(*p);
	end = find_slot(patterns, str_of(lower));
	if (*end == 0) {
		buf_printf(list, "%s%s", list->len > 0 ? " " : "", lower);
		*end = (uint32_t)list->len;
		patterns->count++;
	}
	return true;
}

bool
sts_mx_matches(struct str pattern, struct str host)
{
	struct str label;

	if (host.len > 0 && host.p[host.len - 1] == '.')
		host.len--;
	if (str_eat(&pattern, STR("*.")) &&
	    (!str_cut(&host, '.', &label) || label.len == 0))
		return false;
	return str_equal_nocase(pattern, host);
}

bool
sts_policy_allows(const struct sts_policy *policy, struct str host)
{
	struct str list = str_of(policy->mx != NULL ? policy->mx : ""), pattern;

	while (str_next(&list, ' ', &pattern))
		if (sts_mx_matches(pattern, host))
			return true;
	return false;
}

/* --- the text ----------------------------------------------------------------------- */

enum key {
	KEY_VERSION,
	KEY_MODE,
	KEY_MAX_AGE,
	KEY_MX,
	KEY_COUNT,
};

static const char *const keys[] = {
    [KEY_VERSION] = "version",
    [KEY_MODE] = "mode",
    [KEY_MAX_AGE] = "max_age",
    [KEY_MX] = "mx",
};

struct reading {
	struct sts_policy policy; /* but for mx */
	struct sts_notes notes;
	struct patterns mx;
	unsigned mx_lines;
	bool seen[KEY_COUNT];
	unsigned line; /* from 1 */
};

static bool
is_key(struct str key)
{
	if (key.len == 0 || key.len > KEY_MAX || !ascii_is_alnum(key.p[0]))
		return false;
	for (size_t i = 1; i < key.len; i++)
		if (!ascii_is_alnum(key.p[i]) && strchr("_-.", key.p[i]) == NULL)
			return false;
	return true;
}

/* UTF-8 without controls, C1 among them, and not empty. */
static bool
is_value(struct str value)
{
	bool any = value.len > 0;

	while (value.len > 0) {
		size_t len = str_utf8_len(value);
		unsigned char first = (unsigned char)value.p[0];

		if (len == 0 || first < ' ' || first == 0x7f ||
		    (first == 0xc2 && (unsigned char)value.p[1] < 0xa0))
			return false;
		value = str_skip(value, len);
	}
	return any;
}

static bool
take_max_age(struct reading *r, struct str value)
{
	uint64_t s;

	if (value.len > MAX_AGE_DIGITS || !str_number(value, UINT64_MAX, &s))
		return false;
	r->notes.max_age_cut = s > STS_MAX_AGE_MAX_S;
	r->policy.max_age_s = (uint32_t)(r->notes.max_age_cut ? STS_MAX_AGE_MAX_S : s);
	return true;
}

static void
take_mx(struct reading *r, struct str value)
{
	struct sts_notes *notes = &r->notes;

	if (add_pattern(&r->mx, value) || notes->dropped++ > 0)
		return;
	if (value.len >= sizeof(notes->first_dropped))
		value.len = sizeof(notes->first_dropped) - 1;
	str_copy(value, notes->first_dropped, sizeof(notes->first_dropped));
}

static bool
take_known(struct reading *r, enum key key, struct str value, struct err *err)
{
	switch (key) {
	case KEY_VERSION:
		return str_is(value, "STSv1") ||
		    err_set(err, "line %u: the version is not STSv1", r->line);
	case KEY_MODE:
		return sts_mode_parse(value, &r->policy.mode) ||
		    err_set(err, "line %u: the mode is not enforce, testing or none",
		        r->line);
	case KEY_MAX_AGE:
		return take_max_age(r, value) ||
		    err_set(err, "line %u: max_age is no number of seconds", r->line);
	default:
		if (++r->mx_lines > STS_MX_MAX)
			return err_set(
			    err, "line %u: over %d mx lines", r->line, STS_MX_MAX);
		take_mx(r, value);
		return true;
	}
}

static bool
take_line(struct reading *r, struct str line, struct err *err)
{
	enum key known = KEY_VERSION;
	struct str key;

	r->line++;
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	if (str_trim(line).len == 0) {
		r->notes.blank_lines++;
		return true;
	}
	if (!str_cut(&line, ':', &key))
		return err_set(err, "line %u: there is no colon", r->line);
	if (!is_key(key))
		return err_set(
		    err, "line %u: what stands before the colon is no key", r->line);
	while (known < KEY_COUNT && !str_is(key, keys[known]))
		known++;
	/* Of a key that is there again the first counts, and no other is looked at. */
	if (known < KEY_MX && r->seen[known])
		return true;
	line = str_trim(line);
	if (!is_value(line))
		return err_set(err, "line %u: the value is empty, or no text", r->line);
	if (known == KEY_COUNT)
		return true; /* an extension */
	r->seen[known] = true;
	return take_known(r, known, line, err);
}

static bool
is_whole(const struct reading *r, struct err *err)
{
	for (unsigned key = 0; key < KEY_MX; key++)
		if (!r->seen[key])
			return err_set(err, "there is no %s", keys[key]);
	if (r->policy.mode == STS_MODE_NONE || r->mx.list.len > 0)
		return true;
	return err_set(
	    err, r->mx_lines > 0 ? "no mx can match a host" : "there is no mx");
}

bool
sts_policy_parse(
    struct str text, struct sts_policy *out, struct sts_notes *notes, struct err *err)
{
	struct reading r = {0};
	struct str line;
	bool valid = true;

	*out = (struct sts_policy){0};
	if (notes != NULL)
		*notes = (struct sts_notes){0};
	if (text.len > STS_BODY_MAX)
		return err_set(err, "it is over %d octets long", STS_BODY_MAX);
	while (valid && str_next(&text, '\n', &line))
		valid = take_line(&r, line, err);
	valid = valid && is_whole(&r, err);
	if (notes != NULL)
		*notes = r.notes;
	if (valid) {
		*out = r.policy;
		out->mx = buf_take(&r.mx.list);
	}
	buf_clear(&r.mx.list);
	return valid;
}

/* --- a policy ----------------------------------------------------------------------- */

struct sts_policy
sts_policy_of(enum sts_mode mode, uint32_t max_age_s, struct str mx)
{
	struct sts_policy policy = {.mode = mode, .max_age_s = max_age_s};
	struct patterns patterns = {.count = 0};
	struct str one;

	if (max_age_s > STS_MAX_AGE_MAX_S)
		policy.max_age_s = STS_MAX_AGE_MAX_S;
	while (str_next(&mx, ' ', &one))
		add_pattern(&patterns, one);
	policy.mx = buf_take(&patterns.list);
	return policy;
}

void
sts_policy_clear(struct sts_policy *policy)
{
	free(policy->mx);
	*policy = (struct sts_policy){0};
}

static bool
allows_one(struct str pattern, const struct str *hosts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sts_mx_matches(pattern, hosts[i]))
			return true;
	return false;
}

/* Those that allow one of hosts, or the others, as far as there is room. */
static void
keep_some(const struct sts_policy *policy, const struct str *hosts, size_t count,
    bool allowing, struct buf *out)
{
	struct str list = str_of(policy->mx), pattern;

	while (str_next(&list, ' ', &pattern))
		if (allows_one(pattern, hosts, count) == allowing &&
		    out->len + pattern.len < STS_MX_SMALL)
			buf_printf(
			    out, "%s%.*s", out->len > 0 ? " " : "", STR_ARG(pattern));
}

void
sts_policy_cut(struct sts_policy *policy, const struct str *hosts, size_t count)
{
	struct buf kept = {0};

	if (policy->mx == NULL || strlen(policy->mx) <= STS_MX_SMALL)
		return;
	keep_some(policy, hosts, count, true, &kept);
	keep_some(policy, hosts, count, false, &kept);
	free(policy->mx);
	policy->mx = buf_take(&kept);
	policy->cut = true;
}

bool
sts_policy_equal(const struct sts_policy *a, const struct sts_policy *b)
{
	return a->mode == b->mode &&
	    strcmp(a->mx != NULL ? a->mx : "", b->mx != NULL ? b->mx : "") == 0;
}
