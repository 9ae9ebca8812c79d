/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * posttls-finger.c, smtp_chat and tls_verify.c of Postfix. msg_info() makes one line of
 * everything and replaces what is not printable, so that a server's text cannot begin a
 * line; it stands behind "< ", "rejected: " or "available: ".
 */
#include "postfix/finger_read.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/masked.h"
#include "core/certs.h"
#include "core/status.h"

static const struct str prefix = {"posttls-finger: ", 16};

void
finger_begin(struct finger_reader *reader)
{
	memset(reader, 0, sizeof(*reader));
	reader->seen.end = PROBE_SILENT;
}

static void
find(struct finger_reader *reader, struct str text)
{
	struct buf masked = {0}, visible = {0};

	buf_add_masked(&masked, str_trim(text)); /* an issuer may have an address */
	buf_add_visible(&visible, (struct str){buf_text(&masked), masked.len});
	if (!str_copy((struct str){buf_text(&visible), visible.len}, reader->seen.found,
	        sizeof(reader->seen.found)))
		str_copy((struct str){buf_text(&visible), 160}, reader->seen.found,
		    sizeof(reader->seen.found));
	buf_clear(&masked);
	buf_clear(&visible);
}

/* The first one counts: what comes after it follows from it. */
static void
settle(
    struct finger_reader *reader, enum probe_end end, enum cause cause, const char *text)
{
	if (reader->settled)
		return;
	reader->settled = true;
	reader->seen.end = end;
	reader->seen.cause = cause;
	find(reader, str_of(text));
}

/* --- what the server says ---------------------------------------------------------- */

/* "250-AUTH PLAIN", "250 STARTTLS": the first word of a line that is not the first one.
 */
static void
take_answer(struct finger_reader *reader, struct str line)
{
	struct str rest, word;
	bool last;

	if (line.len < 3 || line.p[0] != '2')
		return;
	rest = str_skip(line, 3);
	last = rest.len == 0 || rest.p[0] != '-';
	if (rest.len > 0)
		rest = str_trim(str_skip(rest, 1));
	for (word = (struct str){rest.p, 0}; word.len < rest.len; word.len++)
		if (word.p[word.len] == ' ' || word.p[word.len] == '=')
			break;
	if (reader->answers++ > 0) {
		reader->seen.auth =
		    reader->seen.auth || str_equal_nocase(word, STR("AUTH"));
		reader->offered =
		    reader->offered || str_equal_nocase(word, STR("STARTTLS"));
	}
	if (last)
		reader->place = FINGER_ANSWERED;
}

static void
take_said(struct finger_reader *reader, struct str line)
{
	if (reader->place == FINGER_EHLO)
		take_answer(reader, line);
}

static void
take_sent(struct finger_reader *reader, struct str line)
{
	if (str_starts(line, STR("EHLO "))) {
		reader->place = FINGER_EHLO;
		reader->answers = 0;
	} else if (str_is(line, "STARTTLS")) {
		reader->place = FINGER_STARTTLS;
	} else if (str_is(line, "QUIT")) {
		if (reader->place == FINGER_ANSWERED && !reader->offered)
			settle(reader, PROBE_PLAIN, CAUSE_NOT_OFFERED,
			    "STARTTLS is not offered");
		reader->place = FINGER_OVER;
	}
}

/* --- what posttls-finger says ------------------------------------------------------ */

/* "EHLO rejected: 502 ...": smtp(8) goes on with HELO; it says so only of the codes for a
 * command that is not known, for others may refuse us alone. */
static void
take_ehlo_rejected(struct finger_reader *reader, struct str code)
{
	static const char *const unknown[] = {"500 ", "501 ", "502 ", "504 "};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		if (str_starts(code, str_of(unknown[i])))
			settle(reader, PROBE_PLAIN, CAUSE_NOT_OFFERED,
			    "EHLO is not known there");
	settle(reader, PROBE_SILENT, CAUSE_NONE, "EHLO is refused");
}

/* Over "HOST[ADDRESS]:PORT: ". Of HOST and ADDRESS none holds a bracket. */
static bool
eat_server(struct str *line, struct str *address)
{
	struct str host;

	if (!str_cut(line, '[', &host) || !str_cut(line, ']', address) ||
	    !str_eat(line, STR(":")))
		return false;
	while (line->len > 0 && ascii_is_digit(line->p[0]))
		*line = str_skip(*line, 1);
	return true;
}

static bool
take_verdict(struct finger_reader *reader, struct str line)
{
	struct str address;

	if (!str_eat(&line, STR("server ")))
		str_eat(&line, STR("CA "));
	if (!str_eat(&line, STR("certificate verification failed for ")) ||
	    !eat_server(&line, &address) || !str_eat(&line, STR(": ")))
		return false;
	if (reader->settled || reader->seen.cause != CAUSE_NONE)
		return true;
	reader->seen.cause = cause_of_verdict(line);
	find(reader, line);
	return true;
}

static bool
take_session(struct finger_reader *reader, struct str line)
{
	struct session_line session;
	char text[64];

	if (!session_parse(line, &session))
		return false;
	if (reader->settled || reader->place != FINGER_STARTTLS)
		return true;
	reader->settled = true;
	reader->seen.end = PROBE_TLS;
	reader->seen.verified = session.grade == SESSION_VERIFIED;
	reader->seen.trusted = reader->seen.verified || session.grade == SESSION_TRUSTED;
	if (reader->seen.verified)
		reader->seen.cause = CAUSE_NONE;
	if (reader->seen.found[0] == '\0' || reader->seen.verified) {
		snprintf(
		    text, sizeof(text), "%s session", session_grade_name(session.grade));
		find(reader, str_of(text));
	}
	return true;
}

/* "HOST[ADDRESS]:PORT: matched peername: NAME", "...: Matched DANE EE certificate ..." */
static bool
take_match(struct finger_reader *reader, struct str line)
{
	struct str address;

	if (!eat_server(&line, &address) || !str_eat(&line, STR(": ")))
		return false;
	if (str_eat(&line, STR("matched peername: "))) {
		if (reader->peer[0] == '\0')
			str_copy(line, reader->peer, sizeof(reader->peer));
	} else if (str_starts(line, STR("Matched DANE "))) {
		reader->seen.matched_dane = !reader->seen.fallback;
	} else {
		return false;
	}
	return true;
}

/* What goes wrong on our side. */
static bool
take_ours(struct finger_reader *reader, struct str line)
{
	struct str server = line, address;

	if (str_starts(line, STR("cannot load Certification Authority data")) ||
	    str_starts(line, STR("cannot set default OpenSSL certificate"))) {
		settle(reader, PROBE_OURS, CAUSE_NONE, "the CA file cannot be used");
		return true;
	}
	if (!str_eat(&server, STR("warning: ")) || !eat_server(&server, &address) ||
	    !str_eat(&server, STR(": ")))
		return false;
	if (str_starts(server, STR("invalid cipher grade: ")) ||
	    str_starts(server, STR("Invalid TLS protocol list "))) {
		settle(reader, PROBE_OURS, CAUSE_NONE,
		    "the setting of TLS protocols or ciphers cannot be used");
		return true;
	}
	return false;
}

static void
take_handshake(struct finger_reader *reader, struct str why)
{
	struct str address;

	if (eat_server(&why, &address) && str_is(why, ": Connection timed out"))
		settle(
		    reader, PROBE_SILENT, CAUSE_NONE, "the TLS handshake takes too long");
	else
		settle(reader, PROBE_BROKEN, CAUSE_HANDSHAKE, "the TLS handshake fails");
}

/* How lines begin that tell of a connection that came to nothing. */
static const struct {
	struct str begin;
	enum probe_end end;
	enum cause cause;
	const char *text;
} phrases[] = {
    {{"STARTTLS rejected: ", 19}, PROBE_REFUSED, CAUSE_REFUSED, "STARTTLS is refused"},
    {{"SMTP service not available: ", 28}, PROBE_SILENT, CAUSE_NONE,
        "the server refuses to talk"},
    {{"Failed to establish session", 27}, PROBE_SILENT, CAUSE_NONE, "no connection"},
    {{"Destination address lookup failed", 33}, PROBE_SILENT, CAUSE_NONE, "no address"},
    {{"lost connection ", 16}, PROBE_SILENT, CAUSE_NONE, "the server hangs up"},
    {{"fatal: lost connection ", 23}, PROBE_SILENT, CAUSE_NONE, "the server hangs up"},
    {{"timeout ", 8}, PROBE_SILENT, CAUSE_NONE, "no reply in time"},
    {{"fatal: timeout ", 15}, PROBE_SILENT, CAUSE_NONE, "no reply in time"},
};

static bool
take_phrase(struct finger_reader *reader, struct str line)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (str_starts(line, phrases[i].begin)) {
			settle(reader, phrases[i].end, phrases[i].cause, phrases[i].text);
			return true;
		}
	}
	return false;
}

static void
take_own(struct finger_reader *reader, struct str line)
{
	struct str server = line, address;

	if (str_eat(&server, STR("Connected to ")) && eat_server(&server, &address)) {
		reader->talks = true;
		reader->place = FINGER_CONNECTED;
		str_copy(address, reader->seen.address, sizeof(reader->seen.address));
	} else if (str_eat(&server, STR("EHLO rejected: "))) {
		take_ehlo_rejected(reader, server);
	} else if (str_eat(&server, STR("SSL_connect error to "))) {
		take_handshake(reader, server);
	} else if (str_starts(line, STR("no TLSA records found, resorting to ")) ||
	    str_starts(line, STR("no usable TLSA records found, resorting to "))) {
		reader->seen.fallback = true;
		reader->seen.matched_dane = false;
	} else if (take_phrase(reader, line)) {
		reader->talks = true;
	} else if (!take_verdict(reader, line) && !take_session(reader, line) &&
	    !take_match(reader, line) && !take_ours(reader, line) &&
	    str_eat(&line, STR("fatal: "))) {
		settle(reader, PROBE_OURS, CAUSE_NONE, "");
		if (reader->seen.end == PROBE_OURS && reader->seen.found[0] == '\0')
			find(reader, line);
	}
}

/* --- the certificates -------------------------------------------------------------- */

static void
take_pem(struct finger_reader *reader, struct str line)
{
	static const struct str newline = {"\n", 1};
	bool begins = str_is(line, "-----BEGIN CERTIFICATE-----");

	if (reader->pem_over || (reader->pem_len == 0 && !begins))
		return;
	if (line.len + newline.len > sizeof(reader->pem) - reader->pem_len) {
		reader->pem_len = 0; /* so large a one is not read */
		reader->pem_over = true;
		return;
	}
	memcpy(reader->pem + reader->pem_len, line.p, line.len);
	reader->pem_len += line.len;
	memcpy(reader->pem + reader->pem_len, newline.p, newline.len);
	reader->pem_len += newline.len;
	reader->pem_over = str_is(line, "-----END CERTIFICATE-----");
}

static void
take_chain(struct finger_reader *reader, struct str line)
{
	struct str digest = line;

	if (reader->seen.leaf[0] == '\0' && str_eat(&digest, STR("   cert digest=")))
		str_copy(digest, reader->seen.leaf, sizeof(reader->seen.leaf));
	else
		take_pem(reader, line);
}

/* --- pieces ------------------------------------------------------------------------ */

static void
take_line(struct finger_reader *reader, struct str line)
{
	if (str_eat(&line, prefix)) {
		if (str_eat(&line, STR("< ")))
			take_said(reader, line);
		else if (str_eat(&line, STR("> ")))
			take_sent(reader, line);
		else
			take_own(reader, line);
	} else if (reader->in_chain) {
		take_chain(reader, line);
	} else if (str_is(line, "Certificate chain")) {
		reader->in_chain = reader->seen.end == PROBE_TLS;
	}
}

static void
take_part(struct finger_reader *reader, struct str part)
{
	size_t room = sizeof(reader->line) - reader->line_len;

	if (part.len > room)
		part.len = room;
	if (part.len > 0)
		memcpy(reader->line + reader->line_len, part.p, part.len);
	reader->line_len += part.len;
}

bool
finger_take(struct finger_reader *reader, struct str piece)
{
	size_t room = FINGER_OUTPUT_MAX - reader->total;
	struct str part;

	if (piece.len > room)
		piece.len = room;
	reader->total += piece.len;
	while (str_cut(&piece, '\n', &part)) {
		take_part(reader, part);
		take_line(reader, (struct str){reader->line, reader->line_len});
		reader->line_len = 0;
	}
	take_part(reader, piece);
	return reader->total < FINGER_OUTPUT_MAX;
}

static void
read_names(struct finger_reader *reader)
{
	struct finger_seen *seen = &reader->seen;

	if (reader->pem_over && reader->pem_len > 0) {
		struct str pem = {reader->pem, reader->pem_len};

		names_of_certificate(pem, seen->names);
		seen->until_ms = certs_until_ms(pem);
		return;
	}
	if (seen->verified)
		names_add(seen->names, str_of(reader->peer));
	names_add_more(seen->names);
}

const struct finger_seen *
finger_end(struct finger_reader *reader, bool ended)
{
	struct finger_seen *seen = &reader->seen;

	/* A line without an end was cut: what it would have been is not known. */
	if (!reader->settled) {
		seen->cause = CAUSE_NONE;
		if (ended && !reader->talks)
			settle(reader, PROBE_OURS, CAUSE_NONE, "no answer");
		else
			settle(reader, PROBE_SILENT, CAUSE_NONE, "no answer");
	}
	seen->matched_dane = seen->matched_dane && seen->verified;
	if (seen->end == PROBE_TLS)
		read_names(reader);
	return seen;
}
