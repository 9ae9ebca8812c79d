/* SPDX-License-Identifier: BSD-2-Clause */
/* Which alerts are one mail, what its subject says, and what it ends in. */
#include "suite.h"

#include <string.h>

#include "engine/alert_group.h"

#define SAYS ": waits for DNS; next: tlsladder explain "
#define DOWN "cannot write the map: disk full"
#define ENDS \
	"; the first message bounces at 2026-11-29T01:26:50Z; next: tlsladder explain "
#define LINES 6

struct row {
	const char *name;
	const char *lines[LINES];
	const char *mails; /* each "SUBJECT\nTEXT", and "--\n" behind it */
};

static const struct row rows[] = {
    {"one destination", {"a.test: dns-unsure" SAYS "a.test"},
        "a.test: dns-unsure\na.test: dns-unsure" SAYS "a.test\n--\n"},
    {"many of one cause",
        {"a.test: dns-unsure" SAYS "a.test", "b.test: dns-unsure" SAYS "b.test"},
        "dns-unsure: 2 destinations\n"
        "a.test: dns-unsure" SAYS "a.test\nb.test: dns-unsure" SAYS "b.test\n"
        "next: tlsladder list --why dns-unsure\n--\n"},
    {"many whose mail waits",
        {"a.test: hold: it did better" ENDS "a.test",
            "[b.test]:587: hold: it did better" ENDS "'[b.test]:587'"},
        "hold: 2 destinations\n"
        "a.test: hold: it did better" ENDS "a.test\n"
        "[b.test]:587: hold: it did better" ENDS "'[b.test]:587'\n"
        "mail to 7 destinations waits now\n"
        "next: tlsladder list --waiting --why hold\n--\n"},
    {"a cause of ours at many",
        {"a.test: our-fault: x; next: tlsladder doctor",
            "b.test: our-fault: x; next: tlsladder doctor"},
        "our-fault: 2 destinations\n"
        "a.test: our-fault: x; next: tlsladder doctor\n"
        "b.test: our-fault: x; next: tlsladder doctor\nnext: tlsladder doctor\n--\n"},
    {"two causes are two mails",
        {"a.test: hold: x; next: tlsladder explain a.test", DOWN,
            "a.test: hold: x; next: tlsladder explain a.test"},
        "hold: 2 destinations\n"
        "a.test: hold: x; next: tlsladder explain a.test\n"
        "a.test: hold: x; next: tlsladder explain a.test\n"
        "next: tlsladder list --why hold\n--\n" DOWN "\n" DOWN
        "\nnext: tlsladder doctor\n--\n"},
    {"a freeze", {"freeze: 5 hosts failed; nothing is weakened"},
        "freeze: 5 hosts failed\nfreeze: 5 hosts failed; nothing is weakened\n"
        "next: tlsladder status\n--\n"},
    {"mail that came back",
        {"a.test: mail was bounced; Postfix said: x",
            "b.test: mail was bounced (3 messages); Postfix said: x"},
        "mail was bounced: 2 destinations\n"
        "a.test: mail was bounced; Postfix said: x\n"
        "b.test: mail was bounced (3 messages); Postfix said: x\n"
        "next: tlsladder explain a.test b.test\n--\n"},
    {"policies that cannot be renewed",
        {"a.test: its MTA-STS policy cannot be renewed; the host cannot be reached",
            "b.test: its MTA-STS policy cannot be renewed; it ends within a week"},
        "its MTA-STS policy cannot be renewed: 2 destinations\n"
        "a.test: its MTA-STS policy cannot be renewed; the host cannot be reached\n"
        "b.test: its MTA-STS policy cannot be renewed; it ends within a week\n"
        "next: tlsladder policy a.test b.test\n--\n"},
    {"mail to one came back", {"[a.test]: mail was bounced; Postfix said: hold: y"},
        "[a.test]: mail was bounced\n"
        "[a.test]: mail was bounced; Postfix said: hold: y\n"
        "next: tlsladder explain '[a.test]'\n--\n"},
    {"more than three causes are one mail",
        {"a.test: hold: x; next: tlsladder explain a.test", DOWN,
            "b.test: our-fault: x; next: tlsladder doctor",
            "freeze: 5 hosts failed; nothing is weakened",
            "c.test: hold: x; next: tlsladder explain c.test"},
        "4 causes: hold (2), " DOWN ", our-fault, ...\n"
        "a.test: hold: x; next: tlsladder explain a.test\n"
        "c.test: hold: x; next: tlsladder explain c.test\n"
        "next: tlsladder list --why hold\n\n" DOWN "\nnext: tlsladder doctor\n\n"
        "b.test: our-fault: x; next: tlsladder doctor\n\n"
        "freeze: 5 hosts failed; nothing is weakened\nnext: tlsladder status\n\n"
        "next: tlsladder status\n--\n"},
    {"no colon at all", {"something"},
        "something\nsomething\nnext: tlsladder doctor\n--\n"},
    {"nothing", {NULL}, ""},
};

static void
add_mail(void *context, const char *subject, const char *text)
{
	buf_printf(context, "%s\n%s--\n", subject, text);
}

static void
mails_are(void **state)
{
	static struct alert_group group;
	const struct row *row = *state;
	struct buf kept = {0}, mails = {0};

	for (size_t i = 0; i < LINES && row->lines[i] != NULL; i++) {
		buf_reset(&kept);
		alert_group_add(&group, row->lines[i], false, &kept);
		assert_string_equal(buf_text(&kept), row->lines[i]);
	}
	alert_group_end(&group, 0, 7, add_mail, &mails);
	assert_string_equal(buf_text(&mails), row->mails);
	assert_int_equal(group.count, 0);
	buf_clear(&kept);
	buf_clear(&mails);
}

/* Behind the twentieth its name alone stands there, or its number. */
static void
many_are_bounded(void **state)
{
	static struct alert_group group;
	struct buf kept = {0}, mails = {0};
	char line[80];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "a%u.test: not-encrypted: no TLS", i);
		buf_reset(&kept);
		alert_group_add(&group, line, i % 100 == 99, &kept);
		if (i == 999)
			assert_string_equal(buf_text(&kept), "a999.test: not-encrypted");
		else if (i >= ALERT_SAME_MAX && i % 100 != 99)
			assert_string_equal(buf_text(&kept), "");
	}
	alert_group_end(&group, 0, 7, add_mail, &mails);
	assert_non_null(strstr(buf_text(&mails), "\na19.test: not-encrypted: no TLS\n"));
	assert_non_null(strstr(buf_text(&mails), "\na99.test: not-encrypted\n"));
	assert_non_null(strstr(buf_text(&mails), "\nnot-encrypted: 970 more: "));
	assert_null(strstr(buf_text(&mails), "a20.test"));
	buf_clear(&kept);
	buf_clear(&mails);
}

/* Somebody names causes of his own, and long ones. */
static void
causes_are_bounded(void **state)
{
	static struct alert_group group;
	struct buf kept = {0}, mails = {0}, line = {0};

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		buf_reset(&line);
		buf_printf(&line, "cause %u: %0*u", i, i % 500, 0);
		buf_reset(&kept);
		alert_group_add(&group, buf_text(&line), true, &kept);
	}
	assert_int_equal(group.count, ALERT_CAUSES_MAX);
	alert_group_end(&group, 0, 7, add_mail, &mails);
	assert_in_range(
	    mails.len, 1000, ALERT_NAMES_MAX + ALERT_CAUSES_MAX * (ALERT_BODY_MAX / 50));
	buf_clear(&line);
	buf_clear(&kept);
	buf_clear(&mails);
}

/* What is due later waits, and goes on collecting. */
static void
due_ones_go_first(void **state)
{
	static struct alert_group group;
	struct buf kept = {0}, mails = {0};

	(void)state;
	assert_true(alert_group_due(&group) == INT64_MAX);
	alert_group_add(&group, "a.test: hold: x", false, &kept)->due_ms = 30;
	alert_group_add(&group, "b.test: dns-unsure: y", false, &kept)->due_ms = 20;
	assert_int_equal(alert_group_due(&group), 20);
	alert_group_end(&group, 19, 7, add_mail, &mails);
	assert_string_equal(buf_text(&mails), "");
	alert_group_end(&group, 20, 7, add_mail, &mails);
	assert_string_equal(
	    buf_text(&mails), "b.test: dns-unsure\nb.test: dns-unsure: y\n--\n");
	assert_int_equal(
	    alert_group_add(&group, "c.test: hold: x", false, &kept)->count, 2);
	assert_int_equal(alert_group_due(&group), 30);
	buf_reset(&mails);
	alert_group_end(&group, 30, 7, add_mail, &mails);
	assert_string_equal(buf_text(&mails),
	    "hold: 2 destinations\na.test: hold: x\nc.test: hold: x\n"
	    "next: tlsladder list --why hold\n--\n");
	assert_int_equal(group.count, 0);
	buf_clear(&kept);
	buf_clear(&mails);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		suite_add(mails_are, &rows[i], "%s", rows[i].name);
	suite_add(due_ones_go_first, NULL, "what is due later goes on collecting");
	suite_add(many_are_bounded, NULL,
	    "of a thousand of one cause twenty have their line, and some their name");
	suite_add(
	    causes_are_bounded, NULL, "ten thousand causes are one mail of bounded size");
	return suite_run();
}
