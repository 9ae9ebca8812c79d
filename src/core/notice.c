/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/notice.h"

#include <stdio.h>

#include "base/utc.h"
#include "base/width.h"

#define COLUMNS 76

bool
notice_language_parse(struct str name, enum notice_language *language)
{
	static const char *const names[NOTICE_LANGUAGES] = {
	    [NOTICE_ENGLISH] = "en", [NOTICE_GERMAN] = "de"};

	for (size_t i = 0; i < NOTICE_LANGUAGES; i++) {
		if (str_is(name, names[i])) {
			*language = (enum notice_language)i;
			return true;
		}
	}
	return false;
}

enum notice_fault
notice_fault_of(const struct probe *probe, bool dane, bool policy)
{
	switch (probe->end) {
	case PROBE_PLAIN:
		return NOTICE_PLAIN;
	case PROBE_REFUSED:
		return NOTICE_REFUSED;
	case PROBE_BROKEN:
		return probe->encrypt == ANSWER_NO ? NOTICE_HANDSHAKE : NOTICE_NONE;
	case PROBE_TLS:
		if (dane && probe->dane == ANSWER_NO)
			return NOTICE_TLSA;
		if (probe->verify != ANSWER_NO)
			return NOTICE_NONE;
		return probe->cause == CAUSE_EXPIRED ? NOTICE_EXPIRED
		    : policy && !dane                ? NOTICE_UNPROVEN
		                                     : NOTICE_NONE;
	default:
		return NOTICE_NONE;
	}
}

/* --- words ------------------------------------------------------------------------- */

struct words {
	const char *subject;    /* domain */
	const char *greeting;   /* domain */
	const char *opening;    /* domain */
	const char *opening_us; /* us, domain */
	const char *seen;       /* before what was seen */
	const char *told;  /* between that and what a program said of it, in English */
	bool day_first;    /* a time is 28.11.2026 23:55:19 UTC */
	const char *since; /* time */
	const char *todo;
	const char *ending;
	struct {
		const char *fact;
		const char *todo;
	} faults[NOTICE_FAULTS];
};

static const struct words languages[NOTICE_LANGUAGES] = {
    [NOTICE_ENGLISH] =
        {
            .subject = "TLS at the mail servers of %s",
            .greeting = "To the postmaster of %s",
            .opening = "we send mail to %s, and could not protect it on its way as it "
                       "should be. This is what we found:",
            .opening_us = "our mail server %s sends mail to %s, and could not protect "
                          "it on its way as it should be. This is what we found:",
            .seen = "seen",
            .told = ": ",
            .since = "since %s",
            .todo = "What helps:",
            .ending = "Until then mail to you waits here, or goes less protected than "
                      "it could be. This letter is sent by hand, and not again within "
                      "30 days.",
            .faults =
                {
                    [NOTICE_PLAIN] = {"does not offer STARTTLS",
                        "Switch TLS on for incoming mail (in Postfix: "
                        "smtpd_tls_security_level=may, with a certificate), and see "
                        "that no firewall hides STARTTLS."},
                    [NOTICE_REFUSED] = {"offers STARTTLS and then refuses it",
                        "See the server's log: mostly it cannot read its certificate "
                        "or key."},
                    [NOTICE_HANDSHAKE] =
                        {"offers STARTTLS, but no TLS session comes about",
                            "Offer TLS 1.2 and 1.3 with usual ciphers, and see that "
                            "certificate and key belong together."},
                    [NOTICE_EXPIRED] = {"has a certificate that has expired",
                        "Renew the certificate, and have the mail server load it after "
                        "each renewal."},
                    [NOTICE_TLSA] = {"has a certificate that no TLSA record of it "
                                     "matches (DANE, RFC 7672)",
                        "Publish the TLSA record of the new certificate before it is "
                        "used, or remove the old record. Senders who check DANE "
                        "deliver nothing until then."},
                    [NOTICE_POLICY] = {"does not serve the MTA-STS policy that DNS "
                                       "announces (RFC 8461)",
                        "Serve the policy over HTTPS with a certificate that is valid "
                        "for this name, or remove the record _mta-sts."},
                    [NOTICE_NO_HOST] = {"has an MTA-STS policy that allows none of the "
                                        "domain's mail servers (RFC 8461)",
                        "Name the present mail servers in the policy (mx:), and give "
                        "it a new id. Senders who check MTA-STS deliver nothing until "
                        "then."},
                    [NOTICE_UNPROVEN] = {"has a certificate that does not verify, which "
                                         "the domain's enforced MTA-STS policy demands "
                                         "(RFC 8461)",
                        "Use a certificate by a public authority that has the server's "
                        "own name, with the chain that belongs to it. Senders who "
                        "check MTA-STS deliver nothing until then."},
                },
        },
    [NOTICE_GERMAN] =
        {
            .subject = "TLS an den Mailservern von %s",
            .greeting = "An den Postmaster von %s",
            .opening = "wir senden Mail an %s und konnten sie unterwegs nicht so "
                       "schützen, wie es sein sollte. Das haben wir festgestellt:",
            .opening_us = "unser Mailserver %s sendet Mail an %s und konnte sie "
                          "unterwegs nicht so schützen, wie es sein sollte. Das haben "
                          "wir festgestellt:",
            .seen = "gesehen am",
            .told = "; Meldung auf Englisch: ",
            .day_first = true,
            .since = "seit %s",
            .todo = "Was hilft:",
            .ending = "Bis dahin wartet Mail an Sie hier oder geht weniger geschützt "
                      "hinaus, als es möglich wäre. Dieses Schreiben wird von Hand "
                      "versandt und innerhalb von 30 Tagen nicht noch einmal.",
            .faults =
                {
                    [NOTICE_PLAIN] = {"bietet kein STARTTLS an",
                        "TLS für eingehende Mail einschalten (bei Postfix: "
                        "smtpd_tls_security_level=may, mit einem Zertifikat) und "
                        "prüfen, ob eine Firewall STARTTLS verbirgt."},
                    [NOTICE_REFUSED] = {"bietet STARTTLS an und lehnt es dann ab",
                        "Das Log des Servers ansehen: Meist kann er sein Zertifikat "
                        "oder seinen Schlüssel nicht lesen."},
                    [NOTICE_HANDSHAKE] =
                        {"bietet STARTTLS an, doch kommt keine TLS-Sitzung zustande",
                            "TLS 1.2 und 1.3 mit üblichen Verfahren anbieten und "
                            "prüfen, ob Zertifikat und Schlüssel zusammengehören."},
                    [NOTICE_EXPIRED] = {"hat ein Zertifikat, das abgelaufen ist",
                        "Das Zertifikat erneuern und den Mailserver nach jeder "
                        "Erneuerung neu laden lassen."},
                    [NOTICE_TLSA] = {"hat ein Zertifikat, zu dem keiner seiner "
                                     "TLSA-Einträge passt (DANE, RFC 7672)",
                        "Den TLSA-Eintrag des neuen Zertifikats veröffentlichen, bevor "
                        "es benutzt wird, oder den alten entfernen. Wer DANE prüft, "
                        "stellt bis dahin nichts zu."},
                    [NOTICE_POLICY] = {"liefert die MTA-STS-Richtlinie nicht, die das "
                                       "DNS "
                                       "ankündigt (RFC 8461)",
                        "Die Richtlinie über HTTPS mit einem für diesen Namen gültigen "
                        "Zertifikat ausliefern oder den Eintrag _mta-sts entfernen."},
                    [NOTICE_NO_HOST] = {"hat eine MTA-STS-Richtlinie, die keinen der "
                                        "Mailserver der Domain zulässt (RFC 8461)",
                        "Die jetzigen Mailserver in der Richtlinie nennen (mx:) und ihr "
                        "eine neue id geben. Wer MTA-STS prüft, stellt bis dahin "
                        "nichts zu."},
                    [NOTICE_UNPROVEN] =
                        {"hat ein Zertifikat, das sich nicht prüfen lässt, wie es die "
                         "MTA-STS-Richtlinie der Domain verlangt (RFC 8461)",
                            "Ein Zertifikat einer öffentlichen Zertifizierungsstelle "
                            "benutzen, das den Namen des Servers hat, mit der "
                            "dazugehörigen Kette. Wer MTA-STS prüft, stellt bis dahin "
                            "nichts zu."},
                },
        },
};

/* --- text -------------------------------------------------------------------------- */

/* "%s" of a text of ours, one after the other. */
static void
add_with(struct buf *out, const char *text, const char *const *values)
{
	struct str rest = str_of(text), before;

	while (str_cut(&rest, '%', &before)) {
		buf_add_str(out, before);
		str_eat(&rest, STR("s"));
		buf_add_visible(out, str_of(*values++));
	}
	buf_add_str(out, rest);
}

/* indent: of the lines that follow. */
static void
add_wrapped(struct buf *out, const struct buf *line, const char *indent)
{
	width_wrap((struct str){buf_text(line), line->len}, COLUMNS, indent, "", out);
}

void
notice_subject(enum notice_language language, const char *domain, struct buf *out)
{
	add_with(out, languages[language].subject, (const char *const[]){domain});
}

/* text: of UTC_SIZE and some more. False: the time is none. */
static bool
print_time(const struct words *w, int64_t at_s, char *text, size_t size)
{
	char time[UTC_SIZE];

	if (!utc_print(at_s, time))
		return false;
	if (w->day_first) /* 2026-11-28T23:55:19Z */
		snprintf(text, size, "%.2s.%.2s.%.4s %.8s UTC", time + 8, time + 5, time,
		    time + 11);
	else
		snprintf(text, size, "%s", time);
	return true;
}

static void
add_finding(const struct words *w, const struct notice_finding *f, struct buf *out)
{
	char time[UTC_SIZE + 8] = "";
	struct buf line = {0};

	buf_printf(&line, "  * ");
	buf_add_visible(&line, str_of(f->server));
	buf_printf(&line, " %s", w->faults[f->fault].fact);
	if (f->until_s > 0 && print_time(w, f->until_s, time, sizeof(time))) {
		buf_add_char(&line, ' ');
		add_with(&line, w->since, (const char *const[]){time});
	}
	add_wrapped(out, &line, "    ");
	buf_reset(&line);
	print_time(w, f->at_s, time, sizeof(time));
	buf_printf(&line, "    (%s %s", w->seen, time);
	if (f->words[0] != '\0') {
		buf_printf(&line, "%s", w->told);
		buf_add_visible(&line, str_of(f->words));
	}
	buf_add_char(&line, ')');
	add_wrapped(out, &line, "    ");
	buf_clear(&line);
}

void
notice_print(enum notice_language language, const char *domain, const char *us,
    const struct notice_finding *findings, size_t count, struct buf *out)
{
	const struct words *w = &languages[language];
	bool said[NOTICE_FAULTS] = {false};
	struct buf line = {0};

	add_with(out, w->greeting, (const char *const[]){domain});
	buf_printf(out, ",\n\n");
	if (us[0] != '\0')
		add_with(&line, w->opening_us, (const char *const[]){us, domain});
	else
		add_with(&line, w->opening, (const char *const[]){domain});
	add_wrapped(out, &line, "");
	buf_add_char(out, '\n');
	for (size_t i = 0; i < count; i++)
		add_finding(w, &findings[i], out);
	buf_printf(out, "\n%s\n\n", w->todo);
	for (size_t i = 0; i < count; i++) {
		if (said[findings[i].fault])
			continue;
		said[findings[i].fault] = true;
		buf_reset(&line);
		buf_printf(&line, "  * %s", w->faults[findings[i].fault].todo);
		add_wrapped(out, &line, "    ");
	}
	buf_reset(&line);
	buf_printf(&line, "%s", w->ending);
	buf_add_char(out, '\n');
	add_wrapped(out, &line, "");
	buf_clear(&line);
}
