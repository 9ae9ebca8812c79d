/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/status.h"

#include "core/nexthop.h"

static const struct {
	struct str word;
	enum delivery_status status;
} words[] = {
    {{"sent", 4}, DELIVERY_SENT},
    {{"deferred", 8}, DELIVERY_DEFERRED},
    {{"bounced", 7}, DELIVERY_BOUNCED},
    {{"SOFTBOUNCE", 10}, DELIVERY_SOFTBOUNCE},
    {{"deliverable", 11}, DELIVERY_DELIVERABLE},
    {{"undeliverable", 13}, DELIVERY_UNDELIVERABLE},
    {{"undeliverable-but-not-cached", 28}, DELIVERY_UNDELIVERABLE_NOT_CACHED},
};

static const struct str suspended = {"delivery temporarily suspended: ", 32};

/* mail_queue.c: mail_queue_id_ok() */
static bool
eat_queue_id(struct str *s, struct str *id)
{
	size_t i = 0;

	while (i < s->len && i < 256 && (ascii_is_alnum(s->p[i]) || s->p[i] == '_'))
		i++;
	if (i == 0 || i > 255)
		return false;
	*id = (struct str){s->p, i};
	*s = str_skip(*s, i);
	return str_eat(s, STR(": "));
}

/*
 * An address up to the > that ends it. A local part that begins with a quote runs to
 * the quote that ends it (quote_822_local.c), whatever stands between them.
 */
static bool
eat_address(struct str *s, struct str *address)
{
	size_t i = 0;

	if (s->len > 0 && s->p[0] == '"') {
		for (i = 1; i < s->len && s->p[i] != '"'; i++)
			if (s->p[i] == '\\')
				i++;
		if (i >= s->len)
			return false;
	}
	while (i < s->len && s->p[i] != '>')
		i++;
	if (i == s->len)
		return false;
	*address = (struct str){s->p, i};
	*s = str_skip(*s, i + 1);
	return str_eat(s, STR(", "));
}

/* "name=value, " if s starts with name=; the value must not be empty. */
static bool
eat_field(struct str *s, struct str name, struct str *value)
{
	struct str rest = *s;
	const char *end;

	if (!str_eat(&rest, name))
		return false;
	end = memmem(rest.p, rest.len, ", ", 2);
	if (end == NULL || end == rest.p)
		return false;
	*value = (struct str){rest.p, (size_t)(end - rest.p)};
	*s = str_skip(rest, value->len + 2);
	return true;
}

/* "12", "0.03" in microseconds; digits behind the sixth do not count. */
static bool
parse_seconds(struct str s, int64_t *us)
{
	struct str fraction = s, whole;
	int64_t unit = 1000000;
	uint64_t seconds;

	if (!str_cut(&fraction, '.', &whole)) {
		whole = s;
		fraction.len = 0;
	} else if (fraction.len == 0) {
		return false;
	}
	if (!str_number(whole, INT32_MAX, &seconds))
		return false;
	*us = (int64_t)seconds * unit;
	for (size_t i = 0; i < fraction.len; i++) {
		if (!ascii_is_digit(fraction.p[i]))
			return false;
		unit /= 10;
		*us += (fraction.p[i] - '0') * unit;
	}
	return true;
}

/* "a/b/c/d": before qmgr, in qmgr, connection set-up, transmission. */
static bool
parse_delays(struct str s, int64_t *attempt_us)
{
	int64_t us[4];
	struct str part;

	for (int i = 0; i < 3; i++)
		if (!str_cut(&s, '/', &part) || !parse_seconds(part, &us[i]))
			return false;
	if (!parse_seconds(s, &us[3]))
		return false;
	*attempt_us = us[2] + us[3];
	return true;
}

/* RFC 3463: "4.7.5", each part a number of up to three digits. */
static bool
is_dsn(struct str s)
{
	struct str part;
	uint64_t n;

	return str_cut(&s, '.', &part) && part.len == 1 && str_cut(&s, '.', &part) &&
	    part.len <= 3 && str_number(part, 999, &n) && s.len <= 3 && str_number(s, 999, &n);
}

/* "status=WORD (REASON)" to the end of the line. */
static bool
parse_status(struct str s, struct status_line *out)
{
	if (!str_eat(&s, STR("status=")) || !str_cut(&s, ' ', &out->status_word))
		return false;
	if (s.len < 2 || s.p[0] != '(' || s.p[s.len - 1] != ')')
		return false;
	out->reason = (struct str){s.p + 1, s.len - 2};
	out->own_reason = out->reason;
	out->suspended = str_eat(&out->own_reason, suspended);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal(words[i].word, out->status_word)) {
			out->status = words[i].status;
			return true;
		}
	}
	return false;
}

bool
status_parse(struct str text, struct status_line *out)
{
	struct str s = text, ignored, delay, delays;
	bool quoted;

	*out = (struct status_line){0};
	if (!eat_queue_id(&s, &out->queue_id) || !str_eat(&s, STR("to=<")))
		return false;
	quoted = s.len > 0 && s.p[0] == '"';
	if (!eat_address(&s, &out->recipient))
		return false;
	if (str_eat(&s, STR("orig_to=<")) && !eat_address(&s, &ignored))
		return false;
	if (!eat_field(&s, STR("relay="), &out->relay))
		return false;
	eat_field(&s, STR("conn_use="), &ignored);
	if (!eat_field(&s, STR("delay="), &delay) || !parse_seconds(delay, &out->attempt_us))
		return false;
	out->attempt_us = 0;
	if (eat_field(&s, STR("delays="), &delays) && !parse_delays(delays, &out->attempt_us))
		return false;
	eat_field(&s, STR("tls="), &out->tls);
	if (eat_field(&s, STR("dsn="), &out->dsn) && !is_dsn(out->dsn))
		return false;
	if (out->tls.len == 0) /* one published log has it here */
		eat_field(&s, STR("tls="), &out->tls);
	if (!parse_status(s, out))
		return false;
	if (!nexthop_recipient_domain(out->recipient, &out->domain))
		out->domain = (struct str){out->recipient.p, 0};
	out->ambiguous = !quoted && memmem(out->reason.p, out->reason.len, ">, ", 3) != NULL;
	return true;
}

enum level
status_attempt_level(const struct status_line *line)
{
	struct str s = line->tls, word;
	enum level level;

	str_eat(&s, STR("!"));
	for (word.p = s.p, word.len = 0; word.len < s.len; word.len++)
		if (!ascii_is_alnum(s.p[word.len]) && s.p[word.len] != '-')
			break;
	return word.len > 0 && level_parse(word, &level) ? level : LEVEL_UNKNOWN;
}

static const struct str grades[SESSION_COUNT] = {
    [SESSION_ANONYMOUS] = {"Anonymous ", 10},
    [SESSION_UNTRUSTED] = {"Untrusted ", 10},
    [SESSION_TRUSTED] = {"Trusted ", 8},
    [SESSION_VERIFIED] = {"Verified ", 9},
};

const char *
session_grade_name(enum session_grade grade)
{
	static const char *const names[SESSION_COUNT] = {
	    [SESSION_ANONYMOUS] = "anonymous",
	    [SESSION_UNTRUSTED] = "untrusted",
	    [SESSION_TRUSTED] = "trusted",
	    [SESSION_VERIFIED] = "verified",
	};

	return names[grade];
}

bool
session_parse(struct str text, struct session_line *out)
{
	struct str s = text;
	enum session_grade grade = SESSION_ANONYMOUS;

	while (grade < SESSION_COUNT && !str_eat(&s, grades[grade]))
		grade++;
	if (grade == SESSION_COUNT || !str_eat(&s, STR("TLS connection ")) ||
	    (!str_eat(&s, STR("established to ")) && !str_eat(&s, STR("reused to "))))
		return false;
	if (!str_cut(&s, '[', &out->host) || !str_cut(&s, ']', &out->address) ||
	    !str_eat(&s, STR(":")))
		return false;
	while (s.len > 0 && ascii_is_digit(s.p[0]))
		s = str_skip(s, 1);
	if (!str_eat(&s, STR(": ")) || !str_cut(&s, ' ', &out->protocol))
		return false;
	out->grade = grade;
	return true;
}

bool
policy_parse(struct str text, struct policy_line *out)
{
	struct str s = text, names;
	const char *slash, *colon;

	if (!str_eat(&s, STR("TLS policy lookup for ")) &&
	    !str_eat(&s, STR("TLS policy lookup error for ")))
		return false;
	colon = memmem(s.p, s.len, ": ", 2);
	if (colon == NULL)
		return false;
	names = (struct str){s.p, (size_t)(colon - s.p)};
	out->reason = str_skip(s, names.len + 2);
	slash = memrchr(names.p, '/', names.len);
	if (slash == NULL || slash == names.p)
		return false;
	out->nexthop = (struct str){names.p, (size_t)(slash - names.p)};
	out->host = str_skip(names, out->nexthop.len + 1);
	return true;
}
