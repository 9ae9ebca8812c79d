/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Picks a subcommand. The tree, in the order in which data flows:
 *
 *   base/     text, numbers, errors, memory
 *   core/     pure: log line -> status -> fold; rules; DNS answers -> verdict; ladder
 *   sys/      the operating system: clock, log, children, threads, files
 *   conf/     configuration and rule files
 *   logs/     log files: followed, rotated, packed
 *   dns/      a validating resolver asked
 *   postfix/  Postfix queried and changed, through its own commands
 *   measure/  what can be asked of a destination; a fact source is a file and a row
 *   store/    the database
 *   publish/  facts out: the targets (the policy map), exports, mail to the administrator
 *   engine/   evidence -> decision -> map -> retry, for run, scan and queue
 *   cmd/      a file a subcommand
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "sys/log.h"

static void
print_help(void)
{
	printf(
	    "usage: tlsladder [-c FILE] [-v] COMMAND [ARGUMENT]...\n\n"
	    "Gives every mail destination the strongest TLS level at which its mail "
	    "flows.\n\n"
	    "  -c, --config FILE  configuration (default %s/tlsladder/tlsladder.yaml)\n"
	    "  -v, --verbose      say more on standard error\n"
	    "      --help         this text; COMMAND --help for that of a command\n"
	    "      --version      the version\n\ncommands:\n",
	    SYSCONFDIR);
	for (size_t i = 0; i < command_count; i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nThe manual: tlsladder(8), tlsladder.yaml(5).\n");
}

static void
print_command_help(const struct command *command)
{
	struct buf more = {0};

	printf("usage: tlsladder [-c FILE] [-v] %s%s%s\n\n%s.\n", command->name,
	    command->usage[0] != '\0' ? " " : "", command->usage, command->summary);
	if (command->help != NULL)
		printf("\n%s", command->help);
	if (command->more_help != NULL) {
		command->more_help(&more);
		printf("\n%s", buf_text(&more));
		buf_clear(&more);
	}
}

static bool
wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

/*
 * If a standard descriptor is closed, the next file opened would take its number and
 * receive our output. The replacements cannot be written to, so that the loss is noticed.
 */
static void
open_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	struct options options = {.config_file = SYSCONFDIR "/tlsladder/tlsladder.yaml"};
	struct buf fault = {0};
	int option;

	open_standard_files();
	while ((option = getopt_long(argc, argv, "+:c:vhV", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			options.config_file = optarg;
			break;
		case 'v':
			options.verbose = true;
			log_set_verbose(true);
			break;
		case 'h':
			print_help();
			return cmd_flush();
		case 'V':
			printf("tlsladder %s\n", PACKAGE_VERSION);
			return cmd_flush();
		default:
			cmd_option_fault(option, argv, &fault);
			cmd_fail(EX_USAGE, "%s; try tlsladder --help", buf_text(&fault));
			buf_clear(&fault);
			return EX_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc == 0)
		return cmd_fail(EX_USAGE, "no command; try tlsladder --help");
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(argv[0], commands[i]->name) != 0)
			continue;
		if (wants_help(argc, argv)) {
			print_command_help(commands[i]);
			return cmd_flush();
		}
		optind = 0; /* getopt(3) begins anew with the command's own arguments */
		return commands[i]->run(&options, argc, argv);
	}
	return cmd_fail(EX_USAGE, "no command \"%s\"; try tlsladder --help", argv[0]);
}
