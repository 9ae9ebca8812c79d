/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/certs.h"

#include <stdbool.h>

#include "core/base64.h"
#include "core/der.h"

#define DER_MAX 16384 /* the largest certificates are of a few thousand octets */

/* --- PEM --------------------------------------------------------------------------- */

static bool
find(struct str text, const char *word, size_t *at)
{
	const char *hit =
	    text.len > 0 ? memmem(text.p, text.len, word, strlen(word)) : NULL;

	if (hit != NULL)
		*at = (size_t)(hit - text.p);
	return hit != NULL;
}

/* --- a certificate ----------------------------------------------------------------- */

/* The number of so many digits; -1: something else. */
static int
take_digits(const uint8_t **p, int digits)
{
	int value = 0;

	while (digits-- > 0) {
		if (!ascii_is_digit((char)**p))
			return -1;
		value = value * 10 + (*(*p)++ - '0');
	}
	return value;
}

static int64_t
days_of(int year, int month, int day)
{
	static const int before[] = {
	    0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int64_t past = year - 1;

	return past * 365 + past / 4 - past / 100 + past / 400 + before[month - 1] +
	    (leap && month > 2 ? 1 : 0) + day - 1 - 719162; /* 1970 begins there */
}

/* RFC 5280 4.1.2.5: YYMMDDHHMMSSZ until 2049, then YYYYMMDDHHMMSSZ. */
static bool
take_time(const uint8_t **p, const uint8_t *end, int64_t *seconds)
{
	bool is_long = **p == DER_GENERALIZED_TIME;
	const uint8_t *next =
	    der_enter(p, end, is_long ? DER_GENERALIZED_TIME : DER_UTC_TIME);
	int year, month, day, hour, minute, second;

	if (next == NULL || next - *p != (is_long ? 15 : 13))
		return false;
	year = take_digits(p, is_long ? 4 : 2);
	if (!is_long)
		year += year < 50 ? 2000 : 1900;
	month = take_digits(p, 2);
	day = take_digits(p, 2);
	hour = take_digits(p, 2);
	minute = take_digits(p, 2);
	second = take_digits(p, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1 || hour < 0 || minute < 0 ||
	    second < 0)
		return false;
	*p = next;
	*seconds = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
	return true;
}

static bool
skip(const uint8_t **p, const uint8_t *end, uint8_t tag)
{
	const uint8_t *next = der_enter(p, end, tag);

	if (next != NULL)
		*p = next;
	return next != NULL;
}

/* Certificate, what is signed, [version], serial, algorithm, issuer, validity. */
static bool
read_validity(const uint8_t *p, const uint8_t *end, int64_t *from_s, int64_t *until_s)
{
	end = der_enter(&p, end, DER_SEQUENCE);
	if (end == NULL || (end = der_enter(&p, end, DER_SEQUENCE)) == NULL)
		return false;
	skip(&p, end, DER_CONTEXT_0);
	if (!skip(&p, end, DER_INTEGER) || !skip(&p, end, DER_SEQUENCE) ||
	    !skip(&p, end, DER_SEQUENCE) ||
	    (end = der_enter(&p, end, DER_SEQUENCE)) == NULL)
		return false;
	return p < end && take_time(&p, end, from_s) && p < end &&
	    take_time(&p, end, until_s);
}

static void
take_certificate(struct str base64, int64_t now_s, struct certs *out)
{
	uint8_t der[DER_MAX];
	size_t len = base64_decode(base64, der, sizeof(der));
	int64_t from_s, until_s;

	if (!read_validity(der, der + len, &from_s, &until_s)) {
		out->damaged++;
		return;
	}
	out->count++;
	if (from_s <= now_s && now_s <= until_s)
		out->valid++;
}

/* The names that OpenSSL reads as a certificate; of a trusted one the first part is it.
 */
static const char *const labels[] = {"-----BEGIN CERTIFICATE-----",
    "-----BEGIN TRUSTED CERTIFICATE-----", "-----BEGIN X509 CERTIFICATE-----"};

void
certs_read(struct str pem, int64_t now_ms, struct certs *out)
{
	size_t at, end;

	*out = (struct certs){0};
	while (find(pem, "-----BEGIN ", &at)) {
		bool wanted = false;

		pem = str_skip(pem, at);
		for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]) && !wanted; i++)
			wanted = str_eat(&pem, str_of(labels[i]));
		if (!wanted) {
			pem = str_skip(pem, 11);
			continue;
		}
		if (!find(pem, "-----END ", &end)) {
			out->damaged++;
			return;
		}
		take_certificate((struct str){pem.p, end}, now_ms / 1000, out);
		pem = str_skip(pem, end);
	}
}

int64_t
certs_until_ms(struct str pem)
{
	uint8_t der[DER_MAX];
	int64_t from_s, until_s;
	size_t at, len;

	if (!find(pem, labels[0], &at))
		return 0;
	pem = str_skip(pem, at + strlen(labels[0]));
	if (!find(pem, "-----END ", &at))
		return 0;
	len = base64_decode((struct str){pem.p, at}, der, sizeof(der));
	return read_validity(der, der + len, &from_s, &until_s) ? until_s * 1000 : 0;
}
