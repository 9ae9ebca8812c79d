#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Which of several servers it is: the one that verifies is down for a moment; one that
# promised DANE is down for good; an attacker's is named by a forged MX record.
. "$(dirname -- "$0")/lib.sh"

why() {
	sql "SELECT why FROM destination WHERE key = '$1'"
}

deferred() {
	grep -Eq "to=<user@$1>.*status=deferred \($2" "$log"
}

up strict
configure strict 'ladder: {may_after: {attempts: 2, time: 3s}}'
log=$dir/strict/mail.log

# --- the better one is down for seconds

"$sandbox" zone "$dir" mx hosted.test mx.valid-ca.test,mx.selfsigned.test
starts
send strict hosted.test
settle strict
is 'the first host verifies' "$(entry hosted.test) $(arrived user@hosted.test | cut -d ' ' -f 1)" '- mx.valid-ca.test'
"$sandbox" behave "$dir" mx.valid-ca.test down
send strict hosted.test
awaits 'while it is down the second is met, which does not verify' 30 deferred hosted.test 'Server certificate not verified'
awaits 'the first is waited for, and the administrator is alerted' 60 \
	grep -Eq 'alert: hosted.test: (awaited|no-answer|hold): ' "$dir/daemon.err"
settle strict
is 'there is no entry' "$(entry hosted.test)$(in_map hosted.test)" -
"$sandbox" behave "$dir" mx.valid-ca.test tls
retry_all strict
is 'it is back: mail flows, verified' "$(grep -c 'user@hosted.test	mx.valid-ca.test	TLS' "$dir/delivered.tsv")" 2
is 'and there never was an entry' "$(sql "SELECT count(*) FROM decision WHERE action = 'set'")" 0

# --- the one that promised TLS is down, and the MX record is unsigned

"$sandbox" zone "$dir" mx insecure-mx.test mx.dane-down.test,mx.plain.test
send strict insecure-mx.test
went_down() {
	postfix_tool postqueue strict -f
	[[ $(in_map insecure-mx.test) == dane ]]
}
awaits 'a promise is its host'\''s alone: cleartext at the other' 240 went_down
awaits 'where mail flows' 30 grep -q 'user@insecure-mx.test	mx.plain.test	-' "$dir/delivered.tsv"
stops

# --- a forged MX record, at a default of dane-only

rm -rf "$dir/state"
mkdir "$dir/state"
chown nobody:nogroup "$dir/state"
sender dane smtp_tls_security_level=dane-only smtp_dns_support_level=dnssec
log=$dir/dane/mail.log
configure dane
starts
send dane victim.test
awaits 'from dane-only it is secure that is met' 60 eval '[[ $(in_map victim.test) == secure ]]'
settle dane
is 'mail flows' "$(arrived user@victim.test | cut -d ' ' -f 1)" mx.victim.test
"$sandbox" zone "$dir" mx victim.test mx.valid-ca.test
send dane victim.test
awaits 'a forged MX record with a certificate of its own: mail waits' 30 deferred victim.test 'Server certificate not verified'
awaits 'and the administrator is alerted' 60 grep -q 'alert: victim.test: hold: ' "$dir/daemon.err"
settle dane
is 'the entry stays' "$(entry victim.test) $(in_map victim.test)" 'secure secure'
retry_all dane
is 'and nothing is delivered there' "$(grep -c 'user@victim.test	mx.valid-ca.test' "$dir/delivered.tsv")" 0
"$sandbox" zone "$dir" mx victim.test mx.victim.test
retry_all dane
is 'the record is right again: mail flows' "$(grep -c 'user@victim.test	mx.victim.test	TLS' "$dir/delivered.tsv")" 2
stops

# --- servers that are logged by where an alias leads

rm -rf "$dir/state"
mkdir "$dir/state"
chown nobody:nogroup "$dir/state"
sender alias smtp_cname_overrides_servername=yes
log=$dir/alias/mail.log
configure alias
"$sandbox" zone "$dir" add expired-cert.test alias CNAME mx.expired-cert.test.
"$sandbox" zone "$dir" mx expired-cert.test alias.expired-cert.test
starts
send alias expired-cert.test
awaits 'Postfix logs the name that the alias leads to' 30 \
	grep -q 'to=<user@expired-cert.test>, relay=mx.expired-cert.test\[.*status=deferred' "$log"
awaits 'the destination has it: its entry' 60 eval '[[ $(in_map expired-cert.test) == encrypt ]]'
awaits 'and mail flows' 30 grep -q 'user@expired-cert.test	' "$dir/delivered.tsv"
stops
finish
