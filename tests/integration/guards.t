#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The guards that need a real Postfix: maps of the administrator's own, a Postfix that
# cannot do DANE, and faults that are ours.
. "$(dirname -- "$0")/lib.sh"

up strict
mkdir "$dir/own"
# own ENTRY...: the administrator's own map. Postfix would not see a second change within
# a second by itself.
own() {
	printf '%s\n' "$@" >"$dir/own/policy"
	inside postmap "hash:$dir/own/policy"
	inside sh -c "kill -HUP \$(cat $dir/strict/queue/pid/master.pid)"
}
ours=hash:$dir/state/tls_policy
theirs=hash:$dir/own/policy
configure strict 'ladder: {may_after: {attempts: 1}}'

# deferred DOMAIN [REASON]
deferred() {
	grep -q "to=<user@$1>.*status=deferred (${2-}" "$dir/strict/mail.log"
}

# told DOMAIN WHY: there is an alert.
told() {
	matches "the administrator is alerted: $1, $2" "$(grep "alert: $1: " "$dir/daemon.err")" "alert: $1: $2: "
}

# why DOMAIN
why() {
	sql "SELECT why FROM destination WHERE key = '$1'"
}

# --- another map in front of ours, and behind it

own 'wrongname-cert.test verify' 'nomx.test verify' '.unsigned-tlsa.test verify'
set_postfix strict "smtp_tls_policy_maps=$theirs, $ours"
starts
send strict wrongname-cert.test selfsigned.test unsigned-tlsa.test
settle strict
is 'a map in front of ours has it: no entry of ours' \
	"$(entry wrongname-cert.test) $(why wrongname-cert.test) $(arrived user@wrongname-cert.test)" '- other-map waits'
is 'a map in front of ours has others: our entry' \
	"$(entry selfsigned.test) $(arrived user@selfsigned.test | cut -d ' ' -f 1)" 'encrypt mx.selfsigned.test'
is 'it has the subdomains alone: our entry' \
	"$(entry unsigned-tlsa.test) $(arrived user@unsigned-tlsa.test | cut -d ' ' -f 1)" 'encrypt mx.unsigned-tlsa.test'

set_postfix strict "smtp_tls_policy_maps=$ours, $theirs"
reload
send strict nomx.test expired-cert.test
settle strict
is 'a map behind ours has it: no entry of ours either' \
	"$(entry nomx.test) $(why nomx.test) $(arrived user@nomx.test)" '- other-map waits'
is 'a map behind ours has others: our entry' \
	"$(entry expired-cert.test) $(arrived user@expired-cert.test | cut -d ' ' -f 1)" 'encrypt mx.expired-cert.test'

# Our entry is there already when the administrator writes one for it.
set_postfix strict "smtp_tls_policy_maps=$theirs, $ours"
reload
own 'selfsigned.test verify' 'nomx.test verify'
send strict selfsigned.test
awaits 'the administrator takes over a destination: our entry goes' 15 \
	eval '[[ $(entry selfsigned.test) == - ]]'
awaits 'and from the map' 10 eval '[[ -z $(in_map selfsigned.test) ]]'

# Given up again, it is ours with the next deferral.
own 'nomx.test verify'
postfix_tool postqueue strict -f
awaits 'what the administrator gives up, the ladder takes' 20 \
	eval '[[ $(entry wrongname-cert.test) == encrypt && $(entry selfsigned.test) == encrypt ]]'
awaits 'and the mail is delivered' 15 grep -q 'user@wrongname-cert.test	' "$dir/delivered.tsv"

# A map that cannot be asked.
mv "$dir/own/policy.db" "$dir/own/away"
send strict hostile-cn.test
# Postfix itself defers everything then, and says so.
await 10 deferred hostile-cn.test >/dev/null
settle strict
is 'a map that is missing: no entry' "$(entry hostile-cn.test)" -
mv "$dir/own/away" "$dir/own/policy.db"
inside sh -c "kill -HUP \$(cat $dir/strict/queue/pid/master.pid)"
postfix_tool postqueue strict -f
awaits 'when it is back: mail flows' 30 grep -q 'user@hostile-cn.test	' "$dir/delivered.tsv"

# --- a plugin that is asked through a socket

printf 'dane-roll.test secure match=mx.dane-roll.test\ndane-nsec3.test dane-only\n' >"$dir/plugin"
inside python3 "$here/socketmap.py" 8461 "$dir/plugin" >"$dir/plugin.out" &
plugin=$!
await 10 grep -q ready "$dir/plugin.out" >/dev/null
set_postfix strict "smtp_tls_policy_maps=socketmap:inet:127.0.0.1:8461:postfix, $ours"
reload
send strict dane-roll.test dane-nsec3.test xn--bcher-kva.test
settle strict
is 'a plugin has it: no entry of ours, not even for DANE' \
	"$(entry dane-roll.test) $(why dane-roll.test) $(arrived user@dane-roll.test)" '- other-map waits'
is 'nor where mail flows by what it says' \
	"$(entry dane-nsec3.test) $(arrived user@dane-nsec3.test | cut -d ' ' -f 1)" '- mx.dane-nsec3.test'
is 'it has others: our entry' \
	"$(entry xn--bcher-kva.test) $(arrived user@xn--bcher-kva.test | cut -d ' ' -f 1)" 'encrypt mx.xn--bcher-kva.test'

# It is gone, so it is not known which keys it has policies for.
before=$(entries)
inside kill "$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$dir/plugin.out")"
wait "$plugin" 2>/dev/null
send strict hostile-issuer.test dane-nsec3.test
awaits 'without it Postfix itself defers everything' 15 deferred hostile-issuer.test 'client TLS configuration problem'
settle strict
is 'no entry comes or goes meanwhile' "$(entries)" "$before"
told hostile-issuer.test our-fault

set_postfix strict "smtp_tls_policy_maps=$ours"
reload
postfix_tool postqueue strict -f
awaits 'without its name in main.cf: what it decided is ours' 20 \
	eval '[[ $(entry dane-roll.test) == dane-only && $(entry hostile-issuer.test) == encrypt ]]'

# --- a Postfix that cannot do DANE

set_postfix strict smtp_dns_support_level= "smtp_tls_policy_maps=$ours"
reload
send strict dane-ok.test dane-ta.test
settle strict
for domain in dane-ok.test dane-ta.test; do
	is "without DNSSEC in Postfix: $domain is neither dane-only nor weakened" \
		"$(entry $domain) $(why $domain) $(arrived user@$domain)" '- dane-impossible waits'
	told $domain dane-impossible
done
set_postfix strict smtp_dns_support_level=dnssec
reload
postfix_tool postqueue strict -f
for domain in dane-ok.test dane-ta.test; do
	awaits "with it again: $domain flows by DANE" 15 grep -q "user@$domain	" "$dir/delivered.tsv"
	is "with it again: $domain is dane-only" "$(entry $domain)" dane-only
done

# --- faults that are ours

own 'signed-no-tlsa.test secure speed=fast' 'unsigned-tlsa.test sometimes'
set_postfix strict "smtp_tls_policy_maps=$theirs, $ours"
reload
awaits 'what their map answers for is theirs, whatever it says' 15 \
	eval '[[ $(entry unsigned-tlsa.test) == - ]]'
settle strict
before=$(entries)
send strict signed-no-tlsa.test unsigned-tlsa.test
settle strict
for domain in signed-no-tlsa.test unsigned-tlsa.test; do
	check "$domain: Postfix refuses the administrator's own entry" \
		deferred $domain 'client TLS configuration problem'
	told $domain our-fault
done
is 'no entry comes or goes' "$(entries)" "$before"

# An entry of ours that this Postfix does not know.
set_postfix strict "smtp_tls_policy_maps=$ours"
reload
sql "UPDATE destination SET attributes = 'speed=fast' WHERE key = 'expired-cert.test'"
ladder set nobody.nowhere.test encrypt
is 'an entry of ours with an attribute that is none' "$(in_map expired-cert.test)" 'encrypt speed=fast'
send strict expired-cert.test
awaits 'Postfix refuses it' 10 deferred expired-cert.test 'client TLS configuration problem'
awaits 'it goes' 10 eval '[[ $(in_map expired-cert.test) != "encrypt speed=fast" ]]'
told expired-cert.test our-entry
awaits 'and the mail is delivered, by a new one' 30 \
	eval '[[ $(grep -c "user@expired-cert.test	" "$dir/delivered.tsv") == 2 ]]'
settle strict
is 'which is as it was at first' "$(in_map expired-cert.test)" encrypt

# The same by an administrator's hand: it is theirs, but they are alerted.
ladder set wrongname-cert.test encrypt
sql "UPDATE destination SET attributes = 'speed=fast' WHERE key = 'wrongname-cert.test'"
ladder set nobody.nowhere.test encrypt
send strict wrongname-cert.test
awaits 'a pin that Postfix refuses' 10 deferred wrongname-cert.test 'client TLS configuration problem'
settle strict
is 'stays' "$(in_map wrongname-cert.test)" 'encrypt speed=fast'
told wrongname-cert.test pin-not-met
send strict wrongname-cert.test
postfix_tool postqueue strict -f
settle strict
is 'once' "$(grep -c 'alert: wrongname-cert\.test: pin' "$dir/daemon.err")" 1
stops
finish
