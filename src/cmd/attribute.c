/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/attribute.h"

#include <string.h>

#include "base/like.h"
#include "base/str.h"
#include "core/nexthop.h"
#include "core/version.h"
#include "postfix/postfix.h"

static const char *
grade_fault(struct str value)
{
	static const char *const grades[] = {"high", "medium", "low", "export", "null"};

	for (size_t i = 0; i < sizeof(grades) / sizeof(grades[0]); i++)
		if (str_equal_nocase(value, str_of(grades[i])))
			return NULL;
	return "is no cipher grade: high, medium, low, export or null";
}

static const char *
protocols_fault(struct str value)
{
	static const char *const names[] = {
	    "SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
	bool more = true;

	while (more) {
		struct str word;
		bool known = false;

		more = str_cut(&value, ':', &word);
		if (!more)
			word = value;
		if (!str_eat(&word, STR("!")) && !str_eat(&word, STR(">=")))
			str_eat(&word, STR("<="));
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			known = known || str_equal_nocase(word, str_of(names[i]));
		if (!known)
			return "is no list of protocols, as >=TLSv1.2 or TLSv1.2:TLSv1.3";
	}
	return NULL;
}

static const char *
name_fault(struct str value)
{
	struct nexthop nexthop;

	if (nexthop_parse(value, &nexthop) && !nexthop.bracketed && !nexthop.literal &&
	    memchr(value.p, ':', value.len) == NULL)
		return NULL;
	return "names no host; write one, like mx.example.org";
}

static const char *
path_fault(struct str value)
{
	return value.p[0] == '/' ? NULL : "is no absolute path; begin it with /";
}

static const char *
yes_no_fault(struct str value)
{
	return postfix_boolean(value) != ANSWER_UNSURE
	    ? NULL
	    : "is neither yes nor no; write yes or no";
}

static const struct attribute {
	const char *name;
	unsigned major, minor; /* of the Postfix that knows it first */
	bool authenticated;    /* makes sense at verify and secure alone */
	bool once;             /* twice is an error */
	const char *(*fault)(struct str value);
} attributes[] = {
    {"ciphers", 2, 3, false, true, grade_fault},
    {"protocols", 2, 3, false, true, protocols_fault},
    {"exclude", 2, 3, false, true, NULL},
    {"match", 2, 3, true, false, NULL},
    {"tafile", 2, 11, true, false, path_fault},
    {"servername", 3, 4, false, true, name_fault},
    {"connection_reuse", 3, 4, false, false, yes_no_fault},
    {"enable_rpk", 3, 9, false, false, yes_no_fault},
};

/* Where nobody could tell Postfix will say. */
static bool
is_older(const char *version, const struct attribute *attribute)
{
	return version != NULL &&
	    version_is_from(str_of(version), attribute->major, attribute->minor, 0) ==
	    ANSWER_NO;
}

/* Its value is left in rest. NULL: there is no such attribute. */
static const struct attribute *
find(struct str *rest)
{
	struct str name;

	if (!str_cut(rest, '=', &name))
		return NULL;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (str_equal_nocase(name, str_of(attributes[i].name)))
			return &attributes[i];
	return NULL;
}

static bool
stands_before(char *const *texts, int count, const struct attribute *attribute)
{
	for (int i = 0; i < count - 1; i++) {
		struct str rest = str_of(texts[i]);

		if (find(&rest) == attribute)
			return true;
	}
	return false;
}

/* A comma parts attributes for Postfix, and people write it between values. */
static const char *
byte_fault(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == ',')
			return "has a blank, a comma or a byte that is not ASCII in it; "
			       "put \":\" between several values, as match=a:b";
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
			return "has a blank, a comma or a byte that is not ASCII in it; "
			       "leave that out";
	}
	return NULL;
}

static void
say_unknown(const char *text, struct buf *why)
{
	const char *known[sizeof(attributes) / sizeof(attributes[0])], *like;
	struct str rest = str_of(text), name = rest;

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		known[i] = attributes[i].name;
	str_cut(&rest, '=', &name);
	like = like_nearest(name, known, sizeof(known) / sizeof(known[0]));
	buf_printf(why, "is no attribute of smtp_tls_policy_maps");
	if (like != NULL)
		buf_printf(why, "; did you mean \"%s\"?", like);
	for (size_t i = 0; like == NULL && i < sizeof(known) / sizeof(known[0]); i++)
		buf_printf(why, "%s%s", i == 0 ? "; these are: " : ", ", known[i]);
}

bool
attribute_check(
    char *const *texts, int count, enum level level, const char *version, struct buf *why)
{
	struct str value = str_of(texts[count - 1]);
	const struct attribute *attribute;
	const char *equals = strchr(value.p, '='), *fault = byte_fault(value);

	if (equals == NULL || equals[1] == '\0')
		fault = "is not ATTR=VALUE; write it like match=mx.example.org";
	attribute = find(&value);
	if (fault == NULL && attribute == NULL) {
		say_unknown(texts[count - 1], why);
		return false;
	}
	if (fault != NULL)
		;
	else if (attribute->authenticated && level != LEVEL_VERIFY &&
	    level != LEVEL_SECURE)
		fault =
		    "is for verify and secure alone; set one of these, or leave it out";
	else if (is_older(version, attribute))
		fault = "is not known to the installed Postfix; leave it out";
	else if (attribute->once && stands_before(texts, count, attribute))
		fault = "is of an attribute that may stand there once; leave one out";
	else if (attribute->fault != NULL)
		fault = attribute->fault(value);
	buf_printf(why, "%s", fault != NULL ? fault : "");
	return fault == NULL;
}

/* --- of an entry that was there ----------------------------------------------------- */

/* Of an MTA-STS policy (core/sts_entry.h), which nobody writes by hand. */
static const struct attribute reported[] = {
    {.name = "policy_type", .major = 3, .minor = 10},
    {.name = "policy_domain", .major = 3, .minor = 10},
    {.name = "mx_host_pattern", .major = 3, .minor = 10},
    {.name = "policy_string", .major = 3, .minor = 10},
};

static const struct attribute *
find_any(struct str word)
{
	struct str name;

	if (!str_cut(&word, '=', &name))
		name = word;
	for (size_t i = 0; i < sizeof(reported) / sizeof(reported[0]); i++)
		if (str_equal_nocase(name, str_of(reported[i].name)))
			return &reported[i];
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (str_equal_nocase(name, str_of(attributes[i].name)))
			return &attributes[i];
	return NULL;
}

bool
attribute_all_known(const char *text, const char *version, struct buf *why)
{
	struct str rest = str_of(text), word;
	bool in_braces = false;

	while (str_next(&rest, ' ', &word)) {
		const struct attribute *attribute;

		if (str_equal(word, STR("{"))) {
			in_braces = str_next(&rest, ' ', &word); /* its name */
		} else if (in_braces) {
			in_braces = !str_equal(word, STR("}"));
			continue;
		}
		attribute = find_any(word);
		if (attribute != NULL && !is_older(version, attribute))
			continue;
		buf_printf(why, "\"");
		buf_add_visible(why, word);
		buf_add_char(why, '"');
		return false;
	}
	return true;
}
