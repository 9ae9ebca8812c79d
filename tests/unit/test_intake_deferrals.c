/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of mail that was deferred, and when it is news. */
#include "suite.h"

#include <stdio.h>

#include "intakekit.h"

struct deferral_row {
	const char *name;
	int force_s;          /* since when the present level is in force; -1: not yet */
	const char *lines[4]; /* at 10, 20, 30 s, each stored by itself */
	const char *expected; /* "real@10 2 attempts, news" */
};

static const struct deferral_row deferral_rows[] = {
    {"a first one", 0, {DEFERRED("QA")}, "real@10 1 attempts, news"},
    {"an echo first", 0, {ECHO("QA")}, "echo@10 0 attempts, news"},
    {"an attempt after an echo", 0, {ECHO("QA"), DEFERRED("QB")},
        "real@20 1 attempts, news"},
    {"an echo of an attempt under the present level is no news", 5,
        {DEFERRED("QA"), ECHO("QB")}, "real@10 1 attempts"},
    {"an echo of an attempt from before it is: its mail is retried", 15,
        {DEFERRED("QA"), ECHO("QB")}, "real@10 0 attempts, news"},
    {"an echo while the map is not in place yet", -1, {DEFERRED("QA"), ECHO("QB")},
        "real@10 0 attempts, news"},
    {"an attempt under the present level after one from before it", 15,
        {DEFERRED("QA"), DEFERRED("QB")}, "real@20 1 attempts, news"},
    {"one that took long and began before the present level is no news", 5,
        {DEFERRED("QA"), STATUS("QB", "0/0/18/0", "", "deferred", NOT_VERIFIED)},
        "real@10 1 attempts"},
    {"one that whole seconds leave open is", 5,
        {DEFERRED("QA"), STATUS("QB", "0/0/10/0.3", "", "deferred", NOT_VERIFIED)},
        "real@20 2 attempts, news"},
    {"a second one under the present level is", 5, {DEFERRED("QA"), DEFERRED("QB")},
        "real@20 2 attempts, news"},
    {"what is deferred after mail flowed begins anew", 5,
        {DEFERRED("QA"), SENT("QA"), DEFERRED("QB")}, "real@30 1 attempts, news"},
    {"sent mail is the end of it", 5, {DEFERRED("QA"), SENT("QA")}, "none 0 attempts"},
    {"lost mail", 0, {STATUS("QA", "0/0/0/0", "", "bounced", NOT_VERIFIED)},
        "lost@10 1 attempts, news"},
};

static void
deferral_is_noted(void **state)
{
	const struct deferral_row *row = *state;
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(intakekit_rules);
	struct buf got = {0};
	struct destination d;
	bool news = false;

	destination_init(&d, "a.test");
	d.entry.level = row->force_s != 0 ? LEVEL_ENCRYPT : LEVEL_NONE;
	d.entry.force_ms = row->force_s < 0 ? LADDER_NOT_YET
	    : row->force_s > 0              ? intakekit_ms(row->force_s)
	                                    : 0;
	d.dns.time_ms = intakekit_ms(0);
	kit_put(store, &d);
	for (int i = 0; i < 4 && row->lines[i] != NULL; i++) {
		/* what came before was judged */
		d = kit_get(store, "a.test");
		d.alarm.pending = false;
		kit_put(store, &d);
		intakekit_read(fold, 10 * (i + 1), row->lines[i]);
		assert_true(intakekit_try(store, fold, LEVEL_VERIFY, &news));
	}
	d = kit_get(store, "a.test");
	if (d.alarm.raised)
		buf_printf(&got, "%s@%d ",
		    d.alarm.lost            ? "lost"
		        : d.alarm.suspended ? "echo"
		                            : "real",
		    (int)((d.alarm.time_ms - START_MS) / 1000));
	else
		buf_printf(&got, "none ");
	buf_printf(
	    &got, "%u attempts%s", d.alarm.attempts, d.alarm.pending ? ", news" : "");
	assert_string_equal(buf_text(&got), row->expected);
	assert_int_equal(news, d.alarm.pending);
	buf_clear(&got);
	fold_free(fold);
	store_close(store);
}

static void
deferral_is_kept_whole(void **state)
{
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(intakekit_rules);
	struct destination d;

	(void)state;
	intakekit_read(
	    fold, 10, STATUS("QA", "0/0/1/2", ", tls=!verify", "deferred", NOT_VERIFIED));
	intakekit_store(store, fold);
	d = kit_get(store, "a.test");
	assert_string_equal(d.alarm.rule, "certificate-not-verified");
	assert_string_equal(d.alarm.reason, NOT_VERIFIED);
	assert_string_equal(d.alarm.dsn, "4.7.5");
	assert_string_equal(d.alarm.service, "smtp");
	assert_string_equal(d.alarm.relay, "mx.a.test");
	assert_int_equal(d.alarm.attempt_level, LEVEL_VERIFY);
	assert_in_range(d.alarm.attempt_ms, intakekit_ms(7) - 20, intakekit_ms(7));
	assert_int_equal(d.alarm.first_attempt_ms, d.alarm.attempt_ms);
	intakekit_read(fold, 20,
	    STATUS("QB", "0/0/0/0", "", "deferred", "client TLS configuration problem"));
	intakekit_store(store, fold);
	d = kit_get(store, "a.test");
	assert_true(d.alarm.policy_refused);
	assert_int_equal(d.alarm.attempt_level, LEVEL_UNKNOWN);
	assert_in_range(d.alarm.first_attempt_ms, intakekit_ms(7) - 20, intakekit_ms(7));
	assert_in_range(d.alarm.last_attempt_ms, intakekit_ms(20) - 20, intakekit_ms(20));
	fold_free(fold);
	store_close(store);
}

static enum answer
route_to_relay(
    void *context, struct str recipient, struct str domain, struct route *route)
{
	(void)recipient;
	assert_true(str_copy(domain, route->key, sizeof(route->key)));
	snprintf(
	    route->transport, sizeof(route->transport), "%s", *(const char **)context);
	return ANSWER_YES;
}

/* A policy look-up names the next-hop, and not the service: that stays as it was. */
static void
service_stays_known(void **state)
{
	const char *transport = "relay";
	struct store *store = kit_scratch();
	struct fold *fold = fold_new(intakekit_rules);

	(void)state;
	fold_set_router(fold, route_to_relay, &transport);
	intakekit_read(fold, 10, DEFERRED("QA"));
	intakekit_store(store, fold);
	assert_string_equal(kit_get(store, "a.test").transport, "relay");
	transport = "";
	intakekit_read(fold, 20, DEFERRED("QB"));
	intakekit_store(store, fold);
	assert_string_equal(kit_get(store, "a.test").transport, "relay");
	transport = "slow";
	intakekit_read(fold, 30, DEFERRED("QC"));
	transport = "";
	intakekit_read(fold, 40, DEFERRED("QD"));
	intakekit_store(store, fold);
	assert_string_equal(kit_get(store, "a.test").transport, "slow");
	fold_free(fold);
	store_close(store);
}

int
main(void)
{
	intakekit_begin();
	for (size_t i = 0; i < sizeof(deferral_rows) / sizeof(deferral_rows[0]); i++)
		suite_add(deferral_is_noted, &deferral_rows[i], "deferral: %s",
		    deferral_rows[i].name);
	suite_add(deferral_is_kept_whole, NULL, "all that a deferral says is kept");
	suite_add(service_stays_known, NULL, "the service of a destination stays known");
	return intakekit_end(suite_run());
}
