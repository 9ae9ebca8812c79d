/* SPDX-License-Identifier: BSD-2-Clause */
/* What smtp(8) says of a server whose TLS failed, before the status line. */
#include "core/status.h"

/* "HOST[ADDRESS]" or "HOST[ADDRESS]:PORT" in front of *s. */
static bool
eat_server(struct str *s, struct fault_line *out)
{
	struct str address, digits;
	uint64_t port = 0;

	out->port = 0;
	if (!str_cut(s, '[', &out->host) || out->host.len == 0 ||
	    !str_cut(s, ']', &address))
		return false;
	if (!str_eat(s, STR(":")))
		return true;
	digits = (struct str){s->p, 0};
	while (digits.len < s->len && ascii_is_digit(s->p[digits.len]))
		digits.len++;
	*s = str_skip(*s, digits.len);
	if (str_number(digits, UINT16_MAX, &port))
		out->port = (uint16_t)port;
	return true;
}

static enum tls_step
step_of(enum cause cause)
{
	switch (cause) {
	case CAUSE_NOT_OFFERED:
	case CAUSE_REFUSED:
		return TLS_START;
	case CAUSE_HANDSHAKE:
		return TLS_HANDSHAKE;
	default:
		return TLS_CERTIFICATE;
	}
}

/* "domain=D, receiving_mx=HOST[ADDRESS], failure_type=T[, failure_reason=R]". */
static bool
parse_report(struct str s, struct fault_line *out)
{
	struct str type = {s.p, 0}, reason = {s.p, 0}, server = {s.p, 0};

	while (s.len > 0) {
		const char *end = s.len > 1 ? memmem(s.p, s.len, ", ", 2) : NULL;
		struct str field = {s.p, end != NULL ? (size_t)(end - s.p) : s.len};

		s = str_skip(s, end != NULL ? field.len + 2 : field.len);
		if (str_eat(&field, STR("receiving_mx=")))
			server = field;
		else if (str_eat(&field, STR("failure_type=")))
			type = field;
		else if (str_eat(&field, STR("failure_reason=")))
			reason = field;
	}
	if (type.len == 0 || !eat_server(&server, out))
		return false;
	out->cause = cause_of_report(type, reason);
	out->step = step_of(out->cause);
	return true;
}

bool
fault_parse(struct str text, struct fault_line *out)
{
	struct str s = text;

	if (str_eat(&s, STR("TLSRPT: status=failure, ")))
		return parse_report(s, out);
	out->step = TLS_CERTIFICATE;
	if (str_eat(&s, STR("SSL_connect error to ")))
		out->step = TLS_HANDSHAKE;
	else if (!str_eat(&s, STR("certificate verification failed for ")) &&
	    !str_eat(&s, STR("server certificate verification failed for ")) &&
	    !str_eat(&s, STR("CA certificate verification failed for ")))
		return false;
	if (!eat_server(&s, out))
		return false;
	out->cause = CAUSE_HANDSHAKE;
	if (out->step == TLS_CERTIFICATE)
		out->cause = str_eat(&s, STR(": ")) ? cause_of_verdict(s) : CAUSE_OTHER;
	return true;
}
