/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

/*
 * Bytes, not characters: servers write what they like, and a UTF check of each text
 * would make every stray byte a reason not to match. "$" means the end and nothing
 * but the end. A leading ".*" must not count as an anchor, see rules_add().
 */
#define COMPILE_OPTIONS \
	(PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_DOLLAR_ENDONLY | \
	    PCRE2_NO_DOTSTAR_ANCHOR)
#define PATTERN_MAX 16384

/*
 * Far above what an honest pattern needs for any text that Postfix logs, and a few
 * milliseconds at most for one that backtracks without end.
 */
#define MATCH_LIMIT   100000
#define DEPTH_LIMIT   20000
#define HEAP_LIMIT_KB 8192
#define JIT_STACK_MIN (32 * 1024)
#define JIT_STACK_MAX (512 * 1024)

/* Conditions in the order of their cost: the short texts first. */
enum part {
	PART_STATUS,
	PART_DSN,
	PART_SERVICE,
	PART_REASON,
	PART_COUNT,
};

static const char *const part_keys[PART_COUNT] = {
    [PART_STATUS] = "status",
    [PART_DSN] = "dsn",
    [PART_SERVICE] = "service",
    [PART_REASON] = "reason",
};

struct pattern {
	pcre2_code *code; /* NULL: no such condition */
	bool jit;
};

/* The bytes that a matching reason can begin with: most reasons stop here. */
struct byteset {
	uint8_t bits[32];
};

struct compiled {
	struct rule_source source; /* its texts are ours */
	struct pattern parts[PART_COUNT];
	struct byteset first;
};

struct rules {
	struct compiled *items;
	size_t count;
	size_t size;
	struct byteset first; /* of all of them together */
	pcre2_general_context *memory;
};

struct rules_matcher {
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
};

static bool
byteset_has(const struct byteset *set, unsigned char c)
{
	return (set->bits[c / 8] >> (c % 8) & 1) != 0;
}

static void
byteset_add(struct byteset *set, unsigned char c)
{
	set->bits[c / 8] |= (uint8_t)(1 << (c % 8));
}

/* PCRE2's memory comes from mem_array(), so that nothing of it can be NULL. */
static void *
allocate(size_t size, void *unused)
{
	(void)unused;
	return mem_array(NULL, size, 1);
}

static void
release(void *p, void *unused)
{
	(void)unused;
	free(p);
}

struct rules *
rules_new(void)
{
	struct rules *rules = mem_new(1, sizeof(*rules));

	rules->memory = pcre2_general_context_create(allocate, release, NULL);
	return rules;
}

static void
clear_compiled(struct compiled *item)
{
	for (enum part part = 0; part < PART_COUNT; part++)
		pcre2_code_free(item->parts[part].code);
	free((char *)item->source.name);
	free((char *)item->source.reason);
	free((char *)item->source.dsn);
	free((char *)item->source.service);
	free((char *)item->source.status);
	free((char *)item->source.hint);
}

void
rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	for (size_t i = 0; i < rules->count; i++)
		clear_compiled(&rules->items[i]);
	pcre2_general_context_free(rules->memory);
	free(rules->items);
	free(rules);
}

/* "reason: missing closing parenthesis, at offset 12, behind "..."". Always false. */
static bool
complain(struct err *err, const char *key, int code, const char *text, size_t offset)
{
	char message[128] = "unknown error";
	size_t from = offset > 20 ? offset - 20 : 0;
	struct buf behind = {0};

	pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof(message));
	buf_add_quoted(&behind, (struct str){text + from, offset - from});
	err_set(err, "%s: %s, at offset %zu of the pattern%s%s%s", key, message, offset,
	    offset > 0 ? ", behind \"" : "", buf_text(&behind), offset > 0 ? "\"" : "");
	buf_clear(&behind);
	return false;
}

static bool
compile(const struct rules *rules, const char *text, const char *key,
    struct pattern *pattern, struct err *err)
{
	pcre2_compile_context *context = pcre2_compile_context_create(rules->memory);
	int code;
	size_t offset, jit_size = 0;

	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_max_pattern_length(context, PATTERN_MAX);
	pattern->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
	    COMPILE_OPTIONS, &code, &offset, context);
	pcre2_compile_context_free(context);
	if (pattern->code == NULL)
		return complain(err, key, code, text, offset);
	/* Not everywhere may memory be made executable; pcre2_match() does without. */
	pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_JITSIZE, &jit_size);
	pattern->jit = jit_size > 0;
	return true;
}

/* Of a pattern that is not anchored a server's "said: ..." can be the subject. */
static bool
is_anchored(const struct pattern *pattern)
{
	uint32_t options = 0;

	pcre2_pattern_info(pattern->code, PCRE2_INFO_ALLOPTIONS, &options);
	return (options & PCRE2_ANCHORED) != 0;
}

/*
 * Asked about a text of one byte, a partial match answers NOMATCH only if it failed
 * without looking behind that byte; then no longer text that begins so can match.
 */
static void
find_first_bytes(struct rules *rules, struct compiled *item)
{
	struct rules_matcher *matcher = rules_matcher_new(rules);

	for (unsigned c = 0; c < 256; c++) {
		unsigned char byte = (unsigned char)c;

		if (pcre2_match(item->parts[PART_REASON].code, &byte, 1, 0,
		        PCRE2_PARTIAL_HARD, matcher->data,
		        matcher->context) == PCRE2_ERROR_NOMATCH)
			continue;
		byteset_add(&item->first, byte);
		byteset_add(&rules->first, byte);
	}
	rules_matcher_free(matcher);
}

static const char *
copy(const char *text)
{
	return text != NULL ? mem_strdup(text) : NULL;
}

static void
append(struct rules *rules, struct compiled item)
{
	item.source.name = copy(item.source.name);
	item.source.reason = copy(item.source.reason);
	item.source.dsn = copy(item.source.dsn);
	item.source.service = copy(item.source.service);
	item.source.status = copy(item.source.status);
	item.source.hint = copy(item.source.hint);
	if (rules->count == rules->size) {
		rules->size = rules->size > 0 ? 2 * rules->size : 32;
		rules->items =
		    mem_array(rules->items, rules->size, sizeof(*rules->items));
	}
	rules->items[rules->count++] = item;
}

/* Beginnings of what a server says: see reason_is_servers(). */
static const char *const servers_words[] = {"host mx.example.org[192.0.2.1] said: ",
    "host mx.example.org[192.0.2.1] refused to talk to me: "};

/* Could a text that begins so match? */
static bool
may_take(const struct rules *rules, const struct compiled *item, const char *beginning)
{
	struct rules_matcher *matcher = rules_matcher_new(rules);
	int code = pcre2_match(item->parts[PART_REASON].code, (PCRE2_SPTR)beginning,
	    strlen(beginning), 0, PCRE2_PARTIAL_HARD, matcher->data, matcher->context);

	rules_matcher_free(matcher);
	return code != PCRE2_ERROR_NOMATCH;
}

static bool
pattern_matches(const struct pattern *pattern, struct rules_matcher *matcher,
    struct str text, unsigned *limit_hits)
{
	PCRE2_SPTR subject = (PCRE2_SPTR)(text.p != NULL ? text.p : "");
	int rc;

	if (pattern->code == NULL)
		return true;
	if (pattern->jit)
		rc = pcre2_jit_match(pattern->code, subject, text.len, 0, 0,
		    matcher->data, matcher->context);
	else
		rc = pcre2_match(pattern->code, subject, text.len, 0, 0, matcher->data,
		    matcher->context);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH && limit_hits != NULL)
		(*limit_hits)++;
	return rc >= 0;
}

/* Whoever only waits may. */
static bool
takes_servers_words(const struct rules *rules, const struct compiled *item)
{
	if (item->source.fallback == FALLBACK_WAIT)
		return false;
	for (size_t i = 0; i < sizeof(servers_words) / sizeof(servers_words[0]); i++)
		if (may_take(rules, item, servers_words[i]))
			return true;
	return false;
}

/* No rule is asked about mail of another status, so that it would never match. */
static bool
fits_a_status(const struct rules *rules, const struct compiled *item)
{
	const struct pattern *status = &item->parts[PART_STATUS];
	struct rules_matcher *matcher = rules_matcher_new(rules);
	bool fits = pattern_matches(status, matcher, STR("deferred"), NULL) ||
	    pattern_matches(status, matcher, STR("bounced"), NULL);

	rules_matcher_free(matcher);
	return fits;
}

static bool
compile_parts(
    const struct rules *rules, struct compiled *item, const char **key, struct err *err)
{
	const struct rule_source *source = &item->source;
	const char *const texts[PART_COUNT] = {
	    [PART_STATUS] = source->status,
	    [PART_DSN] = source->dsn,
	    [PART_SERVICE] = source->service,
	    [PART_REASON] = source->reason,
	};

	for (enum part part = 0; part < PART_COUNT; part++) {
		*key = part_keys[part];
		if (texts[part] != NULL &&
		    !compile(rules, texts[part], *key, &item->parts[part], err))
			return false;
	}
	if (!is_anchored(&item->parts[PART_REASON]))
		return err_set(err,
		    "reason: the pattern does not begin with ^ in every "
		    "alternative, so a server could write what it looks for into "
		    "any reply; write '^...$', or '^(?:...|...)$'");
	if (!fits_a_status(rules, item)) {
		*key = part_keys[PART_STATUS];
		return err_set(err,
		    "status: matches neither \"deferred\" nor \"bounced\", and there is "
		    "no "
		    "other that a rule is asked about; correct it, or leave the key out");
	}
	if (takes_servers_words(rules, item))
		return err_set(err,
		    "reason: matches what a server says (\"host ... said: ...\"), which "
		    "could lower its own level so; make it narrower, or write fallback: "
		    "wait");
	return true;
}

bool
rules_add(struct rules *rules, const struct rule_source *source, const char **key,
    struct err *err)
{
	struct compiled item = {.source = *source};

	if (rules_find(rules, source->name) >= 0) {
		*key = "name";
		return err_set(
		    err, "name: \"%s\" is taken by an earlier rule", source->name);
	}
	if (!compile_parts(rules, &item, key, err)) {
		for (enum part part = 0; part < PART_COUNT; part++)
			pcre2_code_free(item.parts[part].code);
		return false;
	}
	find_first_bytes(rules, &item);
	append(rules, item);
	return true;
}

size_t
rules_count(const struct rules *rules)
{
	return rules->count;
}

const struct rule_source *
rules_get(const struct rules *rules, size_t index)
{
	return &rules->items[index].source;
}

int
rules_find(const struct rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->count; i++)
		if (strcmp(rules->items[i].source.name, name) == 0)
			return (int)i;
	return -1;
}

struct rules_matcher *
rules_matcher_new(const struct rules *rules)
{
	struct rules_matcher *matcher = mem_new(1, sizeof(*matcher));

	matcher->context = pcre2_match_context_create(rules->memory);
	pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
	pcre2_set_depth_limit(matcher->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(matcher->context, HEAP_LIMIT_KB);
	/* one pair: that there is a match is all that is asked */
	matcher->data = pcre2_match_data_create(1, rules->memory);
	/* NULL where memory cannot be mapped: then JIT code uses 32 KiB of our stack */
	matcher->stack =
	    pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, rules->memory);
	pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
	return matcher;
}

void
rules_matcher_free(struct rules_matcher *matcher)
{
	if (matcher == NULL)
		return;
	pcre2_jit_stack_free(matcher->stack);
	pcre2_match_data_free(matcher->data);
	pcre2_match_context_free(matcher->context);
	free(matcher);
}

static bool
rule_matches(const struct compiled *item, struct rules_matcher *matcher,
    const struct rule_subject *subject, enum rule_dnssec dnssec, unsigned *limit_hits)
{
	enum rule_dnssec wanted = item->source.dnssec;
	const struct str texts[PART_COUNT] = {
	    [PART_STATUS] = subject->status,
	    [PART_DSN] = subject->dsn,
	    [PART_SERVICE] = subject->service,
	    [PART_REASON] = subject->reason,
	};

	if (subject->reason.len > 0 &&
	    !byteset_has(&item->first, (unsigned char)subject->reason.p[0]))
		return false;
	if (wanted != RULE_DNSSEC_ANY && dnssec != RULE_DNSSEC_ANY && wanted != dnssec)
		return false;
	if (item->source.cause != CAUSE_NONE && item->source.cause != subject->cause)
		return false;
	for (enum part part = 0; part < PART_COUNT; part++)
		if (!pattern_matches(
		        &item->parts[part], matcher, texts[part], limit_hits))
			return false;
	return true;
}

int
rules_match(const struct rules *rules, struct rules_matcher *matcher,
    const struct rule_subject *subject, size_t from, enum rule_dnssec dnssec,
    unsigned *limit_hits)
{
	if (subject->reason.len > 0 &&
	    !byteset_has(&rules->first, (unsigned char)subject->reason.p[0]))
		return -1;
	for (size_t i = from; i < rules->count; i++)
		if (rule_matches(&rules->items[i], matcher, subject, dnssec, limit_hits))
			return (int)i;
	return -1;
}
