/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom a certificate names: just enough of X.509 (RFC 5280 4.1, 4.2.1.6). */
#include <string.h>

#include "core/base64.h"
#include "core/der.h"
#include "core/names.h"

#define DER_MAX 24576

#define DER_OCTET_STRING   0x04
#define DER_OID            0x06
#define DER_BOOLEAN        0x01
#define DER_SET            0x31
#define DER_CONTEXT_3      0xa3
#define GENERAL_OTHER_NAME 0xa0
#define GENERAL_DNS_NAME   0x82
#define STRING_UTF8        0x0c
#define STRING_PRINTABLE   0x13
#define STRING_T61         0x14
#define STRING_IA5         0x16

static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03};
static const uint8_t oid_alt_name[] = {0x55, 0x1d, 0x11};

struct slice {
	const uint8_t *p;
	const uint8_t *end;
};

/* Take an element: its content. False: another tag, or damaged. */
static bool
take(struct slice *from, uint8_t tag, struct slice *content)
{
	const uint8_t *p = from->p;
	const uint8_t *end = der_enter(&p, from->end, tag);

	if (end == NULL)
		return false;
	*content = (struct slice){p, end};
	from->p = end;
	return true;
}

/* The same for any tag of one octet. */
static bool
take_any(struct slice *from, uint8_t *tag, struct slice *content)
{
	if (from->p >= from->end || (*from->p & 0x1f) == 0x1f)
		return false;
	*tag = *from->p;
	return take(from, *tag, content);
}

static bool
is_oid(struct slice content, const uint8_t oid[3])
{
	return content.end - content.p == 3 && memcmp(content.p, oid, 3) == 0;
}

static void
add(char *list, struct slice text)
{
	names_add(list, (struct str){(const char *)text.p, (size_t)(text.end - text.p)});
}

/* False: damaged. *has_dns: it has one, be it a name that can match or not. */
static bool
add_alt_names(struct slice value, char *list, bool *has_dns, bool *has_other)
{
	struct slice names, name;
	uint8_t tag;

	if (!take(&value, DER_SEQUENCE, &names))
		return false;
	while (names.p < names.end) {
		if (!take_any(&names, &tag, &name))
			return false;
		if (tag == GENERAL_DNS_NAME) {
			*has_dns = true;
			add(list, name);
		}
		*has_other = *has_other || tag == GENERAL_OTHER_NAME;
	}
	return true;
}

static bool
add_extensions(struct slice extensions, char *list, bool *has_dns, bool *has_other)
{
	struct slice all, one, oid, value, critical;
	bool seen = false;

	if (!take(&extensions, DER_SEQUENCE, &all))
		return false;
	while (all.p < all.end) {
		if (!take(&all, DER_SEQUENCE, &one) || !take(&one, DER_OID, &oid))
			return false;
		take(&one, DER_BOOLEAN, &critical);
		if (!take(&one, DER_OCTET_STRING, &value))
			return false;
		if (!is_oid(oid, oid_alt_name))
			continue;
		if (seen || !add_alt_names(value, list, has_dns, has_other))
			return false;
		seen = true;
	}
	return true;
}

static bool
add_common_names(struct slice subject, char *list)
{
	struct slice set, pair, oid, text;
	uint8_t tag;

	while (subject.p < subject.end) {
		if (!take(&subject, DER_SET, &set))
			return false;
		while (set.p < set.end) {
			if (!take(&set, DER_SEQUENCE, &pair) ||
			    !take(&pair, DER_OID, &oid) || !take_any(&pair, &tag, &text))
				return false;
			if (!is_oid(oid, oid_common_name))
				continue;
			if (tag != STRING_UTF8 && tag != STRING_PRINTABLE &&
			    tag != STRING_T61 && tag != STRING_IA5)
				return false;
			add(list, text);
		}
	}
	return true;
}

/* Certificate, what is signed, [version], serial, algorithm, issuer, validity, subject,
 * key, [issuer's and subject's unique ids], [extensions]. False: not all could be read.
 */
static bool
read_certificate(struct slice der, char *list)
{
	struct slice certificate, body, subject, part;
	bool has_dns = false, has_other = false;
	uint8_t tag;

	if (!take(&der, DER_SEQUENCE, &certificate) ||
	    !take(&certificate, DER_SEQUENCE, &body))
		return false;
	take(&body, DER_CONTEXT_0, &part);
	if (!take(&body, DER_INTEGER, &part) || !take(&body, DER_SEQUENCE, &part) ||
	    !take(&body, DER_SEQUENCE, &part) || !take(&body, DER_SEQUENCE, &part) ||
	    !take(&body, DER_SEQUENCE, &subject) || !take(&body, DER_SEQUENCE, &part))
		return false;
	while (body.p < body.end) {
		if (!take_any(&body, &tag, &part))
			return false;
		if (tag == DER_CONTEXT_3 &&
		    !add_extensions(part, list, &has_dns, &has_other))
			return false;
	}
	/* OpenSSL 3.0 passes the common name over for an otherName, too; later ones do
	 * not. */
	if (has_other && !has_dns)
		return false;
	return has_dns || add_common_names(subject, list);
}

bool
names_of_certificate(struct str pem, char list[NAMES_SIZE])
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	static const char end[] = "-----END CERTIFICATE-----";
	const char *from =
	    pem.len > 0 ? memmem(pem.p, pem.len, begin, strlen(begin)) : NULL;
	const char *until;
	uint8_t der[DER_MAX];
	size_t len;

	list[0] = '\0';
	if (from != NULL) {
		pem = str_skip(pem, (size_t)(from - pem.p) + strlen(begin));
		until = memmem(pem.p, pem.len, end, strlen(end));
		if (until != NULL) {
			pem.len = (size_t)(until - pem.p);
			len = base64_decode(pem, der, sizeof(der));
			if (read_certificate((struct slice){der, der + len}, list))
				return true;
		}
	}
	names_add_more(list);
	return false;
}
