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
 *   publish/  facts out: targets (the map, tables), exports, mail to the administrator
 *   engine/   evidence -> decision -> map -> retry, for run, scan and queue
 *   cmd/      a file a subcommand
 *   fetch/    a program of its own that fetches MTA-STS policies: of base/, core/, sys/
 *   sql/      programs of their own that write entries into tables: of base/, core/, sys/
 */
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/help.h"
#include "cmd/words.h"
#include "sys/log.h"

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

static int
run(struct words *words)
{
	const struct command *command =
	    words->command != NULL ? words_command(words->command) : NULL;

	if (words->help) {
		if (command != NULL)
			help_print_command(command);
		else
			help_print();
		return cmd_flush();
	}
	if (words->version) {
		printf("tlsladder %s\n", PACKAGE_VERSION);
		return cmd_flush();
	}
	if (words->command == NULL)
		return cmd_fail(EX_USAGE, "no command; try `tlsladder help`");
	if (command == NULL)
		return help_no_command(words->command);
	log_set_verbose(words->options.verbose);
	return command->run(&words->options, words->argc, words->argv);
}

int
main(int argc, char **argv)
{
	struct words words = {
	    .options = {.config_file = SYSCONFDIR "/tlsladder/tlsladder.yaml"}};
	struct buf fault = {0};
	int status;

	open_standard_files();
	if (words_read(argc, argv, &words, &fault) || words.help || words.version)
		status = run(&words);
	else
		status = cmd_fail(EX_USAGE, "%s; try `tlsladder help`", buf_text(&fault));
	words_clear(&words);
	buf_clear(&fault);
	return cmd_store_ended(status);
}
