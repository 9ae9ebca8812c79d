#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Whose line it was, and what it proves: mail that went another way, an entry that has no
# effect, TLSA that come to a weakened destination, a server that is mended, relays by another
# spelling.
. "$(dirname -- "$0")/lib.sh"

# send_from SENDER DOMAIN
send_from() {
	"$sandbox" send "$dir" strict "$1" "other@$2" </dev/null
}

# --- a newsletter that goes by a relay of its own

up strict 'sender_dependent_relayhost_maps=inline:{news@sender.test=[mx.valid-ca.test]}'
configure strict 'ladder: {may_after: {attempts: 2, time: 3s}}'
starts
send strict plain.test
newsletters() {
	grep -c 'to=<other@plain.test>.*status=sent' "$dir/strict/mail.log"
}
decided() {
	local before
	before=$(newsletters)
	send_from news@sender.test plain.test
	await 10 eval "[[ \$(newsletters) -gt $before ]]" >/dev/null
	postfix_tool postqueue strict -f
	[[ $(entry plain.test) == dane ]]
}
awaits 'what its relay does begins nothing anew' 90 decided
awaits 'the mail that waited is delivered' 20 grep -q 'user@plain.test	mx.plain.test	-' "$dir/delivered.tsv"
comment "after $(newsletters) newsletters"
is 'nor is it a past of the destination' \
	"$(ladder explain plain.test | grep -c 'last \(encrypted\|verified\|secure\) session')" 0

# --- an entry that Postfix does not ask for

send strict selfsigned.test
settle strict
is 'an entry, and mail flows' "$(entry selfsigned.test) $(arrived user@selfsigned.test | cut -d ' ' -f 1)" \
	'encrypt mx.selfsigned.test'
is '... at the lowest rung, too' "$(entry plain.test) $(in_map plain.test)" 'dane dane'
set_postfix strict smtp_tls_policy_maps=
send strict selfsigned.test plain.test
for row in 'selfsigned.test encrypt' 'plain.test dane'; do
	read -r domain level <<<"$row"
	awaits "Postfix asks for no map: the administrator is alerted of $domain" 60 \
		grep -q "alert: $domain: no-effect: " "$dir/daemon.err"
	is "its entry stays: $level" "$(entry "$domain")" "$level"
done
delivered() {
	grep -c "user@$1	" "$dir/delivered.tsv"
}
is 'and mail waits' "$(delivered selfsigned.test) $(delivered plain.test)" '1 1'
set_postfix strict "smtp_tls_policy_maps=hash:$dir/state/tls_policy"
retry_all strict
is 'the map is back: mail flows' "$(delivered selfsigned.test) $(delivered plain.test)" '2 2'
for domain in selfsigned.test plain.test; do
	is "$domain: one alert of it" "$(grep -c "alert: $domain: no-effect: " "$dir/daemon.err")" 1
done

# --- TLSA that appear, and a key that is another

"$sandbox" behave "$dir" mx.signed-no-tlsa.test plain
send strict signed-no-tlsa.test
awaits 'no TLS: a first attempt' 20 grep -q 'to=<user@signed-no-tlsa.test>.*not offered' "$dir/strict/mail.log"
went_down() {
	postfix_tool postqueue strict -f
	[[ $(in_map signed-no-tlsa.test) == dane ]]
}
awaits 'no TLS: the lowest rung, which uses TLSA' 90 went_down
settle strict
is 'and mail flows' "$(arrived user@signed-no-tlsa.test)" 'mx.signed-no-tlsa.test clear'
"$sandbox" behave "$dir" mx.signed-no-tlsa.test tls
"$sandbox" zone "$dir" tlsa mx.signed-no-tlsa.test 3-1-1
"$sandbox" cert "$dir" mx.signed-no-tlsa.test selfsigned newkey
"$sandbox" resolver "$dir" start
# smtp(8) remembers for a moment that there were no TLSA records; another process does not
set_postfix strict smtp_tls_loglevel=1
send strict signed-no-tlsa.test
awaits 'TLSA, and a key that is another: mail waits' 60 \
	grep -q 'to=<user@signed-no-tlsa.test>.*status=deferred (Server certificate not verified' "$dir/strict/mail.log"
is 'and was not delivered' "$(grep -c 'user@signed-no-tlsa.test	' "$dir/delivered.tsv")" 1

# --- servers that are mended

stops
log=$dir/strict/mail.log
sessions() {
	grep -c "Trusted TLS connection established to mx\.$1\[" "$log"
}
deferrals() {
	grep -c "to=<user@$1>.*status=deferred" "$log"
}
# At a busy machine three times as long. For each the daemon begins anew: a server that was
# asked is not asked again for half a minute, and of maps that no mail waits for the second
# comes ten seconds after the first.
while read -r domain level; do
	start
	is "$domain: it stands at $level" "$(in_map "$domain")" "$level"
	"$sandbox" behave "$dir" "mx.$domain" tls
	"$sandbox" cert "$dir" "mx.$domain" good
	before=$(sessions "$domain") failed_before=$(deferrals "$domain")
	send strict "$domain"
	awaits "$domain: a session with a good certificate" 20 eval "[[ \$(sessions $domain) -gt $before ]]"
	begun=$(now)
	awaits "$domain: it is back at the default level within 5 s" 15 eval "[[ -z \$(in_map $domain) ]]"
	comment "$domain: from $level to the default $(bc <<<"$(now) - $begun") s after its session"
	before=$(grep -c "Verified TLS connection established to mx\.$domain\[" "$log")
	send strict "$domain"
	awaits "$domain: and its next message goes at that" 20 \
		eval "[[ \$(grep -c 'Verified TLS connection established to mx\.$domain\[' '$log') -gt $before ]]"
	is "$domain: without a deferral" "$(deferrals "$domain")" "$failed_before"
	stop
done <<'END'
plain.test dane
selfsigned.test encrypt
END
"$sandbox" cert "$dir" mx.selfsigned.test selfsigned

# --- relays

# relayed NAME RELAYHOST KEY
relayed() {
	rm -rf "$dir/state"
	mkdir "$dir/state"
	chown nobody:nogroup "$dir/state"
	sender "$1" "relayhost=$2"
	configure "$1" 'ladder: {may_after: {attempts: 1}}'
	start
	"$sandbox" send "$dir" "$1" sender@sender.test user@anywhere.test </dev/null
	awaits "relayhost=$2: its entry" 30 eval '[[ $(in_map "'"$3"'") == encrypt ]]'
	awaits "relayhost=$2: mail flows" 30 grep -q 'to=<user@anywhere.test>.*status=sent' "$dir/$1/mail.log"
	stop
}
relayed named '[mx.selfsigned.test]:smtp' '[mx.selfsigned.test]:smtp'
relayed listed '[mx.down.test], [mx.selfsigned.test]' '[mx.selfsigned.test]'
finish
