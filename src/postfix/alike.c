/* SPDX-License-Identifier: BSD-2-Clause */
/* Several Postfix servers that send the same mail: what all of them can do, and in what
 * they differ. */
#include <string.h>

#include "core/version.h"
#include "postfix/postfix.h"

/* --- together ---------------------------------------------------------------------- */

enum level
postfix_stronger_level(enum level a, enum level b)
{
	if (a == LEVEL_UNKNOWN || b == LEVEL_UNKNOWN)
		return LEVEL_UNKNOWN;
	return a > b ? a : b;
}

/* One that cannot be read is not. */
static bool
is_older(const char *version, const char *than)
{
	struct version a, b;

	return version_parse(str_of(version), &a) && version_parse(str_of(than), &b) &&
	    version_compare(&a, &b) < 0;
}

void
postfix_settings_join(struct postfix_settings *all, const struct postfix_settings *one)
{
	all->level = postfix_stronger_level(all->level, one->level);
	if (is_older(one->version, all->version))
		all->version = one->version;
	if (all->can_dane && !one->can_dane) {
		all->can_dane = false;
		all->dane_trouble = one->dane_trouble;
	}
	all->sts_patterns = all->sts_patterns && one->sts_patterns;
}

/* --- apart ------------------------------------------------------------------------- */

static bool
is_same(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool
is_same_way(const struct postfix_settings *a, const struct postfix_settings *b)
{
	return is_same(a->transport_maps, b->transport_maps) &&
	    is_same(a->relayhost, b->relayhost) &&
	    is_same(a->default_transport, b->default_transport) &&
	    is_same(a->relay_transport, b->relay_transport) &&
	    is_same(a->sender_relayhost_maps, b->sender_relayhost_maps) &&
	    is_same(a->sender_transport_maps, b->sender_transport_maps) &&
	    is_same(a->fallback_relay, b->fallback_relay);
}

void
postfix_print_differences(
    const struct postfix_settings *a, const struct postfix_settings *b, struct buf *out)
{
	if (a->level != b->level)
		buf_printf(out, ", smtp_tls_security_level is %s and not %s",
		    level_name(b->level), level_name(a->level));
	if (!is_same(a->policy_maps, b->policy_maps))
		buf_printf(out, ", smtp_tls_policy_maps is \"%s\" and not \"%s\"",
		    b->policy_maps, a->policy_maps);
	if (!is_same(a->dane_trouble, b->dane_trouble))
		buf_printf(out, ", dane-only %s%s%s",
		    b->can_dane ? "works" : "does not work: ",
		    b->can_dane ? "" : b->dane_trouble,
		    b->can_dane ? " there alone" : "");
	if (!is_same_way(a, b))
		buf_printf(out, ", mail goes elsewhere (transport_maps, relayhost)");
	if (a->logs_in != b->logs_in || a->password_sum != b->password_sum ||
	    a->passwords_by_sender != b->passwords_by_sender)
		buf_printf(out, ", it logs in elsewhere (smtp_sasl_password_maps)");
	if (postfix_has_authorities(a) != postfix_has_authorities(b))
		buf_printf(out, ", it has %s (smtp_tls_CAfile, smtp_tls_CApath)",
		    postfix_has_authorities(b) ? "a CA" : "no CA");
	if (!is_same(a->version, b->version))
		buf_printf(out, ", its Postfix is %s and not %s", b->version, a->version);
	if (!is_same(a->tls_loglevel, b->tls_loglevel))
		buf_printf(out, ", smtp_tls_loglevel is %s and not %s", b->tls_loglevel,
		    a->tls_loglevel);
}
