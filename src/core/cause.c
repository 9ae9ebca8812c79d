/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/cause.h"

static const struct {
	const char *name;
	const char *sentence;
	bool is_condition;
} words[CAUSE_COUNT] = {
    [CAUSE_NONE] = {"", "", false},
    [CAUSE_SELF_SIGNED] = {"self-signed", "its certificate is self-signed", true},
    [CAUSE_EXPIRED] = {"expired", "its certificate has expired", true},
    [CAUSE_NOT_YET_VALID] = {"not-yet-valid", "its certificate is not valid yet", true},
    [CAUSE_NAME] = {"name", "its certificate is for another name", true},
    [CAUSE_POLICY] = {"policy", "its certificate has none of the names that are demanded",
        false},
    [CAUSE_ISSUER] = {"issuer", "nobody here knows who issued its certificate", true},
    [CAUSE_TLSA] = {"tlsa", "no TLSA record matches its certificate", false},
    [CAUSE_HANDSHAKE] = {"handshake", "the TLS handshake fails", true},
    [CAUSE_NOT_OFFERED] = {"not-offered", "it does not offer STARTTLS", true},
    [CAUSE_REFUSED] = {"refused", "it offers STARTTLS and refuses it", true},
    [CAUSE_OTHER] = {"other", "its certificate does not do", false},
};

const char *
cause_name(enum cause cause)
{
	return words[cause].name;
}

const char *
cause_sentence(enum cause cause)
{
	return words[cause].sentence;
}

bool
cause_parse(struct str name, enum cause *cause)
{
	for (enum cause c = CAUSE_NONE; c < CAUSE_COUNT; c++) {
		if (str_is(name, words[c].name)) {
			*cause = c;
			return true;
		}
	}
	return false;
}

bool
cause_is_condition(enum cause cause)
{
	return words[cause].is_condition;
}

/* Is it that no session was encrypted at all? */
static bool
is_without_tls(enum cause cause)
{
	return cause == CAUSE_NOT_OFFERED || cause == CAUSE_REFUSED ||
	    cause == CAUSE_HANDSHAKE;
}

bool
host_cause_stands(const struct host_cause *cause)
{
	return cause->cause != CAUSE_NONE && cause->at_ms >= cause->met_ms &&
	    (!is_without_tls(cause->cause) || cause->at_ms >= cause->tls_ms);
}

struct beginning {
	const char *text;
	enum cause cause;
};

static enum cause
find(const struct beginning *table, size_t count, struct str text, enum cause otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (str_starts(text, str_of(table[i].text)))
			return table[i].cause;
	return otherwise;
}

#define FIND(table, text, otherwise) \
	find(table, sizeof(table) / sizeof(table[0]), text, otherwise)

/* tls_log_verify_error(): texts of its own for some, the number of OpenSSL's
 * X509_V_ERR_... and its text for the others. What stands behind "untrusted issuer" is
 * the stranger's. */
enum cause
cause_of_verdict(struct str text)
{
	static const struct beginning verdicts[] = {
	    {"self-signed certificate", CAUSE_SELF_SIGNED},
	    {"self signed certificate", CAUSE_SELF_SIGNED},
	    {"untrusted issuer", CAUSE_ISSUER},
	    {"certificate has expired", CAUSE_EXPIRED},
	    {"certificate not yet valid", CAUSE_NOT_YET_VALID},
	    {"num=2:", CAUSE_ISSUER},
	    {"num=9:", CAUSE_NOT_YET_VALID},
	    {"num=10:", CAUSE_EXPIRED},
	    {"num=18:", CAUSE_SELF_SIGNED},
	    {"num=19:", CAUSE_SELF_SIGNED},
	    {"num=20:", CAUSE_ISSUER},
	    {"num=21:", CAUSE_ISSUER},
	    {"num=27:", CAUSE_ISSUER},
	    {"num=62:", CAUSE_NAME},
	    {"num=64:", CAUSE_NAME},
	    {"num=65:", CAUSE_TLSA},
	};

	return FIND(verdicts, text, CAUSE_OTHER);
}

/* Postfix writes '_' for the blanks and hyphens of RFC 8460 and of OpenSSL. */
static struct str
spell(struct str word, char *out, size_t size)
{
	size_t len = word.len < size ? word.len : size;

	for (size_t i = 0; i < len; i++)
		out[i] = word.p[i] == '_' || word.p[i] == ' ' ? '-' : word.p[i];
	return (struct str){out, len};
}

enum cause
cause_of_report(struct str type, struct str reason)
{
	/* RFC 8460 4.3 */
	static const struct beginning types[] = {
	    {"starttls-not-supported", CAUSE_NOT_OFFERED},
	    {"certificate-host-mismatch", CAUSE_NAME},
	    {"certificate-expired", CAUSE_EXPIRED},
	    {"certificate-not-trusted", CAUSE_ISSUER},
	    {"tlsa-invalid", CAUSE_TLSA},
	};
	static const struct beginning reasons[] = {
	    {"self-signed-certificate", CAUSE_SELF_SIGNED},
	    {"unable-to-get-local-issuer", CAUSE_ISSUER},
	    {"unable-to-get-issuer", CAUSE_ISSUER},
	    {"unable-to-verify-the-first", CAUSE_ISSUER},
	    {"certificate-is-not-yet-valid", CAUSE_NOT_YET_VALID},
	    {"certificate-has-expired", CAUSE_EXPIRED},
	    {"hostname-mismatch", CAUSE_NAME},
	    {"no-matching-DANE-TLSA", CAUSE_TLSA},
	    {"tls-handshake-failure", CAUSE_HANDSHAKE},
	};
	char text[40];
	enum cause told = FIND(types, spell(type, text, sizeof(text)), CAUSE_OTHER);

	/* "validation-failure" and "not trusted" are what the reason says more of. */
	if (told != CAUSE_OTHER && told != CAUSE_ISSUER)
		return told;
	return FIND(reasons, spell(reason, text, sizeof(text)), told);
}

enum cause
cause_of_reason(struct str reason)
{
	static const struct str refuses = {"] refused to start TLS: ", 24};

	if (str_starts(reason, STR("Cannot start TLS: ")))
		return CAUSE_HANDSHAKE;
	if (!str_eat(&reason, STR("TLS is required, but ")))
		return CAUSE_NONE;
	if (str_starts(reason, STR("was not offered by host ")))
		return CAUSE_NOT_OFFERED;
	return str_starts(reason, STR("host ")) &&
	        memmem(reason.p, reason.len, refuses.p, refuses.len) != NULL
	    ? CAUSE_REFUSED
	    : CAUSE_NONE;
}

bool
cause_is_told_before(struct str reason)
{
	return str_starts(reason, STR("Server certificate not "));
}
