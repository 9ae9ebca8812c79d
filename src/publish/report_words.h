/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of a report, in each of its languages, and dates and numbers as they are
 * usual there. UTF-8. What stands in a database or a map keeps its spelling: levels,
 * whys' slugs, names.
 */
#ifndef PUBLISH_REPORT_WORDS_H
#define PUBLISH_REPORT_WORDS_H

#include <stdint.h>

#include "base/buf.h"
#include "core/demand.h"
#include "core/grade.h"
#include "core/protection.h"
#include "publish/report.h"

/* W(NAME, English, German) */
/* clang-format off */
#define REPORT_WORDS(W) \
	W(TITLE, "Transport encryption of mail", "Transportverschlüsselung der E-Mail") \
	W(MADE_AT, "As of", "Stand") \
	W(NODE, "Mail sent by", "E-Mail versandt von") \
	W(OF_ALL, "changes and exceptions are those of all nodes", \
	  "Änderungen und Ausnahmen sind die aller Knoten") \
	W(DEFAULT, "Default level", "Vorgabestufe") \
	W(NOT_KNOWN, "not known", "nicht bekannt") \
	W(RUNNING, "this month is not over yet", "dieser Monat ist noch nicht zu Ende") \
	W(MESSAGES, "Messages", "Nachrichten") \
	W(MESSAGES_BY, "Messages by protection", "Nachrichten nach Schutz") \
	W(PROTECTION, "Protection", "Schutz") \
	W(SHARE, "Share", "Anteil") \
	W(ALL, "all", "alle") \
	W(MONTH, "Month", "Monat") \
	W(MONTHS, "Share of messages by protection over the months", \
	  "Anteil der Nachrichten nach Schutz über die Monate") \
	W(NO_MESSAGES, "No message was counted in this month.", \
	  "In diesem Monat wurde keine Nachricht gezählt.") \
	W(PROVEN, "to a proven server", "an einen nachgewiesenen Server") \
	W(PROVEN_SAYS, "DANE, MTA-STS or a verified certificate", \
	  "DANE, MTA-STS oder ein geprüftes Zertifikat") \
	W(ENCRYPTED_ONLY, "encrypted, server not proven", \
	  "verschlüsselt, Server nicht nachgewiesen") \
	W(CLEAR, "in cleartext", "im Klartext") \
	W(DANE_SAYS, "encrypted to a server that its domain's DNSSEC names (RFC 7672)", \
	  "verschlüsselt an einen Server, den DNSSEC der Domain ausweist (RFC 7672)") \
	W(MTA_STS_SAYS, "encrypted to a server of the domain's enforced policy (RFC 8461)", \
	  "verschlüsselt an einen Server der erzwungenen Richtlinie der Domain (RFC 8461)") \
	W(VERIFIED, "verified", "geprüft") \
	W(VERIFIED_SAYS, "encrypted, with a certificate that verifies", \
	  "verschlüsselt, mit einem Zertifikat, das der Prüfung standhält") \
	W(ENCRYPTED, "encrypted", "verschlüsselt") \
	W(ENCRYPTED_SAYS, "encrypted, to whichever server answered", \
	  "verschlüsselt, an den Server, der gerade antwortete") \
	W(CLEARTEXT, "cleartext", "Klartext") \
	W(CLEARTEXT_SAYS, "no encryption", "keine Verschlüsselung") \
	W(UNKNOWN, "not told", "nicht bekannt") \
	W(UNKNOWN_SAYS, "Postfix logged no TLS sessions (smtp_tls_loglevel = 0)", \
	  "Postfix protokollierte keine TLS-Sitzungen (smtp_tls_loglevel = 0)") \
	W(GRADES, "Destinations by grade", "Ziele nach Note") \
	W(GRADE, "Grade", "Note") \
	W(DESTINATION, "Destination", "Ziel") \
	W(DESTINATIONS, "Destinations", "Ziele") \
	W(GREEN, "green", "grün") \
	W(GREEN_SAYS, "all mail to a proven server", \
	  "alle Nachrichten an einen nachgewiesenen Server") \
	W(YELLOW, "yellow", "gelb") \
	W(YELLOW_SAYS, "all mail encrypted", "alle Nachrichten verschlüsselt") \
	W(RED, "red", "rot") \
	W(RED_SAYS, "some mail in cleartext", "Nachrichten im Klartext") \
	W(UNSURE, "?", "?") \
	W(UNSURE_SAYS, "could not be told", "war nicht festzustellen") \
	W(RED_ONES, "Destinations with mail in cleartext", "Ziele mit Nachrichten im Klartext") \
	W(CHANGES, "What changed, and why", "Was sich änderte, und warum") \
	W(NO_CHANGES, "No entry was changed in this month.", \
	  "In diesem Monat wurde kein Eintrag geändert.") \
	W(REASON, "Reason", "Grund") \
	W(COUNT, "Number", "Anzahl") \
	W(TIME, "Time", "Zeit") \
	W(CHANGE, "Change", "Änderung") \
	W(SET, "set", "gesetzt") \
	W(REMOVE, "removed", "entfernt") \
	W(PIN, "pinned", "festgelegt") \
	W(UNPIN, "unpinned", "freigegeben") \
	W(UNDO, "undone", "zurückgenommen") \
	W(EXCEPTIONS, "Exceptions", "Ausnahmen") \
	W(EXCEPTIONS_SAY, \
	  "Entries that are weaker than the default level, and what the administrator pinned; as of now.", \
	  "Einträge, die schwächer als die Vorgabestufe sind, und was der Administrator festlegte; derzeitiger Stand.") \
	W(NO_EXCEPTIONS, "There is none.", "Es gibt keine.") \
	W(AGES, "Exceptions by age", "Ausnahmen nach Alter") \
	W(ENTRY, "Entry", "Eintrag") \
	W(NO_ENTRY, "default", "Vorgabe") \
	W(AGE, "Age", "Alter") \
	W(SINCE, "Since", "Seit") \
	W(UNTIL, "until", "bis") \
	W(NOTE, "Note", "Vermerk") \
	W(PINNED, "pinned", "festgelegt") \
	W(LESS_THAN_A_DAY, "less than a day", "unter einem Tag") \
	W(DAY, "day", "Tag") \
	W(DAYS, "days", "Tage") \
	W(AGE_WEEK_WORD, "under 7 days", "unter 7 Tagen") \
	W(AGE_MONTH_WORD, "7 to 30 days", "7 bis 30 Tage") \
	W(AGE_QUARTER_WORD, "30 to 90 days", "30 bis 90 Tage") \
	W(AGE_YEAR_WORD, "90 days to a year", "90 Tage bis 1 Jahr") \
	W(AGE_OLDER_WORD, "a year or more", "1 Jahr und mehr") \
	W(MORE, "more; all of them: tlsladder report --json", \
	  "weitere; alle nennt: tlsladder report --json") \
	W(COUNTED, "How it is counted", "Wie gezählt wird") \
	W(UNSET_SAYS, "the administrator took back what was set", \
	  "der Administrator nahm zurück, was gesetzt war") \
	W(COUNTED_SAYS, \
	  "A message to a recipient that Postfix sent is one. Days and months are those of UTC. A destination has the grade of its weakest message of the month.", \
	  "Eine Nachricht an einen Empfänger, die Postfix versandte, ist eine. Tage und Monate sind die von UTC. Ein Ziel hat die Note seiner schwächsten Nachricht des Monats.")
/* clang-format on */

#define REPORT_ENUM(name, en, de) REPORT_##name,
enum report_word { REPORT_WORDS(REPORT_ENUM) REPORT_WORD_COUNT };
#undef REPORT_ENUM

/* "en", "de"; NULL: there is no such language. */
const struct report_language *report_language(struct str name);
const char *report_language_name(const struct report_language *lang);

const char *report_word(const struct report_language *lang, enum report_word word);
/* Of a change; WHY_NONE: `unset`, or the undo of a pin. */
const char *report_why(const struct report_language *lang, enum why why);
const char *report_why_name(enum why why);
const char *report_protection(
    const struct report_language *lang, enum protection protection);
const char *report_protection_says(
    const struct report_language *lang, enum protection protection);
const char *report_grade(const struct report_language *lang, enum grade grade);
const char *report_grade_says(const struct report_language *lang, enum grade grade);
const char *report_age(const struct report_language *lang, enum report_age age);
/* As report_change has it; what is none of ours stays as it is. */
const char *report_action(const struct report_language *lang, const char *action);

/* 1,234,567 and 1.234.567. */
void report_say_number(
    struct buf *out, const struct report_language *lang, uint64_t number);
/* 45.3% and 45,3 %; not 0.0% or 100.0% where it is nearly. Of nothing: "-". */
void report_say_share(
    struct buf *out, const struct report_language *lang, uint64_t part, uint64_t whole);
/* 2026-11-28 and 28.11.2026; with 13:20 behind it. 0: "-". */
void report_say_day(struct buf *out, const struct report_language *lang, int64_t ms);
void report_say_minute(struct buf *out, const struct report_language *lang, int64_t ms);
/* Of "2026-03": March 2026 and März 2026; 2026-03 and 03.2026. */
void report_say_month(
    struct buf *out, const struct report_language *lang, const char *month);
void report_say_short_month(
    struct buf *out, const struct report_language *lang, const char *month);
/* 12 days and 12 Tage. */
void report_say_age(struct buf *out, const struct report_language *lang, int64_t span_ms);
/* "encrypt", "cleartext (may)", "Klartext (may)", "secure match=.a.test"; for no entry
 * "default". */
void report_say_demand(
    struct buf *out, const struct report_language *lang, struct demand demand);

#endif
