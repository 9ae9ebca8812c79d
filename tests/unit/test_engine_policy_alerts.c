/* SPDX-License-Identifier: BSD-2-Clause */
/* What of MTA-STS policies is mailed to the administrator, and when. */
#include "suite.h"

#include <string.h>

#include "engine/alert_group.h"
#include "engine/engine_impl.h"
#include "policykit.h"

#define MANY 100

/* Many domains of one provider, whose policy host is gone: one cause, a mail a day. */
static void
one_host_is_one_mail_a_day(void **state)
{
	char domain[32];

	(void)state;
	policykit_begin_at(LEVEL_MAY, "1", ENFORCE);
	rig_notify_admin();
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(domain, sizeof(domain), "c%u.test", i);
		policykit_send(domain);
		world_wait(rig.engine, 30 * MIN);
	}
	kit_assert(STATE, "SELECT count(*) FROM sts WHERE applied = 'enforce'", "100\n");
	world.notify.times = 0;
	buf_reset(&world.bodies);
	policykit_served = NULL;
	for (unsigned day = 1; day <= 7; day++) {
		world_wait(rig.engine, DAY);
		assert_in_range(world.notify.times, 0, day);
	}
	assert_in_range(world.notify.times, 2, 6);
	assert_non_null(strstr(buf_text(&world.subjects), ALERT_UNRENEWED ": "));
	assert_null(strstr(buf_text(&world.bodies), "tlsladder doctor"));
	assert_non_null(strstr(buf_text(&world.bodies), "next: tlsladder policy c"));
	rig_close();
}

/* DNS could not tell for long before mail waits under a policy: that is told as early as
 * any mail that waits. */
static void
waiting_is_told_at_once(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_MAY, "1", ENFORCE);
	rig_notify_admin();
	policykit_dns.mx = "mx.d.test address=insecure tlsa=bogus";
	policykit_dns.tlsa = DANE_UNSURE;
	policykit_send("d.test");
	world_wait(rig.engine, 12 * HOUR);
	rig_assert_judged("d.test", LEVEL_SECURE, WHY_DNS_UNSURE);
	world.notify.times = 0;
	rig_defer("d.test");
	world_wait(rig.engine, MIN);
	rig_defer("d.test");
	world_wait(rig.engine, 20 * MIN);
	assert_int_equal(world.notify.times, 1);
	rig_close();
}

/* Postfix has no CA: the one that the alert names is one that its policy does not protect
 * for it. */
static void
without_authorities_it_names_who_loses(void **state)
{
	(void)state;
	policykit_begin_at(LEVEL_MAY, "1", ENFORCE);
	rig_notify_admin();
	world.no_authorities = true;
	rig_settings_changed();
	policykit_dns.tlsa = DANE_USABLE;
	policykit_send("dane.test");
	world_wait(rig.engine, HOUR);
	assert_int_equal(policykit_alerts_of("smtp_tls_CAfile"), 0);
	policykit_dns.tlsa = DANE_NONE;
	policykit_send("plain.test");
	world_wait(rig.engine, HOUR);
	assert_int_equal(policykit_alerts_of("as that of plain.test"), 1);
	rig_close();
}

int
main(void)
{
	if (!rig_begin())
		return 1;
	suite_add(one_host_is_one_mail_a_day, NULL,
	    "policies of a host that is gone are a mail a day");
	suite_add(waiting_is_told_at_once, NULL,
	    "mail that waits under a policy while DNS cannot tell is told at once");
	suite_add(without_authorities_it_names_who_loses, NULL,
	    "that nothing verifies is told of a destination that loses its policy");
	return rig_end(suite_run());
}
