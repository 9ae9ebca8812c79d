/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/run_start.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/store_trouble.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/service.h"

#define BUSY_MS 1000
#define WAIT_MS 2000
#define LOCK_MS 300 /* doctor tries the lock for a moment, to see whether it is held */

int
run_open_signals(struct err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		err_set_errno(err, errno, "signalfd");
	return fd;
}

void
run_warn_of_root(void)
{
	if (geteuid() == 0)
		log_warning("runs as root, which it need not: it reads what strangers "
		            "write; give it a user of its own (README, step 2)");
}

int
run_take_lock(const char *state, struct err *err)
{
	struct buf path = {0};
	int lock;

	buf_printf(&path, "%s.lock", state);
	lock = file_lock(buf_text(&path), LOCK_MS, err);
	buf_clear(&path);
	return lock;
}

void
run_watch_map(const char *map, struct watch **watch)
{
	char *directory = file_directory(map);

	if (*watch == NULL)
		*watch = watch_new();
	if (*watch != NULL)
		watch_add_directory(*watch, directory);
	free(directory);
}

/* Whoever has the manager start it does not wait for hours: it runs, and says for what it
 * waits. */
static void
tell(struct run_wait *wait, const struct err *failed)
{
	if (!wait->said)
		log_error(
		    "%s: it is waited for, nothing is read until then", failed->text);
	wait->said = true;
}

bool
run_wait(struct run_wait *wait, const char *state, int signals, const struct err *failed)
{
	struct pollfd fd = {.fd = signals, .events = POLLIN};
	struct err ignored;
	enum store_trouble trouble = store_trouble(state, BUSY_MS, &ignored);
	bool was_fine = wait->fine;

	wait->fine = trouble == STORE_FINE;
	if (wait->fine)
		return !was_fine; /* it has just passed: at once, and once */
	if (!store_trouble_passes(trouble))
		return false;
	tell(wait, failed);
	poll(&fd, 1, WAIT_MS);
	return true;
}

void
run_wait_over(const struct run_wait *wait, const char *state)
{
	if (!wait->said)
		return;
	log_info("%s can be used", state);
	service_notify("STATUS=");
}
