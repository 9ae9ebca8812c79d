/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: the tables of publish. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "publish/table.h"
#include "publish/table_guard.h"
#include "store/store_published.h"

#define BUSY_MS 5000

static void
advise_login(struct doctor *d, const struct publisher *p)
{
	buf_printf(&d->advice, "chown root:%s ", d->user);
	buf_add_shell(&d->advice, p->login);
	buf_printf(&d->advice, "\nchmod 0640 ");
	buf_add_shell(&d->advice, p->login);
	buf_add_char(&d->advice, '\n');
}

/* The very statements, where the database told; it says nothing to who may not enter. */
static void
advise_rights(struct doctor *d, const struct publisher *p, const struct rows_answer *told)
{
	struct buf shown = {0};

	for (unsigned i = 0; i < told->grant_count; i++) {
		buf_reset(&shown);
		buf_add_visible(&shown, told->grants[i]);
		doctor_advise(
		    d, "# in the database, as its administrator: %s;", buf_text(&shown));
	}
	buf_clear(&shown);
	if (told->grant_count == 0)
		doctor_advise(d,
		    "# mend user, password and database in %s, or let that user into "
		    "the database",
		    p->login);
}

static void
advise_failure(struct doctor *d, const struct publisher *p,
    const struct rows_answer *told, enum rows_class class)
{
	if (class == ROWS_CLASS_LOGIN)
		advise_login(d, p);
	else if (class == ROWS_CLASS_RIGHTS)
		advise_rights(d, p, told);
	else if (class == ROWS_CLASS_FAULT && strcmp(p->schema, "own") == 0)
		doctor_advise(d,
		    "# `tlsladder schema %s` prints what makes its tables, where they "
		    "are not there",
		    p->sql);
	else
		doctor_advise(d,
		    "# start the database that %s names, or mend what it names",
		    p->login);
}

/* Asked as the service asks; that changes nothing. */
static bool
check_answer(struct doctor *d, const struct publisher *p)
{
	struct table_exchange x = {.request = {0}};
	const struct rows_line line = {.word = ROWS_RIGHTS};
	char *program = table_program(p);
	bool done = program != NULL;
	struct err err;

	free(program);
	if (!done) {
		doctor_advise(d, "apt-get install %s", table_program_name(p));
		doctor_say(d, DOCTOR_FAULT, "table", "%s is not installed",
		    table_program_name(p));
		return false;
	}
	rows_line_print(&line, &x.request);
	done = table_ask(p, &x, 0, &err);
	if (!done) {
		advise_failure(d, p, &x.answer,
		    x.answer.end == ROWS_DONE ? ROWS_CLASS_FAULT : x.answer.class);
		doctor_say(d, DOCTOR_FAULT, "table", "%s: %s", p->login, err.text);
	} else {
		doctor_say(d, DOCTOR_OK, "table", "the table of %s answers", p->login);
	}
	table_exchange_clear(&x);
	return done;
}

/* --- as Postfix sees it ------------------------------------------------------------ */

static bool
take_first(void *context, const struct published *p)
{
	struct published *out = context;

	if (p->state != PUBLISHED_OURS)
		return true;
	*out = *p;
	return false;
}

/* One of our rows, by the map that main.cf names, without proxy:, by which postmap would
 * try for 100 seconds where it may not enter private/. */
static void
check_seen_by(struct doctor *d, const struct publisher *p, const struct published *row,
    const struct postfix *postfix, const char *who)
{
	struct str map = str_of(p->map);
	struct buf wanted = {0};
	char *value = NULL;
	enum answer answer;
	struct err err;

	str_eat(&map, STR("proxy:"));
	buf_printf(&wanted, "%s %s", row->row.level, row->row.attributes);
	answer = postfix_lookup(postfix, map.p, row->key, &value, &err);
	if (answer == ANSWER_UNSURE)
		doctor_say(d, DOCTOR_OK, "table-seen",
		    "whether %s sees its rows cannot be told here: %s", who, err.text);
	else if (answer == ANSWER_YES &&
	    str_equal(str_trim(str_of(value)), str_trim(str_of(buf_text(&wanted)))))
		doctor_say(
		    d, DOCTOR_OK, "table-seen", "%s sees the row of %s", who, row->key);
	else {
		doctor_advise(
		    d, "# %s must ask the table that %s writes to", map.p, p->login);
		doctor_say(d, DOCTOR_FAULT, "table-seen", "%s does not see the row of %s",
		    who, row->key);
	}
	free(value);
	buf_clear(&wanted);
}

static void
check_seen(struct doctor *d, const struct publisher *p, struct store *store)
{
	struct published row = {.state = PUBLISHED_NONE};
	struct buf name = {0};
	struct err err;

	publisher_print_name(p, &name);
	if (!store_each_published(
	        store, buf_text(&name), "", INT64_MAX, take_first, &row, &err) ||
	    row.state != PUBLISHED_OURS) {
		buf_clear(&name);
		return;
	}
	if (d->config->nodes.count == 0)
		check_seen_by(d, p, &row, &d->postfix, "Postfix");
	for (size_t i = 0; i < d->config->nodes.count; i++) {
		struct postfix postfix = cmd_node(d->config, i);

		check_seen_by(d, p, &row, &postfix, d->config->nodes.items[i].host);
	}
	buf_clear(&name);
}

static void
check_named(struct doctor *d, const struct publisher *p, bool named, bool map_is_read)
{
	if (p->map[0] == '\0') {
		doctor_say(d, DOCTOR_OK, "table-maps",
		    "the Postfix whose log is followed does not read the table of %s",
		    p->login);
	} else if (!named) {
		doctor_advise(d,
		    "# add %s to smtp_tls_policy_maps, or mend publish: map in %s",
		    p->map, d->options->config_file);
		doctor_say(d, DOCTOR_WARNING, "table-maps",
		    "smtp_tls_policy_maps does not name %s", p->map);
	} else if (!map_is_read && d->config->ladder.lowest < p->lowest) {
		doctor_advise_yaml(d, "ladder", "lowest", level_name(p->lowest));
		doctor_say(d, DOCTOR_WARNING, "table-maps",
		    "entries below %s are in no map that Postfix reads",
		    level_name(p->lowest));
	} else {
		doctor_say(
		    d, DOCTOR_OK, "table-maps", "smtp_tls_policy_maps names %s", p->map);
	}
}

/* MariaDB takes names for the same that differ in accents; such mail is possible with
 * SMTPUTF8 alone. */
static void
check_accents(struct doctor *d, const struct publisher *p)
{
	char *utf8 = doctor_parameter(d, "smtputf8_enable");

	if (strcmp(p->sql, "mariadb") == 0 && strcmp(utf8, "yes") == 0) {
		doctor_advise(d,
		    "# in the query of %s: dest = '%%s' AND BINARY dest = LOWER('%%s')",
		    p->map);
		doctor_say(d, DOCTOR_WARNING, "table-accents",
		    "a row may answer for another domain that differs in accents");
	}
	free(utf8);
}

void
doctor_check_tables(struct doctor *d)
{
	const struct config *config = d->config;
	bool map_is_read;
	char **maps = postfix_other_maps(d->has_postfix ? d->settings.policy_maps : "",
	    config_map_seen(config), &map_is_read);
	size_t ignored;
	unsigned all = table_guard_take(config, maps, &ignored);
	struct store *store = NULL;
	struct err err;

	if (config->publish.count > 0 && d->can_open && access(config->state, F_OK) == 0)
		store = store_open(config->state, BUSY_MS, &err);
	for (size_t i = 0; i < config->publish.count; i++) {
		const struct publisher *p = &config->publish.items[i];
		bool named = (all & 1U << i) != 0;

		if (!check_answer(d, p) || !d->has_postfix)
			continue;
		check_named(d, p, named, map_is_read);
		if (named && store != NULL)
			check_seen(d, p, store);
		if (named)
			check_accents(d, p);
	}
	store_close(store);
	postfix_maps_free(maps);
}
