/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords and other policy maps of several Postfix servers: what one of them has counts
 * for all, also while it cannot be asked. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake.h"
#include "measure/measure_impl.h"

#define KEY "a.test"

/* Each node has the keys of its own file, whatever the map is called. */
static const char postmap[] =
    "while [ \"$1\" = -c ]; do shift 2; done\n"
    "echo \"$1 $3\" >>\"$FAKE_DIR/$NODE.asked\"\n"
    "if [ -e \"$FAKE_DIR/$NODE.fails\" ]; then\n"
    "	echo 'postmap: fatal: no such map' >&2\n"
    "	exit 1\n"
    "fi\n"
    "[ \"$1\" = -q ] || exit 0\n"
    "grep -Fx -f \"$FAKE_DIR/$NODE.keys\" | sed 's/$/\tx/' | grep .\n";

enum state {
	TELLS,
	FAILS,
	AWAY,
};

struct row {
	const char *what;
	bool has1, has2; /* the key is in its map */
	bool alike;      /* the map of both has one name */
	enum state state2;
	struct measure_said said; /* last: 1 by node1, 2 by node2, 3 by both */
	enum answer expected;
	uint64_t by;
};

#define NOTHING \
	{ \
		ANSWER_UNSURE, 0 \
	}
#define NO_ONE \
	{ \
		ANSWER_NO, 0 \
	}

static const struct row rows[] = {
    {"nobody", false, false, false, TELLS, NOTHING, ANSWER_NO, 0},
    {"the first", true, false, false, TELLS, NOTHING, ANSWER_YES, 1},
    {"the second", false, true, false, TELLS, NOTHING, ANSWER_YES, 2},
    {"both", true, true, true, TELLS, NOTHING, ANSWER_YES, 3},
    {"nobody, the second no more", false, false, false, TELLS, {ANSWER_YES, 2}, ANSWER_NO,
        0},
    {"the first, and the second fails", true, false, false, FAILS, NOTHING, ANSWER_YES,
        1},
    {"not the first, and the second fails", false, true, false, FAILS, NOTHING,
        ANSWER_UNSURE, 0},
    {"not the first, and the second, which fails, said yes", false, true, false, FAILS,
        {ANSWER_YES, 2}, ANSWER_YES, 2},
    {"not the first, and the second, which is away, said yes", false, true, false, AWAY,
        {ANSWER_YES, 2}, ANSWER_YES, 2},
    {"not the first, and the second, which is away, said no", false, true, false, AWAY,
        NO_ONE, ANSWER_NO, 0},
    {"not the first, and the second, which is away, was never asked", false, true, false,
        AWAY, NOTHING, ANSWER_UNSURE, 0},
    {"not the first any more, and the second is away", false, false, false, AWAY,
        {ANSWER_YES, 1}, ANSWER_UNSURE, 0},
    {"not the first, which stands for the second", false, true, true, AWAY, NOTHING,
        ANSWER_NO, 0},
    {"not the first, but the second with the same map said yes", false, true, true, AWAY,
        {ANSWER_YES, 2}, ANSWER_YES, 2},
    {"not the first any more, which stands for the second", false, false, true, AWAY,
        {ANSWER_YES, 1}, ANSWER_NO, 0},
};

static char same_map[] = "hash:/p", other_map[] = "hash:/q";
static char *const same_maps[] = {same_map, NULL}, *const others[] = {other_map, NULL};

struct world {
	char *commands[2][8];
	struct postfix postfix[2];
	struct measure_node nodes[2];
	struct measure_settings settings;
	struct resolver_settings resolver;
	char *servers[1];
	struct measurer *measurer;
};

/* A name server that is not there. */
static char server[] = "127.0.0.1@1";

static char *const node_words[2][2] = {
    {(char *)(uintptr_t) "env", (char *)(uintptr_t) "NODE=node1"},
    {(char *)(uintptr_t) "env", (char *)(uintptr_t) "NODE=node2"}};

static void
add_node(struct world *w, unsigned at)
{
	size_t count = fake_postfix.command_count;

	memcpy(w->commands[at], fake_postfix.command, count * sizeof(char *));
	memcpy(w->commands[at] + count, node_words[at], sizeof(node_words[at]));
	w->postfix[at] = fake_postfix;
	w->postfix[at].command = w->commands[at];
	w->postfix[at].command_count = count + 2;
	w->nodes[at] =
	    (struct measure_node){.postfix = &w->postfix[at], .bit = UINT64_C(1) << at};
}

static struct world *
world_new(const struct row *row)
{
	struct world *w = mem_new(1, sizeof(*w));

	fake_reset();
	fake_put("postmap.sh", postmap);
	fake_put("node1.keys", row->has1 ? KEY "\n" : "\n");
	fake_put("node2.keys", row->has2 ? KEY "\n" : "\n");
	fake_put("node2.fails", row->state2 == FAILS ? "" : NULL);
	fake_put("node1.asked", NULL);
	fake_put("node2.asked", NULL);
	w->servers[0] = server;
	w->resolver = (struct resolver_settings){
	    .servers = w->servers, .server_count = 1, .timeout_ms = 1000, .tries = 1};
	w->settings = measure_settings_of(&fake_postfix, NULL, NULL);
	add_node(w, 0);
	add_node(w, 1);
	w->nodes[1].is_away = row->state2 == AWAY;
	w->settings.nodes = w->nodes;
	w->settings.node_count = 2;
	w->measurer = measure_make(&w->resolver);
	return w;
}

static void
world_free(struct world *w)
{
	measure_drop(w->measurer);
	free(w);
}

static void
ask(struct world *w, struct measure_item *item)
{
	assert_true(nexthop_parse(STR(KEY), &item->nexthop));
	measure_one(w->measurer, &w->settings, item);
}

/* One that is away is not run; one that fails is not asked again in vain. */
static void
assert_asked(const struct row *row)
{
	fake_assert("node1.asked", "-q hash:/p\n");
	fake_assert("node2.asked",
	    row->state2 == AWAY ? ""
	        : row->alike    ? "-q hash:/p\n"
	                        : "-q hash:/q\n");
}

static void
other_map_is_of(void **state)
{
	const struct row *row = *state;
	struct world *w = world_new(row);
	struct measure_item item = {.said_map = row->said};
	struct measure_said said;
	struct buf kept = {0};

	w->nodes[0].other_maps = same_maps;
	w->nodes[1].other_maps = row->alike ? same_maps : others;
	ask(w, &item);
	assert_int_equal(item.answers.other_map, row->expected);
	assert_int_equal(item.answers.other_map_by, row->by);
	assert_asked(row);
	measure_maps.kept.save(&item.answers, &kept);
	assert_true(measure_said_parse((struct str){buf_text(&kept), kept.len}, &said) ==
	    (row->expected != ANSWER_UNSURE));
	assert_int_equal(said.answer, row->expected);
	assert_int_equal(said.by, row->by);
	buf_clear(&kept);
	world_free(w);
}

static void
password_is_of(void **state)
{
	const struct row *row = *state;
	struct world *w = world_new(row);
	struct measure_item item = {.said_credentials = row->said};
	struct credentials_settings c = {.used = true,
	    .maps = same_map,
	    .sum = 1,
	    .relayhost = "",
	    .fallback_relay = "",
	    .default_transport = "smtp",
	    .transport_maps = "",
	    .sender_relayhost_maps = "",
	    .sender_transport_maps = ""};

	w->nodes[0].credentials = c;
	if (!row->alike) {
		c.maps = other_map;
		c.sum = 2;
	}
	w->nodes[1].credentials = c;
	ask(w, &item);
	assert_int_equal(item.answers.credentials, row->expected);
	assert_int_equal(item.answers.credentials_by, row->by);
	assert_asked(row);
	world_free(w);
}

/* What one Postfix kept before it got a name may be any node's. */
static void
what_was_said_is_read(void **state)
{
	struct measure_said said;

	(void)state;
	assert_true(measure_said_parse(STR("yes"), &said));
	assert_int_equal(said.answer, ANSWER_YES);
	assert_true(said.by == UINT64_MAX);
	assert_true(measure_said_parse(STR("no"), &said));
	assert_int_equal(said.answer, ANSWER_NO);
	assert_true(measure_said_parse(STR("yes 8000000000000001"), &said));
	assert_true(said.by == (UINT64_C(1) << 63 | 1));
	assert_false(measure_said_parse(STR("yes 18000000000000001"), &said));
	assert_false(measure_said_parse(STR("yes x"), &said));
	assert_false(measure_said_parse(STR("maybe"), &said));
	assert_false(measure_said_parse(STR(""), &said));
	assert_int_equal(said.answer, ANSWER_UNSURE);
}

int
main(void)
{
	int status;

	fake_begin();
	FAKE_ROWS(other_map_is_of, rows, "another map answers: %s", rows[i].what);
	FAKE_ROWS(password_is_of, rows, "a password is sent: %s", rows[i].what);
	suite_add(what_was_said_is_read, NULL, "what nodes said is read again");
	status = suite_run();
	fake_end();
	return status;
}
