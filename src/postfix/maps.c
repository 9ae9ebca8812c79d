/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of Postfix, asked through postmap(1). */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/masked.h"
#include "base/mem.h"
#include "core/nexthop.h"
#include "postfix/postfix.h"
#include "postfix/run.h"
#include "sys/clock.h"

#define QUERY_MS      60000
#define SERVER_MS     5000 /* what proxymap(8) serves stands on a server mostly ... */
#define SERVER_KEY_MS 20   /* ... that answers key by key */
#define HANGS_MS      2000
#define QUERY_MAX     ((size_t)1 << 30)
#define VALUE_MAX     ((size_t)8 << 20) /* more than a command line can hold */
#define KEYS_PER_CALL 1000
#define ALONE_MAX     64 /* so few are asked one by one where a map failed */

#define SEPARATORS STR_POSTFIX_LIST

/* The next item of a list of maps; separators inside braces do not count (mystrtokq). */
static bool
next_map(struct str *list, struct str *map)
{
	size_t depth = 0, len = 0;

	while (list->len > 0 && strchr(SEPARATORS, list->p[0]) != NULL)
		*list = str_skip(*list, 1);
	for (; len < list->len; len++) {
		char c = list->p[len];

		if (c == '{')
			depth++;
		else if (c == '}' && depth > 0)
			depth--;
		else if (depth == 0 && strchr(SEPARATORS, c) != NULL)
			break;
	}
	*map = (struct str){list->p, len};
	*list = str_skip(*list, len);
	return len > 0;
}

/* unionmap:{ hash:/a, lmdb:/b } and the like: path as a whole name in there. */
static bool
names_inside(struct str map, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i + len <= map.len; i++)
		if (memcmp(map.p + i, path, len) == 0 &&
		    (i == 0 || strchr(SEPARATORS "{:", map.p[i - 1]) != NULL) &&
		    (i + len == map.len ||
		        strchr(SEPARATORS "}", map.p[i + len]) != NULL))
			return true;
	return false;
}

static bool
is_ours(struct str map, const char *path)
{
	struct str name = map, type;

	if (path[0] == '\0')
		return false;
	if (memchr(map.p, '{', map.len) != NULL)
		return names_inside(map, path);
	str_eat(&name, STR("proxy:"));
	str_cut(&name, ':', &type); /* without one: a name of the default type */
	return str_is(name, path);
}

char **
postfix_other_maps(const char *policy_maps, const char *our_path, bool *ours)
{
	struct str list = str_of(policy_maps);
	char **maps = mem_new(1, sizeof(*maps));
	size_t count = 0;
	struct str map;

	*ours = false;
	while (next_map(&list, &map)) {
		if (is_ours(map, our_path)) {
			*ours = true;
			continue;
		}
		maps = mem_array(maps, count + 2, sizeof(*maps));
		maps[count++] = mem_strndup(map.p, map.len);
		maps[count] = NULL;
	}
	return maps;
}

void
postfix_maps_free(char **maps)
{
	if (maps == NULL)
		return;
	for (size_t i = 0; maps[i] != NULL; i++)
		free(maps[i]);
	free(maps);
}

bool
postfix_maps_drop(char **maps, const char *name)
{
	struct str wanted = str_of(name);
	size_t kept = 0;
	bool dropped = false;

	str_eat(&wanted, STR("proxy:"));
	for (size_t i = 0; maps[i] != NULL; i++) {
		struct str map = str_of(maps[i]);

		str_eat(&map, STR("proxy:"));
		if (str_equal(map, wanted)) {
			free(maps[i]);
			dropped = true;
		} else {
			maps[kept++] = maps[i];
		}
	}
	maps[kept] = NULL;
	return dropped;
}

/* What can be a line of postmap's input, and come back as the first word of its output.
 */
static bool
can_ask(const char *key)
{
	for (const char *p = key; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	return key[0] != '\0';
}

/*
 * The map without "proxy:", at its beginning and before each member of a unionmap or
 * pipemap: through proxymap(8) postmap tries for 100 seconds where its user may not enter
 * private/, and then says that something timed out, and not what may not be read. To be
 * freed.
 */
static char *
direct_form(const struct postfix *postfix, const char *map)
{
	char *seen = postfix_map_seen(postfix, map);
	struct str rest = str_of(seen);
	struct buf out = {0};
	size_t depth = 0;
	bool members, begins = true;

	str_eat(&rest, STR("proxy:"));
	members =
	    str_starts(rest, STR("unionmap:{")) || str_starts(rest, STR("pipemap:{"));
	for (; rest.len > 0; rest = str_skip(rest, 1)) {
		if (members && begins && depth == 1)
			str_eat(&rest, STR("proxy:"));
		if (rest.len == 0)
			break;
		depth += rest.p[0] == '{';
		depth -= rest.p[0] == '}' && depth > 0;
		begins = strchr(SEPARATORS "{", rest.p[0]) != NULL;
		buf_add_char(&out, rest.p[0]);
	}
	free(seen);
	return buf_take(&out);
}

static bool
is_proxied(const char *map)
{
	return strstr(map, "proxy:") != NULL;
}

char *
postfix_map_seen(const struct postfix *postfix, const char *map)
{
	struct str rest = str_of(map), type;
	struct buf out = {0};

	if (postfix->map_file == NULL || postfix->map_seen_as == NULL ||
	    !str_cut(&rest, ':', &type) || !str_eat(&rest, str_of(postfix->map_file)) ||
	    (rest.len > 0 && rest.p[0] != '.'))
		return mem_strdup(map);
	buf_printf(
	    &out, "%.*s:%s%.*s", STR_ARG(type), postfix->map_seen_as, STR_ARG(rest));
	return buf_take(&out);
}

struct lookup {
	const char *const *keys;
	size_t count;
	size_t at; /* the key that the next line may be about */
	postfix_found_fn *found;
	void *context;
};

/* "key<TAB>value" for keys that are there, in the order in which they were asked. */
static bool
take_line(void *context, struct str line, struct err *err)
{
	struct lookup *lookup = context;
	struct str key;

	if (!str_cut(&line, '\t', &key))
		return err_set(err, "postmap printed no key and value");
	while (lookup->at < lookup->count && !str_is(key, lookup->keys[lookup->at]))
		lookup->at++;
	if (lookup->at == lookup->count)
		return err_set(err, "postmap printed what was not asked");
	lookup->found(lookup->context, lookup->at++, line);
	return true;
}

/*
 * Status 1 is "none of them" and failure alike (postmap.c); a failure says so, while
 * warnings may come with any answer.
 */
static bool
is_none(const struct child_result *result)
{
	struct str text = {buf_text(&result->errors), result->errors.len};
	struct str line;

	if (result->status != 1)
		return false;
	while (str_cut(&text, '\n', &line))
		if (!str_starts(line, STR("postmap: warning: ")))
			return false;
	return text.len == 0;
}

/* The query of a database may have the local part alone (%u). */
static bool
fail(const struct postfix_call *call, const struct child_result *result,
    const struct lookup *lookup, struct err *err)
{
	postfix_run_failed(call, result, err);
	for (size_t i = 0; i < lookup->count; i++)
		masked_hide(err->text, lookup->keys[i]);
	return false;
}

static bool
ask(const struct postfix *postfix, const char *map, int64_t timeout_ms,
    struct lookup *lookup, struct err *err)
{
	const char *arguments[] = {"-q", "-", map, NULL};
	struct postfix_call call = {
	    .program = "postmap",
	    .arguments = arguments,
	    .timeout_ms = timeout_ms,
	    .output_max = QUERY_MAX,
	    .line = take_line,
	    .context = lookup,
	    .line_max = VALUE_MAX,
	};
	struct child_result result;
	struct buf input = {0};
	bool done;

	for (size_t i = 0; i < lookup->count; i++) {
		buf_add_str(&input, str_of(lookup->keys[i]));
		buf_add_char(&input, '\n');
	}
	call.input = (struct str){buf_text(&input), input.len};
	lookup->at = 0;
	done = postfix_run(postfix, &call, &result, err);
	if (done && result.status != 0 && !(lookup->at == 0 && is_none(&result)))
		done = fail(&call, &result, lookup, err);
	child_result_clear(&result);
	buf_clear(&input);
	return done;
}

static int64_t
most_ms(const struct postfix *postfix)
{
	return postfix->lookup_ms != 0 ? postfix->lookup_ms : QUERY_MS;
}

bool
postfix_lookup_all(const struct postfix *postfix, const char *map,
    const char *const *keys, size_t count, postfix_found_fn *found, void *context,
    struct err *err)
{
	struct lookup lookup = {keys, count, 0, found, context};
	int64_t timeout_ms = is_proxied(map) ? SERVER_MS + (int64_t)count * SERVER_KEY_MS
	                                     : most_ms(postfix);
	char *direct;
	bool done;

	if (map[0] == '-') /* would be an option */
		return err_set(err, "not a map: %s", map);
	for (size_t i = 0; i < count; i++)
		if (!can_ask(keys[i]))
			return err_set(err, "a key that cannot be looked up");
	direct = direct_form(postfix, map);
	done =
	    ask(postfix, direct, timeout_ms, &lookup, err) || err_wrap(err, "%s", direct);
	free(direct);
	return done;
}

struct listing {
	postfix_key_fn *fn;
	void *context;
	bool values; /* fn takes values, else keys */
};

static bool
take_listed(void *context, struct str line, struct err *err)
{
	struct listing *listing = context;
	struct str key;

	if (!str_cut(&line, '\t', &key))
		return err_set(err, "postmap printed no key and value");
	return listing->fn(listing->context, listing->values ? line : key, err);
}

static bool
list(const struct postfix *postfix, const char *map, struct listing *listing,
    struct err *err)
{
	char *direct = direct_form(postfix, map);
	const char *arguments[] = {"-s", direct, NULL};
	struct postfix_call call = {
	    .program = "postmap",
	    .arguments = arguments,
	    .timeout_ms = is_proxied(map) ? SERVER_MS : most_ms(postfix),
	    .output_max = QUERY_MAX,
	    .line = take_listed,
	    .context = listing,
	    .line_max = VALUE_MAX,
	};
	struct child_result result;
	bool done = postfix_run_well(postfix, &call, &result, err);

	child_result_clear(&result);
	free(direct);
	return done;
}

bool
postfix_each_key(const struct postfix *postfix, const char *map, postfix_key_fn *key,
    void *context, struct err *err)
{
	struct listing listing = {key, context, false};

	return list(postfix, map, &listing, err);
}

/* The map is the third of the arguments. */
static bool
change(const struct postfix *postfix, const char *map, const char *arguments[4],
    struct str input, struct err *err)
{
	char *seen = postfix_map_seen(postfix, map);
	struct postfix_call call = {
	    .program = "postmap",
	    .arguments = arguments,
	    .timeout_ms = QUERY_MS,
	    .output_max = 65536,
	    .input = input,
	};
	struct child_result result;
	bool done;

	arguments[2] = seen;
	done = postfix_run(postfix, &call, &result, err);
	free(seen);
	if (done && result.status != 0 && !is_none(&result))
		done = postfix_run_failed(&call, &result, err);
	child_result_clear(&result);
	return done;
}

bool
postfix_map_put(
    const struct postfix *postfix, const char *map, struct str lines, struct err *err)
{
	const char *arguments[] = {"-r", "-i", NULL, NULL};

	return change(postfix, map, arguments, lines, err);
}

bool
postfix_map_delete(
    const struct postfix *postfix, const char *map, struct str keys, struct err *err)
{
	const char *arguments[] = {"-d", "-", NULL, NULL};

	return change(postfix, map, arguments, keys, err);
}

static void
take_one(void *context, size_t index, struct str value)
{
	char **one = context;

	(void)index;
	*one = mem_strndup(value.p, value.len);
}

enum answer
postfix_lookup(const struct postfix *postfix, const char *map, const char *key,
    char **value, struct err *err)
{
	*value = NULL;
	if (!postfix_lookup_all(postfix, map, &key, 1, take_one, value, err)) {
		free(*value);
		*value = NULL;
		return ANSWER_UNSURE;
	}
	return *value != NULL ? ANSWER_YES : ANSWER_NO;
}

/* Keys and their parents, and whose they are. */
struct forms {
	const char **keys;
	size_t *owners;
	size_t count;
	size_t size;
	enum answer *answers;
	bool *found; /* by owner, in the map at hand */
};

static void
forms_add(struct forms *forms, const char *key, size_t owner)
{
	if (forms->count == forms->size) {
		forms->size = forms->size > 0 ? 2 * forms->size : 64;
		forms->keys = mem_array(forms->keys, forms->size, sizeof(*forms->keys));
		forms->owners =
		    mem_array(forms->owners, forms->size, sizeof(*forms->owners));
	}
	forms->keys[forms->count] = key;
	forms->owners[forms->count++] = owner;
}

/* Postfix looks for parents of a host name alone: no brackets, port or address. */
static bool
has_parents(const char *key)
{
	struct nexthop nexthop;

	return nexthop_parse(str_of(key), &nexthop) && !nexthop.bracketed &&
	    !nexthop.literal && strchr(key, ':') == NULL;
}

static void
forms_add_key(struct forms *forms, const char *key, size_t owner)
{
	bool parents = has_parents(key);

	for (; key != NULL; key = parents ? strchr(key + 1, '.') : NULL)
		forms_add(forms, key, owner);
}

static void
note_found(void *context, size_t index, struct str value)
{
	struct forms *forms = context;

	(void)value;
	forms->found[forms->owners[index]] = true;
}

static bool
ask_forms(
    const struct postfix *postfix, const char *map, struct forms *forms, struct err *err)
{
	return postfix_lookup_all(
	    postfix, map, forms->keys, forms->count, note_found, forms, err);
}

static void
note_one(void *context, size_t index, struct str value)
{
	(void)index;
	(void)value;
	*(bool *)context = true;
}

enum answer
postfix_maps_have(const struct postfix *postfix, const char *names,
    const char *const *keys, size_t count, struct err *err)
{
	bool ours, found = false, failed = false;
	char **maps = postfix_other_maps(names, "", &ours);

	for (size_t m = 0; maps[m] != NULL && !found; m++) {
		struct err now;

		if (!postfix_lookup_all(
		        postfix, maps[m], keys, count, note_one, &found, &now) &&
		    !failed) {
			failed = true;
			*err = now;
		}
	}
	postfix_maps_free(maps);
	return found ? ANSWER_YES : failed ? ANSWER_UNSURE : ANSWER_NO;
}

bool
postfix_each_value(const struct postfix *postfix, const char *names,
    postfix_key_fn *value, void *context, struct err *err)
{
	struct listing listing = {value, context, true};
	bool ours, done = true;
	char **maps = postfix_other_maps(names, "", &ours);

	for (size_t m = 0; maps[m] != NULL && done; m++)
		done = list(postfix, maps[m], &listing, err);
	postfix_maps_free(maps);
	return done;
}

/* Of several nodes one that hangs would do so again, at each map and key. */
static bool
hangs(const struct postfix *postfix, int64_t begun_ms)
{
	return postfix->lookup_ms != 0 && clock_monotonic_ms() - begun_ms >= HANGS_MS;
}

/* How many maps failed. */
static size_t
answer_some(const struct postfix *postfix, char *const *maps, const char *const *keys,
    size_t count, enum answer *answers, struct err *err)
{
	int64_t begun_ms = clock_monotonic_ms();
	struct forms forms = {.found = mem_new(count, sizeof(bool))};
	size_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		answers[i] = can_ask(keys[i]) ? ANSWER_NO : ANSWER_UNSURE;
		if (answers[i] == ANSWER_NO)
			forms_add_key(&forms, keys[i], i);
	}
	for (size_t m = 0; maps[m] != NULL && forms.count > 0; m++) {
		struct err now;

		if (ask_forms(postfix, maps[m], &forms, &now))
			continue;
		if (failed++ == 0)
			*err = now;
		if (hangs(postfix, begun_ms))
			break;
	}
	for (size_t i = 0; i < count; i++) {
		if (failed > 0)
			answers[i] = ANSWER_UNSURE;
		if (forms.found[i])
			answers[i] = ANSWER_YES;
	}
	free(forms.keys);
	free(forms.owners);
	free(forms.found);
	return failed;
}

bool
postfix_maps_answer(const struct postfix *postfix, char *const *maps,
    const char *const *keys, size_t count, enum answer *answers, struct err *err)
{
	size_t failed = 0;

	for (size_t at = 0; at < count; at += KEYS_PER_CALL) {
		size_t some = count - at < KEYS_PER_CALL ? count - at : KEYS_PER_CALL;
		int64_t begun_ms = clock_monotonic_ms();
		struct err now;

		if (answer_some(postfix, maps, keys + at, some, answers + at, &now) == 0)
			continue;
		if (failed++ == 0)
			*err = now;
		if (hangs(postfix, begun_ms)) {
			for (at += some; at < count; at++)
				answers[at] = ANSWER_UNSURE;
			break;
		}
		/* One key that a map cannot answer makes no other key unsure. */
		for (size_t i = 0; some > 1 && some <= ALONE_MAX && i < some; i++)
			if (answers[at + i] == ANSWER_UNSURE)
				answer_some(postfix, maps, keys + at + i, 1,
				    answers + at + i, &now);
	}
	return failed == 0;
}
