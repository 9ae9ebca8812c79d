/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of a policy's entry, where DNS answers are forged, or missing. */
#include "suite.h"

#include <string.h>

#include "engine/engine_impl.h"
#include "policykit.h"

#define WILDCARD POLICYKIT("*.d.test", "604800")
#define BACKUP   POLICYKIT("backup.d.test\nmx: *.d.test", "604800")
#define NOBODY   "match=no-mx-host-matches.invalid servername=hostname"
#define FORGED \
	"_25._tcp.mx.evil.test TLSA: bogus\n" \
	"mx.evil.test address=insecure tlsa=error\n"

/* More names than an entry may have, and mx.d.test. */
static void
serve_large(const char *host, struct buf *text, struct fetch_answer *out)
{
	(void)host;
	buf_printf(
	    text, "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: mx.d.test\n");
	for (unsigned i = 0; i < 400; i++)
		buf_printf(text, "mx: a-long-name-of-a-server-%03u.d.test\n", i);
	*out = (struct fetch_answer){
	    .cause = STS_CAUSE_OK, .status = 200, .body = {buf_text(text), text->len}};
}

struct forged {
	enum level level;
	bool large; /* of more names than an entry may have; else of a wildcard alone */
	bool deferred;
};

/* The host that the forged MX record names is known, whatever its TLSA records are. */
static void
forged_host(void **state)
{
	const struct forged *f = *state;

	policykit_begin_at(f->level, "1", WILDCARD);
	if (f->large)
		world.fetch = serve_large;
	rig_notify_admin();
	policykit_dns.mx = FORGED;
	policykit_dns.tlsa = DANE_UNSURE;
	if (f->deferred)
		policykit_defer("d.test");
	else
		policykit_send("d.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_SECURE);
	policykit_assert_attributes("d.test", NOBODY);
	world_wait(rig.engine, 2 * DAY);
	policykit_assert_attributes("d.test", NOBODY);
	assert_int_equal(policykit_alerts_of("it allows"), 1);
	assert_int_equal(policykit_alerts_of("; MX: mx.evil.test"), 1);
	policykit_dns.mx = "mx.d.test";
	policykit_dns.tlsa = DANE_NONE;
	if (f->deferred)
		policykit_defer("d.test"); /* nothing is sent under such an entry */
	world_wait(rig.engine, 2 * HOUR);
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

/* The owner's new policy wins at once, whoever breaks TLSA answers. */
static void
new_id_wins(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_MAY, "1", WILDCARD);
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	policykit_assert_attributes("d.test", ENTRY);
	policykit_dns.mx = "mx.d.test address=insecure tlsa=bogus";
	policykit_dns.tlsa = DANE_UNSURE;
	policykit_id = "2";
	policykit_served = POLICYKIT("*.e.test", "604800");
	world_wait(rig.engine, DAY);
	policykit_send("d.test");
	world_wait(rig.engine, DAY);
	policykit_assert_attributes("d.test", NOBODY);
	rig_close();
}

static void
silence(bool silent)
{
	policykit_dns.mx = silent ? "d.test MX: SERVFAIL" : "mx.d.test";
	policykit_dns.tlsa = silent ? DANE_UNSURE : DANE_NONE;
	policykit_dns.silent = silent;
}

/* A policy is a floor in every state of DNS: of an entry that was weaker, too. */
static void
weaker_entry_goes_without_dns(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_VERIFY, NULL, NULL);
	policykit_defer_sent("d.test");
	world_wait(rig.engine, MIN);
	rig_assert_entry("d.test", LEVEL_ENCRYPT);
	policykit_id = "1";
	policykit_served = WILDCARD;
	silence(true);
	world_wait(rig.engine, 2 * DAY);
	policykit_send("d.test");
	world_wait(rig.engine, DAY);
	rig_assert_entry("d.test", LEVEL_SECURE);
	rig_close();
}

/* Servers that DNS named when mail met them are among those that a wildcard allows. */
static void
own_servers_are_named(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_MAY, NULL, NULL);
	policykit_defer_sent("d.test"); /* so that DNS is asked */
	world_wait(rig.engine, HOUR);
	policykit_send("d.test");
	world_wait(rig.engine, 2 * DAY);
	policykit_id = "1";
	policykit_served = WILDCARD;
	silence(true);
	policykit_send("d.test");
	world_wait(rig.engine, DAY);
	policykit_assert_attributes("d.test", ENTRY);
	rig_close();
}

/* A policy's own names are known, whatever DNS tells. */
static void
hosts_that_are_not_told(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_MAY, "1", BACKUP);
	silence(true);
	policykit_send("d.test");
	world_wait(rig.engine, MIN);
	policykit_assert_attributes("d.test", "match=backup.d.test servername=hostname");
	silence(false);
	world_wait(rig.engine, HOUR);
	policykit_assert_attributes(
	    "d.test", "match=backup.d.test:mx.d.test servername=hostname");
	silence(true);
	policykit_defer("d.test");
	world_wait(rig.engine, DAY);
	policykit_assert_attributes(
	    "d.test", "match=backup.d.test:mx.d.test servername=hostname");
	rig_close();
}

int
main(void)
{
	static const struct forged forged[] = {{LEVEL_MAY, false, false},
	    {LEVEL_VERIFY, false, false}, {LEVEL_DANE, false, false},
	    {LEVEL_VERIFY, false, true}, {LEVEL_MAY, true, false}};
	if (!rig_begin())
		return 1;
	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++)
		suite_add(forged_host, &forged[i],
		    "a forged host whose TLSA records are bogus gets no mail: %s, %s%s",
		    level_name(forged[i].level),
		    forged[i].large ? "many names" : "a wildcard",
		    forged[i].deferred ? ", mail was deferred" : "");
	suite_add(
	    new_id_wins, NULL, "a new policy wins at once though TLSA cannot be told");
	suite_add(hosts_that_are_not_told, NULL,
	    "an entry is made of a policy's own names while DNS tells no host");
	suite_add(weaker_entry_goes_without_dns, NULL,
	    "a policy of wildcards takes a weaker entry while DNS tells no host");
	suite_add(own_servers_are_named, NULL,
	    "servers that mail met are named while DNS tells no host");
	return rig_end(suite_run());
}
