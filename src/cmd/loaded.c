/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/loaded.h"

#include "base/buf.h"
#include "base/sha256.h"
#include "sys/file.h"

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
