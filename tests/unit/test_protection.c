/* SPDX-License-Identifier: BSD-2-Clause */
/* How a message was protected: what its lines and the level in force tell. */
#include "suite.h"

#include <string.h>

#include "core/destination.h"
#include "core/protection.h"

#define FORCE_MS INT64_C(1795483619000)
#define BEFORE   (FORCE_MS - 1000)
#define AFTER    (FORCE_MS + 1000)

struct row {
	const char *session; /* its grade; NULL: none */
	const char *tls;     /* of the status line; "": none */
	enum level entry;
	bool by_policy;
	enum level default_level;
	int64_t verified_ms;
	bool silent;
	const char *protection;
};

static const struct row rows[] = {
    {"verified", "", LEVEL_NONE, false, LEVEL_DANE, AFTER, false, "dane"},
    {"verified", "", LEVEL_NONE, false, LEVEL_DANE_ONLY, AFTER, false, "dane"},
    {"verified", "", LEVEL_NONE, false, LEVEL_VERIFY, AFTER, false, "verified"},
    {"verified", "", LEVEL_NONE, false, LEVEL_SECURE, AFTER, false, "verified"},
    {"verified", "", LEVEL_NONE, true, LEVEL_SECURE, AFTER, false, "verified"},
    {"verified", "", LEVEL_DANE_ONLY, false, LEVEL_VERIFY, AFTER, false, "dane"},
    {"verified", "", LEVEL_DANE, false, LEVEL_VERIFY, AFTER, false, "dane"},
    {"verified", "", LEVEL_DANE_ONLY, false, LEVEL_VERIFY, BEFORE, false, "verified"},
    {"verified", "", LEVEL_DANE_ONLY, false, LEVEL_VERIFY, FORCE_MS - 999, false, "dane"},
    {"verified", "", LEVEL_SECURE, true, LEVEL_DANE, AFTER, false, "mta-sts"},
    {"verified", "", LEVEL_SECURE, true, LEVEL_DANE, BEFORE, false, "dane"},
    {"verified", "", LEVEL_SECURE, false, LEVEL_DANE, AFTER, false, "verified"},
    {"verified", "", LEVEL_VERIFY, false, LEVEL_DANE, AFTER, false, "verified"},
    {"verified", "", LEVEL_NONE, false, LEVEL_UNKNOWN, AFTER, false, "verified"},
    {"verified", "", LEVEL_NONE, false, LEVEL_DANE, AFTER, true, "dane"},
    {"trusted", "", LEVEL_NONE, false, LEVEL_DANE, 0, false, "encrypted"},
    {"untrusted", "", LEVEL_ENCRYPT, false, LEVEL_VERIFY, 0, false, "encrypted"},
    {"anonymous", "", LEVEL_NONE, false, LEVEL_MAY, 0, false, "encrypted"},
    {"untrusted", "", LEVEL_SECURE, true, LEVEL_VERIFY, AFTER, false, "encrypted"},
    {NULL, "", LEVEL_NONE, false, LEVEL_MAY, 0, false, "cleartext"},
    {NULL, "", LEVEL_NONE, false, LEVEL_DANE, 0, false, "cleartext"},
    {NULL, "", LEVEL_NONE, false, LEVEL_DANE, 0, true, "unknown"},
    /* Postfix 3.11 */
    {"verified", "dane", LEVEL_NONE, false, LEVEL_VERIFY, AFTER, false, "dane"},
    {"verified", "dane-only", LEVEL_NONE, false, LEVEL_VERIFY, AFTER, false, "dane"},
    {"verified", "secure", LEVEL_SECURE, true, LEVEL_DANE, AFTER, false, "mta-sts"},
    {"untrusted", "dane:encrypt", LEVEL_NONE, false, LEVEL_DANE, 0, false, "encrypted"},
    {NULL, "may:none", LEVEL_NONE, false, LEVEL_MAY, 0, true, "cleartext"},
    {NULL, "may:encrypt", LEVEL_NONE, false, LEVEL_MAY, 0, true, "encrypted"},
    {NULL, "dane", LEVEL_NONE, false, LEVEL_DANE, 0, true, "dane"},
    {NULL, "verify", LEVEL_NONE, false, LEVEL_VERIFY, 0, true, "verified"},
    {NULL, "unknown?", LEVEL_NONE, false, LEVEL_MAY, 0, true, "unknown"},
};

static enum session_grade
grade_of(const char *name)
{
	int grade = 0;

	while (strcmp(session_grade_name((enum session_grade)grade), name) != 0)
		grade++;
	return (enum session_grade)grade;
}

static void
row_is_right(void **state)
{
	const struct row *row = *state;
	struct status_line line = {.status = DELIVERY_SENT, .tls = str_of(row->tls)};
	struct demand entry = {.level = row->entry, .attributes = ""};
	struct destination d;
	enum sent_by sent_by;

	destination_init(&d, "a.test");
	destination_adopt(&d, entry, row->by_policy ? WHY_POLICY : WHY_PINNED,
	    &(struct destination_pin){.set = false}, 0, 0, FORCE_MS);
	d.entry.force_ms = FORCE_MS;
	sent_by = protection_sent_by(row->session != NULL,
	    row->session != NULL ? grade_of(row->session) : SESSION_ANONYMOUS, &line);
	assert_string_equal(protection_name(protection_of(sent_by, &d, row->default_level,
	                        row->verified_ms, row->silent)),
	    row->protection);
	destination_clear(&d);
}

static void
names_are_read(void **state)
{
	(void)state;
	for (int i = 0; i < PROTECTION_COUNT; i++) {
		enum protection p = PROTECTION_COUNT;

		assert_true(
		    protection_parse(str_of(protection_name((enum protection)i)), &p));
		assert_int_equal(p, i);
		assert_false(protection_parse(STR("sent"), &p));
	}
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		suite_add(row_is_right, &rows[i],
		    "%s session, tls=%s, %s%s, %s by default%s: %s",
		    rows[i].session != NULL ? rows[i].session : "no", rows[i].tls,
		    level_name(rows[i].entry), rows[i].by_policy ? " by policy" : "",
		    level_name(rows[i].default_level),
		    rows[i].silent ? ", not logged" : "", rows[i].protection);
	suite_add(names_are_read, NULL, "a protection is found by its name");
	return suite_run();
}
