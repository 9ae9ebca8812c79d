/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/status.h"

#include <endian.h>

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

#define TEXT_MAX 2000 /* of what Postfix logs (msg_syslog.c); the rest is cut */

/* What a queue id is made of: letters, digits, underscores. */
static const bool is_id[256] = {
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
 * The steps of status_parse() are inlined, so that what is left of the line stays in
 * registers: a busy log has a million such lines.
 */

/* mail_queue.c: mail_queue_id_ok(). No colon is part of one. */
STR_STEP bool
eat_queue_id(struct str *s, struct str *id)
{
	size_t len = 0;

	while (len < s->len && is_id[(unsigned char)s->p[len]])
		len++;
	*id = (struct str){s->p, len};
	*s = str_skip(*s, len);
	return len > 0 && len <= 255 && str_eat(s, STR(": "));
}

/*
 * An address up to the > that ends it. A local part that begins with a quote runs to
 * the quote that ends it (quote_822_local.c), whatever stands between them.
 */
STR_STEP bool
eat_address(struct str *s, struct str *address)
{
	const char *end;
	size_t i = 0;

	if (s->len > 0 && s->p[0] == '"') {
		for (i = 1; i < s->len && s->p[i] != '"'; i++)
			if (s->p[i] == '\\')
				i++;
		if (i >= s->len)
			return false;
	}
	end = i < s->len ? memchr(s->p + i, '>', s->len - i) : NULL;
	/* A < in it begins another address: half a record, and a whole one behind it. */
	if (end == NULL || memchr(s->p + i, '<', (size_t)(end - s->p) - i) != NULL)
		return false;
	*address = (struct str){s->p, (size_t)(end - s->p)};
	*s = str_skip(*s, address->len + 1);
	return str_eat(s, STR(", "));
}

/* The first place of a literal in s, or NULL. memmem(3) is slow to begin, and texts that
 * hold the first byte of what is looked for are few. */
STR_STEP const char *
find(struct str s, struct str literal)
{
	const char *p;

	while (s.len > 0 && (p = memchr(s.p, literal.p[0], s.len)) != NULL) {
		s = str_skip(s, (size_t)(p - s.p));
		if (str_starts(s, literal))
			return p;
		s = str_skip(s, 1);
	}
	return NULL;
}

/* "name=value, " if s starts with name=; the value must not be empty. */
STR_STEP bool
eat_field(struct str *s, struct str name, struct str *value)
{
	struct str rest = *s;
	const char *end;

	if (!str_eat(&rest, name))
		return false;
	end = find(rest, STR(", "));
	if (end == NULL || end == rest.p)
		return false;
	*value = (struct str){rest.p, (size_t)(end - rest.p)};
	*s = str_skip(rest, value->len + 2);
	return true;
}

/* "12", "0.03" as below, whatever its length. */
static bool
eat_long_seconds(struct str *s, int64_t *us)
{
	int64_t seconds = 0, fraction_us = 0, unit_us = 1000000;
	size_t i = 0;

	for (; i < s->len && ascii_is_digit(s->p[i]); i++) {
		seconds = seconds * 10 + (s->p[i] - '0');
		if (seconds > INT32_MAX)
			return false;
	}
	if (i == 0)
		return false;
	if (i < s->len && s->p[i] == '.') {
		size_t point = i++;

		for (; i < s->len && ascii_is_digit(s->p[i]); i++) {
			unit_us /= 10;
			fraction_us += (s->p[i] - '0') * unit_us;
		}
		if (i == point + 1)
			return false;
	}
	*us = seconds * 1000000 + fraction_us;
	*s = str_skip(*s, i);
	return true;
}

/* The number that the first `count` of eight digits are, the first in the lowest byte:
 * zeros are put before them, then pairs, fours and eights are joined. */
STR_STEP uint32_t
join_digits(uint64_t digits, size_t count)
{
	const uint64_t pairs = UINT64_C(0x000000ff000000ff);
	uint64_t x = digits << (64 - 8 * count);

	x = x * 10 + (x >> 8);
	x = (x & pairs) * (100 + (UINT64_C(1000000) << 32)) +
	    (x >> 16 & pairs) * (1 + (UINT64_C(10000) << 32));
	return (uint32_t)(x >> 32);
}

/*
 * "12", "0.03" at the start of s, stepped over, in microseconds; digits behind the sixth
 * do not count. False: no number, or one over 2^31 seconds. How many digits there are
 * cannot be foretold: of those that fit into eight bytes, nothing branches on it.
 */
STR_STEP bool
eat_seconds(struct str *s, int64_t *us)
{
	static const int32_t units[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x, other;
	size_t whole, len, fraction = 0;

	if (s->len < 8)
		return eat_long_seconds(s, us);
	memcpy(&x, s->p, 8);
	x = le64toh(x) ^ ones * '0';
	other = ((x + ones * 0x76) | x) & ones * 0x80; /* 0x76 + 9 is below 0x80 */
	if (other == 0)
		return eat_long_seconds(s, us);
	len = whole = (size_t)__builtin_ctzll(other) / 8;
	if (whole == 0)
		return false;
	if (s->p[whole] == '.') {
		uint64_t low = (UINT64_C(1) << 8 * whole) - 1;

		other &= other - 1;
		if (other == 0)
			return eat_long_seconds(s, us);
		len = (size_t)__builtin_ctzll(other) / 8;
		fraction = len - whole - 1;
		if (fraction == 0)
			return false;
		x = (x & low) | (x >> 8 & ~low); /* without the point */
	}
	*us = (int64_t)join_digits(x, whole + fraction) * units[fraction];
	*s = str_skip(*s, len);
	return true;
}

/* "a/b/c/d": before qmgr, in qmgr, connection set-up, transmission. */
STR_STEP bool
eat_delays(struct str *s, int64_t *before_us, int64_t *attempt_us)
{
	int64_t us[4];

	for (int i = 0; i < 4; i++)
		if ((i > 0 && !str_eat(s, STR("/"))) || !eat_seconds(s, &us[i]))
			return false;
	*before_us = us[0];
	*attempt_us = us[2] + us[3];
	return true;
}

/* RFC 3463: "4.7.5", each part a number, the first of one digit, the others of three. */
STR_STEP bool
eat_dsn(struct str *s, struct str *dsn)
{
	static const size_t max[3] = {1, 3, 3};
	const char *start = s->p;

	if (s->len > 5 && ascii_is_digit(start[0]) && start[1] == '.' &&
	    ascii_is_digit(start[2]) && start[3] == '.' && ascii_is_digit(start[4]) &&
	    start[5] == ',') { /* what most are */
		*dsn = (struct str){start, 5};
		*s = str_skip(*s, 5);
		return true;
	}
	for (int part = 0; part < 3; part++) {
		size_t digits = 0;

		while (
		    digits < s->len && digits < max[part] && ascii_is_digit(s->p[digits]))
			digits++;
		*s = str_skip(*s, digits);
		if (digits == 0 || (part < 2 && !str_eat(s, STR("."))))
			return false;
	}
	*dsn = (struct str){start, (size_t)(s->p - start)};
	return true;
}

STR_STEP bool
parse_word(struct str word, enum delivery_status *status)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal(words[i].word, word)) {
			*status = words[i].status;
			return true;
		}
	}
	return false;
}

/* "status=WORD (REASON)" to the end of the line. */
STR_STEP bool
parse_status(struct str s, struct status_line *out)
{
	struct str word;

	if (!str_eat(&s, STR("status=")))
		return false;
	if (str_starts(s, STR("sent "))) { /* what most are */
		word = (struct str){s.p, 4};
		s = str_skip(s, 5);
	} else if (!str_cut(&s, ' ', &word)) {
		return false;
	}
	if (s.len < 2 || s.p[0] != '(' || s.p[s.len - 1] != ')')
		return false;
	s = (struct str){s.p + 1, s.len - 2};
	out->reason = s;
	out->suspended = str_eat(&s, STR("delivery temporarily suspended: "));
	out->own_reason = s;
	out->status_word = word;
	return parse_word(word, &out->status);
}

/* Does an address end in s, as those of a status line do? */
static bool
ends_address(struct str s)
{
	const char *p;

	while ((p = find(s, STR(">, "))) != NULL) {
		s = str_skip(s, (size_t)(p - s.p) + 3);
		if (str_starts(s, STR("relay=")) || str_starts(s, STR("orig_to=<")))
			return true;
	}
	return false;
}

static bool
quotes_end(struct str address)
{
	return address.len > 0 && address.p[0] == '"' && ends_address(address);
}

bool
status_parse(struct str text, struct status_line *out)
{
	struct str s = text, original = {NULL, 0}, ignored;

	/* What may be missing; all else is written before it is true. */
	out->tls = (struct str){NULL, 0};
	out->dsn = (struct str){NULL, 0}; /* not read back, as a = b = c may be */
	out->before_us = out->attempt_us = 0;
	if (!eat_queue_id(&s, &out->queue_id) || !str_eat(&s, STR("to=<")))
		return false;
	if (!eat_address(&s, &out->recipient))
		return false;
	if (str_eat(&s, STR("orig_to=<")) && !eat_address(&s, &original))
		return false;
	if (!eat_field(&s, STR("relay="), &out->relay))
		return false;
	eat_field(&s, STR("conn_use="), &ignored);
	if (!str_eat(&s, STR("delay=")) || !eat_seconds(&s, &out->delay_us) ||
	    !str_eat(&s, STR(", ")))
		return false;
	if (str_eat(&s, STR("delays=")) &&
	    (!eat_delays(&s, &out->before_us, &out->attempt_us) ||
	        !str_eat(&s, STR(", "))))
		return false;
	eat_field(&s, STR("tls="), &out->tls);
	if (str_eat(&s, STR("dsn=")) &&
	    (!eat_dsn(&s, &out->dsn) || !str_eat(&s, STR(", "))))
		return false;
	if (out->tls.len == 0) /* one published log has it here */
		eat_field(&s, STR("tls="), &out->tls);
	if (!parse_status(s, out))
		return false;
	if (!nexthop_recipient_domain(out->recipient, &out->domain))
		out->domain = (struct str){out->recipient.p, 0};
	out->ambiguous = ends_address(out->reason) || quotes_end(out->recipient) ||
	    quotes_end(original) || text.len >= TEXT_MAX;
	return true;
}

/* A level in front of *s; LEVEL_UNKNOWN: none. */
static enum level
eat_level(struct str *s)
{
	struct str word = {s->p, 0};
	enum level level;

	while (word.len < s->len &&
	    (ascii_is_alnum(s->p[word.len]) || s->p[word.len] == '-'))
		word.len++;
	if (word.len == 0) /* s may be nowhere */
		return LEVEL_UNKNOWN;
	*s = str_skip(*s, word.len);
	return level_parse(word, &level) ? level : LEVEL_UNKNOWN;
}

enum level
status_attempt_level(const struct status_line *line)
{
	struct str s = line->tls;

	str_eat(&s, STR("!"));
	return eat_level(&s);
}

enum level
status_met_level(const struct status_line *line)
{
	struct str s = line->tls;
	enum level level = eat_level(&s);

	if (str_eat(&s, STR(":")))
		level = eat_level(&s);
	if (s.len > 0 && s.p[0] != '/')
		return LEVEL_UNKNOWN;
	return level == LEVEL_DANE ? LEVEL_DANE_ONLY : level;
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
expiry_parse(struct str text, struct str *queue_id)
{
	struct str address;

	/* An empty sender is one, too. */
	return eat_queue_id(&text, queue_id) && str_eat(&text, STR("from=<")) &&
	    eat_address(&text, &address) &&
	    (str_equal(text, STR("status=expired, returned to sender")) ||
	        str_equal(text, STR("status=force-expired, returned to sender")));
}

bool
start_parse(struct str text)
{
	return str_starts(text, STR("daemon started -- version ")) ||
	    str_starts(text, STR("reload -- version "));
}

bool
start_quotes(struct str text)
{
	const char *at = find(text, STR("version "));
	struct str rest, part;
	uint64_t major, minor;
	size_t digits = 0;

	if (at == NULL)
		return false;
	rest = str_skip(text, (size_t)(at - text.p) + 8);
	if (!str_cut(&rest, '.', &part) || !str_number(part, 1000, &major))
		return false;
	while (digits < rest.len && ascii_is_digit(rest.p[digits]))
		digits++;
	return str_number((struct str){rest.p, digits}, 1000, &minor) &&
	    (major > 3 || (major == 3 && minor >= 5));
}

bool
session_parse(struct str text, struct session_line *out)
{
	struct str s = text;
	enum session_grade grade = SESSION_ANONYMOUS;

	while (grade < SESSION_COUNT &&
	    (s.len == 0 || s.p[0] != grades[grade].p[0] || !str_eat(&s, grades[grade])))
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

struct str
reason_server(struct str reason)
{
	static const struct {
		const char *before; /* the name */
		char behind;
	} forms[] = {
	    {"TLS is required, but was not offered by host ", '['},
	    {"TLS is required, but host ", '['},
	    {"lost connection with ", '['},
	    {"conversation with ", '['},
	    {"host ", '['},
	    {"TLSA lookup error for ", ':'},
	};
	struct str s = reason, name;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (str_eat(&s, str_of(forms[i].before))) {
			if (str_cut(&s, forms[i].behind, &name) &&
			    memchr(name.p, ' ', name.len) == NULL)
				return name;
			break;
		}
	return (struct str){reason.p, 0};
}

bool
reason_parse(struct str text, struct reason_line *out)
{
	struct str s = text;

	if (!eat_queue_id(&s, &out->queue_id))
		return false;
	out->reason = s;
	out->host = (struct str){s.p, 0};
	out->step = TLS_START;
	if (str_starts(s, STR("Server certificate not "))) {
		out->step = TLS_CERTIFICATE;
		return true;
	}
	if (str_starts(s, STR("Cannot start TLS: "))) {
		out->step = TLS_HANDSHAKE;
		return true;
	}
	if (!str_starts(s, STR("TLS is required, but ")))
		return false;
	out->host = reason_server(s);
	return true;
}

/* What a policy look-up can fail for (tls_policy of smtp(8), smtp_tls_policy.c). A reason
 * that a server gave is never one: by such a line it would count for any next-hop. */
static bool
is_of_lookup(struct str reason)
{
	return str_is(reason, "client TLS configuration problem") ||
	    str_is(reason, "no TLSA records found") ||
	    str_is(reason, "non DNSSEC destination") ||
	    str_is(reason, "TLSA records unusable") ||
	    str_is(reason, "Temporary lookup error") ||
	    str_starts(reason, STR("TLSA lookup error for "));
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
	if (!is_of_lookup(out->reason))
		return false;
	slash = memrchr(names.p, '/', names.len);
	if (slash == NULL || slash == names.p)
		return false;
	out->nexthop = (struct str){names.p, (size_t)(slash - names.p)};
	out->host = str_skip(names, out->nexthop.len + 1);
	return true;
}
