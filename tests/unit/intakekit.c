/* SPDX-License-Identifier: BSD-2-Clause */
#include "intakekit.h"

#include <stdlib.h>

#include "base/buf.h"
#include "conf/rulefile.h"
#include "suite.h"

struct rules *intakekit_rules;

static const struct destination_spans spans = {.attempts_ms = 8600000};

void
intakekit_begin(void)
{
	char *file = (char *)(uintptr_t)suite_path("rules/postfix.yaml");
	struct errs errs = {0};

	kit_begin();
	intakekit_rules = rulefile_load(&file, 1, RULEFILE_COMPILE, &errs);
	if (intakekit_rules == NULL) {
		fprintf(stderr, "%s\n", errs.lines[0]);
		exit(2);
	}
}

int
intakekit_end(int status)
{
	rules_free(intakekit_rules);
	return kit_end(status);
}

int64_t
intakekit_ms(int at_s)
{
	return START_MS + at_s * 1000;
}

void
intakekit_read(struct fold *fold, int at_s, const char *text)
{
	struct buf line = {0};

	buf_printf(&line, "2026-11-24T01:%02d:%02d+00:00 %s", 27 + (at_s - 1) / 60,
	    (at_s - 1) % 60, text);
	intake_lines(fold, (struct str){buf_text(&line), line.len}, START_MS + 1);
	buf_clear(&line);
}

struct intake_how
intakekit_how(enum level default_level)
{
	return (struct intake_how){
	    .rules = intakekit_rules,
	    .default_level = default_level,
	    .leads = true,
	    .spans = &spans,
	    .now_ms = 1,
	    .is_followed = true,
	    .purpose = INTAKE_KEEP,
	};
}

bool
intakekit_try(
    struct store *store, struct fold *fold, enum level default_level, bool *news)
{
	struct intake_how how = intakekit_how(default_level);

	return intake_store(store, fold, &how, NULL, 0, news, &kit_err);
}

void
intakekit_store(struct store *store, struct fold *fold)
{
	bool news;

	if (!intakekit_try(store, fold, LEVEL_VERIFY, &news))
		fail_msg("%s", kit_err.text);
}
