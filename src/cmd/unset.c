/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder unset: pins and entries taken away. */
#include "cmd/cmd.h"

#include <sysexits.h>
#include <unistd.h>

#include "cmd/pin.h"
#include "sys/clock.h"

/* A name that was never seen is a slip. */
static bool
must_be_known(void *context, struct store *store, struct pin *pin, int *status)
{
	struct destination d;
	struct err err;
	bool found = false, done;

	(void)context;
	done = store_get(store, pin->nexthop.key, &d, &found, &err);
	destination_clear(&d);
	if (!done)
		*status = cmd_fail(EX_IOERR, "%s", err.text);
	else if (!found)
		*status = cmd_fail(EX_NOINPUT,
		    "there is neither pin nor entry of %s; `tlsladder list` shows what "
		    "there is",
		    pin->nexthop.key);
	return done && found;
}

static int
run_unset(const struct options *options, int argc, char **argv)
{
	struct pins pins = {.action = PIN_UNSET};
	struct config config;
	int status = cmd_no_options(&cmd_unset, argc, argv);

	if (status != 0)
		return status;
	if (optind == argc)
		return cmd_usage(&cmd_unset, "a domain is needed");
	status =
	    pins_add_arguments(&pins, &cmd_unset, argv + optind, (size_t)(argc - optind));
	if (status == 0)
		status = cmd_load(options, &config, NULL);
	if (status == 0) {
		pins.now_ms = clock_wall_ms();
		status = pins_apply(&config, &pins, must_be_known, NULL);
		if (status == 0)
			status = pins_print(&pins);
		config_clear(&config);
	}
	pins_clear(&pins);
	return status;
}

const struct command cmd_unset = {
    .name = "unset",
    .usage = "DOMAIN...",
    .summary = "Take pins or entries away; the ladder decides again",
    .help = "All are taken away or, where one was never seen, none.\n",
    .run = run_unset,
};
