/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/config_files.h"

#include <string.h>

#define PATH_SIZE 128 /* of "section.section.key" */

bool
config_is_state(struct str path, struct str state)
{
	return str_eat(&path, state) &&
	    (path.len == 0 || str_is(path, "-wal") || str_is(path, "-shm") ||
	        str_is(path, "-journal") || str_is(path, ".lock") ||
	        str_is(path, ".counting") || str_starts(path, STR(".table-")));
}

bool
config_is_map(struct str path, struct str map)
{
	return str_eat(&path, map) && (path.len == 0 || path.p[0] == '.');
}

/* Where "state" or "map.file" got its value; NULL: nowhere, it is the default. */
static const struct node *
place_in_file(const struct doc *doc, const char *path)
{
	const struct node *node = doc_root(doc);
	struct str left = str_of(path), name;
	char key[PATH_SIZE];

	while (node != NULL && left.len > 0) {
		if (!str_cut(&left, '.', &name)) {
			name = left;
			left.len = 0;
		}
		str_copy(name, key, sizeof(key));
		node = node->kind == NODE_MAP ? node_find(node, key) : NULL;
	}
	return node;
}

/* The one of the two that the file has, the later in the order of keys first. */
static const struct node *
place_of_two(const struct doc *doc, const char *path, const char *other)
{
	const struct node *node = place_in_file(doc, path);

	return node != NULL ? node : place_in_file(doc, other);
}

/* A new log is empty, as a new database is. */
static void
check_not_log(
    struct doc *doc, const struct config *config, const char *key, const char *path)
{
	const struct strings *logs = &config->log.files;

	for (size_t i = 0; path != NULL && i < logs->count; i++)
		if (strcmp(path, logs->items[i]) == 0)
			doc_complain(doc, place_of_two(doc, key, "log.file"),
			    "%s and log.file are the same file; give each its own", key);
}

/* It is written each minute over whatever is there. */
static void
check_textfile(struct doc *doc, const struct config *config)
{
	struct str textfile;

	if (config->metrics.textfile == NULL || config->metrics.textfile[0] == '\0')
		return;
	textfile = str_of(config->metrics.textfile);
	if (str_is(textfile, doc_name(doc)))
		doc_complain(doc, place_in_file(doc, "metrics.textfile"),
		    "metrics.textfile is this file; give it a name of its own");
	if (config->mta_sts.ca_file != NULL && str_is(textfile, config->mta_sts.ca_file))
		doc_complain(doc,
		    place_of_two(doc, "metrics.textfile", "mta_sts.ca_file"),
		    "metrics.textfile is mta_sts.ca_file; give it a name of its own");
	for (size_t i = 0; i < config->publish.count; i++)
		if (str_is(textfile, config->publish.items[i].login))
			doc_complain(doc,
			    place_of_two(doc, "metrics.textfile", "publish"),
			    "metrics.textfile is a login file; give it a name of its "
			    "own");
	for (size_t i = 0; i < config->rules.count; i++)
		if (str_is(textfile, config->rules.items[i]))
			doc_complain(doc, place_of_two(doc, "metrics.textfile", "rules"),
			    "metrics.textfile is a file of rules; give it a name of its "
			    "own");
	if (config->notify.template != NULL && str_is(textfile, config->notify.template))
		doc_complain(doc,
		    place_of_two(doc, "metrics.textfile", "notify.template"),
		    "metrics.textfile is notify.template; give it a name of its own");
	if (config->state != NULL && config_is_state(textfile, str_of(config->state)))
		doc_complain(doc, place_of_two(doc, "metrics.textfile", "state"),
		    "metrics.textfile is a file of the state; give it a name of its own");
	if (config->map.file != NULL && config_is_map(textfile, str_of(config->map.file)))
		doc_complain(doc, place_of_two(doc, "metrics.textfile", "map.file"),
		    "metrics.textfile is a file of the map; give it a name of its own");
}

void
config_check_files(struct doc *doc, const struct config *config)
{
	struct str state, map;

	check_not_log(doc, config, "state", config->state);
	check_not_log(doc, config, "map.file", config->map.file);
	check_not_log(doc, config, "metrics.textfile", config->metrics.textfile);
	check_textfile(doc, config);
	if (config->state == NULL || config->map.file == NULL)
		return;
	state = str_of(config->state);
	map = str_of(config->map.file);
	if (str_equal(state, map))
		doc_complain(doc, place_of_two(doc, "map.file", "state"),
		    "state and map.file are the same file; give each its own");
	else if (config_is_map(state, map) || config_is_state(map, state))
		doc_complain(doc, place_of_two(doc, "map.file", "state"),
		    "state and map.file are %s and %s, and one would overwrite the "
		    "other; give them names of their own",
		    config->state, config->map.file);
}
