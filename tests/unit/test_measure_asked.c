/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fact sources ask, of a scripted name server and of commands that stand for
 * Postfix's, and what they answer then.
 */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "../dns/server.h"
#include "base/mem.h"
#include "fake.h"
#include "measure/measure_impl.h"
#include "sys/clock.h"

static char other_map[] = "hash:/other";
static char *const other_maps[] = {other_map, NULL};

#define HOST(name) \
	name " A insecure\n\t" name ". 300 IN A 192.0.2.1\n" name " AAAA insecure\n"

#define SCRIPT \
	"plain.test MX insecure\n" \
	"\tplain.test. 300 IN MX 10 a.plain.test.\n" \
	"\tplain.test. 300 IN MX 20 b.plain.test.\n" HOST("a.plain.test") \
	    HOST("b.plain.test") "more.test MX insecure\n" \
	                         "\tmore.test. 60 IN MX 10 a.plain.test.\n" \
	                         "broken.test MX servfail\n" \
	                         "lame.test MX silent\n"

static const char finger[] =
    "for key; do :; done\n"
    "session='TLS connection established to x[192.0.2.1]:25: TLSv1.3 with cipher A "
    "(256/256 bits)'\n"
    "case \"$* \" in\n"
    "*'-l verify '*'[a.plain.test]'*) echo \"posttls-finger: Verified $session\" ;;\n"
    "*'-l encrypt '*) echo \"posttls-finger: Untrusted $session\" ;;\n"
    "*) echo 'posttls-finger: certificate verification failed for x[192.0.2.1]:25: "
    "self-signed certificate'\n"
    "   echo \"posttls-finger: Untrusted $session\" ;;\n"
    "esac\n";

struct world {
	struct server_script *dns;
	char server[64];
	char *servers[1];
	struct resolver_settings resolver;
	struct measure_settings settings;
	struct measurer *measurer;
};

static struct world *
world_new(char *const *maps)
{
	struct world *w = mem_new(1, sizeof(*w));

	fake_reset();
	fake_put("posttls-finger.sh", finger);
	w->dns = server_start("127.0.0.1", 0, SCRIPT);
	snprintf(w->server, sizeof(w->server), "127.0.0.1@%u", server_port(w->dns));
	w->servers[0] = w->server;
	w->resolver = (struct resolver_settings){
	    .servers = w->servers, .server_count = 1, .timeout_ms = 10000, .tries = 1};
	w->settings = measure_settings_of(&fake_postfix, NULL, maps);
	w->measurer = measure_make(&w->resolver);
	return w;
}

static void
world_free(struct world *w)
{
	measure_drop(w->measurer);
	server_stop(w->dns);
	free(w);
}

static void
set_item(struct measure_item *item, const char *key)
{
	assert_true(nexthop_parse(str_of(key), &item->nexthop));
}

/* How often was it called, in a way that holds part? */
static unsigned
calls(const char *tool, const char *part)
{
	char name[64], *text;
	struct str rest, line;
	unsigned count = 0;

	snprintf(name, sizeof(name), "%s.calls", tool);
	text = fake_get(name);
	rest = str_of(text);
	while (str_cut(&rest, '\n', &line)) {
		char *copy = mem_strndup(line.p, line.len);

		count += strstr(copy, part) != NULL;
		free(copy);
	}
	free(text);
	return count;
}

static void
a_job_asks_maps_once(void **state)
{
	struct world *w = world_new(other_maps);
	struct measure_job *job = mem_new(1, sizeof(*job));

	(void)state;
	fake_put("postmap.out", "more.test\tencrypt\n");
	job->settings = w->settings;
	job->count = 3;
	set_item(&job->items[0], "plain.test");
	set_item(&job->items[1], "more.test");
	set_item(&job->items[2], "broken.test");
	snprintf(job->items[0].relay, sizeof(job->items[0].relay), "b.plain.test");
	snprintf(job->items[1].relay, sizeof(job->items[1].relay), "b.plain.test");
	for (unsigned i = 0; i < 3; i++) {
		job->items[i].answers.probe_asked = i == 0;
	}
	measure_work(&job->job, w->measurer);
	assert_int_equal(calls("postmap", "hash:/other"), 1);
	assert_int_equal(job->items[0].answers.other_map, ANSWER_NO);
	assert_int_equal(job->items[1].answers.other_map, ANSWER_YES);
	assert_int_equal(job->items[2].answers.other_map, ANSWER_NO);
	assert_int_equal(job->items[0].answers.dane.state, DANE_NONE);
	assert_int_equal(job->items[1].answers.dane.state, DANE_NONE);
	assert_int_equal(job->items[2].answers.dane.state, DANE_UNSURE);
	assert_true(job->items[0].answers.relay_fits);
	assert_false(job->items[1].answers.relay_fits);
	assert_true(job->items[0].answers.probe_asked);
	assert_false(job->items[1].answers.probe_asked);
	assert_non_null(strstr(job->items[0].answers.text, "b.plain.test address="));
	assert_true(job->items[0].answers.sources[FACT_dns].asked);
	assert_true(job->items[0].answers.sources[FACT_maps].asked);
	assert_false(job->items[0].answers.sources[FACT_hosts].asked);
	assert_non_null(strstr(job->items[2].answers.text, "broken.test MX"));
	assert_int_equal(calls("posttls-finger", ""), 0);
	/* What DNS could not tell is no warning. */
	assert_string_equal(job->err.text, "");
	free(job);
	world_free(w);
}

static void
a_map_that_fails_is_a_warning(void **state)
{
	struct world *w = world_new(other_maps);
	struct measure_job *job = mem_new(1, sizeof(*job));

	(void)state;
	fake_put("postmap.status", "1");
	fake_put("postmap.err", "postmap: fatal: no such map\n");
	job->settings = w->settings;
	job->count = 1;
	set_item(&job->items[0], "plain.test");
	measure_work(&job->job, w->measurer);
	assert_int_equal(job->items[0].answers.other_map, ANSWER_UNSURE);
	assert_true(strncmp(job->err.text, "cannot ask another policy map: ", 31) == 0);
	assert_int_equal(calls("posttls-finger", ""), 0);
	free(job);
	world_free(w);
}

/* Of a server that answers as slowly as it may: all that is asked of it has one time. */
static void
slow_host_has_one_time(void **state)
{
	struct world *w = world_new(NULL);
	struct measure_item item = {.probing = MEASURE_PROBE_HOSTS,
	    .probe_up_to = LEVEL_SECURE,
	    .answers.probe_asked = true};
	const struct measurement *found;

	(void)state;
	set_item(&item, "plain.test");
	w->settings.prober.whole_ms = 999; /* a connection that has less is not begun */
	found = measure_one(w->measurer, &w->settings, &item);
	assert_int_equal(calls("posttls-finger", ""), 0);
	assert_int_equal(found->hosts[0].count, 1);
	assert_int_equal(found->hosts[0].probes[0].outcome, PROBE_UNSURE);
	assert_string_equal(found->hosts[0].probes[0].found, "no time is left");
	assert_int_equal(item.answers.works[LEVEL_VERIFY], ANSWER_UNSURE);
	world_free(w);
}

/* Without end, and the time is over while it does. */
static void
host_without_end_is_left(void **state)
{
	struct world *w = world_new(NULL);
	struct measure_item item = {.probing = MEASURE_PROBE_HOSTS,
	    .probe_up_to = LEVEL_SECURE,
	    .answers.probe_asked = true};
	int64_t begun_ms = clock_monotonic_ms();

	(void)state;
	fake_put("posttls-finger.sh", "exec tail -f /dev/null\n");
	set_item(&item, "more.test");
	w->settings.prober.whole_ms = 1100;
	measure_one(w->measurer, &w->settings, &item);
	assert_int_equal(item.answers.works[LEVEL_ENCRYPT], ANSWER_UNSURE);
	print_message("# %d ms (wanted: 1100)\n", (int)(clock_monotonic_ms() - begun_ms));
	world_free(w);
}

static void
hosts_are_asked_one_by_one(void **state)
{
	struct world *w = world_new(NULL);
	struct measure_item item = {.probing = MEASURE_PROBE_HOSTS,
	    .probe_up_to = LEVEL_SECURE,
	    .answers.probe_asked = true};
	const struct measurement *found;

	(void)state;
	set_item(&item, "plain.test");
	found = measure_one(w->measurer, &w->settings, &item);
	assert_int_equal(calls("postmap", ""), 0);
	/* The first verifies; the second does not, but encrypts; then secure as a whole.
	 */
	assert_int_equal(calls("posttls-finger", "[[a.plain.test]:25]"), 1);
	assert_int_equal(calls("posttls-finger", "[[b.plain.test]:25]"), 2);
	assert_int_equal(calls("posttls-finger", "[secure]"), 1);
	assert_int_equal(calls("posttls-finger", "[plain.test]"), 1);
	assert_int_equal(item.answers.works[LEVEL_VERIFY], ANSWER_YES);
	assert_int_equal(item.answers.works[LEVEL_ENCRYPT], ANSWER_YES);
	assert_int_equal(item.answers.works[LEVEL_SECURE], ANSWER_NO);
	assert_int_equal(item.answers.works[LEVEL_DANE_ONLY], ANSWER_UNSURE);
	assert_int_equal(found->dns.host_count, 2);
	assert_string_equal(found->dns.hosts[1].name, "b.plain.test");
	assert_int_equal(found->hosts[0].count, 1);
	assert_string_equal(found->hosts[0].probes[0].found, "verified session");
	assert_int_equal(found->hosts[1].count, 2);
	assert_int_equal(found->whole.level, LEVEL_SECURE);
	world_free(w);
}

static void
nothing_is_left_of_the_one_before(void **state)
{
	struct world *w = world_new(other_maps);
	struct measure_item item = {.probing = MEASURE_PROBE_HOSTS};
	const struct measurement *found;

	(void)state;
	fake_put("postmap.status", "1");
	fake_put("postmap.err", "postmap: fatal: no such map\n");
	set_item(&item, "plain.test");
	found = measure_one(w->measurer, &w->settings, &item);
	assert_true(found->trouble[FACT_maps][0] != '\0');
	assert_int_equal(found->hosts[0].count, 1);
	fake_put("postmap.status", NULL);
	fake_put("postmap.err", NULL);
	item.probing = MEASURE_PROBE_NONE;
	set_item(&item, "broken.test");
	found = measure_one(w->measurer, &w->settings, &item);
	assert_string_equal(found->trouble[FACT_maps], "");
	assert_true(found->trouble[FACT_dns][0] != '\0');
	assert_int_equal(found->hosts[0].count, 0);
	assert_int_equal(found->dns.host_count, 0);
	assert_int_equal(item.answers.works[LEVEL_VERIFY], ANSWER_UNSURE);
	world_free(w);
}

static void
an_address_is_one_host(void **state)
{
	struct world *w = world_new(NULL);
	struct measure_item item = {.probing = MEASURE_PROBE_HOSTS};
	const struct measurement *found;

	(void)state;
	set_item(&item, "[192.0.2.1]");
	found = measure_one(w->measurer, &w->settings, &item);
	assert_int_equal(found->dns.host_count, 1);
	assert_string_equal(found->dns.hosts[0].name, "192.0.2.1");
	assert_int_equal(calls("posttls-finger", "[[192.0.2.1]:25]"), 2);
	assert_int_equal(found->hosts[0].count, 2);
	world_free(w);
}

static void
without_a_prober_nothing_is_probed(void **state)
{
	struct world *w = world_new(NULL);
	struct measure_item item = {
	    .probing = MEASURE_PROBE_HOSTS, .probe_up_to = LEVEL_VERIFY};

	(void)state;
	assert_true(measure_has_prober(&w->settings));
	fake_put("posttls-finger.sh", "exit 127\n");
	assert_false(measure_has_prober(&w->settings));
	set_item(&item, "plain.test");
	measure_one(w->measurer, &w->settings, &item);
	assert_int_equal(item.answers.works[LEVEL_VERIFY], ANSWER_UNSURE);
	assert_int_equal(item.answers.works[LEVEL_ENCRYPT], ANSWER_UNSURE);
	world_free(w);
}

static void
without_a_resolver_dns_cannot_tell(void **state)
{
	struct world *w = world_new(NULL);
	char wrong[] = "no address";
	char *servers[] = {wrong};
	struct resolver_settings resolver = {.servers = servers, .server_count = 1};
	struct measurer *measurer = measure_make(&resolver);
	struct measure_item item = {.relay = "a.plain.test"};
	const struct measurement *found;
	struct err err;

	(void)state;
	assert_true(measure_has_resolver(w->measurer, &err));
	assert_false(measure_has_resolver(measurer, &err));
	set_item(&item, "plain.test");
	found = measure_one(measurer, &w->settings, &item);
	assert_int_equal(item.answers.dane.state, DANE_UNSURE);
	assert_string_equal(item.answers.text, err.text);
	assert_string_equal(found->trouble[FACT_dns], err.text);
	measure_drop(measurer);
	world_free(w);
}

static void
prober_knows_the_authorities(void **state)
{
	char file[] = "/ca.pem", path[] = "/ca";
	struct postfix_settings postfix = {.ca_file = file, .ca_path = path};
	struct measure_settings some =
	    measure_settings_of(&fake_postfix, &postfix, other_maps);
	struct measure_settings none = measure_settings_of(&fake_postfix, NULL, NULL);

	(void)state;
	assert_string_equal(some.prober.ca_file, "/ca.pem");
	assert_string_equal(some.prober.ca_path, "/ca");
	assert_string_equal(none.prober.ca_file, "");
	assert_string_equal(none.prober.ca_path, "");
	assert_int_equal(some.prober.timeout_ms, none.prober.timeout_ms);
}

/* What postmap prints, and who logs in: the server's name or the next-hop as it is
 * written (smtp_sasl_auth.c); where that could not be told, whoever is named as a relay.
 */
#define DENIED "postmap: fatal: open /p: denied"

static const struct password_row {
	const char *what;
	const char *key;
	const char *out, *err, *status;
	bool by_sender;
	const char *relayhost;
	enum answer answer;
	/* of transport_maps, sender_dependent_relayhost_maps and
	 * sender_dependent_default_transport_maps; "fails": it cannot be listed */
	const char *listed[3];
	const char *fallback_relay, *default_transport;
} password_rows[] = {
    {"nobody", "plain.test", "", "", "1", false, "", .answer = ANSWER_NO},
    {"a server of it", "plain.test", "b.plain.test\tboss:secret\n", "", "0", false, "",
        .answer = ANSWER_YES},
    {"the next-hop", "plain.test", "plain.test\tboss:secret\n", "", "0", false, "",
        .answer = ANSWER_YES},
    {"a map for root alone", "plain.test", "", DENIED, "1", false, "",
        .answer = ANSWER_UNSURE},
    {"... and the relay", "plain.test", "", DENIED, "1", false, "plain.test",
        .answer = ANSWER_YES},
    {"... and a server by name", "[127.0.0.1]", "", DENIED, "1", false, "",
        .answer = ANSWER_YES},
    {"... and the fallback relay", "plain.test", "", DENIED, "1", false, "",
        .answer = ANSWER_YES, .fallback_relay = "[a.test], plain.test"},
    {"... and one of relays apart by blanks", "plain.test", "", DENIED, "1", false,
        "[a.test] plain.test\t[b.test]", .answer = ANSWER_YES},
    {"... and one of a transport's", "plain.test", "", DENIED, "1", false, "",
        .answer = ANSWER_YES, .listed = {"a.test\tsmtp:[a.test] plain.test\n"}},
    {"... and the relay of default_transport", "plain.test", "", DENIED, "1", false, "",
        .answer = ANSWER_YES, .default_transport = "smtp:Plain.test"},
    {"... and a transport map's relay", "plain.test", "", DENIED, "1", false, "",
        .answer = ANSWER_YES, .listed = {"a.test\tlocal:\nb.test\tsmtp:plain.test\n"}},
    {"... and a sender's relay", "plain.test", "", DENIED, "1", false, "",
        .answer = ANSWER_YES, .listed = {"", "@a.test\tplain.test\n"}},
    {"... and a sender's transport", "plain.test", "", DENIED, "1", false, "",
        .answer = ANSWER_YES, .listed = {"", "", "@a.test\tslow:plain.test\n"}},
    {"... and maps that name other relays", "plain.test", "", DENIED, "1", false, "",
        .answer = ANSWER_UNSURE,
        .listed = {"plain.test\tsmtp:\na.test\tlmtp:unix:plain.test\n",
            "@a.test\tother.test\n", "@a.test\tslow:other.test\n"}},
    {"... and a map that cannot be listed", "plain.test", "", DENIED, "1", false, "",
        .answer = ANSWER_YES, .listed = {"fails"}},
    {"a map that tells, and one that cannot be listed", "plain.test", "", "", "1", false,
        "", .answer = ANSWER_NO, .listed = {"fails"}},
    {"passwords of senders", "plain.test", "", "", "1", true, "",
        .answer = ANSWER_UNSURE},
    {"... and a server by name", "[127.0.0.1]", "", "", "1", true, "",
        .answer = ANSWER_YES},
};

/* postmap -q of the password map, and -s of the others. */
static void
put_maps(const struct password_row *row)
{
	struct buf script = {0};

	buf_printf(&script,
	    "while [ \"$1\" = -c ]; do shift 2; done\n"
	    "case $1 in -s) case $2 in\n");
	for (size_t i = 0; i < 3; i++)
		if (row->listed[i] != NULL)
			buf_printf(&script, "hash:/%zu) %s '%s';;\n", i,
			    strcmp(row->listed[i], "fails") == 0 ? "exit 1" : "printf %s",
			    row->listed[i]);
	buf_printf(&script, "esac;;\n*) cat >>\"$FAKE_DIR/postmap.input\"\n");
	buf_printf(&script, "printf '%%s' '%s'; printf '%%s' '%s' >&2; exit %s;; esac\n",
	    row->out, row->err, row->status);
	fake_put("postmap.sh", buf_text(&script));
	buf_clear(&script);
}

static void
password_is_for(void **state)
{
	const struct password_row *row = *state;
	struct world *w = world_new(NULL);
	struct measure_item item = {.probing = MEASURE_PROBE_NONE};
	char *input;

	put_maps(row);
	w->settings.node.credentials = (struct credentials_settings){.used = true,
	    .by_sender = row->by_sender,
	    .maps = "proxy:hash:/p",
	    .relayhost = row->relayhost,
	    .fallback_relay = row->fallback_relay != NULL ? row->fallback_relay : "",
	    .default_transport =
	        row->default_transport != NULL ? row->default_transport : "smtp",
	    .transport_maps = row->listed[0] != NULL ? "proxy:hash:/0" : "",
	    .sender_relayhost_maps = row->listed[1] != NULL ? "hash:/1" : "",
	    .sender_transport_maps = row->listed[2] != NULL ? "hash:/2" : ""};
	set_item(&item, row->key);
	measure_one(w->measurer, &w->settings, &item);
	assert_true(item.answers.sources[FACT_credentials].asked);
	assert_int_equal(item.answers.credentials, row->answer);
	assert_int_equal(calls("postmap", "[-q] [-] [hash:/p]"), 1);
	input = fake_get("postmap.input");
	assert_non_null(strstr(input, row->key));
	free(input);
	world_free(w);
}

/* Of a zone that nobody knows to be slow: others of the job are left, and nothing of it
 * is an answer. The next job has all the time again. */
static void
late_zone_is_no_answer(void **state)
{
	struct world *w = world_new(NULL);
	struct measure_job *job = mem_new(1, sizeof(*job));
	struct fetch_request request = {.host = "a.plain.test"};
	struct err trouble = {{0}};
	int64_t begun_ms;

	(void)state;
	job->settings = w->settings;
	job->count = 2;
	set_item(&job->items[0], "lame.test");
	set_item(&job->items[1], "plain.test");
	job->items[0].most_ms = job->items[1].most_ms = 200;
	begun_ms = clock_monotonic_ms();
	measure_work(&job->job, w->measurer);
	print_message("# %d ms (wanted: 200)\n", (int)(clock_monotonic_ms() - begun_ms));
	assert_true(job->items[0].late && !job->items[0].left);
	assert_false(job->items[0].answers.sources[FACT_hosts].asked);
	assert_true(job->items[1].left);
	/* The time of that job is not the time of what comes next. */
	measure_ask_addresses(w->measurer, &request, &trouble);
	assert_true(request.address_count > 0);
	job->count = 1;
	set_item(&job->items[0], "plain.test");
	job->items[0].most_ms = 0;
	measure_work(&job->job, w->measurer);
	assert_false(job->items[0].late || job->items[0].left);
	assert_int_equal(job->items[0].answers.dane.state, DANE_NONE);
	free(job);
	world_free(w);
}

int
main(void)
{
	int status;

	fake_begin();
	FAKE_ROWS(
	    password_is_for, password_rows, "a password: %s", password_rows[i].what);
	suite_add(a_job_asks_maps_once, NULL,
	    "a job asks the maps once, and then one destination after the other");
	suite_add(a_map_that_fails_is_a_warning, NULL,
	    "a map that fails is a warning, and no server is probed");
	suite_add(
	    slow_host_has_one_time, NULL, "a host has one time for all that is asked");
	suite_add(
	    host_without_end_is_left, NULL, "one that answers without end is left then");
	suite_add(late_zone_is_no_answer, NULL,
	    "a zone that does not answer in the time that it has is late, and no answer");
	suite_add(hosts_are_asked_one_by_one, NULL,
	    "hosts are asked one by one, and secure of the destination");
	suite_add(nothing_is_left_of_the_one_before, NULL,
	    "nothing is left of the destination before");
	suite_add(an_address_is_one_host, NULL, "an address is one host, asked once");
	suite_add(without_a_prober_nothing_is_probed, NULL,
	    "without a prober nothing is probed");
	suite_add(without_a_resolver_dns_cannot_tell, NULL,
	    "without a resolver DNS cannot tell, and says why");
	suite_add(prober_knows_the_authorities, NULL,
	    "the prober knows Postfix's authorities, and one time-out");
	status = suite_run();
	fake_end();
	return status;
}
