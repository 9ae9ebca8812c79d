/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/version.h"

static bool
take_number(struct str *text, uint64_t *number)
{
	size_t len = 0;

	while (len < text->len && ascii_is_digit(text->p[len]))
		len++;
	if (!str_number((struct str){text->p, len}, 99999999, number))
		return false;
	*text = str_skip(*text, len);
	return true;
}

bool
version_parse(struct str text, struct version *out)
{
	*out = (struct version){0};
	if (!take_number(&text, &out->major) || !str_eat(&text, STR(".")) ||
	    !take_number(&text, &out->minor))
		return false;
	if (str_eat(&text, STR(".")))
		return take_number(&text, &out->patch);
	if (text.len == 0)
		return true;
	if (out->minor == 0)
		return false;
	out->minor--;
	return true;
}

static int
compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int
version_compare(const struct version *a, const struct version *b)
{
	if (a->major != b->major)
		return compare(a->major, b->major);
	if (a->minor != b->minor)
		return compare(a->minor, b->minor);
	return compare(a->patch, b->patch);
}

enum answer
version_is_from(struct str text, uint64_t major, uint64_t minor, uint64_t patch)
{
	const struct version from = {major, minor, patch};
	struct version version;

	if (!version_parse(text, &version))
		return ANSWER_UNSURE;
	return version_compare(&version, &from) >= 0 ? ANSWER_YES : ANSWER_NO;
}
