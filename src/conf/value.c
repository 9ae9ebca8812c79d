/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/value.h"

#include <assert.h>
#include <limits.h>

#include "base/mem.h"
#include "base/span.h"
#include "conf/config.h"
#include "conf/doc.h"
#include "core/address.h"
#include "core/nexthop.h"

#define VARIABLE_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
#define ADDRESS_MAX 254 /* octets of a mail address, RFC 5321 4.5.3.1.3 */

/* "write a, b or c" from "a b c". */
static void
say_words(struct buf *why, const char *words)
{
	struct str rest = str_of(words), word;

	buf_printf(why, "write ");
	while (str_cut(&rest, ' ', &word)) {
		buf_add_str(why, word);
		buf_printf(why, memchr(rest.p, ' ', rest.len) != NULL ? ", " : " or ");
	}
	buf_add_str(why, rest);
}

/* Which of the words it is, from 0; or the complaint, and false. */
static bool
find_word(const struct key *key, struct str text, size_t *index, struct buf *why)
{
	struct str rest = str_of(key->words), word;

	for (*index = 0; str_cut(&rest, ' ', &word); (*index)++)
		if (str_equal(word, text))
			return true;
	if (str_equal(rest, text))
		return true;
	buf_printf(why, "is not known here; ");
	say_words(why, key->words);
	return false;
}

static bool
set_word(const struct key *key, struct str text, void *out, struct buf *why)
{
	size_t index;

	if (!find_word(key, text, &index, why))
		return false;
	*(char **)out = mem_strndup(text.p, text.len);
	return true;
}

/* Of two words: is it the second? */
static bool
set_second(const struct key *key, struct str text, void *out, struct buf *why)
{
	size_t index;

	if (!find_word(key, text, &index, why))
		return false;
	*(bool *)out = index == 1;
	return true;
}

/* One of the words; one that is no level, auto, is LEVEL_UNKNOWN. */
static bool
set_level(const struct key *key, struct str text, void *out, struct buf *why)
{
	enum level level = LEVEL_UNKNOWN;
	size_t index;

	if (!find_word(key, text, &index, why))
		return false;
	level_parse(text, &level);
	*(enum level *)out = level;
	return true;
}

/* YAML 1.1 has more words for it, and some of them surprise. */
static bool
set_boolean(const struct key *key, struct str text, void *out, struct buf *why)
{
	(void)key;
	if (str_is(text, "true") || str_is(text, "yes") || str_is(text, "on")) {
		*(bool *)out = true;
		return true;
	}
	if (str_is(text, "false") || str_is(text, "no") || str_is(text, "off")) {
		*(bool *)out = false;
		return true;
	}
	buf_printf(why, "is neither true nor false; write true or false");
	return false;
}

static bool
set_span(const struct key *key, struct str text, void *out, struct buf *why)
{
	int64_t ms;

	if (!span_parse(text, &ms)) {
		buf_printf(why, "is no time; write it like 200ms, 90s, 10m, 6h or 7d");
		return false;
	}
	if (ms < key->min || ms > key->max) {
		buf_printf(why, "is out of range; write ");
		buf_add_span(why, key->min);
		buf_printf(why, " to ");
		buf_add_span(why, key->max);
		return false;
	}
	*(int64_t *)out = ms;
	return true;
}

static bool
set_number(const struct key *key, struct str text, void *out, struct buf *why)
{
	uint64_t n;

	if (!str_number(text, (uint64_t)key->max, &n) || n < (uint64_t)key->min) {
		buf_printf(why, "is no number from %d to %d; write one, like %s",
		    (int)key->min, (int)key->max, key->initial);
		return false;
	}
	*(unsigned *)out = (unsigned)n;
	return true;
}

static bool
has_control(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return true;
	return false;
}

static bool
is_path(struct str text, struct buf *why)
{
	if (text.len == 0 || text.p[0] != '/')
		buf_printf(why, "is no absolute path; begin it with /");
	else if (has_control(text) || text.len >= PATH_MAX)
		buf_printf(why,
		    "is no path: it is too long or has control characters; write "
		    "another");
	else if (text.p[text.len - 1] == '/' && text.len > 1)
		buf_printf(why, "ends in /; leave that away");
	else
		return true;
	return false;
}

static bool
set_path(const struct key *key, struct str text, void *out, struct buf *why)
{
	(void)key;
	if (!is_path(text, why))
		return false;
	*(char **)out = mem_strndup(text.p, text.len);
	return true;
}

/* main.cf splits smtp_tls_policy_maps at blanks and commas, and expands $name. */
static bool
set_map_path(const struct key *key, struct str text, void *out, struct buf *why)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr(" ,{}$", text.p[i]) != NULL) {
			buf_printf(why,
			    "cannot be named in main.cf; use no blank, "
			    "comma, brace or $");
			return false;
		}
	}
	return set_path(key, text, out, why);
}

/* TYPE:NAME, and as a whole one word of main.cf. */
static bool
set_table(const struct key *key, struct str text, void *out, struct buf *why)
{
	bool good = !has_control(text) && memchr(text.p, ':', text.len) != NULL &&
	    text.p[0] != '-' && text.p[0] != ':' && text.p[text.len - 1] != ':';

	(void)key;
	for (size_t i = 0; i < text.len; i++)
		good = good && strchr(" ,{}$", text.p[i]) == NULL;
	if (!good) {
		buf_printf(why,
		    "is no table as smtp_tls_policy_maps names one; write it like "
		    "proxy:mysql:/etc/postfix/tls.cf");
		return false;
	}
	*(char **)out = mem_strndup(text.p, text.len);
	return true;
}

/* A file that is followed twice would be counted twice. */
static bool
add_new_item(struct strings *list, struct str text, struct buf *why)
{
	for (size_t i = 0; i < list->count; i++) {
		if (str_is(text, list->items[i])) {
			buf_printf(why, "is listed twice; remove one");
			return false;
		}
	}
	strings_add(list, text);
	return true;
}

static bool
add_path(const struct key *key, struct str text, void *out, struct buf *why)
{
	(void)key;
	return is_path(text, why) && add_new_item(out, text, why);
}

static bool
add_log(const struct key *key, struct str text, void *out, struct buf *why)
{
	if (str_is(text, "-"))
		return add_new_item(out, text, why);
	return add_path(key, text, out, why);
}

static bool
add_word(const struct key *key, struct str text, void *out, struct buf *why)
{
	(void)key;
	if (text.len == 0 || has_control(text)) {
		buf_printf(why,
		    "is no word of a command; "
		    "write at least one character, and no control characters");
		return false;
	}
	strings_add(out, text);
	return true;
}

static bool
is_variable(struct str text)
{
	bool good = text.len > 0 && (*text.p < '0' || *text.p > '9');

	for (size_t i = 0; i < text.len; i++)
		good = good && strchr(VARIABLE_CHARACTERS, text.p[i]) != NULL;
	return good && memchr(text.p, '\0', text.len) == NULL;
}

/* Does the loader, the C library or a shell run or load what it names, at once? */
static bool
is_code(struct str text)
{
	return str_starts(text, STR("LD_")) || str_is(text, "GLIBC_TUNABLES") ||
	    str_is(text, "GCONV_PATH") || str_is(text, "BASH_ENV") ||
	    str_is(text, "ENV") || str_is(text, "IFS");
}

/* Those that sys/child.c gives to every program. */
static bool
is_settled(struct str text)
{
	return str_is(text, "PATH") || str_is(text, "LC_ALL") || str_is(text, "TZ") ||
	    str_is(text, "MAIL_CONFIG");
}

static bool
add_variable(const struct key *key, struct str text, void *out, struct buf *why)
{
	(void)key;
	if (!is_variable(text))
		buf_printf(why,
		    "is no name of an environment variable; write the name alone, like "
		    "DOCKER_HOST");
	else if (is_code(text))
		buf_printf(why,
		    "makes every command run what it names; write a script that sets it "
		    "into postfix.command");
	else if (is_settled(text))
		buf_printf(why,
		    "is what every command has, as tlsladder.yaml(5) says; leave it out");
	else
		return add_new_item(out, text, why);
	return false;
}

static bool
add_resolver(const struct key *key, struct str text, void *out, struct buf *why)
{
	struct str port = text, address = text;
	uint64_t n = 1;

	(void)key;
	if ((str_cut(&port, '@', &address) && !str_number(port, 65535, &n)) || n == 0 ||
	    !nexthop_is_address(address)) {
		buf_printf(why,
		    "is no address of a resolver; write it like 127.0.0.1, "
		    "\"::1\" or 192.0.2.53@5353");
		return false;
	}
	return add_new_item(out, text, why);
}

static bool
add_domain(const struct key *key, struct str text, void *out, struct buf *why)
{
	struct str named = text; /* with a dot before it: all below it */
	struct nexthop domain;

	(void)key;
	str_eat(&named, STR("."));
	if (!nexthop_parse(named, &domain) || domain.bracketed || domain.literal ||
	    strchr(domain.key, ':') != NULL) {
		buf_printf(why,
		    "is no domain of mail; write it like example.org, or "
		    ".example.org for all that are below");
		return false;
	}
	return add_new_item(out, text, why);
}

static bool
add_host(const struct key *key, struct str text, void *out, struct buf *why)
{
	struct nexthop host;

	(void)key;
	if (!nexthop_parse(text, &host) || host.bracketed || host.literal) {
		buf_printf(why,
		    "is no name of a mail server; write it like mx.example.org "
		    "or mx.example.org:587");
		return false;
	}
	return add_new_item(out, text, why);
}

static bool
add_network(const struct key *key, struct str text, void *out, struct buf *why)
{
	struct network network;

	(void)key;
	if (!network_parse(text, &network)) {
		buf_printf(why, "is no network; write it like 10.0.0.0/8 or fd00::/8");
		return false;
	}
	return add_new_item(out, text, why);
}

/*
 * The address goes into a header and to sendmail(1): no second address, no display
 * name, nothing that could be an option.
 */
static bool
set_mail(const struct key *key, struct str text, void *out, struct buf *why)
{
	bool plain = text.len > 0 && text.len <= ADDRESS_MAX && text.p[0] != '-' &&
	    !has_control(text);

	(void)key;
	for (size_t i = 0; i < text.len; i++)
		plain = plain && strchr(" <>(),;:\\\"", text.p[i]) == NULL;
	if (!plain) {
		buf_printf(why,
		    "is no plain mail address; write it like "
		    "postmaster@example.org");
		return false;
	}
	*(char **)out = mem_strndup(text.p, text.len);
	return true;
}

static bool
set_program(const struct key *key, struct str text, void *out, struct buf *why)
{
	bool good = text.len > 0 && text.len <= NAME_MAX && !has_control(text);

	(void)key;
	for (size_t i = 0; i < text.len; i++)
		good = good && strchr(" :[]", text.p[i]) == NULL;
	if (!good) {
		buf_printf(why,
		    "is no name of a program in a log; write what stands before "
		    "[123]: there, like mailu-smtp");
		return false;
	}
	*(char **)out = mem_strndup(text.p, text.len);
	return true;
}

/* --- shown -------------------------------------------------------------------------- */

static void
show_text(const struct key *key, const void *in, struct buf *out)
{
	const char *text = *(char *const *)in;

	(void)key;
	buf_printf(out, "%s", text != NULL ? text : "");
}

static void
show_list(const struct key *key, const void *in, struct buf *out)
{
	const struct strings *list = in;

	if (list->count == 0)
		buf_printf(out, "%s", key->none);
	for (size_t i = 0; i < list->count; i++)
		buf_printf(out, i == 0 ? "%s" : " %s", list->items[i]);
}

static void
show_second(const struct key *key, const void *in, struct buf *out)
{
	struct str second = str_of(key->words), first;

	str_cut(&second, ' ', &first);
	buf_add_str(out, *(const bool *)in ? second : first);
}

/* The word that is no level is auto. */
static void
show_level(const struct key *key, const void *in, struct buf *out)
{
	enum level level = *(const enum level *)in;

	(void)key;
	buf_printf(out, "%s", level == LEVEL_UNKNOWN ? "auto" : level_name(level));
}

static void
show_boolean(const struct key *key, const void *in, struct buf *out)
{
	(void)key;
	buf_printf(out, "%s", *(const bool *)in ? "true" : "false");
}

static void
show_span(const struct key *key, const void *in, struct buf *out)
{
	(void)key;
	buf_add_span(out, *(const int64_t *)in);
}

static void
show_number(const struct key *key, const void *in, struct buf *out)
{
	(void)key;
	buf_printf(out, "%u", *(const unsigned *)in);
}

void
value_add_help(const struct key *key, struct buf *out)
{
	union {
		char *text;
		struct strings list;
		int64_t span;
	} scratch = {0};
	struct buf why = {0};
	struct str help, fault;

	/* What no key takes is refused with what it does take. */
	if (key->type->set(key, STR("\x01"), &scratch, &why))
		assert(false);
	help = (struct str){buf_text(&why), why.len};
	if (str_cut(&help, ';', &fault)) {
		buf_add_char(out, ';');
		buf_add_str(out, help);
	}
	buf_clear(&why);
}

static void
read_publishers(struct doc *doc, const struct node *list, void *out)
{
	publishers_read(doc, list, out);
}

static void
clear_publishers(void *out)
{
	publishers_clear(out);
}

static void
read_nodes(struct doc *doc, const struct node *map, void *out)
{
	nodes_read(doc, map, out);
}

static void
clear_nodes(void *out)
{
	nodes_clear(out);
}

#define TEXT .show = show_text, .text = true
#define LIST .show = show_list, .list = true

const struct value_type value_word = {.set = set_word, TEXT};
const struct value_type value_second_word = {.set = set_second, .show = show_second};
const struct value_type value_level = {.set = set_level, .show = show_level};
const struct value_type value_boolean = {.set = set_boolean, .show = show_boolean};
const struct value_type value_span = {.set = set_span, .show = show_span};
const struct value_type value_number = {.set = set_number, .show = show_number};
const struct value_type value_path = {.set = set_path, TEXT};
const struct value_type value_map_path = {.set = set_map_path, TEXT};
const struct value_type value_table = {.set = set_table, TEXT};
const struct value_type value_mail = {
    .set = set_mail, TEXT, .instead = "an alias takes mail to several"};
const struct value_type value_program = {.set = set_program, TEXT};
const struct value_type value_logs = {.set = add_log, LIST};
const struct value_type value_paths = {.set = add_path, LIST};
const struct value_type value_command = {.set = add_word, LIST, .no_alone = true};
const struct value_type value_variables = {.set = add_variable, LIST};
const struct value_type value_resolvers = {.set = add_resolver, LIST};
const struct value_type value_networks = {.set = add_network, LIST};
const struct value_type value_domains = {.set = add_domain, LIST};
const struct value_type value_hosts = {.set = add_host, LIST};
const struct value_type value_publishers = {
    .read = read_publishers, .clear = clear_publishers};
const struct value_type value_nodes = {
    .map = true, .read = read_nodes, .clear = clear_nodes};
