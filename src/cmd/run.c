/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder run: the daemon. One thread reads, judges and stores; see engine.h. */
#include "cmd/cmd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/span.h"
#include "cmd/learn.h"
#include "cmd/loaded.h"
#include "cmd/logfile.h"
#include "cmd/run_heal.h"
#include "cmd/run_report.h"
#include "cmd/run_start.h"
#include "engine/engine.h"
#include "engine/logs.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/service.h"
#include "sys/watch.h"

#define STORE_MS SPAN_SECOND_MS /* while a backlog is read, stored so often */
#define LOOK_MS  SPAN_MINUTE_MS /* the longest sleep */

#define CLAIM_MS 20 /* another counts lines: asked so often whether it still does */

#define FINISH_MS 700 /* to take what the workers are about to bring */

struct daemon {
	const struct options *options;
	struct config *config; /* on the heap: the engine borrows it */
	struct rules *rules;
	struct engine *engine;
	struct logs *logs;
	int signals;          /* signalfd(2) */
	struct watch *others; /* of the map's directory; NULL: no inotify */
	bool stop;
	bool lost_state; /* the database is gone from its place */
	bool is_broken;  /* it is malformed, and cannot be rebuilt */
	bool fresh;      /* nothing is known of the time before */
	struct heal heal;
	struct run_wait wait;
	struct stat state;  /* of the database, when it was opened */
	int64_t reload_ms;  /* monotonic: SIGHUP came, do not wait longer; 0: none did */
	bool refused;       /* the last time that lines were to be counted */
	bool unsaved;       /* there is more in the fold than in the database */
	int64_t unsaved_ms; /* monotonic: since then */
	int64_t rest_ms;    /* monotonic: until then rather read than store */
	struct strange_report strange;
};

/* --- start ------------------------------------------------------------------------- */

/* That wakes us, and the engine asks the database what is new; else it does so after
 * LOOK_MS. */
static void
watch_others(struct daemon *daemon)
{
	run_watch_map(daemon->config->map.file, &daemon->others);
}

/* For doctor, which compares it with the files. */
static void
store_loaded(struct daemon *daemon)
{
	struct loaded loaded = loaded_of(daemon->options->config_file, daemon->config);
	struct err err;

	if (!loaded_store(engine_store(daemon->engine), &loaded, &err))
		log_warning("cannot store what was loaded: %s", err.text);
}

/* --- reload ------------------------------------------------------------------------ */

/* A new engine on the same database: every setting is new, and nothing is lost. */
static bool
exchange(struct daemon *daemon, struct config *config, struct rules *rules)
{
	struct strings files = config->log.files;
	bool whole = loaded_whole(config, daemon->config);
	struct engine *engine;
	struct err err;

	if (!whole)
		log_warning("log.file and state are changed by a restart alone");
	free(config->state);
	config->state = mem_strdup(daemon->config->state);
	engine = engine_new(config, rules, ENGINE_APPLY, run_report_decided, NULL, &err);
	if (engine == NULL) {
		log_error("%s", err.text);
		return false;
	}
	engine_free(daemon->engine);
	rules_free(daemon->rules);
	/* The logs borrow their paths: the old list stays with them. */
	config->log.files = daemon->config->log.files;
	daemon->config->log.files = files;
	config_clear(daemon->config);
	free(daemon->config);
	daemon->engine = engine;
	daemon->rules = rules;
	daemon->config = config;
	watch_others(daemon);
	if (whole)
		store_loaded(daemon);
	return true;
}

/* SIGHUP: configuration and rules are read anew. With any mistake all stays as it was. */
static void
reload(struct daemon *daemon)
{
	struct rules *rules = NULL;
	struct config *config;

	service_notify("RELOADING=1");
	config = loaded_again(daemon->options->config_file, &rules);
	if (config != NULL && exchange(daemon, config, rules)) {
		log_info("reloaded: %zu rules", rules_count(rules));
	} else {
		if (config != NULL) {
			rules_free(rules);
			config_clear(config);
			free(config);
		}
		log_error("not reloaded: the old configuration and rules stay in force");
	}
	service_notify("READY=1");
}

static bool
take_signals(struct daemon *daemon)
{
	struct signalfd_siginfo info;
	bool hangup = false;

	while (read(daemon->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			hangup = true;
		else
			daemon->stop = true;
	}
	return hangup;
}

/* --- reading and storing ----------------------------------------------------------- */

/*
 * What is stored in a database that was deleted or replaced under us is lost. The next
 * start makes a new one, and reports it.
 */
static bool
has_state(const struct daemon *daemon)
{
	struct stat now;

	return stat(daemon->config->state, &now) == 0 &&
	    now.st_dev == daemon->state.st_dev && now.st_ino == daemon->state.st_ino;
}

/* Effects and places in one transaction. */
static enum engine_saved
save(struct daemon *daemon)
{
	struct log_place *places;
	enum engine_saved saved;
	size_t count;

	if (!has_state(daemon)) {
		daemon->lost_state = true;
		daemon->stop = true;
		return ENGINE_SAVE_FAILED;
	}
	places = logs_places(daemon->logs, &count);
	saved = engine_save(daemon->engine, places, count);
	if (saved == ENGINE_SAVED &&
	    !logs_store_notes(daemon->logs, engine_store(daemon->engine)))
		saved = ENGINE_SAVE_FAILED;
	if (saved == ENGINE_SAVED) {
		logs_stored(daemon->logs, places);
		logfile_report_strange(
		    &daemon->strange, engine_fold(daemon->engine), clock_monotonic_ms());
		daemon->unsaved = false;
	}
	free(places);
	return saved;
}

/* True: there is more to read at once. */
static bool
take_lines(struct daemon *daemon)
{
	int64_t mono_ms = clock_monotonic_ms();
	bool came = false, more;

	more = logs_read(daemon->logs, engine_fold(daemon->engine), &came);
	if (came && !daemon->unsaved)
		daemon->unsaved_ms = mono_ms;
	daemon->unsaved =
	    daemon->unsaved || came || (!more && logs_have_moved(daemon->logs));
	if (!daemon->unsaved)
		engine_unclaim(daemon->engine);
	return more;
}

/*
 * Stores at once if there is nothing more to read. A writer a little slower than this
 * reader (a pipe, a busy log) must not cause a transaction for every few lines, so after
 * each transaction reading gets as much time as it took.
 */
static bool
is_time_to_save(struct daemon *daemon, bool more)
{
	int64_t mono_ms = clock_monotonic_ms();

	return daemon->unsaved &&
	    ((!more && mono_ms >= daemon->rest_ms) ||
	        mono_ms - daemon->unsaved_ms >= STORE_MS ||
	        intake_is_full(engine_fold(daemon->engine)));
}

/* The engine and its logs. err says why not. */
static bool
open_all(struct daemon *daemon, struct err *err)
{
	const struct config *config = daemon->config;
	bool from_start = config->log.from_start || daemon->heal.healed, fresh = false;

	daemon->fresh = false;
	daemon->engine = heal_engine(&daemon->heal, config, daemon->rules,
	    run_report_decided, clock_wall_ms(), err);
	if (daemon->engine == NULL)
		return false;
	from_start = from_start || daemon->heal.healed;
	daemon->logs = logs_open(config->log.files.items, config->log.files.count,
	    from_start, engine_store(daemon->engine), &fresh, err);
	if (daemon->logs == NULL)
		return false;
	if (stat(config->state, &daemon->state) != 0)
		return err_set_errno(err, errno, "%s", config->state);
	/* A first start reads no old lines unless asked to, but the queue shows what
	 * waits. */
	if ((fresh && (!from_start || daemon->heal.healed)) ||
	    engine_left_queue(daemon->engine))
		engine_read_queue(daemon->engine);
	/* The places themselves, before anything is read: killed in its first backlog,
	 * the next start goes on there, and not in a file that came since. */
	daemon->unsaved = true;
	daemon->fresh = fresh && !config->log.from_start;
	if (fresh)
		save(daemon);
	daemon->unsaved = true;
	daemon->unsaved_ms = clock_monotonic_ms();
	daemon->rest_ms = 0;
	store_loaded(daemon);
	return true;
}

/* --- the loop ---------------------------------------------------------------------- */

static int64_t
wait_ms(struct daemon *daemon, bool reading)
{
	int64_t wait = engine_wait_ms(daemon->engine);

	if (wait < 0 || wait > LOOK_MS)
		wait = LOOK_MS;
	if (daemon->reload_ms != 0 && daemon->reload_ms - clock_monotonic_ms() < wait)
		wait = daemon->reload_ms - clock_monotonic_ms();
	if (daemon->unsaved && daemon->rest_ms - clock_monotonic_ms() > 0 &&
	    daemon->rest_ms - clock_monotonic_ms() < wait)
		wait = daemon->rest_ms - clock_monotonic_ms();
	if (daemon->refused && wait > CLAIM_MS)
		wait = CLAIM_MS;
	if (!reading)
		return wait > 0 ? wait : 0;
	wait = logs_wait_ms(daemon->logs, wait);
	return wait > 0 ? wait : 0;
}

static void
wait_for_news(struct daemon *daemon, bool reading, int64_t ms)
{
	size_t logs = reading ? logs_count(daemon->logs) : 0,
	       count = 2 + ENGINE_FDS + logs;
	struct pollfd *fds = mem_new(count, sizeof(*fds));
	int engine_fd[ENGINE_FDS];

	engine_fds(daemon->engine, engine_fd);
	fds[0].fd = daemon->others != NULL ? watch_fd(daemon->others) : -1;
	fds[1].fd = daemon->signals;
	for (size_t i = 0; i < ENGINE_FDS; i++)
		fds[2 + i].fd = engine_fd[i];
	for (size_t i = 0; i < logs; i++)
		fds[2 + ENGINE_FDS + i].fd = logs_fd(daemon->logs, i);
	for (size_t i = 0; i < count; i++)
		fds[i].events = POLLIN;
	poll(fds, count, (int)ms);
	if (fds[0].revents != 0)
		watch_drain(daemon->others);
	free(fds);
}

/* Runs when everything is stored, and if possible while no worker is busy, as it waits
 * for workers. */
static bool
may_reload(struct daemon *daemon)
{
	return daemon->reload_ms != 0 && !daemon->unsaved &&
	    (!engine_is_working(daemon->engine) ||
	        clock_monotonic_ms() >= daemon->reload_ms);
}

/* Is Postfix being asked for what the first lines wait for? Reading on would not help. */
static bool
is_early(struct daemon *daemon)
{
	return intake_is_early(engine_fold(daemon->engine)) &&
	    engine_asks_settings(daemon->engine);
}

/* Stores what was read, without a place. False: to end. */
static bool
pause_learning(void *context, enum scan_pause pause)
{
	struct daemon *daemon = context;
	struct fold *fold = engine_fold(daemon->engine);

	if (take_signals(daemon))
		daemon->reload_ms = clock_monotonic_ms() + FINISH_MS;
	if (pause == SCAN_GOES_ON && !intake_is_full(fold) && !intake_is_early(fold))
		return !daemon->stop;
	while (!daemon->stop) {
		enum engine_saved saved = engine_save(daemon->engine, NULL, 0);

		if (saved == ENGINE_SAVED)
			break;
		engine_turn(daemon->engine);
		if (saved == ENGINE_SAVE_FAILED || fold_parked(fold) > 0)
			wait_for_news(daemon, false, wait_ms(daemon, false));
		if (take_signals(daemon))
			daemon->reload_ms = clock_monotonic_ms() + FINISH_MS;
	}
	return !daemon->stop;
}

static bool
begin_learning(void *context)
{
	struct daemon *daemon = context;

	while (!engine_claim(daemon->engine) && !daemon->stop) {
		poll(NULL, 0, CLAIM_MS);
		if (take_signals(daemon))
			daemon->reload_ms = clock_monotonic_ms() + FINISH_MS;
	}
	return !daemon->stop;
}

static void
learn_past(struct daemon *daemon)
{
	if (daemon->fresh && daemon->config->log.learn_ms > 0)
		learn(daemon->config, engine_fold(daemon->engine), clock_wall_ms(),
		    begin_learning, pause_learning, daemon);
}

/*
 * The database is malformed: it is set aside, and a new one made of the map and the log,
 * from its beginning. False: that is not possible.
 */
static bool
rebuild(struct daemon *daemon)
{
	struct err err;

	heal_note(&daemon->heal, engine_malformed(daemon->engine));
	logs_close(daemon->logs);
	daemon->logs = NULL;
	engine_free(daemon->engine);
	daemon->engine = NULL;
	daemon->is_broken =
	    !heal_set_aside(&daemon->heal, daemon->config, clock_wall_ms(), &err) ||
	    !open_all(daemon, &err);
	if (daemon->is_broken)
		log_error("%s", err.text);
	else
		learn_past(daemon);
	return !daemon->is_broken;
}

static void
serve(struct daemon *daemon)
{
	enum engine_saved saved = ENGINE_SAVED;

	while (!daemon->stop) {
		bool more = false, early = is_early(daemon), reading, saving;
		int64_t began_ms;

		/* With a full disk the lines stay in the log, not in memory; so do those
		 * behind too many that wait for Postfix to say where they go, and all
		 * while a command counts lines. */
		reading = !early &&
		    (saved == ENGINE_SAVED ||
		        (saved == ENGINE_SAVE_WAITS &&
		            !intake_is_full(engine_fold(daemon->engine))));
		daemon->refused = reading && !engine_claim(daemon->engine);
		reading = reading && !daemon->refused;
		if (reading)
			more = take_lines(daemon);
		began_ms = clock_monotonic_ms();
		saving = is_time_to_save(daemon, more);
		if (saving)
			saved = save(daemon);
		if (daemon->lost_state)
			break;
		engine_turn(daemon->engine);
		if (engine_malformed(daemon->engine) != NULL) {
			if (!rebuild(daemon))
				break;
			saved = ENGINE_SAVED;
			continue;
		}
		if (saving)
			daemon->rest_ms = 2 * clock_monotonic_ms() - began_ms;
		if (logs_are_over(daemon->logs) && !daemon->unsaved &&
		    engine_is_idle(daemon->engine))
			break;
		/* It can be stored again: what was written meanwhile is read at once. */
		if (!reading && !early && !daemon->refused && saved == ENGINE_SAVED)
			continue;
		/* The last route came in this turn: what waited for it can be stored. */
		if (saved == ENGINE_SAVE_WAITS &&
		    fold_parked(engine_fold(daemon->engine)) == 0)
			continue;
		if (early && !is_early(daemon))
			continue;
		if (!more) {
			engine_rest(daemon->engine);
			wait_for_news(daemon, reading, wait_ms(daemon, reading));
		}
		if (take_signals(daemon))
			daemon->reload_ms = clock_monotonic_ms() + FINISH_MS;
		if (may_reload(daemon)) {
			daemon->reload_ms = 0;
			reload(daemon);
		}
	}
	if (daemon->unsaved && !daemon->lost_state && !daemon->is_broken)
		save(daemon);
}

/* Stops at once when asked to, without waiting for a silent resolver. Everything is in
 * the database, and the next start begins the workers' unfinished jobs anew. */
static void
finish(struct daemon *daemon)
{
	int64_t until_ms = clock_monotonic_ms() + FINISH_MS;
	int64_t left_ms;

	while (engine_is_working(daemon->engine)) {
		left_ms = until_ms - clock_monotonic_ms();
		if (left_ms <= 0) {
			log_info("stopped, with questions unanswered");
			child_end_all(); /* what hangs would outlive us */
			_exit(0);
		}
		wait_for_news(daemon, false, left_ms);
		engine_turn(daemon->engine);
	}
}

/* Is it to be tried once more? */
static bool
waits(struct daemon *daemon, const struct err *failed)
{
	bool again =
	    run_wait(&daemon->wait, daemon->config->state, daemon->signals, failed);

	take_signals(daemon); /* nothing uses a configuration yet that is read anew */
	return again && !daemon->stop;
}

/* The database, and all that rests on it; the exit status. */
static int
open_state(struct daemon *daemon)
{
	bool no_logs;
	struct err err;

	while (!heal_check(&daemon->heal, daemon->config, clock_wall_ms(), &err) ||
	    !open_all(daemon, &err)) {
		no_logs = daemon->engine != NULL && daemon->logs == NULL;
		if (no_logs || !waits(daemon, &err))
			return daemon->stop
			    ? 0
			    : cmd_fail(no_logs ? EX_NOINPUT : EX_IOERR, "%s", err.text);
		logs_close(daemon->logs);
		daemon->logs = NULL;
		engine_free(daemon->engine);
		daemon->engine = NULL;
	}
	run_wait_over(&daemon->wait, daemon->config->state);
	return 0;
}

static int
start(struct daemon *daemon)
{
	struct err err;
	int lock, status;

	daemon->signals = run_open_signals(&err);
	if (daemon->signals < 0)
		return cmd_fail(EX_OSERR, "%s", err.text);
	while ((lock = run_take_lock(daemon->config->state, &err)) < 0) {
		if (lock == FILE_LOCKED)
			return cmd_fail(EX_UNAVAILABLE,
			    "another tlsladder is running: %s; `tlsladder status` shows "
			    "what it does",
			    err.text);
		if (!waits(daemon, &err))
			return daemon->stop ? 0 : cmd_fail(EX_IOERR, "%s", err.text);
	}
	status = open_state(daemon);
	if (status != 0 || daemon->stop)
		return status;
	watch_others(daemon);
	run_warn_of_root();
	log_info("tlsladder %s follows %s with %zu rules", PACKAGE_VERSION,
	    daemon->config->log.files.items[0], rules_count(daemon->rules));
	service_notify("READY=1");
	learn_past(daemon);
	serve(daemon);
	service_notify("STOPPING=1");
	if (daemon->lost_state)
		return cmd_fail(EX_IOERR,
		    "%s was removed or replaced while it was in use: stopped, nothing "
		    "more is stored; start it again",
		    daemon->config->state);
	if (daemon->is_broken)
		return cmd_fail(EX_IOERR,
		    "%s is malformed, and cannot be rebuilt; `tlsladder doctor` looks "
		    "into it",
		    daemon->config->state);
	finish(daemon);
	log_info("stopped");
	file_unlock(lock);
	return 0;
}

static int
run_run(const struct options *options, int argc, char **argv)
{
	struct daemon daemon = {.options = options, .signals = -1};
	int status;

	status = cmd_no_options(&cmd_run, argc, argv);
	if (status != 0)
		return status;
	if (optind < argc)
		return cmd_usage(&cmd_run, "no argument is expected");
	daemon.config = mem_new(1, sizeof(*daemon.config));
	status = cmd_load(options, daemon.config, &daemon.rules);
	if (status != 0) {
		free(daemon.config);
		return status;
	}
	status = start(&daemon);
	logs_close(daemon.logs);
	watch_free(daemon.others);
	engine_free(daemon.engine);
	rules_free(daemon.rules);
	config_clear(daemon.config);
	free(daemon.config);
	if (daemon.signals >= 0)
		close(daemon.signals);
	return status;
}

const struct command cmd_run = {
    .name = "run",
    .usage = "",
    .summary = "Follow the log and keep the map, in the foreground",
    .help =
        "SIGHUP reads configuration and rules anew; a bad one is refused and the old\n"
        "one stays. SIGTERM ends cleanly.\n",
    .run = run_run,
};
