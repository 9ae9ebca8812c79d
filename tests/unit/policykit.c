/* SPDX-License-Identifier: BSD-2-Clause */
#include "policykit.h"

#include <string.h>

#include "suite.h"

const char *policykit_id;
const char *policykit_served;

void
policykit_txt(struct sts_txt *out)
{
	*out = (struct sts_txt){.state = STS_TXT_NONE};
	if (policykit_id == NULL)
		return;
	out->state = strcmp(policykit_id, "?") == 0 ? STS_TXT_UNSURE : STS_TXT_VALID;
	if (out->state == STS_TXT_VALID)
		snprintf(out->id, sizeof(out->id), "%s", policykit_id);
}

void
policykit_answer(struct measure_item *item)
{
	policykit_txt(&item->answers.sts_txt);
	snprintf(item->answers.text, sizeof(item->answers.text), "mx.%s address=insecure",
	    item->nexthop.host);
}

static void
announce(const char *domain, struct sts_txt *out)
{
	(void)domain;
	policykit_txt(out);
}

void
policykit_serve(const char *host, struct buf *text, struct fetch_answer *out)
{
	assert_true(str_starts(str_of(host), STR("mta-sts.")));
	if (policykit_served == NULL)
		return;
	buf_printf(text, "%s", policykit_served);
	*out = (struct fetch_answer){
	    .cause = STS_CAUSE_OK, .status = 200, .body = {buf_text(text), text->len}};
}

void
policykit_begin(const char *txt_id, const char *served)
{
	rig_new_settled();
	policykit_id = txt_id;
	policykit_served = served;
	world.answer = policykit_answer;
	world.policy = announce;
	world.fetch = policykit_serve;
	world.can_dane = true;
}

struct policykit_dns policykit_dns;

static void
answer_as_told(struct measure_item *item)
{
	const struct policykit_dns *dns = &policykit_dns;
	struct answers *answers = &item->answers;

	policykit_txt(&answers->sts_txt);
	snprintf(answers->text, sizeof(answers->text), "%s%s", dns->mx,
	    strchr(dns->mx, ' ') == NULL ? " address=insecure" : "");
	answers->dane.state = dns->tlsa;
	answers->dane.signed_domain = dns->is_signed;
	answers->other_map = dns->other_map;
	if (dns->silent)
		answers->choice = NULL;
	if (dns->tlsa == DANE_NO_MAIL)
		answers->text[0] = '\0';
}

void
policykit_begin_at(enum level level, const char *txt_id, const char *served)
{
	policykit_begin(txt_id, served);
	policykit_dns = (struct policykit_dns){
	    .mx = "mx.d.test", .tlsa = DANE_NONE, .other_map = ANSWER_NO};
	world.answer = answer_as_told;
	world.default_level = level;
	rig_settings_changed();
}

void
policykit_defer(const char *domain)
{
	rig_defer(domain);
	world_settle(rig.engine);
	world_wait(rig.engine, LISTING);
}

void
policykit_send(const char *domain)
{
	rig_log_status(domain, "mx.d.test[192.0.2.1]:25", "2.0.0", "sent (250 Ok)");
	rig_save();
	world_settle(rig.engine);
}

void
policykit_defer_sent(const char *domain)
{
	policykit_defer(domain);
	world_wait(rig.engine, MIN);
	policykit_send(domain);
}

void
policykit_assert_attributes(const char *domain, const char *attributes)
{
	struct buf sql = {0}, expected = {0};

	buf_printf(&sql, "SELECT attributes FROM destination WHERE key = '%s'", domain);
	buf_printf(&expected, "%s\n", attributes);
	kit_assert(STATE, buf_text(&sql), buf_text(&expected));
	buf_clear(&sql);
	buf_clear(&expected);
}

unsigned
policykit_alerts_of(const char *text)
{
	unsigned count = 0;

	for (const char *at = buf_text(&world.bodies); (at = strstr(at, text)) != NULL;
	     at += strlen(text))
		count++;
	return count;
}
