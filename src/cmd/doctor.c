/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder doctor: is everything in place, and what is to be typed where it is not? */
#include "cmd/doctor.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/page.h"
#include "conf/rulefile.h"
#include "postfix/run.h"
#include "sys/file.h"

#define COMMAND_MS     60000
#define OUTPUT_MAX     ((size_t)16 << 20)
#define CONFIG_MAX     ((size_t)1 << 20)
#define STANDARD_RULES RULESDIR "/postfix.yaml"

static const char *const result_names[DOCTOR_RESULT_COUNT] = {
    [DOCTOR_OK] = "ok",
    [DOCTOR_WARNING] = "warning",
    [DOCTOR_FAULT] = "fault",
};

/* --- the report --------------------------------------------------------------------- */

static void
print_json(const char *result, const char *check, const char *text, struct str advice,
    struct buf *out)
{
	buf_printf(out, "{\"check\":\"%s\",\"result\":\"%s\",\"text\":", check, result);
	buf_add_json(out, str_of(text));
	buf_printf(out, ",\"advice\":");
	if (advice.len > 0)
		buf_add_json(out, advice);
	else
		buf_printf(out, "null");
	buf_printf(out, "}\n");
}

static void
print_text(enum doctor_result result, const char *check, const char *text,
    struct str advice, struct buf *out)
{
	static const enum colour colours[DOCTOR_RESULT_COUNT] = {
	    [DOCTOR_OK] = COLOUR_GREEN,
	    [DOCTOR_WARNING] = COLOUR_YELLOW,
	    [DOCTOR_FAULT] = COLOUR_RED,
	};
	struct buf row = {0};
	struct str line;

	buf_add_colour(&row, colours[result], result_names[result]);
	buf_printf(&row, "%*s %-15s ", 7 - (int)strlen(result_names[result]), "", check);
	buf_add_visible(&row, str_of(text));
	page_wrap(buf_text(&row), "                        ", "", out);
	/* What is to be typed goes on behind a backslash, a remark behind its mark. */
	while (str_cut(&advice, '\n', &line)) {
		bool is_remark = str_starts(line, STR("#"));

		buf_reset(&row);
		buf_printf(&row, "        ");
		buf_add_visible(&row, line);
		page_wrap(buf_text(&row), is_remark ? "        # " : "            ",
		    is_remark ? "" : " \\", out);
	}
	buf_clear(&row);
}

void
doctor_say(struct doctor *d, enum doctor_result result, const char *check,
    const char *format, ...)
{
	struct str advice = {buf_text(&d->advice), d->advice.len};
	struct buf text = {0}, out = {0};
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	if (d->json)
		print_json(result_names[result], check, buf_text(&text), advice, &out);
	else
		print_text(result, check, buf_text(&text), advice, &out);
	fwrite(buf_text(&out), 1, out.len, stdout);
	fflush(stdout);
	d->counts[result]++;
	buf_reset(&d->advice);
	buf_clear(&text);
	buf_clear(&out);
}

void
doctor_advise(struct doctor *d, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&d->advice, format, ap);
	va_end(ap);
	buf_add_char(&d->advice, '\n');
}

/* --- what is asked ----------------------------------------------------------------- */

bool
doctor_run(const struct doctor *d, bool plain, const char *program,
    const char *const *arguments, struct buf *out, struct err *err)
{
	struct postfix postfix = d->postfix;
	struct postfix_call call = {
	    .program = program,
	    .arguments = arguments,
	    .timeout_ms = COMMAND_MS,
	    .output_max = OUTPUT_MAX,
	};
	struct child_result result;
	bool done;

	if (plain)
		postfix.config_directory = "";
	done = postfix_run_well(&postfix, &call, &result, err);
	if (done && out != NULL)
		buf_add_str(
		    out, (struct str){buf_text(&result.output), result.output.len});
	child_result_clear(&result);
	return done;
}

char *
doctor_parameter(const struct doctor *d, const char *name)
{
	const char *arguments[] = {"-x", "-h", name, NULL};
	struct buf out = {0};
	struct str text, line;
	struct err ignored;
	char *value;

	doctor_run(d, false, "postconf", arguments, &out, &ignored);
	text = (struct str){buf_text(&out), out.len};
	if (!str_cut(&text, '\n', &line))
		line = text;
	line = str_trim(line);
	value = mem_strndup(line.p, line.len);
	buf_clear(&out);
	return value;
}

bool
doctor_read(const struct doctor *d, const char *path, struct buf *out, struct err *err)
{
	const char *arguments[] = {"--", path, NULL};

	return doctor_run(d, true, "cat", arguments, out, err);
}

/* --- ourselves --------------------------------------------------------------------- */

static void
check_rules(struct doctor *d)
{
	const struct strings *files = &d->config->rules;
	struct errs errs = {0};
	struct rules *rules =
	    rulefile_load(files->items, files->count, RULEFILE_EXAMPLES, &errs);

	if (rules != NULL) {
		doctor_say(d, DOCTOR_OK, "rules",
		    "%zu rules in %s%s, their examples hold", rules_count(rules),
		    files->items[0], files->count > 1 ? " and others" : "");
		rules_free(rules);
		return;
	}
	for (size_t i = 1; i < errs.count && i < 20; i++)
		doctor_advise(d, "# %s", errs.lines[i]);
	for (size_t i = 0; i < files->count; i++) {
		if (access(files->items[i], R_OK) != 0 &&
		    access(STANDARD_RULES, R_OK) == 0) {
			doctor_advise_yaml(d, "rules", NULL, STANDARD_RULES);
			break;
		}
	}
	doctor_say(
	    d, DOCTOR_FAULT, "rules", "%s", errs.count > 0 ? errs.lines[0] : "none");
	errs_clear(&errs);
}

/* --- the command ------------------------------------------------------------------- */

static void
check_all(struct doctor *d)
{
	static void (*const checks[])(struct doctor *) = {
	    doctor_check_clock,
	    check_rules,
	    doctor_check_log,
	    doctor_check_state,
	    doctor_check_daemon,
	    doctor_check_postfix,
	    doctor_check_settings,
	    doctor_check_nodes,
	    doctor_check_other_postfix,
	    doctor_check_level,
	    doctor_check_delivery,
	    doctor_check_map_type,
	    doctor_check_map,
	    doctor_check_map_text,
	    doctor_check_policy_maps,
	    doctor_check_transport_maps,
	    doctor_check_tables,
	    doctor_check_loglevel,
	    doctor_check_authorities,
	    doctor_check_dane,
	    doctor_check_resolvers,
	    doctor_check_tools,
	    doctor_check_queue,
	    doctor_check_waits,
	    doctor_check_ladder,
	    doctor_check_sts,
	    doctor_check_notify,
	    doctor_check_metrics,
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](d);
}

/* What somebody else may read and write says nothing of the service, and what mended
 * that would give its files away. */
static int
examine(struct doctor *d)
{
	bool is_user;
	struct err ignored;
	int status;

	doctor_find_user(d);
	file_read(d->options->config_file, CONFIG_MAX, &d->config_text, &ignored);
	doctor_say(d, DOCTOR_OK, "configuration", "%s", d->options->config_file);
	is_user = doctor_check_user(d);
	if (is_user)
		check_all(d);
	if (!d->json)
		printf("\n%u fault%s, %u warning%s\n", d->counts[DOCTOR_FAULT],
		    d->counts[DOCTOR_FAULT] == 1 ? "" : "s", d->counts[DOCTOR_WARNING],
		    d->counts[DOCTOR_WARNING] == 1 ? "" : "s");
	status = cmd_flush();
	buf_clear(&d->config_text);
	buf_clear(&d->written);
	buf_clear(&d->advice);
	free(d->queue_directory);
	postfix_settings_clear(&d->settings);
	if (status == 0 && !is_user)
		status = EX_NOPERM;
	return status != 0 ? status : d->counts[DOCTOR_FAULT] > 0 ? EX_CONFIG : 0;
}

static int
run_doctor(const struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct doctor doctor = {.options = options};
	struct config config;
	int option, status;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option != 'j')
			return cmd_wrong_option(&cmd_doctor, option, argv);
		doctor.json = true;
	}
	if (optind < argc)
		return cmd_usage(&cmd_doctor, "no argument is expected");
	status = cmd_load(options, &config, NULL);
	if (status != 0)
		return status;
	doctor.config = &config;
	doctor.postfix = cmd_postfix(&config);
	status = examine(&doctor);
	config_clear(&config);
	return status;
}

const struct command cmd_doctor = {
    .name = "doctor",
    .usage = "[--json]",
    .summary = "Check the installation; say what to type where it is not right",
    .help = "Run it as the user of the service. Below a fault stands what mends it,\n"
            "to be typed by root. Exit status 78 with a fault, 0 with warnings alone,\n"
            "77 for another user.\n"
            "Nothing is changed.\n",
    .run = run_doctor,
};
