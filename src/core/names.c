/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/names.h"

#include <string.h>

#define NAME_MAX_BYTES 255
#define SEPARATORS     STR_POSTFIX_LIST ":" /* smtp_tls_policy.c: CHARS_COMMA_SP ":" */

/* --- one name ---------------------------------------------------------------------- */

static bool
is_ldh(char c)
{
	return ascii_is_alnum(c) || c == '-';
}

/* What may stand behind "*.": two labels or more, none of them empty, each of letters,
 * digits and hyphens, and no hyphen at an end (v3_utl.c: valid_star). */
static bool
is_domain(struct str domain)
{
	size_t dots = 0;

	for (size_t i = 0; i < domain.len; i++) {
		char c = domain.p[i];
		char before = i > 0 ? domain.p[i - 1] : '.';

		if (c == '.' && (before == '.' || before == '-'))
			return false;
		if (c == '-' && before == '.')
			return false;
		if (c != '.' && !is_ldh(c))
			return false;
		dots += c == '.';
	}
	return dots > 0 && is_ldh(domain.p[domain.len - 1]) &&
	    domain.p[domain.len - 1] != '-';
}

/*
 * Does this one name of a certificate match `wanted`, a name or .domain? As
 * X509_check_host(3) does with X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, which is how Postfix
 * calls it since 3.6: `*` as the whole first label, with two labels or more behind it,
 * stands for exactly one label of letters, digits and hyphens.
 */
static bool
one_matches(struct str name, struct str wanted)
{
	struct str label;

	if (wanted.len > 1 && wanted.p[0] == '.')
		return str_ends_nocase(name, wanted);
	if (wanted.len > 0 && str_equal_nocase(name, wanted))
		return true;
	if (!str_eat(&name, STR("*.")) || !is_domain(name) ||
	    !str_cut(&wanted, '.', &label) || label.len == 0)
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!is_ldh(label.p[i]))
			return false;
	return str_equal_nocase(name, wanted);
}

bool
names_is_address(struct str text)
{
	bool digits = text.len > 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == ':')
			return true;
		digits = digits && (ascii_is_digit(text.p[i]) || text.p[i] == '.');
	}
	return digits;
}

static bool
is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] >= 0x80)
			return false;
	return true;
}

/* --- a list ------------------------------------------------------------------------ */

/* The next name. False: no more. */
static bool
next_name(struct str *names, struct str *name)
{
	while (str_next(names, ' ', name))
		if (name->len > 0)
			return true;
	return false;
}

static bool
has_more(struct str names)
{
	return str_ends_nocase(names, STR(NAMES_MORE)) &&
	    (names.len == strlen(NAMES_MORE) ||
	        names.p[names.len - strlen(NAMES_MORE) - 1] == ' ');
}

static bool
has_name(struct str names, struct str wanted)
{
	struct str name;

	while (next_name(&names, &name))
		if (str_equal_nocase(name, wanted))
			return true;
	return false;
}

static void
append(char *list, size_t len, struct str name)
{
	if (len > 0)
		list[len++] = ' ';
	memcpy(list + len, name.p, name.len);
	list[len + name.len] = '\0';
}

void
names_add_more(char *list)
{
	if (!has_more(str_of(list)))
		append(list, strlen(list), STR(NAMES_MORE));
}

void
names_add(char *list, struct str name)
{
	size_t len = strlen(list);

	if (name.len == 0 || name.len > NAME_MAX_BYTES || str_is(name, NAMES_MORE))
		return;
	for (size_t i = 0; i < name.len; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == '@')
			return;
	if (has_more(str_of(list)) || has_name(str_of(list), name))
		return;
	/* Room for it, for the mark, two blanks and the NUL. */
	if (len + name.len + strlen(NAMES_MORE) + 3 > NAMES_SIZE)
		names_add_more(list);
	else
		append(list, len, name);
}

void
names_common(struct str a, struct str b, char out[NAMES_SIZE])
{
	char list[NAMES_SIZE] = "";
	bool differ = has_more(a) || has_more(b);
	struct str rest = a, name;

	while (next_name(&rest, &name)) {
		if (has_name(b, name))
			names_add(list, name);
		else
			differ = true;
	}
	while (next_name(&b, &name))
		differ = differ || !has_name(a, name);
	if (differ)
		names_add_more(list);
	memcpy(out, list, strlen(list) + 1);
}

bool
names_any(struct str names, char *out, size_t size)
{
	struct str name;

	out[0] = '\0';
	while (next_name(&names, &name)) {
		bool usable = name.p[0] != '-' && !str_is(name, NAMES_MORE);

		if (name.len > 2 && str_starts(name, STR("*.")))
			name = str_skip(name, 1);
		for (size_t i = 0; i < name.len && usable; i++)
			usable =
			    is_ldh(name.p[i]) || name.p[i] == '.' || name.p[i] == '_';
		if (usable && !names_is_address(name) && str_copy(name, out, size))
			return true;
	}
	return false;
}

/* --- against a destination --------------------------------------------------------- */

void
names_wanted(const char *match, const char *host, const char *nexthop,
    void (*each)(void *context, struct str wanted), void *context)
{
	struct str words = str_of(match), word;
	char below[NAME_MAX_BYTES + 2] = ".";

	while (str_next_word(&words, SEPARATORS, &word)) {
		if (str_equal_nocase(word, STR("hostname")))
			word = str_of(host);
		else if (str_equal_nocase(word, STR("nexthop")))
			word = str_of(nexthop);
		else if (str_equal_nocase(word, STR("dot-nexthop")))
			word = nexthop[0] != '\0' &&
			        str_copy(str_of(nexthop), below + 1, sizeof(below) - 1)
			    ? str_of(below)
			    : STR("");
		if (word.len > 0)
			each(context, word);
	}
}

struct matching {
	struct str names;
	enum answer answer;
};

static void
match_one(void *context, struct str wanted)
{
	struct matching *matching = context;
	struct str names = matching->names, name;

	if (matching->answer == ANSWER_YES)
		return;
	if (names_is_address(wanted) || !is_ascii(wanted)) {
		matching->answer = ANSWER_UNSURE;
		return;
	}
	while (next_name(&names, &name)) {
		if (one_matches(name, wanted) && !str_is(name, NAMES_MORE)) {
			matching->answer = ANSWER_YES;
			return;
		}
	}
}

enum answer
names_match(struct str names, const char *match, const char *host, const char *nexthop)
{
	struct matching matching = {
	    .names = names, .answer = has_more(names) ? ANSWER_UNSURE : ANSWER_NO};

	names_wanted(match, host, nexthop, match_one, &matching);
	return matching.answer;
}
