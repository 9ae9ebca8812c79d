#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# report: what it counts is what another program counts in the same lines; its page is
# well-formed, asks for nothing, and nothing of outside is a tag in it; in both languages.
. "$(dirname -- "$0")/lib.sh"
needs_python

postconf_says 'info_log_address_format = external' 'smtp_tls_loglevel = 1'
log=$dir/mail.log
configure "log: {file: $log, from: start, learn: 0}" "postfix: {command: [$fakes], default_level: dane}"

# at TIME: it is that for the program from here on.
at() {
	export TLSLADDER_NOW_OFFSET=$(($(date -ud "$1" +%s) - $(date +%s)))
}

ladder report
is 'report without a state: exit status 66' $status 66

# --- a month of traffic

# Entries of a policy and of the administrator, in force before the first line.
at '2026-09-01 12:00'
ladder set pin.test secure match=.pin.test --note 'agreed with <b>Jane</b> "jane doe"@pin.test & co, bob@pin.test'
is 'a pin' "$status$err" 0
ladder set .old.test encrypt --for 365d
is 'and one of a parent' "$status$err" 0
python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("INSERT INTO destination(key, entry, attributes, entry_why, why, since_ms) VALUES (?, ?, ?, ?, ?, ?)",
           ("sts.test", "secure", "match=mx.sts.test servername=hostname", "policy", "policy", 1788000000000))
db.commit()' "$dir/state.db"
at '2026-11-20 12:00'

# Messages to several recipients, sessions that are used again, mail that is deferred between,
# a content filter, a month before.
python3 - "$log" <<'END'
import random, sys, time
random.seed(11)
start = 1792886400  # 2026-10-25
grades = {"dane0": "VV", "dane1": "VVU", "sts": "V", "pin": "V", "enc": "UTA", "enc2": "U", "plain": "-", "mixed": "VUU--", "red": "-U"}
with open(sys.argv[1], "w") as out:
    for n in range(4000):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(start + n * 560))
        name = random.choice(list(grades)) + ".test"
        grade = random.choice(grades[name[:-5]])
        head = "%s mx postfix/smtp[%d]: " % (stamp, random.randrange(100, 130))
        word = {"V": "Verified", "U": "Untrusted", "T": "Trusted", "A": "Anonymous"}.get(grade)
        peer = "mx.%s[192.0.2.%d]" % (name, random.randrange(1, 4))
        if word:
            print(head + "%s TLS connection %s to %s:25: TLSv1.3 with cipher X (256/256 bits)" % (
                word, random.choice(["established", "established", "reused"]), peer), file=out)
        if random.random() < 0.05:
            peer = "127.0.0.1[127.0.0.1]"
        for recipient in range(random.choice([1, 1, 1, 2, 5])):
            status = random.choice(["sent (250 Ok)"] * 9 + ["deferred (host %s said: 450 later (in reply to RCPT TO command))" % peer])
            print(head + "%X: to=<user%d@%s>, relay=%s:25, delay=1, delays=0.1/0/0.5/0.4, dsn=2.0.0, status=%s" % (
                0xA0000 + n, recipient, name, peer, status), file=out)
END

# counted MONTH: the same lines, counted by awk.
counted() {
	awk -v month="$1" '
		{ split($3, part, /[][]/); pid = part[2] }
		/ TLS connection / { grade[pid] = $4; peer[pid] = $9; sub(/:25:$/, "", peer[pid]); id[pid] = ""; next }
		{
			relay = $6; sub(/^relay=/, "", relay); sub(/:25,$/, "", relay)
			if (id[pid] == "")
				id[pid] = $4
			else if (id[pid] != $4)
				delete grade[pid]
			if (!/ status=sent / || substr($1, 1, 7) != month || relay ~ /^127/)
				next
			domain = $5; sub(/^to=<.*@/, "", domain); sub(/>,$/, "", domain)
			g = (pid in grade) && peer[pid] == relay ? grade[pid] : ""
			p = domain == "sts.test" ? "mta-sts" : domain == "pin.test" ? "verified" : "dane"
			if (g != "Verified")
				p = g == "" ? "cleartext" : "encrypted"
			sum[p]++
			rank = p == "cleartext" ? 3 : p == "encrypted" ? 2 : 1
			if (rank > worst[domain])
				worst[domain] = rank
		}
		END {
			for (p in sum)
				print p, sum[p]
			for (d in worst)
				grades[worst[d] == 3 ? "red" : worst[d] == 2 ? "yellow" : "green"]++
			for (g in grades)
				print g, grades[g]
		}' "$log" | LC_ALL=C sort
}
reported() {
	ladder report --json --month "$1"
	json '"\n".join(sorted(["%s %d" % (e["protection"], e["messages"]) for e in d if e["record"] == "protection" and e["messages"]]
		+ ["%s %d" % (e["grade"], e["destinations"]) for e in d if e["record"] == "grade" and e["destinations"]]))'
}

# A clock that is shifted shifts the stamps of lines as well.
unset TLSLADDER_NOW_OFFSET
ladder scan --apply "$log"
at '2026-11-20 12:30' # half an hour later than on the first day, whatever takes long here
is 'the lines are read' $status 0
is 'awk counts some of each' "$(counted 2026-11 | wc -l)" 8
is 'report counts what awk counts' "$(reported 2026-11)" "$(counted 2026-11)"
is 'of the month before too' "$(reported 2026-10)" "$(counted 2026-10)"
is 'and nothing in a month without mail' "$(reported 2026-08)" ''

ladder report --json
is 'the present month is that of the clock' "$(json '{e["month"] for e in d}')" "{'2026-11'}"
is 'each protection once, by name' "$(json '[e["protection"] for e in d if e["record"] == "protection"]')" \
	"['dane', 'mta-sts', 'verified', 'encrypted', 'cleartext']"
is 'destinations add up to the messages' \
	"$(json 'sum(e["messages"] for e in d if e["record"] == "destination") == sum(e["messages"] for e in d if e["record"] == "protection")')" True
is 'an exception has its age and its note, without local parts' \
	"$(json '[(e["destination"], e["level"], e["pinned"], e["weaker"], e["age_days"], e["note"]) for e in sorted(d, key=lambda e: e.get("destination", "")) if e["record"] == "exception"]')" \
	"[('.old.test', 'encrypt', True, False, 80, ''), ('pin.test', 'secure', True, False, 80, 'agreed with <b>Jane</b> *@pin.test & co, *@pin.test')]"
is 'nothing changed in November' "$(json 'sum(e["record"] == "change" for e in d)')" 0
ladder report --json --month 2026-09
is 'the pins are of September' "$(json '[(e["destination"], e["action"], e["before"], e["after"], e["why"]) for e in d if e["record"] == "change"]')" \
	"[('pin.test', 'pin', None, 'secure match=.pin.test', 'pinned'), ('.old.test', 'pin', None, 'encrypt', 'pinned')]"

# --- the forms

ladder report
has 'the text has its month' "$out" 'November 2026'
encrypted=$(counted 2026-11 | sed -n 's/^encrypted //p')
has 'and numbers as in English' "$out" "encrypted $(printf '%20s' "${encrypted%???},${encrypted: -3}")"
ladder report --lang de
has 'in German they are German' "$out" "verschlüsselt $(printf '%16s' "${encrypted%???}.${encrypted: -3}")"
has 'and so are the dates' "$out" 'Stand: 20.11.2026 12:3'
ladder report --lang de --month 2026-09
has 'and the whys' "$out" 'pinned: der Administrator legte diese Stufe fest'

# as_page FILE: is it well-formed, by XML and by HTML, without scripts, links and requests? Its tags and text.
as_page() {
	python3 -c '
import re, sys
import xml.etree.ElementTree as tree
from html.parser import HTMLParser
text = open(sys.argv[1], encoding="utf-8").read()
assert text.startswith("<!DOCTYPE html>\n"), "no document type"
root = tree.fromstring(text.split("\n", 1)[1])
names = {e.tag.split("}")[-1] for e in root.iter()}
assert not names & {"script", "link", "img", "iframe", "object", "embed", "a", "image", "use", "form", "b:b"}, names
assert {"svg", "style", "table", "main"} <= names, names
for e in root.iter():
    for name, value in e.attrib.items():
        assert not name.startswith("on") and name not in ("src", "href", "style"), (e.tag, name)
assert "url(" not in text and "@import" not in text and not re.search("https?://(?!www.w3.org/)", text)
class Reader(HTMLParser):
    open_tags = []
    def handle_starttag(self, tag, attrs):
        self.open_tags.append(tag)
    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag, tag
reader = Reader()
reader.feed(text)
assert not reader.open_tags, reader.open_tags
print(sum(e.tag.endswith("}b") for e in root.iter()), len(list(root.iter())), " ".join("".join(root.itertext()).split()))' "$1"
}

tags=0
for lang in en de; do
	ladder report --html "$dir/report.$lang" --lang $lang --month 2026-11
	is "--html --lang $lang writes a page and prints nothing" "$status$out$err" 0
	page=$(as_page "$dir/report.$lang" 2>&1)
	matches "that is well-formed and has no script or request ($lang)" "$page" '^[0-9]+ [0-9]+ '
	has "the note stands there as it is ($lang)" "$page" 'agreed with <b>Jane</b> *@pin.test & co, *@pin.test'
	is "and is no tag ($lang)" "$(grep -c '<b>Jane' "$dir/report.$lang")" 0
	[[ $tags != 0 ]] || tags=$(cut -d ' ' -f 1,2 <<<"$page")
	is "and as many elements as the other ($lang)" "$(cut -d ' ' -f 1,2 <<<"$page")" "$tags"
done
has 'the German page is German' "$(<"$dir/report.de")" 'Transportverschlüsselung der E-Mail<br/>November 2026'
has 'with German shares' "$(<"$dir/report.de")" $',0\u00a0%'
is 'the page may be read by others' "$(stat -c %a "$dir/report.en")" 644
ladder report --html -
is '--html - prints it' "$out" "$(cat "$dir/report.en")"
ladder report --html "$dir/report.en" --json
is 'with --json both' "$status $(json 'd[0]["record"]')" '0 protection'
before=$(stat -c %i "$dir/report.en")
ladder report --html "$dir/report.en"
is 'an old page is replaced as a whole' "$(($(stat -c %i "$dir/report.en") != before)) $(ls "$dir" | grep -c report.en)" '1 1'

ladder report
cat "$dir/out" >>"$dir/report.text"
ladder report --json
cat "$dir/out" >>"$dir/report.text"
is 'no local part of an address is in any form' "$(cat "$dir"/report.* | grep -acE 'user[0-9]|bob@|jane doe')" 0
is 'of senders and recipients none is in the state' "$(cat "$dir"/state.db* | grep -acE 'user[0-9]')" 0

# Letters that show nothing have one name look like another.
ladder set $'soft\u00adhyphen.test' encrypt
has 'a letter that shows nothing is shown as bytes by set' "$out" 'soft\xc2\xadhyphen.test: none -> encrypt'
ladder set $'tag\U000e0041.test' encrypt --note $'joined\u200dup'
for words in list report 'report --html -' 'export --format csv' $'explain soft\u00adhyphen.test tag\U000e0041.test'; do
	# shellcheck disable=SC2086
	ladder $words
	has "and by ${words%% [^-]*}" "$out" 'soft\xc2\xadhyphen.test'
	has "so is a tag by ${words%% [^-]*}" "$out" 'tag\xf3\xa0\x81\x81.test'
	is "none is left by ${words%% [^-]*}" "$(grep -c $'\u00ad\|\u200d\|\U000e0041' "$dir/out")" 0
done
ladder unset $'soft\u00adhyphen.test' $'tag\U000e0041.test'

# WORDS|WHAT IS SAID
while IFS='|' read -r words said; do
	# shellcheck disable=SC2086
	ladder report $words
	is "report $words is a usage error" $status 64
	has "report $words: $said" "$err" "$said"
done <<END
--month 2026-13|is no month that has begun
--month 2026-12|is no month that has begun
--month 2026-1|is no month that has begun
--month 2026-11-01|is no month that has begun
--month now|is no month that has begun
--month=|--month wants a month
--lang fr|languages are en and de
--html $dir/state.db|is the state
--html - --json|one of --json and --html -
extra|no argument is expected
END
ladder report --html "$dir/none/report.html"
is 'a directory that is not there: exit status 73' $status 73
for offset in -2000000000 252000000000000; do
	TLSLADDER_NOW_OFFSET=$offset ladder report
	has "a clock that is off by $offset s is told" "$status $err" '69 tlsladder: error: the clock of this machine is wrong'
done

finish
