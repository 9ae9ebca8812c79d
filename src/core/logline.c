/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/logline.h"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* What names of programs are made of: letters, digits, "-", "." and "_". */
static const bool in_name[256] = {
    ['-'] = 1,
    1,
    ['0'] = 1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    ['A'] = 1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    ['_'] = 1,
    ['a'] = 1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
};

/*
 * The steps of logline_split() are inlined, so that what is left of the line stays in
 * registers.
 */

/* Two digits at s[at]; -1: none. */
STR_STEP int
two_digits(struct str s, size_t at)
{
	if (at + 2 > s.len || !ascii_is_digit(s.p[at]) || !ascii_is_digit(s.p[at + 1]))
		return -1;
	return (s.p[at] - '0') * 10 + (s.p[at + 1] - '0');
}

/* "HH:MM:SS" at the start of s, stepped over. */
STR_STEP bool
eat_clock(struct str *s, struct stamp *stamp)
{
	int hour = two_digits(*s, 0), minute = two_digits(*s, 3),
	    second = two_digits(*s, 6);

	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
	    second > 60 || s->p[2] != ':' || s->p[5] != ':')
		return false;
	stamp->hour = (int8_t)hour;
	stamp->minute = (int8_t)minute;
	stamp->second = (int8_t)second;
	*s = str_skip(*s, 8);
	return true;
}

/* ".123456", any number of digits; those behind the sixth do not count. */
STR_STEP bool
eat_fraction(struct str *s, struct stamp *stamp)
{
	int32_t unit = 1000000, us = 0;
	size_t i = 1;

	stamp->resolution_us = unit;
	stamp->microsecond = 0;
	if (s->len == 0 || s->p[0] != '.')
		return true;
	for (; i < s->len && ascii_is_digit(s->p[i]); i++) {
		if (unit == 1)
			continue;
		unit /= 10;
		us += (s->p[i] - '0') * unit;
	}
	if (i == 1)
		return false;
	stamp->resolution_us = unit;
	stamp->microsecond = us;
	*s = str_skip(*s, i);
	return true;
}

STR_STEP bool
eat_blanks(struct str *s)
{
	size_t i = 0;

	while (i < s->len && s->p[i] == ' ')
		i++;
	*s = str_skip(*s, i);
	return i > 0;
}

/* "Nov  4 ", "Nov 04 ", "Nov 14 ": month and day, the blank behind them stepped over. */
STR_STEP bool
eat_month_day(struct str *s, struct stamp *stamp)
{
	struct str rest = *s;
	int month = 0, day;

	if (rest.len < 7 || rest.p[3] != ' ' || rest.p[6] != ' ')
		return false;
	while (month < 12 && !str_same_bytes(months + month * 3, rest.p, 3))
		month++;
	day = rest.p[4] == ' ' && ascii_is_digit(rest.p[5]) ? rest.p[5] - '0'
	                                                    : two_digits(rest, 4);
	if (month == 12 || day < 1 || day > 31)
		return false;
	stamp->month = (int8_t)(month + 1);
	stamp->day = (int8_t)day;
	*s = str_skip(rest, 7);
	return true;
}

STR_STEP int
four_digits(struct str s)
{
	int high = two_digits(s, 0), low = two_digits(s, 2);

	return high < 0 || low < 0 ? -1 : high * 100 + low;
}

/* "Nov  4 01:26:31 ", and "2013 Jun 10 06:28:18.123 " before it. */
STR_STEP bool
eat_bsd_stamp(struct str *s, struct stamp *stamp)
{
	struct str rest = *s;
	struct stamp out = {0};
	int year = four_digits(rest);

	if (year > 0 && rest.len > 5 && rest.p[4] == ' ') {
		out.year = (int16_t)year;
		rest = str_skip(rest, 5);
	}
	if (!eat_month_day(&rest, &out) || !eat_clock(&rest, &out) ||
	    !eat_fraction(&rest, &out) || !eat_blanks(&rest))
		return false;
	*s = rest;
	*stamp = out;
	return true;
}

/* "Z", "+01:00", "+0100". */
STR_STEP bool
eat_zone(struct str *s, struct stamp *stamp)
{
	int hours, minutes;
	size_t colon;

	stamp->has_zone = true;
	if (str_eat(s, STR("Z")))
		return true;
	if (s->len < 5 || (s->p[0] != '+' && s->p[0] != '-'))
		return false;
	colon = s->p[3] == ':' ? 1 : 0;
	hours = two_digits(*s, 1);
	minutes = two_digits(*s, 3 + colon);
	if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59)
		return false;
	stamp->zone_minutes = (int16_t)(hours * 60 + minutes);
	if (s->p[0] == '-')
		stamp->zone_minutes = (int16_t)-stamp->zone_minutes;
	*s = str_skip(*s, 5 + colon);
	return true;
}

/* RFC 3339 section 5.6, and ISO 8601's zone without colon. */
STR_STEP bool
eat_iso_stamp(struct str *s, struct stamp *stamp)
{
	struct str rest = *s;
	struct stamp out = {0};
	int year = four_digits(rest), month = two_digits(rest, 5),
	    day = two_digits(rest, 8);

	if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || rest.len < 11 ||
	    rest.p[4] != '-' || rest.p[7] != '-' ||
	    (rest.p[10] != 'T' && rest.p[10] != ' '))
		return false;
	out.year = (int16_t)year;
	out.month = (int8_t)month;
	out.day = (int8_t)day;
	rest = str_skip(rest, 11);
	if (!eat_clock(&rest, &out) || !eat_fraction(&rest, &out) ||
	    !eat_zone(&rest, &out) || !eat_blanks(&rest))
		return false;
	*s = rest;
	*stamp = out;
	return true;
}

/* "ESC[36m", any number of them: how a terminal is told of colours. */
STR_STEP void
eat_colours(struct str *s)
{
	while (s->len > 2 && s->p[0] == '\x1b' && s->p[1] == '[') {
		size_t i = 2;

		while (
		    i < s->len && i < 16 && (ascii_is_digit(s->p[i]) || s->p[i] == ';'))
			i++;
		if (i == s->len || s->p[i] != 'm')
			return;
		*s = str_skip(*s, i + 1);
	}
}

/* "postfix-1     | ", as `docker compose logs` puts before each line, coloured or not. */
STR_STEP void
eat_compose(struct str *s)
{
	struct str rest = *s;
	size_t i = 0;

	eat_colours(&rest);
	while (i < rest.len && i < 256 &&
	    (ascii_is_alnum(rest.p[i]) || rest.p[i] == '-' || rest.p[i] == '_' ||
	        rest.p[i] == '.'))
		i++;
	if (i == 0)
		return;
	rest = str_skip(rest, i);
	if (!eat_blanks(&rest) || !str_eat(&rest, STR("|")))
		return;
	if (rest.len > 0 && rest.p[0] == '\x1b') {
		eat_colours(&rest); /* the blank stands before or behind it */
		str_eat(&rest, STR(" "));
	} else if (str_eat(&rest, STR(" "))) {
		eat_colours(&rest);
	} else {
		return;
	}
	*s = rest;
}

/* Whose letters cannot be foretold: nothing branches on them. */
STR_STEP bool
is_name(struct str s)
{
	bool good = s.len > 0;

	for (size_t i = 0; i < s.len; i++)
		good &= in_name[(unsigned char)s.p[i]];
	return good;
}

/* "postfix/relay/smtp[123]: " at the start of s. */
STR_STEP bool
eat_program(struct str *s, struct logline *out)
{
	struct str rest = *s, token, name;
	const char *slash;
	uint64_t number;

	if (!str_cut(&rest, ' ', &token) || token.len < 5 ||
	    token.p[token.len - 1] != ':' || token.p[token.len - 2] != ']')
		return false;
	token.len -= 2;
	if (!str_cut(&token, '[', &name) || !str_number(token, UINT32_MAX, &number))
		return false;
	slash = memrchr(name.p, '/', name.len);
	if (slash == NULL)
		return false;
	out->tag = (struct str){name.p, (size_t)(slash - name.p)};
	out->program = str_skip(name, out->tag.len + 1);
	if (out->tag.len == 0 || !is_name(out->program))
		return false;
	slash = memchr(name.p, '/', name.len);
	out->service = str_skip(name, (size_t)(slash - name.p) + 1);
	out->pid = (uint32_t)number;
	*s = rest;
	return true;
}

STR_STEP bool
eat_severity(struct str *s)
{
	return str_eat(s, STR("warning: ")) || str_eat(s, STR("error: ")) ||
	    str_eat(s, STR("fatal: ")) || str_eat(s, STR("panic: "));
}

/* False: there is none, and s is as it was. */
STR_STEP bool
eat_stamp(struct str *s, struct stamp *stamp)
{
	return eat_bsd_stamp(s, stamp) || eat_iso_stamp(s, stamp);
}

/* "mail.info", as busybox's syslogd writes before the program. */
static bool
is_priority(struct str word)
{
	static const struct str facilities[] = {{"mail", 4}, {"user", 4}, {"daemon", 6},
	    {"syslog", 6}, {"local0", 6}, {"local1", 6}, {"local2", 6}, {"local3", 6},
	    {"local4", 6}, {"local5", 6}, {"local6", 6}, {"local7", 6}};
	static const struct str severities[] = {{"info", 4}, {"notice", 6}, {"warn", 4},
	    {"warning", 7}, {"err", 3}, {"error", 5}, {"crit", 4}, {"alert", 5},
	    {"emerg", 5}, {"panic", 5}, {"debug", 5}};
	struct str facility;
	bool known = false;

	if (!str_cut(&word, '.', &facility))
		return false;
	for (size_t i = 0; i < sizeof(facilities) / sizeof(facilities[0]); i++)
		known = known || str_equal(facility, facilities[i]);
	for (size_t i = 0; known && i < sizeof(severities) / sizeof(severities[0]); i++)
		if (str_equal(word, severities[i]))
			return true;
	return false;
}

/* Behind the blanks of a stamp, so that it has a letter. */
STR_STEP bool
eat_host(struct str *s, struct str *host)
{
	if (!str_cut(s, ' ', host))
		return false;
	eat_blanks(s); /* a severity in the host's place is padded */
	return true;
}

/* The program behind a priority. */
static bool
eat_busybox(struct str *s, struct logline *out)
{
	struct str word, rest = *s;

	if (!str_cut(&rest, ' ', &word) || !is_priority(word) || !eat_program(&rest, out))
		return false;
	*s = rest;
	return true;
}

/* A structured element "[id name=\"value\"]" at the start of s, stepped over. */
static bool
eat_element(struct str *s)
{
	bool quoted = false;

	for (size_t i = 1; i < s->len; i++) {
		if (quoted && s->p[i] == '\\')
			i++;
		else if (s->p[i] == '"')
			quoted = !quoted;
		else if (!quoted && s->p[i] == ']') {
			*s = str_skip(*s, i + 1);
			return true;
		}
	}
	return false;
}

/*
 * RFC 5424: "<22>1 STAMP HOST PROGRAM PID ID DATA TEXT". What stands before the text is
 * written by the syslog daemon alone; names hold no blank.
 */
static bool
split_5424(struct str line, struct logline *out)
{
	struct str rest = line, word, name, pid;
	const char *slash;
	uint64_t number;

	if (!str_eat(&rest, STR("<")) || !str_cut(&rest, '>', &word) || word.len > 3 ||
	    !str_number(word, 191, &number) || !str_eat(&rest, STR("1 ")) ||
	    !eat_iso_stamp(&rest, &out->stamp) || !str_cut(&rest, ' ', &out->host) ||
	    !str_cut(&rest, ' ', &name) || !str_cut(&rest, ' ', &pid) ||
	    !str_number(pid, UINT32_MAX, &number) || !str_cut(&rest, ' ', &word))
		return false;
	slash = memrchr(name.p, '/', name.len);
	if (slash == NULL || slash == name.p)
		return false;
	out->tag = (struct str){name.p, (size_t)(slash - name.p)};
	out->program = str_skip(name, out->tag.len + 1);
	if (!is_name(out->program))
		return false;
	slash = memchr(name.p, '/', name.len);
	out->service = str_skip(name, (size_t)(slash - name.p) + 1);
	out->pid = (uint32_t)number;
	if (!str_eat(&rest, STR("-"))) {
		if (rest.len == 0 || rest.p[0] != '[')
			return false;
		while (rest.len > 0 && rest.p[0] == '[')
			if (!eat_element(&rest))
				return false;
	}
	if (!eat_blanks(&rest)) /* rsyslog keeps the blank that stood before the text */
		return false;
	str_eat(&rest, STR_BOM);
	out->has_severity = eat_severity(&rest);
	out->text = rest;
	return true;
}

bool
logline_split(struct str line, struct logline *out)
{
	struct str rest = line, after;
	struct stamp inner;

	out->stamp = (struct stamp){0};
	out->host = (struct str){line.p, 0};
	eat_compose(&rest);
	if (rest.len > 0 && rest.p[0] == '<')
		return split_5424(rest, out);
	if (eat_stamp(&rest, &out->stamp)) {
		/* `docker logs -t`: its own stamp is whole, with its zone */
		if (out->stamp.has_zone)
			eat_stamp(&rest, &inner);
		after = rest;
		if (!eat_program(&rest, out)) {
			rest = after;
			if (!eat_host(&rest, &out->host) ||
			    (!eat_program(&rest, out) && !eat_busybox(&rest, out)))
				return false;
		}
	} else if (!eat_program(&rest, out)) {
		return false;
	}
	out->has_severity = eat_severity(&rest);
	out->text = rest;
	return true;
}

/* "123]: " at the start of s. */
STR_STEP bool
eat_pid(struct str *s, uint32_t *pid)
{
	uint64_t number = 0;
	size_t i = 0;

	for (; i < s->len && ascii_is_digit(s->p[i]); i++) {
		number = number * 10 + (uint64_t)(s->p[i] - '0');
		if (number > UINT32_MAX)
			return false;
	}
	*s = str_skip(*s, i);
	*pid = (uint32_t)number;
	return i > 0 && str_eat(s, STR("]: "));
}

/* "PROGRAM: " or "PROGRAM[123]: " of that name at the start of s. */
static bool
eat_outer(struct str *s, struct str program)
{
	struct str rest = *s;
	uint32_t pid;

	if (!str_eat(&rest, program) ||
	    !(str_eat(&rest, STR("[")) ? eat_pid(&rest, &pid)
	                               : str_eat(&rest, STR(": "))))
		return false;
	eat_blanks(&rest);
	*s = rest;
	return true;
}

bool
logline_split_nested(struct str line, struct str outer, struct logline *out)
{
	struct str rest = line, host;
	struct stamp stamp;

	if (outer.len == 0 || !eat_stamp(&rest, &stamp))
		return false;
	if (!eat_outer(&rest, outer) &&
	    (!eat_host(&rest, &host) || !eat_outer(&rest, outer)))
		return false;
	if (!logline_split(rest, out))
		return false;
	/* The outer one is of this machine: what is inside may have another zone. */
	out->stamp = stamp;
	return true;
}

/*
 * "]: QUEUEID: to=<", or the same without a program: no other program of a mail server
 * writes that before ", status=".
 */
bool
logline_is_like_status(struct str line)
{
	const char *to = memmem(line.p, line.len, ": to=<", 6), *p = to;
	struct str rest;

	if (to == NULL)
		return false;
	while (p > line.p && (ascii_is_alnum(p[-1]) || p[-1] == '_'))
		p--;
	if (p == to)
		return false;
	rest = (struct str){to, (size_t)(line.p + line.len - to)};
	return memmem(rest.p, rest.len, ", relay=", 8) != NULL &&
	    memmem(rest.p, rest.len, ", delay=", 8) != NULL &&
	    memmem(rest.p, rest.len, ", status=", 9) != NULL;
}

/*
 * A line that is the same up to the bracket before the process id. It was read from the
 * left, and each part ends in a byte before that bracket or in the bracket itself, so no
 * byte behind it had a say in it. False: to be split the long way.
 */
STR_STEP bool
split_alike(const struct logline_head *head, struct str line, struct logline *out)
{
	struct str rest;

	if (head->len == 0 || line.len < head->len ||
	    memcmp(line.p, head->text, head->len) != 0)
		return false;
	rest = str_skip(line, head->len);
	if (!eat_pid(&rest, &out->pid))
		return false;
	out->stamp = head->stamp;
	out->host = (struct str){line.p + head->host, head->host_len};
	out->tag = (struct str){line.p + head->tag, head->program - head->tag - 1};
	out->service =
	    (struct str){line.p + head->service, head->len - head->service - 1};
	out->program =
	    (struct str){line.p + head->program, head->len - head->program - 1};
	out->has_severity = eat_severity(&rest);
	out->text = rest;
	return true;
}

bool
logline_split_next(struct logline_head *head, struct str line, struct logline *out)
{
	if (split_alike(head, line, out))
		return true;
	if (!logline_split(line, out))
		return false;
	head->tag = (size_t)(out->tag.p - line.p);
	head->host = (size_t)(out->host.p - line.p);
	head->host_len = out->host.len;
	head->service = (size_t)(out->service.p - line.p);
	head->program = (size_t)(out->program.p - line.p);
	head->len = head->program + out->program.len + 1;
	if (out->stamp.month == 0 || head->len > sizeof(head->text) ||
	    line.p[head->len - 1] != '[') /* RFC 5424 has none */
		head->len = 0;
	memcpy(head->text, line.p, head->len);
	head->stamp = out->stamp;
	head->changes++;
	return true;
}
