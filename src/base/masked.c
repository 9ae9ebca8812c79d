/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/masked.h"

#include <stdbool.h>
#include <string.h>

/* How Postfix begins an address, as in "to=<". */
static const struct str opening = {"=<", 2};

/* Where the quoted text begins that ends before end; end: nowhere from from on. */
static size_t
quoted_part(struct str text, size_t from, size_t end)
{
	for (size_t i = end - 1; i > from; i--)
		if (text.p[i - 1] == '"' && (i - 1 == from || text.p[i - 2] != '\\'))
			return i - 1;
	/* In a string of SQL or JSON both quotes are escaped. */
	for (size_t i = from; i + 3 < end && text.p[end - 2] == '\\'; i++)
		if (text.p[i] == '\\' && text.p[i + 1] == '"')
			return i;
	return end;
}

/*
 * Where Postfix's "=<" or a "<" of an address that is closed behind its domain ends,
 * before at; at: nowhere. Without quotes (info_log_address_format = internal) blanks may
 * follow.
 */
static size_t
bracketed_part(struct str text, size_t from, size_t at)
{
	size_t end = at + 1;

	for (size_t i = at; i >= from + 2; i--) {
		if (memcmp(text.p + i - 2, opening.p, 2) == 0)
			return i;
		if (i < at && memcmp(text.p + i - 1, ">,", 2) == 0)
			break;
	}
	while (end < text.len && memchr(" <>@", text.p[end], 4) == NULL)
		end++;
	if (end == text.len || text.p[end] != '>')
		return at;
	for (size_t i = at; i > from && text.p[i - 1] != '>'; i--)
		if (text.p[i - 1] == '<')
			return i;
	return at;
}

static bool
is_word(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (memchr("'\"=<>(){}[]", text.p[i], 11) != NULL)
			return false;
	return text.len > 0;
}

/* 'user'@'host': is it the account of a database that begins at start? */
static bool
is_account(struct str text, size_t start, size_t at)
{
	return start + 2 < at && text.p[start] == '\'' && text.p[at - 1] == '\'' &&
	    (start == 0 || text.p[start - 1] == ' ') && at + 1 < text.len &&
	    text.p[at + 1] == '\'' &&
	    is_word((struct str){text.p + start + 1, at - start - 2});
}

/* Where the local part of the address begins whose @ is at at; not before from. at + 1:
 * it is no address. */
static size_t
local_part(struct str text, size_t from, size_t at)
{
	size_t start = bracketed_part(text, from, at);
	bool is_quoted = start > from && text.p[start - 1] == '"';

	if (start < at)
		return start;
	if (is_quoted)
		start = quoted_part(text, from, start);
	while (start > from && (unsigned char)text.p[start - 1] > ' ' &&
	    memchr("<(:", text.p[start - 1], 3) == NULL)
		start--;
	if (is_account(text, start, at))
		return at + 1;
	/* What is quoted as a whole, as a key is: its quote is no part of it. */
	return start + (!is_quoted && start + 1 < at && memchr("'\"", text.p[start], 2));
}

/* What has no @. Behind "=<" it is an address without a domain. */
static void
add_plain(struct buf *buf, struct str text, bool is_last)
{
	const char *begin;

	while ((begin = text.len > 0 ? memmem(text.p, text.len, opening.p, opening.len)
	                             : NULL) != NULL) {
		struct str rest = str_skip(text, (size_t)(begin - text.p) + opening.len);
		const char *end = rest.len > 0 ? memchr(rest.p, '>', rest.len) : NULL;

		buf_add(buf, text.p, (size_t)(rest.p - text.p));
		text = rest;
		if (rest.len == 0 || (end == NULL && !is_last) || end == rest.p)
			continue;
		buf_add_char(buf, '*');
		text = str_skip(rest, end != NULL ? (size_t)(end - rest.p) : rest.len);
	}
	buf_add_str(buf, text);
}

void
buf_add_masked(struct buf *buf, struct str text)
{
	size_t from = 0;

	while (from < text.len) {
		const char *hit = memchr(text.p + from, '@', text.len - from);
		size_t at = hit != NULL ? (size_t)(hit - text.p) : text.len;
		size_t end = hit != NULL ? local_part(text, from, at) : at;

		add_plain(buf, (struct str){text.p + from, end - from}, hit == NULL);
		if (hit != NULL && end <= at)
			buf_add_str(buf, STR("*@"));
		from = at + 1;
	}
}

void
masked_copy(struct str text, char *out, size_t size)
{
	struct buf masked = {0};
	size_t len;

	buf_add_masked(&masked, text);
	len = masked.len < size ? masked.len : size - 1;
	memcpy(out, buf_text(&masked), len);
	out[len] = '\0';
	buf_clear(&masked);
}

/* How many bytes at p are that local part, in whatever case and escaped as in SQL; 0: it
 * is another. */
static size_t
said_len(const char *p, struct str local)
{
	const char *begin = p;

	for (size_t i = 0; i < local.len; i++, p++) {
		while (i > 0 && *p == '\\' && local.p[i] != '\\')
			p++;
		if (!str_equal_nocase(
		        (struct str){p, *p != '\0'}, (struct str){local.p + i, 1}))
			return 0;
		if (p[0] == '\'' && p[1] == '\'' && i + 1 < local.len)
			p++;
	}
	return (size_t)(p - begin);
}

void
masked_hide(char *text, const char *address)
{
	static const char marks[] = "'\"\\%=()";
	const char *at = strrchr(address, '@');
	struct str local = {address, at != NULL ? (size_t)(at - address) : 0};

	for (char *p = text; *p != '\0' && p[1] != '\0'; p++) {
		size_t len = strchr(marks, *p) != NULL ? said_len(p + 1, local) : 0;

		if (len == 0 || p[1 + len] == '\0' || strchr(marks, p[1 + len]) == NULL)
			continue;
		p[1] = '*';
		memmove(p + 2, p + 1 + len, strlen(p + 1 + len) + 1);
	}
}
