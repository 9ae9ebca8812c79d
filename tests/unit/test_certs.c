/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of certificates: made with python3-cryptography, and what can happen to them. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

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

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(file_holds, &rows[i], "%s", rows[i].name);
	suite_add(cut_anywhere, NULL, "a file that is cut anywhere");
	suite_add(longer_than_any_certificate, NULL, "longer than any certificate");
	return suite_run();
}
