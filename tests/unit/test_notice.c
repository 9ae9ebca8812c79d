/* SPDX-License-Identifier: BSD-2-Clause */
/* The letter to a postmaster: what a fault is, and how it is told. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "core/notice.h"

static const struct {
	const char *what;
	struct probe probe;
	bool dane;
	bool policy;
	enum notice_fault fault;
} rows[] = {
    {"no STARTTLS", {.end = PROBE_PLAIN}, false, false, NOTICE_PLAIN},
    {"STARTTLS that is refused", {.end = PROBE_REFUSED}, false, false, NOTICE_REFUSED},
    {"no session at encrypt", {.end = PROBE_BROKEN, .encrypt = ANSWER_NO}, false, false,
        NOTICE_HANDSHAKE},
    {"a handshake that two connections tell apart",
        {.end = PROBE_BROKEN, .encrypt = ANSWER_UNSURE}, false, false, NOTICE_NONE},
    {"an expired certificate",
        {.end = PROBE_TLS,
            .encrypt = ANSWER_YES,
            .verify = ANSWER_NO,
            .cause = CAUSE_EXPIRED},
        false, false, NOTICE_EXPIRED},
    {"a self-signed one",
        {.end = PROBE_TLS,
            .encrypt = ANSWER_YES,
            .verify = ANSWER_NO,
            .cause = CAUSE_SELF_SIGNED},
        false, false, NOTICE_NONE},
    {"TLSA that does not match",
        {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_NO, .cause = CAUSE_TLSA},
        true, false, NOTICE_TLSA},
    {"TLSA of which it could not be told",
        {.end = PROBE_TLS, .encrypt = ANSWER_YES, .dane = ANSWER_UNSURE}, true, false,
        NOTICE_NONE},
    {"DANE that nobody promised",
        {.end = PROBE_TLS,
            .encrypt = ANSWER_YES,
            .verify = ANSWER_YES,
            .dane = ANSWER_NO},
        false, false, NOTICE_NONE},
    {"a self-signed one where an enforced policy wants another",
        {.end = PROBE_TLS,
            .encrypt = ANSWER_YES,
            .verify = ANSWER_NO,
            .cause = CAUSE_SELF_SIGNED},
        false, true, NOTICE_UNPROVEN},
    {"no STARTTLS where an enforced policy wants it", {.end = PROBE_PLAIN}, false, true,
        NOTICE_PLAIN},
    {"a certificate of which it could not be told, with an enforced policy",
        {.end = PROBE_TLS, .encrypt = ANSWER_YES}, false, true, NOTICE_NONE},
    {"a self-signed one that DANE proves, which is above a policy",
        {.end = PROBE_TLS,
            .encrypt = ANSWER_YES,
            .verify = ANSWER_NO,
            .dane = ANSWER_YES},
        true, true, NOTICE_NONE},
    {"silence", {.end = PROBE_SILENT}, true, false, NOTICE_NONE},
    {"a fault of ours", {.end = PROBE_OURS}, true, false, NOTICE_NONE},
};

static void
fault(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (notice_fault_of(&rows[i].probe, rows[i].dane, rows[i].policy) !=
		    rows[i].fault)
			fail_msg("%s", rows[i].what);
}

static char *
print(enum notice_language language, const struct notice_finding *findings, size_t count)
{
	struct buf out = {0};

	notice_print(language, "example.org", "mail.example.net", findings, count, &out);
	return buf_take(&out);
}

/* Each fault has its words in each language, and no % is left. */
static void
every_fault_has_words(void **state)
{
	char *texts[NOTICE_LANGUAGES][NOTICE_FAULTS] = {{NULL}};

	(void)state;
	for (unsigned l = 0; l < NOTICE_LANGUAGES; l++) {
		for (unsigned f = NOTICE_NONE + 1; f < NOTICE_FAULTS; f++) {
			struct notice_finding finding = {.fault = (enum notice_fault)f,
			    .server = "mx.example.org[192.0.2.1]:25",
			    .words = "as seen",
			    .at_s = 1795800000};

			texts[l][f] = print((enum notice_language)l, &finding, 1);
			assert_non_null(
			    strstr(texts[l][f], "mx.example.org[192.0.2.1]:25"));
			assert_non_null(strstr(texts[l][f],
			    l == NOTICE_GERMAN
			        ? "27.11.2026 17:20:00 UTC; Meldung auf Englisch: as"
			        : "2026-11-27T17:20:00Z: as"));
			assert_null(strchr(texts[l][f], '%'));
			assert_null(strstr(texts[l][f], "(null)"));
			for (unsigned before = NOTICE_NONE + 1; before < f; before++)
				assert_string_not_equal(texts[l][before], texts[l][f]);
			if (l > 0)
				assert_string_not_equal(texts[l][f], texts[0][f]);
		}
	}
	for (unsigned l = 0; l < NOTICE_LANGUAGES; l++)
		for (unsigned f = 0; f < NOTICE_FAULTS; f++)
			free(texts[l][f]);
}

/* Its end is told; what two servers need is said once. */
static void
remedies_are_told_once(void **state)
{
	static const struct notice_finding two[] = {
	    {NOTICE_EXPIRED, "mx1.example.org[192.0.2.1]:25", "", 1795800000, 1795000000},
	    {NOTICE_EXPIRED, "mx2.example.org[192.0.2.2]:25", "", 1795800000, 0}};
	char *text = print(NOTICE_ENGLISH, two, 2), *first;

	(void)state;
	first = strstr(text, "Renew the certificate");
	assert_non_null(first);
	assert_null(strstr(first + 1, "Renew the certificate"));
	assert_non_null(strstr(text, "2026-11-18T11:06:40Z"));
	assert_non_null(strstr(text, "mx2.example.org[192.0.2.2]:25"));
	free(text);
}

/* A server's words are a stranger's. */
static void
hostile_words_stay_words(void **state)
{
	static const struct notice_finding hostile = {
	    NOTICE_PLAIN, "mx\x1b[31m\r\nBcc: x@y.test", "%s%n\n.\nQUIT", 1795800000, 0};
	char *text = print(NOTICE_ENGLISH, &hostile, 1);

	(void)state;
	assert_null(strchr(text, '\x1b'));
	assert_null(strchr(text, '\r'));
	assert_null(strstr(text, "\nBcc:"));
	assert_null(strstr(text, "\n.\n"));
	assert_non_null(strstr(text, "%s%n"));
	free(text);
}

static void
languages_are_two(void **state)
{
	enum notice_language language = NOTICE_ENGLISH;

	(void)state;
	assert_true(notice_language_parse(STR("de"), &language));
	assert_int_equal(language, NOTICE_GERMAN);
	assert_true(notice_language_parse(STR("en"), &language));
	assert_int_equal(language, NOTICE_ENGLISH);
	assert_false(notice_language_parse(STR("DE"), &language));
	assert_false(notice_language_parse(STR(""), &language));
}

int
main(void)
{
	suite_add(fault, NULL, "what is a fault, and what is none");
	suite_add(every_fault_has_words, NULL, "each fault has words in each language");
	suite_add(remedies_are_told_once, NULL, "a remedy is told once");
	suite_add(hostile_words_stay_words, NULL, "words of a server stay words");
	suite_add(languages_are_two, NULL, "the languages are en and de");
	return suite_run();
}
