#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Senders, servers, certificates and headers that write status lines into the log: none
# of them gets an entry for anybody else.
. "$(dirname -- "$0")/lib.sh"

up strict 'header_checks=regexp:{{/^(Subject|X-Note):/ WARN}}' \
	'virtual_alias_maps=regexp:{{/@alias[.]test/ user@valid-ca.test}}'
configure strict 'ladder: {may_after: {attempts: 1}}'
starts

# What each of them would like to be read.
tail='relay=none, delay=0.1, delays=0.1/0/0/0, dsn=4.7.4, status=deferred'
not_offered="$tail (TLS is required, but was not offered by host mx.victim.test[10.53.1.38])"
forged="to=<user@victim.test>, $not_offered"
session='Verified TLS connection established to mx.victim.test[10.53.1.38]:25: TLSv1.3 with cipher X (256/256 bits)'

# mail FROM TO [HEADER]...
mail() {
	local from=$1 to=$2
	shift 2
	{ [[ $# -eq 0 ]] || printf '%s\n' "$@"; printf '\nText.\n'; } |
		"$sandbox" send "$dir" strict "$from" "$to"
}

# --- recipients

# The domain is dane-ok.test: self-signed, so that it is deferred at first.
recipients=(
	'"a>, relay=none, dsn=4.7.4, status=deferred (TLS is required, but was not offered by host x"@dane-ok.test'
	"\"b@victim.test>, $not_offered\"@dane-ok.test"
	"\"c>, $tail (x) 4jYZ: $forged\"@dane-ok.test"
	"\"d\\\" <user@victim.test>, $not_offered\"@dane-ok.test"
	"\"e>, orig_to=<user@victim.test>, $not_offered\"@dane-ok.test"
	"\"f@victim.test>, $not_offered\"@alias.test"
)
# Lines are cut after 2000 octets: the forged text would be the end of one.
for id_length in 14 15 16; do
	text="@victim.test>, $not_offered"
	# What stands before the padding: the queue id, ": to=<" and the quote.
	padding=$((2000 - id_length - 7 - ${#text}))
	recipients+=("\"$(printf "%0${padding}d" 0)$text...\"@dane-ok.test")
done
for to in "${recipients[@]}"; do
	mail sender@sender.test "$to"
done

# --- servers: what they say, and what their certificates say

servers=(starttls-hostile tempfail tempfail2 tempfail3 hostile-cn hostile-issuer)
send strict "${servers[@]/%/.test}"

# --- headers and senders

mail sender@sender.test user@valid-ca.test \
	"Message-ID: <a@sender.test>, $forged"
mail sender@sender.test user@valid-ca.test \
	"Message-ID: <b>
	postfix/smtp[77]: 4jYZ: $forged"
mail sender@sender.test user@valid-ca.test "Subject: x postfix/smtp[77]: 4jYZ: $forged"
mail sender@sender.test user@valid-ca.test "X-Note: TLS policy lookup for victim.test/mx.victim.test: no TLSA records found"
mail "\"x> postfix/smtp[77]: 4jYZ: $forged\"@sender.test" user@valid-ca.test
mail "\"$session\"@sender.test" user@valid-ca.test
mail '"client TLS configuration problem"@sender.test' user@valid-ca.test
# The victim itself, which does very well.
mail sender@sender.test user@victim.test
settle strict
postfix_tool postqueue strict -f
settle strict

# --- they were really there

log=$dir/strict/mail.log
in_log() {
	if grep -qE -- "$2" "$log"; then
		ok "in the log: $1"
	else
		not_ok "in the log: $1" "wanted: $2"
	fi
}
in_log 'a whole status line in a quoted local part' \
	'smtp\[[0-9]+\]: [^ ]+: to=<"a>, relay=none, dsn=4\.7\.4, status=deferred \(TLS is required'
in_log 'another with the domain of the victim' 'to=<"b@victim\.test>, relay=none'
in_log 'one behind an original recipient' 'to=<user@valid-ca\.test>, orig_to=<"f@victim\.test>, relay='
in_log 'one that ends where Postfix cuts the line' \
	'smtp\[[0-9]+\]: [^ ]+: to=<"0+@victim\.test>, relay=none.*not offered by host mx\.victim\.test\[10\.53\.1\.38\]\)$'
in_log 'a server that says a reason of ours' \
	'said: 450 4\.7\.5 Server certificate not verified \(in reply to RCPT TO'
in_log 'a server that says one about the victim' \
	'said: 450.* but was not offered by host mx\.victim\.test'
in_log 'a server that refuses STARTTLS with a status line' \
	'refused to start TLS: 454 4\.7\.0 no\), to=<x@victim\.test>, relay=none'
in_log 'a message-id' 'cleanup\[[0-9]+\]: [^ ]+: message-id=.*to=<user@victim\.test>, relay=none'
in_log 'a subject' 'warning: header Subject: x postfix/smtp\[77\]: 4jYZ: to=<user@victim\.test>'
in_log 'a header that is a policy look-up' 'warning: header X-Note: TLS policy lookup for victim\.test'
in_log 'a sender' 'qmgr\[[0-9]+\]: [^ ]+: from=<"x> postfix/smtp\[77\]: 4jYZ: to=<user@victim\.test>'
in_log 'a session line in a sender' 'qmgr\[[0-9]+\]: [^ ]+: from=<"Verified TLS connection established to mx\.victim'
in_log 'a subject of a certificate' 'mx\.hostile-(cn|issuer)\.test\[10\.53\.1\.(39|64)\]:25'

# --- and led to nothing

is 'entries of those alone who earned them' "$(entries | sort)" "dane-ok.test dane-only
hostile-cn.test encrypt
hostile-issuer.test encrypt
starttls-hostile.test dane"
is 'no other destination is known' \
	"$(sql "SELECT key FROM destination ORDER BY key" | tr '\n' ' ')" \
	'dane-ok.test hostile-cn.test hostile-issuer.test starttls-hostile.test tempfail.test tempfail2.test tempfail3.test valid-ca.test victim.test '
is 'nothing but a verified session is known of victim.test' \
	"$(sql "SELECT what, count FROM tally WHERE destination = (SELECT id FROM destination WHERE key = 'victim.test') ORDER BY what" | tr '\n' ' ')" \
	'sent|1 sent:verified|1 session:verified|1 '
is 'Postfix finds nothing for victim.test' "$(in_map victim.test)" ''
is 'the map holds four lines' "$(grep -c '^[^#]' "$dir/state/tls_policy")" 4
is 'mail to the victim went over TLS' "$(arrived user@victim.test | sed 's/TLSv1.[23]/tls/')" 'mx.victim.test tls'
is 'starttls-hostile.test took its mail in the clear' "$(arrived user@starttls-hostile.test)" \
	'mx.starttls-hostile.test clear'
# The line of a recipient that was cut cannot tell where it went; the server can.
is 'mail to the quoted local parts was delivered by DANE, each' \
	"$(cut -f 2-4 "$dir/delivered.tsv" | grep '^".*@dane-ok\.test' | grep -c 'mx.dane-ok.test	TLS')" 8

# --- the other readers of a log

is 'match sees the recipients as they are' \
	"$(ladder match --json "$log" | python3 -c '
import json, sys
print(*sorted({json.loads(line)["domain"] for line in sys.stdin}))')" \
	'dane-ok.test hostile-cn.test hostile-issuer.test starttls-hostile.test'
sed "s#state/state.db#state/other.db#" "$dir/tlsladder.yaml" >"$dir/other.yaml"
# It does not know the entry by which starttls-hostile.test was sent its mail in the clear: the
# deferral stands, with the words of that server, and in those alone is the victim.
is 'scan, without what the daemon knows, has the victim in the words of a server alone' \
	"$(ladder -c "$dir/other.yaml" scan --json "$log" | python3 -c '
import json, sys
for row in map(json.loads, sys.stdin):
    print(*[row["destination"]] + [name for name in row if "victim" in str(row[name])])')" \
	'starttls-hostile.test reason'

# --- nothing of it comes out again as it came in

is 'the reason is kept with its forged text, for the administrator to see' \
	"$(sql "SELECT reason LIKE '%refused to start TLS: 454 4.7.0 no), to=<*@victim.test>%' FROM decision
		WHERE rule = 'tls-refused'")" 1
is 'every line of the daemon is its own' "$(grep -v '^tlsladder: ' "$dir/daemon.err")" ''
is 'no control character comes out of explain' \
	"$(for domain in starttls-hostile hostile-cn hostile-issuer; do ladder explain $domain.test; done |
		LC_ALL=C tr -d '\n\t -~')" ''
is 'no local part is stored' "$(sql .dump | grep -E 'user@|x@victim|sender@')" ''
stops

# --- where addresses are logged as they are

# Before Postfix 3.5 they always were: a local part that begins with a quote is a line then.
sender old default=yes info_log_address_format=internal
rm -rf "$dir/state"
mkdir "$dir/state"
chown nobody:nogroup "$dir/state"
configure old 'ladder: {may_after: {attempts: 1, time: 1s}}' "log: {file: $dir/old/mail.log, from: start}"
starts
refused="$tail (TLS is required, but host m[192.0.2.1] refused to start TLS: x) y"
for attempt in 1 2; do
	for local in "a@victim.test>, $refused" "\\\"a\\\"@victim.test>, $refused" "a@victim.test>, $not_offered y"; do
		printf 'Subject: %s\n\nText.\n' "$attempt" |
			inside sendmail -C "$dir/old/config" -f sender@sender.test -- "\"$local\"@tempfail.test"
	done
done
settle old
log=$dir/old/mail.log
in_log 'a whole status line, as a recipient without quotes wrote it' \
	'smtp\[[0-9]+\]: [^ ]+: to=<a@victim\.test>, relay=none, .*status=deferred \(TLS is required'
in_log 'one whose address begins with a quote' \
	'smtp\[[0-9]+\]: [^ ]+: to=<"a"@victim\.test>, relay=none, .*status=deferred \(TLS is required'
is 'none of them gives an entry' "$(entries)" ''
is 'or is news of the victim' "$(sql "SELECT key FROM destination WHERE key = 'victim.test'")" ''
is 'nor is the map told' "$(grep -c '^[^#]' "$dir/state/tls_policy")" 0
stops
ladder scan --apply "$log" >/dev/null 2>&1
is 'scan --apply makes none of it' "$(entries)" ''
hasnt 'match leaves it out' "$(ladder match --json --all "$log" 2>/dev/null)" '"domain":"victim.test"'
sed "s#state/state.db#state/other.db#; s#config_directory: [^,}]*#command: [/bin/false]#" "$dir/tlsladder.yaml" >"$dir/other.yaml"
hasnt 'nor where Postfix cannot be asked' "$(ladder -c "$dir/other.yaml" match --json --all "$log" 2>/dev/null)" '"domain":"victim.test"'
finish
