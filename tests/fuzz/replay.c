/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Without libFuzzer: every file of corpus/NAME goes through target NAME, and so does each
 * of its beginnings and each with an octet changed. TAP. With a directory as the only
 * argument the corpus is that one's.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "sys/file.h"

#define FILE_MAX 65536
#define STEPS    150 /* changed inputs a file */

static void
take_changed(const struct fuzz_target *target, const struct buf *text)
{
	uint8_t *data = mem_new(text->len + 1, 1);
	size_t step = text->len / STEPS + 1;

	memcpy(data, buf_text(text), text->len);
	target->take(data, text->len);
	for (size_t at = 0; at < text->len; at += step) {
		uint8_t kept = data[at];

		target->take(data, at);
		data[at] ^= (uint8_t)(1U << (at % 8));
		target->take(data, text->len);
		data[at] = kept;
	}
	free(data);
}

/* How many files there are; 0: none can be read. */
static unsigned
replay(const struct fuzz_target *target, const char *corpus)
{
	struct buf path = {0}, text = {0};
	const struct dirent *entry;
	unsigned files = 0;
	struct err err;
	DIR *dir;

	buf_printf(&path, "%s/%s", corpus, target->name);
	dir = opendir(buf_text(&path));
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/%s/%s", corpus, target->name, entry->d_name);
		buf_reset(&text);
		if (file_read(buf_text(&path), FILE_MAX, &text, &err)) {
			take_changed(target, &text);
			files++;
		} else {
			printf("# %s\n", err.text);
		}
	}
	if (dir != NULL)
		closedir(dir);
	buf_clear(&path);
	buf_clear(&text);
	return files;
}

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	struct buf corpus = {0};
	bool all = true;

	if (argc > 1)
		buf_printf(&corpus, "%s", argv[1]);
	else
		buf_printf(
		    &corpus, "%s/tests/fuzz/corpus", srcdir != NULL ? srcdir : ".");
	printf("1..%zu\n", fuzz_target_count);
	for (size_t i = 0; i < fuzz_target_count; i++) {
		unsigned files = replay(&fuzz_targets[i], buf_text(&corpus));

		printf("%sok %zu - %s takes its %u inputs, cut and changed\n",
		    files > 0 ? "" : "not ", i + 1, fuzz_targets[i].name, files);
		fflush(stdout);
		all = all && files > 0;
	}
	buf_clear(&corpus);
	return all ? 0 : 1;
}
