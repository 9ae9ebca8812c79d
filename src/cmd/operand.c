/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/operand.h"

#include <string.h>
#include <sysexits.h>

#include "cmd/cmd.h"
#include "sys/ports.h"

/* Up to the first of those bytes. True: there was one. */
static bool
cut_at_any(struct str *text, const char *bytes)
{
	for (size_t i = 0; i < text->len; i++) {
		if (strchr(bytes, text->p[i]) != NULL) {
			text->len = i;
			return true;
		}
	}
	return false;
}

static bool
eat_nocase(struct str *text, struct str prefix)
{
	struct str head = {text->p, prefix.len};

	if (text->len < prefix.len || !str_equal_nocase(head, prefix))
		return false;
	*text = str_skip(*text, prefix.len);
	return true;
}

/* "https://user@www.example.org:443/path": the host. The port of a web server is none of
 * a mail server. */
static bool
cut_url(struct str *text)
{
	bool web = eat_nocase(text, STR("https://")) || eat_nocase(text, STR("http://"));
	struct str host;

	if (!web && !eat_nocase(text, STR("smtps://")) &&
	    !eat_nocase(text, STR("smtp://")) && !eat_nocase(text, STR("//"))) {
		/* "example.org/path" */
		return cut_at_any(text, "/?#");
	}
	cut_at_any(text, "/?#");
	if (nexthop_recipient_domain(*text, &host)) /* behind USER:PASSWORD@ */
		*text = host;
	if (web && text->len > 0 && text->p[0] != '[')
		cut_at_any(text, ":");
	return true;
}

/* "Name <user@example.org>" and "mailto:user@example.org?subject=x". */
static bool
cut_address(struct str *text)
{
	struct str domain, name, rest = *text;
	bool cut = false;

	if (str_cut(&rest, '<', &name)) {
		*text = rest;
		cut = cut_at_any(text, ">");
	}
	cut = eat_nocase(text, STR("mailto:")) || cut;
	if (memchr(text->p, '@', text->len) == NULL)
		return cut;
	/* Nothing behind the @ is no domain, and stays none. */
	if (nexthop_recipient_domain(*text, &domain))
		*text = domain;
	return true;
}

void
cmd_take_port(const struct postfix_settings *settings, struct nexthop *nexthop)
{
	const char *colon = strrchr(nexthop->key, ':');
	struct ports ports = {0};

	if (settings != NULL && settings->tcp_port != NULL) {
		uint16_t named = ports_find(settings->tcp_port);

		if (named != 0)
			ports_add(&ports, settings->tcp_port, named);
		postfix_take_port(settings, &ports);
		nexthop_take_ports(nexthop, &ports);
		ports_clear(&ports);
	}
	if (nexthop->port == 0 && colon != NULL)
		nexthop->port = ports_find(colon + 1);
}

static bool
parse(struct str text, bool parents, struct nexthop *out)
{
	struct str below = text;
	struct nexthop domain;

	if (nexthop_parse(text, out)) {
		cmd_take_port(NULL, out);
		return out->port != 0;
	}
	if (!parents || !str_eat(&below, STR(".")) || !nexthop_parse(below, &domain) ||
	    domain.bracketed || domain.literal || strchr(domain.key, ':') != NULL)
		return false;
	*out = domain;
	out->key[0] = '.';
	return str_copy(str_of(domain.key), out->key + 1, sizeof(out->key) - 1);
}

/* What is around the destination is cut. Was it more than blanks and the last dot? */
static bool
cut_text(struct str *text)
{
	bool cut = false;

	while (text->len > 0 && strchr(" \t\r\n", text->p[text->len - 1]) != NULL)
		text->len--;
	while (text->len > 0 && strchr(" \t\r\n", text->p[0]) != NULL)
		*text = str_skip(*text, 1);
	if (text->len == 0)
		return false;
	cut = cut_url(text);
	cut = cut_address(text) || cut;
	/* DNS has a dot at its end; Postfix looks it up without. */
	if (text->len > 1 && text->p[text->len - 1] == '.')
		text->len--;
	return cut;
}

enum operand
operand_parse(struct str text, bool parents, struct nexthop *out)
{
	bool cut = cut_text(&text);

	if (!parse(text, parents, out))
		return OPERAND_NONE;
	return cut ? OPERAND_CUT : OPERAND_PLAIN;
}

/* With a dot before it all below a domain is meant: the domain is what is named. */
static bool
looked_up(struct str text, bool parents, struct nexthop *out)
{
	cut_text(&text);
	if (parents)
		str_eat(&text, STR("."));
	return nexthop_looked_up(text, out);
}

void
operand_add_fault(struct str text, bool parents, struct buf *out)
{
	struct nexthop below, named;

	cut_text(&text);
	if (nexthop_parse(text, &named)) {
		buf_printf(out, "has a port that services(5) does not know");
		return;
	}
	buf_printf(out, "is no domain, [host] or [host]:port");
	if (str_starts(text, STR("*.")) &&
	    operand_parse(str_skip(text, 1), true, &below) != OPERAND_NONE && parents)
		buf_printf(out, "; \"%s\" is all that is below it", below.key);
	else if (str_starts(text, STR(".")) && !parents &&
	    operand_parse(text, true, &below) != OPERAND_NONE)
		buf_printf(out, "; name a domain that mail goes to");
	else if (looked_up(text, parents, &below))
		buf_printf(out, "; Postfix looks it up as %s", below.key);
}

static bool
read_operand(const struct command *command, const char *argument, bool parents,
    struct nexthop *out)
{
	enum operand kind = operand_parse(str_of(argument), parents, out);
	struct buf fault = {0};

	if (kind == OPERAND_CUT)
		cmd_note("\"%s\" is taken for %s", argument, out->key);
	if (kind != OPERAND_NONE)
		return true;
	operand_add_fault(str_of(argument), parents, &fault);
	cmd_usage(command, "\"%s\" %s", argument, buf_text(&fault));
	buf_clear(&fault);
	return false;
}

bool
cmd_nexthop(const struct command *command, const char *argument, struct nexthop *out)
{
	return read_operand(command, argument, false, out);
}

bool
cmd_key(const struct command *command, const char *argument, struct nexthop *out)
{
	return read_operand(command, argument, true, out);
}
