/* SPDX-License-Identifier: BSD-2-Clause */
/* Configurations that are refused, and the complaints about them. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "conf/config.h"
#include "sys/file.h"

/* All complaints, a line each. */
static char *
joined(const struct errs *errs)
{
	struct buf out = {0};

	for (size_t i = 0; i < errs->count; i++)
		buf_printf(&out, "%s%s", i > 0 ? "\n" : "", errs->lines[i]);
	return buf_take(&out);
}

/* --- bad configurations and every word of the complaints ------- */

struct bad_row {
	const char *name;
	const char *text;
	const char *complaints;
};

#define KNOWN_AT_TOP \
	"known here: log, state, rules, map, postfix, dns, probe, ladder, mta_sts, " \
	"publish, nodes, notify, metrics"
#define A_SECTION \
	"keys must stand here, like \"log:\" and, below it, \"  file: " \
	"/var/log/mail.log\""

static const struct bad_row bad_rows[] = {
    {"an unknown key that is near to a known one", "log:\n  fiel: /x\n",
        "c:2:3: unknown key \"fiel\"; did you mean \"file\"?"},
    {"no blank behind a colon", "dns: {tries:2, timeout: 3s}\n",
        "c:1:7: unknown key \"tries:2\"; put a blank behind \"tries:\""},
    {"no blank behind a colon, in a path", "log: {file:/var/log/mail.log}\n",
        "c:1:7: unknown key \"file:/var/log/mail.log\"; put a blank behind "
        "\"file:\""},
    {"no blank behind the colon of the only key", "log:\n  file:/x\n",
        "c:2:3: \"file:/x\" where keys must stand; put a blank behind \"file:\""},
    {"no blank behind the colon of the only line", "state:/x\n",
        "c:1:1: \"state:/x\" where keys must stand; put a blank behind \"state:\""},
    {"no blank behind the colon of a section", "log:{file: /x}\n",
        "c:1:1: unknown key \"log:{file\"; put a blank behind \"log:\""},
    {"an address where keys must stand", "notify: me@x.test\n",
        "c:1:9: notify: \"me@x.test\" where keys must stand; write notify: {to: "
        "me@x.test}"},
    {"the state is a log", "state: /x/mail.log\nlog: {file: [/y, /x/mail.log]}\n",
        "c:1:8: state and log.file are the same file; give each its own"},
    {"the map is a log", "map: {file: /x/mail.log}\nlog: {file: /x/mail.log}\n",
        "c:1:13: map.file and log.file are the same file; give each its own"},
    {"the lock of who counts is the map", "map: {file: /x/s.counting}\nstate: /x/s\n",
        "c:1:13: state and map.file are /x/s and /x/s.counting, and one would overwrite "
        "the other; give them names of their own"},
    {"nodes of a list", "nodes: [node1]\n",
        "c:1:8: nodes: a mapping must stand here; write nodes: {HOST: {command: "
        "[...]}}"},
    {"a node of a word", "nodes: {node1: ssh}\n",
        "c:1:16: nodes: \"ssh\" where keys must stand; write node1: {command: [ssh, "
        "node1]}"},
    {"nodes with mistakes",
        "nodes:\n  a/b: {command: [ssh, a]}\n  c: {command: ssh}\n"
        "  d: {comand: [x]}\n  C: {command: [y]}\n  e: {command: [ssh, {}]}\n",
        "c:2:3: nodes: \"a/b\" is no host as a log names it; write it as it stands "
        "behind the time there, or any\n"
        "c:3:16: nodes.command: \"ssh\" is no list; write [WORD, WORD]\n"
        "c:4:7: unknown key \"comand\"; did you mean \"command\"?\n"
        "c:5:3: nodes: \"C\" is listed twice; remove one\n"
        "c:6:22: nodes.command: a mapping in a list of words; put an item that begins "
        "with : or - in quotes"},
    {"nodes that are one", "nodes:\n  f: {command: [z]}\n  g: {command: [z]}\n",
        "c:3:3: nodes: f and g have the same command; give each its own, or write `any` "
        "for one Postfix with several names"},
    {"a publisher that is no list", "publish: {sql: mariadb}\n",
        "c:1:10: publish: a list must stand here; write publish: [...]"},
    {"a publisher of a word", "publish:\n- mariadb\n",
        "c:2:3: publish: \"mariadb\" where keys must stand; write - {sql: mariadb, "
        "login: FILE, schema: own}"},
    {"a publisher of nothing", "publish:\n- {map: }\n",
        "c:2:3: publish: an item without \"sql:\"\n"
        "c:2:3: publish: an item without \"login:\"\n"
        "c:2:3: publish: an item without \"schema:\""},
    {"publishers with mistakes",
        "publish:\n- {sql: mysql, login: m.cnf, schema: mailcow, colour: 1, lowest: "
        "dane}\n"
        "- {sql: postgresql, login: /p, schema: mailcow, map: '/x'}\n"
        "- {sql: postgresql, login: /p, schema: own, map: 'mysql:/a b'}\n"
        "- {sql: mariadb, login: , schema: [own]}\n",
        "c:2:9: publish.sql: \"mysql\" is not known here; write mariadb or "
        "postgresql\n"
        "c:2:23: publish.login: \"m.cnf\" is no absolute path; begin it with /\n"
        "c:2:47: unknown key \"colour\"; known here: sql, login, schema, map, lowest\n"
        "c:2:66: publish.lowest: \"dane\" is not known here; write may, encrypt or "
        "verify\n"
        "c:3:40: publish.schema: mailcow has its table in mariadb; write own\n"
        "c:3:54: publish.map: \"/x\" is no table as smtp_tls_policy_maps names one; "
        "write it like proxy:mysql:/etc/postfix/tls.cf\n"
        "c:4:28: publish.login: \"/p\" is listed twice; remove one\n"
        "c:4:50: publish.map: \"mysql:/a b\" is no table as smtp_tls_policy_maps names "
        "one; write it like proxy:mysql:/etc/postfix/tls.cf\n"
        "c:5:18: publish.login: no value\n"
        "c:5:35: publish.schema: a list where a single word must be; write mailcow or "
        "own"},
    {"an unknown key that is near to none", "colour: red\n",
        "c:1:1: unknown key \"colour\"; " KNOWN_AT_TOP},
    {"an unknown key in a section", "dns:\n  cache: 1\n",
        "c:2:3: unknown key \"cache\"; known here: resolver, trust, timeout, tries, "
        "workers"},
    {"an unknown key in a section of a section", "ladder: {hold: {secure: 1h}}\n",
        "c:1:17: unknown key \"secure\"; known here: verify, encrypt, may"},
    {"a key of another section", "settle: 1s\n",
        "c:1:1: unknown key \"settle\"; did you mean \"map.settle\"?"},
    {"a key written with its section", "log.file: /x\n",
        "c:1:1: unknown key \"log.file\"; write \"file:\" below \"log:\""},
    {"a key that would forge a terminal", "\"a\\e[2J\": 1\n",
        "c:1:1: unknown key \"a\\x1b[2J\"; " KNOWN_AT_TOP},
    {"a key that stands twice", "state: /a\ndns: {tries: 1}\nstate: /b\n",
        "c:3:1: key \"state\" stands here twice, first in line 1; remove one"},
    {"a section that stands twice", "dns:\n  tries: 1\ndns:\n  workers: 1\n",
        "c:3:1: key \"dns\" stands here twice, first in line 1; remove one"},
    {"a text for a section", "dns: 127.0.0.1\n",
        "c:1:6: dns: \"127.0.0.1\" where keys must stand; "
        "write dns: {resolver: 127.0.0.1}"},
    {"no for a section with a switch", "probe: no\n",
        "c:1:8: probe: \"no\" where keys must stand; write probe: {servers: no}"},
    {"no for a section without one", "notify: no\n",
        "c:1:9: notify: \"no\" where keys must stand: from, to, command, digest, "
        "template, deny"},
    {"no deeper down", "ladder: {freeze: no}\n",
        "c:1:18: ladder.freeze: \"no\" where keys must stand: destinations, time"},
    {"yes for a section", "metrics: yes\n",
        "c:1:10: metrics: \"yes\" where keys must stand: textfile"},
    {"the file of metrics is one of rules",
        "rules: [/x/a.yaml, /x/b.yaml]\nmetrics: {textfile: /x/b.yaml}\n",
        "c:2:21: metrics.textfile is a file of rules; give it a name of its own"},
    {"the file of metrics is that of CAs",
        "mta_sts: {ca_file: /x/ca}\nmetrics: {textfile: /x/ca}\n",
        "c:2:21: metrics.textfile is mta_sts.ca_file; give it a name of its own"},
    {"the file of metrics is a login file",
        "publish: [{sql: mariadb, login: /x/l, schema: own}]\n"
        "metrics: {textfile: /x/l}\n",
        "c:2:21: metrics.textfile is a login file; give it a name of its own"},
    {"a list for a section", "ladder:\n- lowest: may\n", "c:2:1: " A_SECTION},
    {"a text for the whole", "hello\n", "c:1:1: " A_SECTION},
    {"a section for a text", "state: {file: /x}\n",
        "c:1:8: state: a mapping where a single word must be; begin it with /"},
    {"a list for a text", "map:\n  file: [/x]\n",
        "c:2:9: map.file: a list where a single word must be; begin it with /"},
    {"a list of addresses", "notify: {to: [a@a.test, b@a.test]}\n",
        "c:1:14: notify.to: a list where a single word must be; write it like "
        "postmaster@example.org: an alias takes mail to several"},
    {"a list of words", "dns: {trust: [auto, ad]}\n",
        "c:1:14: dns.trust: a list where a single word must be; write auto or ad"},
    {"a mapping for a list", "rules: {a: /x}\n",
        "c:1:8: rules: a mapping where a word or a list of words must be; "
        "begin it with /"},
    {"no value", "state:\nmap:\n  settle: ~\n  type: null\n",
        "c:1:1: state: no value; leave the key out for " STATEDIR "/state.db\n"
        "c:3:3: map.settle: no value; leave the key out for 200ms\n"
        "c:4:3: map.type: no value; leave the key out for auto"},
    {"an empty text", "state: ''\n",
        "c:1:8: state: \"\" is no absolute path; begin it with /"},
    {"a relative path", "state: state.db\n",
        "c:1:8: state: \"state.db\" is no absolute path; begin it with /"},
    {"a path with a control character", "state: \"/a\\nb\"\n",
        "c:1:8: state: \"/a\\x0ab\" is no path: it is too long or has control "
        "characters; write another"},
    {"a directory for a file", "state: /var/lib/\n",
        "c:1:8: state: \"/var/lib/\" ends in /; leave that away"},
    {"a map that main.cf could not name", "map: {file: '/var/my map'}\n",
        "c:1:13: map.file: \"/var/my map\" cannot be named in main.cf; use no blank, "
        "comma, brace or $"},
    {"one file for two things", "state: /x\nmap: {file: /x}\n",
        "c:2:13: state and map.file are the same file; give each its own"},
    {"a state where the index of the map will be", "state: /x.db\nmap: {file: /x}\n",
        "c:2:13: state and map.file are /x.db and /x, and one would overwrite the other; "
        "give "
        "them names of their own"},
    {"a map where SQLite's log will be", "state: /x\nmap: {file: /x-wal}\n",
        "c:2:13: state and map.file are /x and /x-wal, and one would overwrite the "
        "other; "
        "give "
        "them names of their own"},
    {"a relative path in a list", "log:\n  file: [/a, b]\n",
        "c:2:14: log.file: \"b\" is no absolute path; begin it with /"},
    {"a list in a list", "log:\n  file: [/a, [/b]]\n",
        "c:2:14: log.file: a list in a list of words; put an item that begins with : or "
        "- in quotes"},
    {"nothing in a list", "rules:\n- /a\n-\n",
        "c:3:2: rules: no value in a list of words; put an item that begins with : or - "
        "in quotes"},
    {"a log that is listed twice", "log: {file: [/a, /b, /a]}\n",
        "c:1:22: log.file: \"/a\" is listed twice; remove one"},
    {"an empty list of rules", "rules: []\n",
        "c:1:8: rules: an empty list; leave the key out for " RULESDIR "/postfix.yaml"},
    {"an empty list of resolvers", "dns: {resolver: []}\n",
        "c:1:17: dns.resolver: an empty list; leave the key out for auto"},
    {"standard input without quotes", "log:\n  file: -\n",
        "c:2:9: a \"-\" where no list can begin; begin it on a line of its own, and put "
        "a "
        "single - in quotes"},
    {"a word that is not known", "log: {from: beginning}\nmap: {type: sqlite}\n",
        "c:1:13: log.from: \"beginning\" is not known here; write end or start\n"
        "c:2:13: map.type: \"sqlite\" is not known here; write auto, hash, lmdb, cdb, "
        "btree, texthash or none"},
    {"a level that is too strong for lowest", "ladder: {lowest: secure}\n",
        "c:1:18: ladder.lowest: \"secure\" is not known here; write may, encrypt or "
        "verify"},
    {"a default level that Postfix does not know", "postfix: {default_level: strict}\n",
        "c:1:26: postfix.default_level: \"strict\" is not known here; write auto, none, "
        "may, encrypt, dane, fingerprint, verify, secure or dane-only"},
    {"words in another case", "map: {type: Hash}\nladder: {lowest: May}\n",
        "c:1:13: map.type: \"Hash\" is not known here; write auto, hash, lmdb, cdb, "
        "btree, "
        "texthash or none\n"
        "c:2:18: ladder.lowest: \"May\" is not known here; write may, encrypt or verify"},
    {"neither true nor false", "postfix: {retry: Yes}\n",
        "c:1:18: postfix.retry: \"Yes\" is neither true nor false; write true or false"},
    {"a number for true", "postfix: {retry: 1}\n",
        "c:1:18: postfix.retry: \"1\" is neither true nor false; write true or false"},
    {"a time without a unit", "map:\n  settle: 5\n",
        "c:2:11: map.settle: \"5\" is no time; write it like 200ms, 90s, 10m, 6h or 7d"},
    {"a time that is too long", "map: {settle: 2m}\n",
        "c:1:15: map.settle: \"2m\" is out of range; write 0s to 1m"},
    {"a time that is too short", "dns: {timeout: 99ms}\n",
        "c:1:16: dns.timeout: \"99ms\" is out of range; write 100ms to 1m"},
    {"no first lease", "ladder: {recheck: 0}\n",
        "c:1:19: ladder.recheck: \"0\" is out of range; write 1s to 90d"},
    {"numbers out of range",
        "dns: {tries: 0, workers: 65}\nladder: {may_after: {attempts: 1001}}\n",
        "c:1:14: dns.tries: \"0\" is no number from 1 to 10; write one, like 3\n"
        "c:1:26: dns.workers: \"65\" is no number from 1 to 64; write one, like 8\n"
        "c:2:32: ladder.may_after.attempts: \"1001\" is no number from 1 to 1000; "
        "write one, like 2"},
    {"what is no number",
        "dns: {tries: -1, workers: 0x10}\n"
        "ladder: {may_after: {attempts: 1e2}, freeze: {destinations: "
        "99999999999999999999}}\n",
        "c:1:14: dns.tries: \"-1\" is no number from 1 to 10; write one, like 3\n"
        "c:1:27: dns.workers: \"0x10\" is no number from 1 to 64; write one, like 8\n"
        "c:2:32: ladder.may_after.attempts: \"1e2\" is no number from 1 to 1000; write "
        "one, like 2\n"
        "c:2:61: ladder.freeze.destinations: \"99999999999999999999\" is no number from "
        "2 to 100000; write one, like 20"},
    {"a resolver by name", "dns: {resolver: localhost}\n",
        "c:1:17: dns.resolver: \"localhost\" is no address of a resolver; write it like "
        "127.0.0.1, \"::1\" or 192.0.2.53@5353"},
    {"a port behind a colon, no port, port 0, port 65536",
        "dns: {resolver: ['127.0.0.1:53', 127.0.0.1@, '::1@0', '::1@65536']}\n",
        "c:1:18: dns.resolver: \"127.0.0.1:53\" is no address of a resolver; write it "
        "like "
        "127.0.0.1, \"::1\" or 192.0.2.53@5353\n"
        "c:1:34: dns.resolver: \"127.0.0.1@\" is no address of a resolver; write it like "
        "127.0.0.1, \"::1\" or 192.0.2.53@5353\n"
        "c:1:46: dns.resolver: \"::1@0\" is no address of a resolver; write it like "
        "127.0.0.1, \"::1\" or 192.0.2.53@5353\n"
        "c:1:55: dns.resolver: \"::1@65536\" is no address of a resolver; write it like "
        "127.0.0.1, \"::1\" or 192.0.2.53@5353"},
    {"auto beside an address", "dns: {resolver: [127.0.0.1, auto]}\n",
        "c:1:29: dns.resolver: \"auto\" is no address of a resolver; write it like "
        "127.0.0.1, \"::1\" or 192.0.2.53@5353"},
    {"an IPv6 address in a list without quotes", "dns: {resolver: [::1]}\n",
        "c:1:18: no value where one must be; put a text that begins with : or - in "
        "quotes"},
    {"a command that is one text", "postfix: {command: docker exec}\n",
        "c:1:20: postfix.command: \"docker exec\" is no list; write [WORD, WORD]"},
    {"a command with an empty word", "postfix: {command: ['']}\n",
        "c:1:21: postfix.command: \"\" is no word of a command; write at least one "
        "character, and no control characters"},
    {"a variable with its value", "postfix: {environment: [DOCKER_HOST=x]}\n",
        "c:1:25: postfix.environment: \"DOCKER_HOST=x\" is no name of an environment "
        "variable; write the name alone, like DOCKER_HOST"},
    {"a variable that begins with a digit", "postfix: {environment: 1X}\n",
        "c:1:24: postfix.environment: \"1X\" is no name of an environment variable; "
        "write "
        "the name alone, like DOCKER_HOST"},
    {"a variable that loads code into every command",
        "postfix: {environment: [LD_PRELOAD, BASH_ENV]}\n",
        "c:1:25: postfix.environment: \"LD_PRELOAD\" makes every command run what it "
        "names; write a script that sets it into postfix.command\n"
        "c:1:37: postfix.environment: \"BASH_ENV\" makes every command run what it "
        "names; write a script that sets it into postfix.command"},
    {"a variable that is settled", "postfix: {environment: [PATH, TZ]}\n",
        "c:1:25: postfix.environment: \"PATH\" is what every command has, as "
        "tlsladder.yaml(5) says; leave it out\n"
        "c:1:31: postfix.environment: \"TZ\" is what every command has, as "
        "tlsladder.yaml(5) says; leave it out"},
    {"a variable listed twice", "postfix: {environment: [HOME, HOME]}\n",
        "c:1:31: postfix.environment: \"HOME\" is listed twice; remove one"},
    {"an option for a mail address", "notify: {to: -oQ/tmp}\n",
        "c:1:14: notify.to: \"-oQ/tmp\" is no plain mail address; write it like "
        "postmaster@example.org"},
    {"a digest of another span", "notify: {digest: weekly}\n",
        "c:1:18: notify.digest: \"weekly\" is not known here; write daily or never"},
    {"a template that is not there", "notify:\n  template: /none/mail.txt\n",
        "c:2:13: notify.template: cannot read /none/mail.txt: No such file or "
        "directory; leave the key out for the built-in text"},
    {"two mail addresses", "notify: {to: 'a@b.test, c@d.test'}\n",
        "c:1:14: notify.to: \"a@b.test, c@d.test\" is no plain mail address; write it "
        "like "
        "postmaster@example.org"},
    {"a mail address with a header behind it",
        "notify: {from: \"a@b.test\\r\\nBcc: c@d.test\"}\n",
        "c:1:16: notify.from: \"a@b.test\\x0d\\x0aBcc: c@d.test\" is no plain mail "
        "address; write it like postmaster@example.org"},
    {"a long value is cut",
        "map: {type: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaa}\n",
        "c:1:13: map.type: "
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" is not "
        "known "
        "here; write auto, hash, lmdb, cdb, btree, texthash or none"},
    {"several mistakes, in their order",
        "log:\n  from: [start]\n  file: x\nmap:\n  tipe: none\nlog: {}\n"
        "dns:\n  tries: many\n  tries: 3\nnotify: &n\n  to: !!str a@b.test\n  from: *n\n",
        "c:2:9: log.from: a list where a single word must be; write end or start\n"
        "c:3:9: log.file: \"x\" is no absolute path; begin it with /\n"
        "c:5:3: unknown key \"tipe\"; did you mean \"type\"?\n"
        "c:6:1: key \"log\" stands here twice, first in line 1; remove one\n"
        "c:8:10: dns.tries: \"many\" is no number from 1 to 10; write one, like 3\n"
        "c:9:3: key \"tries\" stands here twice, first in line 8; remove one\n"
        "c:10:9: anchors (&) are not used here; remove it\n"
        "c:11:7: tags (!) are not used here; remove it\n"
        "c:12:9: aliases (*) are not used here; write the value out, or put the text in "
        "quotes"},
    {"a tab for indentation", "log:\n\tfile: /x\n",
        "c:2:1: no value can begin with this; indent with blanks, not tabs, and put a "
        "text that begins with @, % or ` in quotes"},
    {"indentation that does not agree", "log:\n  file: /x\n from: end\n",
        "c:3:2: no key where one must be; check the indentation and the quotes"},
    {"a quote that is not closed", "state: '/x\nlog:\n  file: /y\n",
        "c:1:8: a quote is opened here and never closed"},
    {"a bracket that is not closed", "dns: {tries: 3\nlog: {}\n",
        "c:2:4: a \",\" or \"}\" is missing"},
    {"a second colon", "state: a: b\n",
        "c:1:9: a \":\" where no key can be; check the indentation and the blank behind "
        "each \":\", or put the text in quotes"},
    {"a key that is a list", "? [log]\n: x\n",
        "c:1:3: a key must be a single word; write it like file: VALUE"},
    {"two documents", "state: /x\n---\nstate: /y\n",
        "c:2:1: a second document begins here; a file holds one"},
    {"text behind the end", "state: /x\n...\nstate: /y\n",
        "c:3:1: nothing may stand behind the end of the document"},
    {"bytes that are no UTF-8", "state: /x\nmap: {file: /\xff}\n",
        "c:2:14: no UTF-8 text; save the file as UTF-8"},
    {"UTF-16", "\xff\xfes", "c:1:1: no UTF-8 text; save the file as UTF-8"},
    {"an escape character", "state: /x\033[2J\n",
        "c:1:10: a control character; remove it"},
    {"a NUL in quotes", "state: \"/x\\0/y\"\n",
        "c:1:8: a text with a NUL character; remove it"},
    {"copies of copies", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "c:1:1: unknown key \"a\"; " KNOWN_AT_TOP "\n"
        "c:1:4: anchors (&) are not used here; remove it\n"
        "c:2:1: unknown key \"b\"; " KNOWN_AT_TOP "\n"
        "c:2:4: anchors (&) are not used here; remove it\n"
        "c:2:8: aliases (*) are not used here; write the value out, or put the text in "
        "quotes\n"
        "c:2:12: aliases (*) are not used here; write the value out, or put the text in "
        "quotes\n"
        "c:3:1: unknown key \"c\"; " KNOWN_AT_TOP "\n"
        "c:3:5: aliases (*) are not used here; write the value out, or put the text in "
        "quotes\n"
        "c:3:9: aliases (*) are not used here; write the value out, or put the text in "
        "quotes"},
};

static void
assert_refused(struct str text, const char *complaints)
{
	struct config config;
	struct errs errs = {0};
	char *said;

	assert_false(config_parse("c", text, &config, &errs));
	said = joined(&errs);
	assert_string_equal(said, complaints);
	free(said);
	errs_clear(&errs);
	/* empty, so that half of it is never used */
	assert_null(config.state);
	assert_int_equal(config.rules.count, 0);
}

static void
complaints_are(void **state)
{
	const struct bad_row *row = *state;

	assert_refused(str_of(row->text), row->complaints);
}

/* --- hostile files that are made here --- */

struct flood_row {
	const char *name;
	const char *first; /* once */
	const char *again; /* so often */
	size_t times;
	const char *complaints;
};

static const struct flood_row floods[] = {
    {"a file of 2 MiB", "#", "x", 2 * 1024 * 1024,
        "c: is larger than 1048576 bytes; divide it, or leave something out"},
    {"a million brackets", "", "[", 1000000,
        "c:1:33: nested deeper than 32 levels; no key stands so deep"},
    {"a million braces", "", "{", 1000000,
        "c:1:33: nested deeper than 32 levels; no key stands so deep"},
    {"a million hyphens", "", "- ", 500000,
        "c:1:65: nested deeper than 32 levels; no key stands so deep"},
    {"70,000 values", "a:\n", "- x\n", 70000,
        "c:65535:3: more than 65536 values in one file; divide it"},
    {"90,000 tag directives", "", "%TAG !a! b\r", 90000,
        "c:1:166: tags (!) are not used here; remove it"},
    {"a million commas", "a: [", ",", 1000000,
        "c:1:5: no value where one must be; put a text that begins with : or - in "
        "quotes"},
};

static void
flood_is_refused(void **state)
{
	const struct flood_row *row = *state;
	struct buf text = {0};

	buf_printf(&text, "%s", row->first);
	for (size_t i = 0; i < row->times; i++)
		buf_add_str(&text, str_of(row->again));
	assert_refused((struct str){text.data, text.len}, row->complaints);
	buf_clear(&text);
}

static void
long_list_is_refused(void **state)
{
	struct buf text = {0};

	(void)state;
	buf_printf(&text, "rules:\n");
	for (int i = 0; i < 65; i++)
		buf_printf(&text, "- /rules/%d\n", i);
	assert_refused((struct str){text.data, text.len},
	    "c:66:3: rules: more than 64 items; leave some out");
	buf_clear(&text);
}

static void
many_keys_are_refused(void **state)
{
	struct config config;
	struct buf text = {0};
	struct errs errs = {0};

	(void)state;
	for (int i = 0; i < 300; i++)
		buf_printf(&text, "x%d: 1\n", i);
	assert_false(
	    config_parse("c", (struct str){text.data, text.len}, &config, &errs));
	assert_int_equal(errs.count, 1);
	assert_string_equal(
	    errs.lines[0], "c:257:1: more than 256 keys in one mapping; leave some out");
	errs_clear(&errs);
	buf_clear(&text);
}

static void
complaints_are_bounded(void **state)
{
	struct config config;
	struct buf text = {0};
	struct errs errs = {0};

	(void)state;
	for (int i = 0; i < 200; i++)
		buf_printf(&text, "x%d: 1\n", i);
	assert_false(
	    config_parse("c", (struct str){text.data, text.len}, &config, &errs));
	assert_int_equal(errs.count, 51);
	assert_string_equal(errs.lines[50],
	    "c: more than 50 complaints; mend these, and the rest is shown");
	errs_clear(&errs);
	buf_clear(&text);
}

static void
nul_byte_is_refused(void **state)
{
	(void)state;
	assert_refused(STR("state: /x\0y\n"), "c:1:10: a control character; remove it");
}

static void
missing_file_is_named(void **state)
{
	struct config config;
	struct errs errs = {0};

	(void)state;
	assert_false(config_load("/nonexistent/c.yaml", &config, &errs));
	assert_int_equal(errs.count, 1);
	assert_true(str_starts(str_of(errs.lines[0]),
	    STR("/nonexistent/c.yaml: cannot be read: No such file or directory; copy "
	        "the example: `install ")));
	errs_clear(&errs);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++)
		suite_add(complaints_are, &bad_rows[i], "refused: %s", bad_rows[i].name);
	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++)
		suite_add(flood_is_refused, &floods[i], "refused: %s", floods[i].name);
	suite_add(long_list_is_refused, NULL, "refused: a list of 65 items");
	suite_add(many_keys_are_refused, NULL, "refused: 300 keys in one mapping");
	suite_add(
	    complaints_are_bounded, NULL, "200 mistakes make 50 complaints and a word");
	suite_add(nul_byte_is_refused, NULL, "refused: a NUL byte");
	suite_add(missing_file_is_named, NULL, "a file that is not there is named");
	return suite_run();
}
