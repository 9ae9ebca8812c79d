/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/sts_entry.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "core/version.h"

enum sts_support
sts_support_of(struct str mail_version, bool enforces_mx_patterns)
{
	if (version_is_from(mail_version, 3, 4, 0) != ANSWER_YES)
		return STS_SUPPORT_NONE;
	if (version_is_from(mail_version, 3, 10, 0) != ANSWER_YES)
		return STS_SUPPORT_NAMES;
	return version_is_from(mail_version, 3, 10, 5) == ANSWER_YES &&
	        enforces_mx_patterns
	    ? STS_SUPPORT_EXACT
	    : STS_SUPPORT_REPORTS;
}

static bool
is_wild(struct str pattern)
{
	return str_starts(pattern, STR("*."));
}

#define MATCH_BEGIN "match="
#define MATCH_END   " servername=hostname"

/* The names of match= are parted by colons. */
struct names {
	struct buf *out;
	size_t begin; /* in out */
};

static void
add_name(struct names *names, struct str name, bool once)
{
	struct str all = {
	    buf_text(names->out) + names->begin, names->out->len - names->begin};
	struct str one, rest = all;

	while (once && str_next(&rest, ':', &one))
		if (str_equal_nocase(one, name))
			return;
	if (all.len > 0)
		buf_add_char(names->out, ':');
	for (size_t i = 0; i < name.len; i++)
		buf_add_char(names->out, ascii_lower(name.p[i]));
}

/* Postfix looks at the MX host's name itself: ".d.test" is what it reads "*.d.test" as.
 */
static void
add_patterns(struct names *names, struct str list)
{
	struct str pattern;

	while (str_next(&list, ' ', &pattern))
		add_name(names, is_wild(pattern) ? str_skip(pattern, 1) : pattern, false);
}

/* While there are at most max octets of names. */
static void
add_hosts(struct names *names, const struct sts_policy *policy,
    const struct str *mx_hosts, size_t count, size_t max)
{
	for (size_t i = 0; i < count; i++) {
		struct str host = mx_hosts[i];

		if (host.len > 0 && host.p[host.len - 1] == '.')
			host.len--;
		if (sts_is_host_name(host) && sts_policy_allows(policy, host) &&
		    names->out->len - names->begin + 1 + host.len <= max)
			add_name(names, host, true);
	}
}

/*
 * ".d.test" would be any number of labels, and "*.d.test" a certificate of just that
 * name: a pattern with "*" stands for the MX hosts that it matches now. MX answers may be
 * forged, but only to names that the policy allows.
 */
static void
add_names(struct names *names, const struct sts_policy *policy,
    const struct str *mx_hosts, size_t count)
{
	struct str list = str_of(policy->mx), pattern;

	while (str_next(&list, ' ', &pattern))
		if (!is_wild(pattern))
			add_name(names, pattern, false);
	add_hosts(names, policy, mx_hosts, count, SIZE_MAX);
}

/* Made anew of what was read: nothing else of the owner's text gets into the map. */
static void
add_report(const struct sts_policy *policy, struct str domain, struct buf *out)
{
	struct str list = str_of(policy->mx), pattern;

	buf_printf(out, " policy_type=sts policy_domain=%.*s", STR_ARG(domain));
	while (str_next(&list, ' ', &pattern))
		buf_printf(out, " mx_host_pattern=%.*s", STR_ARG(pattern));
	buf_printf(out, " { policy_string = version: STSv1 }");
	buf_printf(out, " { policy_string = mode: %s }", sts_mode_name(policy->mode));
	for (list = str_of(policy->mx); str_next(&list, ' ', &pattern);)
		buf_printf(out, " { policy_string = mx: %.*s }", STR_ARG(pattern));
	buf_printf(out, " { policy_string = max_age: %u }", policy->max_age_s);
}

static struct names
begin_names(struct buf *out)
{
	buf_add_str(out, STR(MATCH_BEGIN));
	return (struct names){.out = out, .begin = out->len};
}

static void
end_names(struct names *names)
{
	if (names->out->len == names->begin) /* an empty match= is an error to Postfix */
		add_name(names, STR(STS_NO_HOST), false);
	buf_add_str(names->out, STR(MATCH_END));
}

void
sts_entry_attributes(const struct sts_policy *policy, struct str domain,
    enum sts_support support, const struct str *mx_hosts, size_t count, struct buf *out)
{
	struct names names = begin_names(out);

	assert(support != STS_SUPPORT_NONE && policy->mode == STS_MODE_ENFORCE);
	assert(sts_is_host_name(domain) && policy->mx != NULL);
	if (support == STS_SUPPORT_EXACT)
		add_patterns(&names, str_of(policy->mx));
	else
		add_names(&names, policy, mx_hosts, count);
	end_names(&names);
	if (support >= STS_SUPPORT_REPORTS)
		add_report(policy, domain, out);
}

static bool
has_wildcard(const struct sts_policy *policy)
{
	struct str list = str_of(policy->mx), pattern;

	while (str_next(&list, ' ', &pattern))
		if (is_wild(pattern))
			return true;
	return false;
}

enum sts_entry
sts_entry_bounded(const struct sts_policy *policy, struct str domain,
    enum sts_support support, const struct str *mx_hosts, size_t count, bool has_room,
    struct buf *out)
{
	size_t max = has_room ? STS_ENTRY_MAX : STS_ENTRY_SMALL;
	enum sts_entry became = STS_ENTRY_OF_HOSTS;
	struct buf made = {0};
	struct names names;

	/* What cannot fit is not made first. */
	if (strlen(policy->mx) <= max)
		sts_entry_attributes(policy, domain, support, mx_hosts, count, &made);
	if (made.len > 0 && made.len <= max) {
		if (support == STS_SUPPORT_EXACT || !has_wildcard(policy))
			became = STS_ENTRY_WHOLE;
	} else {
		buf_reset(&made);
		names = begin_names(&made);
		add_hosts(
		    &names, policy, mx_hosts, count, max - strlen(MATCH_BEGIN MATCH_END));
		end_names(&names);
	}
	buf_add(out, buf_text(&made), made.len);
	buf_clear(&made);
	return became;
}

size_t
sts_hosts_allowed(
    const struct sts_policy *policy, const struct str *mx_hosts, size_t count)
{
	size_t allowed = 0;

	for (size_t i = 0; i < count; i++)
		allowed += sts_policy_allows(policy, mx_hosts[i]);
	return allowed;
}

bool
sts_entry_is_one(struct demand entry)
{
	struct str rest = str_of(demand_attributes(entry)), word;

	return entry.level == LEVEL_SECURE && str_next(&rest, ' ', &word) &&
	    str_starts(word, STR("match=")) && str_next(&rest, ' ', &word) &&
	    str_equal(word, STR("servername=hostname"));
}
