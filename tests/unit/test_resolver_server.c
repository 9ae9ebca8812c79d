/* SPDX-License-Identifier: BSD-2-Clause */
/* Which resolvers are asked: ADDRESS@PORT, and resolv.conf. */
#include "suite.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "dns/resolver_server.h"

struct server_row {
	const char *text;
	const char *name; /* NULL: refused */
	bool loopback;
};

static const struct server_row server_rows[] = {
    {"127.0.0.1", "127.0.0.1@53", true},
    {"127.9.8.7@5353", "127.9.8.7@5353", true},
    {"::1", "::1@53", true},
    {"::1@65535", "::1@65535", true},
    {"192.0.2.53", "192.0.2.53@53", false},
    {"2001:db8::53@53", "2001:db8::53@53", false},
    {"::ffff:127.0.0.1", "::ffff:127.0.0.1@53", false},
    {"", NULL, false},
    {"localhost", NULL, false},
    {"127.0.0.1:53", NULL, false},
    {"127.0.0.1@", NULL, false},
    {"127.0.0.1@0", NULL, false},
    {"127.0.0.1@65536", NULL, false},
    {"127.0.0.1@53x", NULL, false},
    {"127.0.0.1 ", NULL, false},
    {"@53", NULL, false},
};

static void
server_is(void **state)
{
	const struct server_row *row = *state;
	struct server server;
	struct err err;

	if (row->name == NULL) {
		assert_false(server_parse(str_of(row->text), &server, &err));
		return;
	}
	assert_true(server_parse(str_of(row->text), &server, &err));
	assert_string_equal(server.name, row->name);
	assert_int_equal(server.loopback, row->loopback);
}

struct conf_row {
	const char *name;
	const char *text;
	const char *servers; /* NULL: refused */
	bool believed;
};

static const struct conf_row conf_rows[] = {
    {"one on loopback", "nameserver 127.0.0.1\n", "127.0.0.1@53 ", true},
    {"no newline at the end", "nameserver 127.0.0.1", "127.0.0.1@53 ", true},
    {"a commented name server is none, an empty line before it or not",
        "\n#nameserver 127.0.0.2\n\n; nameserver 127.0.0.3\n# nameserver 127.0.0.4\n"
        "nameserver ::1\n",
        "::1@53 ", true},
    {"a comment behind the address",
        "nameserver 127.0.0.1# x\nnameserver\t127.0.0.2 ;y\n",
        "127.0.0.1@53 127.0.0.2@53 ", true},
    {"other lines do not matter",
        "options trust-ad timeout:1\nsearch a b\nnameservers 1.1.1.1\n"
        "anchor /x\nnameserver 127.0.0.1\n",
        "127.0.0.1@53 ", true},
    {"an indented line is none, as for libc",
        " nameserver 127.0.0.2\nnameserver 127.0.0.1\n", "127.0.0.1@53 ", true},
    {"the first three",
        "nameserver 127.0.0.1\nnameserver 127.0.0.2\nnameserver 127.0.0.3\n"
        "nameserver 127.0.0.4\n",
        "127.0.0.1@53 127.0.0.2@53 127.0.0.3@53 ", true},
    {"one elsewhere is not believed", "nameserver 192.0.2.53\n", "192.0.2.53@53 ", false},
    {"and left out beside one on loopback",
        "nameserver 192.0.2.53\nnameserver 127.0.0.1\n", "127.0.0.1@53 ", true},
    {"none at all is this machine", "search example.test\n", "127.0.0.1@53 ", true},
    {"CRLF", "nameserver 127.0.0.1\r\n", "127.0.0.1@53 ", true},
    {"a name is no address", "nameserver dns.example.test\n", NULL, false},
};

static void
resolv_conf_gives(void **state)
{
	const struct conf_row *row = *state;
	char directory[] = "/tmp/tlsladder-resolver.XXXXXX";
	struct resolver_settings settings = {.trust_ad = true};
	struct server_list list;
	struct buf path = {0}, names = {0};
	struct err err;
	FILE *file;

	assert_non_null(mkdtemp(directory));
	buf_printf(&path, "%s/resolv.conf", directory);
	settings.resolv_conf = buf_text(&path);
	assert_false(server_list_read(&list, &settings, &err)); /* there is none */
	file = fopen(path.data, "we");
	assert_non_null(file);
	fputs(row->text, file);
	fclose(file);
	assert_int_equal(server_list_read(&list, &settings, &err), row->servers != NULL);
	if (row->servers != NULL) {
		for (unsigned i = 0; i < list.count; i++)
			buf_printf(&names, "%s ", list.items[i].name);
		assert_string_equal(buf_text(&names), row->servers);
		assert_int_equal(list.believed, row->believed);
	}
	unlink(path.data);
	rmdir(directory);
	buf_clear(&path);
	buf_clear(&names);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(server_rows) / sizeof(server_rows[0]); i++)
		suite_add(
		    server_is, &server_rows[i], "server \"%s\"", server_rows[i].text);
	for (size_t i = 0; i < sizeof(conf_rows) / sizeof(conf_rows[0]); i++)
		suite_add(resolv_conf_gives, &conf_rows[i], "resolv.conf: %s",
		    conf_rows[i].name);
	return suite_run();
}
