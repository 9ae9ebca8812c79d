/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/sts_txt.h"

#include <assert.h>
#include <string.h>

#define STS_VERSION STR("v=STSv1")
#define NAME_MAX    32

static const char *const states[] = {
    [STS_TXT_UNSURE] = "unsure",
    [STS_TXT_NONE] = "none",
    [STS_TXT_SEVERAL] = "several",
    [STS_TXT_INVALID] = "invalid",
    [STS_TXT_VALID] = "valid",
};

const char *
sts_txt_name(enum sts_txt_state state)
{
	assert(state < STS_TXT_COUNT);
	return states[state];
}

bool
sts_txt_parse(struct str name, enum sts_txt_state *state)
{
	for (unsigned i = 0; i < STS_TXT_COUNT; i++) {
		if (str_is(name, states[i])) {
			*state = (enum sts_txt_state)i;
			return true;
		}
	}
	return false;
}

bool
sts_txt_join(struct str data, struct buf *text)
{
	size_t begin = text->len;

	while (data.len > 0) {
		size_t len = (unsigned char)data.p[0];

		if (len + 1 > data.len || text->len - begin + len > STS_TXT_OCTETS_MAX)
			return false;
		buf_add(text, data.p + 1, len);
		data = str_skip(data, len + 1);
	}
	return true;
}

/*
 * The grammar of RFC 8461 has blanks before the first semicolon, and its text compares
 * with "v=STSv1;" (erratum 6285): both are taken. text then begins at the semicolon.
 */
static bool
eat_version(struct str *text)
{
	struct str rest = *text;

	if (!str_eat(&rest, STS_VERSION))
		return false;
	while (rest.len > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t'))
		rest = str_skip(rest, 1);
	if (rest.len == 0 || rest.p[0] != ';')
		return false;
	*text = rest;
	return true;
}

static bool
is_name(struct str name)
{
	if (name.len == 0 || name.len > NAME_MAX || !ascii_is_alnum(name.p[0]))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if (!ascii_is_alnum(name.p[i]) && strchr("_-.", name.p[i]) == NULL)
			return false;
	return true;
}

/* Printable ASCII without blanks, = and ; (which parts fields). */
static bool
is_value(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.p[i] <= ' ' || value.p[i] > '~' || value.p[i] == '=')
			return false;
	return value.len > 0;
}

static bool
is_id(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!ascii_is_alnum(value.p[i]))
			return false;
	return value.len > 0 && value.len < STS_ID_SIZE;
}

/* Fields behind the version, each behind its semicolon. Of several ids the first counts.
 */
static bool
read_fields(struct str text, char id[STS_ID_SIZE])
{
	bool found = false;

	assert(text.p[0] == ';');
	while (text.len > 0) {
		struct str field, name;

		text = str_skip(text, 1);
		if (str_trim(text).len == 0)
			break; /* one semicolon may end the record */
		if (!str_cut(&text, ';', &field)) {
			field = text;
			text.len = 0;
		} else { /* back to the semicolon */
			text = (struct str){text.p - 1, text.len + 1};
		}
		field = str_trim(field);
		if (!str_cut(&field, '=', &name) || !is_name(name) || !is_value(field))
			return false;
		if (!str_is(name, "id") || found)
			continue;
		if (!is_id(field) || !str_copy(field, id, STS_ID_SIZE))
			return false;
		found = true;
	}
	return found;
}

void
sts_txt_read(const struct str *texts, size_t count, struct sts_txt *out)
{
	struct str only = {0};
	size_t found = 0;

	*out = (struct sts_txt){.state = STS_TXT_UNSURE};
	if (count > STS_TXT_RECORDS_MAX)
		return;
	for (size_t i = 0; i < count; i++) {
		struct str text = texts[i];

		if (text.len > STS_TXT_OCTETS_MAX)
			return;
		if (eat_version(&text)) {
			only = text;
			found++;
		}
	}
	if (found != 1) {
		out->state = found == 0 ? STS_TXT_NONE : STS_TXT_SEVERAL;
	} else if (read_fields(only, out->id)) {
		out->state = STS_TXT_VALID;
	} else {
		out->state = STS_TXT_INVALID;
		out->id[0] = '\0';
	}
}
