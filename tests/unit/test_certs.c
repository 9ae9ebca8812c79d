/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of certificates: made with python3-cryptography, and what can happen to them. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/certs.h"

#define AT_2026_MS (INT64_C(1790000000) * 1000)
#define AT_2050_MS (INT64_C(2524608000) * 1000)

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

#define FROM_2020_BODY \
	"MIIBBTCBq6ADAgECAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAWEwHhcNMjAw\n" \
	"MTAxMDAwMDAwWhcNMzAwMTAxMDAwMDAwWjAMMQowCAYDVQQDDAFhMFkwEwYHKoZI\n" \
	"zj0CAQYIKoZIzj0DAQcDQgAES1cPj6qEgekGL2xs97I1Hus2Syyq/zE6PjGo9bxH\n" \
	"e3U7df0E5R3/U7JBWdjj5sKRIVsICojWqLchxukRPU9+pDAKBggqhkjOPQQDAgNJ\n" \
	"ADBGAiEAtDEX0xOtzmzl2XGLDfQct2FynlvQFr1L+FmTFkh5sOcCIQDkg/b0BjMr\n" \
	"oIvywd7sQPqcZ2v346xd1u0EFfax79suyQ==\n"
#define UNTIL_2030 BEGIN FROM_2020_BODY END
#define UNTIL_2021 \
	BEGIN \
	"MIIBBTCBq6ADAgECAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAWIwHhcNMjAw\n" \
	"MTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAMMQowCAYDVQQDDAFiMFkwEwYHKoZI\n" \
	"zj0CAQYIKoZIzj0DAQcDQgAEmJwVJaoboj3ieEUxZBezxfT5x0RSnkgdzJSQ5mgw\n" \
	"Ms5bW/aQdY4ji+YzKh3Az+HaSYK00ouAFvPp0c1XZlM5YzAKBggqhkjOPQQDAgNJ\n" \
	"ADBGAiEAwuTlrQ7bIn3tEqkQAimikAPB9EEqVHNMaWcEbyHYZ7ICIQDtIRi+LVAZ\n" \
	"KgJFrpuqwrXjnbKzl8oy0ulGE+BmeVSG9w==\n" END
#define FROM_2040_UNTIL_2060 \
	BEGIN \
	"MIIBBTCBraADAgECAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAWMwIBcNNDAw\n" \
	"MTAxMDAwMDAwWhgPMjA2MDAyMjkxMjAwMDBaMAwxCjAIBgNVBAMMAWMwWTATBgcq\n" \
	"hkjOPQIBBggqhkjOPQMBBwNCAAR3mbgsRz+KZfeKIS7BBmfFJzeGI/Y6aAA/fji0\n" \
	"lFqd2GKMKHjyQlZRFByFDyqrwOQvzeRb4zDwXVzJClnyZ6vXMAoGCCqGSM49BAMC\n" \
	"A0cAMEQCIC1PNz9Z+JuW/HJfgL59nZOL21seBjip5n9WGD20GWA2AiBraFVcAQRd\n" \
	"qtzPiWYYUrBdy6OVNxRy3GEyZyXSS6+/Tg==\n" END

struct row {
	const char *name;
	const char *pem;
	int64_t now_ms;
	size_t count, valid, damaged;
};

static const struct row rows[] = {
    {"an empty file", "", AT_2026_MS, 0, 0, 0},
    {"one", UNTIL_2030, AT_2026_MS, 1, 1, 0},
    {"one that expired", UNTIL_2021, AT_2026_MS, 1, 0, 0},
    {"one that is not valid yet", FROM_2040_UNTIL_2060, AT_2026_MS, 1, 0, 0},
    {"a year after 2049 is written with four digits", FROM_2040_UNTIL_2060, AT_2050_MS, 1,
        1, 0},
    {"to the second: the last one", UNTIL_2021, INT64_C(1609459200000), 1, 1, 0},
    {"to the second: one later", UNTIL_2021, INT64_C(1609459201000), 1, 0, 0},
    {"to the second: the first one", UNTIL_2021, INT64_C(1577836800000), 1, 1, 0},
    {"to the second: one earlier", UNTIL_2021, INT64_C(1577836799000), 1, 0, 0},
    {"a leap day", FROM_2040_UNTIL_2060, INT64_C(2845281600000), 1, 1, 0},
    {"after a leap day", FROM_2040_UNTIL_2060, INT64_C(2845281601000), 1, 0, 0},
    {"three", UNTIL_2021 UNTIL_2030 FROM_2040_UNTIL_2060, AT_2026_MS, 3, 1, 0},
    {"text around them",
        "# an authority\nsubject: x\n" UNTIL_2030 "\n# more\n" UNTIL_2030 "end",
        AT_2026_MS, 2, 2, 0},
    {"line ends of other systems",
        "-----BEGIN CERTIFICATE-----\r\n" FROM_2020_BODY
        "\r\n-----END CERTIFICATE-----\r\n",
        AT_2026_MS, 1, 1, 0},
    {"a trusted certificate",
        "-----BEGIN TRUSTED CERTIFICATE-----\n" FROM_2020_BODY
        "-----END TRUSTED CERTIFICATE-----\n",
        AT_2026_MS, 1, 1, 0},
    {"a key is none", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
        AT_2026_MS, 0, 0, 0},
    {"a request is none",
        "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE "
        "REQUEST-----\n" UNTIL_2030,
        AT_2026_MS, 1, 1, 0},
    {"cut in the middle", BEGIN "MIIBBTCBq6ADAgECAgEBMAoGCCqGSM49", AT_2026_MS, 0, 0, 1},
    {"nothing between its lines", BEGIN END, AT_2026_MS, 0, 0, 1},
    {"rubbish between its lines", BEGIN "!!!!\n" END UNTIL_2030, AT_2026_MS, 1, 1, 1},
    {"DER that is none", BEGIN "AAAA\n" END, AT_2026_MS, 0, 0, 1},
    {"a sequence that claims too much", BEGIN "MIT/////\n" END, AT_2026_MS, 0, 0, 1},
    {"only a begin", "-----BEGIN ", AT_2026_MS, 0, 0, 0},
};

static void
file_holds(void **state)
{
	const struct row *row = *state;
	struct certs certs;

	certs_read(str_of(row->pem), row->now_ms, &certs);
	assert_int_equal(certs.count, row->count);
	assert_int_equal(certs.valid, row->valid);
	assert_int_equal(certs.damaged, row->damaged);
}

/* Every length, in memory of just that size: sanitizers see a step too far. */
static void
cut_anywhere(void **state)
{
	static const char pem[] = UNTIL_2030 FROM_2040_UNTIL_2060;
	struct certs certs;

	(void)state;
	for (size_t len = 0; len < sizeof(pem) - 1; len++) {
		char *exact = mem_new(len + 1, 1);

		memcpy(exact + 1, pem, len);
		certs_read((struct str){exact + 1, len}, AT_2026_MS, &certs);
		assert_true(certs.count + certs.damaged <= 2);
		free(exact);
	}
}

static void
longer_than_any_certificate(void **state)
{
	size_t size = 65536;
	char *pem = mem_new(size, 1);
	struct certs certs;

	(void)state;
	memset(pem, 'A', size);
	memcpy(pem, BEGIN, strlen(BEGIN));
	memcpy(pem + size - strlen(END), END, strlen(END));
	certs_read((struct str){pem, size}, AT_2026_MS, &certs);
	assert_int_equal(certs.damaged, 1);
	free(pem);
}

/* --- certificates made here: nothing but what is read of one -------------------------
 */

static void
add_tlv(struct buf *out, unsigned char tag, const struct buf *content)
{
	buf_add_char(out, (char)tag);
	buf_add_char(out, (char)content->len); /* less than 128 */
	buf_add(out, buf_text(content), content->len);
}

static void
add_base64(struct buf *out, const struct buf *der)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < der->len; i += 3) {
		uint32_t three = 0;

		for (size_t k = 0; k < 3; k++)
			three = three << 8 |
			    (i + k < der->len ? (unsigned char)der->data[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_add_char(out,
			    i + k > der->len ? '=' : digits[three >> (18 - 6 * k) & 63]);
	}
}

struct made_row {
	const char *from, *until; /* 13 octets are an UTCTime; NULL: there is none */
	int64_t until_ms;         /* 0: it is damaged */
};

static const struct made_row made_rows[] = {
    {"200101000000Z", "300101000000Z", INT64_C(1893456000000)},
    {"490101000000Z", "20500101000000Z", INT64_C(2524608000000)},
    {"500101000000Z", "700101000001Z", 1000},
    {"19000101000000Z", "20000301000000Z", INT64_C(951868800000)},
    {"20000229000000Z", "21000301000000Z", INT64_C(4107542400000)},
    {"200101000000Z", NULL, 0},
    {NULL, NULL, 0},
    {"20010100000Z", "300101000000Z", 0},
    {"200101000000Z", "2030010100000Z", 0},
    {"200101000000Z", "00000101000000Z", 0},
    {"200101000000Z", "300001000000Z", 0},
    {"200101000000Z", "301301000000Z", 0},
    {"200101000000Z", "300100000000Z", 0},
    {"200101000000Z", "30x101000000Z", 0},
    {"200101000000Z", "3001x1000000Z", 0},
    {"200101000000Z", "300101x00000Z", 0},
    {"200101000000Z", "30010100x000Z", 0},
    {"200101000000Z", "3001010000x0Z", 0},
    {"x00101000000Z", "300101000000Z", 0},
};

static void
add_time(struct buf *out, const char *text)
{
	struct buf content = {0};

	if (text == NULL)
		return;
	buf_printf(&content, "%s", text);
	add_tlv(out, strlen(text) == 13 ? 0x17 : 0x18, &content);
	buf_clear(&content);
}

/* without: so many of what stands before the times are missing. */
static void
make(const struct made_row *row, unsigned without, struct buf *pem)
{
	static const unsigned char tags[] = {0x02, 0x30, 0x30};
	struct buf times = {0}, inner = {0}, outer = {0}, der = {0}, empty = {0};

	add_time(&times, row->from);
	add_time(&times, row->until);
	for (size_t i = without; i < sizeof(tags); i++)
		add_tlv(&inner, tags[i], &empty);
	add_tlv(&inner, 0x30, &times);
	add_tlv(&outer, 0x30, &inner);
	add_tlv(&der, 0x30, &outer);
	buf_printf(pem, BEGIN);
	add_base64(pem, &der);
	buf_printf(pem, "\n" END);
	buf_clear(&times);
	buf_clear(&inner);
	buf_clear(&outer);
	buf_clear(&der);
}

static void
times_are_read(void **state)
{
	const struct made_row *row = *state;
	struct buf pem = {0};
	struct certs certs;

	make(row, 0, &pem);
	certs_read((struct str){buf_text(&pem), pem.len}, AT_2026_MS, &certs);
	assert_int_equal(certs.damaged, row->until_ms == 0);
	assert_int_equal(
	    certs_until_ms((struct str){buf_text(&pem), pem.len}), row->until_ms);
	buf_clear(&pem);
}

static void
what_has_no_certificate_has_no_end(void **state)
{
	struct buf pem = {0};

	(void)state;
	assert_int_equal(certs_until_ms(STR("")), 0);
	assert_int_equal(certs_until_ms(STR(BEGIN "MIIB")), 0);
	assert_int_equal(certs_until_ms(STR(UNTIL_2030)), INT64_C(1893456000000));
	for (unsigned without = 1; without <= 3; without++) {
		buf_reset(&pem);
		make(&made_rows[0], without, &pem);
		assert_int_equal(
		    certs_until_ms((struct str){buf_text(&pem), pem.len}), 0);
	}
	buf_clear(&pem);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(made_rows) / sizeof(made_rows[0]); i++)
		suite_add(times_are_read, &made_rows[i], "from %s until %s",
		    made_rows[i].from != NULL ? made_rows[i].from : "nothing",
		    made_rows[i].until != NULL ? made_rows[i].until : "nothing");
	suite_add(what_has_no_certificate_has_no_end, NULL,
	    "what is no certificate has no end");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(file_holds, &rows[i], "%s", rows[i].name);
	suite_add(cut_anywhere, NULL, "a file that is cut anywhere");
	suite_add(longer_than_any_certificate, NULL, "longer than any certificate");
	return suite_run();
}
