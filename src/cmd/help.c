/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder help, and --help. */
#include "cmd/help.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/width.h"
#include "cmd/words.h"

#define USAGE_COLUMNS 80
#define USAGE_INDENT  "           "

void
help_print(void)
{
	printf(
	    "usage: tlsladder [-c FILE] [-v] COMMAND [ARGUMENT]...\n\n"
	    "Gives every mail destination the strongest TLS level at which its mail "
	    "flows.\n\n"
	    "  -c, --config FILE  configuration; without it\n"
	    "                     %s/tlsladder/tlsladder.yaml\n"
	    "  -v, --verbose      say more on standard error\n"
	    "  -h, --help         this text; COMMAND --help for that of a command\n"
	    "      --version      the version\n\n"
	    "Options stand before the command or behind it; -- ends them.\n\ncommands:\n",
	    SYSCONFDIR);
	for (size_t i = 0; i < command_count; i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nThe manual: tlsladder(8), tlsladder.yaml(5).\n");
}

/* The next part of a usage: up to a blank that is in no brackets. */
static struct str
next_part(struct str *usage)
{
	struct str part = {usage->p, 0};
	int depth = 0;

	while (part.len < usage->len && (depth > 0 || part.p[part.len] != ' ')) {
		char c = part.p[part.len++];

		depth += (c == '[' || c == '{') - (c == ']' || c == '}');
	}
	*usage = str_skip(*usage, part.len < usage->len ? part.len + 1 : part.len);
	return part;
}

void
help_add_usage(const struct command *command, bool general, struct buf *out)
{
	struct str usage = str_of(command->usage), part;
	size_t line = out->len;

	buf_printf(out, "usage: tlsladder %s%s", general ? "[-c FILE] [-v] " : "",
	    command->name);
	while (usage.len > 0) {
		part = next_part(&usage);
		if (out->len - line + 1 + width_of(part) > USAGE_COLUMNS) {
			buf_add_char(out, '\n');
			line = out->len;
			buf_printf(out, "%s", USAGE_INDENT);
		} else {
			buf_add_char(out, ' ');
		}
		buf_add_str(out, part);
	}
	buf_add_char(out, '\n');
}

void
help_print_command(const struct command *command)
{
	struct buf more = {0};

	help_add_usage(command, true, &more);
	printf("%s\n%s.\n", buf_text(&more), command->summary);
	buf_reset(&more);
	if (command->help != NULL)
		printf("\n%s", command->help);
	if (command->more_help != NULL) {
		command->more_help(&more);
		printf("\n%s", buf_text(&more));
	}
	buf_clear(&more);
}

int
help_no_command(const char *name)
{
	struct buf like = {0};

	words_add_like_command(name, &like);
	cmd_fail(EX_USAGE, "no command \"%s\"%s%s", name, buf_text(&like),
	    like.len == 0 ? "; try `tlsladder help`" : "");
	buf_clear(&like);
	return EX_USAGE;
}

static int
run_help(const struct options *options, int argc, char **argv)
{
	const struct command *command;
	int status = cmd_no_options(&cmd_help, argc, argv);

	(void)options;
	if (status != 0)
		return status;
	if (argc - optind > 1)
		return cmd_usage(&cmd_help, "one command is expected");
	if (optind == argc) {
		help_print();
		return cmd_flush();
	}
	command = words_command(argv[optind]);
	if (command == NULL)
		return help_no_command(argv[optind]);
	help_print_command(command);
	return cmd_flush();
}

const struct command cmd_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "Show the usage, or that of a command",
    .run = run_help,
};
