/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/like.h"
#include "base/mem.h"

#define OPTION_SIZE 32 /* of the longest, and a NUL */
#define OPTIONS_MAX 32 /* of one command and those of all */

/* Those of every command. */
static const struct {
	const char *name;
	char letter;
	bool value;
} general[] = {
    {"--config", 'c', true},
    {"--verbose", 'v', false},
    {"--help", 'h', false},
    {"--version", 'V', false},
};

#define GENERAL_COUNT (sizeof(general) / sizeof(general[0]))

/* --- what the usage of a command tells --------------------------------------------- */

/* The next option of a usage, as "--for" or "-o", and whether a value stands behind it,
 * as TIME or en|de. False: there is none. */
static bool
next_option(struct str *usage, struct str *option, bool *value)
{
	const char *from = usage->p, *end = from + usage->len, *p;

	for (p = from; p < end; p++)
		if (*p == '-' && (p == from || strchr(" [|{", p[-1]) != NULL) &&
		    p + 1 < end && (p[1] == '-' || ascii_is_alnum(p[1])))
			break;
	if (p == end)
		return false;
	*option = (struct str){p, 0};
	while (p < end && (*p == '-' || ascii_is_alnum(*p)))
		p++;
	option->len = (size_t)(p - option->p);
	*value = end - p >= 2 && p[0] == ' ' && ascii_is_alnum(p[1]);
	*usage = str_skip(*usage, (size_t)(p - from));
	return true;
}

enum likeness { LIKE_NOT, LIKE_BEGINS, LIKE_IS };

/* getopt_long(3) takes the beginning of a name for the name. */
static enum likeness
likeness_of(struct str name, struct str option)
{
	if (str_equal(name, option))
		return LIKE_IS;
	return name.len > 2 && str_starts(option, name) ? LIKE_BEGINS : LIKE_NOT;
}

/* Is it an option of the command, and does it want a value? */
static enum likeness
option_of(const struct command *command, struct str name, bool *value)
{
	struct str usage = str_of(command->usage), option;
	enum likeness best = LIKE_NOT;
	bool wants;

	while (next_option(&usage, &option, &wants)) {
		enum likeness now = likeness_of(name, option);

		if (now > best) {
			best = now;
			*value = wants;
		}
	}
	return best;
}

/* The same of any command, while it is not known which is meant. */
static enum likeness
option_of_any(const struct command *command, struct str name, bool *value)
{
	enum likeness best = LIKE_NOT;

	if (command != NULL)
		return option_of(command, name, value);
	for (size_t i = 0; i < command_count; i++) {
		bool wants = false;
		enum likeness now = option_of(commands[i], name, &wants);

		if (now > best || (now == best && now != LIKE_NOT && wants)) {
			best = now;
			*value = wants;
		}
	}
	return best;
}

/* --- the walk ---------------------------------------------------------------------- */

struct reader {
	struct words *words;
	char **argv;
	int argc;
	int at;
	const struct command *command; /* once it stood there, and if there is such one */
	bool ended;                    /* "--" was there */
	struct buf *fault;
};

static void
pass_on(struct reader *r, char *word)
{
	r->words->argv[r->words->argc++] = word;
}

static void
take_general(struct reader *r, char letter, const char *value)
{
	struct words *words = r->words;

	if (letter == 'c')
		words->options.config_file = value;
	else if (letter == 'v')
		words->options.verbose = true;
	else if (letter == 'h')
		words->help = true;
	else
		words->version = true;
}

/* The value of the option that stands at r->at; NULL, and a fault, if there is none. */
static const char *
value_behind(struct reader *r)
{
	if (r->at + 1 < r->argc)
		return r->argv[++r->at];
	if (r->fault->len == 0)
		buf_printf(r->fault, "option \"%s\" wants a value", r->argv[r->at]);
	return "";
}

/* Which of the options of every command it is; -1: none. */
static int
find_general(const struct reader *r, struct str name, bool *value)
{
	enum likeness own = option_of_any(r->command, name, value);
	int found = -1;

	for (size_t i = 0; i < GENERAL_COUNT; i++) {
		enum likeness now = likeness_of(name, str_of(general[i].name));

		if (now == LIKE_IS)
			return (int)i;
		if (now == LIKE_BEGINS)
			found =
			    found < 0 && own == LIKE_NOT ? (int)i : (int)GENERAL_COUNT;
	}
	return found < (int)GENERAL_COUNT ? found : -1;
}

static void
read_long(struct reader *r, char *word)
{
	const char *equals = strchr(word, '=');
	struct str name = str_of(word);
	bool value = false;
	int found;

	if (equals != NULL)
		name.len = (size_t)(equals - word);
	found = find_general(r, name, &value);
	if (found < 0) {
		pass_on(r, word);
		if (value && equals == NULL && r->at + 1 < r->argc)
			pass_on(r, r->argv[++r->at]);
	} else if (!general[found].value && equals != NULL) {
		if (r->fault->len == 0)
			buf_printf(r->fault, "option \"%s\" takes no value", word);
	} else {
		take_general(r, general[found].letter,
		    equals != NULL             ? equals + 1
		        : general[found].value ? value_behind(r)
		                               : "");
	}
}

/* A word as "-v", "-vc". One with a letter that is not ours is the command's. */
static void
read_short(struct reader *r, char *word)
{
	bool value = false;

	for (const char *p = word + 1; *p != '\0' && *p != 'c'; p++) {
		if (*p == 'v' || *p == 'h' || *p == 'V')
			continue;
		pass_on(r, word);
		option_of_any(r->command, (struct str){word, 2}, &value);
		if (value && word[2] == '\0' && r->at + 1 < r->argc)
			pass_on(r, r->argv[++r->at]);
		return;
	}
	for (const char *p = word + 1; *p != '\0'; p++) {
		if (*p == 'c') {
			take_general(r, 'c', p[1] != '\0' ? p + 1 : value_behind(r));
			return;
		}
		take_general(r, *p, "");
	}
}

static void
read_word(struct reader *r, char *word)
{
	bool is_option = !r->ended && word[0] == '-' && word[1] != '\0';

	if (is_option && strcmp(word, "--") == 0) {
		if (r->words->command == NULL)
			return;
		r->ended = true;
		pass_on(r, word);
	} else if (is_option) {
		(word[1] == '-' ? read_long : read_short)(r, word);
	} else if (r->words->command == NULL) {
		r->words->command = word;
		r->command = words_command(word);
		r->words->argv[0] = word;
	} else {
		pass_on(r, word);
	}
}

bool
words_read(int argc, char **argv, struct words *out, struct buf *fault)
{
	struct reader r = {.words = out, .argv = argv, .argc = argc, .fault = fault};
	size_t most = (size_t)(argc > 0 ? argc : 0) + 2;

	out->argv = mem_new(most, sizeof(*out->argv));
	out->argc = 1; /* the command's place */
	for (r.at = 1; r.at < argc; r.at++)
		read_word(&r, argv[r.at]);
	if (out->command == NULL && out->argc > 1 && fault->len == 0) {
		buf_printf(fault, "there is no option \"%s\"", out->argv[1]);
		words_add_like_option(NULL, out->argv[1], fault);
	}
	return fault->len == 0;
}

void
words_clear(struct words *words)
{
	free(words->argv);
	*words = (struct words){.argc = 0};
}

/* --- what was meant ---------------------------------------------------------------- */

const struct command *
words_command(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(name, commands[i]->name) == 0)
			return commands[i];
	return NULL;
}

static void
add_like(const char *word, const char *const *known, size_t count, struct buf *out)
{
	const char *like = like_nearest(str_of(word), known, count);

	if (like != NULL)
		buf_printf(out, "; did you mean \"%s\"?", like);
}

void
words_add_like_command(const char *name, struct buf *out)
{
	const char **names = mem_new(command_count, sizeof(*names));

	for (size_t i = 0; i < command_count; i++)
		names[i] = commands[i]->name;
	add_like(name, names, command_count, out);
	free(names);
}

void
words_add_like_option(const struct command *command, const char *option, struct buf *out)
{
	char names[OPTIONS_MAX][OPTION_SIZE];
	const char *known[OPTIONS_MAX];
	struct str usage = str_of(command != NULL ? command->usage : ""), name;
	size_t count = 0;
	bool value;

	if (option[0] != '-' || option[1] != '-')
		return; /* one letter resembles every other */
	for (; count < GENERAL_COUNT; count++)
		known[count] = general[count].name;
	while (count < OPTIONS_MAX && next_option(&usage, &name, &value)) {
		if (name.len > 2 && str_copy(name, names[count], OPTION_SIZE)) {
			known[count] = names[count];
			count++;
		}
	}
	add_like(option, known, count, out);
}
