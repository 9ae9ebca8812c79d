/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/cases/sts-*.cases: the readers of MTA-STS, and its entries. The cases have
 * numbers, those of addresses.cases as well, and each that needs no server and no Postfix
 * must be there.
 */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/sts_answer.h"
#include "core/sts_entry.h"
#include "core/sts_policy.h"
#include "core/sts_txt.h"
#include "stskit.h"

#define NUMBERS_MAX 88

struct row {
	char **fields; /* without the number */
};

struct table {
	const char *name;
	CMUnitTestFunction test;
	size_t columns; /* with number and what */
	bool numbered;
};

static unsigned char numbers[NUMBERS_MAX + 1];

/* In memory of just its size: a step beyond it is seen. */
static struct str
exact(const struct buf *buf)
{
	char *copy = mem_new(buf->len > 0 ? buf->len : 1, 1);

	memcpy(copy, buf_text(buf), buf->len);
	return (struct str){copy, buf->len};
}

static void
drop(struct str text)
{
	free((void *)(uintptr_t)text.p);
}

/* --- TXT ---------------------------------------------------------------------------- */

/* A record as a DNS message has it: strings at ~, and where one is full. */
static void
join_record(struct str text, struct buf *out, bool *joined)
{
	struct buf data = {0};
	struct str part;
	bool more = true;

	while (more) {
		more = str_cut(&text, '~', &part);
		if (!more)
			part = text;
		do {
			size_t len = part.len < 255 ? part.len : 255;

			buf_add_char(&data, (char)len);
			buf_add(&data, part.p, len);
			part = str_skip(part, len);
		} while (part.len > 0);
	}
	text = exact(&data);
	*joined = sts_txt_join(text, out);
	drop(text);
	buf_clear(&data);
}

static void
records_are_read(void **state)
{
	const struct row *row = *state;
	struct buf field = {0}, texts[8] = {0}, id = {0};
	struct str records[8], rest, record;
	struct sts_txt txt;
	size_t count = 0;
	bool joined = true;

	sts_text(sts_field(row->fields[0]), false, &field);
	rest = (struct str){buf_text(&field), field.len};
	while (rest.len > 0 && joined) {
		const char *at = memmem(rest.p, rest.len, " & ", 3);

		record = at != NULL ? (struct str){rest.p, (size_t)(at - rest.p)} : rest;
		rest = str_skip(rest, record.len + (at != NULL ? 3 : 0));
		join_record(record, &texts[count], &joined);
		records[count] = exact(&texts[count]);
		count++;
	}
	txt = (struct sts_txt){.state = STS_TXT_UNSURE};
	if (joined)
		sts_txt_read(records, count, &txt);
	assert_string_equal(sts_txt_name(txt.state), row->fields[1]);
	sts_text(sts_field(row->fields[2]), false, &id);
	assert_string_equal(txt.id, buf_text(&id));
	for (size_t i = 0; i < count; i++) {
		drop(records[i]);
		buf_clear(&texts[i]);
	}
	buf_clear(&field);
	buf_clear(&id);
}

#define N32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
too_many_records(void **state)
{
	static char large[STS_TXT_OCTETS_MAX + 1];
	struct str texts[STS_TXT_RECORDS_MAX + 1];
	struct sts_txt txt;

	(void)state;
	for (size_t i = 0; i <= STS_TXT_RECORDS_MAX; i++)
		texts[i] = STR("x");
	texts[0] = STR("v=STSv1; id=a");
	sts_txt_read(texts, STS_TXT_RECORDS_MAX, &txt);
	assert_int_equal(txt.state, STS_TXT_VALID);
	memset(large, 'x', sizeof(large));
	texts[1] = (struct str){large, sizeof(large)};
	sts_txt_read(texts, 2, &txt);
	assert_int_equal(txt.state, STS_TXT_UNSURE);
	texts[1] = STR("v=STSv1");
	sts_txt_read(&texts[1], 1, &txt);
	assert_int_equal(txt.state, STS_TXT_NONE);
	texts[1] = STR("v=STSv1\t; id=a; 1-_.x=y");
	sts_txt_read(&texts[1], 1, &txt);
	assert_int_equal(txt.state, STS_TXT_VALID);
	texts[1] = STR("v=STSv1; id=a; =y");
	sts_txt_read(&texts[1], 1, &txt);
	assert_int_not_equal(txt.state, STS_TXT_VALID);
	texts[1] = STR("v=STSv1; id=a; " N32 "x=y");
	sts_txt_read(&texts[1], 1, &txt);
	assert_int_not_equal(txt.state, STS_TXT_VALID);
	texts[1] = STR("v=STSv1; id=" N32 "x;");
	sts_txt_read(&texts[1], 1, &txt);
	assert_int_not_equal(txt.state, STS_TXT_VALID);
	texts[1] = STR("v=STSv1; id=a; b=\x7f");
	sts_txt_read(&texts[1], 1, &txt);
	assert_int_not_equal(txt.state, STS_TXT_VALID);
	sts_txt_read(texts, STS_TXT_RECORDS_MAX + 1, &txt);
	assert_int_equal(txt.state, STS_TXT_UNSURE);
	assert_string_equal(txt.id, "");
}

static void
damaged_record(void **state)
{
	struct buf text = {0};

	(void)state;
	assert_false(sts_txt_join(STR("\x05two"), &text));
	assert_false(sts_txt_join(STR("\x01"
	                              "a\x01"),
	    &text));
	buf_reset(&text);
	assert_true(sts_txt_join(STR(""), &text));
	assert_true(sts_txt_join(STR("\0\0\x01"
	                             "a"),
	    &text));
	assert_string_equal(buf_text(&text), "a");
	buf_clear(&text);
}

/* --- HTTP --------------------------------------------------------------------------- */

static void
answers_are_judged(void **state)
{
	const struct row *row = *state;
	struct sts_answer answer = {.status = (unsigned)atoi(row->fields[0]),
	    .body_octets = strtoul(row->fields[3], NULL, 10),
	    .whole = strcmp(row->fields[5], "yes") == 0};
	unsigned lines, octets;
	struct buf detail = {0};
	enum sts_cause cause;

	if (strcmp(row->fields[1], "-") != 0)
		answer.type = row->fields[1];
	if (strcmp(row->fields[2], "-") != 0)
		answer.encoding = row->fields[2];
	assert_int_equal(sscanf(row->fields[4], "%u/%u", &lines, &octets), 2);
	answer.headers = lines;
	answer.header_octets = octets;
	cause = sts_answer_judge(&answer, &detail);
	assert_string_equal(sts_cause_name(cause), row->fields[6]);
	assert_string_equal(buf_text(&detail), sts_field(row->fields[7]));
	buf_clear(&detail);
}

static void
causes_have_words(void **state)
{
	static const char *const results[] = {
	    "", "sts-policy-fetch-error", "sts-webpki-invalid", "sts-policy-invalid"};

	(void)state;
	for (unsigned i = 0; i < STS_CAUSE_COUNT; i++) {
		enum sts_cause cause = (enum sts_cause)i, again = STS_CAUSE_COUNT;
		bool known = false;

		assert_true(sts_cause_parse(str_of(sts_cause_name(cause)), &again));
		assert_int_equal(again, cause);
		assert_true(strlen(sts_cause_sentence(cause)) > 5);
		for (unsigned r = 0; r < 4; r++)
			known = known || strcmp(sts_cause_result(cause), results[r]) == 0;
		assert_true(known);
	}
}

/* --- policies ----------------------------------------------------------------------- */

static void
print_notes(const struct sts_notes *notes, struct buf *out)
{
	if (notes->blank_lines > 0)
		buf_printf(out, "%u blank", notes->blank_lines);
	if (notes->dropped > 0)
		buf_printf(out, "dropped %u (%s)", notes->dropped, notes->first_dropped);
	if (notes->max_age_cut)
		buf_printf(out, "cut");
}

/* What is kept of it is the same policy. */
static void
assert_kept(const struct sts_policy *policy)
{
	struct sts_policy again =
	    sts_policy_of(policy->mode, policy->max_age_s, str_of(policy->mx));

	assert_true(sts_policy_equal(policy, &again));
	assert_string_equal(policy->mx, again.mx);
	assert_int_equal(policy->max_age_s, again.max_age_s);
	sts_policy_clear(&again);
}

static void
policies_are_read(void **state)
{
	const struct row *row = *state;
	struct buf text = {0}, says = {0}, want = {0}, noted = {0}, want_noted = {0};
	struct sts_policy policy;
	struct sts_notes notes;
	struct err err;
	struct str all;

	sts_text(row->fields[0], true, &text);
	all = exact(&text);
	if (sts_policy_parse(all, &policy, &notes, &err)) {
		buf_printf(&says, "%s %u%s%s", sts_mode_name(policy.mode),
		    policy.max_age_s, policy.mx[0] != '\0' ? " " : "", policy.mx);
		assert_kept(&policy);
	} else {
		buf_printf(&says, "%s", err.text);
		assert_null(policy.mx);
	}
	sts_text(row->fields[1], false, &want);
	while (want.len > 0 && want.data[want.len - 1] == ' ') /* behind {... *N} */
		want.data[--want.len] = '\0';
	assert_string_equal(buf_text(&says), buf_text(&want));
	print_notes(&notes, &noted);
	sts_text(sts_field(row->fields[2]), false, &want_noted);
	assert_string_equal(buf_text(&noted), buf_text(&want_noted));
	sts_policy_clear(&policy);
	drop(all);
	buf_clear(&text);
	buf_clear(&says);
	buf_clear(&want);
	buf_clear(&noted);
	buf_clear(&want_noted);
}

static void
hosts_are_matched(void **state)
{
	const struct row *row = *state;
	bool matches = sts_mx_matches(str_of(row->fields[0]), str_of(row->fields[1]));

	assert_string_equal(matches ? "yes" : "no", row->fields[2]);
}

static void
kept_patterns_are_only_patterns(void **state)
{
	struct sts_policy policy = sts_policy_of(STS_MODE_ENFORCE, UINT32_MAX,
	    STR("a.test:b.test  hostname *.C.test a.test\tx { } match=x mx.d.test"));

	(void)state;
	assert_string_equal(policy.mx, "*.c.test mx.d.test");
	assert_int_equal(policy.max_age_s, STS_MAX_AGE_MAX_S);
	sts_policy_clear(&policy);
}

/* What is dropped is told, and cut. */
static void
odd_values_of_policies(void **state)
{
	char long_mx[400];
	struct buf text = {0};
	struct sts_policy policy;
	struct sts_notes notes;
	struct err err;

	(void)state;
	memset(long_mx, 'a', sizeof(long_mx));
	long_mx[sizeof(long_mx) - 1] = '\0';
	buf_printf(&text,
	    "version: STSv1\nmode: testing\nmax_age: 1\nmx: %s\nmx: mx.d.test\n"
	    "x_1-2.3: \xc2\xa0\xc3\xbc\n",
	    long_mx);
	if (!sts_policy_parse(
	        (struct str){buf_text(&text), text.len}, &policy, &notes, &err))
		fail_msg("%s", err.text);
	assert_string_equal(policy.mx, "mx.d.test");
	assert_int_equal(notes.dropped, 1);
	assert_int_equal(strlen(notes.first_dropped), sizeof(notes.first_dropped) - 1);
	sts_policy_clear(&policy);
	buf_reset(&text);
	buf_printf(&text, "%s: x\n", long_mx);
	assert_false(sts_policy_parse(
	    (struct str){buf_text(&text), text.len}, &policy, &notes, &err));
	assert_non_null(strstr(err.text, "is no key"));
	assert_false(sts_policy_parse(STR(": x\n"), &policy, &notes, &err));
	assert_false(
	    sts_policy_parse(STR("version: ST\xc2\x80\n"), &policy, &notes, &err));
	buf_reset(&text);
	for (unsigned i = 0; i < STS_MX_MAX + 5; i++)
		buf_printf(&text, "mx%u.d.test ", i);
	policy =
	    sts_policy_of(STS_MODE_ENFORCE, 1, (struct str){buf_text(&text), text.len});
	assert_true(sts_policy_allows(&policy, STR("mx0.d.test")));
	assert_false(sts_policy_allows(&policy, STR("mx1004.d.test")));
	sts_policy_clear(&policy);
	buf_clear(&text);
}

static void
policies_are_compared(void **state)
{
	const struct sts_policy none = {.mode = STS_MODE_NONE},
	                        bare = {.mode = STS_MODE_TESTING};
	struct sts_policy one = sts_policy_of(STS_MODE_ENFORCE, 1, STR("mx.d.test")),
	                  same = sts_policy_of(STS_MODE_ENFORCE, 9, STR("MX.D.test.")),
	                  other = sts_policy_of(STS_MODE_ENFORCE, 1, STR("mx.e.test")),
	                  tested = sts_policy_of(STS_MODE_TESTING, 1, STR("mx.d.test"));

	(void)state;
	assert_true(sts_policy_equal(&one, &same));
	assert_false(sts_policy_equal(&one, &other));
	assert_false(sts_policy_equal(&one, &tested));
	assert_false(sts_policy_equal(&bare, &tested));
	assert_false(sts_policy_equal(&tested, &bare));
	assert_true(sts_policy_equal(&none, &none));
	assert_false(sts_policy_allows(&none, STR("mx.d.test")));
	assert_true(sts_policy_allows(&one, STR("mx.d.test.")));
	assert_false(sts_policy_allows(&one, STR("")));
	assert_false(sts_mx_matches(STR("*.d.test"), STR(".d.test")));
	assert_false(sts_mx_matches(STR("*.d.test"), STR("test")));
	sts_policy_clear(&one);
	sts_policy_clear(&same);
	sts_policy_clear(&other);
	sts_policy_clear(&tested);
}

/* Who does not want to know of what was dropped, of a good one and of bad ones. */
static void
policy_without_notes(void **state)
{
	static const char good[] = "version: STSv1\nmode: none\nmax_age: 1\n";
	struct buf large = {0};
	struct sts_policy policy;
	struct err err;

	(void)state;
	assert_true(sts_policy_parse(STR(good), &policy, NULL, &err));
	sts_policy_clear(&policy);
	assert_false(sts_policy_parse(STR("version: STSv1\n"), &policy, NULL, &err));
	while (large.len <= STS_BODY_MAX)
		buf_printf(&large, "%s", good);
	assert_false(sts_policy_parse(
	    (struct str){buf_text(&large), large.len}, &policy, NULL, &err));
	assert_non_null(strstr(err.text, "octets long"));
	buf_clear(&large);
}

/* From which Postfix on what can be said of a policy. */
static const struct {
	const char *version;
	bool enforces;
	enum sts_support support;
} versions[] = {
    {"3.3.9", false, STS_SUPPORT_NONE},
    {"3.4.0", false, STS_SUPPORT_NAMES},
    {"3.9", true, STS_SUPPORT_NAMES},
    {"3.10.0", false, STS_SUPPORT_REPORTS},
    {"3.10.5", false, STS_SUPPORT_REPORTS},
    {"3.10.5", true, STS_SUPPORT_EXACT},
    {"3.10.4", true, STS_SUPPORT_REPORTS},
    {"3.11-20250430", true, STS_SUPPORT_REPORTS},
    {"3.12-20260430", true, STS_SUPPORT_EXACT},
    {"4.0-20300101", true, STS_SUPPORT_NONE},
    {"4.1.0", true, STS_SUPPORT_EXACT},
    {"2.11.0", true, STS_SUPPORT_NONE},
    {"", true, STS_SUPPORT_NONE},
    {"x.4.0", true, STS_SUPPORT_NONE},
    {"3", true, STS_SUPPORT_NONE},
    {"3.", true, STS_SUPPORT_NONE},
    {"3.10.", true, STS_SUPPORT_NONE},
    {"3.999999999", true, STS_SUPPORT_NONE},
};

static void
versions_support(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (sts_support_of(str_of(versions[i].version), versions[i].enforces) !=
		    versions[i].support)
			fail_msg("%s", versions[i].version);
}

static void
entries_of_policies_are_known(void **state)
{
	static const struct {
		enum level level;
		const char *attributes;
		bool is_one;
	} entries[] = {
	    {LEVEL_SECURE, "match=mx.d.test servername=hostname", true},
	    {LEVEL_SECURE, "match=mx.d.test servername=hostname policy_ttl=1", true},
	    {LEVEL_VERIFY, "match=mx.d.test servername=hostname", false},
	    {LEVEL_SECURE, "", false},
	    {LEVEL_SECURE, "match=mx.d.test", false},
	    {LEVEL_SECURE, "match=mx.d.test servername=mx.d.test", false},
	    {LEVEL_SECURE, "servername=hostname match=mx.d.test", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		char attributes[64];

		strcpy(attributes, entries[i].attributes);
		assert_int_equal(
		    sts_entry_is_one((struct demand){entries[i].level, attributes}),
		    entries[i].is_one);
	}
}

/* --- next-hops ---------------------------------------------------------------------- */

static void
policy_domains(void **state)
{
	const struct row *row = *state;
	struct buf text = {0}, want = {0};
	char domain[NEXTHOP_HOST_SIZE];
	struct nexthop nexthop;

	sts_text(row->fields[0], false, &text);
	sts_text(sts_field(row->fields[1]), false, &want);
	assert_true(nexthop_parse((struct str){buf_text(&text), text.len}, &nexthop));
	assert_int_equal(sts_policy_domain(&nexthop, domain), want.len > 0);
	assert_string_equal(domain, buf_text(&want));
	buf_clear(&text);
	buf_clear(&want);
}

/* --- entries ------------------------------------------------------------------------ */

static void
entries_are_made(void **state)
{
	const struct row *row = *state;
	struct str version = str_of(row->fields[0]), hosts[16];
	size_t count = sts_split(sts_field(row->fields[2]), hosts, 16);
	bool enforces = version.p[version.len - 1] != '!';
	struct buf entry = {0}, patterns = {0};
	struct sts_policy policy;
	enum sts_support support;

	sts_text(sts_field(row->fields[1]), false, &patterns);
	policy = sts_policy_of(
	    STS_MODE_ENFORCE, 604800, (struct str){buf_text(&patterns), patterns.len});
	if (!enforces)
		version.len--;
	support = sts_support_of(version, enforces);
	if (support != STS_SUPPORT_NONE) {
		buf_printf(&entry, "secure ");
		sts_entry_bounded(
		    &policy, STR("d.test"), support, hosts, count, true, &entry);
	}
	assert_string_equal(buf_text(&entry), sts_field(row->fields[4]));
	assert_int_equal(sts_hosts_allowed(&policy, hosts, count), atoi(row->fields[3]));
	sts_policy_clear(&policy);
	buf_clear(&patterns);
	buf_clear(&entry);
}

/* So many MX hosts of names so long. */
struct crowd {
	unsigned hosts;
	int name_len;
	bool has_room, is_told;
	const char *what;
};

static const struct crowd crowds[] = {
    {15, 60, false, true, "what is small has room"},
    {20, 60, true, true, "what is larger has some"},
    {20, 60, false, false, "... while there is some, and else the first of its names"},
    {64, 60, true, true, "as many MX hosts as are held"},
    {64, 63, true, false, "of more than 4096 octets of names the first are told"},
};

static void
entries_are_bounded(void **state)
{
	struct sts_policy policy =
	    sts_policy_of(STS_MODE_ENFORCE, 604800, STR("*.d.test"));
	static const enum sts_support all[] = {STS_SUPPORT_NAMES, STS_SUPPORT_REPORTS};
	const struct crowd *crowd = *state;
	char names[64][80];
	struct str hosts[64];

	for (unsigned i = 0; i < crowd->hosts; i++) {
		snprintf(
		    names[i], sizeof(names[i]), "%0*u.d.test", crowd->name_len - 7, i);
		hosts[i] = str_of(names[i]);
	}
	for (size_t s = 0; s < 2; s++) {
		struct buf entry = {0};

		buf_printf(&entry, "secure ");
		assert_int_equal(sts_entry_bounded(&policy, STR("d.test"), all[s], hosts,
		                     crowd->hosts, crowd->has_room, &entry),
		    STS_ENTRY_OF_HOSTS);
		assert_non_null(strstr(buf_text(&entry), names[0]));
		assert_int_equal(
		    strstr(buf_text(&entry), names[crowd->hosts - 1]) != NULL,
		    crowd->is_told);
		assert_non_null(strstr(buf_text(&entry), " servername=hostname"));
		assert_true(entry.len <= strlen("secure ") +
		        (crowd->has_room ? STS_ENTRY_MAX : STS_ENTRY_SMALL));
		buf_clear(&entry);
	}
	sts_policy_clear(&policy);
}

/* Of which would other MX hosts make another entry? */
static void
entries_of_hosts(void **state)
{
	static const struct {
		const char *mx;
		enum sts_support support;
		enum sts_entry became;
	} rows[] = {
	    {"mx.d.test", STS_SUPPORT_NAMES, STS_ENTRY_WHOLE},
	    {"mx.d.test *.p.test", STS_SUPPORT_NAMES, STS_ENTRY_OF_HOSTS},
	    {"*.p.test", STS_SUPPORT_REPORTS, STS_ENTRY_OF_HOSTS},
	    {"mx.d.test *.p.test", STS_SUPPORT_EXACT, STS_ENTRY_WHOLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sts_policy policy =
		    sts_policy_of(STS_MODE_ENFORCE, 604800, str_of(rows[i].mx));
		struct buf entry = {0};

		assert_int_equal(sts_entry_bounded(&policy, STR("d.test"),
		                     rows[i].support, NULL, 0, true, &entry),
		    rows[i].became);
		buf_clear(&entry);
		sts_policy_clear(&policy);
	}
}

/* --- tables ------------------------------------------------------------------------- */

static const struct table tables[] = {
    {"sts-txt", records_are_read, 5, true}, {"sts-answer", answers_are_judged, 10, true},
    {"sts-policy", policies_are_read, 5, true}, {"sts-mx", hosts_are_matched, 4, false},
    {"sts-domain", policy_domains, 4, true}, {"sts-entry", entries_are_made, 7, true},
    {"addresses", NULL, 5, true}, /* test_address's */
    {"sts-state", NULL, 9, true}, /* test_sts_state's */
};

/* What of the numbered cases needs neither server nor Postfix; the others are tested
 * where those are. */
static const unsigned char wanted[] = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16,
    17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 34, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45,
    46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 62, 63, 64, 65, 66, 67,
    68, 69, 70, 71, 72, 73, 74, 75, 76, 78, 85};

static void
cases_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wanted); i++)
		if (numbers[wanted[i]] == 0)
			fail_msg("no row of case %u", (unsigned)wanted[i]);
}

static void
add_row(char **fields, size_t count, unsigned line, void *context)
{
	const struct table *table = context;
	struct row *row = suite_keep(mem_new(1, sizeof(*row)));
	unsigned number = 0;

	if (count != table->columns) {
		fprintf(stderr, "%s.cases:%u: %zu columns, not %zu\n", table->name, line,
		    count, table->columns);
		exit(2);
	}
	if (table->numbered && strcmp(fields[0], "-") != 0) {
		number = (unsigned)atoi(fields[0]);
		if (number == 0 || number > NUMBERS_MAX) {
			fprintf(stderr, "%s.cases:%u: no such case\n", table->name, line);
			exit(2);
		}
		numbers[number]++;
	}
	if (table->test == NULL)
		return;
	row->fields = suite_keep(mem_new(count, sizeof(*fields)));
	memcpy(row->fields, fields + table->numbered,
	    (count - table->numbered) * sizeof(*fields));
	suite_add(
	    table->test, row, "%s, row %u: %s", table->name, line, fields[count - 1]);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "tests/cases/%s.cases", tables[i].name);
		suite_read_table(name, add_row, (void *)(uintptr_t)&tables[i]);
	}
	suite_add(cases_are_complete, NULL, "every case that is pure is in a table");
	suite_add(too_many_records, NULL, "more records than are held: could not tell");
	suite_add(damaged_record, NULL, "a record that is damaged is none");
	suite_add(causes_have_words, NULL, "every cause has a word, and one of a report");
	suite_add(
	    odd_values_of_policies, NULL, "what is odd in a policy is dropped, and told");
	suite_add(policies_are_compared, NULL, "policies are compared by mode and hosts");
	suite_add(policy_without_notes, NULL, "nobody must know what was dropped");
	suite_add(versions_support, NULL, "what a version of Postfix can do");
	suite_add(entries_of_policies_are_known, NULL, "the entry of a policy is known");
	suite_add(kept_patterns_are_only_patterns, NULL,
	    "what is kept of a policy is patterns, and nothing else");
	for (size_t i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++)
		suite_add(entries_are_bounded, &crowds[i], "%s", crowds[i].what);
	suite_add(entries_of_hosts, NULL, "whether an entry is of the MX hosts' names");
	return suite_run();
}
