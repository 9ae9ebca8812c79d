#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Where Postfix logs in, mail is never sent at less than the default level, as the password
# would go with it: servers that write down what they are sent.
. "$(dirname -- "$0")/lib.sh"

sent=$dir/passwords.tsv
up strict 'transport_maps=inline:{relayed.test=smtp:[mx.selfsigned.test]:2525, mapped.test=smtp:hostile-issuer.test}' \
	smtp_sasl_auth_enable=Yes smtp_sasl_security_options=noanonymous \
	'smtp_sasl_password_maps=inline:{[mx.selfsigned.test]:2525=boss:secret, mx.plain.test=boss:secret}'
"$sandbox" behave "$dir" mx.selfsigned.test auth
"$sandbox" behave "$dir" mx.plain.test auth-plain
"$sandbox" behave "$dir" mx.hostile-cn.test auth
configure strict 'ladder: {may_after: {attempts: 1}}'
mkdir "$dir/own"

# waits DOMAIN KEY SENTENCE: no entry, and the administrator is alerted.
waits() {
	is "$3: no entry" "$(entry "$2") $(sql "SELECT why FROM destination WHERE key = '$2'")" '- credentials'
	is "$3: mail waits" "$(arrived "user@$1")" waits
	check "$3: an alert" grep -qF "alert: $2: credentials: " "$dir/daemon.err"
}

# --- a map that can be asked

starts
send strict relayed.test plain.test expired-cert.test
settle strict
waits relayed.test '[mx.selfsigned.test]:2525' 'a password for the next-hop'
waits plain.test plain.test 'a password for the server'
is 'none for another: it has its entry' "$(entry expired-cert.test)" encrypt
check 'check says so' eval 'ladder check plain.test | grep -q "password is sent: never below the default level"'
is 'and in JSON' "$(ladder check --json expired-cert.test | grep -o '"credentials":[a-z]*')" '"credentials":false'

# --- a relay on port 587 whose STARTTLS is stripped, the password by its next-hop

"$sandbox" behave "$dir" mx.selfsigned.test auth-plain@25,587,2525
sender relayed 'relayhost=[mx.selfsigned.test]:587' smtp_sasl_auth_enable=yes smtp_sasl_security_options=noanonymous \
	'smtp_sasl_password_maps=inline:{[mx.selfsigned.test]:587=boss:secret}'
stops
configure relayed 'ladder: {may_after: {attempts: 1}}'
starts
send relayed anywhere.test
settle relayed
retry_all relayed
is 'a relay on port 587 offers no TLS, twice' \
	"$(grep -c 'to=<user@anywhere.test>.*:587,.*status=deferred (TLS is required, but was not offered' "$dir/relayed/mail.log")" 2
waits anywhere.test '[mx.selfsigned.test]:587' 'a relay on port 587'
is 'its password was not sent' "$(cat "$sent" 2>/dev/null)" ''
set_postfix relayed smtp_sasl_auth_enable=no
reload
retry_all relayed
awaits 'without a password it has its entry' 30 eval '[[ $(in_map "[mx.selfsigned.test]:587") == dane ]]'
stops
configure strict 'ladder: {may_after: {attempts: 1}}'
"$sandbox" behave "$dir" mx.selfsigned.test auth
starts

# --- a map for root alone

printf '[mx.selfsigned.test]:2525 boss:secret\n' >"$dir/own/password"
chmod 600 "$dir/own/password"
# ... and only a service logs in, by a value that has to be expanded.
inside postconf -c "$dir/strict/config" -P 'smtp/unix/smtp_sasl_auth_enable=$login'
set_postfix strict login=YES smtp_sasl_auth_enable=No \
	"smtp_sasl_password_maps=texthash:$dir/own/password"
reload
stop
start
send strict relayed.test mapped.test hostile-cn.test wrongname-cert.test
settle strict
waits relayed.test '[mx.selfsigned.test]:2525' 'a map for root alone, and a server by name'
waits mapped.test hostile-issuer.test 'a map for root alone, and a relay that a map names'
waits hostile-cn.test hostile-cn.test 'a map for root alone, and a server that offers AUTH'
is 'a map for root alone, and a server that offers none: it has its entry' "$(entry wrongname-cert.test)" encrypt

is 'no password was sent' "$(cat "$sent" 2>/dev/null)" ''

# --- a password that comes when there is an entry

before=$(entry wrongname-cert.test)
printf '%s boss:secret\n' '[mx.selfsigned.test]:2525' mx.wrongname-cert.test >"$dir/own/password"
chmod 644 "$dir/own/password"
reload
"$sandbox" behave "$dir" mx.wrongname-cert.test auth
stop
start TLSLADDER_NOW_OFFSET=90000 # a day later its DNS is asked again
send strict wrongname-cert.test
awaits 'an entry goes when a password comes' 60 eval '[[ $(entry wrongname-cert.test) == - ]]'
is 'there was one' "$before" encrypt

# --- and the recorder records: a pin stands above it

matches 'who sets one is warned' "$(ladder set '[mx.selfsigned.test]:2525' may 2>&1)" \
	'warning: Postfix logs in at \[mx\.selfsigned\.test\]:2525: the password goes at may'
ladder unset '[mx.selfsigned.test]:2525' >/dev/null
# First the password: mail that waits is retried as soon as the pin is in the map. Was it sent
# by now, without a password, that of a new message goes.
printf 'mx.plain.test boss:secret\n' >>"$dir/own/password"
reload
ladder set plain.test may >/dev/null 2>&1
awaits 'the pin is in the map' 20 eval '[[ $(in_map plain.test) == may ]]'
send strict plain.test
retry_all strict
awaits 'a pin of may sends it' 20 grep -q "	mx.plain.test	-	AUTH PLAIN " "$sent"
stops
finish
