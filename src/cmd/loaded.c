/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/loaded.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "conf/rulefile.h"
#include "sys/file.h"
#include "sys/log.h"

#define FILE_MAX ((size_t)16 << 20)

#define CONFIG_COUNTER "loaded-config"
#define RULES_COUNTER  "loaded-rules"

static int64_t
sum_of(const struct buf *text)
{
	uint64_t sum = sha256_of((struct str){buf_text(text), text->len}) >> 1;

	return sum != 0 ? (int64_t)sum : 1;
}

struct loaded
loaded_of(const char *config_file, const struct config *config)
{
	struct buf text = {0};
	struct err ignored;
	struct loaded loaded;

	file_read(config_file, FILE_MAX, &text, &ignored);
	loaded.config = sum_of(&text);
	buf_reset(&text);
	for (size_t i = 0; i < config->rules.count; i++) {
		file_read(config->rules.items[i], FILE_MAX, &text, &ignored);
		buf_add_char(&text, '\n');
	}
	loaded.rules = sum_of(&text);
	buf_clear(&text);
	return loaded;
}

bool
loaded_store(struct store *store, const struct loaded *loaded, struct err *err)
{
	if (!store_begin(store, err))
		return false;
	if (store_counter_set(store, CONFIG_COUNTER, loaded->config, err) &&
	    store_counter_set(store, RULES_COUNTER, loaded->rules, err) &&
	    store_commit(store, err))
		return true;
	store_rollback(store);
	return false;
}

bool
loaded_get(struct store *store, struct loaded *loaded, struct err *err)
{
	*loaded = (struct loaded){0};
	return store_counter_get(store, CONFIG_COUNTER, &loaded->config, err) &&
	    store_counter_get(store, RULES_COUNTER, &loaded->rules, err);
}

struct config *
loaded_again(const char *config_file, struct rules **rules)
{
	struct config *config = mem_new(1, sizeof(*config));
	struct errs errs = {0};

	if (config_load(config_file, config, &errs)) {
		*rules = rulefile_load(
		    config->rules.items, config->rules.count, RULEFILE_COMPILE, &errs);
		if (*rules != NULL)
			return config;
		config_clear(config);
	}
	for (size_t i = 0; i < errs.count; i++)
		log_error("%s", errs.lines[i]);
	errs_clear(&errs);
	free(config);
	return NULL;
}

bool
loaded_whole(const struct config *config, const struct config *now)
{
	return strcmp(config->state, now->state) == 0 &&
	    strings_equal(&config->log.files, &now->log.files);
}
