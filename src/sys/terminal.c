/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"

#define COLUMNS_USUAL 80
#define COLUMNS_MAX   10000

size_t
terminal_columns(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t number;

	if (!isatty(fd))
		return 0;
	if (columns != NULL && str_number(str_of(columns), COLUMNS_MAX, &number) &&
	    number > 0)
		return (size_t)number;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return COLUMNS_USUAL;
}
