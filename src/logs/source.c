/* SPDX-License-Identifier: BSD-2-Clause */
#include "logs/source.h"

#define LOG_SOURCE(name) &source_##name,
static const struct source_kind *const kinds[] = {LOG_SOURCES(LOG_SOURCE)};
#undef LOG_SOURCE

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct source_kind *
kind_of(const char *name)
{
	size_t i = 0;

	while (i + 1 < KINDS && !kinds[i]->has(name))
		i++;
	return kinds[i];
}

void
source_init(struct source *source, const struct source_kind *kind,
    const struct source_options *options)
{
	*source = (struct source){kind, options->note, options->context};
}

void
source_tell(const struct source *source, enum source_note note, const char *text)
{
	if (source->note != NULL)
		source->note(source->context, note, text);
}

struct source *
source_open(const char *name, const struct place *place,
    const struct source_options *options, struct err *err)
{
	const struct source_kind *kind = kind_of(name);
	bool ours = place != NULL && strcmp(place->kind, kind->name) == 0;

	return kind->open(name, ours ? place->text : NULL, options, err);
}

void
source_close(struct source *source)
{
	if (source != NULL)
		source->kind->close(source);
}

enum source_result
source_next(struct source *source, int64_t now_ms, struct str *lines)
{
	*lines = STR("");
	return source->kind->next(source, now_ms, lines);
}

char *
source_exchange(struct source *source, char *spare)
{
	return source->kind->exchange(source, spare);
}

void
source_where(const struct source *source, struct place *out)
{
	*out = (struct place){0};
	str_copy(str_of(source->kind->name), out->kind, sizeof(out->kind));
	source->kind->where(source, out->text);
}

int
source_fd(const struct source *source)
{
	return source->kind->fd(source);
}

int64_t
source_wait_ms(const struct source *source)
{
	return source->kind->wait_ms(source);
}

void
source_progress(const struct source *source, uint64_t *used, uint64_t *size)
{
	*used = *size = 0;
	if (source->kind->progress != NULL)
		source->kind->progress(source, used, size);
}

enum source_behind
source_behind(const char *name, const struct place *place, uint64_t *bytes)
{
	const struct source_kind *kind = kind_of(name);

	*bytes = 0;
	if (kind->behind == NULL || strcmp(place->kind, kind->name) != 0)
		return SOURCE_BEHIND_UNKNOWN;
	return kind->behind(name, place->text, bytes);
}
