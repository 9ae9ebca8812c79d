/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utc.h"
#include "conf/config.h"
#include "conf/rulefile.h"
#include "core/fetch.h"
#include "core/fold.h"
#include "core/processes.h"
#include "core/rows.h"
#include "core/rules.h"
#include "core/sts_entry.h"
#include "core/sts_policy.h"
#include "core/sts_txt.h"
#include "dns/resolver_message.h"
#include "logs/parse.h"
#include "logs/source.h"
#include "postfix/finger_read.h"
#include "publish/mapread.h"

#define WALL_MS (INT64_C(1795483619) * 1000)

/* What must hold whatever comes. */
static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* In memory of just that size, so that a sanitizer sees a step beyond it. */
static struct str
exact(const uint8_t *data, size_t size)
{
	char *copy = mem_new(size > 0 ? size : 1, 1);

	memcpy(copy, data, size);
	return (struct str){copy, size};
}

static void
drop(struct str text)
{
	free((void *)(uintptr_t)text.p);
}

static bool
is_within(struct str part, struct str whole)
{
	return part.len == 0 ||
	    (part.p >= whole.p && part.p + part.len <= whole.p + whole.len);
}

/* --- the log ------------------------------------------------------------------------ */

static struct rules *
few_rules(void)
{
	static struct rules *rules;
	const struct rule_source source = {.name = "not-verified",
	    .reason = "^Server certificate not (?:verified|trusted)$",
	    .fallback = FALLBACK_NEXT};
	const char *key;
	struct err err;

	if (rules == NULL) {
		rules = rules_new();
		must(rules_add(rules, &source, &key, &err));
	}
	return rules;
}

/* As run reads it: found, split, taken. */
static void
take_log(const uint8_t *data, size_t size)
{
	struct str lines = exact(data, size), line;
	struct fold *fold = fold_new(few_rules());
	struct buf saved = {0}, again = {0};
	struct logline split;

	for (struct str rest = lines; str_cut(&rest, '\n', &line);)
		if (logline_split(line, &split))
			fold_line(fold, &split, WALL_MS, WALL_MS);
	for (const struct fold_item *i = fold_first(fold); i != NULL; i = i->next)
		must(i->key[0] != '\0' && strchr(i->key, '@') == NULL);
	fold_save_processes(fold, &saved);
	fold_load_processes(fold, (struct str){buf_text(&saved), saved.len});
	fold_save_processes(fold, &again);
	must(strcmp(buf_text(&saved), buf_text(&again)) == 0);
	buf_clear(&saved);
	buf_clear(&again);
	fold_free(fold);
	drop(lines);
}

static void
take_status(const uint8_t *data, size_t size)
{
	struct str text = exact(data, size), id;
	struct rules_matcher *matcher = rules_matcher_new(few_rules());
	struct status_line status;
	struct session_line session;
	struct policy_line policy;
	struct fault_line fault;
	struct reason_line reason;

	if (status_parse(text, &status)) {
		must(is_within(status.reason, text) && is_within(status.relay, text));
		(void)status_attempt_level(&status);
		(void)status_met_level(&status);
	}
	if (session_parse(text, &session))
		must(is_within(session.host, text) && is_within(session.address, text));
	if (policy_parse(text, &policy))
		must(is_within(policy.nexthop, text) && is_within(policy.reason, text));
	(void)fault_parse(text, &fault);
	(void)reason_parse(text, &reason);
	(void)expiry_parse(text, &id);
	(void)start_parse(text);
	rules_matcher_free(matcher);
	drop(text);
}

/* --- configuration and rules -------------------------------------------------------- */

static void
take_config(const uint8_t *data, size_t size)
{
	struct str text = exact(data, size);
	struct config config;
	struct errs errs = {0};

	if (config_parse("fuzz.yaml", text, &config, &errs))
		config_clear(&config);
	else
		must(errs.count > 0);
	errs_clear(&errs);
	drop(text);
}

/* Rules are read of files alone. */
static void
take_rules(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct errs errs = {0};
	struct rules *rules;
	char path[64], *files[] = {path};

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rules = rulefile_load(files, 1, RULEFILE_EXAMPLES, &errs);
	must(rules != NULL || errs.count > 0);
	rules_free(rules);
	errs_clear(&errs);
	close(fd);
}

/* --- answers of others -------------------------------------------------------------- */

/* The first octet chooses the question. */
static void
take_dns(const uint8_t *data, size_t size)
{
	static const enum rr_type types[] = {
	    RR_TLSA, RR_MX, RR_A, RR_AAAA, RR_DS, RR_SOA, RR_TXT};
	enum rr_type type =
	    types[size > 0 ? data[0] % (sizeof(types) / sizeof(types[0])) : 0];
	struct str message = exact(data + (size > 0), size - (size > 0));
	struct mx_record *mx = mem_new(DNS_HOSTS_MAX, sizeof(*mx));
	struct dns_tlsa *tlsas = mem_new(DNS_TLSA_MAX, sizeof(*tlsas));
	struct txt_records texts = {.unread = false};
	struct message_room room = {mx, tlsas, &texts};
	struct reply reply;
	struct err err;
	uint16_t id;

	if (message_read(message, "example.test", type, 0x1234, &room, &reply, &err))
		must(message_id(message, &id) && id == 0x1234 &&
		    dns_name_is_valid(str_of(reply.name)));
	buf_clear(&texts.octets);
	free(mx);
	free(tlsas);
	drop(message);
}

/* The first octet is the size of the pieces. */
static void
take_finger(const uint8_t *data, size_t size)
{
	struct finger_reader *reader = mem_new(1, sizeof(*reader));
	size_t piece = size > 0 && data[0] > 0 ? data[0] : 1;
	struct str rest = exact(data, size), whole = rest;
	const struct finger_seen *seen;
	bool goes_on = true;

	finger_begin(reader);
	while (rest.len > 0 && goes_on) {
		size_t len = rest.len < piece ? rest.len : piece;

		goes_on = finger_take(reader, (struct str){rest.p, len});
		rest = str_skip(rest, len);
	}
	seen = finger_end(reader, true);
	for (const char *p = seen->found; *p != '\0'; p++)
		must((unsigned char)*p >= ' ');
	free(reader);
	drop(whole);
}

/* --- MTA-STS ------------------------------------------------------------------------ */

/* Each line is the data of a record. */
static void
take_sts_txt(const uint8_t *data, size_t size)
{
	struct str whole = exact(data, size), rest = whole, line;
	struct str texts[STS_TXT_RECORDS_MAX + 1];
	struct buf joined[STS_TXT_RECORDS_MAX + 1] = {0};
	struct sts_txt txt;
	size_t count = 0;

	while (count <= STS_TXT_RECORDS_MAX && str_next(&rest, '\n', &line)) {
		if (!sts_txt_join(line, &joined[count]))
			buf_add_str(&joined[count], line);
		texts[count] =
		    exact((const uint8_t *)buf_text(&joined[count]), joined[count].len);
		count++;
	}
	sts_txt_read(texts, count, &txt);
	must((txt.state == STS_TXT_VALID) == (txt.id[0] != '\0'));
	for (const char *p = txt.id; *p != '\0'; p++)
		must(ascii_is_alnum(*p));
	while (count-- > 0) {
		drop(texts[count]);
		buf_clear(&joined[count]);
	}
	drop(whole);
}

/* Whatever the policy says, the entry has only what a name has, and our own words. */
static void
take_sts_entry(const struct sts_policy *policy, struct str host)
{
	static const enum sts_support all[] = {
	    STS_SUPPORT_NAMES, STS_SUPPORT_REPORTS, STS_SUPPORT_EXACT};
	struct buf entry = {0};

	for (size_t i = 0; i < 3; i++) {
		buf_reset(&entry);
		sts_entry_bounded(
		    policy, STR("d.test"), all[i], &host, 1, i % 2 == 0, &entry);
		must(entry.len <= STS_ENTRY_MAX);
		must(strncmp(buf_text(&entry), "match=", 6) == 0 &&
		    buf_text(&entry)[6] != ' ');
		for (const char *p = buf_text(&entry); *p != '\0'; p++)
			must(ascii_is_alnum(*p) || strchr(" .-_*:={}", *p) != NULL);
	}
	buf_clear(&entry);
}

/* The first line is an MX host. */
static void
take_sts_policy(const uint8_t *data, size_t size)
{
	struct str whole = exact(data, size), text = whole, host = STR("");
	struct sts_policy policy, again;
	struct sts_notes notes;
	struct err err;

	str_cut(&text, '\n', &host);
	if (sts_policy_parse(text, &policy, &notes, &err)) {
		must(policy.max_age_s <= STS_MAX_AGE_MAX_S);
		again = sts_policy_of(policy.mode, policy.max_age_s, str_of(policy.mx));
		must(sts_policy_equal(&policy, &again));
		sts_policy_clear(&again);
		if (policy.mode == STS_MODE_ENFORCE)
			take_sts_entry(&policy, host);
	} else {
		must(err.text[0] != '\0' && policy.mx == NULL);
	}
	sts_policy_clear(&policy);
	drop(whole);
}

/* A request that is taken is written as one that is taken the same; so is an answer. */
static void
take_fetch(const uint8_t *data, size_t size)
{
	struct str text = exact(data, size);
	struct fetch_request *request = mem_new(1, sizeof(*request));
	struct buf first = {0}, second = {0};
	struct fetch_answer answer;
	struct err err;

	if (fetch_request_parse(text, request, &err)) {
		fetch_request_print(request, &first);
		must(fetch_request_parse(
		    (struct str){buf_text(&first), first.len}, request, &err));
		fetch_request_print(request, &second);
		must(strcmp(buf_text(&first), buf_text(&second)) == 0);
	}
	if (fetch_answer_parse(text, &answer, &err)) {
		must(is_within(answer.body, text));
		buf_reset(&first);
		fetch_answer_print(&answer, &first);
		must(fetch_answer_parse(
		    (struct str){buf_text(&first), first.len}, &answer, &err));
	}
	buf_clear(&first);
	buf_clear(&second);
	free(request);
	drop(text);
}

/* A line that is taken is written as it was read, and what others wrote fits a line. */
static void
take_rows(const uint8_t *data, size_t size)
{
	const struct str asked =
	    STR("lease\tn\t30\nwant\ta.test\tmay\t-\nlook\ta.b.test\n"
	        "drop\tc.test\t7\tmay\t-\t-\nend\n");
	struct str text = exact(data, size), rest = text, part;
	struct rows_request request, known;
	struct rows_answer answer;
	struct rows_line line;
	struct buf out = {0}, theirs = {0};
	struct err err;

	while (str_next(&rest, '\n', &part))
		if (rows_line_parse(part, &line, &err)) {
			buf_reset(&out);
			must(rows_line_print(&line, &out));
			must(out.len == part.len + 1 && out.data[part.len] == '\n');
			must(memcmp(out.data, part.p, part.len) == 0);
		}
	if (rows_request_parse(text, &request, &err))
		must(request.count <= ROWS_ITEMS_MAX);
	rows_request_clear(&request);
	must(rows_request_parse(asked, &known, &err));
	if (rows_answer_parse(text, &known, &answer, &err))
		must(answer.count == 0 || answer.count == known.count);
	else
		must(answer.end == ROWS_UNSURE && answer.count == 0);
	rows_answer_clear(&answer);
	rows_request_clear(&known);
	rows_add_text(&theirs, text);
	line = (struct rows_line){.word = ROWS_REFUSED,
	    .key = STR("a"),
	    .text = {buf_text(&theirs), theirs.len}};
	must(rows_line_print(&line, &out));
	buf_clear(&out);
	buf_clear(&theirs);
	drop(text);
}

/* --- what we wrote ourselves -------------------------------------------------------- */

static void
take_map(const uint8_t *data, size_t size)
{
	struct str text = exact(data, size), rest = text, line, comment = STR("");
	struct mapread found = {0};
	int64_t s;

	while (str_cut(&rest, '\n', &line)) {
		if (mapread_entry(comment, line, &found))
			must(found.key[0] != '\0' && strchr(found.key, ' ') == NULL &&
			    found.level > LEVEL_NONE && found.level < LEVEL_COUNT &&
			    strlen(found.pin.note) < sizeof(found.pin.note));
		comment = line;
	}
	(void)utc_parse(text, &s);
	mapread_clear(&found);
	drop(text);
}

/* What is loaded is saved as it is loaded again, and the next process is remembered. */
static void
take_stored(const uint8_t *data, size_t size)
{
	struct str text = exact(data, size);
	struct processes *all = mem_new(1, sizeof(*all)),
	                 *more = mem_new(1, sizeof(*more));
	struct fold *fold = fold_new(few_rules());
	const struct source_options options = {.from_start = true};
	struct place place = {.kind = "file"};
	struct buf saved = {0}, again = {0};
	struct source *source;
	struct err err;

	processes_load(all, text);
	processes_save(all, &saved);
	processes_load(more, (struct str){buf_text(&saved), saved.len});
	processes_save(more, &again);
	must(strcmp(buf_text(&saved), buf_text(&again)) == 0);
	must(processes_get(all, 4000000000U)->used > 0);
	fold_load_processes(fold, text);
	fold_free(fold);
	if (size < sizeof(place.text)) {
		memcpy(place.text, data, size);
		source = source_open("/dev/null", &place, &options, &err);
		source_close(source);
	}
	buf_clear(&saved);
	buf_clear(&again);
	free(all);
	free(more);
	drop(text);
}

const struct fuzz_target fuzz_targets[] = {
    {"log", take_log},
    {"status", take_status},
    {"rules", take_rules},
    {"config", take_config},
    {"dns", take_dns},
    {"finger", take_finger},
    {"sts-txt", take_sts_txt},
    {"sts-policy", take_sts_policy},
    {"fetch", take_fetch},
    {"rows", take_rows},
    {"map", take_map},
    {"stored", take_stored},
};

const size_t fuzz_target_count = sizeof(fuzz_targets) / sizeof(fuzz_targets[0]);

const struct fuzz_target *
fuzz_find(const char *name)
{
	for (size_t i = 0; i < fuzz_target_count; i++)
		if (strcmp(fuzz_targets[i].name, name) == 0)
			return &fuzz_targets[i];
	return NULL;
}
