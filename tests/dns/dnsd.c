/* SPDX-License-Identifier: BSD-2-Clause */
/* dnsd ADDRESS PORT SCRIPT: the scripted name server as a program. It says ADDRESS@PORT
 * once it listens, and ends when its standard input does. */
#include <stdio.h>
#include <stdlib.h>

#include "server.h"

int
main(int argc, char **argv)
{
	struct server_script *server;
	FILE *file = argc == 4 ? fopen(argv[3], "re") : NULL;
	char *text = NULL;
	size_t size = 0;

	if (file == NULL || getdelim(&text, &size, '\0', file) < 0) {
		fprintf(stderr, "usage: dnsd ADDRESS PORT SCRIPT\n");
		return 64;
	}
	fclose(file);
	server = server_start(argv[1], (unsigned)strtoul(argv[2], NULL, 10), text);
	free(text);
	printf("%s@%u\n", argv[1], server_port(server));
	fflush(stdout);
	while (getchar() != EOF)
		;
	server_stop(server);
	return 0;
}
