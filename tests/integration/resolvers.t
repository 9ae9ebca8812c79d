#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Postfix's resolver is not ours: ours validates, and the one in Postfix's resolv.conf only
# hands on. TLSA that we see and Postfix does not must not keep mail waiting.
. "$(dirname -- "$0")/lib.sh"

up strict
log=$dir/strict/mail.log
common=('dns: {resolver: [127.0.0.1], trust: ad}' 'ladder: {may_after: {attempts: 1}}')

# delivered TO: how many messages.
delivered() {
	grep -c "	$1	" "$dir/delivered.tsv"
}

why() {
	sql "SELECT why FROM destination WHERE key = '$1'"
}

# --- another resolver than ours in resolv.conf

configure strict "${common[@]}" 'probe: {servers: no}'
starts
send strict dane-ca.test
settle strict
is 'by its certificate it verifies' "$(entry dane-ca.test) $(delivered user@dane-ca.test)" '- 1'

inside python3 "$here/stripad.py" 127.0.0.2 >"$dir/stripad.out" 2>&1 &
await 10 grep -q ready "$dir/stripad.out" >/dev/null
inside sed -i 's/^nameserver.*/nameserver 127.0.0.2/' /etc/resolv.conf
is 'its answers come without AD' "$(inside dig +adflag @127.0.0.2 _25._tcp.mx.dane-ca.test tlsa | grep -c 'flags:.* ad[ ;]')" 0
inside kill -HUP "$(tr -d ' ' <"$dir/strict/queue/pid/master.pid")"
matches 'ours still sees TLSA' "$(ladder check --json dane-ca.test)" '"dane":"usable"'

# --- no posttls-finger: dane-only is tried, once

"$sandbox" cert "$dir" mx.dane-ca.test expired
send strict dane-ca.test
awaits 'Postfix sees no TLSA there' 60 \
	grep -Eq 'to=<user@dane-ca.test>.*status=deferred \((non DNSSEC destination|no TLSA records found)' "$log"
awaits 'the administrator is alerted that the resolvers differ' 60 \
	grep -q 'alert: dane-ca.test: resolvers-differ: ' "$dir/daemon.err"
settle strict
is 'the entry is gone, and nothing weaker came' "$(entry dane-ca.test)$(in_map dane-ca.test)" -
is 'nothing weaker was ever decided' \
	"$(sql "SELECT after FROM decision WHERE action = 'set' AND after NOT IN ('dane-only', 'none')")" ''
"$sandbox" cert "$dir" mx.dane-ca.test good
retry_all strict
is 'the certificate is good again: mail flows' "$(delivered user@dane-ca.test)" 2
is 'and there is no entry that would keep the next one' "$(entry dane-ca.test)" -
stops

# --- with posttls-finger, which asks the resolver that smtp(8) asks: it is not even tried

rm -rf "$dir/state"
mkdir "$dir/state"
chown nobody:nogroup "$dir/state"
configure strict "${common[@]}"
starts
send strict dane-ca.test
settle strict
"$sandbox" cert "$dir" mx.dane-ca.test expired
send strict dane-ca.test
awaits 'DANE is not met, as Postfix sees it: the administrator is alerted' 60 \
	grep -q 'alert: dane-ca.test: dane-not-met: ' "$dir/daemon.err"
settle strict
is 'the default stays' "$(entry dane-ca.test)$(in_map dane-ca.test) $(why dane-ca.test)" '- dane-not-met'
"$sandbox" cert "$dir" mx.dane-ca.test good
retry_all strict
is 'the certificate is good again: mail flows as before' "$(delivered user@dane-ca.test)" 4

# A destination that never met the default is dane-only at first; then it is told.
send strict dane-ok.test
awaits 'one that never verified: the administrator is alerted' 60 \
	grep -q 'alert: dane-ok.test: resolvers-differ: ' "$dir/daemon.err"
settle strict
is 'it gets nothing weaker' "$(entry dane-ok.test)" -
stops
finish
