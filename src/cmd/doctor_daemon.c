/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: the daemon, and whether it works by what stands in the files and in Postfix. */
#include <string.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "cmd/loaded.h"
#include "store/store.h"
#include "sys/file.h"

#define BUSY_MS 5000

static void
compare_loaded(struct doctor *d, const struct loaded *then, const struct loaded *now)
{
	bool config = then->config != now->config, rules = then->rules != now->rules;

	if (then->config == 0) /* of a daemon that did not store it */
		return;
	if (!config && !rules) {
		doctor_say(d, DOCTOR_OK, "reload", "the daemon works by these files");
		return;
	}
	if (config)
		doctor_advise_restart(d); /* log.file and state take one */
	else
		doctor_advise_unit(d, "reload", "tlsladder");
	doctor_say(d, DOCTOR_WARNING, "reload",
	    "%s changed since the daemon read %s: it works by what was there before",
	    config && rules ? "configuration and rules were"
	        : config    ? "the configuration was"
	                    : "the rules were",
	    rules ? "them" : "it");
}

static void
check_loaded(struct doctor *d)
{
	struct loaded now = loaded_of(d->options->config_file, d->config), then;
	struct store *store;
	struct err err;

	if (!d->can_open)
		return; /* reported by the check of the state */
	store = store_open(d->config->state, BUSY_MS, &err);
	if (store != NULL && loaded_get(store, &then, &err))
		compare_loaded(d, &then, &now);
	else
		doctor_say(d, DOCTOR_WARNING, "reload", "%s", err.text);
	store_close(store);
}

/* It holds the lock as long as it runs; a file that is not there was never locked. */
void
doctor_check_daemon(struct doctor *d)
{
	struct buf path = {0};
	struct err err;
	int lock = -1;

	buf_printf(&path, "%s.lock", d->config->state);
	if (access(buf_text(&path), F_OK) == 0 &&
	    (lock = file_lock(buf_text(&path), 0, &err)) < 0) {
		d->runs = access(buf_text(&path), R_OK) == 0;
		doctor_say(d, d->runs ? DOCTOR_OK : DOCTOR_WARNING, "daemon", "%s",
		    d->runs ? "runs" : err.text);
	} else {
		doctor_advise_unit(d, "enable --now", "tlsladder");
		doctor_say(d, DOCTOR_WARNING, "daemon", "does not run");
	}
	file_unlock(lock);
	buf_clear(&path);
	if (d->runs)
		check_loaded(d);
}

/* --- what it says itself ------------------------------------------------------------ */

struct waits {
	int64_t counts[WHY_COUNT];
};

static void
count_waits(void *context, enum level level, enum why why, int64_t count)
{
	(void)level;
	((struct waits *)context)->counts[why] += count;
}

/* Its alerts of these name doctor as what is typed next. */
static bool
is_ours_to_mend(enum why why)
{
	bool of_one;

	return strcmp(why_next(why, &of_one), "doctor") == 0;
}

void
doctor_check_waits(struct doctor *d)
{
	struct waits waits = {{0}};
	struct store *store;
	struct err err;

	if (!d->can_open)
		return;
	store = store_open(d->config->state, BUSY_MS, &err);
	if (store == NULL || !store_each_waiting_count(store, count_waits, &waits, &err))
		doctor_say(d, DOCTOR_WARNING, "waits", "%s", err.text);
	for (size_t i = 0; i < WHY_COUNT; i++) {
		enum why why = (enum why)i;

		if (waits.counts[i] == 0 || !is_ours_to_mend(why))
			continue;
		doctor_advise(
		    d, "# first what stands above; it looks again by itself, or:");
		doctor_add_self(d, &d->advice);
		buf_printf(&d->advice, " again --all\n");
		doctor_say(d, DOCTOR_WARNING, "waits",
		    "mail of %lld destination%s waits by %s: %s",
		    (long long)waits.counts[i], waits.counts[i] == 1 ? "" : "s",
		    why_slug(why), why_sentence(why));
	}
	store_close(store);
}

static void
say_settings(struct doctor *d, struct store *store)
{
	struct buf text = {0};
	int64_t read_ms = 0;
	struct err ignored;

	buf_printf(&text,
	    "what was decided rests on the settings that Postfix has: by default %s",
	    level_name(d->level));
	if (store_counter_get(store, STORE_SETTINGS_READ, &read_ms, &ignored) &&
	    read_ms != 0) {
		buf_printf(&text, ", read at ");
		buf_add_time(&text, read_ms);
	}
	doctor_say(d, DOCTOR_OK, "settings", "%s", buf_text(&text));
	buf_clear(&text);
}

/* It looks at Postfix's files once a minute; on another machine it cannot. */
void
doctor_check_settings(struct doctor *d)
{
	int64_t now, then = 0;
	struct store *store;
	struct err err;

	if (!d->has_postfix || !d->runs || !d->can_open)
		return;
	now = postfix_settings_sum(&d->settings, d->level);
	store = store_open(d->config->state, BUSY_MS, &err);
	if (store == NULL ||
	    !store_counter_get(store, POSTFIX_SETTINGS_COUNTER, &then, &err)) {
		doctor_say(d, DOCTOR_WARNING, "settings", "%s", err.text);
	} else if (then == now) {
		say_settings(d, store);
	} else if (then != 0) {
		doctor_advise_unit(d, "reload", "tlsladder");
		doctor_say(d, DOCTOR_WARNING, "settings",
		    "Postfix's settings were changed since the daemon read them; it "
		    "reads "
		    "them anew within a minute");
	}
	store_close(store);
}
