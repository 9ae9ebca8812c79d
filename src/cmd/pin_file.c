/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/pin_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/like.h"
#include "base/mem.h"
#include "cmd/attribute.h"
#include "cmd/cmd.h"
#include "cmd/logfile.h"
#include "cmd/operand.h"
#include "sys/file.h"

#define SHOWN_MAX 20 /* complaints */
#define FILE_MAX  (64 * 1024 * 1024)

bool
pin_read_level(const char *word, enum level *level, struct buf *why)
{
	static const char *const words[] = {
	    "may", "encrypt", "dane", "verify", "secure", "dane-only"};
	const char *like = like_nearest(str_of(word), words, 6);

	if (level_parse(str_of(word), level) && *level != LEVEL_FINGERPRINT &&
	    *level != LEVEL_NONE)
		return true;
	if (strcmp(word, "cleartext") == 0)
		like = "may"; /* as list calls it */
	buf_printf(why, "is no level: may, encrypt, dane, verify, secure or dane-only");
	if (strcmp(word, "none") == 0)
		buf_printf(why, "; `tlsladder unset` takes a pin back");
	else if (like != NULL)
		buf_printf(why, "; did you mean \"%s\"?", like);
	return false;
}

bool
pin_read_attributes(char *const *words, size_t count, enum level level,
    const char *version, struct buf *out, struct buf *why)
{
	for (size_t i = 0; i < count; i++) {
		buf_printf(why, "\"%s\" ", words[i]);
		if (!attribute_check(words, (int)i + 1, level, version, why))
			return false;
		buf_reset(why);
		buf_printf(out, "%s%s", i > 0 ? " " : "", words[i]);
	}
	return true;
}

/* --- the file ---------------------------------------------------------------------- */

struct reader {
	const char *name;
	const char *version;
	struct pins *pins;
	struct errs errs;
};

/* The words of a line, which are cut out of it; a comment ends them. */
static char **
split(char *line, size_t *count)
{
	char **words = mem_new(strlen(line) / 2 + 1, sizeof(*words)), *rest = NULL;

	*count = 0;
	for (char *word = strtok_r(line, " \t\r", &rest); word != NULL && word[0] != '#';
	     word = strtok_r(NULL, " \t\r", &rest))
		words[(*count)++] = word;
	return words;
}

static void
read_words(struct reader *r, char *const *words, size_t count, size_t number)
{
	struct buf attributes = {0}, why = {0};
	struct nexthop nexthop;
	enum level level;
	struct pin *pin;

	if (operand_parse(str_of(words[0]), true, &nexthop) == OPERAND_NONE) {
		operand_add_fault(str_of(words[0]), true, &why);
		errs_add(
		    &r->errs, r->name, number, 0, "\"%s\" %s", words[0], buf_text(&why));
	} else if (count < 2) {
		errs_add(&r->errs, r->name, number, 0,
		    "a level is missing behind \"%s\"; write one, like %s verify",
		    words[0], words[0]);
	} else if (!pin_read_level(words[1], &level, &why)) {
		errs_add(
		    &r->errs, r->name, number, 0, "\"%s\" %s", words[1], buf_text(&why));
	} else if (!pin_read_attributes(
	               words + 2, count - 2, level, r->version, &attributes, &why)) {
		errs_add(&r->errs, r->name, number, 0, "%s", buf_text(&why));
	} else {
		pin = pins_add(r->pins, &nexthop);
		pin->line = number;
		pin->entry = demand_copy((struct demand){level, buf_text(&attributes)});
	}
	buf_clear(&attributes);
	buf_clear(&why);
}

static void
read_line(struct reader *r, struct str line, size_t number)
{
	char *text, **words;
	size_t count;

	if (line.len > 0 && memchr(line.p, '\0', line.len) != NULL) {
		errs_add(&r->errs, r->name, number, 0, "a NUL character; remove it");
		return;
	}
	text = mem_strndup(line.len > 0 ? line.p : "", line.len);
	words = split(text, &count);
	if (count > 0)
		read_words(r, words, count, number);
	free(words);
	free(text);
}

static bool
read_input(struct buf *text, struct err *err)
{
	char piece[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0) {
		buf_add(text, piece, (size_t)n);
		if (text->len > FILE_MAX)
			return err_set(err, "standard input is over 64 MiB; divide it");
	}
	return n == 0 || err_set_errno(err, errno, "cannot read standard input");
}

int
pin_read_file(const char *path, const char *version, struct pins *pins)
{
	bool input = strcmp(path, "-") == 0;
	struct reader r = {
	    .name = input ? "standard input" : path, .version = version, .pins = pins};
	const struct pin *first, *second;
	struct buf text = {0};
	struct str rest, line;
	struct err err;
	int status = 0;

	if (input)
		logfile_tell_terminal();
	if (!(input ? read_input(&text, &err) : file_read(path, FILE_MAX, &text, &err))) {
		buf_clear(&text);
		return cmd_fail(EX_NOINPUT, "%s", err.text);
	}
	rest = (struct str){buf_text(&text), text.len};
	str_eat(&rest, STR_BOM);
	for (size_t number = 1; rest.len > 0; number++) {
		if (!str_cut(&rest, '\n', &line)) {
			line = rest;
			rest.len = 0;
		}
		read_line(&r, line, number);
	}
	if (pins_find_twice(pins, &first, &second))
		errs_add(&r.errs, r.name, second->line, 0,
		    "%s stands here twice, first in line %zu; remove one",
		    second->nexthop.key, first->line);
	if (r.errs.count > 0) {
		errs_cut(&r.errs, r.name, SHOWN_MAX);
		cmd_complain(&r.errs);
		status = EX_DATAERR;
	} else if (pins->count == 0) {
		status = cmd_fail(EX_DATAERR,
		    "%s: no destination is in it; write one a line, like example.org "
		    "verify",
		    r.name);
	}
	buf_clear(&text);
	return status;
}
