/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/report_why_de.h"

/* clang-format off */
static const char *const sentences[WHY_COUNT] = {
    [WHY_NONE] = "noch wurde nichts entschieden",
    [WHY_PINNED] = "der Administrator legte diese Stufe fest",
    [WHY_PIN_NOT_MET] = "Nachrichten scheitern an der Stufe, die der Administrator festlegte",
    [WHY_OUR_FAULT] = "der Fehler liegt bei diesem Postfix, nicht beim Ziel",
    [WHY_OUR_ENTRY] = "Postfix wies unseren eigenen Eintrag zurück, also entfällt er",
    [WHY_NO_EFFECT] = "dieser Grund kann auf der geltenden Stufe nicht vorkommen: Postfix verwendet eine andere",
    [WHY_RESOLVERS_DIFFER] = "brauchbare TLSA-Einträge, aber Postfix sieht sie nicht: sein Resolver ist ein anderer",
    [WHY_NO_RULE] = "keine Regel kennt diesen Grund",
    [WHY_RULE_WAITS] = "die Regel für diesen Grund sagt: warten",
    [WHY_ECHO] = "der Versuch begann, bevor die jetzige Stufe galt",
    [WHY_OTHER_MAP] = "hier entscheidet eine andere Tabelle in smtp_tls_policy_maps",
    [WHY_OTHER_MAP_UNSURE] = "eine andere Tabelle in smtp_tls_policy_maps konnte nicht befragt werden",
    [WHY_DNS_UNSURE] = "das DNS gab keine Auskunft, also nichts Schwächeres",
    [WHY_NO_MAIL] = "die Domain hat keinen Server, der Nachrichten annimmt",
    [WHY_ELSEWHERE] = "der Server gehört nicht zu diesem Ziel: Postfix verwendete einen anderen Weg",
    [WHY_DANE] = "brauchbare TLSA-Einträge: DANE und nichts Geringeres",
    [WHY_DANE_NOT_MET] = "die Server erfüllen ihre TLSA-Einträge nicht: Nachrichten warten",
    [WHY_DANE_IMPOSSIBLE] = "brauchbare TLSA-Einträge, aber dieses Postfix kann kein DANE",
    [WHY_DANE_GOING] = "die TLSA-Einträge sind nachweislich fort, aber noch nicht lange genug",
    [WHY_DANE_GONE] = "die TLSA-Einträge sind nachweislich und lange genug fort",
    [WHY_TLSA_UNUSABLE] = "TLSA-Einträge, keiner brauchbar: TLS ist Pflicht, und nur Klartext würde helfen",
    [WHY_INSECURE_MX] = "TLSA-Einträge hinter einem unsignierten MX-Eintrag: TLS ist Pflicht, und nur Klartext würde helfen",
    [WHY_POLICY] = "eine erzwungene MTA-STS-Richtlinie: ihre Server, geprüft, und nichts Geringeres",
    [WHY_POLICY_NOT_MET] = "kein Server erfüllt die erzwungene MTA-STS-Richtlinie: Nachrichten warten",
    [WHY_POLICY_IMPOSSIBLE] = "eine erzwungene MTA-STS-Richtlinie, die diesem Postfix nicht gesagt werden kann: nichts Schwächeres",
    [WHY_POLICY_UNSURE] = "vielleicht gibt es eine MTA-STS-Richtlinie, sie war nicht zu bekommen: noch nichts Schwächeres",
    [WHY_POLICY_ASKED] = "eine MTA-STS-Richtlinie ist angekündigt und wird geholt",
    [WHY_POLICY_ENDED] = "die MTA-STS-Richtlinie erzwingt nichts mehr",
    [WHY_CREDENTIALS] = "Postfix meldet sich dort an: ein Passwort geht auf der Vorgabestufe hinaus oder gar nicht",
    [WHY_GONE] = "die Nachricht ist nicht mehr in der Warteschlange: nichts wartet",
    [WHY_NEWER] = "die Warteschlange zeigt einen neueren Versuch: dessen eigene Zeile entscheidet",
    [WHY_NO_HOST] = "die Warteschlange nennt keinen Server: die Zeile des nächsten Versuchs entscheidet",
    [WHY_QUEUE_UNREAD] = "die Warteschlange war nicht zu lesen, also nichts Schwächeres",
    [WHY_NO_ANSWER] = "kein Server sagte, was er kann: noch nichts Schwächeres",
    [WHY_AWAITED] = "ein Server, der es besser konnte oder vielleicht AUTH anbietet, schweigt: auf ihn wird gewartet",
    [WHY_CONTRADICTION] = "die Server erfüllen die Stufe, an der Nachrichten scheitern: Postfix und wir sind uneins",
    [WHY_SIGNED] = "eine Regel bewahrt signierte Domains vor einer schwächeren Stufe",
    [WHY_NOT_AUTHENTIC] = "kein Zertifikat, das der Prüfung standhält",
    [WHY_NOT_ENCRYPTED] = "der Server kann kein TLS",
    [WHY_NO_DANE] = "nachweislich keine TLSA-Einträge",
    [WHY_ONE_RUNG] = "TLS scheitert auf dieser Stufe: eine Stufe schwächer",
    [WHY_NOTHING_WEAKER] = "keine schwächere Stufe würde helfen",
    [WHY_LOWEST] = "schwächer, als ladder.lowest erlaubt: Nachrichten warten",
    [WHY_MAY_AFTER] = "zu früh für Klartext (ladder.may_after)",
    [WHY_HOLD] = "das Ziel konnte es kürzlich besser (ladder.hold)",
    [WHY_FREEZE] = "zu viele scheitern auf gleiche Weise: eher ist es unser eigener Fehler",
    [WHY_NOT_NEEDED] = "die Vorgabestufe leistet dasselbe",
    [WHY_FORECAST] = "gesetzt, bevor eine andere Vorgabestufe gilt, die es braucht",
    [WHY_TAKEN_OVER] = "aus der Tabelle übernommen, in die es der zuvor führende tlsladder schrieb",
    [WHY_TRIAL] = "auf Probe angehoben: die Nachrichten selbst versuchen die stärkere Stufe",
    [WHY_TRIAL_FAILED] = "die Probe misslang: zurück zu dem, was ging",
    [WHY_PROBED] = "eine stärkere Stufe wurde erprobt und geht",
    [WHY_STILL_NEEDED] = "von nichts Stärkerem ist bekannt, dass es geht",
    [WHY_SILENT] = "seit dem Ende der Laufzeit sagt niemand, ob es noch nötig ist",
    [WHY_UNDONE] = "der Administrator nahm die letzte Entscheidung zurück",
};
/* clang-format on */

const char *
report_why_de(enum why why)
{
	return sentences[why];
}
