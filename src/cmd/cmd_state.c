/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of a command: opened, with what was lost of it taken over from the map; and
 * published. */
#include <errno.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "publish/held.h"
#include "publish/takeover.h"
#include "publish/target.h"
#include "store/store_check.h"
#include "sys/clock.h"

#define BUSY_MS 10000 /* how long a command waits for the daemon's transaction */

/* What only reads does not show an empty state as if there were no entries. */
static int
refuse(const struct config *config, const char *state, const struct takeover *wanted)
{
	return cmd_fail(EX_NOINPUT,
	    "%s %s, but the map %s has %zu %s, %zu of them pinned: `tlsladder run` takes "
	    "them over",
	    state, config->state, config->map.file, wanted->entries,
	    wanted->entries == 1 ? "entry" : "entries", wanted->pins);
}

static int
no_state(const struct config *config)
{
	struct postfix postfix = cmd_postfix(config);
	struct takeover wanted;
	struct err err;

	if (held_export(NULL, config, &postfix, &err) != HELD_NOT)
		return cmd_fail(EX_NOINPUT, "%s", err.text);
	if (takeover_wanted(NULL, config, &wanted, &err) && wanted.entries > 0)
		return refuse(config, "there is no state at", &wanted);
	return cmd_fail(EX_NOINPUT,
	    "there is no state at %s yet; has `tlsladder run` run?", config->state);
}

/* 0, or the exit status. */
static int
take_over(const struct config *config, struct store *store, bool create)
{
	struct takeover found;
	struct buf line = {0};
	struct postfix postfix = cmd_postfix(config);
	struct err err;

	if (held_export(store, config, &postfix, &err) != HELD_NOT)
		return cmd_fail(create ? EX_CANTCREAT : EX_NOINPUT, "%s", err.text);
	if (!create) {
		if (!takeover_wanted(store, config, &found, &err))
			return cmd_fail(EX_IOERR, "%s", err.text);
		return found.entries > 0
		    ? refuse(config, "there is nothing in the state", &found)
		    : 0;
	}
	if (!takeover(store, config, clock_wall_ms(), &found, &err))
		return cmd_fail(EX_IOERR, "%s", err.text);
	if (found.entries == 0)
		return 0;
	takeover_print(config, &found, &line);
	cmd_warn("%s", buf_text(&line));
	buf_clear(&line);
	return 0;
}

static char state_file[4096]; /* that was asked for last; "": none */

int
cmd_store_ended(int status)
{
	struct err why;

	if (status == EX_IOERR && state_file[0] != '\0' &&
	    store_check(state_file, &why) == ANSWER_NO)
		cmd_note("%s is malformed: `tlsladder run` makes it anew from the map "
		         "and the log",
		    state_file);
	return status;
}

struct store *
cmd_store(const struct config *config, bool create, int *status)
{
	struct store *store;
	struct err err;

	str_copy(str_of(config->state), state_file, sizeof(state_file));
	if (!create && access(config->state, F_OK) != 0 && errno == ENOENT) {
		*status = no_state(config);
		return NULL;
	}
	store = store_open(config->state, BUSY_MS, &err);
	*status = store != NULL ? take_over(config, store, create)
	                        : cmd_fail(EX_IOERR, "%s", err.text);
	if (*status == 0)
		return store;
	store_close(store);
	return NULL;
}

int
cmd_publish(const struct target_use *use, const char *what)
{
	struct exported published;
	struct err others, err;
	int status = 0;

	if (!targets_publish(
	        targets, target_count, use, PUBLISH_LACKING, &published, &others, &err))
		status = cmd_fail(EX_CANTCREAT,
		    "the %s stored, but the map is not exported: %s; the daemon tries "
		    "again, `tlsladder doctor` looks into it",
		    what, err.text);
	/* What the map has is in force there, whatever became of the tables. */
	if (others.text[0] != '\0')
		status = cmd_fail(EX_CANTCREAT,
		    "the %s stored%s, but not published everywhere: %s; the daemon "
		    "tries again, `tlsladder doctor` looks into it",
		    what, status == 0 ? " and in the map" : "", others.text);
	return status;
}
