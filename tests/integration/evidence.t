#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Whose line it was, and what it proves: mail that went another way, an entry that has no
# effect, TLSA that come to a weakened destination, relays by another spelling.
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
set_postfix strict smtp_tls_policy_maps=
send strict selfsigned.test
awaits 'Postfix asks for no map: the administrator is alerted' 60 \
	grep -q 'alert: selfsigned.test: no-effect: ' "$dir/daemon.err"
is 'the entry stays' "$(entry selfsigned.test)" encrypt
set_postfix strict "smtp_tls_policy_maps=hash:$dir/state/tls_policy"
retry_all strict
is 'the map is back: mail flows' "$(grep -c 'user@selfsigned.test	' "$dir/delivered.tsv")" 2

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
stops

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
