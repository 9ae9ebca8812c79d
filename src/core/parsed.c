/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/parsed.h"

#include "core/covered.h"
#include "core/fold_items.h"

/*
 * Other delivery agents do no TLS of smtp(8)'s, and lmtp(8) does it by settings of its
 * own; error(8) and qmgr(8) pass smtp(8)'s reasons on.
 */
static bool
is_of_smtp(struct str program)
{
	return str_equal(program, STR("smtp")) || str_equal(program, STR("error")) ||
	    str_equal(program, STR("qmgr"));
}

bool
parsed_from_status(struct str text, struct str service, struct parsed *out)
{
	if (!status_parse(text, &out->status))
		return false;
	out->kind = PARSED_STATUS;
	out->process = 0;
	out->writer = 0;
	out->host = out->tag = STR("");
	out->hash = fold_items_hash(out->status.domain);
	out->service = service;
	out->text = text;
	return true;
}

/* Seldom: what smtp(8) says of a server that is not the last one of its message. */
static bool
is_of_server(const struct logline *line, struct parsed *out)
{
	if (!str_equal(line->program, STR("smtp")))
		return false;
	out->kind = PARSED_FAULT;
	if (fault_parse(line->text, &out->fault))
		return true;
	out->kind = PARSED_REASON;
	out->service = line->service;
	return reason_parse(line->text, &out->reason);
}

static bool
parse(const struct logline *line, struct parsed *out)
{
	if (!is_of_smtp(line->program)) {
		out->kind = PARSED_START;
		if (!str_equal(line->program, STR("master")) || line->has_severity ||
		    !start_parse(line->text))
			return false;
		out->start_quotes = start_quotes(line->text);
		return true;
	}
	if (line->has_severity) {
		out->kind = PARSED_POLICY;
		return policy_parse(line->text, &out->policy);
	}
	if (session_parse(line->text, &out->session)) {
		out->kind = PARSED_SESSION;
		return true;
	}
	if (str_equal(line->program, STR("qmgr")) &&
	    expiry_parse(line->text, &out->expired)) {
		out->kind = PARSED_EXPIRY;
		return true;
	}
	return parsed_from_status(line->text, line->service, out) ||
	    is_of_server(line, out);
}

/* Two hosts of one log have the same process ids, and a session of one is none of the
 * other. */
static uint32_t
process_of(const struct logline *line)
{
	return line->pid ^ (uint32_t)covered_hash(line->host);
}

uint64_t
parsed_instance(const struct logline *line)
{
	struct str tag = line->tag, name = tag;

	str_cut(&tag, '/', &name);
	return (covered_hash(line->host) ^ covered_hash(name) << 1) | 1;
}

bool
parsed_from(const struct logline *line, struct parsed *out)
{
	if (!parse(line, out))
		return false;
	out->process = process_of(line);
	out->host = line->host;
	out->tag = line->tag;
	out->instance = out->kind == PARSED_START ||
	        (out->kind == PARSED_STATUS && out->status.ambiguous)
	    ? parsed_instance(line)
	    : 0;
	return true;
}

bool
parsed_from_strange(struct str line, const struct logline *split, struct parsed *out)
{
	struct str rest, queue_id;

	if (split != NULL) {
		rest = split->text;
		if (!is_of_smtp(split->program) || split->has_severity ||
		    !str_cut(&rest, ':', &queue_id) || !str_starts(rest, STR(" to=<")))
			return false;
		line = split->text;
	}
	if (!logline_is_like_status(line))
		return false;
	out->kind = PARSED_STRANGE;
	out->host = out->tag = STR("");
	out->process = 0;
	out->time_ms = 0;
	out->text = line;
	return true;
}

static void
move(struct str *s, const char *from, const char *to)
{
	if (s->len > 0) /* else it may be of no line */
		s->p = to + (s->p - from);
}

static void
move_status(struct status_line *s, const char *from, const char *to)
{
	move(&s->queue_id, from, to);
	move(&s->domain, from, to);
	move(&s->relay, from, to);
	move(&s->tls, from, to);
	move(&s->recipient, from, to);
	move(&s->dsn, from, to);
	move(&s->status_word, from, to);
	move(&s->reason, from, to);
	move(&s->own_reason, from, to);
}

void
parsed_move(struct parsed *parsed, const char *from, const char *to)
{
	move(&parsed->host, from, to);
	move(&parsed->tag, from, to);
	switch (parsed->kind) {
	case PARSED_STATUS:
		move_status(&parsed->status, from, to);
		move(&parsed->service, from, to);
		move(&parsed->text, from, to);
		break;
	case PARSED_SESSION:
		move(&parsed->session.host, from, to);
		move(&parsed->session.address, from, to);
		move(&parsed->session.protocol, from, to);
		break;
	case PARSED_POLICY:
		move(&parsed->policy.nexthop, from, to);
		move(&parsed->policy.host, from, to);
		move(&parsed->policy.reason, from, to);
		break;
	case PARSED_EXPIRY:
		move(&parsed->expired, from, to);
		break;
	case PARSED_FAULT:
		move(&parsed->fault.host, from, to);
		break;
	case PARSED_REASON:
		move(&parsed->reason.queue_id, from, to);
		move(&parsed->reason.reason, from, to);
		move(&parsed->reason.host, from, to);
		move(&parsed->service, from, to);
		break;
	case PARSED_START:
		break;
	case PARSED_STRANGE:
		move(&parsed->text, from, to);
		break;
	}
}
