/* SPDX-License-Identifier: BSD-2-Clause */
/* The new database compared with the text that it was made of, before it is live. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "publish/textmap_impl.h"

#define VERIFY_AT_ONCE 10000             /* entries looked up by one postmap */
#define VERIFY_BYTES   ((size_t)4 << 20) /* of keys and values, after which no more */

/* An entry as the text has it, to be found in the database. */
struct wanted {
	char *key;
	char *value;
	size_t spellings; /* values of entries before it that may be one with it */
};

/*
 * What is in the new database, compared with the text. Postfix folds the case of all
 * letters, we that of ASCII alone: of two spellings of one key the first wins.
 */
struct check {
	const struct edition *edition;
	struct wanted wanted[VERIFY_AT_ONCE];
	size_t count;
	size_t bytes;
	size_t total;
	size_t right;
	char **spellings; /* the values of keys beyond ASCII, each once */
	size_t spelling_count;
};

static size_t
find_spelling(const struct check *check, struct str value, size_t count)
{
	size_t i = 0;

	while (i < count && !str_is(value, check->spellings[i]))
		i++;
	return i;
}

static void
add_wanted(struct check *check, struct str key, struct str value)
{
	struct wanted *wanted = &check->wanted[check->count++];

	*wanted = (struct wanted){
	    .key = mem_strndup(key.p, key.len), .value = mem_strndup(value.p, value.len)};
	check->total++;
	check->bytes += key.len + value.len;
	if (textmap_is_ascii(wanted->key))
		return;
	wanted->spellings = check->spelling_count;
	if (find_spelling(check, value, check->spelling_count) < check->spelling_count)
		return;
	check->spellings = mem_array(
	    check->spellings, check->spelling_count + 1, sizeof(*check->spellings));
	check->spellings[check->spelling_count++] = mem_strndup(value.p, value.len);
}

static void
check_value(void *context, size_t index, struct str value)
{
	struct check *check = context;
	const struct wanted *wanted = &check->wanted[index];

	if (str_is(value, wanted->value) ||
	    find_spelling(check, value, wanted->spellings) < wanted->spellings)
		check->right++;
}

/* A lookup is made even without entries: an empty map must open. */
static bool
ask_for_wanted(struct check *check, struct err *err)
{
	const struct edition *edition = check->edition;
	const char *keys[VERIFY_AT_ONCE] = {"tlsladder.invalid"};
	bool done;

	for (size_t i = 0; i < check->count; i++)
		keys[i] = check->wanted[i].key;
	done = postfix_lookup_all(edition->postfix, edition->map, keys,
	    check->count > 0 ? check->count : 1, check_value, check, err);
	for (size_t i = 0; i < check->count; i++) {
		free(check->wanted[i].key);
		free(check->wanted[i].value);
	}
	check->count = 0;
	check->bytes = 0;
	return done;
}

static bool
check_line(struct check *check, struct str line, struct err *err)
{
	struct str key;

	if (line.len == 0 || line.p[0] == '#' || !str_cut(&line, '\t', &key))
		return true;
	add_wanted(check, key, line);
	return (check->count < VERIFY_AT_ONCE && check->bytes < VERIFY_BYTES) ||
	    ask_for_wanted(check, err);
}

/* Lines of any length, as the attributes of an entry are. */
static bool
check_lines(struct check *check, FILE *text, struct err *err)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool done = true;

	while (done && (len = getline(&line, &size, text)) >= 0) {
		if (len > 0 && line[len - 1] == '\n')
			len--;
		done = check_line(check, (struct str){line, (size_t)len}, err);
	}
	if (done && ferror(text))
		done = err_set_errno(err, errno, "cannot read %s", check->edition->text);
	free(line);
	return done;
}

static bool
check_text(struct check *check, struct err *err)
{
	FILE *text = fopen(check->edition->text, "re");
	bool done;

	if (text == NULL)
		return err_set_errno(err, errno, "cannot read %s", check->edition->text);
	done = check_lines(check, text, err);
	fclose(text);
	return done &&
	    ((check->count == 0 && check->total > 0) || ask_for_wanted(check, err));
}

bool
edition_verify(const struct edition *edition, struct err *err)
{
	struct check *check;
	bool done;

	if (!edition->type->is_looked_up)
		return true;
	check = mem_new(1, sizeof(*check));
	check->edition = edition;
	done = check_text(check, err);
	if (done && check->right != check->total)
		done = err_set(err, "%s gives back only %zu of %zu entries", edition->map,
		    check->right, check->total);
	for (size_t i = 0; i < check->spelling_count; i++)
		free(check->spellings[i]);
	free(check->spellings);
	free(check);
	return done;
}
