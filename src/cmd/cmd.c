/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/utc.h"
#include "cmd/help.h"
#include "cmd/words.h"
#include "conf/rulefile.h"
#include "sys/log.h"

const struct command *const commands[] = {
    &cmd_run,
    &cmd_scan,
    &cmd_queue,
    &cmd_match,
    &cmd_rules,
    &cmd_check,
    &cmd_status,
    &cmd_list,
    &cmd_explain,
    &cmd_set,
    &cmd_unset,
    &cmd_undo,
    &cmd_again,
    &cmd_policy,
    &cmd_report,
    &cmd_export,
    &cmd_metrics,
    &cmd_notice,
    &cmd_schema,
    &cmd_adopt,
    &cmd_unpublish,
    &cmd_doctor,
    &cmd_help,
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

/* What stands on a command line or in a file must not write on the terminal. */
static void __attribute__((format(printf, 2, 0)))
complain(const char *kind, const char *format, va_list ap)
{
	struct buf text = {0}, visible = {0};

	buf_printf(&visible, "tlsladder: %s: ", kind);
	buf_vprintf(&text, format, ap);
	buf_add_visible(&visible, (struct str){buf_text(&text), text.len});
	log_print((struct str){buf_text(&visible), visible.len});
	buf_clear(&text);
	buf_clear(&visible);
}

int
cmd_fail(int status, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	complain("error", format, ap);
	va_end(ap);
	return status;
}

int
cmd_unknown(const char *key)
{
	/* All below a domain has neither DNS nor mail of its own. */
	if (key[0] == '.')
		return cmd_fail(EX_NOINPUT,
		    "nothing is known of %s; `tlsladder list` shows what there is", key);
	return cmd_fail(EX_NOINPUT,
	    "nothing is known of %s; `tlsladder check %s` asks DNS", key, key);
}

void
cmd_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	complain("warning", format, ap);
	va_end(ap);
}

void
cmd_note(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	complain("note", format, ap);
	va_end(ap);
}

int
cmd_usage(const struct command *command, const char *format, ...)
{
	struct buf usage = {0};
	va_list ap;

	va_start(ap, format);
	complain("error", format, ap);
	va_end(ap);
	help_add_usage(command, false, &usage);
	fputs(buf_text(&usage), stderr);
	buf_clear(&usage);
	return EX_USAGE;
}

static void
add_option_fault(int option, char **argv, struct buf *out)
{
	const char *last = argv[optind - 1];

	if (option == ':')
		buf_printf(out, "option \"%s\" wants a value", last);
	else if (optopt == 0)
		buf_printf(out, "there is no option \"%s\"", last);
	else if (last[0] == '-' && last[1] == '-' && strchr(last, '=') != NULL)
		buf_printf(out, "option \"%s\" takes no value", last);
	else
		buf_printf(out, "there is no option \"-%c\"", optopt);
}

int
cmd_wrong_option(const struct command *command, int option, char **argv)
{
	struct buf fault = {0};

	add_option_fault(option, argv, &fault);
	if (option != ':' && optopt == 0)
		words_add_like_option(command, argv[optind - 1], &fault);
	cmd_usage(command, "%s", buf_text(&fault));
	buf_clear(&fault);
	return EX_USAGE;
}

int
cmd_no_options(const struct command *command, int argc, char **argv)
{
	static const struct option none[] = {{NULL, 0, NULL, 0}};
	int option = getopt_long(argc, argv, ":", none, NULL);

	return option == -1 ? 0 : cmd_wrong_option(command, option, argv);
}

int
cmd_complain(struct errs *errs)
{
	struct buf visible = {0};

	for (size_t i = 0; i < errs->count; i++) {
		buf_reset(&visible);
		buf_add_visible(&visible, str_of(errs->lines[i]));
		log_print((struct str){buf_text(&visible), visible.len});
	}
	buf_clear(&visible);
	errs_clear(errs);
	return EX_CONFIG;
}

int
cmd_load(const struct options *options, struct config *config, struct rules **rules)
{
	struct errs errs = {0};

	if (!config_load(options->config_file, config, &errs))
		return cmd_complain(&errs);
	if (rules == NULL)
		return 0;
	*rules = rulefile_load(
	    config->rules.items, config->rules.count, RULEFILE_COMPILE, &errs);
	if (*rules != NULL)
		return 0;
	config_clear(config);
	return cmd_complain(&errs);
}

struct postfix
cmd_node(const struct config *config, size_t at)
{
	struct postfix postfix = cmd_postfix(config);

	postfix.command = config->nodes.items[at].command.items;
	postfix.command_count = config->nodes.items[at].command.count;
	return postfix;
}

bool
cmd_settings(const struct config *config, struct postfix *of,
    struct postfix_settings *settings, struct err *err)
{
	bool told;

	*of = config->nodes.count > 0 ? cmd_node(config, 0) : cmd_postfix(config);
	told = postfix_read_settings(of, settings, err);
	for (size_t i = 1; i < config->nodes.count && !told; i++) {
		struct err ignored;

		*of = cmd_node(config, i);
		told = postfix_read_settings(of, settings, &ignored);
	}
	return told;
}

struct postfix
cmd_postfix(const struct config *config)
{
	return (struct postfix){
	    .config_directory = config->postfix.config_directory,
	    .command = config->postfix.command.items,
	    .command_count = config->postfix.command.count,
	    .environment = &config->postfix.environment,
	    .map_file = config->map.file,
	    .map_seen_as = config_map_seen(config),
	};
}

void
cmd_tell_long(const char *path, uint64_t count)
{
	if (count > 0)
		cmd_warn("%s: %" PRIu64 " lines over 64 KiB skipped; Postfix writes none",
		    path, count);
}

int
cmd_flush(void)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return cmd_fail(EX_IOERR,
		    "cannot write to standard output; its disk is full, or its reader is "
		    "gone");
	return 0;
}

void
buf_add_time(struct buf *buf, int64_t ms)
{
	char text[UTC_SIZE];

	if (ms != 0 && utc_print(ms / 1000, text))
		buf_printf(buf, "%.10s %.8s", text, text + sizeof("2026-11-24"));
	else
		buf_printf(buf, "-");
}

void
buf_add_json_time(struct buf *buf, int64_t ms)
{
	char text[UTC_SIZE];

	if (ms != 0 && utc_print(ms / 1000, text))
		buf_printf(buf, "\"%s\"", text);
	else
		buf_printf(buf, "null");
}

void
buf_add_time_member(struct buf *buf, const char *name, int64_t ms)
{
	buf_printf(buf, ",\"%s\":", name);
	buf_add_json_time(buf, ms);
}

void
buf_add_colour(struct buf *buf, enum colour colour, const char *text)
{
	static const char *const codes[] = {
	    [COLOUR_RED] = "31",
	    [COLOUR_YELLOW] = "33",
	    [COLOUR_GREEN] = "32",
	    [COLOUR_BOLD] = "1",
	};
	const char *no_color = getenv("NO_COLOR");

	if (isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0'))
		buf_printf(buf, "\033[%sm%s\033[0m", codes[colour], text);
	else
		buf_printf(buf, "%s", text);
}
